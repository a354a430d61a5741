"""What may be passed as an array of samples: real, finite numbers in two or three dimensions."""

from __future__ import annotations

import os

import mne
import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import check_array

from ..utils.warn import warn
from .blocks import iter_blocks

FLOAT16_DIGITS = float(np.finfo(np.float16).smallest_normal)  # below it float16 loses digits


def check_signals(X, estimator):
    """An array of samples: numbers, finite, of two or three dimensions.

    Parameters
    ----------
    X : array-like
        What came.
    estimator : BaseEstimator
        For the messages.

    Returns
    -------
    X : array, shape (n_samples, n_channels, n_times) | (n_samples, n_times)
        The samples, not copied where they need not be.

    Raises
    ------
    TypeError
        If it is nothing that could be read as samples.
    ValueError
        If numbers are missing, masked or infinite, or if the shape is none of samples.
    """
    X = _as_numbers(check_kind(X))
    try:
        X = check_array(
            X, dtype="numeric", allow_nd=True, ensure_all_finite=False, estimator=estimator, input_name="X"
        )
    except RuntimeError as error:  # of a tensor that can't become an array
        raise TypeError(f"X can't be read as an array: {error}") from error
    if X.dtype.kind not in "biuf":
        raise TypeError(f"X must hold real numbers, got {X.dtype}.")
    if X.ndim > 3:
        raise ValueError(
            "X must have the shape (n_samples, n_channels, n_times), or (n_samples, n_times) for signals of "
            f"one channel, got {X.ndim} dimensions: {X.shape}."
        )
    if 0 in X.shape:
        raise ValueError(f"X has no channels or no times: its shape is {X.shape}.")
    for _ in iter_blocks(X[:, np.newaxis] if X.ndim == 2 else X):
        pass  # it raises at a number that is not finite, and says where
    if X.dtype == np.float16 and 0 < np.abs(X).max() < FLOAT16_DIGITS:
        warn(
            f"X is of float16, which has hardly any digits below {FLOAT16_DIGITS:.0e}, and its values are "
            f"up to {np.abs(X).max():.1e}. Keep potentials in V as float32 or float64.",
        )
    return X


def check_kind(X):
    """X, if it may be samples of an array; lists are made into one.

    Parameters
    ----------
    X : object
        What came, and is not made of Epochs.

    Returns
    -------
    X : object
        The same, or an array if it was a list.

    Raises
    ------
    TypeError
        If it is nothing that has samples.
    ValueError
        If values are masked, or if the samples of a list differ in shape.
    """
    no_samples = isinstance(X, (str, bytes, os.PathLike, dict, set)) and not issparse(X)  # some are dicts
    if X is None or no_samples:
        hint = (
            " Read the file first, such as with mne.read_epochs." if isinstance(X, (str, os.PathLike)) else ""
        )
        raise TypeError(
            "X must be mne.Epochs, an EpochsView, or an array of shape (n_samples, n_channels, n_times), got "
            f"{'None' if X is None else f'a {type(X).__name__}'}.{hint}"
        )
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(
            f"X has {np.ma.count_masked(X)} masked values, which would be taken for good ones. Leave these "
            "samples out, or interpolate: X.filled(...)."
        )
    if isinstance(X, (list, tuple)):
        wrong = {type(x).__name__ for x in X if isinstance(x, (mne.BaseEpochs, mne.io.BaseRaw, mne.Evoked))}
        if wrong:
            raise TypeError(f"A list X must hold mne.Epochs or arrays alone, got {', '.join(sorted(wrong))}.")
        try:
            X = np.asarray(X)
        except ValueError as error:
            raise ValueError(f"X is a list of samples that differ in shape: {error}") from error
    return X


def _as_numbers(X):
    """X, where objects in it are numbers; else it is said which is none."""
    if isinstance(X, (np.ndarray, pd.DataFrame)):
        values = np.asarray(X)
        if values.dtype == object:
            try:
                values.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise type(error)(f"X must hold numbers alone: {error}.") from error
    return X
