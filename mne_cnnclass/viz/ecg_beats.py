"""Heartbeats: the average of each class, a stretch of signal with what was predicted, and the errors."""

from __future__ import annotations

from collections.abc import Sequence

import mne
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from ..ecg.beats import TYPICAL
from ..ecg.leads import ecg_names
from ..ecg.quality import NOT_JUDGED
from ..samples.types import EpochsLike
from ..samples.view import EpochsView
from ..utils.docs import fill_doc
from .style import CHANCE, COLORS, class_names, new_figure

SPREAD = (10, 90)  # percentiles
ERROR = "#D55E00"
N_BINS = 10


def plot_average_beats(epochs: EpochsLike, labels: ArrayLike | None = None) -> Figure:
    """Plot the average beat of each class, with its spread, in each lead.

    Parameters
    ----------
    epochs : EpochsView | mne.Epochs | list of mne.Epochs
        Heartbeats from :func:`~mne_cnnclass.ecg.make_beat_epochs`.
    labels : None | array, shape (n_beats,)
        The class of each beat, for instance the predicted one. ``None`` uses the labels of the epochs.

    Returns
    -------
    fig : matplotlib.figure.Figure
        The figure, with one row per lead and one column per class. Lines are means, areas extend from the
        10th to the 90th percentile of beats, and grey lines are the mean of the most frequent class.

    Raises
    ------
    ValueError
        If the number of labels differs from that of the beats.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass import ecg, viz
    >>> beat = 1e-3 * np.exp(-(((np.arange(200) - 80) / 4) ** 2))  # at 250 Hz
    >>> raw = mne.io.RawArray(np.tile(beat, 50)[None], mne.create_info(["II"], 250.0, "ecg"), verbose="ERROR")
    >>> raw = raw.set_annotations(mne.Annotations(0.32 + 0.8 * np.arange(50), 0, ["N"] * 50))
    >>> fig = viz.plot_average_beats(ecg.make_beat_epochs(raw, leads=["II"], h_freq=40))
    """
    view = _beats(epochs)
    labels = view.labels if labels is None else np.asarray(labels)
    if len(labels) != len(view):
        raise ValueError(f"labels must have one for each of {len(view)} beats, got {len(labels)}.")
    classes, counts = np.unique(labels, return_counts=True)
    size = 1.2 + 1.9 * len(classes), 0.9 + 1.9 * len(view.ch_names)
    fig, axes = new_figure(len(view.ch_names), len(classes), size, sharex=True, sharey="row")
    data = 1e3 * np.asarray(view)  # the record's typical QRS complex is 1 mV high
    reference = data[labels == classes[counts.argmax()]].mean(axis=0)
    for k, (name, shown) in enumerate(zip(classes, class_names(classes, width=14), strict=True)):
        own = labels == name
        low, high = np.percentile(data[own], SPREAD, axis=0)
        mean = data[own].mean(axis=0)
        color = COLORS[k % len(COLORS)]
        for i, ax in enumerate(axes[:, k]):
            ax.axvline(0, **CHANCE)
            ax.plot(view.times, reference[i], color="0.6", linewidth=1)
            ax.fill_between(view.times, low[i], high[i], color=color, alpha=0.25, linewidth=0)
            ax.plot(view.times, mean[i], color=color, linewidth=1.8)
        n_patients = view.metadata["patient"][own].nunique()
        axes[0, k].set_title(
            f"{shown}\n{_count(own.sum(), 'beat')}\n{_count(n_patients, 'patient')}", fontsize="medium"
        )
        axes[-1, k].set_xlabel("Time from R (s)")
    for ax, lead in zip(axes[:, 0], class_names(view.ch_names), strict=True):
        ax.set_ylabel(f"{lead} (record's typical\nQRS complex = 1)")
    fig.suptitle(
        f"Mean, and 10th to 90th percentile of beats; grey: mean of {class_names(classes)[counts.argmax()]}",
        fontsize="medium",
    )
    return fig


@fill_doc
def plot_beats(
    raw: mne.io.BaseRaw,
    onset: np.ndarray,
    predicted: np.ndarray,
    true: np.ndarray | None = None,
    *,
    start: float = 0.0,
    duration: float = 10.0,
    leads: Sequence[str] | None = None,
) -> Figure:
    """Plot a segment of a recording with the predicted or true class of each beat, or with both.

    Parameters
    ----------
    %(raw)s
    onset : array, shape (n_beats,)
        Times of the beats in s from the start of the recording.
    predicted : array, shape (n_beats,)
        The predicted class of each beat, or the annotated one if there is no other. ``"not judged"`` is shown
        as a question mark, with hatching, and is no error.
    true : None | array, shape (n_beats,)
        The true class of each beat, if known. Misclassified beats are shaded.
    start, duration : float
        Start and duration of the segment in s. Defaults are 0.0 and 10.0.
    leads : None | list of str
        The channels to plot. ``None`` plots all channels of type ``ecg``.

    %(returns_fig)s

    Raises
    ------
    ValueError
        If the segment is not within the recording, or if the arrays differ in length.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass import viz
    >>> beat = 1e-3 * np.exp(-(((np.arange(200) - 80) / 4) ** 2))  # at 250 Hz
    >>> raw = mne.io.RawArray(np.tile(beat, 50)[None], mne.create_info(["II"], 250.0, "ecg"), verbose="ERROR")
    >>> fig = viz.plot_beats(raw, 0.32 + 0.8 * np.arange(50), ["N"] * 50, ["N"] * 49 + ["V"])
    """
    onset, predicted = np.asarray(onset, float), np.asarray(predicted, object)
    true = None if true is None else np.asarray(true, object)
    if len({len(onset), len(predicted), len(onset if true is None else true)}) > 1:
        raise ValueError("onset, predicted and true must have one entry for each beat.")
    if not 0 <= start < raw.times[-1] or duration <= 0:
        raise ValueError(
            f"The stretch must begin in the recording, which lasts {raw.times[-1]:g} s, and be longer than 0 "
            f"s; got start={start:g} and duration={duration:g}."
        )
    end = min(start + duration, raw.times[-1])
    if leads is None:
        leads = ecg_names(raw, exclude=())
    first, last = raw.time_as_index([start, end])
    data, times = raw.get_data(leads, first, last + 1), raw.times[first : last + 1]
    fig, axes = new_figure(len(leads), 1, (10, 1.1 + 1.5 * len(leads)), sharex=True)
    shown = np.flatnonzero((onset >= start) & (onset <= end))
    unread = predicted == NOT_JUDGED
    wrong = np.zeros(len(onset), bool) if true is None else (predicted != true) & ~unread
    for ax, lead, signal in zip(axes[:, 0], class_names(leads), data, strict=True):
        ax.plot(times, 1e3 * signal, color="0.15", linewidth=0.8)
        ax.set_ylabel(f"{lead} (mV)")
        for which, look in (
            (wrong, dict(color="0.88")),
            (unread, dict(fill=False, hatch="///", edgecolor="0.8")),
        ):
            for k in shown[which[shown]]:
                ax.axvspan(max(start, onset[k] - 0.25), min(end, onset[k] + 0.45), linewidth=0, **look)
    rows = {"": predicted} if true is None else {"true": true, "predicted": predicted}
    _name_beats(axes[0, 0], onset, rows, shown, wrong)
    axes[-1, 0].set(xlabel="Time (s)", xlim=(start, end))
    errors = "" if true is None else f", {_count(wrong[shown].sum(), 'error')} (shaded)"
    errors += f", {unread[shown].sum()} not judged (?)" * bool(unread[shown].any())
    fig.suptitle(f"{_count(len(shown), 'beat')}{errors}", fontsize="medium", x=0.99, ha="right")
    return fig


def _name_beats(ax, onset, rows, shown, wrong):
    """The classes of the shown beats above the axes: the true and the predicted ones in a row each."""
    classes = np.unique(np.concatenate([*rows.values()]).astype(str))
    colors = {name: COLORS[k % len(COLORS)] for k, name in enumerate(classes)} | {NOT_JUDGED: "0.4"}
    room = 6 + 3.2 * max(
        (len(name) for name in classes if name != NOT_JUDGED), default=0
    )  # in points, for half a name at the left edge
    for row, (title, names) in enumerate(rows.items()):
        height = 1.04 + 0.14 * (len(rows) - 1 - row)
        place = dict(transform=ax.get_xaxis_transform(), ha="center", va="bottom", clip_on=False)
        beside = dict(xycoords="axes fraction", textcoords="offset points", xytext=(-room, 0))
        ax.annotate(title, (0, height), ha="right", va="bottom", fontsize="small", **beside)
        for k in shown:
            name, weight = str(names[k]), "bold" if wrong[k] else "normal"
            text = "?" if name == NOT_JUDGED else class_names([name])[0]
            ax.text(onset[k], height, text, color=colors[name], fontweight=weight, **place)


def plot_beat_errors(epochs: EpochsLike, predictions: pd.DataFrame, *, n_shown: int = 12) -> Figure:
    """Plot the most confident errors of a classifier, and the confidence of all errors.

    Parameters
    ----------
    epochs : EpochsView | mne.Epochs | list of mne.Epochs
        The beats that were evaluated.
    predictions : pandas.DataFrame
        The ``predictions`` of an :class:`~mne_cnnclass.Evaluation`, with probabilities.
    n_shown : int
        Maximum number of errors to plot, with at most two per record and kind of error. Default is 12.

    Returns
    -------
    fig : matplotlib.figure.Figure
        The figure: the first lead of the misclassified beats, in order of decreasing confidence, with the
        typical beat of the record in grey; below, the fraction of errors and the number of predictions by
        confidence.

    Raises
    ------
    ValueError
        If there are no probabilities.

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, ecg, evaluate, recipe, viz
    >>> view = EpochsView(ecg.make_beat_epochs(["mitdb/101", "mitdb/106"]))  # doctest: +SKIP
    >>> result = evaluate(recipe("heartbeats"), view, cv=2)  # doctest: +SKIP
    >>> fig = viz.plot_beat_errors(view, result.predictions)  # doctest: +SKIP
    """
    import matplotlib.pyplot as plt

    if hasattr(predictions, "predictions"):
        raise TypeError("predictions must be the table result.predictions, got the result itself.")
    columns = [name for name in predictions if name.startswith("proba_")]
    if not columns:
        raise ValueError("Errors are sorted by probability, but the classifier gave none.")
    view = _beats(epochs, typical=True)
    sure = predictions[columns].max(axis=1).to_numpy()
    is_wrong = (predictions["y_true"] != predictions["y_pred"]).to_numpy()
    wrong = predictions.assign(sure=sure)[is_wrong].sort_values("sure", ascending=False, kind="stable")
    wrong = wrong.assign(record=view.metadata["record"].to_numpy()[wrong["sample"]])
    wrong = wrong[wrong.groupby(["record", "y_true", "y_pred"]).cumcount() < 2][:n_shown]
    n_rows = -(-len(wrong) // 4)
    fig = plt.figure(figsize=(10, 2.8 + 1.75 * n_rows), layout="constrained")
    if not n_rows:
        _draw_confidence(fig.subplots(1, 2), sure, is_wrong)
        return fig
    above, below = fig.subfigures(2, 1, height_ratios=(1.75 * n_rows, 2.6))
    axes = above.subplots(n_rows, 4, sharex=True, squeeze=False)
    for ax in axes.flat[len(wrong) :]:
        ax.set_visible(False)
    lead = view.ch_names[0]
    for ax, row in zip(axes.flat, wrong.itertuples(), strict=False):
        beat, difference = 1e3 * np.asarray(view[[row.sample]])[0, :2]
        ax.plot(view.times, beat - difference, color="0.6", linewidth=1)
        ax.plot(view.times, beat, color="black", linewidth=1.3)
        minutes, seconds = divmod(view.metadata["onset"].iloc[row.sample], 60)
        names = " → ".join(class_names([row.y_true, row.y_pred], width=10))
        ax.set_title(
            f"{names}, p = {row.sure:.3f}\n{row.record}, {minutes:.0f}:{seconds:04.1f}", fontsize="small"
        )
    for ax in axes[:, 0]:
        ax.set_ylabel(f"{class_names([lead])[0]}\n(QRS = 1)", fontsize="small")
    for ax in axes[-1]:
        ax.set_xlabel("Time from R (s)", fontsize="small")
    above.suptitle(
        "True → predicted class of the surest errors, at most two of a record and kind; grey: typical beat",
        fontsize="medium",
    )
    _draw_confidence(below.subplots(1, 2), sure, is_wrong)
    return fig


def _draw_confidence(axes, sure, is_wrong):
    """How many predictions of each confidence there are, and the share of errors among them."""
    edges = np.linspace(min(np.floor(N_BINS * sure.min()), N_BINS - 1) / N_BINS, 1, N_BINS + 1)
    counts = [np.histogram(sure[part], edges)[0] for part in (np.ones(len(sure), bool), is_wrong)]
    share = np.divide(counts[1], counts[0], out=np.full(N_BINS, np.nan), where=counts[0] > 0)
    middle, width = (edges[1:] + edges[:-1]) / 2, 0.9 * np.diff(edges)
    axes[0].bar(middle, counts[0], width, color="0.8", label=f"all, n = {len(sure)}")
    axes[0].bar(middle, counts[1], width, color=ERROR, label=f"errors, n = {is_wrong.sum()}")
    axes[0].set(yscale="log", ylabel="Beats", xlabel="Probability of the predicted class")
    axes[0].legend(fontsize="small", loc="upper left")
    axes[1].bar(middle, share, width, color=ERROR)
    axes[1].axhline(is_wrong.mean(), label=f"all beats {100 * is_wrong.mean():.1f} %", **CHANCE)
    axes[1].set(ylabel="Share of errors", xlabel="Probability of the predicted class", ylim=(0, 1))
    axes[1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes[1].legend(fontsize="small")


def _count(n, what):
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _beats(epochs, typical=False):
    """The epochs as a view of their leads, without or with the differences from the typical beat."""
    if hasattr(epochs, "predictions"):
        raise TypeError("epochs must be those that were evaluated, result.view, got the result itself.")
    view = EpochsView(epochs)
    return view if typical else view.pick([name for name in view.ch_names if not name.endswith(TYPICAL)])
