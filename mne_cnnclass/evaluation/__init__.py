"""Cross-validation of any scikit-learn classifier on epochs, and what follows from its predictions."""

from .evaluate import evaluate
from .learning import LearningCurve, learning_curve
from .metrics import calibration_error, summary_table
from .result import Evaluation

__all__ = ["Evaluation", "LearningCurve", "calibration_error", "evaluate", "learning_curve", "summary_table"]
