"""Figures of scores, training and importance, drawn with matplotlib, which is loaded at the first figure."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "confusion": ["plot_confusion_matrix"],
        "explain": ["plot_beat_importance", "plot_importance"],
        "roc": ["plot_roc"],
        "training": ["plot_training"],
    },
)
