"""ROC curves over the folds of a cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import auc, roc_curve

from .curves import GRID, FoldCurves
from .style import CHANCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_roc(
    y_true: np.ndarray,
    y_score: np.ndarray,
    folds: np.ndarray,
    *,
    classes: np.ndarray,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot the ROC curve of each fold and their mean.

    With two classes, the curve is that of the second class. With more, there is a mean curve for each class
    (against the rest), and the macro average over classes, for each fold and over all folds. Curves are
    averaged at the same false positive rate; the AUC in the legend is the mean ± SD over folds.

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

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.viz import plot_roc
    >>> y, p = np.array([0, 1, 0, 1]), np.array([0.2, 0.9, 0.6, 0.5])
    >>> fig = plot_roc(y, np.column_stack([1 - p, p]), np.zeros(4), classes=[0, 1])
    """
    curves = FoldCurves(y_true, y_score, folds, classes=classes, curve=_curve, name="ROC")
    ax = curves.draw(ax, start=0)
    ax.plot([0, 1], [0, 1], label="0.50  chance", **CHANCE)
    ax.set(xlabel="False positive rate", ylabel="True positive rate")
    curves.add_legend(ax, "AUC", loc="lower right")
    if title is not None:
        ax.set_title(title)
    return ax.figure


def _curve(positive, score):
    """True positive rates on the grid, and the area under the curve."""
    false_rate, true_rate, _ = roc_curve(positive, score)
    return np.interp(GRID, false_rate, true_rate), auc(false_rate, true_rate)
