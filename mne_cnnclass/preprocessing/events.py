"""Where epochs are cut: at events, or in windows that slide over a recording."""

from collections import Counter
from numbers import Real

import mne
import numpy as np

from ..samples.limits import check_time
from ..samples.mne_internals import stim_channels
from ..utils.cuts import is_cut
from ..utils.text import shortened
from ..utils.warn import warn
from .triggers import find_triggers


class AnyOf(dict):
    """Events of which one at least has to occur, as in recordings whose classes are to be predicted."""


def choose_events(recordings, wanted, find_events=None):
    """The events (n, 3) of each recording and their ``event_id``, with the same codes in all of them."""
    classes = None if wanted is None else _check_classes(wanted)
    markers = None if classes is None else _markers(classes)
    tables = [_events_by_name(recording, markers, find_events) for recording in recordings]
    if classes is None:
        classes = {name: [name] for table in tables for name in sorted(table)}
    _check_present(classes, recordings, tables, isinstance(wanted, AnyOf))
    codes = {name: code for code, name in enumerate(classes, start=1)}
    chosen = []
    for recording, table in zip(recordings, tables, strict=True):
        found = _markers_of(classes, table)
        if not found:
            raise ValueError(
                f"{recording} has none of the events {', '.join(_markers(classes))}. "
                f"Events found: {_counts([recording], [table])}."
            )
        event_id = {name: codes[name] for name in found}
        rows = [table[own] * [1, 1, 0] + [0, 0, codes[name]] for name, its in found.items() for own in its]
        chosen.append((_in_order(recording, np.concatenate(rows), event_id), event_id))
        _keep_from_mne(recording, found)
    return chosen


def _in_order(recording, rows, event_id):
    """Events sorted by time; two markers of a class at the same time are one event."""
    rows = rows[np.unique(rows[:, [0, 2]], axis=0, return_index=True)[1]]
    check_apart(recording, rows, rows, event_id)
    return rows


def check_apart(recording, rows, before, event_id, sfreq=None):
    """An epoch is of one event only; before they were resampled to ``sfreq``, the events were ``before``."""
    twice = np.flatnonzero(np.diff(rows[:, 0]) == 0)
    if len(twice):
        names = {code: name for name, code in event_id.items()}
        one, other = (names[code] for code in rows[twice[0] : twice[0] + 2, 2])
        when, fix = ("", "") if sfreq is None else (f" at {sfreq:g} Hz", "take a higher sfreq=, ")
        onset = (before[twice[0], 0] - getattr(recording.source, "first_samp", 0)) / recording.sfreq
        raise ValueError(
            f"{recording} has {len(twice)} pairs of events at the same time{when}, first {one} and {other} "
            f"at {onset:.4g} s. Name the events that you mean in events=, {fix}or correct the recording."
        )


def _check_classes(wanted):
    """The markers of each class, as texts."""
    if not isinstance(wanted, dict):
        raise TypeError(f'events must be None or a dict such as dict(left="T1", right="T2"), got {wanted!r}.')
    classes = {}
    for name, its in wanted.items():
        several = list(its) if isinstance(its, (list, tuple, set, np.ndarray)) else [its]
        if not several or not all(isinstance(marker, (str, Real)) for marker in several):
            raise TypeError(
                f"The events of class {name!r} must be one or several descriptions or codes, got {its!r}."
            )
        whole = [isinstance(marker, Real) and float(marker).is_integer() for marker in several]
        texts = [
            str(int(marker) if is_code else marker) for marker, is_code in zip(several, whole, strict=True)
        ]
        classes[str(name)] = list(dict.fromkeys(texts))
    return classes


def _markers(classes):
    """The markers of all classes, each once."""
    return list(dict.fromkeys(marker for its in classes.values() for marker in its))


def _check_present(classes, recordings, tables, one_is_enough):
    """Each event has to occur somewhere, or one of them."""
    names = set().union(*tables)
    missing = [marker for marker in _markers(classes) if not _matching(marker, names)]
    if classes and not missing:
        return
    what = f"No event {', '.join(missing)}" if missing else "There are no events"
    if one_is_enough and len(missing) < len(_markers(classes)):
        warn(f"{what} in {shortened(recordings, 4, 'more files')}: epochs are cut at the others alone.")
        return
    hint = _hint(classes, names, missing)
    codes = not classes or any(marker.isdecimal() for marker in missing)
    if codes and not hint and not any(stim_channels(recording.source.info) for recording in recordings):
        hint = ' A trigger channel has the type "stim", or is named by stim_channel of find_events=.'
    raise ValueError(f"{what}. Events found: {_counts(recordings, tables)}.{hint}")


def _hint(classes, names, markers):
    """What to say if events were given as the names of classes and the other way round."""
    swapped = [(m, name) for name, its in classes.items() for m in its if m in markers]
    swapped = [(marker, name) for marker, name in swapped if _matching(name, names)]
    if not swapped:
        return ""
    right = ", ".join(f"{marker}={name}" for marker, name in swapped)
    return f" The name of a class comes first, then its event: {right} (in Python, {dict(swapped[:1])})."


def _matching(marker, names):
    """The events of this name, or else those that have all of its tags, as "left" of "left/easy"."""
    # some programs fill texts up with blanks
    same = [marker] if marker in names else sorted(name for name in names if name.strip() == marker.strip())
    return same or mne.event.match_event_names(sorted(names), marker, on_missing="ignore")


def class_of(marker, wanted):
    """The class whose event a marker is, as `choose_events` takes them; None if it is of none."""
    found = _markers_of(_check_classes(wanted), {marker})
    return next(iter(found), None)


def _markers_of(classes, names):
    """The events of each class that are among these, of one class each."""
    found = {name: [own for m in its for own in _matching(m, names)] for name, its in classes.items()}
    found = {name: list(dict.fromkeys(its)) for name, its in found.items() if its}
    twice = sorted(own for own, n in Counter(own for its in found.values() for own in its).items() if n > 1)
    if twice:
        raise ValueError(
            f"An event can be of one class only, but {twice} are given more than one."
            f"{_hint(classes, names, _markers(classes))}"
        )
    return found


def _events_by_name(recording, markers, find_events):
    """Events (n, 3) by description: of the annotations (or of Epochs), else of the stim channel."""
    source, found = recording.source, {}
    if isinstance(source, mne.BaseEpochs):
        return _by_name(source.events, {n: code for n, code in source.event_id.items() if not is_cut(n)})
    described = _described(source, markers or ())
    if described:  # else MNE raises an error
        event_id = {name: code for code, name in enumerate(described, start=1)}
        found = _by_name(*mne.events_from_annotations(source, event_id, regexp=None, verbose="ERROR"))
    codes = None if markers is None else [code for code in markers if not _matching(code, found)]
    if codes or codes is None or find_events is not None:
        found = find_triggers(recording, codes, find_events) | found
    return found


def _by_name(events, event_id):
    return {name: events[events[:, 2] == code] for name, code in event_id.items()}


def _described(source, markers):
    """Descriptions of the annotations that are events; of those that start with "bad", only what is named."""
    names, no_event = source.annotations.description, is_no_event(source.annotations)
    named = [name in markers and not _is_mark(name) for name in names]
    return sorted({str(name) for name in names[~no_event | np.array(named, bool)]})


def is_no_event(annotations):
    """Which annotations are of bad spans and edges."""
    return np.array([text.lower().startswith(("bad", "edge")) for text in annotations.description], bool)


def _is_mark(name):
    """Whether MNE or another program wrote an annotation where a recording was cut or paused."""
    return is_cut(name) or name.upper() == "BAD_ACQ_SKIP"


def _keep_from_mne(recording, found):
    """Take away the annotations of events that MNE would leave out as bad, and warn of others like them."""
    if not recording.is_raw:
        return
    annotations = recording.source.annotations
    of_mne = is_no_event(annotations)
    taken = np.isin(annotations.description, [own for its in found.values() for own in its])
    annotations.delete(np.flatnonzero(of_mne & taken))
    of_mne = is_no_event(annotations)
    usual = {0.0, *annotations.duration[~of_mne]}
    spans = {}
    for one in annotations[of_mne]:
        spans.setdefault(str(one["description"]), []).append(one["duration"])
    odd = [
        f"{name} ({len(its)})"
        for name, its in spans.items()
        if usual.issuperset(its) and not _is_mark(name) and not (name.startswith("BAD_") and any(its))
    ]
    if odd:
        recording.tell(
            [
                f"{shortened(odd)} are as long as events, but MNE takes what starts with "
                '"bad" or "edge" for spans to leave out; if they are events, name them in events='
            ]
        )


def _counts(recordings, tables):
    """Events and their counts as text, recording by recording."""
    counts = [", ".join(f"{name} ({len(table[name])})" for name in sorted(table)) for table in tables]
    shown = [f"{recording.name}: {its or 'none'}" for recording, its in zip(recordings, counts, strict=True)]
    return shortened(shown, 4, "more files", separator="; ")


def choose_windows(recordings, windows, spans, classes):
    """The starts (n, 3) of windows, and their ``event_id``.

    The class is that of the recording (``classes``, one for each), or of the annotated span (``spans``, class
    to descriptions) that holds the whole window.
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
        spans = _markers_of(spans, set(_described(raw, _markers(spans))))
        stretches = [
            (name, a["onset"] - raw.first_time, a["onset"] - raw.first_time + a["duration"])
            for name, its in spans.items()
            for a in raw.annotations
            if a["description"] in its
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
            f"{recording} has no stretch of {duration:g} s of {list(codes)}. It is "
            f"{raw.times[-1]:.4g} s long and has the annotations {dict(found) or 'none'}."
        )
    _keep_from_mne(recording, spans or {})
    present = set(rows[:, 2])
    event_id = {name: code for name, code in codes.items() if code in present}
    return _in_order(recording, rows, event_id), event_id
