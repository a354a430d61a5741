"""A benchmark survives whatever happens to it, does nothing twice, and mistakes nothing for the same."""

import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from datetime import datetime
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from mne.decoding import Vectorizer
from planted import planted_epochs
from power import Power, rows_of, session_epochs
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from mne_cnnclass import CNNClassifier, EpochsView, compare, evaluate
from mne_cnnclass.evaluation.benchmarking import StoreError, benchmark, open_benchmark, run, store
from mne_cnnclass.evaluation.benchmarking.fingerprint import describe_pipeline
from mne_cnnclass.evaluation.benchmarking.plan import plan_splits
from mne_cnnclass.evaluation.benchmarking.sources import as_dataset

forking = pytest.mark.skipif("fork" not in get_all_start_methods(), reason="a fork has all imported")


# -- splits ------------------------------------------------------------------------------------------


def test_within_session_splits_are_those_of_scikit_learn():
    data = as_dataset("d", session_epochs())
    plan = plan_splits(data, "within-session", 4)
    assert len(plan) == 3 * 2 * 4
    for number, split in enumerate(plan):
        rows = np.arange(8 * (number // 4), 8 * (number // 4) + 8)
        train, test = list(StratifiedKFold(4).split(rows, data.y[rows]))[number % 4]
        assert (split.subject, split.session) == (f"s{number // 8}", number // 4 % 2)
        np.testing.assert_array_equal(split.train, rows[train])
        np.testing.assert_array_equal(split.test, rows[test])


def test_cross_session_tests_a_session_by_the_others_of_its_subject():
    data = as_dataset("d", session_epochs(n_sessions=3))
    for split in plan_splits(data, "cross-session", 5):
        assert set(data.subjects[split.train]) == set(data.subjects[split.test]) == {split.subject}
        assert set(data.sessions[split.test]) == {split.session}
        assert set(data.sessions[split.train]) == {0, 1, 2} - {split.session}


@pytest.mark.parametrize("kind", ["cross-subject", "leave-one-subject-out"])
def test_no_subject_is_on_both_sides(kind):
    data = as_dataset("d", session_epochs(n_subjects=5))
    plan = plan_splits(data, kind, 2)
    expected = list(GroupKFold(2 if kind == "cross-subject" else 5).split(data.y, groups=data.subjects))
    assert {tuple(split.test) for split in plan} == {tuple(test) for _, test in expected}
    for split in plan:
        assert not set(data.subjects[split.train]) & set(data.subjects[split.test])
        assert len(split.train) + len(split.test) == len(data.y)


def test_transfer_learns_before_from_all_others_and_from_nobody_else():
    data = as_dataset("d", session_epochs())
    within = plan_splits(data, "within-session", 2)
    for split, same in zip(plan_splits(data, "transfer", 2), within, strict=True):
        assert set(data.subjects[split.before]) == {"s0", "s1", "s2"} - {split.subject}
        assert len(split.before) == 2 * 2 * 8
        np.testing.assert_array_equal(split.train, same.train)
        np.testing.assert_array_equal(split.test, same.test)


def test_learning_curves_grow_and_keep_the_test_part():
    data = as_dataset("d", session_epochs(n_subjects=1, n_sessions=1, n_each=40))
    plan = plan_splits(data, "learning-curve", 2)
    by_fold = {fold: [split for split in plan if split.fold == fold] for fold in (0, 1)}
    for curve in by_fold.values():
        assert [split.size for split in curve] == [4, 6, 9, 13, 20]
        for small, large in zip(curve[:-1], curve[1:], strict=True):
            assert set(small.train) < set(large.train)
            np.testing.assert_array_equal(small.test, large.test)
        assert set(data.y[curve[0].train]) == {"left", "right"}


def test_windows_of_one_trial_stay_together():
    epochs = session_epochs(n_subjects=1, n_sessions=1, n_each=24)
    trials = np.repeat(np.arange(6), 4)
    data = as_dataset("d", EpochsView(epochs, groups=trials))
    for split in plan_splits(data, "within-session", 3):
        assert not set(trials[split.train]) & set(trials[split.test])


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")  # which scikit-learn says
def test_a_splitter_that_mixes_subjects_is_warned_of(tmp_path):
    data = {"d": EpochsView(session_epochs(), groups="subject")}
    with pytest.warns(UserWarning, match="In 2 of 2 folds a group is on both sides"):
        benchmark({"power": Power()}, data, splits=StratifiedKFold(2), store=tmp_path / "s.sqlite")


@pytest.mark.parametrize(
    ("columns", "kind", "message"),
    [
        ([], "cross-subject", "has no subjects.*column 'subject'"),
        (["subject"], "cross-session", "has no sessions.*column 'session'"),
        (["subject", "session"], "leave-one-out", "splits must be one of"),
    ],
)
def test_what_splits_lack_is_told(columns, kind, message):
    epochs = session_epochs()
    epochs.metadata = epochs.metadata[columns] if columns else None
    with pytest.raises(ValueError, match=message):
        plan_splits(as_dataset("d", epochs), kind, 2)


class _Leaky:
    """A splitter that tests what it trained on."""

    def split(self, X, y, groups):
        yield np.arange(len(y)), np.arange(5)


def test_a_splitter_that_tests_what_it_trains_on_is_refused(tmp_path):
    with pytest.raises(ValueError, match="5 samples in both the training and the test part"):
        benchmark({"power": Power()}, {"d": session_epochs()}, store=tmp_path / "s.sqlite", splits=_Leaky())


def test_sessions_that_a_store_can_not_keep_are_refused():
    epochs = session_epochs()
    epochs.metadata["session"] = pd.to_datetime("2020-01-01") + pd.to_timedelta(
        epochs.metadata["session"], unit="D"
    )
    with pytest.raises(TypeError, match=r"each session must be text or a number.*2020.*astype\(str\)"):
        as_dataset("d", epochs)


# -- results -----------------------------------------------------------------------------------------


def test_rows_are_what_evaluate_gives(tmp_path):
    epochs = session_epochs()
    view = EpochsView(epochs, groups="subject")
    result = benchmark({"power": Power()}, {"planted": epochs}, store=tmp_path / "s.sqlite", n_folds=3)
    expected = evaluate(Power(), view, cv=GroupKFold(3)).scores.pivot(
        index="fold", columns="metric", values="value"
    )
    table = result.table().set_index("fold")
    np.testing.assert_allclose(table[expected.columns].astype(float), expected)
    assert table["accuracy"].mean() > 0.9
    assert (table["peak_memory"] > 1e6).all()
    assert (table["fit_time"] > 0).all()


def test_results_depend_on_neither_order_nor_processes(tmp_path):
    pipelines = {
        "power": Power(),
        "forest": make_pipeline(Vectorizer(), RandomForestClassifier(3)),
    }
    how = dict(splits=["within-session", "cross-subject"], n_folds=2)
    data = {"planted": session_epochs(n_subjects=2, n_sessions=1, amplitude=0.5)}
    one = benchmark(pipelines, data, store=tmp_path / "1.sqlite", **how)
    names = dict(reversed(pipelines.items()))
    two = benchmark(names, data, store=tmp_path / "2.sqlite", n_jobs=2, **how)
    pd.testing.assert_frame_equal(rows_of(one), rows_of(two))
    other = benchmark(pipelines, data, store=tmp_path / "3.sqlite", random_state=1, **how)
    assert not rows_of(other)["log_loss"].equals(rows_of(one)["log_loss"])


def test_nothing_is_done_twice(tmp_path, monkeypatch):
    ask = dict(
        pipelines={"power": Power()}, datasets={"planted": session_epochs()}, store=tmp_path / "s.sqlite"
    )
    first = benchmark(**ask).table()
    monkeypatch.setattr(run, "run_job", None)  # would fail
    pd.testing.assert_frame_equal(benchmark(**ask).table(), first)


def test_a_store_is_one_file_that_pandas_reads(tmp_path):
    path = tmp_path / "s.sqlite"
    benchmark({"power": Power()}, {"planted": session_epochs()}, store=path, n_folds=3)
    assert list(tmp_path.iterdir()) == [path]
    connection = sqlite3.connect(path)
    table = pd.read_sql("SELECT * FROM folds", connection)
    connection.close()
    assert table["pipeline"].tolist() == ["power"] * 3
    assert table["accuracy"].between(0, 1).all()


def test_a_file_of_epochs_is_a_data_set(tmp_path):
    for subject, part in enumerate(np.split(np.arange(48), 3)):
        session_epochs()[part].save(tmp_path / f"{subject}-epo.fif", verbose="ERROR")
    files = {"planted": tmp_path / "*-epo.fif"}
    how = dict(n_folds=3, random_state=3)
    result = benchmark({"power": Power()}, files, store=tmp_path / "1.sqlite", **how)
    memory = {"planted": lambda: session_epochs()}
    expected = benchmark({"power": Power()}, memory, store=tmp_path / "2.sqlite", **how)
    np.testing.assert_allclose(rows_of(result)["log_loss"], rows_of(expected)["log_loss"], rtol=1e-4)


# -- what is the same ----------------------------------------------------------------------------------


def _n_rows(result):
    return len(result.table()), len(result.table(current=False))


def test_changed_parameters_are_other_rows_and_former_ones_come_back(tmp_path):
    ask = dict(datasets={"planted": session_epochs()}, store=tmp_path / "s.sqlite", n_folds=3)
    assert _n_rows(benchmark({"power": Power()}, **ask)) == (3, 3)
    assert _n_rows(benchmark({"power": Power(shrinkage=0.5)}, **ask)) == (3, 6)
    back = benchmark({"power": Power()}, **ask)
    assert _n_rows(back) == (3, 6)
    assert back.summary()["n"].tolist() == [3]


def test_a_new_name_costs_nothing(tmp_path):
    ask = dict(datasets={"planted": session_epochs()}, store=tmp_path / "s.sqlite", n_folds=3)
    first = benchmark({"power": Power()}, **ask).table()
    both = benchmark({"again": Power(), "power": Power()}, **ask).table()
    assert both["pipeline"].tolist() == ["again"] * 3 + ["power"] * 3
    assert set(both["finished"]) == set(first["finished"])


def _changed_signal(epochs):
    epochs._data[0, 0, 0] += 1e-9


def _changed_label(epochs):
    epochs.events[:2, 2] = epochs.events[:2, 2][::-1]


def _changed_session(epochs):
    epochs.metadata.loc[0, "session"] = 7


def _changed_name(epochs):
    epochs.rename_channels({"Cz": "C4"})


def _changed_place(epochs):
    epochs.info["chs"][0]["loc"][:3] = 0.1


def _changed_rate(epochs):
    with epochs.info._unlock():
        epochs.info["sfreq"] = 50.0


@pytest.mark.parametrize(
    "change",
    [_changed_signal, _changed_label, _changed_session, _changed_name, _changed_place, _changed_rate],
)
def test_changed_data_are_other_data(change):
    epochs = session_epochs()
    before = as_dataset("d", epochs.copy()).describe()["fingerprint"]
    assert as_dataset("other", epochs).describe()["fingerprint"] == before
    change(epochs)
    assert as_dataset("d", epochs).describe()["fingerprint"] != before


def test_data_that_change_while_it_runs_are_told(tmp_path):
    epochs, n = session_epochs(), []

    def make():
        n.append(1)
        epochs._data[0, 0, 0] = 1e-6 * len(n)
        return epochs

    data = {"changes": make, "other": session_epochs(seed=1)}
    with pytest.raises(ValueError, match="'changes' is not the same as when"):
        benchmark({"power": Power()}, data, store=tmp_path / "s.sqlite")
    status = open_benchmark(tmp_path / "s.sqlite").status()
    assert (status["waiting"], len(status["running"])) == (6, 0)


SCRIPT = """
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import FunctionTransformer
from sklearn.pipeline import make_pipeline
import numpy as np
{imports}
FACTOR = {factor}

def helper(x):
    {comment}
    return x {operator} 2

class Base(ClassifierMixin, BaseEstimator):
    limit = {limit}
    def fit(self, X, y):
        return helper(FACTOR)

class Mine(Base):
    def __init__(self, a=1):
        self.a = a

def make():
    offset = {offset}
    return make_pipeline(FunctionTransformer(lambda x: x + offset), Mine())
"""
PLAIN = dict(factor=1, operator="+", limit=3, offset=5, comment="pass", imports="")


def _fingerprint(**changed):
    scope = {"__name__": "__main__"}
    exec(SCRIPT.format(**PLAIN | changed), scope)
    return describe_pipeline(scope["make"]())["fingerprint"]


@pytest.mark.parametrize("changed", [dict(factor=2), dict(operator="-"), dict(limit=4), dict(offset=6)])
def test_changed_code_of_a_script_is_another_pipeline(changed):
    """Also if it is code that the class calls: a helper, a base class, a constant, what a lambda encloses."""
    assert _fingerprint(**changed) != _fingerprint()


def test_comments_and_other_code_are_no_change():
    assert _fingerprint(comment="pass  # the same", imports="import json; unrelated = 3") == _fingerprint()


def test_versions_are_noted(tmp_path):
    versions = json.loads(describe_pipeline(make_pipeline(Vectorizer(), LogisticRegression()))["versions"])
    assert versions["mne"] == mne.__version__
    assert {"numpy", "scikit-learn", "torch", "python"} < set(versions)


def test_fingerprints_are_those_of_another_process():
    code = """
        from mne.decoding import CSP
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.pipeline import make_pipeline
        from mne_cnnclass.evaluation.benchmarking.fingerprint import describe_pipeline
        pipeline = make_pipeline(CSP(2), RandomForestClassifier(class_weight={"a": 1, "b": 2}))
        fingerprint = describe_pipeline(pipeline)["fingerprint"]
    """
    code, here = textwrap.dedent(code), {}
    exec(code, here)
    other = subprocess.run(
        [sys.executable, "-c", code + "print(fingerprint)"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": "1"},
    )
    assert other.stdout.strip() == here["fingerprint"]


# -- errors --------------------------------------------------------------------------------------------


class _Fails(DummyClassifier):
    """Fails if the file is there."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def fit(self, X, y):
        if Path(self.path).exists():
            raise RuntimeError("no luck")
        return super().fit(X, y)


def test_errors_are_kept_and_retried_on_request(tmp_path):
    bad = tmp_path / "bad"
    bad.touch()
    ask = dict(
        pipelines={"fails": _Fails(str(bad)), "guess": DummyClassifier()},
        datasets={"planted": session_epochs()},
        store=tmp_path / "s.sqlite",
        n_folds=3,
    )
    with pytest.warns(UserWarning, match="3 of 6 folds failed"):
        result = benchmark(**ask)
    errors = result.errors()
    assert errors[["pipeline", "fold", "type", "message"]].to_numpy().tolist() == [
        ["fails", fold, "RuntimeError", "no luck"] for fold in range(3)
    ]
    assert "in fit" in errors["traceback"][0]
    assert result.table()["pipeline"].unique().tolist() == ["guess"]
    bad.unlink()
    with pytest.warns(UserWarning, match="3 of 6 folds failed"):
        assert len(benchmark(**ask).errors()) == 3
    again = benchmark(**ask, retry=True)
    assert again.errors().empty
    assert len(again.table()) == 6


def test_an_interrupt_keeps_what_is_done_and_gives_back_the_rest(tmp_path, monkeypatch):
    ask = dict(
        pipelines={"power": Power()}, datasets={"planted": session_epochs()}, store=tmp_path / "s.sqlite"
    )
    finish, n = store.Store.finish, []

    def finish_two(*args, **kwargs):
        if len(n) == 2:
            raise KeyboardInterrupt
        n.append(1)
        finish(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(store.Store, "finish", finish_two)
        with pytest.raises(KeyboardInterrupt):
            benchmark(**ask)
    status = open_benchmark(ask["store"]).status()
    assert (status["done"], status["waiting"], len(status["running"])) == (2, 1, 0)
    assert len(benchmark(**ask).table()) == 3


def _is_whole(path):
    connection = sqlite3.connect(path)
    (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return answer == "ok"


@forking
def test_a_full_disk_is_told_and_loses_nothing(tmp_path):
    """The limit on the size of files is that of a process, to which its disk is full."""
    path, told = tmp_path / "s.sqlite", tmp_path / "told"
    how = dict(datasets={"planted": session_epochs()}, store=path, n_folds=2, keep_predictions=True)

    def fill():
        benchmark({"power": Power()}, **how)
        limit = path.stat().st_size + 20_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            benchmark({f"power {i}": Power(i / 99) for i in range(99)}, **how)
        except StoreError as error:
            told.write_text(str(error))

    process = get_context("fork").Process(target=fill)
    process.start()
    process.join()
    assert re.search("disk is full.*start again", told.read_text())
    assert _is_whole(path)
    assert len(open_benchmark(path).table(current=False)) >= 2


def test_a_full_page_count_is_told(tmp_path, monkeypatch):
    connect = store.Store._connect

    def small(self, mode):
        connection = connect(self, mode)
        connection.execute("PRAGMA max_page_count = 40")
        return connection

    ask = dict(datasets={"planted": session_epochs()}, store=tmp_path / "s.sqlite", n_folds=2)
    benchmark({"power": Power()}, **ask)
    with monkeypatch.context() as patch:
        patch.setattr(store.Store, "_connect", small)
        with pytest.raises(StoreError, match=r"disk is full.*start again"):
            benchmark({f"power {i}": Power(i / 99) for i in range(60)}, **ask)
    assert _is_whole(ask["store"])
    assert len(open_benchmark(ask["store"]).table(current=False)) >= 2


def test_a_locked_store_is_told(tmp_path, monkeypatch):
    ask = dict(pipelines={"guess": DummyClassifier()}, datasets={"planted": session_epochs()}, n_folds=2)
    path = tmp_path / "s.sqlite"
    benchmark(**ask, store=path)
    monkeypatch.setattr(store, "BUSY", 0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="Another program has kept it locked"):
        benchmark(**ask, store=path)
    other.execute("ROLLBACK")
    other.close()
    assert len(benchmark(**ask, store=path).table()) == 2


def test_what_is_no_store_is_told_and_left_alone(tmp_path):
    ask = dict(pipelines={"guess": DummyClassifier()}, datasets={"planted": session_epochs()}, n_folds=2)
    text, other, later = (tmp_path / name for name in ("text", "other", "later"))
    text.write_text("important " * 200)
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE important (a)")
    connection.close()
    benchmark(**ask, store=later)
    connection = sqlite3.connect(later)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for path, message in [(text, "no SQLite file"), (other, "no store"), (later, "later version")]:
        content = path.read_bytes()
        with pytest.raises(StoreError, match=message):
            benchmark(**ask, store=path)
        assert path.read_bytes() == content
    with pytest.raises(StoreError, match="There is no store"):
        open_benchmark(tmp_path / "none")
    with pytest.raises(StoreError, match="folder exists"):
        benchmark(**ask, store=tmp_path / "none" / "s.sqlite")


def test_a_read_only_store_can_be_read_and_says_why_not_written(tmp_path, monkeypatch):
    ask = dict(datasets={"planted": session_epochs()}, store=tmp_path / "s.sqlite", n_folds=2)
    benchmark({"guess": DummyClassifier()}, **ask)
    connect = store.Store._connect  # root may write whatever the permissions say
    monkeypatch.setattr(store.Store, "_connect", lambda self, mode: connect(self, "ro"))
    assert len(open_benchmark(ask["store"]).table()) == 2
    with pytest.raises(StoreError, match="may not be written. Change its permissions"):
        benchmark({"power": Power()}, **ask)


# -- several processes, and dead ones ------------------------------------------------------------------

N_CELLS = 24


class _Slow(DummyClassifier):
    seconds = 0.02

    def fit(self, X, y):
        time.sleep(self.seconds)
        return super().fit(X, y)


def _fill(path, seconds):
    _Slow.seconds = seconds
    pipelines = {"a": _Slow(), "b": _Slow(strategy="uniform")}
    how = dict(splits="within-session", n_folds=2, keep_predictions=True)
    benchmark(pipelines, {"planted": session_epochs()}, store=path, **how)


def start_worker(path, seconds=0.02):
    """A process that fills a store with 24 folds."""
    process = get_context("fork").Process(target=_fill, args=(path, seconds))
    process.start()
    return process


def kill_at_random(path, n_kills, rng):
    """Kill workers at random moments, and let the last one end; returns how many folds each kill found."""
    start, found = time.monotonic(), []
    start_worker(path.with_suffix(".whole")).join()
    longest = time.monotonic() - start  # on this computer, now
    for _ in range(n_kills):
        if found and found[-1] == N_CELLS:  # begin anew
            path.unlink()
            found.append(0)
        process = start_worker(path)
        time.sleep(rng.uniform(0, longest))
        process.kill()
        process.join()
        if path.exists() and path.stat().st_size:
            found.append(check_rows(path, found[-1] if found else 0))
    last = start_worker(path)
    last.join()
    assert last.exitcode == 0
    assert check_rows(path) == N_CELLS
    return found


def check_rows(path, least=0):
    """Number of folds that are done: none is there twice, none without its predictions."""
    assert _is_whole(path)
    table = open_benchmark(path).table(current=False)
    assert not table.duplicated(["pipeline", "subject", "session", "fold"]).any()
    assert table["accuracy"].notna().all()
    connection = sqlite3.connect(path)
    kept = {cell for (cell,) in connection.execute("SELECT cell_id FROM predictions")}
    connection.close()
    assert kept == set(table["cell_id"])
    assert len(table) >= least
    return len(table)


@forking
def test_killed_at_any_moment_it_goes_on_where_it_stopped(tmp_path):
    kill_at_random(tmp_path / "s.sqlite", 3, np.random.default_rng(0))


@forking
def test_two_processes_share_the_work(tmp_path):
    path = tmp_path / "s.sqlite"
    processes = [start_worker(path, 0.05), start_worker(path, 0.05)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert check_rows(path) == N_CELLS
    connection = sqlite3.connect(path)
    shares = connection.execute("SELECT count(*) FROM cells GROUP BY worker_id").fetchall()
    connection.close()
    assert len(shares) == 2


@forking
def test_the_work_of_a_dead_process_is_taken_over_at_once(tmp_path):
    path = tmp_path / "s.sqlite"
    hanging = start_worker(path, 600)
    running = []
    while not len(running):
        time.sleep(0.1)
        if path.exists() and path.stat().st_size:
            running = open_benchmark(path).status()["running"]
    assert running[["pid", "alive"]].to_numpy().tolist() == [[hanging.pid, True]]
    hanging.kill()
    hanging.join()
    assert open_benchmark(path).status()["running"]["alive"].tolist() == [False]
    start = time.monotonic()
    other = start_worker(path)
    other.join()
    assert check_rows(path) == N_CELLS
    assert time.monotonic() - start < store.LEASE / 2


def test_work_of_another_host_is_taken_over_when_its_signs_of_life_end(tmp_path, monkeypatch):
    path = tmp_path / "s.sqlite"
    benchmark({"guess": DummyClassifier()}, {"planted": session_epochs()}, store=path, n_folds=3)
    here = store.Store(path)
    with here.writing() as connection:
        connection.execute("UPDATE workers SET ended = NULL, host = 'elsewhere'")
        connection.execute("UPDATE cells SET state = 'running' WHERE number < 2")
    here.join(1)
    now = [1000.0]
    monkeypatch.setattr(store.time, "monotonic", lambda: now[0])
    assert here.claim([1]) is None
    now[0] += store.LEASE - 1
    assert here.claim([1]) is None
    with here.writing() as connection:
        connection.execute("UPDATE workers SET beat = beat + 1 WHERE host = 'elsewhere'")
    now[0] += 2
    assert here.claim([1]) is None
    now[0] += store.LEASE
    assert [here.claim([1]), here.claim([1]), here.claim([1])] == [[(1, 0)], [(1, 1)], None]
    here.leave()
    here.close()


class _Dies(DummyClassifier):
    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_of_joblib_that_is_killed_is_an_error_of_its_folds(tmp_path):
    how = dict(store=tmp_path / "s.sqlite", n_folds=2, n_jobs=2)
    with pytest.warns(UserWarning, match="2 of 2 folds failed"):
        result = benchmark({"dies": _Dies()}, {"planted": session_epochs()}, **how)
    assert set(result.errors()["type"]) == {"TerminatedWorkerError"}
    assert len(result.errors()) == 2


# -- predictions ---------------------------------------------------------------------------------------


def test_predictions_make_the_evaluation_again(tmp_path):
    epochs = session_epochs(amplitude=0.7)
    pipelines = {"power": Power(), "guess": DummyClassifier(strategy="stratified", random_state=0)}
    ask = dict(pipelines=pipelines, datasets={"planted": epochs}, store=tmp_path / "s.sqlite", n_folds=3)
    with pytest.raises(ValueError, match="keep_predictions=True"):
        benchmark(**ask).evaluation("power", "planted")
    result = benchmark(**ask, keep_predictions=True)
    view = EpochsView(epochs, groups="subject")
    expected = {name: evaluate(one, view, cv=GroupKFold(3)) for name, one in pipelines.items()}
    for name, one in expected.items():
        again = result.evaluation(name, "planted")
        pd.testing.assert_frame_equal(again.predictions, one.predictions, rtol=1e-6, check_dtype=False)
        pd.testing.assert_frame_equal(again.scores, one.scores, rtol=1e-5)
        assert again.folds["most_frequent"].tolist() == one.folds["most_frequent"].tolist()
    pd.testing.assert_frame_equal(result.compare().table, compare(expected).table, rtol=1e-6)


def test_pipelines_are_compared_without_predictions(tmp_path):
    """By folds the same as with predictions; by subjects on the mean of their folds."""
    ask = dict(
        pipelines={"power": Power(), "guess": DummyClassifier()},
        datasets={
            "planted": session_epochs(n_sessions=1),
            "other": session_epochs(n_sessions=1, amplitude=0.7),
        },
        store=tmp_path / "s.sqlite",
        splits="within-session",
        n_folds=2,
    )
    result = benchmark(**ask)
    with pytest.raises(ValueError, match=r"at least 2 pipelines, got \['power'\]"):
        benchmark(**ask | {"pipelines": {"power": Power()}, "store": tmp_path / "one.sqlite"}).compare()
    plain, means = result.compare(units="folds"), result.compare()
    expected = result.table().groupby(["dataset", "subject", "pipeline"])["accuracy"].mean().unstack()
    assert means.units == "groups"
    pd.testing.assert_frame_equal(means.scores, expected, check_like=True, check_names=False)
    kept = benchmark(**ask, keep_predictions=True).compare(units="folds")
    pd.testing.assert_frame_equal(plain.table, kept.table)
    connection = sqlite3.connect(ask["store"])
    connection.execute("UPDATE cells SET state = 'failed' WHERE id = 1")
    connection.commit()
    connection.close()
    with pytest.raises(ValueError, match="1 of 24 folds are not done"):
        result.compare()


def test_decision_scores_come_back(tmp_path):
    pipeline = make_pipeline(Vectorizer(), LinearSVC())
    ask = dict(datasets={"planted": session_epochs()}, store=tmp_path / "s.sqlite", n_folds=3)
    again = benchmark({"svc": pipeline}, keep_predictions=True, **ask).evaluation("svc", "planted")
    assert list(again.predictions) == [
        "fold", "sample", "y_true", "y_pred", "group", "decision_left", "decision_right",
    ]  # fmt: skip


# -- transfer, summaries -------------------------------------------------------------------------------


@pytest.mark.slow
def test_transfer_trains_once_a_subject_before_its_folds(tmp_path, monkeypatch):
    """A network goes on from what it learnt; any other pipeline is trained on all samples together."""
    fitted = []
    for cls in (CNNClassifier, Power):

        def fit(self, X, y=None, *args, cls=cls, kept=cls.fit, **kwargs):
            fitted.append((cls.__name__, len(X), set(X.metadata["subject"])))
            return kept(self, X, y, *args, **kwargs)

        monkeypatch.setattr(cls, "fit", fit)
    network = CNNClassifier("EEGNet", max_epochs=1, n_threads=1)
    epochs = planted_epochs(3 * 16)
    epochs.metadata = pd.DataFrame({"subject": np.repeat(["a", "b", "c"], 16)})
    result = benchmark(
        {"network": network, "power": Power()},
        {"planted": epochs},
        splits="transfer",
        store=tmp_path / "s.sqlite",
        n_folds=2,
    )
    assert result.errors().empty, result.errors()["traceback"][0]
    others = {"a": {"b", "c"}, "b": {"a", "c"}, "c": {"a", "b"}}
    expected = []
    for subject in "abc":
        expected += [("CNNClassifier", 32, others[subject])] + 2 * [("CNNClassifier", 8, {subject})]
    assert [fit for fit in fitted if fit[0] == "CNNClassifier"] == expected
    assert [fit for fit in fitted if fit[0] == "Power"] == 6 * [("Power", 40, {"a", "b", "c"})]
    table = result.table()
    assert (table[["n_train", "n_test", "n_pretrain"]] == (8, 8, 32)).all(axis=None)
    assert table["pretrain_time"].notna().tolist() == (table["pipeline"] == "network").tolist()


def test_summary_averages_folds_of_a_subject_first(tmp_path):
    pipelines = {"power": Power(), "guess": DummyClassifier()}
    data = {"planted": session_epochs(n_subjects=2, n_sessions=1, amplitude=0.5)}
    how = dict(splits=["within-session", "learning-curve"], n_folds=2)
    result = benchmark(pipelines, data, store=tmp_path / "s.sqlite", **how)
    table = result.table().fillna({"size": -1})
    means = table.groupby(["dataset", "splits", "pipeline", "size", "subject"])["accuracy"].mean()
    expected = means.groupby(["dataset", "splits", "pipeline", "size"]).agg(mean="mean", sd="std", n="count")
    pd.testing.assert_frame_equal(
        result.summary().reset_index().fillna({"size": -1}), expected.reset_index(), check_dtype=False
    )
    some = dict(pipeline="power", splits="learning-curve")
    chosen = table[(table["pipeline"] == "power") & (table["splits"] == "learning-curve")]
    pd.testing.assert_frame_equal(
        result.table(**some).fillna({"size": -1}), chosen.reset_index(drop=True), check_dtype=False
    )
    assert result.table(dataset="another").empty


def test_summary_of_equal_scores_does_not_deviate_and_counts_folds_of_several_subjects(tmp_path):
    file = store.Store(tmp_path / "s.sqlite", create=True)
    grid = {"splits": "cross-subject", "indices": "i", "random_state": 0}
    about = [{"fingerprint": "p"}, {"fingerprint": "d", "classes": "[]"}, grid]
    cell = {"job": 0, "seed": 0, "state": "done"}
    scores = {"a": [0.1] * 30, "b": [0.1, 0.3, None]}
    for pipeline, values in scores.items():
        names = {"pipeline": pipeline, "dataset": "data", "splits": "cross-subject"}
        about[0]["fingerprint"] = pipeline
        file.add_grid(names, *about, [cell | {"number": k, "accuracy": v} for k, v in enumerate(values)])
    file.close()
    summary = open_benchmark(tmp_path / "s.sqlite").summary().droplevel(["dataset", "splits"])
    assert summary.loc["a"].tolist() == [0.1, 0.0, 30]
    np.testing.assert_allclose(summary.loc["b"].tolist(), [0.2, np.sqrt(0.02), 2], rtol=1e-12)


@forking
def test_status_tells_when_it_will_end(tmp_path):
    path, seen = tmp_path / "s.sqlite", []
    process = start_worker(path, 0.1)
    while process.is_alive():
        if path.exists() and path.stat().st_size:
            now = datetime.now().astimezone()
            seen.append((now, open_benchmark(path).status()))
        time.sleep(0.1)
    process.join()
    now, middle = next(pair for pair in seen if 4 < pair[1]["done"] < 20)
    n_left = middle["waiting"] + len(middle["running"])
    assert middle["done"] + n_left == N_CELLS
    assert 0.1 * n_left < (middle["ends"] - now).total_seconds() < 10 * n_left
    end = open_benchmark(path).status()
    assert (end["done"], end["waiting"], end["ends"]) == (N_CELLS, 0, None)
