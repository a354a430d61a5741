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
from ..ecg.peaks import REFRACTORY, search_r_peaks
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
SEARCHED = 33.0  # s of signal that a search sees
BEHIND = 0.5  # s after an R peak without which it is not relied on
LATE = 0.2  # s later that a beat may be found in place of one search earlier
LEAST = 2.0  # s of signal in which beats are looked for
WHY = {"few beats": "too few beats", "rate": "a rate of no heart", "band": "filtered, or no ECG"}  # in words


@dataclass(frozen=True)
class Stretch:
    """What is kept of the signal at a search, all in one piece: numbers of samples, and their times in s."""

    data: np.ndarray
    times: np.ndarray
    first: int
    stop: int
    began: int  # the first sample after what was lost
    lost: str  # what that was


class Stretches(Windows):
    """The last samples of a stream, every so many of them."""

    def __init__(self, sfreq, ch_names, n_times, hop, jitter):
        super().__init__(design(sfreq), ch_names, [], n_times, jitter=jitter)
        self._hop, self._n_hops = hop, 0

    def due(self):
        while (stop := (self._n_hops + 1) * self._hop) <= self._end:
            self._n_hops += 1
            began, lost = max((at, why) for at, why in self._breaks if at < stop)
            first = max(stop - self.n_times, began)
            part = slice(first - self._begin, stop - self._begin)
            yield Stretch(self._data[:, part].copy(), self._times[part].copy(), first, stop, began, lost)


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
        self._windows = Stretches(self.sfreq, self._picked, round(SEARCHED * self.sfreq), hop, jitter)
        self._beats, self._rhythm = beats, rhythm
        self._began = self._stop = 0
        self._found, self._in_volts = -np.inf, False  # the last R peak; whether amplitudes were those of V
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
        self._epochs_info = describe_leads(empty, names, rate, how["l_freq"], how["h_freq"])
        self._filled = np.flatnonzero([name is not None for name in places])
        self._n_slots = len(slots)

    def _decided(self, stretch):
        signal = stretch.data[0]
        span = np.median(amplitudes_by_second(signal, self.sfreq)) if len(signal) >= self.sfreq else 0.0
        self._in_volts |= 0 < span <= LARGEST["ecg"]
        is_readable = not self._in_volts or span <= LARGEST["ecg"]  # if it never was, the search tells why
        if self._beats is not None:
            self._take(stretch)
            if is_readable and len(signal) >= LEAST * self.sfreq:
                yield from self._new_beats(stretch)
        if self._rhythm is not None and stretch.stop % self._every == 0:
            yield self._judge_rhythm(stretch, None if is_readable else f"{span:.3g} V is no ECG")
        self._began, self._stop = stretch.began, stretch.stop

    def _take(self, stretch):
        """Filter what is new."""
        if stretch.began != self._began:
            self._leads.begin()
            self._found = -np.inf
        self._leads.go_on(stretch.data[:, max(self._stop, stretch.began) - stretch.first :])

    def _raw(self, data):
        names = self._picked[: len(data)]
        return mne.io.RawArray(data, mne.create_info(names, self.sfreq, "ecg"), verbose="ERROR")

    def _new_beats(self, stretch):
        peaks = search_r_peaks(stretch.data[0], self.sfreq, self._picked[0])[0]
        oldest, newest = stretch.stop - self._latest, stretch.stop - self._behind
        found = [p for p in (peaks + stretch.first).tolist() if oldest < p <= newest]
        new = []
        for peak in found:
            before = new[-1] if new else self._found
            if peak - before > REFRACTORY * self.sfreq:
                new.append(peak)
        if not new:
            return
        leads = zip(stretch.data, self._picked, strict=True)
        silent = [silent_spans(signal, self.sfreq, lead) for signal, lead in leads]
        lost, noise = sum(silent, []), noisy_spans(stretch.data[:1], self.sfreq, silent[:1])
        odd = unlike_recording(stretch.data, self.sfreq, peaks)[1]
        for peak in new:
            yield self._judge_beat(stretch, peak, lost, noise, odd)
            self._found = peak

    def _judge_beat(self, stretch, peak, lost, noise, odd):
        onset = np.array([peak - stretch.first]) / self.sfreq  # from where the spans are counted
        at = round((peak - stretch.began) / self.sfreq * self._rate)
        first, last = self._reach
        beat = cut_beats(self._leads.data, np.array([at - self._leads.first]), first, last)[:, 0]
        empty = [span for span in lost if span.is_empty]
        is_whole = bad_span(empty, onset, first / self._rate, last / self._rate)[0] == ""
        interval = (peak - self._found) / self.sfreq if np.isfinite(self._found) else None
        signals, features = self._so_far.add(beat, interval, is_whole)
        inside = self._window.start / self._rate, self._window.stop / self._rate
        is_lost, is_noisy = (bad_span(spans, onset, *inside)[0] for spans in (lost, noise))
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
            reason = odd or unlike_beats(qrs, np.array(self._noisy))[1] or None
        time = float(stretch.times[peak - stretch.first])
        event = dict(event="beat", onset=time)
        start, stop = time + inside[0], time + inside[1]
        if reason is not None:
            return Decision(start, stop, None, {}, status=f"not judged: {reason}", **event)
        return Decision(start, stop, *self._classify(signals, features, time, interval), **event)

    def _classify(self, signals, features, time, interval):
        channels = np.zeros((self._n_slots, 2, signals.shape[-1]))
        channels[self._filled] = signals
        part = slice(self._window.start - self._reach[0], self._window.stop - self._reach[0] + 1)
        channels = channels.reshape(1, -1, signals.shape[-1])[..., part]
        about = dict(record="stream", patient="stream", onset=time, rr_previous=interval)
        with quiet():
            epochs = mne.EpochsArray(
                channels, self._epochs_info, tmin=self._window.start / self._rate,
                metadata=pd.DataFrame([about | features]), baseline=None,
            )  # fmt: skip
        return labelled(self._beats.clf, self._beats.clf.predict_proba(EpochsView(epochs))[0])

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
