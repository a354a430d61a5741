"""Reliability diagram: whether predictions are right as often as they are sure."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.stats import binomtest

from ..metrics.bins import N_BINS, bins_error, reliability_bins
from ..utils.docs import fill_doc
from .style import COLORS, LEGEND, draw_chance, get_axes


@fill_doc
def plot_reliability(
    y_true: np.ndarray,
    proba: np.ndarray,
    *,
    classes: np.ndarray,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot the accuracy of predictions against their confidence (reliability diagram).

    Samples are sorted into 15 bins by their confidence, the probability of the most probable class. Each
    point shows the mean confidence and the accuracy of a bin, with the 95 % confidence interval of the latter
    (Wilson). Points below the diagonal are overconfident predictions. The histogram above shows the number of
    samples.

    Parameters
    ----------
    %(y_true_proba_classes)s
    %(title)s
    %(ax)s

    %(returns_fig)s

    Raises
    ------
    ValueError
        If ``proba`` does not contain probabilities.

    Notes
    -----
    The expected calibration error is the mean absolute difference between accuracy and confidence over bins,
    weighted by their number of samples [1]_. With few samples it is above 0 even if the probabilities are
    correct. The intervals assume independent samples, which does not quite hold for epochs of the same
    recording.

    References
    ----------
    .. [1] Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML 2017.
       arXiv:1706.04599

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.viz import plot_reliability
    >>> p = np.array([0.2, 0.9, 0.6, 0.5])
    >>> fig = plot_reliability([0, 1, 0, 1], np.column_stack([1 - p, p]), classes=[0, 1])
    """
    bins = reliability_bins(y_true, proba, classes=classes)
    right = (bins["accuracy"] * bins["n"]).round().astype(int)
    interval = np.array(
        [binomtest(k, n).proportion_ci(method="wilson") for k, n in zip(right, bins["n"], strict=True)]
    )
    chance = np.unique(y_true, return_counts=True)[1].max() / len(y_true)

    ax = get_axes(ax, (5.0, 5.8), title=title)[0]
    ax.plot([0, 1], [0, 1], color="0.7", linewidth=1, label="right as often as sure")
    draw_chance(ax, chance, "chance accuracy")
    sides = np.abs(interval.T - bins["accuracy"].to_numpy()).clip(0)
    style = dict(fmt="o-", markersize=5, linewidth=1.4, elinewidth=0.9, capsize=2, color=COLORS[0])
    label = f"expected calibration error {bins_error(bins):.3f}"
    ax.errorbar(bins["confidence"], bins["accuracy"], yerr=sides, label=label, **style)
    ax.set(xlim=(0, 1), ylim=(-0.02, 1.02))
    ax.set(xlabel="Confidence (probability of the predicted class)", ylabel="Accuracy (share of samples)")
    heading = f"n = {len(y_true)}, {len(classes)} classes"
    ax.legend(title=heading, loc="best", alignment="left", **LEGEND)

    margin = ax.inset_axes([0, 1.03, 1, 0.18], sharex=ax)
    margin.bar(bins.index, bins["n"], width=1 / N_BINS, align="edge", color=COLORS[0], alpha=0.5)
    margin.set_ylabel("Samples")
    margin.tick_params(labelbottom=False)
    margin.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    return ax.figure
