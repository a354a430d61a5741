"""Classifiers of different kinds, weighted by what each says of samples that it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_array
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ..samples.checks import check_labels
from ..samples.columns import check_column
from ..samples.inputs import as_samples
from ..samples.types import RandomState, Samples
from ..samples.view import EpochsView
from ..utils.docs import fill_doc
from ..utils.seeds import draw_seed
from ..utils.threads import limit_threads
from .most_probable import PredictsMostProbable
from .saving.write import describe_each
from .together import fitting, n_together, run_together

FLOOR = 1e-3  # added to probabilities before their logarithm is taken
PULL = 1.0  # towards equal weights, in samples: the fewer samples there are, the more it counts


@fill_doc
class StackedClassifier(PredictsMostProbable, _BaseComposition, BaseEstimator):
    """Weighted sum of the log-probabilities of several classifiers.

    Linear models need few samples and networks find what they can't, so that their sum is often better than
    the best of them, and hardly ever worse than one that was chosen beforehand [1]_. The weights, not below
    zero, minimise the cross-entropy of inner folds, whose samples were not used to fit the classifiers that
    predict them; all are then fitted on all samples. The fewer samples, the closer the weights are to equal
    ones.

    Parameters
    ----------
    estimators : list of (str, estimator)
        The classifiers, with ``predict_proba``, each with a name.
    random_state : None | int | numpy.random.RandomState
        Seed of the inner folds.

    Attributes
    ----------
    estimators_ : list of estimator
        The fitted classifiers.
    n_features_in_ : int
        Number of channels, or of columns of a table.
    weights_ : array, shape (n_estimators,)
        Their weights. Equal ones that sum to one if there is one classifier only, or if inner folds are
        not possible, as a class has only one sample or is in only one group.
    %(classes_)s

    See Also
    --------
    mne_cnnclass.recipe : Recipes that are made of it.

    Notes
    -----
    There are three inner folds, or two if three would leave a class out. They are stratified and keep groups
    whole, as the weights are otherwise those for more samples of the same people. The probabilities are those
    of classes as frequent as in the training. The networks of all inner folds are trained at once.

    References
    ----------
    .. [1] Breiman L. Stacked regressions. Machine Learning 24:49-64, 1996. doi:10.1007/BF00117832

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from mne_cnnclass import StackedClassifier
    >>> X = np.random.default_rng(0).standard_normal((60, 2))
    >>> y = X[:, 0] > 0
    >>> clf = StackedClassifier([("line", LogisticRegression()), ("bell", GaussianNB())], random_state=0)
    >>> clf.fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(self, estimators: Sequence[tuple[str, Any]], *, random_state: RandomState = None) -> None:
        self.estimators = estimators
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, by default with those of the classifiers as ``<name>__<parameter>``.

        Parameters
        ----------
        deep : bool
            Whether to include the parameters of the classifiers. Default is True.

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``<name>__<parameter>`` sets that of a classifier, ``<name>`` exchanges it.

        Parameters
        ----------
        **params : dict
            Parameter names and their values.

        Returns
        -------
        self : StackedClassifier
            This estimator.
        """
        self._set_params("estimators", **params)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def fit(self, X: Samples, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Self:
        """Fit the classifiers and their weights.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples.
        y : None | array-like, shape (n_samples,)
            The labels. ``None`` uses the labels of the epochs.
        groups : None | array-like, shape (n_samples,)
            Group of each sample. Groups are kept whole in the inner folds, and passed on to the classifiers
            that take them. ``None`` uses the groups of an EpochsView, if it has any.

        Returns
        -------
        self : StackedClassifier
            The fitted estimator.

        Raises
        ------
        TypeError
            If ``estimators`` are not pairs of a name and a classifier with ``predict_proba``.
        ValueError
            If two have the same name, or if there is only one class.
        """
        self._check_estimators()
        X = _samples(X)
        y = np.asarray(check_labels(y, X))
        groups = getattr(X, "groups", None) if groups is None else check_column(groups, "groups", len(y))
        if groups is not None and len(np.unique(groups)) < 2:
            groups = None
        classes, target = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y has only 1 class, {classes.tolist()[0]!r}, but a classifier needs at least 2."
            )
        folds = []
        if len(self.estimators) > 1:
            folds = inner_folds(target, groups, draw_seed(self.random_state))
        parts = [*(train for train, _ in folds), np.arange(len(y))]
        fitted = [self._fit_parts(one, X, y, groups, parts) for _, one in self.estimators]
        weights = np.full(len(fitted), 1 / len(fitted))
        if folds:
            logits = np.empty((len(fitted), len(y), len(classes)))
            for member, of_folds in zip(logits, fitted, strict=True):
                for one, (_, held_out) in zip(of_folds[:-1], folds, strict=True):
                    member[held_out] = _logits(one, X[held_out])
            weights = fit_weights(logits, target, weights)
        self.n_features_in_ = X.shape[1]
        self.classes_, self.estimators_, self.weights_ = classes, [one[-1] for one in fitted], weights
        return self

    def _check_estimators(self):
        members = list(self.estimators)
        if not (members and all(isinstance(one, tuple) and len(one) == 2 for one in members)):
            raise TypeError(f"estimators must be a list of (name, classifier), got {self.estimators!r}.")
        self._validate_names([name for name, _ in members])
        for name, one in members:
            if not hasattr(one, "predict_proba"):
                raise TypeError(f"estimators must have predict_proba; {name!r}, {one!r}, has not.")

    def _fit_parts(self, estimator, X, y, groups, parts):
        """The estimator, fitted on each part of the samples, those that can be at once."""
        takes_groups = groups is not None and has_fit_parameter(estimator, "groups")
        fitted = [clone(estimator) for _ in parts]
        most = n_together(estimator, len(y), X.shape[1:])
        for start in range(0, len(parts), most):
            some = slice(start, start + most)
            fits = [
                fitting(one, X[rows], y[rows], **({"groups": groups[rows]} if takes_groups else {}))
                for one, rows in zip(fitted[some], parts[some], strict=True)
            ]
            with _one_thread(estimator):
                for _, _, error in run_together(fits):
                    if error is not None:
                        raise error
        return fitted

    @fill_doc
    def predict_proba(self, X: Samples) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, as in :meth:`fit`.

        Returns
        -------
        %(proba_classes_)s
        """
        check_is_fitted(self)
        X = _samples(X)
        logits = sum(w * _logits(one, X) for w, one in zip(self.weights_, self.estimators_, strict=True))
        proba = np.exp(logits - logits.max(axis=1, keepdims=True))
        return proba / proba.sum(axis=1, keepdims=True)

    def _describe(self, tensors):
        """What makes this estimator, for a file; arrays join the tensors."""
        return {
            "names": [name for name, _ in self.estimators],
            "members": describe_each(self.estimators_, tensors),
            "n_features_in": self.n_features_in_,
            "weights": self.weights_.tolist(),
            "classes": self.classes_,
            "classes_dtype": self.classes_.dtype.str,
        }


def inner_folds(target, groups, seed):
    """Inner folds; none if there are no two that train on all classes."""
    from ..networks.training.split import split_folds

    try:
        return split_folds(target, groups=groups, seed=seed)
    except ValueError:
        return []


def _logits(estimator, X):
    with _one_thread(estimator):
        return np.log(estimator.predict_proba(X) + FLOOR)


def _one_thread(estimator):
    """One thread, unless the estimator has a number of its own."""
    has_own = any(name.endswith("n_threads") for name in estimator.get_params())
    return limit_threads(None if has_own else 1)


def _samples(X):
    X = as_samples(X)
    return X if isinstance(X, EpochsView) else check_array(X, allow_nd=True, dtype=None)


def fit_weights(logits, target, usual):
    """Weights not below zero that minimise the cross-entropy, and a pull towards the usual ones."""
    rows = np.arange(len(target))

    def loss(weights):
        sums = np.tensordot(weights, logits, 1)
        sums -= sums.max(axis=1, keepdims=True)
        proba = np.exp(sums)
        total = proba.sum(axis=1)
        proba /= total[:, None]
        entropy = np.log(total).sum() - sums[rows, target].sum()
        slope = (proba * logits).sum((1, 2)) - logits[:, rows, target].sum(1)
        return entropy + PULL * ((weights - usual) ** 2).sum(), slope + 2 * PULL * (weights - usual)

    return minimize(loss, usual, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(logits)).x
