"""Beats that come one after the other, each compared with those before it in memory that does not grow."""

from __future__ import annotations

from collections import deque

import numpy as np

from .beat_shapes import AROUND, P_REGION, TYPICAL_HEIGHT, describe_shapes
from .intervals import LONGEST, N_LOCAL, Runs, interval_columns
from .measures import span_slice
from .rhythm_shapes import NEAR_QRS, QRS

RECORD = 5000  # beats, about an hour, that are what is typical of the record
LOCAL = 2 * N_LOCAL + 1  # beats up to each that are its neighbourhood


def beat_reach(tmin, tmax, rate):
    """First and last sample, and one, from the R peak of what is looked at in a beat, whatever its window."""
    first, last = round(tmin * rate), round(tmax * rate)
    return min(first, round(P_REGION[0] * rate)), max(last, round(NEAR_QRS[1] * rate)) + 1


class Last:
    """The last values that came, of which the order does not matter."""

    def __init__(self, n):
        self._values, self._n = np.empty((n, 0)), 0

    def add(self, value):
        if not self._n:
            self._values = np.empty((len(self._values), *np.shape(value)))
        self._values[self._n % len(self._values)] = value
        self._n += 1

    def median(self):
        return np.median(self._values[: self._n], axis=0)


class OfBeats:
    """What is around the last of beats that come, as `OfRecord` has it of a record."""

    def __init__(self):
        self._local, self._beside = {}, deque(maxlen=1 - min(AROUND))
        self.has_signal = True  # whether the last one says what is typical

    def typical(self, name, values):
        local = self._local.setdefault(name, deque(maxlen=LOCAL))
        local.append(values[0] if self.has_signal or not local else local[-1])
        repeated = [local[0]] * (LOCAL - len(local))
        return np.partition([*repeated, *local], N_LOCAL, axis=0)[np.newaxis, N_LOCAL]

    def beside(self, values):
        self._beside.append(values)
        return {k: self._beside[max(k - 1, -len(self._beside))] for k in AROUND if k < 0}


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
        self._heights, self._height = Last(RECORD), None
        self._beats, self._around, self._is_lead = deque(maxlen=LOCAL), OfBeats(), False
        self._log_rr, self._rr = Last(RECORD), deque(maxlen=LOCAL + 2)
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
        if has_signal or self._height is None:
            self._height = np.ptp(beat[:, self.qrs], axis=1)
        self._heights.add(self._height)
        typical = self._heights.median()
        beat = beat * (TYPICAL_HEIGHT / np.where(typical > 0, typical, 1.0))[:, np.newaxis]
        self._beats.append(beat)
        self._is_lead |= beat.any(axis=1)
        self._around.has_signal, lead = has_signal, self._is_lead.argmax()
        difference, shape = describe_shapes(beat[np.newaxis], lead, self._around, self.first, self.rate)
        features = {} if interval is None else self._intervals(interval)
        features |= {name: float(values[0]) for name, values in shape.items()}
        return np.stack([beat, difference[0]], axis=1), features

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
        columns = interval_columns(np.array(self._rr), causal=True, first=len(self._rr) - 1)
        row = {name: float(values[-1]) for name, values in columns.items()}
        # the only ones that depend on more than the neighbourhood
        row["rr_record_ratio"] = log - float(self._log_rr.median())
        row |= dict(rr_run_ratio=ratio, rr_run_length=float(np.log1p(length)), rr_run_jump=jump)
        return row | {"rr_run_ratio-1": run_before}

    def _follow(self, interval, log):
        self._rr.append(interval)
        self._log_rr.add(log)
        run = self._runs.follow(log)
        self._run_before = run[0]
        return run
