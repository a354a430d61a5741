"""Transformers that change times, frequencies and channels, by MNE's own means."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Literal

import mne
import numpy as np
import scipy.fft
from mne.io.constants import FIFF

from ..samples.blocks import check_finite, known_places
from ..samples.limits import check_edges, check_rate, check_time
from ..samples.mne_internals import set_info
from ..samples.sources import pick_names
from ..samples.view import EpochsView
from ..utils.quiet import quiet
from .base import SamplesTransformer, sampling_frequency


class Filter(SamplesTransformer):
    """Filter each sample with zero phase, as :meth:`mne.Epochs.filter` does.

    Filtering the continuous recording avoids edge artefacts in the epochs, and is preferable where possible
    (:func:`~mne_cnnclass.preprocessing.make_epochs`). Use this transformer for a pass band that is chosen by
    a grid search.

    Parameters
    ----------
    l_freq, h_freq : None | float
        Cut-off frequencies of the pass band in Hz, as in MNE. ``None`` leaves a cut-off out.
    method : "fir" | "iir"
        MNE's FIR filter, or a 4th-order Butterworth filter applied forwards and backwards, which is shorter.
        Default is ``"fir"``.
    %(sfreq_arrays)s

    Attributes
    ----------
    %(fitted_properties)s

    Raises
    ------
    ValueError
        At :meth:`fit`, if the filter is longer than a sample, or a cut-off is not below half the sampling
        frequency.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import Filter
    >>> times = np.arange(500) / 100
    >>> X = np.sin(2 * np.pi * times * np.array([[10], [30]]))[np.newaxis]
    >>> Filter(5, 15, sfreq=100).fit_transform(X)[..., 100:400].std(axis=2).round(1)
    array([[0.7, 0. ]])
    """

    _set_by_fit = ("_design",)
    _n_block = 128  # the filter is designed anew for each block

    def __init__(
        self,
        l_freq: float | None,
        h_freq: float | None,
        *,
        method: Literal["fir", "iir"] = "fir",
        sfreq: float | None = None,
    ) -> None:
        self.l_freq = l_freq
        self.h_freq = h_freq
        self.method = method
        self.sfreq = sfreq

    def _fit(self, X):
        self._design = dict(
            sfreq=sampling_frequency(self, X), l_freq=self.l_freq, h_freq=self.h_freq, method=self.method
        )
        check_edges(self.l_freq, self.h_freq, self._design["sfreq"], "the samples")
        with quiet():
            designed = mne.filter.create_filter(None, **self._design)
        length = len(designed) if self.method == "fir" else designed["padlen"]
        if length > self.n_times_:
            raise ValueError(
                f"The filter from {self.l_freq} to {self.h_freq} Hz is {length} times long "
                f"({length / self._design['sfreq']:.3g} s), and samples have {self.n_times_}: it would "
                "hold little but edges. Filter the recording before epochs are cut, take longer epochs, a "
                "higher l_freq, or method='iir'."
            )

    def _transform_block(self, block, out):
        out[:] = block
        with quiet():
            mne.filter.filter_data(out, **self._design, pad="edge", copy=False)

    def _info(self, view):
        info = view.info
        low, high = self.l_freq or 0.0, self.h_freq or np.inf
        set_info(info, highpass=max(info["highpass"], low), lowpass=min(info["lowpass"], high))
        return info, None


class Resample(SamplesTransformer):
    """Resample each sample, as :meth:`mne.Epochs.resample` does.

    Parameters
    ----------
    sfreq : float
        The new sampling frequency in Hz.
    sfreq_in : None | float
        Sampling frequency of arrays in Hz; not needed for epochs.

    Attributes
    ----------
    ch_names_, sfreq_, n_channels_, n_times_
        Properties of the training samples before resampling, see :class:`~mne_cnnclass.CNNClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import Resample
    >>> X = np.random.default_rng(0).standard_normal((4, 2, 160))
    >>> Resample(128, sfreq_in=160).fit_transform(X).shape
    (4, 2, 128)
    """

    _set_by_fit = ("_ratio", "_n_times_out")

    def __init__(self, sfreq: float, *, sfreq_in: float | None = None) -> None:
        self.sfreq = sfreq
        self.sfreq_in = sfreq_in

    def _fit(self, X):
        check_rate(self.sfreq, "sfreq")
        self._ratio = dict(up=self.sfreq, down=sampling_frequency(self, X, "sfreq_in"))
        self._n_times_out = round(self.n_times_ * self.sfreq / self._ratio["down"])
        if not self._n_times_out:
            raise ValueError(f"At {self.sfreq:g} Hz nothing is left of samples of {self.n_times_} times.")

    def _transform_block(self, block, out):
        """What `mne.filter.resample` computes signal by signal, in several times the time, to the bit."""
        ratio, n_times = self._ratio["up"] / self._ratio["down"], block.shape[-1]
        n_padded = 2 ** math.ceil(math.log2(n_times + 2 * min(n_times // 8, 100)))
        start = (n_padded - n_times) // 2
        edges = [(0, 0), (0, 0), (start, n_padded - n_times - start)]
        spectrum = scipy.fft.rfft(np.pad(np.asarray(block, np.float64), edges, "edge"))
        n_new = max(round(ratio * n_padded), 1)
        shorter = min(n_new, n_padded)
        if shorter % 2 == 0:  # what the Nyquist frequency folds, or shares
            spectrum[..., shorter // 2] *= 2 if n_new < n_padded else 0.5
        spectrum *= n_new / n_padded
        start = round(ratio * start)
        out[:] = scipy.fft.irfft(spectrum, n_new)[..., start : start + self._n_times_out]

    def _info(self, view):
        info = view.info
        set_info(info, sfreq=float(self.sfreq), lowpass=min(info["lowpass"], self.sfreq / 2))
        return info, None


class Crop(SamplesTransformer):
    """Crop samples to a time interval.

    Parameters
    ----------
    tmin, tmax : None | float
        First and last time to keep in s, both included, relative to the event (for arrays, to their start).
        ``None`` uses the first and the last time of the samples.
    %(sfreq_arrays)s

    Attributes
    ----------
    ch_names_, sfreq_, n_channels_, n_times_
        Properties of the training samples before cropping, see :class:`~mne_cnnclass.CNNClassifier`.

    Raises
    ------
    ValueError
        At :meth:`fit`, if ``tmin`` or ``tmax`` is outside the samples.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import Crop
    >>> X = np.zeros((4, 2, 301))
    >>> Crop(0.5, 2.5, sfreq=100).fit_transform(X).shape
    (4, 2, 201)
    """

    _set_by_fit = ("_kept", "_start", "_n_times_out")

    def __init__(
        self, tmin: float | None = None, tmax: float | None = None, *, sfreq: float | None = None
    ) -> None:
        self.tmin = tmin
        self.tmax = tmax
        self.sfreq = sfreq

    def _fit(self, X):
        sfreq = sampling_frequency(self, X)
        times = X.times if isinstance(X, EpochsView) else np.arange(X.shape[2]) / sfreq
        tmin = times[0] if self.tmin is None else self.tmin
        tmax = times[-1] if self.tmax is None else self.tmax
        check_time(tmin, "tmin")
        check_time(tmax, "tmax")
        close = 1e-3 / sfreq  # for times that are no exact binary fractions
        if not times[0] - close <= tmin <= tmax <= times[-1] + close:
            raise ValueError(
                f"tmin={self.tmin} and tmax={self.tmax} s must be in order, and within the samples, which "
                f"are from {times[0]:g} to {times[-1]:g} s."
            )
        kept = np.flatnonzero((times >= tmin - close) & (times <= tmax + close))
        if not len(kept):
            raise ValueError(f"There is no time from {tmin:g} to {tmax:g} s at {sfreq:g} Hz.")
        self._kept, self._start = slice(kept[0], kept[-1] + 1), times[kept[0]]
        self._n_times_out = len(kept)

    def _transform_block(self, block, out):
        out[:] = block[..., self._kept]

    def _info(self, view):
        return None, self._start


class Pick(SamplesTransformer):
    """Pick channels by name or type.

    Parameters
    ----------
    picks : str | int | list
        For epochs, channel names or types, as in :class:`~mne_cnnclass.EpochsView`, among the channels of the
        view. For arrays, channel indices.

    Attributes
    ----------
    ch_names_ : None | list of str
        Names of the picked channels, if fitted on epochs. Samples to transform need only these.
    sfreq_, n_channels_, n_times_
        Properties of the training samples, see :class:`~mne_cnnclass.CNNClassifier`.

    Raises
    ------
    ValueError
        At :meth:`fit`, if a channel does not exist.

    Notes
    -----
    Data of epochs are neither read nor copied: a view of epochs on disk remains one.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import Pick
    >>> Pick([0, 2]).fit_transform(np.zeros((4, 3, 100))).shape
    (4, 2, 100)
    """

    _set_by_fit = ("_index",)

    def __init__(self, picks: str | int | Sequence[str] | Sequence[int]) -> None:
        self.picks = picks

    def _fit(self, X):
        if isinstance(X, EpochsView):
            self.ch_names_ = pick_names(X.info, self.picks)
            self.n_channels_ = self.n_features_in_ = len(self.ch_names_)
            return
        picks = np.atleast_1d(self.picks)
        if not all(isinstance(p, numbers.Integral) for p in picks.tolist()):
            raise TypeError(f"picks of arrays are numbers of channels, got {self.picks!r}. Pass epochs.")
        if not ((picks >= 0) & (picks < X.shape[1])).all():
            raise ValueError(f"picks must be from 0 to {X.shape[1] - 1}, got {self.picks!r}.")
        self._index = picks

    def _apply(self, samples):
        if isinstance(samples, EpochsView):
            return samples
        check_finite(samples)
        return samples[:, self._index].astype(float, copy=False)

    def _like(self, samples, data):
        return data if isinstance(samples, EpochsView) else super()._like(samples, data)


class Reference(SamplesTransformer):
    """Re-reference EEG channels to their common average, or compute their current source density.

    Parameters
    ----------
    kind : "average" | "csd"
        The common average of the good EEG channels, or the current source density (surface Laplacian) by
        spherical splines [1]_ (`mne.preprocessing.compute_current_source_density`), which needs electrode
        positions. Channels of other types are left unchanged. Default is ``"average"``.

    Attributes
    ----------
    matrix_ : array, shape (n_channels, n_channels)
        The matrix that the channels are multiplied by. With ``"csd"`` the result is in V/m².
    %(fitted_properties)s

    Raises
    ------
    ValueError
        At :meth:`fit`, if there are no EEG channels, or no positions for ``"csd"``.

    Notes
    -----
    Both depend only on the channels: nothing is learnt from the samples. All channels of an array are treated
    as EEG.

    References
    ----------
    .. [1] Perrin F, Pernier J, Bertrand O, Echallier JF. Spherical splines for scalp potential and current
       density mapping. Electroencephalogr Clin Neurophysiol 1989;72(2):184-187.
       https://doi.org/10.1016/0013-4694(89)90180-6

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import Reference
    >>> X = np.random.default_rng(0).standard_normal((4, 3, 100))
    >>> bool(np.allclose(Reference("average").fit_transform(X).mean(axis=1), 0))
    True
    """

    _set_by_fit = ("matrix_", "_info_out")

    def __init__(self, kind: Literal["average", "csd"] = "average") -> None:
        self.kind = kind

    def _fit(self, X):
        if self.kind not in ("average", "csd"):
            raise ValueError(f"kind must be 'average' or 'csd', got {self.kind!r}.")
        is_view = isinstance(X, EpochsView)
        if self.kind == "csd" and not is_view:
            raise ValueError(
                "Current source density needs positions of electrodes: pass epochs with a montage."
            )
        n_channels = X.shape[1]
        info = X.info if is_view else mne.create_info(n_channels, 1.0, "eeg")
        eeg, good = (mne.pick_types(info, eeg=True, exclude=exclude) for exclude in ([], "bads"))
        if not len(good):
            raise ValueError(f"There is no good EEG channel to reference among {info['ch_names']}.")
        if self.kind == "average":
            self.matrix_ = np.eye(n_channels)
            self.matrix_[np.ix_(eeg, good)] -= 1 / len(good)
            set_info(info, custom_ref_applied=FIFF.FIFFV_MNE_CUSTOM_REF_ON)
            self._info_out = info
            return
        lost = np.array(info["ch_names"])[eeg][~known_places(info["chs"])[eeg]]
        if len(lost):
            raise ValueError(
                f"Current source density needs the position of every EEG channel, which {', '.join(lost)} "
                "lack(s). Set them with epochs.set_montage()."
            )
        with quiet():
            one_by_one = mne.EvokedArray(np.eye(n_channels), info)
            density = mne.preprocessing.compute_current_source_density(one_by_one)
        self.matrix_, self._info_out = density.data, density.info

    def _transform_block(self, block, out):
        np.matmul(self.matrix_, block, out=out)

    def _info(self, view):
        return self._info_out, None
