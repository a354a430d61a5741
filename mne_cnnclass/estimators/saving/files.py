"""The file of a fitted estimator: written at once or not at all, read without executing anything."""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...utils.atomic import write_atomically
from ...utils.versions import library_versions
from .kinds import Source, describe, restore
from .refusal import UNUSABLE, RefusedFileError, need, shown

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from torch import nn

    from ...samples.types import PathLike


__all__ = ["KEY", "load_classifier", "read_epochs_settings", "save_classifier"]

# 2 knows the temperature, without which a file of schema 1 has one of 1.0; 3 knows side inputs; 4 knows
# estimators other than CNNClassifier; 5 knows transformers, also as side inputs, and steps left out; 6 knows
# provenance; 7 has a checksum
SCHEMA = 7
KEY = "mne_cnnclass"
MOST_HEADER = 2**24  # bytes; read into Python objects, which take some ten times as much
NO_CHECKSUM = "0" * 64  # what stands in place of the checksum while it is computed


def save_classifier(
    estimator: BaseEstimator, path: PathLike, *, epochs_settings: Mapping[str, object] | None = None
) -> None:
    """Save a fitted estimator to a single file, without pickle.

    Parameters
    ----------
    estimator : CNNClassifier | BeatClassifier | FineTunedClassifier | transformer | Pipeline
        The fitted estimator: a classifier, a transformer of ``mne_cnnclass.preprocessing``, or a Pipeline
        whose steps are all such estimators, ``None`` or ``"passthrough"``. For a FineTunedClassifier, the
        fine-tuned estimator is saved, which is the one that predicts.
    path : path-like
        The file to write, by convention with the extension ``.mcnn``. An existing file is replaced only once
        the new one is complete.
    epochs_settings : None | dict
        How the epochs were made, as arguments of the function that made them, so that new epochs can be made
        in the same way. Read them with ``mne_cnnclass.read_epochs_settings``.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    TypeError
        If the estimator, a step or a transformer in ``side_inputs`` is of another type, or if a parameter,
        label or group can't be written as JSON, such as a function.
    ValueError
        If the estimator is too large to be loaded again: samples of more than 2²⁵ values, or more than 16 MB
        apart from arrays.
    OSError
        If the file can't be written. An existing file is then unchanged.

    See Also
    --------
    load_classifier : Load the file.

    Notes
    -----
    From the training samples, the file contains only what predictions need: statistics of the channels and,
    for :class:`~mne_cnnclass.preprocessing.EuclideanAlignment` and similar transformers, the names of the
    training groups and the mean covariance of each. Information on subjects, dates and devices in `mne.Info`
    is not saved.

    Examples
    --------
    >>> from mne_cnnclass import recipe, save_classifier
    >>> pipeline = recipe("heartbeats").fit(beats)  # doctest: +SKIP
    >>> save_classifier(pipeline, "beats.mcnn")  # doctest: +SKIP
    """
    from sklearn.utils.validation import check_is_fitted

    from ..fine_tuned import FineTunedClassifier

    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it, such as {path / 'model.mcnn'}.")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.absolute().parent} to write {path.name} to.")
    check_is_fitted(estimator)
    if isinstance(estimator, FineTunedClassifier):
        estimator = estimator.estimator_
    weights = {}
    header = {
        "schema": SCHEMA,
        **describe(estimator, weights),
        "epochs_settings": epochs_settings,
        "versions": library_versions(),
    }
    content = pack(header, weights)
    n_header = int.from_bytes(content[:8], "little")
    if n_header > MOST_HEADER:
        raise ValueError(
            f"A {type(estimator).__name__} with {n_header / 2**20:.0f} MB of parameters, names and history "
            f"can't be saved, as files with more than {MOST_HEADER / 2**20:.0f} MB of these are not read."
        )
    write_atomically(path, content)


def load_classifier(path: PathLike, *, module: type[nn.Module] | None = None) -> Any:
    """Load an estimator saved by :func:`save_classifier` or :meth:`CNNClassifier.save`.

    Parameters
    ----------
    path : path-like
        The file to load.
    module : None | type
        The class of the network, if the classifier was trained with a class of your own: a file contains the
        name of such a class, but is never allowed to import it.

    Returns
    -------
    estimator : CNNClassifier | BeatClassifier | transformer | Pipeline
        The fitted estimator. Its predictions are bit-identical to those of the saved one, and a network can
        be trained further with ``warm_start``.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    IsADirectoryError
        If the path is a folder.
    TypeError
        If ``module`` is not a class.
    ValueError
        If the file is not a saved classifier, is damaged, was written by a later version, or needs
        ``module``.

    Notes
    -----
    Files from untrusted sources can be loaded safely: nothing in them is executed or imported, and memory use
    is bounded by the size of the file and 1 GB for any single tensor. ``docs/guide/saving.md`` describes the
    content of a file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> from mne_cnnclass import CNNClassifier, load_classifier
    >>> X = np.random.default_rng(0).standard_normal((20, 3, 50))
    >>> clf = CNNClassifier(max_epochs=1, random_state=0).fit(X, np.arange(20) % 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clf.save(pathlib.Path(folder) / "model.mcnn")
    ...     loaded = load_classifier(pathlib.Path(folder) / "model.mcnn")
    >>> bool((loaded.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    if module is not None and not isinstance(module, type):
        raise TypeError(f"module must be the class of a network, got {module!r}.")
    header, weights = _read(path)
    try:
        return restore(header, weights, Source(path, module, header["versions"]))
    except RefusedFileError:
        raise
    except UNUSABLE as error:
        if "sha256" not in header:
            raise _damaged(path, error) from error
        raise RefusedFileError(
            f"{path} is as it was saved, but can't be loaded here ({type(error).__name__}: "
            f"{str(error)[:300]}). It was written with {shown(str(header['versions']))}."
        ) from error


def read_epochs_settings(path: PathLike) -> dict[str, object] | None:
    """Read how the training epochs of a saved classifier were made.

    Parameters
    ----------
    path : path-like
        A file written by :func:`save_classifier`.

    Returns
    -------
    settings : None | dict
        What was passed as ``epochs_settings``; None if the file does not say.

    Examples
    --------
    >>> from mne_cnnclass import read_epochs_settings
    >>> read_epochs_settings("hands.mcnn")  # doctest: +SKIP
    {'tmin': 1.0, 'tmax': 4.0}
    """
    settings = _read(path)[0].get("epochs_settings")
    need(isinstance(settings, (dict, type(None))), path, f"'epochs_settings' is {shown(settings)}")
    return settings


def _read(path):
    """Header and weights of a file."""
    from safetensors import SafetensorError, safe_open

    _check_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(KEY)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    except (SafetensorError, AttributeError, RuntimeError, ValueError) as error:  # the last three of torch
        raise _damaged(path, error) from error
    if text is None:
        raise RefusedFileError(f"{path} holds tensors, but no classifier of mne_cnnclass.")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    need(isinstance(header, dict), path, f"its header is {shown(header)}")
    schema, versions = header.get("schema"), header.get("versions")
    need(type(schema) is int and schema > 0, path, f"'schema' is {shown(schema)}")
    need(isinstance(versions, dict), path, f"'versions' is {shown(versions)}")
    if schema > SCHEMA:
        raise RefusedFileError(
            f"{path} was written by mne-cnnclass {shown(versions.get('mne-cnnclass'))} (schema "
            f"{shown(schema)}), which is later than this one (schema {SCHEMA}). Update mne-cnnclass."
        )
    if schema >= 7 or "sha256" in header:
        _check_sum(path, header.get("sha256"))
    return header, weights


def pack(header, weights):
    """The bytes of a file, and in its header their SHA-256 (of the file with zeros in that place)."""
    from safetensors.torch import save

    text = json.dumps({"sha256": NO_CHECKSUM, **header}, default=_to_json)
    content = save(weights, metadata={KEY: text})
    checksum = hashlib.sha256(content).hexdigest()
    return content.replace(NO_CHECKSUM.encode(), checksum.encode(), 1)


def _check_sum(path, told):
    """Refuse a file whose bytes are not those that were written."""
    need(isinstance(told, str) and re.fullmatch("[0-9a-f]{64}", told), path, f"'sha256' is {shown(told)}")
    with open(path, "rb") as file:
        start = file.read(8)
        start += file.read(int.from_bytes(start, "little"))
        found = hashlib.sha256(start.replace(told.encode(), NO_CHECKSUM.encode(), 1))
        while block := file.read(2**20):
            found.update(block)
    if found.hexdigest() != told:
        raise RefusedFileError(
            f"{path} was damaged or changed after it was saved: its bytes do not have the checksum (SHA-256) "
            "that they had then. Save the classifier again, or get the file again from where it came from."
        )


def _check_file(path):
    """Look at a file before anything else reads it: its kind, and the length of its header."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, f"There is no file {path}")
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, f"{path} is a folder; give the file of a saved classifier")
    if not path.is_file():  # reading a pipe or a device could last for ever
        raise RefusedFileError(f"{path} is no regular file; give the file of a saved classifier.")
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
    n_header = int.from_bytes(start, "little")  # as safetensors have it
    if len(start) < 8 or n_header > size - 8:
        raise RefusedFileError(
            f"{path} is no classifier saved by mne_cnnclass, or is damaged (it is cut off, or of another "
            "format)."
        )
    if n_header > MOST_HEADER:
        raise RefusedFileError(
            f"{path} has a header of {n_header / 2**20:.0f} MB; no classifier saved by mne_cnnclass "
            f"has more than {MOST_HEADER / 2**20:.0f} MB."
        )


def _damaged(path, error):
    """What to raise where reading has failed."""
    return RefusedFileError(
        f"{path} is no classifier saved by mne_cnnclass, or is damaged ({type(error).__name__}: "
        f"{str(error)[:300]})."
    )


def _to_json(value):
    """Numpy's numbers and arrays as Python's."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(
        f"A {type(value).__name__} ({value!r}) can't be saved without pickle; use numbers, text and lists."
    )
