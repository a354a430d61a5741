"""Rhythms that few patients of a training have, made of the beats of those that it has."""

from __future__ import annotations

import numpy as np

from .beat_shapes import p_slice
from .intervals import local_median

WAVES = (4.5, 8.5)  # Hz of fibrillatory waves, of which no two beats have the same
HEIGHTS = (0.0, 3e-5, 8e-5)  # V, where a QRS complex has 1e-3
LEAST_EARLY = 0.1  # of log intervals, by which the first of premature beats comes early
LEAST_BEATS = 8  # premature ones; of fewer no rhythm is made


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


def fibrillate(beats: np.ndarray, tmin: float, sfreq: float, rng: np.random.Generator) -> np.ndarray:
    """Replace the P waves of beats by fibrillatory waves.

    Parameters
    ----------
    beats : array, shape (n_beats, n_leads, n_times)
        Consecutive beats, scaled to a QRS complex of 1 mV, in V.
    tmin : float
        Time of their first sample, relative to the R peak, in s.
    sfreq : float
        Their sampling frequency in Hz.
    rng : numpy.random.Generator
        The random number generator, for the frequency (4.5 to 8.5 Hz), the height in each lead and the phase
        at each beat.

    Returns
    -------
    beats : array, shape (n_beats, n_leads, n_times)
        The beats, less their P wave (the median over 41 beats of what rises above a line from 0.25 s to
        0.06 s before the R peak), and with waves that are not locked to them.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.ecg import fibrillate
    >>> times = np.arange(-32, 58) / 128
    >>> beats = np.tile(1e-4 * np.exp(-(((times + 0.16) / 0.02) ** 2)), (50, 1, 1))  # P waves
    >>> without = fibrillate(beats, times[0], 128.0, np.random.default_rng(0))
    >>> bool(np.mean(without, axis=0).max() < 0.2 * beats.max())
    True
    """
    times = tmin + np.arange(beats.shape[2]) / sfreq
    region = p_slice(round(tmin * sfreq), sfreq)
    waves = local_median(beats)[..., region]
    ramp = np.linspace(0, 1, waves.shape[2])
    waves -= waves[..., :1] + (waves[..., -1:] - waves[..., :1]) * ramp
    beats = beats.copy()
    beats[..., region] -= waves
    frequency = rng.uniform(*WAVES) + 0.4 * rng.standard_normal((len(beats), 1))
    angle = 2 * np.pi * (frequency * times + rng.random((len(beats), 1)))
    heights = rng.choice(HEIGHTS, beats.shape[1]) * rng.uniform(0.5, 1.5)
    heights *= beats.any(axis=(0, 2))  # a masked lead remains zero
    return beats + heights[:, None] * (np.sin(angle) + 0.4 * np.sin(2 * angle + rng.uniform(0, 6)))[:, None]


def rearrange_premature(
    rr: np.ndarray,
    premature: np.ndarray,
    normal: np.ndarray,
    rng: np.random.Generator,
    n_beats: int = 1200,
) -> tuple[np.ndarray, np.ndarray]:
    """Order the beats of a record anew, so that premature ones are as frequent as in other patients.

    Each beat keeps its shape and its own interval, which the end of the T wave before it shows, but for runs
    that are put together of several, which get one rate. Any share of premature beats comes about, also those
    that make a median of the beats around that of premature ones.

    Parameters
    ----------
    rr : array, shape (n_beats,)
        The interval before each beat in s.
    premature, normal : array of bool, shape (n_beats,)
        Which beats are premature (those of runs that begin at least 10 % early are used), and which are
        normal.
    rng : numpy.random.Generator
        The random number generator, for the share of premature beats, the length of runs and the pauses after
        them.
    n_beats : int
        Number of beats to reach. Default is 1200.

    Returns
    -------
    beats : array of int, shape (n_ordered,)
        Numbers of beats, in their new order; empty if fewer than 8 beats are premature.
    rr : array, shape (n_ordered,)
        The interval before each of them in s.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.ecg import rearrange_premature
    >>> premature = np.arange(300) % 30 == 29
    >>> rr = np.where(premature, 0.5, 0.8)
    >>> beats, _ = rearrange_premature(rr, premature, ~premature, np.random.default_rng(0))
    >>> bool(premature[beats].mean() > 0.1), len(beats) >= 1200
    (True, True)
    """
    runs = _premature_runs(rr, premature)
    if sum(stop - start for start, stop in runs) < LEAST_BEATS or not normal.any():
        return np.empty(0, int), np.empty(0)
    share, longest, pause = rng.uniform(0.1, 0.8), rng.choice([1, 1, 3, 8, 40]), rng.choice([1.0, 1.3, 2.2])
    between = max((1 + longest) / 2 * (1 - share) / share - 1, 0)  # normal beats, besides the one after a run
    beats, intervals, number = [], [], int(rng.integers(len(runs)))
    while len(beats) < n_beats:
        start, stop = runs[number]
        before = np.flatnonzero(normal[:start])[-max(rng.poisson(between), 1) :]  # at the rate around
        beats.extend(before)
        intervals.extend(rr[before])
        wanted, n_in_run, rate, drift = int(rng.integers(1, longest + 1)), 0, None, 0.0
        while n_in_run < wanted:
            start, stop = runs[number]
            number = (number + 1) % len(runs)
            if stop - start > 12:  # a part of it, from its start or from anywhere
                start += int(rng.integers(0, stop - start - 11)) if rng.random() < 0.5 else 0
                stop = min(stop, start + max(4, wanted - n_in_run))
            own = rr[start:stop]
            rate = np.median(own) if rate is None else rate
            if longest > 3:
                own = rate * np.exp(0.03 * rng.standard_normal(stop - start) + drift)
            drift = np.clip(drift + 0.01 * rng.standard_normal(), -0.1, 0.1)
            beats.extend(range(start, stop))
            intervals.extend(own)
            n_in_run += stop - start
        after = np.flatnonzero(normal[stop:])
        then = stop + after[0] if len(after) else np.flatnonzero(normal)[-1]
        beats.append(then)
        intervals.append(rr[then] * rng.uniform(1, pause))
    return np.array(beats), np.maximum(intervals, 0.2)


def _premature_runs(rr, premature):
    """First and last (exclusive) beat of each run of premature beats that begins early."""
    edges = np.flatnonzero(np.diff(np.r_[False, premature, False]))
    runs = []
    for start, stop in edges.reshape(-1, 2).tolist():
        before = np.arange(max(0, start - 9), start)
        before = before[~premature[before]]
        if len(before) and np.log(rr[start] / np.median(rr[before])) < -LEAST_EARLY:
            runs.append((start, stop))
    return runs
