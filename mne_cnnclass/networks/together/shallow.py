"""The program of ShallowFBCSPNet."""

import math

import torch
from braindecode.modules import SafeLog, Square
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ..fast.braindecode_blocks import MergedConv
from ..fast.layers import FastDropout, TimeLastAvgPool2d
from .products import Product, bmm

CACHE_BYTES = 3 * 2**20  # of spectra that are made in one go


class Shallow:
    """The program of ShallowFBCSPNet."""

    def __init__(self, module, prefix):
        self.prefix, norm, pool = prefix, module.bnorm, module.pool
        self.momentum, self.norm_eps, self.log_eps = norm.momentum, norm.eps, module.pool_nonlin_exp.epsilon
        self.drop_prob = module.drop.p
        window, stride = pool.kernel_size[0], pool.stride[0]
        self.filters = FrameFilters(module.n_times, module.filter_time_length, math.gcd(window, stride))
        first = torch.arange(module.final_conv_length) * (stride // self.filters.block)
        blocks = torch.arange(self.filters.n_frames * self.filters.step // self.filters.block)[:, None]
        windows = (blocks >= first) & (blocks < first + window // self.filters.block)
        self.filters.constants["windows"] = windows.double() / window

    @staticmethod
    def covers(module):
        """Whether the layers are the usual ones."""
        layers = dict(module.named_children())
        usual = dict(conv_time_spat=MergedConv, bnorm=nn.BatchNorm2d, conv_nonlin_exp=Square)
        usual |= dict(pool=TimeLastAvgPool2d, pool_nonlin_exp=SafeLog, drop=FastDropout)
        if any(type(layers.get(name)) is not cls for name, cls in usual.items()):
            return False
        window, stride = layers["pool"].kernel_size[0], layers["pool"].stride[0]
        n_windows = (module.n_times - module.filter_time_length + 1 - window) // stride + 1
        return layers["bnorm"].momentum is not None and module.final_conv_length == n_windows

    def __call__(self, weights, inputs, dropout, training):
        of = {name.removeprefix(self.prefix): weight for name, weight in weights.items()}
        spatial = of["conv_time_spat.conv_spat.weight"].squeeze(3).mT
        merged = Product.apply(spatial.flatten(1, 2), of["conv_time_spat.conv_time.weight"].flatten(2))
        bias = (spatial.sum(2) * of["conv_time_spat.conv_time.bias"].unsqueeze(1)).sum(2)
        mean, variance = of["bnorm.running_mean"], of["bnorm.running_var"]
        statistics = (None, None) if training else (mean - bias, variance)
        batch_norm = of["bnorm.weight"], of["bnorm.bias"], *statistics
        features, *statistics = LogPower.apply(self, inputs[0], merged, *batch_norm)
        if training:
            with torch.no_grad():
                n = inputs[0].shape[1] * self.filters.n_valid
                mean.lerp_(statistics[0] + bias, self.momentum)
                variance.lerp_(statistics[1] * (n / (n - 1)), self.momentum)
                of["bnorm.num_batches_tracked"] += 1
            features = dropout(features, self.drop_prob)
        features = features.transpose(1, 2).flatten(2)
        final = [of[f"final_layer.conv_classifier.{name}"] for name in ("weight", "bias")]
        return Product.apply(features, final[0].flatten(2).mT) + final[1].unsqueeze(1)


class LogPower(Function):
    """Filters, batch normalisation, square, mean pooling and logarithm.

    The power of a normalised signal in a window follows from the sums of blocks of the signal and of its
    square. Without a mean and a variance, those of the batch are taken and returned.
    """

    @staticmethod
    def forward(ctx, program, x, merged, weight, bias, mean, variance):
        """From (n_networks, n, n_chans, n_times) to (n_networks, n_filters, n, n_windows)."""
        ctx.program, filters, kept = program, program.filters, []
        windows = filters.matrix("windows", x)
        sums = x.new_empty(len(x), 2, weight.shape[1], x.shape[1], windows.shape[1])
        ctx.parts = filters.parts(x, weight.shape[1])
        for networks, slices in ctx.parts:
            response = filters.response(merged[networks], weight.shape[1])
            for samples in slices:
                y, spectra = filters.filtered(x[networks, samples], response)
                sums[networks, 0, :, samples] = y.sum(4)
                sums[networks, 1, :, samples] = (y * y).sum(4)
                kept += [y, spectra]
        ctx.n = None if mean is not None else x.shape[1] * filters.n_valid
        if ctx.n:
            mean, power = (sums.sum((3, 4)) / ctx.n).unbind(1)
            variance = power - mean**2
        scale = (variance + program.norm_eps).rsqrt()
        gain = weight * scale
        offset = bias - gain * mean
        factors = torch.stack([2 * gain * offset, gain**2], 1)[..., None, None]
        means = bmm(sums.flatten(1, 3), windows).reshape(*sums.shape[:4], -1)
        power = torch.addcmul(offset[..., None, None] ** 2, factors[:, 0], means[:, 0])
        power.addcmul_(factors[:, 1], means[:, 1]).clamp_(min=program.log_eps)
        ctx.save_for_backward(means, power, factors, gain, offset, scale, mean, *kept)
        ctx.mark_non_differentiable(mean, variance)
        return power.log(), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx, dfeatures, *_):
        filters = ctx.program.filters
        means, power, factors, gain, offset, scale, mean, *kept = ctx.saved_tensors
        dpower = (dfeatures / power).mul_(power > ctx.program.log_eps)
        dfactors = (dpower.unsqueeze(1) * means).sum((3, 4))
        doffset = 2 * (gain * dfactors[:, 0] + offset * dpower.sum((2, 3)))
        dgain = 2 * (offset * dfactors[:, 0] + gain * dfactors[:, 1]) - mean * doffset
        dmean = -gain * doffset
        dsums = bmm((factors * dpower.unsqueeze(1)).flatten(1, 3), filters.matrix("windows", means).mT)
        dsums = dsums.reshape(*means.shape[:4], -1, 1)
        if ctx.n:
            dvariance = -0.5 * dgain * gain * scale**2
            dsums += torch.stack([dmean - 2 * mean * dvariance, dvariance], 1)[..., None, None, None] / ctx.n
        dsquares, dmerged, kept = 2 * dsums[:, 1], [], iter(kept)
        for networks, slices in ctx.parts:
            dresponse = None
            for samples in slices:
                y, spectra = next(kept), next(kept)
                dy = torch.addcmul(dsums[networks, 0, :, samples], y, dsquares[networks, :, samples])
                now = filters.dresponse(dy, spectra)
                dresponse = now if dresponse is None else dresponse.add_(now)
            dmerged.append(filters.dmerged(dresponse))
        return None, None, torch.cat(dmerged), dgain * scale, doffset, None if ctx.n else dmean, None


class FrameFilters:
    """Filters on overlapping frames of all channels, where they are products of spectra.

    Filtered signals come in blocks, whose length is a divisor of ``divisor``.
    """

    def __init__(self, n_times, k, divisor):
        self.k, self.n_valid = k, n_times - k + 1
        self.block = max(d for d in range(1, max(2 * k, 16) + 1) if divisor % d == 0)
        self.step = self.block * max(1, round(1.6 * k / self.block))
        self.n_frames, self.length = -(-self.n_valid // self.step), self.step + k - 1
        self.constants, self.kept = transforms(k, self.step), {}

    def parts(self, x, n_filters):
        """Networks that are computed in one go, and samples if one network is too much."""
        n_networks, n, n_chans, _ = x.shape
        n_bytes = n * self.n_frames * self.length * 2 * (n_chans + n_filters) * x.element_size()
        size, together = -(-n // -(-n_bytes // CACHE_BYTES)), max(1, CACHE_BYTES // n_bytes)
        samples = [slice(start, start + size) for start in range(0, n, size)]
        return [(slice(start, start + together), samples) for start in range(0, n_networks, together)]

    def matrix(self, name, x):
        """A constant matrix for each of the networks of x, as x is stored."""
        key = name, len(x), x.dtype, x.device
        if key not in self.kept:
            matrix = self.constants[name].to(x.device, x.dtype).contiguous()
            self.kept[key] = matrix.as_strided((len(x), *matrix.shape), (0, *matrix.stride()))
        return self.kept[key]

    def response(self, merged, n_filters):
        """At each frequency, a matrix for the real parts of all channels followed by the imaginary ones."""
        parts = bmm(self.matrix("of_filter", merged), merged.mT)
        parts = parts.reshape(-1, 2, n_filters, parts.shape[2] // n_filters)
        turned = torch.stack([-parts[:, 1], parts[:, 0]], 1)
        return torch.stack([parts, turned], 3).flatten(1, 2).flatten(2)

    def dmerged(self, dresponse):
        real, imag = dresponse.unflatten(1, (2, -1)).unflatten(3, (2, -1)).unbind(1)
        parts = torch.stack([real[:, :, 0] + imag[:, :, 1], imag[:, :, 0] - real[:, :, 1]], 1)
        n_numbers = 2 * (self.length // 2 + 1)
        parts = parts.view(-1, n_numbers, parts[0, 0].numel())
        return bmm(parts.mT, self.matrix("of_filter", parts))

    def filtered(self, x, response):
        """Blocks of filtered signals, (n_networks, n_filters, n, n_blocks, block), and spectra."""
        of_frame, inverse = self.matrix("of_frame", x), self.matrix("inverse", x)
        spectra = bmm(of_frame, self.frames(x).mT).reshape(len(response), response.shape[2], -1)
        products = bmm(response, spectra, of_frame.shape[1] // 2).reshape(*of_frame.shape[:2], -1)
        y = bmm(products.mT, inverse).reshape(len(x), -1, x.shape[1], self.n_frames * self.step)
        y[..., self.n_valid :] = 0
        return y.unflatten(3, (-1, self.block)), spectra

    def dresponse(self, dy, spectra):
        dy = dy.flatten(3)
        dy[..., self.n_valid :] = 0
        dproducts = bmm(self.matrix("inverse", dy), dy.view(len(dy), -1, self.step).mT)
        n_frequencies = dproducts.shape[1] // 2
        dproducts = dproducts.reshape(len(spectra), 2 * dy.shape[1], -1)
        return bmm(dproducts, spectra.mT, n_frequencies)

    def frames(self, x):
        """Frames of signals, the last ones with zeros at their ends."""
        x, start = x.transpose(1, 2), (self.n_frames - 1) * self.step
        frames = x.new_empty(*x.shape[:3], self.n_frames, self.length)
        if start:
            frames[..., :-1, :] = x[..., : start + self.k - 1].unfold(3, self.length, self.step)
        frames[..., -1, : x.shape[3] - start] = x[..., start : start + self.length]
        frames[..., -1, x.shape[3] - start :] = 0
        return frames.flatten(1, 3)


def transforms(k, step):
    """Matrices of Fourier transforms: of frames, of filters, and the inverse one of ``step`` samples."""
    length = step + k - 1
    frequency = torch.arange(length // 2 + 1, dtype=torch.float64)[:, None]
    angle = 2 * math.pi / length * frequency * torch.arange(length)
    wave = torch.stack([angle.cos(), -angle.sin()], 1)
    share = (1 + ((frequency > 0) & (2 * frequency < length)).double()) / length
    # filters have the conjugate spectrum, as these convolutions do not turn them round
    of_filter = torch.stack([angle.cos(), angle.sin()], 1)[..., :k]
    inverse = (wave * share.unsqueeze(1))[..., :step]
    return dict(of_frame=wave.flatten(0, 1), of_filter=of_filter.flatten(0, 1), inverse=inverse.flatten(0, 1))
