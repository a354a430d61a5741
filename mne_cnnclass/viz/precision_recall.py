"""Precision-recall curves over the folds of a cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

from .curves import GRID, FoldCurves, class_style
from .style import CHANCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_precision_recall(
    y_true: np.ndarray,
    y_score: np.ndarray,
    folds: np.ndarray,
    *,
    classes: np.ndarray,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot the precision-recall curve of each fold and their mean.

    With two classes, the curve is that of the second class. With more, there is a mean curve for each class
    (against the rest), and the macro average over classes, for each fold and over all folds. Curves are
    averaged at the same recall; the average precision (AP) in the legend is the mean ± SD over folds. The
    chance level is the fraction of the class among the samples, which is the precision of uninformative
    scores.

    Parameters
    ----------
    y_true : array, shape (n_samples,)
        The true classes.
    y_score : array, shape (n_samples, n_classes)
        Probabilities or decision scores, with one column per class.
    folds : array, shape (n_samples,)
        The fold in which each sample was tested.
    classes : array, shape (n_classes,)
        The classes, in the order of the columns of ``y_score``.
    title : None | str
        Title of the axes.
    ax : None | matplotlib.axes.Axes
        The axes to plot on. ``None`` creates a new figure.

    Returns
    -------
    fig : matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        If no fold has test samples of two classes, so that no curve is defined.

    Notes
    -----
    For rare classes, this curve is more informative than a ROC curve: a false positive rate of 0.05 is
    harmless for a class with every second sample, but results in far more false than true positives for a
    class with every hundredth sample. The curve is the step function whose area is the average precision,
    :func:`sklearn.metrics.average_precision_score`.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.viz import plot_precision_recall
    >>> y, p = np.array([0, 1, 0, 1]), np.array([0.2, 0.9, 0.6, 0.5])
    >>> fig = plot_precision_recall(y, np.column_stack([1 - p, p]), np.zeros(4), classes=[0, 1])
    """
    curves = FoldCurves(y_true, y_score, folds, classes=classes, curve=_curve, name="precision-recall")
    share = np.array([np.mean(np.asarray(y_true) == classes[i]) for i in curves.shown])
    if len(share) > 1:
        curves.names = [f"{name}, chance {p:.2f}" for name, p in zip(curves.names, share, strict=True)]
    ax = curves.draw(ax)
    if len(share) > 1:
        for i, p in enumerate(share):
            ax.axhline(p, **CHANCE | dict(color=class_style(i)["color"], alpha=0.6))
    else:
        ax.axhline(share[0], label=f"{share[0]:.2f}  chance", **CHANCE)
    ax.set(xlabel="Recall (true positive rate)", ylabel="Precision (share of right among predicted)")
    curves.add_legend(ax, "AP", loc="lower left")
    if title is not None:
        ax.set_title(title)
    return ax.figure


def _curve(positive, score):
    """Precisions on the grid of recalls, and the average precision."""
    precision, recall, _ = precision_recall_curve(positive, score)
    # From high thresholds to low, the first that reaches a recall. At recall 0 there is a precision of 1 by
    # convention alone, so the curve starts with the first sample that is found.
    reached = np.searchsorted(recall[::-1], GRID.clip(1e-9))
    return precision[::-1][reached], average_precision_score(positive, score)
