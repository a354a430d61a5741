"""Recordings that are played as streams."""

from __future__ import annotations

from ..files.cuts import MARKS
from ..preprocessing.events import AnyOf, choose_events

FAST, REAL = 10.0, 0.02  # s that are read at a time


def events_of(recording, events, find_events):
    """Onsets in s from the start, and classes, in their order."""
    ((rows, event_id),) = choose_events([recording], AnyOf(events), find_events)
    names = {code: name for name, code in event_id.items()}
    onsets = (rows[:, 0] - recording.source.first_samp) / recording.sfreq
    return [(float(onset), names[code]) for onset, code in zip(onsets, rows[:, 2], strict=True)]


def parts_of(recording, is_real_time):
    """The first sample of each part, its data, and whether the recording was cut before it."""
    raw, length = recording.source, max(round((REAL if is_real_time else FAST) * recording.sfreq), 1)
    at = raw.annotations.onset[raw.annotations.description == MARKS[1]] - raw.first_time
    cuts = {round(onset * recording.sfreq) for onset in at}
    edges = sorted({*range(0, raw.n_times, length), *(c for c in cuts if 0 < c < raw.n_times), raw.n_times})
    for first, stop in zip(edges[:-1], edges[1:], strict=True):
        yield first, recording.part(first, stop), first in cuts
