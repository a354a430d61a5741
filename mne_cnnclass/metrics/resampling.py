"""Confidence intervals by a bootstrap, and the chance level by permutation of the labels.

Both score the same predictions a thousand times over, for which scikit-learn's functions take minutes. Here a
score is computed from sums that are prepared once; the tests hold them against scikit-learn's.
"""

from numbers import Integral, Real

import numpy as np
import pandas as pd

from ..utils.numbers import check_number
from .bins import N_BINS, bin_numbers
from .scores import DECISION, LOWER_IS_BETTER, METRICS, class_rates, get_scores


class FastScores:
    """The metrics of one set of predictions, for many weights of the samples or many orders of the labels."""

    def __init__(self, predictions, classes):
        self.n_classes = len(classes)
        self.true = np.searchsorted(classes, predictions["y_true"].to_numpy())
        self.pred = np.searchsorted(classes, predictions["y_pred"].to_numpy())
        scores = get_scores(predictions)
        self.proba = None
        self.ranked = []
        if scores is None or any(name.startswith(DECISION) for name in predictions):
            return  # decision scores of different folds are not on one scale
        self.proba = scores
        self.log_proba = np.log(np.clip(scores, np.finfo(float).eps, 1 - np.finfo(float).eps))
        self.squares = (scores**2).sum(axis=1)
        self.likeliest, self.confidence = scores.argmax(axis=1), scores.max(axis=1)
        self.bin = bin_numbers(self.confidence)
        for k in range(1 if self.n_classes == 2 else 0, self.n_classes):
            order = np.argsort(-scores[:, k], kind="stable")
            ends = np.flatnonzero(np.r_[np.diff(scores[order, k]) != 0, True])  # of runs of equal scores
            self.ranked.append((k, order, ends if len(ends) < len(order) else None))

    def __call__(self, weights=None, true=None):
        """Values in the order of ``METRICS``, with weights of predictions or other numbers of classes."""
        true = self.true if true is None else true
        k = self.n_classes
        values = dict.fromkeys(METRICS, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            confusion = np.bincount(true * k + self.pred, weights, k * k).reshape(k, k)
            values |= _of_confusion(confusion)
            if self.proba is not None:
                values |= self._of_probabilities(true, weights, complete=confusion.sum(axis=1).all())
        return np.array([values[name] for name in METRICS])

    def _of_probabilities(self, true, weights, complete):
        rows = np.arange(len(true))
        weighted = (lambda values: values) if weights is None else (lambda values: weights * values)
        total = len(true) if weights is None else weights.sum()
        p_true = self.proba[rows, true]
        brier = weighted(self.squares - 2 * p_true + 1).sum() / total
        gap = np.bincount(self.bin, weighted(self.confidence - (self.likeliest == true)), N_BINS)
        values = {
            "log_loss": -weighted(self.log_proba[rows, true]).sum() / total,
            "brier": brier / 2 if self.n_classes == 2 else brier,
            "calibration_error": np.abs(gap).sum() / total,
        }
        if complete:
            areas, precisions = zip(
                *(_of_ranks(true, weights, *ranked) for ranked in self.ranked), strict=True
            )
            values |= {"roc_auc": np.mean(areas), "average_precision": np.mean(precisions)}
        return values


def _of_confusion(confusion):
    """Metrics of the predicted classes."""
    right, true, pred = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    total = confusion.sum()
    kinds = {
        "precision": np.where(pred > 0, right / pred, 0),
        "recall": right / true,
        "f1": np.where(true + pred > 0, 2 * right / (true + pred), 0),
    }
    values = {"accuracy": right.sum() / total}
    if (true > 0).all():
        values["balanced_accuracy"] = kinds["recall"].mean()
        values |= {f"{kind}_macro": value.mean() for kind, value in kinds.items()}
    there = true > 0
    values |= {f"{kind}_weighted": true[there] @ v[there] / total for kind, v in kinds.items()}
    if ((true > 0) | (pred > 0)).sum() > 1:
        expected = true @ pred / total**2
        values["cohen_kappa"] = (values["accuracy"] - expected) / (1 - expected)
        spread = (total**2 - pred @ pred) * (total**2 - true @ true)
        covariance = right.sum() * total - true @ pred
        values["matthews_corrcoef"] = covariance / np.sqrt(spread) if spread > 0 else 0.0
    return values


def _of_ranks(true, weights, k, order, ends):
    """Area under the ROC curve and average precision of a class against the rest."""
    if ends is None:
        places = np.flatnonzero(true[order] == k)  # of the class, from the highest score on
        if weights is None:
            hit, hits, total, all_taken = 1, np.arange(1, len(places) + 1), places + 1, len(true)
        else:
            taken = weights[order]
            hit, total = taken[places], np.cumsum(taken)
            hits, total, all_taken = np.cumsum(hit), total[places], total[-1]
        n_missed = all_taken - hits[-1]
        area = (hit * (n_missed - (total - hits))).sum() / (hits[-1] * n_missed)
        return area, (hit * hits / np.maximum(total, np.finfo(float).tiny)).sum() / hits[-1]
    taken = np.ones(len(true)) if weights is None else weights[order]
    hits = np.cumsum(taken * (true[order] == k))[ends]
    taken = np.cumsum(taken)[ends]
    missed = taken - hits
    gained, lost = np.diff(hits, prepend=0), np.diff(missed, prepend=0)
    # sums of products and no @: to wait for another thread takes longer than to multiply
    area = (lost * (hits - gained / 2)).sum() / (hits[-1] * missed[-1])
    return area, (gained * (hits / np.maximum(taken, np.finfo(float).tiny))).sum() / hits[-1]


def bootstrap(predictions, classes, *, n_resamples=1000, level=0.95, random_state=0):
    """Percentile confidence intervals of the metrics over all predictions.

    Whole groups are drawn with replacement if there are groups, else samples (with all their predictions, if
    a sample was tested more than once): a new person is what the next experiment will bring, and the epochs
    of one person are no independent observations.

    The interval tells what other people or samples would have changed, given these trained models; it does
    not include what another training set or seed would. With few groups (fewer than about ten) percentile
    intervals are too narrow (Efron & Tibshirani 1993, doi:10.1007/978-1-4899-4541-9).

    Returns
    -------
    intervals : pandas.DataFrame
        A row a metric: ``low`` and ``high``; NaN where the metric is undefined in half of the resamples or
        more, or where there is one group only.
    """
    check_number(n_resamples, "n_resamples", Integral, min_val=1)
    check_number(level, "level", Real, min_val=0, max_val=1, include_boundaries="neither")
    score = FastScores(predictions, classes)
    values = [score(drawn.astype(float)) for drawn in _resamples(predictions, n_resamples, random_state)]
    return _percentiles(values, level, pd.Index(METRICS, name="metric"))


def bootstrap_classes(predictions, classes, *, n_resamples=1000, level=0.95, random_state=0):
    """Percentile confidence intervals of the rates of each class, as those of :func:`bootstrap`."""
    n_classes = len(classes)
    cell = np.ravel_multi_index(
        [np.searchsorted(classes, predictions[name].to_numpy()) for name in ("y_true", "y_pred")],
        (n_classes, n_classes),
    )
    resamples = _resamples(predictions, n_resamples, random_state)
    confusions = np.array([np.bincount(cell, drawn, n_classes**2) for drawn in resamples])
    rates = class_rates(confusions.reshape(-1, n_classes, n_classes))
    index = pd.MultiIndex.from_product([classes, list(rates)], names=["class", "rate"])
    return _percentiles(np.stack(list(rates.values()), axis=2).reshape(len(confusions), -1), level, index)


def _resamples(predictions, n_resamples, random_state):
    """How often each prediction is drawn, for each resample of the groups, or else of the samples."""
    unit, units = pd.factorize(predictions["group" if "group" in predictions else "sample"])
    rng = np.random.default_rng(random_state)
    for _ in range(n_resamples if len(units) > 1 else 0):
        yield np.bincount(rng.integers(len(units), size=len(units)), minlength=len(units))[unit]


def _percentiles(values, level, index):
    """Edges of intervals; NaN where half of the resamples or more have no value, or there are none."""
    edges = np.full((len(index), 2), np.nan)
    if len(values):
        values = np.asarray(values)
        defined = np.isfinite(values).mean(axis=0) > 0.5
        quantiles = (50 * (1 - level), 50 * (1 + level))
        edges[defined] = np.nanpercentile(values[:, defined], quantiles, axis=0).T
    return pd.DataFrame(edges, index=index, columns=["low", "high"])


def permutation_test(predictions, classes, *, n_permutations=1000, random_state=0):
    """Chance level and p-value of each metric, by permuting the labels under fixed predictions.

    Labels are permuted among samples of the same fold and group. Where each group has one label (patients
    and controls), the groups of a fold exchange theirs, or all groups if a fold tests one only.

    Returns
    -------
    table : pandas.DataFrame
        A row a metric: ``observed`` over all predictions, ``chance`` (mean over permutations), ``limit``
        (which chance passes once in twenty times) and ``p_value``, the share of permutations that are as good
        or better, the observed one counted among them (Ojala & Garriga 2010, JMLR 11:1833-1863).

    Notes
    -----
    The null hypothesis is that labels are exchangeable given the predictions, within groups. Windows of one
    trial, or neighbours in a slowly changing recording, are not: count them as groups. Models are not fitted
    again, which tests these predictions, as a new test set would, and takes seconds.
    """
    check_number(n_permutations, "n_permutations", Integral, min_val=1)
    rng = np.random.default_rng(random_state)
    score = FastScores(predictions, classes)
    observed = score()
    permute = _permuter(predictions, score.true)
    null = np.array([score(true=permute(rng)) for _ in range(n_permutations)])
    better = np.where(np.isin(METRICS, LOWER_IS_BETTER), -1, 1)
    as_good = (null - observed) * better >= -1e-12
    table = pd.DataFrame(
        {
            "observed": observed,
            "chance": null.mean(axis=0),
            "limit": np.quantile(null * better, 0.95, axis=0) * better,
            "p_value": (1 + as_good.sum(axis=0)) / (1 + n_permutations),
        },
        index=pd.Index(METRICS, name="metric"),
    )
    table.loc[np.isnan(observed), "p_value"] = np.nan
    return table


def _permuter(predictions, true):
    """A function of a random generator that gives the labels in another order."""
    fold = predictions["fold"].to_numpy()
    if "group" not in predictions:
        blocks = pd.factorize(fold)[0]
    else:
        group = pd.factorize(predictions["group"])[0]
        of_group = pd.Series(true).groupby(group)
        if (of_group.nunique() == 1).all():
            label, first_fold = of_group.first().to_numpy(), pd.Series(fold).groupby(group).first().to_numpy()
            alone = (pd.Series(first_fold).value_counts() == 1).all()
            blocks_of_groups = np.zeros(len(label), int) if alone else first_fold
            shuffled = _shuffler(blocks_of_groups)
            return lambda rng: label[shuffled(rng)][group]
        blocks = pd.factorize(pd.MultiIndex.from_arrays([fold, group]))[0]
    shuffled = _shuffler(blocks)
    return lambda rng: true[shuffled(rng)]


def _shuffler(blocks):
    """A function of a random generator that gives positions in another order, within blocks only."""
    sorted_rows = np.argsort(blocks, kind="stable")

    def shuffled(rng):
        positions = np.empty(len(blocks), int)
        positions[sorted_rows] = np.argsort(blocks + rng.random(len(blocks)))
        return positions

    return shuffled
