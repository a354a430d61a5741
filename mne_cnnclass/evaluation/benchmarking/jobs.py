"""Compute folds: fit, predict and score, in any process."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from time import perf_counter

import mne
import numpy as np
from sklearn import clone
from sklearn.pipeline import Pipeline

from ...metrics.scores import score_predictions
from ..folds import describe_fold, fit_and_predict, fit_params
from .machine import peak_memory
from .packing import encode_label, pack
from .sources import Dataset


@dataclass(frozen=True)
class Job:
    """Folds that are computed together, with all that is needed for it.

    Each of ``cells`` is the number of the grid and of the cell, the seed, and the `Split`; ``log_level`` is
    MNE's.
    """

    estimator: object
    data: Dataset
    cells: list
    keep_predictions: bool
    log_level: int


def run_job(job):
    """Fit and score the folds of a job: for each its grid, its number, and what `Store.finish` takes."""
    with mne.use_log_level(job.log_level):
        start = perf_counter()
        _, _, seed, split = job.cells[0]
        before = split.before
        estimator = seeded(job.estimator, seed)
        pretrain = {"n_pretrain": None if before is None else len(before)}
        shared = before is not None and _ends_in_network(estimator)
        if shared:
            try:
                estimator = _pretrain(estimator, job.data, before)
            except Exception as error:  # of any kind: other folds must not be lost
                return [(grid_id, n, {"error": describe_error(error)}) for grid_id, n, *_ in job.cells]
            pretrain["pretrain_time"] = perf_counter() - start
        finished = []
        share = (perf_counter() - start) / len(job.cells)
        for grid_id, number, seed, split in job.cells:
            began = perf_counter()
            fresh = clone(estimator) if shared else seeded(job.estimator, seed)
            train = split.train if shared or before is None else np.concatenate([before, split.train])
            try:
                result, predictions = _run_cell(fresh, job.data, train, split.test)
                seconds = share + perf_counter() - began
                result |= pretrain | {"n_train": len(split.train), "seconds": seconds}
                outcome = {"result": result, "predictions": predictions if job.keep_predictions else None}
            except Exception as error:
                outcome = {"error": describe_error(error)}
            finished.append((grid_id, number, outcome))
    return finished


def seeded(estimator, seed):
    """A copy whose parts without a random state have one that follows from a seed."""
    estimator = clone(estimator)
    unset = [name for name, value in estimator.get_params().items() if value is None]
    names = sorted(name for name in unset if name.rpartition("__")[2] == "random_state")
    drawn = np.random.RandomState(seed).randint(2**31 - 1, size=len(names))
    estimator.set_params(**dict(zip(names, drawn.tolist(), strict=True)))
    return estimator


def _ends_in_network(estimator):
    from ...estimators.cnn import CNNClassifier

    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    return isinstance(estimator, CNNClassifier)


def _pretrain(estimator, data, rows):
    from ...estimators.fine_tuned import FineTunedClassifier

    groups = _groups(data, rows)
    params = fit_params(estimator, None if groups is None else groups[rows])
    return FineTunedClassifier(estimator.fit(data.X[rows], data.y[rows], **params))


def _groups(data, rows):
    """Groups to keep whole, unless there is only one."""
    groups = data.X.groups
    return None if groups is None or len(np.unique(groups[rows])) < 2 else groups


def _run_cell(estimator, data, train, test):
    """Columns of the table cells, and packed predictions."""
    classes = np.unique(data.y)
    row = describe_fold(data.y, 0, train, test)
    row, predictions, _ = fit_and_predict(
        estimator, data.X, data.y, _groups(data, train), classes, {}, train, test, row
    )
    result = {name: row[name] for name in ("n_test", "fit_time", "score_time")}
    result |= {"most_frequent": encode_label(row["most_frequent"]), "peak_memory": peak_memory()}
    return result | score_predictions(predictions, classes), pack(predictions, classes, data.subjects)


def describe_error(error, message="{}"):
    """Class, message and traceback of the error that is being handled."""
    return type(error).__name__, message.format(error), traceback.format_exc()
