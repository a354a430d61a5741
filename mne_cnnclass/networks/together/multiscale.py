"""The program of `MultiScaleCNN`, one function with its gradients by hand.

Tensors have networks and channels first, then time, and samples last, so that taps, windows of the pooling
and ends of signals are whole rows.
"""

import functools

import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from .envelope import LogEnvelope, Plan
from .layers import EPS, MOMENTUM, BatchNorm, Dense, max_pool
from .products import bmm


class MultiScale:
    """Several networks of `MultiScaleCNN`."""

    def __init__(self, module, prefix):
        self.names, self.prefix = [name for name, _ in module.named_parameters()], prefix
        self.n_cosines = len(module.cosines)
        self.dropouts = [layer.p for layer in module.dense if hasattr(layer, "p")]
        first, *others = module.blocks
        self.blocks = [(len(block.convolutions), block.size, block.stride) for block in others]
        widths = [convolution.kernel_size[0] for convolution in first.convolutions]
        convolution = first.convolutions[0]
        n_filters, (step,) = convolution.out_channels // convolution.groups, convolution.stride
        sizes = dict(widths=widths, n_filters=n_filters, step=step, size=first.size, stride=first.stride)
        self.plan = functools.lru_cache(4)(functools.partial(Plan, **sizes))

    @staticmethod
    def covers(module):
        """Whether normalisations are as the network makes them."""
        norms = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm1d)]
        return all(
            (norm.momentum, norm.eps, norm.affine, norm.track_running_stats) == (MOMENTUM, EPS, True, True)
            for norm in norms
        )

    def __call__(self, weights, inputs, dropout, training):
        here = len(self.prefix)
        weights = {name[here:]: weight for name, weight in weights.items() if name.startswith(self.prefix)}
        learned = (weights[name] for name in self.names)
        return Step.apply(self, inputs[0], dropout if training else None, weights, *learned)


class Step(Function):
    """Logits (n_networks, n_samples, n_outputs), with the gradients of the weights."""

    @staticmethod
    def forward(ctx, program, x, dropout, weights, *learned):
        training = dropout is not None
        mixing = Mixing(x, weights, program.n_cosines)
        blocks = [LogEnvelope(mixing.components(), program.plan(mixing.shape), weights, training)]
        for i, (n_banks, *pool) in enumerate(program.blocks):
            blocks.append(Block(blocks[-1].value, weights, f"blocks.{i + 1}.", n_banks, pool, training))
        features = mixing.course + [block.value.mean(2) for block in blocks]
        layers = [BatchNorm(torch.cat(features, 1), weights, "norm", training)]
        for i, probability in enumerate(program.dropouts):
            if i:
                name = f"dense.{4 * i - 2}"
                layers.append(BatchNorm(layers[-1].value, weights, name, training, rectify=True))
            layers.append(Dense(layers[-1].value, weights, f"dense.{4 * i + 1}", dropout, probability))
        ctx.state = mixing, blocks, layers, [part.shape[1] for part in features]
        ctx.names, ctx.shapes = program.names, [weight.shape for weight in learned]
        return layers[-1].value.transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, dlogits):
        (mixing, blocks, layers, sizes), gradients, dvalue = ctx.state, {}, None
        ctx.state = None
        d = dlogits.transpose(1, 2)
        for layer in reversed(layers):
            d = layer.backward(d, gradients)
        parts = list(d.split(sizes, 1))
        for block in reversed(blocks):
            dmeans = (parts.pop() / block.value.shape[2]).unsqueeze(2)
            dvalue = dmeans.expand_as(block.value) if dvalue is None else dvalue.add_(dmeans)
            dvalue = block.backward(dvalue, gradients)
        mixing.backward(dvalue, parts, gradients)
        found = (gradients.get(name) for name in ctx.names)
        shaped = (d if d is None else d.reshape(s) for d, s in zip(found, ctx.shapes, strict=True))
        return None, None, None, None, *shaped


class Mixing:
    """Spatial components, and cosines of the course."""

    def __init__(self, x, weights, n_cosines):
        n_networks, n, n_chans, n_times = x.shape
        self.x, weight = x.flatten(0, 1), weights["spatial.weight"].flatten(2)
        self.shape, self.course = (n_networks, n, weight.shape[1], n_times), []
        self.weight = weight.unsqueeze(1).expand(-1, n, -1, -1).flatten(0, 1)
        if n_cosines:
            weight = weights["course.weight"].flatten(2)
            course = bmm(x.flatten(1, 2), weights["cosines"].mT).unflatten(1, (n, n_chans))
            self.cosines = course.permute(0, 2, 3, 1).reshape(n_networks, n_chans, -1)
            self.course = [bmm(weight, self.cosines).reshape(n_networks, -1, n)]

    def components(self):
        """Spatial components (n_networks * n_samples, n_components, n_times), which need not be kept."""
        return bmm(self.weight, self.x, self.shape[1])

    def backward(self, d, dcourse, gradients):
        """Put gradients into a dictionary, of the spatial components and the course, if there is one."""
        products = bmm(self.x, d.mT, self.shape[1])
        gradients["spatial.weight"] = products.unflatten(0, self.shape[:2]).sum(1).mT
        for dfeatures in dcourse:
            dfeatures = dfeatures.reshape(dfeatures.shape[0], -1, self.cosines.shape[2])
            gradients["course.weight"] = bmm(dfeatures, self.cosines.mT)


class Block:
    """Convolutions of several odd widths, batch normalisation, ReLU and max pooling; ``value`` is the output.

    The products of all taps with all samples come first, are continued beyond their ends as signals would be,
    and are added up at their places after that.
    """

    def __init__(self, x, weights, name, n_banks, pool, training):
        self.names = [f"{name}convolutions.{i}.weight" for i in range(n_banks)]
        banks = [weights[name] for name in self.names]
        self.banks, self.reach = [(bank.shape[1], bank.shape[3]) for bank in banks], banks[-1].shape[3] // 2
        self.shape, self.x = x.shape, x.flatten(2)
        self.taps = torch.cat([bank.permute(0, 3, 1, 2).flatten(1, 2) for bank in banks], 1)
        products = bmm(self.taps, self.x).view(*self.taps.shape[:2], *x.shape[2:])
        ends = (products[:, :, i : i + 1].expand(-1, -1, self.reach, -1) for i in (0, x.shape[2] - 1))
        products = torch.cat([next(ends), products, next(ends)], 2)
        sums = [bank.sum(1) for bank in self.in_place(products)]
        self.norm = BatchNorm(torch.cat(sums, 1), weights, f"{name}norm", training)
        y = self.norm.value
        maxima, self.places = max_pool(y.view(-1, *x.shape[2:]), *pool)
        self.value = maxima.clamp_(min=0).view(*y.shape[:2], -1, x.shape[3])

    def backward(self, d, gradients):
        """Gradients of the signals, and of the weights into a dictionary."""
        d = torch.ops.aten.threshold_backward(d, self.value, 0)
        y, (_, _, n_times, n), reach = self.norm.value, self.shape, self.reach
        dy = torch.zeros_like(y).view(-1, n_times, n)
        dy.scatter_add_(1, self.places, d.view(self.places.shape))
        dy = self.norm.backward(dy.view(y.shape), gradients)
        dproducts = dy.new_zeros(*self.taps.shape[:2], n_times + 2 * reach, n)
        parts = dy.split([n_out for n_out, _ in self.banks], 1)
        for bank, part in zip(self.in_place(dproducts), parts, strict=True):
            bank.copy_(part.unsqueeze(1))
        if reach:
            dproducts[:, :, reach] = dproducts[:, :, : reach + 1].sum(2)
            dproducts[:, :, -reach - 1] = dproducts[:, :, -reach - 1 :].sum(2)
        dproducts = dproducts[:, :, reach : reach + n_times].reshape(*self.taps.shape[:2], -1)
        dtaps = bmm(dproducts, self.x.mT).split([n_out * k for n_out, k in self.banks], 1)
        for name, part, (n_out, k) in zip(self.names, dtaps, self.banks, strict=True):
            gradients[name] = part.unflatten(1, (k, n_out)).permute(0, 2, 3, 1)
        return bmm(self.taps.mT, dproducts).view(self.shape)

    def in_place(self, products):
        """For each bank the products by tap, (n_networks, k, n_out, n_values), as they are added up."""
        network, row, n, _ = products.stride()
        n_values, first, banks = self.x.shape[2], 0, []
        for n_out, k in self.banks:
            shape, steps = (self.shape[0], k, n_out, n_values), (network, n_out * row + n, row, 1)
            banks.append(products.as_strided(shape, steps, first + (self.reach - k // 2) * n))
            first += n_out * k * row
        return banks
