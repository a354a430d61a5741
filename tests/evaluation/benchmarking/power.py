"""A rhythm that is planted in sessions, and an estimator that sees it: for other processes, without torch."""

import mne
import numpy as np
import pandas as pd
from planted import planted_epochs
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis


def session_epochs(n_subjects=3, n_sessions=2, n_each=8, **planted):
    """Epochs of a planted 10 Hz rhythm, the same number in each session of each subject."""
    epochs = planted_epochs(n_subjects * n_sessions * n_each, ch_names=("C3", "Cz"), n_times=20, **planted)
    order = pd.MultiIndex.from_product(
        [[f"s{i}" for i in range(n_subjects)], range(n_sessions), range(n_each)]
    )
    with mne.use_log_level("ERROR"):
        epochs.metadata = pd.DataFrame(
            {"subject": order.get_level_values(0), "session": order.get_level_values(1)}
        )
    return epochs


class Power(ClassifierMixin, BaseEstimator):
    """LDA of log power: sees the planted rhythm."""

    def __init__(self, shrinkage=None):
        self.shrinkage = shrinkage

    def fit(self, X, y):
        self.lda_ = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=self.shrinkage).fit(_power(X), y)
        self.classes_ = self.lda_.classes_
        return self

    def predict(self, X):
        return self.lda_.predict(_power(X))

    def predict_proba(self, X):
        return self.lda_.predict_proba(_power(X))


def _power(X):
    return np.log(np.asarray(X).var(axis=2))


def rows_of(result):
    """What must be the same however it was run."""
    keys = ["pipeline", "dataset", "splits", "subject", "session", "fold", "size"]
    return result.table()[[*keys, "seed", "n_train", "n_test", "accuracy", "roc_auc", "log_loss"]]
