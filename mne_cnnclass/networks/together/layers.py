"""Layers of several networks at once, for tensors with the networks first and the samples last."""

from torch.nn import functional

from .products import Product

MOMENTUM, EPS = 0.1, 1e-5  # of batch normalisations, as torch has them by default


def linear(x, weights, name):
    """A linear layer of this name for features (n_networks, n_in, n_samples)."""
    return Product.apply(weights[f"{name}.weight"], x) + weights[f"{name}.bias"].unsqueeze(2)


def batch_norm(x, weights, name, training):
    """Batch normalisation of this name for features (n_networks, n_features, ...)."""
    running = [one.view(-1) for one in statistics(weights, name)]
    parameters = [weights[f"{name}.{which}"].reshape(-1) for which in ("weight", "bias")]
    if training:
        weights[f"{name}.num_batches_tracked"] += 1
    flat = x.reshape(1, running[0].numel(), -1)
    return functional.batch_norm(flat, *running, *parameters, training, MOMENTUM, EPS).view(x.shape)


def statistics(weights, name):
    """Running mean and variance of a batch normalisation of this name."""
    return weights[f"{name}.running_mean"], weights[f"{name}.running_var"]


def unpad(dpadded, before, n_times):
    """Gradients of signals that were continued at both ends by their first and last value."""
    dx = dpadded[..., before : before + n_times]
    if before or dx.shape != dpadded.shape:
        dx.select(-1, 0).add_(dpadded[..., :before].sum(-1))
        dx.select(-1, -1).add_(dpadded[..., before + dx.shape[-1] :].sum(-1))
    return dx
