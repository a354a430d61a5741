"""The one door for what a user passes as ``X``: Epochs become a view, and arrays are checked."""

import os

import mne
import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from ..utils.warn import warn
from .view import EpochsView

FLOAT16_DIGITS = float(np.finfo(np.float16).smallest_normal)  # below it float16 loses digits


class ViewToPredict(EpochsView):
    """A view of which a fit has chosen the channels: the names of others are nothing to warn of."""

    _looks_at_names = False


def as_samples(X, view=EpochsView):
    """X as an `EpochsView` if it is made of Epochs, a list as an array, and else as it is.

    This is what functions take that are for any estimator, whose X may be a table, too.
    """
    if isinstance(X, EpochsView):
        return X
    if is_epochs(X):
        return view(X)
    if _is_of_mne(X):
        advice = "pass the mne.Epochs that it was made of"
        if isinstance(X, (mne.io.BaseRaw, mne.Evoked)):
            advice = "cut it into mne.Epochs first"
        elif isinstance(X, mne.time_frequency.EpochsSpectrum):
            advice += ", or its numbers, X.get_data(), whose channels are known by their order alone"
        raise TypeError(f"X must be epochs or an array, got a {type(X).__name__}: {advice}.")
    is_path = isinstance(X, (str, os.PathLike))
    if X is None or is_path or (isinstance(X, (bytes, dict, set)) and not issparse(X)):  # some are dicts
        raise TypeError(
            "X must be mne.Epochs, an EpochsView, or an array of shape (n_samples, n_channels, n_times), got "
            f"{'None' if X is None else f'a {type(X).__name__}'}."
            f"{' Read the file first, such as with mne.read_epochs.' if is_path else ''}"
        )
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(
            f"X has {np.ma.count_masked(X)} masked values, which would be taken for good ones. Leave these "
            "samples out, or interpolate: X.filled(...)."
        )
    if isinstance(X, (list, tuple)):
        wrong = {type(x).__name__: x for x in X if _is_of_mne(x)}
        if wrong:
            raise TypeError(
                f"A list X must hold mne.Epochs or arrays alone, got {', '.join(sorted(wrong))}. Pass "
                "Epochs; of several Evoked they are mne.EpochsArray([x.data for x in X], X[0].info, "
                "tmin=X[0].tmin)."
            )
        try:
            X = np.asarray(X)
        except ValueError as error:
            raise ValueError(f"X is a list of samples that differ in shape: {error}") from error
    return X


def _is_of_mne(X):
    """Whether X is an object of MNE, of which numpy would make a bare array: channels would go by order."""
    return any(kind.__module__.partition(".")[0] in ("mne", "mne_connectivity") for kind in type(X).__mro__)


def is_epochs(X):
    """Whether X is Epochs, a list that begins with them (as scikit-learn makes of Epochs), or a view."""
    first = X[0] if isinstance(X, (list, tuple)) and len(X) else X
    return isinstance(first, mne.BaseEpochs) or isinstance(X, EpochsView)


def as_signals(X, estimator, view=EpochsView):
    """X as a view, or as an array of real numbers with two dimensions (samples, times) or three.

    Its numbers are not read here: `iter_blocks`, by which all samples are read, looks for NaN as it goes.
    """
    X = as_samples(X, view)
    if isinstance(X, EpochsView):
        if not len(X):
            raise ValueError("X holds 0 epochs; at least one sample is needed.")
        return X
    if not (type(X) is np.ndarray and X.dtype.kind == "f" and X.ndim == 3 and len(X)):
        X = _as_array(X, estimator)
    if X.dtype.kind not in "biuf":
        raise TypeError(f"X must hold real numbers, got {X.dtype}.")
    if X.ndim > 3:
        raise ValueError(
            "X must have the shape (n_samples, n_channels, n_times), or (n_samples, n_times) for signals of "
            f"one channel, got {X.ndim} dimensions: {X.shape}."
        )
    if 0 in X.shape:
        raise ValueError(f"X has no channels or no times: its shape is {X.shape}.")
    if X.dtype == np.float16 and 0 < np.abs(X).max() < FLOAT16_DIGITS:
        warn(
            f"X is of float16, which has hardly any digits below {FLOAT16_DIGITS:.0e}, and its values are "
            f"up to {np.abs(X).max():.1e}. Keep potentials in V as float32 or float64."
        )
    return X


def _as_array(X, estimator):
    """X as an array of numbers; if objects in it are none, the error says which."""
    if isinstance(X, (np.ndarray, pd.DataFrame)):
        values = np.asarray(X)
        if values.dtype == object:
            try:
                values.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise type(error)(f"X must hold numbers alone: {error}.") from error
    try:
        return check_array(
            X, dtype="numeric", allow_nd=True, ensure_all_finite=False, estimator=estimator, input_name="X"
        )
    except RuntimeError as error:  # of a tensor that can't become an array
        raise TypeError(f"X can't be read as an array: {error}") from error


def open_samples(X, estimator, view=EpochsView):
    """Samples to fit or to predict as a view or a 3D array, and X as it came if it is a table, else None."""
    signals = as_signals(X, estimator, view)
    return (signals, None) if signals.ndim == 3 else (signals[:, np.newaxis], X)


def note_samples(estimator, X, table, *, first=True):
    """Note what an estimator is fitted on: what `open_samples` returned.

    The estimator gets ``n_channels_``, ``n_times_``, ``n_features_in_``, if its columns have names
    ``feature_names_in_``, and at the first of several fits in a row ``ch_names_`` and ``sfreq_`` (None for
    arrays).
    """
    if first:
        estimator.ch_names_, estimator.sfreq_ = getattr(X, "ch_names", None), getattr(X, "sfreq", None)
    estimator.n_channels_, estimator.n_times_ = X.shape[1:]
    estimator.n_features_in_ = X.shape[1]
    estimator._is_table = table is not None
    vars(estimator).pop("feature_names_in_", None)
    if table is not None:
        validate_data(estimator, table, skip_check_array=True)
