"""The published files of two more databases: CinC Challenge 2017 and PTB-XL."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Literal

import mne
import pandas as pd

from ..samples.types import PathLike
from ..utils.text import shortened
from ..utils.warn import warn
from .files import check_files, damage_as
from .patients import make_raw

PTBXL_SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
CINC2017_LABELS = ("N", "A", "O", "~")


def read_raw_cinc2017(path: PathLike) -> mne.io.RawArray:
    """Read a recording of the PhysioNet/CinC Challenge 2017, with its label.

    Parameters
    ----------
    path : path-like
        The MATLAB file, with or without its extension, such as ``A00001.mat``.

    Returns
    -------
    raw : mne.io.RawArray
        The lead ``ECG`` in V at 300 Hz. If ``REFERENCE-v3.csv`` is in the folder of the file or up to two
        folders above, or ``REFERENCE.csv`` is in the folder of the file, an annotation that spans the whole
        recording contains the label: ``"N"`` normal rhythm, ``"A"`` atrial fibrillation, ``"O"`` other
        rhythm, ``"~"`` too noisy.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file is damaged or does not contain exactly one lead, or if the table contains no valid label
        for it.

    Notes
    -----
    The identities of the patients were not published, so each recording is treated as a separate patient. The
    labels were revised after the challenge; version 3 is the latest. Values in the file are in units of
    1/1000 mV [1]_.

    References
    ----------
    .. [1] G. D. Clifford et al. (2017). AF classification from a short single lead ECG recording: the
       PhysioNet/Computing in Cardiology Challenge 2017. https://doi.org/10.22489/CinC.2017.065-469

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from scipy.io import savemat
    >>> from mne_cnnclass.ecg import read_raw_cinc2017
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     savemat(f"{folder}/A00001.mat", dict(val=np.array([[0, 1000, -500]], "int16")), format="4")
    ...     raw = read_raw_cinc2017(f"{folder}/A00001.mat")
    >>> raw.get_data(units=dict(ecg="mV"))
    array([[ 0. ,  1. , -0.5]])
    """
    path = Path(path).with_suffix(".mat")
    raw, label = read_cinc2017_signal(path), _cinc2017_label(path)
    if label is not None:
        raw.set_annotations(mne.Annotations(0.0, raw.n_times / raw.info["sfreq"], label))
    return raw


def read_cinc2017_signal(path):
    """The recording without its label."""
    from scipy.io import loadmat

    check_files(path)
    with damage_as(f"{path} is cut off or damaged"):
        variables = loadmat(path)
    if "val" not in variables:
        there = ", ".join(name for name in variables if not name.startswith("__"))
        raise ValueError(
            f"{path} has no variable val, as files of CinC 2017 have, but {there or 'none'}. Write the "
            "numbers of one lead to a .csv file."
        )
    values = variables["val"]
    if values.ndim != 2 or len(values) != 1 or not values.size:
        raise ValueError(f"{path} must hold one lead, val of shape (1, n_times), got {values.shape}.")
    info = mne.create_info(["ECG"], 300.0, "ecg")
    return make_raw(1e-6 * values, info, f"CinC2017 record {path.stem}", [], path=path)


def _cinc2017_label(path):
    """Label of a recording from the first table that names it, of the newest version; None without a table.

    The published tables have it as A00001, or with its folder as A00/A00001.
    """
    newest = [folder / "REFERENCE-v3.csv" for folder in path.absolute().parents[:3]]
    tables = [file for file in (*newest, path.parent / "REFERENCE.csv") if file.is_file()]
    row = re.compile(rf"^(?:.*/)?{re.escape(path.stem)},\s*(.*?)\s*$", re.M)
    rows = [(table, found[1]) for table in tables if (found := row.search(table.read_text("utf-8-sig")))]
    if not tables:
        return None
    table, label = rows[0] if rows else (tables[0], None)
    if label not in CINC2017_LABELS:
        raise ValueError(f"{table} should have one of {CINC2017_LABELS} for {path.stem}, got {label!r}.")
    return label


def read_ptbxl(folder: PathLike, *, sfreq: Literal[100, 500] = 100) -> pd.DataFrame:
    """List the records of PTB-XL in a folder, with their labels.

    Parameters
    ----------
    folder : path-like
        The folder that contains ``ptbxl_database.csv``.
    sfreq : 100 | 500
        Sampling frequency of the records in Hz, that is, records in ``records100`` or ``records500``. Default
        is 100.

    Returns
    -------
    table : pandas.DataFrame
        One row per record found, indexed by ``ecg_id``, with the columns ``record`` (path for
        :func:`read_raw_wfdb`, with ``annotator=None``), ``patient`` (str), ``age`` (years), ``sex`` (``"F"``,
        ``"M"``), ``strat_fold`` (1 to 10), the bool columns ``NORM``, ``MI``, ``STTC``, ``CD`` and ``HYP``,
        and ``superclass``.

    Raises
    ------
    FileNotFoundError
        If ``ptbxl_database.csv``, ``scp_statements.csv`` or every record is missing.
    ValueError
        If ``sfreq`` is neither 100 nor 500.

    Warns
    -----
    RuntimeWarning
        If records have codes that ``scp_statements.csv`` lacks.

    Notes
    -----
    A record belongs to a superclass if its SCP codes contain a diagnostic statement of it with a likelihood
    above 0. It may belong to several superclasses or none. There are two ways to define single-label tasks:

    - ``superclass`` is the superclass of the records that have exactly one, and None for the others, which
      have to be left out. This is easier than clinical practice, where findings occur together;
    - one against the rest: each bool column defines a task on all records; the usual score is the mean
      ROC-AUC over these five tasks.

    The authors recommend folds 1 to 8 for training, 9 for validation and 10, whose labels were checked by
    humans, for testing; each patient is in one fold only [1]_. Ages above 89 are published as 300, and given
    as 90 here.

    References
    ----------
    .. [1] P. Wagner et al. (2020). PTB-XL, a large publicly available electrocardiography dataset.
       Scientific Data 7, 154. https://doi.org/10.1038/s41597-020-0495-6

    Examples
    --------
    >>> from mne_cnnclass.ecg import read_ptbxl, read_raw_wfdb
    >>> table = read_ptbxl("ptbxl")  # doctest: +SKIP
    >>> first = table.iloc[0]  # doctest: +SKIP
    >>> raw = read_raw_wfdb(first.record, annotator=None, patient=first.patient, age=first.age,
    ...                     sex=first.sex)  # doctest: +SKIP
    """
    if sfreq not in (100, 500):
        raise ValueError(f"sfreq must be 100 or 500 (Hz), got {sfreq!r}.")
    folder = Path(folder)
    check_files(folder / "ptbxl_database.csv", folder / "scp_statements.csv")
    published = pd.read_csv(folder / "ptbxl_database.csv", index_col="ecg_id")
    statements = pd.read_csv(folder / "scp_statements.csv", index_col=0)
    files = published["filename_lr" if sfreq == 100 else "filename_hr"]
    published["record"] = [folder / name for name in files]
    here = [Path(f"{record}.hea").is_file() for record in published["record"]]
    if not any(here):
        raise FileNotFoundError(
            f"No record of ptbxl_database.csv at {sfreq} Hz is in {folder}, such as "
            f"{published['record'].iloc[0]}.hea."
        )
    published = published[here]
    superclass_of = statements["diagnostic_class"].dropna()
    statements_of = [ast.literal_eval(codes) for codes in published["scp_codes"]]
    found = [
        {superclass_of[code] for code, value in codes.items() if value > 0 and code in superclass_of}
        for codes in statements_of
    ]
    unknown = Counter(code for codes in statements_of for code in codes if code not in statements.index)
    if unknown:
        shown = shortened(f"{code} {n}" for code, n in unknown.most_common())
        warn(f"{folder / 'scp_statements.csv'} lacks codes of the records, which are left out: {shown}.")
    table = published[["record"]].assign(
        patient=published["patient_id"].astype(int).astype(str),
        age=published["age"].mask(published["age"] >= 300, 90.0),
        sex=published["sex"].map({0: "M", 1: "F"}),
        strat_fold=published["strat_fold"],
    )
    for name in PTBXL_SUPERCLASSES:
        table[name] = [name in superclasses for superclasses in found]
    alone = [next(iter(superclasses)) if len(superclasses) == 1 else None for superclasses in found]
    table["superclass"] = pd.Series(alone, table.index, dtype=object)
    return table
