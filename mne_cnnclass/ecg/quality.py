"""What of an ECG can be read, second by second: where a lead is noise, at a rail, flat or without numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import mne
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.ndimage import binary_opening, maximum_filter1d, uniform_filter1d
from scipy.signal import butter, sosfiltfilt
from sklearn.metrics import accuracy_score, f1_score

from ..samples.gaps import touched
from ..utils.numbers import runs
from ..utils.threads import limit_threads
from .leads import FLAT, STILL, Lost, bridged_leads, lost_spans, pick_leads
from .unlike import UNLIKE

QUALITIES = np.array(["good", "noisy", "saturated", "flat", "invalid"], object)  # the best first
REASONS = {"noisy": "BAD_noisy", "saturated": "BAD_saturated", "flat": FLAT}  # in logs of what is dropped
NOT_JUDGED = "not judged"

RATE = 120.0  # Hz, about, to which samples are averaged
BAND = (5.0, 15.0)  # Hz, of QRS complexes, and of little muscle noise
AROUND = 5  # s that a second is compared in
# In noise, what is between peaks is higher than so much of them, and more of them look like few others.
# Chosen on MIT-BIH 101 to 118 with noise of three kinds: 4 to 5 % of their seconds at 12 dB are beyond.
MOST_BACKGROUND, MOST_UNLIKE = 0.05, 0.5
LEAST_PEAK, APART, BESIDE = 0.5, 0.2, 1.5  # of the highest peak within so many s; s
REACH, NEIGHBOURS, MATES, ALIKE = 0.25, 20, 3, 0.85  # s; peaks on each side, so many of which correlate so
PEAKS_AROUND = 9  # s whose peaks are counted
STRETCH, MOST_SPAN = 3, 6.0  # s in which there is a beat; times what such a stretch of the recording spans
REST, LEAST_TOP = 1e-5, 0.02  # V in that band, and part of what the recording has there
AT_RAIL = 0.1  # of a second, in which a lead is at the highest or lowest value that it has, far from others
MOST_UNUSABLE, LOW = 0.03, 0.3  # of the seconds of all leads, but those that are noisy and so low


@limit_threads(1)
def signal_quality(raw: mne.io.BaseRaw, leads: Sequence[str] | None = None) -> pd.DataFrame:
    """Judge the quality of each second of each lead of an ECG.

    Parameters
    ----------
    raw : mne.io.Raw
        A recording with ECG channels.
    leads : None | sequence of str
        The leads, as in :func:`make_beat_epochs`. ``None`` takes all ECG channels that are not marked bad.

    Returns
    -------
    table : pandas.DataFrame
        One row per lead and second, with the columns ``lead``, ``onset`` (s from the start of the recording)
        and ``quality``, and what decides on it:

        - ``"invalid"``: it holds NaN or infinity, or is annotated as bad;
        - ``"flat"``: the lead is constant for 3 s, or has next to nothing from 5 to 15 Hz (``top``, V);
        - ``"saturated"``: a tenth of the second or more (``rail``) is at the lead's highest or lowest value,
          far from all others;
        - ``"noisy"``: more than half of the peaks around, from 5 to 15 Hz, look like hardly any of their
          neighbours (``unlike``), and between peaks that band is more than 0.05 times as high as they are
          (``background``); or the second spans (``span``, V) more than 6 times what 3 s of the recording do;
        - ``"good"`` otherwise.

    See Also
    --------
    is_acceptable : Whether a recording as a whole is.

    Notes
    -----
    Nothing but ``flat`` depends on the unit of the recording. Peaks are compared with each other and not with
    a model of a beat, so where no beats are alike, as in ventricular flutter, they can be taken for noise,
    and noise that does not hide beats, such as a muscle's, is none. A second is compared with some before and
    after.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass import ecg
    >>> beats = np.tile(1e-3 * np.exp(-(((np.arange(200) - 80) / 4) ** 2)), 50)  # at 250 Hz, for 40 s
    >>> noise = 1e-3 * np.random.default_rng(0).standard_normal(5000)
    >>> info = mne.create_info(["II"], 250.0, "ecg")
    >>> raw = mne.io.RawArray((beats + np.r_[np.zeros(5000), noise])[None], info, verbose="ERROR")
    >>> table = ecg.signal_quality(raw)
    >>> table["quality"].iloc[[5, 35]].tolist()
    ['good', 'noisy']
    """
    picked, _ = pick_leads(raw, leads, "The recording")
    sfreq = raw.info["sfreq"]
    if raw.n_times < 3:
        raise ValueError(f"The recording has {raw.n_times} samples; at least 3 are needed.")
    seconds = _seconds(bridged_leads(raw, picked), sfreq, [lost_spans(raw, [lead]) for lead in picked])
    columns = ["quality", "span", "top", "background", "unlike", "rail"]
    lead, second = np.indices(seconds["top"].shape).reshape(2, -1)
    table = dict(lead=np.array(picked, object)[lead], onset=second.astype(float))
    return pd.DataFrame(table | {name: seconds[name].ravel() for name in columns})


def _seconds(signals, sfreq, lost):
    """The quality of each second of leads without gaps, and what decides on it: shape (n_leads, n_seconds).

    ``lost`` are the spans in which each of them is lost.
    """
    measured = [_measure(signal, sfreq) for signal in signals]
    its = {name: np.array([one[name] for one in measured]) for name in measured[0]}
    has_signal = its["top"] > (REST if (its["top"] > REST).any() else 0.0)
    span, least = np.nan, np.inf
    if has_signal.any():
        span, least = np.median(its["wide"][has_signal]), LEAST_TOP * np.median(its["top"][has_signal])
    n_seconds = its["top"].shape[1]
    still = np.ones((1, min(round(STILL), n_seconds)))  # in a second alone there may be no beat
    is_flat = binary_opening(its["top"] <= least, still)
    at_rail = (its["rail"] >= AT_RAIL) & (its["far"] > span)
    is_noise = (its["background"] > MOST_BACKGROUND) & (its["unlike"] > MOST_UNLIKE)
    worst = np.select([is_flat, at_rail, is_noise | (its["span"] > MOST_SPAN * span)], [3, 2, 1], 0)
    onset = np.arange(n_seconds, dtype=float)
    for own, spans in zip(worst, lost, strict=True):
        for code, is_flat in ((3, True), (4, False)):
            own[touched(onset, onset + 1.0, [s for s in spans if s.is_flat is is_flat])] = code
    return its | dict(quality=QUALITIES[worst])


def is_acceptable(raw: mne.io.BaseRaw, leads: Sequence[str] | None = None) -> bool:
    """Judge whether a recording is fit for diagnosis: most of each lead can be read.

    Parameters
    ----------
    raw : mne.io.Raw
        A short recording with ECG channels, such as 10 s of 12 leads.
    leads : None | sequence of str
        The leads, as in :func:`make_beat_epochs`. ``None`` takes all ECG channels that are not marked bad.

    Returns
    -------
    acceptable : bool
        Whether at most 3 % of the seconds of all leads are not good, see :func:`signal_quality`. Seconds that
        are noisy, but less than 0.3 times as high as good ones typically are, don't count: there may be
        little of the heart in a lead.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass import ecg
    >>> beats = np.tile(1e-3 * np.exp(-(((np.arange(200) - 80) / 4) ** 2)), 12)  # at 250 Hz
    >>> info = mne.create_info(["I", "II"], 250.0, "ecg")
    >>> ecg.is_acceptable(mne.io.RawArray([beats, beats], info, verbose="ERROR"))
    True
    >>> ecg.is_acceptable(mne.io.RawArray([beats, 0 * beats], info, verbose="ERROR"))  # an electrode is off
    False
    """
    table = signal_quality(raw, leads)
    is_good = table["quality"] == "good"
    is_low = (table["quality"] == "noisy") & (table["top"] < LOW * table["top"][is_good].median())
    return bool((is_good | is_low).mean() >= 1 - MOST_UNUSABLE)


def score_all(result: Any, not_judged: ArrayLike) -> pd.Series:
    """Score an evaluation of beats with those that were not judged counted as wrong.

    Parameters
    ----------
    result : Evaluation
        The evaluation of the other beats.
    not_judged : array of str, shape (n_beats,)
        The true classes of the beats that were not judged, as their ``quality`` is not ``"good"``.

    Returns
    -------
    scores : pandas.Series
        ``judged``, the fraction of beats that were judged, and ``accuracy`` and ``f1_macro`` of all.

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, ecg, evaluate, recipe
    >>> view = EpochsView(ecg.make_beat_epochs(["mitdb/101", "mitdb/106"], unusable="keep"))  # doctest: +SKIP
    >>> good = view.metadata["quality"] == "good"  # doctest: +SKIP
    >>> result = evaluate(recipe("heartbeats"), view[good], cv=2)  # doctest: +SKIP
    >>> ecg.score_all(result, view.labels[~good])  # doctest: +SKIP
    """
    table, others = result.predictions, np.asarray(not_judged, object)
    y_true = np.r_[table["y_true"].to_numpy(object), others]
    y_pred = np.r_[table["y_pred"].to_numpy(object), np.full(len(others), NOT_JUDGED, object)]
    scores = dict(judged=len(table) / len(y_true), accuracy=accuracy_score(y_true, y_pred))
    how = dict(labels=list(result.classes), average="macro", zero_division=0)
    return pd.Series(scores | dict(f1_macro=f1_score(y_true, y_pred, **how)))


@limit_threads(1)
def noisy_spans(signals, sfreq, lost):
    """Where the first of some leads is noisy, saturated or nearly flat, as `lost_spans` has what is lost.

    ``signals`` have no gaps, and ``lost`` are the spans in which each is lost.
    """
    quality = _seconds(signals, sfreq, lost)["quality"][0]
    found = [(span.start, span.stop, quality[span.start]) for span in runs(pd.factorize(quality)[0])]
    ends = (*range(len(quality)), np.inf)  # the last second goes on to the end
    return [
        Lost(float(first), ends[stop], REASONS[name], "") for first, stop, name in found if name in REASONS
    ]


def qualities_of(reasons):
    """The quality of beats in spans with these reasons, empty for those in none."""
    names = {"": "good"} | {reason: name for name, reason in REASONS.items()} | UNLIKE
    return [names.get(reason, "invalid") for reason in reasons]


def _measure(signal, sfreq):
    """What decides on the quality of each second of a lead without gaps."""
    n = max(round(len(signal) / sfreq), 1)
    edges = np.round(np.arange(n) * sfreq).astype(int)
    low, high = np.minimum.reduceat(signal, edges), np.maximum.reduceat(signal, edges)
    ends = np.array([low.min(), high.max()])
    rail = [np.add.reduceat((signal == end).astype(np.float32), edges) for end in ends]
    rail /= np.diff(edges, append=len(signal))
    far = np.abs(ends - np.median(signal))[rail.argmax(axis=0)]
    step = max(int(sfreq // RATE), 1)
    rate = sfreq / step
    short = signal[: len(signal) // step * step].reshape(-1, step).mean(axis=1)
    band = sosfiltfilt(_band(rate), short, padlen=min(len(short) - 1, 30))
    size = np.abs(band)
    edges = np.minimum(np.round(np.arange(n) * rate).astype(int), len(size) - 1)
    top = np.maximum.reduceat(size, edges)
    length = min(round(AROUND * rate), len(size))
    start = np.clip(edges - round(AROUND // 2 * rate), 0, len(size) - length)
    peak = uniform_filter1d(top, AROUND, mode="nearest")
    background = np.median(size[start[:, None] + np.arange(length)], axis=1) / np.where(peak > 0, peak, 1.0)
    span = high - low
    wide = maximum_filter1d(span, STRETCH, mode="nearest")
    what = dict(span=span, wide=wide, top=top, background=background, unlike=_unlike(band, edges, rate))
    return what | dict(rail=rail.max(axis=0), far=far)


@lru_cache
def _band(rate):
    return butter(2, (BAND[0], min(BAND[1], 0.45 * rate)), "bandpass", fs=rate, output="sos")


def _unlike(band, edges, rate):
    """Share of the peaks around each second that look like few of those before and after them."""
    size = np.abs(band)
    highest, usual = (maximum_filter1d(size, 2 * round(reach * rate) + 1) for reach in (APART, BESIDE))
    peaks = np.flatnonzero((size == highest) & (size > LEAST_PEAK * usual))
    around = np.arange(-round(REACH * rate), round(REACH * rate) + 1)
    peaks = peaks[(peaks >= -around[0]) & (peaks < len(band) - around[-1])]
    shapes = band[peaks[:, None] + around]
    shapes -= shapes.mean(axis=1, keepdims=True)
    shapes /= np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-300)
    mates = np.zeros(len(peaks), int)
    for lag in range(1, min(NEIGHBOURS, len(peaks) - 1) + 1):
        same = np.einsum("ij,ij->i", shapes[lag:], shapes[:-lag]) > ALIKE
        mates[lag:] += same
        mates[:-lag] += same
    second = np.searchsorted(edges, peaks, side="right") - 1
    is_odd = mates < min(MATES, (len(peaks) - 1) // 4)  # few peaks have few others
    odd, n = (np.bincount(second, weights, len(edges)) for weights in (is_odd, None))
    odd, n = (uniform_filter1d(values.astype(float), PEAKS_AROUND, mode="nearest") for values in (odd, n))
    return np.where(n > 0.01, odd / np.maximum(n, 0.01), 1.0)
