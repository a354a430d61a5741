"""Layers that compute in less time what layers of torch compute, from the same parameters.

``replaces`` is whether one computes the same as a layer of its parent class with these settings.
"""

import torch
from torch import nn
from torch.nn import functional

from .convolutions import FastConv1d, FastConv2d
from .functions import ExponentialLinear, MeanPooling, Turn, channels_last, dropout, elu, swapped


class FastELU(nn.ELU):
    """ELU by way of ``exp``."""

    def forward(self, x):
        return ExponentialLinear.apply(x) if torch.is_grad_enabled() else elu(x)

    @staticmethod
    def replaces(layer):
        return layer.alpha == 1 and not layer.inplace


class FastDropout(nn.Dropout):
    """Dropout with cheap random bits."""

    def forward(self, x):
        return dropout(x, self.p) if self.training and 0 < self.p < 1 else super().forward(x)

    @staticmethod
    def replaces(layer):
        return not layer.inplace


class _TimeLast:
    """Of a layer with a window along the first of two axes: they change places if the second has length one.

    torch's fast implementations for ``channels_last`` need the long axis to be the last one.
    """

    def forward(self, x):
        if x.ndim != 4 or x.shape[3] != 1:
            return super().forward(x)
        if not torch.is_grad_enabled():  # it is the gradients that take longer without turning
            return super().forward(channels_last(x))
        return Turn.apply(self.along_last(Turn.apply(x)))

    @staticmethod
    def replaces(layer):
        return isinstance(layer.kernel_size, tuple) and layer.kernel_size[0] > 1 == layer.kernel_size[1]


class TimeLastMaxPool2d(_TimeLast, nn.MaxPool2d):
    """A pooling along the first axis, computed along the last."""

    def along_last(self, x):
        """Pool (n, n_in, 1, n_times)."""
        settings = (swapped(s) for s in (self.kernel_size, self.stride, self.padding, self.dilation))
        return functional.max_pool2d(x, *settings, self.ceil_mode)

    @staticmethod
    def replaces(layer):
        return _TimeLast.replaces(layer) and not layer.return_indices


class TimeLastAvgPool2d(_TimeLast, nn.AvgPool2d):
    """A pooling along the first axis, computed along the last."""

    def along_last(self, x):
        """Pool (n, n_in, 1, n_times)."""
        settings = (swapped(s) for s in (self.kernel_size, self.stride, self.padding))
        return functional.avg_pool2d(
            x, *settings, self.ceil_mode, self.count_include_pad, self.divisor_override
        )


class AdjacentAvgPool2d(nn.AvgPool2d):
    """Mean pooling of adjacent windows along the last axis."""

    def forward(self, x):
        fits = x.ndim == 4 and x.shape[3] >= self.kernel_size[1] and x.stride(3) == 1 < x.shape[1]
        # for few means, a call less takes less time
        if fits and x.numel() > 2000 * self.kernel_size[1] and self.replaces(self):
            return MeanPooling.apply(x, self.kernel_size[1])
        return super().forward(x)

    @staticmethod
    def replaces(layer):
        size = layer.kernel_size
        return (
            isinstance(size, tuple)
            and size[0] == 1 < size[1] <= 16
            and layer.stride == size
            and layer.padding in (0, (0, 0))
            and not layer.ceil_mode
            and layer.divisor_override is None
        )


LAYERS = (
    (nn.ELU, FastELU),
    (nn.Dropout, FastDropout),
    (nn.Conv1d, FastConv1d),
    (nn.Conv2d, FastConv2d),
    (nn.MaxPool2d, TimeLastMaxPool2d),
    (nn.AvgPool2d, TimeLastAvgPool2d),
    (nn.AvgPool2d, AdjacentAvgPool2d),
)


def is_watched(module):
    """Whether each layer has to be called."""
    return any(map(acts_otherwise, module._modules.values()))


def acts_otherwise(layer):
    """Whether a layer has hooks, or drops out or normalises as in training."""
    return (
        layer._forward_hooks
        or layer._forward_pre_hooks
        or (layer.training and isinstance(layer, (nn.Dropout, nn.BatchNorm1d, nn.BatchNorm2d)))
    )


def kept(module, compute, *layers, settings=None):
    """What was computed from the weights of some layers, again only when these are no longer the same.

    The weights themselves are compared, as no counter of torch notices every way to change them.
    """
    weights = [
        tensor
        for layer in layers
        for tensor in (*layer._parameters.values(), *layer._buffers.values())
        if tensor is not None
    ]
    eps = [layer.__dict__.get("eps") for layer in layers]  # getattr takes as long as all the rest
    key = settings, eps, weights[0].device, weights[0].dtype
    before = module.__dict__.get("_kept")
    if before is None or before[0] != key or not all(map(torch.equal, before[1], weights)):
        before = module._kept = key, [t.clone() for t in weights], compute()
    return before[2]
