"""Within what frequencies, times, thresholds and values make sense, before any of them is used."""

import math
from numbers import Real

import mne
import numpy as np

from ..utils.numbers import check_number
from ..utils.text import shortened
from ..utils.warn import warn
from .gaps import typical_sizes
from .mne_internals import data_of

# Peak to peak in V (T, T/m for MEG), beyond which no recording of such channels goes: thresholds
# above it are in another unit.
VOLTS = ("eeg", "eog", "ecg", "emg", "ecog", "seeg", "dbs")
LARGEST = {**dict.fromkeys(VOLTS, 0.1), "mag": 1e-6, "grad": 1e-5}
# Deviation of a channel in V: in µV the quietest EEG has more, and no amplifier's noise is less.
LARGEST_DEVIATION, SMALLEST_DEVIATION = 0.01, 1e-9
MOST_RATIO = 300  # between EEG channels in one unit; in good recordings it stays below 20


def check_time(value, name):
    """A time in s, finite."""
    check_number(value, name, Real, min_val=-np.inf, max_val=np.inf, include_boundaries="neither")


def check_rate(value, name):
    """A sampling frequency in Hz."""
    check_number(value, name, Real)
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be above 0 Hz, and finite, got {value!r}.")


def same_rate(one, other):
    """Whether two sampling frequencies are one, up to what headers round."""
    return math.isclose(one, other, rel_tol=1e-5)


def check_edges(l_freq, h_freq, sfreq, what, notch=()):
    """Edges of a filter and notches in Hz; MNE would take edges in the wrong order for a band-stop."""
    for name, edge in (("l_freq", l_freq), ("h_freq", h_freq), *(("notch", line) for line in notch)):
        if edge is None:
            continue
        check_number(edge, name, Real)
        if not 0 < edge < sfreq / 2:
            raise ValueError(
                f"{name} must be between 0 and {sfreq / 2:g} Hz, half the sampling frequency of {what}, got "
                f"{edge:g} Hz."
            )
    if l_freq is not None and h_freq is not None and l_freq >= h_freq:
        raise ValueError(f"l_freq must be less than h_freq, got {l_freq:g} and {h_freq:g} Hz.")


def check_thresholds(reject, flat):
    """Thresholds of rejection: dicts of numbers in SI units, as MNE has them."""
    if not (reject is None or isinstance(reject, dict) or (isinstance(reject, str) and reject == "auto")):
        raise ValueError(f'reject must be None, "auto" or a dict of thresholds, got {reject!r}.')
    if not (flat is None or isinstance(flat, dict)):
        raise ValueError(f"flat must be None or a dict of thresholds, got {flat!r}.")
    for name, limits in (("reject", reject), ("flat", flat)):
        for kind, value in limits.items() if isinstance(limits, dict) else ():
            if kind not in LARGEST:
                raise ValueError(
                    f"{name} is by the type of channel, one of {', '.join(LARGEST)}, got {kind!r}."
                )
            check_number(value, f"{name}[{kind!r}]", Real, min_val=0)
            if value > LARGEST[kind]:
                raise ValueError(
                    f"{name}={{{kind!r}: {value:g}}} is above all that such channels can have; thresholds "
                    "are in V (T and T/m for MEG): 150 µV is 150e-6."
                )


def check_unit(raw, recording):
    """Warn of EEG whose typical size its unit does not allow, and of channels in another unit than others."""
    picks = mne.pick_types(raw.info, meg=False, eeg=True, seeg=True, ecog=True, exclude=())
    sizes = typical_sizes(data_of(raw), picks, raw.info["sfreq"])
    size = np.median(sizes[sizes > 0]) if sizes.any() else SMALLEST_DEVIATION
    if not SMALLEST_DEVIATION <= size <= LARGEST_DEVIATION:
        warn(
            f"The EEG of {recording} has a deviation of {size:.2g} V (median of seconds and channels), "
            "so it seems to be in another unit than V, and thresholds of rejection will be wrong. Scale it, "
            "such as raw.apply_function(lambda x: 1e-6 * x) from µV.",
        )
        return
    told = {*recording.units, *raw.info["bads"]}  # by name, or by who marked them
    odd = [
        k
        for k in np.flatnonzero(sizes)
        if abs(np.log(sizes[k] / size)) > np.log(MOST_RATIO) and raw.ch_names[picks[k]] not in told
    ]
    if odd:
        shown = shortened((f"{raw.ch_names[picks[k]]} {sizes[k]:.2g} V" for k in odd), 6)
        recording.tell(
            [
                f"the deviation of some EEG channels is far from that of the others ({size:.2g} V): {shown}. "
                "They are in another unit, or detached: scale them, or leave them out by picks"
            ]
        )
