"""An estimator that kills its process; there, no more is imported than it takes."""

import os
import signal
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Kills(ClassifierMixin, BaseEstimator):
    """Kills its process when it is given the last sample to test, once the other fold has predicted."""

    def __init__(self, done):
        self.done = done

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if X.max() < len(X) * 2 - 1:  # the fold that tests the last sample
            while not self.done.exists():
                time.sleep(0.05)
            time.sleep(0.5)  # in which the other result arrives
            os.kill(os.getpid(), signal.SIGKILL)
        return self

    def predict(self, X):
        self.done.touch()
        return np.repeat(self.classes_[:1], len(X))
