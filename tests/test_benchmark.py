"""A benchmark survives whatever happens to it, does nothing twice, and mistakes nothing for the same."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from mne.decoding import Vectorizer
from planted import planted_epochs
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline

from mne_cnnclass import EpochsView, compare, evaluate
from mne_cnnclass.benchmark import StoreError, benchmark, open_benchmark, run, store
from mne_cnnclass.benchmark.plan import plan_splits
from mne_cnnclass.benchmark.sources import as_dataset


def _epochs(n_subjects=3, n_sessions=2, n_each=8, **planted):
    """Epochs of a planted 10 Hz rhythm, the same number in each session of each subject."""
    epochs = planted_epochs(n_subjects * n_sessions * n_each, ch_names=("C3", "Cz"), n_times=20, **planted)
    order = pd.MultiIndex.from_product(
        [[f"s{i}" for i in range(n_subjects)], range(n_sessions), range(n_each)]
    )
    epochs.metadata = pd.DataFrame(
        {"subject": order.get_level_values(0), "session": order.get_level_values(1)}
    )
    return epochs


class _Power(ClassifierMixin, BaseEstimator):
    """LDA of log power: sees the planted rhythm."""

    def __init__(self, shrinkage=None):
        self.shrinkage = shrinkage

    def fit(self, X, y):
        self.lda_ = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=self.shrinkage).fit(_power(X), y)
        self.classes_ = self.lda_.classes_
        return self

    def predict(self, X):
        return self.lda_.predict(_power(X))

    def predict_proba(self, X):
        return self.lda_.predict_proba(_power(X))


def _power(X):
    return np.log(np.asarray(X).var(axis=2))


def _rows(result):
    """What must be the same however it was run."""
    keys = ["pipeline", "dataset", "splits", "subject", "session", "fold", "size"]
    return result.table()[[*keys, "seed", "n_train", "n_test", "accuracy", "roc_auc", "log_loss"]]


# -- splits ------------------------------------------------------------------------------------------


def test_within_session_splits_are_those_of_scikit_learn():
    data = as_dataset("d", _epochs())
    plan = plan_splits(data, "within-session", 4)
    assert len(plan) == 3 * 2 * 4
    for number, split in enumerate(plan):
        rows = np.arange(8 * (number // 4), 8 * (number // 4) + 8)
        train, test = list(StratifiedKFold(4).split(rows, data.y[rows]))[number % 4]
        assert (split.subject, split.session) == (f"s{number // 8}", number // 4 % 2)
        np.testing.assert_array_equal(split.train, rows[train])
        np.testing.assert_array_equal(split.test, rows[test])


def test_cross_session_tests_a_session_by_the_others_of_its_subject():
    data = as_dataset("d", _epochs(n_sessions=3))
    for split in plan_splits(data, "cross-session", 5):
        assert set(data.subjects[split.train]) == set(data.subjects[split.test]) == {split.subject}
        assert set(data.sessions[split.test]) == {split.session}
        assert set(data.sessions[split.train]) == {0, 1, 2} - {split.session}


@pytest.mark.parametrize("kind", ["cross-subject", "leave-one-subject-out"])
def test_no_subject_is_on_both_sides(kind):
    data = as_dataset("d", _epochs(n_subjects=5))
    plan = plan_splits(data, kind, 2)
    expected = list(GroupKFold(2 if kind == "cross-subject" else 5).split(data.y, groups=data.subjects))
    assert {tuple(split.test) for split in plan} == {tuple(test) for _, test in expected}
    for split in plan:
        assert not set(data.subjects[split.train]) & set(data.subjects[split.test])
        assert len(split.train) + len(split.test) == len(data.y)


def test_transfer_learns_before_from_all_others_and_from_nobody_else():
    data = as_dataset("d", _epochs())
    within = plan_splits(data, "within-session", 2)
    for split, same in zip(plan_splits(data, "transfer", 2), within, strict=True):
        assert set(data.subjects[split.before]) == {"s0", "s1", "s2"} - {split.subject}
        assert len(split.before) == 2 * 2 * 8
        np.testing.assert_array_equal(split.train, same.train)
        np.testing.assert_array_equal(split.test, same.test)


def test_learning_curves_grow_and_keep_the_test_part():
    data = as_dataset("d", _epochs(n_subjects=1, n_sessions=1, n_each=40))
    plan = plan_splits(data, "learning-curve", 2)
    by_fold = {fold: [split for split in plan if split.fold == fold] for fold in (0, 1)}
    for curve in by_fold.values():
        assert [split.size for split in curve] == [4, 6, 9, 13, 20]
        for small, large in zip(curve[:-1], curve[1:], strict=True):
            assert set(small.train) < set(large.train)
            np.testing.assert_array_equal(small.test, large.test)
        assert set(data.y[curve[0].train]) == {"left", "right"}


def test_windows_of_one_trial_stay_together():
    epochs = _epochs(n_subjects=1, n_sessions=1, n_each=24)
    trials = np.repeat(np.arange(6), 4)
    data = as_dataset("d", EpochsView(epochs, groups=trials))
    for split in plan_splits(data, "within-session", 3):
        assert not set(trials[split.train]) & set(trials[split.test])


@pytest.mark.parametrize(
    ("columns", "kind", "message"),
    [
        ([], "cross-subject", "has no subjects.*column 'subject'"),
        (["subject"], "cross-session", "has no sessions.*column 'session'"),
        (["subject", "session"], "leave-one-out", "splits must be one of"),
    ],
)
def test_what_splits_lack_is_told(columns, kind, message):
    epochs = _epochs()
    epochs.metadata = epochs.metadata[columns] if columns else None
    with pytest.raises(ValueError, match=message):
        plan_splits(as_dataset("d", epochs), kind, 2)


# -- results -----------------------------------------------------------------------------------------


def test_rows_are_what_evaluate_gives(tmp_path):
    epochs = _epochs()
    view = EpochsView(epochs, groups="subject")
    result = benchmark({"power": _Power()}, {"planted": epochs}, store=tmp_path / "s.sqlite", n_folds=3)
    expected = evaluate(_Power(), view, cv=GroupKFold(3)).scores.pivot(
        index="fold", columns="metric", values="value"
    )
    table = result.table().set_index("fold")
    np.testing.assert_allclose(table[expected.columns].astype(float), expected)
    assert table["accuracy"].mean() > 0.9
    assert (table["peak_memory"] > 1e6).all()
    assert (table["fit_time"] > 0).all()


def test_results_depend_on_neither_order_nor_processes(tmp_path):
    pipelines = {
        "power": _Power(),
        "forest": make_pipeline(Vectorizer(), RandomForestClassifier(3)),
    }
    how = dict(splits=["within-session", "cross-subject"], n_folds=2)
    data = {"planted": _epochs(amplitude=0.5)}
    one = benchmark(pipelines, data, store=tmp_path / "1.sqlite", **how)
    names = dict(reversed(pipelines.items()))
    two = benchmark(names, data, store=tmp_path / "2.sqlite", n_jobs=2, **how)
    pd.testing.assert_frame_equal(_rows(one), _rows(two))
    other = benchmark(pipelines, data, store=tmp_path / "3.sqlite", random_state=1, **how)
    assert not _rows(other)["log_loss"].equals(_rows(one)["log_loss"])


def test_nothing_is_done_twice(tmp_path, monkeypatch):
    ask = dict(pipelines={"power": _Power()}, datasets={"planted": _epochs()}, store=tmp_path / "s.sqlite")
    first = benchmark(**ask).table()
    monkeypatch.setattr(run, "run_job", None)  # would fail
    pd.testing.assert_frame_equal(benchmark(**ask).table(), first)


def test_a_store_is_one_file_that_pandas_reads(tmp_path):
    path = tmp_path / "s.sqlite"
    benchmark({"power": _Power()}, {"planted": _epochs()}, store=path, n_folds=3)
    assert list(tmp_path.iterdir()) == [path]
    connection = sqlite3.connect(path)
    table = pd.read_sql("SELECT * FROM folds", connection)
    connection.close()
    assert table["pipeline"].tolist() == ["power"] * 3
    assert table["accuracy"].between(0, 1).all()


def test_a_file_of_epochs_is_a_data_set(tmp_path):
    for subject, part in enumerate(np.split(np.arange(48), 3)):
        _epochs()[part].save(tmp_path / f"{subject}-epo.fif", verbose="ERROR")
    files = {"planted": tmp_path / "*-epo.fif"}
    how = dict(n_folds=3, random_state=3)
    result = benchmark({"power": _Power()}, files, store=tmp_path / "1.sqlite", **how)
    memory = {"planted": lambda: _epochs()}
    expected = benchmark({"power": _Power()}, memory, store=tmp_path / "2.sqlite", **how)
    np.testing.assert_allclose(_rows(result)["log_loss"], _rows(expected)["log_loss"], rtol=1e-4)
