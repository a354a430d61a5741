"""The result of a cross-validation: scores, tables and figures all follow from its predictions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ..metrics.resampling import bootstrap, bootstrap_classes, permutation_test
from ..metrics.scores import chance_levels, score_classes, score_folds, score_predictions
from ..samples.types import PathLike
from ..samples.view import EpochsView
from ..utils.docs import fill_doc
from .figures import Figures
from .probes import verdicts_text


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Figures):
    """Cross-validated predictions, with the scores and figures derived from them.

    Returned by :func:`~mne_cnnclass.evaluate`.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row per test sample, with the columns ``fold``, ``sample`` (index in X), ``y_true``, ``y_pred``,
        ``group`` if there are groups, and one column per class: ``proba_<class>``, or ``decision_<class>`` if
        the classifier has no probabilities.
    folds : pandas.DataFrame
        One row per fold, with the columns ``fold``, ``n_train``, ``n_test``, ``most_frequent`` (most frequent
        class of the training part), ``fit_time`` and ``score_time`` in s, ``error`` (None, or the error
        message if the fold failed; failed folds have no predictions) with its ``traceback``,
        ``scorer_<name>`` for each additional scorer and, for a parameter search, ``best_params`` (dict).
    classes : array, shape (n_classes,)
        The classes, sorted.
    histories : None | pandas.DataFrame
        The training history of each fold, with one row per fold and training epoch, if the classifier has a
        ``history_`` table.
    estimator : None | scikit-learn classifier
        The evaluated estimator, unfitted.
    view : None | EpochsView
        The samples, if they were epochs.
    probes : None | pandas.DataFrame
        Scores of the confound probes, see :func:`~mne_cnnclass.evaluate`.
    error_score : float
        The value of every score of a fold that failed; NaN leaves it out.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mne_cnnclass import evaluate
    >>> result = evaluate(LogisticRegression(max_iter=1000), *load_iris(return_X_y=True))
    >>> result.predictions.columns.tolist()
    ['fold', 'sample', 'y_true', 'y_pred', 'proba_0', 'proba_1', 'proba_2']
    >>> result.scores.head(3)
       fold             metric     value  n_train  n_test
    0     0           accuracy  0.966667      120      30
    1     0  balanced_accuracy  0.966667      120      30
    2     0    precision_macro  0.969697      120      30
    """

    predictions: pd.DataFrame
    folds: pd.DataFrame
    classes: np.ndarray
    histories: pd.DataFrame | None = None
    estimator: BaseEstimator | None = None
    view: EpochsView | None = None
    probes: pd.DataFrame | None = None
    error_score: float = np.nan

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per fold and metric: ``fold``, ``metric``, ``value``, ``n_train``, ``n_test``.

        A value is NaN where the metric is undefined, as for averages over classes when a class is missing
        from the test part.
        """
        return score_folds(self.predictions, self.folds, self.classes, self.error_score)

    @property
    def chance(self) -> float:
        """Chance level of the accuracy.

        The mean over folds of the accuracy on the test part of always predicting the most frequent class of
        the training part; or 1 / n_classes, the accuracy of random guessing, if that is higher.
        """
        return float(chance_levels(self.predictions, self.folds, self.classes)["accuracy"])

    def summary(self) -> pd.DataFrame:
        """Summarise each metric over all folds.

        Returns
        -------
        summary : pandas.DataFrame
            One row per metric, with the columns ``mean`` and ``sd`` (standard deviation with n - 1, NaN for
            one fold) over the ``n_folds`` in which it is defined; ``pooled``, computed from the predictions
            of all folds together; ``low`` and ``high``, the 95 % confidence interval of the pooled score from
            a bootstrap over groups, or over samples if there are no groups, see :meth:`intervals`; and
            ``chance``, the chance level. For the accuracy, see the attribute ``chance``; for averages over
            classes it is 1 / n_classes, the expected score of guessing at random in proportion to the class
            frequencies; it is 0.5 for the ROC-AUC and 0 for kappa and the Matthews correlation; for log loss
            and Brier score it is the score of predicting the class frequencies. Decision scores of different
            models are on different scales, so ROC-AUC and average precision are pooled for probabilities
            only; their means over folds are the more reliable values [1]_.

        References
        ----------
        .. [1] Forman G, Scholz M (2010). Apples-to-apples in cross-validation studies: pitfalls in
           classifier performance measurement. ACM SIGKDD Explorations 12(1):49-57.
        """
        return self._summary.copy()

    @cached_property
    def _summary(self):
        values = self.scores.groupby("metric", sort=False)["value"]
        columns = {
            "mean": values.mean(),
            "sd": values.std(),
            "pooled": pd.Series(score_predictions(self.predictions, self.classes, pooled=True)),
            **self.intervals(),
            "chance": chance_levels(self.predictions, self.folds, self.classes),
            "n_folds": values.count(),
        }
        return pd.DataFrame(columns).loc[list(values.groups)]

    def intervals(
        self, *, n_resamples: int = 1000, level: float = 0.95, random_state: int = 0
    ) -> pd.DataFrame:
        """Compute bootstrap confidence intervals of the pooled scores.

        Whole groups are resampled with replacement if there are groups, otherwise samples.

        Parameters
        ----------
        n_resamples : int
            Number of bootstrap resamples. Default is 1000.
        level : float
            Confidence level, between 0 and 1. Default is 0.95.
        random_state : int
            Seed of the resampling. Default is 0.

        Returns
        -------
        intervals : pandas.DataFrame
            One row per metric, with the columns ``low`` and ``high``; NaN where a metric is undefined, or if
            there is only one group.

        Notes
        -----
        The intervals cover the variability due to other test subjects or samples, given these trained models;
        they do not cover the variability due to other training sets or seeds. With few groups (fewer than
        about ten), percentile intervals are too narrow.
        """
        return bootstrap(
            self.predictions, self.classes, n_resamples=n_resamples, level=level, random_state=random_state
        )

    def permutation_test(self, *, n_permutations: int = 1000, random_state: int = 0) -> pd.DataFrame:
        """Compute the chance level and p-value of each metric by a permutation test.

        The labels are permuted while the predictions stay fixed: among samples of the same fold and group or,
        if each group has a single label (patients and controls), among groups.

        Parameters
        ----------
        n_permutations : int
            Number of permutations. Default is 1000.
        random_state : int
            Seed of the permutations. Default is 0.

        Returns
        -------
        table : pandas.DataFrame
            One row per metric, with the columns ``observed`` (score pooled over folds), ``chance`` (mean over
            permutations), ``limit`` (the score that is exceeded by chance in 5 % of permutations) and
            ``p_value``, the probability of a score at least as good by chance.

        Notes
        -----
        Labels must be exchangeable within groups. Windows of the same trial, or neighbouring windows in a
        slowly changing recording, are not: declare them as groups. See Ojala & Garriga (2010), Journal of
        Machine Learning Research 11:1833-1863.
        """
        return permutation_test(
            self.predictions, self.classes, n_permutations=n_permutations, random_state=random_state
        )

    def class_scores(self, *, intervals: bool = False) -> pd.DataFrame:
        """Score each class against the rest, over the predictions of all folds.

        Parameters
        ----------
        intervals : bool
            Whether to add ``<rate>_low`` and ``<rate>_high``, the 95 % confidence interval of each rate from
            a bootstrap over groups, or over samples if there are no groups, see :meth:`intervals`. Default is
            False.

        Returns
        -------
        table : pandas.DataFrame
            One row per class, with the columns ``n`` (number of predictions), ``sensitivity`` (recall),
            ``specificity``, ``positive_predictivity`` (precision), ``f1``, ``roc_auc`` and
            ``average_precision`` (the last two for probabilities only). A score is NaN where it is undefined.
        """
        table = score_classes(self.predictions, self.classes)
        if not intervals:
            return table
        edges = bootstrap_classes(self.predictions, self.classes).unstack("rate").swaplevel(axis=1)
        edges.columns = ["_".join(names) for names in edges]
        columns = [[name, f"{name}_low", f"{name}_high"] for name in table]
        return table.join(edges)[[name for three in columns for name in three if name in {*table, *edges}]]

    @fill_doc
    def group_scores(self) -> pd.DataFrame:
        """Score each group (subject, patient …) by its own predictions.

        Returns
        -------
        table : pandas.DataFrame
            One row per group and one column per metric; NaN where a metric is undefined, such as averages
            over classes in a group that lacks a class.

        Raises
        ------
        %(raises_no_groups)s
        """
        self._check_groups()
        scores = {
            group: score_predictions(rows, self.classes, pooled=True)
            for group, rows in self.predictions.groupby("group")
        }
        return pd.DataFrame(scores).T.rename_axis("group")

    @fill_doc
    def group_errors(self) -> pd.DataFrame:
        """Count the errors of each group (subject, patient, record …).

        Returns
        -------
        table : pandas.DataFrame
            One row per group, sorted by decreasing number of errors, with the columns ``n`` (number of
            predictions), ``errors``, ``share`` (fraction of all errors), ``most_frequent`` (the true and
            predicted class of the most frequent error, such as "S → V", or None) and ``times`` (the number of
            these errors).

        Raises
        ------
        %(raises_no_groups)s
        """
        self._check_groups()
        wrong = self.predictions[self.predictions["y_true"] != self.predictions["y_pred"]]
        kinds = wrong["y_true"].astype(str) + " → " + wrong["y_pred"].astype(str)
        counts = kinds.groupby(wrong["group"]).value_counts().reset_index()
        table = self.predictions["group"].value_counts().rename("n").to_frame()
        table["errors"] = wrong["group"].value_counts().reindex(table.index, fill_value=0)
        table["share"] = table["errors"] / max(1, len(wrong))
        first = counts.drop_duplicates("group").set_index("group")
        table["most_frequent"] = first.iloc[:, 0].reindex(table.index).astype(object)
        table["most_frequent"] = table["most_frequent"].where(table["errors"] > 0, None)
        table["times"] = first["count"].reindex(table.index, fill_value=0)
        return table.sort_values("errors", ascending=False, kind="stable").rename_axis("group")

    def _check_groups(self):
        if "group" not in self.predictions:
            raise ValueError("There are no groups: pass groups= to evaluate, or to EpochsView.")

    def __repr__(self):
        counts = self.predictions.drop_duplicates("sample")["y_true"].value_counts()
        shown = ", ".join(f"{name}: {counts[name]}" for name in self.classes.tolist() if name in counts)
        text = f"{self._describe_n()} | {shown} | chance accuracy {self.chance:.2f}"
        failed = self.folds["error"].notna().sum()
        text += f" | {failed} FOLDS FAILED" if failed else ""
        n_classes = self.predictions.groupby("fold")[["y_true", "y_pred"]].nunique()
        n_same = ((n_classes["y_pred"] == 1) & (n_classes["y_true"] > 1)).sum()
        text += f" | only one class predicted in {n_same} fold{'s' * int(n_same > 1)}" if n_same else ""
        probes = "" if self.probes is None else f"\nConfound probes\n{verdicts_text(self.probes)}"
        return f"<Evaluation | {text}>\n{self.summary().round(3).to_string()}{probes}"

    def _repr_html_(self):
        first, _ = repr(self).split("\n", 1)
        return f"<p>{escape(first[1:-1])}</p>{self.summary().round(3).to_html()}"

    def _describe_n(self):
        n_samples, n_folds = self.predictions["sample"].nunique(), len(self.folds)
        times = f", {len(self.predictions)} predictions" if len(self.predictions) > n_samples else ""
        return f"{n_samples} samples, {n_folds} fold{'s' * (n_folds != 1)}{times}"

    @fill_doc
    def report(self, path: PathLike | None = None, **options: Any) -> mne.Report:
        """Create an HTML report of the data, pipeline, scores, figures and statistics, with a methods text.

        Parameters
        ----------
        path : None | path-like
            File to save the report to with :meth:`mne.Report.save`, as HTML or HDF5; an existing file is
            overwritten. ``None`` does not save it.
        **options : dict
            ``title``, ``report`` (an `mne.Report` to add to), ``comparison`` (returned by
            :func:`~mne_cnnclass.compare`), ``explain`` (a fitted classifier), ``explain_on`` (samples to
            explain it on) and ``n_permutations``, see ``mne_cnnclass.report.build_report``.

        Returns
        -------
        report : mne.Report
            The report.

        Raises
        ------
        FileNotFoundError
            If the folder of the file does not exist.
        ValueError
            If the file extension is neither that of HTML nor of HDF5.
        """
        from ..report import build_report
        from ..report.html import check_report_path

        if path is not None:
            check_report_path(Path(path))  # before minutes of figures
        report = build_report(self, **options)
        if path is not None:
            report.save(path, overwrite=True, open_browser=False, verbose="ERROR")
        return report

    @fill_doc
    def to_csv(self, folder: PathLike) -> list[Path]:
        """Save the scores and predictions as ``scores.csv`` and ``predictions.csv``.

        %(folder_paths)s
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tables = {folder / "scores.csv": self.scores, folder / "predictions.csv": self.predictions}
        for path, table in tables.items():
            table.to_csv(path, index=False)
        return list(tables)
