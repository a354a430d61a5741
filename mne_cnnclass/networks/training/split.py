"""The inner splits of the training samples: stratified, and groups stay whole."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, StratifiedShuffleSplit

MOST_FOLDS = 3  # each costs a training


def split_validation(y, fraction, *, groups=None, seed):
    """Split samples into training and validation samples.

    Parameters
    ----------
    y : array of int, shape (n_samples,)
        Class numbers.
    fraction : float
        Share of the samples for validation, between 0 and 1.
    groups : None | array, shape (n_samples,)
        Samples of one group end on the same side.
    seed : int
        Seed of the shuffling.

    Returns
    -------
    train, valid : array of int
        Indices of the samples.

    Raises
    ------
    ValueError
        If a class (or, with groups, all but one group) has too few samples to be on both sides.
    """
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


def split_folds(y, *, groups=None, seed):
    """Split samples into folds, each of which is held out once.

    Parameters
    ----------
    y : array of int, shape (n_samples,)
        Class numbers.
    groups : None | array, shape (n_samples,)
        Samples of one group end in the same fold.
    seed : int
        Seed of the shuffling.

    Returns
    -------
    folds : list of tuple of array of int
        Indices of the samples to train on and of those held out, for 3 folds, or 2 where 3 would leave a
        class out of a training part.

    Raises
    ------
    ValueError
        If a class has too few samples, or is in too few groups, to be trained on in every fold.
    """
    classes, n_samples = np.unique(y, return_counts=True)
    n_most = min(MOST_FOLDS, n_samples.min())
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
