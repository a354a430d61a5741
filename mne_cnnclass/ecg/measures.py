"""A stretch of ECG in numbers: how regular it is, and how its beats look."""

from __future__ import annotations

import mne
import numpy as np
from scipy.signal import butter, sosfiltfilt

from ..samples.limits import check_rate
from ..utils.threads import limit_threads
from .rhythm_intervals import INTERVAL_MEASURES, interval_measures, sound_interval_measures
from .rhythm_shapes import FIRST, GRID, SHAPE_COLUMNS, STOP, align_beats, shape_measures, sound_beats

LEAST_BEATS = 5
TINY = 1e-12  # V
BANDS = ((0.5, 2.0), (2.0, 4.0), (4.0, 9.0), (9.0, 15.0), (15.0, 25.0), (25.0, 40.0))  # Hz
ATRIAL_BAND = (4.0, 9.0)  # Hz
QRS_REACH = (0.06, 0.1)  # s before and after an R peak in which there is nothing but the QRS complex


@limit_threads(1)
def measure_rhythm(signal: np.ndarray, peaks: np.ndarray, sfreq: float) -> dict[str, float]:
    """Compute measures of the rhythm in a segment of one lead.

    Parameters
    ----------
    signal : array, shape (n_times,)
        The signal, high-pass filtered, in any unit; at least 3 s.
    peaks : array, shape (n_beats,)
        The R peaks in samples, in ascending order, which may be fractional.
    sfreq : float
        Sampling frequency in Hz.

    Returns
    -------
    measures : dict of float
        The measures in ``RHYTHM_COLUMNS``, none of which depends on the unit of the signal.

        - RR intervals: ``n_beats`` (beats per minute), ``rr_median``, ``rr_lower``, ``rr_upper`` (log of s:
          median and quartiles), ``rr_fastest``, ``rr_slowest`` (log of s: lowest and highest median of eight
          in a row) and, from the logarithms of the intervals divided by their median: ``rr_deviation``
          (standard deviation), ``rr_rmssd`` (root mean square of successive differences),
          ``rr_irregularity`` (median of their absolute values), ``rr_step_75``, ``rr_step_90`` (quantiles),
          ``rr_changed``, ``rr_changed_little`` (fraction of those above 0.1, and 0.05), ``rr_opposite``
          (above 0.1, and opposite to the one before), ``rr_early`` and ``rr_late`` (fraction of intervals
          that are about 15 % shorter or longer than the median), ``rr_shortest``, ``rr_longest``,
          ``rr_entropy`` and ``rr_entropy_fine`` (sample entropy [1]_ of order 1 with a tolerance of 0.1 and
          0.04), ``rr_cosen`` (the same, less what the heart rate explains [2]_), ``rr_correlation`` (of
          successive differences: -0.5 if the intervals are independent, lower after premature beats with a
          pause), ``rr_autocorrelation``, ``rr_roughness`` (log ratio of differences to sums of neighbours),
          ``rr_gap`` (between the means of two groups of intervals), ``rr_still`` (fraction of changes below
          60 ms after another one), ``rr_regular`` (longest row of changes below 6 %), ``rr_calmest`` and
          ``rr_calm`` (lowest, and lower quartile, of the largest change among eight).
        - Intervals against the median of nine: ``rr_local_shortest``, ``rr_local_longest``,
          ``rr_second_longest``, ``rr_plain`` (fraction of those that differ by less than 12 %, as those
          beside them do), ``rr_premature``, ``rr_n_premature`` (fraction and number of early beats with a
          pause), ``rr_pauses``, ``rr_n_pauses`` (of pauses without one).
        - Intervals between beats that are similar to others, and so no noise: ``rr_sound`` (fraction of
          them) and eight of the above, ``rr_sound_…``; -1 if there are too few.
        - QRS complexes, and their correlation with the median beat: ``qrs_similarity`` (median),
          ``qrs_lower_similarity`` and ``qrs_least_similarity`` (lower quartile and decile), ``qrs_different``
          (fraction below 0.8), ``qrs_slightly_different`` (below 0.9), ``qrs_longest`` (longest row above
          0.9), ``qrs_fit``, ``qrs_lower_fit``, ``qrs_least_fit`` (with the typical complex of an inner
          half), ``qrs_kinds``, ``qrs_first_kind`` (number of groups of similar beats, and size of the
          largest, per beat), ``qrs_width`` (s), ``qrs_width_spread``, ``qrs_height_spread``, ``qrs_highest``
          (relative), ``qrs_area``, ``early_odd`` (fraction of early beats of another shape), ``beat_noise``,
          ``beat_least_noise`` and ``beat_most_noise`` (log of the residual after subtraction of the median
          beat, relative to the QRS height: median and deciles).
        - P and T waves: ``p_height``, ``t_height`` (of the median beat, relative to the QRS complex),
          ``p_place`` (sample of its peak), ``p_similarity`` (correlation with the median beat), ``p_early``
          (the same of early beats) and, without a trend, in the region of the P wave, and in its middle:
          ``p_alike``, ``pr_alike`` (correlation with the other beats), ``p_correlation``,
          ``pr_correlation`` (with their median), ``pr_present`` (fraction above 0.5), ``p_over_noise``,
          ``pr_over_noise``, ``p_power``, ``pr_power`` (log), and ``rest_over_noise`` before the P wave.
        - Signal: ``power_<low>_<high>`` (log of the relative power in six bands, edges in Hz),
          ``amplitude_most``, ``amplitude_least`` (log of the largest and the smallest peak-to-peak amplitude
          in a second, relative to their median), ``amplitude_spread`` (their standard deviation, relative to
          their median), ``kurtosis`` (log), ``atrial_power`` (log, from 4 to 9 Hz without QRS complexes and
          the median beat, relative to its height) and ``longest_gap`` (log of s without a beat).

        With fewer than 5 beats, all measures of intervals and beats except ``n_beats`` are 0.

    Notes
    -----
    Peaks are first moved by up to 0.06 s, so that QRS complexes lie best on their median.

    References
    ----------
    .. [1] Richman JS, Moorman JR. Physiological time-series analysis using approximate entropy and sample
       entropy. Am J Physiol Heart Circ Physiol 278:H2039-H2049, 2000. doi:10.1152/ajpheart.2000.278.6.H2039
    .. [2] Lake DE, Moorman JR. Accurate estimation of entropy in very short physiological time series. Am J
       Physiol Heart Circ Physiol 300:H319-H325, 2011. doi:10.1152/ajpheart.00561.2010

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
        peaks, fit, beats = align_beats(signal, peaks, sfreq)
        rr = np.diff(peaks) / sfreq
        before = np.r_[0.0, np.log(rr / np.median(rr))]
        whole = (peaks + FIRST / GRID * sfreq >= 0) & (peaks + STOP / GRID * sfreq <= len(signal))
        measures |= interval_measures(rr) | sound_interval_measures(rr, sound_beats(beats))
        measures |= _between_beats(signal, peaks, np.median(beats, axis=0), sfreq)
        if whole.sum() >= 3:
            measures |= shape_measures(beats[whole], fit[whole], before[whole])
    return {name: float(value) for name, value in measures.items()}


def _between_beats(signal, peaks, typical, sfreq):
    """Measures of what is left of the signal without the typical beat, and between QRS complexes."""
    time, grid = np.arange(len(signal)) / sfreq, np.arange(FIRST, STOP) / GRID
    rest, is_qrs = signal.copy(), np.zeros(len(signal), bool)
    typical = typical * np.hanning(len(typical)).clip(0, 0.1) * 10  # it begins and ends softly
    for peak in peaks / sfreq:
        near = slice(*np.searchsorted(time, [peak + grid[0], peak + grid[-1]]))
        rest[near] -= np.interp(time[near] - peak, grid, typical)
        is_qrs[slice(*np.searchsorted(time, [peak - QRS_REACH[0], peak + QRS_REACH[1]]))] = True
    if is_qrs.all():
        return {}
    rest[is_qrs] = np.interp(time[is_qrs], time[~is_qrs], rest[~is_qrs])
    sos = butter(2, ATRIAL_BAND, "bandpass", fs=sfreq, output="sos")
    atrial = sosfiltfilt(sos, rest, padlen=min(100, len(rest) - 1))[~is_qrs]
    return dict(
        atrial_power=np.log(np.sqrt((atrial**2).mean()) / (np.ptp(typical) + TINY) + 1e-3),
        longest_gap=np.log(np.diff(np.r_[0, peaks, len(signal)]).max() / sfreq),
    )


def cut_beats(signal, peaks, first, stop):
    """Windows around peaks less their medians, shape (…, n_beats, n_times); the ends are repeated."""
    index = np.clip(peaks[:, None] + np.arange(first, stop), 0, signal.shape[-1] - 1)
    beats = signal[..., index]
    return beats - np.median(beats, axis=-1, keepdims=True)


def span_slice(span, first, sfreq):
    """The slice that a span of time (s from the R peak) is of windows that begin at a sample from there."""
    return slice(round(span[0] * sfreq) - first, round(span[1] * sfreq) - first + 1)


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


RR_COLUMNS = ["n_beats", *INTERVAL_MEASURES]
SIGNAL_COLUMNS = [
    *(f"power_{low:g}_{high:g}" for low, high in BANDS),
    *(f"amplitude_{name}" for name in ("spread", "most", "least")),
    *("kurtosis", "atrial_power", "longest_gap"),
]
RHYTHM_COLUMNS = [*RR_COLUMNS, *SHAPE_COLUMNS, *SIGNAL_COLUMNS]
