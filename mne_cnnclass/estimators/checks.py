"""What only a fit can check: samples, labels and weights together, and a fit that continues from another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from ..samples.checks import check_labels, check_samples, check_side_inputs
from ..samples.columns import check_column, check_weights
from ..samples.view import EpochsView
from ..utils.warn import warn
from .parameters import are_equal, split_side_inputs


@dataclass(frozen=True)
class TrainingSamples:
    """What to train on, checked; can be indexed by samples."""

    X: EpochsView | np.ndarray  # of shape (n_samples, n_channels, n_times)
    target: np.ndarray  # numbers of their classes
    weight: np.ndarray
    groups: np.ndarray | None
    side: np.ndarray  # numbers known of them besides their signals, shape (n_samples, n_side)

    def __len__(self):
        return len(self.target)

    def __getitem__(self, rows):
        return TrainingSamples(*(None if part is None else part[rows] for part in vars(self).values()))


MOST_CHANNELS_A_TIME = 6  # in an array: 512 channels have some hundred times; swapped axes have far fewer


def check_training_samples(clf, X, y, groups, sample_weight):
    """Check what came to :meth:`CNNClassifier.fit` besides samples, which `open_samples` has checked.

    Returns `TrainingSamples`, those whose weight is not zero, with weights that include those of the classes;
    and the labels of the classes.
    """
    if isinstance(X, EpochsView):
        groups = X.groups if groups is None else groups
    elif X.shape[1] > MOST_CHANNELS_A_TIME * X.shape[2]:
        warn(
            f"X has {X.shape[1]} channels and {X.shape[2]} time points, as its shape {X.shape} has to be "
            "(n_samples, n_channels, n_times). Are the axes swapped? Then pass X.transpose(0, 2, 1).",
        )
    y = check_labels(y, X)
    weight = check_weights(sample_weight, len(y))
    if groups is not None:
        groups = check_column(groups, "groups", len(y))
    keep = weight > 0
    side = check_side_inputs(X, split_side_inputs(clf.side_inputs)[0], keep)
    samples = TrainingSamples(X, y, weight, groups, side)
    if not keep.all():
        samples = samples[keep]
    weight = samples.weight * compute_sample_weight(clf.class_weight, samples.target)
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
        raise ValueError(
            "class_weight must be finite, not negative, and not zero for all classes, got "
            f"{clf.class_weight!r}."
        )
    classes, target = np.unique(samples.target, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y has only 1 class, {classes.tolist()[0]!r}, but a classifier needs at least 2.")
    return replace(samples, target=target, weight=weight), classes


def check_same_problem(fitted, X, classes):
    """Check that a warm start can continue from the last fit; X with the channels of that fit."""
    network = fitted.network_
    of_views = "n_networks" in network.architecture  # whose networks are of all members
    compared = {
        "model": (fitted.model, network.architecture["model"]),
        "model_params": (dict(fitted.model_params or {}), network.architecture["params"]),
        "standardize": (fitted.standardize, network.scaler.standardize),
        "n_members": (fitted.n_members, fitted.n_members if of_views else network.architecture["n_members"]),
        "symmetry": (fitted.symmetry is None, network.architecture["mirror"] is None),
    }
    changed = [name for name, (now, before) in compared.items() if not are_equal(now, before)]
    before = [*network.side_scaler.names, *network.side_scaler.transformers]
    now = sum(split_side_inputs(fitted.side_inputs), [])
    if changed:
        changes = " and ".join(changed)
        reason = f"the last network, but {changes} changed since. Set warm_start=False to start anew."
    elif repr(now) != repr(before):
        reason = f"side_inputs={before!r}, got {fitted.side_inputs!r}. Set warm_start=False to start anew."
    elif not np.array_equal(classes, fitted.classes_):
        reason = f"the classes {fitted.classes_.tolist()}, got {classes.tolist()}."
    elif fitted.calibrate and fitted.validation_fraction is None:
        reason = (
            "weights that may have seen all samples, so none is held out that calibrate=True could look at. "
            "Set a validation_fraction, or calibrate=False."
        )
    else:
        return check_samples(fitted, X)
    raise ValueError(f"warm_start=True continues with {reason}")


def check_logits(logits, numbers):
    """Outputs of a network for the samples of these numbers must be finite."""
    finite = np.isfinite(logits)
    if not finite.all():
        lost = np.flatnonzero(~finite.all(axis=1))
        raise ValueError(
            f"The network gives no finite output for sample {numbers[lost[0]]}: its values are far beyond "
            "those that it was trained on. Look for outliers, or for another unit."
        )
