"""A classifier of responses to flickering lights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from ..preprocessing.base import start_fit
from ..samples.checks import check_labels, check_samples
from ..samples.types import RandomState, Samples
from ..utils.docs import fill_doc
from ..utils.seeds import draw_seed
from ..utils.threads import limit_threads
from .cnn import CNNClassifier
from .flicker import Flicker, bank_scores, detrended, flicker_of, logistic, shrunk
from .most_probable import PredictsMostProbable
from .saving.write import describe

N_HARMONICS, N_BANDS = 5, 5  # of the filter bank
AROUND, NEAR = 2.0, 1.0  # Hz on each side of a harmonic for covariances, and for the network
LOWEST = 2  # trials of a class, below which nothing is learnt
NOTED = ("ch_names", "sfreq", "n_channels", "n_times", "n_features_in")  # about the samples of a fit
LEARNT = ("white", "correlation", "tangent")  # arrays that a fit makes; the rest is the network
SLOPE, SHARE = 10.0, 0.75  # of the logits of untrained scores, and of each method's log probabilities


@fill_doc
class SSVEPClassifier(PredictsMostProbable, BaseEstimator):
    """Classify at which frequency a light flickers that a person looks at.

    Three methods look at each epoch, and their log probabilities are added: filter-bank canonical correlation
    with waves at each frequency and its harmonics [1]_, which knows the frequencies beforehand; covariances
    of the signals around each frequency and its second harmonic, in the tangent space [2]_; and an ensemble
    of networks on the same signals, brought down to 0 Hz and made white, which learn which mixtures of
    channels respond.

    Parameters
    ----------
    frequencies : dict
        The frequency in Hz of each class, by its label; ``None`` or 0 for a class without flicker, such as
        rest.
    estimator : None | CNNClassifier
        The classifier to train on the signals around the frequencies. Its architecture must have parameters
        ``pool_time_length`` and ``pool_time_stride``, which are set to the length of a frequency. ``None``
        uses three networks of type ``"ShallowFBCSPNet"``.
    trained : bool
        Whether to learn from labelled epochs. With ``False``, ``fit`` notes channels and times of the epochs
        and ignores labels, and canonical correlation alone decides between the classes that flicker. The same
        holds if any of these has less than two trials. Default is True.
    sfreq : None | float
        Sampling frequency of arrays in Hz; not needed for epochs.
    random_state : None | int | numpy.random.RandomState
        Seed of the networks.
    n_threads : None | int
        Number of threads, see :class:`~mne_cnnclass.CNNClassifier`. Default is 1.

    Attributes
    ----------
    %(classes_)s
    %(fitted_properties)s

    See Also
    --------
    mne_cnnclass.recipe : ``recipe("ssvep", frequencies=...)`` is this classifier.

    References
    ----------
    .. [1] Chen X, Wang Y, Gao S, Jung TP, Gao X. Filter bank canonical correlation analysis for implementing
       a high-speed SSVEP-based brain-computer interface. J Neural Eng 2015;12(4):046008.
       doi:10.1088/1741-2560/12/4/046008
    .. [2] Kalunga EK, Chevallier S, Barthélemy Q, Djouani K, Monacelli E, Hamam Y. Online SSVEP-based BCI
       using Riemannian geometry. Neurocomputing 2016;191:55-68. doi:10.1016/j.neucom.2016.01.007

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass import SSVEPClassifier
    >>> t, rng = np.arange(500) / 250, np.random.default_rng(0)
    >>> X = rng.standard_normal((20, 4, 500))
    >>> y = np.arange(20) % 2
    >>> X += 0.3 * np.sin(2 * np.pi * np.array([10.0, 15.0])[y][:, None, None] * t)
    >>> clf = SSVEPClassifier({0: 10.0, 1: 15.0}, trained=False, sfreq=250.0)
    >>> clf.fit(X).score(X, y)
    1.0
    """

    def __init__(
        self,
        frequencies: Mapping[Any, float | None],
        estimator: CNNClassifier | None = None,
        *,
        trained: bool = True,
        sfreq: float | None = None,
        random_state: RandomState = None,
        n_threads: int | None = 1,
    ) -> None:
        self.frequencies = frequencies
        self.estimator = estimator
        self.trained = trained
        self.sfreq = sfreq
        self.random_state = random_state
        self.n_threads = n_threads

    def fit(self, X: Samples, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Self:
        """Learn from labelled epochs, or note what they are like.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            Epochs during which the light flickers.
        y : None | array-like, shape (n_samples,)
            The labels. ``None`` uses the labels of the epochs. Ignored if not ``trained``.
        groups : None | array-like, shape (n_samples,)
            Not used.

        Returns
        -------
        self : SSVEPClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a frequency is outside the pass band of the epochs, if two are equal, or if the frequency of a
            label is missing.
        """
        X = start_fit(self, X)
        self.flicker_ = flicker = flicker_of(self, X)
        self.white_ = self.correlation_ = self.tangent_ = self.network_ = None
        self.classes_ = np.unique(np.array(flicker.labels))
        if not self.trained:
            return self
        y = np.asarray(check_labels(y, X))
        flicker.check_classes(y)
        seen = [*flicker.labels, *(label for label in flicker.rest if label in y)]
        if min((y == label).sum() for label in seen) < LOWEST:
            return self
        with limit_threads(self.n_threads):
            self.classes_ = np.unique(y)
            scores, around = self._measure(X)
            self.white_ = inverse_root(shrunk(covariances(around).mean(axis=0)))
            self.correlation_ = linear(logistic(10.0).fit(scores, y))
            self.tangent_ = linear(logistic(0.1).fit(self._tangent(around), y))
            signals, length = self._near(around)
            params = dict(model__pool_time_length=length, model__pool_time_stride=length)
            network = default_network() if self.estimator is None else clone(self.estimator)
            seed = draw_seed(self.random_state)
            network.set_params(**params, random_state=seed, n_threads=self.n_threads)
            self.network_ = network.fit(signals, y)
        return self

    def _measure(self, X):
        """Scores of the filter bank, and coefficients around the harmonics, of all samples."""
        parts = []
        for data in detrended(X):
            scores = bank_scores(self.flicker_, data, N_HARMONICS, N_BANDS)
            parts.append((scores, self.flicker_.coefficients(data, AROUND)))
        return map(np.concatenate, zip(*parts, strict=True))

    def _tangent(self, around):
        """Logarithms of covariances relative to the mean one, as numbers."""
        cov = self.white_ @ covariances(around) @ self.white_
        values, vectors = np.linalg.eigh(shrunk(cov, 0.1))
        logs = (vectors * np.log(values)[..., np.newaxis, :]) @ vectors.swapaxes(-1, -2)
        i, j = np.triu_indices(logs.shape[-1])
        return (logs[..., i, j] * np.where(i == j, 1, np.sqrt(2))).reshape(len(logs), -1)

    def _near(self, around):
        """White signals near the harmonics, one harmonic after the other, and the length of each."""
        middle = around.shape[-1] // 2
        reach = round(middle * NEAR / AROUND)
        white = self.white_ @ around[..., middle - reach : middle + reach + 1]
        white = np.concatenate([white.real, white.imag], axis=-1).swapaxes(1, 2)
        return np.ascontiguousarray(white.reshape(*white.shape[:2], -1)), white.shape[-1]

    @fill_doc
    def predict_proba(self, X: Samples) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            Epochs like those of :meth:`fit`.

        Returns
        -------
        %(proba_classes_)s
        """
        check_is_fitted(self)
        X = check_samples(self, X)
        with limit_threads(self.n_threads):
            scores, around = self._measure(X)
            if self.network_ is None:
                order = np.argsort(np.array(self.flicker_.labels))
                return softmax(SLOPE * scores[:, order], axis=1)
            logs = log_softmax(scores @ self.correlation_[1:] + self.correlation_[0], axis=1)
            logs += log_softmax(self._tangent(around) @ self.tangent_[1:] + self.tangent_[0], axis=1)
            logs += np.log(self.network_.predict_proba(self._near(around)[0]) + 1e-3)
        return softmax(SHARE * logs, axis=1)

    def _describe(self, tensors):
        """What makes this estimator, for a file; arrays join the tensors."""
        import torch

        if self.network_ is not None:
            tensors |= {name: torch.from_numpy(getattr(self, f"{name}_")) for name in LEARNT}
        return {
            "frequencies": list(self.frequencies.items()),
            "params": dict(trained=self.trained, sfreq=self.sfreq, n_threads=self.n_threads),
            "network": describe(self.network_, tensors, "network/"),
            "pass_band": self.flicker_.pass_band,
            "classes": self.classes_,
            "classes_dtype": self.classes_.dtype.str,
            **{name: getattr(self, f"{name}_") for name in NOTED},
            "is_table": self._is_table,
        }

    def _set_learnt(self, pass_band, arrays):
        """Set what a file holds; a ValueError says that parts do not fit each other."""
        rate = self.sfreq if self.sfreq_ is None else self.sfreq_
        self.flicker_ = flicker = Flicker(self.frequencies, rate, self.n_times_, tuple(pass_band))
        n, n_waves, n_classes = self.n_channels_, len(flicker.waves()), len(self.classes_)
        shapes = {
            "white": (n_waves, n, n),
            "correlation": (1 + len(flicker.hz), n_classes),
            "tangent": (1 + n_waves * n * (n + 1) // 2, n_classes),
        }
        found = {name: array.shape for name, array in arrays.items() if np.isfinite(array).all()}
        if found != (shapes if self.network_ is not None else {}):
            raise ValueError(f"its arrays have the shapes {found}, not {shapes}")
        for name in LEARNT:
            setattr(self, f"{name}_", arrays.get(name))


def default_network(**params):
    """Networks of one layer: mixtures of channels, and the power of each at each harmonic."""
    model_params = dict(n_filters_time=16, n_filters_spat=16, filter_time_length=1, drop_prob=0.5)
    return CNNClassifier(
        "ShallowFBCSPNet", model_params=model_params, n_members=3, standardize=False, **params
    )


def covariances(coefficients):
    """Covariances of channels at each harmonic, shape (n_samples, n_waves, n_channels, n_channels)."""
    return (coefficients @ coefficients.conj().swapaxes(-1, -2)).real / coefficients.shape[-1]


def inverse_root(cov):
    """The inverse square root of covariances."""
    values, vectors = np.linalg.eigh(cov)
    return (vectors / np.sqrt(values)[..., np.newaxis, :]) @ vectors.swapaxes(-1, -2)


def linear(pipeline):
    """Offsets (the first row) and weights of a standardised logistic regression, a column a class."""
    scaler, regression = (step for _, step in pipeline.steps)
    weights = (regression.coef_ / scaler.scale_).T
    offsets = regression.intercept_ - scaler.mean_ @ weights
    table = np.concatenate([offsets[np.newaxis], weights])
    return table if table.shape[1] > 1 else np.concatenate([np.zeros_like(table), table], axis=1)
