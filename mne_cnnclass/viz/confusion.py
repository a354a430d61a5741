"""Confusion matrix."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix

from ..utils.docs import fill_doc
from .style import class_names, get_axes, longest_line


@fill_doc
def plot_confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    classes: ArrayLike,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot a confusion matrix, with counts and percentages of the true class.

    Parameters
    ----------
    y_true, y_pred : array, shape (n_samples,)
        The true and the predicted classes.
    classes : array, shape (n_classes,)
        The classes, in the order of rows and columns.
    %(title)s
    %(ax)s

    %(returns_fig)s

    Examples
    --------
    >>> from mne_cnnclass.viz import plot_confusion_matrix
    >>> fig = plot_confusion_matrix([0, 0, 1, 1], [0, 0, 1, 0], classes=[0, 1])
    """
    counts = confusion_matrix(y_true, y_pred, labels=classes)
    totals = counts.sum(axis=1, keepdims=True)
    percent = np.divide(100 * counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)

    n_classes = len(classes)
    names = class_names(classes)
    side, room = (
        max(2.6, 0.6 * n_classes),
        0.085 * longest_line(names),
    )  # of the matrix and of the names, in inches
    tilted = room > side / n_classes
    size = side + room + 1.8, side + 1.1 + (0.7 * room if tilted else 0)
    ax = get_axes(ax, size, title=title)[0]
    image = ax.imshow(percent, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    ax.set_facecolor("0.9")  # seen where there is no sample of a true class
    fontsize = "medium" if n_classes < 6 else "small"
    for (row, column), count in np.ndenumerate(counts):
        share = percent[row, column]
        shown = "<1" if 0 < share < 1 else ">99" if 99 < share < 100 else f"{share:.0f}"
        text = f"{count}" if np.isnan(share) else f"{count}\n{shown}%"
        # Below this relative luminance white is read more easily than black (contrast ratio of WCAG 2).
        red_green_blue = np.array(image.to_rgba(np.nan_to_num(share))[:3])
        luminance = np.dot(red_green_blue**2.2, [0.2126, 0.7152, 0.0722])
        color = "white" if luminance < 0.18 else "black"
        ax.text(column, row, text, ha="center", va="center", color=color, fontsize=fontsize)

    tilt = dict(rotation=45, ha="right", rotation_mode="anchor") if tilted else {}
    ax.set_xticks(range(n_classes), names, **tilt)
    ax.set_yticks(range(n_classes), names)
    ax.set(xlabel="Predicted class", ylabel="True class")
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, format=PercentFormatter(decimals=0))
    bar.set_label("Share of the true class")
    return ax.figure
