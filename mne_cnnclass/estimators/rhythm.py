"""A classifier of rhythms by measures of them."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Self

import mne
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier
from sklearn.utils.validation import check_is_fitted

from ..ecg.measures import RHYTHM_COLUMNS
from ..samples.checks import check_labels
from ..samples.inputs import as_samples
from ..samples.types import RandomState
from ..samples.view import EpochsView
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from ..utils.seeds import draw_seed
from ..utils.threads import limit_threads
from .most_probable import PredictsMostProbable
from .trees import TreeArrays


@fill_doc
class RhythmClassifier(PredictsMostProbable, BaseEstimator):
    """Classify rhythms by their measures, with gradient boosting and a forest of randomised trees.

    The logarithms of the probabilities of both are averaged: boosting is more accurate, and the forest
    [1]_ less sure of itself. Windows of a recording with the same measures count once in the training.

    Parameters
    ----------
    columns : None | sequence of str
        The metadata columns to use. ``None`` uses ``mne_cnnclass.ecg.RHYTHM_COLUMNS``, the measures of
        :func:`measure_rhythm`.
    min_samples_leaf : int
        Least number of windows with different measures in a leaf of the forest. Default is 8, which is for
        recordings most of which have one set of measures; with several alike ones of each, as of causal
        windows, 16 is better.
    random_state : None | int | numpy.random.RandomState
        Seed of the trees.

    Attributes
    ----------
    %(classes_)s
    class_prior_ : array, shape (n_classes,)
        Frequency of each class among the different measures of the training.
    trees_ : object
        The trees as arrays.

    See Also
    --------
    mne_cnnclass.recipe : ``recipe("rhythm")`` is this classifier.

    References
    ----------
    .. [1] Geurts P, Ernst D, Wehenkel L. Extremely randomized trees. Machine Learning 63:3-42, 2006.
       doi:10.1007/s10994-006-6226-1

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, ecg
    >>> view = EpochsView(ecg.make_rhythm_epochs("mitdb/201"), groups="record")  # doctest: +SKIP
    >>> ecg.RhythmClassifier(random_state=0).fit(view).predict_proba(view)  # doctest: +SKIP
    """

    def __init__(
        self,
        columns: Sequence[str] | None = None,
        *,
        min_samples_leaf: int = 8,
        random_state: RandomState = None,
    ) -> None:
        self.columns = columns
        self.min_samples_leaf = min_samples_leaf
        self.random_state = random_state

    @limit_threads(1)
    def fit(
        self, X: EpochsView | mne.BaseEpochs, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Self:
        """Fit the trees.

        Parameters
        ----------
        X : EpochsView | mne.Epochs
            Windows from :func:`make_rhythm_epochs`.
        y : None | array-like, shape (n_samples,)
            The labels. ``None`` uses those of the epochs.
        groups : None | array-like, shape (n_samples,)
            Not used.

        Returns
        -------
        self : RhythmClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If the epochs lack a column, or have fewer than two classes.
        """
        check_number(self.min_samples_leaf, "min_samples_leaf", numbers.Integral, min_val=1)
        view = as_samples(X)
        measures = self._measures(view)
        self.classes_, codes = np.unique(np.asarray(check_labels(y, view)), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must have at least two classes, got {self.classes_.tolist()}.")
        table = np.unique(np.column_stack([measures, codes]), axis=0)
        measures, codes = table[:, :-1], table[:, -1].astype(int)
        self.class_prior_ = np.bincount(codes) / len(codes)
        seed = draw_seed(self.random_state)
        least = self.min_samples_leaf
        forest = ExtraTreesClassifier(100, min_samples_leaf=least, max_features=0.3, random_state=seed)
        boosting = GradientBoostingClassifier(
            learning_rate=0.05,
            n_estimators=200,
            max_depth=3,
            max_features=0.15,
            subsample=0.6,
            min_samples_leaf=5,
            random_state=seed,
        )
        self.trees_ = TreeArrays.of(forest.fit(measures, codes), boosting.fit(measures, codes))
        return self

    def names_in_use(self):
        """The columns, by name."""
        return list(RHYTHM_COLUMNS if self.columns is None else self.columns)

    def _measures(self, X):
        view = as_samples(X)
        columns = self.names_in_use()
        table = getattr(view, "metadata", None)
        missing = [name for name in columns if table is None or name not in table]
        if missing:
            raise ValueError(
                f"These samples lack the metadata {missing[:3]}, which ecg.make_rhythm_epochs writes: cut "
                "windows with it, and keep the metadata, or choose other columns=."
            )
        measures = table[columns].to_numpy(float)
        if not np.isfinite(measures).all():
            bad = np.array(columns)[~np.isfinite(measures).all(axis=0)]
            raise ValueError(f"The metadata {bad[:3].tolist()} must be finite numbers.")
        return measures.astype(np.float32)

    @fill_doc
    def predict_proba(self, X: EpochsView | mne.BaseEpochs) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : EpochsView | mne.Epochs
            Windows from :func:`make_rhythm_epochs`.

        Returns
        -------
        %(proba_classes_)s
        """
        check_is_fitted(self)
        return self.trees_.predict_proba(self._measures(X))

    def _describe(self, tensors):
        """What makes this estimator, for a file; arrays join the tensors."""
        import torch

        tensors |= {name: torch.from_numpy(array) for name, array in self.trees_.packed().items()}
        return {
            "columns": None if self.columns is None else list(self.columns),
            "min_samples_leaf": self.min_samples_leaf,
            "classes": self.classes_,
            "classes_dtype": self.classes_.dtype.str,
            "class_prior": self.class_prior_.tolist(),
            "n_forest": self.trees_.n_forest,
            "depth": self.trees_.depth,
        }
