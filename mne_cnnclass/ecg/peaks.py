"""R peaks, found in the signal alone."""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from functools import lru_cache
from typing import NamedTuple

import mne
import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter
from scipy.signal import sosfiltfilt

from ..samples.limits import LARGEST
from ..utils.extras import from_extra
from ..utils.warn import warn
from .leads import ecg_names
from .measures import amplitudes_by_second

DETECTION_RATE = 120.0  # Hz; more makes the search slower, and not better
LEAST_RATE = 60.0  # Hz; the detector's own filters have too few samples of a QRS complex below
QRS_BAND = (5.0, 30.0)  # Hz
FILTERS = (0.07, 0.1)  # s that a QRS complex lasts: the first keeps T waves out, the second noise
LEAST_HEIGHT = 0.35  # of the QRS complexes around, by the first
ABOVE_NOISE = 4.0  # times what is typical between them, by the second
MOST_NEEDED = 0.5  # of the QRS complexes around, by the second, whatever the noise
NEAR = 0.025  # s between the peaks of the two filters, at most
ADC_GAIN = 2000  # sets how slowly gqrs changes its thresholds
SPIKE = 0.004  # s from the middle of a pacemaker's spike to its ends, at most
LEAST_RATE_OF_SPIKES = 200.0  # Hz; a spike and a QRS complex are alike below
HIGH_SPIKE = 1.5  # times the range of a stretch without it; lower ones do no harm
REACH = 0.1  # s between where the search sees a QRS complex and its peak, at most
STRETCH = 3.0  # s in which there is a beat
AROUND = 11  # stretches whose QRS complexes are those around
STANDS_OUT = 3.8  # the same where a height is relied on
OF_NOISE = (
    3.5  # times the average of a stretch, which noise alone does not reach, and leads of mitdb and LUDB do
)
NOTHING = 1e-6  # of the largest sample; 16 bits hold no less
OF_PADDING = 10.0  # times that average, where all is at an end of a stretch
EMPTY = 0.015  # of the usual stretch; less is padding, where filters ring, or a lead without an electrode
LEAST_GAIN = 0.045  # of the highest QRS complexes; less is what a lead without an electrode has
APART = 0.15  # s from a beat in which all is its own
FAST = 0.36  # s between the beats of a heart that is faster than the detector expects
IN_A_ROW = 9  # intervals between beats of which most are too long, or short, where a heart is fast
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
    QRS complexes are detected by the rules of ``gqrs``, G. Moody's detector in ``wfdb``, at 120 Hz, in the
    signal as its matched filter sees it, divided by the QRS complexes and the noise in the half minute
    around, so the gain of a recording does not matter, also if it changes. A second, wider filter must see
    them above the noise. Where there is as much between beats as at them, faster hearts are looked for: 25 to
    300 beats a minute are found. Spikes of a pacemaker that are higher than the QRS complexes are cut out
    first. Each R peak is then placed at the largest absolute value within 0.1 s of the signal filtered from 5
    to 30 Hz. The detector is not causal: it uses the signal after a beat. ``docs/guide/ecg.md`` reports how
    well it works, and how that affects a classifier.

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
    _detector()  # before anything is looked at
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
    check_is_in_volts(height, lead)
    if sfreq < LEAST_RATE:
        raise ValueError(f"R peaks can't be found at {sfreq:g} Hz; {LEAST_RATE:g} Hz at least are needed.")
    search = Search(signal, sfreq)
    peaks = search.peaks()
    if search.is_noise(peaks):
        warn(
            f"Lead {lead} looks like noise: {len(peaks)} beats were found, but they stand out from the rest "
            "as little as the peaks of noise do. Look at it with raw.plot(), or take another lead."
        )
    return peaks


def check_is_in_volts(height, lead):
    """Refuse a lead that is so high in most seconds, as no ECG is."""
    if height > LARGEST["ecg"]:
        raise ValueError(
            f"Lead {lead} spans {height:.3g} V, in most seconds, and an ECG some mV: it is in another unit "
            "than V. Scale it, such as raw.apply_function(lambda x: 1e-3 * x, picks=...) from mV."
        )


class Usual(NamedTuple):
    """What is usual around some samples, as the detector sees them: of QRS complexes, and of noise."""

    n_more: int  # samples before the first one of the signal from which ``at`` is counted
    at: np.ndarray
    narrow: np.ndarray
    wide: np.ndarray
    noise: np.ndarray


class Search:
    """A search for the R peaks of a signal in V without gaps, of one lead."""

    def __init__(self, signal, sfreq):
        self.signal, self.sfreq = _without_spikes(signal, sfreq), sfreq
        sos, n_ends = _qrs_filter(sfreq)
        self.steep = np.abs(sosfiltfilt(sos, self.signal, padlen=min(n_ends, len(signal) - 1)))
        self.is_drift = self.steep.max() <= NOTHING * np.ptp(self.signal)
        # beyond the ends the signal goes on turned round, as the detector sees no beat close to an end
        self.n_more = min(round(STRETCH * sfreq), len(signal) - 1)
        slow, self.ratio = np.pad(self.signal, self.n_more, mode="reflect"), max(sfreq / DETECTION_RATE, 1.0)
        if self.ratio > 1:
            slow = mne.filter.resample(slow, down=self.ratio, npad="auto", verbose="ERROR")
        self.rate = sfreq / self.ratio
        self.narrow, self.wide = (
            np.abs(_match(slow, int(width * round(self.rate) / 4))) for width in FILTERS
        )

    def usual(self):
        """What is usual in it; None if there is nothing but a drift."""
        if self.is_drift:
            return None
        return Usual(self.n_more, *_usual(self.narrow, self.wide, self.rate))

    def peaks(self, usual=None, later=0):
        """R peaks in samples, by what is usual in it, or in a signal that began so many samples earlier."""
        usual = usual or self.usual()
        if self.is_drift:
            return np.empty(0, int)
        at = usual.at + (self.n_more - usual.n_more - later) / self.ratio
        height = _prominence(self.narrow, self.wide, usual._replace(at=at), self.rate)
        found = _gqrs(height, self.rate)
        is_fast = _is_fast(found, height, self.rate)
        if is_fast.any():  # some of their beats are missed
            faster = _gqrs(height, self.rate, hr=200, RRmin=REFRACTORY)
            found = np.union1d(found[~is_fast[found]], faster[is_fast[faster]])
        found = np.round(found * self.ratio).astype(int) - self.n_more
        found = found[(found >= 0) & (found < len(self.signal))]
        around = np.arange(-round(REACH * self.sfreq), round(REACH * self.sfreq) + 1)
        near = np.clip(found[:, None] + around, 0, len(self.signal) - 1)
        peaks = np.unique(near[np.arange(len(near)), self.steep[near].argmax(axis=1)])
        return peaks[np.diff(peaks, prepend=-np.inf) > REFRACTORY * self.sfreq]

    def is_noise(self, peaks):
        """Whether it looks like noise, in which these peaks were found."""
        if self.is_drift:
            return False
        crest = _stretches(self.steep, self.sfreq)[1]
        is_low = len(crest) >= 4 and np.median(crest) < OF_NOISE
        return is_low and not _is_fast_and_regular(np.diff(peaks) / self.sfreq)


@lru_cache
def _qrs_filter(sfreq):
    """MNE's filter in which R peaks are the highest, and how many samples it needs at the ends."""
    edges = QRS_BAND[0], min(QRS_BAND[1], 0.45 * sfreq)
    made = mne.filter.create_filter(None, sfreq, *edges, method="iir", verbose="ERROR")
    return made["sos"], made["padlen"]


def _without_spikes(signal, sfreq):
    """Signal without the spikes of a pacemaker that are much higher than a QRS complex, and far shorter."""
    if sfreq < LEAST_RATE_OF_SPIKES:
        return signal
    reach = max(round(SPIKE * sfreq), 2)
    smooth = median_filter(signal, 2 * reach + 1, mode="nearest")
    n = round(STRETCH * sfreq)
    first = np.arange(0, max(len(signal) - n, 0) + 1, n)
    span = np.maximum.reduceat(smooth, first) - np.minimum.reduceat(smooth, first)
    span = np.repeat(span, np.diff(first, append=len(signal)))
    is_spike = maximum_filter1d(np.abs(signal - smooth) > HIGH_SPIKE * span, 4 * reach + 1)
    if is_spike.all() or not is_spike.any():
        return signal
    signal, at = signal.copy(), np.arange(len(signal))
    signal[is_spike] = np.interp(at[is_spike], at[~is_spike], signal[~is_spike])
    return signal


def _usual(narrow, wide, sfreq):
    """How high QRS complexes are around each of some stretches, as either filter sees them, and noise is."""
    stretches, crest = _stretches(narrow, sfreq)
    stands_out = median_filter(crest, 5, mode="nearest") > STANDS_OUT
    middle = stretches.mean(axis=1)

    def typical(filtered):
        maxima = filtered[stretches].max(axis=1)
        heights = _around(maxima, 25)
        if stands_out.any():  # where nothing does, a QRS complex is as high as elsewhere, or more
            trusted = _around(maxima[stands_out], 25)
            elsewhere = np.exp(np.interp(middle, middle[stands_out], np.log(trusted)))
            heights = np.where(stands_out, elsewhere, np.maximum(heights, elsewhere))
        return np.maximum(heights, LEAST_GAIN * np.percentile(heights, 95))

    noise = np.maximum(_around(np.median(wide[stretches], axis=1), 50), NOTHING * wide.max())
    return middle, typical(narrow), typical(wide), noise


def _prominence(narrow, wide, usual, sfreq):
    """How high a filtered signal stands out, where 1 is the least of a QRS complex.

    That follows the QRS complexes and the noise around, so it needs no unit, and changes where a gain or an
    electrode does.
    """
    high, high_wide, noise = (
        np.exp(np.interp(np.arange(len(narrow)), usual.at, np.log(values))) for values in usual[2:]
    )
    wide = wide / np.minimum(ABOVE_NOISE * noise, MOST_NEEDED * high_wide)
    narrow = maximum_filter1d(narrow / (LEAST_HEIGHT * high), 2 * round(NEAR * sfreq) + 1)
    # the first is what tells a QRS complex from the T wave beside it, so beats compete by it
    return np.where(wide > 1, narrow, np.minimum(narrow, wide))


def _stretches(filtered, sfreq):
    """Samples of stretches that have something, and how much higher than their root mean square they are.

    Padding and interpolated gaps, maybe most of a recording, have nothing.
    """
    n = min(len(filtered), round(STRETCH * sfreq))
    stretches = np.r_[0 : len(filtered) - n : n, len(filtered) - n][:, None] + np.arange(n)
    maxima, power = filtered[stretches].max(axis=1), np.sqrt((filtered[stretches] ** 2).mean(axis=1))
    crest = maxima / np.maximum(power, NOTHING * maxima.max())
    has_beats = (crest > STANDS_OUT) & (crest < OF_PADDING)
    usual = np.percentile(maxima[has_beats], 75) if has_beats.any() else maxima.max()
    return stretches[maxima > EMPTY * usual], crest[maxima > EMPTY * usual]


def _match(signal, quarter):
    """A signal through the matched filter of gqrs, for QRS complexes of four times so many samples."""
    return np.convolve(np.pad(signal, 5 * quarter, mode="edge"), _kernel(quarter), mode="valid")[1:]


@lru_cache
def _kernel(quarter):
    smooth = np.convolve(np.ones(2 * quarter), [1, 1])
    kernel = np.zeros(8 * quarter)
    for half, weight in ((1, 10), (2, -4), (3, -2), (4, 1)):
        kernel[(4 - half) * quarter : (4 + half) * quarter] += weight
    return np.convolve(smooth, kernel)


def _around(values, percentage):
    """Percentile of the values before, around or after each, whichever is nearest to it: steps stay steps."""
    padded = np.pad(values, AROUND - 1, mode="symmetric")
    running = np.percentile(np.lib.stride_tricks.sliding_window_view(padded, AROUND), percentage, axis=1)
    n = len(values)
    choices = np.stack([running[at : at + n] for at in (0, AROUND // 2, AROUND - 1)])
    nearest = np.abs(np.log(np.maximum(choices, NOTHING * values.max()) / values)).argmin(axis=0)
    return choices[nearest, np.arange(n)]


def _gqrs(height, sfreq, **of_hearts):
    """Beats in samples by the rules of gqrs, in a signal that is filtered already."""
    Detector = _detector()
    conf = Detector.Conf(fs=sfreq, adc_gain=ADC_GAIN, QS=FILTERS[0], **of_hearts)
    conf.pthmin, conf.qthmin = conf.pthr // 3, conf.qthr // 3  # height follows what is around, also in pauses
    found = Detector().search((np.minimum(height, 1e3) ** 2 * conf.qthr).astype(int), conf) + conf.dt2
    return found[(found >= 0) & (found < len(height))]


@lru_cache
def _detector():
    """That of wfdb, which filters and looks at every sample, in twenty times the time."""
    with from_extra("ecg", "The search for R peaks"):
        from wfdb.processing.qrs import GQRS

    class Detector(GQRS):
        def search(self, squares, conf):
            before, after = np.r_[0, squares[:-1]], np.r_[squares[1:], 0]
            is_peak = (squares > 0.9 * conf.pthmin) & (before < squares) & (squares >= after)
            self.maxima = [*(np.flatnonzero(is_peak) + 1).tolist(), len(squares)]  # seen a sample later
            found = np.array([beat.time for beat in self.detect(squares.tolist(), conf, 0)], int)
            vars(self).clear()  # peaks refer to each other, and would keep the signal until collected
            return found

        def gqrs(self, from_sample, to_sample):
            self.stop = to_sample + self.c.sps
            super().gqrs(from_sample, to_sample)

        def qf(self):
            """Go on to where something happens: a maximum, or, long after one, thresholds that fall."""
            after = self.maxima[bisect_left(self.maxima, self.t)]
            if self.c.pthr > self.c.pthmin:
                after = min(after, self.current_peak.time + self.c.rrmax + 1)
            self.t = max(self.t, min(after, self.stop))
            self.sample_valid = self.t < len(self.x)
            if not self.sample_valid and self.t + self.c.sps < self.current_peak.time + self.c.rrmax:
                self.c.fs = 0  # of the second behind the end, in which nothing would happen

        def qfv_at(self, t):
            return self.x[t] if 0 <= t < len(self.x) else 0

        def putann(self, annotation):
            self.annotations.append(copy(annotation))

    return Detector


def _is_fast_and_regular(intervals):
    """Whether beats are so close that they stand out little, and none of them comes by chance."""
    typical = np.median(intervals) if len(intervals) else np.inf
    return typical < FAST and np.median(np.abs(intervals - typical)) < 0.1 * typical


def _is_fast(found, height, sfreq):
    """Where a heart is faster than the detector expects, so some of its beats are missed.

    There, most beats follow each other closely, or what is between them is as high as they are.
    """
    is_fast = np.zeros(len(height), bool)
    if len(found) < 2:
        return is_fast
    apart = round(APART * sfreq)
    start, stop = found[:-1] + apart, np.maximum(found[1:] - apart, found[:-1] + apart + 1)
    bounds = np.minimum(np.column_stack([found[:-1], start, stop]), len(height) - 1).ravel()
    at, between = np.maximum.reduceat(height, bounds).reshape(-1, 3)[:, :2].T
    is_one = (np.diff(found) < FAST * sfreq) | (between > 0.8 * at)
    runs = np.flatnonzero(median_filter(is_one.astype(np.uint8), min(IN_A_ROW, len(is_one)), mode="nearest"))
    for first, last in zip(found[runs], found[runs + 1], strict=True):
        is_fast[first - apart : last + apart] = True
    return is_fast
