"""Features of each beat from RR intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

N_LOCAL = 20  # beats on each side that are the neighbourhood of a beat
LEAST_SPREAD = 0.03  # of log intervals; below it, a rhythm is regular, and measuring and resampling jitter
LONGEST = 3.0  # s; more is a gap in the annotations, or a pause that says no more for being longer
SURPRISES = range(-3, 5)
SEQUENCE = tuple(k for k in range(-6, 7) if k not in (0, 1))
ALIKE = 0.05  # of log intervals, below which two count as the same
# A run begins with an interval that is shorter than those before by so much, all at once, and ends with one
# that is nearly as long again, or longer than the one before by so much.
SHORTER, ABRUPT, AS_LONG = 0.12, 0.1, 0.08  # of log intervals
TACHYCARDIA = np.log(0.6)  # log s, 100 beats/min: what is slower is soon the rhythm itself, and no run


def interval_features(rr: np.ndarray, *, causal: bool = False) -> pd.DataFrame:
    """Compute features of each beat from its RR interval and those around it.

    All features are logarithms of ratios, ranks or fractions, so that they do not depend on the heart rate.

    Parameters
    ----------
    rr : array, shape (n_beats,)
        The interval before each beat in s, in order, including one for the first beat. Intervals above 3 s
        are treated as 3 s.
    causal : bool
        Whether to use only the current and earlier intervals. Columns that depend on later intervals are then
        left out, and the neighbourhood consists of the 41 intervals up to the current one. Default is False.

    Returns
    -------
    features : pandas.DataFrame
        One row per beat. The *neighbourhood* consists of the 20 beats before, the beat itself and the 20
        beats after; at the ends of a record, the first and the last interval are repeated. The columns are:

        - ``rr_ratio``, ``rr_next_ratio``: log of this and of the next interval divided by the median of the
          neighbourhood; ``rr_change``: the first minus the second; ``rr_ratio-6`` … ``rr_ratio+6``: the same
          for other intervals, clipped to ±1; ``rr_ratio_13``, ``rr_next_ratio_13``: relative to the median of
          13 intervals; ``rr_record_ratio``, ``rr_next_record_ratio``: relative to the median of the record
          (causal: of all intervals so far); ``rr_pair_ratio``: for the mean of this and the next interval;
          ``rr_step``: log of this interval divided by the previous one.
        - ``rr_irregularity``: median of the absolute steps of log intervals in the neighbourhood;
          ``rr_spread``: interquartile range of the log intervals; ``rr_deviation``: their median absolute
          deviation, and ``rr_log_deviation``: its logarithm.
        - ``rr_surprise-3`` … ``rr_surprise+4``: log ratios of the intervals around the beat divided by that
          deviation, saturating at ±2: in an irregular rhythm, a short interval is not surprising.
        - ``rr_rank``, ``rr_next_rank``: fraction of shorter intervals in the neighbourhood;
          ``rr_early_share``: fraction of those about 10 % or more shorter than its median.
        - ``rr_run_ratio``: log of the interval divided by the usual one *before the last abrupt shortening*,
          until intervals are as long again, so that premature beats stay premature however many they are;
          ``rr_run_length`` (log of beats since), ``rr_run_jump`` (how abrupt it was), ``rr_run_ratio-1``,
          ``rr_run_ratio+1``; ``rr_next_run_…``: the same with time reversed.
        - ``rr_alike``: fraction of the neighbourhood within 5 % of this interval; ``rr_alike_most`` and
          ``rr_alike_mean``: largest and mean of that over the neighbourhood; ``rr_next_alike…``: the same for
          pairs of intervals within 7.5 %. In fibrillation no interval recurs; in trigeminy each does.

    Raises
    ------
    ValueError
        If an interval is not positive.

    Examples
    --------
    >>> from mne_cnnclass.ecg import interval_features
    >>> features = interval_features([0.8, 0.8, 0.5, 1.1, 0.8])  # a premature beat and its pause
    >>> features[["rr_ratio", "rr_next_ratio"]].round(2).to_numpy()[2].tolist()
    [-0.47, 0.32]
    """
    rr = np.asarray(rr, float)
    if rr.ndim != 1 or not len(rr) or not (rr > 0).all():
        raise ValueError(f"rr must be positive intervals in s, at least one, got {rr}.")
    return pd.DataFrame(interval_columns(rr, causal))


def interval_columns(rr, causal, first=0):
    """The columns of `interval_features`; those of what is alike from the beat with number ``first`` on."""
    log = np.log(np.minimum(rr, LONGEST))
    n = len(log)

    def shifted(k):
        return log[np.clip(np.arange(n) + k, 0, n - 1)]

    window = log[neighbours(n, causal=causal)]
    local = np.median(window, axis=1)
    record = record_median(log, causal)
    step = np.diff(log, prepend=log[0])
    deviation = np.median(np.abs(window - local[:, None]), axis=1)
    local_13 = local_median(log, 6, causal=causal)
    following = shifted(1)
    surprises = {k: (shifted(k) - local) / (deviation + LEAST_SPREAD) for k in SURPRISES}
    columns = {
        "rr_ratio": log - local,
        "rr_next_ratio": following - local,
        "rr_change": log - following,
        "rr_record_ratio": log - record,
        "rr_next_record_ratio": following - record,
        "rr_irregularity": local_median(np.abs(step), causal=causal),
        "rr_spread": np.subtract(*np.quantile(window, [0.75, 0.25], axis=1)),
        **{f"rr_surprise{k:+d}": 2 * np.tanh(surprise / 4) for k, surprise in surprises.items()},
        "rr_log_deviation": np.log(deviation + LEAST_SPREAD),
        **{f"rr_ratio{k:+d}": np.clip(shifted(k) - local, -1, 1) for k in SEQUENCE},
        "rr_rank": (window < log[:, None]).mean(axis=1),
        "rr_next_rank": (window < following[:, None]).mean(axis=1),
        "rr_ratio_13": log - local_13,
        "rr_next_ratio_13": following - local_13,
        "rr_deviation": deviation,
        "rr_early_share": (window < local[:, None] - 0.1).mean(axis=1),
        "rr_pair_ratio": np.logaddexp(log, following) - np.log(2) - local,
        "rr_step": step,
        **_run_features(log, log[0] if causal else np.median(log[:8])),
        **({} if causal else _next_run_features(following[::-1])),
        **_alike_features(log, following, causal, first),
    }
    if causal:
        later = {name for name in columns if "next" in name or "+" in name} | {"rr_change", "rr_pair_ratio"}
        columns = {name: values for name, values in columns.items() if name not in later}
    return columns


RUN = ("ratio", "length", "jump")


def _next_run_features(log):
    values = _follow_runs(log, np.median(log[:8]))
    return {f"rr_next_run_{name}": value[::-1] for name, value in zip(RUN, values, strict=True)}


def _run_features(log, usual):
    values = _follow_runs(log, usual)
    columns = {f"rr_run_{name}": value for name, value in zip(RUN, values, strict=True)}
    before, after = (np.concatenate(part) for part in (([0], values[0][:-1]), (values[0][1:], [0])))
    return columns | {"rr_run_ratio-1": before, "rr_run_ratio+1": after}


def _follow_runs(log, usual):
    """Ratio to the usual interval before a run, log of beats since it began and the step that began it."""
    runs = Runs(usual, log[0])
    ratio, length, jump = np.array([runs.follow(value) for value in log.tolist()]).T
    return ratio, np.log1p(length), jump


class Runs:
    """Runs of short intervals, by what was usual before each of them, one interval after the other."""

    def __init__(self, usual, last):
        self.usual, self.last, self.n_since, self.began = usual, last, 0, 0.0

    def follow(self, value):
        """The next interval (log s): its ratio, number of beats since a run began, and the step then."""
        step, self.last = value - self.last, value
        away = value - self.usual
        if self.n_since:
            self.n_since += 1
            if away > -AS_LONG or step > SHORTER:
                self.n_since, self.began = 0, 0.0
        elif away < -SHORTER and step < -ABRUPT:
            self.n_since, self.began = 1, step
        if not self.n_since:
            self.usual += 0.25 * min(max(away, -0.2), 0.1)
        elif self.n_since > 1:  # so slowly that a tachycardia of minutes remains one
            self.usual += (0.05 if value > TACHYCARDIA else 0.004) * min(max(away, -0.5), 0.1)
        return min(max(away, -1.0), 1.0), self.n_since, self.began


def _alike_features(log, following, causal, first):
    names = [f"{name}{suffix}" for name in ("rr_alike", "rr_next_alike") for suffix in ("", "_most", "_mean")]
    values, own = np.zeros((len(log), 6), np.float32), 2 * N_LOCAL if causal else N_LOCAL
    index = neighbours(len(log), causal=causal)
    log, following = log.astype(np.float32), following.astype(np.float32)
    for start in range(first, len(log), 256):
        part = index[start : start + 256]
        apart, then = (np.abs(v[part][:, :, None] - v[part][:, None]) for v in (log, following))
        once = (apart < ALIKE).mean(axis=2)
        twice = ((apart < 1.5 * ALIKE) & (then < 1.5 * ALIKE)).mean(axis=2)
        columns = [f for s in (once, twice) for f in (s[:, own], s.max(axis=1), s.mean(axis=1))]
        values[start : start + 256] = np.column_stack(columns)
    return dict(zip(names, values.T.astype(float), strict=True))


def neighbours(n_beats, n_side=N_LOCAL, *, causal=False):
    """Numbers of the beats around each, a row a beat; at the ends of a record, the outermost beat again.

    With ``causal``, the window of as many beats ends with the beat itself.
    """
    offsets = np.arange(-n_side, n_side + 1) - (n_side if causal else 0)
    return np.clip(np.arange(n_beats)[:, None] + offsets, 0, n_beats - 1)


def local_median(values, n_side=N_LOCAL, *, causal=False):
    """Median of what the neighbours of each beat have, of finite values."""
    edges = (2 * n_side, 0) if causal else (n_side, n_side)
    padded = np.pad(values, [edges] + [(0, 0)] * (values.ndim - 1), "edge")
    around = sliding_window_view(padded, 2 * n_side + 1, axis=0)  # one behind the other, as the last axis
    medians = np.empty_like(values)
    for start in range(0, len(values), 32):  # copies, of which all would need 41 times the memory
        part = slice(start, start + 32)
        medians[part] = np.partition(around[part], n_side)[..., n_side]
    return medians


def record_median(values, causal):
    """Median of what all beats of the record have, or with ``causal`` those up to each beat."""
    if causal:
        return pd.DataFrame(values).expanding().median().to_numpy().reshape(values.shape)
    return np.broadcast_to(np.median(values, axis=0), values.shape)


INTERVAL_COLUMNS = [*interval_features([1.0])]
