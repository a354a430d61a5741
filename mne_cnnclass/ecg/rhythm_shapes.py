"""Measures of the shapes of the beats of one lead, on a grid of 100 Hz around the R peaks."""

import numpy as np
from scipy.ndimage import map_coordinates, spline_filter1d

GRID = 100.0  # Hz
FIRST, STOP = -30, 46  # samples of a beat on the grid
QRS, CORE, NEAR_QRS = (-0.09, 0.11), (-0.12, 0.12), (-0.15, 0.2)  # s from the R peak
P_WAVE, PR, T_WAVE, REST = (-0.25, -0.07), (-0.2, -0.08), (0.12, 0.42), (-0.3, -0.2)
REACH = 6  # samples by which a peak is moved at most, so that beats lie on each other
ALIKE = 0.85  # correlation of QRS complexes of a kind
EARLY = 0.12  # of log intervals: a premature beat
TINY = 1e-12  # V


def align_beats(signal, peaks, sfreq):
    """Move R peaks to where QRS complexes lie best on their typical shape, by parts of a sample.

    A detector may take the R wave in one beat and the S wave in the next one. Returns the peaks, the
    correlation of each beat with the typical one, and the beats on the grid, of which the median is taken.
    """
    spline = spline_filter1d(signal, 3)
    scale = sfreq / GRID
    peaks = peaks.copy()
    half = round(CORE[1] * GRID)
    lags = np.arange(-REACH, REACH + 1)
    rows = np.arange(len(peaks))
    for _ in range(2):
        wide = _cut(spline, peaks, np.arange(-half - REACH, half + REACH + 1) * scale)
        core = unit(wide[:, REACH:-REACH])
        common = np.argsort(-np.median(core @ core.T, axis=1))[: max(4, len(peaks) // 2)]
        typical = unit(np.median(wide[common, REACH:-REACH], axis=0))
        fit = unit(np.lib.stride_tricks.sliding_window_view(wide, 2 * half + 1, axis=1)) @ typical
        best = fit.argmax(axis=1)
        k = np.clip(best, 1, len(lags) - 2)
        low, top, high = fit[rows, k - 1], fit[rows, k], fit[rows, k + 1]
        bend = low - 2 * top + high
        part = np.where((k == best) & (bend < -1e-9), (low - high) / np.minimum(2 * bend, -1e-9), 0.0)
        fitted = fit[rows, best]
        move = np.where(fitted > 0.7, lags[best] + part.clip(-0.5, 0.5), 0.0) * scale
        moved = peaks + move - np.median(move)
        if (np.diff(moved, prepend=-1.0, append=len(signal)) > 0).all():
            peaks = moved
    beats = _cut(spline, peaks, np.arange(FIRST, STOP) * scale)
    return peaks, fitted, beats - np.median(beats, axis=1, keepdims=True)


def _cut(spline, peaks, offsets):
    where = peaks[:, None] + offsets
    return map_coordinates(spline, [where], order=3, mode="nearest", prefilter=False)


def part(span):
    """The slice of a span in s that is of beats on the grid."""
    return slice(round(span[0] * GRID) - FIRST, round(span[1] * GRID) - FIRST + 1)


def unit(x):
    """Vectors less their mean, of length 1, or 0 if they are constant."""
    x = x - x.mean(axis=-1, keepdims=True)
    return x / (np.linalg.norm(x, axis=-1, keepdims=True) + TINY)


def detrend(x):
    """Vectors less the line that fits best."""
    time = np.linspace(-1, 1, x.shape[-1])
    x = x - x.mean(axis=-1, keepdims=True)
    return x - (x @ time / (time @ time))[..., None] * time


def sound_beats(beats):
    """Which beats are like the typical one, or like several others."""
    qrs = unit(beats[:, part(QRS)])
    typical = unit(np.median(beats, axis=0)[part(QRS)])
    mates = (qrs @ qrs.T > ALIKE).sum(axis=1) - 1
    return (qrs @ typical > ALIKE) | (mates >= max(2, 0.04 * len(beats)))


def shape_measures(beats, fit, before):
    """Measures of aligned beats; ``before`` is the log of the interval before each, less its median."""
    typical = np.median(beats, axis=0)
    height = np.ptp(typical[part(QRS)]) + TINY
    qrs, model = unit(beats[:, part(QRS)]), unit(typical[part(QRS)])
    similar = qrs @ model
    heights, widths = np.ptp(beats[:, part(QRS)], axis=1), slope_widths(beats[:, part(NEAR_QRS)], GRID)
    residual = np.sqrt(((beats - typical) ** 2).mean(axis=1)) / height
    early, odd = before < -EARLY, similar < 0.8
    sizes = _kinds(qrs @ qrs.T)
    main = beats[similar > ALIKE] if (similar > ALIKE).sum() > 3 else beats
    return dict(
        qrs_similarity=np.median(similar),
        qrs_least_similarity=np.quantile(similar, 0.1),
        qrs_lower_similarity=np.quantile(similar, 0.25),
        qrs_different=odd.mean(),
        qrs_slightly_different=(similar < 0.9).mean(),
        qrs_kinds=len(sizes) / len(beats),
        qrs_first_kind=sizes[0] / len(beats),
        qrs_fit=np.median(fit),
        qrs_lower_fit=np.quantile(fit, 0.25),
        qrs_least_fit=np.quantile(fit, 0.1),
        qrs_longest=_longest(similar > 0.9),
        qrs_width=slope_widths(typical[None, part(NEAR_QRS)], GRID)[0],
        qrs_width_spread=widths.std() / (np.median(widths) + TINY),
        qrs_height_spread=heights.std() / (np.median(heights) + TINY),
        qrs_highest=np.log(np.quantile(heights, 0.9) / (np.median(heights) + TINY) + 1e-3),
        qrs_area=np.abs(typical[part(QRS)]).mean() / height,
        early_odd=(early & odd).mean(),
        beat_noise=np.log(np.median(residual) + 1e-3),
        beat_least_noise=np.log(np.quantile(residual, 0.1) + 1e-3),
        beat_most_noise=np.log(np.quantile(residual, 0.9) + 1e-3),
        t_height=np.ptp(typical[part(T_WAVE)]) / height,
        **_p_measures(main, typical, height, early, beats),
    )


def _p_measures(main, typical, height, early, beats):
    """How high the P wave is, when it comes, and whether it is the same in all beats."""
    sign = np.sign(typical[part(QRS)][np.abs(typical[part(QRS)]).argmax()])
    measures = {}
    for name, span in (("p", P_WAVE), ("pr", PR)):
        wave = detrend(main[:, part(span)])
        mean, middle = wave.mean(axis=0), np.median(wave, axis=0)
        others = unit(wave) * unit((wave.sum(axis=0) - wave) / max(len(wave) - 1, 1))
        measures |= {
            f"{name}_alike": np.quantile(others.sum(axis=1), 0.25),
            f"{name}_correlation": (unit(wave) @ unit(middle)).mean(),
            f"{name}_over_noise": _over_noise(wave, middle, height),
            f"{name}_power": np.log(mean.std() / height + 1e-3),
        }
    before = part((-0.28, -0.05))
    rest = detrend(main[:, part(REST)])
    p = unit(detrend(beats[:, part(P_WAVE)])) @ unit(np.median(detrend(main[:, part(P_WAVE)]), axis=0))
    measures["pr_present"] = (unit(wave) @ unit(middle) > 0.5).mean()
    return measures | dict(
        p_height=np.ptp(typical[part(P_WAVE)]) / height,
        p_similarity=np.median(unit(beats[:, part(P_WAVE)]) @ unit(typical[part(P_WAVE)])),
        p_place=_most_prominent(sign * typical[before]),
        rest_over_noise=_over_noise(rest, np.median(rest, axis=0), height),
        p_early=np.median(p[early]) if early.any() else 1.2,
    )


def _over_noise(waves, typical, height):
    """Log power of the typical wave, relative to what the waves differ from it."""
    noise = np.median((waves - typical).var(axis=1))
    return np.log(typical.var() / (noise + 1e-4 * height**2) + 1e-3)


def _most_prominent(wave):
    """At which sample a wave is highest above what lies lower on both sides."""
    left, right = np.minimum.accumulate(wave), np.minimum.accumulate(wave[::-1])[::-1]
    return (wave - np.maximum(left, right)).argmax()


def _kinds(correlation):
    """Sizes of groups of beats that are alike, the largest first."""
    left, sizes = np.ones(len(correlation), bool), []
    alike = correlation > ALIKE
    while left.any():
        first = np.where(left, alike[:, left].sum(axis=1), -1).argmax()
        kind = left & alike[first]
        kind[first] = True
        left &= ~kind
        sizes.append(kind.sum())
    return sizes


def _longest(good):
    """Length of the longest row."""
    return np.diff(np.flatnonzero(np.r_[True, ~good, True])).max() - 1


def slope_widths(beats, sfreq):
    """Standard deviation in time of the absolute slope of each beat, in s."""
    slope = np.abs(np.gradient(beats, axis=1))
    slope /= np.maximum(slope.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    time = np.arange(slope.shape[1]) / sfreq
    centre = slope @ time
    return np.sqrt((slope * (time - centre[:, None]) ** 2).sum(axis=1))


SHAPE_COLUMNS = [*shape_measures(np.zeros((5, STOP - FIRST)), np.zeros(5), np.zeros(5))]
