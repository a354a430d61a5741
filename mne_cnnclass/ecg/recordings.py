"""From WFDB records to MNE's Raw, with the patient and every annotation."""

from __future__ import annotations

import re
from datetime import UTC
from pathlib import Path
from typing import Literal

import mne
import numpy as np

from ..files.dates import date_doubts
from ..files.reading import open_raw
from ..samples.channel_names import signal_kind
from ..samples.gaps import spans
from ..samples.types import PathLike
from ..utils.warn import warn
from .doubts import (
    check_segments,
    find_units,
    header_doubts,
    name_doubts,
    read_lines,
    signal_doubts,
    unit_doubts,
)
from .errors import NoAnnotations
from .files import (
    check_files,
    damage_as,
    find_annotators,
    find_wfdb,
    has_end_of_annotations,
    import_wfdb,
    no_record,
    read_header,
)
from .patients import known_patient, make_raw, read_age

_VOLTS = {"": 1.0} | dict.fromkeys(("m", "milli"), 1e-3) | dict.fromkeys(("n", "nano"), 1e-9)
_VOLTS |= dict.fromkeys(("u", "µ", "μ", "micro"), 1e-6)
# Types of signals in V; a signal without a known name may be a lead that somebody chooses.
_TYPES = {"ecg": "ecg", "eeg": "eeg", "eog": "eog", "emg": "emg", "resp": "resp", "bio": "bio", None: "misc"}

COLUMNS = (".csv", ".tsv", ".txt")  # files of numbers


def read_raw_wfdb(
    record: PathLike,
    *,
    annotator: str | None = "atr",
    patient: str | None = None,
    age: float | None = None,
    sex: Literal["F", "M"] | None = None,
    start: float = 0.0,
    stop: float | None = None,
) -> mne.io.RawArray:
    """Read a WFDB record, the format of PhysioNet's databases, with its annotations.

    Parameters
    ----------
    record : path-like
        Path of the record, with or without the extension of one of its files, such as ``mitdb/101`` or
        ``mitdb/101.hea``.
    annotator : None | str
        Extension of the annotation file. ``None`` reads no annotations. Default is ``"atr"``.
    patient : None | str
        Identifier of the patient, stored in ``info["subject_info"]["his_id"]``. ``None`` uses that in the
        comments of the header, such as ``patient 1``, otherwise the result of :func:`patient_of`.
    age : None | float
        Age of the patient in years. ``None`` uses that in the header.
    sex : None | "F" | "M"
        Sex of the patient. ``None`` uses that in the header.
    start, stop : float
        The part of the record to read, in s from its first sample. ``stop=None`` reads to the end. Only this
        part is loaded into memory; its first sample is at 0 s, and annotations of other parts are left out.

    Returns
    -------
    raw : mne.io.RawArray
        The record, or the part of it, in memory. Leads are channels of type ``ecg`` in V, named and ordered
        as in the header. :func:`patient_info` returns the record name, patient, age and sex.

    Raises
    ------
    ImportError
        If ``wfdb`` is not installed.
    FileNotFoundError
        If the header, a signal file or the annotation file does not exist.
    ValueError
        If a file is damaged or truncated, if the unit of a lead is not a unit of voltage, or if ``start`` and
        ``stop`` do not define a part of the record.

    Warns
    -----
    RuntimeWarning
        Once for a record, with all that is doubtful: annotations beyond the end (they are left out), samples
        that are marked as invalid, leads with the same name (they are numbered) or in different units, a
        header without a gain or sampling frequency (200 units per mV and 250 Hz are assumed, the defaults of
        WFDB), checksums that do not agree, a signal file that is longer than the header says, and an age or
        a date that is left out, as it is none or MNE can't save it.

    Notes
    -----
    **Annotations.** The description of an annotation is its WFDB symbol: ``"N"``, ``"V"``, … for beats,
    ``"~"`` for a change of signal quality, ``'"'`` for a comment. Texts and subtypes are in
    ``raw.annotations.extras`` (``aux_note``, ``subtype``). A change of rhythm (``+``) is converted to a span
    up to the next change or the end of the record, whose description is the rhythm, such as ``"(AFIB"``.
    Onsets are in s from the first sample.

    **Signals** are recognised by their names. Those of leads (II, MLII, aVR, V1, …) and all with ECG or EKG
    in them have type ``ecg``; there are EEG, EOG, EMG, RESP, PLETH, …; others have type ``misc``, and can be
    chosen as ``leads``. Signals without a unit of voltage, such as a blood pressure, keep their unit. If
    signals have different sampling frequencies, the recording has the highest one, and samples of slower
    signals are repeated, as in WFDB's high-resolution mode. Segments of a record are concatenated; segments
    with several samples per frame raise an error.

    **Invalid samples** are NaN. Spans in which a lead has invalid samples are annotated as ``BAD_ACQ_SKIP``,
    which MNE's filters and epochs skip, with the name of the lead where others are valid; a lead without any
    valid sample is added to ``info["bads"]``.

    The measurement date is set if the header contains it. MNE expects UTC, whereas headers contain the local
    time, which is stored as if it were UTC.

    References
    ----------
    .. [1] A. L. Goldberger et al. (2000). PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23),
       e215-e220. https://doi.org/10.1161/01.CIR.101.23.e215

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import wfdb
    >>> from mne_cnnclass.ecg import patient_info, read_raw_wfdb
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wfdb.wrsamp("r1", fs=100, units=["mV"], sig_name=["II"], p_signal=np.array([[0.0], [1.0], [0.5]]),
    ...                 fmt=["16"], adc_gain=[1000.0], baseline=[0], comments=["Age: 56 Sex: F"],
    ...                 write_dir=folder)
    ...     wfdb.wrann("r1", "atr", np.array([1]), ["V"], write_dir=folder)
    ...     raw = read_raw_wfdb(f"{folder}/r1")
    >>> raw.get_data(units=dict(ecg="mV"))
    array([[0. , 1. , 0.5]])
    >>> patient_info(raw)
    {'record': 'r1', 'patient': 'r1', 'age': 56.0, 'sex': 'F'}
    >>> raw.annotations.onset.tolist(), raw.annotations.description.tolist()
    ([0.01], ['V'])
    """
    wfdb = import_wfdb()
    found, stem = find_wfdb(record), Path(record)
    if found is None and stem.suffix in (".hea", ".dat", ".mat", f".{annotator}"):
        found = stem.with_suffix("")  # it is said which of its files is missing
    elif found is None and stem.is_file():
        raise no_record(stem)
    stem = found or stem
    header, signals, sfreq, total, doubts = _read_signals(wfdb, stem, start, stop)
    start = round(start * header.fs) / header.fs
    names = [name or f"signal {k}" for k, name in enumerate(header.sig_name)]
    kinds = [_type_and_scale(name, unit, stem) for name, unit in zip(names, header.units, strict=True)]
    ch_types = [ch_type for ch_type, _ in kinds]
    comments = list(header.comments)
    given = [] if age is None or np.isnan(age) else [f"Age: {age:g}"]
    no_age, no_date = read_age(given + comments)[1], date_doubts(header.base_date)
    doubts += [f"its age {no_age!r} is no single age in years, and is left out"] if no_age else []
    data = np.array([scale * signal for (_, scale), signal in zip(kinds, signals, strict=True)])
    doubts += unit_doubts(names, ch_types, header.units, data) + name_doubts(names) + no_date
    raw = make_raw(
        data,
        mne.create_info(names, sfreq, ch_types, verbose="ERROR"),
        f"WFDB record {stem.name}",
        given + comments + [f"Date: {header.base_datetime}"] * len(no_date),
        path=Path(f"{stem}.hea"),
        patient=known_patient(stem.name, sfreq, total) if patient is None else patient,
        sex=sex,
    )
    if header.base_date is not None and not no_date:
        raw.set_meas_date(header.base_datetime.replace(tzinfo=UTC))
    annotations = []
    if annotator is not None:
        rows = _read_annotations(wfdb, stem, annotator, header.fs, total / sfreq, doubts)
        annotations = _crop_rows(rows, start, start + raw.n_times / sfreq)
    annotations = [(*row, ()) for row in annotations] + _invalid_spans(raw, doubts)
    if annotations:
        onset, duration, description, extras, its = zip(*annotations, strict=True)
        how = dict(orig_time=raw.info["meas_date"], extras=list(extras), ch_names=list(its))
        raw.set_annotations(mne.Annotations(onset, duration, description, **how))
    if doubts:
        warn(f"{stem}: {'; '.join(doubts)}.")
        raw.preparation = [(stem.name, "file", "; ".join(doubts), 0)]  # for the log of its epochs
    return raw


def read_recording(recording, *, annotator=None, start=0.0, stop=None):
    """Read a WFDB record, or its part from start to stop (s), or a file of another format that MNE reads.

    If another format, or a Raw, does not say which channels are leads of an ECG, those are whose names are of
    leads (II, MLII, aVR, V1, ECG …).
    """
    if isinstance(recording, mne.io.BaseRaw):
        raw = recording.copy()
    else:
        path = Path(recording)
        if find_wfdb(path) is not None:
            return read_raw_wfdb(path, annotator=annotator, start=start, stop=stop)
        if not path.exists() or (path.is_dir() and not path.suffix):  # MNE reads folders such as .ds
            raise no_record(path)
        try:
            raw = open_raw(path)
        except ValueError as error:  # whose advice is a piece of code
            is_numbers = path.suffix.lower() in (*COLUMNS, ".mat")
            more = "\n# mne-cnnclass ecg rhythm reads one lead of such files" * is_numbers
            raise ValueError(str(error).replace('"eeg"', '"ecg"') + more) from error
    if "ecg" not in raw:
        leads = [name for name in raw.ch_names if signal_kind(name, leads=True) == "ecg"]
        raw.set_channel_types(dict.fromkeys(leads, "ecg"), verbose="ERROR")
    if start or stop is not None:
        raw.crop(start, stop, include_tmax=stop is None, verbose="ERROR")
    return raw


def read_extent(recording):
    """Length in s of a recording, None if its header lacks it, and rate; no signals of WFDB are read."""
    stem = None if isinstance(recording, mne.io.BaseRaw) else find_wfdb(recording)
    if stem is None:
        raw = recording if isinstance(recording, mne.io.BaseRaw) else read_recording(recording)
        sfreq = raw.info["sfreq"]
        return (raw.n_times - 1) / sfreq, sfreq  # raw.times is as long as the recording
    header = read_header(import_wfdb(), stem)
    parts = [s for s in getattr(header, "segments", [header]) if s is not None]
    most = max((n for part in parts for n in part.samps_per_frame or ()), default=1)
    return header.sig_len / header.fs if header.sig_len else None, header.fs * most


def _read_signals(wfdb, stem, start, stop):
    """The record as wfdb has it, its signals in physical units, all at one rate, that rate, and their length.

    Signals are those from ``start`` to ``stop`` (s); the length is that of the whole record. What is doubtful
    comes last.
    """
    header_file, header = Path(f"{stem}.hea"), read_header(wfdb, stem)
    segments = [s for s in getattr(header, "segments", [header]) if s is not None]
    if not header.n_sig or any(len(s.file_name or ()) != s.n_sig for s in segments):
        raise ValueError(
            f"{header_file} lacks signals, or the lines that describe them: nothing can be read."
        )
    files = sorted({header_file.parent / name for s in segments for name in s.file_name if name != "~"})
    check_files(*files, needed_by=header_file)
    rates = {n for s in segments for n in s.samps_per_frame}
    parts = getattr(header, "seg_name", [])
    has_gap = "~" in parts and header.layout == "fixed"
    if has_gap or (parts and rates != {1}):
        averaged = "several segments and signals with several samples a frame"  # which wfdb would average
        what = "a gap between segments of a fixed layout" if has_gap else averaged
        raise ValueError(
            f"{header_file} has {what}, which can't be read. Read its segments one by one: "
            f"{', '.join(part for part in parts if part != '~')}."
        )
    if parts:
        check_segments(header_file, header, segments)
    end = header.sig_len / header.fs if header.sig_len else np.inf  # a header may leave it out
    if not 0 <= start < (end if stop is None else stop) <= end:
        raise ValueError(
            f"start and stop must be a part of {stem}, which has {end:g} s, got {start} and {stop}."
        )
    first, last = round(start * header.fs), None if stop is None else round(stop * header.fs)
    with damage_as(
        f"{', '.join(map(str, files))} can't be read as {header_file.name} describes it: it is cut off or "
        "damaged. Compare its size with the published one and download it again"
    ):
        read = wfdb.rdrecord(str(stem), first, last, smooth_frames=rates == {1}, physical=bool(parts))
    expanded, sums = rates != {1}, [] if parts else read.calc_checksum(rates != {1})
    if not parts:
        read.dac(expanded, inplace=True)
    total = header.sig_len or first + read.sig_len
    signals = read.e_p_signal if expanded else list(read.p_signal.T)
    headers = [header_file.with_name(f"{part}.hea") for part in parts or [stem.name] if part != "~"]
    headers = list(dict.fromkeys(headers))
    read.comments = read_lines(header_file)[2]
    read.units, doubts = find_units(headers, read.units), header_doubts(headers)
    if sums and (start, stop) == (0, None):
        doubts += signal_doubts(header, header_file.parent, sums, signals)
    if not expanded:
        return read, signals, float(read.fs), total, doubts
    most = max(rates)
    signals = [
        signal.reshape(-1, n)[:, np.arange(most) * n // most].ravel()
        for signal, n in zip(signals, read.samps_per_frame, strict=True)
    ]
    return read, signals, float(read.fs * most), total * most, doubts


def _type_and_scale(name, unit, stem):
    """MNE's channel type of a signal, and what makes volts of its unit (1 for what is no voltage)."""
    ch_type, prefix = signal_kind(name, leads=True), re.fullmatch(r"(.*?)v(?:olts?)?", unit, re.I)
    volts = _VOLTS.get(prefix[1].lower()) if prefix else None
    if ch_type in _TYPES and volts is not None:
        return _TYPES[ch_type], volts
    if ch_type == "ecg":
        raise ValueError(
            f"Lead {name} of {stem} is in {unit!r}, which is no unit of voltage; V, mV, uV and nV are. Write "
            "its unit behind the gain in the header, such as 200/mV."
        )
    return "misc", 1.0


def _read_annotations(wfdb, stem, annotator, frame_rate, duration, doubts):
    """Onset, duration, description and extras of each annotation."""
    file = Path(f"{stem}.{annotator}")
    if not file.is_file():
        there = ", ".join(find_annotators(stem))
        raise NoAnnotations(
            f"No annotations: {there and f'there are some that end with {there}, but no '}{file}.",
            "Give annotator= the ending of the file of annotations, or None to read without.",
        )
    if not has_end_of_annotations(file):
        raise ValueError(
            f"{file} is cut off: it does not end with WFDB's mark for the end of the annotations."
        )
    with damage_as(f"{file} is damaged, or no file of annotations"):
        found = wfdb.rdann(str(stem), annotator)
    onsets = found.sample / (found.fs or frame_rate)
    past = onsets >= duration
    if past.any():
        doubts.append(
            f"{past.sum()} annotations of {file} lie past the end of the signals ({duration:g} s), the last "
            f"at {onsets.max():g} s, and are left out (is the signal file complete, and of this record?)"
        )
    notes = [note.rstrip("\0 ") for note in found.aux_note]
    changes = [k for k, symbol in enumerate(found.symbol) if symbol == "+" and notes[k].startswith("(")]
    ends = dict(zip(changes, [*onsets[changes[1:]], duration], strict=False))
    rows = []
    for k in np.flatnonzero(~past):
        if k in ends:
            rows.append((onsets[k], min(ends[k], duration) - onsets[k], notes[k], {}))
            continue
        extras = dict(aux_note=notes[k]) if notes[k] else {}
        if found.subtype[k]:
            extras["subtype"] = int(found.subtype[k])
        rows.append((onsets[k], 0.0, found.symbol[k], extras))
    return rows


def _crop_rows(rows, start, stop):
    """What rows of annotations have from start to stop (s), counted from there."""
    kept = []
    for onset, duration, *what in rows:
        first, last = max(onset, start), min(onset + duration, stop)
        if (first < last) if duration else (start <= onset < stop):
            kept.append((first - start, last - first, *what))
    return kept


def _invalid_spans(raw, doubts):
    """Rows of annotations where a lead has invalid samples; leads without any other become bad."""
    data = raw.get_data("ecg") if "ecg" in raw else np.empty((0, raw.n_times))
    if np.isfinite(data.sum()):
        return []
    names = np.array(raw.ch_names)[mne.pick_types(raw.info, ecg=True)]
    invalid = np.isnan(data)
    empty = invalid.all(axis=1)
    raw.info["bads"] = names[empty].tolist()
    sfreq = raw.info["sfreq"]
    shares = [f"{n} {s:.3g} s" for n, s in zip(names, invalid.sum(axis=1) / sfreq, strict=True) if s]
    doubts.append(
        f"it has samples marked as invalid ({', '.join(shares)}), which are NaN and annotated as "
        "BAD_ACQ_SKIP, so that MNE's filters and epochs leave them out; a lead that has nothing else is bad"
    )
    own, names = invalid[~empty], names[~empty].tolist()
    groups = [(own[0], ())] if (own == own[:1]).all() else zip(own, [[name] for name in names], strict=True)
    return [
        (gap.start / sfreq, (gap.stop - gap.start) / sfreq, "BAD_ACQ_SKIP", {}, its)
        for lost, its in groups
        for gap in spans(lost)
    ]
