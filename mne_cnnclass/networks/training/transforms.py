"""Transforms of training batches: braindecode's, with the slow ones computed in less time, and two of ours.

A class below that is named as one of braindecode's draws the same random numbers and gives the same signals
up to rounding, but for `GaussianNoise` and `BandstopFilter`.
"""

import math

import torch

from ..braindecode_models import braindecode_classes
from ..mirror import mirrored_channels, swapped_classes

braindecode_classes()  # imports braindecode without its noise

from braindecode import augmentation  # noqa: E402
from braindecode.augmentation import (  # noqa: E402, F401 - some are found here by name
    AmplitudeScale,
    ChannelsDropout,
    ChannelsShuffle,
    SignFlip,
    TimeReverse,
    Transform,
)


class TimeShift(Transform):
    """Move each sample in time by up to ``max_shift_samples``; its own reflection fills the free end."""

    def __init__(self, probability, max_shift_samples, random_state=None):
        super().__init__(probability=probability, random_state=random_state)
        if max_shift_samples < 1:
            raise ValueError(f"max_shift_samples must be at least 1, got {max_shift_samples!r}.")
        self.max_shift_samples = max_shift_samples

    def get_augmentation_params(self, x, y):
        most = min(self.max_shift_samples, x.shape[-1] - 1)
        return {"shift": torch.as_tensor(self.rng.randint(-most, most + 1, size=len(x)), device=x.device)}

    @staticmethod
    def operation(x, y, shift):
        last = x.shape[-1] - 1
        index = (torch.arange(last + 1, device=x.device) - shift[:, None]).abs()
        index = last - (last - index).abs()
        return x.gather(2, index[:, None].expand_as(x)), y


class LeftRightMirror(Transform):
    """Exchange the channels of both hemispheres, and two classes with them, see `mirror`."""

    def __init__(self, probability, labels, channels, classes=None, random_state=None):
        super().__init__(probability=probability, random_state=random_state)
        self.permutation = torch.tensor(mirrored_channels(channels))
        self.swapped = torch.tensor(swapped_classes(labels, classes))

    def get_augmentation_params(self, x, y):
        return {"permutation": self.permutation, "swapped": self.swapped}

    @staticmethod
    def operation(x, y, permutation, swapped):
        return x[:, permutation.to(x.device)], swapped.to(y.device)[y]


class Mixup(augmentation.Mixup):
    """Average samples in pairs, all at once; labels are those of both and the share of the first."""

    @staticmethod
    def operation(x, y, lam, idx_perm):
        return torch.lerp(x[idx_perm], x, lam[:, None, None]), (y, y[idx_perm], lam)


class GaussianNoise(augmentation.GaussianNoise):
    """Add white noise, drawn by torch."""

    @staticmethod
    def operation(x, y, std, random_state):
        return x + std * torch.randn_like(x), y


class SmoothTimeMask(augmentation.SmoothTimeMask):
    """Fade all channels out and in again, by one mask a sample."""

    @staticmethod
    def operation(x, y, mask_start_per_sample, mask_len_samples):
        t = torch.arange(x.shape[-1], device=x.device) - mask_start_per_sample[:, None]
        slope = 1000 / x.shape[-1]
        mask = torch.sigmoid(-slope * t) + torch.sigmoid(slope * (t - mask_len_samples))
        return x * mask[:, None].float(), y


class FTSurrogate(augmentation.FTSurrogate):
    """Randomise the phases of the spectrum, of the frequencies from zero up alone."""

    @staticmethod
    def operation(x, y, phase_noise_magnitude, channel_indep, random_state):
        n_times = x.shape[-1]
        spectrum = torch.fft.rfft(x)
        shape = len(x), x.shape[1] if channel_indep else 1, (n_times - 1) // 2
        angle = torch.from_numpy(2 * math.pi * phase_noise_magnitude * random_state.random(shape))
        angle = angle.to(x.device, x.dtype)
        spectrum[..., 1 : 1 + shape[2]] *= torch.polar(torch.ones_like(angle), angle)
        return torch.fft.irfft(spectrum, n_times), y


class FrequencyShift(augmentation.FrequencyShift):
    """Move the spectrum of all channels, by way of the analytic signal."""

    @staticmethod
    def operation(x, y, delta_freq, sfreq):
        n_times = x.shape[-1]
        length = 2 ** (n_times - 1).bit_length()
        spectrum = torch.fft.rfft(x, length).mul_(-1j)
        spectrum[..., 0], spectrum[..., length // 2] = 0, 0
        imaginary = torch.fft.irfft(spectrum, length)[..., :n_times]  # x is the real part
        t = torch.arange(n_times, device=x.device) / sfreq
        angle = (2 * math.pi * delta_freq[:, None, None] * t).to(x.dtype)
        return x * angle.cos() - imaginary * angle.sin(), y


class BandstopFilter(augmentation.BandstopFilter):
    """Take one band of frequencies out of each sample, by a factor on its spectrum.

    The edges of the band are cosines of 1 Hz, and the ends of a sample are taken as neighbours. braindecode
    designs and applies an FIR filter for each sample, which takes far longer than a training step.
    """

    TRANSITION = 1.0  # Hz

    def __init__(self, probability, sfreq, bandwidth=2.0, max_freq=None, random_state=None):
        super().__init__(probability, sfreq, bandwidth, max_freq or sfreq / 2, random_state)

    @staticmethod
    def operation(x, y, sfreq, bandwidth, freqs_to_notch):
        n_times = x.shape[-1]
        frequency = torch.fft.rfftfreq(n_times, 1 / sfreq, device=x.device)
        centre = torch.as_tensor(freqs_to_notch, device=x.device, dtype=x.dtype)[:, None]
        beyond = ((frequency - centre).abs() - bandwidth / 2) / BandstopFilter.TRANSITION
        gain = (1 - torch.cos(math.pi * beyond.clamp(0, 1))) / 2
        return torch.fft.irfft(torch.fft.rfft(x) * gain[:, None], n_times), y
