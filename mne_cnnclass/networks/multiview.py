"""Our own network: linear views and convolutional networks, which count by what they say of new samples."""

from __future__ import annotations

import torch
from scipy.signal import firwin
from torch import nn
from torch.nn import functional

from .braindecode_models import braindecode_classes, quiet_braindecode
from .catalog import N_FOLDS
from .multiscale import UNKNOWN_SFREQ, MultiScaleCNN
from .one_channel import corrected
from .symmetry import LeftRightSymmetric
from .views import LinearViews

SIGNAL = ("n_chans", "n_outputs", "n_times", "sfreq")
RATE = 80.0  # Hz, about which the networks see signals
SHORTEST = 32  # samples, which EEGNet's pooling needs
# A network that was trained without a fold tells of new samples with more chance in it than the mean of all.
OF_MEAN = 1.5


class MultiViewCNN(nn.Module):
    """Linear views of epochs and an average of convolutional networks, which add up.

    What separates the classes of an EEG experiment may be the time course of potentials, as in evoked
    responses, the power of rhythms and how channels share them, or a pattern that comes at any time. The
    first two are linear in known coordinates, cosines of the course and the tangent space of covariance
    matrices [1]_, and have weights in closed form (Gaussian processes with linear kernels, whose shares
    maximise the evidence). The third is learnt by compact convolutional networks [2]_, each of which is
    trained without one fold of the training samples. How much views and networks count is found by what they
    say of the samples that they were fitted without [3]_: a part that says nothing of new samples is not
    heard.

    Parameters
    ----------
    n_chans : int
        Number of channels, at least 1.
    n_outputs : int
        Number of classes.
    n_times : int
        Length of a window in samples, at least 1.
    sfreq : None | float
        Sampling frequency in Hz; signals of more than about 160 Hz are decimated to about 80 Hz for the
        networks, and the views use up to 45 Hz. ``None`` assumes 128 Hz.
    F1, D : int
        Number of temporal filters of a network, and of spatial filters for each of them. Defaults are 8 and
        2.
    kernel_width : float
        Length of the temporal filters in s. Default is 0.3.
    drop_prob : float
        Dropout probability of the networks. Default is 0.25.
    n_networks : int
        Number of networks. Default is 3.

    Notes
    -----
    :class:`~mne_cnnclass.CNNClassifier` fits the views and trains the networks. Trained by itself, as a
    module, it is the average of the networks.

    References
    ----------
    .. [1] Barachant A, Bonnet S, Congedo M, Jutten C. Multiclass brain-computer interface classification by
       Riemannian geometry. IEEE Trans Biomed Eng 2012;59(4):920-928. doi:10.1109/TBME.2011.2172210
    .. [2] Lawhern VJ et al. EEGNet: a compact convolutional neural network for EEG-based brain-computer
       interfaces. J Neural Eng 2018;15:056013. doi:10.1088/1741-2552/aace8c
    .. [3] Wolpert DH. Stacked generalization. Neural Networks 1992;5(2):241-259.
       doi:10.1016/S0893-6080(05)80023-1

    Examples
    --------
    >>> import torch
    >>> from mne_cnnclass import MultiViewCNN
    >>> network = MultiViewCNN(n_chans=22, n_outputs=4, n_times=1000, sfreq=250.0).eval()
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
        F1: int = 8,  # noqa: N803, as in EEGNet
        D: int = 2,  # noqa: N803
        kernel_width: float = 0.3,
        drop_prob: float = 0.25,
        n_networks: int = N_FOLDS,
    ) -> None:
        super().__init__()
        params = dict(F1=F1, D=D, kernel_width=kernel_width, drop_prob=drop_prob)
        signal = dict(n_chans=n_chans, n_outputs=n_outputs, n_times=n_times, sfreq=sfreq)
        self._assemble(_plain, n_networks, params, **signal)

    @classmethod
    def assembled(cls, build_module, n_networks, params, **architecture):
        """The network of any arguments of `build_module`, such as side inputs, which each network takes."""
        self = cls.__new__(cls)
        nn.Module.__init__(self)
        self._assemble(build_module, n_networks, params, **architecture)
        return self

    def _assemble(self, build, n_networks, params, *, mirror=None, **architecture):
        signal = {name: architecture[name] for name in SIGNAL}
        views = LinearViews(**signal)
        self.views = views if mirror is None else LeftRightSymmetric(views, **mirror)
        self.decimation = Decimation(signal["sfreq"])
        one = of_one_network(params=params, mirror=mirror, **architecture)
        self.networks = nn.ModuleList([build(**one) for _ in range(n_networks)])
        self.register_buffer("share", torch.ones(()))

    def forward(self, x: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        """Compute the logits of samples.

        Parameters
        ----------
        x : torch.Tensor, shape (n_samples, n_chans, n_times)
            The samples.
        *others : torch.Tensor
            Side inputs, if there are any.

        Returns
        -------
        logits : torch.Tensor, shape (n_samples, n_outputs)
            The logits.
        """
        short = self.decimation(x)
        # added one by one, as the sum of a stack rounds by the number of samples
        logits = sum(network(short, *others) for network in self.networks)
        return self.share * (logits / len(self.networks)) + self.views(x)


def _plain(model, params, **signal):
    """One of the networks, without side inputs, symmetry and tests of its input."""
    if model == "MultiScaleCNN":
        return MultiScaleCNN(**{name: signal[name] for name in SIGNAL})
    with quiet_braindecode():
        return corrected(braindecode_classes()[model], signal["n_chans"])(
            **{name: signal[name] for name in SIGNAL}, **params
        )


class OneNetwork(nn.Module):
    """One of the networks of a `MultiViewCNN`, for samples as that takes them."""

    def __init__(self, module, number):
        super().__init__()
        self.decimation, self.network = module.decimation, module.networks[number]

    def forward(self, x, *others):
        return self.network(self.decimation(x), *others)


class Decimation(nn.Module):
    """Keeps every q-th sample after a low-pass filter, so that about 80 a second remain."""

    def __init__(self, sfreq):
        super().__init__()
        self.step = factor(sfreq)
        if self.step > 1:
            kernel = torch.as_tensor(firwin(20 * self.step + 1, 1 / self.step), dtype=torch.float32)
            self.register_buffer("kernel", kernel.view(1, 1, -1), persistent=False)

    def forward(self, x):
        """Samples of shape (n_samples, n_chans, n_times) with fewer times."""
        if self.step == 1:
            return x
        reach = self.kernel.shape[2] // 2
        padded = functional.pad(x, (reach, reach), mode="replicate").flatten(0, 1).unsqueeze(1)
        return functional.conv1d(padded, self.kernel, stride=self.step).view(*x.shape[:2], -1)


def factor(sfreq):
    """By how much signals of this rate are decimated."""
    return 1 if sfreq is None else max(1, int(sfreq // RATE))


def of_one_network(*, params, n_times, sfreq, **others):
    """Arguments of `build_module` for one of the networks, from those for all."""
    step = factor(sfreq)
    n_times, sfreq = (n_times - 1) // step + 1, None if sfreq is None else sfreq / step
    others |= dict(n_times=n_times, sfreq=sfreq)
    if n_times < SHORTEST:
        return others | dict(model="MultiScaleCNN", params={})
    defaults = dict(F1=8, D=2, kernel_width=0.3, drop_prob=0.25)
    params = defaults | {name: value for name, value in params.items() if name in defaults}
    kernel_length = max(3, round(params.pop("kernel_width") * (sfreq or UNKNOWN_SFREQ)))
    return others | dict(model="EEGNet", params=params | {"kernel_length": min(kernel_length, n_times)})
