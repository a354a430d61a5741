"""Scores of predictions, computed by scikit-learn, and the chance level of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from ..viz.style import mean_sd

METRICS = ("accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "roc_auc")
PROBA, DECISION = "proba_", "decision_"  # columns of predictions, followed by the class


def score_predictions(y_true, y_pred, y_score, classes):
    """Score the predictions of one test set.

    Parameters
    ----------
    y_true, y_pred : array, shape (n_samples,)
        The true and the predicted classes.
    y_score : None | array, shape (n_samples, n_classes)
        Probabilities or decision scores, a column a class; ``None`` if the classifier has neither.
    classes : array, shape (n_classes,)
        The classes of the whole data set, sorted.

    Returns
    -------
    scores : dict
        A value for each metric. All but the accuracy are averages over classes, and NaN when a class is
        missing from ``y_true``. A class that is never predicted has precision 0. ``roc_auc`` is that of
        the second class when there are two, else the mean of one class against the rest.

    Examples
    --------
    >>> score_predictions(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), None, np.array([0, 1]))
    {'accuracy': 0.75, 'balanced_accuracy': 0.75, ..., 'recall_macro': 0.75, ..., 'roc_auc': nan}
    """
    scores = dict.fromkeys(METRICS, np.nan)
    scores["accuracy"] = float(accuracy_score(y_true, y_pred))
    if np.isin(classes, y_true).all():
        scores["balanced_accuracy"] = float(balanced_accuracy_score(y_true, y_pred))
        macro = precision_recall_fscore_support(
            y_true, y_pred, labels=classes, average="macro", zero_division=0
        )
        scores.update(zip(["precision_macro", "recall_macro", "f1_macro"], map(float, macro), strict=False))
        if y_score is not None:
            first = 1 if len(classes) == 2 else 0
            scores["roc_auc"] = float(roc_auc_score(y_true[:, None] == classes[first:], y_score[:, first:]))
    return scores


def chance_levels(predictions, folds, classes):
    """The best score to expect from a guess that does not look at the samples, for each metric.

    For the accuracy this is the better of two guesses: always the most frequent class of the training part
    (its accuracy on the test part, mean over folds), or any class at random (1 / n_classes). For
    the metrics that are averages over classes it is 1 / n_classes: guessing at random in proportion to the
    class frequencies can expect this in precision, recall and F1 of many samples, and no other guess can
    expect more. A guess has a ROC-AUC of 0.5.

    Parameters
    ----------
    predictions, folds : pandas.DataFrame
        As in :class:`Evaluation`.
    classes : array, shape (n_classes,)
        The classes.

    Returns
    -------
    chance : pandas.Series
        The chance level of each metric.
    """
    guess = folds.set_index("fold")["most_frequent"]
    right = predictions["y_true"] == predictions["fold"].map(guess)
    chance = pd.Series(1 / len(classes), index=pd.Index(METRICS, name="metric"), name="chance")
    chance["accuracy"] = max(right.groupby(predictions["fold"]).mean().mean(), 1 / len(classes))
    chance["roc_auc"] = 0.5
    return chance


def get_scores(predictions):
    """Probabilities or decision scores, shape (n_samples, n_classes), or None if there are none."""
    columns = [name for name in predictions if name.startswith((PROBA, DECISION))]
    return predictions[columns].to_numpy() if columns else None


def _score_table(predictions, classes):
    y_true, y_pred = predictions["y_true"].to_numpy(), predictions["y_pred"].to_numpy()
    return score_predictions(y_true, y_pred, get_scores(predictions), classes)


def score_folds(predictions, folds, classes):
    """Score each fold: a row a fold and metric, as :attr:`Evaluation.scores`."""
    values = pd.DataFrame([_score_table(rows, classes) for _, rows in predictions.groupby("fold")])
    table = (
        folds[["fold", "n_train", "n_test"]]
        .join(values)
        .melt(["fold", "n_train", "n_test"], var_name="metric")
    )
    table = table.sort_values("fold", kind="stable", ignore_index=True)
    return table[["fold", "metric", "value", "n_train", "n_test"]]


def summarize(scores, predictions, folds, classes):
    """Each metric over all folds, as :meth:`Evaluation.summary`."""
    values = scores.groupby("metric")["value"]
    pooled = pd.Series(_score_table(predictions, classes))
    if any(name.startswith(DECISION) for name in predictions):
        pooled["roc_auc"] = np.nan
    chance = chance_levels(predictions, folds, classes)
    columns = dict(mean=values.mean(), sd=values.std(), pooled=pooled, chance=chance, n_folds=values.count())
    return pd.DataFrame(columns, index=chance.index)


def summary_table(results):
    """Put several evaluations into one table to read.

    Parameters
    ----------
    results : dict of str to Evaluation
        The evaluations by name.

    Returns
    -------
    table : pandas.DataFrame
        A row an evaluation and a column a metric, with texts as "0.87 ± 0.03" (mean ± SD over folds, or the
        value alone for one fold). The last row is the chance level; there is one for each evaluation if
        they differ.

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
    rows, chances = {}, {}
    for name, result in results.items():
        rows[name] = result.scores.groupby("metric")["value"].agg(mean_sd)
        chances[f"chance, {name}"] = result.summary()["chance"].map("{:.2f}".format)
    if len({tuple(chance) for chance in chances.values()}) == 1:
        chances = {"chance": next(iter(chances.values()))}
    return pd.DataFrame(rows | chances).T[list(METRICS)].rename_axis(columns=None)
