"""Labels, groups and weights: one entry a sample, none missing, and of one kind."""

import numbers
from difflib import get_close_matches

import numpy as np
import pandas as pd
from sklearn.utils import check_array
from sklearn.utils.multiclass import type_of_target

from ..utils.text import shortened


def check_column(values, name, n_samples):
    """Labels or groups as an array with one known entry a sample; ``name`` is for the messages."""
    values = of_one_kind(values, name)
    if values.shape != (n_samples,):
        raise ValueError(
            f"{name} must have one entry a sample, shape ({n_samples},), got shape {values.shape}."
        )
    _refuse_missing(values, name)
    return values


def find_column(name, values, metadata, n_epochs, n_sources):
    """Labels or groups from an array or the name of a metadata column."""
    if isinstance(values, str):
        columns = [] if metadata is None else list(metadata.columns)
        if values not in columns:
            alike = get_close_matches(values, map(str, columns), 1)
            meant = f" Did you mean {alike[0]!r}?" if alike else ""
            raise ValueError(
                f"{name}={values!r} is no metadata column.{meant} These Epochs have "
                f"[{shortened(map(repr, columns), 10)}]."
            )
        if name == "groups":
            advice = (
                f" Or take another column, such as groups='file' or groups='record', if {values!r} was not "
                "found (epochs_log says why), or name people in files or folders, as sub-01 or patient_01."
            )
            _refuse_missing(metadata[values], name, advice)
        values = metadata[values]
    if np.ndim(values) == 1 and 1 < len(values) == n_sources != n_epochs:
        raise ValueError(
            f"{name} has one entry for each of the {len(values)} Epochs, and needs one for each epoch: "
            f"np.repeat({name}, [len(e) for e in epochs])."
        )
    return check_column(values, name, n_epochs).copy()


def of_one_kind(values, name):
    """Entries as an array, of one kind: numpy would turn the 1 of ``[1, "a"]`` and a NaN beside text to text.

    Objects that are all integers, or all booleans, become these. What has other than one dimension is left
    for others to refuse.
    """
    array = np.asarray(values)
    objects = array
    if isinstance(values, (list, tuple)) and array.dtype.kind in "US":
        objects = np.array(values, dtype=object)
    if objects.ndim != 1 or objects.dtype != object:
        return array
    _refuse_missing(objects, name)
    first = {}  # entry of each kind
    for value in objects:
        first.setdefault(_kind(value), value)
    if len(first) > 1 and first.keys() != {"integers", "decimals"}:
        found = " and ".join(f"{kind} ({value!r})" for kind, value in first.items())
        raise TypeError(
            f"{name} mixes {found}, of which there is no order. Make them of one kind, such as text: "
            "[str(value) for value in values]."
        )
    if first and first.keys() <= {"integers", "decimals", "booleans"}:
        return np.array(objects.tolist())
    return array


def _kind(value):
    kinds = dict(booleans=(bool, np.bool_), integers=numbers.Integral, decimals=numbers.Real, text=str)
    return next((kind for kind, types in kinds.items() if isinstance(value, types)), type(value).__name__)


def _refuse_missing(values, name, advice=""):
    missing = np.flatnonzero(pd.isna(values))
    if len(missing):
        raise ValueError(
            f"{name} is missing (NaN or None) for {len(missing)} of {len(values)} samples, first for sample "
            f"{missing[0]}. Leave these samples out.{advice}"
        )


def check_classes(y):
    """Labels must be classes: text, integers or booleans."""
    if y.dtype.kind in "mMSV" or type_of_target(y) not in ("binary", "multiclass"):
        raise ValueError(
            f"Unknown label type: y must hold classes (text, integers or booleans), got {y.dtype} {y[:5]}."
        )


def check_weights(sample_weight, n_samples):
    """One weight a sample, not negative and not all zero."""
    if sample_weight is None:
        return np.ones(n_samples)
    given = np.asarray(sample_weight)
    if given.ndim == 0 or given.dtype.kind in "US":
        raise ValueError(
            f"sample_weight must have one number a sample, shape ({n_samples},), got {sample_weight!r}. "
            "Weights of classes are a parameter: class_weight."
        )
    weight = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weight.shape != (n_samples,):
        raise ValueError(f"sample_weight must have shape ({n_samples},), got {weight.shape}.")
    if (weight < 0).any():
        raise ValueError(f"sample_weight must not be negative, got {weight.min():g}.")
    if not weight.any():
        raise ValueError("All sample weights are zero: nothing is left.")
    if weight.max() > np.finfo(np.float64).max / n_samples:
        raise ValueError(f"sample_weight is too large to be summed, got {weight.max():g}. Divide it.")
    return weight
