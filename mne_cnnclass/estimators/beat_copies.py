"""Beats to learn from: those of records as they are, and as they would be in another rhythm."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..ecg.beat_shapes import compare_beats
from ..ecg.beats import TYPICAL
from ..ecg.intervals import interval_features
from ..ecg.rhythm_shapes import NEAR_QRS
from ..ecg.simulate import fibrillate, rearrange_premature, simulate_fibrillation
from ..utils.threads import limit_threads

COPIED = 1200  # beats in a copy of a record
AS_CONDUCTED = 0.85  # correlation with the typical QRS complex, below which premature beats are aberrant


class Copy(NamedTuple):
    """Beats of a record in another rhythm: their rows in the view, and what is theirs there."""

    rows: np.ndarray
    y: np.ndarray
    patient: str
    difference: np.ndarray
    table: pd.DataFrame


@limit_threads(1)
def copy_records(clf, view, y, groups, rng, causal):
    """Copies of records in another rhythm, as patients of their own."""
    copies = []
    if not (clf.n_fibrillation or clf.n_premature):
        return copies
    first, rate = round(view.times[0] * view.sfreq), view.sfreq
    if view.times[0] > NEAR_QRS[0] or view.times[-1] < NEAR_QRS[1]:
        raise ValueError(
            f"Copies of records need windows from {NEAR_QRS[0]} to {NEAR_QRS[1]} s at least, and these reach "
            f"from {view.times[0]:.3g} to {view.times[-1]:.3g} s. Give make_beat_epochs other tmin and tmax, "
            "or set n_fibrillation=0 and n_premature=0."
        )
    leads = view.pick([name for name in view.ch_names if not name.endswith(TYPICAL)])
    table = view.metadata
    likeness = table["qrs_correlation"].to_numpy()
    for own in table.groupby("record", sort=True).indices.values():
        own = own[np.argsort(table["onset"].to_numpy()[own], kind="stable")]
        steady = own[np.isin(y[own], [clf.normal, *clf.ventricular])]
        beats = np.asarray(leads[own])
        rr = table["rr_previous"].to_numpy()[own]
        known = np.isfinite(rr)
        rr = np.where(known, rr, np.median(rr[known]) if known.any() else 1.0)
        made = []
        for _ in range(clf.n_fibrillation if len(steady) else 0):
            start = int(rng.integers(0, max(1, len(steady) - COPIED)))
            rows = steady[start : start + COPIED]
            shapes = fibrillate(np.asarray(leads[rows]), view.times[0], rate, rng)
            made.append(("fibrillation", rows, simulate_fibrillation(len(rows), rng), shapes))
        for _ in range(clf.n_premature if clf.normal and clf.supraventricular in y else 0):
            normal, early = y[own] == clf.normal, y[own] == clf.supraventricular
            early &= likeness[own] > AS_CONDUCTED  # more of the others would hide ventricular beats
            order, intervals = rearrange_premature(rr, early, normal, rng, min(len(own), COPIED))
            if len(order):
                made.append(("premature beats", own[order], intervals, beats[order]))
        for number, (kind, rows, intervals, shapes) in enumerate(made):
            difference, shape = compare_beats(shapes, slice(None), first, rate, causal)
            features = interval_features(intervals, causal=causal).join(shape)
            simulated = table.iloc[rows].reset_index(drop=True).assign(**features)
            patient = f"{groups[own[0]]}, {kind} {number}"
            copies.append(Copy(rows, y[rows], patient, difference, simulated))
    return copies


@limit_threads(1)
def gather(view, copies, drawn, masked, rng):
    """A view of drawn beats, of those of ``view`` and then those of copies, with a lead masked in some."""
    view = view.pick([name for name in view.ch_names if name.endswith(TYPICAL)])
    real, copied = drawn[drawn < len(view)], drawn[drawn >= len(view)] - len(view)
    data, rows, tables = [np.asarray(view[real])], [real], [view.metadata.iloc[real]]
    start = 0
    for copy in copies:
        its = copied[(copied >= start) & (copied < start + len(copy.y))] - start
        start += len(copy.y)
        data.append(copy.difference[its])
        rows.append(copy.rows[its])
        tables.append(copy.table.iloc[its])
    data = np.concatenate(data)
    hidden = np.flatnonzero(rng.random(len(data)) < masked)
    lead = rng.integers(data.shape[1], size=len(hidden))
    several = data[hidden].any(axis=2).sum(axis=1) > 1  # one at least remains
    data[hidden[several], lead[several]] = 0.0
    new = view[np.concatenate(rows)].with_data(data)
    new.metadata = pd.concat(tables, ignore_index=True)
    return new
