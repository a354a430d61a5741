"""Cross-validate a classifier: split, fit and predict, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import pairwise
from numbers import Integral, Real
from typing import Literal

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from mne.utils import logger
from numpy.typing import ArrayLike
from sklearn import clone
from sklearn.base import BaseEstimator, is_regressor
from sklearn.metrics import get_scorer
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from ..estimators.together import n_together
from ..metrics.scores import METRICS
from ..samples.columns import check_classes, check_column
from ..samples.inputs import as_samples
from ..samples.types import Samples, Splitter
from ..samples.view import EpochsView
from ..utils.warn import warn
from .failures import FoldError, FoldsFailedWarning
from .folds import describe_error, describe_fold, run_folds
from .probes import judge_probes, make_probes, probe_estimator, time_probe
from .result import Evaluation
from .splits import make_splits, mixed_column, warn_of_mixing_searches, warn_of_overlap, warn_of_prefit


def evaluate(
    estimator: BaseEstimator,
    X: Samples,
    y: ArrayLike | None = None,
    *,
    groups: str | ArrayLike | None = None,
    cv: Splitter = 5,
    scoring: str | Sequence[str] = (),
    probes: bool = False,
    error_score: Literal["raise"] | float = np.nan,
    n_jobs: int | None = None,
    verbose: bool | None = None,
) -> Evaluation:
    """Cross-validate a classifier on epochs.

    In each fold, a clone of the classifier is fitted on the training part and used to predict the test part.

    Parameters
    ----------
    estimator : scikit-learn classifier or Pipeline
        Any classifier with ``fit``, ``predict`` and, for the ROC curve, ``predict_proba`` or
        ``decision_function``. It is not modified.
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, ...)
        The samples. Epochs are wrapped in an :class:`~mne_cnnclass.EpochsView`.
    y : None | array-like, shape (n_samples,)
        The class of each sample: strings, integers or booleans. ``None`` uses the labels of the view.
    groups : None | str | array-like, shape (n_samples,)
        The group (subject, patient, session …) of each sample: an array, or the name of a metadata column of
        epochs. ``None`` uses the groups of the view, if it has any. The groups are passed to the splitter,
        to ``fit`` if the classifier accepts ``groups`` and, with epochs, to every step of a Pipeline.
    cv : int | scikit-learn splitter | iterable of (train, test)
        The splitting strategy, by default 5 folds. An integer is the number of folds of a
        ``StratifiedGroupKFold`` if there are groups, which keeps each group on one side, or else of a
        ``StratifiedKFold``. Neither is shuffled: the folds are reproducible, identical to those of
        scikit-learn's own functions, and consecutive epochs of a recording, which are similar, mostly fall on
        the same side. An iterable yields the indices of the training and test samples of each fold.
    scoring : str | list of str
        Names of additional scikit-learn scorers (:func:`sklearn.metrics.get_scorer_names`), computed in each
        fold. By default, there are none.
    probes : bool
        Whether to also evaluate confound probes on the same splits: simple models of what should carry no
        information about the classes, namely eye movements, muscle activity, order in the recording, drifts
        in time, channel quality, the time before the event, and the group. See
        :func:`~mne_cnnclass.evaluation.make_probes`. Their scores are in ``result.probes``. Default is False.
    error_score : "raise" | float
        What to do if a fold fails, as in :func:`sklearn.model_selection.cross_validate`: raise the error at
        once, or keep the other folds and give every score of this one a value. By default it is NaN, and the
        fold is left out of the scores. Metrics over the predictions of all folds never include it.
    n_jobs : None | int
        Number of folds to fit in parallel. ``None`` means 1; ``-1`` means all cores. Each fold is computed
        with one thread of BLAS, OpenMP and torch, unless its estimator has a number of its own, such as
        ``n_threads``. Networks of several folds on few samples are trained together in one process, which
        changes no bit of the result.
    verbose : None | bool
        Whether to show a progress bar over the folds. ``None`` does not.

    Returns
    -------
    result : Evaluation
        The result, with scores, predictions and figures.

    Raises
    ------
    TypeError
        If ``estimator`` is not a classifier.
    ValueError
        If there are fewer than two samples, if labels or groups are missing, NaN or of the wrong length, if a
        fold has no test samples, only one class in its training part, or samples in both parts, or if a
        scorer is unknown.

    Warns
    -----
    FitFailedWarning
        If some folds fail; ``result.folds`` has the error and the traceback of each. If all folds fail, the
        error of the first is raised, of its own class and with its traceback. Ctrl-C, or a killed process,
        ends the evaluation: completed folds are kept, and the others are reported as failed.
    UserWarning
        If a group, overlapping windows, or samples of equal values (copies, oversampling before the split)
        are on both sides of a fold; if there are no groups, and the metadata column ``patient``, ``subject``
        or ``record`` shows that one is; if there are groups and the inner folds of a parameter search split
        them up; or if a step was fitted beforehand.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from mne_cnnclass import evaluate
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["left", "right"], 20)
    >>> X = rng.standard_normal((40, 3)) + 2 * (y == "right")[:, None]
    >>> evaluate(LinearDiscriminantAnalysis(), X, y)
    <Evaluation | 40 samples, 5 folds | left: 20, right: 20 | chance accuracy 0.50>
                         mean     sd  pooled    low   high  chance  n_folds
    accuracy            0.950  0.112   0.950  0.875  1.000   0.500        5
    ...
    """
    if isinstance(estimator, type) or not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
        raise TypeError(f"estimator must be an instance of a scikit-learn classifier, got {estimator!r}.")
    if is_regressor(estimator):
        raise TypeError(f"estimator must be a classifier, got the regressor {estimator!r}.")
    if error_score != "raise" and not isinstance(error_score, Real):
        raise ValueError(f'error_score must be "raise" or a number, got {error_score!r}.')
    X, y, groups = check_samples(X, y, groups)
    view = X if isinstance(X, EpochsView) else None
    scorers = {name: get_scorer(name) for name in _names(scoring)}
    splits = make_splits(cv, X, y, groups)
    mixed = mixed_column(view, splits) if groups is None else None
    n_overlap = warn_of_overlap(view, splits, mixed)
    if mixed and not n_overlap and isinstance(cv, Integral):  # other splits may be meant so
        warn(
            f"There are no groups, and samples of one {mixed} are both trained and tested on, so the scores "
            f"say little about a new {mixed}. Give groups={mixed!r}, which keeps each on one side.",
            UserWarning,
        )
    warn_of_prefit(estimator)
    if groups is not None:
        warn_of_mixing_searches(estimator)
    found = {}
    if probes:  # what can't be measured is known before the training
        found = make_probes(X, groups) | {"time": time_probe(X, y, groups)}
    how = {"splits": splits, "error_score": error_score}
    result = _cross_validate(estimator, X, y, groups, **how, scorers=scorers, n_jobs=n_jobs, verbose=verbose)
    if not probes:
        return result
    scored = {
        name: _score_probe(probe, y, groups, **how)
        for name, probe in found.items()
        if probe.features is not None
    }
    return replace(result, probes=judge_probes(result, found, scored))


def _score_probe(probe, y, groups, splits, error_score):
    """Cross-validate a probe on the same splits, of the samples that it looks at."""
    if probe.target is None:
        return _cross_validate(
            probe_estimator(), probe.features, y, groups, splits=splits, error_score=error_score
        )
    rows = np.flatnonzero(probe.target != "")
    number = np.full(len(y), -1)
    number[rows] = np.arange(len(rows))
    splits = [[part[part >= 0] for part in (number[train], number[test])] for train, test in splits]
    splits = [split for split in splits if all(map(len, split))]
    groups = None if groups is None else groups[rows]
    features, target = probe.features[rows], probe.target[rows]
    return _cross_validate(probe_estimator(), features, target, groups, splits=splits, error_score=np.nan)


def check_samples(X, y, groups):
    """Samples as a view or an array, with a label and, if there are any, a group each."""
    X = as_samples(X)
    if isinstance(X, EpochsView):
        y = X.labels if y is None else y
        # also for the steps of a Pipeline that ask samples for their groups
        X = X if groups is None else EpochsView(X, groups=groups)
        groups = X.groups
    else:
        X = np.asarray(X)
        if X.ndim == 0:
            raise TypeError(f"X must be Epochs or an array with a row a sample, got {X[()]!r}.")
        if y is None:
            raise ValueError("y=None takes the labels of Epochs; with an array X, give y.")
    if len(X) < 2:
        raise ValueError(f"Cross-validation needs at least 2 samples, got {len(X)}.")
    y = check_column(y, "y", len(X))
    groups = None if groups is None else check_column(groups, "groups", len(X))
    check_classes(y)
    return X, y, groups


def _cross_validate(estimator, X, y, groups, *, splits, error_score, scorers=None, n_jobs=None, verbose=None):
    """The result of given folds, without a look at how they were split."""
    classes, raises = np.unique(y), error_score == "raise"
    error_score = np.nan if raises else float(error_score)
    jobs = (
        delayed(run_folds)(
            *(clone(estimator), X, y, groups, classes, scorers or {}, folds),
            raises=raises,
            verbose=logger.level,  # of MNE, which is not known in other processes unless it is handed on
        )
        for folds in _chunks(estimator, X, splits, n_jobs)
    )
    done = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs)
    bar = tqdm(total=len(splits), desc="Cross-validation", unit="fold", disable=not verbose)
    results, errors = {}, {}
    try:
        for ended, stop in done:
            for row, *tables, failure in ended:
                results[row["fold"]] = row, *tables
                if failure is not None:
                    errors[row["fold"]] = failure.error
                bar.update()
            if stop is not None:
                raise stop
    except FoldError as failure:
        results = errors = {0: failure.error}
    except (KeyboardInterrupt, BrokenProcessPool) as stop:
        if len(errors) == len(results):
            raise
        for fold, (train, test) in enumerate(splits):
            row = describe_fold(y, fold, train, test) | describe_error(stop)
            results.setdefault(fold, (row, None, None))
    finally:
        bar.close()
    if len(errors) == len(results):
        raise errors[min(errors)]
    rows, predictions, histories = zip(*(results[fold] for fold in range(len(splits))), strict=True)
    folds = pd.DataFrame(rows)
    failed = folds[folds["error"].notna()]
    if len(failed):
        numbers = ", ".join(map(str, failed["fold"]))
        are = "are left out of the scores" if np.isnan(error_score) else f"count as {error_score:g}"
        warn(
            f"{len(failed)} of {len(folds)} folds failed and {are} (fold {numbers}), the first with: "
            f"{failed['error'].iloc[0]}",
            FoldsFailedWarning,
        )
    has_history = any(history is not None for history in histories)
    return Evaluation(
        predictions=pd.concat(predictions, ignore_index=True),
        folds=folds,
        classes=classes,
        histories=pd.concat(histories, ignore_index=True) if has_history else None,
        estimator=clone(estimator),
        view=X if isinstance(X, EpochsView) else None,
        error_score=error_score,
    )


def _chunks(estimator, X, splits, n_jobs):
    """Folds, each with its number, in lists of those whose networks are trained at once in one process."""
    folds = [(fold, *split) for fold, split in enumerate(splits)]
    most = n_together(estimator, max(len(train) for train, _ in splits), X.shape[1:])
    n_chunks = max(-(-len(folds) // most), min(effective_n_jobs(n_jobs), len(folds)))
    edges = [len(folds) * chunk // n_chunks for chunk in range(n_chunks + 1)]
    return [folds[start:stop] for start, stop in pairwise(edges)]


def _names(scoring):
    """Names of scorers; a scorer itself has none to be shown under."""
    names = [scoring] if isinstance(scoring, str) else scoring
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise TypeError(
            "scoring must be a name or a list of names (sklearn.metrics.get_scorer_names()), got "
            f"{scoring!r}. Metrics of your own can be computed from result.predictions."
        )
    known = [name for name in names if name in METRICS]
    if known:
        raise ValueError(f"scoring names {known}, which every evaluation has already. Leave them out.")
    return names
