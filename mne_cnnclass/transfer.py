"""Going on with a classifier of many people on the first trials of a new one."""

from __future__ import annotations

import copy
import numbers
from typing import TYPE_CHECKING, Self

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .classifier import CNNClassifier
from .parameters import check_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from ._types import Samples


__all__ = ["FineTunedClassifier"]


class FineTunedClassifier(ClassifierMixin, BaseEstimator):
    """Train a fitted classifier further on the samples of a new person or session.

    A network that has learnt from many people knows what is common to them; a few trials of a new person tell
    it what is special [1]_. :meth:`fit` copies the fitted estimator and goes on from its weights, at a lower
    learning rate. What is cross-validated is this last step, so **no sample of the new person may have been
    in the first one**: this can't be seen from here.

    Parameters
    ----------
    estimator : CNNClassifier | Pipeline
        The fitted estimator, or one read by :func:`~mne_cnnclass.load_classifier`; a Pipeline ends in a
        CNNClassifier. It stays as it is, also in copies by scikit-learn's ``clone``. The transformers of a
        Pipeline are fitted anew on the new samples: an alignment then knows the new person.
    max_epochs : int
        Number of training epochs.
    lr : float
        Learning rate, by the schedule of the estimator.

    Attributes
    ----------
    estimator_ : CNNClassifier | Pipeline
        The copy that was trained further.
    classes_ : array, shape (n_classes,)
        The labels.

    See Also
    --------
    mne_cnnclass.recipe : Estimators to begin with.

    References
    ----------
    .. [1] Yosinski J, Clune J, Bengio Y, Lipson H. How transferable are features in deep neural networks?
       NeurIPS 2014. arXiv:1411.1792

    Examples
    --------
    >>> from mne_cnnclass import CNNClassifier, EpochsView, FineTunedClassifier, datasets
    >>> view = EpochsView(datasets.load_sample("train"))
    >>> many = CNNClassifier("EEGNet", max_epochs=5, random_state=0).fit(view[::2])
    >>> new = FineTunedClassifier(many, max_epochs=2).fit(view[1::4])
    >>> len(new.estimator_.history_)
    7
    """

    def __init__(
        self, estimator: CNNClassifier | Pipeline, *, max_epochs: int = 10, lr: float = 0.001
    ) -> None:
        self.estimator = estimator
        self.max_epochs = max_epochs
        self.lr = lr

    def __sklearn_clone__(self):
        # the estimator stays fitted, as what was learnt from other people is no part of the fit
        return type(self)(self.estimator, max_epochs=self.max_epochs, lr=self.lr)

    def __sklearn_tags__(self):
        return copy.deepcopy(self.estimator.__sklearn_tags__())

    def fit(self, X: Samples, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Self:
        """Train further.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, of the channels, rate and length that the estimator was fitted on.
        y : None | array-like, shape (n_samples,)
            Their labels, of all classes of the estimator; ``None`` for those of the epochs.
        groups : None | array-like, shape (n_samples,)
            As for :class:`~mne_cnnclass.CNNClassifier`.

        Returns
        -------
        self : FineTunedClassifier
            The fitted estimator.

        Raises
        ------
        TypeError
            If the estimator is neither a CNNClassifier nor a Pipeline that ends in one.
        sklearn.exceptions.NotFittedError
            If it was not fitted.
        ValueError
            If the samples are not of the kind that it was fitted on.
        """
        check_number(self.max_epochs, "max_epochs", numbers.Integral, min_val=1)
        network, prefix = self.estimator, ""
        if isinstance(network, Pipeline):
            prefix, network = f"{network.steps[-1][0]}__", network.steps[-1][1]
        if not isinstance(network, CNNClassifier):
            raise TypeError(
                "estimator must be a fitted CNNClassifier, or a Pipeline that ends in one, got "
                f"{type(self.estimator).__name__}."
            )
        check_is_fitted(network)
        further = copy.deepcopy(self.estimator)
        how = dict(warm_start=True, max_epochs=self.max_epochs, lr=self.lr)
        further.set_params(**{prefix + name: value for name, value in how.items()})
        self.estimator_ = further.fit(X, y, **({} if groups is None else {f"{prefix}groups": groups}))
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X: Samples) -> np.ndarray:
        """Most probable label.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            Samples.

        Returns
        -------
        labels : array, shape (n_samples,)
            The labels.
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    def predict_proba(self, X: Samples) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            Samples.

        Returns
        -------
        proba : array, shape (n_samples, n_classes)
            Probabilities; columns as in ``classes_``.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)
