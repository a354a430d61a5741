"""The first block of `MultiScaleCNN`: filters of several widths, and the log envelope of their outputs."""

import math

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from .layers import unpad

FLOOR = 0.01  # added before the logarithm
CACHE_BYTES = 2**20  # of outputs that are worked on in one go
MULTIPLE = 8  # lengths for which products of matrices are fastest
UNIT = 16  # numbers in 64 bytes, see `products`


class LogEnvelope(Function):
    """Filter, normalise, pool maxima over time, cut off below zero and take the logarithm.

    A window of a signal gives a block of adjacent outputs by a product with a Toeplitz matrix. These have
    blocks as last axis and places within a block before it, so that maxima are those of whole rows. As batch
    normalisation is an increasing or decreasing function of each output, it is left to the maxima, those of
    outputs multiplied by -1 where its weight is negative.
    """

    @staticmethod
    def forward(ctx, x, plan, running, weight, bias, eps, *filters):
        """Log envelope (n_networks, n_channels, n_samples, n_windows), and mean and variance of outputs.

        ``x`` (n_networks, n_samples, n_signals, n_times) is continued beyond its ends. Channels are banks,
        signals, filters, and each of ``filters`` is (n_networks, n_signals * n_filters, 1, k). ``running``
        are mean and variance to normalise by, or None to take those of the outputs.
        """
        padded, sign = plan.pad(x), torch.ones_like(weight).copysign_(weight)
        signs = plan.by_bank(sign).view(plan.n_banks, -1, plan.n_filters, 1, 1)
        toeplitz = [plan.toeplitz(filters[i], signs[i], i) for i in range(plan.n_banks)]
        sums = x.new_zeros(2, plan.n_rows, plan.n_filters)
        maxima = [x.new_empty(plan.n_rows, plan.n_units, plan.n_columns) for _ in range(1 + bool(plan.rest))]
        outputs = []
        for rows, parts in plan.parts():
            y = x.new_empty(rows.stop - rows.start, plan.n_filters * plan.block, plan.n_columns)
            for i, within, signals in parts:
                windows = plan.windows(_part(padded, signals), i).transpose(1, 2)
                torch.bmm(_part(toeplitz[i], signals), windows, out=y[within])
            plan.clear_rest(y)
            outputs.append(y)
            if running is None:
                y = y.view(-1, plan.n_filters, plan.block * plan.n_columns)
                mean = torch.mul(y.sum(2), 1 / plan.n_each, out=sums[0, rows])
                y.sub_(mean.unsqueeze(2))
                plan.clear_rest(y)
                torch.linalg.vector_norm(y, dim=2, out=sums[1, rows])
            units = y.view(-1, plan.n_units, plan.unit, plan.n_columns)
            if plan.rest:
                torch.amax(units[:, :, : plan.rest], 2, out=_part(maxima[1], rows))
                units = units[:, :, plan.rest :]
            torch.amax(units, 2, out=_part(maxima[0], rows))
        if plan.rest:
            torch.maximum(*maxima, out=maxima[0])
        pieces = plan.pieces([plan.in_time(one) for one in maxima])
        pooled = pieces[0]
        for piece in pieces[1:]:
            pooled = torch.maximum(pooled, piece)
        ctx.plan, ctx.trains = plan, running is None
        if ctx.trains:
            mean, variance = plan.by_network(sums[0]) * sign, plan.by_network(sums[1]).square_() / plan.n_each
            above = plan.by_network(pooled)
        else:
            mean, variance = running
            above = plan.by_network(pooled) - (mean * sign)[:, :, None, None]
        scale = (variance + eps).rsqrt_()
        gain = scale * weight * sign
        y = torch.addcmul(bias[:, :, None, None], above, gain[:, :, None, None]).relu_()
        with_floor = y + FLOOR
        ctx.save_for_backward(
            padded, sign, signs, scale, gain, pooled, above, y, with_floor, *maxima, *toeplitz, *outputs
        )
        ctx.mark_non_differentiable(mean, variance)
        return with_floor.log(), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx, dy, _dmean, _dvariance):
        plan = ctx.plan
        padded, sign, signs, scale, gain, pooled, above, y, with_floor, *tensors = ctx.saved_tensors
        maxima = tensors[: 1 + bool(plan.rest)]
        toeplitz = tensors[len(maxima) : len(maxima) + plan.n_banks]
        dy = torch.ops.aten.threshold_backward(dy / with_floor, y, 0)
        dbias, dgain = dy.sum((2, 3)), (dy * above).sum((2, 3))
        dpooled = plan.by_bank(dy * gain[:, :, None, None]).view(pooled.shape)
        dmaxima = plan.of_pieces(dpooled, pooled, maxima)
        if ctx.trains:  # through variance and mean
            slope = plan.by_bank(dgain * gain * scale.square() * (-1 / plan.n_each)).view(
                -1, plan.n_filters, 1
            )
            constant = plan.by_bank(dbias * gain * (-1 / plan.n_each)).view(-1, plan.n_filters, 1)
        dpadded, dtoeplitz = torch.zeros_like(padded), [torch.empty_like(matrix) for matrix in toeplitz]
        for (rows, parts), y in zip(plan.parts(), tensors[len(maxima) + plan.n_banks :], strict=True):
            units = y.view(-1, plan.n_units, plan.unit, plan.n_columns)
            if ctx.trains:
                flat = y.view(-1, plan.n_filters, plan.block * plan.n_columns)
                dy = torch.addcmul(_part(constant, rows), flat, _part(slope, rows)).view(y.shape)
                plan.clear_rest(dy)
            else:
                dy = torch.zeros_like(y)
            of_units = dy.view(units.shape)
            if plan.rest:
                head, tail = slice(plan.rest), slice(plan.rest, None)
                _add_to_first(
                    of_units[:, :, head], units[:, :, head], _part(maxima[1], rows), _part(dmaxima[1], rows)
                )
                units, of_units = units[:, :, tail], of_units[:, :, tail]
            _add_to_first(of_units, units, _part(maxima[0], rows), _part(dmaxima[0], rows))
            for i, within, signals in parts:
                torch.bmm(
                    _part(dy, within),
                    plan.windows(_part(padded, signals), i),
                    out=_part(dtoeplitz[i], signals),
                )
                dwindows = torch.bmm(_part(dy, within).transpose(1, 2), _part(toeplitz[i], signals))
                plan.add_windows(_part(dpadded, signals), dwindows, i)
        dfilters = [plan.of_toeplitz(dtoeplitz[i], signs[i], i) for i in range(plan.n_banks)]
        return plan.unpad(dpadded), None, None, dgain * scale * sign, dbias, None, *dfilters


def _part(x, rows):
    """Some rows of a tensor, itself if these are all, as slices take time, too."""
    return x if rows.stop - rows.start == len(x) else x[rows]


def _add_to_first(dy, y, maxima, dmaxima):
    """Add gradients of maxima over the third axis where they came from, of equal ones to the first."""
    hit = torch.eq(y, maxima.unsqueeze(2), out=torch.empty_like(y))
    if y.shape[2] > 1:
        hit *= torch.arange(y.shape[2], 0, -1, dtype=y.dtype, device=y.device).view(-1, 1)
        torch.eq(hit, hit.amax(2, keepdim=True), out=hit)
    dy.addcmul_(hit, dmaxima.unsqueeze(2))


class Plan:
    """Sizes for signals of one shape, and the ways between what has these sizes.

    Rows are banks × networks × signals. Units are what the pooling takes whole, and a window of it ends with
    the ``rest`` first outputs of another one. A block has units, or a unit has blocks.
    """

    def __init__(self, shape, widths, n_filters, step, size, stride):
        self.n_networks, self.n_samples, self.n_signals, self.n_times = shape
        self.widths, self.n_banks, self.n_filters = widths, len(widths), n_filters
        self.step, self.size, self.stride = step, size, stride
        self.n_rows = self.n_banks * self.n_networks * self.n_signals
        n_out = (self.n_times - 1) // step + 1
        self.n_each = self.n_samples * n_out
        most = 1.5 * sum(widths) / len(widths) / step  # with larger blocks, matrices have more zeros
        divisors = [d for d in range(1, stride + 1) if stride % d == 0 and d <= max(most, 1)]
        self.block = int(most // stride) * stride or divisors[-1]
        self.hop = self.block * step
        self.n_blocks = -(-n_out // self.block)
        n_each = self.n_signals * n_filters * self.block * self.n_samples
        self.n_blocks += -self.n_blocks % (UNIT // math.gcd(UNIT, n_each))
        self.n_full, self.n_left = divmod(n_out, self.block)
        self.n_columns = self.n_samples * self.n_blocks
        self.unit = min(self.block, stride)
        self.n_units, self.rest = n_filters * self.block // self.unit, size % self.unit
        self.n_windows = (n_out - size) // stride + 1
        self.before = max(widths) // 2
        self.length = _round_up(self.n_blocks * self.hop + max(widths) + MULTIPLE, UNIT)
        self.per_part = max(1, CACHE_BYTES // (4 * n_filters * self.block * self.n_columns))

    def parts(self):
        """Rows that leave room in a processor's cache; of each bank the slice of them and that of signals."""
        n = self.n_rows // self.n_banks
        for start in range(0, self.n_rows, self.per_part):
            stop, parts = min(start + self.per_part, self.n_rows), []
            for i in range(start // n, -(-stop // n)):
                first, last = max(start, i * n), min(stop, (i + 1) * n)
                parts.append((i, slice(first - start, last - start), slice(first - i * n, last - i * n)))
            yield slice(start, stop), parts

    def pad(self, x):
        """Signals (n_networks * n_signals, n_samples, length), the first and last value repeated."""
        before, after = self.before, self.before + self.n_times
        padded = x.new_empty(self.n_networks, self.n_signals, self.n_samples, self.length)
        x = padded[..., before:after].copy_(x.transpose(1, 2))
        padded[..., :before] = x[..., :1]
        padded[..., after:] = x[..., -1:]
        return padded.flatten(0, 1)

    def unpad(self, dpadded):
        """Gradients of what was padded."""
        dx = unpad(dpadded, self.before, self.n_times)
        return dx.unflatten(0, (self.n_networks, -1)).transpose(1, 2)

    def windows(self, padded, i):
        """Windows of each block for filters of a bank, (n_signals, n_columns, width)."""
        windows = self._at_hops(padded, self._start(i), self._width(i))
        return windows.reshape(len(padded), self.n_columns, -1)

    def add_windows(self, padded, windows, i):
        """Add windows at their places."""
        windows = windows.view(len(padded), self.n_samples, self.n_blocks, -1)
        for start in range(0, windows.shape[3], self.hop):
            piece = windows[..., start : start + self.hop]
            self._at_hops(padded, self._start(i) + start, piece.shape[3]).add_(piece)

    def _at_hops(self, padded, start, width):
        shape, steps = (*padded.shape[:2], self.n_blocks, width), (*padded.stride()[:2], self.hop, 1)
        return padded.as_strided(shape, steps, padded.storage_offset() + start)

    def _start(self, i):
        return self.before - self.widths[i] // 2

    def _width(self, i):
        return _round_up(self.hop - self.step + self.widths[i], MULTIPLE)

    def toeplitz(self, filters, sign, i):
        """The matrices (n_signals, n_filters * block, width) of filters of a bank."""
        matrix = filters.new_zeros(len(sign), self.n_filters * self.block, self._width(i))
        self._diagonals(matrix, i).copy_(filters.reshape(len(sign), self.n_filters, 1, -1) * sign)
        return matrix

    def of_toeplitz(self, dmatrix, sign, i):
        """Gradients of filters from those of their matrices."""
        dfilters = self._diagonals(dmatrix, i).sum(2).mul_(sign.squeeze(3))
        return dfilters.view(self.n_networks, -1, 1, self.widths[i])

    def _diagonals(self, matrix, i):
        """Where a filter stands in its matrix, (n_signals, n_filters, block, k)."""
        width = matrix.shape[2]
        n, shape = self.block * width, (len(matrix), self.n_filters, self.block, self.widths[i])
        return matrix.as_strided(shape, (self.n_filters * n, n, width + self.step, 1))

    def clear_rest(self, y):
        """Set to zero what is beyond the last output."""
        if self.n_full < self.n_blocks:
            blocks = y.view(-1, self.block, self.n_samples, self.n_blocks)
            blocks[:, self.n_left :, :, self.n_full] = 0
            if self.n_full + 1 < self.n_blocks:
                blocks[..., self.n_full + 1 :] = 0

    def in_time(self, units):
        """What is known of units in the order of time, (n_rows * n_filters, n_samples, -1)."""
        units = units.view(-1, self.block // self.unit, self.n_samples, self.n_blocks)
        return units.squeeze(1) if self.block == self.unit else units.permute(0, 2, 3, 1).flatten(2)

    def pieces(self, maxima):
        """Of each window, its units, and the head of the one after them if there is a rest, in order."""
        step = self.stride // self.unit
        n_whole, stop = self.size // self.unit, (self.n_windows - 1) * step + 1
        sources = [maxima[0]] * n_whole + maxima[1:]
        return [source[..., i : i + stop : step] for i, source in enumerate(sources)]

    def of_pieces(self, dpooled, pooled, maxima):
        """Gradients of units and of their heads, from those of windows."""
        maxima = [self.in_time(one) for one in maxima]
        dmaxima = [torch.zeros_like(one) for one in maxima]
        left, targets = dpooled, self.pieces(dmaxima)
        for piece, target in zip(self.pieces(maxima)[:-1], targets, strict=False):
            hit = torch.eq(piece, pooled, out=torch.empty_like(pooled)).mul_(left)  # of equal ones, the first
            target += hit
            left = left - hit
        targets[-1].add_(left)
        if self.rest:
            first = torch.eq(*maxima, out=torch.empty_like(maxima[0])).mul_(dmaxima[0])
            dmaxima[0] -= first
            dmaxima[1] += first
        shape = -1, self.n_samples, self.n_blocks, self.block // self.unit
        return [
            d.view(shape).permute(0, 3, 1, 2).reshape(self.n_rows, self.n_units, self.n_columns)
            for d in dmaxima
        ]

    def by_network(self, values):
        """From banks first to networks first, (n_networks, n_channels, ...)."""
        last = values.shape[1:] if len(values) > self.n_rows else ()
        values = values.view(self.n_banks, self.n_networks, self.n_signals * self.n_filters, *last)
        return values.transpose(0, 1).reshape(self.n_networks, -1, *last)

    def by_bank(self, values):
        """The reverse of `by_network`, (n_banks, n_networks, n_signals * n_filters, ...)."""
        return values.view(self.n_networks, self.n_banks, -1, *values.shape[2:]).transpose(0, 1).contiguous()


def _round_up(n, multiple):
    return -(-n // multiple) * multiple
