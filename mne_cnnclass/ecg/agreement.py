"""Whether annotations of beats are beats of this signal: of others, epochs would be cut beside the beats."""

import numpy as np

MATCH = 0.15  # s between a beat in the signal and the annotation that names it, as in ANSI/AAMI EC57
LEAST_BEATS = 10  # fewer tell too little
REACH = 0.6  # s from an annotation to the beats that it is compared with, at most
AWAY = 0.25  # s from two annotations to a beat that neither of them means, at least
# Annotations of MIT-BIH agree by 0.89 or more, resampled or random ones by 0.2 or less. There, beats lie
# between 12 % of the annotated ones at most (64 % at least, if every other one is lacking), and 1 % are low
# (48 %, if T waves are annotated, too).
LEAST_AGREEMENT, MOST_BETWEEN, MOST_LOW = 0.5, 0.3, 0.15
INTERVALS = (0.25, 2.5)  # s, of hearts that beat 24 to 240 times a minute
SHORTEST, MOST_SHORT = 0.2, 0.1  # s, in which no second beat can follow, and the share of intervals below it
LEAST_SPAN = 0.5  # of the signal


def beat_doubts(signal, rate, onset):
    """What makes annotations at rising times (s) doubtful as beats of signals, shape (n_leads, n_times)."""
    intervals, lasts = np.diff(onset), signal.shape[1] / rate
    if len(onset) < 3:
        return []
    if not INTERVALS[0] <= np.median(intervals) <= INTERVALS[1]:
        return [
            f"its annotated beats are {np.median(intervals):.3g} s apart, as in no heart: they are marks of "
            "something else, such as minutes of apnea, or not one of each beat"
        ]
    is_short = (intervals < SHORTEST).mean()
    if is_short > MOST_SHORT:
        return [
            f"{100 * is_short:.0f} % of the intervals between its annotated beats are below {SHORTEST} s: "
            "they are of waves, or each is there twice"
        ]
    if len(onset) < LEAST_BEATS:
        return []
    energy, peak = _energy(signal, rate), np.round(onset * rate).astype(int)
    doubts = _chance_doubts(*_agreement(energy, rate, peak), "the highest peak around")
    if doubts:
        return doubts
    low, between = _heights(energy, rate, peak)
    if low > MOST_LOW:
        doubts.append(f"{100 * low:.0f} % of its annotated beats are where the signal has no QRS complex")
    if between > MOST_BETWEEN:
        doubts.append(
            f"between {100 * between:.0f} % of its annotated beats there are others in the signal, which are "
            "not annotated as beats, or noise as high"
        )
    if onset[-1] - onset[0] < LEAST_SPAN * lasts:
        doubts.append(f"beats are annotated from {onset[0]:.4g} to {onset[-1]:.4g} s alone, of {lasts:.4g} s")
    return doubts


def match_doubts(n_annotated, n_matched, n_found, lasts):
    """What makes annotations doubtful as names of the beats that were found in a signal of ``lasts`` s."""
    if n_annotated < 3:
        return []
    chance = min(1.0, 2 * MATCH * n_found / lasts)
    return _chance_doubts(n_matched / n_annotated, chance, "a beat that is found in the signal")


def _chance_doubts(near, chance, what):
    """A doubt if annotated beats agree with the signal hardly more than by chance."""
    if near - chance >= LEAST_AGREEMENT * (1 - chance):
        return []
    return [
        f"{100 * near:.0f} % of its annotated beats are within {MATCH} s of {what}, and {100 * chance:.0f} % "
        "would be by chance: they are of another recording, rate or start, the signal is flat or noise, or a "
        "pacemaker's spikes are higher than the beats"
    ]


def _energy(signal, rate):
    """Squared slopes of all leads, high where QRS complexes are."""
    slope = np.diff(signal, axis=1, prepend=signal[:, :1])
    scale = slope.std(axis=1, keepdims=True)
    width = max(1, round(0.08 * rate))
    return np.convolve(((slope / np.where(scale > 0, scale, 1)) ** 2).sum(axis=0), np.ones(width), "same")


def _agreement(energy, rate, peak):
    """Share of peaks that are near the maximum up to half of the way to others, and that by chance."""
    reach, match = round(REACH * rate), MATCH * rate
    half = np.diff(peak) / 2
    before, after = (np.minimum(part, reach) for part in (np.r_[reach, half], np.r_[half, reach]))
    offset = np.arange(-reach, reach + 1)
    where = peak[:, None] + offset
    inside = (where >= 0) & (where < len(energy)) & (offset >= -before[:, None]) & (offset <= after[:, None])
    values = np.where(inside, energy[where.clip(0, len(energy) - 1)], -1.0)
    near = (np.abs(offset[values.argmax(axis=1)]) <= match).mean()
    spans = np.minimum(before, match) + np.minimum(after, match)
    return near, (spans / np.maximum(before + after, 1)).mean()


def _heights(energy, rate, peak):
    """Share of peaks that are far lower than others, and that of the intervals with as high a one inside."""
    width, away = round(0.1 * rate), round(AWAY * rate)
    own = np.array([energy[max(0, p - width) : p + width + 1].max(initial=0) for p in peak])
    usual = np.quantile(own, 0.75)
    parts = (energy[p + away : q - away + 1] for p, q in zip(peak[:-1], peak[1:], strict=True))
    return (own < 0.05 * usual).mean(), np.mean(
        [part.max(initial=0) > 0.5 * np.median(own) for part in parts]
    )
