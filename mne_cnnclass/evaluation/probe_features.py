"""What confound probes see of the samples: tables of features, or texts that say why there are none."""

import re

import mne
import numpy as np
import pandas as pd
from scipy.fft import rfft, rfftfreq
from scipy.signal import butter, sosfiltfilt
from scipy.signal.windows import hann

from ..samples.blocks import iter_blocks
from ..samples.view import EpochsView

SLOW = 4.0  # Hz; what eyes do lies mostly below
FAST = 40.0  # Hz; what muscles do lies mostly above
BANDS = ((1, 4), (4, 8), (8, 13), (13, 30), (30, 45))  # Hz, of the baseline
MAX_BINS = 16  # of slow signals
MAX_CHANNELS = 16  # chosen by position
MAX_BASELINE = 64  # channels of the baseline; a linear discriminant takes long with thousands of features
MIN_OF_CLASS = 12  # of which four are early, and four late
MAX_GROUPS = 200  # with a column of their own

_EEG = r"(?:EEG[\s_-]*)?"  # "EEG Fp1-REF" is Fp1
_FRONTAL = re.compile(_EEG + r"(?:(?:Fp|AFp|AFF|AF)(?:z|\d)|F(?:7|8|9|10)(?!\d))", re.I)
_RIM = re.compile(
    _EEG
    + r"(?:Fp(?:z|\d)|AF[78]|F(?:7|8|9|10)(?!\d)|(?:FT|T|TP)\d|P(?:7|8|9|10)(?!\d)|PO[789]|[OI](?:z|[12]))",
    re.I,
)

# -- what is known without signals -------------------------------------------------------------------


def recordings(X, groups):
    """The recording of each sample, as a number, and when in it the sample starts, NaN if not known."""
    onset, source = np.full(len(X), np.nan), np.zeros(len(X), int)
    if isinstance(X, EpochsView):
        onset, source = X.onsets()
    keys = pd.DataFrame(dict(source=source, group=0 if groups is None else pd.factorize(groups)[0]))
    return keys.groupby(["source", "group"]).ngroup().to_numpy(), onset


def order(recording, onset):
    """Cosines of the place in the recording."""
    if np.isnan(onset).any():
        return "it is not known when the samples were recorded, as events are mere numbers or X is an array"
    table = pd.Series(onset).groupby(recording)
    n_samples = table.transform("size").to_numpy()
    if n_samples.max() < 3:
        return "no recording has three samples or more"
    rank = table.rank(method="first").to_numpy() - 1
    phase = np.pi * (rank + 0.5) / n_samples
    return np.cos(phase[:, None] * np.arange(1, 9))


def time(view, recording, onset, y):
    """Log band power, and which samples are early or late among those of a class in a recording."""
    if np.isnan(onset).any():
        return "it is not known when the samples were recorded, as events are mere numbers"
    table = pd.Series(onset).groupby([recording, pd.factorize(y)[0]])
    place = (table.rank(method="first") - 0.5) / table.transform("size")
    enough = table.transform("size") >= MIN_OF_CLASS
    target = np.select([enough & (place < 1 / 3), enough & (place > 2 / 3)], ["early", "late"], "").astype(
        str
    )
    if not (target != "").any():
        return f"no recording has {MIN_OF_CLASS} samples of a class"
    view = view.pick(view.ch_names[:: -(-view.shape[1] // MAX_BASELINE)])
    bands = _bands(view.shape[2], view.sfreq)

    def measure(block):
        spectrum = _spectrum(block)
        return np.stack([spectrum[..., band].mean(2) for band in bands], axis=2)

    values = _log(_measure(view, measure))
    return _with_relative(values.reshape(len(view), -1), recording), target


def _bands(n_times, sfreq):
    """Which frequencies are in each band, of those that have some."""
    freqs = rfftfreq(n_times, 1 / sfreq)
    bands = [(freqs >= low) & (freqs < high) for low, high in BANDS]
    return [band for band in bands if band.any()]


def group(groups):
    """A column for each group."""
    if groups is None:
        return "there are no groups; give groups=, or make the view with groups"
    codes, names = pd.factorize(groups)
    if len(names) < 2:
        return "there is only one group"
    largest = np.argsort(-np.bincount(codes), kind="stable")[:MAX_GROUPS]
    return (codes[:, None] == largest).astype(float)


# -- what is measured on signals ---------------------------------------------------------------------


def ocular(view):
    """Course and amount of slow signals at the eyes, or at the forehead."""
    everything = EpochsView(view, picks="all")
    info = everything.info
    heads = _head_channels(info)
    names = _good_channels(info, eog=True) or [name for name in heads if "EOG" in name.upper()]
    names = names or _find(info, heads, _FRONTAL, lambda direction: direction[:, 1], 0.85)
    if not names:
        return "there are no EOG channels, and no frontal ones by name (Fp1, AF3, F7 …) or position"
    n_times = view.shape[2]
    n_bins = int(np.clip(n_times / view.sfreq / 0.25, 1, MAX_BINS))
    edges = np.linspace(0, n_times, n_bins + 1).astype(int)[:-1]
    sos = butter(4, SLOW, fs=view.sfreq, output="sos") if view.sfreq > 2 * SLOW else None

    def measure(block):
        if sos is not None:
            block = sosfiltfilt(sos, block, padlen=min(int(view.sfreq / SLOW), n_times - 1))
        means = np.add.reduceat(block, edges, axis=2) / np.diff([*edges, n_times])
        return np.concatenate([means, block.var(2)[..., None]], axis=2)

    slow = _measure(everything.pick(names), measure)
    amount = _log(slow[..., -1])  # of movement, whatever its course
    return np.column_stack([slow[..., :-1].reshape(len(view), -1), amount.mean(1), amount.max(1)])


def muscle(view, recording):
    """Log power above 40 Hz at the rim of the head."""
    everything = EpochsView(view, picks="all")
    info = everything.info
    top = min(view.sfreq / 2, info["lowpass"])
    if top < FAST + 5:
        return f"there is nothing above {FAST:g} Hz: the signals end at {top:g} Hz"
    names = _find(info, _head_channels(info), _RIM, lambda direction: -direction[:, 2], -0.2)
    if not names:
        return "there are no channels at the rim of the head by name (T7, FT9, O1 …) or position"
    freqs = rfftfreq(view.shape[2], 1 / view.sfreq)
    fast = (freqs > FAST) & (freqs <= top)
    for line in (50, 60):
        fast &= np.abs((freqs + line / 2) % line - line / 2) > 2
    if not fast.any():
        return f"windows of {view.shape[2]} samples are too short for power above {FAST:g} Hz"
    power = _measure(everything.pick(names), lambda block: _spectrum(block)[..., fast].mean(2))
    return _with_relative(_log(power), recording)


def quality(view, recording):
    """Noise, spikes and flat spans over channels, without their places."""
    freqs = rfftfreq(view.shape[2], 1 / view.sfreq)
    info = view.info
    middle = (freqs >= max(1, info["highpass"])) & (freqs <= min(FAST, info["lowpass"]))
    if not middle.any():
        return f"windows of {view.shape[2]} samples are too short for a spectrum from 1 to {FAST:g} Hz"

    def measure(block):
        steps = np.abs(np.diff(block, axis=2))
        typical = np.quantile(steps, 0.75, axis=2, keepdims=True)
        flat = (steps <= 0.01 * typical).mean(2)
        spikes = steps.max(2) / np.where(typical > 0, typical, np.inf)[..., 0]
        return np.stack([np.median(_spectrum(block)[..., middle], axis=2), spikes, flat], axis=2)

    level, spikes, flat = np.moveaxis(_measure(view, measure), 2, 0)
    level, spikes = _log(level), np.log1p(spikes)
    relative = level - _medians(level, recording)
    over_channels = [level.mean(1), np.median(relative, axis=1), relative.min(1), relative.max(1)]
    over_channels += [np.median(spikes, axis=1), spikes.max(1), flat.mean(1), flat.max(1)]
    return np.column_stack(over_channels)


def baseline(view, recording):
    """Mean and log band power before the event."""
    if view.times[0] >= -0.05:
        return f"epochs start at {view.times[0]:g} s, so there is no baseline before the event"
    view = view.pick(view.ch_names[:: -(-view.shape[1] // MAX_BASELINE)])
    before = int((view.times < 0).sum())
    bands = _bands(before, view.sfreq)

    def measure(block):
        block = block[..., :before]
        spectrum = _spectrum(block)
        return np.stack([block.mean(2), *(spectrum[..., band].mean(2) for band in bands)], axis=2)

    values = _measure(view, measure)
    values[..., 1:] = _log(values[..., 1:])
    return _with_relative(values.reshape(len(view), -1), recording)


def _measure(view, measure):
    """What a function measures on blocks of epochs, put together."""
    return np.concatenate([measure(block) for block in iter_blocks(view)])


def _spectrum(block):
    """Power spectrum under a Hann window, which keeps slow drifts from leaking into high frequencies."""
    centred = block - block.mean(2, keepdims=True)
    return np.abs(rfft(centred * hann(block.shape[2], sym=False), axis=2)) ** 2


def _log(power):
    """Logarithm of power; flat signals count as a millionth of what is usual in the channel."""
    usual = np.median(power, axis=0, keepdims=True)
    return np.log(np.maximum(power, np.where(usual > 0, 1e-6 * usual, 1.0)))


def _medians(values, recording):
    return pd.DataFrame(values).groupby(recording).transform("median").to_numpy()


def _with_relative(values, recording):
    """Values as they are, and relative to their recording: people differ more than epochs do."""
    relative = values - _medians(values, recording)
    return np.hstack([values, relative]) if recording.max() else values


# -- where channels are ------------------------------------------------------------------------------


def _head_channels(info):
    return _good_channels(info, meg=True, eeg=True, ref_meg=False)


def _good_channels(info, **types):
    return [info["ch_names"][i] for i in mne.pick_types(info, **types, exclude="bads")]


def _find(info, names, pattern, height, least):
    """Channels by their name, else those that lie farthest in a direction, of more than ``least``."""
    named = [name for name in names if pattern.match(name)]
    if named or not names:
        return named
    places = [info["chs"][info["ch_names"].index(name)] for name in names]
    # the middle of the head is about 4 cm above the origin of head coordinates, at that of the MEG helmet's
    middle = [[0, 0, 0.04 * (ch["coord_frame"] == mne.io.constants.FIFF.FIFFV_COORD_HEAD)] for ch in places]
    direction = np.array([ch["loc"][:3] for ch in places])
    known = np.isfinite(direction).all(1) & direction.any(1)
    direction = direction - middle
    heights = height(direction / np.linalg.norm(direction, axis=1, keepdims=True))
    far = np.flatnonzero(known & (heights > least))
    far = np.sort(far[np.argsort(-heights[far], kind="stable")][:MAX_CHANNELS])
    return [names[i] for i in far]
