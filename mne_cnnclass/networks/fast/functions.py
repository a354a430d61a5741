"""Operations of torch in less time on a CPU, with the same results up to rounding."""

import torch
from scipy.fft import next_fast_len
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

CACHE_BYTES = 2**20  # of signals that are worked on in one go
SMALL = 1 / 32  # below it, rounding at the scale of one would be seen in single precision


class FilterBank:
    """Mixtures of channels, each through a filter of its own, by Fourier transforms.

    ``spatial`` (n_signals, n_channels) mixes the channels, ``filters`` (n_signals, k) are as torch's
    convolutions take them, ``offset`` (n_signals,) is added, ``padding`` is the number of zeros before and
    after the signals.
    """

    def __init__(self, spatial, filters, offset, padding, n_times):
        self.spatial, self.filters, self.offset, self.n_times = spatial, filters, offset, n_times
        before, after = padding
        k = filters.shape[1]
        self.n_out = n_times + before + after - k + 1
        # the circular convolution of this length agrees with the linear one in the first n_out values
        self.length = next_fast_len(max(n_times + max(before, after), self.n_out, k), real=True)
        self.shift = before + 1 - k
        kernels = functional.pad(filters.flip(1), (0, self.length - k)).roll(self.shift, 1)
        self.response = torch.fft.rfft(kernels, self.length)
        n_signals, n_channels = spatial.shape
        self.mixes_spectra = 4 * n_channels <= n_signals  # then there is less to transform before than after

    def apply(self, x):
        """Filter (n, n_channels, n_times) to (n, n_signals, n_out); also returns what was transformed."""
        if self.mixes_spectra:
            spectrum = torch.fft.rfft(x, self.length)
            product = spectrum[:, :1] * (self.spatial[:, :1] * self.response)
            for c in range(1, x.shape[1]):
                product.addcmul_(spectrum[:, c : c + 1], self.spatial[:, c : c + 1] * self.response)
        else:
            signals = torch.bmm(self.spatial.expand(len(x), -1, -1), x)
            spectrum = torch.fft.rfft(signals, self.length)
            product = spectrum * self.response
        product[..., 0] += self.offset * self.length
        return torch.fft.irfft(product, self.length)[..., : self.n_out], spectrum

    def correlate(self, dy, x, spectrum):
        """What the gradients need of some samples, as a list of tensors to be summed up over all."""
        dproduct = torch.fft.rfft(dy, self.length)
        doffset = dproduct[..., 0].real.sum(0)
        if self.mixes_spectra:
            parts = spectrum.conj().split(1, 1)
            return [doffset, torch.stack([(part * dproduct).sum(0) for part in parts])]
        correlation = (spectrum.conj() * dproduct).sum(0)
        dsignals = torch.fft.irfft(dproduct.mul_(self.response.conj()), self.length)[..., : self.n_times]
        return [doffset, correlation, torch.bmm(dsignals, x.transpose(1, 2)).sum(0)]

    def gradients(self, doffset, correlation, dspatial=None):
        """Gradients of spatial, filters and offset from the sums of what `correlate` gives."""
        kernels = torch.fft.irfft(correlation, self.length).roll(-self.shift, -1)
        dfilters = kernels[..., : self.filters.shape[1]].flip(-1)
        if self.mixes_spectra:  # these are gradients of filters that take one channel each
            dspatial = (dfilters * self.filters).sum(2).T
            dfilters = (dfilters * self.spatial.T.unsqueeze(2)).sum(0)
        return dspatial, dfilters, doffset

    def parts(self, x):
        """Slices of samples that leave room in a processor's cache."""
        size = max(1, CACHE_BYTES // (self.length * len(self.spatial) * x.element_size()))
        return [slice(start, start + size) for start in range(0, len(x), size)]


class Filtering(Function):
    """A `FilterBank` with gradients with respect to what it consists of.

    They are written out, since those that autograd derives transform more often, and transform complex
    numbers where real ones would do.
    """

    @staticmethod
    def forward(ctx, x, spatial, filters, offset, padding):
        """Filter (n, n_channels, n_times) to (n, n_signals, n_out)."""
        ctx.bank = FilterBank(spatial, filters, offset, padding, x.shape[2])
        y, spectrum = ctx.bank.apply(x)
        ctx.save_for_backward(x, spectrum)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        return None, *ctx.bank.gradients(*ctx.bank.correlate(dy, *ctx.saved_tensors)), None


def filter_to_pooling(x, bank, size):
    """Filter, activate and pool some samples at a time, so that memory is not what takes the time."""
    pooled = [_pool(elu(bank.apply(x[part])[0]), size) for part in bank.parts(x)]
    return pooled[0] if len(pooled) == 1 else torch.cat(pooled)


def _blocks(x, size):
    """Adjacent windows along the last axis, as a view."""
    n_out = x.shape[-1] // size
    return x[..., : n_out * size].unflatten(-1, (n_out, size))


def _pool(x, size):
    """Means of adjacent windows along the last axis, by adding slices, as reducing a short axis is slow."""
    blocks = _blocks(x, size)
    y = blocks[..., 0].clone()
    for i in range(1, size):
        y += blocks[..., i]
    return y.div_(size)


def elu(x):
    """ELU as ``max(x, exp(min(x, 0)) - 1)``: torch's ``expm1`` takes several times as long as its ``exp``.

    The difference is rounded at the scale of one, so signals that are small beside one go to torch.
    """
    lowest, highest = torch.aminmax(x)
    if max(-lowest.item(), highest.item()) < SMALL:
        return functional.elu(x)
    y = x.clamp(max=0).exp_().sub_(1)
    return torch.maximum(x, y, out=y)


class ExponentialLinear(Function):
    """`elu` with its gradient."""

    @staticmethod
    def forward(ctx, x):
        y = elu(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        (y,) = ctx.saved_tensors
        return torch.addcmul(dy, dy, y.clamp(max=0))


class MeanPooling(Function):
    """Means of adjacent windows along the last axis."""

    @staticmethod
    def forward(ctx, x, size):
        """Pool (..., n_times) to (..., n_times // size)."""
        ctx.shape, ctx.size = x.shape, size
        return _pool(x, size)

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        dx = dy.new_empty(ctx.shape)
        _blocks(dx, ctx.size).copy_((dy / ctx.size).unsqueeze(-1))
        dx[..., dy.shape[-1] * ctx.size :] = 0
        return dx, None


class Turn(Function):
    """Exchange the last two axes, one of which has length one, and put channels last in memory.

    ``transpose`` would leave any stride at the axis of length one, and batch normalisation in torch 2.14
    returns wrong gradients, without a word, where strides of such axes differ between its input and the
    gradient of its output. So they are set to what ``channels_last`` prescribes, on the way back as well.
    """

    @staticmethod
    def forward(ctx, x):
        """Turn (n, n_channels, a, b) to (n, n_channels, b, a)."""
        n, n_channels, a, b = x.shape
        if 1 not in (a, b):
            raise ValueError(f"Only an axis of length one can be turned, got the shape {tuple(x.shape)}.")
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


def swapped(setting):
    """A layer's setting for two axes, such as its stride, after these have changed places."""
    return setting[::-1] if isinstance(setting, tuple) else setting
