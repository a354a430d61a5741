"""Features of each beat from RR intervals, and simulated rhythms to learn from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

N_LOCAL = 20  # beats on each side that are the neighbourhood of a beat
LEAST_SPREAD = 0.03  # of log intervals; below it, a rhythm is regular, and measuring and resampling jitter
LONGEST = 3.0  # s; more is a gap in the annotations, or a pause that says no more for being longer
SURPRISES = range(-3, 5)
SEQUENCE = tuple(k for k in range(-6, 7) if k not in (0, 1))


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
    }
    if causal:
        later = {name for name in columns if "next" in name or "+" in name} | {"rr_change", "rr_pair_ratio"}
        columns = {name: values for name, values in columns.items() if name not in later}
    return pd.DataFrame(columns)


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


def simulate_fibrillation(n_beats: int, rng: np.random.Generator) -> np.ndarray:
    """Simulate the RR intervals of atrial fibrillation, which are independent of each other.

    Parameters
    ----------
    n_beats : int
        Number of intervals to simulate.
    rng : numpy.random.Generator
        The random number generator.

    Returns
    -------
    rr : array, shape (n_beats,)
        The intervals in s, from a log-normal distribution whose standard deviation (12 to 30 %) and median
        (0.55 to 0.9 s) are drawn once.

    References
    ----------
    .. [1] Tateno K, Glass L. Automatic detection of atrial fibrillation using the coefficient of variation
       and density histograms of RR and ΔRR intervals. Med Biol Eng Comput 39:664-671, 2001.
       doi:10.1007/BF02345439

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.ecg import simulate_fibrillation
    >>> rr = simulate_fibrillation(1000, np.random.default_rng(0))
    >>> bool(abs(np.corrcoef(rr[1:], rr[:-1])[0, 1]) < 0.1)
    True
    """
    deviation, median = rng.uniform(0.12, 0.3), rng.uniform(-0.6, -0.1)
    return np.exp(median + np.clip(deviation * rng.standard_normal(n_beats), -0.7, 0.8))


def simulate_premature(
    rr: np.ndarray, free: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Simulate atrial premature beats, by moving beats of a regular rhythm forward.

    Parameters
    ----------
    rr : array, shape (n_beats,)
        The interval before each beat in s.
    free : array of bool, shape (n_beats,)
        Whether each beat may be moved, or shifted next to a moved one.
    rng : numpy.random.Generator
        The random number generator, for the density of premature beats, the length of runs (most are single),
        their prematurity (10 to 42 % of an interval) and the degree to which the following pause compensates
        for it.

    Returns
    -------
    rr : array, shape (n_beats,)
        The intervals in s, with premature beats.
    premature : array of bool, shape (n_beats,)
        Whether each beat is premature.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.ecg import simulate_premature
    >>> rr, premature = simulate_premature(np.full(500, 0.8), np.ones(500, bool), np.random.default_rng(0))
    >>> bool(rr[premature].max() < 0.75), bool(np.median(rr[~premature]) == 0.8)
    (True, True)
    """
    log, n = np.log(rr), len(rr)
    local = local_median(log)
    premature = np.zeros(n, bool)
    density = rng.choice([0.02, 0.08, 0.3])
    beat = 2
    while beat < n - 12:
        if rng.random() < density:
            run = 1 if rng.random() < 0.75 else int(rng.integers(2, 9))
            if free[beat - 1 : beat + run + 2].all():
                early = rng.uniform(0.1, 0.55)
                shares = np.r_[1.0, rng.uniform(0.8, 1.1, run - 1)]
                log[beat : beat + run] = local[beat] - early * shares + 0.02 * rng.standard_normal(run)
                premature[beat : beat + run] = True
                pause = rng.uniform(0, 1) * np.log(2 - np.exp(-early))
                log[beat + run] = local[beat] + pause + 0.02 * rng.standard_normal()
                beat += run
        beat += 1
    return np.exp(log), premature
