"""Where epochs are cut: at events, or in windows that slide over a recording."""

from collections import Counter

import mne
import numpy as np

from ..samples.limits import check_time


def choose_events(recordings, wanted):
    """The events (n, 3) of each recording and their ``event_id``, with the same codes in all of them."""
    tables = [_event_tables(recording.source) for recording in recordings]
    present = [{name: len(rows) for table in t[::-1] for name, rows in table.items()} for t in tables]
    if wanted is None:
        wanted = {name: name for counts in present for name in sorted(counts)}
    wanted = _check_classes(wanted)
    missing = [event for event in wanted.values() if not any(event in counts for counts in present)]
    if missing or not wanted:
        what = f"No event {', '.join(missing)}" if missing else "There are no events"
        swapped = missing and all(any(name in counts for counts in present) for name in wanted)
        hint = " The name of a class comes first, then its event." if swapped else ""
        raise ValueError(f"{what}. Events found: {_counts(recordings, present)}.{hint}")
    chosen = []
    for recording, its_tables, counts in zip(recordings, tables, present, strict=True):
        rows, event_id = [], {}
        for code, (name, event) in enumerate(wanted.items(), start=1):
            table = next((table for table in its_tables if event in table), None)
            if table is not None:
                rows.append(table[event].copy())
                rows[-1][:, 2] = code
                event_id[name] = code
        if not rows:
            raise ValueError(
                f"{recording} has none of the events {', '.join(wanted.values())}. "
                f"Events found: {_counts([recording], [counts])}."
            )
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


def _event_tables(source):
    """Events (n, 3) by description: of the annotations (or of Epochs), and of the stim channel."""
    if isinstance(source, mne.BaseEpochs):
        return [{name: source.events[source.events[:, 2] == code] for name, code in source.event_id.items()}]
    tables = [{}]
    if not is_no_event(source.annotations).all():  # else MNE raises an error
        events, event_id = mne.events_from_annotations(source, verbose="ERROR")
        tables = [{name: events[events[:, 2] == code] for name, code in event_id.items()}]
    if len(mne.pick_types(source.info, meg=False, stim=True)):
        events = mne.find_events(source, shortest_event=1, verbose="ERROR")
        tables.append({str(code): events[events[:, 2] == code] for code in np.unique(events[:, 2])})
    return tables


def is_no_event(annotations):
    """Which annotations are of bad spans and edges."""
    return np.array([text.lower().startswith(("bad", "edge")) for text in annotations.description], bool)


def _counts(recordings, present, n_shown=4):
    """Events and their counts as text, recording by recording."""
    shown = [
        f"{recording.name}: " + (", ".join(f"{name} ({n})" for name, n in sorted(counts.items())) or "none")
        for recording, counts in zip(recordings[:n_shown], present, strict=False)
    ]
    more = len(recordings) - n_shown
    return "; ".join(shown) + (f"; and {more} more files" if more > 0 else "")


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
    return [
        _windows_of(recording, duration, overlap, spans, None if classes is None else classes[number], codes)
        for number, recording in enumerate(recordings)
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
    how = dict(duration=duration, overlap=overlap)
    rows = [
        mne.make_fixed_length_events(raw, codes[name], start=start, stop=stop, **how)
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
