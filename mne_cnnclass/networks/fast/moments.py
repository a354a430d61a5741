"""Means and squares of filtered signals without filtering them.

A filter h of k samples gives z[t] = h · w[t], where w[t] is the window of k samples of the zero-padded signal
that starts at t. So the mean of z over all times, channels and samples is h · m, with m the mean window, and
that of z² is hᵀ R h, with R the mean of w wᵀ. If there were windows wherever they overlap with the signal, R
would have the autocorrelation along each row. What the windows that are missing at both ends would add are
sums along the diagonals of the outer products of the first and of the last samples.
"""

import torch
from scipy.fft import next_fast_len

SHORT = 128  # samples, up to which the products of all pairs take less time than Fourier transforms


def summarize(x, k):
    """Of each sample (n, n_channels, n_times), sums over all channels, as float64 of shape (n, k + 1).

    These are the autocorrelation at the lags 0 … k - 1 and, last, the sum, for filters of k samples.
    """
    n, n_channels, n_times = x.shape
    if n_times <= SHORT:
        size = _rounded(n_times)
        signals = x.new_zeros(n, n_channels, size, dtype=torch.float64)
        signals[..., :n_times] = x
        products = signals.new_zeros(n, size, size + _rounded(k))
        products[..., :size] = torch.bmm(signals.mT, signals)
        steps = products.stride(0), products.stride(1) + 1, 1
        correlation = products.as_strided((n, size, k), steps).sum(1)
    else:
        signals, length = x.double(), next_fast_len(n_times + k - 1, real=True)
        power = torch.view_as_real(torch.fft.rfft(signals, length)).square_().sum(1).sum(2)
        correlation = torch.fft.irfft(power, length)[:, :k]
    return torch.cat([correlation, signals.sum((1, 2))[:, None]], 1)


def expected_squares(x, k, padding, summary=None):
    """Mean window of k samples of zero-padded signals, mean outer product of windows, their number.

    Signals have the shape (n_sets, n, n_channels, n_times); means, of shape (n_sets, k) and (n_sets, k, k),
    are over times, channels and the n samples of a set. ``padding`` is the number of zeros before and after a
    signal, ``summary`` what `summarize` gave for the samples, (n_sets, n, k + 1), if known.
    """
    signals, n_times = x.flatten(1, 2), x.shape[3]
    # all signals of a set as channels of one sample, so that their power is summed up at once
    total = summarize(signals, k) if summary is None else summary.sum(1)
    lags = torch.cat([total[:, 1:k].flip(1), total[:, :k]], 1)
    second = lags.as_strided((len(x), k, k), (2 * k - 1, 1, 1)).flip(1)
    first = total[:, k:].repeat(1, k)
    n_first, n_last = (k - 1 - n_zeros for n_zeros in padding)  # windows that there are not
    if n_first or n_last:
        sums, products = _ends(signals, n_first, n_last)
        first[:, k - n_first :] -= sums[:, 0, :n_first]
        first[:, :n_last] -= sums[:, 1, :n_last]
        second[:, k - n_first :, k - n_first :] -= products[:, 0, :n_first, :n_first]
        second[:, :n_last, :n_last] -= products[:, 1, :n_last, :n_last]
    n_windows = signals.shape[1] * (n_times + sum(padding) - k + 1)
    return first.div_(n_windows), second.div_(n_windows), n_windows


def filtered_moments(x, filters, padding):
    """Mean and variance of filtered signals over samples, channels and times, and the number of values."""
    first, second, n = expected_squares(x.unsqueeze(0), filters.shape[1], padding)
    filters = filters.double()
    mean = filters @ first[0]
    return mean, torch.einsum("fi,ij,fj->f", filters, second[0], filters) - mean * mean, n


def _ends(signals, n_first, n_last):
    """Of the first and of the last samples, sums and outer products as windows leave the signal.

    Signals (n_sets, n_signals, n_times) give the shapes (n_sets, 2, size) and (n_sets, 2, size, size).
    """
    n_sets, n_signals, n_times = signals.shape
    size = _rounded(max(n_first, n_last))
    edges = signals.new_zeros(n_sets, 2, n_signals, size, dtype=torch.float64)
    edges[:, 0, :, : min(n_first, n_times)] = signals[..., :n_first]
    edges[:, 1, :, max(0, n_last - n_times) : n_last] = signals[..., max(0, n_times - n_last) :]
    edges = edges.flatten(0, 1)
    # rows of 2 * size numbers; taken as rows of one more, a diagonal becomes a column
    flat = edges.new_zeros(2 * n_sets, size * (2 * size + 1))
    flat[:, : 2 * size * size].view(-1, size, 2 * size)[..., :size] = torch.bmm(edges.mT, edges)
    columns = flat.view(-1, size, 2 * size + 1)
    columns[..., size] = edges.sum(1)  # no diagonal comes here
    ones = edges.new_ones(size, size)
    directions = torch.stack([ones.tril(), ones.triu()]).repeat(n_sets, 1, 1)
    columns = torch.bmm(directions, columns).view(n_sets, 2, -1)
    square = columns[..., : 2 * size * size].view(n_sets, 2, size, 2 * size)[..., :size]
    return columns.view(n_sets, 2, size, -1)[..., size], square


def _rounded(size):
    """The next multiple of 8: matrices of a stack begin at 64 bytes then, see `together.products`."""
    return -(-size // 8) * 8
