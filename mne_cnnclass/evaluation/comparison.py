"""Pairs of pipelines by their scores in the same groups or folds: tests, intervals, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import viz
from ..metrics.scores import LOWER_IS_BETTER
from ..metrics.statistics import (
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
from ..utils.docs import fill_doc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


COMBINED = "combined"  # in the column dataset: the row over all data sets
FEWEST_GROUPS = 6  # 2 / 2**6 is the least p-value of the sign-flip test that is below 0.05
_ESTIMATES = ("difference", "low", "high", "effect_size", "effect_low", "effect_high")
MANY_GROUPS = 20  # from here on Wilcoxon's test, as in MOABB


def compare_scores(scores, ratios, chance, metric, units):
    """The comparison of pipelines by the scores that they have in each group or fold.

    ``scores`` has a table for each data set, with a row a group or fold and a column a pipeline; ``ratios``
    the number of test samples by that of training samples, which the test of folds needs; ``chance`` the
    chance level, NaN if there is none.
    """
    means, rows = {}, []
    for dataset, values in scores.items():
        _check_defined(values, metric, units)
        ratio = ratios[dataset] if units == "folds" else 0.0
        intervals = {name: mean_interval(values[name], 1 / len(values) + ratio) for name in values}
        means[dataset] = pd.DataFrame(
            intervals.values(), index=pd.Index(intervals, name="pipeline"), columns=["mean", "low", "high"]
        ).assign(n=len(values))
        pairs = list(combinations(values, 2))
        differences = np.array([values[a] - values[b] for a, b in pairs])
        test, p_values = _test(differences, units, ratio)
        rows += [
            {"dataset": dataset, "pipeline_a": a, "pipeline_b": b}
            | {"mean_a": intervals[a][0], "mean_b": intervals[b][0]}
            | _describe_differences(of_pair, 1 / len(values) + ratio)
            | {"n": len(values), "test": test, "p_greater": p_greater, "p_less": p_less}
            for (a, b), of_pair, (p_greater, p_less) in zip(pairs, differences, p_values, strict=True)
        ]

    table = pd.DataFrame(rows)
    if len(scores) > 1:
        pairs = table.groupby(["pipeline_a", "pipeline_b"], sort=False)
        combined = [_combine_pair(*pair, rows) for pair, rows in pairs]
        table = pd.concat([table, pd.DataFrame(combined)], ignore_index=True)
    table["p_value"] = [two_sided(*p) for p in zip(table["p_greater"], table["p_less"], strict=True)]
    table["p_holm"] = table.groupby("dataset")["p_value"].transform(holm)
    gain = -table["difference"] if metric in LOWER_IS_BETTER else table["difference"]
    table["better"] = np.select(
        [gain > 1e-12, gain < -1e-12], [table["pipeline_a"], table["pipeline_b"]], default="neither"
    )
    table = table.drop(columns=["p_greater", "p_less"])
    scores, means = (pd.concat(tables, names=["dataset"]) for tables in (scores, means))
    if len(chance) == 1:
        table, scores, means = table.drop(columns="dataset"), scores.droplevel(0), means.droplevel(0)
    return Comparison(table, scores, means, pd.Series(chance, name="chance"), metric, units)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Statistical comparison of pipelines.

    Returned by :func:`~mne_cnnclass.compare`.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per pair of pipelines, with the columns ``pipeline_a``, ``pipeline_b``, ``mean_a``,
        ``mean_b``, their ``difference`` (a minus b) with ``low`` and ``high`` (95 % confidence interval),
        ``effect_size`` (Cohen's dz, a minus b) with ``effect_low`` and ``effect_high``, ``n`` (number of
        groups or folds), ``test``, ``p_value`` (two-sided), ``p_holm`` (adjusted for all pairs) and
        ``better``, the pipeline with the better mean, whether significantly or not ("neither" if they are
        equal). For several data sets, there is a first column ``dataset``, and the last rows are "combined".
    scores : pandas.DataFrame
        One row per group or fold and one column per pipeline. For several data sets, the index has two
        levels.
    means : pandas.DataFrame
        One row per pipeline, with the columns ``mean``, ``low``, ``high`` (95 % confidence interval) and
        ``n``. Pairs are compared by their differences, so pipelines may differ significantly although these
        intervals overlap.
    chance : pandas.Series
        The chance level of the metric in each data set; NaN if the metric has none.
    metric : str
        The metric that is compared.
    units : "groups" | "folds"
        The units that n counts.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from mne_cnnclass import compare, evaluate
    >>> pipelines = {"guess": DummyClassifier(), "naive Bayes": GaussianNB()}
    >>> iris = load_iris(return_X_y=True)
    >>> compare({name: evaluate(pipeline, *iris) for name, pipeline in pipelines.items()}).table["better"][0]
    'naive Bayes'
    """

    table: pd.DataFrame
    scores: pd.DataFrame
    means: pd.DataFrame
    chance: pd.Series
    metric: str
    units: str

    @property
    def lower_is_better(self) -> bool:
        """Whether lower values of the metric are better."""
        return self.metric in LOWER_IS_BETTER

    @property
    def _labels(self):
        return dict(metric=self.metric, units=self.units, lower_is_better=self.lower_is_better)

    def _describe(self):
        direction = "lower" if self.lower_is_better else "higher"
        several = f", {len(self.chance)} data sets" if len(self.chance) > 1 else ""
        text = f"{self.scores.shape[1]} pipelines{several}, {self.metric} ({direction} is better)"
        text += f" | n = {len(self.scores)} {self.units}"
        few = self.units == "groups" and len(self.chance) == 1 and len(self.scores) < FEWEST_GROUPS
        return text + f", and below {FEWEST_GROUPS} no difference reaches p < 0.05" * few

    def __repr__(self):
        return f"<Comparison | {self._describe()}>\n{self._shown().to_string(index=False)}"

    def _repr_html_(self):
        return f"<p>Comparison | {escape(self._describe())}</p>{self._shown().to_html(index=False)}"

    def _shown(self):
        p_values = self.table[["p_value", "p_holm"]].map("{:.3g}".format)
        return self.table.round(3).assign(**p_values)

    @fill_doc
    def plot(self, ax: Axes | None = None) -> Figure:
        """Plot the matrix of differences and p-values; for several data sets, those combined over all.

        %(ax_fig)s
        """
        table = self.table
        if "dataset" in table:
            table = table[table["dataset"] == COMBINED]
        return viz.plot_comparison(table, pipelines=self.scores.columns, ax=ax, **self._labels)

    @fill_doc
    def plot_scores(self, ax: Axes | Sequence[Axes] | np.ndarray | None = None) -> Figure:
        """Plot the scores of each group or fold, joined by lines across pipelines, and the means.

        Parameters
        ----------
        %(ax_datasets)s

        %(returns_fig)s
        """
        several = self.scores.index.nlevels > 1
        scores, means = (
            {name: table.loc[name] for name in self.chance.index} if several else {"": table}
            for table in (self.scores, self.means)
        )
        chance = self.chance.to_numpy()
        return viz.plot_paired_scores(scores, means=means, chance=chance, ax=ax, **self._labels)


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


def _test(differences, units, ratio):
    """The test for these units: its name, and both one-sided p-values of each pair."""
    if units == "folds":
        return "corrected resampled t", [corrected_resampled_ttest(of_pair, ratio) for of_pair in differences]
    if differences.shape[1] < MANY_GROUPS:
        return "sign-flip permutation", [sign_flip_test(of_pair) for of_pair in differences]
    return "Wilcoxon signed-rank", list(zip(*signed_rank_test(differences), strict=True))


def _describe_differences(differences, factor):
    values = mean_interval(differences, factor) + standardized_difference(differences, factor)
    return dict(zip(_ESTIMATES, values, strict=True))


def _combine_pair(a, b, rows):
    """The row over all data sets of what two pipelines have in each."""
    n = rows["n"].to_numpy()
    estimates = [rows[name] for name in _ESTIMATES]
    values = weighted_mean_interval(*estimates[:3], n) + weighted_mean_interval(*estimates[3:], n)
    return (
        dict(dataset=COMBINED, pipeline_a=a, pipeline_b=b)
        | {name: np.average(rows[name], weights=np.sqrt(n)) for name in ("mean_a", "mean_b")}
        | dict(zip(_ESTIMATES, values, strict=True))
        | dict(n=n.sum(), test="Stouffer")
        | {name: stouffer(rows[name], n) for name in ("p_greater", "p_less")}
    )
