"""How beats look, compared with those around them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .intervals import local_median
from .measures import span_slice
from .rhythm_shapes import NEAR_QRS, QRS, slope_widths

TYPICAL_HEIGHT = 1e-3  # V, of the record's typical QRS complex once leads are scaled
P_REGION = (-0.25, -0.06)  # s from the R peak
AROUND = (-3, -2, -1, 1, 2, 3)  # beats whose likeness to the typical one is told beside that of each


def p_slice(first, rate):
    """The slice of the P wave in windows that begin at a sample from the R peak."""
    region = span_slice(P_REGION, first, rate)
    return slice(max(region.start, 0), region.stop)


def compare_beats(beats, source, first, rate, causal):
    """Difference of beats from the typical one, and features of the first lead that is not zero.

    ``beats`` has shape (n_beats, n_leads, n_times), from sample ``first`` after the R peak; ``source`` are
    those that say what is typical, one for each.
    """
    difference = beats - local_median(beats[source], causal=causal)
    lead = beats.any(axis=(0, 2)).argmax()
    table = _qrs_features(beats[:, lead], difference[:, lead], source, first, rate, causal)
    return difference, pd.DataFrame(table | _p_features(beats[:, lead], source, first, rate, causal))


def _qrs_features(beats, difference, source, first, rate, causal):
    qrs = span_slice(QRS, first, rate)
    beat, typical = beats[:, qrs], (beats - difference)[:, qrs]
    centred = [part - part.mean(axis=1, keepdims=True) for part in (beat, typical)]
    norms = np.prod([np.linalg.norm(part, axis=1) for part in centred], axis=0)
    width = np.log(slope_widths(beats[:, span_slice(NEAR_QRS, first, rate)], rate) + 1e-3)
    rms = np.sqrt((difference[:, qrs] ** 2).mean(axis=1)) / TYPICAL_HEIGHT
    correlation = (centred[0] * centred[1]).sum(axis=1) / np.where(norms > 0, norms, 1.0)
    numbers = np.arange(len(beats))
    others = {k: correlation[(numbers + k).clip(0, len(beats) - 1)].clip(-0.5) for k in AROUND}
    return {
        "qrs_correlation": correlation,
        "qrs_difference": np.log(rms + 1e-3),
        "qrs_width_ratio": width - local_median(width[source], causal=causal),
        **{f"qrs_correlation{k:+d}": values for k, values in others.items() if k < 0 or not causal},
    }


def _p_features(beats, source, first, rate, causal):
    """Height of the typical P wave, how much others differ from it, and how much this one does."""
    waves = beats[:, p_slice(first, rate)] / TYPICAL_HEIGHT
    waves = waves - waves[:, :1] - (waves[:, -1:] - waves[:, :1]) * np.linspace(0, 1, waves.shape[1])
    typical = local_median(waves[source], causal=causal)
    away = np.abs(waves - typical)
    return {
        "p_height": np.log(np.ptp(typical, axis=1) + 0.02),
        "p_noise": np.log(local_median(away[source], causal=causal).mean(axis=1) + 0.01),
        "p_difference": np.log(away.mean(axis=1) + 0.01),
    }


SHAPE_COLUMNS = [*compare_beats(np.zeros((1, 1, 90)), slice(None), -32, 128.0, False)[1]]
