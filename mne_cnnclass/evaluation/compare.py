"""Statistics of two or more pipelines that were evaluated on the same splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from itertools import combinations

import numpy as np
import pandas as pd

from .. import viz
from .metrics import LOWER_IS_BETTER, METRICS, _score_table, chance_levels, score_pooled
from .statistics import (
    corrected_resampled_ttest,
    holm,
    mean_interval,
    sign_flip_test,
    signed_rank_test,
    standardized_difference,
    stouffer,
    two_sided,
    weighted_mean_interval,
)

COMBINED = "combined"  # in the column dataset: the row over all data sets
MANY_GROUPS = 20  # from here on Wilcoxon's test, as in MOABB
UNITS = ("groups", "folds")


def compare(results, *, metric="accuracy", units=None):
    """Compare pipelines that were evaluated on the same splits.

    Parameters
    ----------
    results : dict of str to Evaluation | dict of str to dict of str to Evaluation
        The evaluations by name of pipeline, two or more; of several data sets: those by name of data set.
    metric : str
        What to compare, by default the accuracy; any metric of :attr:`Evaluation.scores` but own scorers.
    units : None | "groups" | "folds"
        What the tests count: groups (subjects, patients …), each with a score from the predictions on its
        samples, or folds. ``None`` takes groups if all results have at least two, else folds.

    Returns
    -------
    comparison : Comparison
        Table and figures.

    Raises
    ------
    ValueError
        If there are fewer than two pipelines, if they were not evaluated on the same splits, or if the metric
        is undefined for some group or fold.

    Notes
    -----
    With groups, the test is `sign_flip_test` below 20 and `signed_rank_test` from 20 on, as in MOABB [1]_. It
    is about new subjects, and takes the differences of subjects as independent, which does
    not quite hold where they are tested by models whose training subjects overlap: in simulations with ten
    subjects, p < 0.05 came up in 8 to 10 % of data sets without a difference. The least p-value of n groups
    is 2 / 2**n, so that fewer than 6 can never reach 0.05.

    With folds, it is `corrected_resampled_ttest`. It is about new training sets of the same size.

    Over several data sets, one-sided p-values are combined by `stouffer` in both directions, and twice the
    smaller is the p-value. Means, differences and effect sizes are averaged with the same weights.

    p-values are two-sided. `holm` adjusts them for all pairs of pipelines: the rows of each data set for
    themselves, and the combined rows for themselves. Effect sizes are `standardized_difference`, intervals of
    differences `mean_interval`, and those over data sets `weighted_mean_interval`. Intervals are not
    adjusted for the number of pairs, and assume normal differences, which the tests of groups do not: where
    an interval and a test disagree, trust the test. All of these are in `mne_cnnclass.evaluation.statistics`,
    each with its assumption and its reference.

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
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS}, got {metric!r}.")
    if units not in (None, *UNITS):
        raise ValueError(f'units must be None, "groups" or "folds", got {units!r}.')
    firsts = {dataset: next(iter(evaluations.values())) for dataset, evaluations in results.items()}
    if units is None:
        units = "groups" if min(map(_n_groups, firsts.values())) > 1 else "folds"

    scores, ratios, chance = {}, {}, {}
    for dataset, evaluations in results.items():
        first = firsts[dataset]
        scores[dataset] = pd.DataFrame(
            {name: _score_units(result, metric, units) for name, result in evaluations.items()}
        )
        ratios[dataset] = (first.folds["n_test"] / first.folds["n_train"]).mean()
        levels = chance_levels(first.predictions, first.folds, first.classes)
        chance[dataset] = float(levels[metric])
    return compare_scores(scores, ratios, chance, metric, units)


def compare_scores(scores, ratios, chance, metric, units):
    """Compare pipelines by the scores that they have in each group or fold.

    Parameters
    ----------
    scores : dict of str to pandas.DataFrame
        For each data set, a row a group or fold and a column a pipeline.
    ratios : dict of str to float
        Samples of the test part by those of the training part, which the test of folds needs.
    chance : dict of str to float
        The chance level of each data set, NaN if there is none.
    metric, units : str
        What is compared, and what the rows are.

    Returns
    -------
    comparison : Comparison
        Table and figures.
    """
    means, rows = {}, []
    for dataset, values in scores.items():
        _check_defined(values, metric, units)
        ratio = ratios[dataset] if units == "folds" else 0.0
        intervals = [mean_interval(values[name], 1 / len(values) + ratio) for name in values]
        means[dataset] = pd.DataFrame(
            intervals, index=pd.Index(values.columns, name="pipeline"), columns=["mean", "low", "high"]
        ).assign(n=len(values))
        rows += [
            {"dataset": dataset} | _compare_pair(values, *pair, units, ratio)
            for pair in combinations(values, 2)
        ]

    table, n_datasets = pd.DataFrame(rows), len(scores)
    lower_is_better = metric in LOWER_IS_BETTER
    if n_datasets > 1:
        pairs = table.groupby(["pipeline_a", "pipeline_b"], sort=False)
        combined = [_combine_pair(*pair, rows) for pair, rows in pairs]
        table = pd.concat([table, pd.DataFrame(combined)], ignore_index=True)
    table["p_value"] = [two_sided(*p) for p in zip(table["p_greater"], table["p_less"], strict=True)]
    table["p_holm"] = table.groupby("dataset")["p_value"].transform(holm)
    gain = -table["difference"] if lower_is_better else table["difference"]
    table["better"] = np.select(
        [gain > 0, gain < 0], [table["pipeline_a"], table["pipeline_b"]], default="neither"
    )
    table = table.drop(columns=["p_greater", "p_less"] + ["dataset"] * (n_datasets == 1))
    scores, means = (pd.concat(tables, names=["dataset"]) for tables in (scores, means))
    if n_datasets == 1:
        scores, means = scores.droplevel(0), means.droplevel(0)
    return Comparison(table, scores, means, pd.Series(chance, name="chance"), metric, units)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Pipelines held against each other. Made by :func:`compare`.

    Parameters
    ----------
    table : pandas.DataFrame
        A row a pair: ``pipeline_a``, ``pipeline_b``, ``mean_a``, ``mean_b``, their ``difference`` (a minus b)
        with ``low`` and ``high`` (95 % confidence interval), ``effect_size`` (dz, a minus b) with
        ``effect_low`` and ``effect_high``, ``n`` (groups or folds), ``test``, ``p_value`` (two-sided),
        ``p_holm`` (adjusted for all pairs) and ``better``, the pipeline with the better mean, whether
        significantly or not. Of several data sets: a column ``dataset`` before these, with rows "combined"
        at the end.
    scores : pandas.DataFrame
        A row a group or fold, a column a pipeline. Of several data sets the rows have two levels.
    means : pandas.DataFrame
        A row a pipeline: ``mean``, ``low``, ``high`` (95 % confidence interval) and ``n``. Pairs are compared
        by their differences, so pipelines may differ clearly while these intervals overlap.
    chance : pandas.Series
        The chance level of the metric in each data set, NaN if it has none.
    metric : str
        What is compared.
    units : "groups" | "folds"
        What n counts.
    """

    table: pd.DataFrame
    scores: pd.DataFrame
    means: pd.DataFrame
    chance: pd.Series
    metric: str
    units: str

    @property
    def lower_is_better(self):
        """Whether a lower value of the metric is the better one."""
        return self.metric in LOWER_IS_BETTER

    def _describe(self):
        direction = "lower" if self.lower_is_better else "higher"
        several = f", {len(self.chance)} data sets" if len(self.chance) > 1 else ""
        text = f"{self.scores.shape[1]} pipelines{several}, {self.metric} ({direction} is better)"
        return f"{text} | n = {len(self.scores)} {self.units}"

    def __repr__(self):
        return f"<Comparison | {self._describe()}>\n{self._shown().to_string(index=False)}"

    def _repr_html_(self):
        return f"<p>Comparison | {escape(self._describe())}</p>{self._shown().to_html(index=False)}"

    def _shown(self):
        p_values = self.table[["p_value", "p_holm"]].map("{:.3g}".format)
        return self.table.round(3).assign(**p_values)

    def plot(self, ax=None):
        """Draw the matrix of differences with their p-values; of several data sets, the combined ones.

        Parameters
        ----------
        ax : None | matplotlib.axes.Axes
            Where to draw; ``None`` makes a new figure.

        Returns
        -------
        fig : matplotlib.figure.Figure
            The figure.
        """
        table = self.table
        if "dataset" in table:
            table = table[table["dataset"] == COMBINED]
        return viz.plot_comparison(
            table,
            pipelines=self.scores.columns,
            metric=self.metric,
            units=self.units,
            lower_is_better=self.lower_is_better,
            ax=ax,
        )

    def plot_scores(self, ax=None):
        """Draw the score of each group or fold with each pipeline, joined by lines, and the means.

        Parameters
        ----------
        ax : None | matplotlib.axes.Axes | array of matplotlib.axes.Axes
            Where to draw: one axes a data set. ``None`` makes a new figure.

        Returns
        -------
        fig : matplotlib.figure.Figure
            The figure.
        """
        several = self.scores.index.nlevels > 1
        names = self.chance.index
        return viz.plot_paired_scores(
            {name: self.scores.loc[name] for name in names} if several else {"": self.scores},
            means={name: self.means.loc[name] for name in names} if several else {"": self.means},
            chance=self.chance.to_numpy(),
            metric=self.metric,
            units=self.units,
            lower_is_better=self.lower_is_better,
            ax=ax,
        )


def _check_results(results):
    """Evaluations by data set and pipeline, checked to be of the same pipelines on the same splits."""
    if not isinstance(results, Mapping) or not results:
        raise TypeError(
            f"results must be a dict of pipeline names to evaluations, got {type(results).__name__}."
        )
    nested = [isinstance(value, Mapping) for value in results.values()]
    if any(nested) != all(nested):
        raise TypeError(
            "results must be a dict of evaluations, or of one dict of evaluations a data set, not both."
        )
    results = dict(results) if all(nested) else {"": results}
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
        results[dataset] = {name: evaluations[name] for name in expected}
        _check_same_splits(results[dataset], place)
    return results


def _check_same_splits(evaluations, place):
    (first_name, first), *others = evaluations.items()
    expected, sizes = _split_table(first)
    for name, other in others:
        got, got_sizes = _split_table(other)
        hint = "Give evaluate the same X, y, groups and cv, with a random_state if cv shuffles."
        what = f"the same splits, but {name!r} differs from {first_name!r}{place}"
        if list(got) != list(expected):
            raise ValueError(
                f"Pipelines must be evaluated on {what}: one has the columns {list(expected)}, the other "
                f"{list(got)}. {hint}"
            )
        both = expected.merge(got, how="outer", indicator="in", on=["fold", "sample"], suffixes=("", "_"))
        n_lone = int((both["in"] != "both").sum())
        if n_lone:
            lone = both[both["in"] != "both"].iloc[0]
            raise ValueError(
                f"Pipelines must be evaluated on {what}: {n_lone} pairs of fold and sample are in one of "
                f"them only, first fold {lone['fold']}, sample {lone['sample']}. {hint}"
            )
        for column in expected.columns[2:]:
            n_other = int((both[column] != both[f"{column}_"]).sum())
            if n_other:
                raise ValueError(
                    f"Pipelines must be evaluated on {what}: {column} is another for {n_other} of "
                    f"{len(both)} predictions. {hint}"
                )
        if not sizes.equals(got_sizes):
            fold = sizes.index[(sizes != got_sizes).any(axis=1)][0]
            raise ValueError(
                f"Pipelines must be evaluated on {what}: fold {fold} has {sizes['n_train'][fold]} training "
                f"samples in one and {got_sizes['n_train'][fold]} in the other. {hint}"
            )


def _split_table(result):
    """Which samples were tested in which fold, with their truth; and the sizes of the folds."""
    columns = [name for name in ("fold", "sample", "y_true", "group") if name in result.predictions]
    sizes = result.folds.set_index("fold")[["n_train", "n_test"]].sort_index()
    return result.predictions[columns].drop_duplicates(["fold", "sample"]), sizes


def _n_groups(result):
    return result.predictions["group"].nunique() if "group" in result.predictions else 0


def _score_units(result, metric, units):
    """The metric of each group or fold, as a Series."""
    if units == "folds":
        scores = result.scores
        return scores[scores["metric"] == metric].set_index("fold")["value"]
    if "group" not in result.predictions:
        raise ValueError('units="groups" needs evaluations with groups; give groups to evaluate.')
    groups = result.predictions.groupby("group")
    return pd.Series({name: _score_group(rows, result.classes)[metric] for name, rows in groups}).rename_axis(
        "group"
    )


def _score_group(predictions, classes):
    # Decision scores of several models are on several scales, which score_pooled knows.
    one_model = predictions["fold"].nunique() == 1
    return (_score_table if one_model else score_pooled)(predictions, classes)


def _check_defined(values, metric, units):
    if len(values) < 2:
        raise ValueError(f"A comparison needs at least 2 {units}, got {len(values)}.")
    for name in values:
        missing = values.index[values[name].isna()].tolist()
        if missing:
            raise ValueError(
                f"The {metric} of {name!r} is undefined for {len(missing)} of {len(values)} {units}, first "
                f"{missing[0]!r}: a class is missing among its samples, or the pipeline gives no scores or "
                'probabilities. Compare the "accuracy", or other units ("groups" or "folds").'
            )


def _compare_pair(values, a, b, units, ratio):
    differences = (values[a] - values[b]).to_numpy()
    n = len(differences)
    if units == "folds":
        test, (p_greater, p_less) = "corrected resampled t", corrected_resampled_ttest(differences, ratio)
    elif n < MANY_GROUPS:
        test, (p_greater, p_less) = "sign-flip permutation", sign_flip_test(differences)
    else:
        test, (p_greater, p_less) = "Wilcoxon signed-rank", signed_rank_test(differences)
    difference, low, high = mean_interval(differences, 1 / n + ratio)
    effect, effect_low, effect_high = standardized_difference(differences, 1 / n + ratio)
    return dict(
        pipeline_a=a,
        pipeline_b=b,
        mean_a=values[a].mean(),
        mean_b=values[b].mean(),
        difference=difference,
        low=low,
        high=high,
        effect_size=effect,
        effect_low=effect_low,
        effect_high=effect_high,
        n=n,
        test=test,
        p_greater=p_greater,
        p_less=p_less,
    )


def _combine_pair(a, b, rows):
    """The row over all data sets of what two pipelines have in each."""
    n = rows["n"].to_numpy()
    weights = np.sqrt(n)
    difference, low, high = weighted_mean_interval(rows["difference"], rows["low"], rows["high"], n)
    effect, effect_low, effect_high = weighted_mean_interval(
        rows["effect_size"], rows["effect_low"], rows["effect_high"], n
    )
    return dict(
        dataset=COMBINED,
        pipeline_a=a,
        pipeline_b=b,
        mean_a=np.average(rows["mean_a"], weights=weights),
        mean_b=np.average(rows["mean_b"], weights=weights),
        difference=difference,
        low=low,
        high=high,
        effect_size=effect,
        effect_low=effect_low,
        effect_high=effect_high,
        n=n.sum(),
        test="Stouffer",
        p_greater=stouffer(rows["p_greater"], n),
        p_less=stouffer(rows["p_less"], n),
    )
