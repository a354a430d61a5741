"""Dropout of several networks, each by its own random numbers."""

import torch


class Dropout:
    """Zeroes numbers, each network's by bits of its own generator, so that others do not change them.

    One random integer of 64 bits makes four or two decisions, where torch draws a number for each.
    """

    def __init__(self, generators):
        self.generators = generators

    def __call__(self, x, probability):
        """Zero each number of (n_networks, ...) with a probability, and scale the rest to keep the mean."""
        mask = self.mask(x, probability)
        return x if mask is None else x * mask

    def mask(self, x, probability):
        """What to multiply numbers by, or None."""
        if not probability:
            return None
        if probability == 1:
            return torch.zeros_like(x)
        n_each = x[0].numel()
        coarse = (probability * 2**16).is_integer()  # 16 bits hold the probability exactly
        dtype, n_bits = (torch.int16, 16) if coarse else (torch.int32, 32)
        bits = torch.empty(len(x), -(-n_each * n_bits // 64), dtype=torch.int64, device=x.device)
        for row, generator in zip(bits, self.generators, strict=True):
            row.random_(-(2**63), None, generator=generator)
        kept = bits.view(dtype)[:, :n_each] >= round((probability - 0.5) * 2**n_bits)
        return (kept.to(x.dtype) * (1 / (1 - probability))).view(x.shape)
