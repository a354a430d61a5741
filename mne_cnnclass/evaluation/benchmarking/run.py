"""Run the folds that a store lacks, and put each into it as soon as it is finished."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import product
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from joblib import effective_n_jobs
from mne.utils import logger
from sklearn import clone
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from ...estimators.together import n_together
from ...utils.numbers import check_number
from ...utils.warn import warn
from ..failures import FoldsFailedWarning
from ..splits import (
    refuse_shared,
    warn_of_copies,
    warn_of_mixed_groups,
    warn_of_overlap,
    warn_of_prefit,
)
from .cluster import check_client, n_threads, run_jobs_on
from .fingerprint import describe_pipeline, digest
from .jobs import Job, describe_error, run_job
from .plan import name_of_splits, plan_splits
from .results import Benchmark
from .sources import as_dataset
from .store import Store

if TYPE_CHECKING:
    from distributed import Client
    from sklearn.base import BaseEstimator

    from ...samples.types import Dataset, PathLike, Splits


POLL = 1.0  # s between looks at cells that another process runs
REFRESH = 5.0  # s between estimates of the end


def benchmark(
    pipelines: Mapping[str, BaseEstimator],
    datasets: Mapping[str, Dataset],
    *,
    splits: Splits | Sequence[Splits] = "cross-subject",
    store: PathLike,
    n_folds: int = 5,
    random_state: int = 0,
    n_jobs: int | None = None,
    client: Client | None = None,
    keep_predictions: bool = False,
    retry: bool = False,
    verbose: bool | None = None,
) -> Benchmark:
    """Evaluate pipelines on data sets, and store the result of each fold in a file that survives a crash.

    Each fold of each pipeline on each data set is a row in the store, written as soon as it is finished.
    Calling the function again with the same arguments resumes where it stopped, even after the process or the
    computer crashed. Folds for which anything changed (code, parameters, versions, data, splits, seed) are
    computed again; the old rows are kept. Several processes may work on the same store, and share the folds
    among them.

    Parameters
    ----------
    pipelines : dict of str to scikit-learn classifier
        The pipelines by name.
    datasets : dict of str to EpochsView | mne.Epochs | list of mne.Epochs | path-like | dict | callable
        The data sets by name. Each is given as Epochs; a file of Epochs, or a pattern for several, such as
        ``"epochs/sub-*-epo.fif"``, whose data are read from disk as needed; a dict like a table in a config
        file (``docs/guide/scaling.md``), such as ``dict(bids=root, tmin=1.0, tmax=4.0)``,
        ``dict(wfdb=folder, cut="heartbeats")`` or ``dict(moabb="PhysionetMI", paradigm="LeftRightImagery")``;
        or a function without arguments that returns any of these, for instance with
        :func:`~mne_cnnclass.preprocessing.make_epochs`. Subjects and sessions are taken from the metadata
        columns ``subject`` and ``session``; without a column ``subject``, the groups of a view are the
        subjects.
    splits : str | scikit-learn splitter | list of these
        How to split each data set into training and test samples. Default is ``"cross-subject"``.

        - ``"within-session"``: ``n_folds`` folds of each session of each subject or, without sessions, of
          each subject. Smaller groups, such as trials that several windows were cut from, stay together.
        - ``"cross-session"``: tests each session of a subject, after training on the other sessions of that
          subject.
        - ``"cross-subject"``: ``n_folds`` folds; all samples of a subject are in the same fold.
        - ``"leave-one-subject-out"``: tests each subject, after training on all others.
        - ``"transfer"``: the folds of ``"within-session"``, with pipelines that also learn from all other
          subjects. A pipeline that ends in a CNNClassifier is trained on the other subjects once per subject,
          and fine-tuned in each fold (:class:`~mne_cnnclass.FineTunedClassifier`). Any other pipeline is
          trained on the other subjects and the training samples of the fold together.
        - ``"learning-curve"``: the folds of ``"within-session"``, each trained on increasing parts of its
          training samples, in five sizes from a few samples to the size of the smallest training part.
        - a splitter, which receives the labels and groups of the data set. An iterable of (train, test)
          indices can be converted to one with `sklearn.model_selection.check_cv`.

        As in :func:`~mne_cnnclass.evaluate`, folds are not shuffled.
    store : path-like
        The results file, an SQLite database. It is created if it does not exist.
    n_folds : int
        Number of folds, for the splits that have folds. Default is 5.
    random_state : int
        Seed. Every ``random_state`` in a pipeline that is None is set to a seed derived from this one and the
        samples of the fold, so that results depend neither on the order of the folds nor on ``n_jobs``.
        Default is 0.
    n_jobs : None | int
        Number of folds to run in parallel. ``None`` means 1; ``-1`` means all cores. As in
        :func:`~mne_cnnclass.evaluate`, each is computed with one thread, and several on few samples may be
        trained together.
    client : None | dask.distributed.Client
        A Dask cluster to run the folds on, instead of ``n_jobs`` (requires the extra ``dask``, see
        ``docs/guide/scaling.md``). Only this process writes to the store.
    keep_predictions : bool
        Whether to store the predictions of each fold, which :meth:`Benchmark.evaluation` needs. Folds that
        were computed without storing predictions are computed again. Default is False.
    retry : bool
        Whether to run folds that failed again. Default is False.
    verbose : None | bool
        Whether to show a progress bar with the running folds and the expected end. ``None`` does not.

    Returns
    -------
    result : Benchmark
        The results in the store.

    Raises
    ------
    TypeError
        If a pipeline, data set, splitter or client is of the wrong type.
    ValueError
        If there are not the subjects, sessions or samples that the splits need, or if both ``n_jobs`` and
        ``client`` are given.
    RuntimeError
        If the scheduler of the cluster is gone, or if its workers have other package versions or can't read
        the data. Finished folds are in the store.
    StoreError
        If the store can't be read or written because the disk is full, or because the file is locked,
        read-only or not a store. Its content stays intact.

    Warns
    -----
    UserWarning
        If folds failed and, as in :func:`~mne_cnnclass.evaluate`, if overlapping windows or samples of equal
        values are on both sides of a fold, or if a step was fitted beforehand.

    Notes
    -----
    A fold that fails is stored with its error (:meth:`Benchmark.errors`) and does not stop the others. If
    another process is running folds of the same benchmark, this one waits for them, and takes them over if
    the other process dies. ``docs/guide/scaling.md`` describes the tables of the store, and what counts as a
    change.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from mne.decoding import Vectorizer
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from mne_cnnclass import EpochsView, benchmark, datasets
    >>> view = EpochsView(datasets.load_sample("train"))[::6]
    >>> view = EpochsView(view, groups=np.arange(len(view)) % 4)
    >>> logistic = make_pipeline(Vectorizer(), LogisticRegression())
    >>> pipelines = {"guess": DummyClassifier(), "logistic": logistic}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     benchmark(pipelines, {"cursor": view}, store=f"{folder}/results.sqlite", n_folds=2)
    <Benchmark | 4 done, 0 running, 0 failed, 0 waiting>
    ...
    """
    _check_arguments(pipelines, datasets, random_state, n_jobs, client)
    random_state = int(random_state)
    splits = splits if isinstance(splits, (list, tuple)) else [splits]
    described = {name: describe_pipeline(estimator) for name, estimator in pipelines.items()}
    load = _loader(datasets)
    with closing(Store(store, create=True)) as filled:
        grids = {}
        for name, kind in product(datasets, splits):
            plan = _plan(load(name)[0], kind, n_folds)
            kind, cells = name_of_splits(kind), _cells(plan, random_state)
            indices = digest([split.fingerprint for split in plan])
            grid = {"splits": kind, "indices": indices, "random_state": random_state}
            for pipeline, estimator in pipelines.items():
                names = {"pipeline": pipeline, "dataset": name, "splits": kind}
                grid_id = filled.add_grid(names, described[pipeline], load(name)[1], grid, cells)
                n_at_once = _n_jobs_at_once(estimator, plan, load(name)[0].X.shape[1:])
                grids[grid_id] = Grid(names, clone(estimator), plan, cells, n_at_once)
        filled.put_back(grids, failed=retry, without_predictions=keep_predictions)
        try:
            _fill(filled, grids, load, keep_predictions, verbose, n_jobs=n_jobs, client=client)
        except KeyboardInterrupt as stop:
            stop.add_note(f"Finished folds are in {filled.path}, and the same call goes on from there.")
            raise
        counts = filled.count(grids)
    result = Benchmark(store)
    if counts["failed"]:
        warn(
            f"{counts['failed']} of {sum(counts.values())} folds failed; errors() tells why, and retry=True "
            "does them again.",
            FoldsFailedWarning,
        )
    return result


def _check_arguments(pipelines, datasets, random_state, n_jobs, client):
    for what, named in (("pipelines", pipelines), ("datasets", datasets)):
        if not isinstance(named, Mapping) or not named or not all(isinstance(name, str) for name in named):
            raise TypeError(f"{what} must be a dict by name, and not empty, got {named!r}.")
    for estimator in pipelines.values():
        if isinstance(estimator, type) or not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
            raise TypeError(f"Pipelines must be instances of scikit-learn classifiers, got {estimator!r}.")
        warn_of_prefit(estimator)
    check_number(random_state, "random_state", Integral)
    if client is not None:
        check_client(client)
        if n_jobs is not None:
            raise ValueError(f"Give either n_jobs or client, got n_jobs={n_jobs!r} and {client!r}.")


@dataclass(frozen=True)
class Grid:
    """The folds of one pipeline on one data set."""

    names: dict
    estimator: object
    plan: list
    cells: list
    n_at_once: int  # of its jobs, in one process


def _plan(data, kind, n_folds):
    """The folds of a data set, which may not share samples between training and test."""
    plan = plan_splits(data, kind, n_folds)
    pairs = [(split.train, split.test) for split in plan]
    refuse_shared(data.X, pairs)
    warn_of_overlap(data.X, pairs)
    learnt = [split.train if split.before is None else np.r_[split.before, split.train] for split in plan]
    warn_of_copies(data.X, [(rows, split.test) for rows, split in zip(learnt, plan, strict=True)])
    if not isinstance(kind, str):  # a splitter; the named kinds say what they mix
        warn_of_mixed_groups(data.X.groups, pairs)
    return plan


def _loader(sources):
    """A function that makes a data set and describes it; of them all, the last alone stays in memory."""
    fingerprints = {}

    @lru_cache(maxsize=1)
    def load(name):
        data = as_dataset(name, sources[name])
        about = data.describe()
        if fingerprints.setdefault(name, about["fingerprint"]) != about["fingerprint"]:
            raise ValueError(
                f"Data set {name!r} is not the same as when this benchmark began. Start it again, and "
                "make sure that what makes the data set always gives the same."
            )
        return data, about

    return load


def _cells(plan, random_state):
    """What the store notes of each fold before it is computed."""
    cells, jobs = [], {}
    for number, split in enumerate(plan):
        # folds that share what was learnt before are one job, with one seed
        decisive = split.fingerprint if split.before is None else split.before.tolist()
        shared = number if split.before is None else split.before.tobytes()
        seed = int(digest([random_state, decisive])[:8], 16) >> 1
        about = {name: getattr(split, name) for name in ("subject", "session", "fold", "size")}
        cells.append({"number": number, "job": jobs.setdefault(shared, number), "seed": seed} | about)
    return cells


def _n_jobs_at_once(estimator, plan, shape):
    """How many folds are one job to a process: several where their networks can be trained at once."""
    if any(split.before is not None for split in plan):
        return 1
    return n_together(estimator, max(len(split.train) for split in plan), shape)


def _fill(store, grids, load, keep_predictions, verbose, **where):
    """Compute the folds that wait, until all are finished by this process or by others."""
    store.join(effective_n_jobs(where["n_jobs"]) if where["client"] is None else n_threads(where["client"]))
    try:
        with closing(_Progress(store, grids, verbose)) as progress:
            while True:
                _work(store, grids, load, keep_predictions, progress, **where)
                left = store.count(grids)
                if not left["waiting"] and not left["running"]:
                    break
                progress.show()
                time.sleep(POLL)  # other processes run the rest, or have just died
    finally:
        store.leave()


def _work(store, grids, load, keep_predictions, progress, **where):
    """Compute the folds that wait, and store each as soon as it is finished."""
    failures = []
    most = {grid_id: grid.n_at_once for grid_id, grid in grids.items()}

    def claimed():
        # joblib takes jobs in a thread of its own, where an error would be lost
        try:
            while not failures and (cells := store.claim(list(grids), most)):
                progress.started(cells)
                grid = grids[cells[0][0]]
                planned = [(grid_id, n, grid.cells[n]["seed"], grid.plan[n]) for grid_id, n in cells]
                data, _ = load(grid.names["dataset"])
                yield Job(grid.estimator, data, planned, keep_predictions, logger.level)
        except Exception as error:
            failures.append(error)

    try:
        for finished, stop in run_jobs(claimed(), **where):
            for grid_id, number, outcome in finished:
                store.finish(grid_id, number, **outcome)
                progress.finished((grid_id, number))
            if stop is not None:
                raise stop
    except BrokenProcessPool as error:
        # which of the running folds is to blame is not known
        message = "A process was killed while this ran, probably as memory was short: {}"
        for cell in [*progress.running]:
            store.finish(*cell, error=describe_error(error, message))
            progress.finished(cell)
    if failures:
        raise failures[0]


def run_jobs(jobs, *, n_jobs=None, client=None):
    """Run an iterator of jobs in parallel, here or on a cluster; yields what `run_job` returns."""
    if client is not None:
        yield from run_jobs_on(client, jobs)
        return
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", pre_dispatch="n_jobs", batch_size=1)
    yield from parallel(delayed(run_job)(job) for job in jobs)


class _Progress:
    """What this process is running, and a bar that shows it and when all will end."""

    def __init__(self, store, grids, verbose):
        self._store, self._grids, self.running, self._shown = store, grids, set(), 0.0
        counts = store.count(grids)
        self._bar = tqdm(
            desc="Benchmark",
            unit="fold",
            total=sum(counts.values()),
            initial=counts["done"] + counts["failed"],
            disable=not verbose,
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]",
        )

    def close(self):
        self._bar.close()

    def started(self, cells):
        self.running.update(cells)
        self.show()

    def finished(self, cell):
        self.running.discard(cell)
        self._bar.update()

    def show(self):
        """Show what is running, at most every `REFRESH` seconds."""
        if self._bar.disable or time.monotonic() - self._shown < REFRESH:
            return
        self._shown = time.monotonic()
        counts = self._store.count(self._grids)
        self._bar.n = counts["done"] + counts["failed"]  # of other processes, too
        names = {" / ".join(self._grids[grid_id].names.values()) for grid_id, _ in self.running}
        seconds = self._store.remaining_seconds(self._grids)
        end = "" if seconds is None else f", ends {datetime.now() + timedelta(seconds=seconds):%a %H:%M}"
        self._bar.set_postfix_str(f"{', '.join(sorted(names)) or 'other processes'}{end}")
