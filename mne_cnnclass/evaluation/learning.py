"""Learning curves: the scores of a classifier against what it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from .. import viz
from ..samples.types import Samples, Splitter
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from .evaluate import check_samples, evaluate
from .result import Evaluation
from .splits import make_splits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class LearningCurve:
    """Evaluations of a classifier for increasing amounts of training data.

    Returned by :func:`learning_curve`.

    Parameters
    ----------
    evaluations : dict of int to Evaluation
        The evaluation for each number of training samples or groups.
    unit : str
        The unit of the sizes: "samples" or "groups".

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from mne_cnnclass.evaluation import learning_curve
    >>> curve = learning_curve(GaussianNB(), *load_iris(return_X_y=True), sizes=[30, 120])
    >>> list(curve.evaluations)
    [30, 120]
    """

    evaluations: dict[int, Evaluation]
    unit: str

    @property
    def scores(self) -> pd.DataFrame:
        """One row per size, fold and metric: ``size`` and the columns of ``Evaluation.scores``."""
        tables = {size: result.scores for size, result in self.evaluations.items()}
        return pd.concat(tables, names=["size"]).reset_index("size").reset_index(drop=True)

    def __repr__(self):
        means = self.scores.query("metric == 'accuracy'").groupby("size")["value"].mean()
        shown = ", ".join(f"{size}: {value:.2f}" for size, value in means.items())
        return f"<LearningCurve | accuracy by training {self.unit}: {shown}>"

    @fill_doc
    def plot(self, metric: str = "accuracy", ax: Axes | None = None) -> Figure:
        """Plot a metric against the amount of training data, for each fold (thin lines) and on average.

        Parameters
        ----------
        metric : str
            A metric in ``Evaluation.scores``. Default is ``"accuracy"``.
        %(ax)s

        %(returns_fig)s
        """
        last = list(self.evaluations.values())[-1]
        chance = last.summary()["chance"].get(metric, np.nan)
        return viz.plot_learning_curve(
            self.scores, metric, unit=self.unit, chance=chance, title=f"n = {last._describe_n()}", ax=ax
        )


def learning_curve(
    estimator: BaseEstimator,
    X: Samples,
    y: ArrayLike | None = None,
    *,
    groups: str | ArrayLike | None = None,
    sizes: int | Sequence[int] = 5,
    unit: Literal["samples", "groups"] | None = None,
    cv: Splitter = 5,
    random_state: int = 0,
    error_score: Literal["raise"] | float = np.nan,
    n_jobs: int | None = None,
    verbose: bool | None = None,
) -> LearningCurve:
    """Evaluate a classifier trained on increasing amounts of data, always on the same test data.

    Parameters
    ----------
    estimator, X, y, groups, cv, error_score, n_jobs, verbose
        As for :func:`mne_cnnclass.evaluate`.
    sizes : int | list of int
        The numbers of samples or groups to train on; or an integer, the number of sizes to take between a few
        and all, spaced logarithmically. Each training part contains the smaller ones. Default is 5.
    unit : None | "samples" | "groups"
        The unit of the sizes. ``None`` uses groups if there are any, otherwise samples.
    random_state : int
        Seed of the order in which samples or groups are added. Samples are stratified by class. Default is 0.

    Returns
    -------
    curve : LearningCurve
        The evaluations, with a table of scores and a figure.

    Raises
    ------
    ValueError
        If a size exceeds that of a training part, or if ``unit`` is "groups" and there are no groups.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from mne_cnnclass.evaluation import learning_curve
    >>> learning_curve(GaussianNB(), *load_iris(return_X_y=True), sizes=[6, 30, 120])
    <LearningCurve | accuracy by training samples: 6: 0.69, 30: 0.96, 120: 0.95>
    """
    X, y, groups = check_samples(X, y, groups)
    unit = unit or ("samples" if groups is None else "groups")
    if unit not in ("samples", "groups") or (unit == "groups" and groups is None):
        raise ValueError(f"unit must be 'samples', or 'groups' where there are groups, got {unit!r}.")
    splits = make_splits(cv, X, y, groups)
    rng = np.random.default_rng(random_state)
    units = [_in_order(train, y, None if unit == "samples" else groups, rng) for train, _ in splits]
    most = min(len(parts) for parts in units)
    if np.ndim(sizes) == 0:
        check_number(sizes, "sizes", Integral, min_val=1)
        least = min(most, max(2 * len(np.unique(y)), most // 10)) if unit == "samples" else 1
        sizes = np.unique(np.geomspace(least, most, int(sizes)).round().astype(int)).tolist()
    sizes = sorted({int(size) for size in sizes})
    if not sizes or not 1 <= sizes[0] <= sizes[-1] <= most:
        raise ValueError(f"sizes must be from 1 to {most} training {unit}, the least of a fold, got {sizes}.")
    evaluations = {}
    for size in sizes:
        cut = [(np.concatenate(parts[:size]), test) for parts, (_, test) in zip(units, splits, strict=True)]
        evaluations[size] = evaluate(
            *(estimator, X, y), groups=groups, cv=cut, error_score=error_score, n_jobs=n_jobs, verbose=verbose
        )
    return LearningCurve(evaluations, unit)


def _in_order(train, y, groups, rng):
    """Training samples, or those of each group, in the order in which they are taken."""
    if groups is not None:
        names = np.unique(groups[train])
        return [train[groups[train] == name] for name in rng.permutation(names)]
    # of each class in turn, in proportion to its frequency
    place = np.empty(len(train))
    for name in np.unique(y[train]):
        rows = np.flatnonzero(y[train] == name)
        place[rng.permutation(rows)] = (np.arange(len(rows)) + rng.random()) / len(rows)
    return list(train[np.argsort(place)][:, None])
