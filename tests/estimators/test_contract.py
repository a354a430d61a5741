"""What holds for every public estimator, transformer, recipe and baseline: tests/listed.py lists them."""

import copy
import functools
import inspect
import pickle
from typing import Literal

import joblib
import mne
import numpy as np
import pandas as pd
import pytest
from listed import BASELINES, FOR_TASK, LISTED, RECIPES, samples
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

import mne_cnnclass
from mne_cnnclass import EpochsView, baselines, load_classifier, recipe, save_classifier
from mne_cnnclass.estimators.parameters import NOT_SAVED
from mne_cnnclass.preprocessing import Course, EvokedCovariances, Features

each = pytest.mark.parametrize("listed", LISTED, ids=str)
METHODS = ("predict_proba", "decision_function", "predict", "transform")


def method_of(estimator):
    return next(method for method in METHODS if hasattr(estimator, method))


def output(estimator, X):
    return np.asarray(getattr(estimator, method_of(estimator))(X))


def outputs(listed, estimator):
    """Of the samples that it was trained on, and of others."""
    return [output(estimator, samples(listed.kind, seed)) for seed in (0, 1)]


@functools.cache
def fitted(listed):
    """The estimator, fitted, with what it makes of the samples."""
    view = samples(listed.kind)
    before = state(view)
    estimator = clone(listed.make()).fit(view, view.labels)
    made = outputs(listed, estimator)
    assert state(view) == before
    return estimator, made


def state(samples):
    """What must not be changed by a fit or a prediction."""
    if isinstance(samples, np.ndarray):
        return joblib.hash(samples)
    view = EpochsView(samples) if isinstance(samples, mne.BaseEpochs) else samples
    table = None if view.metadata is None else view.metadata.to_dict("list")
    return joblib.hash([np.asarray(view), view.labels, view.groups, table, view.ch_names, view.times])


def assert_same(listed, estimator):
    for one, other in zip(fitted(listed)[1], outputs(listed, estimator), strict=True):
        np.testing.assert_array_equal(other, one)


def shown(params):
    return {name: repr(value) for name, value in params.items()}


# -- what is listed ----------------------------------------------------------------------------------


def test_all_that_is_public_and_has_fit_is_listed():
    public = [
        mne_cnnclass,
        *filter(inspect.ismodule, (getattr(mne_cnnclass, name) for name in mne_cnnclass.__all__)),
    ]
    things = [getattr(module, name) for module in public for name in module.__all__]
    classes = {thing for thing in things if inspect.isclass(thing) and hasattr(thing, "fit")}
    made = [listed.make() for listed in LISTED]
    last_of_recipes = {type(one[-1]) for one in made if isinstance(one, Pipeline)}
    assert classes <= {type(one) for one in made} | last_of_recipes


def test_all_recipes_and_baselines_are_listed():
    tasks = eval(inspect.signature(recipe).parameters["task"].annotation, {"Literal": Literal}).__args__
    assert set(tasks) == set(RECIPES)
    names = {(kind, name) for kind in ("eeg", "ecg") for name in baselines(kind)}
    names |= {("eeg", name) for how in FOR_TASK.values() for name in baselines("eeg", **how)}
    assert names - set(BASELINES) == {("eeg", "MiniRocket"), ("ecg", "MiniRocket")}


# -- parameters and copies ---------------------------------------------------------------------------


@each
def test_parameters_are_those_of_clones_and_fit_changes_none(listed):
    estimator = listed.make()
    params = shown(estimator.get_params())
    copies = clone(estimator), copy.deepcopy(estimator), pickle.loads(pickle.dumps(estimator))
    for other in (*copies, clone(estimator).set_params(**estimator.get_params(deep=False))):
        assert shown(other.get_params()).keys() == params.keys()
        assert repr(other) == repr(estimator)
    assert shown(fitted(listed)[0].get_params(deep=False)) == shown(listed.make().get_params(deep=False))


@each
def test_what_is_not_fitted_says_so(listed):
    with pytest.raises(NotFittedError):
        output(clone(listed.make()), samples(listed.kind))


@each
def test_copies_of_what_is_fitted_give_the_same_bits(listed):
    estimator, _ = fitted(listed)
    for copied in (pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator)):
        assert_same(listed, copied)
        if hasattr(estimator, "history_"):
            pd.testing.assert_frame_equal(copied.history_, estimator.history_)


@each
def test_files_give_the_same_bits(listed, tmp_path):
    estimator, _ = fitted(listed)
    if not listed.saved:
        with pytest.raises(TypeError, match="can't be saved without pickle"):
            save_classifier(estimator, tmp_path / "a.mcnn")
        return
    save_classifier(estimator, tmp_path / "a.mcnn")
    loaded = load_classifier(tmp_path / "a.mcnn")
    assert_same(listed, loaded)
    kept = {name for name in loaded.get_params() if name.rpartition("__")[2] not in NOT_SAVED}
    if not any(hasattr(estimator, parts) for parts in ("steps", "estimator", "estimators")):
        assert {name: repr(loaded.get_params()[name]) for name in kept} == {
            name: repr(estimator.get_params()[name]) for name in kept
        }


# -- samples -----------------------------------------------------------------------------------------


@each
def test_samples_of_all_kinds_give_the_same_bits_and_stay_as_they_were(listed):
    """Views, Epochs, the one-epoch Epochs that scikit-learn makes of them, and arrays if these are enough."""
    epochs = samples(listed.kind).epochs.copy()
    epochs.metadata = epochs.metadata.drop(columns="subject")  # of which arrays know nothing
    view, y = EpochsView(epochs), EpochsView(epochs).labels
    before = state(epochs)
    expected = output(clone(listed.make()).fit(view, y), view)
    of_epochs = clone(listed.make()).fit(epochs, y)
    for X in (epochs, [epochs[i] for i in range(len(epochs))]):
        np.testing.assert_array_equal(output(of_epochs, X), expected)
    if returns_samples(of_epochs):
        assert type(of_epochs.transform(epochs)) is EpochsView
    assert state(epochs) == before
    if listed.for_arrays is not None:
        X = np.asarray(view)
        before = state(X)
        of_array = clone(listed.make()).set_params(**listed.for_arrays).fit(X, y)
        np.testing.assert_array_equal(output(of_array, X), expected)
        if returns_samples(of_array):
            assert type(of_array.transform(X)) is np.ndarray
        assert state(X) == before


def returns_samples(estimator):
    tables = Course, EvokedCovariances, Features
    return method_of(estimator) == "transform" and not isinstance(estimator, tables)


@each
def test_channels_are_matched_by_name(listed):
    """Those in another order are put back, and one more is left out."""
    estimator, (_, expected) = fitted(listed)
    epochs = samples(listed.kind, seed=1).epochs.copy()
    one_more = epochs.copy().pick([0]).rename_channels({epochs.ch_names[0]: "one more"})
    mixed = epochs.add_channels([one_more], force_update_info=True)
    mixed.reorder_channels(mixed.ch_names[::-1])
    view = EpochsView(mixed, groups=samples(listed.kind, seed=1).groups)
    np.testing.assert_array_equal(output(estimator, view), expected)


# -- the same fit twice ------------------------------------------------------------------------------


@each
def test_a_second_fit_gives_the_same_bits(listed):
    """Of the same object, which forgets the first one, and so of a clone."""
    view, other = samples(listed.kind), samples(listed.kind, seed=1)
    estimator = clone(listed.make()).fit(other, other.labels)
    assert_same(listed, estimator.fit(view, view.labels))


@each
def test_a_fit_in_another_process_gives_the_same_bits(listed):
    view = samples(listed.kind)
    fit = joblib.delayed(lambda estimator: estimator.fit(view, view.labels))
    (estimator,) = joblib.Parallel(n_jobs=2)([fit(clone(listed.make()))])
    assert_same(listed, estimator)
