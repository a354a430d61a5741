"""What matters to a classifier, where MNE has no figure for it: bars of importance, and a coloured beat."""

from __future__ import annotations

from collections.abc import Sequence

import mne
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from ..utils.docs import fill_doc
from .style import CHANCE, COLORS, get_axes


@fill_doc
def plot_importance(importance: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Figure:
    """Plot the loss of score without each channel or band, as mean and SD over permutations.

    Parameters
    ----------
    importance : pandas.DataFrame
        The importance, as returned by :func:`mne_cnnclass.explain.channel_importance` or
        :func:`~mne_cnnclass.explain.band_importance`. If there are many channels, select some:
        ``importance.nlargest(15, "mean")``.
    title : None | str
        Title of the axes. ``None`` shows the score of the intact samples and the numbers of samples and
        permutations, if they are in the ``attrs`` of the table.
    %(ax)s

    %(returns_fig)s

    Examples
    --------
    >>> import pandas as pd
    >>> from mne_cnnclass.viz import plot_importance
    >>> index = pd.Index(["C3", "C4"], name="channel")
    >>> fig = plot_importance(pd.DataFrame({"mean": [0.2, 0.0], "sd": [0.03, 0.01]}, index))
    """
    if not isinstance(importance, pd.DataFrame) or not {"mean", "sd"} <= set(importance):
        raise TypeError(
            "importance must be a table with the columns mean and sd, as of channel_importance, got "
            f"{importance!r}."
        )
    ax = get_axes(ax, figsize=(5.6, 1.3 + 0.26 * len(importance)))[0]
    names = [str(name).replace("$", r"\$") for name in importance.index]
    place = np.arange(len(names))
    ax.barh(place, importance["mean"], xerr=importance["sd"], color=COLORS[0], ecolor="0.25", capsize=2)
    ax.axvline(0, label="no effect", **CHANCE)
    ax.set_yticks(place, names)
    ax.invert_yaxis()  # the first is on top
    metric = importance.attrs.get("scoring", "score")
    ax.set(xlabel=f"Loss of {metric}, mean ± SD", ylabel=str(importance.index.name or "").capitalize())
    ax.legend(fontsize="small", loc="lower right")
    if title is None and "score" in importance.attrs:
        title = "Intact {scoring} {score:.2f}, n = {n_samples} samples\n{n_repeats} permutations"
        title = title.format(**importance.attrs)
    if title is not None:
        ax.set_title(title, fontsize="medium")
    return ax.figure


@fill_doc
def plot_beat_importance(
    evoked: mne.Evoked,
    importance: mne.Evoked,
    *,
    picks: str | Sequence[str] | None = None,
    title: str | None = None,
    ax: Axes | Sequence[Axes] | np.ndarray | None = None,
) -> Figure:
    """Plot the mean waveform of a class, coloured by the contributions to the logit of the class.

    Parameters
    ----------
    evoked : mne.Evoked
        The mean waveform, such as ``view[view.labels == "V"].epochs.average(picks="all")``.
    importance : mne.Evoked
        Contributions to the logit of the class at the same times and channels, from
        :func:`mne_cnnclass.explain.saliency`.
    picks : None | str | list of str
        Names of the channels to plot, one per panel. ``None`` plots all channels of ``importance``.
    title : None | str
        Title above the left panel.
    ax : None | matplotlib.axes.Axes | array of matplotlib.axes.Axes
        The axes to plot on, one per channel. ``None`` creates a new figure.

    %(returns_fig)s

    Raises
    ------
    ValueError
        If ``evoked`` and ``importance`` differ in their times, or if a channel is missing from one of them.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass.viz import plot_beat_importance
    >>> info = mne.create_info(["MLII"], 100.0, "ecg")
    >>> beat = mne.EvokedArray(1e-3 * np.hanning(40)[None], info, nave=8, verbose=False)
    >>> fig = plot_beat_importance(beat, mne.EvokedArray(np.eye(40)[[20]], info, verbose=False))
    """
    picks = importance.ch_names if picks is None else [picks] if isinstance(picks, str) else list(picks)
    missing = [name for name in picks if name not in evoked.ch_names or name not in importance.ch_names]
    if missing:
        raise ValueError(
            f"Channel(s) {missing} missing: evoked has {evoked.ch_names}, importance {importance.ch_names}. "
            'An average of ECG channels needs epochs.average(picks="all").'
        )
    if len(evoked.times) != len(importance.times) or not np.allclose(evoked.times, importance.times):
        raise ValueError(
            f"evoked and importance must have the same times, got {_span(evoked)} and {_span(importance)}."
        )
    axes = get_axes(ax, figsize=(4.8 * len(picks) + 0.8, 3.6), ncols=len(picks))
    values = importance.get_data(picks)
    limit = np.abs(values).max() or 1.0
    for axis, name, value in zip(axes, picks, values, strict=False):
        points = np.column_stack([evoked.times, 1e3 * evoked.get_data([name])[0]])
        lines = LineCollection(
            np.stack([points[:-1], points[1:]], axis=1),
            array=(value[:-1] + value[1:]) / 2,
            cmap="coolwarm",
            clim=(-limit, limit),
            linewidth=3.5,
            capstyle="round",
        )
        axis.plot(*points.T, color="0.75", linewidth=5)  # where nothing matters, the colour is pale
        axis.add_collection(lines)
        axis.set(xlabel="Time (s)", ylabel=f"{name} (mV)")
        axis.axvline(0, **CHANCE)
    axes[0].figure.colorbar(lines, ax=list(axes), label="Contribution to the logit of the class")
    axes[0].set_title(f"Mean of n = {evoked.nave} samples" if title is None else title, loc="left")
    return axes[0].figure


def _span(evoked):
    return f"{evoked.times[0]:g} to {evoked.times[-1]:g} s ({len(evoked.times)} samples)"
