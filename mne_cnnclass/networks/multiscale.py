"""Our own network: what is fast and what is slow in a signal, at several scales."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

UNKNOWN_SFREQ = 128.0  # Hz, taken where the sampling frequency is not known, to make samples of seconds


class MultiScaleCNN(nn.Module):
    """A convolutional network with kernels of several widths, for epochs of EEG, ECG and the like.

    Two paths meet in the dense layers. The *fast* path projects the channels onto a few spatial components
    and passes them through stacked blocks of parallel convolutions of several widths, batch normalisation,
    ReLU and max pooling. The output of the first block is the logarithm of its pooled outputs, an envelope of
    rhythms, so that later layers respond to relative changes of power. The *slow* path describes the time
    course of the unfiltered channels by cosines of a few cycles: level, trend, slow potentials and the shape
    of a beat. The mean over time of each block's output and the coefficients of the cosines are the inputs of
    the dense layers.

    Parameters
    ----------
    n_chans : int
        Number of channels, at least 1.
    n_outputs : int
        Number of classes.
    n_times : int
        Length of a window in samples. Kernels and pools that are longer than the window are shortened to it.
    sfreq : None | float
        Sampling frequency in Hz, used to convert the widths below from seconds to samples. ``None`` assumes
        128 Hz.
    kernel_widths : sequence of sequence of float
        For each block, the kernel widths of its parallel convolutions in s. Default is
        ``((0.0625, 0.125), (0.375, 0.875))``.
    n_filters : sequence of int
        For each block, the number of filters per width. In the first block, they are divided among the
        spatial components, with at least four for each. Default is ``(24, 16)``.
    pool_size, pool_stride : sequence of float
        For each block, size and stride of the max pooling in s. Defaults are ``(0.25, 0.25)`` and
        ``(0.125, 0.25)``.
    n_components : int
        Maximum number of spatial components; there are never more than channels. Default is 16.
    n_cosines : int
        Number of cosines in the slow path, with 0, ½, 1 … cycles per window; 0 omits the path. Default is 16.
    hidden_units : sequence of int
        Number of units of each hidden dense layer; an empty sequence gives a linear read-out. Default is
        ``(32,)``.
    drop_prob : float
        Dropout probability before every dense layer, usually 0.2 to 0.5. Default is 0.5.

    Notes
    -----
    The temporal filters of the first block start as Hann-windowed waves of graded frequency, so that they
    cover the spectrum from the first step on, as in the sinc filters of [1]_; they are then trained without
    constraints. Parallel convolutions of several widths are taken from Inception [2]_, applied to EEG in
    [3]_; the logarithm of a pooled envelope is taken from the shallow network of [4]_.

    References
    ----------
    .. [1] Borra D, Fantozzi S, Magosso E. Interpretable and lightweight convolutional neural network for
       EEG decoding. Neural Networks 129:55-74, 2020. doi:10.1016/j.neunet.2020.05.032
    .. [2] Szegedy C et al. Going deeper with convolutions. CVPR 2015. doi:10.1109/CVPR.2015.7298594
    .. [3] Santamaría-Vázquez E et al. EEG-Inception. IEEE Trans Neural Syst Rehabil Eng 28:2773-2782, 2020.
       doi:10.1109/TNSRE.2020.3048106
    .. [4] Schirrmeister RT et al. Deep learning with convolutional neural networks for EEG decoding and
       visualization. Hum Brain Mapp 38:5391-5420, 2017. doi:10.1002/hbm.23730

    Examples
    --------
    >>> import torch
    >>> from mne_cnnclass import MultiScaleCNN
    >>> network = MultiScaleCNN(n_chans=22, n_outputs=4, n_times=1000, sfreq=250.0)
    >>> network(torch.zeros(8, 22, 1000)).shape
    torch.Size([8, 4])
    """

    def __init__(
        self,
        n_chans: int,
        n_outputs: int,
        n_times: int,
        sfreq: float | None = None,
        *,
        kernel_widths: Sequence[Sequence[float]] = ((0.0625, 0.125), (0.375, 0.875)),
        n_filters: Sequence[int] = (24, 16),
        pool_size: Sequence[float] = (0.25, 0.25),
        pool_stride: Sequence[float] = (0.125, 0.25),
        n_components: int = 16,
        n_cosines: int = 16,
        hidden_units: Sequence[int] = (32,),
        drop_prob: float = 0.5,
    ) -> None:
        super().__init__()
        if not kernel_widths or not all(len(w) and min(w) > 0 for w in kernel_widths):
            raise ValueError(
                f"kernel_widths must be one or more blocks of positive widths, got {kernel_widths!r}."
            )
        per_block = {"n_filters": n_filters, "pool_size": pool_size, "pool_stride": pool_stride}
        for name, values in per_block.items():
            if len(values) != len(kernel_widths):
                raise ValueError(
                    f"{name} must have one entry for each of the {len(kernel_widths)} blocks of "
                    f"kernel_widths, got {values!r}."
                )
        n_components = min(n_components, n_chans)
        self.spatial = nn.Conv1d(n_chans, n_components, 1, bias=False)
        nn.init.orthogonal_(self.spatial.weight)
        if n_components == n_chans:
            nn.init.dirac_(self.spatial.weight)
        self.blocks = nn.ModuleList()
        n_features, n_in, length, rate = 0, n_components, n_times, float(sfreq or UNKNOWN_SFREQ)
        for widths, n_out, size, stride in zip(kernel_widths, *per_block.values(), strict=True):
            first = not self.blocks
            block = MultiScaleBlock(n_in, n_out, length, rate, widths, size, stride, envelope=first)
            self.blocks.append(block)
            n_in, length, rate = block.n_out, block.n_times, block.rate
            n_features += n_in
        # the course of the first 4 spatial mixtures of the raw channels
        self.course = nn.Conv1d(n_chans, min(n_chans, 4), 1, bias=False)
        phase = math.pi * (torch.arange(n_times) + 0.5) / n_times
        cosines = torch.cos(torch.outer(torch.arange(min(n_cosines, n_times)), phase)) / n_times
        self.register_buffer("cosines", cosines, persistent=False)
        n_features += min(n_chans, 4) * len(cosines)
        self.norm = nn.BatchNorm1d(n_features)
        layers = []
        for n_units in hidden_units:
            layers += [
                nn.Dropout(drop_prob),
                nn.Linear(n_features, n_units),
                nn.BatchNorm1d(n_units),
                nn.ReLU(),
            ]
            n_features = n_units
        self.dense = nn.Sequential(*layers, nn.Dropout(drop_prob), Linear(n_features, n_outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the logits of samples.

        Parameters
        ----------
        x : torch.Tensor, shape (n_samples, n_chans, n_times)
            The samples.

        Returns
        -------
        logits : torch.Tensor, shape (n_samples, n_outputs)
            The logits.
        """
        features = [project(self.course(x), self.cosines, exact=not self.training).flatten(1)]
        x = self.spatial(x)
        for block in self.blocks:
            x = block(x)
            features.append(x.mean(dim=2))
        return self.dense(self.norm(torch.cat(features, dim=1)))


def project(x, weight, bias=None, *, exact):
    """Multiply rows by a matrix; if ``exact``, a row gives the same bits wherever it stands among others.

    A matrix product in single precision rounds a row according to its place. Computed in double precision
    and rounded once, it does not.
    """
    if not exact:
        return functional.linear(x, weight, bias)
    return functional.linear(x.double(), weight.double(), None if bias is None else bias.double()).to(x.dtype)


class Linear(nn.Linear):
    """A linear layer, exact at prediction."""

    def forward(self, x):
        return project(x, self.weight, self.bias, exact=not self.training)


class MultiScaleBlock(nn.Module):
    """Parallel convolutions, batch normalisation, ReLU, max pooling; in the first block, the log envelope.

    The convolutions of the first block filter each spatial component for itself (``groups``), at steps that
    leave about 80 samples a second: their outputs are pooled to an envelope, which needs no more.
    """

    ENVELOPE_RATE = 80.0  # Hz

    def __init__(self, n_in, n_out, n_times, rate, widths, pool_size, pool_stride, *, envelope):
        super().__init__()
        groups = n_in if envelope else 1
        step = max(1, round(rate / self.ENVELOPE_RATE)) if envelope else 1
        n_out = groups * max(4, math.ceil(n_out / groups)) if envelope else n_out
        self.convolutions = nn.ModuleList()
        for i, width in enumerate(sorted(widths)):
            # of an odd number of samples, and of another one than the widths before, if the window allows it
            length = min(max(round(width * rate), 2 * i + 3), n_times) | 1
            options = dict(padding=length // 2, padding_mode="replicate", groups=groups, bias=False)
            convolution = nn.Conv1d(n_in, n_out, length, stride=step, **options)
            if envelope:
                start_as_waves(convolution)
            self.convolutions.append(convolution)
        n_times, rate = (n_times - 1) // step + 1, rate / step
        self.n_out = n_out * len(widths)
        self.norm = nn.BatchNorm1d(self.n_out)
        self.size = min(max(1, round(pool_size * rate)), n_times)
        self.stride = min(max(1, round(pool_stride * rate)), self.size)
        self.n_times, self.rate = (n_times - self.size) // self.stride + 1, rate / self.stride
        self.envelope_norm = nn.BatchNorm1d(self.n_out) if envelope else None

    def forward(self, x):
        x = self.norm(torch.cat([convolution(x) for convolution in self.convolutions], dim=1))
        x = functional.relu(functional.max_pool1d(x, self.size, self.stride))  # as good as the other order
        return x if self.envelope_norm is None else self.envelope_norm(torch.log(x + 0.01))


def start_as_waves(convolution):
    """Set the kernels to waves of graded frequency and random phase under a Hann window, of unit norm."""
    n_out, _, length = convolution.weight.shape
    lowest = min(1 / length, 0.2)  # cycles a sample: from one a kernel up to almost the Nyquist frequency
    place = torch.linspace(0, 1, n_out // convolution.groups).repeat(convolution.groups)
    frequency = (lowest * (0.45 / lowest) ** place).view(-1, 1, 1)
    sample = torch.arange(length) - length // 2
    waves = torch.cos(2 * math.pi * (frequency * sample + torch.rand(n_out, 1, 1)))
    waves = waves * torch.hann_window(length + 2, periodic=False)[1:-1]
    if length > 3:  # shorter ones would vanish
        waves = waves - waves.mean(dim=2, keepdim=True)
    with torch.no_grad():
        convolution.weight.copy_(waves / waves.norm(dim=2, keepdim=True).clamp_min(1e-6))
