"""From samples to a table of features with names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Literal

import mne
import numpy as np
from scipy.fft import fft, fftfreq, ifft
from sklearn.utils.validation import check_is_fitted

from ..samples.blocks import iter_blocks
from ..samples.checks import check_samples
from ..samples.types import Samples
from ..utils.quiet import quiet
from ..utils.threads import limit_threads
from .base import SamplesTransformer, sampling_frequency

BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}  # Hz
WELCH_SECONDS = 2.0  # of a segment: half a hertz separates the slow bands
_NUMBERED = re.compile(r"(\D*)(\d+)(\D*)")  # C3, EEG C3-REF


class Features(SamplesTransformer):
    r"""Compute a table of features, with one row per sample.

    Parameters
    ----------
    features : list of str
        The features to compute for all channels, in this order. Default is ``("band_power",)``.

        - ``"band_power"``: :math:`\log_{10}` of the power in V² of each band, named ``C3.alpha``;
        - ``"relative_power"``: the fraction of the total power of all bands, ``C3.alpha.relative``;
        - ``"asymmetry"``: :math:`\log_{10}` of the power on the right minus that on the left, for each pair
          of electrodes of the 10-20 system (odd numbers are left), ``C3-C4.alpha.asymmetry``;
        - ``"hjorth"``: ``C3.activity`` (variance, V²), ``C3.mobility`` (1/s) and ``C3.complexity`` [1]_;
        - ``"spectral_entropy"``: Shannon's entropy of the spectrum over all bands, from 0 (one line) to 1
          (flat) [2]_, ``C3.spectral_entropy``;
        - ``"phase_locking"``: phase-locking value over the time points of the sample, from 0 to 1 [3]_, for
          each pair of channels and each band, ``C3-C4.alpha.phase_locking``;
        - the alias of any function of mne-features [4]_, which must be installed
          (``pip install mne-cnnclass[features]``), such as ``"samp_entropy"`` or ``"wavelet_coef_energy"``:
          ``C3.samp_entropy``, ``C3.wavelet_coef_energy.0``.
    bands : None | dict of str to tuple of (float, float)
        Names of frequency bands and their edges in Hz (the upper edge is excluded). ``None`` uses delta 1–4,
        theta 4–8, alpha 8–13, beta 13–30 and gamma 30–45 Hz.
    spectrum : "welch" | "multitaper"
        How to estimate spectra: with `mne.time_frequency.psd_array_welch`, in segments of at most 2 s that
        overlap by half, or with `mne.time_frequency.psd_array_multitaper`. Default is ``"welch"``.
    %(sfreq_arrays)s

    Attributes
    ----------
    feature_names_out_ : array of str, shape (n_features,)
        Names of the features. Channels of arrays are called ``ch0``, ``ch1`` …
    %(fitted_properties)s

    Raises
    ------
    ValueError
        If a feature is unknown, a band contains no frequency bin in windows of this length, there is no pair
        of electrodes, or a feature is not finite, for instance because a channel is flat.

    Notes
    -----
    The features of a sample depend on that sample only: nothing is learnt from others. Powers have other
    units than other features, so put a `StandardScaler` before linear classifiers. Phases are those of the
    analytic signal of a band, from the Fourier transform of the whole sample; in short windows, the few
    cycles can appear locked by chance.

    References
    ----------
    .. [1] Hjorth B. EEG analysis based on time domain properties. Electroencephalogr Clin Neurophysiol
       1970;29(3):306-310. https://doi.org/10.1016/0013-4694(70)90143-4
    .. [2] Inouye T, Shinosaki K, Sakamoto H, et al. Quantification of EEG irregularity by use of the entropy
       of the power spectrum. Electroencephalogr Clin Neurophysiol 1991;79(3):204-210.
       https://doi.org/10.1016/0013-4694(91)90138-T
    .. [3] Lachaux JP, Rodriguez E, Martinerie J, Varela FJ. Measuring phase synchrony in brain signals. Hum
       Brain Mapp 1999;8(4):194-208. https://doi.org/10.1002/(SICI)1097-0193(1999)8:4<194::AID-HBM4>3.0.CO;2-C
    .. [4] Schiratti JB, Le Douget JE, Le Van Quyen M, et al. An ensemble learning approach to detect
       epileptic seizures from long intracranial EEG recordings. ICASSP 2018:856-860.
       https://doi.org/10.1109/ICASSP.2018.8461489

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, datasets
    >>> from mne_cnnclass.preprocessing import Features
    >>> view = EpochsView(datasets.load_sample("train"))
    >>> features = Features(["band_power", "hjorth"], bands={"slow": (1, 4), "alpha": (8, 13)})
    >>> table = features.set_output(transform="pandas").fit_transform(view)
    >>> table.shape
    (268, 30)
    >>> features.get_feature_names_out()[:3].tolist()
    ['A1-Cz.slow', 'A1-Cz.alpha', 'A1-Cz +23 ms.slow']
    """

    _set_by_fit = ("feature_names_out_", "_sampling")

    def __init__(
        self,
        features: Sequence[str] = ("band_power",),
        *,
        bands: Mapping[str, tuple[float, float]] | None = None,
        spectrum: Literal["welch", "multitaper"] = "welch",
        sfreq: float | None = None,
    ) -> None:
        self.features = features
        self.bands = bands
        self.spectrum = spectrum
        self.sfreq = sfreq

    def _fit(self, X):
        if not isinstance(self.features, (list, tuple)) or not self.features:
            raise TypeError(f"features must be a list such as ['band_power'], got {self.features!r}.")
        if self.spectrum not in ("welch", "multitaper"):
            raise ValueError(f"spectrum must be 'welch' or 'multitaper', got {self.spectrum!r}.")
        unknown = [name for name in self.features if name not in _FEATURES and name not in _library_names()]
        if unknown:
            raise ValueError(
                f"There is no feature {unknown}; there are {list(_FEATURES)}, and with mne-features "
                "installed (pip install mne-cnnclass[features]) all that it names."
            )
        self._sampling = sampling_frequency(self, X)
        names, _ = self._measure(next(iter_blocks(X, 1)))
        self.feature_names_out_ = np.array(names, dtype=object)
        return self

    @limit_threads(1)
    def transform(self, X: Samples) -> np.ndarray:
        """Compute the features.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, as in :meth:`fit`. Channels of epochs are matched by name.

        Returns
        -------
        table : array, shape (n_samples, n_features)
            The features; a DataFrame with named columns after ``set_output(transform="pandas")``.
        """
        check_is_fitted(self)
        X = check_samples(self, X)
        table = np.concatenate([self._measure(block)[1] for block in iter_blocks(X)])
        lost = np.argwhere(~np.isfinite(table))
        if len(lost):
            sample, feature = lost[0]
            raise ValueError(
                f"Feature {self.feature_names_out_[feature]!r} of sample {sample} is not finite: the channel "
                "is flat there. Drop such epochs, or interpolate the channel."
            )
        return table

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of the features.

        Parameters
        ----------
        input_features : None
            Not used; the names are based on the channels at fit.

        Returns
        -------
        names : array of str, shape (n_features,)
            The feature names.
        """
        check_is_fitted(self)
        return self.feature_names_out_

    def _measure(self, block):
        """Names and values of all features of some samples."""
        ch_names = self.ch_names_ or [f"ch{i}" for i in range(self.n_channels_)]
        signals = _Signals(block, ch_names, self._sampling, self.bands or BANDS, self.spectrum)
        with np.errstate(divide="ignore", invalid="ignore"):  # of flat channels, which transform reports
            parts = [
                _FEATURES[name](signals) if name in _FEATURES else _library(signals, name)
                for name in self.features
            ]
        names = [name for some, _ in parts for name in some]
        return names, np.hstack([values.reshape(len(block), -1) for _, values in parts])


class _Signals:
    """Samples, and what several features need of them, computed once."""

    def __init__(self, data, ch_names, sfreq, bands, spectrum):
        self.data, self.ch_names, self.sfreq, self.bands = data, ch_names, sfreq, bands
        self.spectrum = spectrum

    def each(self, *endings):
        """Names of a feature for each channel, and each ending."""
        return [f"{name}.{ending}" for name in self.ch_names for ending in endings]

    def pairs(self, pairs, ending):
        """Names of a feature for each pair of channels and each band."""
        names = self.ch_names
        return [f"{names[i]}-{names[j]}.{band}.{ending}" for i, j in pairs for band in self.bands]

    @cached_property
    def density(self):
        """Frequencies, and power spectral densities of shape (n_samples, n_channels, n_freqs)."""
        if self.spectrum == "multitaper":
            measure, how = mne.time_frequency.psd_array_multitaper, dict(normalization="full")
        else:
            segment = min(self.data.shape[2], round(WELCH_SECONDS * self.sfreq))
            measure, how = mne.time_frequency.psd_array_welch, dict(n_fft=segment, n_overlap=segment // 2)
        highest = max(high for _, high in self.bands.values())
        with quiet():
            density, freqs = measure(self.data, self.sfreq, fmin=0, fmax=min(highest, self.sfreq / 2), **how)
        return freqs, density

    def bins(self, freqs, band):
        """Which frequencies lie in a band, of which there must be some."""
        low, high = self.bands[band]
        inside = (freqs >= low) & (freqs < high)
        if not inside.any() or high > self.sfreq / 2:
            raise ValueError(
                f"Band {band!r} from {low:g} to {high:g} Hz can't be resolved in windows of "
                f"{self.data.shape[2]} times at {self.sfreq:g} Hz. Take longer windows, or give other bands."
            )
        return inside

    @cached_property
    def power(self):
        """Power of each band, shape (n_samples, n_channels, n_bands)."""
        freqs, density = self.density
        width = freqs[1] - freqs[0] if len(freqs) > 1 else np.nan
        return density @ np.column_stack([self.bins(freqs, band) * width for band in self.bands])


def _band_power(signals):
    return signals.each(*signals.bands), np.log10(signals.power)


def _relative_power(signals):
    power = signals.power
    return signals.each(*(f"{b}.relative" for b in signals.bands)), power / power.sum(axis=-1, keepdims=True)


def _asymmetry(signals):
    pairs = left_right_pairs(signals.ch_names)
    if not pairs:
        raise ValueError(
            "There is no pair of electrodes at the left and the right, such as C3 and C4, among "
            f"{signals.ch_names}."
        )
    left, right = np.array(pairs).T
    power = np.log10(signals.power)
    return signals.pairs(pairs, "asymmetry"), power[:, right] - power[:, left]


def _hjorth(signals):
    if signals.data.shape[2] < 3:  # scikit-learn's checks want the words n_features=1
        raise ValueError(f"Hjorth's parameters need 3 times, got {signals.data.shape[2]} (n_features=1?).")
    first = np.diff(signals.data) * signals.sfreq
    activity, speed, change = (x.var(axis=2) for x in (signals.data, first, np.diff(first) * signals.sfreq))
    mobility = np.sqrt(speed / activity)
    values = np.stack([activity, mobility, np.sqrt(change / speed) / mobility], axis=-1)
    return signals.each("activity", "mobility", "complexity"), values


def _spectral_entropy(signals):
    freqs, density = signals.density
    inside = np.logical_or.reduce([signals.bins(freqs, band) for band in signals.bands])
    share = density[..., inside] / density[..., inside].sum(axis=-1, keepdims=True)
    bits = share * np.log2(np.maximum(share, np.finfo(float).tiny))
    return signals.each("spectral_entropy"), -bits.sum(axis=-1) / np.log2(inside.sum())


def _phase_locking(signals):
    n_times = signals.data.shape[2]
    pairs = list(combinations(range(len(signals.ch_names)), 2))
    if not pairs:
        raise ValueError("Phase locking needs two channels or more, got one.")
    one, other = np.array(pairs).T
    freqs, spectrum = fftfreq(n_times, 1 / signals.sfreq), fft(signals.data)
    values = []
    for band in signals.bands:
        phase = ifft(spectrum * signals.bins(freqs, band))
        phase /= np.abs(phase)
        locking = np.abs(phase @ phase.conj().transpose(0, 2, 1)) / n_times
        values.append(locking[:, one, other])
    return signals.pairs(pairs, "phase_locking"), np.stack(values, axis=-1)


_FEATURES = {
    "band_power": _band_power,
    "relative_power": _relative_power,
    "asymmetry": _asymmetry,
    "hjorth": _hjorth,
    "spectral_entropy": _spectral_entropy,
    "phase_locking": _phase_locking,
}


def left_right_pairs(ch_names):
    """Pairs of electrodes that mirror each other: (left, right) positions in a list of names."""
    places = {name.upper(): i for i, name in enumerate(ch_names)}
    pairs = []
    for name, left in places.items():
        found = _NUMBERED.fullmatch(name)
        if found and int(found[2]) % 2:
            right = places.get(f"{found[1]}{int(found[2]) + 1}{found[3]}")
            pairs += [] if right is None else [(left, right)]
    return pairs


def _library_names():
    """Aliases of the functions of mne-features, if it is installed."""
    try:
        from mne_features.bivariate import get_bivariate_func_names
        from mne_features.univariate import get_univariate_func_names
    except ModuleNotFoundError:
        return []
    return [*get_univariate_func_names(), *get_bivariate_func_names()]


def _library(signals, alias):
    """A function of mne-features, which goes through samples one by one."""
    from mne_features.feature_extraction import extract_features

    names = _names_by_library(alias, tuple(signals.ch_names), signals.data.shape[2], signals.sfreq)
    return names, extract_features(signals.data, signals.sfreq, [alias], separator="__")


@lru_cache
def _names_by_library(alias, ch_names, n_times, sfreq):
    """Names of what a function of mne-features returns, which makes them anew for each sample, at length."""
    from mne_features.feature_extraction import extract_features

    sample = np.random.default_rng(0).standard_normal((1, len(ch_names), n_times))
    table = extract_features(
        sample, sfreq, [alias], separator="__", ch_names=list(ch_names), return_as_df=True
    )
    parts = [own.partition("__") for _, own in table.columns]
    return [f"{channel}.{alias}" + f".{rest}" * bool(rest) for channel, _, rest in parts]
