"""Convolutions by way of Fourier transforms."""

import torch
from scipy.fft import next_fast_len
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from .functions import CACHE_BYTES


class SpectralConvolution(Function):
    """A convolution along the last axis by way of spectra.

    At each frequency a signal is one number a channel and the filters are a matrix, so one product of
    matrices takes the place of as many as the filters have samples. It is done for some samples at a time,
    so that they stay in the processor's cache.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, padding, groups):
        """Convolve (n, n_in, n_rows, n_times) by (n_out, n_in // groups, k), each row for itself."""
        n, _, n_rows, n_times = x.shape
        n_out, n_each, k = weight.shape
        before, after = padding
        n_valid = n_times + before + after - k + 1
        # what wraps around falls on zeros, or on samples that are left out at the end
        length = next_fast_len(max(n_times + max(before, after), n_valid, k), real=True)
        # the conjugate, as these convolutions do not turn the filters round
        response = torch.fft.ihfft(functional.pad(weight, (0, length - k)).roll(-before, 2), norm="forward")
        response = response.unflatten(0, (groups, -1))
        if n_each > 1:
            response = _by_frequency(response, 2, 1)
        enough = 1 if n_each == 1 else -(-64 // n_rows)  # for a product of matrices to be fast
        size = max(enough, CACHE_BYTES // (n_rows * length * max(n_out, x.shape[1]) * x.element_size()))
        parts = [slice(start, start + size) for start in range(0, n, size)]
        y, spectra = x.new_empty(n, n_out, n_rows, n_valid), []
        for part in parts:
            spectrum = _spectrum(torch.fft.rfft(x[part], length), groups, n_each)
            if ctx.needs_input_grad[1]:
                spectra.append(spectrum)
            if n_each == 1:
                product = spectrum * response
            else:
                product = torch.einsum("ngahf,gbaf->ngbhf", spectrum, response)
            y[part] = torch.fft.irfft(product, length)[..., :n_valid].flatten(1, 2)
        ctx.save_for_backward(response if ctx.needs_input_grad[0] else None, *spectra)
        ctx.sizes, ctx.parts, ctx.length = (x.shape, weight.shape, before, groups), parts, length
        return y if bias is None else y.add_(bias.view(-1, 1, 1))

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        response, *spectra = ctx.saved_tensors
        shape, (n_out, n_each, k), before, groups = ctx.sizes
        dx = dy.new_empty(shape) if ctx.needs_input_grad[0] else None
        correlation = 0.0
        for part, spectrum in zip(ctx.parts, spectra, strict=True):
            dproduct = torch.fft.ihfft(dy[part], ctx.length, norm="forward")
            dproduct = _spectrum(dproduct, groups, n_each)
            if n_each == 1:
                correlation += (spectrum * dproduct).sum((0, 3)).unsqueeze(2)
            else:
                correlation += torch.einsum("ngahf,ngbhf->gbaf", spectrum, dproduct)
            if dx is not None:
                if n_each == 1:
                    dspectrum = (dproduct * response).sum(2)
                else:
                    dspectrum = torch.einsum("ngbhf,gbaf->ngahf", dproduct, response).flatten(1, 2)
                dx[part] = torch.fft.irfft(dspectrum.conj(), ctx.length)[..., : shape[3]]
        dweight = torch.fft.irfft(correlation, ctx.length).roll(before, -1)[..., :k].flatten(0, 1)
        dbias = dy.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return dx, dweight, dbias, None, None


class BlockFilters:
    """A convolution of short, overlapping blocks along the last axis, for filters that stay the same.

    Each block becomes half as many complex numbers, and filters a matrix for each of them; transforms of this
    length are products of matrices, too. ``weight`` (n_out, n_in, k) is as torch's convolutions take it,
    ``bias`` (n_out,) is added.
    """

    def __init__(self, weight, bias):
        self.bias, self.n_out, k = bias, len(weight), weight.shape[2]
        self.size = self._size(k)
        self.step, n = self.size - k + 1, self.size // 2 + 1
        identity = torch.eye(self.size, dtype=torch.float64, device=weight.device)
        spectra = torch.view_as_real(torch.fft.rfft(identity))
        self.transform = spectra.permute(1, 2, 0).flatten(0, 1).to(weight)
        parts = torch.view_as_complex(torch.eye(2 * n).to(identity).view(2 * n, n, 2))
        self.inverse = torch.fft.irfft(parts, self.size)[:, : self.step].to(weight)
        # the conjugate, as these convolutions do not turn the filters round
        response = torch.fft.rfft(weight.double(), self.size).conj().permute(2, 0, 1)
        real, imag = response.real, response.imag
        rows = torch.cat([real, -imag], 2), torch.cat([imag, real], 2)
        self.response = torch.cat(rows, 1).to(weight)

    def apply(self, x):
        """Convolve (n, n_in, n_times) to (n, n_out, n_out_times, 1)."""
        n, n_in, n_times = x.shape
        n_valid = n_times - self.size + self.step
        n_blocks = -(-n_valid // self.step)
        x = functional.pad(x, (0, (n_blocks - 1) * self.step + self.size - n_times))
        at_once = max(1, CACHE_BYTES // (n_times * max(n_in, self.n_out) * x.element_size()))
        y = x.new_empty(n, self.n_out, n_valid)
        for start in range(0, n, at_once):
            blocks = x[start : start + at_once].unfold(2, self.size, self.step).transpose(0, 1)
            spectrum = self.transform @ blocks.reshape(-1, self.size).T
            product = self.response @ spectrum.view(self.size // 2 + 1, 2 * n_in, -1)
            signals = product.view(len(self.inverse), -1).T @ self.inverse
            signals = signals.view(self.n_out, -1, n_blocks * self.step)[..., :n_valid].transpose(0, 1)
            torch.add(signals, self.bias[:, None], out=y[start : start + at_once])
        return y.unsqueeze(3)

    @staticmethod
    def _size(k):
        """Length of a block of filters with k samples, such that least is computed."""
        return -(-5 * k // 16) * 8

    @classmethod
    def pay(cls, n_times, n_out, n_in, k):
        """Whether there are half as many products as in a convolution, which does more of them at a time."""
        size, n_valid = cls._size(k), n_times - k + 1
        step = size - k + 1
        products = size * n_in + 2 * n_in * n_out + step * n_out  # of a block and a sample of its transform
        return 2 * -(-n_valid // step) * (size + 2) * products < n_valid * k * n_in * n_out


def _spectrum(spectrum, groups, n_each):
    """Spectra as (n, groups, channels of a group, rows, frequencies), in memory as products read them."""
    spectrum = spectrum.unflatten(1, (groups, -1))
    return spectrum if n_each == 1 else _by_frequency(spectrum, 0, 3, 2)


def _by_frequency(x, *axes):
    """The same tensor, in memory with one frequency of a group after the other, these axes within."""
    group = x.ndim - 4
    order = group, x.ndim - 1, *axes
    return x.permute(order).contiguous().permute([order.index(axis) for axis in range(x.ndim)])


def convolve(x, weight, bias=None, padding=(0, 0), groups=1):
    """Convolve (n, n_in, n_rows, n_times) by (n_out, n_in // groups, k) by way of spectra, if that pays."""
    if not spectra_pay(x.shape, weight.shape, padding, groups):
        return None
    return SpectralConvolution.apply(x, weight, bias, padding, groups)


def spectra_pay(x_shape, weight_shape, padding, groups):
    """Whether spectra take less time than sums, both estimated in ns from measurements on two cores.

    Sums wait for arithmetic and, with few channels, for memory; spectra for transforms and for products.
    """
    n, n_in, n_rows, n_times = x_shape
    n_out, n_each, k = weight_shape
    n_valid, n_signals = n_times + sum(padding) - k + 1, n * n_rows
    if n_valid < 1 or k == 1:
        return False
    pairs = n_each * n_out
    sums = n_signals * n_valid * k * (groups + 0.03 * pairs)
    spectra = n_times * (5 * (n_signals * (n_in + n_out) + pairs) + 0.12 * n_signals * pairs)
    return sums > spectra + 2e5
