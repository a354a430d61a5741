"""Learning curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from .style import CHANCE, COLORS, FOLD, MEAN, get_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    ax = get_axes(ax, figsize=(5.2, 4.0))[0]
    n_folds = table.shape[1]
    if n_folds > 1:
        lines = ax.plot(table.index, table, color=COLORS[0], **FOLD)
        lines[0].set_label("each fold")
    label = f"mean of {n_folds} folds" if n_folds > 1 else "one fold"
    ax.plot(table.index, table.mean(axis=1), color=COLORS[0], marker="o", label=label, **MEAN)
    if chance is not None and chance == chance:
        ax.axhline(chance, label=f"chance {chance:.2f}", **CHANCE)
    ax.set(xlabel=f"Training {unit}", ylabel=metric.replace("_", " ").capitalize())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize="small")
    if title is not None:
        ax.set_title(title)
    return ax.figure
