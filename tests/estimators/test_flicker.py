"""Correlations with flicker are those of closed forms and other packages; wrong frequencies are told."""

import mne
import numpy as np
import pytest
from flickering import FREQUENCIES, SFREQ, flickering
from numpy.testing import assert_allclose
from sklearn.cross_decomposition import CCA

from mne_cnnclass import EpochsView, baselines, evaluate, recipe
from mne_cnnclass.estimators.flicker import (
    CanonicalCorrelation,
    Flicker,
    TaskRelatedComponents,
    canonical_correlations,
    task_related_filter,
)

NO_REST = {label: hz for label, hz in FREQUENCIES.items() if hz}


def flicker(frequencies=NO_REST, n_times=250, pass_band=(0.0, 125.0)):
    return Flicker(frequencies, 250.0, n_times, pass_band)


# -- closed forms ------------------------------------------------------------------------------------


def test_one_channel_correlates_as_in_a_regression_on_sines_and_cosines():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 1, 250))
    x -= x.mean(axis=-1, keepdims=True)
    found = canonical_correlations(x, flicker().references(2))
    t = np.arange(250)[:, None] / 250
    for k, hz in enumerate(NO_REST.values()):
        phases = 2 * np.pi * t * hz * [1, 2]
        design = np.column_stack([np.ones(250), np.sin(phases), np.cos(phases)])
        residual = x[:, 0] - x[:, 0] @ np.linalg.pinv(design).T @ design.T
        assert_allclose(found[:, k] ** 2, 1 - residual.var(axis=1) / x[:, 0].var(axis=1), rtol=1e-4)


def test_several_channels_correlate_as_in_scikit_learn():
    x = np.random.default_rng(1).standard_normal((4, 3, 250))
    x -= x.mean(axis=-1, keepdims=True)
    found = canonical_correlations(x, flicker().references(3))
    for trial, scores in zip(x, found, strict=True):
        for waves, score in zip(flicker().references(3), scores, strict=True):
            one, other = CCA(n_components=1, max_iter=5000, tol=1e-12).fit_transform(trial.T, waves)
            assert score == pytest.approx(np.corrcoef(one[:, 0], other[:, 0])[0, 1], abs=1e-4)


def test_a_wave_correlates_with_its_own_frequency_alone_also_if_channels_are_dependent():
    t = np.arange(250) / 250
    wave = np.sin(2 * np.pi * 15 * t + 1)
    noise = np.random.default_rng(2).standard_normal((1, 2, 250))
    x = np.concatenate([noise, noise.sum(axis=1, keepdims=True), wave[None, None]], axis=1)
    scores = canonical_correlations(x - x.mean(axis=-1, keepdims=True), flicker().references(1))[0]
    assert list(NO_REST).index("15 Hz") == scores.argmax()
    assert scores.max() == pytest.approx(1, abs=1e-4)
    assert np.sort(scores)[-2] < 0.4


def test_task_related_filter_is_that_of_a_known_source():
    """With a pattern a in noise of covariance C, the trials are most alike through the weights C⁻¹a."""
    rng = np.random.default_rng(3)
    root = rng.standard_normal((4, 4))
    pattern, source = rng.standard_normal(4), rng.standard_normal(2000)
    trials = root @ rng.standard_normal((40, 4, 2000)) + pattern[:, None] * source
    found, expected = task_related_filter(trials), np.linalg.solve(root @ root.T, pattern)
    assert abs(found @ expected) / np.linalg.norm(found) / np.linalg.norm(expected) > 0.99


def test_bands_are_those_of_the_paper_and_within_the_pass_band():
    edges, weights = flicker().bands(5)
    assert_allclose(edges + 2, [8, 16, 24, 32, 40])
    assert_allclose(weights, np.arange(1, 6) ** -1.25 + 0.25)
    assert_allclose(flicker(pass_band=(1, 30)).bands(5)[0] + 2, [8, 16, 24])
    assert_allclose(flicker({"slow": 5.0, "fast": 9.0}).bands(2)[0] + 2, [5, 10])
    assert_allclose(flicker(pass_band=(1, 30)).harmonics(12, 3), [12, 24])


# -- other packages ----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", ["SSVEP_CCA", "SSVEP_TRCA"])
def test_predictions_are_those_of_moabb(method):
    theirs = pytest.importorskip("moabb.pipelines.classification")
    epochs = flickering(n_each=8, frequencies=NO_REST, amplitude=0.35, locked=True).epochs
    y = EpochsView(epochs).labels
    hz = np.array([str(NO_REST[label]) for label in y])
    other = theirs.SSVEP_CCA(3) if method == "SSVEP_CCA" else theirs.SSVEP_TRCA(n_fbands=3)
    ours = CanonicalCorrelation(NO_REST) if method == "SSVEP_CCA" else TaskRelatedComponents(NO_REST, 3)
    if method == "SSVEP_CCA":
        other.freq_map = {value: float(value) for value in hz}
    train, test = np.arange(len(y)) % 2 == 0, np.arange(len(y)) % 2 == 1
    predicted = np.array(other.fit(epochs[train], hz[train]).predict(epochs[test]))
    expected = np.array([next(k for k, v in NO_REST.items() if str(v) == one) for one in predicted])
    found = ours.fit(epochs[train], y[train]).predict(epochs[test])
    assert (found == expected).mean() > 0.9
    assert (expected == y[test]).mean() > 0.6


# -- known answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CCA", "filter-bank CCA", "TRCA"])
def test_flicker_is_found(name):
    view = flickering(frequencies=NO_REST, locked=name == "TRCA")
    (pipeline,) = baselines("eeg", task="ssvep", frequencies=NO_REST, names=[name]).values()
    assert evaluate(pipeline, view, cv=3).summary().loc["accuracy", "mean"] > 0.9


def test_correlations_learn_nothing_but_rest():
    view = flickering()
    wrong = view.labels[::-1]
    no_rest = view.labels != "rest"
    of_none = CanonicalCorrelation(NO_REST).fit(view[no_rest], wrong[wrong != "rest"])
    assert (of_none.predict(view[no_rest]) == view.labels[no_rest]).mean() > 0.95
    with_rest = CanonicalCorrelation(FREQUENCIES).fit(view)
    assert (with_rest.predict(view) == view.labels).mean() > 0.9
    assert with_rest.classes_.tolist() == sorted(FREQUENCIES)


def test_two_classes_are_ranked_by_one_number():
    two = {"10 Hz": 10.0, "15 Hz": 15.0}
    view = flickering(frequencies=two)
    scores = CanonicalCorrelation(two).fit(view).decision_function(view)
    assert scores.shape == (len(view),)
    assert ((scores > 0) == (view.labels == "15 Hz")).mean() > 0.9


# -- wrong frequencies -------------------------------------------------------------------------------

WRONG = {
    "none": ({}, TypeError, "must be a dict of class labels and Hz"),
    "list": ([10.0, 15.0], TypeError, r"must be a dict .* got \[10.0, 15.0\]"),
    "text": ({"10 Hz": "10", "15 Hz": 15.0}, TypeError, "frequency of class '10 Hz'"),
    "nan": ({"10 Hz": np.nan, "15 Hz": 15.0}, ValueError, "frequency of class '10 Hz'"),
    "negative": ({"10 Hz": -10.0, "15 Hz": 15.0}, ValueError, "between .* got {'10 Hz': -10.0}"),
    "Nyquist": ({"10 Hz": 10.0, "15 Hz": 150.0}, ValueError, r"and 100 Hz .* got {'15 Hz': 150.0}"),
    "slow": ({"10 Hz": 10.0, "15 Hz": 0.3}, ValueError, r"between 0.5 Hz .* got {'15 Hz': 0.3}"),
    "twice": ({"10 Hz": 10.0, "15 Hz": 10.0}, ValueError, "each frequency once"),
    "one": ({"10 Hz": 10.0}, ValueError, "at least two classes"),
    "missing": (
        {"10 Hz": 10.0, "rest": None},
        ValueError,
        r"y has '12 Hz', '15 Hz', of which .* says nothing",
    ),
    "numbers": ({10: 10.0, 12: 12.0}, ValueError, r"y has '10 Hz'.* it has \[10, 12\]"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("kind", ["recipe", "CCA", "TRCA"])
def test_wrong_frequencies_are_told(wrong, kind):
    frequencies, error, message = WRONG[wrong]
    if kind == "recipe":
        pipeline = recipe("ssvep", frequencies=frequencies)
    else:
        pipeline = baselines("eeg", task="ssvep", frequencies=frequencies, names=[kind])[kind]
    with pytest.raises(error, match=message):
        pipeline.fit(flickering(n_each=2))


def test_frequencies_beyond_the_filter_are_told():
    epochs = flickering(n_each=2).epochs.copy()
    for key, value, message in (("lowpass", 14.0, "and 14 Hz"), ("highpass", 11.0, "between 11 Hz")):
        with epochs.info._unlock():
            epochs.info.update(highpass=0.0, lowpass=SFREQ / 2)
            epochs.info[key] = value
        with pytest.raises(ValueError, match=message):
            recipe("ssvep", frequencies=FREQUENCIES).fit(epochs)


def test_an_array_needs_its_rate():
    with pytest.raises(ValueError, match="needs the sampling frequency of an array: sfreq="):
        recipe("ssvep", frequencies=NO_REST).fit(np.zeros((4, 2, 400)), list(NO_REST) + ["10 Hz"])


def test_what_flickers_too_near_the_end_of_the_spectrum_is_measured_without_harmonics():
    with mne.utils.use_log_level("error"):
        view = flickering(frequencies={"40 Hz": 40.0, "60 Hz": 60.0})
    for name, one in baselines("eeg", task="ssvep", frequencies={"40 Hz": 40.0, "60 Hz": 60.0}).items():
        if "CCA" in name:
            assert (one.fit(view).predict(view) == view.labels).mean() > 0.9
