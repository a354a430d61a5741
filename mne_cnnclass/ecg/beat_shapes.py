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


class OfRecord:
    """What is around the beats of a record; ``source`` are those that say what is typical, one for each."""

    def __init__(self, source, causal):
        self.source, self.causal = source, causal

    def typical(self, name, values):
        """Median of what the neighbours of each beat have."""
        return local_median(values[self.source], causal=self.causal)

    def beside(self, values):
        """What the beats so many later, or before, have, or the outermost."""
        n = len(values)
        beside = {k: values[(np.arange(n) + k).clip(0, n - 1)] for k in AROUND}
        return {k: its for k, its in beside.items() if k < 0 or not self.causal}


def compare_beats(beats, source, first, rate, causal):
    """Difference of beats from the typical one, and features of the first lead that is not zero.

    ``beats`` has shape (n_beats, n_leads, n_times), from sample ``first`` after the R peak; ``source`` are
    those that say what is typical, one for each.
    """
    lead = beats.any(axis=(0, 2)).argmax()
    difference, table = describe_shapes(beats, lead, OfRecord(source, causal), first, rate)
    return difference, pd.DataFrame(table)


def describe_shapes(beats, lead, around, first, rate):
    """Difference of beats from the typical one, and a dict of features of a lead."""
    difference = beats - around.typical("beat", beats)
    table = _qrs_features(beats[:, lead], difference[:, lead], around, first, rate)
    return difference, table | _p_features(beats[:, lead], around, first, rate)


def _qrs_features(beats, difference, around, first, rate):
    qrs = span_slice(QRS, first, rate)
    beat, typical = beats[:, qrs], (beats - difference)[:, qrs]
    centred = [part - part.mean(axis=1, keepdims=True) for part in (beat, typical)]
    norms = np.prod([np.linalg.norm(part, axis=1) for part in centred], axis=0)
    width = np.log(slope_widths(beats[:, span_slice(NEAR_QRS, first, rate)], rate) + 1e-3)
    rms = np.sqrt((difference[:, qrs] ** 2).mean(axis=1)) / TYPICAL_HEIGHT
    correlation = (centred[0] * centred[1]).sum(axis=1) / np.where(norms > 0, norms, 1.0)
    return {
        "qrs_correlation": correlation,
        "qrs_difference": np.log(rms + 1e-3),
        "qrs_width_ratio": width - around.typical("width", width),
        **{f"qrs_correlation{k:+d}": its.clip(-0.5) for k, its in around.beside(correlation).items()},
    }


def _p_features(beats, around, first, rate):
    """Height of the typical P wave, how much others differ from it, and how much this one does."""
    waves = beats[:, p_slice(first, rate)] / TYPICAL_HEIGHT
    waves = waves - waves[:, :1] - (waves[:, -1:] - waves[:, :1]) * np.linspace(0, 1, waves.shape[1])
    typical = around.typical("p wave", waves)
    away = np.abs(waves - typical)
    return {
        "p_height": np.log(np.ptp(typical, axis=1) + 0.02),
        "p_noise": np.log(around.typical("p noise", away).mean(axis=1) + 0.01),
        "p_difference": np.log(away.mean(axis=1) + 0.01),
    }


SHAPE_COLUMNS = [*compare_beats(np.zeros((1, 1, 90)), slice(None), -32, 128.0, False)[1]]
