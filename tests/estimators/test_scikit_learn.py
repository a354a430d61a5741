"""What scikit-learn's tools and users' labels ask of an estimator, from reports about other packages."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_validate, learning_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from torch import nn

from mne_cnnclass import CNNClassifier, EpochsView
from tests.planted import planted_epochs

VIEW = EpochsView(planted_epochs(16, ch_names=("C3", "C4"), n_times=60))
X, CODES = np.asarray(VIEW), np.resize([0, 1], 16)


def small(**params):
    return CNNClassifier(**{"model": "MultiScaleCNN", "max_epochs": 1, "random_state": 0, **params})


LABELS = {
    "Int64": (pd.Series(CODES, dtype="Int64"), [0, 1]),
    "boolean": (pd.Series(CODES == 1, dtype="boolean"), [False, True]),
    "integers as objects": (CODES.astype(object), [0, 1]),
    "string": (pd.Series(np.where(CODES, "b", "a"), dtype="string"), ["a", "b"]),
    "categorical": (
        pd.Series(pd.Categorical(np.where(CODES, "b", "a"), categories=["c", "b", "a"])),
        ["a", "b"],
    ),
    "uint8": (CODES.astype(np.uint8), [0, 1]),
    "signs": (2 * CODES - 1, [-1, 1]),
    "tensor": (torch.from_numpy(CODES), [0, 1]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_all_kinds_are_those_that_numpy_knows(kind):
    y, classes = LABELS[kind]
    clf = small().fit(X, y)
    assert clf.classes_.tolist() == classes
    np.testing.assert_array_equal(clf.predict_proba(X), small().fit(X, CODES).predict_proba(X))
    assert clf.score(X, y) == (clf.predict(X) == np.asarray(classes)[CODES]).mean()


REFUSED = {
    "missing": (pd.Series([1, None] * 8, dtype="Int64"), "NaN"),
    "one column a class": (np.eye(2)[CODES], "1d array"),
    "pairs": ([("a", 1), ("b", 2)] * 8, "1d array"),
    "bytes": (CODES.astype("S1"), "must hold classes"),
    "numbers and text": (np.array([0, "b"] * 8, dtype=object), "mixes integers"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_labels_are_refused(kind):
    y, message = REFUSED[kind]
    with pytest.raises((TypeError, ValueError), match=message):
        small().fit(X, y)


@pytest.mark.parametrize("samples", [X, VIEW], ids=["array", "view"])
def test_ensembles_of_scikit_learn_take_samples_of_three_axes(samples):
    y = VIEW.labels
    both = [("a", small()), ("b", small(random_state=1))]
    ensembles = (
        CalibratedClassifierCV(VotingClassifier(both, voting="soft"), cv=2),
        CalibratedClassifierCV(FrozenEstimator(small().fit(samples, y))),
        StackingClassifier(both, cv=2),
        StackingClassifier([("a", small().fit(samples, y))], cv="prefit"),
    )
    for ensemble in ensembles:
        proba = ensemble.fit(samples, y).predict_proba(samples)
        assert ensemble.classes_.tolist() == ["left", "right"]
        np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert set(VotingClassifier(both).fit(samples, y).predict(samples)) <= {"left", "right"}
    three = np.resize(["a", "b", "c"], len(y))
    proba = OneVsRestClassifier(small()).fit(samples, three).predict_proba(samples)
    assert proba.shape == (len(y), 3)


def test_a_class_that_is_missing_from_a_fold_has_no_probability():
    y = np.array(["z", *VIEW.labels[1:]])
    with pytest.warns(RuntimeWarning, match="Number of classes in training fold"):
        proba = cross_val_predict(small(), X, y, cv=KFold(2), method="predict_proba")
    assert (proba[:8, 2] == 0).all()
    assert (proba[8:, 2] > 0).all()


def test_a_learning_curve_may_begin_with_one_class():
    order = np.argsort(CODES, kind="stable")
    how = dict(cv=KFold(2, shuffle=True, random_state=0), train_sizes=[0.2, 1.0], error_score=np.nan)
    with pytest.warns(Warning, match="fits failed"):
        _, scores, _ = learning_curve(small(), X[order], CODES[order], **how)
    assert np.isnan(scores[0]).all()
    assert np.isfinite(scores[1]).all()


def test_weights_are_routed_through_a_search_and_a_pipeline():
    weight = np.r_[np.zeros(4), np.ones(12)]
    with config_context(enable_metadata_routing=True):
        clf = small().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(Pipeline([("clf", clf)]), {"clf__lr": [1e-3]}, cv=KFold(2))
        search.fit(X, CODES, sample_weight=weight)
        got = search.best_estimator_.predict_proba(X)
    expected = small(lr=1e-3).fit(X, CODES, sample_weight=weight).predict_proba(X)
    np.testing.assert_array_equal(got, expected)


def test_functions_and_classes_without_a_name_reach_other_processes():
    cloudpickle = pytest.importorskip("cloudpickle")

    class Local(nn.Module):
        def __init__(self, n_chans, n_outputs, n_times):
            super().__init__()
            self.layer = nn.Linear(n_chans * n_times, n_outputs)

        def forward(self, x):
            return self.layer(x.flatten(1))

    clf = small(model=Local, augmentation=lambda x, y: (x, y))
    sent = pickle.loads(cloudpickle.dumps(clf.fit(X, CODES)))  # as joblib sends it
    np.testing.assert_array_equal(sent.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(sent.fit(X, CODES).predict_proba(X), clf.predict_proba(X))


def test_folds_begin_anew_and_a_search_scores_what_a_fit_of_its_own_does():
    done = cross_validate(small(lr=1e-3), X, CODES, cv=KFold(2), return_estimator=True)
    alone = small(lr=1e-3).fit(X[8:], CODES[8:])
    np.testing.assert_array_equal(done["estimator"][0].predict_proba(X), alone.predict_proba(X))
    search = GridSearchCV(small(), {"lr": [1e-3]}, cv=KFold(2)).fit(X, CODES)
    np.testing.assert_array_equal(search.cv_results_["split0_test_score"], [alone.score(X[:8], CODES[:8])])


def test_what_joblib_maps_from_a_file_predicts_without_a_warning(tmp_path):
    clf = small().fit(X, CODES)
    joblib.dump(clf, tmp_path / "clf.joblib")
    mapped = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")
    np.testing.assert_array_equal(mapped.predict_proba(X), clf.predict_proba(X))
