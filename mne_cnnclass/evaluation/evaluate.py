"""Cross-validate a classifier: split, fit and predict, fold by fold."""

from __future__ import annotations

import builtins
import warnings
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from numbers import Integral
from time import perf_counter
from typing import TYPE_CHECKING

import mne
import numpy as np
import pandas as pd
from mne.utils import logger
from sklearn import clone, get_config
from sklearn.base import is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter
from tqdm import tqdm

from ..columns import check_classes, check_column
from ..epochs_view import EpochsView
from ..input_arrays import check_kind
from ..samples import as_view, iter_blocks
from .metrics import DECISION, METRICS, PROBA, SCORER
from .probes import judge_probes, make_probes, probe_estimator
from .result import Evaluation

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.base import BaseEstimator

    from .._types import Samples, Splitter


def evaluate(
    estimator: BaseEstimator,
    X: Samples,
    y: ArrayLike | None = None,
    *,
    groups: str | ArrayLike | None = None,
    cv: Splitter = 5,
    scoring: str | Sequence[str] = (),
    probes: bool = False,
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
        information about the classes, namely eye movements, muscle activity, order in the recording, channel
        quality, the time before the event, and the group. See :func:`~mne_cnnclass.evaluation.make_probes`.
        Their scores are in ``result.probes``. Default is False.
    n_jobs : None | int
        Number of folds to fit in parallel. ``None`` means 1; ``-1`` means all cores.
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
    UserWarning
        If a group, or overlapping windows, are on both sides of a fold; if there are no groups, and the
        metadata column ``patient`` or ``record`` shows that one is; if there are groups and the inner folds
        of a parameter search split them up; if a step was fitted beforehand; or if some folds fail. If all
        folds fail, the error of the first is raised. Ctrl-C, or a killed process, ends the evaluation:
        completed folds are kept, and the others are reported as failed.

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
    view = as_view(X)
    if view is None:
        X = np.asarray(check_kind(X))
        if X.ndim == 0:
            raise TypeError(f"X must be Epochs or an array with a row a sample, got {X[()]!r}.")
        if y is None:
            raise ValueError("y=None takes the labels of Epochs; with an array X, give y.")
    else:
        X, y = view, view.labels if y is None else y
        if isinstance(groups, str):
            view = EpochsView(view, groups=groups)
        groups = view.groups if groups is None or isinstance(groups, str) else groups
    if len(X) < 2:
        raise ValueError(f"Cross-validation needs at least 2 samples, got {len(X)}.")
    y = check_column(y, "y", len(X))
    groups = None if groups is None else check_column(groups, "groups", len(X))
    if view is not None and groups is not None:
        X = EpochsView(view, groups=groups)  # for the steps of a Pipeline that ask samples for their groups
    check_classes(y)

    scorers = {name: get_scorer(name) for name in _names(scoring)}
    classes = np.unique(y)
    splits = _split(cv, X, y, groups)
    mixed = _mixed_column(view, splits) if groups is None else None
    n_overlap = _warn_of_overlap(view, splits, mixed)
    if mixed and not n_overlap and isinstance(cv, Integral):  # other splits may be meant so
        warnings.warn(
            f"There are no groups, and samples of one {mixed} are both trained and tested on, so the scores "
            f"say little about a new {mixed}. Give groups={mixed!r}, which keeps each on one side.",
            UserWarning,
            stacklevel=2,
        )
    _warn_of_prefit(estimator)
    if groups is not None:
        _warn_of_mixing_searches(estimator)
    found = make_probes(X, groups) if probes else None  # what can't be measured is known before the training
    jobs = (
        # MNE's log level is not known in other processes unless it is handed on
        delayed(_run_fold)(
            clone(estimator), X, y, groups, classes, scorers, fold, train, test, verbose=logger.level
        )
        for fold, (train, test) in enumerate(splits)
    )
    done = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs)
    bar = tqdm(done, total=len(splits), desc="Cross-validation", unit="fold", disable=not verbose)
    results = []
    try:
        results.extend(bar)
    except (KeyboardInterrupt, BrokenProcessPool) as stop:
        if not results:
            raise
        done = {row["fold"] for row, *_ in results}
        for fold, (train, test) in enumerate(splits):
            if fold not in done:
                results.append((_describe_fold(y, fold, train, test) | _describe_error(stop), None, None))
    results.sort(key=lambda result: result[0]["fold"])

    rows, predictions, courses = zip(*results, strict=True)
    folds = pd.DataFrame(rows)
    _tell_of_failures(folds, X)
    histories = [course for course in courses if course is not None]
    result = Evaluation(
        predictions=pd.concat([table for table in predictions if table is not None], ignore_index=True),
        folds=folds.drop(columns="error_type"),
        classes=classes,
        histories=pd.concat(histories, ignore_index=True) if histories else None,
        estimator=clone(estimator),
        view=view,
    )
    return replace(result, probes=_score_probes(result, found, y, groups, splits)) if probes else result


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


def _score_probes(result, probes, y, groups, splits):
    """Scores of the probes on the same splits, and what they say about this result."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="In .* folds a group is on both sides")  # was said before
        scored = {
            name: evaluate(probe_estimator(), probe.features, y, groups=groups, cv=splits)
            for name, probe in probes.items()
            if probe.features is not None
        }
    return judge_probes(result, probes, scored)


def _tell_of_failures(folds, X):
    """Raise if no fold was fitted, warn if some were not."""
    failed = folds[folds["error"].notna()]
    if len(failed) == len(folds):
        first = folds.iloc[0]
        # an error of the same kind, as one from another process may not survive the way here
        kind = getattr(builtins, first["error_type"], RuntimeError)
        known = isinstance(kind, type) and issubclass(kind, Exception)
        text = _by_all_samples(first["error"], X)
        raise (kind if known else RuntimeError)(text.removeprefix(f"{first['error_type']}: " * known))
    if len(failed):
        numbers = ", ".join(map(str, failed["fold"]))
        warnings.warn(
            f"{len(failed)} of {len(folds)} folds failed and are left out of the scores (fold {numbers}), "
            f"the first with: {_by_all_samples(failed['error'].iloc[0], X)}",
            UserWarning,
            stacklevel=3,
        )


def _by_all_samples(text, X):
    """What went wrong in a fold; where NaN are named, by their number in X instead of in a part of it."""
    if "contains NaN or infinity" in text and isinstance(X, EpochsView) | (np.ndim(X) == 3):
        try:
            for _ in iter_blocks(X):
                pass
        except ValueError as error:
            return f"ValueError: {error}"
    return text


def _warn_of_mixing_searches(estimator):
    """Warn of searches whose inner folds split up groups."""
    for name, search in {"": estimator, **_all_params(estimator)}.items():
        if isinstance(search, BaseSearchCV) and not _keeps_groups(search.cv):
            where = f" ({name})" if name else ""
            warnings.warn(
                f"There are groups, but {type(search).__name__}{where} with cv={search.cv!r} splits them up "
                "in its inner folds, so it may choose parameters that work on known groups alone. Give it a "
                "splitter that keeps groups whole, such as cv=StratifiedGroupKFold(3).",
                UserWarning,
                stacklevel=3,
            )


def _all_params(estimator):
    return estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}


def _keeps_groups(cv):
    """Whether a splitter asks for groups; of given splits it is not known."""
    if cv is None or isinstance(cv, Integral):
        return False
    return not hasattr(cv, "split") or get_routing_for_object(cv).consumes("split", ["groups"])


def _mixed_column(view, splits):
    """The metadata column of people or recordings whose values are on both sides of a fold."""
    table = None if view is None else view.metadata
    for column in ("patient", "subject", "record"):
        if table is not None and column in table and table[column].nunique() > 1:
            values = table[column].to_numpy()
            if any(np.isin(values[train], values[test]).any() for train, test in splits):
                return column
    return None


def _warn_of_overlap(view, splits, mixed=None):
    """Warn if windows of one recording that overlap are on both sides of a fold; the number of such folds."""
    if view is None:
        return 0
    onset, recording = view.onsets()
    length = len(view.times) / view.sfreq
    order = np.lexsort([onset, recording])
    onset, recording = onset[order], recording[order]
    n_folds = 0
    for train, test in splits:
        side = np.zeros(len(order), int)
        side[train], side[test] = 1, 2
        side = side[order]
        shift, overlaps = 1, False
        while not overlaps and shift < len(order):
            # a sampling interval less, so that windows that touch do not count
            near = onset[shift:] - onset[:-shift] < length - 0.5 / view.sfreq
            near &= recording[shift:] == recording[:-shift]
            overlaps = (near & (side[shift:] * side[:-shift] == 2)).any()
            shift = shift + 1 if near.any() else len(order)
        n_folds += overlaps
    if n_folds:
        hint = f"groups={mixed!r}" if mixed else "groups="
        warnings.warn(
            f"In {n_folds} of {len(splits)} folds, windows of the training and the test part overlap in "
            "time, so the test samples were partly trained on. Keep a recording on one side "
            f"({hint}), or cut windows that do not overlap.",
            UserWarning,
            stacklevel=3,
        )
    return n_folds


def _warn_of_prefit(estimator):
    """Warn of steps that keep what they were fitted on before the split."""
    params = _all_params(estimator)
    frozen = [name for name, value in params.items() if isinstance(value, FrozenEstimator)]
    frozen += [
        name
        for name, value in params.items()
        if (name.endswith("prefit") and value is True) or (isinstance(value, str) and value == "prefit")
    ]
    if frozen:
        warnings.warn(
            f"{', '.join(frozen)} was fitted before the split and is not fitted again: if it has seen test "
            "samples, the scores are too good. Put the step into the Pipeline unfitted.",
            UserWarning,
            stacklevel=3,
        )


def _split(cv, X, y, groups):
    """The positions of training and test samples of each fold, checked before anything is trained."""
    if isinstance(cv, Integral) and groups is not None:
        n_groups = len(np.unique(groups))
        if n_groups < cv:
            advice = f"Give cv={n_groups}, so that each group is tested by what was trained on the others."
            if n_groups == 1:
                advice = "What is trained on one can't be tested on another: give samples of more."
            there_are = "there is" if n_groups == 1 else "there are"
            raise ValueError(
                f"cv={cv} needs at least {cv} groups, and {there_are} {n_groups}, which folds keep whole. "
                f"{advice}"
            )
        cv = StratifiedGroupKFold(cv)
    positions = np.arange(len(y))
    splits = []
    for train, test in check_cv(cv, y, classifier=True).split(X, y, groups):
        try:
            splits.append((positions[train], positions[test]))
        except IndexError as error:
            raise ValueError(
                f"Fold {len(splits)} of cv must hold positions of the {len(y)} samples, or masks over them: "
                f"{error}."
            ) from error
    if not splits:
        raise ValueError(f"cv={cv!r} gives no folds.")
    mixing = 0 if groups is None else sum(bool(np.isin(groups[a], groups[b]).any()) for a, b in splits)
    if mixing:
        warnings.warn(
            f"In {mixing} of {len(splits)} folds a group is on both sides, so the scores say little about "
            "new groups. Use a splitter that keeps groups whole, such as GroupKFold or LeaveOneGroupOut.",
            UserWarning,
            stacklevel=3,
        )
    for fold, (train, test) in enumerate(splits):
        if not len(test):
            raise ValueError(f"Fold {fold} has no test samples. Use fewer folds.")
        known = np.unique(y[train])
        if len(known) < 2:
            raise ValueError(
                f"The training part of fold {fold} has only the class(es) {known.tolist()}, and at least 2 "
                "are needed. Use more samples, or a splitter that spreads the classes."
            )
    refuse_shared(X, splits)
    return splits


def refuse_shared(X, splits):
    """Refuse folds that have a sample on both sides, or an epoch that a view holds more than once."""
    which = X.numbers() if isinstance(X, EpochsView) else np.arange(len(X))
    for fold, (train, test) in enumerate(splits):
        shared = test[np.isin(which[test], which[train])]
        if len(shared):
            raise ValueError(
                f"Fold {fold} has {len(shared)} samples in both the training and the test part, first "
                f"sample {shared[0]}. Test on samples that were not trained on, and take each sample once."
            )


def _fit_params(estimator, groups):
    """The groups under the name by which this estimator's ``fit`` takes them, if it does."""
    if groups is None:
        return {}
    if get_config()["enable_metadata_routing"]:
        asked_for = get_routing_for_object(estimator).consumes("fit", ["groups"])
    elif isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{key}": value for key, value in _fit_params(last, groups).items()}
    else:
        # A parameter search has no argument of that name, but hands groups on to a splitter that asks for
        # them. Only the splitter is asked: RidgeClassifierCV, asked for its routing, never ends.
        asked_for = isinstance(estimator, BaseSearchCV) and get_routing_for_object(estimator.cv).consumes(
            "split", ["groups"]
        )
    return {"groups": groups} if asked_for or has_fit_parameter(estimator, "groups") else {}


def _run_fold(estimator, X, y, groups, classes, scoring, fold, train, test, *, verbose):
    """One fold: a row about it, a table of predictions, a table of the training history or None."""
    row = _describe_fold(y, fold, train, test)
    try:
        with mne.use_log_level(verbose):  # the decorator mne.verbose would have all of this module pickled
            return _fit_and_predict(estimator, X, y, groups, classes, scoring, train, test, row)
    except Exception as error:  # of whatever kind: the other folds are not to be lost
        return row | _describe_error(error), None, None


def _describe_fold(y, fold, train, test):
    known, counts = np.unique(y[train], return_counts=True)
    return {
        "fold": fold,
        "n_train": len(train),
        "n_test": len(test),
        "most_frequent": known[counts.argmax()],
        "fit_time": np.nan,
        "score_time": np.nan,
        "error": None,
        "error_type": None,
    }


def _describe_error(error):
    return {"error": f"{type(error).__name__}: {error}", "error_type": type(error).__name__}


def _fit_and_predict(estimator, X, y, groups, classes, scoring, train, test, row):
    start = perf_counter()
    params = _fit_params(estimator, None if groups is None else groups[train])
    estimator.fit(X[train], y[train], **params)
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
    row |= {"fit_time": fitted - start, "score_time": perf_counter() - fitted}
    row |= {f"{SCORER}{name}": scorer(estimator, X[test], y[test]) for name, scorer in scoring.items()}
    if hasattr(estimator, "best_params_"):
        row["best_params"] = estimator.best_params_
    history = getattr(_last_step(estimator), "history_", None)
    if isinstance(history, pd.DataFrame):
        history = history.assign(fold=row["fold"])[["fold", *history.columns]]
        return row, pd.DataFrame(table), history
    return row, pd.DataFrame(table), None


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
    far = np.abs(values.sum(axis=1) - 1) > 1e-3 if prefix == PROBA else np.zeros(len(X), bool)
    if far.any() or (prefix == PROBA and (values < 0).any()):
        raise ValueError(
            "estimator.predict_proba must give probabilities, not below 0 and with a sum of 1 for each "
            f"sample; {far.sum()} of {len(X)} samples have another sum, and the lowest value is "
            f"{values.min():.3g}."
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
