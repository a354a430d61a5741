"""The store of a benchmark: one SQLite file that survives a crash and that several processes may fill."""

import os
import socket
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pandas as pd
from mne.utils import logger

from ...metrics.scores import METRICS
from .machine import process_start

VERSION = 1  # of the schema, in PRAGMA user_version
APPLICATION = 0x6D636E62  # "mcnb", in PRAGMA application_id: says that a file is a store of benchmarks
BUSY = 60  # s to wait for another process that writes
BEAT, LEASE = 20, 120  # s between signs of life; s without one after which work of another host is taken over

TIMES = ("fit_time", "score_time", "pretrain_time", "seconds")
NUMBERS = (*TIMES, "peak_memory", *METRICS)
SCHEMA = f"""
CREATE TABLE pipelines (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, repr TEXT, parameters TEXT, versions TEXT);
CREATE TABLE datasets (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, n_samples INTEGER, n_channels INTEGER,
    n_times INTEGER, sfreq REAL, tmin REAL, ch_names TEXT, classes TEXT, subjects TEXT, sessions TEXT);
CREATE TABLE grids (
    id INTEGER PRIMARY KEY, pipeline_id INTEGER NOT NULL REFERENCES pipelines,
    dataset_id INTEGER NOT NULL REFERENCES datasets, splits TEXT NOT NULL, indices TEXT NOT NULL,
    random_state INTEGER NOT NULL, UNIQUE (pipeline_id, dataset_id, splits, indices, random_state));
CREATE TABLE names (
    pipeline TEXT NOT NULL, dataset TEXT NOT NULL, splits TEXT NOT NULL,
    grid_id INTEGER NOT NULL REFERENCES grids, current INTEGER NOT NULL,
    PRIMARY KEY (pipeline, dataset, splits, grid_id));
CREATE TABLE workers (
    id INTEGER PRIMARY KEY, host TEXT, pid INTEGER, pid_start TEXT, n_jobs INTEGER, started REAL,
    beat INTEGER NOT NULL DEFAULT 0, ended REAL);
CREATE TABLE cells (
    id INTEGER PRIMARY KEY, grid_id INTEGER NOT NULL REFERENCES grids, number INTEGER NOT NULL,
    job INTEGER NOT NULL, subject, session, fold INTEGER, size INTEGER, seed INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    worker_id INTEGER REFERENCES workers, changed REAL,
    n_train INTEGER, n_test INTEGER, n_pretrain INTEGER, most_frequent TEXT,
    {", ".join(f"{name} REAL" for name in NUMBERS)},
    UNIQUE (grid_id, number));
CREATE INDEX by_state ON cells (grid_id, state);
CREATE INDEX by_accuracy ON cells (grid_id, size, subject, accuracy, state) WHERE state = 'done';
CREATE TABLE errors (
    cell_id INTEGER PRIMARY KEY REFERENCES cells, type TEXT, message TEXT, traceback TEXT);
CREATE TABLE predictions (cell_id INTEGER PRIMARY KEY REFERENCES cells, content BLOB NOT NULL);
CREATE VIEW folds AS
    SELECT names.pipeline, names.dataset, names.splits, cells.subject, cells.session, cells.fold, cells.size,
        cells.seed, cells.state, cells.changed, cells.n_train, cells.n_test, cells.n_pretrain,
        {", ".join(f"cells.{name}" for name in NUMBERS)},
        names.current, cells.id AS cell_id, cells.grid_id, cells.number, cells.worker_id,
        grids.pipeline_id, grids.dataset_id, grids.indices, grids.random_state
    FROM names JOIN grids ON grids.id = names.grid_id JOIN cells ON cells.grid_id = grids.id;
"""


class StoreError(OSError):
    """Raised if a store can't be read or written; its content is intact.

    Examples
    --------
    >>> from mne_cnnclass import open_benchmark
    >>> open_benchmark("nowhere.sqlite")
    Traceback (most recent call last):
    ...
    mne_cnnclass.evaluation.benchmarking.store.StoreError: ...
    """


class Store:
    """A file with results of benchmarks; all errors of SQLite arrive as `StoreError`."""

    def __init__(self, path, *, create=False):
        self.path = Path(path).resolve()
        self.worker = None
        self._lock = threading.RLock()
        self._signs = {}  # of workers on other hosts: the last beat, and when it came
        self._stop = threading.Event()
        if not create and not self.path.is_file():
            raise StoreError(
                f"There is no store {self.path}. Name the file that benchmark(store=) was given."
            )
        with self._explained():
            self._connection = self._connect("rwc" if create else "rw")
            self._check(create)

    def _connect(self, mode):
        options = dict(uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False)
        connection = sqlite3.connect(f"{self.path.as_uri()}?mode={mode}", **options)
        connection.row_factory = sqlite3.Row
        return connection

    def _check(self, create):
        n_tables = "SELECT count(*) FROM sqlite_schema"
        queries = ("PRAGMA user_version", "PRAGMA application_id", n_tables)
        (version,), (application,), (n,) = (self.read(query)[0] for query in queries)
        if application == n == 0 and create:
            with self.writing() as connection:  # another process may have been faster
                if not self.read(n_tables)[0][0]:
                    for statement in SCHEMA.split(";\n"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
                    connection.execute(f"PRAGMA application_id = {APPLICATION}")
            return
        if application != APPLICATION:
            raise StoreError(f"{self.path} is no store of benchmarks. Name another file.")
        if version > VERSION:
            raise StoreError(
                f"{self.path} was written by a later version of mne-cnnclass (schema {version}, known is "
                f"{VERSION}). Update mne-cnnclass, or name another file."
            )

    def close(self):
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _explained(self):
        """Errors of SQLite, with what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"Store {self.path}: {_explain(error)} (SQLite: {error})") from error

    def read(self, query, parameters=()):
        """All rows of a query."""
        with self._lock, self._explained():
            return self._connection.execute(query, parameters).fetchall()

    def table(self, query, parameters=()):
        """All rows of a query, as a DataFrame."""
        with self._lock, self._explained():
            cursor = self._connection.cursor()
            cursor.row_factory = None  # plain tuples
            rows = cursor.execute(query, parameters).fetchall()
        return pd.DataFrame(rows, columns=[column[0] for column in cursor.description])

    @contextmanager
    def writing(self):
        """One transaction: all of it is stored, or nothing."""
        with self._lock, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # some errors of SQLite have ended it
                    self._connection.execute("ROLLBACK")
                raise

    # -- folds to compute --------------------------------------------------------------------------

    def add_grid(self, names, pipeline, dataset, grid, cells):
        """Note the folds of a pipeline on a data set, unless they are known; returns the id of the grid.

        ``names`` are pipeline, dataset and splits; the others are columns of the tables, a dict for each of
        cells.
        """
        with self.writing() as connection:
            ids = {
                "pipeline_id": _find_or_insert(connection, "pipelines", pipeline, ["fingerprint"]),
                "dataset_id": _find_or_insert(connection, "datasets", dataset, ["fingerprint"]),
            }
            grid_id = _find_or_insert(connection, "grids", ids | grid, [*ids, *grid])
            connection.execute(
                "UPDATE names SET current = 0 "
                "WHERE pipeline = :pipeline AND dataset = :dataset AND splits = :splits",
                names,
            )
            _insert(connection, "names", names | {"grid_id": grid_id, "current": 1}, "OR REPLACE")
            known = connection.execute("SELECT 1 FROM cells WHERE grid_id = ? LIMIT 1", [grid_id]).fetchone()
            for cell in () if known else cells:
                _insert(connection, "cells", cell | {"grid_id": grid_id})
        return grid_id

    def put_back(self, grid_ids, *, failed=False, without_predictions=False):
        """Have cells computed again: those that failed, or whose predictions were not kept."""
        if failed or without_predictions:
            with self.writing() as connection:
                connection.execute(
                    f"UPDATE cells SET state = 'waiting' WHERE grid_id IN ({_list(grid_ids)}) "
                    "AND (? AND state = 'failed' "
                    "OR ? AND state = 'done' AND id NOT IN (SELECT cell_id FROM predictions))",
                    [failed, without_predictions],
                )

    # -- workers -----------------------------------------------------------------------------------

    def join(self, n_jobs):
        """Become a worker, and give signs of life until :meth:`leave`."""
        row = dict(host=socket.gethostname(), pid=os.getpid(), n_jobs=n_jobs, started=time.time())
        with self.writing() as connection:
            self.worker = _insert(connection, "workers", row | {"pid_start": process_start(row["pid"])})
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self):
        while not self._stop.wait(BEAT):
            try:
                with self.writing() as connection:
                    connection.execute("UPDATE workers SET beat = beat + 1 WHERE id = ?", [self.worker])
            except StoreError as error:  # if it lasts, the next finished cell can't be stored and says so
                logger.warning(f"No sign of life in the store: {error}")

    def leave(self):
        """Give back what is not done."""
        self._stop.set()
        with self.writing() as connection:
            self._free(connection, self.worker)

    def _free(self, connection, worker):
        connection.execute(
            "UPDATE cells SET state = 'waiting', worker_id = NULL WHERE state = 'running' AND worker_id = ?",
            [worker],
        )
        connection.execute("UPDATE workers SET ended = ? WHERE id = ?", [time.time(), worker])

    def is_alive(self, worker):
        """Whether a worker that has not said that it ended still runs, by its row of the table workers."""
        if worker["host"] == socket.gethostname() and worker["pid_start"] is not None:
            return process_start(worker["pid"]) == worker["pid_start"]
        # by this computer's clock alone, as those of two may differ
        beat, since = self._signs.get(worker["id"], (None, 0))
        if worker["beat"] != beat:
            self._signs[worker["id"]] = worker["beat"], time.monotonic()
            return True
        return time.monotonic() - since < LEASE

    def claim(self, grid_ids, most=MappingProxyType({})):
        """Take the next job, also from a process that has died; or several that are done at once.

        ``most`` has the number of those by grid; no worker takes more than its share of them. Returns numbers
        of grid and cell of the cells to compute; None if none is waiting.
        """
        with self.writing() as connection:
            n_workers = 0
            for worker in connection.execute("SELECT * FROM workers WHERE ended IS NULL").fetchall():
                if worker["id"] != self.worker and not self.is_alive(worker):
                    self._free(connection, worker["id"])
                else:
                    n_workers += worker["n_jobs"]
            first = connection.execute(
                f"SELECT grid_id, job FROM cells WHERE state = 'waiting' AND grid_id IN ({_list(grid_ids)}) "
                "LIMIT 1"
            ).fetchone()
            if first is None:
                return None
            grid_id, jobs = first["grid_id"], [first["job"]]
            if most.get(grid_id, 1) > 1:
                left = connection.execute(
                    "SELECT job, max(state = 'waiting') AS waits FROM cells WHERE grid_id = ? "
                    "AND state IN ('waiting', 'running') GROUP BY job ORDER BY job",
                    [grid_id],
                ).fetchall()
                share = -(-len(left) // max(1, n_workers))
                jobs = [row["job"] for row in left if row["waits"]][: min(most[grid_id], share)]
            cells = connection.execute(
                "UPDATE cells SET state = 'running', worker_id = ?, changed = ? WHERE grid_id = ? "
                f"AND job IN ({_list(jobs)}) AND state = 'waiting' RETURNING grid_id, number",
                [self.worker, time.time(), grid_id],
            ).fetchall()
        return sorted(map(tuple, cells))

    def count(self, grid_ids):
        """Number of cells by state, as a dict."""
        rows = self.read(
            f"SELECT state, count(*) FROM cells WHERE grid_id IN ({_list(grid_ids)}) GROUP BY state"
        )
        return dict.fromkeys(("waiting", "running", "done", "failed"), 0) | dict(map(tuple, rows))

    def remaining_seconds(self, grid_ids):
        """Time until all cells are done, by the mean time of those that were; None if it is not known."""
        rows = self.read(
            "SELECT sum(state IN ('waiting', 'running')), avg(CASE state WHEN 'done' THEN seconds END) "
            f"FROM cells WHERE grid_id IN ({_list(grid_ids)}) GROUP BY grid_id"
        )
        known = [mean for _, mean in rows if mean is not None]
        workers = self.read("SELECT * FROM workers WHERE ended IS NULL")
        n_jobs = sum(worker["n_jobs"] for worker in workers if self.is_alive(worker))
        if not known or not n_jobs:
            return None
        usual = sum(known) / len(known)
        return sum(n_left * (usual if mean is None else mean) for n_left, mean in rows) / n_jobs

    # -- results -----------------------------------------------------------------------------------

    def finish(self, grid_id, number, *, result=None, error=None, predictions=None):
        """Store a finished cell, unless another process has done so.

        ``result`` are columns of the table cells; ``error`` is type, message and traceback.
        """
        columns = dict(result or {}) | {
            "state": "done" if error is None else "failed",
            "changed": time.time(),
            "worker_id": self.worker,
        }
        with self.writing() as connection:
            cell = connection.execute(
                f"UPDATE cells SET {', '.join(f'{name} = ?' for name in columns)} "
                "WHERE grid_id = ? AND number = ? AND state != 'done' RETURNING id",
                [*columns.values(), grid_id, number],
            ).fetchone()
            if cell is None:
                return
            connection.execute("DELETE FROM errors WHERE cell_id = ?", [cell["id"]])
            if error is not None:
                connection.execute("INSERT INTO errors VALUES (?, ?, ?, ?)", [cell["id"], *error])
            if predictions is not None:
                row = {"cell_id": cell["id"], "content": predictions}
                _insert(connection, "predictions", row, "OR REPLACE")


def _find_or_insert(connection, table, row, key):
    """The id of a row, which is added if there is none with this key."""
    _insert(connection, table, row, "OR IGNORE")
    where = " AND ".join(f"{name} = :{name}" for name in key)
    return connection.execute(f"SELECT id FROM {table} WHERE {where}", row).fetchone()["id"]


def _insert(connection, table, row, otherwise=""):
    """Add a row, a dict by column, and return its id."""
    values = ", ".join(f":{name}" for name in row)
    query = f"INSERT {otherwise} INTO {table} ({', '.join(row)}) VALUES ({values})"
    return connection.execute(query, row).lastrowid


def _list(numbers):
    return ", ".join(str(int(number)) for number in numbers)


def _explain(error):
    """What an error of SQLite means, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    advice = {
        sqlite3.SQLITE_FULL: "The disk is full. Free some space",
        sqlite3.SQLITE_IOERR: "The disk is full, over its quota, or does not answer. Look after it",
        sqlite3.SQLITE_BUSY: f"Another program has kept it locked for {BUSY} s. Close that program",
        sqlite3.SQLITE_READONLY: "It, or its folder, may not be written. Change its permissions",
        sqlite3.SQLITE_CANTOPEN: "It can't be opened. Look whether its folder exists and may be written",
    }
    if code in advice:
        return f"{advice[code]}, and start again: what is in it stays, and the rest is computed then."
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return "It is no SQLite file, or a damaged one. Name another file, or restore a copy."
    return "SQLite refuses it."
