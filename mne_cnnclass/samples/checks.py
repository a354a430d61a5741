"""Labels and side inputs of samples, and whether samples to predict are like those of the fit."""

from collections import Counter

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import validate_data

from ..utils.text import distinct
from .columns import check_classes, of_one_kind
from .inputs import ViewToPredict, open_samples
from .limits import same_rate
from .provenance import warn_of_other_provenance
from .view import EpochsView


def check_side_inputs(X, names, keep=True):
    """Metadata columns, shape (n_samples, n_side), which must be finite for the samples to ``keep``."""
    side = np.empty((len(X), len(names)))
    if not names:
        return side
    needed = f"side_inputs={list(names)!r} are columns of the metadata of epochs"
    if not isinstance(X, EpochsView):
        raise ValueError(f"{needed}, but X is an array, which has none. Pass mne.Epochs or an EpochsView.")
    if X.metadata is None:
        raise ValueError(f"{needed}, but X, or a part of it, has no metadata. Set epochs.metadata.")
    n_columns = Counter(X.metadata.columns)
    wrong = [name for name in names if n_columns[name] != 1]
    if wrong:
        raise ValueError(
            f"{needed}, but X has column(s) {wrong} not at all or twice; its columns are "
            f"{list(X.metadata.columns)}. Add them "
            "to epochs.metadata under these names."
        )
    table = X.metadata[list(names)]
    if all(isinstance(kind, np.dtype) and kind.kind in "biuf" for kind in table.dtypes):
        side[:] = table  # at once, as dozens of columns one by one take as long as a network
    else:
        for i, name in enumerate(names):
            side[:, i] = _numbers(name, table[name])
    lost = ~(np.abs(side) <= np.finfo(np.float32).max) & np.reshape(keep, (-1, 1))
    if lost.any():
        i = lost.any(axis=0).argmax()
        first = lost[:, i].argmax()
        raise ValueError(
            f"Side input {names[i]!r} must be a finite number for every sample, but is {side[first, i]:g} "
            f"for {lost[:, i].sum()} of {len(X)} samples, first for sample {first}. Fill it in, or leave "
            "these samples out."
        )
    return side


def _numbers(name, column):
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_complex_dtype(column):
        raise ValueError(
            f"Side input {name!r} must hold real numbers, got {column.dtype} (first {column.iloc[0]!r}). "
            "Turn it into numbers, or a category into one column of 0 and 1 a value (pandas.get_dummies)."
        )
    return column.to_numpy(dtype=float, na_value=np.nan)


def check_samples(fitted, X):
    """Samples to predict as a view or a 3D array, with the channels of the fit in their order.

    An error says what came and what is needed if they don't fit what was trained on.
    """
    name = type(fitted).__name__
    X, table = open_samples(X, fitted, EpochsView if fitted.ch_names_ is None else ViewToPredict)
    if isinstance(X, EpochsView):
        X = X if fitted.ch_names_ is None else X.pick(fitted.ch_names_)
        if fitted.sfreq_ is not None and not same_rate(X.sfreq, fitted.sfreq_):
            now, before = distinct([X.sfreq, fitted.sfreq_])
            raise ValueError(
                f"X is sampled at {now} Hz, but this {name} was fitted at {before} Hz. Resample the epochs."
            )
    elif fitted._is_table and table is not None:
        validate_data(fitted, table, reset=False, skip_check_array=True)
    if X.shape[1] != fitted.n_channels_:
        raise ValueError(
            f"X has {X.shape[1]} channel(s), but this {name} was fitted on {fitted.n_channels_}. An array of "
            "several channels has the shape (n_samples, n_channels, n_times), one epoch too: X[np.newaxis]."
        )
    if X.shape[2] != fitted.n_times_:
        seconds = "" if fitted.sfreq_ is None else f" ({fitted.n_times_ / fitted.sfreq_:g} s)"
        raise ValueError(
            f"X has windows of {X.shape[2]} time points, but this {name} was fitted on "
            f"{fitted.n_times_}{seconds}. Crop the epochs, or cut them with the same tmin and tmax."
        )
    warn_of_other_provenance(getattr(fitted, "provenance_", None), X)  # transformers have none
    return X


def check_labels(y, X):
    """One label a sample, those of the view by default."""
    if y is None:
        if not isinstance(X, EpochsView):
            raise ValueError(
                "This estimator requires y to be passed, but the target y is None; only epochs bring labels."
            )
        y = X.labels
    y = column_or_1d(of_one_kind(y, "y"), warn=True)
    check_array(y, ensure_2d=False, dtype=None, input_name="y")
    check_consistent_length(X, y)
    check_classes(y)
    return y


def check_known_labels(y, classes):
    """No label that was not there at fit."""
    unseen = sorted({repr(label) for label in y[~np.isin(y, classes)].tolist()})
    if unseen:
        raise ValueError(
            f"y has labels that were not there at fit: {', '.join(unseen)}; fitted on {classes.tolist()}. "
            "Pass labels of the same kind as to fit."
        )
