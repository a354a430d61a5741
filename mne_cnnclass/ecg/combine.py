"""One answer a recording, from those of its windows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..columns import check_column
from ..viz.bins import sum_to_one

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..evaluation.result import Evaluation


__all__ = ["combine_windows"]

PROBA, SCORER = "proba_", "scorer_"  # how columns of predictions and of folds start


def combine_windows(
    predictions: Evaluation | pd.DataFrame | np.ndarray, records: ArrayLike
) -> Evaluation | pd.DataFrame:
    """Make one answer for each recording of the answers for its windows.

    Parameters
    ----------
    predictions : Evaluation | pandas.DataFrame | array, shape (n_windows, n_classes)
        The result of :func:`~mne_cnnclass.evaluate`, with probabilities; or probabilities, a column a
        class.
    records : array-like, shape (n_windows,)
        The recording of each window: of the samples that were given to :func:`~mne_cnnclass.evaluate`, in
        their order, or of the rows of the probabilities.

    Returns
    -------
    combined : Evaluation | pandas.DataFrame
        An evaluation of recordings, with all that evaluations have: scores, intervals, figures. Its
        ``predictions["sample"]`` is the position of a recording's first window, and ``folds["n_train"]`` the
        training windows by the mean number that a recording has; own scorers are left out. Or a table of
        probabilities, a row a recording, in the order in which they come.

    Raises
    ------
    ValueError
        If there are no probabilities, the record of a window is missing, or the windows of a recording differ
        in their true class or fold.

    Notes
    -----
    Probabilities of windows are multiplied, and the root taken for their number (the mean of their
    logarithms), so that windows that are sure count for more; a probability counts as 1e-6 at least.

    Examples
    --------
    >>> from mne_cnnclass.ecg import combine_windows
    >>> combine_windows([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]], ["A00001", "A00001", "A00002"]).round(2)
               0     1
    A00001  0.75  0.25
    A00002  0.20  0.80
    """
    if np.ndim(records) != 1:
        raise ValueError(f"records must be a list with the record of each window, got {records!r}.")
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
    differing = grouped[["y_true", "fold"]].nunique().max(axis=1)
    if (differing > 1).any():
        raise ValueError(
            f"The windows of {differing.idxmax()} are of several classes or folds. Give records= that tell "
            "their spans apart, and groups= to evaluate, which keep a recording in one fold."
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
