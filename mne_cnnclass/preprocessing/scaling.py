"""Transformers that change the scale of channels."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter
from sklearn.preprocessing import StandardScaler

from ..samples.blocks import iter_blocks
from ..utils.numbers import check_number
from .base import SamplesTransformer


class Standardize(SamplesTransformer):
    """Standardise each channel by its mean and standard deviation over all training samples and times.

    This is scikit-learn's `StandardScaler` for samples of several time points.
    :class:`~mne_cnnclass.CNNClassifier` standardises by itself (``standardize=True``); other estimators may
    need this transformer, as does an alignment of channels with different units.

    Attributes
    ----------
    mean_, scale_ : array, shape (n_channels, 1)
        Mean and standard deviation of each channel, in V; the scale of a flat channel is 1.
    %(fitted_properties)s

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import Standardize
    >>> X = 5 + 3 * np.random.default_rng(0).standard_normal((10, 2, 50))
    >>> Z = Standardize().fit_transform(X)
    >>> bool(np.allclose(Z.std(axis=(0, 2)), 1))
    True
    """

    _set_by_fit = ("mean_", "scale_")
    _reads = True

    def _fit(self, X):
        scaler = StandardScaler()
        for block in iter_blocks(X):
            scaler.partial_fit(block.transpose(0, 2, 1).reshape(-1, X.shape[1]))
        self.mean_, self.scale_ = scaler.mean_[:, None], scaler.scale_[:, None]

    def _transform_block(self, block, out):
        np.subtract(block, self.mean_, out=out)
        out /= self.scale_


class ExponentialStandardize(SamplesTransformer):
    r"""Standardise each time point by exponentially weighted moving statistics.

    Like braindecode's ``exponential_moving_standardize`` [1]_: the moving mean is subtracted, and the
    remainder is divided by its own moving standard deviation, with weights that decay by a factor of :math:`1
    - \alpha` per time point. Nothing is learnt from other samples, and only the current and earlier time
    points are used.

    Parameters
    ----------
    factor_new : float
        Weight :math:`\alpha` of a new time point, in (0, 1]. The mean reaches back about ``1 / factor_new``
        time points. Default is 0.001.

    Attributes
    ----------
    %(fitted_properties)s

    Notes
    -----
    The statistics start afresh in every sample, so that its first time points are standardised by only a few:
    the very first becomes zero, as does a flat segment. Applied to a continuous recording, the same function
    has no such edge effects.

    References
    ----------
    .. [1] Schirrmeister RT, Springenberg JT, Fiederer LDJ, et al. Deep learning with convolutional neural
       networks for EEG decoding and visualization. Hum Brain Mapp 2017;38(11):5391-5420.
       https://doi.org/10.1002/hbm.23730

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import ExponentialStandardize
    >>> X = 1e-4 + 1e-5 * np.random.default_rng(0).standard_normal((10, 2, 2000))
    >>> ExponentialStandardize(factor_new=0.01).fit_transform(X)[..., 500:].std().round(1)
    np.float64(1.0)
    """

    def __init__(self, factor_new: float = 0.001) -> None:
        self.factor_new = factor_new

    def _fit(self, X):
        check_number(
            self.factor_new, "factor_new", (float, int), min_val=0, max_val=1, include_boundaries="right"
        )

    def _transform_block(self, block, out):
        ratio = [1.0], [1.0, self.factor_new - 1.0]
        weight = lfilter(*ratio, np.ones(block.shape[2]))
        mean = lfilter(*ratio, block)
        mean /= weight
        centred = block - mean
        deviation = lfilter(*ratio, centred**2)
        deviation /= weight
        np.sqrt(deviation, out=deviation)
        np.abs(mean, out=mean)
        mean *= 1e-10  # below it is what rounding leaves of a flat stretch
        out[:] = 0
        np.divide(centred, deviation, out=out, where=deviation > mean)


class Clip(SamplesTransformer):
    """Clip each channel to a number of standard deviations of a typical epoch.

    This limits the influence of blinks, jumps and loose electrodes. The centre and the deviation of a channel
    are the medians over training samples of the means and standard deviations of single samples, so that up
    to half of the samples may be bad.

    Parameters
    ----------
    n_deviations : float
        Where to clip, in standard deviations of a typical training sample; above 0. Default is 6.0.

    Attributes
    ----------
    low_, high_ : array, shape (n_channels, 1)
        The limits, in V.
    %(fitted_properties)s

    Notes
    -----
    Repairing or rejecting artefacts is better than clipping them: with ICA or regression on EOG channels on
    the continuous recording, or with autoreject (:func:`~mne_cnnclass.preprocessing.make_epochs`).

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import Clip
    >>> X = np.random.default_rng(0).standard_normal((10, 2, 500))
    >>> X[3, 0, 100] = 1000.0
    >>> bool(Clip(6).fit_transform(X).max() < 7)
    True
    """

    _set_by_fit = ("low_", "high_")
    _reads = True

    def __init__(self, n_deviations: float = 6.0) -> None:
        self.n_deviations = n_deviations

    def _fit(self, X):
        check_number(self.n_deviations, "n_deviations", (float, int), min_val=0, include_boundaries="neither")
        means, deviations = zip(*((b.mean(axis=2), b.std(axis=2)) for b in iter_blocks(X)), strict=True)
        centre, deviation = (np.median(np.concatenate(v), axis=0)[:, None] for v in (means, deviations))
        self.low_ = centre - self.n_deviations * deviation
        self.high_ = centre + self.n_deviations * deviation

    def _transform_block(self, block, out):
        np.clip(block, self.low_, self.high_, out=out)
