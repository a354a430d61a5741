"""Transformers for responses evoked by events."""

from __future__ import annotations

from typing import Self

import mne
import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh
from sklearn.utils.validation import check_is_fitted

from ..samples.blocks import iter_blocks
from ..samples.checks import check_labels, check_samples
from ..samples.limits import check_rate
from ..samples.types import Samples
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from ..utils.threads import limit_threads
from .base import SamplesTransformer, start_fit

REGULARISED = (
    1e-3  # share of the mean variance added to that of channels, which an average reference makes singular
)
SHRINKAGE = 0.02  # of the covariances of samples, which may have fewer times than rows
MOST_ROWS = 32  # of a covariance: filters of all classes, and the responses beside


class Damp(SamplesTransformer):
    r"""Damp channels of samples where they are louder than usual.

    Each channel of a sample is divided by :math:`\sqrt{v + \bar v}`, where :math:`v` is its variance in the
    sample, and :math:`\bar v` the median over the training samples. Differences between usual samples stay,
    in half their size, and no artefact is more than a few times as large as they are. Beside limiting
    single values (:class:`Clip`), it keeps the course of the signals.

    Attributes
    ----------
    usual_ : array, shape (n_channels, 1)
        The median of the variances of each channel, in V².
    %(fitted_properties)s

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import Damp
    >>> X = np.random.default_rng(0).standard_normal((10, 2, 500))
    >>> X[3, 0] *= 1000.0
    >>> bool(Damp().fit_transform(X).std(axis=2).max() <= 1)
    True
    """

    _set_by_fit = ("usual_",)
    _reads = True

    def _fit(self, X):
        variances = np.concatenate([block.var(axis=2) for block in iter_blocks(X)])
        self.usual_ = np.median(variances, axis=0)[:, None]

    def _transform_block(self, block, out):
        loudness = np.sqrt(block.var(axis=2, keepdims=True) + self.usual_)
        np.divide(block, np.where(loudness > 0, loudness, 1.0), out=out)


class Course(SamplesTransformer):
    """Compute a table of the course of each channel, at a low rate.

    These are the features of linear models for evoked responses [1]_.

    Parameters
    ----------
    sfreq : float
        Rate of the values in Hz, which is lowered where there are more than ``most_values``. Arrays, whose
        rate is not known, get as many values a channel as one second has. Default is 32.
    most_values : int
        Number of values a sample, which may only be exceeded by 8 values a channel. Linear discriminant
        analysis takes minutes with several thousand, and learns no more from them. Default is 1000.

    Attributes
    ----------
    n_values_ : int
        Number of values a channel.
    %(fitted_properties)s

    References
    ----------
    .. [1] Blankertz B, Lemm S, Treder M, Haufe S, Müller KR. Single-trial analysis and classification of ERP
       components: a tutorial. NeuroImage 2011;56(2):814-825. doi:10.1016/j.neuroimage.2010.06.048

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import Course
    >>> Course().fit_transform(np.zeros((20, 3, 500))).shape
    (20, 96)
    """

    _set_by_fit = ("n_values_",)

    def __init__(self, sfreq: float = 32.0, *, most_values: int = 1000) -> None:
        self.sfreq = sfreq
        self.most_values = most_values

    def _fit(self, X):
        check_rate(self.sfreq, "sfreq")
        check_number(self.most_values, "most_values", (int, np.integer), min_val=1)
        seconds = self.n_times_ / self.sfreq_ if self.sfreq_ else 1.0
        most = max(self.most_values // self.n_channels_, 8)
        self.n_values_ = min(max(round(self.sfreq * seconds), 1), most, self.n_times_)

    @limit_threads(1)
    def transform(self, X: Samples) -> np.ndarray:
        """Compute the values.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, as in :meth:`fit`. Channels of epochs are matched by name.

        Returns
        -------
        table : array, shape (n_samples, n_channels * n_values)
            The values of each channel after the other.
        """
        check_is_fitted(self)
        data = np.concatenate(list(iter_blocks(check_samples(self, X))))
        if self.n_values_ < self.n_times_:
            data = mne.filter.resample(data, self.n_values_, self.n_times_, pad="edge", verbose="error")
        return data.reshape(len(data), -1)


class EvokedCovariances(SamplesTransformer):
    r"""Covariances of samples with the responses of the classes, in tangent space.

    xDAWN finds the spatial filters, for each class, of which the mean response has most power relative to
    that of the signals [1]_. Each sample, so filtered, is put below the mean responses, so filtered, of all
    classes; the covariance of these rows says how strong the responses are in the sample, and how strong
    the rest is [2]_. The matrices are projected to the tangent space at their mean, where they are tables
    for linear models [3]_.

    Parameters
    ----------
    n_filters : int
        Number of filters for each class; fewer if there are fewer channels, or more than four classes.
        Default is 4.

    Attributes
    ----------
    filters_ : array, shape (n_filters, n_channels)
        The filters of all classes.
    responses_ : array, shape (n_filters, n_times)
        Their mean responses.
    reference_ : array, shape (2 n_filters, 2 n_filters)
        Where the tangent space touches: the inverse square root of the mean covariance.
    %(fitted_properties)s

    References
    ----------
    .. [1] Rivet B, Souloumiac A, Attina V, Gibert G. xDAWN algorithm to enhance evoked potentials:
       application to brain-computer interface. IEEE Trans Biomed Eng 2009;56(8):2035-2043.
       doi:10.1109/TBME.2009.2012869
    .. [2] Barachant A, Congedo M. A plug&play P300 BCI using information geometry. 2014. arXiv:1409.0107
    .. [3] Barachant A, Bonnet S, Congedo M, Jutten C. Classification of covariance matrices using a
       Riemannian-based kernel for BCI applications. Neurocomputing 2013;112:172-178.
       doi:10.1016/j.neucom.2012.12.039

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import EvokedCovariances
    >>> X = np.random.default_rng(0).standard_normal((20, 3, 50))
    >>> EvokedCovariances(2).fit_transform(X, np.arange(20) % 2).shape
    (20, 36)
    """

    _set_by_fit = ("filters_", "responses_", "reference_")

    def __init__(self, n_filters: int = 4) -> None:
        self.n_filters = n_filters

    @limit_threads(1)
    @fill_doc
    def fit(self, X: Samples, y: ArrayLike | None = None) -> Self:  # type: ignore[override]
        """Find the filters, the responses and the mean covariance.

        Parameters
        ----------
        %(X)s
            The training samples.
        y : None | array-like, shape (n_samples,)
            The labels. ``None`` uses the labels of the epochs.

        Returns
        -------
        %(self_transformer)s
        """
        check_number(self.n_filters, "n_filters", (int, np.integer), min_val=1)
        X = start_fit(self, X, reads=True)
        y = np.asarray(check_labels(y, X))
        classes = np.unique(y)
        sums, total = np.zeros((len(classes), *X.shape[1:])), np.zeros((X.shape[1], X.shape[1]))
        start = 0
        for block in iter_blocks(X):
            rows = y[start : start + len(block)]
            sums += np.tensordot((rows == classes[:, None]).astype(float), block, 1)
            total += np.tensordot(block, block, ((0, 2), (0, 2)))
            start += len(block)
        evoked = sums / np.bincount(np.searchsorted(classes, y))[:, None, None]
        total += REGULARISED * np.trace(total) / len(total) * np.eye(len(total))
        n_filters = min(self.n_filters, X.shape[1], max(MOST_ROWS // 2 // len(classes), 1))
        filters = [eigh(one @ one.T, total)[1][:, : -n_filters - 1 : -1].T for one in evoked]
        self.filters_ = np.concatenate(filters) * np.sqrt(len(y) * X.shape[2])  # of unit variance
        self.responses_ = np.concatenate([f @ one for f, one in zip(filters, evoked, strict=True)])
        self.responses_ *= np.sqrt(len(y) * X.shape[2])
        covariances = self._covariances(X)
        reference = covariances.mean(axis=0)
        for _ in range(10):  # to the geometric mean
            root, inverse = _power(reference, 0.5), _power(reference, -0.5)
            step = _function(inverse @ covariances @ inverse, np.log).mean(axis=0)
            reference = root @ _function(step, np.exp) @ root
        self.reference_ = _power(reference, -0.5)
        return self

    def _covariances(self, X):
        parts = []
        for block in iter_blocks(X):
            filtered = self.filters_ @ block
            rows = np.concatenate([np.broadcast_to(self.responses_, filtered.shape), filtered], axis=1)
            rows = rows - rows.mean(axis=2, keepdims=True)
            parts.append(rows @ rows.transpose(0, 2, 1) / rows.shape[2])
        covariances = np.concatenate(parts)
        variance = np.trace(covariances, axis1=1, axis2=2)[:, None, None] / covariances.shape[1]
        spread = (SHRINKAGE * variance + np.finfo(float).tiny) * np.eye(covariances.shape[1])
        return (1 - SHRINKAGE) * covariances + spread

    @limit_threads(1)
    def transform(self, X: Samples) -> np.ndarray:
        """Compute the coordinates in tangent space.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, as in :meth:`fit`. Channels of epochs are matched by name.

        Returns
        -------
        table : array, shape (n_samples, n_features)
            The upper triangles of the logarithms of the covariances.
        """
        check_is_fitted(self)
        logs = _function(
            self.reference_ @ self._covariances(check_samples(self, X)) @ self.reference_, np.log
        )
        upper = np.triu_indices(logs.shape[1])
        return logs[:, *upper] * np.where(upper[0] == upper[1], 1.0, np.sqrt(2))


def _function(matrices, function):
    """A function of symmetric matrices, of which the eigenvalues are positive or the function knows none."""
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * function(values)[..., None, :]) @ vectors.swapaxes(-1, -2)


def _power(matrix, power):
    return _function(matrix, lambda values: np.maximum(values, np.finfo(float).tiny) ** power)
