"""What transformers from samples to samples share: samples of any kind in, the same kind out."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..samples.blocks import check_finite, iter_parts
from ..samples.checks import check_samples
from ..samples.inputs import note_samples, open_samples
from ..samples.limits import check_rate
from ..samples.types import Samples
from ..samples.view import EpochsView
from ..utils.docs import fill_doc
from ..utils.threads import limit_threads

# What the fit of any transformer sets; `_set_by_fit` of each class has what else its own does. Nothing but
# these and parameters is read from a saved file.
SET_BY_ALL = (
    *("ch_names_", "sfreq_", "n_channels_", "n_times_", "_is_table", "n_features_in_", "feature_names_in_"),
    "_sklearn_output_config",  # of set_output
)


def start_fit(estimator, X, *, reads=False):
    """Note what an estimator is fitted on, and return the samples as a view or a 3D array.

    Unless the fit ``reads`` all samples, which finds NaN, arrays are looked through; Epochs, which may be on
    disk, are when they are transformed.
    """
    X, table = open_samples(X, estimator)
    if not reads and not isinstance(X, EpochsView):
        check_finite(X)
    note_samples(estimator, X, table)
    return X


def sampling_frequency(estimator, X, parameter="sfreq"):
    """That of epochs, or that which was given for arrays."""
    given = getattr(estimator, parameter)
    if isinstance(X, EpochsView):
        return X.sfreq
    if given is None:
        raise ValueError(
            f"{type(estimator).__name__} needs the sampling frequency of an array: {parameter}=... "
            "(epochs bring theirs)."
        )
    check_rate(given, parameter)
    return float(given)


class SamplesTransformer(TransformerMixin, BaseEstimator):
    """A transformer from samples to samples, or with a ``transform`` of its own to a table.

    A subclass implements ``_fit(X)``, where it learns what ``_set_by_fit`` names, and
    ``_transform_block(block, out)``, which writes what it makes of an array of samples into another. If the
    number of times changes, ``_fit`` sets ``_n_times_out``; ``_info(view)`` says what else changes.
    """

    _set_by_fit: tuple[str, ...] = ()
    _reads = False  # whether `_fit` reads all samples
    _n_block: int | None = None  # samples a block; None for as many as stay in the processor's cache

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        fill_doc(cls)

    @limit_threads(1)
    @fill_doc
    def fit(self, X: Samples, y: object = None) -> Self:
        """Fit the transformer to the training samples.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The training samples: epochs, an array of shape (n_samples, n_channels, n_times), or an array of
            shape (n_samples, n_times) of one-channel signals.
        %(y_unused)s

        Returns
        -------
        %(self_transformer)s
        """
        self._fit(start_fit(self, X, reads=self._reads))
        return self

    @limit_threads(1)
    def transform(self, X: Samples) -> EpochsView | np.ndarray:
        """Transform samples.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, with the same sampling frequency and length as in :meth:`fit`. Channels of epochs are
            matched by name.

        Returns
        -------
        X : EpochsView | array
            The transformed samples: if X consists of epochs, a view in memory with their events, labels,
            groups and metadata, otherwise an array of float64 with the same number of dimensions as X.
        """
        check_is_fitted(self)
        samples = check_samples(self, X)
        return self._like(samples, self._apply(samples))

    def _apply(self, samples):
        """Transform checked samples into an array, by blocks that stay in the processor's cache."""
        data = np.empty((*samples.shape[:2], getattr(self, "_n_times_out", samples.shape[2])))
        for part, block in iter_parts(samples, self._n_block):
            self._transform_block(block, data[part])
        return data

    def _like(self, samples, data):
        """Data in the form in which the samples came."""
        if isinstance(samples, EpochsView):
            return samples.with_data(data, *self._info(samples))
        return data[:, 0] if self._is_table else data

    def _fit(self, X):
        pass

    def _info(self, view):
        """The `mne.Info` of what comes out, and when it starts in s; None for those of the view."""
        return None, None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
