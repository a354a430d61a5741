"""Cross-validation of any scikit-learn classifier on epochs, and what follows from its predictions."""

from .evaluate import evaluate
from .metrics import summary_table
from .result import Evaluation

__all__ = ["Evaluation", "evaluate", "summary_table"]
