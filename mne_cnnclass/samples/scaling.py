"""The standardisation of channels by their training samples."""

import numpy as np

from .blocks import channel_name, channel_names, iter_blocks, iter_parts
from .disk import SampleFile, is_on_disk


class ChannelScaler:
    """Standardise each channel by its mean and deviation over all training samples and times.

    The statistics are those of a whole channel, not of single epochs, so that slow shifts and the
    amplitudes of epochs relative to each other remain, while the unit of measurement drops out. Without
    ``standardize``, samples are only turned into float32.
    """

    def __init__(self, standardize=True):
        self.standardize = standardize

    def fit(self, X, *, warn=True, partners=None):
        """Measure the channels of the training samples: ``mean_`` and ``scale_``, shape (n_channels, 1).

        Each channel shares mean and variance with the one whose number is at its place in ``partners``.
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
            with np.errstate(over="ignore", invalid="ignore"):  # reported below
                squares = squares + block_squares + delta**2 * (n_seen * n_block / n_total)
            mean = mean + delta * (n_block / n_total)
            n_seen = n_total
        deviation = np.sqrt(squares / n_seen)
        if not np.isfinite(deviation).all():
            lost = channel_name(X, np.flatnonzero(~np.isfinite(deviation))[0])
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
        """Standardise a block of float64; the result is float32."""
        import torch  # which works on several processors, and gives the same bits as numpy

        block = _as_tensor(block)
        mean, scale = _as_tensor(self.mean_), _as_tensor(self.scale_)
        return (block - mean).div_(scale).to(torch.float32).numpy()

    def transform_all(self, X, *, check=True):
        """Standardise all samples, by blocks, into an array, or a `SampleFile` if they are on disk."""
        data = SampleFile(X.shape, np.float32) if is_on_disk(X) else np.empty(X.shape, dtype=np.float32)
        for part, block in iter_parts(X, check=check):
            data[part] = self.transform(block)
        return data


def _as_tensor(block):
    """An array as a tensor; one that must not be written to is copied, which torch would warn of."""
    import torch

    return torch.from_numpy(np.require(block, requirements=["C", "W"]))
