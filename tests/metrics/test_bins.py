"""Bins of confidence hold every sample, and their error is that of known probabilities."""

import numpy as np
import pytest

from mne_cnnclass.metrics.bins import bins_error, reliability_bins


def test_the_error_of_right_probabilities_is_small_and_that_of_too_sure_ones_their_excess():
    rng = np.random.default_rng(0)
    p = rng.random(100_000)
    proba = np.column_stack([1 - p, p])
    y = (rng.random(len(p)) < p).astype(int)
    assert bins_error(reliability_bins(y, proba, classes=[0, 1])) < 0.01
    sure = np.eye(2)[proba.argmax(axis=1)]  # right in 3 of 4, and sure of all
    assert bins_error(reliability_bins(y, sure, classes=[0, 1])) == pytest.approx(0.25, abs=0.01)


def test_all_confidences_have_a_bin_and_upper_edges_belong_to_it():
    proba = np.array([[1.0, 0.0], [0.5, 0.5], [0.6, 0.4], [0.8, 0.2]])
    bins = reliability_bins([0, 0, 0, 0], proba, classes=[0, 1])
    np.testing.assert_allclose(bins.index * 15, [7, 8, 11, 14])
    assert bins["n"].sum() == 4
