"""A recording of an ECG with the probability of each rhythm over time."""

from __future__ import annotations

from collections.abc import Sequence

import mne
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..ecg.leads import ecg_names, spans_of
from ..utils.docs import fill_doc
from .style import LEGEND, class_names, class_style, get_axes

N_DRAWN = 4000  # points of the signal; of a long one, its envelope
MOST_MARKED = 60  # windows; of more, none has a marker


@fill_doc
def plot_rhythm(
    raw: mne.io.BaseRaw,
    epochs: mne.BaseEpochs,
    proba: np.ndarray,
    *,
    classes: Sequence[str],
    lead: str | None = None,
    ax: Sequence[Axes] | np.ndarray | None = None,
) -> Figure:
    """Plot a recording and, below it, the class probabilities of its windows over time.

    Annotated spans of the recording (the true rhythms) are shaded in both; a rhythm that is a class has the
    colour of the class, others are grey.

    Parameters
    ----------
    %(raw)s
    epochs : mne.Epochs
        The windows of the recording, from :func:`~mne_cnnclass.ecg.make_rhythm_epochs`.
    proba : array, shape (n_windows, n_classes)
        Class probabilities of each window, as returned by ``clf.predict_proba(epochs)``.
    classes : sequence of str
        The classes, in the order of the columns of ``proba``: ``clf.classes_``.
    lead : None | str
        The channel to plot. ``None`` plots the first channel of type ``ecg``.
    ax : None | array of matplotlib.axes.Axes, shape (2,)
        The axes for the signal and for the probabilities. ``None`` creates a new figure.

    %(returns_fig)s

    Raises
    ------
    ValueError
        If ``proba`` has the wrong shape.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass import ecg, viz
    >>> beat = 1e-3 * np.exp(-(((np.arange(200) - 80) / 4) ** 2))  # at 250 Hz
    >>> raw = mne.io.RawArray(np.tile(beat, 50)[None], mne.create_info(["II"], 250.0, "ecg"), verbose="ERROR")
    >>> epochs = ecg.make_rhythm_epochs(raw, label="N")
    >>> proba = np.tile([0.2, 0.8], (len(epochs), 1))
    >>> fig = viz.plot_rhythm(raw, epochs, proba, classes=["A", "N"])
    """
    proba, classes = np.asarray(proba), list(classes)
    if proba.shape != (len(epochs), len(classes)):
        raise ValueError(
            f"proba must be of shape {(len(epochs), len(classes))}, a row a window and a column a class, got "
            f"{proba.shape}."
        )
    above, below = get_axes(ax, (9, 4.2), nrows=2, sharex=True, height_ratios=(1.4, 1))
    lead = ecg_names(raw)[0] if lead is None else lead
    styles = [class_style(i) for i in range(len(classes))]
    colors = {name: style["color"] for name, style in zip(classes, styles, strict=True)}
    minutes = raw.times[-1] > 180
    unit = 60.0 if minutes else 1.0
    time, signal = _envelope(raw.times / unit, 1e3 * raw.get_data([lead])[0])
    above.plot(time, signal, color="0.15", linewidth=0.6)
    above.set_ylabel(f"{class_names([lead])[0]} (mV)")
    _shade_spans(raw, (above, below), colors, unit)
    length = len(epochs.times) / epochs.info["sfreq"]
    middle = (epochs.metadata["onset"].to_numpy() + length / 2) / unit
    marker = "o" if len(epochs) <= MOST_MARKED else ""
    for name, values, style in zip(class_names(classes), proba.T, styles, strict=True):
        below.plot(middle, values, marker=marker, markersize=3, linewidth=1.4, label=name, **style)
    below.set(ylim=(-0.03, 1.03), ylabel="Probability", xlabel="Time (min)" if minutes else "Time (s)")
    below.set_xlim(0, raw.times[-1] / unit)
    title = f"{len(epochs)} windows of {length:g} s\nshaded: true rhythm"
    below.legend(title=title, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, **LEGEND)
    return above.figure


def _envelope(time, signal):
    """The signal, or the least and the largest value of each of its stretches, if there are many points."""
    size = len(signal) // (N_DRAWN // 2)
    if size < 2:
        return time, signal
    n = len(signal) // size * size
    parts = signal[:n].reshape(-1, size)
    both = np.column_stack([parts.min(axis=1), parts.max(axis=1)])
    return np.repeat(time[:n:size], 2), both.ravel()


def _shade_spans(raw, axes, colors, unit):
    """Shade the annotations that have a duration, with their names above."""
    place = dict(transform=axes[0].get_xaxis_transform(), ha="center", va="bottom", fontsize="small")
    for begin, end, name in zip(*spans_of(raw), strict=True):
        if end <= begin:
            continue
        for ax in axes:
            ax.axvspan(begin / unit, end / unit, color=colors.get(name, "0.6"), alpha=0.2, linewidth=0)
        if end - begin > 0.06 * raw.times[-1]:
            middle, text = (begin + end) / 2 / unit, class_names([name])[0]
            axes[0].text(middle, 1.01, text, color=colors.get(name, "0.4"), **place)
