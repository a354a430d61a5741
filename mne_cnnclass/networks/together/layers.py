"""Layers of several networks at once, for tensors with the networks first and the samples last.

The classes are layers whose gradients are by hand: ``value`` is what they give, and ``backward`` takes its
gradient, puts those of weights into a dictionary by name, and returns that of their input.
"""

import torch
from torch.nn import functional

from .products import Product, bmm

MOMENTUM, EPS = 0.1, 1e-5  # of batch normalisations, as torch has them by default


def linear(x, weights, name):
    """A linear layer of this name for features (n_networks, n_in, n_samples)."""
    return Product.apply(weights[f"{name}.weight"], x) + weights[f"{name}.bias"].unsqueeze(2)


class Dense:
    """Dropout and a linear layer for features (n_networks, n_in, n_samples)."""

    def __init__(self, x, weights, name, dropout, probability):
        self.name, self.weight = name, weights[f"{name}.weight"]
        self.mask = None if dropout is None else dropout.mask(x, probability)
        self.x = x if self.mask is None else x * self.mask
        self.value = bmm(self.weight, self.x) + weights[f"{name}.bias"].unsqueeze(2)

    def backward(self, d, gradients):
        gradients[f"{self.name}.weight"] = bmm(d, self.x.mT)
        gradients[f"{self.name}.bias"] = d.sum(2)
        d = bmm(self.weight.mT, d)
        return d if self.mask is None else d.mul_(self.mask)


class BatchNorm:
    """Batch normalisation of features (n_networks, n_features, ...), then ReLU if ``rectify``."""

    def __init__(self, x, weights, name, training, *, rectify=False):
        self.name, self.rectify, self.training = name, rectify, training
        parts = (weights[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
        self.weight, bias, *self.running = (part.reshape(-1) for part in parts)
        if training:
            weights[f"{name}.num_batches_tracked"] += 1
        self.x = x.view(1, bias.shape[0], -1)
        settings = training, MOMENTUM, EPS
        y, *self.found = torch.native_batch_norm(self.x, self.weight, bias, *self.running, *settings)
        self.value = (y.relu_() if rectify else y).view(x.shape)

    def backward(self, d, gradients):
        if self.rectify:
            d = torch.ops.aten.threshold_backward(d, self.value, 0)
        settings = *self.running, *self.found, self.training, EPS, (True, True, True)
        dx, dweight, dbias = torch.ops.aten.native_batch_norm_backward(
            d.reshape(self.x.shape), self.x, self.weight, *settings
        )
        gradients[f"{self.name}.weight"], gradients[f"{self.name}.bias"] = dweight, dbias
        return dx.view(d.shape)


def count_in(weights, name, mean, variance, n):
    """Update the running statistics of a batch normalisation by those of a batch of n values a channel."""
    weights[f"{name}.num_batches_tracked"] += 1
    weights[f"{name}.running_mean"].lerp_(mean, MOMENTUM)
    weights[f"{name}.running_var"].lerp_(variance * (n / (n - 1)), MOMENTUM)


def max_pool(x, size, stride):
    """Maxima of windows of (n, n_times, m) in time, and the numbers of the first that have them."""
    n, n_times, m = x.shape
    x = x.as_strided((n, m, 1, n_times), (n_times * m, 1, n_times * m, m))
    found = functional.max_pool2d_with_indices(x, (1, size), (1, stride))
    n_times = found[0].shape[3]
    return [one.as_strided((n, n_times, m), (n_times * m, m, 1)) for one in found]
