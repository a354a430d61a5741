"""Samples read by blocks, which are looked through for NaN on the way, and the names of their channels."""

import contextlib
import math

import numpy as np

from .view import EpochsView

# of float64 data looked at in one go: no second copy of a data set, and room in the processor's cache
BLOCK_BYTES = 2**22


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


def known_places(channels):
    """Which channels have a place, as an array of bool; MNE has NaN or the origin where it is unknown."""
    places = np.array([channel["loc"][:3] for channel in channels])
    return np.isfinite(places).all(axis=1) & places.any(axis=1)


class NotFiniteError(ValueError):
    """NaN or infinity among samples."""


def iter_blocks(X, n_samples=None, *, check=True):
    """Go through samples as `iter_parts`, without their slices."""
    return (block for _, block in iter_parts(X, n_samples, check=check))


def iter_parts(X, n_samples=None, *, check=True):
    """Go through samples by slices and blocks of float64, of ``n_samples`` each or of about 4 MB.

    A block may be the memory of X itself, so it is not to be written to. With ``check``, a NotFiniteError
    names the first sample and channel with NaN or infinity.
    """
    if n_samples is None:
        n_samples = max(1, BLOCK_BYTES // (8 * max(1, math.prod(X.shape[1:]))))
    for start in range(0, len(X), n_samples):
        part = slice(start, start + n_samples)
        block = read_part(X, part).astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            suspect = check and not np.isfinite(block.sum())  # one pass; a sum may also overflow
        if suspect and not np.isfinite(block).all():
            epoch, channel, _ = np.argwhere(~np.isfinite(block))[0]
            raise NotFiniteError(
                f"X contains NaN or infinity, first in channel {channel_name(X, channel)} of sample "
                f"{start + epoch}. Drop or interpolate such samples and channels."
            )
        yield part, block


def read_part(X, part):
    """Read a slice of samples, in the type that they have."""
    return X.read(part) if isinstance(X, EpochsView) else np.asarray(X[part])


def check_finite(X):
    """Look for NaN where nothing else reads all samples, which may lack the axis of channels."""
    for _ in iter_blocks(X[:, np.newaxis] if X.ndim == 2 else X):
        pass


@contextlib.contextmanager
def numbered_in(X):
    """While parts of X are read: NaN in one of them are reported with the number of the sample in X."""
    try:
        yield
    except NotFiniteError as error:
        try:
            check_finite(X)
        except NotFiniteError as of_all:
            raise of_all.with_traceback(error.__traceback__) from None
        raise


def channel_names(X):
    """Names of the channels as in messages."""
    return [channel_name(X, i) for i in range(X.shape[1])]


def channel_name(X, channel):
    """Name of a channel as in messages."""
    names = getattr(X, "ch_names", None)
    return f"number {channel}" if names is None else repr(names[channel])
