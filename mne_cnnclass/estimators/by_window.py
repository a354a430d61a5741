"""A classifier for each of several windows of the same epochs."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..samples.inputs import as_samples
from ..samples.types import Samples
from ..samples.view import EpochsView
from ..utils.docs import fill_doc
from .most_probable import PredictsMostProbable
from .saving.write import describe_each


@fill_doc
class WindowClassifier(PredictsMostProbable, BaseEstimator):
    """A classifier for each of several windows after the event.

    What a network learns about the response to a cue is of no use a second later. Samples are predicted by
    the classifier whose window begins closest to theirs.

    Parameters
    ----------
    estimators : list of (float, estimator)
        When each window begins, in s relative to the event, and a classifier for it.

    Attributes
    ----------
    starts_ : list of float
        When the windows begin that there is a fitted classifier for.
    estimators_ : list of estimator
        These classifiers.
    %(classes_)s

    Examples
    --------
    >>> from mne_cnnclass import load_pretrained
    >>> load_pretrained("motor imagery")[-1].starts_
    [0.0, 1.0]
    """

    def __init__(self, estimators: Sequence[tuple[float, Any]]) -> None:
        self.estimators = estimators

    @classmethod
    def of_fitted(cls, starts: Sequence[float], estimators: Sequence[Any]) -> Self:
        """Make one of classifiers that are fitted."""
        clf = cls(list(zip(starts, estimators, strict=True)))
        clf.starts_, clf.estimators_ = list(starts), list(estimators)
        clf.classes_ = estimators[0].classes_
        return clf

    @fill_doc
    def fit(self, X: Samples, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Self:
        """Fit the classifier of the window that the samples have.

        Parameters
        ----------
        X : mne.Epochs | EpochsView
            The samples.
        y : None | array-like, shape (n_samples,)
            The labels. ``None`` uses the labels of the epochs.
        groups : None | array-like, shape (n_samples,)
            Group of each sample, passed on if given.

        Returns
        -------
        self : WindowClassifier
            The fitted estimator, which predicts samples of any window by this one classifier.

        Raises
        ------
        TypeError
            If X is an array, which has no times.
        """
        start, estimator = min(self.estimators, key=lambda one: abs(one[0] - begin(X)))
        fitted = clone(estimator).fit(X, y, **({} if groups is None else dict(groups=groups)))
        self.starts_, self.estimators_, self.classes_ = [start], [fitted], fitted.classes_
        return self

    def nearest(self, start: float) -> Any:
        """Get the classifier whose window begins closest to a time in s; the earlier of two."""
        check_is_fitted(self)
        return self.estimators_[int(np.abs(np.subtract(self.starts_, start)).argmin())]

    @fill_doc
    def predict_proba(self, X: Samples) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : mne.Epochs | EpochsView
            The samples.

        Returns
        -------
        %(proba_classes_)s
        """
        check_is_fitted(self)
        return self.nearest(begin(X)).predict_proba(X)

    def _describe(self, tensors):
        """What makes this estimator, for a file; arrays join the tensors."""
        return {"starts": self.starts_, "members": describe_each(self.estimators_, tensors)}


def begin(X):
    """When samples begin, in s relative to the event."""
    view = as_samples(X)
    if not isinstance(view, EpochsView):
        raise TypeError(
            f"X must be mne.Epochs or an EpochsView, got {type(X).__name__}: which classifier predicts "
            "depends on when samples begin. Make an array mne.EpochsArray(X, info, tmin=...)."
        )
    return float(view.times[0])


def for_window(estimator, X):
    """A classifier or Pipeline, of several windows only with that of X: samples, or a start in s."""
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(last, WindowClassifier):
        return estimator
    one = last.nearest(X if isinstance(X, Real) else begin(X))
    return Pipeline([*estimator.steps[:-1], (estimator.steps[-1][0], one)]) if last is not estimator else one
