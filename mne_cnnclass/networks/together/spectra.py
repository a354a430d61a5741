"""Long filters by Fourier transforms, and batch normalisation, ELU and mean pooling of what they give.

Signals are rows of one length, channels first, (n_channels, n_samples, length), of which all but the first
``n_out`` numbers mean nothing: so nothing has to be cut or padded between a transform and the next.
"""

import torch
from scipy.fft import next_fast_len


class Bank:
    """Filters (n_groups, k), each for a group of rows; ``padding`` zeros are before and after signals.

    ``size`` is of the pooling that follows, and divides the length of rows.
    """

    def __init__(self, filters, n_times, padding, size):
        self.k, self.n_times = filters.shape[1], n_times
        self.n_out = n_times + sum(padding) - self.k + 1
        # the circular correlation of this length agrees with the linear one in the first n_out values
        needed = max(n_times + max(padding), self.n_out, self.k)
        self.length = size * next_fast_len(-(-needed // size), real=True)
        self.within = slice(padding[0], padding[0] + n_times)
        self.response = torch.fft.rfft(filters, self.length).unsqueeze(1)

    def rows(self, x):
        """Signals as rows."""
        rows = x.new_zeros(*x.shape[:-1], self.length)
        rows[..., self.within] = x
        return rows

    def apply(self, rows):
        """Filter rows (n_groups, n_rows, length); also returns their spectra."""
        spectrum = torch.fft.rfft(rows)
        return torch.fft.irfft(_times(spectrum, self.response.conj()), self.length), spectrum

    def gradients(self, dy, spectrum):
        """Gradients of the rows and of the filters."""
        dspectrum = torch.fft.rfft(dy)
        dresponse = _times(spectrum, dspectrum.conj()).sum(1)
        drows = torch.fft.irfft(_times(dspectrum, self.response), self.length)
        return drows, torch.fft.irfft(dresponse, self.length)[:, : self.k]


def _times(a, b):
    """Product of complex numbers; rows are apart in memory so that each is computed for itself.

    torch rounds the last numbers of an array differently, and would take all rows for one array.
    """
    n_groups, n_rows, n = a.shape
    return torch.mul(a, b, out=a.new_empty(n_groups, n_rows, n + 1)[..., :n])


def normalise(y, n_out, weight, bias, eps, size):
    """Batch normalisation, in place, ELU and mean pooling of rows.

    Returns pooled signals, mean and variance of the channels, and what `normalise_gradients` needs.
    """
    n = y.shape[1] * n_out
    mean = y[..., :n_out].sum((1, 2)) / n
    y -= mean.view(-1, 1, 1)
    variance = y.square()[..., :n_out].sum((1, 2)) / n
    scale = (variance + eps).rsqrt()
    gain = (scale * weight).view(-1, 1, 1)
    pooled, slope = activate(torch.mul(y, gain).add_(bias.view(-1, 1, 1)), n_out, size)
    return pooled, mean, variance, (y, slope, scale, gain)


def normalise_gradients(dpooled, saved, n_out, size):
    """Gradients of the rows, weight and bias of `normalise`."""
    y, slope, scale, gain = saved
    blocks = slope.unflatten(2, (-1, size))[..., : dpooled.shape[2], :]
    d = torch.mul(blocks, (dpooled / size).unsqueeze(3)).flatten(2)
    n, n_used = y.shape[1] * n_out, d.shape[2]
    total, covariance = d.sum((1, 2)), (d * y[..., :n_used]).sum((1, 2))
    # gain * (d - total / n - y * scale² * covariance / n)
    dy = y * ((scale * scale * covariance).view(-1, 1, 1) * gain / -n)
    dy += total.view(-1, 1, 1) * gain / -n
    dy[..., :n_used] += d.mul_(gain)
    dy[..., n_out:] = 0
    return dy, covariance * scale, total


def activate(y, n_out, size):
    """ELU, in place, and mean pooling of adjacent windows of rows; also returns the slopes.

    As ``max(y, 0) + exp(min(y, 0)) - 1``, since torch's ``expm1`` takes several times as long as ``exp``.
    """
    slope = y.clamp(max=0).exp_()
    y.clamp_(min=0).add_(slope)
    pooled, n_left = y[..., : n_out // size * size], size
    while n_left % 2 == 0:
        pooled, n_left = pooled[..., ::2] + pooled[..., 1::2], n_left // 2
    pooled = sum(pooled[..., i::n_left] for i in range(1, n_left)) + pooled[..., ::n_left]
    return pooled.div_(size).sub_(1), slope


class Limited:
    """Weights (n_networks, n, m), the norm of each row limited as by `torch.renorm`."""

    def __init__(self, weight, max_norm):
        norm = torch.linalg.vector_norm(weight, dim=2, keepdim=True)
        shrinks = norm > max_norm
        factor = max_norm / (norm + 1e-7)
        self.slope = shrinks * factor * factor / (max_norm * norm.clamp(min=max_norm))
        self.factor = torch.where(shrinks, factor, 1.0)
        self.weight, self.value = weight, weight * self.factor

    def gradient(self, d):
        """Of the weights."""
        return d * self.factor - self.weight * ((d * self.weight).sum(2, keepdim=True) * self.slope)
