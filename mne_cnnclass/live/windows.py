"""Windows of a stream, by the numbers of their samples: what chunks the samples came in does not matter."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from ..samples.gaps import STILL

PIECE = 256  # samples that are taken at a time
KEPT = 10.0  # s that are kept besides a window, for markers that come late
SLOW = 10.0  # s in which the rate of the clock is followed


class Clock:
    """The times of samples, from time stamps that vary, and where samples were lost.

    A time stamp that is further than ``jitter`` (s) from where the rate puts it means that samples were lost,
    or that the clock jumped.
    """

    def __init__(self, sfreq, jitter):
        self.step, self.jitter, self.gain = 1 / sfreq, jitter, 1 / (SLOW * sfreq)
        self.expected, self.first, self.n = None, None, 0

    def times(self, stamps):
        """Smoothed times of samples up to the first that does not go on from those before it."""
        times = []
        for stamp in stamps:
            if self.expected is None:
                self.expected = self.first = self.last = stamp
            late = stamp - self.expected
            if abs(late) > self.jitter:
                break
            self.expected += self.gain * late
            times.append(self.expected)
            self.expected, self.last = self.expected + self.step, stamp
            self.n += 1
        return times

    def restart(self, stamp):
        """Go on at a sample after lost ones; what happened, in words."""
        late, lost = stamp - self.expected, stamp - self.last - self.step
        if abs(lost) < self.jitter / 2 and self.n > 10:
            rate = (self.n - 1) / (self.last - self.first)
            raise RuntimeError(
                f"The stream says that it has {1 / self.step:g} Hz, but by its time stamps it has {rate:.4g} "
                "Hz. Set the rate of the device, or of the program that sends it."
            )
        self.expected, self.n = None, 0
        return f"{late:.3g} s lost" if late > 0 else f"the clock jumped back by {-late:.3g} s"


@dataclass(frozen=True)
class Cut:
    """A window: its samples of shape (n_channels, n_times), or why it has none; times of its ends in s."""

    data: np.ndarray | None
    start: float
    stop: float
    event: str | None
    reason: str | None


class Windows:
    """Cut windows of a stream every few samples, or at events, as soon as their last sample is there.

    ``take(data, stamps)`` and ``mark(event, time)`` are called as things come; ``due()`` gives the windows.
    """

    def __init__(self, chain, ch_names, reference, n_times, *, step=None, offset=0, jitter=0.05):
        self.chain, self.ch_names, self.reference = chain, ch_names, reference
        self.n_times, self.step, self.offset = n_times, step, offset
        self.clock = Clock(chain.sfreq * chain.keep, jitter)
        capacity = n_times + abs(offset) + round(KEPT * chain.sfreq) + PIECE
        self._data = np.zeros((len(ch_names), 2 * capacity))
        self._still = np.zeros((len(ch_names), 2 * capacity), np.int32)
        self._times = np.zeros(2 * capacity)
        self._capacity = capacity
        self._begin = 0  # number of the first sample that is kept
        self._end = 0  # number of samples that there were
        self._phase = 0  # of the samples that are left out
        self._n_taken = 0
        self._state = None
        self._settling = int(np.ceil(chain.settling * chain.sfreq))
        self._breaks = deque([(0, "")])  # number of the first sample after each, and why
        self._n_cut = 0
        self._events = deque()

    def take(self, data, stamps=None):
        """Take the next samples, shape (n_channels, n_times) in V, and give the windows that are complete."""
        for first in range(0, data.shape[1], PIECE):
            part = slice(first, first + PIECE)
            yield from self._take(data[:, part], None if stamps is None else stamps[part])

    def _take(self, data, stamps):
        counted = (self._n_taken + np.arange(data.shape[1])) * self.clock.step
        self._n_taken += data.shape[1]
        finite = np.isfinite(data).all(axis=0)
        first = 0
        while first < data.shape[1]:
            rest = finite[first:]
            stop = data.shape[1] if rest.all() else first + int(rest.argmin())
            if stop == first:
                self.lost("NaN or infinity")
                self.clock.expected = None
                first = first + int(rest.argmax()) if rest.any() else data.shape[1]
                continue
            times = counted[first:stop] if stamps is None else self.clock.times(stamps[first:stop])
            if len(times):
                self._keep(data[:, first : first + len(times)], np.asarray(times))
                yield from self.due()
                first += len(times)
                continue
            reason = self.clock.restart(stamps[first])
            self.lost(reason)
            if self._events and self._events[0][0] > stamps[first] + self.clock.jitter:  # of the clock before
                yield from self.finish(reason)

    def lost(self, reason):
        """Begin anew: what follows does not go on from what there was."""
        self._state = None
        if self._breaks[-1][0] < self._end:
            self._breaks.append((self._end, reason))
        while len(self._breaks) > 1 and self._breaks[1][0] <= self._begin:
            self._breaks.popleft()

    def mark(self, event, time):
        """Cut a window at an event, when its samples are there."""
        self._events.append((time, event))

    def _keep(self, data, times):
        """Filter samples that go on from those before them, and keep what comes out."""
        if self._state is None:
            self._state = self.chain.start(data[:, 0])
            self._before, self._run = np.full(len(data), np.nan), np.zeros(len(data), int)
        still = self._runs(data)
        data, self._state = self.chain.go_on(data, self._state)
        kept = slice(-self._phase % self.chain.keep, None, self.chain.keep)
        self._phase = (self._phase + data.shape[1]) % self.chain.keep
        data, still, times = data[:, kept], still[:, kept], times[kept]
        for its, of in self.reference:  # a cumulative sum adds in one order, whatever there is
            data[its] -= np.cumsum(data[of], axis=0)[-1] / len(of)
        n_new = data.shape[1]
        if self._end - self._begin + n_new > 2 * self._capacity:
            last = slice(self._end - self._begin - self._capacity, self._end - self._begin)
            for buffer in (self._data, self._still, self._times):
                buffer[..., : self._capacity] = buffer[..., last]
            self._begin = self._end - self._capacity
        new = slice(self._end - self._begin, self._end - self._begin + n_new)
        self._data[:, new], self._still[:, new], self._times[new] = data, still, times
        self._end += n_new

    def _runs(self, data):
        """For how many samples each channel has had the value that it has."""
        same = data == np.column_stack([self._before, data[:, :-1]])
        number = np.arange(1, data.shape[1] + 1)
        changed = np.maximum.accumulate(np.where(same, -self._run[:, np.newaxis], number), axis=1)
        runs = number - changed
        self._before, self._run = data[:, -1].copy(), runs[:, -1]
        return runs

    def due(self):
        """The windows whose last sample is there."""
        if self.step is not None:
            while (start := round(self._n_cut * self.step)) + self.n_times <= self._end:
                self._n_cut += 1
                yield self._cut(start)
        while self._events and self._end:
            time, event = self._events[0]
            newest = self._times[self._end - self._begin - 1]
            if newest < time:
                return
            times = self._times[: self._end - self._begin]
            onset = int(np.abs(times - time).argmin())
            start = self._begin + onset + self.offset
            if start + self.n_times > self._end:
                return
            self._events.popleft()
            if abs(times[onset] - time) > 1 / self.chain.sfreq + self.clock.jitter:
                reason = "no sample at the time of the event"
                if onset == 0 and self._begin:
                    reason = "its samples are no longer kept"
                yield Cut(None, time, time, event, reason)
            else:
                yield self._cut(start, event)

    def finish(self, reason="the stream ended"):
        """The windows at events that will have no samples."""
        while self._events:
            time, event = self._events.popleft()
            yield Cut(None, time, time, event, reason)

    def _cut(self, start, event=None):
        stop = start + self.n_times
        if start < self._begin:
            time = self._times[stop - 1 - self._begin] if stop > self._begin else np.nan
            reason = "it begins before the stream" if start < 0 else "its samples are no longer kept"
            return Cut(None, np.nan, float(time), event, reason)
        part = slice(start - self._begin, stop - self._begin)
        times = self._times[part]
        return Cut(
            self._data[:, part].copy(), float(times[0]), float(times[-1]), event, self._why_not(start, part)
        )

    def _why_not(self, start, part):
        """Why a window can't be judged, or None."""
        for at, reason in self._breaks:
            if start < at < start + self.n_times:
                return reason
        began = max(at for at, _ in self._breaks if at <= start)
        if start < began + self._settling:
            return "the filter settles"
        least = min(STILL * self.chain.sfreq * self.chain.keep, (self.n_times - 1) * self.chain.keep) - 1
        flat = np.flatnonzero(self._still[:, part].max(axis=1) >= max(least, 1))
        return f"flat {', '.join(self.ch_names[k] for k in flat)}" if len(flat) else None
