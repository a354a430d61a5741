"""What makes a recording unlike the ECGs that classifiers are trained on: nothing in it is judged then.

What a spike is was chosen on recordings to 50 of LUDB; other thresholds lie beyond what any ECG of MIT-BIH,
LUDB, PTB-XL and CinC 2017 that was looked at has. ``docs/guide/pretrained.md`` says what they do.
"""

import numpy as np
from scipy.ndimage import median_filter

UNLIKE = {"BAD_paced": "paced", "BAD_band": "band", "BAD_no_ecg": "no ecg", "BAD_short": "short"}

LEAST_BEATS = 5  # fewer do not tell what is typical
MOST_NOISY = 0.5  # of the peaks, as in EEG that is taken for an ECG
LEAST_ALIKE = 0.35  # height of the median of all peaks, in heights of one of them
MOST_BEATS = 500  # that are looked at, evenly
WINDOW = (-0.25, 0.45)  # s around an R peak
QRS = (-0.1, 0.12)
# Of the power from 1 to 40 Hz around R peaks, what is in a band is more than so much
BANDS = {(15.0, 25.0): 1e-3, (25.0, 40.0): 10**-4.5}
SPIKE_RATE = 200.0  # Hz; a pacemaker's spike can't be told from a QRS complex below
SPIKE = 0.002  # s that it lasts, on each side of its middle
BEFORE, AFTER = (-0.3, -0.05), (0.15, 0.35)  # s around the R peak: where a spike is, and where nothing is
LEAST_SPIKE = 0.065  # of the height of the QRS complex
LEAST_ABOVE = 8.0  # times the highest that is as short after the beat
MOST_SPREAD = 0.02  # s, of when spikes are before R peaks


def unlike_recording(signals, sfreq, peaks):
    """Why a recording is unlike others, as a reason for logs and as a text; both are empty if it is not.

    ``signals`` are its leads without gaps, shape (n_leads, n_times); R peaks are those of the first.
    """
    if len(peaks) < 2:
        return "BAD_no_ecg", "no beats were found in it"
    if is_band_limited(signals[0], sfreq, peaks):
        return "BAD_band", "there is next to nothing above 15 or 25 Hz: it was filtered, or is a pulse wave"
    if any(is_paced(signal, sfreq, peaks) for signal in signals):
        return "BAD_paced", "most of its beats follow the spike of a pacemaker"
    return "", ""


def unlike_beats(beats, is_noise):
    """The same of filtered beats, shape (n_beats, n_times), of which some lie in noise."""
    if len(beats) < LEAST_BEATS:
        return "BAD_short", f"{len(beats)} beats do not tell what is typical of it; {LEAST_BEATS} at least do"
    if is_noise.mean() > MOST_NOISY:
        return "BAD_no_ecg", "most of what was found in it is noise"
    if np.ptp(np.median(beats, axis=0)) < LEAST_ALIKE * np.median(np.ptp(beats, axis=1)):
        return "BAD_no_ecg", "the peaks that were found in it have nothing in common"
    return "", ""


def is_band_limited(signal, sfreq, peaks):
    """Whether a lead has less of the higher frequencies of QRS complexes than any that was not filtered."""
    beats = _cut(signal, peaks, WINDOW, sfreq)
    if not len(beats):
        return False
    beats -= beats.mean(axis=1, keepdims=True)
    power = (np.abs(np.fft.rfft(beats * np.hanning(beats.shape[1]), axis=1)) ** 2).mean(axis=0)
    frequency = np.fft.rfftfreq(beats.shape[1], 1 / sfreq)

    def within(low, high):
        return power[(frequency >= low) & (frequency < high)].sum()

    total = within(1.0, 40.0)
    known = {band: least for band, least in BANDS.items() if band[1] <= 0.5 * sfreq}
    return total > 0 and any(within(*band) < least * total for band, least in known.items())


def is_paced(signal, sfreq, peaks):
    """Whether most beats of a lead follow a spike, as high and as short as a pacemaker's, at one distance."""
    if sfreq < SPIKE_RATE:
        return False
    short = np.abs(signal - median_filter(signal, 2 * max(1, round(SPIKE * sfreq)) + 1, mode="nearest"))
    before, after = (_cut(short, peaks, span, sfreq) for span in (BEFORE, AFTER))
    if len(before) < LEAST_BEATS:
        return False
    height = np.ptp(_cut(signal, peaks, QRS, sfreq), axis=1)
    highest, at = before.max(axis=1), before.argmax(axis=1) / sfreq
    is_high = np.median(highest / np.maximum(height, 1e-12)) > LEAST_SPIKE
    is_alone = np.median(highest / np.maximum(after.max(axis=1), 1e-12)) > LEAST_ABOVE
    return bool(is_high and is_alone and np.median(np.abs(at - np.median(at))) < MOST_SPREAD)


def _cut(signal, peaks, span, sfreq):
    """Stretches of a signal (s) around those of some peaks that are whole within a second."""
    reach = round(0.5 * sfreq)
    peaks = peaks[(peaks >= reach) & (peaks < len(signal) - reach)]
    if len(peaks) > MOST_BEATS:
        peaks = peaks[np.linspace(0, len(peaks) - 1, MOST_BEATS).round().astype(int)]
    return signal[peaks[:, None] + np.arange(round(span[0] * sfreq), round(span[1] * sfreq) + 1)]
