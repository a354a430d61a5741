"""What comes into an explanation, checked."""

import mne
import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..estimators.by_window import WindowClassifier, for_window
from ..estimators.cnn import CNNClassifier
from ..samples.blocks import check_finite
from ..samples.checks import check_known_labels, check_labels, check_samples
from ..samples.inputs import as_signals
from ..samples.view import EpochsView

BATCH_VALUES = 2**18  # of samples in one go: gradients keep what every layer computed


def as_network(clf, X=None):
    """The fitted network of ours that is looked into, and the samples as the steps before it make them."""
    check_is_fitted(clf)
    clf = clf if X is None else for_window(clf, X)
    network = clf[-1] if isinstance(clf, Pipeline) else clf
    if isinstance(network, WindowClassifier):
        raise TypeError(
            f"clf has a network for each of {len(network.starts_)} windows. Look into one of them: "
            "clf[-1].nearest(start), with the start of the window in s."
        )
    if not isinstance(network, CNNClassifier):
        ending = "Pipeline that ends in a " * isinstance(clf, Pipeline)
        raise TypeError(
            "clf must be a fitted CNNClassifier, or a Pipeline that ends in one, got a "
            f"{ending}{type(network).__name__}; channel_importance and band_importance take any estimator."
        )
    if network is not clf and X is not None:
        X = clf[:-1].transform(X)
    return network, X


def as_labelled(clf, X, y):
    """The network, samples with the channels of its fit, and one label a sample that was there at fit."""
    network, samples = as_network(clf, X)
    samples = check_samples(network, samples)
    y = check_labels(y, samples)
    check_known_labels(y, network.classes_)
    return network, samples, y


def check_any(clf, X, y):
    """Samples for any estimator as an array, and what makes samples of such an array again.

    Returns the array of shape (n_samples, n_channels, n_times), the labels, names or numbers of the channels,
    the sampling frequency or None, and a function from such an array to what the estimator takes.
    """
    check_is_fitted(clf)
    if isinstance(clf, CNNClassifier):
        _, X, y = as_labelled(clf, X, y)
    else:
        X = as_signals(X, clf)
        y = check_labels(y, X)
    check_finite(X)
    names = getattr(X, "ch_names", None) or getattr(clf, "ch_names_", None) or np.arange(X.shape[1])
    sfreq = getattr(X, "sfreq", None) or getattr(clf, "sfreq_", None)
    # all else that is known of a sample stays: side inputs, and names by which a Pipeline picks channels
    samples_of = X.with_data if isinstance(X, EpochsView) else np.asarray
    return np.asarray(X, dtype=float), y, names, sfreq, samples_of


def known_sfreq(clf):
    """The sampling frequency in Hz, which results in Hz need."""
    if clf.sfreq_ is None:
        raise ValueError(
            "The sampling frequency is not known, as the classifier was fitted on an array: fit it on Epochs "
            "or an EpochsView."
        )
    return clf.sfreq_


def info_of(clf, X):
    """The channels of the samples; those of an array are called EEG."""
    if isinstance(X, EpochsView):
        return X.info
    return mne.create_info(clf.ch_names_ or X.shape[1], clf.sfreq_ or 1.0, "eeg")  # numbers as names


def batch_size(X):
    """Samples in one go."""
    return min(max(1, BATCH_VALUES // (X.shape[1] * X.shape[2])), 512)
