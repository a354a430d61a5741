"""Probabilities for other class frequencies, and trees as arrays."""

import numpy as np
import pytest
from noise import noise_view
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier
from sklearn.naive_bayes import GaussianNB

from mne_cnnclass import CNNClassifier, PriorAdjustedClassifier, ecg, load_classifier, recipe, save_classifier
from mne_cnnclass.estimators.trees import FLOOR, TreeArrays


def normal(n, frequency, rng):
    """Two classes whose numbers lie at -1 and 1, and one in between."""
    y = rng.choice(["a", "b", "c"], n, p=frequency)
    return np.select([y == "a", y == "b"], [-1.0, 1.0], 0.0)[:, None] + 0.7 * rng.standard_normal((n, 1)), y


def test_probabilities_are_those_of_a_training_with_the_new_frequencies():
    rng = np.random.default_rng(0)
    equal, rare = normal(20000, [1 / 3] * 3, rng), normal(20000, [0.05, 0.75, 0.2], rng)
    prior = dict(zip("cba", [0.4, 1.5, 0.1], strict=True))  # in any order, and of any sum
    adjusted = PriorAdjustedClassifier(GaussianNB(), prior).fit(*equal)
    x = np.linspace(-2, 2, 9)[:, None]
    assert_allclose(adjusted.predict_proba(x), GaussianNB().fit(*rare).predict_proba(x), atol=0.02)
    assert adjusted.score(*rare) > GaussianNB().fit(*equal).score(*rare) + 0.03
    assert_array_equal(adjusted.predict(x), adjusted.classes_[adjusted.predict_proba(x).argmax(axis=1)])
    same = PriorAdjustedClassifier(GaussianNB()).fit(*equal)
    assert_allclose(same.predict_proba(x), GaussianNB().fit(*equal).predict_proba(x))


def test_a_recording_of_many_windows_is_adjusted_once():
    rng = np.random.default_rng(1)
    X, y = normal(300, [1 / 3] * 3, rng)
    records = np.arange(300) // 5
    clf = PriorAdjustedClassifier(GaussianNB(), dict(a=0.1, b=0.2, c=0.7)).fit(X, y)
    combined = ecg.combine_windows(clf.predict_proba(X), records)
    before = ecg.combine_windows(clf.estimator_.predict_proba(X), records) * clf.ratio_
    assert_allclose(combined, before.div(before.sum(axis=1), axis=0), atol=2e-3)


@pytest.mark.parametrize(
    ("prior", "error", "message"),
    [
        (dict(a=0.5, b=0.5), ValueError, "must have each class, .*'c'"),
        (dict(a=0.5, b=0.3, c=0.1, d=0.1), ValueError, "must have each class"),
        (dict(a=0.5, b=0.5, c=0.0), ValueError, "above 0"),
        (dict(a=0.5, b=np.nan, c=0.1), ValueError, "above 0"),
        ([0.5, 0.3, 0.2], TypeError, "must be a dict"),
    ],
)
def test_wrong_frequencies_are_told(prior, error, message):
    X, y = normal(60, [1 / 3] * 3, np.random.default_rng(0))
    with pytest.raises(error, match=message):
        PriorAdjustedClassifier(GaussianNB(), prior).fit(X, y)
    with pytest.raises(ValueError, match="class_weight=None"):
        PriorAdjustedClassifier(
            CNNClassifier("MultiScaleCNN", class_weight="balanced"), dict(a=1, b=1, c=1)
        ).fit(X, y)


def test_a_recipe_for_other_frequencies_is_saved_with_them(tmp_path):
    view = noise_view("rhythm")
    pipeline = recipe("rhythm", class_prior={"AF": 0.1, "N": 0.9}, random_state=0).fit(view)
    plain = recipe("rhythm", random_state=0).fit(view)
    assert (pipeline.predict_proba(view)[:, 0] < plain.predict_proba(view)[:, 0]).all()
    save_classifier(pipeline, tmp_path / "rhythm.mcnn")
    loaded = load_classifier(tmp_path / "rhythm.mcnn")
    assert_array_equal(loaded.predict_proba(view), pipeline.predict_proba(view))
    assert loaded[-1].class_prior == {"AF": 0.1, "N": 0.9}
    assert_array_equal(loaded[-1].estimator_.class_prior_, [0.5, 0.5])


@pytest.mark.parametrize("n_classes", [2, 4])
def test_arrays_predict_what_the_trees_do(n_classes):
    X, y = make_classification(300, 12, n_informative=6, n_classes=n_classes, random_state=0)
    X = X.astype(np.float32)
    forest = ExtraTreesClassifier(20, min_samples_leaf=2, random_state=0).fit(X, y)
    boosting = GradientBoostingClassifier(n_estimators=10, subsample=0.6, random_state=0).fit(X, y)
    trees = TreeArrays.of(forest, boosting)
    new = X[::-1] + np.float32(0.3)
    mean = np.sqrt((forest.predict_proba(new) + FLOOR) * boosting.predict_proba(new))
    mean /= mean.sum(axis=1, keepdims=True)
    assert_allclose(trees.predict_proba(new), mean, atol=1e-4)  # as 16 bits have leaves
    packed = trees.packed()
    same = TreeArrays.unpacked(packed, trees.n_forest, trees.depth)
    same.check(12, n_classes)
    for name, array in trees.arrays.items():
        assert_array_equal(same.arrays[name], array)
    first = {name: array for name, array in trees.arrays.items() if name not in ("left", "right")}
    first["step"] = (trees.arrays["right"] - np.arange(len(trees.arrays["right"]))).astype(np.int16)
    older = TreeArrays.unpacked(first, trees.n_forest, trees.depth)
    assert_array_equal(older.predict_proba(new), trees.predict_proba(new))
    assert sum(a.nbytes for a in packed.values()) < 0.5 * sum(a.nbytes for a in first.values())


@pytest.mark.parametrize(
    ("name", "value"), [("left", 10**6), ("right", -1), ("feature", 12), ("root", -5), ("value", None)]
)
def test_arrays_that_are_no_trees_are_refused(name, value):
    X, y = make_classification(60, 12, random_state=0)
    forest = ExtraTreesClassifier(3, random_state=0).fit(X, y)
    trees = TreeArrays.of(forest, GradientBoostingClassifier(n_estimators=2, random_state=0).fit(X, y))
    trees.check(12, 2)
    if value is None:
        trees.arrays[name] = trees.arrays[name][:-1]
    else:
        trees.arrays[name][0] = value
    with pytest.raises(ValueError, match="no trees"):
        trees.check(12, 2)


def test_windows_with_the_same_measures_count_once_and_what_is_missing_is_told():
    view = noise_view("rhythm")
    twice = view[np.repeat(np.arange(len(view)), 1 + np.arange(len(view)) % 4)]
    clf, again = (
        ecg.RhythmClassifier(["rr_changed", "n_beats"], random_state=0).fit(v) for v in (view, twice)
    )
    assert_array_equal(clf.predict_proba(view), again.predict_proba(view))
    view.metadata = view.metadata.drop(columns=["rr_changed"])
    with pytest.raises(ValueError, match="lack the metadata .*rr_changed.*make_rhythm_epochs"):
        clf.predict(view)
    with pytest.raises(ValueError, match="at least two classes"):
        ecg.RhythmClassifier(["n_beats"]).fit(view, ["N"] * len(view))
    view.metadata = view.metadata.assign(n_beats=np.nan)
    with pytest.raises(ValueError, match="n_beats.* must be finite"):
        ecg.RhythmClassifier(["n_beats"]).fit(view)
