"""One answer a recording, from those of its windows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..metrics.bins import sum_to_one
from ..metrics.scores import PROBA, SCORER
from ..samples.columns import check_column


def combine_windows(predictions: Any, records: ArrayLike) -> Any:
    """Combine the predictions for windows into one prediction per recording.

    Parameters
    ----------
    predictions : Evaluation | pandas.DataFrame | array, shape (n_windows, n_classes)
        The result of :func:`~mne_cnnclass.evaluate`, with probabilities, or the probabilities themselves,
        with one column per class.
    records : array-like, shape (n_windows,)
        The recording of each window: for each sample passed to :func:`~mne_cnnclass.evaluate`, or for each
        row of the probabilities. A recording with several rhythms has a name for each span of one;
        ``docs/guide/ecg.md`` shows how.

    Returns
    -------
    combined : Evaluation | pandas.DataFrame
        An evaluation of the recordings, with scores, intervals and figures, in which
        ``predictions["sample"]`` is the index of the first window of a recording, and ``folds["n_train"]``
        the number of training windows divided by the mean number per recording; additional scorers are left
        out. If probabilities were given, a table of probabilities with one row per recording, in order of
        appearance.

    Raises
    ------
    ValueError
        If there are no probabilities, if the record of a window is missing, or if the windows of a recording
        differ in their true class or fold.

    Notes
    -----
    The combined probabilities are the geometric mean of those of the windows (the mean of their logarithms),
    normalised to a sum of one, so that windows with confident predictions have more influence. Probabilities
    below 1e-6 are treated as 1e-6.

    Examples
    --------
    >>> from mne_cnnclass.ecg import combine_windows
    >>> combine_windows([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]], ["A00001", "A00001", "A00002"]).round(2)
               0     1
    A00001  0.75  0.25
    A00002  0.20  0.80
    """
    if np.ndim(records) != 1:
        raise ValueError(
            f"records must be a list with the record of each window, got {records!r}. Make the view with "
            "groups='record' to give view.groups."
        )
    records = check_column(records, "records", len(records))
    if not hasattr(predictions, "predictions"):
        table = pd.DataFrame(predictions)
        if not sum_to_one(table.to_numpy()):
            raise ValueError("predictions must hold probabilities, a row a window, that sum to one.")
        if len(table) != len(records):
            raise ValueError(f"records must have one for each of {len(table)} windows, got {len(records)}.")
        return _combine(table, records)
    table = predictions.predictions
    columns = [name for name in table if name.startswith(PROBA)]
    if not columns:
        raise ValueError("Windows are combined by their probabilities, but the classifier gave none.")
    if len(records) <= table["sample"].max():
        raise ValueError(
            f"records must have one for each sample that was evaluated, at least "
            f"{table['sample'].max() + 1}, got {len(records)}."
        )
    record = records[table["sample"]]
    grouped = table.groupby(record, sort=False)
    n_classes, n_folds = (grouped[column].nunique() for column in ("y_true", "fold"))
    if (n_classes > 1).any():
        raise ValueError(
            f"The windows of {n_classes.idxmax()} are of several classes ({n_classes.max()}), but combining "
            "is for recordings of one class each. Keep the scores of windows, or give records= a name for "
            "each span of one class, as docs/guide/ecg.md shows."
        )
    if (n_folds > 1).any():
        raise ValueError(
            f"The windows of {n_folds.idxmax()} are in several folds ({n_folds.max()}). Keep a recording in "
            "one: make the view with groups='record'."
        )
    kept = ["fold", "sample", "y_true", *(["group"] if "group" in table else [])]
    combined = grouped[kept].first()
    proba = _combine(table[columns], record)
    combined.insert(3, "y_pred", predictions.classes[proba.to_numpy().argmax(axis=1)])
    combined = combined.join(proba).reset_index(drop=True)
    folds = predictions.folds
    folds = folds.drop(columns=[name for name in folds if name.startswith(SCORER)])
    per_record = len(records) / len(np.unique(records))
    folds["n_train"] = (folds["n_train"] / per_record).round().astype(int)
    folds["n_test"] = folds["fold"].map(combined["fold"].value_counts()).fillna(0).astype(int)
    return replace(predictions, predictions=combined, folds=folds, view=None, probes=None)


def _combine(proba, records):
    """Means of logarithms, made into probabilities again."""
    mean = np.exp(np.log(proba.clip(lower=1e-6)).groupby(records, sort=False).mean())
    return mean.div(mean.sum(axis=1), axis=0)
