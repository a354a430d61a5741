"""Beats that come one after the other, each compared with those before it in memory that does not grow."""

from __future__ import annotations

from collections import deque

import numpy as np

from .beat_shapes import P_REGION, TYPICAL_HEIGHT, compare_beats
from .intervals import LONGEST, N_LOCAL, Runs, interval_features
from .measures import span_slice
from .rhythm_shapes import NEAR_QRS, QRS

RECORD = 5000  # beats, about an hour, that are what is typical of the record
LOCAL = 2 * N_LOCAL + 1  # beats up to each that are its neighbourhood
SEEN = 2 * LOCAL  # beats that its typical shape, and how much others differ from theirs, depend on


def beat_reach(tmin, tmax, rate):
    """First and last sample, and one, from the R peak of what is looked at in a beat, whatever its window."""
    first, last = round(tmin * rate), round(tmax * rate)
    return min(first, round(P_REGION[0] * rate)), max(last, round(NEAR_QRS[1] * rate)) + 1


class BeatsSoFar:
    """What ``make_beat_epochs(causal=True)`` computes of a beat, when it comes.

    Heights of QRS complexes and intervals are compared with those of the last 5000 beats, where
    ``make_beat_epochs`` takes all of the record so far.

    Parameters
    ----------
    first : int
        The sample from the R peak at which beats begin.
    rate : float
        Their sampling frequency in Hz.
    """

    def __init__(self, first, rate):
        self.first, self.rate, self.qrs = first, rate, span_slice(QRS, first, rate)
        self._heights, self._rr = deque(maxlen=RECORD), deque(maxlen=RECORD)
        self._beats, self._has_signal = deque(maxlen=SEEN), deque(maxlen=SEEN)
        self._runs, self._run_before = None, 0.0

    def add(self, beat, interval, has_signal=True):
        """Take the next beat.

        Parameters
        ----------
        beat : array, shape (n_leads, n_times)
            The beat less its median, in V.
        interval : None | float
            The time since the beat before it in s, if there is one.
        has_signal : bool
            Whether it says what is typical: no lead is lost in it.

        Returns
        -------
        signals : array, shape (n_leads, 2, n_times)
            The beat with a typical QRS complex of 1 mV, and its difference from the typical beat.
        features : dict of float
            The columns of its intervals and of its shape; of the shape alone without an interval.
        """
        height = np.ptp(beat[:, self.qrs], axis=1)
        self._heights.append(height if has_signal or not self._heights else self._heights[-1])
        typical = np.median(self._heights, axis=0)
        self._beats.append(beat * (TYPICAL_HEIGHT / np.where(typical > 0, typical, 1.0))[:, np.newaxis])
        self._has_signal.append(has_signal)
        numbers = np.arange(len(self._beats))
        source = np.maximum.accumulate(np.where(self._has_signal, numbers, 0))
        difference, shape = compare_beats(np.array(self._beats), source, self.first, self.rate, causal=True)
        features = {} if interval is None else self._intervals(interval)
        return np.stack([self._beats[-1], difference[-1]], axis=1), features | shape.iloc[-1].to_dict()

    def recent(self, n):
        """QRS complexes in the first lead of the last beats, shape (n_beats, n_times)."""
        return np.array([beat[0, self.qrs] for beat in list(self._beats)[-n:]])

    def _intervals(self, interval):
        log = float(np.log(min(interval, LONGEST)))
        if not self._rr:  # the first beat has none, and gets that of the second
            self._runs = Runs(log, log)
            self._follow(interval, log)
        run_before = self._run_before
        ratio, length, jump = self._follow(interval, log)
        row = interval_features(np.array(self._rr)[-LOCAL - 2 :], causal=True).iloc[-1].to_dict()
        # the only ones that depend on more than the neighbourhood
        row["rr_record_ratio"] = log - float(np.median(np.log(np.minimum(self._rr, LONGEST))))
        row |= dict(rr_run_ratio=ratio, rr_run_length=float(np.log1p(length)), rr_run_jump=jump)
        return row | {"rr_run_ratio-1": run_before}

    def _follow(self, interval, log):
        self._rr.append(interval)
        run = self._runs.follow(log)
        self._run_before = run[0]
        return run
