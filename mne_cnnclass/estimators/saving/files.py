"""The file of a fitted estimator: header and tensors, with a checksum, written at once or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import re
from pathlib import Path

import numpy as np

from ...samples.types import PathLike
from ...utils.atomic import write_atomically
from ...utils.versions import library_versions
from .refusal import RefusedFileError, in_short, need, shown

# 2 knows the temperature, without which a file of schema 1 has one of 1.0; 3 knows side inputs; 4 knows
# estimators other than CNNClassifier; 5 knows transformers, also as side inputs, and steps left out; 6 knows
# provenance; 7 has a checksum
SCHEMA = 7
KEY = "mne_cnnclass"
MOST_HEADER = 2**24  # bytes; read into Python objects, which take some ten times as much
NO_CHECKSUM = "0" * 64  # what stands in place of the checksum while it is computed


def read_epochs_settings(path: PathLike) -> dict[str, object] | None:
    """Read how the training epochs of a saved classifier were made.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    epochs_settings : dict | None
        What :func:`save_classifier` was given, or None if that was nothing.

    Raises
    ------
    OSError
        If the file can't be read.
    ValueError
        If it is not a saved classifier, or is damaged.

    Examples
    --------
    >>> from mne_cnnclass import read_epochs_settings
    >>> read_epochs_settings("hands.mcnn")  # doctest: +SKIP
    {'tmin': 0.0, 'tmax': 4.0}
    """
    settings = read_file(path)[0].get("epochs_settings")
    need(isinstance(settings, (dict, type(None))), path, f"'epochs_settings' is {shown(settings)}")
    return settings


def pack(header, tensors):
    """The bytes of a file, and in its header their SHA-256 (of the file with zeros in that place)."""
    from safetensors.torch import save

    text = json.dumps({"sha256": NO_CHECKSUM, **header}, default=_to_json)
    content = save(tensors, metadata={KEY: text})
    checksum = hashlib.sha256(content).hexdigest()
    return content.replace(NO_CHECKSUM.encode(), checksum.encode(), 1)


def write_file(path, header, tensors):
    """Write the description of an estimator, and the versions that wrote it."""
    content = pack({"schema": SCHEMA, **header, "versions": library_versions()}, tensors)
    n_header = int.from_bytes(content[:8], "little")
    if n_header > MOST_HEADER:
        raise ValueError(
            f"A {header['kind']} with {n_header / 2**20:.0f} MB of parameters, names and history can't be "
            f"saved, as files with more than {MOST_HEADER / 2**20:.0f} MB of these are not read."
        )
    write_atomically(path, content)


def read_file(path):
    """Header and tensors of a file, whose schema and checksum were looked at."""
    from safetensors import SafetensorError, safe_open

    _check_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
        header = None if text is None else json.loads(text)
    except (SafetensorError, AttributeError, RuntimeError, ValueError) as error:  # also of torch, and of json
        raise damaged(path, in_short(error)) from error
    if text is None:
        raise RefusedFileError(f"{path} holds tensors, but no classifier of mne_cnnclass.")
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
    return header, tensors


def damaged(path, why):
    """What to raise where reading has failed."""
    return RefusedFileError(f"{path} is no classifier saved by mne_cnnclass, or is damaged ({why}).")


def _check_sum(path, expected):
    """Refuse a file whose bytes are not those that were written."""
    is_one = isinstance(expected, str) and re.fullmatch("[0-9a-f]{64}", expected)
    need(is_one, path, f"'sha256' is {shown(expected)}")
    with open(path, "rb") as file:
        start = file.read(8)
        start += file.read(int.from_bytes(start, "little"))
        start = start.replace(expected.encode(), NO_CHECKSUM.encode(), 1)
        found = hashlib.file_digest(file, lambda: hashlib.sha256(start)).hexdigest()  # from here on
    if found != expected:
        raise RefusedFileError(
            f"{path} was damaged or changed after it was saved: its bytes do not have the checksum (SHA-256) "
            "that they had then. Save the classifier again, or get the file again from where it came from."
        )


def _check_file(path):
    """Look at a file before anything else reads it: its kind, and the length of its header."""
    path = Path(path)
    size = path.stat().st_size  # or a FileNotFoundError
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, f"{path} is a folder; give the file of a saved classifier")
    if not path.is_file():  # reading a pipe or a device could last for ever
        raise RefusedFileError(f"{path} is no regular file; give the file of a saved classifier.")
    with path.open("rb") as file:
        start = file.read(8)
    n_header = int.from_bytes(start, "little")  # as safetensors have it
    if len(start) < 8 or n_header > size - 8:
        raise damaged(path, "it is cut off, or of another format")
    if n_header > MOST_HEADER:
        raise RefusedFileError(
            f"{path} has a header of {n_header / 2**20:.0f} MB; no classifier saved by mne_cnnclass "
            f"has more than {MOST_HEADER / 2**20:.0f} MB."
        )


def _to_json(value):
    """Numpy's numbers and arrays as Python's."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(
        f"A {type(value).__name__} ({value!r}) can't be saved without pickle; use numbers, text and lists."
    )
