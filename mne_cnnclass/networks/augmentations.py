"""The table of augmentations that can be named."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd


class Rule(NamedTuple):
    """A parameter that depends on the samples, and its description."""

    text: str
    value: Callable

    def __str__(self):
        return self.text


class Augmentation(NamedTuple):
    """A transform that has a name: its description, its parameters, its class in `transforms`, its source."""

    does: str
    parameters: dict
    implementation: str
    reference: str


def _sampling_frequency(problem):
    if problem["sfreq"] is None:
        raise ValueError(
            "it needs the sampling frequency, and X is an array, which has none. Pass epochs, or give it as "
            "a parameter: {'sfreq': 250.0}."
        )
    return problem["sfreq"]


def _channels(problem):
    if problem["chs_info"] is None:
        raise ValueError("it needs the names of channels, and X is an array, which has none. Pass epochs.")
    return problem["chs_info"]


def _share_of_window(share):
    return Rule(f"{share:.0%} of the window", lambda problem: max(1, round(share * problem["n_times"])))


SFREQ = Rule("that of the epochs", _sampling_frequency)
ROMMEL = "Rommel et al. 2022, doi:10.1088/1741-2552/aca220"
MOHSENVAND = "Mohsenvand et al. 2020, PMLR 136:238-253"
SAEED = "Saeed et al. 2020, arXiv:2010.13694"


def _per_sample(implementation, does, reference, **parameters):
    """What is applied to each sample of a batch with a probability."""
    return Augmentation(does, {"probability": 0.5, **parameters}, implementation, reference)


AUGMENTATIONS = {
    "amplitude_scale": _per_sample(
        "AmplitudeScale", "multiplies each channel by a number in `interval`", MOHSENVAND, interval=(0.8, 1.2)
    ),
    "bandstop": _per_sample(
        "BandstopFilter",
        "takes a band of `bandwidth` Hz out of all channels, anywhere below `max_freq` (half of `sfreq`)",
        MOHSENVAND,
        bandwidth=2.0,
        max_freq=None,
        sfreq=SFREQ,
    ),
    "channel_dropout": _per_sample(
        "ChannelsDropout", "sets each channel to zero with probability `p_drop`", SAEED, p_drop=0.2
    ),
    "channel_shuffle": _per_sample(
        "ChannelsShuffle", "lets a share `p_shuffle` of the channels change places", SAEED, p_shuffle=0.2
    ),
    "frequency_shift": _per_sample(
        "FrequencyShift",
        "moves the spectrum of all channels by up to ± `max_delta_freq` Hz",
        "Rommel et al. 2022, arXiv:2106.13695",
        max_delta_freq=1.0,
        sfreq=SFREQ,
    ),
    "ft_surrogate": _per_sample(
        "FTSurrogate",
        "adds random phases to the spectrum, up to a share `phase_noise_magnitude` of the circle, the same "
        "in all channels unless `channel_indep`; powers stay",
        "Schwabedal et al. 2018, arXiv:1806.08675",
        phase_noise_magnitude=1.0,
        channel_indep=False,
    ),
    "gaussian_noise": _per_sample(
        "GaussianNoise", "adds white noise of `std` standard deviations of a channel", MOHSENVAND, std=0.1
    ),
    "left_right_mirror": _per_sample(
        "LeftRightMirror",
        "exchanges the electrodes of both hemispheres, and the two `classes` with them: it changes labels",
        "Deiss et al. 2018, arXiv:1803.09702 (of electrodes)",
        classes=None,
        labels=Rule("those of fit", lambda problem: problem["classes"]),
        channels=Rule("those of the epochs", _channels),
    ),
    "mixup": Augmentation(
        "averages samples and their labels in pairs, weighted by Beta(`alpha`, `alpha`), the same for a "
        "whole batch unless `beta_per_sample`",
        {"alpha": 0.2, "beta_per_sample": False},
        "Mixup",
        "Zhang et al. 2018, arXiv:1710.09412",
    ),
    "sign_flip": _per_sample("SignFlip", "turns the sign of all channels", ROMMEL),
    "smooth_time_mask": _per_sample(
        "SmoothTimeMask",
        "fades all channels out for `mask_len_samples` time samples",
        MOHSENVAND,
        mask_len_samples=_share_of_window(0.2),
    ),
    "time_reverse": _per_sample("TimeReverse", "turns time round", ROMMEL),
    "time_shift": _per_sample(
        "TimeShift",
        "moves all channels by up to ± `max_shift_samples` time samples; their reflection fills the end",
        MOHSENVAND,
        max_shift_samples=_share_of_window(0.05),
    ),
}


def list_augmentations() -> pd.DataFrame:
    """List the augmentations that :class:`~mne_cnnclass.CNNClassifier` knows by name.

    Returns
    -------
    augmentations : pandas.DataFrame
        A row an augmentation, with its name as index, and the columns

        - ``does``: what it does.
        - ``parameters``: the parameters that can be set, as in ``("channel_dropout", {"p_drop": 0.1})``, and
          their defaults. All augmentations but ``mixup`` are applied to each sample of a batch with a given
          ``probability``.
        - ``implementation``: its class in `braindecode.augmentation`, or in
          `mne_cnnclass.networks.training.transforms` where braindecode has none or a slower one.
        - ``reference``: where it was published.

    Examples
    --------
    >>> from mne_cnnclass import list_augmentations
    >>> list_augmentations().loc["channel_dropout", "parameters"]
    'probability=0.5, p_drop=0.2'
    """
    table = pd.DataFrame(AUGMENTATIONS.values(), index=pd.Index(AUGMENTATIONS, name="name"))
    table["parameters"] = [", ".join(f"{k}={v}" for k, v in one.items()) for one in table["parameters"]]
    return table


def listed(augmentation):
    """The augmentations of a parameter that may be None, one, or a list."""
    if augmentation is None:
        return []
    return list(augmentation) if isinstance(augmentation, (list, tuple)) else [augmentation]


def is_named(one):
    """Whether it is a name, or a name with parameters."""
    match one:
        case str() | [str(), dict()]:
            return True
    return False
