"""Epochs from the files of recordings."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import mne
import numpy as np
import pandas as pd

__all__ = ["make_epochs"]

# Identifiers that devices and MNE's anonymisation write for nobody.
_NOBODY = {"", "none", "0", "x", "xx", "xxx", "unknown", "anonymous", "anonymized", "mne_anonymize"}
# A word for a subject wins over a letter with two or three digits (S001, P03, A01). One digit is as often a
# session (s1), and runs (R04) are no subjects.
_SUBJECT_WORD = re.compile(
    r"(?<![A-Za-z])(?:sub-[A-Za-z0-9]+|(?:sub|subj|subject|pat|patient|vp)[-_]?\d{1,3})(?!\d)", re.I
)
_SUBJECT_LETTER = re.compile(r"(?<![A-Za-z0-9])[SPA]\d{2,3}(?!\d)", re.I)


def make_epochs(
    recordings,
    *,
    tmin,
    tmax,
    events=None,
    l_freq=None,
    h_freq=None,
    picks=None,
    baseline=None,
    group=None,
):
    """Read recordings, filter them and cut epochs, one Epochs a file.

    The filter runs on the continuous signal before epochs are cut. Epochs that touch a span annotated as
    bad, or that the recording does not hold in full, are left out as MNE does.

    Parameters
    ----------
    recordings : path-like | list of path-like
        Files of continuous recordings in any format of :func:`mne.io.read_raw`, or of epochs in MNE's
        format (``*-epo.fif``), which are cropped and can't be filtered.
    tmin, tmax : float
        Start and end of the epochs in s relative to the event.
    events : None | dict
        The name of each class and its event, such as ``dict(left="T1", right="T2")``: the description of
        an annotation, or the code on the stim channel where no annotation is of that description.
        ``None`` takes every event, named as in the file.
    l_freq, h_freq : None | float
        Edges of the band-pass filter in Hz (:meth:`mne.io.Raw.filter`). ``None`` leaves an edge out.
    picks : None | str | list of str
        Channel names or types to keep. ``None`` keeps all of them.
    baseline : None | tuple of (None | float, None | float)
        Span in s whose mean is subtracted, as in :class:`mne.Epochs`.
    group : None | "file" | "subject"
        The metadata column that cross-validation will hold together; a recording whose subject can't be
        told is then an error.

    Returns
    -------
    epochs : list of mne.Epochs
        One Epochs a file, in memory, with the metadata columns ``file`` (its name), ``subject``
        and ``onset`` (s from the start of the recording). The subject is the one in the file
        (``info["subject_info"]["his_id"]``) if it has one; else that of the name of the file or its
        folder, such as ``sub-01``, ``S001``, ``P03``, ``A01`` or ``subject7``; else ``None``.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If a file can't be read, an event is not there, recordings differ in sampling frequency or
        channels, epochs are to be filtered, or a subject that is needed can't be told.

    Examples
    --------
    >>> from mne_cnnclass.preprocessing import make_epochs
    >>> files = ["S001/S001R04.edf", "S002/S002R04.edf"]
    >>> epochs = make_epochs(files, events=dict(left="T1", right="T2"), tmin=1.0, tmax=4.0, l_freq=4.0,
    ...                      h_freq=38.0, group="subject")  # doctest: +SKIP
    """
    if isinstance(recordings, (str, Path)):
        recordings = [recordings]
    files = [Path(recording) for recording in recordings]
    if not files:
        raise ValueError("recordings is empty; at least one file is needed.")
    if group not in (None, "file", "subject"):
        raise ValueError(f'group must be None, "file" or "subject", got {group!r}.')
    if not tmin < tmax:
        raise ValueError(f"tmin must be below tmax, got tmin={tmin:g} s and tmax={tmax:g} s.")
    sources = [_read(file) for file in files]
    chosen = _choose_events(files, sources, events)
    if picks is not None:
        for file, source in zip(files, sources, strict=True):
            _pick(file, source, picks)
    _check_alike(files, sources)
    _check_filter(files, sources, l_freq, h_freq)
    tables = [
        _metadata(file, source, rows, group)
        for file, source, (rows, _) in zip(files, sources, chosen, strict=True)
    ]
    return [
        _cut(file, source, *found, table, tmin, tmax, l_freq, h_freq, baseline)
        for file, source, found, table in zip(files, sources, chosen, tables, strict=True)
    ]


def _read(file):
    """A continuous recording, not yet in memory, or Epochs."""
    if not file.exists():
        raise FileNotFoundError(f"No such file: {file}")
    try:
        if re.search(r"[-_]epo\.fif(\.gz)?$", file.name):
            return mne.read_epochs(file, verbose="ERROR")
        return mne.io.read_raw(file, verbose="ERROR")
    except Exception as error:  # the readers of the many formats raise errors of every kind
        raise ValueError(f"Can't read {file}: {error}") from error


def _event_tables(source):
    """Events (n, 3) by description: of the annotations (or of Epochs), and of the stim channel."""
    if isinstance(source, mne.BaseEpochs):
        return [{name: source.events[source.events[:, 2] == code] for name, code in source.event_id.items()}]
    events, event_id = mne.events_from_annotations(source, verbose="ERROR")
    tables = [{name: events[events[:, 2] == code] for name, code in event_id.items()}]
    if len(mne.pick_types(source.info, meg=False, stim=True)):
        events = mne.find_events(source, shortest_event=1, verbose="ERROR")
        tables.append({str(code): events[events[:, 2] == code] for code in np.unique(events[:, 2])})
    return tables


def _choose_events(files, sources, wanted):
    """The events (n, 3) of each file and their ``event_id``, with the same codes in all files."""
    tables = [_event_tables(source) for source in sources]
    present = [{name: len(rows) for table in t[::-1] for name, rows in table.items()} for t in tables]
    if wanted is None:
        wanted = {name: name for counts in present for name in sorted(counts)}
    wanted = {name: str(event) for name, event in wanted.items()}
    twice = sorted(event for event, n in Counter(wanted.values()).items() if n > 1)
    if twice:
        raise ValueError(f"An event can be of one class only, but {twice} are given more than one.")
    missing = [event for event in wanted.values() if not any(event in counts for counts in present)]
    if missing or not wanted:
        raise ValueError(f"No event {', '.join(missing)}. Events found: {_counts(files, present)}.")
    chosen = []
    for file, file_tables, counts in zip(files, tables, present, strict=True):
        rows, event_id = [], {}
        for code, (name, event) in enumerate(wanted.items(), start=1):
            table = next((table for table in file_tables if event in table), None)
            if table is not None:
                rows.append(table[event].copy())
                rows[-1][:, 2] = code
                event_id[name] = code
        if not rows:
            raise ValueError(
                f"{file} has none of the events {', '.join(wanted.values())}. "
                f"Events found: {_counts([file], [counts])}."
            )
        rows = np.concatenate(rows)
        chosen.append((rows[np.argsort(rows[:, 0], kind="stable")], event_id))
    return chosen


def _counts(files, present, n_shown=4):
    """Events and their counts as text, file by file."""
    shown = [
        f"{file.name}: " + (", ".join(f"{name} ({n})" for name, n in sorted(counts.items())) or "none")
        for file, counts in zip(files[:n_shown], present, strict=False)
    ]
    return "; ".join(shown) + (f"; and {len(files) - n_shown} more files" if len(files) > n_shown else "")


def _pick(file, source, picks):
    try:
        source.pick(picks, verbose="ERROR")
    except ValueError as error:
        types = ", ".join(source.get_channel_types(unique=True))
        raise ValueError(
            f"{file} has no channels {picks}; it has {', '.join(source.ch_names)} (types {types})."
        ) from error


def _check_alike(files, sources):
    rates = {}
    for file, source in zip(files, sources, strict=True):
        rates.setdefault(source.info["sfreq"], []).append(file.name)
    if len(rates) > 1:
        found = "; ".join(f"{sfreq:g} Hz: {', '.join(names)}" for sfreq, names in rates.items())
        raise ValueError(f"The recordings differ in sampling frequency; resample them first. {found}.")
    first = set(sources[0].ch_names)
    for file, source in zip(files, sources, strict=True):
        lacking, extra = first - set(source.ch_names), set(source.ch_names) - first
        if lacking or extra:
            raise ValueError(
                f"The recordings differ in channels: {file} lacks {sorted(lacking)} of {files[0]} and has "
                f"{sorted(extra)} besides. Pick the channels that they share."
            )


def _check_filter(files, sources, l_freq, h_freq):
    """MNE takes edges in the wrong order for a band-stop, and a high-pass of everything for good."""
    if l_freq is not None and h_freq is not None and l_freq >= h_freq:
        raise ValueError(f"l_freq must be less than h_freq, got {l_freq:g} and {h_freq:g} Hz.")
    for file, source in zip(files, sources, strict=True):
        nyquist = source.info["sfreq"] / 2
        for name, edge in (("l_freq", l_freq), ("h_freq", h_freq)):
            if edge is not None and not 0 < edge < nyquist:
                raise ValueError(
                    f"{name} must be between 0 and {nyquist:g} Hz, half the sampling frequency of "
                    f"{file.name}, got {edge:g} Hz."
                )


def _subject(file, source):
    """The subject that the file or its name tells, else None."""
    told = str((source.info["subject_info"] or {}).get("his_id", ""))
    if told.strip().lower() not in _NOBODY:
        return told
    for name in (file.name, *(parent.name for parent in file.resolve().parents)):
        for pattern in (_SUBJECT_WORD, _SUBJECT_LETTER):
            found = set(pattern.findall(name))
            if found:
                return found.pop() if len(found) == 1 else None
    return None


def _metadata(file, source, events, group):
    """A row an event; what the metadata of Epochs already say stays."""
    onset = (events[:, 0] - getattr(source, "first_samp", 0)) / source.info["sfreq"]
    table = pd.DataFrame(dict(file=file.name, subject=_subject(file, source), onset=onset))
    if isinstance(source, mne.BaseEpochs) and source.metadata is not None:
        table = table.assign(**source.metadata.iloc[_rows(source, events)].reset_index(drop=True))
    if group == "subject" and table["subject"].isna().any():
        raise ValueError(
            f"The subject of {file} can't be told: it is neither in the file nor in its name or folder, such "
            "as sub-01, S001, P03 or subject7. Rename it, or take the file as group."
        )
    return table


def _rows(epochs, events):
    """Where these events are in the Epochs."""
    return pd.Index(epochs.events[:, 0]).get_indexer(events[:, 0])


def _cut(file, source, events, event_id, metadata, tmin, tmax, l_freq, h_freq, baseline):
    """The Epochs of one file."""
    if isinstance(source, mne.io.BaseRaw):
        raw = source.copy().load_data(verbose="ERROR")  # a copy, so that one recording at a time is in memory
        if l_freq is not None or h_freq is not None:
            raw.filter(l_freq, h_freq, verbose="ERROR")
        epochs = mne.Epochs(
            raw,
            events,
            event_id,
            tmin,
            tmax,
            baseline=baseline,
            metadata=metadata,
            preload=True,
            verbose="ERROR",
        )
    else:
        if l_freq is not None or h_freq is not None:
            raise ValueError(
                f"{file} holds epochs, and a filter would distort their edges: "
                "filter the recording before it is cut, and leave l_freq and h_freq out."
            )
        half = 0.5 / source.info["sfreq"]
        if tmin < source.tmin - half or tmax > source.tmax + half:
            raise ValueError(
                f"{file} holds epochs from {source.tmin:g} to {source.tmax:g} s, "
                f"so they can't be cut from {tmin:g} to {tmax:g} s."
            )
        epochs = source[_rows(source, events)]
        epochs.events, epochs.event_id = events, event_id
        with mne.use_log_level("ERROR"):
            epochs.metadata = metadata
            epochs.crop(tmin, tmax).apply_baseline(baseline)
    if not len(epochs):
        raise ValueError(
            f"{file}: none of its {len(events)} events has {tmin:g} to {tmax:g} s of good recording around "
            "it. Choose a shorter span, or look at the annotations of bad spans."
        )
    return epochs
