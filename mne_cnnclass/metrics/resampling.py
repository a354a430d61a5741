"""Confidence intervals by a bootstrap, and the chance level by permutation of the labels."""

from itertools import islice
from numbers import Integral, Real

import numpy as np
import pandas as pd

from ..utils.numbers import check_number
from .scores import LOWER_IS_BETTER, METRICS, FastScores, class_rates


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
    values = _score_many(score, "weights", _resamples(predictions, n_resamples, random_state))
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


def _score_many(score, name, rows):
    """Values for each row of weights or labels, of so many at once that they stay in the cache."""
    rows, values = iter(rows), []
    while block := list(islice(rows, max(1, 2**15 // len(score.true)))):
        values.append(score(**{name: np.array(block)}))
    return np.concatenate(values) if values else values


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
    null = _score_many(score, "true", (permute(rng) for _ in range(n_permutations)))
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
    labels, blocks, rows = true, predictions["fold"].to_numpy(), slice(None)
    if "group" in predictions:
        group = pd.factorize(predictions["group"])[0]
        of_group = pd.DataFrame({"label": true, "fold": blocks}).groupby(group)
        if (of_group["label"].nunique() == 1).all():  # groups exchange their labels
            (labels, blocks), rows = of_group.first().to_numpy().T, group
            if len(np.unique(blocks)) == len(blocks):
                blocks = np.zeros(len(blocks), int)
        else:
            blocks = predictions.groupby(["fold", group]).ngroup().to_numpy()
    by_block = np.argsort(blocks, kind="stable")

    def permute(rng):
        permuted = np.empty_like(labels)
        permuted[by_block] = labels[np.argsort(blocks + rng.random(len(blocks)))]
        return permuted[rows]

    return permute
