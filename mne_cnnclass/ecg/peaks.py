"""R peaks, found in the signal alone."""

from __future__ import annotations

import mne
import numpy as np

from ..samples.limits import LARGEST
from ..utils.extras import from_extra
from ..utils.warn import warn
from .leads import ecg_names
from .measures import amplitudes_by_second

DETECTION_RATE = 120.0  # Hz; more makes the search slower, and not better (180 Hz: the same to 0.0001)
LEAST_RATE = 60.0  # Hz; the detector's own filters have too few samples of a QRS complex below
QRS_BAND = (5.0, 30.0)  # Hz
EXPECTED = 0.6  # height of a QRS complex in that band, in units that the detector takes for mV
ADC_GAIN = 2000  # numbers that the detector is given for each of these units
APART = 0.15  # s from a beat in which all is its own
REACH = 0.1  # s between where the search sees a QRS complex and its peak, at most
STRETCH = 3.0  # s in which there is a beat
OF_NOISE = (
    3.5  # times the average of a stretch, which noise alone does not reach, and leads of mitdb and LUDB do
)
REST = 2e-5  # V in that band; less is noise without an electrode if there is more elsewhere
NOTHING = 1e-6  # of the largest sample; 16 bits hold no less
FAST = 0.36  # s between the beats of a heart that is faster than the detector expects
REFRACTORY = 0.18  # s after a beat in which none can follow


def find_r_peaks(raw: mne.io.BaseRaw, lead: str | None = None) -> np.ndarray:
    """Find the R peaks of an ECG.

    Parameters
    ----------
    raw : mne.io.Raw
        A recording with ECG channels.
    lead : None | str
        The channel to use. ``None`` uses the first channel of type ``ecg`` that is not marked as bad.

    Returns
    -------
    peaks : array of int, shape (n_beats,)
        The R peaks, in samples from the start of the recording, in ascending order. Empty if no beat is
        found.

    Raises
    ------
    ValueError
        If there is no such channel, if its amplitude is too large for an ECG in V, or if the sampling
        frequency is below 60 Hz.

    Warns
    -----
    RuntimeWarning
        If the signal looks like noise without beats.

    Notes
    -----
    QRS complexes are detected by ``gqrs``, G. Moody's detector in ``wfdb``, at 120 Hz, in the signal scaled
    by its own typical QRS complex, so the gain of a recording does not matter, and again, looking for faster
    hearts, if there is as much between beats as at them: 25 to 300 a minute are found. Each R peak is then
    placed at the largest absolute value within 0.1 s of the signal filtered from 5 to 30 Hz. The detector is
    not causal: it uses the signal after a beat. ``docs/guide/ecg.md`` reports how well it works, and how
    that affects a classifier.

    References
    ----------
    .. [1] A. L. Goldberger et al. (2000). PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23),
       e215-e220. https://doi.org/10.1161/01.CIR.101.23.e215

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass.ecg import find_r_peaks
    >>> beat = 1e-3 * np.exp(-(((np.arange(200) - 80) / 4) ** 2))  # at 250 Hz, one beat in 0.8 s
    >>> raw = mne.io.RawArray(np.tile(beat, 12)[None], mne.create_info(["II"], 250.0, "ecg"), verbose="ERROR")
    >>> np.diff(find_r_peaks(raw))[:5].tolist()
    [200, 200, 200, 200, 200]
    """
    with from_extra("ecg", "The search for R peaks"):
        from wfdb.processing import gqrs_detect
    if not isinstance(raw, mne.io.BaseRaw):
        came = type(raw).__name__
        raise TypeError(f"raw must be an mne.io.Raw, such as mne.io.RawArray(data, info), got {came}.")
    have = ecg_names(raw)
    if lead is None and not have:
        raise ValueError(
            f"No channel of type ecg that is not bad, got {raw.ch_names}. Set channel types, or give lead=."
        )
    lead = have[0] if lead is None else lead
    if lead not in raw.ch_names:
        raise ValueError(f"lead must be a channel of the recording, one of {raw.ch_names}, got {lead!r}.")
    sfreq = raw.info["sfreq"]
    signal = raw.get_data([lead])[0]
    known = np.flatnonzero(np.isfinite(signal))
    if not len(known) or not np.ptp(signal[known]):
        return np.empty(0, int)
    # zeros beside an offset would look like beats
    signal = np.interp(np.arange(len(signal)), known, signal[known])
    height = np.median(amplitudes_by_second(signal, sfreq)) if len(signal) >= sfreq else np.ptp(signal)
    if height > LARGEST["ecg"]:
        raise ValueError(
            f"Lead {lead} spans {height:.3g} V, in most seconds, and an ECG some mV: it is in another unit "
            "than V. Scale it, such as raw.apply_function(lambda x: 1e-3 * x, picks=...) from mV."
        )
    if sfreq < LEAST_RATE:
        raise ValueError(f"R peaks can't be found at {sfreq:g} Hz; {LEAST_RATE:g} Hz at least are needed.")
    # beyond the ends the signal goes on turned round, as the detector sees no beat close to an end
    n_more = min(round(STRETCH * sfreq), len(signal) - 1)
    slow, ratio = np.pad(signal, n_more, mode="reflect"), max(sfreq / DETECTION_RATE, 1.0)
    if ratio > 1:
        slow = mne.filter.resample(slow, down=ratio, npad="auto", verbose="ERROR")
    low, high = QRS_BAND[0], min(QRS_BAND[1], 0.45 * sfreq)
    steep = np.abs(mne.filter.filter_data(signal, sfreq, low, high, method="iir", verbose="ERROR"))
    if steep.max() <= NOTHING * np.ptp(signal):  # a drift
        return np.empty(0, int)
    # whole numbers, which the detector else makes so that the largest artefact fits: it sees no beat then
    height, crest = _typical_height(steep, sfreq)
    slow = np.round(slow * (EXPECTED * ADC_GAIN / height)).astype(int)
    how = dict(d_sig=slow, adc_gain=ADC_GAIN, adc_zero=0, fs=sfreq / ratio)

    def detect(**of_fast_hearts):
        found = np.round(np.asarray(gqrs_detect(**how, **of_fast_hearts), float) * ratio).astype(int) - n_more
        return found[(found >= 0) & (found < len(signal))]

    found = detect()
    is_fast = len(found) > 2 and np.median(np.diff(found)) < FAST * sfreq  # some of their beats are missed
    if is_fast or _misses_as_many(found, steep, round(APART * sfreq)):
        found = detect(hr=200, RRmin=REFRACTORY)
    if crest < OF_NOISE and not _is_fast_and_regular(np.diff(found) / sfreq):
        warn(
            f"Lead {lead} looks like noise: {len(found)} beats were found, but they stand out from the rest "
            "as little as the peaks of noise do. Look at it with raw.plot(), or take another lead."
        )
    around = np.arange(-round(REACH * sfreq), round(REACH * sfreq) + 1)
    near = np.clip(found[:, None] + around, 0, len(signal) - 1)
    peaks = np.unique(near[np.arange(len(near)), steep[near].argmax(axis=1)])
    return peaks[np.diff(peaks, prepend=-np.inf) > REFRACTORY * sfreq]


def _typical_height(steep, sfreq):
    """Height of a small QRS complex of the recording, by the maxima of stretches that have one.

    Also returns how much higher than their root mean square such stretches are; NaN if there are few.
    """
    n = min(len(steep), round(STRETCH * sfreq))
    stretches = steep[np.r_[0 : len(steep) - n : n, len(steep) - n][:, None] + np.arange(n)]
    maxima = stretches.max(axis=1)
    # padding and interpolated gaps, maybe most of it, have nothing
    is_used = maxima > max(NOTHING * maxima.max(), min(REST, 0.1 * maxima.max()))
    # neither have stretches without a beat; artefacts are few
    is_used &= maxima > 0.1 * np.percentile(maxima[is_used], 75, method="lower")
    power = np.sqrt((stretches[is_used] ** 2).mean(axis=1))
    crest = np.median(maxima[is_used] / power) if is_used.sum() >= 4 else np.nan
    return np.percentile(maxima[is_used], 25), crest


def _is_fast_and_regular(intervals):
    """Whether beats are so close that they stand out little, and none of them comes by chance."""
    typical = np.median(intervals) if len(intervals) else np.inf
    return typical < FAST and np.median(np.abs(intervals - typical)) < 0.1 * typical


def _misses_as_many(found, steep, apart):
    """Whether what is between beats is mostly as high as they are: hearts faster than a detector expects."""
    start, stop = found[:-1] + apart, found[1:] - apart
    long = start < stop
    if not long.any():
        return len(found) > 1
    bounds = np.column_stack([start[long], stop[long]]).ravel()
    between = np.maximum.reduceat(steep, bounds)[::2]
    around = np.maximum.reduceat(steep, np.column_stack([found[:-1][long], start[long]]).ravel())[::2]
    return np.median(between) > 0.8 * np.median(around)
