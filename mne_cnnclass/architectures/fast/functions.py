"""Operations of torch in less time on a CPU, with the same results up to rounding."""

from __future__ import annotations

import torch
from scipy.fft import next_fast_len
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

CACHE_BYTES = 2**20


class FilterBank(Function):
    """Mixtures of channels, each through a filter of its own, by Fourier transforms.

    The gradients are written out, since those that autograd derives transform more often, and transform
    complex numbers where real ones would do.
    """

    @staticmethod
    def forward(ctx, x, spatial, filters, offset, padding):
        """Mix, filter, and add an offset.

        x : (n, n_channels, n_times); spatial : (n_signals, n_channels); filters : (n_signals, k); offset :
        (n_signals,); padding : zeros before and after. Returns (n, n_signals, n_times + sum(padding) - k + 1).
        """
        before, after = padding
        n_times, k = x.shape[2], filters.shape[1]
        n_out = n_times + before + after - k + 1
        # the circular convolution of this length agrees with the linear one in the first n_out values
        length = next_fast_len(max(n_times + max(before, after), n_out), real=True)
        kernels = functional.pad(filters.flip(1), (0, length - k)).roll(before + 1 - k, 1)
        response = torch.fft.rfft(kernels, length)
        spectrum = torch.empty(len(x), *response.shape, dtype=response.dtype, device=x.device)
        y = x.new_empty(len(x), len(filters), n_out)
        for part in _parts(len(x), length * len(filters) * x.element_size()):
            signals = torch.bmm(spatial.expand(len(x[part]), -1, -1), x[part])
            torch.fft.rfft(signals, length, out=spectrum[part])
            product = spectrum[part] * response
            product[..., 0] += offset * length
            y[part] = torch.fft.irfft(product, length)[..., :n_out]
        ctx.save_for_backward(x, spectrum, response)
        ctx.length, ctx.before, ctx.k = length, before, k
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        x, spectrum, response = ctx.saved_tensors
        if ctx.needs_input_grad[0]:
            raise NotImplementedError("This path has no gradient with respect to the signals.")
        n_signals = len(response)
        doffset, correlation = dy.new_zeros(n_signals), torch.zeros_like(response)
        dspatial = dy.new_zeros(n_signals, x.shape[1])
        conjugate = response.conj().resolve_conj()
        for part in _parts(len(x), ctx.length * n_signals * x.element_size()):
            dproduct = torch.fft.rfft(dy[part], ctx.length)
            doffset += dproduct[..., 0].real.sum(0)
            correlation += (spectrum[part].conj() * dproduct).sum(0)
            dsignals = torch.fft.irfft(dproduct.mul_(conjugate), ctx.length)[..., : x.shape[2]]
            dspatial += torch.bmm(dsignals, x[part].transpose(1, 2)).sum(0)
        dkernels = torch.fft.irfft(correlation, ctx.length)
        dfilters = dkernels.roll(ctx.k - 1 - ctx.before, 1)[:, : ctx.k].flip(1)
        return None, dspatial, dfilters, doffset, None


def _parts(n, n_bytes):
    """Slices of n samples, each of so many bytes, that leave room in a processor's cache."""
    size = max(1, CACHE_BYTES // n_bytes)
    return [slice(start, start + size) for start in range(0, n, size)]


class ExponentialLinear(Function):
    """ELU as ``max(x, exp(min(x, 0)) - 1)``: torch's ``exp`` takes a tenth of the time of its ``expm1``."""

    @staticmethod
    def forward(ctx, x):
        """Activate."""
        y = x.clamp(max=0).exp_().sub_(1)
        torch.maximum(x, y, out=y)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        (y,) = ctx.saved_tensors
        return torch.addcmul(dy, dy, y.clamp(max=0))


class MeanPooling(Function):
    """Means of adjacent windows along the last axis, as sums of strided slices."""

    @staticmethod
    def forward(ctx, x, size):
        """Pool (..., n_times) to (..., n_times // size)."""
        n_out = x.shape[-1] // size
        blocks = x[..., : n_out * size].unflatten(-1, (n_out, size))
        y = blocks[..., 0].clone()
        for i in range(1, size):
            y += blocks[..., i]
        ctx.shape, ctx.size = x.shape, size
        return y.div_(size)

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        n_used = dy.shape[-1] * ctx.size
        dx = dy.new_empty(ctx.shape)
        dx[..., :n_used].unflatten(-1, (-1, ctx.size)).copy_((dy / ctx.size).unsqueeze(-1))
        dx[..., n_used:] = 0
        return dx, None


class Turn(Function):
    """Exchange the last two axes, one of which has length one, and put channels last in memory.

    ``transpose`` would leave any stride at the axis of length one, and batch normalisation in torch 2.13
    returns wrong gradients, without a word, where strides of such axes differ between its input and the
    gradient of its output. So they are set to what ``channels_last`` prescribes, in the backward pass as well.
    """

    @staticmethod
    def forward(ctx, x):
        """Turn (n, n_channels, a, b) to (n, n_channels, b, a)."""
        n, n_channels, a, b = x.shape
        strides = n_channels * a * b, 1, n_channels * a, n_channels
        return channels_last(x).as_strided((n, n_channels, b, a), strides)

    @staticmethod
    def backward(ctx, dy):
        return Turn.apply(dy)


def channels_last(x):
    """The tensor with the channels of a place next to each other in memory."""
    return x.contiguous(memory_format=torch.channels_last)


def dropout(x, probability):
    """Zero each number with a probability, and scale the rest so that the mean remains.

    One random integer of 64 bits makes four or two decisions, where torch draws a number for each.
    """
    coarse = (probability * 2**16).is_integer()  # 16 bits hold the probability exactly
    dtype, n_bits = (torch.int16, 16) if coarse else (torch.int32, 32)
    bits = torch.empty(-(-x.numel() * n_bits // 64), dtype=torch.int64, device=x.device)
    bits = bits.random_(-(2**63), None).view(dtype)[: x.numel()]
    kept = bits >= round((probability - 0.5) * 2**n_bits)
    dense = x if torch.ops.aten.is_non_overlapping_and_dense(x) else torch.empty_like(x)
    return (x * kept.as_strided(dense.shape, dense.stride())).mul_(1 / (1 - probability))
