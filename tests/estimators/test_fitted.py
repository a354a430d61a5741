"""What was fitted is one object, which predicts, is copied and can be exchanged part by part."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from planted import planted_epochs
from scipy.special import softmax
from sklearn.exceptions import NotFittedError

from mne_cnnclass import CNNClassifier, EpochsView

KINDS = {
    "plain": {},
    "ensemble": {"n_members": 2},
    "calibrated": {"calibrate": True, "validation_fraction": 0.25},
    "side": {"side_inputs": ["age"]},
}


@pytest.fixture(scope="module")
def view():
    epochs = planted_epochs(48)
    epochs.metadata = pd.DataFrame({"age": np.random.default_rng(0).uniform(20, 60, len(epochs))})
    return EpochsView(epochs)


@pytest.fixture(scope="module", params=KINDS)
def clf(request, view):
    clf = CNNClassifier("EEGNet", max_epochs=2, random_state=0, n_threads=1, **KINDS[request.param])
    return clf.fit(view)


def logits_of(clf, view):
    side = view.metadata[clf.side_scaler_.names].to_numpy(float)
    return clf.network_.logits(view, side, device="cpu", n_threads=1)


def test_it_predicts_what_the_classifier_does(clf, view):
    logits = logits_of(clf, view)
    proba = clf.predict_proba(view)
    np.testing.assert_array_equal(clf.network_.probabilities(logits), proba)
    np.testing.assert_allclose(proba, softmax(logits / clf.temperature_, axis=1), rtol=1e-14)
    assert (clf.temperature_ == 1.0) is (not clf.calibrate)


def test_its_parts_are_the_attributes_of_the_classifier(clf, view):
    clf = copy.deepcopy(clf)
    network = clf.network_
    for name in ("module", "scaler", "side_scaler", "temperature"):
        assert getattr(clf, f"{name}_") is getattr(network, name)
    logits, before = logits_of(clf, view), clf.predict_proba(view)
    clf.temperature_ = 4.0
    assert network.temperature == 4.0
    np.testing.assert_allclose(clf.predict_proba(view), softmax(logits / 4, axis=1), rtol=1e-14)
    assert (clf.predict_proba(view).max(axis=1) < before.max(axis=1)).all()


def test_it_is_missing_before_the_fit():
    clf = CNNClassifier("MultiScaleCNN")
    assert not any(hasattr(clf, f"{name}_") for name in ("network", "module", "scaler", "temperature"))
    with pytest.raises(NotFittedError):
        clf.predict_proba(np.zeros((2, 3, 100)))


def test_copies_share_no_weights_and_predict_the_same_bits(clf, view):
    proba = clf.predict_proba(view)
    for other in (copy.copy(clf), copy.deepcopy(clf), pickle.loads(pickle.dumps(clf))):
        np.testing.assert_array_equal(other.predict_proba(view), proba)
        with torch.no_grad():
            for weight in other.module_.parameters():
                weight.zero_()
        assert not np.array_equal(other.predict_proba(view), proba)
    np.testing.assert_array_equal(clf.predict_proba(view), proba)


def test_it_is_built_anew_from_its_weights_as_it_was_written(clf, view):
    other = copy.deepcopy(clf)
    other.module_ = clf.network_.build(clf.network_.weights(), accelerate=False)
    assert clf.accelerated_
    assert not other.accelerated_
    np.testing.assert_allclose(other.predict_proba(view), clf.predict_proba(view), atol=1e-6)
