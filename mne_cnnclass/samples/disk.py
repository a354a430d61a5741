"""Samples in a temporary file, where they do not fit into memory."""

import errno
import tempfile
import weakref

import numpy as np

from ..utils.numbers import runs
from .blocks import iter_parts
from .view import EpochsView


class SampleFile:
    """An array of samples in a temporary file, read and written by samples.

    A file that is read, rather than mapped into memory, does not count as memory of the process, and needs no
    addresses. It has no name, so nothing is left of it when the process ends, however it ends. The folder
    is that of `tempfile`: the environment variable ``TMPDIR``, or the system's.
    """

    def __init__(self, shape, dtype, ch_names=None):
        self.shape, self.dtype, self.ch_names = tuple(shape), np.dtype(dtype), ch_names
        self._sample_bytes = self.dtype.itemsize * self.shape[1] * self.shape[2]
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115, closed with this object
        weakref.finalize(self, self._file.close)

    def __len__(self):
        return self.shape[0]

    def __setitem__(self, part, block):
        """Write samples at a slice."""
        content = memoryview(np.ascontiguousarray(block, self.dtype)).cast("B")
        self._file.seek(part.start * self._sample_bytes)
        while content:
            try:
                content = content[self._file.write(content) :]
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                raise OSError(
                    error.errno,
                    "No space left for a temporary copy of the samples of "
                    f"{len(self) * self._sample_bytes / 2**30:.3g} GB in {tempfile.gettempdir()}. Free some, "
                    "name another folder by the environment variable TMPDIR, or load the data into memory "
                    "(epochs.load_data()).",
                ) from error

    def __getitem__(self, index):
        """Read the samples of a slice, or of an array of numbers."""
        rows = np.arange(len(self))[index]
        return self.read(rows, np.empty((len(rows), *self.shape[1:]), self.dtype))

    def read(self, rows, block):
        """Read the samples of these numbers into an array, which is returned."""
        for run in runs(rows - np.arange(len(rows))):  # of adjacent samples
            self._file.seek(int(rows[run.start]) * self._sample_bytes)
            content = memoryview(block[run]).cast("B")
            while content:
                n_read = self._file.readinto(content)
                if not n_read:
                    raise OSError("The temporary copy of the samples is shorter than it was written.")
                content = content[n_read:]
        return block


def within_reach(X):
    """Samples that can be read again and again: those of epochs on disk are copied into a `SampleFile`.

    MNE reads single epochs at about 3000 a second, which is slower than many networks train. Arrays that are
    mapped from files need no copy.
    """
    if not isinstance(X, EpochsView) or X.preload:
        return X
    copy = SampleFile(X.shape, np.float64, X.ch_names)
    for part, block in iter_parts(X):
        copy[part] = block
    return copy


def is_on_disk(X):
    """Whether samples are in a file: a `SampleFile`, or memory that is mapped from one.

    joblib maps large arrays, those of Epochs too, into the processes that it gives work to.
    """
    arrays = X.arrays() if isinstance(X, EpochsView) else [X]
    for array in arrays:
        while array is not None and not isinstance(array, (SampleFile, np.memmap)):
            array = getattr(array, "base", None)
        if array is not None:
            return True
    return False
