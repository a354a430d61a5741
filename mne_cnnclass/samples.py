"""What a user may pass as ``X``, made into standardised samples."""

from __future__ import annotations

import errno
import tempfile
import weakref
from dataclasses import dataclass

import mne
import numpy as np

from .epochs_view import EpochsView

# of float64 data looked at in one go: no second copy of a data set, and room in the processor's cache
BLOCK_BYTES = 2**22


def as_view(X):
    """X as an `EpochsView` if it is made of Epochs, else None."""
    if isinstance(X, EpochsView):
        return X
    if isinstance(X, mne.BaseEpochs) or (
        isinstance(X, (list, tuple)) and len(X) and isinstance(X[0], mne.BaseEpochs)
    ):
        return EpochsView(X)
    if isinstance(X, (mne.io.BaseRaw, mne.Evoked)):
        raise TypeError(
            f"X must be epochs or an array, got a {type(X).__name__}: cut it into mne.Epochs first."
        )
    return None


def channel_positions(X):
    """Name, kind and place of each channel, as braindecode's ``chs_info`` has them; None for an array."""
    if not isinstance(X, EpochsView):
        return None
    return [
        {
            "ch_name": ch["ch_name"],
            "kind": int(ch["kind"]),
            "coord_frame": int(ch["coord_frame"]),
            "loc": np.array(ch["loc"], dtype=float),
        }
        for ch in X.info["chs"]
    ]


def iter_blocks(X, n_samples=None, *, check=True):
    """Go through samples in blocks of float64.

    Parameters
    ----------
    X : EpochsView | array, shape (n_samples, n_channels, n_times)
        The samples.
    n_samples : None | int
        Samples a block; ``None`` for blocks of about 4 MB.
    check : bool
        Whether to look for numbers that are not finite.

    Yields
    ------
    block : array, shape (n_block, n_channels, n_times)
        Samples, in order; possibly the memory of X itself, so not to be written to.

    Raises
    ------
    ValueError
        If Epochs hold NaN, infinite or complex values; the epoch and the channel are named.
    """
    if n_samples is None:
        n_samples = max(1, BLOCK_BYTES // (8 * X.shape[1] * X.shape[2]))
    for start in range(0, len(X), n_samples):
        part = slice(start, start + n_samples)
        block = X.read(part) if isinstance(X, EpochsView) else np.asarray(X[part])
        block = block.astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            suspect = check and not np.isfinite(block.sum())  # one pass; a sum may also overflow
        if suspect and not np.isfinite(block).all():
            epoch, channel, _ = np.argwhere(~np.isfinite(block))[0]
            raise ValueError(
                f"X contains NaN or infinity, first in channel {_channel_name(X, channel)} of sample "
                f"{start + epoch}. Drop or interpolate such samples and channels."
            )
        yield block


class SampleFile:
    """An array of samples in a temporary file, read and written by samples.

    A file that is read, rather than mapped into memory, does not count as memory of the process, and needs no
    addresses. It has no name, so nothing is left of it when the process ends, however it ends. The folder
    is that of `tempfile`: the environment variable ``TMPDIR``, or the system's.

    Parameters
    ----------
    shape : tuple of int
        ``(n_samples, n_channels, n_times)``.
    dtype : numpy.dtype
        Type of the numbers.
    ch_names : None | list of str
        Names of the channels, for messages.
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
        if not len(rows):
            return block
        starts = np.r_[0, np.flatnonzero(np.diff(rows) != 1) + 1, len(rows)]  # of runs of adjacent samples
        for start, stop in zip(starts[:-1], starts[1:], strict=True):
            self._file.seek(int(rows[start]) * self._sample_bytes)
            content = memoryview(block[start:stop]).cast("B")
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
    start = 0
    for block in iter_blocks(X):
        copy[start : start + len(block)] = block
        start += len(block)
    return copy


@dataclass(frozen=True)
class TrainingSamples:
    """What to train on, checked; can be indexed by samples.

    Parameters
    ----------
    X : EpochsView | array, shape (n_samples, n_channels, n_times)
        The samples.
    target : array of int, shape (n_samples,)
        Their class numbers.
    weight : array, shape (n_samples,)
        Their weights.
    groups : None | array, shape (n_samples,)
        Their groups.
    side : array, shape (n_samples, n_side)
        Numbers known of them besides their signals.
    """

    X: object
    target: np.ndarray
    weight: np.ndarray
    groups: np.ndarray | None
    side: np.ndarray

    def __len__(self):
        return len(self.target)

    def __getitem__(self, rows):
        groups = None if self.groups is None else self.groups[rows]
        return TrainingSamples(self.X[rows], self.target[rows], self.weight[rows], groups, self.side[rows])


class ChannelScaler:
    """Standardise each channel by its mean and deviation over all training samples and times.

    The statistics are those of a whole channel, not of single epochs, so that slow shifts and the
    amplitudes of epochs relative to each other remain, while the unit of measurement drops out.

    Parameters
    ----------
    standardize : bool
        If False, samples are only turned into float32.
    """

    def __init__(self, standardize=True):
        self.standardize = standardize

    def fit(self, X, *, warn=True, partners=None):
        """Measure the channels of the training samples.

        Parameters
        ----------
        X : EpochsView | array, shape (n_samples, n_channels, n_times)
            The training samples.
        warn : bool
            Whether to warn of flat channels.
        partners : None | list of int
            Number of another channel for each, with which it shares mean and variance.

        Returns
        -------
        self : ChannelScaler
            With ``mean_`` and ``scale_``, each of shape (n_channels, 1).
        """
        import torch  # which works on several processors

        from .amplitudes import Rails, warn_of_channels

        n_channels, rails = X.shape[1], Rails()
        self.mean_, self.scale_ = np.zeros((n_channels, 1)), np.ones((n_channels, 1))
        n_seen, mean, squares = 0, 0.0, 0.0
        for block in iter_blocks(X):
            # Chan, Golub & LeVeque (1979): merging means and sums of squares of blocks does not cancel,
            # which E[x²] − E[x]² does for channels with a large offset
            n_block = block.shape[0] * block.shape[2]
            block = _as_tensor(block)
            if warn:
                rails.add(block)
            block_mean = block.mean((0, 2))
            block_squares = torch.sub(block, block_mean[:, None]).square_().sum((0, 2)).numpy()
            block_mean = block_mean.numpy()
            delta, n_total = block_mean - mean, n_seen + n_block
            with np.errstate(over="ignore", invalid="ignore"):  # it is told of below
                squares = squares + block_squares + delta**2 * (n_seen * n_block / n_total)
            mean = mean + delta * (n_block / n_total)
            n_seen = n_total
        deviation = np.sqrt(squares / n_seen)
        if not np.isfinite(deviation).all():
            lost = _channel_name(X, np.flatnonzero(~np.isfinite(deviation))[0])
            raise ValueError(
                f"The values of channel {lost} are too large for a deviation (their squares are infinite). "
                "Look for outliers, or scale the samples."
            )
        flat = deviation <= 1e-12 * np.abs(mean)
        if warn:
            warn_of_channels(channel_names(X), deviation, flat, rails.share(), self.standardize)
        if partners is not None:
            mean = (mean + mean[partners]) / 2
            deviation = np.sqrt((deviation**2 + deviation[partners] ** 2) / 2)
            flat = flat & flat[partners]
        if self.standardize:
            self.mean_ = mean[:, None]
            self.scale_ = np.where(flat, 1.0, deviation)[:, None]
        return self

    def transform(self, block):
        """Standardise samples.

        Parameters
        ----------
        block : array of float64, shape (n_samples, n_channels, n_times)
            Samples.

        Returns
        -------
        block : array of float32, shape (n_samples, n_channels, n_times)
            Standardised samples.
        """
        import torch  # which works on several processors, and gives the same bits as numpy

        block = _as_tensor(block)
        mean, scale = torch.from_numpy(self.mean_), torch.from_numpy(self.scale_)
        return (block - mean).div_(scale).to(torch.float32).numpy()

    def transform_all(self, X, *, check=True):
        """Standardise all samples, a block at a time.

        Parameters
        ----------
        X : EpochsView | SampleFile | array, shape (n_samples, n_channels, n_times)
            Samples.
        check : bool
            Whether to look for numbers that are not finite.

        Returns
        -------
        data : array of float32 | SampleFile, shape (n_samples, n_channels, n_times)
            Standardised samples, on disk if they were.
        """
        data = SampleFile(X.shape, np.float32) if _is_on_disk(X) else np.empty(X.shape, dtype=np.float32)
        start = 0
        for block in iter_blocks(X, check=check):
            data[start : start + len(block)] = self.transform(block)
            start += len(block)
        return data


def _as_tensor(block):
    """An array as a tensor; one that must not be written to is copied, which torch would warn of."""
    import torch

    return torch.from_numpy(np.require(block, requirements=["C", "W"]))


def _is_on_disk(X):
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


def channel_names(X):
    """Names of the channels as in messages."""
    return [_channel_name(X, i) for i in range(X.shape[1])]


def _channel_name(X, channel):
    names = getattr(X, "ch_names", None)
    return f"number {channel}" if names is None else repr(names[channel])
