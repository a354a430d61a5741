"""Beats to files that other programs read."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import mne
import numpy as np
from numpy.typing import ArrayLike

from ..samples.limits import check_rate
from ..samples.types import PathLike
from .beats import AAMI_CLASSES, BEAT_SYMBOLS
from .files import import_wfdb
from .quality import NOT_JUDGED


def write_beats(
    path: PathLike,
    onset: ArrayLike,
    labels: ArrayLike,
    *,
    sfreq: float,
    classes: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> None:
    """Write beats to a file, as WFDB or MNE annotations.

    Parameters
    ----------
    path : path-like
        The file to write. With the extension ``.txt``, it contains annotations that
        :func:`mne.read_annotations` reads. With any other extension of letters only, such as ``101.pred``, it
        contains WFDB annotations, which ``read_raw_wfdb("101", annotator="pred")`` and
        ``wfdb.rdann("101", "pred")`` read if the file is next to the record.
    onset : array-like, shape (n_beats,)
        Times of the beats in s from the start of the recording, in ascending order.
    labels : array-like of str, shape (n_beats,)
        The classes of the beats; ``"not judged"`` for those of which nothing is said.
    sfreq : float
        Sampling frequency of the recording in Hz. WFDB annotations are stored in samples.
    classes : None | dict of str
        The symbols of each class, as in :func:`make_beat_epochs`. ``None`` uses the AAMI classes. A class
        whose name is not a WFDB symbol is written as its first symbol, with its name as a note. A beat that
        is not judged is written as ``Q``, WFDB's unclassifiable beat, with a note, or as ``BAD_not_judged``.
    overwrite : bool
        Whether to replace an existing file, which may hold the annotations of experts. Default is False.

    Raises
    ------
    FileExistsError
        If the file exists, and ``overwrite`` is False.
    ImportError
        If ``wfdb`` is needed and not installed.
    ValueError
        If the extension does not consist of letters, if the onsets are not in ascending order, or if a class
        has no symbol.

    Examples
    --------
    >>> import tempfile
    >>> import wfdb
    >>> from mne_cnnclass import ecg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ecg.write_beats(f"{folder}/101.pred", [0.5, 1.3], ["N", "V"], sfreq=360.0)
    ...     found = wfdb.rdann(f"{folder}/101", "pred")
    >>> found.sample.tolist(), found.symbol
    ([180, 468], ['N', 'V'])
    """
    path, onset, labels = Path(path), np.asarray(onset, float), [str(name) for name in labels]
    check_rate(sfreq, "sfreq")
    if len(onset) != len(labels) or not len(onset) or not (np.diff(onset, prepend=0.0) >= 0).all():
        raise ValueError(
            "There must be beats, one label for each, and their times must rise from 0 s on; got "
            f"{len(onset)} times and {len(labels)} labels."
        )
    symbol_of = check_target(path, {*labels}, classes)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists. Choose another name, or replace it with overwrite=True.")
    if path.suffix == ".txt":
        texts = [name.replace(NOT_JUDGED, "BAD_not_judged") for name in labels]
        mne.Annotations(onset, 0.0, texts).save(path, overwrite=True, verbose="ERROR")
        return
    wfdb = import_wfdb()
    with tempfile.TemporaryDirectory() as folder:
        symbol = [symbol_of[name] for name in labels]
        notes = ["" if symbol_of[name] == name else name for name in labels]
        samples, how = np.round(onset * sfreq).astype(int), dict(fs=sfreq, write_dir=folder)
        wfdb.wrann("beats", path.suffix[1:], samples, symbol=symbol, aux_note=notes, **how)
        shutil.move(Path(folder, f"beats{path.suffix}"), path)


def check_target(path, names, classes=None):
    """WFDB's symbol of each class; a ValueError if the file can't hold them. A ``.txt`` file needs none."""
    if path.suffix == ".txt":
        return {}
    if not (path.suffix.isascii() and path.suffix[1:].isalpha()):
        raise ValueError(f"WFDB's annotations end with a dot and letters, such as 101.pred, got {path.name}.")
    classes = AAMI_CLASSES if classes is None else classes
    first = {name: next(iter(symbols), None) for name, symbols in classes.items()}
    symbol_of = {name: name if name in BEAT_SYMBOLS else first.get(name) for name in names}
    symbol_of |= {name: "Q" for name in names if name == NOT_JUDGED}
    unknown = sorted(name for name, symbol in symbol_of.items() if symbol not in BEAT_SYMBOLS)
    if unknown:
        raise ValueError(
            f"WFDB has no symbol for the classes {', '.join(unknown)}. Write a .txt file, which takes any "
            f"name, or give each class in classes the symbol of a beat ({''.join(sorted(BEAT_SYMBOLS))})."
        )
    return symbol_of
