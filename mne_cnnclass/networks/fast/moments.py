"""Means and squares of filtered signals without filtering them.

A filter h of k samples gives z[t] = h · w[t], where w[t] is the window of k samples of the zero-padded signal
that starts at t. So the mean of z over all times, channels and samples is h · m, with m the mean window, and
that of z² is hᵀ R h, with R the mean of w wᵀ. R has nearly the same value along a diagonal: one step down, it
loses the product of samples at the start of the signal and gains one at its end. Its first row is the
autocorrelation of the signal but for its end. So a sum, k autocorrelations and the ends of the signals are
all that is needed.
"""

import torch
from scipy.fft import next_fast_len


def summarize(x, k):
    """Of each sample (n, n_channels, n_times), sums over all channels, as float64 of shape (n, k + 1).

    These are the autocorrelation at the lags 0 … k - 1 and, last, the sum, for filters of k samples.
    """
    length = next_fast_len(x.shape[2] + k - 1, real=True)
    x = x.double()
    power = torch.view_as_real(torch.fft.rfft(x, length)).square_().sum(1).sum(2)
    return torch.cat([torch.fft.irfft(power, length)[:, :k], x.sum((1, 2))[:, None]], 1)


def expected_squares(x, k, padding, summary=None):
    """Mean window of k samples of zero-padded signals, mean outer product of windows, their number.

    Signals have the shape (n, n_channels, n_times); means are over times, channels and samples. ``padding``
    is the number of zeros before and after a signal, ``summary`` what `summarize` gave for the signals, if
    known.
    """
    before, after = padding
    n_out = x.shape[2] + before + after - k + 1
    if summary is None:  # all signals as channels of one sample, so that their power is summed up at once
        summary = summarize(x.flatten(0, 1).unsqueeze(0), k)
    total = summary.sum(0)
    # the first k - 1 samples of the padded signals, which windows lose one by one, and those that they gain
    lost_sum, lost = _edge(x[..., : k - 1 - before], before, k)
    gained_sum, gained = _edge(x[..., max(0, n_out - before) :], max(0, before - n_out), k)

    ones = torch.ones(k, k, dtype=torch.float64, device=x.device)
    first = total[-1] - gained_sum.sum() + ones.tril(-1) @ (gained_sum - lost_sum)
    # rows of `skewed` go along the diagonals: skewed[l, s] belongs to row s and column s + l
    difference = _skew(gained - lost)
    skewed = (total[:k] - _skew(gained).sum(1))[:, None] + difference.cumsum(1) - difference
    upper = _unskew(skewed)
    second = upper + upper.triu(1).T
    n_windows = len(x) * x.shape[1] * n_out
    return first / n_windows, second / n_windows, n_windows


def filtered_moments(x, filters, padding, summary=None):
    """Mean and variance of filtered signals over samples, channels and times, and the number of values."""
    first, second, n = expected_squares(x, filters.shape[1], padding, summary)
    filters = filters.double()
    mean = filters @ first
    return mean, torch.einsum("fi,ij,fj->f", filters, second, filters) - mean * mean, n


def _edge(samples, place, k):
    """Sum and sum of outer products of short pieces of signals, at their place among k samples."""
    flat = samples.double().permute(2, 0, 1).flatten(1)
    total, products = flat.new_zeros(k), flat.new_zeros(k, k)
    within = slice(place, place + len(flat))
    total[within] = flat.sum(1)
    products[within, within] = flat @ flat.T
    return total, products


def _skew(square):
    """Upper triangle of a matrix with its diagonals as rows, padded with zeros."""
    return _diagonals(torch.cat([square, torch.zeros_like(square)], 1))


def _diagonals(wide):
    k = len(wide)
    return wide.as_strided((k, k), (1, 2 * k + 1))


def _unskew(diagonals):
    """The upper triangle of the matrix whose diagonals are the rows."""
    k = len(diagonals)
    wide = diagonals.new_zeros(k, 2 * k)
    _diagonals(wide).copy_(diagonals)
    return wide[:, :k].triu()
