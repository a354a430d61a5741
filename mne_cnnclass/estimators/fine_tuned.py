"""Going on with a classifier of many people on the first trials of a new one."""

from __future__ import annotations

import copy
import numbers
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..samples.types import Samples
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from .by_window import for_window
from .cnn import CNNClassifier
from .saving.write import describe


@fill_doc
class FineTunedClassifier(ClassifierMixin, BaseEstimator):
    """Fine-tune a fitted classifier on samples of a new subject or session.

    A network trained on many subjects has learnt what they have in common; a few trials of a new subject
    then adapt it to that subject [1]_. :meth:`fit` copies the fitted estimator and continues training
    from its weights, at a lower learning rate. Cross-validation covers only this last step, so **no sample of
    the new subject may have been used to train the original estimator**; this can't be checked here.

    Parameters
    ----------
    estimator : CNNClassifier | Pipeline
        The fitted estimator, for instance loaded with :func:`~mne_cnnclass.load_classifier`: a CNNClassifier
        or a Pipeline that ends in one. It is not modified, and stays fitted in copies made by scikit-learn's
        ``clone``. The transformers of a Pipeline are fitted again on the new samples, so that an alignment,
        for instance, is adapted to the new subject. Of a ready model with a network for each of several
        windows, that of the samples' window is fine-tuned.
    max_epochs : int
        Number of further training epochs. Default is 10.
    lr : float
        Learning rate, used with the schedule of the estimator. Default is 0.001.

    Attributes
    ----------
    estimator_ : CNNClassifier | Pipeline
        The fine-tuned copy.
    %(classes_)s

    See Also
    --------
    mne_cnnclass.recipe : Ready-made pipelines to start from.

    Notes
    -----
    An alignment in a Pipeline is fitted to these few samples, and aligns later ones of the same group by
    them. Later samples with a group name of their own, such as that of the next session, are aligned by
    themselves, which was better after 20 trials of imagery (``docs/guide/imagery.md``).

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

    @fill_doc
    def fit(self, X: Samples, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Self:
        """Fine-tune a copy of the estimator.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, with the channels, sampling frequency and length that the estimator was fitted on.
        y : None | array-like, shape (n_samples,)
            The labels, in which every class of the estimator must occur. ``None`` uses the labels of the
            epochs.
        groups : None | array-like, shape (n_samples,)
            Group of each sample, as in :meth:`CNNClassifier.fit <mne_cnnclass.CNNClassifier.fit>`.

        Returns
        -------
        self : FineTunedClassifier
            The fitted estimator.

        Raises
        ------
        TypeError
            If the estimator is neither a CNNClassifier nor a Pipeline that ends in one.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If the samples do not match those that the estimator was fitted on.
        """
        check_number(self.max_epochs, "max_epochs", numbers.Integral, min_val=1)
        estimator = for_window(self.estimator, X)
        network, prefix = estimator, ""
        if isinstance(network, Pipeline):
            prefix, network = f"{network.steps[-1][0]}__", network.steps[-1][1]
        if not isinstance(network, CNNClassifier):
            raise TypeError(
                "estimator must be a fitted CNNClassifier, or a Pipeline that ends in one, got "
                f"{'a Pipeline that ends in a ' * bool(prefix)}{type(network).__name__}."
            )
        check_is_fitted(network)
        further = copy.deepcopy(estimator)
        how = dict(warm_start=True, max_epochs=self.max_epochs, lr=self.lr)
        further.set_params(**{prefix + name: value for name, value in how.items()})
        self.estimator_ = further.fit(X, y, **({} if groups is None else {f"{prefix}groups": groups}))
        self.classes_ = self.estimator_.classes_
        return self

    @fill_doc
    def predict(self, X: Samples) -> np.ndarray:
        """Predict the most probable class label of each sample.

        Parameters
        ----------
        %(X)s
            The samples.

        Returns
        -------
        %(labels_predicted)s
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

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
        return self.estimator_.predict_proba(X)

    def _describe(self, tensors):
        return describe(self.estimator_, tensors)  # which is what predicts

    score = CNNClassifier.score  # with the labels of the epochs, if none are given
