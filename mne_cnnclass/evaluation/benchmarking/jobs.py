"""Compute folds: fit, predict and score, in any process."""

from __future__ import annotations

import traceback
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter

import mne
import numpy as np
from sklearn import clone
from sklearn.pipeline import Pipeline

from ...estimators.together import run_together, timed
from ...metrics.scores import score_predictions
from ...utils.threads import limit_threads
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
    """Fit and score the folds of a job; networks that can be trained at once are.

    Returns of each its grid, its number, and what `Store.finish` takes; and the Ctrl-C that stopped them, or
    None.
    """
    finished = []
    with limit_threads(1), mne.use_log_level(job.log_level):
        start = perf_counter()
        _, _, seed, split = job.cells[0]
        before, pretrained = split.before, None
        about = {"n_pretrain": None if before is None else len(before)}
        if before is not None and _ends_in_network(job.estimator):
            try:
                pretrained = _pretrain(seeded(job.estimator, seed), job.data, before)
            except Exception as error:  # of any kind: other folds must not be lost
                described = {"error": describe_error(error)}
                return [(grid_id, number, described) for grid_id, number, *_ in job.cells], None
            about["pretrain_time"] = perf_counter() - start
        share = (perf_counter() - start) / len(job.cells)
        fits = [_run_cell(job, pretrained, seed, split) for _, _, seed, split in job.cells]
        with closing(run_together(fits)) as ended:
            for i, outcome, stop in ended:
                if stop is not None:
                    return finished, stop
                if "result" in outcome:
                    outcome["result"] |= about
                    outcome["result"]["seconds"] += share
                finished.append((*job.cells[i][:2], outcome))
    return finished, None


def _run_cell(job, pretrained, seed, split):
    """What `Store.finish` takes of a fold, as `run_together` runs it."""
    try:
        train = split.train
        if pretrained is None and split.before is not None:
            train = np.concatenate([split.before, train])
        estimator = seeded(job.estimator, seed) if pretrained is None else clone(pretrained)
        (result, predictions), seconds = yield from timed(_score_cell(estimator, job.data, train, split.test))
    except Exception as error:
        return {"error": describe_error(error)}
    result |= {"n_train": len(split.train), "seconds": seconds}
    return {"result": result, "predictions": predictions if job.keep_predictions else None}


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


def _score_cell(estimator, data, train, test):
    """Columns of the table cells, and packed predictions; a generator, see `run_together`."""
    classes = np.unique(data.y)
    row = describe_fold(data.y, 0, train, test)
    predictions, _ = yield from fit_and_predict(
        estimator, data.X, data.y, _groups(data, train), classes, {}, train, test, row
    )
    result = {name: row[name] for name in ("n_test", "fit_time", "score_time")}
    result |= {"most_frequent": encode_label(row["most_frequent"]), "peak_memory": peak_memory()}
    return result | score_predictions(predictions, classes), pack(predictions, classes, data.subjects)


def describe_error(error, message="{}"):
    """Class, message and traceback of the error that is being handled."""
    return type(error).__name__, message.format(error), traceback.format_exc()
