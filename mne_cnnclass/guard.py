"""The guard: what goes into a fit or a prediction is checked here, and nowhere else."""

from __future__ import annotations

import math
import numbers
from os import PathLike

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_consistent_length, check_scalar, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from .augmentations import is_named, listed
from .epochs_sources import check_column
from .epochs_view import EpochsView
from .samples import as_view


def check_parameters(clf):
    """Check the parameters of a classifier before anything is computed."""
    check_scalar(clf.n_members, "n_members", numbers.Integral, min_val=1)
    check_scalar(clf.max_epochs, "max_epochs", numbers.Integral, min_val=1)
    if clf.batch_size != "auto":
        check_scalar(clf.batch_size, "batch_size", numbers.Integral, min_val=1)
    check_scalar(clf.lr, "lr", numbers.Real, min_val=0, max_val=np.inf, include_boundaries="neither")
    check_scalar(clf.weight_decay, "weight_decay", numbers.Real, min_val=0)
    check_scalar(
        clf.label_smoothing,
        "label_smoothing",
        numbers.Real,
        min_val=0,
        max_val=1,
        include_boundaries="left",
    )
    if clf.lr_schedule not in (None, "one_cycle"):
        raise ValueError(f"lr_schedule must be None or 'one_cycle', got {clf.lr_schedule!r}.")
    if clf.validation_fraction is not None:
        check_scalar(
            clf.validation_fraction,
            "validation_fraction",
            numbers.Real,
            min_val=0,
            max_val=1,
            include_boundaries="neither",
        )
    if clf.patience is not None:
        check_scalar(clf.patience, "patience", numbers.Integral, min_val=1)
        if clf.validation_fraction is None:
            raise ValueError(
                "patience watches the validation loss, so it needs a validation_fraction, got None."
            )
    if clf.n_threads is not None:
        if isinstance(clf.n_threads, bool):
            raise TypeError(f"n_threads must be None or a number of threads, got {clf.n_threads!r}.")
        # OpenMP ends the process where it can't start as many
        check_scalar(clf.n_threads, "n_threads", numbers.Integral, min_val=1, max_val=1024)
    for name in ("calibrate", "standardize", "accelerate"):
        if not isinstance(getattr(clf, name), (bool, np.bool_)):
            raise TypeError(f"{name} must be True or False, got {getattr(clf, name)!r}.")
    if not all(one is None or callable(one) or is_named(one) for one in listed(clf.augmentation)):
        raise TypeError(
            "augmentation must be None, a name, a callable, or a list of names, of pairs (name, dict of "
            f"parameters) and of callables, got {clf.augmentation!r}."
        )
    if clf.callbacks is not None and not isinstance(clf.callbacks, (list, tuple)):
        raise TypeError(f"callbacks must be None or a list of skorch callbacks, got {clf.callbacks!r}.")
    if clf.checkpoint_dir is not None:
        if not isinstance(clf.checkpoint_dir, (str, PathLike)):
            raise TypeError(f"checkpoint_dir must be None or a folder, got {clf.checkpoint_dir!r}.")
        if clf.callbacks:
            raise ValueError("checkpoint_dir can't keep the state of callbacks. Give one or the other.")
        if clf.random_state is None:
            raise ValueError(
                "checkpoint_dir needs a random_state, as no fit without one is the same again, got None."
            )
    check_side_names(clf.side_inputs)
    _check_symmetry(clf.symmetry)
    if clf.model_params is not None and not isinstance(clf.model_params, dict):
        raise TypeError(f"model_params must be None or a dict, got {type(clf.model_params).__name__}.")


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
            f"X has windows of {X.shape[2]} samples, but this {name} was fitted on "
            f"{fitted.n_times_}{seconds}. Crop the epochs, or cut them with the same tmin and tmax."
        )
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


def check_signals(X, estimator):
    """An array of samples: numbers, finite, of two or three dimensions."""
    X = check_array(X, dtype="numeric", allow_nd=True, estimator=estimator, input_name="X")
    if X.ndim > 3:
        raise ValueError(
            "X must have the shape (n_samples, n_channels, n_times), or (n_samples, n_times) for signals of "
            f"one channel, got {X.ndim} dimensions: {X.shape}."
        )
    if 0 in X.shape:
        raise ValueError(f"X has no channels or no times: its shape is {X.shape}.")
    return X


def check_labels(y, X):
    """One label a sample, those of the view by default."""
    if y is None:
        if not isinstance(X, EpochsView):
            raise ValueError(
                "This estimator requires y to be passed, but the target y is None; only epochs bring labels."
            )
        y = X.labels
    y = column_or_1d(y, warn=True)
    check_array(y, ensure_2d=False, dtype=None, input_name="y")
    check_consistent_length(X, y)
    check_classification_targets(y)
    return y


def check_known_labels(y, classes):
    """No label that was not there at fit."""
    unseen = sorted({repr(label) for label in y[~np.isin(y, classes)].tolist()})
    if unseen:
        raise ValueError(
            f"y has labels that were not there at fit: {', '.join(unseen)}; fitted on {classes.tolist()}. "
            "Pass labels of the same kind as to fit."
        )


def check_weights(sample_weight, n_samples):
    """One weight a sample, not negative and not all zero."""
    if sample_weight is None:
        return np.ones(n_samples)
    weight = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weight.shape != (n_samples,):
        raise ValueError(f"sample_weight must have shape ({n_samples},), got {weight.shape}.")
    if (weight < 0).any():
        raise ValueError(f"sample_weight must not be negative, got {weight.min():g}.")
    if not weight.any():
        raise ValueError("All sample weights are zero: nothing is left to train on.")
    return weight


def _as_channels(signals):
    """Signals of one channel get their axis of channels."""
    return signals[:, np.newaxis] if signals.ndim == 2 else signals
