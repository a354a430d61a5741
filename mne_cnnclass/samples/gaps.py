"""Gaps of a recording: what is no number, and what goes around it, so that nothing else is lost for them."""

from collections import Counter

import numpy as np

from ..utils.numbers import runs
from ..utils.quiet import quiet
from ..utils.text import shortened
from .mne_internals import data_of, event_rate, skipping

STILL = 1.0  # s; no living signal is constant as long
BRIDGED = 0.1  # s; over shorter gaps a filter goes on, as two edges beside each other would harm more


def has_gaps(data):
    """Whether there is NaN or infinity: one pass, if there is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        return not np.isfinite(data.sum()) and not np.isfinite(data).all()  # a sum may also overflow


def spans(mask):
    """The stretches in which a mask is true."""
    return [span for span in runs(mask) if mask[span.start]]


def bridge(data):
    """Lead signals, in place, over their gaps in straight lines; where those were, as an array of bool."""
    lost = ~np.isfinite(data)
    for signal, gaps in zip(data, lost, strict=True):
        known = np.flatnonzero(~gaps)
        if len(known) < len(signal):
            signal[gaps] = np.interp(np.flatnonzero(gaps), known, signal[known]) if len(known) else 0.0
    return lost


def bridged(raw):
    """A copy of a Raw without gaps, to fit on; the Raw itself if it has none."""
    if has_gaps(data_of(raw)):
        raw = raw.copy()
        bridge(data_of(raw))
    return raw


def filter_around(raw, picks, step):
    """Filter channels by ``step(raw, picks)``, each around its own gaps, as MNE does around BAD_ACQ_SKIP."""
    data = data_of(raw)
    if not has_gaps(data):
        step(raw, picks)
        return
    groups = {}
    for pick in picks:
        lost = ~np.isfinite(data[pick])
        groups.setdefault(lost.tobytes(), (lost, []))[1].append(pick)
    for lost, group in groups.values():
        signals = data[group]
        bridge(signals)
        data[group] = signals
        long = [span for span in spans(lost) if span.stop - span.start > BRIDGED * raw.info["sfreq"]]
        if not lost.all():
            with skipping(raw, long):
                step(raw, group)
        data[np.ix_(group, lost)] = np.nan


def resample_around(raw, sfreq, events):
    """Resample a Raw, in place, and events with it; gaps remain as they are."""
    data, ratio = data_of(raw), sfreq / raw.info["sfreq"]
    lost = bridge(data) if has_gaps(data) else ()
    raw, events = raw.resample(sfreq, events=events, verbose="ERROR")
    for signal, gaps in zip(data_of(raw), lost, strict=False):
        for span in spans(gaps):
            signal[int(span.start * ratio) : int(np.ceil(span.stop * ratio))] = np.nan
    return raw, events


def typical_sizes(data, picks, sfreq, n_windows=20):
    """The standard deviation in a second of signals, the median over some seconds evenly spread, 0 if none.

    It says in what unit a signal is, whatever artefacts there are.
    """
    length = min(max(round(sfreq), 1), data.shape[1])
    starts = np.linspace(0, data.shape[1] - length, min(n_windows, data.shape[1] // length)).astype(int)
    windows = data[
        np.asarray(picks, int)[:, np.newaxis, np.newaxis], starts[:, np.newaxis] + np.arange(length)
    ]
    with np.errstate(invalid="ignore"):
        deviation = np.where(windows.min(axis=2) == windows.max(axis=2), 0.0, windows.std(axis=2))
    sizes = np.ma.masked_invalid(deviation)
    return np.ma.filled(np.ma.median(sizes, axis=1), 0.0)


def still_spans(signal, sfreq, least=STILL):
    """The stretches, in s, in which a signal is constant for at least some s: flat, or at a rail.

    They are found by cells of an eighth of that time; most signals are looked at there alone.
    """
    length = max(round(least * sfreq / 8), 1)
    first = signal[: len(signal) // length * length : length]
    same = first[1:] == first[:-1]
    if len(same) < 6 or not np.all([same[k : len(same) - 5 + k] for k in range(6)], axis=0).any():
        return np.empty((0, 2))
    cells = signal[: len(first) * length].reshape(-1, length)
    value = np.where((cells.min(axis=1) == cells.max(axis=1)) & np.isfinite(first), first, np.nan)
    found = []
    for span in runs(value):
        if span.stop - span.start >= 7:  # eight cells may begin and end within others
            start, stop, level = span.start * length, span.stop * length, value[span.start]
            before, after = (
                signal[max(start - length, 0) : start] != level,
                signal[stop : stop + length] != level,
            )
            start -= before[::-1].argmax() if before.any() else len(before)
            found.append((start, stop + (after.argmax() if after.any() else len(after))))
    return np.array(found, float).reshape(-1, 2) / sfreq


def touched(begin, end, found):
    """Which samples, from begin to end (s), reach into some spans, whose first entries are theirs."""
    return np.any([np.zeros(len(begin), bool), *((begin < s[1]) & (end > s[0]) for s in found)], axis=0)


class Losses:
    """Count epochs that are lost for gaps, and those in which a channel is constant, by channel."""

    def __init__(self):
        self.n_epochs, self.counts, self.channels = 0, Counter(), {"gap": Counter(), "still": Counter()}

    def drop(self, epochs, names, first_samp, still):
        """Drop epochs with gaps in channels of these names; look for spans (s) in which some are constant."""
        data, begin = data_of(epochs), (epochs.events[:, 0] - first_samp) / event_rate(epochs) + epochs.tmin
        self.n_epochs += len(epochs)
        end = begin + epochs.times[-1] - epochs.times[0]
        flat = {name: touched(begin, end, still[name]) for name in names if name in still}
        self._count("still", flat)
        if has_gaps(data):
            lost = {name: ~np.isfinite(data[:, epochs.ch_names.index(name)]).all(axis=1) for name in names}
            self._count("gap", lost)
            with quiet():
                epochs.drop(np.any(list(lost.values()), axis=0), reason="NaN")

    def _count(self, kind, masks):
        self.counts[kind] += int(np.any(list(masks.values()), axis=0).sum())
        self.channels[kind] += Counter({name: int(mask.sum()) for name, mask in masks.items()})

    def texts(self):
        """What to say of them."""
        texts = dict(
            gap="hold NaN or infinity and are left out ({}); a channel that costs too many is better marked "
            "bad, or left out by picks",
            still="hold a stretch in which a channel is constant for a second and more, flat or at the rail "
            "of the amplifier ({}); mark such spans or channels bad, or leave them out by picks",
        )
        for kind, text in texts.items():
            if self.counts[kind]:
                most = ((name, n) for name, n in self.channels[kind].most_common() if n)
                shown = shortened((f"{name} in {n}" for name, n in most), 4, "more channels")
                yield f"{self.counts[kind]} of {self.n_epochs} epochs {text.format(shown)}"
