"""Convolutions in the order that takes least time."""

import collections
import contextlib

import torch
from torch import nn
from torch.nn import functional

from .deferred import Deferred
from .functions import Turn, channels_last, swapped
from .spectral import convolve, spectra_pay


@contextlib.contextmanager
def trial(module):
    """Runs of a network in this context decide which filters may wait for a spatial filter.

    A `Deferred` that something unforeseen is done with becomes its value, but gradients would get lost in a
    function that torch does not see through. So nothing is deferred that was not seen to end well.
    """
    layers = [layer for layer in module.modules() if isinstance(layer, FastConv2d) and layer.in_channels == 1]
    for layer in layers:
        layer.uses = []
    try:
        yield
    finally:
        for layer in layers:
            layer.uses = collections.deque(maxlen=0) if set(layer.uses) == {"mixed"} else None


class FastConv1d(nn.Conv1d):
    """A convolution by way of spectra, where that pays."""

    def forward(self, x):
        y = None
        if x.ndim == 3 and x.shape[1] == self.in_channels and self.stride == self.dilation == (1,):
            padding = tuple(self._reversed_padding_repeated_twice)
            y = convolve(x.unsqueeze(2), self.weight, self.bias, padding, self.groups)
        return super().forward(x) if y is None else y.squeeze(2)

    @staticmethod
    def replaces(layer):
        return layer.padding_mode == "zeros"


class FastConv2d(nn.Conv2d):
    """A convolution along one of two axes, in the order that takes least time.

    A kernel that spans all of the other axis, such as that of a spatial filter, takes its places for
    channels. If it has one sample, a product of matrices is left. Else there are the ways of spectra, and of
    time as the last axis with channels next to each other in memory, for which torch has its fastest code.
    Filters that all rows of one plane go through wait for the spatial filter, if one was seen in a `trial`.
    """

    uses = None  # notes of what became of a `Deferred`; None where nothing may be deferred

    def forward(self, x):
        y = None
        if type(x) is Deferred:
            y = x.mixed(self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
            x = x if y is not None else x.value()
        if y is None and x.ndim == 4 and x.shape[1] == self.in_channels:
            if self._goes_along(x, 1):
                y = self._along_last(x, self.weight, 1)
            elif self._goes_along(x, 0):
                if x.shape[3] == 1 and not self._goes_by_spectra(x):
                    if not torch.is_grad_enabled():  # it is the gradients that take longer without turning
                        return super().forward(channels_last(x))
                    return Turn.apply(self._channels_last(Turn.apply(x)))
                y = self._along_last(_turn(x), self.weight.transpose(2, 3), 0)
                y = y if y is None or type(y) is Deferred else _turn(y)
        return super().forward(x) if y is None else y

    def _goes_along(self, x, axis):
        """Whether the kernel moves along this axis, and no other."""
        other = 1 - axis
        size, length = self.kernel_size[other], x.shape[2 + other]
        if any(self._padding(other)) or x.shape[2 + axis] == 1:
            return False
        return size == length or (size == self.stride[other] == 1 < self.kernel_size[axis])

    def _goes_by_spectra(self, x):
        """Whether spectra pay for signals along the first axis, without a second one."""
        filters = self.out_channels, self.in_channels // self.groups, self.kernel_size[0]
        plain = self.stride[0] == self.dilation[0] == 1
        return plain and spectra_pay((*x.shape[:2], 1, x.shape[2]), filters, self._padding(0), self.groups)

    def _padding(self, axis):
        """Numbers of zeros before and after an axis."""
        last_first = self._reversed_padding_repeated_twice
        return tuple(last_first[:2] if axis == 1 else last_first[2:])

    def _along_last(self, x, weight, axis):
        """Convolve along the last axis, which was this one; None if torch does it in as little time."""
        n, n_in, n_rows, n_times = x.shape
        padding, groups, spans = self._padding(axis), self.groups, weight.shape[2] > 1
        if self.stride[axis] > 1 or self.dilation[axis] > 1:
            return None
        if weight.shape[2:] == (n_rows, 1) and not any(padding):
            weight = weight.flatten(1).view(groups, -1, n_in // groups * n_rows)
            y = weight @ (x if n_in == groups else x.reshape(n, groups, -1, n_times))
            y = y.flatten(1, 2).unsqueeze(2)
            return y if self.bias is None else y + self.bias.view(-1, 1, 1)
        if n_rows > 1 and not spans:
            if self.uses is not None and not x.requires_grad:
                return Deferred(x.squeeze(1), weight[:, 0, 0], self.bias, padding, axis == 0, self.uses)
            if axis == 0:  # turning all the rows would take as long
                return None
        x = x.flatten(1, 2).unsqueeze(2) if spans else x
        return convolve(x, weight.flatten(1, 2), self.bias, padding, groups)

    def _channels_last(self, x):
        """Convolve (n, n_in, 1, n_times), where times were the first axis."""
        settings = (swapped(setting) for setting in (self.stride, self.padding, self.dilation))
        weight = channels_last(self.weight.transpose(2, 3))
        return functional.conv2d(x, weight, self.bias, *settings, self.groups)

    @staticmethod
    def replaces(layer):
        return layer.padding_mode == "zeros" and (1 in layer.kernel_size or layer.in_channels == 1)


def _turn(x):
    """Exchange the last two axes."""
    n, n_channels, a, b = x.shape
    return x.reshape(n, n_channels, b, a) if 1 in (a, b) else x.transpose(2, 3)
