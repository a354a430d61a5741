"""Training curves, and learning curves: what further epochs and further samples are worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..utils.docs import fill_doc
from .style import COLORS, FOLD, MEAN, draw_chance, get_axes

PANELS = (("loss", "Loss"), ("accuracy", "Accuracy (share of samples)"))
PARTS = (("train", "training", COLORS[0]), ("valid", "validation", COLORS[1]))


@fill_doc
def plot_training(
    histories: pd.DataFrame,
    *,
    chance: float | None = None,
    title: str | None = None,
    ax: Axes | Sequence[Axes] | np.ndarray | None = None,
) -> Figure:
    """Plot loss and accuracy over the training epochs, for each fold (thin lines) and on average.

    The mean ends where the first fold ends, as it would otherwise be the mean of different folds.

    Parameters
    ----------
    histories : pandas.DataFrame
        The ``histories`` of an evaluation or the ``history_`` of a classifier, with the columns ``epoch`` and
        ``train_loss``, and optionally ``valid_loss``, ``train_accuracy``, ``valid_accuracy``, ``fold`` if
        there are several, and ``member`` if a fold has several networks.
    chance : None | float
        The chance level of the accuracy, plotted as a line. ``None`` plots none.
    title : None | str
        Title above the left axes.
    ax : None | matplotlib.axes.Axes | array of matplotlib.axes.Axes
        The axes to plot on: one for the loss, or two for loss and accuracy. ``None`` creates a new figure.

    %(returns_fig)s

    Examples
    --------
    >>> import pandas as pd
    >>> from mne_cnnclass.viz import plot_training
    >>> fig = plot_training(pd.DataFrame(dict(fold=0, epoch=[1, 2], train_loss=[0.7, 0.5])))
    """
    if not isinstance(histories, pd.DataFrame) or not {"epoch", "train_loss"} <= set(histories):
        raise TypeError(
            "histories must be a table with the columns epoch and train_loss, as history_ of a fitted "
            f"CNNClassifier, got {histories!r}."
        )
    if "fold" not in histories:
        histories = histories.assign(fold=0)
    panels = [
        (what, label) for what, label in PANELS if any(f"{part}_{what}" in histories for part, *_ in PARTS)
    ]
    axes = get_axes(ax, (4.6 * len(panels), 3.8), ncols=len(panels))
    for axis, (what, label) in zip(axes, panels, strict=False):
        for part, name, color in PARTS:
            if f"{part}_{what}" in histories:
                # rows are epochs, columns are folds, or the networks of each
                curves = [column for column in ("fold", "member") if column in histories]
                table = histories.pivot(index="epoch", columns=curves, values=f"{part}_{what}")
                _draw(axis, table, name, color, "folds" if len(curves) == 1 else "networks of all folds")
        if what == "accuracy":
            axis.set_ylim(-0.02, 1.02)
            draw_chance(axis, chance)
        axis.set(xlabel="Epoch of training", ylabel=label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.legend(fontsize="small")
    if title is not None:
        axes[0].set_title(title, loc="left")
    return axes[0].figure


def _draw(axis, table, name, color, curves):
    marker = "o" if len(table) == 1 else None
    if table.shape[1] > 1:
        axis.plot(table.index, table, color=color, marker=marker, **FOLD)
        name = f"{name}, mean of {table.shape[1]} {curves}"
    mean = table.dropna().mean(axis=1)
    axis.plot(mean.index, mean, color=color, marker=marker, label=name, **MEAN)


@fill_doc
def plot_learning_curve(
    scores: pd.DataFrame,
    metric: str,
    *,
    unit: str,
    chance: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot a metric against the amount of training data, for each fold (thin lines) and on average.

    Parameters
    ----------
    scores : pandas.DataFrame
        The scores, with the columns ``size``, ``fold``, ``metric`` and ``value``.
    metric : str
        The metric to plot.
    unit : str
        The unit of the sizes, such as "samples".
    chance : None | float
        The chance level, plotted as a line. ``None`` plots none.
    %(title)s
    %(ax)s

    %(returns_fig)s

    Raises
    ------
    ValueError
        If the metric is not in ``scores``.

    Examples
    --------
    >>> import pandas as pd
    >>> from mne_cnnclass.viz import plot_learning_curve
    >>> scores = pd.DataFrame(dict(size=[10, 20], fold=0, metric="accuracy", value=[0.6, 0.7]))
    >>> fig = plot_learning_curve(scores, "accuracy", unit="samples", chance=0.5)
    """
    if metric not in set(scores["metric"]):
        raise ValueError(f"There is no metric {metric!r}; there are {scores['metric'].unique().tolist()}.")
    table = scores[scores["metric"] == metric].pivot(index="size", columns="fold", values="value")
    ax = get_axes(ax, (5.2, 4.0), title=title)[0]
    n_folds = table.shape[1]
    if n_folds > 1:
        ax.plot(table.index, table, color=COLORS[0], **FOLD)[0].set_label("each fold")
    label = f"mean of {n_folds} folds" if n_folds > 1 else "one fold"
    ax.plot(table.index, table.mean(axis=1), color=COLORS[0], marker="o", label=label, **MEAN)
    draw_chance(ax, chance)
    ax.set(xlabel=f"Training {unit}", ylabel=metric.replace("_", " ").capitalize())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize="small")
    return ax.figure
