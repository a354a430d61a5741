"""Which samples each fold is trained and tested on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, StratifiedGroupKFold, StratifiedKFold

from ..learning import _in_order
from .fingerprint import fingerprint_rows

N_SIZES = 5  # of the training parts of a learning curve


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the samples of one fold, and what it tests.

    ``fold`` counts within the subject, session and size if there are such; ``subject`` and ``session`` are
    None where several are tested; ``size`` is the training part of a learning curve; ``before`` are samples
    of other subjects to learn from first.
    """

    train: np.ndarray
    test: np.ndarray
    fold: int
    subject: object = None
    session: object = None
    size: int | None = None
    before: np.ndarray | None = None

    @property
    def fingerprint(self):
        """Hash of the samples."""
        return fingerprint_rows(self.train, self.test, self.before)


def plan_splits(data, splits, n_folds):
    """The folds of a data set, by a kind of splits or a splitter, see `benchmark`."""
    if isinstance(splits, str):
        if splits not in KINDS:
            raise ValueError(f"splits must be one of {list(KINDS)} or a splitter, got {splits!r}.")
        return list(KINDS[splits](data, n_folds))
    if not hasattr(splits, "split"):
        raise TypeError(f"splits must be one of {list(KINDS)} or a scikit-learn splitter, got {splits!r}.")
    return list(_across(data, splits, data.X.groups))


def name_of_splits(splits):
    """What the store calls a kind of splits or a splitter: the same in every process."""
    if isinstance(splits, str):
        return splits
    shown = repr(splits)
    return type(splits).__name__.strip("_") if f" at {hex(id(splits))}" in shown else shown


def _within_session(data, n_folds):
    for subject, session, rows in _sessions(data):
        for fold, (train, test) in enumerate(_folds(data, rows, n_folds, subject, session)):
            yield Split(train, test, fold, subject, session)


def _cross_session(data, n_folds):
    if data.sessions is None:
        raise ValueError(_lacks(data, "session", "cross-session"))
    for subject, rows in _subjects(data, "cross-session"):
        sessions = data.sessions[rows]
        if len(np.unique(sessions)) < 2:
            raise ValueError(
                f"Data set {data.name!r}: subject {subject!r} has one session only, and cross-session needs "
                "two. Leave this subject out, or use within-session."
            )
        for fold, (train, test) in enumerate(LeaveOneGroupOut().split(rows, groups=sessions)):
            yield Split(rows[train], rows[test], fold, subject, _only(sessions, test))


def _cross_subject(data, n_folds):
    n_subjects = len(_subjects(data, "cross-subject"))
    return _across(data, GroupKFold(min(n_folds, max(2, n_subjects))), data.subjects)


def _leave_one_subject_out(data, n_folds):
    _subjects(data, "leave-one-subject-out")
    return _across(data, LeaveOneGroupOut(), data.subjects)


def _transfer(data, n_folds):
    others = {subject: np.flatnonzero(data.subjects != subject) for subject, _ in _subjects(data, "transfer")}
    if len(others) < 2:
        raise ValueError(f"Data set {data.name!r} has one subject only, and transfer needs two.")
    for split in _within_session(data, n_folds):
        yield replace(split, before=others[split.subject])


def _learning_curve(data, n_folds):
    folds = list(_within_session(data, n_folds))
    most = min(len(split.train) for split in folds)
    least = min(most, max(2 * len(np.unique(data.y)), most // 10))
    rng = np.random.default_rng(0)
    orders = [np.concatenate(_in_order(split.train, data.y, None, rng)) for split in folds]
    for size in np.unique(np.geomspace(least, most, N_SIZES).round().astype(int)).tolist():
        for split, order in zip(folds, orders, strict=True):
            yield replace(split, train=order[:size], size=size)


KINDS = {
    "within-session": _within_session,
    "cross-session": _cross_session,
    "cross-subject": _cross_subject,
    "leave-one-subject-out": _leave_one_subject_out,
    "transfer": _transfer,
    "learning-curve": _learning_curve,
}


def _across(data, splitter, groups):
    positions = np.arange(len(data.X))
    for fold, (train, test) in enumerate(splitter.split(positions, data.y, groups)):
        subject, session = (_only(column, test) for column in (data.subjects, data.sessions))
        yield Split(positions[train], positions[test], fold, subject, session)


def _only(column, rows):
    """The one value of these rows, or None if there are several."""
    values = [] if column is None else np.unique(column[rows]).tolist()
    return values[0] if len(values) == 1 else None


def _subjects(data, kind):
    """Each subject with its samples."""
    if data.subjects is None:
        raise ValueError(_lacks(data, "subject", kind))
    return [
        (subject, np.flatnonzero(data.subjects == subject)) for subject in np.unique(data.subjects).tolist()
    ]


def _sessions(data):
    """Each session of each subject with its samples; without sessions, each subject has one."""
    for subject, rows in _subjects(data, "within-session"):
        if data.sessions is None:
            yield subject, None, rows
            continue
        for session in np.unique(data.sessions[rows]).tolist():
            yield subject, session, rows[data.sessions[rows] == session]


def _folds(data, rows, n_folds, subject, session):
    groups, splitter = data.X.groups[rows], StratifiedGroupKFold(n_folds)
    if len(np.unique(groups)) == 1:  # rather than, for example, trials that several windows are cut from
        groups, splitter = None, StratifiedKFold(n_folds)
    try:
        return [(rows[train], rows[test]) for train, test in splitter.split(rows, data.y[rows], groups)]
    except ValueError as error:
        raise ValueError(
            f"Data set {data.name!r}, subject {subject!r}, session {session!r}: {error} Use fewer folds "
            "(n_folds=), or leave this session out."
        ) from error


def _lacks(data, column, kind):
    where = f"a column {column!r} of epochs.metadata" + (
        ", or into EpochsView(epochs, groups=)." if column == "subject" else "."
    )
    return f"Data set {data.name!r} has no {column}s, and {kind} needs them. Put them into {where}"
