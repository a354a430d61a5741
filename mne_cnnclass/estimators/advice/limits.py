"""What limits what can be learnt from samples, and what their scores can tell: sentences with numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats
from scipy.signal import periodogram

from ...networks.mirror import _SIDES
from ...samples.channel_names import standard_name
from ...samples.columns import check_classes, check_column
from ...utils.text import shortened
from .tasks import plain

MOST_LOOKED_AT = 2**21  # values of a signal that are read: some epochs, evenly
WIDE = 0.15  # of an interval
FEW_PEOPLE = 8
UNBALANCED = 1.5  # from it on, accuracy rewards the largest class
COLUMNS = {  # of people, and of recordings
    "people": ("patient", "subject"),
    "recordings": ("session", "record", "file", "run"),
}
_PLACES = {  # electrodes of which a task needs some
    "motor imagery": ({"C3", "C4", "C1", "C2", "FC3", "FC4", "CP3", "CP4"}, "the motor cortex (C3, C4)"),
    "ssvep": ({"O1", "O2", "OZ", "POZ", "PO3", "PO4", "PO7", "PO8"}, "the visual cortex (O1, Oz, O2)"),
    "erp": ({"CZ", "PZ", "CPZ", "FCZ", "FZ", "P3", "P4"}, "the midline (Cz, Pz)"),
}


@dataclass(frozen=True)
class Counts:
    """Samples by class, and whose they are."""

    view: object

    @cached_property
    def labels(self):
        labels = check_column(self.view.labels, "labels", len(self.view))
        if not len(labels):
            raise ValueError("The view has 0 epochs, of which nothing can be suggested.")
        check_classes(labels)
        if len(np.unique(labels)) < 2:
            raise ValueError(
                f"All {len(labels)} epochs are of one class, {labels.tolist()[0]!r}, and a classifier needs "
                "at least 2. Add epochs of another one, or give labels= of EpochsView."
            )
        return labels

    @cached_property
    def of_class(self):
        """How many samples of each class, the most frequent one first."""
        return pd.Series(self.labels).value_counts()

    def column(self, kind):
        """Name and values of the metadata column of people or recordings; None where it is not there."""
        table = self.view.metadata
        for name in COLUMNS[kind] if table is not None else ():
            if name in table and not table[name].isna().any():
                return name, table[name].astype(str).to_numpy()
        return None

    @cached_property
    def people(self):
        """Of whom each sample is, or the group that it is in; None if that is not known."""
        column = self.column("people")
        if column is None and self.view.groups is not None:
            return np.asarray(self.view.groups).astype(str)
        return None if column is None else column[1]

    @cached_property
    def recordings(self):
        """Number of the recording of each sample."""
        columns = [self.column(kind)[1] for kind in COLUMNS if self.column(kind)]
        index = pd.MultiIndex.from_arrays([self.view.onsets()[1], *columns])
        return pd.factorize(index)[0]

    @property
    def ratio(self):
        return self.of_class.iloc[0] / self.of_class.iloc[-1]


def find_limits(view, task, counts, wanted):
    """All that limits the scores or what is learnt, a list of sentences.

    ``wanted`` are properties of the recipe: ``sfreq``, that it resamples to, and its arguments.
    """
    data = _some_of(view)
    with np.errstate(all="ignore"):  # of values that are far too large
        return [
            *_of_numbers(counts),
            *_of_people(counts),
            *_of_order(view, counts),
            *_of_channels(view, task, data),
            *_of_filters(view, task, counts, wanted, data),
        ]


def of_interval(n, chance):
    """95 % interval (Wilson) of an accuracy halfway from chance to 1, and the least one above chance.

    Brown LD, Cai TT, DasGupta A (2001). Interval estimation for a binomial proportion. Statistical Science
    16(2):101-133. doi:10.1214/ss/1009213286

    >>> of_interval(64, 0.25)
    (0.625, (0.5025..., 0.7333...), 0.359375)
    """
    k = round(n * (1 + chance) / 2)
    interval = stats.binomtest(k, n).proportion_ci(method="wilson")
    least = int(stats.binom.isf(0.05, n, chance)) + 1  # the least k with P(K >= k) < 0.05
    return k / n, (float(interval.low), float(interval.high)), least / n


def _of_numbers(counts):
    n, k, of_class = len(counts.labels), len(counts.of_class), counts.of_class
    score, (low, high), least = of_interval(n, of_class.iloc[0] / n)
    wide = " expect wide intervals:" if high - low > WIDE else ""
    above = f"above chance (p < 0.05) from {least:.2f} on" if least <= 1 else "never above chance (p < 0.05)"
    yield (
        f"{n} trials of {k} classes:{wide} an accuracy of {score:.2f} has a 95 % interval of {low:.2f} to "
        f"{high:.2f}, and is {above} (binomial, of trials that do not depend on each other)."
    )
    if of_class.iloc[-1] < 20:
        yield f"Class {str(of_class.index[-1])!r} has {of_class.iloc[-1]} trials: little to learn from."
    if counts.ratio >= UNBALANCED:
        share = of_class.iloc[0] / n
        yield (
            f"Classes are unbalanced, {of_class.iloc[0]} to {of_class.iloc[-1]}: always saying "
            f"{str(of_class.index[0])!r} has an accuracy of {share:.2f}. Take ROC-AUC or balanced accuracy."
        )
    if n < counts.view.shape[1]:
        n_channels = counts.view.shape[1]
        yield f"Fewer trials ({n}) than channels ({n_channels}): what is not regularised fits noise."


def _of_people(counts):
    if counts.people is None:
        yield "Whose trials they are is not told: scores say nothing on new people. Name them in groups=."
        return
    n_people = len(np.unique(counts.people))
    by_person = pd.Series(counts.labels).groupby(counts.people).nunique()
    if n_people == 1:
        yield "One person: it says nothing on new people."
    elif (by_person == 1).all():
        yield (
            f"Each of {n_people} people has one class: the sample is a person, so the interval is that of "
            f"{n_people}, and what sets people apart can be taken for the class."
        )
    elif n_people < FEW_PEOPLE:
        yield f"{n_people} people: too few to say how well it does on new ones. Look at each person."


def _of_order(view, counts):
    """Windows that overlap, and classes that go with the time."""
    onset, numbers = view.onsets()[0], counts.recordings
    of_recording = pd.Series(counts.labels).groupby(numbers).nunique()
    people = numbers if counts.people is None else pd.factorize(counts.people)[0]
    n_recordings = len(of_recording)
    if n_recordings > 1 and (of_recording == 1).all() and len(np.unique(people)) < n_recordings:
        yield (
            "Each recording holds one class: time and drying electrodes tell recordings apart, too. "
            "evaluate(probes=True) says what time alone reaches."
        )
    if np.isnan(onset).any():
        return
    order = np.lexsort([onset, numbers])
    inside = np.diff(numbers[order]) == 0
    gap = np.diff(onset[order])[inside]
    length = (len(view.times) - 0.5) / view.sfreq
    if len(gap) and (gap < length).any():
        yield (
            f"{(gap < length).mean():.0%} of the windows overlap the next one: they are no separate trials, "
            "and intervals are too narrow. Keep a recording on one side of the splits."
        )
    # as lazily as it goes: there may be thousands of recordings
    rows = pd.Series(order).groupby(numbers[order]).groups.values()
    first = (_first_class(onset[order[its]], counts.labels[order[its]]) for its in rows)
    label = next(first)
    if label is not None and all(other == label for other in first):
        yield f"Class {str(label)!r} always comes first: evaluate(probes=True) says what time alone reaches."


def _first_class(onset, labels):
    """The class all of whose samples precede all others in a recording."""
    ends = pd.Series(onset).groupby(labels).agg(["min", "max"]).sort_values("min")
    return ends.index[0] if len(ends) > 1 and ends["max"].iloc[0] < ends["min"].iloc[1:].min() else None


def _some_of(view):
    """Data of some epochs, evenly, shape (n, n_channels, n_times)."""
    most = max(1, min(len(view), MOST_LOOKED_AT // max(1, view.shape[1] * view.shape[2])))
    return view[np.unique(np.linspace(0, len(view) - 1, most).astype(int))].read()


def _of_channels(view, task, data):
    bads = sorted(set().union(*(source.info["bads"] for source in view.sources())) - set(view.ch_names))
    if bads:
        yield f"{len(bads)} bad channel(s) are left out: {shortened(bads)}."
    finite = np.isfinite(data)
    if not finite.all():
        lost = shortened(np.array(view.ch_names)[~finite.all(axis=(0, 2))])
        yield f"NaN or infinity in {lost}: no network takes them. Drop these epochs, or interpolate."
        return
    deviation = data.std(axis=2).max(axis=0, initial=0.0)
    typical = np.median(deviation)
    names = np.array(view.ch_names, dtype=object)
    flat = deviation <= 1e-12 * np.abs(data).max(axis=(0, 2), initial=0.0)
    types = view.info.get_channel_types(unique=True)
    loud = (
        ~flat & (np.median(data.std(axis=2), axis=0) > 10 * np.median(data.std(axis=2))) & (len(types) == 1)
    )
    if flat.any():
        yield f"Flat channel(s) {shortened(names[flat])}: mark them bad, or interpolate them."
    if loud.any() and typical > 0:
        yield f"Channel(s) {shortened(names[loud])} vary more than ten times as much as others: detached?"
    places, what = _PLACES.get(task, ((), ""))
    there = {standard_name(name).upper() for name in view.ch_names}
    if places and "eeg" in types and not there & places:
        yield f"No channel is named as one over {what}, where the task is seen best."


def _of_filters(view, task, counts, wanted, data):
    low, high, nyquist = view.info["highpass"], view.info["lowpass"], view.sfreq / 2
    names = map(plain, counts.of_class.index)
    sides = task == "motor imagery" or any(map(_SIDES.search, names))
    if view.info.get_channel_types(unique=True) == ["ecg"]:
        return
    if sides and low < 4:
        yield (
            "Left and right below 4 Hz: people look at a cue that appears on one side, and their eyes tell "
            "the classes. High-pass at 4 Hz, and leave the first second after the cue out."
        )
    elif low <= 0:
        yield "No high-pass is noted: electrodes drift. Filter the recording rather than the epochs."
    hum = _line_noise(data, view.sfreq, min(high, nyquist))
    if hum:
        yield f"Line noise at {hum[0]:g} Hz, {hum[1]:.0f} times its neighbours: low-pass below, or notch."
    rate, high = wanted["sfreq"], min(high, nyquist)
    if rate and high > rate / 2:
        yield (
            f"The recipe resamples to {rate:g} Hz, so that what is above {rate / 2:g} Hz is lost (the pass "
            f"band ends at {high:g} Hz)."
        )
    if rate and view.sfreq < rate:
        yield f"{view.sfreq:g} Hz is below the {rate:g} Hz that the recipe was made for."
    values = sorted(filter(None, wanted.get("frequencies", {}).values()))
    lost = [f"{value:g}" for value in values if not low <= value < high]
    if lost:
        yield f"{', '.join(lost)} Hz are outside the pass band, {low:g} to {high:g} Hz."
    resolution = view.sfreq / len(view.times)
    if len(values) > 1 and min(np.diff(values)) < resolution:
        yield f"Windows of {1 / resolution:.2g} s do not resolve frequencies that are so near to each other."


def _line_noise(data, sfreq, highest):
    """50 or 60 Hz and how far it stands out, in the median of the channels; None where it does not."""
    if not np.isfinite(data).all() or data.shape[2] < sfreq / 2:
        return None
    freqs, power = periodogram(data, sfreq, window="hann", detrend="constant")
    power = np.median(power.mean(axis=0), axis=0)
    for line in (50.0, 60.0):
        near = (np.abs(freqs - line) >= 4) & (np.abs(freqs - line) <= 9)
        on = np.abs(freqs - line) <= 1.5
        if line + 4 > highest or not near.any() or not on.any() or not np.median(power[near]):
            continue
        times = power[on].max() / np.median(power[near])
        if times > 10:
            return line, times
    return None
