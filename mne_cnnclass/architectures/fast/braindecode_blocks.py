"""Blocks of braindecode's models, computed in another order."""

from __future__ import annotations

import torch
from braindecode.models import EEGNet
from braindecode.modules import CombinedConv
from torch.nn import functional

from .functions import FilterBank, Filtering, FilteringToPooling, Turn, channels_last, filter_to_pooling
from .layers import AdjacentAvgPool2d, FastELU
from .moments import expected_squares, summarize


class MergedConv(CombinedConv):
    """A temporal and a spatial convolution as one with the EEG channels as input channels.

    As no nonlinearity is between them, ``W[o, c, k] = Σ_f S[o, f, c] h[f, k]``. braindecode merges them, too, but
    convolves one plane of width n_chans, which torch does several times slower.
    """

    def forward(self, x):
        """Convolve (n, 1, n_times, n_chans) to (n, n_out, n_out_times, 1)."""
        temporal, spatial = self.conv_time.weight[:, 0, :, 0], self.conv_spat.weight[:, :, 0]
        weight = torch.einsum("ofc,fk->ock", spatial, temporal).unsqueeze(2)
        bias = self.conv_spat.bias
        if self.conv_time.bias is not None:
            merged = spatial.sum(2) @ self.conv_time.bias
            bias = merged if bias is None else merged + bias
        signals = Turn.apply(x[:, 0].transpose(1, 2).unsqueeze(3))
        return Turn.apply(functional.conv2d(signals, channels_last(weight), bias))


class SpatialFirstEEGNet(EEGNet):
    """EEGNet with the spatial filter before the temporal one.

    Temporal convolution, batch normalisation and the depthwise spatial convolution are linear, so channels can
    be mixed first, and the long filters then run, by Fourier transforms, on F1 × D mixtures instead of F1 ×
    n_chans signals. The statistics of the batch normalisation between them follow from the correlations of
    the input at lags below the length of the filter, see `moments`. The depthwise and the pointwise
    convolution of the second block are merged.
    """

    def summarize(self, x):
        """What the statistics of the first batch normalisation need to know of samples, one row each."""
        return summarize(x, self.kernel_length)

    def forward(self, x, summary=None):
        """Logits of samples of shape (n, n_chans, n_times)."""
        if x.ndim != 3 or x.requires_grad:  # the gradients of the input would have to go through `moments`
            return super().forward(x)
        x, done = self.first_block(x, summary)
        for name, layer in list(self.named_children())[done:]:
            if name == "conv_separable_depth":
                x = self.separable(x)
            elif name != "conv_separable_point":
                x = layer(x)
        return x

    def first_block(self, x, summary):
        """Through the first layers, at least to the spatial convolution, and the number of these layers."""
        norm, pool = self.bnorm_1, self.pool_1
        parts = (*self.filters(x, summary), (self.conv_temporal.padding[1],) * 2)
        if not (type(self.elu_1) is FastELU and type(pool) is AdjacentAvgPool2d):
            return Filtering.apply(x, *parts).unsqueeze(2), FIRST_LAYERS.index("bnorm_1")
        size, done = pool.kernel_size[1], FIRST_LAYERS.index("pool_1") + 1
        if norm.training:
            settings = norm.weight, norm.bias, norm.eps, size
            pooled, mean, variance = FilteringToPooling.apply(x, *parts, *settings)
            count_in(norm, mean, variance, x.shape[0] * (x.shape[2] + 2 * parts[3][0] - self.kernel_length + 1))
            return pooled.unsqueeze(2), done
        if torch.is_grad_enabled():
            return Filtering.apply(x, *parts).unsqueeze(2), FIRST_LAYERS.index("bnorm_1")
        gain = (norm.running_var + norm.eps).rsqrt() * norm.weight
        spatial, filters, offset, padding = parts
        offset = (offset - norm.running_mean) * gain + norm.bias
        bank = FilterBank(spatial, filters * gain[:, None], offset, padding, x.shape[2])
        return filter_to_pooling(x, bank, size).unsqueeze(2), done

    def filters(self, x, summary):
        """Spatial filters, temporal filters and offsets, the first batch normalisation included."""
        norm, temporal = self.bnorm_temporal, self.conv_temporal.weight[:, 0, 0]
        if norm.training:
            padding = (self.conv_temporal.padding[1],) * 2
            mean, variance, n = filtered_moments(x, temporal, padding, summary)
            count_in(norm, mean, variance, n)
        else:
            mean, variance = norm.running_mean, norm.running_var
        gain = (variance + norm.eps).rsqrt() * norm.weight
        offset = norm.bias - mean * gain
        spatial = self.conv_spatial.weight[:, 0, :, 0]
        filters = (temporal * gain.to(temporal.dtype).unsqueeze(1)).repeat_interleave(self.D, 0)
        return spatial, filters, offset.to(temporal.dtype).repeat_interleave(self.D, 0) * spatial.sum(1)

    def separable(self, x):
        """The depthwise and the pointwise convolution of the second block, as one."""
        depth = self.conv_separable_depth
        weight = self.conv_separable_point.weight * depth.weight.transpose(0, 1)
        return functional.conv2d(channels_last(x), channels_last(weight), padding=depth.padding)


def count_in(norm, mean, variance, n):
    """Update the running statistics of a batch normalisation by those of a batch of n values a channel."""
    with torch.no_grad():
        norm.num_batches_tracked += 1
        norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), norm.momentum)
        norm.running_var.lerp_((variance * (n / (n - 1))).to(norm.running_var.dtype), norm.momentum)


def filtered_moments(x, filters, padding, summary=None):
    """Mean and variance of filtered signals over samples, channels and times, and the number of values."""
    first, second, n = expected_squares(x, filters.shape[1], padding, summary)
    filters = filters.double()
    mean = filters @ first
    return mean, torch.einsum("fi,ij,fj->f", filters, second, filters) - mean * mean, n


FIRST_LAYERS = (
    *("ensuredims", "dimshuffle", "conv_temporal", "bnorm_temporal", "conv_spatial"),
    *("bnorm_1", "elu_1", "pool_1"),
)
BLOCKS = {CombinedConv: MergedConv, EEGNet: SpatialFirstEEGNet}
