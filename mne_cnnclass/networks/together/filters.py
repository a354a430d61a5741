"""Filters along time as products of matrices, for the shorter filters of many signals.

torch's convolutions of single channels use a small part of a processor. Here signals are cut into overlapping
windows, each of which gives a block of adjacent outputs by one product with a Toeplitz matrix.
"""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

N_COLUMNS = 32  # outputs of all filters that a window gives; with more, matrices have more zeros
UNIT = 16  # numbers in 64 bytes, see `products`
CACHE_BYTES = 2**20  # of windows that are made in one go


def fir(x, filters, padding=(0, 0), stride=1):
    """Filter signals (n_groups, n_rows, n_times), those of a group by the same filters.

    ``filters`` (n_groups, n_filters, k) are as torch's convolutions take them, ``padding`` is the number of
    zeros before and after the signals. Returns (n_groups, n_filters, n_rows, n_out), which is not contiguous
    where there is more than one filter in a group.
    """
    return _Fir.apply(x, filters, padding, stride)


class _Fir(Function):
    """`fir`; a window of ``hop + k - stride`` samples, or more, gives ``hop / stride`` outputs a filter."""

    @staticmethod
    def forward(ctx, x, filters, padding, stride):
        n_groups, n_rows, n_times = x.shape
        n_filters, k = filters.shape[1:]
        n_out = (n_times + sum(padding) - k) // stride + 1
        size = max(8, N_COLUMNS // n_filters)
        size += next(more for more in range(UNIT) if (size + more) * n_filters % UNIT == 0)
        n_blocks = max(-(-n_out // size), 2 if n_rows == 1 else 1)  # a product by a vector rounds otherwise
        hop = size * stride
        width = hop + k - stride
        width += -width % UNIT
        length = (n_blocks - 1) * hop + width
        padded = functional.pad(x, (padding[0], length - n_times - padding[0])).contiguous()
        matrix = (
            functional.pad(filters, (0, width + stride - k)).unsqueeze(2).expand(-1, -1, size, -1).flatten(2)
        )
        matrix = matrix[..., : size * width].reshape(n_groups, n_filters * size, width)
        ctx.sizes = n_rows, n_blocks, n_filters, size, stride, width, k, n_out
        ctx.n_times, ctx.before = n_times, padding[0]
        ctx.save_for_backward(padded, matrix)
        y = x.new_empty(n_groups, n_rows * n_blocks, n_filters * size)
        for part in _parts(padded, width / hop):
            windows = _windows(padded[part], n_blocks, hop, width)
            torch.bmm(windows, matrix[part].transpose(1, 2), out=y[part])
        y = y.view(n_groups, n_rows, n_blocks, n_filters, size).permute(0, 3, 1, 2, 4)
        return y.reshape(n_groups, n_filters, n_rows, n_blocks * size)[..., :n_out]

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        padded, matrix = ctx.saved_tensors
        n_rows, n_blocks, n_filters, size, stride, width, k, n_out = ctx.sizes
        n_groups, hop = len(dy), size * stride
        dy = functional.pad(dy, (0, n_blocks * size - n_out)).unflatten(3, (n_blocks, size))
        dy = dy.permute(0, 2, 3, 1, 4).reshape(n_groups, n_rows * n_blocks, n_filters * size)
        dmatrix = torch.empty_like(matrix)
        dpadded = torch.zeros_like(padded) if ctx.needs_input_grad[0] else None
        for part in _parts(padded, width / hop):
            windows = _windows(padded[part], n_blocks, hop, width)
            torch.bmm(dy[part].transpose(1, 2), windows, out=dmatrix[part])
            if dpadded is not None:
                torch.bmm(dy[part], matrix[part], out=windows)
                _add_windows(dpadded[part], windows.unflatten(1, (n_rows, n_blocks)), hop)
        steps = n_filters * size * width, size * width, width + stride, 1
        dfilters = dmatrix.as_strided((n_groups, n_filters, size, k), steps).sum(2)
        if dpadded is not None:  # padding beyond the last window is negative: those samples were not used
            dpadded = functional.pad(dpadded, (-ctx.before, ctx.n_times + ctx.before - dpadded.shape[2]))
        return dpadded, dfilters, None, None


def _parts(padded, n_copies):
    """Slices of groups whose windows leave room in a processor's cache."""
    n_bytes = n_copies * padded[0].numel() * padded.element_size()
    step = max(1, int(CACHE_BYTES // n_bytes))
    return [slice(start, start + step) for start in range(0, len(padded), step)]


def _windows(padded, n_blocks, hop, width):
    """Copies of the windows that start at each hop, (n_groups, n_rows * n_blocks, width)."""
    n_groups, n_rows, length = padded.shape
    shape = n_groups, n_rows, n_blocks, width
    return padded.as_strided(shape, (n_rows * length, length, hop, 1), padded.storage_offset()).reshape(
        n_groups, n_rows * n_blocks, width
    )


def _add_windows(padded, windows, hop):
    """Add windows (n_groups, n_rows, n_blocks, width) at their places."""
    n_groups, n_rows, length = padded.shape
    n_blocks, width = windows.shape[2:]
    for start in range(0, width, hop):
        stop = min(start + hop, width)
        shape, steps = (n_groups, n_rows, n_blocks, stop - start), (n_rows * length, length, hop, 1)
        padded.as_strided(shape, steps, padded.storage_offset() + start).add_(windows[..., start:stop])
