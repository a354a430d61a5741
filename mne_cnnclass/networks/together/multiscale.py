"""The program of `MultiScaleCNN`."""

import functools

import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from .envelope import LogEnvelope, Plan
from .layers import EPS, MOMENTUM, batch_norm, linear, statistics, unpad
from .products import Product, bmm


class MultiScale:
    """`MultiScaleCNN`, with channels first and samples after them."""

    def __init__(self, module, prefix):
        self.prefix = prefix
        self.dropouts = [layer.p for layer in module.dense if hasattr(layer, "p")]
        self.n_components, self.n_cosines = module.spatial.out_channels, len(module.cosines)
        self.blocks = [Block(block, f"{prefix}blocks.{i}.") for i, block in enumerate(module.blocks)]

    @staticmethod
    def covers(module):
        """Whether normalisations are as the network makes them."""
        norms = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm1d)]
        return all(
            (norm.momentum, norm.eps, norm.affine, norm.track_running_stats) == (MOMENTUM, EPS, True, True)
            for norm in norms
        )

    def __call__(self, weights, inputs, dropout, training):
        (x,), p, features = inputs, self.prefix, []
        n = x.shape[1]
        mixtures = [weights[f"{p}spatial.weight"]] + [weights[f"{p}course.weight"]] * bool(self.n_cosines)
        mixtures = torch.cat(mixtures, 1).squeeze(3).unsqueeze(1).expand(-1, n, -1, -1).flatten(0, 1)
        x = Product.apply(mixtures, x.flatten(0, 1), n).unflatten(0, (-1, n))
        if self.n_cosines:
            course = x[:, :, self.n_components :].flatten(1, 2)
            course = Product.apply(course, weights[f"{p}cosines"].mT)
            features = [course.unflatten(1, (n, -1)).flatten(2).transpose(1, 2)]
        x = x[:, :, : self.n_components]
        for block in self.blocks:
            x = block(x, weights, training)
            features.append(x.mean(3))
        x = batch_norm(torch.cat(features, 1), weights, f"{p}norm", training)
        for i, probability in enumerate(self.dropouts):
            if i:
                x = torch.relu(batch_norm(x, weights, f"{p}dense.{4 * i - 2}", training))
            x = dropout(x, probability) if training else x
            x = linear(x, weights, f"{p}dense.{4 * i + 1}")
        return x.transpose(1, 2)


class Block:
    """`MultiScaleBlock`."""

    def __init__(self, block, prefix):
        self.prefix, self.size, self.stride = prefix, block.size, block.stride
        self.names = [f"{prefix}convolutions.{i}.weight" for i in range(len(block.convolutions))]
        self.plan = None
        if block.envelope_norm is not None:
            first = block.convolutions[0]
            widths = [convolution.kernel_size[0] for convolution in block.convolutions]
            self.plan = functools.lru_cache(4)(
                functools.partial(
                    Plan,
                    widths=widths,
                    n_filters=first.out_channels // first.groups,
                    step=first.stride[0],
                    size=block.size,
                    stride=block.stride,
                )
            )

    def __call__(self, x, weights, training):
        filters, name = [weights[name] for name in self.names], f"{self.prefix}norm"
        if self.plan is None:
            x = batch_norm(Convolution.apply(x, *filters), weights, name, training)
            return torch.relu(functional.max_pool2d(x, (1, self.size), (1, self.stride)))
        plan, (mean, variance) = self.plan(x.shape), statistics(weights, name)
        running = None if training else (mean, variance)
        parameters = weights[f"{name}.weight"], weights[f"{name}.bias"]
        x, *found = LogEnvelope.apply(x, plan, running, *parameters, EPS, *filters)
        if training:
            weights[f"{name}.num_batches_tracked"] += 1
            mean.lerp_(found[0], MOMENTUM)
            variance.lerp_(found[1] * (plan.n_each / (plan.n_each - 1)), MOMENTUM)
        return batch_norm(x, weights, f"{self.prefix}envelope_norm", training)


class Convolution(Function):
    """Convolutions of several odd widths over signals that are continued beyond their ends.

    The products of all taps with all samples come first, and are added up at their places after that.
    """

    @staticmethod
    def forward(ctx, x, *filters):
        """Convolve (n_networks, n_in, n, n_times) by filters (n_networks, n_out, n_in, k)."""
        ctx.shape, ctx.banks = x.shape, [(bank.shape[1], bank.shape[3]) for bank in filters]
        ctx.reach = max(k for _, k in ctx.banks) // 2
        padded = functional.pad(x.flatten(0, 1), (ctx.reach, ctx.reach), mode="replicate")
        padded = padded.view(*x.shape[:2], -1)
        taps = torch.cat([bank.permute(0, 3, 1, 2).flatten(1, 2) for bank in filters], 1)
        ctx.save_for_backward(padded, taps)
        products = bmm(taps, padded)
        return torch.cat([bank.sum(1) for bank in Convolution.in_place(ctx, products)], 1)

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        padded, taps = ctx.saved_tensors
        dproducts = dy.new_zeros(*taps.shape[:2], padded.shape[2])
        parts = dy.split([n_out for n_out, _ in ctx.banks], 1)
        for bank, part in zip(Convolution.in_place(ctx, dproducts), parts, strict=True):
            bank.copy_(part.unsqueeze(1))
        dtaps = bmm(dproducts, padded.mT).split([n_out * k for n_out, k in ctx.banks], 1)
        dfilters = [
            part.unflatten(1, (k, n_out)).permute(0, 2, 3, 1)
            for part, (n_out, k) in zip(dtaps, ctx.banks, strict=True)
        ]
        dpadded = bmm(taps.mT, dproducts).unflatten(2, (ctx.shape[2], -1))
        return unpad(dpadded, ctx.reach, ctx.shape[3]), *dfilters

    @staticmethod
    def in_place(ctx, products):
        """For each bank the products by tap, (n_networks, k, n_out, n, n_times), as they are added up."""
        n_networks, _, n, n_times = ctx.shape
        (network, row, _), first, banks = products.stride(), products.storage_offset(), []
        for n_out, k in ctx.banks:
            shape, steps = (n_networks, k, n_out, n, n_times), (network, n_out * row + 1, row)
            steps = *steps, n_times + 2 * ctx.reach, 1
            banks.append(products.as_strided(shape, steps, first + ctx.reach - k // 2))
            first += n_out * k * row
        return banks
