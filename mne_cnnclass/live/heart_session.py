"""From the samples of an ECG to beats and rhythms, without a stream."""

from __future__ import annotations

from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd

from ..ecg.beats import TYPICAL, bad_span
from ..ecg.beats_so_far import LOCAL, BeatsSoFar, beat_reach
from ..ecg.leads import describe_leads, silent_spans
from ..ecg.measures import amplitudes_by_second, cut_beats
from ..ecg.peaks import REFRACTORY, Search, Usual, check_is_in_volts
from ..ecg.quality import noisy_spans, qualities_of
from ..ecg.rhythm_stretches import WINDOW, predict_rhythm
from ..ecg.unlike import unlike_beats, unlike_recording
from ..samples.limits import LARGEST
from ..samples.view import EpochsView
from ..utils.quiet import heard, quiet
from .decision import Decision
from .filters import design
from .pushing import Session
from .windows import Windows

# Chosen on MIT-BIH 101 to 118; docs/guide/live.md says what they do.
HOP = 0.5  # s from one search for beats to the next
AHEAD = 0.1  # s before a search, when all is looked at that does not need the last samples
SEARCHED = 33.0  # s of signal that tell what is usual
BEHIND = 0.5  # s after an R peak without which it is not relied on
RECENT = 8.0  # s of signal in which R peaks are looked for, by what is usual
LATE = 0.2  # s later that a beat may be found in place of one search earlier
LEAST = 2.0  # s of signal in which beats are looked for
WHY = {"few beats": "too few beats", "rate": "a rate of no heart", "band": "filtered, or no ECG"}  # in words


@dataclass(frozen=True)
class Stretch:
    """What is kept of the signal at a search, or before it, in one piece: numbers of samples, times in s."""

    data: np.ndarray
    times: np.ndarray
    first: int
    stop: int
    began: int  # the first sample after what was lost
    lost: str  # what that was
    is_hop: bool  # whether it is time for a search


@dataclass(frozen=True)
class Around:
    """What is known of the last half minute before the last samples are there."""

    first: int  # number of its first sample
    usual: Usual | None
    noise: list  # spans of noise, in s
    odd: str  # why it is unlike an ECG


class Stretches(Windows):
    """The last samples of a stream, every so many of them, and before each time some that much earlier."""

    def __init__(self, sfreq, ch_names, n_times, hop, ahead, jitter):
        super().__init__(design(sfreq), ch_names, [], n_times, jitter=jitter)
        self._hop, self._ahead, self._n_given = hop, ahead, 0

    def due(self):
        while True:
            n_hops, is_hop = divmod(self._n_given, 2)
            stop = (n_hops + 1) * self._hop - (0 if is_hop else self._ahead)
            if stop > self._end:
                return
            began, lost = max((at, why) for at, why in self._breaks if at < stop)
            first = max(stop - self.n_times, began)
            part = slice(first - self._begin, stop - self._begin)
            self._n_given += 1
            data, times = self._data[:, part].copy(), self._times[part].copy()
            yield Stretch(data, times, first, stop, began, lost, bool(is_hop))


class CausalLeads:
    """Leads, filtered and resampled as by ``make_beat_epochs(causal=True)``, of which the last are kept."""

    def __init__(self, sfreq, rate, l_freq, h_freq, kept):
        h_freq = None if h_freq is None or h_freq >= sfreq / 2 else h_freq
        self.chain, self.ratio, self.kept = design(sfreq, l_freq=l_freq, h_freq=h_freq), sfreq / rate, kept
        self.begin()

    def begin(self):
        """Begin anew."""
        self._state, self._n, self._last = None, 0, None
        self.first, self.data = 0, None  # number of the first resampled one that is kept

    def go_on(self, data):
        """Take the next samples, shape (n_leads, n_times)."""
        if self._state is None:
            self._state = self.chain.start(data[:, 0])
            self.data, self._last = np.empty((len(data), 0)), np.empty((len(data), 0))
        data, self._state = self.chain.go_on(data, self._state)
        before = self._n - self._last.shape[1]
        self._n += data.shape[1]
        data = np.hstack([self._last, data])
        self._last = data[:, -1:]
        next_one = self.first + self.data.shape[1]
        at = np.arange(next_one, int(np.ceil((self._n - 1) / self.ratio)) + 1) * self.ratio
        at = at[at <= self._n - 1]
        left = np.minimum(np.floor(at).astype(int) - before, data.shape[1] - 1)
        right, share = np.minimum(left + 1, data.shape[1] - 1), at - before - left
        new = data[:, left] + share * (data[:, right] - data[:, left])
        self.data = np.hstack([self.data, new])
        n_more = max(self.data.shape[1] - self.kept, 0)
        self.first, self.data = self.first + n_more, self.data[:, n_more:]


class HeartSession(Session):
    """A heart that a :class:`LiveHeart` follows: hand it samples, and it returns decisions.

    Made by :meth:`LiveHeart.open`. It knows nothing of where samples come from.

    Attributes
    ----------
    look_ahead : float
        Time in s from an R peak to the last sample that a decision about its beat may use.
    settling : float
        Time in s from the start, and from each gap, until beats are judged.

    Examples
    --------
    >>> session = live.open(raw.info)  # doctest: +SKIP
    >>> for data, times in my_monitor:  # doctest: +SKIP
    ...     for decision in session.push(data, times):
    ...         print(decision)
    """

    def __init__(self, info, places, slots, beats, rhythm, *, scale, step, jitter):
        self.sfreq, self._scale = info["sfreq"], scale
        self._picked = [name for name in places if name]
        self._used = [info["ch_names"].index(name) for name in self._picked]
        hop = round(HOP * self.sfreq)
        lengths = round(SEARCHED * self.sfreq), hop, round(AHEAD * self.sfreq)
        self._windows = Stretches(self.sfreq, self._picked, *lengths, jitter)
        self._beats, self._rhythm = beats, rhythm
        self._began = self._stop = 0
        self._found, self._peaks = -np.inf, []  # the last R peak, and those of the last half minute
        self._around, self._in_volts = None, False  # whether amplitudes were those of V
        self._every = max(round(step / HOP), 1) * hop
        self.look_ahead, self.settling = 0.0, 0.0
        if beats is not None:
            self._prepare_beats(beats.arguments, places, slots, hop)

    def _prepare_beats(self, how, places, slots, hop):
        rate = self._rate = how["sfreq"]
        self._reach = beat_reach(how["tmin"], how["tmax"], rate)
        self._window = slice(round(how["tmin"] * rate), round(how["tmax"] * rate))
        behind = max(BEHIND, (self._reach[1] + 1) / rate)
        self._behind = int(np.ceil(behind * self.sfreq))
        self._latest = self._behind + hop + round(LATE * self.sfreq)
        self.look_ahead = self._latest / self.sfreq
        kept = self._latest / self.sfreq * rate - self._reach[0]
        self._leads = CausalLeads(self.sfreq, rate, how["l_freq"], how["h_freq"], round(kept) + 2)
        self.settling = self._leads.chain.settling
        self._so_far = BeatsSoFar(self._reach[0], rate)
        self._noisy = []
        names = [text for slot in slots for text in (slot, slot + TYPICAL)]
        empty = self._raw(np.zeros((len(self._picked), 1)))
        info = describe_leads(empty, names, rate, how["l_freq"], how["h_freq"])
        n_times = self._window.stop - self._window.start + 1
        with quiet():  # beats are written into one epoch, as to make another takes as long as a network
            epochs = mne.EpochsArray(np.zeros((1, len(names), n_times)), info, tmin=self._window.start / rate)
        self._beat = EpochsView(epochs)
        self._filled = np.flatnonzero([name is not None for name in places])
        self._n_slots = len(slots)

    def _decided(self, stretch):
        signal = stretch.data[0]
        is_long = len(signal) >= LEAST * self.sfreq
        if self._beats is not None:
            self._take(stretch)
        if not stretch.is_hop:
            if self._beats is not None and is_long:
                self._look_around(stretch)
            return
        span = np.median(amplitudes_by_second(signal, self.sfreq)) if len(signal) >= self.sfreq else 0.0
        self._in_volts |= 0 < span <= LARGEST["ecg"]
        is_readable = not self._in_volts or span <= LARGEST["ecg"]
        if self._beats is not None and is_readable and is_long:
            check_is_in_volts(span, self._picked[0])
            yield from self._new_beats(stretch)
        if self._rhythm is not None and stretch.stop % self._every == 0:
            yield self._judge_rhythm(stretch, None if is_readable else f"{span:.3g} V is no ECG")

    def _take(self, stretch):
        """Filter what is new."""
        if stretch.began != self._began:
            self._leads.begin()
            self._found, self._peaks, self._around = -np.inf, [], None
        self._leads.go_on(stretch.data[:, max(self._stop, stretch.began) - stretch.first :])
        self._began, self._stop = stretch.began, stretch.stop

    def _raw(self, data):
        names = self._picked[: len(data)]
        return mne.io.RawArray(data, mne.create_info(names, self.sfreq, "ecg"), verbose="ERROR")

    def _look_around(self, stretch):
        """Note what is usual, ahead of the samples with which beats are found: it takes most of the time."""
        signals, self._peaks = stretch.data, [peak for peak in self._peaks if peak >= stretch.first]
        self._around = Around(
            stretch.first,
            Search(signals[0], self.sfreq).usual(),
            noisy_spans(signals[:1], self.sfreq, [silent_spans(signals[0], self.sfreq, self._picked[0])]),
            unlike_recording(signals, self.sfreq, np.array(self._peaks, int) - stretch.first)[1],
        )

    def _new_beats(self, stretch):
        if self._around is None:
            self._look_around(stretch)
        begin = max(stretch.stop - round(RECENT * self.sfreq), stretch.first)
        search = Search(stretch.data[0, begin - stretch.first :], self.sfreq)
        found = search.peaks(self._around.usual, begin - self._around.first) + begin
        oldest, newest = stretch.stop - self._latest, stretch.stop - self._behind
        lost = None
        for peak in found[(found > oldest) & (found <= newest)].tolist():
            if peak - self._found > REFRACTORY * self.sfreq:
                if lost is None:
                    leads = zip(stretch.data, self._picked, strict=True)
                    lost = [span for signal, lead in leads for span in silent_spans(signal, self.sfreq, lead)]
                yield self._judge_beat(stretch, peak, lost)
                self._found = peak
                self._peaks.append(peak)

    def _judge_beat(self, stretch, peak, lost):
        onset = np.array([peak - stretch.first]) / self.sfreq  # from where the spans are counted
        at = round((peak - stretch.began) / self.sfreq * self._rate)
        first, last = self._reach
        beat = cut_beats(self._leads.data, np.array([at - self._leads.first]), first, last)[:, 0]
        empty = [span for span in lost if span.is_empty]
        is_whole = bad_span(empty, onset, first / self._rate, last / self._rate)[0] == ""
        interval = (peak - self._found) / self.sfreq if np.isfinite(self._found) else None
        signals, features = self._so_far.add(beat, interval, is_whole)
        inside = self._window.start / self._rate, self._window.stop / self._rate
        is_lost = bad_span(lost, onset, *inside)[0]
        onset_around = np.array([peak - self._around.first]) / self.sfreq
        is_noisy = bad_span(self._around.noise, onset_around, *inside)[0]
        self._noisy = [*self._noisy, is_noisy != ""][-LOCAL:]
        reason = None
        if peak - stretch.began < self.settling * self.sfreq:
            reason = "the filter settles"
        elif interval is None:
            reason = "no beat before it"
        elif is_lost or is_noisy:
            (reason,) = qualities_of([is_lost or is_noisy])
        else:
            qrs = self._so_far.recent(len(self._noisy))
            reason = self._around.odd or unlike_beats(qrs, np.array(self._noisy))[1] or None
        time = float(stretch.times[peak - stretch.first])
        event = dict(event="beat", onset=time)
        start, stop = time + inside[0], time + inside[1]
        if reason is not None:
            return Decision(start, stop, None, {}, status=f"not judged: {reason}", **event)
        return Decision(start, stop, *self._classify(signals, features, time, interval), **event)

    def _classify(self, signals, features, time, interval):
        (channels,) = self._beat.arrays()
        part = slice(self._window.start - self._reach[0], self._window.stop - self._reach[0] + 1)
        channels.reshape(self._n_slots, 2, -1)[self._filled] = signals[..., part]
        # of numbers alone, also for the record, as pandas takes a millisecond for a table of several types
        row = dict(record=0.0, patient=0.0, onset=time, rr_previous=interval) | features
        self._beat.metadata = pd.DataFrame(np.array([[*row.values()]]), columns=[*row])
        return labelled(self._beats.clf, self._beats.clf.predict_proba(self._beat)[0])

    def _judge_rhythm(self, stretch, reason):
        n_times = round(WINDOW * self.sfreq)
        first = stretch.stop - n_times
        stop = float(stretch.times[-1])
        if first < stretch.began:
            why = stretch.lost if stretch.began else f"the first {WINDOW:g} s are not over"
            reason = f"{why}, less than {WINDOW:g} s ago" if stretch.began else why
            return Decision(np.nan, stop, None, {}, "rhythm", f"not judged: {reason}")
        start = float(stretch.times[first - stretch.first])
        if reason is None:
            with heard():
                raw = self._raw(stretch.data[:1, first - stretch.first :])
                row = predict_rhythm(self._rhythm, raw, lead=self._picked[0]).iloc[0]
            if row["quality"] == "good":
                proba = row[[f"proba_{name}" for name in self._rhythm.classes_]].to_numpy(float)
                return Decision(start, stop, *labelled(self._rhythm, proba), event="rhythm")
            reason = WHY.get(row["quality"], row["quality"])
        return Decision(start, stop, None, {}, "rhythm", f"not judged: {reason}")


def labelled(clf, proba):
    """The most probable class, and the probability of each."""
    classes = np.asarray(clf.classes_).tolist()
    return classes[int(proba.argmax())], dict(zip(classes, proba.tolist(), strict=True))
