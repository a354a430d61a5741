"""The first block of `MultiScaleCNN`: filters of several widths, and the log envelope of their outputs."""

import functools
import math

import torch

from .layers import EPS, count_in, max_pool

FLOOR = 0.01  # added before the logarithm
CACHE_BYTES = 2**20  # of outputs that are worked on in one go
MULTIPLE = 8  # lengths for which products of matrices are fastest
UNIT = 16  # numbers in 64 bytes, see `products`


class LogEnvelope:
    """Filter, normalise, pool maxima over time, take the logarithm of what is above zero, and normalise.

    A window of a signal gives a block of adjacent outputs by a product with a Toeplitz matrix. These have
    blocks and samples as last axis and places within a block before it, so that maxima are those of whole
    rows. As batch normalisation is an increasing or decreasing function of each output, the first one is left
    to the maxima, those of outputs multiplied by -1 where its weight is negative.

    ``value`` (n_networks, n_channels, n_windows, n_samples) has banks, signals, filters as channels; those
    before the logarithm are signals, banks, filters.
    """

    def __init__(self, x, plan, weights, training):
        self.plan, self.training = plan, training
        of = {name[9:]: weight for name, weight in weights.items() if name.startswith("blocks.0.")}
        weight, bias = plan.by_row(of["norm.weight"], of["norm.bias"])
        self.sign = torch.ones_like(weight).copysign_(weight)
        self.signals = plan.pad(x)
        filters = [of[f"convolutions.{i}.weight"] for i in range(len(plan.widths))]
        self.toeplitz, sums = plan.toeplitz(filters, self.sign), x.new_empty(2, *weight.shape)
        self.outputs, maxima, self.places = [], [], []
        for rows, part in plan.parts():
            y = torch.bmm(_part(self.toeplitz, rows), plan.windows(self.signals, part).mT)
            plan.clear_rest(y)
            if training:
                flat = y.view(y.shape[0], plan.n_filters, -1)
                flat -= torch.sum(flat, 2, keepdim=True, out=sums[0, rows]).mul_(1 / plan.n_each)
                plan.clear_rest(y)
                torch.linalg.vector_norm(flat, dim=2, keepdim=True, out=sums[1, rows])
            y = y.view(-1, plan.block, plan.n_columns)
            self.outputs.append(y)
            found = [max_pool(y, size, plan.unit) for size in plan.sizes]
            maxima.append([values for values, _ in found])
            self.places.append([places for _, places in found])
        maxima = [parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*maxima, strict=True)]
        self.maxima = [plan.in_time(one) for one in maxima]
        self.pooled = functools.reduce(torch.maximum, plan.pieces(self.maxima))
        if training:
            self.mean, variance = sums[0].mul_(self.sign), sums[1].square_().mul_(1 / plan.n_each)
            count_in(of, "norm", *plan.by_channel(self.mean, variance), plan.n_each)
            offset = bias + FLOOR
        else:
            self.mean, variance = plan.by_row(of["norm.running_mean"], of["norm.running_var"])
        self.scale = (variance + EPS).rsqrt_()
        self.gain = self.scale * weight * self.sign
        if not training:
            offset = bias + FLOOR - self.mean * self.gain * self.sign
        self.u = x.new_empty(plan.n_networks, of["norm.weight"].shape[1], *self.pooled.shape[1:])
        u = plan.rows_of(self.u)
        torch.mul(self.pooled.view(u.shape), self.gain.view(*u.shape[:4], 1, 1), out=u)
        u += offset.view(*u.shape[:4], 1, 1)
        self._normalise(self.u.clamp_(min=FLOOR).log(), of)

    def _normalise(self, x, of):
        """The second batch normalisation, by hand as torch's takes several times as long for so many."""
        parts = ("weight", "bias", "running_mean", "running_var")
        weight, bias, mean, variance = (of[f"envelope_norm.{part}"].unsqueeze(2) for part in parts)
        self.x = flat = x.flatten(2)
        n = flat.shape[2]
        if self.training:
            mean = flat.sum(2, keepdim=True).mul_(1 / n)
        flat -= mean
        if self.training:
            variance = torch.linalg.vector_norm(flat, dim=2, keepdim=True).square_().mul_(1 / n)
            count_in(of, "envelope_norm", mean.squeeze(2), variance.squeeze(2), n)
        self.scale_2 = (variance + EPS).rsqrt_()
        self.gain_2 = self.scale_2 * weight
        self.value = torch.mul(flat, self.gain_2).add_(bias).view(x.shape)

    def backward(self, d, gradients):
        """Gradients of the signals, and of the weights into a dictionary."""
        plan, dpooled = self.plan, self._to_pooled(d, gradients)
        if self.training:  # through variance and mean
            factor = self.gain * (-1 / plan.n_each)
            slope, constant = self.dgain.mul_(factor).mul_(self.scale.square()), self.dbias.mul_(factor)
        dmaxima = plan.of_pieces(dpooled, self.pooled, self.maxima)
        dtoeplitz, dsignals = torch.empty_like(self.toeplitz), torch.zeros_like(self.signals)
        for (rows, part), y, places in zip(plan.parts(), self.outputs, self.places, strict=True):
            if self.training:
                flat = y.view(-1, plan.n_filters, plan.block * plan.n_columns)
                flat.mul_(_part(slope, rows)).add_(_part(constant, rows))
                plan.clear_rest(y)
            else:
                y.zero_()
            of_filters = slice(rows.start * plan.n_filters, rows.stop * plan.n_filters)
            for index, values in zip(places, dmaxima, strict=True):
                y.scatter_add_(1, index, _part(values, of_filters))
            y = y.view(-1, plan.n_filters * plan.block, plan.n_columns)
            torch.bmm(y, plan.windows(self.signals, part), out=_part(dtoeplitz, rows))
            plan.add_windows(dsignals, torch.bmm(y.mT, _part(self.toeplitz, rows)), part)
        for i, dfilters in enumerate(plan.of_toeplitz(dtoeplitz, self.sign)):
            gradients[f"blocks.0.convolutions.{i}.weight"] = dfilters
        return plan.unpad(dsignals)

    def _to_pooled(self, d, gradients):
        """Gradients of the pooled outputs, and of the normalisations."""
        x, plan, shape, d = self.x, self.plan, d.shape, d.flatten(2)
        dbias, covariance = d.sum(2, keepdim=True), (d * x).sum(2, keepdim=True)
        gradients["blocks.0.envelope_norm.bias"] = dbias
        gradients["blocks.0.envelope_norm.weight"] = covariance * self.scale_2
        if self.training:
            x *= (covariance * self.scale_2.square()).mul_(-1 / x.shape[2])
            d = x.add_(d).add_(dbias * (-1 / x.shape[2]))
        # of the logarithm; the gain of the normalisation after it follows
        d = plan.rows_of(torch.ops.aten.threshold_backward(d.view(shape) / self.u, self.u, FLOOR))
        (gain_2,) = plan.by_row(self.gain_2)
        self.dbias, self.dgain = (
            one.sum((4, 5)).view(gain_2.shape).mul_(gain_2) for one in (d, d * self.pooled.view(d.shape))
        )
        if not self.training:
            self.dgain -= self.mean * self.sign * self.dbias
        dweight = self.dgain * self.scale * self.sign
        found = plan.by_channel(self.dbias, dweight)
        gradients["blocks.0.norm.bias"], gradients["blocks.0.norm.weight"] = found
        dpooled = torch.empty_like(self.pooled)
        torch.mul(d, (gain_2 * self.gain).view(*d.shape[:4], 1, 1), out=dpooled.view(d.shape))
        return dpooled


def _part(x, rows):
    """Some rows of a tensor, itself if these are all, as slices take time, too."""
    return x if rows.stop - rows.start == len(x) else x[rows]


class Plan:
    """Sizes for signals of one shape, and the ways between what has these sizes.

    Rows are networks × signals, each with the filters of all banks. Units are what the pooling takes whole,
    and a window of it ends with the ``rest`` first outputs of another one. A block has units, or a unit has
    blocks.
    """

    def __init__(self, shape, widths, n_filters, step, size, stride):
        self.n_networks, self.n_samples, self.n_signals, self.n_times = shape
        self.widths, self.n_of_bank, self.n_filters = widths, n_filters, n_filters * len(widths)
        self.step, self.n_rows = step, self.n_networks * self.n_signals
        n_out = (self.n_times - 1) // step + 1
        self.n_each = self.n_samples * n_out
        most = 1.5 * sum(widths) / len(widths) / step  # with larger blocks, matrices have more zeros
        divisors = [d for d in range(1, stride + 1) if stride % d == 0 and d <= max(most, 1)]
        self.block = int(most // stride) * stride or divisors[-1]
        self.hop = self.block * step
        # networks start at multiples of 64 bytes
        together = self.n_signals * self.n_samples * math.gcd(self.n_filters * self.block, MULTIPLE)
        self.n_blocks = _round_up(-(-n_out // self.block), UNIT // math.gcd(UNIT, together))
        self.n_full, self.n_left = divmod(n_out, self.block)
        self.n_columns = self.n_samples * self.n_blocks
        self.unit = min(self.block, stride)
        self.n_units, self.rest, self.hops = size // self.unit, size % self.unit, stride // self.unit
        self.sizes = [self.unit] + [self.rest] * bool(self.rest)
        self.n_windows = (n_out - size) // stride + 1
        self.before = _round_up(max(widths) // 2, UNIT)
        self.width = _round_up(self.hop - step + max(widths), MULTIPLE)
        self.length = _round_up(self.before + self.n_blocks * self.hop + self.width, UNIT)
        self.per_part = max(1, CACHE_BYTES // (4 * self.n_filters * self.block * self.n_columns))

    def parts(self):
        """Rows that leave room in a processor's cache: the slice of them, and of networks and signals."""
        whole, size = max(1, self.per_part // self.n_signals), min(self.per_part, self.n_signals)
        for k in range(0, self.n_networks, whole):
            networks = slice(k, min(k + whole, self.n_networks))
            for start in range(0, self.n_signals, size):
                signals = slice(start, min(start + size, self.n_signals))
                first, last = k * self.n_signals + start, (networks.stop - 1) * self.n_signals + signals.stop
                yield slice(first, last), (networks, signals)

    def pad(self, x):
        """Signals (n_networks * n_samples, n_signals, length), the first and last value repeated."""
        after = self.length - self.before - self.n_times
        return torch.cat([x[..., :1].expand(-1, -1, self.before), x, x[..., -1:].expand(-1, -1, after)], 2)

    def unpad(self, dpadded):
        """Gradients of what was padded."""
        first, last = self.before, self.before + self.n_times - 1
        dpadded[..., first] = dpadded[..., : first + 1].sum(2)
        dpadded[..., last] = dpadded[..., last:].sum(2)
        return dpadded[..., first : last + 1]

    def windows(self, padded, part):
        """Windows of each block, (n_rows, n_columns, width)."""
        windows = self._at_hops(padded, part, 0, self.width)
        return windows.reshape(-1, self.n_columns, self.width)

    def add_windows(self, padded, windows, part):
        """Add windows at their places."""
        windows = windows.view(-1, part[1].stop - part[1].start, self.n_blocks, self.n_samples, self.width)
        for start in range(0, self.width, self.hop):
            piece = windows[..., start : start + self.hop]
            self._at_hops(padded, part, start, piece.shape[4]).add_(piece)

    def _at_hops(self, padded, part, start, width):
        of_sample = self.n_signals * self.length
        of_network = of_sample * self.n_samples
        networks, signals = part
        shape = networks.stop - networks.start, signals.stop - signals.start
        first = networks.start * of_network + signals.start * self.length
        return padded.as_strided(
            (*shape, self.n_blocks, self.n_samples, width),
            (of_network, self.length, self.hop, of_sample, 1),
            first + self.before - max(self.widths) // 2 + start,
        )

    def toeplitz(self, filters, sign):
        """The matrices (n_rows, n_filters * block, width) of filters of all banks."""
        matrix = sign.new_zeros(self.n_rows, self.n_filters * self.block, self.width)
        for bank, signs, diagonals in zip(filters, self._by_bank(sign), self._diagonals(matrix), strict=True):
            diagonals.copy_(bank.reshape(self.n_rows, self.n_of_bank, 1, -1) * signs)
        return matrix

    def of_toeplitz(self, dmatrix, sign):
        """Gradients of filters from those of their matrices."""
        of_banks = zip(self._by_bank(sign), self._diagonals(dmatrix), strict=True)
        dfilters = [diagonals.sum(2, keepdim=True).mul_(signs) for signs, diagonals in of_banks]
        return [d.view(self.n_networks, -1, 1, d.shape[3]) for d in dfilters]

    def _by_bank(self, values):
        return values.view(self.n_rows, len(self.widths), self.n_of_bank, 1, 1).unbind(1)

    def _diagonals(self, matrix):
        """Where the filters of each bank stand in their matrices, (n_rows, n_of_bank, block, k)."""
        n = self.block * self.width
        for i, k in enumerate(self.widths):
            shape = self.n_rows, self.n_of_bank, self.block, k
            start = i * self.n_of_bank * n + max(self.widths) // 2 - k // 2
            yield matrix.as_strided(shape, (self.n_filters * n, n, self.width + self.step, 1), start)

    def clear_rest(self, y):
        """Set to zero what is beyond the last output."""
        if self.n_full < self.n_blocks:
            blocks = y.view(-1, self.block, self.n_blocks, self.n_samples)
            blocks[:, self.n_left :, self.n_full] = 0
            if self.n_full + 1 < self.n_blocks:
                blocks[:, :, self.n_full + 1 :] = 0

    def in_time(self, units):
        """What is known of units in the order of time, (n_rows * n_filters, -1, n_samples)."""
        units = units.view(units.shape[0], -1, self.n_blocks, self.n_samples)
        return units.transpose(1, 2).reshape(units.shape[0], -1, self.n_samples)

    def pieces(self, maxima):
        """Of each window, its units, and the head of the one after them if there is a rest, in order."""
        sources = [maxima[0]] * self.n_units + maxima[1:]
        stop = (self.n_windows - 1) * self.hops + 1
        return [source[:, i : i + stop : self.hops] for i, source in enumerate(sources)]

    def of_pieces(self, left, pooled, maxima):
        """Gradients of units and of their heads, from those of windows; of equal ones, the first has it."""
        dmaxima = [torch.zeros_like(one) for one in maxima]
        *targets, last = self.pieces(dmaxima)
        for piece, target in zip(self.pieces(maxima), targets, strict=False):
            hit = torch.eq(piece, pooled, out=torch.empty_like(pooled)).mul_(left)
            target += hit
            left -= hit
        last += left
        shape = pooled.shape[0], self.n_blocks, -1, self.n_samples
        return [d.view(shape).transpose(1, 2).reshape(d.shape[0], -1, self.n_columns) for d in dmaxima]

    def by_row(self, *values):
        """From channels (n_networks, n_channels, ...) to those of rows, (n_rows, n_filters, 1) each."""
        shape = len(values), self.n_networks, len(self.widths), self.n_signals, self.n_of_bank
        values = torch.stack(values).view(shape).transpose(2, 3)
        return values.reshape(-1, self.n_rows, self.n_filters, 1)

    def by_channel(self, *values):
        """The reverse of `by_row`, (n_networks, n_channels) each."""
        shape = len(values), self.n_networks, self.n_signals, len(self.widths), self.n_of_bank
        return torch.stack(values).view(shape).transpose(2, 3).reshape(len(values), self.n_networks, -1)

    def rows_of(self, x):
        """Channels (n_networks, n_channels, ...) as (n_networks, n_signals, n_banks, n_of_bank, ...)."""
        x = x.view(self.n_networks, len(self.widths), self.n_signals, self.n_of_bank, *x.shape[2:])
        return x.transpose(1, 2)


def _round_up(n, multiple):
    return -(-n // multiple) * multiple
