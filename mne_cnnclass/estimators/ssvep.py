"""A classifier of responses to flickering lights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from ..preprocessing.base import start_fit
from ..samples.checks import check_labels, check_samples
from ..samples.columns import check_column
from ..samples.types import RandomState, Samples
from ..utils.docs import fill_doc
from ..utils.seeds import draw_seed
from ..utils.threads import limit_threads
from .cnn import CNNClassifier
from .flicker import Flicker, bank_scores, check_moving, detrended, flicker_of, logistic, shrunk
from .most_probable import PredictsMostProbable
from .saving.write import describe
from .stacked import FLOOR, fit_weights, inner_folds
from .together import fitting, run_together

N_HARMONICS, N_BANDS = 5, 5  # of the filter bank
AROUND, NEAR = 2.0, 1.0  # Hz on each side of a harmonic for covariances, and for the network
OWN = 0.1  # shrinkage of the covariance of an epoch
LOWEST = 2  # trials of a class, below which nothing is learnt
NOTED = ("ch_names", "sfreq", "n_channels", "n_times", "n_features_in")  # about the samples of a fit
LEARNT = ("white", "correlation", "tangent")  # arrays that a fit makes; the rest is the network
SLOPE, SHARE = 20.0, 0.75  # of untrained scores, and the usual weight of each method


@fill_doc
class SSVEPClassifier(PredictsMostProbable, BaseEstimator):
    """Classify at which frequency a light flickers that a person looks at.

    Three methods look at each epoch, and their log probabilities are added: filter-bank canonical correlation
    with waves at each frequency and its harmonics [1]_, which knows the frequencies beforehand; covariances
    of the signals around each frequency and its second harmonic, in the tangent space [2]_; and an ensemble
    of networks on the same signals, brought down to 0 Hz and made white, which learn which mixtures of
    channels respond. All have the same weight; if there are several groups, what each says of groups that
    it was not trained on decides.

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
    weights_ : None | array, shape (3,)
        The weights of canonical correlation, covariances and networks; None if nothing was learnt.
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
            Group of each sample, such as the person or the session. Groups are kept whole in the inner folds.
            ``None`` uses the groups of an EpochsView, if it has any.

        Returns
        -------
        self : SSVEPClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a frequency is outside the pass band of the epochs, if two are equal, or if the frequency of a
            label is missing, or if all channels are flat.
        """
        X = start_fit(self, X)
        self.flicker_ = flicker = flicker_of(self, X)
        self.learnt_ = self.weights_ = None
        self.classes_ = np.unique(np.array(flicker.labels))
        if not self.trained:
            return self
        y = np.asarray(check_labels(y, X))
        flicker.check_classes(y)
        with limit_threads(self.n_threads):
            check_moving(X)
        seen = [*flicker.labels, *(label for label in flicker.rest if label in y)]
        if min((y == label).sum() for label in seen) < LOWEST:
            return self
        groups = getattr(X, "groups", None) if groups is None else check_column(groups, "groups", len(y))
        if groups is not None and len(np.unique(groups)) < 2:
            groups = None
        seed = draw_seed(self.random_state)
        with limit_threads(self.n_threads):
            self.classes_, target = np.unique(y, return_inverse=True)
            measured = self._measure(X)
            folds = [] if groups is None else inner_folds(target, groups, seed)
            parts = self._learn(measured, y, [*(train for train, _ in folds), np.arange(len(y))], seed)
            logs = np.empty((3, len(y), len(self.classes_)))
            for part, (_, held_out) in zip(parts[:-1], folds, strict=True):
                logs[:, held_out] = part.logs(*(numbers[held_out] for numbers in measured))
            usual = np.full(3, SHARE)
            self.weights_ = fit_weights(logs, target, usual) if folds else usual
            self.learnt_ = parts[-1]
        return self

    def _measure(self, X):
        """Scores of the filter bank, and coefficients around the harmonics, of all samples."""
        parts = []
        for data in detrended(X):
            scores = bank_scores(self.flicker_, data, N_HARMONICS, N_BANDS)
            around = self.flicker_.coefficients(data, AROUND)
            # of each epoch on its own: people and sessions differ in size and mixture of the background
            own = covariances(around).mean(axis=1, keepdims=True)
            parts.append((scores, inverse_root(shrunk(own, OWN)) @ around))
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    def _learn(self, measured, y, parts, seed):
        """What is learnt from each part of the samples; the networks of all are trained at once."""
        learnt = [Learnt.of(*(numbers[rows] for numbers in measured), y[rows]) for rows in parts]
        fits = []
        for one, rows in zip(learnt, parts, strict=True):
            network = default_network() if self.estimator is None else clone(self.estimator)
            signals, length = near(one.white, measured[1][rows])
            params = dict(model__pool_time_length=length, model__pool_time_stride=length)
            one.network = network.set_params(**params, random_state=seed, n_threads=self.n_threads)
            fits.append(fitting(network, signals, y[rows]))
        for _, _, error in run_together(fits):
            if error is not None:
                raise error
        return learnt

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
            if self.learnt_ is None:
                order = np.argsort(np.array(self.flicker_.labels))
                return softmax(SLOPE * scores[:, order], axis=1)
            logs = self.learnt_.logs(scores, around)
        return softmax(np.tensordot(self.weights_, logs, 1), axis=1)

    def _describe(self, tensors):
        """What makes this estimator, for a file; arrays join the tensors."""
        import torch

        learnt = self.learnt_
        if learnt is not None:
            tensors |= {name: torch.from_numpy(getattr(learnt, name)) for name in LEARNT}
        return {
            "frequencies": list(self.frequencies.items()),
            "params": dict(trained=self.trained, sfreq=self.sfreq, n_threads=self.n_threads),
            "network": describe(learnt and learnt.network, tensors, "network/"),
            "weights": None if learnt is None else self.weights_.tolist(),
            "pass_band": self.flicker_.pass_band,
            "classes": self.classes_,
            "classes_dtype": self.classes_.dtype.str,
            **{name: getattr(self, f"{name}_") for name in NOTED},
            "is_table": self._is_table,
        }

    def _set_learnt(self, header, arrays, network):
        """Set what a file holds; a ValueError says that parts do not fit each other."""
        rate = self.sfreq if self.sfreq_ is None else self.sfreq_
        pass_band = tuple(header["pass_band"])
        self.flicker_ = flicker = Flicker(self.frequencies, rate, self.n_times_, pass_band)
        n, n_waves, n_classes = self.n_channels_, len(flicker.waves()), len(self.classes_)
        shapes = {
            "white": (n_waves, n, n),
            "correlation": (1 + len(flicker.hz), n_classes),
            "tangent": (1 + n_waves * n * (n + 1) // 2, n_classes),
            "weights": (3,),
        }
        self.learnt_ = self.weights_ = None
        if network is not None:
            arrays = arrays | {"weights": np.array(header["weights"], float)}
            self.weights_ = arrays["weights"]
        found = {name: array.shape for name, array in arrays.items() if np.isfinite(array).all()}
        if found != ({} if network is None else shapes):
            raise ValueError(f"its arrays have the shapes {found}, not {shapes}")
        if network is not None:
            self.learnt_ = Learnt(*(arrays[name] for name in LEARNT), network)
            self.estimator = clone(network)


@dataclass
class Learnt:
    """What three methods learn from labelled samples."""

    white: np.ndarray  # of each wave, what makes the channels independent and of one size
    correlation: np.ndarray  # see `linear`
    tangent: np.ndarray
    network: CNNClassifier | None = None

    @classmethod
    def of(cls, scores, around, y):
        """All but the network, of these samples."""
        white = inverse_root(shrunk(covariances(around).mean(axis=0)))
        tangent = linear(logistic(0.1).fit(tangent_space(white, around), y))
        return cls(white, linear(logistic(10.0).fit(scores, y)), tangent)

    def logs(self, scores, around):
        """Log probabilities by each method, shape (3, n_samples, n_classes)."""
        tables = (scores, self.correlation), (tangent_space(self.white, around), self.tangent)
        probabilities = [softmax(numbers @ table[1:] + table[0], axis=1) for numbers, table in tables]
        probabilities.append(self.network.predict_proba(near(self.white, around)[0]))
        return np.log(np.stack(probabilities) + FLOOR)


def default_network(**params):
    """Networks of one layer: mixtures of channels, and the power of each at each harmonic."""
    model_params = dict(n_filters_time=16, n_filters_spat=16, filter_time_length=1, drop_prob=0.5)
    return CNNClassifier(
        "ShallowFBCSPNet", model_params=model_params, n_members=3, standardize=False, **params
    )


def covariances(coefficients):
    """Covariances of channels at each harmonic, shape (n_samples, n_waves, n_channels, n_channels)."""
    return (coefficients @ coefficients.conj().swapaxes(-1, -2)).real / coefficients.shape[-1]


def tangent_space(white, around):
    """Logarithms of covariances relative to the mean one, as numbers [2]_."""
    values, vectors = np.linalg.eigh(shrunk(white @ covariances(around) @ white, 0.1))
    logs = (vectors * np.log(values)[..., np.newaxis, :]) @ vectors.swapaxes(-1, -2)
    i, j = np.triu_indices(logs.shape[-1])
    return (logs[..., i, j] * np.where(i == j, 1, np.sqrt(2))).reshape(len(logs), -1)


def near(white, around):
    """White signals near the waves, one after the other, and the length of each."""
    middle = around.shape[-1] // 2
    reach = round(middle * NEAR / AROUND)
    signals = white @ around[..., middle - reach : middle + reach + 1]
    signals = np.concatenate([signals.real, signals.imag], axis=-1).swapaxes(1, 2)
    return np.ascontiguousarray(signals.reshape(*signals.shape[:2], -1)), signals.shape[-1]


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
