"""Folds whose networks are trained at once: nothing that comes out depends on what was trained with what."""

import os
import signal
import weakref

import numpy as np
import pandas as pd
import pytest
import torch
from planted import planted_epochs
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import FitFailedWarning
from sklearn.pipeline import Pipeline, make_pipeline
from skorch.callbacks import Callback

from mne_cnnclass import CNNClassifier, EpochsView, benchmark, evaluate, recipe
from mne_cnnclass.estimators import together
from mne_cnnclass.preprocessing import Standardize

QUICK = dict(max_epochs=2, random_state=0, n_threads=1)
NET = CNNClassifier("EEGNet", **QUICK)
MULTI_SCALE = CNNClassifier("MultiScaleCNN", **QUICK)
VALIDATED = dict(validation_fraction=0.25, patience=1)
ESTIMATORS = {
    "plain": NET,
    "multi_scale": clone(MULTI_SCALE).set_params(max_epochs=4, **VALIDATED),
    "calibrated": clone(NET).set_params(calibrate=True, n_members=2),
    "augmented": clone(NET).set_params(augmentation=["time_shift", "gaussian_noise"]),
    "imagery": recipe("motor imagery", random_state=0, n_threads=1).set_params(
        resample__sfreq=50, cnnclassifier__n_members=2, cnnclassifier__max_epochs=2
    ),
}


@pytest.fixture(scope="module")
def view():
    return EpochsView(planted_epochs(44), groups=np.arange(44) // 6)  # folds of 36 and of 34 or so


@pytest.fixture
def asked(monkeypatch):
    """The number of fits that had their networks trained at once, each time."""
    counts, train = [], together._train
    monkeypatch.setattr(together, "_train", lambda requests: counts.append(len(requests)) or train(requests))
    return counts


def same(result, expected):
    """Predictions, histories and errors are the same to the bit."""
    pd.testing.assert_frame_equal(result.predictions, expected.predictions, check_exact=True)
    histories = [one.histories.drop(columns="duration") for one in (result, expected)]
    pd.testing.assert_frame_equal(*histories, check_exact=True)
    assert result.folds["error"].tolist() == expected.folds["error"].tolist()


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_folds_are_those_that_are_fitted_by_hand_whatever_n_jobs(estimator, view, asked):
    result = evaluate(estimator, view, cv=4)
    assert asked == [4]
    if estimator in (NET, ESTIMATORS["imagery"]):  # each process imports all anew
        same(evaluate(estimator, view, cv=4, n_jobs=2), result)
    assert (result.folds["fit_time"] > 0).all()
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    for fold, of_fold in result.predictions.groupby("fold"):
        test = of_fold["sample"].to_numpy()
        train = np.setdiff1d(np.arange(len(view)), test)
        by_hand = clone(estimator).fit(
            view[train], view.labels[train], **{f"{prefix}groups": view.groups[train]}
        )
        proba = by_hand.predict_proba(view[test])
        np.testing.assert_array_equal(of_fold[["proba_left", "proba_right"]], proba)
        history = (by_hand[-1] if prefix else by_hand).history_.drop(columns="duration")
        found = result.histories[result.histories["fold"] == fold].drop(columns=["fold", "duration"])
        pd.testing.assert_frame_equal(found.reset_index(drop=True), history, check_exact=True)


def test_large_problems_are_done_one_by_one_with_the_same_result(view, asked, monkeypatch):
    estimator = ESTIMATORS["calibrated"]
    expected = evaluate(estimator, view, cv=2)
    monkeypatch.setattr(together, "TOGETHER_BYTES", 1)
    monkeypatch.setattr("mne_cnnclass.estimators.trainer.TOGETHER_BYTES", 1)
    same(evaluate(estimator, view, cv=2), expected)
    assert asked == [2] + 2 * 4 * [1]  # the network of all training samples, and those of three folds


@pytest.mark.parametrize("how", [dict(accelerate=False), dict(callbacks=[Callback()])])
def test_what_is_not_trained_with_others_is_done_fold_by_fold(how):
    assert together.n_together(clone(NET).set_params(**how), 10, (2, 50)) == 1


class Overrides(CNNClassifier):
    def fit(self, X, y=None, groups=None, sample_weight=None):
        return super().fit(X, y, groups, sample_weight)


def test_a_fit_of_ones_own_is_called(view):
    for estimator in (Overrides("EEGNet", **QUICK), make_pipeline(Overrides("EEGNet", **QUICK))):
        assert not together.hands_over(estimator)
        same(evaluate(estimator, view, cv=2), evaluate(NET, view, cv=2))


def test_pipelines_within_pipelines_and_with_a_memory_are_fitted_as_scikit_learn_does(view, tmp_path):
    nested = make_pipeline(make_pipeline(Standardize(), make_pipeline("passthrough", NET)))
    cached = make_pipeline(Standardize(), NET, memory=str(tmp_path))
    expected = evaluate(make_pipeline(Standardize(), NET), view, cv=2)
    for pipeline in (nested, cached):
        assert together.hands_over(pipeline)
        same(evaluate(pipeline, view, cv=2), expected)
    assert not together.hands_over(make_pipeline(NET, verbose=True))  # which tells how long each step took


class FailsWith(TransformerMixin, BaseEstimator):
    """Raises if a sample begins with a number."""

    def __init__(self, number):
        self.number = number

    def fit(self, X, y=None):
        FITTED.append(weakref.ref(X))
        if (np.asarray(X)[:, 0, 0] == self.number).any():
            raise ArithmeticError(f"{self.number} is no good")
        return self

    def transform(self, X):
        return X


def spoil(x, y):
    """An augmentation that turns samples with a large value into NaN."""
    return torch.where(x.abs().amax((1, 2), keepdim=True) > 20, torch.nan, x), y


FITTED = []
Y = np.resize(["left", "right"], 40)
X = np.random.default_rng(0).standard_normal((40, 3, 60))
PARTS = np.array_split(np.arange(40), 4)
CV = [(np.concatenate([PARTS[(k + j) % 4] for j in range(2)]), PARTS[(k + 2) % 4]) for k in range(4)]


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("kind", ["raises", "diverges"])
def test_a_fold_that_fails_leaves_the_others_as_they_are(kind, n_jobs):
    damaged = X.copy()
    if kind == "raises":
        estimator = make_pipeline(FailsWith(7.0), NET)
        damaged[PARTS[1][0], 0, 0] = 7.0  # which two folds are trained on
    else:
        estimator = clone(NET).set_params(augmentation=spoil)
        damaged[PARTS[1][0], 0, 0] = 1e3
    with pytest.warns(UserWarning, match=r"2 of 4 folds failed .*\(fold 0, 1\)"):
        result = evaluate(estimator, damaged, Y, cv=CV, n_jobs=n_jobs)
    found = result.predictions.assign(fold=result.predictions["fold"] - 2)
    expected = evaluate(estimator, damaged, Y, cv=CV[2:]).predictions
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    kind = "ArithmeticError: 7.0" if kind == "raises" else "RuntimeError: Training diverged"
    assert result.folds["error"].str.startswith(kind).tolist()[:2] == [True, True]
    assert "in fit" in result.folds["traceback"][0]


def test_a_fold_that_failed_among_others_holds_no_samples():
    FITTED.clear()
    damaged = X.copy()
    damaged[PARTS[1][0], 0, 0] = 7.0
    with pytest.warns(UserWarning, match="2 of 4 folds failed"):
        result = evaluate(make_pipeline(FailsWith(7.0), NET), damaged, Y, cv=CV)
    assert len(FITTED) == len(result.folds)
    assert not [ref for ref in FITTED if ref() is not None]


def test_the_first_error_is_raised_when_asked():
    damaged = X.copy()
    damaged[PARTS[1][0], 0, 0] = 7.0
    with pytest.raises(ArithmeticError, match="no good"):
        evaluate(make_pipeline(FailsWith(7.0), NET), damaged, Y, cv=CV, error_score="raise")


def test_ctrl_c_ends_all_folds_that_are_trained_at_once(asked):
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest-xdist ignores Ctrl-C

    pressed = []

    def press(x, y):
        if not pressed:  # the second time it would end at once
            os.kill(os.getpid(), signal.SIGINT)
        pressed.append(True)
        return x, y

    try:
        with pytest.raises(KeyboardInterrupt, match="in epoch 1 of 2"):
            evaluate(clone(NET).set_params(augmentation=press), X, Y, cv=CV)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert asked == [4]


def test_fits_that_are_given_up_are_closed():
    closed = []

    def fit(number):
        try:
            if number == 1:
                raise KeyboardInterrupt
            yield
        finally:
            closed.append(number)

    ended = list(together.run_together(map(fit, range(3))))
    assert [(number, value, type(error)) for number, value, error in ended] == [(1, None, KeyboardInterrupt)]
    assert closed == [1, 0]  # the last had not begun


# -- benchmark ---------------------------------------------------------------------------------------------


def _epochs():
    epochs = planted_epochs(48, ch_names=("C3", "Cz"), n_times=50)
    epochs.metadata = pd.DataFrame({"subject": np.repeat(["a", "b", "c"], 16)})
    return epochs


def _rows(result):
    columns = ["pipeline", "subject", "fold", "seed", "n_train", "accuracy", "roc_auc", "log_loss"]
    return result.table()[columns].sort_values(columns[:3], ignore_index=True)


def test_a_benchmark_does_not_depend_on_what_is_done_at_once_or_when(tmp_path, asked, monkeypatch):
    ask = dict(
        pipelines={"alone": NET, "piped": make_pipeline(Standardize(), clone(NET).set_params(n_members=2))},
        datasets={"planted": _epochs()},
        splits="within-session",
        n_folds=2,
    )
    expected = benchmark(**ask, store=tmp_path / "whole.sqlite")
    assert asked == [6, 6]
    assert (expected.table()["seconds"] > expected.table()["fit_time"]).all()
    two = benchmark(**ask, store=tmp_path / "two.sqlite", n_jobs=2)
    pd.testing.assert_frame_equal(_rows(two), _rows(expected), check_exact=True)

    def stop(requests, train=together._train):
        if len(asked) == 4:
            raise KeyboardInterrupt
        train(requests)

    monkeypatch.setattr(together, "MOST_TOGETHER", 4)
    with monkeypatch.context() as patch:
        patch.setattr(together, "_train", stop)
        with pytest.raises(KeyboardInterrupt):
            benchmark(**ask, store=tmp_path / "resumed.sqlite")
    monkeypatch.setattr(together, "MOST_TOGETHER", 1)
    resumed = benchmark(**ask, store=tmp_path / "resumed.sqlite")
    assert asked == [6, 6, 4, 2, *6 * [1]]
    pd.testing.assert_frame_equal(_rows(resumed), _rows(expected), check_exact=True)


def test_a_fold_of_a_benchmark_that_fails_fails_alone(tmp_path):
    epochs = _epochs()
    epochs._data[0, 0, 0] = 7e-6
    data = {"planted": EpochsView(epochs, groups=np.repeat(np.arange(3), 16))}
    pipelines = {"fails": make_pipeline(FailsWith(7e-6), NET)}
    how = dict(n_folds=3, store=tmp_path / "s.sqlite")
    with pytest.warns(FitFailedWarning, match="2 of 3 folds failed"):
        result = benchmark(pipelines, data, **how)
    assert result.errors()["fold"].tolist() == [0, 1]
    assert result.errors()["message"].tolist() == 2 * ["7e-06 is no good"]
    assert result.table()["subject"].tolist() == ["a"]
