"""Transformers from samples to samples: what they compute, what they keep, and what they refuse."""

import mne
import numpy as np
import pytest
from braindecode.preprocessing import exponential_moving_standardize
from planted import planted_epochs
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from mne_cnnclass import CNNClassifier, EpochsView
from mne_cnnclass.preprocessing import (
    Clip,
    Crop,
    EuclideanAlignment,
    ExponentialStandardize,
    Filter,
    Pick,
    Reference,
    Resample,
    RiemannianAlignment,
    Standardize,
)

ALIGNMENTS = [EuclideanAlignment, RiemannianAlignment]
ALL = [
    Clip(),
    Crop(0.1, 0.6),
    EuclideanAlignment(),
    ExponentialStandardize(0.05),
    Filter(20, None, method="iir"),
    Pick(["C3", "C4", "Cz"]),
    Reference("average"),
    Resample(50),
    RiemannianAlignment(),
    Standardize(),
]


def names(transformer):
    return type(transformer).__name__


def covariance_of(data):
    data = np.asarray(data)
    return (data @ data.transpose(0, 2, 1)).mean(axis=0) / data.shape[2]


@pytest.fixture
def people():
    """Three people: the sources of a planted rhythm, mixed by a matrix of each, in two recordings each."""
    epochs, mixing = [], np.random.default_rng(5).standard_normal((3, 5, 5))
    for person in range(3):
        for run in range(2):
            one = planted_epochs(24, seed=10 * person + run)
            one._data = mixing[person] @ one._data
            one.metadata = mne.epochs.pd.DataFrame(dict(subject=[f"S{person}"] * 24)) if False else None
            epochs.append(one)
    view = EpochsView(epochs, groups=np.repeat(["S0", "S1", "S2"], 48))
    return view, mixing
