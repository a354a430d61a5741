"""The ECG databases of PhysioNet: from a folder at hand, or downloaded once with checksums."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mne
from tqdm.contrib.concurrent import thread_map

from ..samples.datasets import DATA_VARIABLE, local_folder
from ..samples.types import PathLike

PHYSIONET = "https://physionet.org/files"
SUMS = "SHA256SUMS.txt"
N_CONNECTIONS = 8


@dataclass(frozen=True)
class _Database:
    """Where a database is, and which of its files are needed."""

    name: str  # of the folder at hand
    project: str  # at PhysioNet, with the version
    record: str  # pattern of a record's files without their ending, relative to the database's folder
    endings: tuple[str, ...]  # of a record's files
    tables: tuple[str, ...] = ()


_MITDB = _Database("mitdb", "mitdb/1.0.0", r"\d{3}", (".hea", ".dat", ".atr"))
_CINC2017 = _Database(
    "cinc2017", "challenge-2017/1.0.0", r"training/A\d\d/A\d{5}", (".mat",), ("REFERENCE-v3.csv",)
)
_PTBXL = _Database(
    "ptbxl",
    "ptb-xl/1.0.3",
    r"records100/\d{5}/\d{5}_lr",
    (".hea", ".dat"),
    ("ptbxl_database.csv", "scp_statements.csv"),
)


def fetch_mitdb(records: Sequence[str] | None = None, *, path: PathLike | None = None) -> list[Path]:
    """Fetch the MIT-BIH Arrhythmia Database: 48 records of 30 min with 2 leads and annotated beats.

    Parameters
    ----------
    records : None | list of str
        Names of records, such as ``["101", "106"]``. ``None`` fetches all records in the local folder, or all
        48 if they are downloaded.
    path : None | path-like
        Local folder that contains the files; nothing is downloaded. ``None`` looks in the subfolder ``mitdb``
        of the folder set by the environment variable ``MNE_CNNCLASS_DATA``, then in MNE's data folder
        (:func:`mne.datasets.default_path`), and downloads what is in neither (about 100 MB).

    Returns
    -------
    records : list of pathlib.Path
        Paths of the records, without extension, for :func:`read_raw_wfdb`.

    Raises
    ------
    FileNotFoundError
        If a record, or one of its files, is missing from ``path``.
    ConnectionError
        If files are not found locally and can't be downloaded. Files that were downloaded completely are
        kept, and are not downloaded again.
    ValueError
        If a checksum is wrong, or if the database has no such record.

    Notes
    -----
    Checksums are those published by PhysioNet with this version of the database (``SHA256SUMS.txt``). In a
    local folder, they are checked if it contains that file, for the records listed in it.

    References
    ----------
    .. [1] G. B. Moody and R. G. Mark (2001). The impact of the MIT-BIH Arrhythmia Database. IEEE
       Engineering in Medicine and Biology Magazine 20(3), 45-50. https://doi.org/10.1109/51.932724
    .. [2] A. L. Goldberger et al. (2000). PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23),
       e215-e220. https://doi.org/10.1161/01.CIR.101.23.e215

    Examples
    --------
    >>> from mne_cnnclass.ecg import fetch_mitdb, read_raw_wfdb
    >>> raws = [read_raw_wfdb(record) for record in fetch_mitdb(["101", "106"])]  # doctest: +SKIP
    """
    return _fetch(_MITDB, records, path)


def fetch_cinc2017(records: Sequence[str] | None = None, *, path: PathLike | None = None) -> list[Path]:
    """Fetch the training set of the CinC Challenge 2017: 8528 short, labelled single-lead recordings.

    Parameters
    ----------
    records : None | list of str
        Names of recordings, such as ``["A00001"]``. ``None`` is as in :func:`fetch_mitdb`.
    path : None | path-like
        Local folder, as in :func:`fetch_mitdb`; the subfolder of ``MNE_CNNCLASS_DATA`` is ``cinc2017``.

    Returns
    -------
    records : list of pathlib.Path
        The MATLAB files, for :func:`read_raw_cinc2017`, which finds the labels (``REFERENCE-v3.csv``) in a
        folder above them, and names the paper.

    Raises
    ------
    FileNotFoundError, ConnectionError, ValueError
        As in :func:`fetch_mitdb`.

    Examples
    --------
    >>> from mne_cnnclass.ecg import fetch_cinc2017, read_raw_cinc2017
    >>> raws = [read_raw_cinc2017(file) for file in fetch_cinc2017(["A00001"])]  # doctest: +SKIP
    """
    return [record.with_name(record.name + ".mat") for record in _fetch(_CINC2017, records, path)]


def fetch_ptbxl(records: Sequence[str] | None = None, *, path: PathLike | None = None) -> list[Path]:
    """Fetch PTB-XL at 100 Hz: 21799 clinical 12-lead ECGs of 10 s with diagnostic statements.

    Parameters
    ----------
    records : None | list of str
        Names of records, such as ``["00001_lr"]``. ``None`` is as in :func:`fetch_mitdb`.
    path : None | path-like
        Local folder, as in :func:`fetch_mitdb`; the subfolder of ``MNE_CNNCLASS_DATA`` is ``ptbxl``.

    Returns
    -------
    records : list of pathlib.Path
        Paths of the records, without extension, for :func:`read_raw_wfdb`. :func:`read_ptbxl`, which
        names the paper, reads the labels from the folder that contains ``ptbxl_database.csv``, two levels
        above that of the records.

    Raises
    ------
    FileNotFoundError, ConnectionError, ValueError
        As in :func:`fetch_mitdb`.

    Examples
    --------
    >>> from mne_cnnclass.ecg import fetch_ptbxl, read_ptbxl
    >>> records = fetch_ptbxl(["00001_lr", "00002_lr"])  # doctest: +SKIP
    >>> table = read_ptbxl(records[0].parents[2])  # doctest: +SKIP
    """
    return _fetch(_PTBXL, records, path)


def _fetch(database, records, path):
    """Paths of records without ending: from the folder at hand if it has them, else MNE's or the net."""
    folder = local_folder(database.name, path)
    if folder is None:
        return _download(database, records)
    is_name = re.compile(database.record.rpartition("/")[2]).fullmatch
    files = [file for file in folder.rglob("*") if file.suffix in database.endings and is_name(file.stem)]
    here = {file.stem: file.with_suffix("") for file in files}
    wanted = sorted(here) if records is None else list(records)
    missing = [name for name in wanted if name not in here]
    if wanted and not missing:
        _check(database, folder, [here[name] for name in wanted])
        return [here[name] for name in wanted]
    if path is not None:
        lacking = f"record {missing[0]}" if missing else "any record"
        raise FileNotFoundError(
            f"{folder} does not hold {lacking} of {database.name}: path must be the folder of its files, "
            f"*{', *'.join(database.endings)}."
        )
    return _download(database, records)


def _check(database, folder, records):
    """All files of the records are there, and as published if the folder has the checksums."""
    files = [record.with_name(record.name + ending) for record in records for ending in database.endings]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise FileNotFoundError(f"{missing[0]} is missing; its record needs {', '.join(database.endings)}.")
    sums = _read_sums(folder / SUMS) if (folder / SUMS).is_file() else {}
    for file in files:
        published = sums.get(file.relative_to(folder).as_posix())
        if published and hashlib.sha256(file.read_bytes()).hexdigest() != published:
            raise ValueError(
                f"{file} is not as published: its SHA-256 is not that of {SUMS}. Fetch it again."
            )


def _read_sums(file):
    found = re.findall(r"^([0-9a-f]{64})\s+\*?(.+?)\s*$", file.read_text(), re.M)
    return {name: value for value, name in found}


def _download(database, records):
    """Bring records and tables into MNE's data folder; what is there with the right checksum stays."""
    import pooch
    from requests import RequestException

    folder = Path(mne.datasets.default_path()) / "physionet" / database.project
    url = f"{PHYSIONET}/{database.project}/"
    log = pooch.get_logger()
    level = log.level
    log.setLevel("WARNING")  # pooch logs a line for each file
    try:
        sums = _read_sums(Path(pooch.retrieve(url + SUMS, known_hash=None, fname=SUMS, path=folder)))
        is_record = re.compile(database.record + re.escape(database.endings[0])).fullmatch
        published = {Path(name).stem: name.rpartition(".")[0] for name in sums if is_record(name)}
        if not published:
            raise ValueError(f"{folder / SUMS} lists no record: delete it and fetch again.")
        wanted = sorted(published) if records is None else list(records)
        strange = [name for name in wanted if name not in published]
        if strange:
            example = next(iter(published))
            raise ValueError(f"{database.name} has no records {strange}; names are such as {example!r}.")
        files = [*database.tables, *(published[n] + ending for n in wanted for ending in database.endings)]
        unlisted = [file for file in files if file not in sums]
        if unlisted:
            raise ValueError(f"{folder / SUMS} does not list {unlisted[0]}: delete it and fetch again.")
        fetcher = pooch.create(folder, url, registry={file: sums[file] for file in files}, retry_if_failed=2)
        for parent in {(folder / file).parent for file in files}:
            parent.mkdir(parents=True, exist_ok=True)  # pooch fails if two threads make a folder at once
        thread_map(fetcher.fetch, files, max_workers=N_CONNECTIONS, desc=database.name, unit="file")
    except RequestException as error:
        raise ConnectionError(
            f"{database.name} could not be downloaded from {url} ({type(error).__name__}: {error}). What is "
            f"complete stays in {folder}; run it again with network access. Or download the files and "
            f"give their folder as path=, or set {DATA_VARIABLE} to the folder above {database.name}."
        ) from error
    finally:
        log.setLevel(level)
    return [folder / published[name] for name in wanted]
