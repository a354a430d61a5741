"""Several evaluations in one table."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..metrics.scores import chance_levels
from ..metrics.statistics import mean_sd
from .result import Evaluation

SHOWN = ("accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "roc_auc")


def summary_table(results: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Summarise several evaluations in a formatted table.

    Parameters
    ----------
    results : dict of str to Evaluation
        The evaluations by name.

    Returns
    -------
    table : pandas.DataFrame
        One row per evaluation and one column for each of the main metrics, with strings such as "0.87 ± 0.03"
        (mean ± SD over folds, or only the value for a single fold). The last row is the chance level; if
        chance levels differ, there is one such row per evaluation.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from mne_cnnclass.evaluation import evaluate, summary_table
    >>> summary_table({"naive Bayes": evaluate(GaussianNB(), *load_iris(return_X_y=True))})[["accuracy"]]
                    accuracy
    naive Bayes  0.95 ± 0.03
    chance              0.33
    """
    named = isinstance(results, Mapping) and results
    if not named or not all(hasattr(result, "scores") for result in results.values()):
        raise TypeError(f"results must be a dict of names to evaluations, and not empty, got {results!r}.")
    rows, chances = {}, {}
    for name, result in results.items():
        rows[name] = result.scores.groupby("metric")["value"].agg(mean_sd)
        # not result.summary(), which draws a thousand resamples for its intervals
        chance = chance_levels(result.predictions, result.folds, result.classes)
        chances[f"chance, {name}"] = chance.map("{:.2f}".format)
    if len({tuple(chance[list(SHOWN)]) for chance in chances.values()}) == 1:
        chances = {"chance": next(iter(chances.values()))}
    return pd.DataFrame(rows | chances).T[list(SHOWN)].rename_axis(columns=None)
