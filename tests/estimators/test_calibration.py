"""A temperature makes probabilities as sure as they are right, and changes nothing else."""

import copy
import json

import mne
import numpy as np
import pytest
from planted import planted_epochs
from safetensors import safe_open
from safetensors.torch import save_file
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_cnnclass import CNNClassifier, EpochsView, evaluate, load_classifier
from mne_cnnclass.estimators import learn as trainer
from mne_cnnclass.estimators.saving.files import KEY
from mne_cnnclass.evaluation import calibration_error
from mne_cnnclass.networks.training import fit_temperature, split_folds, split_validation
from mne_cnnclass.networks.training.temperature import TEMPERATURES

CROSS = CNNClassifier("EEGNet", max_epochs=6, lr=0.02, random_state=0, n_threads=1)
QUICK = clone(CROSS).set_params(validation_fraction=0.25)


def hard_view(n_epochs, seed):
    """Epochs that a network finds hard: three in ten carry the label "left", whatever they are."""
    epochs = planted_epochs(n_epochs, seed=seed)
    wrong = np.random.default_rng(seed).random(n_epochs) < 0.3
    return EpochsView(epochs, labels=np.where(wrong, "left", np.resize(["left", "right"], n_epochs)))


@pytest.fixture(scope="module")
def view():
    return hard_view(96, seed=0)


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
    _, valid = split_validation(target, 0.25, seed=plain.network_.seed)
    logits = np.log(plain.predict_proba(view[valid]))

    def loss(temperature):
        return -log_softmax(logits / temperature, axis=1)[np.arange(len(valid)), target[valid]].mean()

    best = loss(calibrated.temperature_)
    assert all(best < loss(calibrated.temperature_ * factor) for factor in (0.8, 0.99, 1.01, 1.25))


def test_samples_on_disk_have_the_same_temperature(view, calibrated, tmp_path):
    view.epochs.save(tmp_path / "hard-epo.fif", verbose="ERROR")
    temperatures = []
    for preload in (True, False):
        read = mne.read_epochs(tmp_path / "hard-epo.fif", preload=preload, verbose="ERROR")
        temperatures.append(clone(calibrated).fit(EpochsView(read), view.labels).temperature_)
    assert temperatures[0] == temperatures[1] != 1.0


def test_files_from_before_have_a_temperature_of_one(view, plain, tmp_path):
    plain.save(tmp_path / "new.mcnn")
    with safe_open(tmp_path / "new.mcnn", framework="pt") as file:
        header = json.loads(file.metadata()[KEY])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    header["schema"] = 1
    del header["sha256"], header["kind"], header["temperature"], header["params"]["calibrate"]
    save_file(weights, tmp_path / "old.mcnn", metadata={KEY: json.dumps(header)})
    old = load_classifier(tmp_path / "old.mcnn")
    assert (old.calibrate, old.temperature_) == (False, 1.0)
    np.testing.assert_array_equal(old.predict_proba(view), plain.predict_proba(view))


def test_a_warm_start_finds_the_temperature_of_its_own_weights(view, calibrated):
    clf = copy.deepcopy(calibrated).set_params(warm_start=True).fit(view)
    assert clf.temperature_ not in (1.0, calibrated.temperature_)
    assert clf.set_params(calibrate=False).fit(view).temperature_ == 1.0


def test_calibrate_is_yes_or_no(view):
    with pytest.raises(TypeError, match="calibrate must be True or False, got 'yes'"):
        CNNClassifier("MultiScaleCNN", calibrate="yes").fit(view)


# -- without a validation split ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cross_plain(view):
    return clone(CROSS).fit(view)


@pytest.fixture(scope="module")
def cross_fitted(view):
    return clone(CROSS).set_params(calibrate=True).fit(view)


def test_the_network_is_that_without_calibration_to_the_bit(view, cross_plain, cross_fitted):
    weights = cross_plain.module_.state_dict()
    for name, value in cross_fitted.module_.state_dict().items():
        assert value.equal(weights[name])
    history = cross_plain.history_.drop(columns="duration")
    assert cross_fitted.history_.drop(columns="duration").equals(history)
    assert cross_fitted.predict(view).tolist() == cross_plain.predict(view).tolist()
    assert (cross_plain.temperature_, cross_fitted.temperature_ > 1) == (1.0, True)


def test_the_temperature_is_that_of_networks_that_have_not_seen_the_samples(view):
    groups, weight = np.repeat(np.arange(12), 8), np.resize([1.0, 3.0, 0.5], 96)
    clf = clone(CROSS).set_params(calibrate=True, class_weight="balanced")
    clf.fit(view, groups=groups, sample_weight=weight)
    target = np.unique(view.labels, return_inverse=True)[1]
    of_class = (len(target) / (2 * np.bincount(target)))[target]
    logits = np.empty((96, 2))
    for train, held_out in split_folds(target, groups=groups, seed=clf.network_.seed):
        assert not set(groups[train]) & set(groups[held_out])
        inner = clone(CROSS).fit(view[train], sample_weight=(weight * of_class)[train])
        logits[held_out] = np.log(inner.predict_proba(view[held_out]))
    assert clf.temperature_ == pytest.approx(fit_temperature(logits, target, weight * of_class))


def test_people_who_are_held_out_whole_tell_how_sure_to_be_of_new_ones():
    # each of 24 people is known by a rhythm at a channel of their own, and nothing else tells their class
    person = np.repeat(np.arange(24), 6)
    X = np.random.default_rng(0).standard_normal((144, 24, 32))
    X[np.arange(144), person] += 3 * np.sin(np.arange(32))
    y, new = person // 2 % 2, person >= 12
    clf = clone(CROSS).set_params(model="MultiScaleCNN", lr=0.005, calibrate=True)
    clf.fit(X[~new], y[~new])
    assert clf.temperature_ < 1.5  # each fold's network has met all people
    met = calibration_error(y[new], clf.predict_proba(X[new]), clf.classes_)
    clf.fit(X[~new], y[~new], groups=person[~new])
    assert clf.temperature_ > 4
    assert calibration_error(y[new], clf.predict_proba(X[new]), clf.classes_) < met / 2


@pytest.mark.parametrize("in_pipeline", [False, True])
@pytest.mark.parametrize("as_view", [False, True])
def test_cross_validation_hands_groups_on_to_the_inner_folds(view, monkeypatch, in_pipeline, as_view):
    seen = []
    monkeypatch.setattr(
        trainer, "split_folds", lambda y, **k: seen.append(k["groups"]) or split_folds(y, **k)
    )
    clf = clone(CROSS).set_params(max_epochs=1, calibrate=True)
    clf = make_pipeline(FunctionTransformer(), clf) if in_pipeline else clf
    groups = np.resize(np.repeat(list("abcdefgh"), 4), 96)
    if as_view:
        evaluate(clf, EpochsView(view, groups=groups), cv=2)
    else:
        evaluate(clf, np.asarray(view), view.labels, groups=groups, cv=2)
    assert sorted(map(len, seen)) == [48, 48]
    assert not set(seen[0]) & set(seen[1])


def test_every_fold_trains_on_every_class_and_keeps_groups_whole():
    groups = np.repeat(np.arange(9), 10)
    y = np.resize([0, 1], 90)
    y[[3, 47, 88]] = 2  # one sample in each of three groups
    for seed in range(5):
        folds = split_folds(y, groups=groups, seed=seed)
        assert len(folds) == 3
        assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(90))
        for train, held_out in folds:
            assert not set(groups[train]) & set(groups[held_out])
            assert set(y[train]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("y", "groups", "n_folds"),
    [
        ([0, 0, 0, 1, 1, 1], None, 3),
        ([0, 0, 0, 0, 1, 1], None, 2),
        ([0, 1, 0, 1, 0, 1], list("aabbcc"), 3),
        ([0, 1, 0, 1, 0, 0], list("aabbbb"), 2),
    ],
)
def test_few_samples_or_groups_have_fewer_folds(y, groups, n_folds):
    folds = split_folds(np.array(y), groups=None if groups is None else np.array(groups), seed=0)
    assert len(folds) == n_folds
    assert all(set(np.array(y)[train]) == {0, 1} for train, _ in folds)


def test_too_few_of_a_class_are_an_error_that_says_what_is_needed(view):
    clf = clone(CROSS).set_params(calibrate=True)
    y = np.where(np.arange(96) == 7, "rare", "often")
    with pytest.raises(ValueError, match="every class in at least 2 samples. Add samples, or set calibrate"):
        clf.fit(view, y)
    for groups in (np.ones(96), np.arange(96) // 48):
        with pytest.raises(ValueError, match="every class in at least 2 groups, which stay whole"):
            clf.fit(view, np.arange(96) // 48, groups=groups)
    assert not hasattr(clf, "module_")


def test_samples_on_disk_and_augmented_ones_too(view, tmp_path):
    view.epochs.save(tmp_path / "hard-epo.fif", verbose="ERROR")
    clf = clone(CROSS).set_params(
        max_epochs=2, calibrate=True, augmentation=lambda x, y: (x + np.random.standard_normal(), y)
    )
    learnt = []
    for preload in (True, False):
        read = mne.read_epochs(tmp_path / "hard-epo.fif", preload=preload, verbose="ERROR")
        clf.fit(EpochsView(read), view.labels)
        learnt.append((clf.temperature_, *clf.predict_proba(view)[:, 0]))
    assert learnt[0] == learnt[1]


def test_a_warm_start_needs_a_validation_split(view, cross_fitted):
    clf = copy.deepcopy(cross_fitted).set_params(warm_start=True)
    with pytest.raises(ValueError, match="may have seen all samples.* Set a validation_fraction"):
        clf.fit(view)
    np.testing.assert_array_equal(clf.predict_proba(view), cross_fitted.predict_proba(view))
    assert clf.set_params(validation_fraction=0.25).fit(view).temperature_ != cross_fitted.temperature_


def test_a_flat_channel_is_told_of_once(view):
    X = np.asarray(view).copy()
    X[:, 1] = 0
    with pytest.warns(RuntimeWarning, match="Flat channel") as told:
        clone(CROSS).set_params(max_epochs=1, calibrate=True).fit(X, view.labels)
    assert len(told) == 1
    assert told[0].filename == __file__
