"""The inner splits of the training samples: stratified, and groups stay whole."""

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, StratifiedShuffleSplit

MOST_FOLDS = 3  # each costs a training


def split_validation(y, fraction, *, groups=None, seed):
    """Split samples into indices for training and for validation; each group stays on one side."""
    classes, counts = np.unique(y, return_counts=True)
    if counts.min() < 2:
        raise ValueError(
            f"A validation split needs at least 2 samples of every class, but one class has only "
            f"{counts.min()} sample. Add samples, or train without a split (validation_fraction=None)."
        )
    if groups is None:
        n_valid = min(max(round(fraction * len(y)), len(classes)), len(y) - len(classes))
        splitter = StratifiedShuffleSplit(1, test_size=n_valid, random_state=seed)
        return next(splitter.split(y, y))
    n_groups = len(np.unique(groups))
    n_splits = min(max(round(1 / fraction), 2), n_groups)
    if n_splits < 2:
        raise ValueError(
            "A validation split keeps groups whole, so it needs at least 2 groups among the training "
            "samples, got 1. Train without a split (validation_fraction=None), or pass no groups."
        )
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    train, valid = min(  # the fold whose size is nearest to what was asked for, with every class in training
        splitter.split(y, y, groups),
        key=lambda split: (
            len(np.unique(y[split[0]])) < len(classes),
            abs(len(split[1]) / len(y) - fraction),
        ),
    )
    if len(np.unique(y[train])) < len(classes):
        raise ValueError(
            "No validation split keeps every class among the training samples while groups stay whole: "
            "some class is in one group only. Train without a split (validation_fraction=None)."
        )
    return train, valid


def split_folds(y, *, groups=None, seed, n_folds=MOST_FOLDS):
    """Split samples into folds of indices to train on and held out; each group is held out as a whole.

    There are fewer than ``n_folds`` where that many would leave a class out of a training part.
    """
    classes, n_samples = np.unique(y, return_counts=True)
    n_most = min(n_folds, n_samples.min())
    if groups is not None:
        n_most = min(n_most, len(np.unique(groups)))
    for n_splits in range(n_most, 1, -1):
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        folds = list(kind(n_splits, shuffle=True, random_state=seed).split(y, y, groups))
        if all(len(held_out) and len(np.unique(y[train])) == len(classes) for train, held_out in folds):
            return folds
    what = "samples" if groups is None else "groups, which stay whole"
    raise ValueError(
        "calibrate=True holds out folds of the training samples, so it needs every class in at least 2 "
        f"{what}. Add samples, or set calibrate=False."
    )
