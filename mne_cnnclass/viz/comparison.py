"""Pipelines held against each other: the matrix of pairs, and the paired scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..metrics.statistics import format_p
from ..utils.docs import fill_doc
from .style import COLORS, class_names, draw_chance, get_axes, longest_line

LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


@fill_doc
def plot_comparison(
    table: pd.DataFrame,
    *,
    pipelines: Sequence[str],
    metric: str,
    units: str,
    lower_is_better: bool = False,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot a matrix of the differences between pipelines, with their p-values.

    The colour shows whether the pipeline of the row or that of the column is better, also for metrics where
    lower is better. The number is the difference, row minus column; the p-value below it is adjusted by
    Holm's method. The diagonal shows the mean of each pipeline.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per pair of pipelines, as in ``Comparison.table``.
    pipelines : list of str
        The pipelines, in the order of rows and columns.
    %(metric)s
    units : str
        The units that ``n`` counts, such as "groups".
    %(lower_is_better)s
    title : None | str
        Title of the axes. ``None`` shows the metric, the test and n.
    %(ax)s

    %(returns_fig)s

    Examples
    --------
    >>> import pandas as pd
    >>> from mne_cnnclass.viz import plot_comparison
    >>> pair = dict(pipeline_a="A", pipeline_b="B", mean_a=0.8, mean_b=0.7, difference=0.1)
    >>> table = pd.DataFrame([pair | dict(p_holm=0.03, n=9, test="sign-flip permutation")])
    >>> fig = plot_comparison(table, pipelines=["A", "B"], metric="accuracy", units="groups")
    """
    pipelines = list(pipelines)
    n_pipelines = len(pipelines)
    differences = np.full((n_pipelines, n_pipelines), np.nan)
    texts = {}
    for pair in table.to_dict("records"):
        a, b = (pipelines.index(pair[key]) for key in ("pipeline_a", "pipeline_b"))
        for row, column, sign in ((a, b, 1), (b, a, -1)):
            differences[row, column] = sign * pair["difference"]
            texts[row, column] = f"{sign * pair['difference']:+.3f}\n{_p_text(pair['p_holm'])}"
        texts[a, a], texts[b, b] = (f"mean\n{pair[key]:.3f}" for key in ("mean_a", "mean_b"))

    names = class_names(pipelines, width=16)
    room, side = 0.09 * longest_line(names), 1.15 * n_pipelines
    ax = get_axes(ax, (max(side + room + 1.9, 6.2), 0.8 * side + 2.4))[0]
    sign = -1 if lower_is_better else 1  # of differences in favour of the row
    limit = np.nanmax(np.abs(differences)) or 1.0
    # black text stays readable: the dark ends of the colour map are left out
    image = ax.imshow(sign * differences, cmap="PuOr", vmin=-1.8 * limit, vmax=1.8 * limit, aspect="auto")
    ax.set_facecolor("0.93")
    for (row, column), text in texts.items():
        color = "0.35" if row == column else "k"
        ax.text(column, row, text, ha="center", va="center", fontsize="small", color=color)
    ax.set_xticks(range(n_pipelines), names, fontsize="small")
    ax.set_yticks(range(n_pipelines), names, fontsize="small")
    stars = ", ".join(f"{stars} p < {level:g}" for level, stars in reversed(LEVELS))
    pairs = f"{len(table)} pair{'s' * (len(table) != 1)}"
    ax.set(xlabel=f"Column\n\np by Holm's method over {pairs}: {stars}", ylabel="Row")
    if title is None:
        test, n = table[["test", "n"]].iloc[0]
        title = f"{_words(metric)}, row minus column\n{test} test, n = {n} {units}"
    ax.set_title(title, fontsize="medium")
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
    bar.set_label("Row worse ← difference → row better")
    bar.ax.set_ylim(-limit, limit)
    bar.set_ticks([-limit, 0, limit], labels=[f"{-sign * limit:+.2g}", "0", f"{sign * limit:+.2g}"])
    return ax.figure


def _p_text(p_value):
    stars = next((stars for level, stars in LEVELS if p_value < level), "")
    return f"{format_p(p_value)} {stars}".rstrip()


def _words(metric):
    return metric.replace("_", " ").capitalize().replace("Roc auc", "ROC-AUC")


@fill_doc
def plot_paired_scores(
    scores: Mapping[str, pd.DataFrame],
    *,
    means: Mapping[str, pd.DataFrame],
    chance: ArrayLike,
    metric: str,
    units: str,
    lower_is_better: bool = False,
    ax: Axes | Sequence[Axes] | np.ndarray | None = None,
) -> Figure:
    """Plot the scores of each group or fold, joined by lines across pipelines, and the means.

    Parameters
    ----------
    scores : dict of str to pandas.DataFrame
        The scores of each data set, with one row per group or fold and one column per pipeline. Data sets are
        plotted side by side.
    means : dict of str to pandas.DataFrame
        For each data set, one row per pipeline with ``mean``, ``low`` and ``high``.
    chance : array-like of float, shape (n_datasets,)
        The chance level of each data set; NaN is not plotted.
    %(metric)s
    units : str
        What each line represents, such as "groups".
    %(lower_is_better)s
    %(ax_datasets)s

    %(returns_fig)s

    Examples
    --------
    >>> import pandas as pd
    >>> from mne_cnnclass.viz import plot_paired_scores
    >>> scores = pd.DataFrame({"A": [0.8, 0.7], "B": [0.7, 0.5]})
    >>> means = pd.DataFrame(dict(mean=[0.75, 0.6], low=[0.6, 0.4], high=[0.9, 0.8]), index=["A", "B"])
    >>> fig = plot_paired_scores(
    ...     {"": scores}, means={"": means}, chance=[0.5], metric="accuracy", units="groups"
    ... )
    """
    n_pipelines = max(table.shape[1] for table in scores.values())
    names = {name: class_names(table, width=16) for name, table in scores.items()}
    longest = max(map(longest_line, names.values()))
    width = max(4.2, 1.5 + max(1.1, 0.1 * longest) * n_pipelines)
    axes = get_axes(ax, (width * len(scores), 4.4), ncols=len(scores))
    for axis, (name, table), level in zip(axes, scores.items(), chance, strict=True):
        places = np.arange(table.shape[1])
        axis.plot(places, table.to_numpy().T, color=COLORS[0], linewidth=0.8, alpha=0.35)
        for place, pipeline in enumerate(table):
            axis.plot(np.full(len(table), place), table[pipeline], "o", color=COLORS[0], alpha=0.55, ms=4.5)
        mean = means[name].loc[list(table)]
        sides = [mean["mean"] - mean["low"], mean["high"] - mean["mean"]]
        style = dict(fmt="D", color="black", capsize=4, zorder=3)
        axis.errorbar(places + 0.12, mean["mean"], yerr=sides, label="mean, 95 % CI", **style)
        draw_chance(axis, level)
        label = f"a {units.removesuffix('s')}"
        axis.plot([], [], "o-", color=COLORS[0], alpha=0.6, linewidth=0.8, ms=4.5, label=label)
        axis.set_xticks(places, names[name], fontsize="small")
        axis.set_xlim(-0.4, len(places) - 0.6 + 0.12)
        direction = "lower" if lower_is_better else "higher"
        axis.set(xlabel="Pipeline", ylabel=f"{_words(metric)} ({direction} is better)")
        axis.set_title(f"{name}: " * bool(name) + f"n = {len(table)} {units}", fontsize="medium")
        axis.legend(fontsize="small", loc="best")
    return axes[0].figure
