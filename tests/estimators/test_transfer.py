"""A classifier of many people that goes on with a new one, and the recipe for motor imagery."""

import numpy as np
import pandas as pd
import pytest
from planted import planted_epochs
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from mne_cnnclass import (
    CNNClassifier,
    EpochsView,
    FineTunedClassifier,
    evaluate,
    load_classifier,
    recipe,
    save_classifier,
)
from mne_cnnclass.preprocessing import EuclideanAlignment


def person(name, n_epochs, *, seed, mixing=None):
    epochs = planted_epochs(n_epochs, seed=seed)
    epochs.metadata = pd.DataFrame(dict(subject=[name] * n_epochs))
    if mixing is not None:
        epochs.apply_function(lambda x: mixing @ x, channel_wise=False, picks="all", verbose=False)
    return epochs


@pytest.fixture(scope="module")
def new():
    """A person in whom everything comes out elsewhere."""
    return EpochsView(person("new", 40, seed=9, mixing=np.eye(5)[[4, 3, 0, 2, 1]]))


@pytest.fixture(scope="module")
def many():
    others = EpochsView([person(f"S{k}", 24, seed=k) for k in range(3)])
    network = CNNClassifier("EEGNet", max_epochs=15, lr=0.02, batch_size=16, random_state=0, n_threads=1)
    return make_pipeline(EuclideanAlignment(), network).fit(others)


def test_first_trials_of_a_new_person_teach_what_is_special(many, new):
    before = many[-1].module_.conv_temporal.weight.clone()
    further = FineTunedClassifier(many, max_epochs=30, lr=0.02)
    scores = cross_val_score(further, new, new.labels, cv=4, error_score="raise")
    assert many.score(new, new.labels) < 0.7 < 0.9 < scores.mean()
    assert many[-1].module_.conv_temporal.weight.equal(before)
    assert many[-1].history_["epoch"].max() == 15


def test_copies_keep_what_was_learnt_and_searches_work(many, new):
    further = clone(FineTunedClassifier(many, max_epochs=1))
    assert further.estimator is many
    search = GridSearchCV(further, {"max_epochs": [1, 2]}, cv=2, error_score="raise").fit(new, new.labels)
    assert (
        search.best_estimator_.estimator_[-1].history_["epoch"].max()
        == 15 + search.best_params_["max_epochs"]
    )
    result = evaluate(further, new, cv=2)
    assert result.folds["error"].isna().all()


def test_it_goes_on_from_a_file(new, tmp_path):
    network = CNNClassifier("EEGNet", max_epochs=2, random_state=0, n_threads=1).fit(new)
    network.save(tmp_path / "many.mcnn")
    proba = [
        FineTunedClassifier(estimator, max_epochs=2).fit(new[:20]).predict_proba(new)
        for estimator in (network, load_classifier(tmp_path / "many.mcnn"))
    ]
    assert (proba[0] == proba[1]).all()


def test_what_was_trained_further_is_saved(many, new, tmp_path):
    further = FineTunedClassifier(many, max_epochs=1).fit(new)
    save_classifier(further, tmp_path / "new.mcnn")
    loaded = load_classifier(tmp_path / "new.mcnn")
    assert (loaded.predict_proba(new) == further.predict_proba(new)).all()
    assert further.score(new) == np.mean(further.predict(new) == new.labels)


def test_what_can_not_go_on_is_refused(new):
    with pytest.raises(TypeError, match="fitted CNNClassifier, or a Pipeline that ends in one, got Logistic"):
        FineTunedClassifier(LogisticRegression()).fit(new)
    with pytest.raises(NotFittedError):
        FineTunedClassifier(CNNClassifier("MultiScaleCNN")).fit(new)
    fitted = CNNClassifier("EEGNet", max_epochs=1).fit(new)
    with pytest.raises(ValueError, match=r"classes \['left', 'right'\], got \['a', 'b'\]"):
        FineTunedClassifier(fitted).fit(new, np.where(new.labels == "left", "a", "b"))
    with pytest.raises(ValueError, match="max_epochs == 0, must be >= 1"):
        FineTunedClassifier(fitted, max_epochs=0).fit(new)
    with pytest.raises(NotFittedError):
        FineTunedClassifier(fitted).predict(new)


def quick_recipe(**params):
    pipeline = recipe("motor imagery", random_state=0, n_threads=1, **params)
    return pipeline.set_params(cnnclassifier__n_members=2, cnnclassifier__max_epochs=4)


def test_recipe_for_motor_imagery_aligns_by_subject(new):
    others = EpochsView([person(f"S{k}", 12, seed=k) for k in range(3)])
    pipeline = quick_recipe().fit(others)
    assert set(pipeline["euclideanalignment"].references_) == {"S0", "S1", "S2"}
    assert pipeline.predict_proba(new).shape == (40, 2)
    by_groups = quick_recipe()
    result = evaluate(by_groups, others, groups=np.repeat(["a", "b", "c", "d"], 9), cv=2)
    assert result.folds["error"].isna().all()


def test_causal_recipe_uses_nothing_that_comes_later(new):
    others = EpochsView([person(f"S{k}", 12, seed=k) for k in range(2)])
    pipeline = quick_recipe(causal=True).fit(others)
    np.testing.assert_allclose(pipeline.predict_proba(new[:10]), pipeline.predict_proba(new)[:10], atol=1e-6)
    whole = quick_recipe().fit(others)
    assert np.abs(whole.predict_proba(new[:10]) - whole.predict_proba(new)[:10]).max() > 1e-5  # of all trials
