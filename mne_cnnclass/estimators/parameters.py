"""The parameters of a classifier, checked before anything is computed."""

import logging
import numbers
import os
from types import NoneType

import numpy as np
from mne.utils import logger
from sklearn.utils import check_random_state

from ..networks.augmentations import is_named, listed
from ..utils.numbers import check_number
from .saving.write import describe_each, model_name

# More do not make anything faster, and a system that can't start them ends the process.
MOST_THREADS = max(256, os.cpu_count() or 1)
COUNT, NUMBER = numbers.Integral, numbers.Real
# Kind and bounds of the numbers, for `sklearn.utils.check_scalar`
BOUNDS = {
    "n_members": (COUNT, dict(min_val=1)),
    "max_epochs": (COUNT, dict(min_val=1)),
    "batch_size": (COUNT, dict(min_val=1)),
    "lr": (NUMBER, dict(min_val=0, max_val=np.inf, include_boundaries="neither")),
    "weight_decay": (NUMBER, dict(min_val=0, max_val=np.inf, include_boundaries="left")),
    "label_smoothing": (NUMBER, dict(min_val=0, max_val=1, include_boundaries="left")),
    "validation_fraction": (NUMBER, dict(min_val=0, max_val=1, include_boundaries="neither")),
    "patience": (COUNT, dict(min_val=1)),
    "n_threads": (COUNT, dict(min_val=1, max_val=MOST_THREADS)),
}
# Parameters of a training alone, which may hold any Python object, and of which a loaded estimator has the
# defaults. Augmentations that are all named are saved nevertheless.
NOT_SAVED = ("augmentation", "callbacks", "checkpoint_dir", "random_state")
NOT_NUMBERS = {
    "max_epochs": "auto",
    "batch_size": "auto",
    "validation_fraction": None,
    "patience": None,
    "n_threads": None,
}


def check_parameters(clf):
    """Check the parameters of a classifier: their types, bounds and choices."""

    def need(name, valid, expected, error=TypeError):
        if not valid:
            raise error(f"{name} must be {expected}, got {getattr(clf, name)!r}.")

    for name, (kind, bounds) in BOUNDS.items():
        value = getattr(clf, name)
        if name not in NOT_NUMBERS or not are_equal(value, NOT_NUMBERS[name]):
            check_number(value, name, kind, **bounds)
    need("lr_schedule", clf.lr_schedule in (None, "one_cycle"), "None or 'one_cycle'", ValueError)
    if clf.patience is not None and clf.validation_fraction is None:
        raise ValueError("patience watches the validation loss, so it needs a validation_fraction, got None.")
    for name in ("calibrate", "standardize", "accelerate", "warm_start"):
        need(name, isinstance(getattr(clf, name), (bool, np.bool_)), "True or False")
    known = isinstance(clf.class_weight, (NoneType, dict)) or are_equal(clf.class_weight, "balanced")
    need("class_weight", known, "None, 'balanced' or a dict of labels and their weights")
    need(
        "augmentation",
        all(one is None or callable(one) or is_named(one) for one in listed(clf.augmentation)),
        "None, a name, a callable, or a list of names, of pairs (name, dict of parameters) and of callables",
    )
    expected = "None or a list of skorch callbacks, or of pairs (name, callback)"
    need("callbacks", _are_callbacks(clf.callbacks), expected)
    if clf.lr_schedule is not None and any(map(_is_schedule, _each(clf.callbacks))):
        raise ValueError(
            f"callbacks has an LRScheduler, and lr_schedule={clf.lr_schedule!r} sets the learning rate, too, "
            "so that neither would be followed. Set lr_schedule=None to follow that of the callback."
        )
    if clf.checkpoint_dir is not None:
        need("checkpoint_dir", isinstance(clf.checkpoint_dir, (str, os.PathLike)), "None or a folder")
        _check_can_resume(clf)
    expected = "None or a list of names of metadata columns (of one: side_inputs=['name']) and transformers"
    need("side_inputs", _are_side_inputs(clf.side_inputs), expected)
    columns, _ = split_side_inputs(clf.side_inputs)
    need("side_inputs", len(set(columns)) == len(columns), "a list that names each column once", ValueError)
    expected = "None, 'left_right' or ('left_right', {'classes': [...]}) with two labels or none"
    need("symmetry", _is_symmetry(clf.symmetry), expected, ValueError)
    need("model_params", isinstance(clf.model_params, (NoneType, dict)), "None or a dict")
    try:
        check_random_state(clf.random_state)
    except ValueError:
        expected = "None, an integer from 0 to 2**32 - 1 or a numpy.random.RandomState"
        need("random_state", False, expected, ValueError)
    expected = "None, a bool or a level of logging"
    need("verbose", isinstance(clf.verbose, (NoneType, bool, np.bool_, str, COUNT)), expected)
    known = not isinstance(clf.verbose, str) or clf.verbose.upper() in logging.getLevelNamesMapping()
    need("verbose", known, expected, ValueError)


def describe_parameters(clf, tensors):
    """The parameters of a classifier for a file; arrays of its side inputs join the tensors."""
    check_parameters(clf)  # as at reading, which would refuse the file
    params = {name: value for name, value in clf.get_params(deep=False).items() if name not in NOT_SAVED}
    if all(map(is_named, listed(clf.augmentation))):
        params["augmentation"] = clf.augmentation
    if clf.side_inputs is not None:
        params["side_inputs"] = describe_each(clf.side_inputs, tensors, "side_inputs/")
    if isinstance(clf.class_weight, dict):  # JSON knows no keys but text
        params["class_weight"] = {"pairs": list(clf.class_weight.items())}
    params["model"], params["device"] = model_name(clf.model), str(clf.device)
    lost = [name for name in NOT_SAVED[:3] if name not in params and getattr(clf, name) is not None]
    if lost:
        logger.info(f"Not saved, as only a training needs it: {', '.join(lost)}.")
    return params


def _check_can_resume(clf):
    if clf.callbacks:
        raise ValueError("checkpoint_dir can't keep the state of callbacks. Give one or the other.")
    if clf.random_state is None:
        raise ValueError(
            "checkpoint_dir needs a random_state, as no fit without one is the same again, got None."
        )


def are_equal(one, other):
    """Whether parameters are equal, also those for which ``==`` has no single answer, such as arrays."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(are_equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(are_equal, one, other))
    if one is other:
        return True
    if getattr(one, "shape", ()) != getattr(other, "shape", ()):
        return False
    try:
        return bool(np.all(np.asarray(one == other)))
    except Exception:  # tables whose columns differ, for instance: what can't be compared isn't the same
        return False


def _are_callbacks(callbacks):
    """Whether these are callbacks of skorch: objects, classes or pairs (name, callback)."""
    if not isinstance(callbacks, (list, tuple)):
        return callbacks is None
    return all(hasattr(one, "initialize") and hasattr(one, "on_epoch_end") for one in _each(callbacks))


def _each(callbacks):
    """The callbacks of a list without their names."""
    return [one[1] if isinstance(one, tuple) and len(one) == 2 else one for one in callbacks or []]


def _is_schedule(callback):
    from skorch.callbacks import LRScheduler

    return issubclass(callback if isinstance(callback, type) else type(callback), LRScheduler)


def _is_symmetry(symmetry):
    if is_named(symmetry) and not isinstance(symmetry, str):
        return symmetry[0] == "left_right" and symmetry[1].keys() == {"classes"}
    return symmetry in (None, "left_right")


def _are_side_inputs(side_inputs):
    if not isinstance(side_inputs, (list, tuple)):
        return side_inputs is None
    others = split_side_inputs(side_inputs)[1]
    return all(hasattr(one, "fit") and hasattr(one, "transform") for one in others)


def split_side_inputs(side_inputs):
    """The names of columns among side inputs, and the transformers."""
    entries = list(side_inputs or [])
    columns = [entry for entry in entries if isinstance(entry, str)]
    return columns, [entry for entry in entries if not isinstance(entry, str)]
