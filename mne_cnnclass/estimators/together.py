"""Fits that hand over what there is to train, so that the networks of several are trained as one program.

Such a fit is a generator: it yields a `Request` and goes on when that has its outcomes. Nothing that belongs
to the process (random states, torch's lock, MNE's log level) may be held where it yields, as other fits run
meanwhile.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from time import perf_counter

from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

# Of the standardised copies of samples of all fits at once; what the fits hold besides is several times that.
TOGETHER_BYTES = 2**26
MOST_TOGETHER = 32  # fits: what is lost at most if their process is killed


@dataclass(eq=False)
class Request:
    """Trainings that a fit asks for, and what became of them: see `train_all`."""

    trainings: list
    device: object
    n_threads: int | None
    outcomes: list = field(default_factory=list)
    seconds: float = 0.0  # the share of the time in which they were trained with others


def run_alone(fit):
    """Run a fit, and return what it returns."""
    try:
        while True:
            _train([next(fit)])
    except StopIteration as end:
        return end.value


def run_together(fits):
    """Run fits in lockstep, and train at once what they ask for at the same time.

    Yields the number of each, what it returned, and None or its error, as soon as it has ended; fits after
    one that Ctrl-C has ended are given up.
    """
    running = dict(enumerate(fits))
    try:
        while running:
            requests = []
            for number in list(running):
                value = error = None
                try:
                    requests.append(next(running[number]))
                    continue
                except StopIteration as end:
                    value = end.value
                except (Exception, KeyboardInterrupt) as stop:
                    error = stop.with_traceback(stop.__traceback__.tb_next)  # without this frame
                del running[number]
                yield number, value, error
                if isinstance(error, KeyboardInterrupt):
                    return
                value = error = None  # nothing of it stays in memory while others are trained
            if requests:
                _train(requests)
    finally:
        for fit in running.values():
            fit.close()


def _train(requests):
    """Train what several fits ask for, all those at once that have a device and number of threads."""
    from ..networks.training import torch_session, train_all

    alike = {}
    for request in requests:
        alike.setdefault((request.device, request.n_threads), []).append(request)
    for (device, n_threads), same in alike.items():
        start = perf_counter()
        trainings = [training for request in same for training in request.trainings]
        with torch_session(None, n_threads=n_threads, device=device):
            outcomes = iter(train_all(trainings, device=device))
        share = (perf_counter() - start) / len(trainings)
        for request in same:
            request.outcomes = [next(outcomes) for _ in request.trainings]
            request.seconds = share * len(request.trainings)


def timed(fit):
    """A fit that also returns its time in s: what it ran, and its share of what was trained with others."""
    seconds = 0.0
    while True:
        start = perf_counter()
        try:
            request = next(fit)
        except StopIteration as end:
            return end.value, seconds + perf_counter() - start
        seconds += perf_counter() - start
        yield request
        seconds += request.seconds


# -- estimators --------------------------------------------------------------------------------------------


def hands_over(estimator):
    """Whether the networks of an estimator can be trained with those of others.

    That is so for one whose own ``fit`` runs its ``_fitting`` alone, and for a Pipeline that ends in one.
    """
    if type(estimator) is Pipeline:
        return not (get_config()["enable_metadata_routing"] or estimator.verbose) and hands_over(
            estimator[-1]
        )
    cls = next((cls for cls in type(estimator).__mro__ if "_fitting" in vars(cls)), None)
    return cls is not None and type(estimator).fit is cls.fit


def n_together(estimator, n_samples, shape):
    """How many fits on so many samples of a shape may be run together; 1 if there is nothing to gain."""
    if not hands_over(estimator):
        return 1
    last = estimator
    while isinstance(last, Pipeline):
        last = last[-1]
    n_bytes = 4 * last._n_copies() * n_samples * math.prod(shape)
    return min(max(TOGETHER_BYTES // n_bytes, 1), MOST_TOGETHER) if n_bytes else 1


def fitting(estimator, X, y, **params):
    """A fit of any estimator, which hands over what it can."""
    if not hands_over(estimator):
        estimator.fit(X, y, **params)
        return
    if isinstance(estimator, Pipeline):
        X, y, params = _fit_transformers(estimator, X, y, params)
        estimator = estimator[-1]
        yield from fitting(estimator, X, y, **params)
    else:
        yield from estimator._fitting(X, y, **params)


class _LastStep(BaseEstimator):
    """Keeps what the last step of a Pipeline would be fitted on."""

    def fit(self, X, y=None, **params):
        self.fitted_on = X, y, params
        return self


def _fit_transformers(pipeline, X, y, params):
    """Fit all steps but the last, as the Pipeline does; returns what the last one is to be fitted on."""
    stand_in, (name, last) = copy.copy(pipeline), pipeline.steps[-1]
    stand_in.steps = [*pipeline.steps[:-1], (name, _LastStep())]
    stand_in.fit(X, y, **params)
    pipeline.steps = [*stand_in.steps[:-1], (name, last)]
    return stand_in[-1].fitted_on
