"""Scores of predictions, and the chance level of each.

Intervals and permutation tests score the same predictions a thousand times over, for which scikit-learn's
functions take minutes. Here a score is computed from sums that are prepared once; the tests hold them against
scikit-learn's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from ..utils.docs import fill_doc
from .bins import N_BINS, bin_numbers, bins_error, reliability_bins

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


class FastScores:
    """The metrics of one set of predictions, for many weights of the samples or many orders of the labels.

    Predictions that are ``pooled`` over models are not ranked by their decision scores, which are on a scale
    of their own in each model.
    """

    def __init__(self, predictions, classes, *, pooled=True):
        self.n_classes = len(classes)
        self.true = np.searchsorted(classes, predictions["y_true"].to_numpy())
        self.pred = np.searchsorted(classes, predictions["y_pred"].to_numpy())
        self.proba, self.ranked = None, []
        scores = get_scores(predictions)
        if are_probabilities(predictions):
            self.proba = scores
            self.log_proba = np.log(np.clip(scores, np.finfo(float).eps, 1 - np.finfo(float).eps))
            self.squares = (scores**2).sum(axis=1)
            self.likeliest, self.confidence = scores.argmax(axis=1), scores.max(axis=1)
            self.bin = bin_numbers(self.confidence)
        elif scores is None or pooled:
            return
        for k in range(1 if self.n_classes == 2 else 0, self.n_classes):
            order = np.argsort(-scores[:, k], kind="stable")
            ends = np.flatnonzero(np.r_[np.diff(scores[order, k]) != 0, True])  # of runs of equal scores
            self.ranked.append((k, order, ends if len(ends) < len(order) else slice(None)))

    def __call__(self, weights=None, true=None):
        """Values in the order of ``METRICS``, with weights of predictions or other numbers of classes.

        Of rows of weights, or of numbers of classes, there is a row of values each.
        """
        single = np.ndim(weights) < 2 and np.ndim(true) < 2
        true = np.atleast_2d(self.true if true is None else true)
        n_rows = max(len(true), 1 if weights is None else len(np.atleast_2d(weights)))
        # without weights no integers either, of which the fourth power overflows with 60 000 samples
        weights = np.broadcast_to(1.0 if weights is None else weights, (n_rows, true.shape[1]))
        k = self.n_classes
        values = dict.fromkeys(METRICS, np.full(n_rows, np.nan))
        with np.errstate(divide="ignore", invalid="ignore"):
            confusion = _sums(true * k + self.pred, weights, k * k).reshape(-1, k, k)
            values |= _of_confusion(confusion)
            if self.proba is not None:
                values |= self._of_probabilities(true, weights)
            if self.ranked:
                areas = np.mean([_of_ranks(true, weights, *ranked) for ranked in self.ranked], axis=0)
                there = confusion.any(axis=2).all(axis=1)
                values["roc_auc"], values["average_precision"] = np.where(there, areas, np.nan)
        table = np.stack([values[name] for name in METRICS], axis=1)
        return table[0] if single else table

    def _of_probabilities(self, true, weights):
        rows = np.arange(true.shape[1])
        p_true, right = self.proba[rows, true], self.likeliest == true
        total = weights.sum(axis=1)
        brier = (weights * (self.squares - 2 * p_true + 1)).sum(axis=1) / total
        gap = _sums(self.bin, weights * (self.confidence - right), N_BINS)
        return {
            "log_loss": -(weights * self.log_proba[rows, true]).sum(axis=1) / total,
            "brier": brier / 2 if self.n_classes == 2 else brier,
            "calibration_error": np.abs(gap).sum(axis=1) / total,
        }


def _sums(kind, weights, n_kinds):
    """Sum of the weights of each kind, for each row of weights."""
    kind = kind + n_kinds * np.arange(len(weights))[:, None]
    return np.bincount(kind.ravel(), weights.ravel(), n_kinds * len(weights)).reshape(len(weights), n_kinds)


def _of_confusion(confusion):
    """Metrics of the predicted classes, of each confusion matrix."""
    true, pred, total = confusion.sum(axis=2), confusion.sum(axis=1), confusion.sum(axis=(1, 2))
    right = np.trace(confusion, axis1=1, axis2=2)
    rates = class_rates(confusion)
    kinds = {
        "precision": np.nan_to_num(rates["positive_predictivity"]),
        "recall": rates["sensitivity"],
        "f1": np.nan_to_num(rates["f1"]),
    }
    values = {"accuracy": right / total}
    there = true > 0
    for kind, value in kinds.items():
        values[f"{kind}_macro"] = np.where(there.all(axis=1), value.mean(axis=1), np.nan)
        values[f"{kind}_weighted"] = (true * np.where(there, value, 0.0)).sum(axis=1) / total
    values["balanced_accuracy"] = values["recall_macro"]
    expected = (true * pred).sum(axis=1) / total**2
    spread = (total**2 - (pred**2).sum(axis=1)) * (total**2 - (true**2).sum(axis=1))
    covariance = right * total - (true * pred).sum(axis=1)
    several = (there | (pred > 0)).sum(axis=1) > 1  # else no agreement beyond chance is defined
    kappa = (values["accuracy"] - expected) / (1 - expected)
    values["cohen_kappa"] = np.where(several, kappa, np.nan)
    correlation = np.where(spread > 0, covariance / np.sqrt(spread), 0.0)
    values["matthews_corrcoef"] = np.where(several, correlation, np.nan)
    return values


def _of_ranks(true, weights, k, order, ends):
    """Area under the ROC curve and average precision of a class against the rest, of each row."""
    taken = weights[:, order]
    hits = np.cumsum(taken * (true[:, order] == k), axis=1)[:, ends]
    taken = np.cumsum(taken, axis=1)[:, ends]
    missed = taken - hits
    gained, lost = np.diff(hits, prepend=0), np.diff(missed, prepend=0)
    all_hits = hits[:, -1]
    area = (lost * (hits - gained / 2)).sum(axis=1) / (all_hits * missed[:, -1])
    precision = hits / np.maximum(taken, np.finfo(float).tiny)
    return area, (gained * precision).sum(axis=1) / all_hits


def score_predictions(predictions, classes, *, pooled=False):
    """The value of each metric over the predictions of one test set, or ``pooled`` over several, as a dict.

    Averages over classes are NaN when a class is missing from the test set. A class that is never predicted
    has precision 0. ``roc_auc`` and ``average_precision`` are those of the second class if there are two,
    otherwise the mean of each class against the rest. ``brier`` is the mean squared difference between
    probabilities and truth: of the second class if there are two, otherwise summed over classes.

    Examples
    --------
    >>> score_predictions(pd.DataFrame({"y_true": [0, 0, 1, 1], "y_pred": [0, 0, 1, 0]}), np.array([0, 1]))
    {'accuracy': 0.75, 'balanced_accuracy': 0.75, ..., 'recall_macro': 0.75, ..., 'calibration_error': nan}
    """
    return dict(zip(METRICS, FastScores(predictions, classes, pooled=pooled)().tolist(), strict=True))


@fill_doc
def calibration_error(y_true: np.ndarray, proba: np.ndarray, classes: np.ndarray) -> float:
    """Compute the expected calibration error, the mean gap between confidence and accuracy [1]_.

    Parameters
    ----------
    %(y_true_proba_classes)s

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
    return bins_error(reliability_bins(y_true, proba, classes=classes))


def score_classes(predictions, classes):
    """Scores of each class against the rest; NaN where undefined, as the precision of one never predicted."""
    y_true = predictions["y_true"].to_numpy()
    confusion = confusion_matrix(y_true, predictions["y_pred"], labels=classes)
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
