"""How samples are split, checked before anything is trained: leaks, overlaps, steps fitted beforehand."""

from numbers import Integral

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils.metadata_routing import get_routing_for_object

from ..samples.copies import number_contents
from ..samples.view import EpochsView
from ..utils.warn import warn


def make_splits(cv, X, y, groups):
    """The positions of training and test samples of each fold, checked before anything is trained."""
    if isinstance(cv, Integral) and groups is not None:
        n_groups = len(np.unique(groups))
        if n_groups < cv:
            there_are, give = ("there are", f"cv={n_groups}") if n_groups > 1 else ("there is", "more groups")
            raise ValueError(
                f"cv={cv} needs at least {cv} groups, and {there_are} {n_groups}, which folds keep whole. "
                f"Give {give}."
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
    warn_of_mixed_groups(groups, splits)
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
    warn_of_copies(X, splits)
    return splits


def warn_of_mixed_groups(groups, splits):
    """Warn if a group is on both sides of a fold."""
    mixing = 0 if groups is None else _n_mixing(groups, splits)
    if mixing:
        warn(
            f"In {mixing} of {len(splits)} folds a group is on both sides, so the scores say little about "
            "new groups. Use a splitter that keeps groups whole, such as GroupKFold or LeaveOneGroupOut.",
            UserWarning,
        )


def _n_mixing(values, splits):
    """The number of folds that have a value on both sides."""
    return sum(bool(np.isin(values[train], values[test]).any()) for train, test in splits)


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


def warn_of_copies(X, splits):
    """Warn if samples of equal values are on both sides of a fold."""
    contents = number_contents(X)
    found = []
    for fold, (train, test) in enumerate(() if contents is None else splits):
        equal = test[np.isin(contents[test], contents[train])]
        found += [(fold, sample) for sample in equal]
    if found:
        fold, sample = found[0]
        like = next(other for other in splits[fold][0] if contents[other] == contents[sample])
        warn(
            f"In {len({fold for fold, _ in found})} of {len(splits)} folds, {len(found)} test samples hold "
            f"the same values as training samples (fold {fold}: sample {sample} those of {like}), so they "
            "were trained on. Read each recording once, oversample in a step of a Pipeline, or keep copies "
            "on one side (groups=).",
            UserWarning,
        )


def mixed_column(view, splits):
    """The metadata column of people or recordings whose values are on both sides of a fold."""
    table = None if view is None else view.metadata
    for column in ("patient", "subject", "record") if table is not None else ():
        if column in table and table[column].nunique() > 1 and _n_mixing(table[column].to_numpy(), splits):
            return column
    return None


def warn_of_overlap(view, splits, mixed=None):
    """Warn if windows of one recording that overlap are on both sides of a fold; the number of such folds."""
    if view is None:
        return 0
    onset, recording = view.onsets()
    # half a sampling interval less, so that windows that touch do not count
    length = (len(view.times) - 0.5) / view.sfreq
    order = np.lexsort([onset, recording])
    n_folds = 0
    for train, test in splits:
        side = np.zeros(len(order), int)
        side[train], side[test] = 1, 2
        used = order[side[order] > 0]
        # if any two windows of both sides overlap, so do two neighbours of both sides, between them
        near = (np.diff(onset[used]) < length) & (np.diff(recording[used]) == 0)
        n_folds += (near & (np.diff(side[used]) != 0)).any()
    if n_folds:
        hint = f"groups={mixed!r}" if mixed else "groups="
        warn(
            f"In {n_folds} of {len(splits)} folds, windows of the training and the test part overlap in "
            "time, so the test samples were partly trained on. Keep a recording on one side "
            f"({hint}), or cut windows that do not overlap.",
            UserWarning,
        )
    return n_folds


def warn_of_prefit(estimator):
    """Warn of steps that keep what they were fitted on before the split."""
    frozen = [
        name
        for name, value in _all_params(estimator).items()
        if isinstance(value, FrozenEstimator)
        or (name.endswith("prefit") and value is True)
        or (isinstance(value, str) and value == "prefit")
    ]
    if frozen:
        warn(
            f"{', '.join(frozen)} was fitted before the split and is not fitted again: if it has seen test "
            "samples, the scores are too good. Put the step into the Pipeline unfitted.",
            UserWarning,
        )


def warn_of_mixing_searches(estimator):
    """Warn of searches whose inner folds split up groups."""
    for name, search in {"": estimator, **_all_params(estimator)}.items():
        if isinstance(search, BaseSearchCV) and not _keeps_groups(search.cv):
            where = f" ({name})" if name else ""
            warn(
                f"There are groups, but {type(search).__name__}{where} with cv={search.cv!r} splits them up "
                "in its inner folds, so it may choose parameters that work on known groups alone. Give it a "
                "splitter that keeps groups whole, such as cv=StratifiedGroupKFold(3).",
                UserWarning,
            )


def _keeps_groups(cv):
    """Whether a splitter asks for groups; of given splits it is not known."""
    if cv is None or isinstance(cv, Integral):
        return False
    return not hasattr(cv, "split") or get_routing_for_object(cv).consumes("split", ["groups"])


def _all_params(estimator):
    return estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
