"""EEGNet as a program: spatial filters come first, and what normalises filtered channels needs no filtering.

Temporal convolution, batch normalisation and the depthwise spatial convolution are linear, so channels can be
mixed first, and the long filters then run on F1 × D mixtures instead of F1 × n_chans signals. The statistics
of the batch normalisation between them follow from the correlations of the input, see `fast.moments`.
"""

import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ..braindecode_models import braindecode_classes
from ..fast.layers import FastDropout, FastELU
from ..fast.moments import expected_squares, summarize
from .products import bmm
from .spectra import Bank, Limited, activate, normalise, normalise_gradients

braindecode_classes()  # imports braindecode without its warnings
from braindecode.modules.parametrization import MaxNormParametrize  # noqa: E402

NORMS = ("bnorm_temporal", "bnorm_1", "bnorm_2")
NAMES = (
    *("conv_temporal.weight", "bnorm_temporal.weight", "bnorm_temporal.bias"),
    *("conv_spatial.parametrizations.weight.original", "bnorm_1.weight", "bnorm_1.bias"),
    *("conv_separable_depth.weight", "conv_separable_point.weight", "bnorm_2.weight", "bnorm_2.bias"),
)


class EEGNetProgram:
    """Several networks of `SpatialFirstEEGNet`.

    Only while training there are gradients of the logits.
    """

    mirrors = True

    def __init__(self, module, prefix):
        self.prefix, self.k = prefix, module.kernel_length
        self._merged = (None, None, None)  # weights, a length, and what follows from both
        self.norms = {
            name: (module.get_submodule(name).eps, module.get_submodule(name).momentum) for name in NORMS
        }
        self.sizes = module.pool_1.kernel_size[1], module.pool_2.kernel_size[1]
        self.padding = (module.conv_temporal.padding[1],) * 2
        self.depth_padding = (module.conv_separable_depth.padding[1],) * 2
        self.probabilities = module.drop_1.p, module.drop_2.p
        self.max_norm = module.conv_spatial.parametrizations.weight[0].max_norm
        final = getattr(module.final_layer, "linearconstraint", None)
        layer = "final_layer.conv_classifier" if final is None else "final_layer.linearconstraint"
        kind = "weight" if final is None else "parametrizations.weight.original"
        self.names = (*NAMES, f"{layer}.{kind}", f"{layer}.bias")
        self.final_max_norm = None if final is None else final.parametrizations.weight[0].max_norm

    @staticmethod
    def covers(module):
        """Whether these settings of the network are known."""
        layers = module._modules
        kinds = {"elu_1": FastELU, "elu_2": FastELU, "drop_1": FastDropout, "drop_2": FastDropout}
        kinds |= dict.fromkeys(NORMS, nn.BatchNorm2d)
        if not all(type(layers.get(name)) is kind for name, kind in kinds.items()):
            return False
        final = getattr(module.final_layer, "linearconstraint", None)
        limited = [module.conv_spatial] + ([] if final is None else [final])
        whole = final is not None or module.final_layer.conv_classifier.kernel_size[1] == _n_pooled(module)
        return (
            whole
            and all(_pools_adjacent(layers[name]) for name in ("pool_1", "pool_2"))
            and all(layers[name].affine and layers[name].track_running_stats for name in NORMS)
            and all(_is_max_norm(layer) for layer in limited)
        )

    def summarize(self, x):
        """What the statistics of the first batch normalisation need to know of samples, one row each."""
        return summarize(x, self.k)

    def __call__(self, weights, inputs, dropout, training, permutation=None):
        """Logits; those of mirrored samples, their channels permuted, come after those of the samples."""
        if training:
            own = self._own(weights)
            return Step.apply(self, inputs, dropout, permutation, own, *(own[name] for name in self.names))
        with torch.no_grad():
            n_times = inputs[0].shape[3]
            of, length, merged = self._merged
            if of is not weights or length != n_times:
                merged = self._merge(self._own(weights), n_times)
                self._merged = weights, n_times, merged
            return self._predict(merged, inputs[0], permutation)

    def _own(self, weights):
        here = len(self.prefix)
        return {name[here:]: weight for name, weight in weights.items() if name.startswith(self.prefix)}

    def _merge(self, weights, n_times):
        """Filters, mixtures and offsets of each block with the normalisations, for signals of a length."""
        size, size_2 = self.sizes
        temporal, _, _, spatial, _, _, depth, point, _, _, final, final_bias = (
            weights[n] for n in self.names
        )
        (gain, offset), (gain_1, offset_1), (gain_2, offset_2) = (
            self._affine(weights, name) for name in NORMS
        )
        spatial = Limited(spatial.flatten(2), self.max_norm).value * gain_1.unsqueeze(2)
        repeats = spatial.shape[1] // temporal.shape[1]
        offset_1 = offset_1 + offset.repeat_interleave(repeats, 1) * spatial.sum(2)
        bank = Bank(temporal.flatten(0, 3) * gain.view(-1, 1), n_times, self.padding, size)
        bank_2 = Bank(depth.flatten(0, 3), bank.n_out // size, self.depth_padding, size_2)
        point = point.flatten(2) * gain_2.unsqueeze(2)
        final = final.flatten(2)
        if self.final_max_norm is not None:
            final = Limited(final, self.final_max_norm).value
        first = spatial, bank, offset_1.view(-1, 1, 1)
        return first, (bank_2, point, offset_2.unsqueeze(2)), (final.mT, final_bias.unsqueeze(1))

    def _predict(self, merged, x, permutation):
        """Logits by the running statistics."""
        (spatial, bank, offset), (bank_2, point, offset_2), (final, final_bias) = merged
        y, _ = bank.apply(mixed_rows(x, spatial, bank, permutation).view(len(bank.response), -1, bank.length))
        pooled, _ = activate(y.view(len(offset), -1, bank.length).add_(offset), bank.n_out, self.sizes[0])
        y = bank_2.apply(bank_2.rows(pooled))[0].view(*point.shape[:1], point.shape[2], -1)
        y = bmm(point, y) + offset_2
        pooled, _ = activate(y.view(offset_2.numel(), -1, bank_2.length), bank_2.n_out, self.sizes[1])
        features = pooled.view(*point.shape[:2], *pooled.shape[1:]).transpose(1, 2).flatten(2)
        return bmm(features, final) + final_bias

    def _affine(self, weights, name):
        """Factor and offset by which a batch normalisation acts with its running statistics."""
        gain = (weights[f"{name}.running_var"] + self.norms[name][0]).rsqrt() * weights[f"{name}.weight"]
        return gain, weights[f"{name}.bias"] - weights[f"{name}.running_mean"] * gain

    def count_in(self, buffers, statistics):
        """Update running statistics by mean, variance and number of values of each normalisation's batch."""
        for name, (mean, variance, n) in zip(NORMS, statistics, strict=True):
            count = buffers[f"{name}.num_batches_tracked"].add_(1)
            share = self.norms[name][1]
            if share is None:
                share = count.to(mean.dtype).reciprocal_().unsqueeze(1).expand_as(mean)
            buffers[f"{name}.running_mean"].lerp_(mean, share)
            buffers[f"{name}.running_var"].lerp_(variance * (n / (n - 1)), share)


def _pools_adjacent(layer):
    """Whether a pooling takes means of adjacent windows."""
    settings = (getattr(layer, name, None) for name in ("stride", "padding", "ceil_mode", "divisor_override"))
    expected = (getattr(layer, "kernel_size", None), 0, False, None)
    return isinstance(layer, nn.AvgPool2d) and tuple(settings) == expected and layer.kernel_size[0] == 1


def _is_max_norm(layer):
    """Whether the weight of a layer has a limited norm and no other constraint."""
    chain = dict(getattr(layer, "parametrizations", nn.ModuleDict()).items()).get("weight", ())
    return len(chain) == 1 and type(chain[0]) is MaxNormParametrize


def _n_pooled(module):
    """Number of values in time that the second pooling leaves of a sample."""
    n = module.n_times
    for convolution, pool in (("conv_temporal", "pool_1"), ("conv_separable_depth", "pool_2")):
        layer = module.get_submodule(convolution)
        n = (n + 2 * layer.padding[1] - layer.kernel_size[1] + 1) // module.get_submodule(pool).kernel_size[1]
    return n


class Step(Function):
    """Logits while training, with the gradients of the weights, which are in the order of the names."""

    @staticmethod
    def forward(ctx, program, inputs, dropout, permutation, buffers, *weights):
        (
            temporal,
            weight,
            bias,
            spatial,
            weight_1,
            bias_1,
            depth,
            point,
            weight_2,
            bias_2,
            final,
            final_bias,
        ) = weights
        (x, *summary), (size, size_2) = inputs, program.sizes
        eps, eps_1, eps_2 = (program.norms[name][0] for name in NORMS)
        first, second, n = expected_squares(x, program.k, program.padding, *summary)
        filters = NormalisedFilters(temporal.flatten(2), weight, first, second, eps)
        mixing = Limited(spatial.flatten(2), program.max_norm)
        block_1 = FirstBlock(
            x, mixing.value, filters.value, weight_1, bias_1, program.padding, eps_1, size, permutation
        )
        # a constant that the normalisation takes away again
        constant = (bias - filters.mean * filters.gain).to(x.dtype).unsqueeze(2)
        constant = constant * mixing.value.sum(2).view(*weight.shape, -1)
        mask = dropout(torch.ones_like(block_1.pooled), program.probabilities[0])
        block_2 = SecondBlock(
            block_1.pooled * mask, depth, point, weight_2, bias_2, program.depth_padding, eps_2, size_2
        )
        mask_2 = dropout(torch.ones_like(block_2.pooled), program.probabilities[1])
        features = (block_2.pooled * mask_2).transpose(1, 2).flatten(2)
        final = final.flatten(2)
        limited = None if program.final_max_norm is None else Limited(final, program.final_max_norm)
        final = final if limited is None else limited.value
        n_views = 1 if permutation is None else 2
        program.count_in(
            buffers,
            (
                (filters.mean.to(x.dtype), filters.variance.to(x.dtype), n * n_views),
                (block_1.mean + constant.flatten(1), block_1.variance, block_1.n),
                (block_2.mean, block_2.variance, block_2.n),
            ),
        )
        ctx.state = filters, mixing, block_1, mask, block_2, mask_2, features, final, limited
        ctx.shapes = [w.shape for w in weights]
        return bmm(features, final.mT) + final_bias.unsqueeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx, dlogits):
        filters, mixing, block_1, mask, block_2, mask_2, features, final, limited = ctx.state
        ctx.state = None
        dfinal = bmm(dlogits.mT, features)
        dfinal = dfinal if limited is None else limited.gradient(dfinal)
        dfeatures = bmm(dlogits, final).unflatten(2, (mask_2.shape[1], -1))
        dpooled, ddepth, dpoint, *dnorm_2 = block_2.gradients(dfeatures.transpose(1, 2) * mask_2)
        dspatial, dfilters, *dnorm_1 = block_1.gradients(dpooled * mask)
        dtemporal, dweight = filters.gradients(dfilters.view(filters.h.shape))
        # the bias of the first normalisation has none, as the second takes it away
        gradients = (
            dtemporal,
            dweight,
            None,
            mixing.gradient(dspatial),
            *dnorm_1,
            ddepth,
            dpoint,
            *dnorm_2,
            dfinal,
        )
        gradients = *gradients, dlogits.sum(1)
        shaped = (None if d is None else d.reshape(s) for d, s in zip(gradients, ctx.shapes, strict=True))
        return None, None, None, None, None, *shaped


class NormalisedFilters:
    """Filters (n_networks, n_filters, k) with the gain of the batch normalisation of what they give.

    ``first`` and ``second`` are mean windows and mean outer products of windows.
    """

    def __init__(self, filters, weight, first, second, eps):
        self.h, first = filters.double(), first.unsqueeze(1)
        self.mean, product = (self.h * first).sum(2), bmm(self.h, second)
        self.variance = (self.h * product).sum(2) - self.mean * self.mean
        self.scale = (self.variance + eps).rsqrt()
        self.gain = self.scale * weight
        self.covariance = product - self.mean.unsqueeze(2) * first
        self.value = (self.h * self.gain.unsqueeze(2)).to(filters.dtype)

    def gradients(self, d):
        """Of the filters and of the weight of the normalisation."""
        dweight = (d * self.h).sum(2) * self.scale
        dvariance = dweight * self.gain * self.scale  # times -1/2, which the 2 of the square cancels
        dfilters = d * self.gain.unsqueeze(2) - self.covariance * dvariance.unsqueeze(2)
        return dfilters.to(d.dtype), dweight.to(d.dtype)


def mixed_rows(x, spatial, bank, permutation):
    """Mixtures of channels as rows (n_networks, n_signals, n, length), mirrored samples after the others."""
    n_networks, n, n_chans, n_times = x.shape
    n_signals = spatial.shape[1]
    if permutation is not None:
        spatial = torch.cat([spatial, spatial[..., permutation.argsort()]], 1)
    weight = spatial.unsqueeze(1).expand(-1, n, -1, -1).flatten(0, 1)
    mixed = bmm(weight, x.flatten(0, 1), n).view(n_networks, n, -1, n_signals, n_times)
    return bank.rows(mixed.permute(0, 3, 2, 1, 4)).flatten(2, 3)


class FirstBlock:
    """Spatial and temporal filters, batch normalisation, ELU and mean pooling.

    ``pooled`` (n_networks, n_signals, n, n_pooled), ``mean`` and ``variance`` of ``n`` values a channel.
    """

    def __init__(self, x, spatial, filters, weight, bias, padding, eps, size, permutation):
        self.x, self.permutation, self.size = x, permutation, size
        self.bank = bank = Bank(filters.flatten(0, 1), x.shape[3], padding, size)
        rows = mixed_rows(x, spatial, bank, permutation)
        n = rows.shape[2]
        y, self.spectrum = bank.apply(rows.view(len(bank.response), -1, bank.length))
        settings = weight.reshape(-1), bias.reshape(-1), eps, size
        pooled, mean, variance, self.state = normalise(y.view(-1, n, bank.length), bank.n_out, *settings)
        self.mean, self.variance = mean.view(weight.shape), variance.view(weight.shape)
        self.pooled, self.n = pooled.view(*weight.shape, n, -1), n * bank.n_out

    def gradients(self, dpooled):
        """Of the spatial and the temporal filters, the weight and the bias of the normalisation."""
        bank, x, (n_networks, n_signals, n, n_pooled) = self.bank, self.x, dpooled.shape
        dpooled = dpooled.reshape(-1, n, n_pooled)
        dy, *dnorm = normalise_gradients(dpooled, self.state, bank.n_out, self.size)
        drows, dfilters = bank.gradients(dy.view(len(bank.response), -1, bank.length), self.spectrum)
        dmixed = drows.view(n_networks, n_signals, -1, x.shape[1], bank.length)[..., bank.within]
        # contiguous in any case, as a single network would be taken as it is, and rounded otherwise
        dmixed = dmixed.permute(0, 3, 2, 1, 4).contiguous().view(n_networks * x.shape[1], -1, x.shape[3])
        dspatial = bmm(x.flatten(0, 1), dmixed.mT, x.shape[1]).unflatten(0, (n_networks, -1)).sum(1).mT
        if self.permutation is not None:
            dspatial, dmirrored = dspatial.chunk(2, 1)
            dspatial = dspatial + dmirrored[..., self.permutation]
        return dspatial, dfilters, *dnorm


class SecondBlock:
    """Depthwise and pointwise convolution, batch normalisation, ELU and mean pooling, as `FirstBlock`."""

    def __init__(self, x, depth, point, weight, bias, padding, eps, size):
        n_networks, n_signals, n, n_times = x.shape
        self.point, self.size = point.flatten(2), size
        self.bank = bank = Bank(depth.flatten(0, 3), n_times, padding, size)
        filtered, self.spectrum = bank.apply(bank.rows(x.view(-1, n, n_times)))
        self.filtered = filtered.view(n_networks, n_signals, -1)
        y = bmm(self.point, self.filtered).reshape(-1, n, bank.length)
        settings = weight.reshape(-1), bias.reshape(-1), eps, size
        pooled, mean, variance, self.state = normalise(y, bank.n_out, *settings)
        self.mean, self.variance = mean.view(weight.shape), variance.view(weight.shape)
        self.pooled, self.n = pooled.view(*weight.shape, n, -1), n * bank.n_out

    def gradients(self, dpooled):
        """Of the signals, both convolutions, the weight and the bias of the normalisation."""
        bank, (n_networks, n_out, n, n_pooled) = self.bank, dpooled.shape
        dy, *dnorm = normalise_gradients(dpooled.reshape(-1, n, n_pooled), self.state, bank.n_out, self.size)
        dy = dy.view(n_networks, n_out, -1)
        dpoint = bmm(dy, self.filtered.mT)
        dfiltered = bmm(self.point.mT, dy).reshape(-1, n, bank.length)
        drows, ddepth = bank.gradients(dfiltered, self.spectrum)
        return drows[..., bank.within].view(n_networks, -1, n, bank.n_times), ddepth, dpoint, *dnorm
