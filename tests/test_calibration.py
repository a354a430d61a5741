"""A temperature makes probabilities as sure as they are right, and changes nothing else."""

import copy
import json
import pickle

import mne
import numpy as np
import pytest
from planted import planted_epochs
from safetensors import safe_open
from safetensors.torch import save_file
from scipy.special import log_softmax, softmax
from sklearn.base import clone

from mne_cnnclass import CNNClassifier, EpochsView, load_classifier
from mne_cnnclass.persistence import KEY
from mne_cnnclass.training import fit_temperature, split_validation
from mne_cnnclass.training.temperature import TEMPERATURES

QUICK = CNNClassifier("EEGNet", max_epochs=6, lr=0.02, validation_fraction=0.25, random_state=0, n_threads=1)


@pytest.fixture(scope="module")
def view():
    """Epochs that a network finds hard: a third of the labels is wrong."""
    epochs = planted_epochs(96)
    wrong = np.random.default_rng(0).random(96) < 0.3
    return EpochsView(epochs, labels=np.where(wrong, "left", np.resize(["left", "right"], 96)))


@pytest.fixture(scope="module")
def plain(view):
    return clone(QUICK).fit(view)


@pytest.fixture(scope="module")
def calibrated(view):
    return clone(QUICK).set_params(calibrate=True).fit(view)


def drawn(temperature, n_samples=20_000, n_classes=3):
    """Logits that are right after a division by the temperature, and labels drawn so."""
    rng = np.random.default_rng(0)
    logits = 4 * rng.standard_normal((n_samples, n_classes))
    proba = softmax(logits / temperature, axis=1)
    return logits, (rng.random((n_samples, 1)) > proba.cumsum(axis=1)[:, :-1]).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(temperature):
    logits, y = drawn(temperature)
    assert fit_temperature(logits, y, np.ones(len(y))) == pytest.approx(temperature, rel=0.05)


def test_it_is_that_of_scikit_learn():
    calibration = pytest.importorskip("sklearn.calibration")
    if not hasattr(calibration, "_TemperatureScaling"):
        pytest.skip("scikit-learn before 1.8 has no temperature scaling")
    logits, y = drawn(2.0, n_samples=200)
    weight = np.random.default_rng(1).random(200)
    theirs = calibration._TemperatureScaling().fit(logits, y, sample_weight=weight)
    ours = fit_temperature(logits, y, weight)
    np.testing.assert_allclose(softmax(logits / ours, axis=1), theirs.predict(logits), rtol=1e-5, atol=1e-8)


def test_a_weight_of_two_is_a_sample_twice():
    logits, y = drawn(2.0, n_samples=100)
    weight = np.resize([1, 2], 100)
    assert fit_temperature(logits, y, weight) == pytest.approx(
        fit_temperature(np.repeat(logits, weight, axis=0), np.repeat(y, weight), np.ones(weight.sum()))
    )


def test_without_a_best_temperature_it_is_the_bound():
    logits, right = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([0, 1])
    least, greatest = TEMPERATURES
    assert fit_temperature(logits, right, np.ones(2)) == pytest.approx(least, rel=1e-4)
    assert fit_temperature(logits, 1 - right, np.ones(2)) == pytest.approx(greatest, rel=1e-4)


def test_probabilities_are_of_the_logits_over_the_temperature_and_predictions_stay(view, plain, calibrated):
    assert plain.temperature_ == 1.0
    assert calibrated.temperature_ != 1.0
    logits = np.log(plain.predict_proba(view))
    np.testing.assert_allclose(
        calibrated.predict_proba(view), softmax(logits / calibrated.temperature_, axis=1), rtol=1e-10
    )
    assert calibrated.predict(view).tolist() == plain.predict(view).tolist()
    assert calibrated.score(view) == plain.score(view)


def test_no_other_temperature_has_less_loss_on_the_validation_samples(view, plain, calibrated):
    target = np.unique(view.labels, return_inverse=True)[1]
    _, valid = split_validation(target, 0.25, seed=plain._seed)
    logits = np.log(plain.predict_proba(view[valid]))

    def loss(temperature):
        return -log_softmax(logits / temperature, axis=1)[np.arange(len(valid)), target[valid]].mean()

    best = loss(calibrated.temperature_)
    assert all(best < loss(calibrated.temperature_ * factor) for factor in (0.8, 0.99, 1.01, 1.25))


def test_samples_on_disk_have_the_same_temperature(view, calibrated, tmp_path):
    view.epochs.save(tmp_path / "hard-epo.fif", verbose="ERROR")
    on_disk = mne.read_epochs(tmp_path / "hard-epo.fif", preload=False, verbose="ERROR")
    clf = clone(calibrated).fit(EpochsView(on_disk), view.labels)
    assert clf.temperature_ == pytest.approx(calibrated.temperature_, rel=0.02)  # single precision


def test_copies_and_files_keep_the_temperature(view, calibrated, tmp_path):
    calibrated.save(tmp_path / "hard.mcnn")
    expected = calibrated.predict_proba(view)
    for copied in (
        pickle.loads(pickle.dumps(calibrated)),
        copy.deepcopy(calibrated),
        load_classifier(tmp_path / "hard.mcnn"),
        clone(calibrated).fit(view),
    ):
        assert copied.calibrate is True
        assert copied.temperature_ == calibrated.temperature_
        np.testing.assert_array_equal(copied.predict_proba(view), expected)


def test_files_from_before_have_a_temperature_of_one(view, plain, tmp_path):
    plain.save(tmp_path / "new.mcnn")
    with safe_open(tmp_path / "new.mcnn", framework="pt") as file:
        header = json.loads(file.metadata()[KEY])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    assert header["schema"] == 2
    header["schema"] = 1
    del header["temperature"], header["params"]["calibrate"]
    save_file(weights, tmp_path / "old.mcnn", metadata={KEY: json.dumps(header)})
    old = load_classifier(tmp_path / "old.mcnn")
    assert (old.calibrate, old.temperature_) == (False, 1.0)
    np.testing.assert_array_equal(old.predict_proba(view), plain.predict_proba(view))


def test_a_warm_start_finds_the_temperature_of_its_own_weights(view, calibrated):
    clf = copy.deepcopy(calibrated).set_params(warm_start=True).fit(view)
    assert clf.temperature_ not in (1.0, calibrated.temperature_)
    assert clf.set_params(calibrate=False).fit(view).temperature_ == 1.0


def test_it_needs_validation_samples(view):
    with pytest.raises(ValueError, match="calibrate .* needs a validation_fraction, got None"):
        CNNClassifier(calibrate=True).fit(view)
    with pytest.raises(TypeError, match="calibrate must be True or False, got 'yes'"):
        CNNClassifier(calibrate="yes", validation_fraction=0.2).fit(view)
