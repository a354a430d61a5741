"""What is there twice: recordings given twice, and samples that hold the same values as others."""

import math
import os
import re
from collections import defaultdict

import mne
import numpy as np

from .blocks import iter_parts, read_part
from .mne_internals import data_checksum, spans_in_files

N_VALUES = 16  # distinct values, which no two signals have in common by chance as a few features may


def refuse_given_twice(recordings, same=os.path.realpath):
    """Refuse a path or a Raw that is given more than once; ``same`` makes one of all names of a file."""
    keys = [id(r) if isinstance(r, mne.io.BaseRaw) else same(r) for r in recordings]
    for number, recording in enumerate(recordings):
        if keys[number] in keys[:number]:
            raise ValueError(_TWICE.format(f"has {recording} more than once"))


def without_parts(recordings):
    """Leave out paths that by their names are further parts of split files whose first part is there.

    MNE reads these with the first.
    """
    paths = [os.fspath(r) if isinstance(r, (str, os.PathLike)) else None for r in recordings]
    firsts = [None if path is None else _first_part(path) for path in paths]
    known = zip(recordings, paths, firsts, strict=True)
    return [r for r, path, first in known if path == first or first not in paths]


def _first_part(path):
    first = re.sub(r"([-_]epo)-\d+(\.fif(?:\.gz)?)$", r"\1\2", path)
    return re.sub(r"(_split-)0*(?:[2-9]|[1-9]\d+)(_[^/\\]*)$", r"\g<1>01\2", first)


_TWICE = "recordings must have each one once, as its epochs could be on both sides of a split, but {}."


class OncePerFile:
    """Refuses recordings that hold samples of a file that another one has held before."""

    def __init__(self):
        self._seen = defaultdict(list)

    def check(self, source, name):
        """Refuse Raw or Epochs if another had the same samples of their file; those without one are taken."""
        if isinstance(source, mne.io.BaseRaw) and not isinstance(source, mne.io.RawArray):
            spans = spans_in_files(source)
        else:  # all of a file, or some part of it
            file = next(iter(getattr(source, "filenames", ())), None) or getattr(source, "filename", None)
            spans = [(file, 0, 0)]
        spans = [(file, _key(file, source), first, last) for file, first, last in spans if file is not None]
        for file, key, first, last in spans:
            for start, stop, other in self._seen[key]:
                # halves as by Raw.crop have the sample in common at which they were cut
                if (first, last) == (start, stop) or (first < stop and start < last):
                    raise ValueError(_TWICE.format(f"{name} and {other} have signals of {file} in common"))
        for _, key, first, last in spans:
            self._seen[key].append((first, last, name))


def _key(file, source):
    """The same for all names of a file, which may be gone since it was read; other parts are others."""
    about = os.stat(file) if os.path.exists(file) else None
    key = os.path.realpath(file) if about is None else (about.st_dev, about.st_ino)
    return (key, data_checksum(source)) if isinstance(source, mne.io.RawArray) else key


def number_contents(X):
    """Number each sample by its values, the same number for equal ones; None if no two are equal.

    Values are compared as float32, as they are in many files. Samples that are flat, or of a few features,
    may be equal though they are no copies, and get numbers of their own.
    """
    if np.dtype(X.dtype).kind not in "biuf" or math.prod(X.shape[1:]) < N_VALUES:
        return None
    hashes = np.empty(len(X), np.int64)
    with np.errstate(over="ignore", invalid="ignore"):
        for part, block in iter_parts(X, check=False):
            # Python's own hash of bytes is as fast as zlib.crc32, and has 64 bits
            hashes[part] = [hash(sample.tobytes()) for sample in block.astype(np.float32)]
    _, first, numbers, counts = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    for number in np.flatnonzero(counts > 1):
        if not _tells(read_part(X, slice(first[number], first[number] + 1))[0]):
            where = numbers == number
            numbers[where] = -1 - np.flatnonzero(where)
    return None if len(np.unique(numbers)) == len(numbers) else numbers


def _tells(sample):
    """Whether another sample has these values only if it is a copy."""
    rows = sample.reshape(-1, sample.shape[-1]) if np.ndim(sample) > 1 else np.reshape(sample, (1, -1))
    rows = rows if rows.shape[1] >= N_VALUES else rows.reshape(1, -1)
    return max(len(np.unique(row)) for row in rows) >= N_VALUES
