"""A stretch of ECG in numbers: how regular it is, and how its beats look."""

from __future__ import annotations

import mne
import numpy as np

from ..samples.limits import check_rate
from ..utils.threads import limit_threads

LEAST_BEATS = 5
STEP = 0.1  # of log intervals: successive ones that differ by 10 % are no longer alike
TINY = 1e-12  # V
BEAT = (-0.3, 0.45)  # s around the R peak
QRS, P_WAVE, T_WAVE, NEAR_QRS = (-0.09, 0.11), (-0.25, -0.07), (0.12, 0.42), (-0.15, 0.2)
BANDS = ((0.5, 2.0), (2.0, 4.0), (4.0, 9.0), (9.0, 15.0), (15.0, 25.0), (25.0, 40.0))  # Hz


@limit_threads(1)
def measure_rhythm(signal: np.ndarray, peaks: np.ndarray, sfreq: float) -> dict[str, float]:
    """Compute measures of the rhythm in a segment of one lead.

    Parameters
    ----------
    signal : array, shape (n_times,)
        The signal, high-pass filtered, in any unit; at least 3 s.
    peaks : array, shape (n_beats,)
        The R peaks in samples, in ascending order. Fractional values are used for the intervals, and rounded
        for the beats.
    sfreq : float
        Sampling frequency in Hz.

    Returns
    -------
    measures : dict of float
        The measures in ``RHYTHM_COLUMNS``, none of which depends on the unit of the signal.

        - RR intervals: ``n_beats`` (beats per minute), ``rr_median`` (log of s), and, from the logarithms of
          the intervals divided by their median: ``rr_deviation`` (standard deviation), ``rr_rmssd`` (root
          mean square of successive differences), ``rr_irregularity`` (median of their absolute values),
          ``rr_changed`` (fraction of those above 0.1), ``rr_early`` and ``rr_late`` (fraction of intervals
          that are about 15 % shorter or longer than the median), ``rr_shortest``, ``rr_longest``,
          ``rr_entropy`` (sample entropy [1]_ of order 1 with a tolerance of 0.1) and ``rr_correlation`` (of
          successive differences: -0.5 if the intervals are independent, lower after premature beats with a
          pause).
        - Beats: correlation of the QRS complexes with their median (``qrs_similarity``, the median;
          ``qrs_least_similarity``, the lowest decile; ``qrs_different``, the fraction below 0.8),
          ``qrs_width`` (s), ``qrs_width_spread`` and ``qrs_height_spread`` (relative), ``p_height`` and
          ``t_height`` (height of the P and the T wave of the median beat, relative to the QRS complex),
          ``p_similarity`` (correlation with the median beat in the region of the P wave) and ``beat_noise``
          (log of the residual after subtraction of the median beat, relative to the QRS height).
        - Signal: ``power_<low>_<high>`` (log of the relative power in six bands, edges in Hz),
          ``amplitude_most``, ``amplitude_least`` (log of the largest and the smallest peak-to-peak amplitude
          in a second, relative to their median), ``amplitude_spread`` (their standard deviation, relative to
          their median) and ``kurtosis`` (log).

        With fewer than 5 beats, all measures of intervals and beats except ``n_beats`` are 0.

    References
    ----------
    .. [1] Richman JS, Moorman JR. Physiological time-series analysis using approximate entropy and sample
       entropy. Am J Physiol Heart Circ Physiol 278:H2039-H2049, 2000. doi:10.1152/ajpheart.2000.278.6.H2039

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.ecg import measure_rhythm
    >>> peaks = np.cumsum([100, 80, 80, 80, 50, 110, 80, 80])  # a premature beat and its pause
    >>> measures = measure_rhythm(np.random.default_rng(0).standard_normal(800), peaks, 100.0)
    >>> round(measures["rr_shortest"], 2), round(measures["rr_irregularity"], 2)
    (-0.47, 0.16)
    """
    signal, peaks = np.asarray(signal, float), np.asarray(peaks, float)
    check_rate(sfreq, "sfreq")
    if signal.ndim != 1 or len(signal) < sfreq or not np.isfinite(signal).all():
        raise ValueError(
            "signal must be that of one lead, of finite numbers and at least a second long, got shape "
            f"{signal.shape} at {sfreq:g} Hz."
        )
    if peaks.ndim != 1 or not (np.diff(peaks, prepend=-1, append=len(signal)) > 0).all():
        raise ValueError(f"peaks must be samples of the signal, from 0 to {len(signal)}, and rise.")
    measures = dict.fromkeys(RHYTHM_COLUMNS, 0.0)
    measures["n_beats"] = 60 * len(peaks) * sfreq / len(signal)
    measures |= _signal_measures(signal, sfreq)
    if len(peaks) >= LEAST_BEATS:
        measures |= _interval_measures(np.diff(peaks) / sfreq)
        measures |= _beat_measures(signal, np.round(peaks).astype(int), sfreq)
    return {name: float(value) for name, value in measures.items()}


def _interval_measures(rr):
    median = np.median(rr)
    log = np.log(rr / median)
    step = np.diff(log)
    return dict(
        rr_median=np.log(median),
        rr_deviation=log.std(),
        rr_rmssd=np.sqrt((step**2).mean()),
        rr_irregularity=np.median(np.abs(step)),
        rr_changed=(np.abs(step) > STEP).mean(),
        rr_early=(log < -0.15).mean(),
        rr_late=(log > 0.15).mean(),
        rr_shortest=log.min(),
        rr_longest=log.max(),
        rr_entropy=_sample_entropy(log, STEP),
        rr_correlation=(step[1:] * step[:-1]).mean() / (step.var() + 1e-4),
    )


def _sample_entropy(x, tolerance):
    """Of order 1; half a match is added, so that short series without any are finite."""
    first, second = np.triu_indices(len(x) - 1, 1)
    close = np.abs(x[first] - x[second]) <= tolerance
    again = close & (np.abs(x[first + 1] - x[second + 1]) <= tolerance)
    return -np.log((again.sum() + 0.5) / (close.sum() + 1))


def _beat_measures(signal, peaks, sfreq):
    first, stop = round(BEAT[0] * sfreq), round(BEAT[1] * sfreq) + 1
    whole = peaks[(peaks + first >= 0) & (peaks + stop <= len(signal))]
    if len(whole) < 3:
        return {}

    def part(span):
        return span_slice(span, first, sfreq)

    def similarity(span):
        beat, model = beats[:, part(span)], typical[part(span)]
        beat, model = beat - beat.mean(axis=1, keepdims=True), model - model.mean()
        return beat @ model / (np.linalg.norm(beat, axis=1) * np.linalg.norm(model) + TINY)

    beats = cut_beats(signal, whole, first, stop)
    typical = np.median(beats, axis=0)
    height = np.ptp(typical[part(QRS)]) + TINY
    qrs = similarity(QRS)
    heights, widths = np.ptp(beats[:, part(QRS)], axis=1), slope_widths(beats[:, part(NEAR_QRS)], sfreq)
    return dict(
        qrs_similarity=np.median(qrs),
        qrs_least_similarity=np.quantile(qrs, 0.1),
        qrs_different=(qrs < 0.8).mean(),
        qrs_width=slope_widths(typical[None, part(NEAR_QRS)], sfreq)[0],
        qrs_width_spread=widths.std() / (np.median(widths) + TINY),
        qrs_height_spread=heights.std() / (np.median(heights) + TINY),
        p_height=np.ptp(typical[part(P_WAVE)]) / height,
        p_similarity=np.median(similarity(P_WAVE)),
        t_height=np.ptp(typical[part(T_WAVE)]) / height,
        beat_noise=np.log(np.median(np.sqrt(((beats - typical) ** 2).mean(axis=1))) / height + 1e-3),
    )


def cut_beats(signal, peaks, first, stop):
    """Windows around peaks less their medians, shape (…, n_beats, n_times); the ends are repeated."""
    index = np.clip(peaks[:, None] + np.arange(first, stop), 0, signal.shape[-1] - 1)
    beats = signal[..., index]
    return beats - np.median(beats, axis=-1, keepdims=True)


def span_slice(span, first, sfreq):
    """The slice that a span of time (s from the R peak) is of windows that begin at a sample from there."""
    return slice(round(span[0] * sfreq) - first, round(span[1] * sfreq) - first + 1)


def slope_widths(beats, sfreq):
    """Standard deviation in time of the absolute slope of each beat, in s."""
    slope = np.abs(np.gradient(beats, axis=1))
    slope /= np.maximum(slope.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    time = np.arange(slope.shape[1]) / sfreq
    centre = slope @ time
    return np.sqrt((slope * (time - centre[:, None]) ** 2).sum(axis=1))


def _signal_measures(signal, sfreq):
    n_fft = min(len(signal), round(4 * sfreq))
    power, frequency = mne.time_frequency.psd_array_welch(signal, sfreq, n_fft=n_fft, verbose="ERROR")
    edges = [(frequency >= low) & (frequency < high) for low, high in BANDS]
    shares = [power[edge].sum() / (power.sum() + TINY**2) for edge in edges]
    amplitudes = amplitudes_by_second(signal, sfreq) + TINY
    amplitudes /= np.median(amplitudes)
    centred = signal - signal.mean()
    return {
        **{f"power_{low:g}_{high:g}": np.log(s + 1e-4) for (low, high), s in zip(BANDS, shares, strict=True)},
        "amplitude_spread": amplitudes.std(),
        "amplitude_most": np.log(amplitudes.max()),
        "amplitude_least": np.log(amplitudes.min() + 1e-3),
        "kurtosis": np.log((centred**4).mean() / ((centred**2).mean() ** 2 + TINY**4) + 1e-3),
    }


def amplitudes_by_second(signal, sfreq):
    """Peak-to-peak amplitude in each full second, along the last axis."""
    second = round(sfreq)
    whole = signal[..., : signal.shape[-1] // second * second]
    return np.ptp(whole.reshape(*signal.shape[:-1], -1, second), axis=-1)


RR_COLUMNS = ["n_beats", *_interval_measures(np.ones(LEAST_BEATS))]
SHAPE_COLUMNS = [*_beat_measures(np.zeros(100), np.full(LEAST_BEATS, 50), 100.0)]
SIGNAL_COLUMNS = [
    *(f"power_{low:g}_{high:g}" for low, high in BANDS),
    "amplitude_spread",
    "amplitude_most",
    "amplitude_least",
    "kurtosis",
]
RHYTHM_COLUMNS = [*RR_COLUMNS, *SHAPE_COLUMNS, *SIGNAL_COLUMNS]
