"""What a user may pass as ``X``, made into standardised samples."""

from __future__ import annotations

import mne
import numpy as np

from .view import EpochsView

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


class NotFiniteError(ValueError):
    """NaN or infinity among samples."""


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
            raise NotFiniteError(
                f"X contains NaN or infinity, first in channel {channel_name(X, channel)} of sample "
                f"{start + epoch}. Drop or interpolate such samples and channels."
            )
        yield block


def channel_names(X):
    """Names of the channels as in messages."""
    return [channel_name(X, i) for i in range(X.shape[1])]


def channel_name(X, channel):
    """Name of a channel as in messages."""
    names = getattr(X, "ch_names", None)
    return f"number {channel}" if names is None else repr(names[channel])
