"""Evaluations of two or more pipelines on the same splits, and their scores in each group or fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pandas as pd

from ..metrics.scores import METRICS, chance_levels, score_predictions
from .comparison import COMBINED, Comparison, compare_scores
from .result import Evaluation


def compare(
    results: Mapping[str, Evaluation] | Mapping[str, Mapping[str, Evaluation]],
    *,
    metric: str = "accuracy",
    units: Literal["groups", "folds"] | None = None,
) -> Comparison:
    """Compare pipelines that were evaluated on the same splits.

    Parameters
    ----------
    results : dict of str to Evaluation | dict of str to dict of str to Evaluation
        The evaluations of two or more pipelines, by pipeline name. For several data sets, a dict of such
        dicts, by data set name.
    metric : str
        The metric to compare, by default the accuracy: any metric in ``Evaluation.scores`` except custom
        scorers.
    units : None | "groups" | "folds"
        The units of the statistical tests: groups (subjects, patients …), each with a score computed from the
        predictions for its samples, or folds. ``None`` uses groups if all results have at least two,
        otherwise folds.

    Returns
    -------
    comparison : Comparison
        The comparison, with a table of the tests and figures.

    Raises
    ------
    ValueError
        If there are fewer than two pipelines, if they were not evaluated on the same splits, or if the metric
        is undefined for a group or fold.

    Notes
    -----
    With groups, the test is `sign_flip_test` for fewer than 20 groups and `signed_rank_test` otherwise, as in
    MOABB [1]_. It generalises to new subjects, and treats the differences of subjects as independent. This
    does not quite hold if subjects are tested with models whose training subjects overlap: in simulations
    with ten subjects, p < 0.05 occurred in 8 to 10 % of data sets without a difference. The smallest possible
    p-value with n groups is 2 / 2**n, so that fewer than 6 groups can never reach 0.05.

    With folds, the test is `corrected_resampled_ttest`. It generalises to new training sets of the same size.

    Across data sets, one-sided p-values are combined by `stouffer` in both directions, and the p-value is
    twice the smaller one. Means, differences and effect sizes are averaged with the same weights.

    All p-values are two-sided. They are adjusted for all pairs of pipelines by `holm`, separately for each
    data set and for the combined rows. Effect sizes are `standardized_difference`, confidence intervals of
    differences are `mean_interval`, and those across data sets are `weighted_mean_interval`. Intervals are
    not adjusted for the number of pairs, and assume normally distributed differences, which the tests of
    groups do not: where an interval and a test disagree, trust the test. All of these functions are in
    `mne_cnnclass.metrics.statistics`, each documented with its assumptions and reference.

    References
    ----------
    .. [1] Jayaram V, Barachant A (2018). MOABB: trustworthy algorithm benchmarking for BCIs. Journal of
       Neural Engineering 15(6):066011. doi:10.1088/1741-2552/aadea0

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from mne_cnnclass import compare, evaluate
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> pipelines = {"LDA": LinearDiscriminantAnalysis(), "naive Bayes": GaussianNB()}
    >>> compare({name: evaluate(pipeline, X, y, cv=10) for name, pipeline in pipelines.items()})
    <Comparison | 2 pipelines, accuracy (higher is better) | n = 10 folds>
    ...
    """
    results = _check_results(results)
    check_metric(metric)
    if units not in (None, "groups", "folds"):
        raise ValueError(f'units must be None, "groups" or "folds", got {units!r}.')
    firsts = {dataset: next(iter(evaluations.values())) for dataset, evaluations in results.items()}
    if units is None:
        several = [first.predictions.get("group", pd.Series()).nunique() > 1 for first in firsts.values()]
        units = "groups" if all(several) else "folds"

    scores, ratios, chance = {}, {}, {}
    for dataset, first in firsts.items():
        scores[dataset] = pd.DataFrame(
            {name: _score_units(result, metric, units) for name, result in results[dataset].items()}
        )
        ratios[dataset] = (first.folds["n_test"] / first.folds["n_train"]).mean()
        chance[dataset] = float(chance_levels(first.predictions, first.folds, first.classes)[metric])
    return compare_scores(scores, ratios, chance, metric, units)


def check_metric(metric):
    """The name of a metric, which must be known."""
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS}, got {metric!r}.")
    return metric


def _check_results(results):
    """Evaluations by data set and pipeline, checked to be of the same pipelines on the same splits."""
    if not isinstance(results, Mapping) or not results:
        found = type(results).__name__
        raise TypeError(f"results must be a dict of pipeline names to evaluations, not empty, got {found}.")
    nested = {isinstance(value, Mapping) for value in results.values()}
    if len(nested) > 1:
        raise TypeError("results must be a dict of evaluations, or of a dict of them a data set, not both.")
    results = dict(results) if True in nested else {"": results}
    if COMBINED in results:
        raise ValueError(f'No data set can have the name "{COMBINED}"; it is that of the rows over all.')
    expected = list(next(iter(results.values())))
    for dataset, evaluations in results.items():
        place = f" of data set {dataset!r}" if dataset else ""
        if set(evaluations) != set(expected):
            raise ValueError(
                f"All data sets must have the same pipelines: the first has {expected}, {dataset!r} has "
                f"{list(evaluations)}."
            )
        if len(evaluations) < 2:
            raise ValueError(f"A comparison needs at least 2 pipelines, got {list(evaluations)}{place}.")
        for name, one in evaluations.items():
            if not isinstance(one, Evaluation):
                raise TypeError(f"results must hold what evaluate returned, got {name!r}: {one!r}{place}.")
        results[dataset] = {name: evaluations[name] for name in expected}
        _check_same_splits(results[dataset], place)
    return results


def _check_same_splits(evaluations, place):
    (first_name, first), *others = evaluations.items()
    for name, other in others:
        difference = _difference(_split_table(first), _split_table(other))
        if difference:
            raise ValueError(
                f"Pipelines must be evaluated on the same splits, but {name!r} differs from {first_name!r}"
                f"{place}: {difference}. Give evaluate the same X, y, groups and cv, with a random_state if "
                "cv shuffles."
            )


def _difference(expected, got):
    """How the splits of two evaluations differ, or None."""
    if list(got) != list(expected):
        return f"one has the columns {list(expected)}, the other {list(got)}"
    both = expected.merge(got, how="outer", indicator="in", on=["fold", "sample"], suffixes=("", "_"))
    lone = both[both["in"] != "both"]
    if len(lone):
        fold, sample = lone[["fold", "sample"]].iloc[0]
        pairs = f"{len(lone)} pairs of fold and sample"
        return f"{pairs} are in one of them only, first fold {fold}, sample {sample}"
    for column in expected.columns[2:]:
        others = both[both[column] != both[f"{column}_"]]
        if len(others):
            first, second = others[[column, f"{column}_"]].iloc[0]
            count = f"{len(others)} of {len(both)} predictions"
            return f"{column} is another for {count}, first {first} in one and {second} in the other"
    return None


def _split_table(result):
    """Which samples were tested in which fold, with their truth and the size of the training part."""
    columns = [name for name in ("fold", "sample", "y_true", "group") if name in result.predictions]
    table = result.predictions[columns].drop_duplicates(["fold", "sample"])
    return table.merge(result.folds[["fold", "n_train"]], on="fold")


def _score_units(result, metric, units):
    """The metric of each group or fold, as a Series."""
    if units == "folds":
        scores = result.scores
        return scores[scores["metric"] == metric].set_index("fold")["value"]
    if "group" not in result.predictions:
        raise ValueError('units="groups" needs evaluations with groups; give groups to evaluate.')
    groups = result.predictions.groupby("group")
    scores = {
        name: score_predictions(rows, result.classes, pooled=rows["fold"].nunique() > 1)[metric]
        for name, rows in groups
    }
    return pd.Series(scores).rename_axis("group")
