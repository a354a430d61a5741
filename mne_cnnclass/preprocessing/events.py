"""Where epochs are cut: at events, or in windows that slide over a recording."""

from collections import Counter

import mne
import numpy as np

from ..samples.limits import check_time
from ..utils.text import shortened


def choose_events(recordings, wanted):
    """The events (n, 3) of each recording and their ``event_id``, with the same codes in all of them."""
    tables = [_events_by_name(recording.source) for recording in recordings]
    if wanted is None:
        wanted = {name: name for table in tables for name in sorted(table)}
    wanted, present = _check_classes(wanted), set().union(*tables)
    missing = [event for event in wanted.values() if event not in present]
    if missing or not wanted:
        what = f"No event {', '.join(missing)}" if missing else "There are no events"
        swapped = missing and present.issuperset(wanted)
        hint = " The name of a class comes first, then its event." if swapped else ""
        raise ValueError(f"{what}. Events found: {_counts(recordings, tables)}.{hint}")
    codes = {name: code for code, name in enumerate(wanted, start=1)}
    chosen = []
    for recording, table in zip(recordings, tables, strict=True):
        event_id = {name: code for name, code in codes.items() if wanted[name] in table}
        if not event_id:
            raise ValueError(
                f"{recording} has none of the events {', '.join(wanted.values())}. "
                f"Events found: {_counts([recording], [table])}."
            )
        rows = [table[wanted[name]] * [1, 1, 0] + [0, 0, code] for name, code in event_id.items()]
        rows = np.concatenate(rows)
        chosen.append((_in_order(recording, rows, event_id), event_id))
    return chosen


def _in_order(recording, rows, event_id):
    """Events sorted by time; an epoch is of one class only."""
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    twice = np.flatnonzero(np.diff(rows[:, 0]) == 0)
    if len(twice):
        names = {code: name for name, code in event_id.items()}
        one, other = (names[code] for code in rows[twice[0] : twice[0] + 2, 2])
        onset = (rows[twice[0], 0] - getattr(recording.source, "first_samp", 0)) / recording.sfreq
        raise ValueError(
            f"{recording} has {len(twice)} pairs of events at the same time, first {one} and {other} at "
            f"{onset:.4g} s. Name the events that you mean in events=, or correct the recording."
        )
    return rows


def _check_classes(wanted):
    """Events of the classes as text, each of one class."""
    if not isinstance(wanted, dict):
        raise TypeError(f'events must be None or a dict such as dict(left="T1", right="T2"), got {wanted!r}.')
    wanted = {name: str(event) for name, event in wanted.items()}
    twice = sorted(event for event, n in Counter(wanted.values()).items() if n > 1)
    if twice:
        raise ValueError(f"An event can be of one class only, but {twice} are given more than one.")
    return wanted


def _events_by_name(source):
    """Events (n, 3) by description: of the annotations (or of Epochs), else of the stim channel."""
    if isinstance(source, mne.BaseEpochs):
        return _by_name(source.events, source.event_id)
    found = {}
    if len(mne.pick_types(source.info, meg=False, stim=True)):
        events = mne.find_events(source, shortest_event=1, verbose="ERROR")
        found = _by_name(events, {str(code): code for code in np.unique(events[:, 2])})
    if not is_no_event(source.annotations).all():  # else MNE raises an error
        found |= _by_name(*mne.events_from_annotations(source, verbose="ERROR"))
    return found


def _by_name(events, event_id):
    return {name: events[events[:, 2] == code] for name, code in event_id.items()}


def is_no_event(annotations):
    """Which annotations are of bad spans and edges."""
    return np.array([text.lower().startswith(("bad", "edge")) for text in annotations.description], bool)


def _counts(recordings, tables):
    """Events and their counts as text, recording by recording."""
    counts = [", ".join(f"{name} ({len(table[name])})" for name in sorted(table)) for table in tables]
    shown = [f"{recording.name}: {its or 'none'}" for recording, its in zip(recordings, counts, strict=True)]
    return shortened(shown, 4, "more files", separator="; ")


def choose_windows(recordings, windows, spans, classes):
    """The starts (n, 3) of windows, and their ``event_id``.

    The class is that of the recording (``classes``, one for each), or of the annotated span (``spans``, class
    to description) that holds the whole window.
    """
    duration, overlap = windows["duration"], windows.get("overlap", 0.0)
    for name, value in (("overlap", overlap), ("duration", duration)):
        check_time(value, f"{name} of windows")
    if not 0 <= overlap < duration:
        raise ValueError(
            f"windows must have 0 <= overlap < duration, in s, got overlap={overlap:g} and "
            f"duration={duration:g}."
        )
    if (spans is None) == (classes is None):
        raise ValueError(
            "Windows need a class: either classes=, one for each recording, or events=, the annotated spans "
            "of each class."
        )
    if classes is not None and (isinstance(classes, str) or len(classes) != len(recordings)):
        raise ValueError(
            f"classes must be a list with the class of each of {len(recordings)} recordings, got {classes!r}."
        )
    spans = None if spans is None else _check_classes(spans)
    codes = {name: code for code, name in enumerate(dict.fromkeys(spans or classes), start=1)}
    classes = [None] * len(recordings) if classes is None else classes
    return [
        _windows_of(recording, duration, overlap, spans, its_class, codes)
        for recording, its_class in zip(recordings, classes, strict=True)
    ]


def _windows_of(recording, duration, overlap, spans, its_class, codes):
    raw = recording.source
    if not recording.is_raw:
        raise ValueError(f"{recording} holds epochs; windows are cut from continuous recordings.")
    if duration * raw.info["sfreq"] < 1:
        raise ValueError(
            f"Windows of {duration:g} s hold no sample of {recording} at {raw.info['sfreq']:g} Hz. Durations "
            "are in s."
        )
    stretches = [(its_class, 0.0, raw.n_times / raw.info["sfreq"])]
    if spans is not None:
        stretches = [
            (name, a["onset"] - raw.first_time, a["onset"] - raw.first_time + a["duration"])
            for name, description in spans.items()
            for a in raw.annotations
            if a["description"] == description
        ]
    rows = [
        mne.make_fixed_length_events(raw, codes[name], start, stop, duration, overlap=overlap)
        for name, start, stop in stretches
        if stop - start > duration - 0.5 / raw.info["sfreq"]
    ]
    rows = np.concatenate([np.empty((0, 3), int), *rows])
    if not len(rows):
        found = Counter(map(str, raw.annotations.description))
        raise ValueError(
            f"{recording} has no stretch of {duration:g} s of {list(spans or codes)}. It is "
            f"{raw.times[-1]:.4g} s long and has the annotations {dict(found) or 'none'}."
        )
    present = set(rows[:, 2])
    event_id = {name: code for name, code in codes.items() if code in present}
    return _in_order(recording, rows, event_id), event_id
