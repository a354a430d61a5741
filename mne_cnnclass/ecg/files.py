"""Where the files of WFDB records are."""

import glob
import os
from contextlib import contextmanager
from pathlib import Path

from ..samples.copies import refuse_given_twice
from ..utils.extras import from_extra

# Formats of signals that may end with the same bytes as annotations
_SIGNALS = {
    ".bdf",
    ".bin",
    ".cnt",
    ".data",
    ".dcm",
    ".edf",
    ".eeg",
    ".fif",
    ".gdf",
    ".gz",
    ".mat",
    ".npy",
    ".set",
}


def find_wfdb(path):
    """The WFDB record that is meant, without ending; None if it is another file.

    It may be named by its header, a file of its signals or one of its annotations. Others of the same name,
    such as an EDF from which it was made, are no part of it.
    """
    path = Path(path)
    if not path.name:  # the folder "."
        return None
    stem = path.with_suffix("")
    if Path(f"{path}.hea").is_file():
        return path
    if not path.suffix or not Path(f"{stem}.hea").is_file():
        return None
    is_part = (
        path.suffix == ".hea" or path.name in _signal_files(stem) or path.suffix[1:] in find_annotators(stem)
    )
    return stem if is_part else None


def record_name(path):
    """The name of a recording: that of its file, without ending."""
    return (find_wfdb(path) or Path(path).with_suffix("")).name


def _signal_files(stem):
    """The names that a header gives first in its lines."""
    lines = Path(f"{stem}.hea").read_text("latin-1").splitlines()
    return {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}


def find_annotators(stem):
    """Endings of the files beside a header that end as WFDB's annotations do, sorted."""
    signals = _signal_files(stem)
    others = (file for file in stem.parent.glob(f"{glob.escape(stem.name)}.*") if file.name not in signals)
    return sorted(
        file.suffix[1:]
        for file in others
        if file.stem == stem.name and file.suffix.lower() not in _SIGNALS and has_end_of_annotations(file)
    )


def has_end_of_annotations(file):
    """Whether a file ends with WFDB's mark for the end of annotations."""
    if not file.is_file() or file.stat().st_size < 2:
        return False
    with open(file, "rb") as opened:
        opened.seek(-2, os.SEEK_END)
        return opened.read() == b"\0\0"


def find_records(paths):
    """The WFDB records that are given, and those in given folders, sorted by name; without ending."""
    found = []
    for path in paths:
        stem = find_wfdb(path)
        inside = _records_in(path) if stem is None else [stem]
        if not inside:
            raise no_record(path)
        found += inside
    refuse_given_twice(found)
    return found


def _records_in(folder):
    """The records of a folder, sorted by name."""
    stems = sorted(file.with_suffix("") for file in folder.glob("*.hea"))
    segments = find_segments(stems)
    return [stem for stem in stems if stem not in segments]


def find_segments(stems):
    """Those among records that others read as their segments."""
    segments = set()
    for stem in stems:
        text = Path(f"{stem}.hea").read_text("utf-8", "replace")
        lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        if lines and "/" in lines[0][0]:  # name/number of segments
            segments |= {stem.parent / line[0] for line in lines[1:]}
    return segments.intersection(stems)


def no_record(path):
    """The error that says why a path is no record."""
    if path.is_file():
        return ValueError(f"{path} is no part of a WFDB record, which has a header that ends with .hea.")
    if not path.is_dir():
        return FileNotFoundError(f"No such record, file or folder: {path} (a record has a file {path}.hea).")
    inside = _records_in(path)
    if not inside:
        return FileNotFoundError(f"{path} has no WFDB records: no file there ends with .hea.")
    return IsADirectoryError(
        f"{path} is a folder. Give a record in it, as its path without ending, such as {inside[0]}."
    )


def import_wfdb():
    """The package wfdb, or an error that says how to install it."""
    with from_extra("ecg", "A WFDB record"):
        import wfdb
    return wfdb


def read_header(wfdb, stem):
    """The header of a record, as wfdb reads it."""
    if stem.is_dir() and not Path(f"{stem}.hea").is_file():
        raise no_record(stem)
    check_files(Path(f"{stem}.hea"))
    with damage_as(
        f"{stem}.hea is no header of a WFDB record, or is damaged; its first line has record, number of "
        "signals, rate, number of samples, and time and date as 13:05:00 31/12/2020, or neither"
    ):
        header = wfdb.rdheader(str(stem), rd_segments=True)
    if not header.fs > 0:
        raise ValueError(f"{stem}.hea is damaged: it gives a sampling frequency of {header.fs} Hz.")
    return header


@contextmanager
def damage_as(message):
    """Say of which file a reader fails: errors for damaged files are of many kinds."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{message} ({error}).") from error


def check_files(*files, needed_by=None):
    """Say which file is missing, and why it is needed."""
    missing = [file for file in files if not file.is_file()]
    if missing:
        why = f": {needed_by} says that it holds the signals" if needed_by else ""
        raise FileNotFoundError(f"No such file: {missing[0]}{why}. Files of one record belong in one folder.")
