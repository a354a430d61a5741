"""The guard: what goes into a fit or a prediction is checked here, and nowhere else."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import validate_data

from .columns import check_classes, check_column, check_weights, of_one_kind
from .epochs_view import EpochsView
from .input_arrays import check_signals
from .parameters import side_columns
from .provenance import warn_of_other_provenance
from .samples import as_view

MOST_CHANNELS_A_TIME = 6  # in an array: 512 channels have some hundred times; swapped axes have far fewer


def check_training_samples(X, y, groups, sample_weight, class_weight, *, estimator):
    """Check what is to be trained on.

    Parameters
    ----------
    X, y, groups, sample_weight, class_weight
        As they came to :meth:`CNNClassifier.fit`.
    estimator : CNNClassifier
        For the messages.

    Returns
    -------
    X : EpochsView | array, shape (n_samples, n_channels, n_times)
        The samples whose weight is not zero.
    y, groups, weight : array, shape (n_samples,)
        Their labels, groups (or None) and weights, those of their classes included.
    side : array, shape (n_samples, n_side)
        Their side inputs.
    table : None | object
        X as it came, if it is a table of one-channel signals.
    """
    view = as_view(X)
    table = None
    if view is not None:
        X = view
        if not len(X):
            raise ValueError("X holds 0 epochs; at least one sample of each class is needed.")
        groups = X.groups if groups is None else groups
    else:
        signals = check_signals(X, estimator)
        table = X if signals.ndim == 2 else None
        X = _as_channels(signals)
        if X.shape[1] > MOST_CHANNELS_A_TIME * X.shape[2]:
            warnings.warn(
                f"X has {X.shape[1]} channels and {X.shape[2]} time points, as its shape {X.shape} has to be "
                "(n_samples, n_channels, n_times). Are the axes swapped? Then pass X.transpose(0, 2, 1).",
                RuntimeWarning,
                stacklevel=3,
            )
    y = check_labels(y, X)
    weight = check_weights(sample_weight, len(y))
    if groups is not None:
        groups = check_column(groups, "groups", len(y))
    keep = weight > 0
    side = check_side_inputs(X, side_columns(estimator.side_inputs), keep)
    if not keep.all():
        X, y, weight, side = X[keep], y[keep], weight[keep], side[keep]
        groups = None if groups is None else groups[keep]
    weight = weight * compute_sample_weight(class_weight, y)
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
        raise ValueError(
            f"class_weight must be finite, not negative, and not zero for all classes, got {class_weight!r}."
        )
    return X, y, groups, weight, side, table


def check_side_inputs(X, names, keep=True):
    """Numbers known of samples besides their signals.

    Parameters
    ----------
    X : EpochsView | array, shape (n_samples, n_channels, n_times)
        The samples.
    names : list of str
        Names of metadata columns.
    keep : True | array of bool, shape (n_samples,)
        Which samples have to have them.

    Returns
    -------
    side : array of float64, shape (n_samples, n_side)
        A column a name.

    Raises
    ------
    ValueError
        If there is no such column, or if it does not hold a finite number for each sample.
    """
    side = np.empty((len(X), len(names)))
    if not names:
        return side
    needed = f"side_inputs={list(names)!r} are columns of the metadata of epochs"
    if not isinstance(X, EpochsView):
        raise ValueError(f"{needed}, but X is an array, which has none. Pass mne.Epochs or an EpochsView.")
    if X.metadata is None:
        raise ValueError(f"{needed}, but X, or a part of it, has no metadata. Set epochs.metadata.")
    columns = list(X.metadata.columns)
    wrong = [name for name in names if columns.count(name) != 1]
    if wrong:
        raise ValueError(
            f"{needed}, but X has column(s) {wrong} not at all or twice; its columns are {columns}. Add them "
            "to epochs.metadata under these names."
        )
    for i, name in enumerate(names):
        column = X.metadata[name]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_complex_dtype(column):
            raise ValueError(
                f"Side input {name!r} must hold real numbers, got {column.dtype} (first {column.iloc[0]!r}). "
                "Turn it into numbers, or a category into one column of 0 and 1 a value (pandas.get_dummies)."
            )
        side[:, i] = column.to_numpy(dtype=float, na_value=np.nan)
        lost = np.flatnonzero(~(np.abs(side[:, i]) <= np.finfo(np.float32).max) & keep)
        if len(lost):
            raise ValueError(
                f"Side input {name!r} must be a finite number for every sample, but is {side[lost[0], i]:g} "
                f"for {len(lost)} of {len(X)} samples, first for sample {lost[0]}. Fill it in, or leave "
                "these samples out."
            )
    return side


def check_samples(fitted, X):
    """Check what is to be predicted, and bring its channels into the order of the fit.

    Parameters
    ----------
    fitted : CNNClassifier
        The fitted estimator.
    X : EpochsView | mne.Epochs | list of mne.Epochs | array
        Samples.

    Returns
    -------
    X : EpochsView | array, shape (n_samples, n_channels, n_times)
        The samples, with the channels of the fit.

    Raises
    ------
    ValueError
        If they don't fit what was trained on; the message says what came and what is needed.
    """
    name = type(fitted).__name__
    view = as_view(X)
    if view is None:
        signals = check_signals(X, fitted)
        if fitted._is_table and signals.ndim == 2:
            validate_data(fitted, X, reset=False, skip_check_array=True)
        X = _as_channels(signals)
    else:
        if not len(view):
            raise ValueError("X holds 0 epochs; at least one sample is needed.")
        X = view if fitted.ch_names_ is None else view.pick(fitted.ch_names_)
        if fitted.sfreq_ is not None and not math.isclose(X.sfreq, fitted.sfreq_, rel_tol=1e-6):
            raise ValueError(
                f"X is sampled at {X.sfreq:g} Hz, but this {name} was fitted at {fitted.sfreq_:g} Hz. "
                "Resample the epochs."
            )
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


def check_same_problem(fitted, X, classes):
    """Check that a warm start goes on with network, classes and channels of before; X in their order."""
    if (fitted.model, fitted.model_params or {}) != (
        fitted._architecture["model"],
        fitted._architecture["params"],
    ) or fitted.standardize != fitted.scaler_.standardize:
        raise ValueError(
            "warm_start=True goes on with the network of before, but model, model_params or standardize were "
            "changed since. Set warm_start=False to start anew."
        )
    n_members, mirror = fitted._architecture["n_members"], fitted._architecture["mirror"]
    if fitted.n_members != n_members or (fitted.symmetry is None) != (mirror is None):
        raise ValueError(
            "warm_start=True goes on with the networks of before, but n_members or symmetry were changed "
            "since. Set warm_start=False to start anew."
        )
    before = [*fitted.side_scaler_.names, *fitted.side_scaler_.transformers]
    transformers = [entry for entry in fitted.side_inputs or [] if not isinstance(entry, str)]
    if repr([*side_columns(fitted.side_inputs), *transformers]) != repr(before):
        raise ValueError(
            f"warm_start=True goes on with side_inputs={before!r}, got {fitted.side_inputs!r}. Set "
            "warm_start=False to start anew."
        )
    if not np.array_equal(classes, fitted.classes_):
        raise ValueError(
            f"warm_start=True goes on with the classes {fitted.classes_.tolist()}, got {classes.tolist()}."
        )
    if fitted.calibrate and fitted.validation_fraction is None:
        raise ValueError(
            "warm_start=True goes on with weights that may have seen all samples, so none is held out that "
            "calibrate=True could look at. Set a validation_fraction, or calibrate=False."
        )
    return check_samples(fitted, X)


def check_logits(logits, numbers):
    """Outputs of a network for the samples of these numbers must be finite."""
    lost = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(lost):
        raise ValueError(
            f"The network gives no finite output for sample {numbers[lost[0]]}: its values are far beyond "
            "those that it was trained on. Look for outliers, or for another unit."
        )


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


def _as_channels(signals):
    """Signals of one channel get their axis of channels."""
    return signals[:, np.newaxis] if signals.ndim == 2 else signals
