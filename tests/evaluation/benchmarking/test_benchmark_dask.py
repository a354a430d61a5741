"""A benchmark on a Dask cluster gives the same rows, and survives its workers and its scheduler."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from planted import planted_epochs
from power import Power, rows_of, session_epochs
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupShuffleSplit

from mne_cnnclass.evaluation.benchmarking import benchmark, cluster, open_benchmark

dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")

pytestmark = pytest.mark.timeout(300)
FOLDERS = [Path(__file__).parents[n] for n in (0, 2, 3)]  # of this file, of tests, of the package


@contextmanager
def _process(ready, module, *arguments):
    """A process of a cluster; what a line that says that it is ready matched."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, FOLDERS)),
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with process:
        try:
            lines = iter(process.stderr.readline, "")
            match = next(filter(None, (re.search(ready, line) for line in lines)), None)
            assert match, f"{module} ended with {process.wait()}"
            # what it says from now on must not fill the pipe
            drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
            yield process, match
        finally:
            process.terminate()
            process.wait(20)
            drain.wait(20)


@pytest.fixture(scope="module")
def scheduler_and_client():
    """A scheduler and two workers, each a process of one thread; the scheduler's number and a client."""
    with dask.config.set({"distributed.comm.timeouts.connect": "5s"}), ExitStack() as stack:
        scheduler, match = stack.enter_context(
            _process(
                r"Scheduler at:\s+(tcp://\S+)",
                "dask_scheduler",
                *("--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            )
        )
        stack.enter_context(
            _process(
                "Start Nanny",
                "dask_worker",
                *(match[1], "--nworkers", "2", "--nthreads", "1", "--no-dashboard"),
            )
        )
        client = stack.enter_context(distributed.Client(match[1], set_as_default=False))
        client.wait_for_workers(2, timeout=60)
        yield scheduler.pid, client


@pytest.fixture(scope="module")
def client(scheduler_and_client):
    return scheduler_and_client[1]


@pytest.fixture(scope="module")
def epochs():
    return session_epochs(seed=0)


class _KillsOnce(Power):
    """Kills a process, itself or another, in the first fold that comes to it."""

    def __init__(self, flag=None, pid=None, again=False):
        self.flag, self.pid, self.again = flag, pid, again

    def fit(self, X, y):
        if self.again or not Path(self.flag).exists():
            Path(self.flag).touch()
            os.kill(os.getpid() if self.pid is None else self.pid, signal.SIGKILL)
        self.shrinkage = None
        return super().fit(X, y)


class _Logged(mne.EpochsArray):
    """Epochs that tell a file when they are unpickled."""

    log = None

    def __setstate__(self, state):
        self.__dict__.update(state)
        with open(self.log, "a") as file:
            file.write("once ")


class _ElsewhereOnly(mne.EpochsArray):
    """Epochs of a file that only the process has that read it."""

    def __reduce__(self):
        return _read, ("/only/here-epo.fif",)


def _read(path):
    raise FileNotFoundError(2, "No such file", path)


def test_rows_and_predictions_are_those_of_one_process(client, tmp_path):
    from mne_cnnclass import CNNClassifier  # and torch, which the workers of the other tests do without

    epochs = planted_epochs(48)
    epochs.metadata = pd.DataFrame({"subject": np.repeat(["a", "b", "c"], 16)})
    network = CNNClassifier("MultiScaleCNN", max_epochs=2, n_threads=1)  # of no other package to import
    pipelines = {"network": network, "power": Power()}
    how = dict(n_folds=3, splits=["cross-subject", "within-session"], keep_predictions=True)
    there = benchmark(pipelines, {"planted": epochs}, store=tmp_path / "there.sqlite", client=client, **how)
    here = benchmark(pipelines, {"planted": epochs}, store=tmp_path / "here.sqlite", **how)
    assert there.status()["done"] == here.status()["done"] == 2 * (3 + 3 * 3)
    keys = ["pipeline", "splits", "subject", "fold", "size"]
    pd.testing.assert_frame_equal(
        *(rows_of(one).sort_values(keys).reset_index(drop=True) for one in (there, here))
    )
    for name in pipelines:
        found = [one.evaluation(name, "planted", "cross-subject").predictions for one in (there, here)]
        pd.testing.assert_frame_equal(*found)


def test_data_are_not_sent_with_each_fold(client, tmp_path):
    plain = session_epochs(seed=1)
    epochs = _Logged(plain.get_data(), plain.info, plain.events, metadata=plain.metadata, verbose="ERROR")
    epochs.log = str(tmp_path / "log")
    result = benchmark(
        {"power": Power(), "guess": DummyClassifier()},
        {"planted": epochs},
        splits="within-session",
        n_folds=4,
        store=tmp_path / "store.sqlite",
        client=client,
    )
    assert len(result.table()) == 2 * 3 * 2 * 4
    # once a worker, and again where Dask gave up a copy that no fold was waiting for
    assert 1 <= len(Path(epochs.log).read_text().split()) <= 6


def test_what_workers_can_not_read_is_an_error(client, epochs, tmp_path):
    elsewhere = _ElsewhereOnly(epochs.get_data(), epochs.info, epochs.events, metadata=epochs.metadata)
    with pytest.raises(RuntimeError, match="'planted'.*only/here-epo.fif.*same files under the same paths"):
        benchmark(
            {"guess": DummyClassifier()}, {"planted": elsewhere}, store=tmp_path / "a.db", client=client
        )
    assert open_benchmark(tmp_path / "a.db").status()["waiting"] == 3


def test_workers_with_other_versions_are_an_error(client, epochs, tmp_path, monkeypatch):
    described = cluster.describe_pipeline(DummyClassifier())
    versions = json.loads(described["versions"]) | {"numpy": "0.1"}
    monkeypatch.setattr(cluster, "describe_pipeline", lambda _: {"versions": json.dumps(versions)})
    with pytest.raises(RuntimeError, match=r"A worker has numpy [\d.]+ in place of 0\.1"):
        benchmark({"guess": DummyClassifier()}, {"planted": epochs}, store=tmp_path / "a.db", client=client)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (dict(client="tcp://scheduler:8786"), TypeError, "client must be a dask.distributed.Client"),
        (dict(n_jobs=2), ValueError, "either n_jobs or client"),
    ],
)
def test_wrong_clients_are_told(client, epochs, tmp_path, wrong, error, message):
    with pytest.raises(error, match=message):
        benchmark(
            {"guess": DummyClassifier()},
            {"planted": epochs},
            store=tmp_path / "a.db",
            **{"client": client} | wrong,
        )


# -- what kills processes, last, as those that take their place import all anew ---------------------------


def test_a_worker_that_is_killed_costs_nothing_but_time(client, epochs, tmp_path):
    pipelines = {"power": Power(), "killer": _KillsOnce(str(tmp_path / "killed"))}
    result = benchmark(
        pipelines, {"planted": epochs}, n_folds=3, store=tmp_path / "store.sqlite", client=client
    )
    assert (tmp_path / "killed").exists()
    table = result.table().set_index(["pipeline", "fold"]).sort_index()
    assert table.accuracy["killer"].tolist() == table.accuracy["power"].tolist()


def test_a_fold_that_kills_workers_is_an_error(client, epochs, tmp_path):
    pipelines = {"killer": _KillsOnce(str(tmp_path / "killed"), again=True)}
    with pytest.warns(UserWarning, match="1 of 1 folds failed"):
        result = benchmark(
            pipelines,
            {"planted": epochs},
            splits=GroupShuffleSplit(1, random_state=0),
            store=tmp_path / "store.sqlite",
            client=client,
        )
    assert result.errors().type.tolist() == ["KilledWorker"]
    assert "probably as memory was short" in result.errors().message[0]


def test_a_scheduler_that_vanishes_leaves_a_store_to_go_on_with(scheduler_and_client, epochs, tmp_path):
    how = dict(splits="within-session", n_folds=4, store=tmp_path / "store.sqlite")
    scheduler, client = scheduler_and_client
    pipelines = {"power": Power(), "killer": _KillsOnce(str(tmp_path / "killed"), scheduler)}
    with pytest.raises(RuntimeError, match="connection to the Dask scheduler is lost.*same call"):
        benchmark(pipelines, {"planted": epochs}, client=client, **how)
    status = open_benchmark(tmp_path / "store.sqlite").status()
    assert len(status["running"]) == 0
    assert 12 <= status["done"] < 48
    result = benchmark(pipelines, {"planted": epochs}, **how)
    table = result.table().set_index(["pipeline", "subject", "session", "fold"]).sort_index()
    assert table.accuracy["killer"].tolist() == table.accuracy["power"].tolist()
