"""What classifiers share that are made of probabilities."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin

from ..samples.types import Samples
from ..utils.docs import fill_doc
from .cnn import CNNClassifier


class PredictsMostProbable(ClassifierMixin):
    """Predict by ``predict_proba``, and score with the labels of the epochs, if none are given."""

    @fill_doc
    def predict(self, X: Samples) -> np.ndarray:
        """Predict the most probable class label of each sample.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | array
            The samples, as in :meth:`predict_proba`.

        Returns
        -------
        %(labels_predicted)s
        """
        proba = self.predict_proba(X)  # before classes_ is asked for, so that it can tell when not fitted
        return self.classes_[proba.argmax(axis=1)]

    score = CNNClassifier.score
