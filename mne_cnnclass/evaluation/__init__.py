"""Cross-validation of any scikit-learn classifier on epochs, and what follows from its predictions."""

from ..metrics.scores import calibration_error
from .compare import compare
from .comparison import Comparison
from .evaluate import evaluate
from .learning import LearningCurve, learning_curve
from .probes import Probe, make_probes
from .result import Evaluation
from .summary import summary_table

__all__ = [
    "Comparison",
    "Evaluation",
    "LearningCurve",
    "Probe",
    "calibration_error",
    "compare",
    "evaluate",
    "learning_curve",
    "make_probes",
    "summary_table",
]
