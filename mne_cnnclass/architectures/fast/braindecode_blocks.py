"""Blocks of braindecode's models, computed in another order."""

from __future__ import annotations

import torch
from braindecode.models import EEGNet
from braindecode.modules import CombinedConv
from torch.nn import functional

from .functions import FilterBank, Turn, channels_last
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
        x = self.first_block(x, summary)
        skipped = {"ensuredims", "dimshuffle", "conv_temporal", "bnorm_temporal", "conv_spatial"}
        for name, layer in self.named_children():
            if name == "conv_separable_depth":
                x = self.separable(x)
            elif name not in skipped | {"conv_separable_point"}:
                x = layer(x)
        return x

    def first_block(self, x, summary):
        """Temporal convolution, batch normalisation and spatial convolution, to (n, F1 × D, 1, n_out_times)."""
        norm, temporal = self.bnorm_temporal, self.conv_temporal.weight[:, 0, 0]
        padding = (self.conv_temporal.padding[1],) * 2
        if norm.training:
            mean, variance, n = filtered_moments(x, temporal, padding, summary)
            with torch.no_grad():
                norm.num_batches_tracked += 1
                norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), norm.momentum)
                norm.running_var.lerp_((variance * n / (n - 1)).to(norm.running_var.dtype), norm.momentum)
        else:
            mean, variance = norm.running_mean, norm.running_var
        gain = (variance + norm.eps).rsqrt()
        offset = -mean * gain
        gain, offset = gain * norm.weight, offset * norm.weight + norm.bias
        spatial = self.conv_spatial.weight[:, 0, :, 0]
        filters = (temporal * gain.to(temporal.dtype).unsqueeze(1)).repeat_interleave(self.D, 0)
        offset = offset.to(temporal.dtype).repeat_interleave(self.D, 0) * spatial.sum(1)
        return FilterBank.apply(x, spatial, filters, offset, padding).unsqueeze(2)

    def separable(self, x):
        """The depthwise and the pointwise convolution of the second block, as one."""
        depth = self.conv_separable_depth
        weight = self.conv_separable_point.weight * depth.weight.transpose(0, 1)
        return functional.conv2d(channels_last(x), channels_last(weight), padding=depth.padding)


def filtered_moments(x, filters, padding, summary=None):
    """Mean and variance of filtered signals over samples, channels and times, and the number of values."""
    first, second, n = expected_squares(x, filters.shape[1], padding, summary)
    filters = filters.double()
    mean = filters @ first
    return mean, torch.einsum("fi,ij,fj->f", filters, second, filters) - mean * mean, n


BLOCKS = {CombinedConv: MergedConv, EEGNet: SpatialFirstEEGNet}
