"""Confidence and accuracy in bins, which the reliability diagram shows and the calibration error sums up."""

import numpy as np
import pandas as pd

N_BINS = 15


def reliability_bins(y_true, proba, *, classes):
    """Confidence and accuracy of the most probable class, in 15 bins of equal width.

    The table has a row for each bin that has samples, indexed by its lower edge: n, the mean confidence
    (probability of the most probable class) and the accuracy (share of samples of which it is the true one).

    Examples
    --------
    >>> reliability_bins([0, 1, 0], [[0.9, 0.1], [0.3, 0.7], [0.3, 0.7]], classes=[0, 1])
              n  confidence  accuracy
    lower
    0.666667  2         0.7       0.5
    0.866667  1         0.9       1.0
    """
    y_true, proba = _check_probabilities(y_true, proba, classes)
    confidence = proba.max(axis=1)
    right = np.asarray(classes)[proba.argmax(axis=1)] == y_true
    table = pd.DataFrame(
        {"lower": bin_numbers(confidence) / N_BINS, "confidence": confidence, "accuracy": right}
    )
    return table.groupby("lower").agg(
        n=("accuracy", "size"), confidence=("confidence", "mean"), accuracy=("accuracy", "mean")
    )


def _check_probabilities(y_true, proba, classes):
    """True classes and probabilities as arrays that fit together, or an error that says what does not."""
    y_true, proba = np.asarray(y_true), np.asarray(proba)
    if proba.shape != (len(y_true), len(classes)) or not sum_to_one(proba):
        raise ValueError(
            f"proba must hold the probability of each of {len(classes)} classes for each of {len(y_true)} "
            f"samples, in rows that sum to one, got an array of shape {proba.shape} with sums other than one "
            "or values below zero. Decision scores have no calibration; see CalibratedClassifierCV."
        )
    unknown = sorted({repr(label) for label in y_true[~np.isin(y_true, classes)].tolist()})
    if unknown:
        raise ValueError(f"y_true has {', '.join(unknown)}, which classes={list(classes)} has not.")
    return y_true, proba


def sum_to_one(proba):
    """Whether each row of an array holds probabilities."""
    return np.allclose(proba.sum(axis=1), 1) and (proba >= 0).all()


def bin_numbers(confidence):
    """The bin of each confidence; one on an edge belongs to the bin below."""
    return np.clip(np.ceil(confidence * N_BINS).astype(int) - 1, 0, N_BINS - 1)


def bins_error(bins):
    """Expected calibration error: mean distance of accuracy and confidence, each bin by its samples."""
    return float(np.average((bins["accuracy"] - bins["confidence"]).abs(), weights=bins["n"]))
