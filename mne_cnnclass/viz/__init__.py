"""Figures of scores and of training, drawn with matplotlib, which is loaded at the first figure."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "comparison": ["plot_comparison", "plot_paired_scores"],
        "confusion": ["plot_confusion_matrix"],
        "ecg_beats": ["plot_average_beats", "plot_beat_errors", "plot_beats"],
        "ecg_rhythm": ["plot_rhythm"],
        "explain": ["plot_beat_importance", "plot_importance"],
        "learning_curve": ["plot_learning_curve"],
        "precision_recall": ["plot_precision_recall"],
        "reliability": ["plot_reliability"],
        "roc": ["plot_roc"],
        "training": ["plot_training"],
    },
)
