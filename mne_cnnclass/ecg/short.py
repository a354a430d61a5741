"""Short recordings of one lead, as watches and phones write them, and as PhysioNet's challenges have them."""

import re

import mne
import numpy as np
import pandas as pd

from ..samples.limits import check_rate, same_rate
from .databases import read_cinc2017_signal
from .files import find_wfdb, no_record
from .patients import make_raw
from .recordings import COLUMNS, read_recording

SEPARATORS = {",": ".", ";": ",", "\t": "."}  # of columns, and the decimal mark that goes with it
HEIGHT = 1e-3  # V, which most of a column spans, as its unit is not known


def read_short(path, sfreq=None, lead=None):
    """A recording, and the name of its lead: a column of numbers, a MATLAB file of CinC 2017, or any other.

    ``sfreq`` (Hz) is needed for columns, and has to be that of the header for others; ``lead`` is the name or
    the number, from 1, of one column of several, or the name of a lead.
    """
    if find_wfdb(path) is None and path.suffix.lower() in COLUMNS:
        return read_column(path, sfreq, lead), "ECG"
    if find_wfdb(path) is None and path.suffix.lower() == ".mat":
        raw = read_cinc2017_signal(path)
    else:
        raw = read_recording(path)
    rate = raw.info["sfreq"]
    if sfreq is not None and not same_rate(rate, sfreq):
        raise ValueError(
            f"{path} is sampled at {rate:g} Hz, and not at the {sfreq:g} Hz that are given for it."
        )
    return raw, lead


def read_column(path, sfreq=None, column=None):
    """A column of numbers in a text file, as a Raw with the channel ECG.

    Lines before the first one of numbers are left out, but for the names of columns and the sample rate. The
    unit is not known, so the signal is scaled: from its 0.5th to its 99.5th percentile it spans 1 mV.
    """
    if not path.is_file():
        raise no_record(path)
    table, header = _read_table(path)
    said = re.search(r"sampl\w*[\s_-]*(?:rate|frequency)\D*(\d+(?:\.\d+)?)", header, re.I)
    if sfreq is None and not said:
        raise ValueError(
            f"{path} is a file of numbers that does not say how many there are a second: give --sfreq (Hz)."
        )
    if sfreq is not None and said and not same_rate(sfreq, float(said[1])):
        raise ValueError(f"{path} says that it has {said[1]} samples a second, and not {sfreq:g}.")
    sfreq = float(said[1] if sfreq is None else sfreq)
    check_rate(sfreq, "sfreq")
    if column is None and table.shape[1] > 1:
        raise ValueError(f"{path} has the columns {', '.join(table)}: give --lead the one of the ECG.")
    number = int(column) - 1 if column is not None and column.isdecimal() and column not in table else None
    if number is not None and 0 <= number < table.shape[1]:
        column = table.columns[number]
    elif column is not None and column not in table:
        raise ValueError(f"{path} has no column {column}; it has {', '.join(table)}.")
    signal = table[column or table.columns[0]].to_numpy(float)
    low, middle, high = np.nanpercentile(signal, [0.5, 50, 99.5])
    signal = (signal - middle) * (HEIGHT / (high - low) if high > low else 1.0)
    info = mne.create_info(["ECG"], sfreq, "ecg", verbose="ERROR")
    return make_raw(signal[None], info, f"CSV record {path.stem}", [], path=path)


def _read_table(path):
    """The numbers of a text file, in columns named by its header, or numbered from 1, and what precedes."""
    lines = path.read_text("utf-8-sig", "replace").splitlines()
    for separator, decimal in SEPARATORS.items():
        rows = (all(_is_number(f, decimal) for f in line.split(separator)) for line in lines)
        first = next((k for k, is_row in enumerate(rows) if is_row), None)
        if first is not None and not (separator == "," and _has_decimal_commas(lines[first:])):
            break
    else:
        raise ValueError(f"{path} has no line of numbers alone.")
    n_columns = len(lines[first].split(separator))
    names = [name.strip(' "') for name in lines[first - 1].split(separator)] if first else []
    if len(names) != n_columns or len({*names}) < n_columns or not all(names):
        names = [str(k + 1) for k in range(n_columns)]
    rows = [line.split(separator) for line in lines[first:] if line.strip()]
    for row in rows:
        if len(row) != n_columns:
            raise ValueError(f"{path} has {n_columns} numbers in a line, and then {' '.join(row)[:40]!r}.")
    values = [[_number(field, decimal, path) for field in row] for row in rows]
    return pd.DataFrame(values, columns=names), "\n".join(lines[:first])


def _has_decimal_commas(lines):
    """Whether pairs are no two whole numbers, but one with a decimal comma: no whole number is -0 or 05."""
    pairs = [match for line in lines if (match := re.fullmatch(r'\s*"?(-?\d+),(\d+)"?\s*', line))]
    is_split = any(pair[1] == "-0" or (len(pair[2]) > 1 and pair[2][0] == "0") for pair in pairs)
    return is_split and len(pairs) == sum(bool(line.strip()) for line in lines)


def _is_number(field, decimal):
    try:
        return bool(np.isfinite(float(field.strip(' "').replace(decimal, "."))))
    except ValueError:
        return False


def _number(field, decimal, path):
    """A number of a table; NaN where there is none."""
    text = field.strip(' "')
    if text.lower() in ("", "nan", "na"):
        return np.nan
    if not _is_number(text, decimal):
        raise ValueError(f"{path} has {text[:40]!r} among its numbers.")
    return float(text.replace(decimal, "."))
