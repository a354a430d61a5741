"""Measures of a stretch of RR intervals."""

import numpy as np
from scipy.ndimage import median_filter

STEP, SMALL_STEP = 0.1, 0.05  # of log intervals: successive ones that differ by 10 % are no longer alike
EARLY, PAUSE = 0.12, 0.06  # of log intervals beside those around: a premature beat, and a pause after one
AROUND = 9  # intervals whose median a single one is held against
ROW = 8  # intervals of a short stretch
LEAST_SOUND = 4  # steps between sound beats that tell something
STILL = 0.06  # s
FEW = 5  # pairs that an entropy needs


def interval_measures(rr):
    """Measures of the intervals rr, in s; at least 4."""
    log = np.log(rr / np.median(rr))
    step = np.diff(log)
    size = np.abs(step)
    local = log - median_filter(log, AROUND, mode="mirror")
    early, late = local < -EARLY, local > EARLY
    odd = np.pad(early | late, 1)
    before, after = np.r_[0.0, local[:-1]], np.r_[local[1:], 0.0]
    premature, pauses = early & (after > PAUSE), late & (before > -0.08)
    row = min(ROW, len(size))
    largest = np.lib.stride_tricks.sliding_window_view(size, row).max(axis=1)
    rate = np.median(np.lib.stride_tricks.sliding_window_view(rr[1:], row), axis=1)
    still = np.abs(np.diff(rr)) < STILL
    opposite = (step[1:] * step[:-1] < 0) & (size[1:] > STEP) & (size[:-1] > STEP)
    ends = np.flatnonzero(np.r_[True, size > 0.06, True])
    centred = log - log.mean()
    return dict(
        rr_median=np.log(np.median(rr)),
        rr_deviation=log.std(),
        rr_rmssd=np.sqrt((step**2).mean()),
        rr_irregularity=np.median(size),
        rr_changed=(size > STEP).mean(),
        rr_early=(log < -0.15).mean(),
        rr_late=(log > 0.15).mean(),
        rr_shortest=log.min(),
        rr_longest=log.max(),
        rr_entropy=_sample_entropy(log, STEP),
        rr_correlation=(step[1:] * step[:-1]).mean() / (step.var() + 1e-4),
        rr_lower=np.log(np.quantile(rr, 0.25)),
        rr_upper=np.log(np.quantile(rr, 0.75)),
        rr_fastest=np.log(rate.min()),
        rr_slowest=np.log(rate.max()),
        rr_changed_little=(size > SMALL_STEP).mean(),
        rr_step_75=np.quantile(size, 0.75),
        rr_step_90=np.quantile(size, 0.9),
        rr_opposite=opposite.mean(),
        rr_autocorrelation=(centred[1:] * centred[:-1]).mean() / (log.var() + 1e-4),
        rr_roughness=np.log((step.std() + 0.005) / ((log[1:] + log[:-1]).std() + 0.005)),
        rr_local_shortest=local.min(),
        rr_local_longest=local.max(),
        rr_second_longest=np.sort(local)[-2],
        rr_plain=1 - (odd[1:-1] | odd[2:] | odd[:-2]).mean(),
        rr_premature=premature.mean(),
        rr_n_premature=premature.sum(),
        rr_pauses=pauses.mean(),
        rr_n_pauses=pauses.sum(),
        rr_entropy_fine=_sample_entropy(log, 0.04),
        rr_cosen=_cosen(rr),
        rr_still=(still[1:] & still[:-1]).mean(),
        rr_gap=_gap(np.sort(log)),
        rr_regular=np.diff(ends).max() / len(rr),
        rr_calmest=largest.min(),
        rr_calm=np.quantile(largest, 0.25),
    )


def sound_interval_measures(rr, sound):
    """Measures of the intervals between beats that are sound, and so no noise; -1 if there are too few."""
    between = sound[1:] & sound[:-1]
    both = between[1:] & between[:-1]
    step = np.abs(np.diff(np.log(rr)))[both]
    measures = dict.fromkeys(SOUND_COLUMNS, -1.0)
    measures["rr_sound"] = both.mean()
    if len(step) >= LEAST_SOUND:
        log = np.log(rr[between] / np.median(rr[between]))
        values = (
            np.log(np.median(rr[between])),
            np.sqrt((step**2).mean()),
            np.median(step),
            (step > STEP).mean(),
            (step > SMALL_STEP).mean(),
            np.quantile(step, 0.9),
            log.min(),
            log.max(),
        )
        measures |= dict(zip(SOUND_COLUMNS[1:], values, strict=True))
    return measures


def _sample_entropy(x, tolerance):
    """Of order 1; half a match is added, so that short series without any are finite."""
    close, again = _matches(x, tolerance)
    return -np.log((again + 0.5) / (close + 1))


def _matches(x, tolerance):
    """Number of pairs that are close, and of those that are followed by another such pair."""
    close = np.abs(x[:, None] - x) <= tolerance
    again = close[:-1, :-1] & close[1:, 1:]
    return np.triu(close[:-1, :-1], 1).sum(), np.triu(again, 1).sum()


def _cosen(rr):
    """Sample entropy less what the heart rate and the tolerance, large enough for a few matches, explain."""
    tolerance = 0.03
    for _ in range(12):
        close, again = _matches(rr, tolerance)
        if again >= FEW:
            break
        tolerance *= 1.3
    return -np.log((again + 0.5) / (close + 1)) + np.log(2 * tolerance) - np.log(rr.mean())


def _gap(x):
    """Distance of the means of two groups into which sorted numbers fall with the least variance."""
    total, n = np.cumsum(x), np.arange(1, len(x))
    lower, upper = total[:-1] / n, (total[-1] - total[:-1]) / (len(x) - n)
    best = (n * (len(x) - n) * (upper - lower) ** 2).argmax()
    return upper[best] - lower[best]


SOUND_COLUMNS = [
    "rr_sound",
    *(f"rr_sound_{name}" for name in ("median", "rmssd", "irregularity", "changed")),
    *(f"rr_sound_{name}" for name in ("changed_little", "step_90", "shortest", "longest")),
]
INTERVAL_MEASURES = [*interval_measures(np.ones(4)), *SOUND_COLUMNS]
