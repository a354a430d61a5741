from .comparison import plot_comparison, plot_paired_scores
from .confusion import plot_confusion_matrix
from .curves import plot_precision_recall, plot_roc
from .ecg_beats import plot_average_beats, plot_beat_errors, plot_beats
from .ecg_rhythm import plot_rhythm
from .explain import plot_beat_importance, plot_importance
from .live import plot_decisions
from .reliability import plot_reliability
from .training import plot_learning_curve, plot_training

__all__ = [
    "plot_average_beats",
    "plot_beat_errors",
    "plot_beat_importance",
    "plot_beats",
    "plot_comparison",
    "plot_confusion_matrix",
    "plot_decisions",
    "plot_importance",
    "plot_learning_curve",
    "plot_paired_scores",
    "plot_precision_recall",
    "plot_reliability",
    "plot_rhythm",
    "plot_roc",
    "plot_training",
]
