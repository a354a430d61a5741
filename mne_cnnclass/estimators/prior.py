"""Probabilities for where classes are as frequent as they were not in the training."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from ..samples.checks import check_labels
from ..samples.inputs import as_samples
from ..samples.types import Samples
from ..utils.docs import fill_doc
from .most_probable import PredictsMostProbable
from .saving.write import describe


@fill_doc
class PriorAdjustedClassifier(PredictsMostProbable, BaseEstimator):
    """Adjust the probabilities of a classifier to how frequent the classes are.

    A classifier trained on as many recordings of a rare rhythm as of a common one takes it for common. If the
    classes differ only in frequency between the training and new samples, the probability of each class,
    multiplied by the ratio of its new to its training frequency and normalised, is right again [1]_.

    Parameters
    ----------
    estimator : estimator
        The classifier to train, with ``predict_proba`` and without class weights.
    class_prior : None | dict
        How frequent each class is where predictions are made, by its label; scaled to a sum of one. ``None``
        leaves the probabilities as they are.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    ratio_ : array, shape (n_classes,)
        The ratio of the new frequency of each class to that in the training.
    %(classes_)s

    Notes
    -----
    The training frequencies are the ``class_prior_`` of the fitted classifier if it has them, otherwise those
    of the labels. :func:`mne_cnnclass.ecg.combine_windows` averages logarithms of probabilities, so a
    recording of many windows is adjusted once, like one of a single window.

    References
    ----------
    .. [1] Saerens M, Latinne P, Decaestecker C. Adjusting the outputs of a classifier to new a priori
       probabilities: a simple procedure. Neural Computation 14(1):21-41, 2002.
       doi:10.1162/089976602753284446

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mne_cnnclass import PriorAdjustedClassifier
    >>> X, y = np.array([[0.0], [1.0], [0.0], [1.0]]), np.array(["N", "N", "A", "A"])
    >>> clf = PriorAdjustedClassifier(LogisticRegression(), {"N": 0.9, "A": 0.1}).fit(X, y)
    >>> clf.predict_proba([[0.5]]).round(2)
    array([[0.1, 0.9]])
    """

    def __init__(self, estimator: Any, class_prior: Mapping[Any, float] | None = None) -> None:
        self.estimator = estimator
        self.class_prior = class_prior

    def fit(
        self, X: Samples, y: ArrayLike | None = None, groups: ArrayLike | None = None, **fit_params: Any
    ) -> Self:
        """Fit the classifier.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples.
        y : None | array-like, shape (n_samples,)
            The labels. ``None`` uses the labels of the epochs.
        groups : None | array-like, shape (n_samples,)
            Group of each sample, passed on if given.
        **fit_params : dict
            Passed on to the fit of the classifier.

        Returns
        -------
        self : PriorAdjustedClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``class_prior`` lacks a class, has one that is not among the labels, or has a number that is
            not above 0, or if the classifier weights classes.
        """
        if not isinstance(self.class_prior, (Mapping, NoneType)):
            raise TypeError(
                f"class_prior must be a dict of labels and frequencies, got {self.class_prior!r}."
            )
        if getattr(self.estimator, "class_weight", None) is not None:
            raise ValueError(
                "estimator must have class_weight=None, as weights change the class frequencies."
            )
        labels = np.asarray(check_labels(y, as_samples(X)))
        if groups is not None:
            fit_params["groups"] = groups
        fitted = clone(self.estimator).fit(X, y, **fit_params)
        classes = fitted.classes_.tolist()
        trained = getattr(fitted, "class_prior_", None)
        if trained is None:
            trained = np.array([(labels == label).mean() for label in classes])
        prior = dict(zip(classes, trained, strict=True)) if self.class_prior is None else self.class_prior
        if set(prior) != set(classes):
            raise ValueError(f"class_prior must have each class, {classes}, got {list(prior)}.")
        wanted = np.array([prior[label] for label in classes], float)
        if not ((wanted > 0) & (wanted < np.inf)).all():
            raise ValueError(f"class_prior must have numbers above 0, got {self.class_prior}.")
        self.estimator_, self.classes_ = fitted, fitted.classes_
        self.ratio_ = wanted / wanted.sum() / trained
        return self

    @fill_doc
    def predict_proba(self, X: Samples) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        %(X)s
            The samples.

        Returns
        -------
        %(proba_classes_)s
        """
        check_is_fitted(self)
        proba = self.estimator_.predict_proba(X) * self.ratio_
        return proba / proba.sum(axis=1, keepdims=True)

    def _describe(self, tensors):
        """What makes this estimator, for a file; arrays join the tensors."""
        return {
            "estimator": describe(self.estimator_, tensors, "estimator/"),
            "class_prior": None if self.class_prior is None else list(self.class_prior.items()),
            "ratio": self.ratio_.tolist(),
        }
