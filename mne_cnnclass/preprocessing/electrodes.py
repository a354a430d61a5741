"""Epochs of any cap, rate and length, in the form that a trained model has to get them in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import mne
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..samples.blocks import iter_parts
from ..samples.channel_names import standard_mapping
from ..samples.inputs import ViewToPredict, as_samples
from ..samples.limits import same_rate
from ..samples.mne_internals import set_info
from ..samples.types import Samples
from ..samples.view import EpochsView
from ..utils.docs import fill_doc
from ..utils.text import shortened
from ..utils.threads import limit_threads
from .signals import Resample

CLOSE = 1e-3  # s, for times that are no exact binary fractions
SAME_BAND = 0.3  # difference of cut-off frequencies that does not matter, as a share


class ToElectrodes(TransformerMixin, BaseEstimator):
    """Bring EEG epochs of any cap to the same electrodes, sampling frequency and length.

    A model can then be used with recordings of another laboratory. Channels are found by their names in the
    10-05 system, also as files write them (``C3..``, ``EEG C4-REF``); others are left out. An electrode that
    a recording lacks is silent (zero). Nothing is learnt from the samples.

    Parameters
    ----------
    ch_names : list of str
        The electrodes, in the order in which they come out.
    required : list of str
        Those without which the samples are refused.
    sfreq : float
        The sampling frequency in Hz to resample to.
    duration : float
        The length in s. Longer epochs are cut to this length from ``start``, or from where they begin.
    start : tuple of float, shape (2,)
        Earliest and latest time in s, relative to the event, at which the samples may begin.
    band : tuple of float, shape (2,)
        Lower and upper cut-off frequency in Hz of the filter that the recordings need to have gone through.

    Raises
    ------
    TypeError
        If the samples are no epochs, as arrays do not tell names of channels.
    ValueError
        At :meth:`fit` and :meth:`transform`, if a required electrode is missing or marked bad, or if epochs
        are too short, begin too late, or have another band.

    See Also
    --------
    mne_cnnclass.load_pretrained : Models that use it.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import ToElectrodes
    >>> X = np.random.default_rng(0).standard_normal((4, 2, 500))
    >>> epochs = mne.EpochsArray(X, mne.create_info(["EEG C4-REF", "EEG C3-REF"], 200.0, "eeg"))
    >>> change = ToElectrodes(["C3", "Cz", "C4"], required=["C3", "C4"], sfreq=100.0, duration=2.0)
    >>> changed = change.fit_transform(epochs)
    >>> changed
    <EpochsView | 4 epochs, 3 channels, 200 times at 100 Hz | 1: 4>
    """

    _set_by_fit = ("_is_fitted",)  # as any estimator has to be

    def __init__(
        self,
        ch_names: Sequence[str],
        *,
        required: Sequence[str] = (),
        sfreq: float,
        duration: float,
        start: tuple[float, float] = (-math.inf, math.inf),
        band: tuple[float, float] | None = None,
    ) -> None:
        self.ch_names = ch_names
        self.required = required
        self.sfreq = sfreq
        self.duration = duration
        self.start = start
        self.band = band

    @fill_doc
    def fit(self, X: Samples, y: object = None) -> Self:
        """Check the samples; nothing is learnt.

        Parameters
        ----------
        X : mne.Epochs | EpochsView
            The samples.
        %(y_unused)s

        Returns
        -------
        %(self_transformer)s
        """
        self._check(X)
        self._is_fitted = True
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_is_fitted")

    @limit_threads(1)
    def transform(self, X: Samples) -> EpochsView:
        """Bring samples to the electrodes, the rate and the length.

        Parameters
        ----------
        X : mne.Epochs | EpochsView
            The samples, of any channels, rate and length.

        Returns
        -------
        X : EpochsView
            The samples at the electrodes, silent where the recording has none, with the events, labels,
            groups and metadata of X.
        """
        check_is_fitted(self)
        view, found = self._check(X)
        if not same_rate(view.sfreq, self.sfreq):
            view = Resample(self.sfreq).fit_transform(view)
        first = round((max(view.times[0], self.start[0]) - view.times[0]) * self.sfreq)
        first = min(first, len(view.times) - self._n_times)  # by rounding
        times = slice(first, first + self._n_times)
        data = np.zeros((len(view), len(self.ch_names), self._n_times))
        for part, block in iter_parts(view):
            data[part, found] = block[..., times]
        info = mne.create_info(list(self.ch_names), float(self.sfreq), "eeg")
        old = view.info
        set_info(info, highpass=old["highpass"], lowpass=min(old["lowpass"], self.sfreq / 2))
        set_info(info, custom_ref_applied=old["custom_ref_applied"])
        return view.with_data(data, info, view.times[first])

    @property
    def _n_times(self):
        return round(self.duration * self.sfreq)

    def _check(self, X):
        """The channels that are used, as a view, and the numbers of their electrodes."""
        view = as_samples(X, ViewToPredict)
        if not isinstance(view, EpochsView):
            raise TypeError(
                f"X must be mne.Epochs or an EpochsView, got {type(X).__name__}: electrodes are found "
                "by their names, which an array does not have. Make it mne.EpochsArray(X, info)."
            )
        named = {to: name for name, to in standard_mapping(view.ch_names).items()}
        lacking = [name for name in self.required if name not in named]
        if lacking:
            raise ValueError(
                f"X is missing {', '.join(lacking)}, of which {', '.join(self.required)} are all needed; it "
                f"has {shortened(view.ch_names, 12)}. Rename channels to names of the 10-05 system "
                "(epochs.rename_channels), interpolate bad ones, or add a reference electrode "
                "(mne.add_reference_channels, then an average reference)."
            )
        self._check_times(view)
        self._check_band(view.info)
        used = [name for name in self.ch_names if name in named]
        return view.pick([named[name] for name in used]), [self.ch_names.index(name) for name in used]

    def _check_times(self, view):
        start = view.times[0]
        begin = max(start, self.start[0])
        n_times = round(len(view.times) * self.sfreq / view.sfreq - (begin - start) * self.sfreq)
        if begin > self.start[1] + CLOSE or n_times < self._n_times:
            within = (
                ""
                if math.isinf(self.start[1])
                else f", beginning {self.start[0]:g} to {self.start[1]:g} s after the event,"
            )
            raise ValueError(
                f"Epochs of {self.duration:g} s{within} are needed, got {start:g} to {view.times[-1]:g} s. "
                "Cut them from the recording with another tmin and tmax."
            )

    def _check_band(self, info):
        if self.band is None:
            return
        low, high = self.band
        if abs(info["highpass"] - low) > SAME_BAND * low or not info["lowpass"] > (1 - SAME_BAND) * high:
            raise ValueError(
                f"The signals must be filtered from {low:g} to {high:g} Hz, as those of the training, got "
                f"{info['highpass']:g} to {info['lowpass']:g} Hz. Filter the recording before you cut it, "
                f"raw.filter({low:g}, {high:g}), a stream by LiveClassifier(l_freq={low:g}, h_freq={high:g})."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
