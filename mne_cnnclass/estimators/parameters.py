"""The parameters of a classifier, checked before anything is computed."""

import numbers
import os

import numpy as np
from mne.utils import logger
from sklearn.utils import check_random_state

from ..networks.augmentations import is_named, listed
from ..utils.numbers import check_number

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
NOT_NUMBERS = {"batch_size": "auto", "validation_fraction": None, "patience": None, "n_threads": None}


def check_parameters(clf):
    """Check the parameters of a classifier: their types, bounds and choices."""
    for name, (kind, bounds) in BOUNDS.items():
        value = getattr(clf, name)
        if name not in NOT_NUMBERS or not are_equal(value, NOT_NUMBERS[name]):
            check_number(value, name, kind, **bounds)
    if clf.lr_schedule not in (None, "one_cycle"):
        raise ValueError(f"lr_schedule must be None or 'one_cycle', got {clf.lr_schedule!r}.")
    if clf.patience is not None and clf.validation_fraction is None:
        raise ValueError("patience watches the validation loss, so it needs a validation_fraction, got None.")
    for name in ("calibrate", "standardize", "accelerate", "warm_start"):
        if not isinstance(getattr(clf, name), (bool, np.bool_)):
            raise TypeError(f"{name} must be True or False, got {getattr(clf, name)!r}.")
    if not (
        clf.class_weight is None
        or are_equal(clf.class_weight, "balanced")
        or isinstance(clf.class_weight, dict)
    ):
        raise TypeError(
            "class_weight must be None, 'balanced' or a dict of labels and their weights, got "
            f"{clf.class_weight!r}."
        )
    if not all(one is None or callable(one) or is_named(one) for one in listed(clf.augmentation)):
        raise TypeError(
            "augmentation must be None, a name, a callable, or a list of names, of pairs (name, dict of "
            f"parameters) and of callables, got {clf.augmentation!r}."
        )
    _check_callbacks(clf.callbacks)
    if clf.checkpoint_dir is not None:
        _check_checkpoints(clf)
    check_side_names(clf.side_inputs)
    _check_symmetry(clf.symmetry)
    if clf.model_params is not None and not isinstance(clf.model_params, dict):
        raise TypeError(f"model_params must be None or a dict, got {type(clf.model_params).__name__}.")
    try:
        check_random_state(clf.random_state)
    except ValueError as error:
        raise ValueError(
            "random_state must be None, an integer from 0 to 2**32 - 1 or a numpy.random.RandomState, got "
            f"{clf.random_state!r}."
        ) from error
    if not isinstance(clf.verbose, (type(None), bool, np.bool_, str, COUNT)):
        raise TypeError(f"verbose must be None, a bool or a level of logging, got {clf.verbose!r}.")


def describe_parameters(clf, tensors):
    """The parameters of a classifier for a file; arrays of its side inputs join the tensors."""
    from .saving.write import describe_each

    check_parameters(clf)  # as at reading, which would refuse the file
    params = {name: value for name, value in clf.get_params(deep=False).items() if name not in NOT_SAVED}
    if all(map(is_named, listed(clf.augmentation))):
        params["augmentation"] = clf.augmentation
    if clf.side_inputs is not None:
        params["side_inputs"] = describe_each(clf.side_inputs, tensors, "side_inputs/")
    if isinstance(clf.class_weight, dict):  # JSON knows no keys but text
        params["class_weight"] = {"pairs": list(clf.class_weight.items())}
    params["model"] = model_name(clf.model)
    lost = [name for name in NOT_SAVED[:3] if name not in params and getattr(clf, name) is not None]
    if lost:
        logger.info(f"Not saved, as only a training needs it: {', '.join(lost)}.")
    return params


def model_name(model):
    """The name of an architecture, or of a class of the user's own."""
    return model if isinstance(model, str) else f"{model.__module__}.{model.__qualname__}"


def _check_checkpoints(clf):
    if not isinstance(clf.checkpoint_dir, (str, os.PathLike)):
        raise TypeError(f"checkpoint_dir must be None or a folder, got {clf.checkpoint_dir!r}.")
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


def _check_callbacks(callbacks):
    """Callbacks of skorch, as objects, classes or pairs (name, callback)."""
    entries = callbacks if isinstance(callbacks, (list, tuple)) else [] if callbacks is None else [callbacks]
    found = [entry[1] if isinstance(entry, tuple) and len(entry) == 2 else entry for entry in entries]
    wrong = [one for one in found if not (hasattr(one, "initialize") and hasattr(one, "on_epoch_end"))]
    if wrong or not isinstance(callbacks, (list, tuple, type(None))):
        raise TypeError(
            "callbacks must be None or a list of skorch callbacks, or of pairs (name, callback), got "
            f"{callbacks!r}."
        )


def _check_symmetry(symmetry):
    name, classes = (symmetry, None) if not is_named(symmetry) or isinstance(symmetry, str) else symmetry
    if name not in (None, "left_right") or (classes is not None and classes.keys() != {"classes"}):
        raise ValueError(
            "symmetry must be None, 'left_right' or ('left_right', {'classes': [...]}) with two labels or "
            f"none, got {symmetry!r}."
        )


def side_columns(side_inputs):
    """The names of columns among side inputs; what else there is are transformers."""
    return [entry for entry in side_inputs or [] if isinstance(entry, str)]


def check_side_names(side_inputs):
    """Names of columns, each once, and transformers."""
    if side_inputs is None:
        return
    if not isinstance(side_inputs, (list, tuple)) or not all(
        isinstance(entry, str) or (hasattr(entry, "fit") and hasattr(entry, "transform"))
        for entry in side_inputs
    ):
        raise TypeError(
            f"side_inputs must be None or a list of names of metadata columns, got {side_inputs!r}; of one "
            "column: side_inputs=['name']. Transformers may be in the list, too."
        )
    names = side_columns(side_inputs)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"side_inputs must name each column once, got {', '.join(map(repr, twice))} twice.")
