"""Scores of predictions, computed by scikit-learn, and the chance level of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    log_loss,
    matthews_corrcoef,
    precision_recall_fscore_support,
    roc_auc_score,
)

from ..utils.docs import fill_doc
from .bins import bins_error, check_probabilities, reliability_bins

METRICS = (
    *("accuracy", "balanced_accuracy"),
    *("precision_macro", "recall_macro", "f1_macro"),
    *("precision_weighted", "recall_weighted", "f1_weighted"),
    *("cohen_kappa", "matthews_corrcoef"),
    *("roc_auc", "average_precision"),
    *("log_loss", "brier", "calibration_error"),
)
LOWER_IS_BETTER = ("log_loss", "brier", "calibration_error")
PROBA, DECISION = "proba_", "decision_"  # columns of predictions, followed by the class
SCORER = "scorer_"  # columns of folds, followed by the name of a scorer


def score_predictions(predictions, classes):
    """The value of each metric over the predictions of one test set, as a dict.

    Averages over classes are NaN when a class is missing from the test set. A class that is never predicted
    has precision 0. ``roc_auc`` and ``average_precision`` are those of the second class if there are two,
    otherwise the mean of each class against the rest. ``brier`` is the mean squared difference between
    probabilities and truth: of the second class if there are two, otherwise summed over classes.

    Examples
    --------
    >>> score_predictions(pd.DataFrame({"y_true": [0, 0, 1, 1], "y_pred": [0, 0, 1, 0]}), np.array([0, 1]))
    {'accuracy': 0.75, 'balanced_accuracy': 0.75, ..., 'recall_macro': 0.75, ..., 'calibration_error': nan}
    """
    y_true, y_pred, y_score = *_labels(predictions), get_scores(predictions)
    scores = dict.fromkeys(METRICS, np.nan)
    scores["accuracy"] = accuracy_score(y_true, y_pred)
    if len(np.union1d(y_true, y_pred)) > 1:  # else no agreement beyond chance is defined
        scores["cohen_kappa"] = cohen_kappa_score(y_true, y_pred, labels=classes)
        scores["matthews_corrcoef"] = matthews_corrcoef(y_true, y_pred)
    all_there = np.isin(classes, y_true).all()
    for average in ["weighted", "macro"] if all_there else ["weighted"]:
        of_kinds = precision_recall_fscore_support(
            y_true, y_pred, labels=classes, average=average, zero_division=0
        )
        names = [f"{kind}_{average}" for kind in ("precision", "recall", "f1")]
        scores.update(zip(names, of_kinds, strict=False))
    if all_there:
        scores["balanced_accuracy"] = balanced_accuracy_score(y_true, y_pred)
    if y_score is not None:
        one_hot = y_true[:, None] == classes
        if all_there:
            first = 1 if len(classes) == 2 else 0
            scores["roc_auc"] = roc_auc_score(one_hot[:, first:], y_score[:, first:])
            scores["average_precision"] = average_precision_score(one_hot[:, first:], y_score[:, first:])
        if are_probabilities(predictions):
            scores["log_loss"] = log_loss(one_hot, y_score)
            brier = ((y_score - one_hot) ** 2).sum(axis=1).mean()
            scores["brier"] = brier / 2 if len(classes) == 2 else brier
            scores["calibration_error"] = bins_error(reliability_bins(y_true, y_score, classes=classes))
    return {name: float(value) for name, value in scores.items()}


@fill_doc
def calibration_error(y_true: np.ndarray, proba: np.ndarray, classes: np.ndarray) -> float:
    """Compute the expected calibration error, the mean gap between confidence and accuracy [1]_.

    Parameters
    ----------
    %(y_true)s
    %(proba)s
    %(classes)s

    Returns
    -------
    error : float
        Mean of ``|confidence - accuracy|`` over 15 bins of the probability of the predicted class, weighted
        by the number of samples per bin. With few samples it is above zero even for a perfectly calibrated
        model.

    References
    ----------
    .. [1] Guo C, Pleiss G, Sun Y, Weinberger KQ (2017). On calibration of modern neural networks. ICML.
       arXiv:1706.04599

    Examples
    --------
    >>> calibration_error(np.array([0, 1]), np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1]))
    0.4
    """
    y_true, proba = check_probabilities(y_true, proba, classes)
    return bins_error(reliability_bins(y_true, proba, classes=classes))


def score_classes(predictions, classes):
    """Scores of each class against the rest; NaN where undefined, as the precision of one never predicted."""
    y_true, y_pred = _labels(predictions)
    confusion = confusion_matrix(y_true, y_pred, labels=classes)
    rates = class_rates(confusion) | dict.fromkeys(("roc_auc", "average_precision"), np.nan)
    table = pd.DataFrame({"n": confusion.sum(axis=1), **rates}, index=pd.Index(classes, name="class"))
    if are_probabilities(predictions):
        y_score = get_scores(predictions)
        for i, name in enumerate(classes):
            positive = y_true == name
            if positive.any() and not positive.all():
                table.iloc[i, -2] = roc_auc_score(positive, y_score[:, i])
                table.iloc[i, -1] = average_precision_score(positive, y_score[:, i])
    return table


def class_rates(confusion):
    """Rates of each class, from confusion matrices of shape (..., n_classes, n_classes) with true rows."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    total = true.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return {
            "sensitivity": right / true,
            "specificity": (total - true - predicted + right) / (total - true),
            "positive_predictivity": right / predicted,
            "f1": 2 * right / (true + predicted),
        }


def chance_levels(predictions, folds, classes):
    """The best expected score of a guess that ignores the samples, for each metric.

    For the accuracy (and the recall weighted by class frequencies, which is the same) this is the better of
    two guesses: always the most frequent class of the training part (its accuracy on the test part, averaged
    over folds), or a random class (1 / n_classes). For the metrics that are averages over classes it is 1 /
    n_classes: for many samples, this is the expected precision, recall and F1 of guessing at random in
    proportion to the class frequencies, and no other guess can do better. For weighted averages it is the
    better of this and the most frequent class. A guess has a kappa and a Matthews correlation of 0, a ROC-AUC
    of 0.5, and an average precision of the frequency of the class. Log loss and Brier score are those of the
    class frequencies as probabilities. The calibration error has no chance level.
    """
    guess = folds.set_index("fold")["most_frequent"]
    right = predictions["y_true"] == predictions["fold"].map(guess)
    share = predictions["y_true"].value_counts(normalize=True).reindex(classes, fill_value=0).to_numpy()
    most, at_random, known = share.max(), (share**2).sum(), share[share > 0]
    binary = len(classes) == 2
    accuracy = max(right.groupby(predictions["fold"]).mean().mean(), 1 / len(classes))
    chance = dict.fromkeys(METRICS, 1 / len(classes)) | {
        "accuracy": accuracy,
        "precision_weighted": max(at_random, most**2),
        "recall_weighted": accuracy,
        "f1_weighted": max(at_random, most * 2 * most / (1 + most)),
        "cohen_kappa": 0.0,
        "matthews_corrcoef": 0.0,
        "roc_auc": 0.5,
        "average_precision": share[1] if binary else 1 / len(classes),
        "log_loss": -(known * np.log(known)).sum(),
        "brier": (1 - at_random) / (2 if binary else 1),
        "calibration_error": np.nan,
    }
    return pd.Series(chance, name="chance").rename_axis("metric")


def get_scores(predictions):
    """Probabilities or decision scores, shape (n_samples, n_classes), or None if there are none."""
    columns = [name for name in predictions if name.startswith((PROBA, DECISION))]
    return predictions[columns].to_numpy() if columns else None


def are_probabilities(predictions):
    """Whether the scores are probabilities, rather than decision scores or nothing."""
    return any(name.startswith(PROBA) for name in predictions)


def _labels(predictions):
    return predictions["y_true"].to_numpy(), predictions["y_pred"].to_numpy()


def score_pooled(predictions, classes):
    """The metrics over the predictions of all folds together, as a Series."""
    pooled = pd.Series(score_predictions(predictions, classes))
    if not are_probabilities(predictions):
        pooled[["roc_auc", "average_precision"]] = np.nan
    return pooled


def score_folds(predictions, folds, classes, error_score=np.nan):
    """Score each fold: one row per fold and metric, as in ``Evaluation.scores``."""
    values = pd.DataFrame(
        {fold: score_predictions(rows, classes) for fold, rows in predictions.groupby("fold")}
    ).T
    extra = [name for name in folds if name.startswith(SCORER)]
    values = values.join(folds.set_index("fold")[extra].rename(columns=lambda name: name[len(SCORER) :]))
    if not np.isnan(error_score):
        values = values.reindex(folds["fold"])
        values.loc[folds["error"].notna().to_numpy()] = error_score
    about = ["fold", "n_train", "n_test"]
    table = folds[about].merge(values, left_on="fold", right_index=True).melt(about, var_name="metric")
    table = table.sort_values("fold", kind="stable", ignore_index=True)
    return table[["fold", "metric", "value", "n_train", "n_test"]]
