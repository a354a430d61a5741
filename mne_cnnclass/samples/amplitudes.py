"""Warnings from the size of values in a channel: another unit, a detached or a saturated electrode."""

import numpy as np
import torch

from ..utils.text import shortened
from ..utils.warn import warn
from .blocks import channel_names

# Between mV, V and µV is a factor of at least 1000; good recordings differ by less.
FAR = 300.0
# Networks have first layers and normalisations for inputs of about 1.
USUAL = 1e-3, 1e3


class Rails:
    """Count how often a channel is at its least and at its largest value, block by block.

    Of long samples some times are looked at, evenly: what is there for most of the time is seen in these.
    """

    TIMES = 100

    def __init__(self):
        self.edges, self.counts, self.n_values = [np.inf, np.inf], [0, 0], 0

    def add(self, block):
        """Look at a block, a tensor of shape (n_samples, n_channels, n_times)."""
        block = block[..., :: max(1, block.shape[2] // self.TIMES)]
        self.n_values += block.shape[0] * block.shape[2]
        for side, edge in enumerate((block.amin((0, 2)), block.amax((0, 2)))):
            count = (block == edge[:, None]).sum((0, 2)).numpy()
            edge = edge.numpy() if side == 0 else -edge.numpy()
            before = np.where(edge > self.edges[side], 0, 1)  # 1 where this block reaches the edge
            kept = np.where(edge < self.edges[side], 0, self.counts[side])
            self.counts[side] = kept + before * count
            self.edges[side] = np.minimum(edge, self.edges[side])

    def share(self):
        """Share of the values that are at an edge, of each channel."""
        return (self.counts[0] + self.counts[1]) / self.n_values


def warn_of_channels(names, deviation, flat, share, standardize):
    """Warn of channels of training samples that carry little information, or that a network can't use.

    By channel: names as in messages, standard deviations, which are constant, and the share of values that
    are the least or the largest one.
    """
    names = np.array(names, dtype=object)
    if flat.any():
        warn(
            f"Flat channel(s) {', '.join(names[flat])}: the same value at all times in all training samples. "
            "They carry no information; mark them bad, or interpolate them."
        )
    saturated = ~flat & (share > 0.5)
    if saturated.any():
        warn(
            f"Saturated channel(s) {shortened(names[saturated])}: at the least or the largest value for "
            f"{share[saturated].max():.0%} of the time. Mark them bad, or interpolate them."
        )
    unusual = ~flat & ((deviation < USUAL[0]) | (deviation > USUAL[1]))
    if not standardize and unusual.any():
        warn(
            f"standardize=False gives the network channel(s) {shortened(names[unusual])} with a deviation "
            f"of {deviation[unusual][0]:.1g}, and from values so far from 1 networks learn little. Set "
            "standardize=True, or scale the samples."
        )


class ScaleWatch:
    """Compare what is to be predicted with the scale of the training samples, as it goes by."""

    def __init__(self):
        self.n_values, self.total, self.squares = 0, 0.0, 0.0

    def through(self, blocks):
        """Hand on standardised blocks, and measure them."""
        for block in blocks:
            values = torch.from_numpy(block)
            self.n_values += block.shape[0] * block.shape[2]
            self.total = self.total + values.sum((0, 2)).double().numpy()
            self.squares = self.squares + values.square().sum((0, 2)).double().numpy()
            yield block

    def warn(self, X, scale):
        """Warn of channels of what was to be predicted that are far from the scale of the training samples.

        Where the scale, what they were divided by, is exactly 1, it is not known.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            mean, size = self.total / self.n_values, np.sqrt(self.squares / self.n_values)
            deviation = np.sqrt(np.maximum(size**2 - mean**2, 0))
        far = (scale != 1) & ~((size <= FAR) & (deviation >= 1 / FAR))
        if far.any():
            first = np.flatnonzero(far)[0]
            ratio = size[first] if not size[first] <= FAR else deviation[first]
            names = np.array(channel_names(X), dtype=object)[far]
            warn(
                f"Channel(s) {shortened(names)} of X vary {ratio:.1g} times as much as in the training "
                "samples, so what is predicted means little. Is X in another unit (that of MNE is V), or is "
                "an electrode detached?",
            )
