"""Folds: fit a clone on the training part of each, predict its test part, and describe both."""

import traceback
from contextlib import closing
from time import perf_counter

import mne
import numpy as np
import pandas as pd
from sklearn import clone, get_config
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from ..estimators.together import fitting, run_together, timed
from ..metrics.scores import DECISION, PROBA, SCORER
from ..samples.blocks import numbered_in
from ..utils.threads import limit_threads
from .failures import FoldError


def run_folds(estimator, X, y, groups, classes, scoring, folds, *, raises, verbose):
    """Fit and predict some folds, each a number with samples to train on and to test; networks at once.

    Returns of each fold a row about it, tables of predictions and of the training history, and its
    `FoldError`, where the tables and the error are None where there are none; and the Ctrl-C that stopped
    them, or None. With ``raises`` the first error is raised.
    """
    rows = [describe_fold(y, *fold) for fold in folds]
    fits = [
        _run_fold(clone(estimator), X, y, groups, classes, scoring, train, test, row)
        for row, (_, train, test) in zip(rows, folds, strict=True)
    ]
    results, failure = [], None
    # the decorator mne.verbose would have all of this module pickled
    with limit_threads(1), mne.use_log_level(verbose), closing(run_together(fits)) as ended:
        for number, tables, error in ended:
            if isinstance(error, KeyboardInterrupt):
                return results, error
            failure = None if error is None else FoldError(error)
            if failure is None:
                results.append((rows[number], *tables, None))
            elif raises:
                break
            else:
                _free_memory(error)
                results.append((rows[number] | describe_error(error), None, None, failure))
    if failure is not None and raises:
        raise failure  # out here, where it has no context: the error itself may not survive a process
    return results, None


def _run_fold(estimator, X, *others):
    """A fold as `run_together` runs it."""
    with numbered_in(X):
        return (yield from fit_and_predict(estimator, X, *others))


def _free_memory(error):
    """Drop the variables of the functions that failed, which hold samples and networks; their lines stay."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def describe_fold(y, fold, train, test):
    """The row about a fold that has not been fitted."""
    return {
        "fold": fold,
        "n_train": len(train),
        "n_test": len(test),
        "most_frequent": pd.Series(y[train]).mode()[0],
        "fit_time": np.nan,
        "score_time": np.nan,
        "error": None,
        "traceback": None,
    }


def describe_error(error):
    """What a row says of an error."""
    return {
        "error": f"{type(error).__name__}: {error}",
        "traceback": "".join(traceback.format_exception(error)),
    }


def fit_and_predict(estimator, X, y, groups, classes, scoring, train, test, row):
    """Fit on the training part and predict the test part; a generator, see `run_together`.

    The row gets the times and scores; returns the tables of predictions and of the training history.
    """
    params = fit_params(estimator, None if groups is None else groups[train])
    _, fit_time = yield from timed(fitting(estimator, X[train], y[train], **params))
    fitted = perf_counter()
    if not hasattr(estimator, "classes_"):
        raise TypeError(f"evaluate needs a classifier, but {estimator!r} has no classes_ after fit.")
    table = {"fold": row["fold"], "sample": test, "y_true": y[test], "y_pred": estimator.predict(X[test])}
    if np.shape(table["y_pred"]) != test.shape:
        raise ValueError(
            f"estimator must predict one class a sample, shape {test.shape}, got {np.shape(table['y_pred'])}."
        )
    known = {*np.ravel(estimator.classes_).tolist(), *np.asarray(table["y_pred"]).tolist()}
    strange = known - {*classes.tolist()}
    if strange:
        raise ValueError(
            f"estimator knows or predicts {', '.join(sorted(map(repr, strange)))}, but y has only the "
            f"classes {classes.tolist()}. If it was fitted beforehand, evaluate it on samples of all of them."
        )
    if groups is not None:
        table["group"] = groups[test]
    table |= _predict_scores(estimator, X[test], classes)
    row |= {"fit_time": fit_time, "score_time": perf_counter() - fitted}
    row |= {f"{SCORER}{name}": scorer(estimator, X[test], y[test]) for name, scorer in scoring.items()}
    if hasattr(estimator, "best_params_"):
        row["best_params"] = estimator.best_params_
    history = getattr(_last_step(estimator), "history_", None)
    if not isinstance(history, pd.DataFrame):
        return pd.DataFrame(table), None
    return pd.DataFrame(table), history.assign(fold=row["fold"])[["fold", *history.columns]]


def fit_params(estimator, groups):
    """The groups under the name by which this estimator's ``fit`` takes them, if it does."""
    if groups is None:
        return {}
    if get_config()["enable_metadata_routing"]:
        asked_for = get_routing_for_object(estimator).consumes("fit", ["groups"])
    elif isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{key}": value for key, value in fit_params(last, groups).items()}
    else:
        # A parameter search has no argument of that name, but hands groups on to a splitter that asks for
        # them. Only the splitter is asked: RidgeClassifierCV, asked for its routing, never ends.
        asked_for = isinstance(estimator, BaseSearchCV) and get_routing_for_object(estimator.cv).consumes(
            "split", ["groups"]
        )
    return {"groups": groups} if asked_for or has_fit_parameter(estimator, "groups") else {}


def _predict_scores(estimator, X, classes):
    """A column a class: probabilities, else decision scores, else nothing."""
    if hasattr(estimator, "predict_proba"):
        prefix, absent, values = PROBA, 0.0, np.asarray(estimator.predict_proba(X), float)
    elif hasattr(estimator, "decision_function"):
        # A class that was not trained on gets the lowest score, as in cross_val_predict.
        prefix, absent = DECISION, np.finfo(float).min
        if getattr(_last_step(estimator), "decision_function_shape", None) == "ovo" and len(classes) > 2:
            raise ValueError(
                "estimator must give one decision value a sample and class; decision_function_shape='ovo' "
                "gives one a pair of classes. Set decision_function_shape='ovr'."
            )
        values = np.asarray(estimator.decision_function(X), float)
        if values.ndim == 1:
            values = np.column_stack([-values, values])
    else:
        return {}
    if values.shape != (len(X), len(estimator.classes_)):
        raise ValueError(
            f"estimator must give one {prefix.rstrip('_')} value a sample and class, shape "
            f"{(len(X), len(estimator.classes_))}, got {values.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"estimator gives NaN or infinite {prefix.rstrip('_')} values; check its input.")
    far = np.abs(values.sum(axis=1) - 1) > 1e-3
    if prefix == PROBA and (far.any() or values.min() < 0):
        raise ValueError(
            "estimator.predict_proba must give values from 0 on, with a sum of 1 for each sample; "
            f"{far.sum()} of {len(X)} samples have another sum, and the lowest value is {values.min():.3g}."
        )
    columns = dict(zip(estimator.classes_.tolist(), values.T, strict=True))
    return {f"{prefix}{c}": columns.get(c, np.full(len(X), absent)) for c in classes.tolist()}


def _last_step(estimator):
    """The classifier at the end of Pipelines and searches."""
    if isinstance(estimator, Pipeline):
        return _last_step(estimator[-1])
    if hasattr(estimator, "best_estimator_"):
        return _last_step(estimator.best_estimator_)
    return estimator
