"""What a store holds: tables, summaries, errors, and evaluations from the predictions that were kept."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from .. import Evaluation, compare
from ..compare import check_metric
from .comparing import check_comparable, compare_stored_scores
from .packing import unpack
from .queries import NAMED_GRIDS, describe_grids, read_folds, read_grids, summarize
from .store import Store

if TYPE_CHECKING:
    import mne

    from ...samples.types import PathLike
    from ..comparison import Comparison


def open_benchmark(store: PathLike) -> Benchmark:
    """Open the results of a benchmark, which may still be running.

    Parameters
    ----------
    store : path-like
        The results file, written by :func:`~mne_cnnclass.benchmark`.

    Returns
    -------
    result : Benchmark
        The results. Neither the data nor the pipelines are needed to open them.

    Raises
    ------
    StoreError
        If the file does not exist or is not a store.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.dummy import DummyClassifier
    >>> from mne_cnnclass import EpochsView, benchmark, datasets, open_benchmark
    >>> view = EpochsView(datasets.load_sample("train"))[::20]
    >>> view = EpochsView(view, groups=range(len(view)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = f"{folder}/results.sqlite"
    ...     _ = benchmark({"guess": DummyClassifier()}, {"cursor": view}, store=store, n_folds=2)
    ...     open_benchmark(store)
    <Benchmark | 2 done, 0 running, 0 failed, 0 waiting>
    ...
    """
    Store(store).close()
    return Benchmark(store)


class Benchmark:
    """Results of a benchmark of pipelines on data sets.

    Returned by :func:`~mne_cnnclass.benchmark` and :func:`~mne_cnnclass.open_benchmark`.

    Parameters
    ----------
    store : path-like
        The results file. Every method reads it again, so that results are up to date.

    Examples
    --------
    >>> from mne_cnnclass import open_benchmark
    >>> result = open_benchmark("results.sqlite")  # doctest: +SKIP
    >>> result.summary("roc_auc")  # doctest: +SKIP
    """

    def __init__(self, store: PathLike) -> None:
        self.store = Path(store)

    def _table(self, query, parameters=()):
        with closing(Store(self.store)) as store:
            return store.table(query, parameters)

    def table(
        self,
        *,
        pipeline: str | None = None,
        dataset: str | None = None,
        splits: str | None = None,
        current: bool = True,
    ) -> pd.DataFrame:
        """Get all finished folds with their scores.

        Parameters
        ----------
        pipeline, dataset, splits : None | str
            Name of the pipeline, data set or kind of splits to select; ``None`` selects all. A table of a
            million folds takes about ten seconds; to summarise them, :meth:`summary` takes less than one.
        current : bool
            Whether to leave out outdated folds, computed with earlier code, parameters, data or splits of the
            same name. Default is True.

        Returns
        -------
        table : pandas.DataFrame
            One row per fold, with the columns ``pipeline``, ``dataset`` and ``splits`` (names); ``subject``
            and ``session`` that were tested, if only one; ``fold``; ``size`` of the training part in a
            learning curve; ``seed``; ``n_train``, ``n_test`` and ``n_pretrain`` (number of samples, the last
            of other subjects); ``fit_time``, ``score_time``, ``pretrain_time`` (shared by the folds of a
            subject) and ``seconds`` (total), in s; ``peak_memory`` of the process up to then, in bytes; one
            column per metric; ``current``; and ``finished`` (time).
        """
        with closing(Store(self.store)) as store:
            grids = read_grids(store, current=current, pipeline=pipeline, dataset=dataset, splits=splits)
            table = read_folds(store, grids)
        table["finished"] = pd.to_datetime(table.pop("changed"), unit="s", utc=True)
        table["current"] = table["current"].astype(bool)
        return table

    def summary(self, metric: str = "accuracy", *, current: bool = True) -> pd.DataFrame:
        """Summarise a metric for each pipeline and data set.

        Parameters
        ----------
        metric : str
            The metric to summarise. Default is ``"accuracy"``.
        current : bool
            As in :meth:`table`. Default is True.

        Returns
        -------
        summary : pandas.DataFrame
            One row per data set, kind of splits and pipeline (and size, in learning curves), with the columns
            ``mean`` and ``sd`` (standard deviation with n - 1) over ``n`` subjects. The folds of a subject
            are averaged first; a fold that tests several subjects counts as one unit. Folds in which the
            metric is undefined are left out.
        """
        check_metric(metric)
        with closing(Store(self.store)) as store:
            names = read_grids(store, current=current)[["dataset", "splits", "pipeline", "grid_id"]]
            stats = summarize(store, metric, names["grid_id"].unique())
        table = names.merge(stats, on="grid_id").drop(columns="grid_id")
        levels = ["dataset", "splits", "pipeline"] + ["size"] * bool(table["size"].notna().any())
        return table.set_index(levels).sort_index().drop(columns={"size"} - {*levels})

    def errors(self, *, current: bool = True) -> pd.DataFrame:
        """Get the folds that failed; ``benchmark(retry=True)`` runs them again.

        Parameters
        ----------
        current : bool
            As in :meth:`table`. Default is True.

        Returns
        -------
        errors : pandas.DataFrame
            One row per fold, with the columns ``pipeline``, ``dataset``, ``splits``, ``subject``,
            ``session``, ``fold``, ``size``, ``type``, ``message`` and ``traceback``.
        """
        columns = ["pipeline", "dataset", "splits", "subject", "session", "fold", "size"]
        columns += ["type", "message", "traceback"]
        return self._table(
            f"SELECT {', '.join(columns)} FROM folds JOIN errors USING (cell_id) WHERE state = 'failed' "
            f"{'AND current' if current else ''} ORDER BY dataset, splits, pipeline, cell_id"
        )

    def status(self) -> dict[str, int]:
        """Get the progress of the benchmark, including that of other processes.

        Returns
        -------
        status : dict
            The number of folds that are ``done``, ``failed`` and ``waiting`` in the latest version of the
            benchmark; ``running``, a DataFrame with the columns ``pipeline``, ``dataset``, ``splits``,
            ``subject``, ``session``, ``fold``, ``host``, ``pid``, ``since`` and ``alive`` (False if the
            process has died; the next one takes the fold over); and ``ends``, the expected end time, None if
            nothing is running or no fold is done yet.
        """
        columns = ["pipeline", "dataset", "splits", "subject", "session", "fold", "host", "pid", "changed"]
        with closing(Store(self.store)) as store:
            grids = [grid for (grid,) in store.read("SELECT DISTINCT grid_id FROM names WHERE current")]
            counts = store.count(grids)
            workers = store.read("SELECT * FROM workers WHERE ended IS NULL")
            alive = {row["id"] for row in workers if store.is_alive(row)}
            running = store.table(
                f"SELECT {', '.join(columns)}, worker_id FROM folds "
                "JOIN workers ON workers.id = worker_id WHERE state = 'running' AND current"
            )
            seconds = store.remaining_seconds(grids) if alive else None
        running["alive"] = running.pop("worker_id").isin(alive)
        running["since"] = pd.to_datetime(running.pop("changed"), unit="s", utc=True)
        ends = None if seconds is None else datetime.now().astimezone() + timedelta(seconds=seconds)
        return counts | {"running": running, "ends": ends}

    def evaluation(
        self, pipeline: str, dataset: str, splits: str | None = None, *, size: int | None = None
    ) -> Evaluation:
        """Get the evaluation of a pipeline on a data set, from the stored predictions.

        Parameters
        ----------
        pipeline, dataset : str
            Names of the pipeline and the data set.
        splits : None | str
            The kind of splits. May be ``None`` if there is only one.
        size : None | int
            The size of the training part, in a learning curve.

        Returns
        -------
        result : Evaluation
            The evaluation, with all finished folds, numbered as in the store, and the subjects as groups.
            Probabilities are rounded to float32.

        Raises
        ------
        ValueError
            If there are no such results, or if their predictions were not stored.
        """
        known = self._table(
            f"SELECT names.splits, grid_id, classes, subjects {NAMED_GRIDS} JOIN datasets "
            "ON datasets.id = dataset_id WHERE current AND pipeline = ? AND dataset = ? "
            "AND names.splits = coalesce(?, names.splits)",
            [pipeline, dataset, splits],
        )
        if len(known) != 1:
            kinds = known["splits"].tolist()
            raise ValueError(
                f"There are no results of {pipeline!r} on {dataset!r}; see table()."
                if not kinds
                else f"There are several kinds of splits, {kinds}; name one by splits=."
            )
        grid = known.iloc[0]
        folds = self._table(
            "SELECT number AS fold, n_train, n_test, most_frequent, fit_time, score_time, content FROM cells "
            "LEFT JOIN predictions ON cell_id = id WHERE grid_id = ? AND state = 'done' AND size IS ? "
            "ORDER BY number",
            [int(grid["grid_id"]), size],
        )
        if folds.empty or folds["content"].isna().any():
            raise ValueError(
                f"Predictions of {pipeline!r} on {dataset!r} were not kept"
                + (f" for size={size!r}" if size is not None else "")
                + ". Call benchmark with the same and keep_predictions=True."
            )
        classes = np.array(json.loads(grid["classes"]))
        subjects = None if grid["subjects"] is None else np.array(json.loads(grid["subjects"]))
        content = folds.pop("content")
        folds["most_frequent"] = folds["most_frequent"].map(json.loads)
        predictions = [unpack(*fold, classes, subjects) for fold in zip(content, folds["fold"], strict=True)]
        return Evaluation(pd.concat(predictions, ignore_index=True), folds.assign(error=None), classes)

    def compare(
        self,
        *,
        metric: str = "accuracy",
        splits: str | None = None,
        units: Literal["groups", "folds"] | None = None,
    ) -> Comparison:
        """Compare all pipelines on all data sets.

        Parameters
        ----------
        metric, units
            As in :func:`~mne_cnnclass.compare`.
        splits : None | str
            The kind of splits. May be ``None`` if there is only one.

        Returns
        -------
        comparison : Comparison
            The comparison, with a table of the tests and figures.

        Raises
        ------
        ValueError
            If there are several kinds of splits, or if the pipelines do not have the same folds.

        Notes
        -----
        If all predictions were stored, this is :func:`~mne_cnnclass.compare` of the evaluations. Otherwise,
        the scores in the table are compared in the same way: the score of a group is then the mean over the
        folds of a subject, rather than the score of all its predictions together, and there is no chance
        level.
        """
        check_metric(metric)
        with closing(Store(self.store)) as store:
            grids = describe_grids(store, read_grids(store, splits=splits).sort_values("grid_id"))
            check_comparable(grids)
            if not grids["kept"].all():
                return compare_stored_scores(store, grids, metric, units)
        results = {}
        for dataset, pipeline in grids[["dataset", "pipeline"]].itertuples(index=False):
            results.setdefault(dataset, {})[pipeline] = self.evaluation(pipeline, dataset, splits)
        return compare(results, metric=metric, units=units)

    def datasets(self) -> pd.DataFrame:
        """Describe the data sets.

        Returns
        -------
        datasets : pandas.DataFrame
            One row per data set, indexed by name, with the columns ``n_samples``, ``n_channels``,
            ``n_times``, ``sfreq`` (Hz), ``tmin`` (s), and, as lists, ``ch_names``, ``classes``, ``subjects``
            and ``sessions`` (None if unknown).
        """
        table = self._table(
            f"SELECT DISTINCT names.dataset, datasets.* {NAMED_GRIDS} JOIN datasets "
            "ON datasets.id = dataset_id WHERE current ORDER BY names.dataset"
        )
        lists = ["ch_names", "classes", "subjects", "sessions"]
        table[lists] = table[lists].map(lambda text: None if text is None else json.loads(text))
        return table.set_index("dataset").drop(columns=["id", "fingerprint"])

    def pipelines(self) -> pd.DataFrame:
        """Describe the pipelines.

        Returns
        -------
        pipelines : pandas.DataFrame
            One row per pipeline, indexed by name, with the columns ``repr`` and, as dicts, ``parameters`` and
            ``versions`` (of packages).
        """
        table = self._table(
            f"SELECT DISTINCT names.pipeline, repr, parameters, versions {NAMED_GRIDS} JOIN pipelines "
            "ON pipelines.id = pipeline_id WHERE current ORDER BY names.pipeline"
        )
        dicts = ["parameters", "versions"]
        table[dicts] = table[dicts].map(json.loads)
        return table.set_index("pipeline")

    def workers(self) -> pd.DataFrame:
        """Get the processes that worked on the benchmark.

        Returns
        -------
        workers : pandas.DataFrame
            One row per process, with the columns ``host``, ``pid``, ``n_jobs``, ``started`` and ``ended``
            (NaT if it is running or was killed).
        """
        table = self._table("SELECT host, pid, n_jobs, started, ended FROM workers ORDER BY id")
        for name in ("started", "ended"):
            table[name] = pd.to_datetime(table[name].astype(float), unit="s", utc=True)
        return table

    def report(
        self, path: PathLike | None = None, *, title: str | None = None, metric: str = "accuracy"
    ) -> mne.Report:
        """Create an HTML report of scores, comparisons, errors, data sets, pipelines and versions.

        Parameters
        ----------
        path : None | path-like
            File to save the report to with :meth:`mne.Report.save`; an existing file is overwritten. ``None``
            does not save it.
        title : None | str
            Title of the report. ``None`` uses the name of the store.
        metric : str
            The metric in figures and comparisons; tables contain all metrics. Default is ``"accuracy"``.

        Returns
        -------
        report : mne.Report
            The report.

        Notes
        -----
        If the benchmark is not finished, the report contains the results so far. Chance levels are available
        only if predictions were stored.
        """
        from ...report import build_benchmark_report

        report = build_benchmark_report(self, title=title, metric=check_metric(metric))
        if path is not None:
            report.save(path, overwrite=True, open_browser=False, verbose="ERROR")
        return report

    def __repr__(self):
        status = self.status()
        counts = status | {"running": len(status["running"])}
        shown = ", ".join(f"{counts[state]} {state}" for state in ("done", "running", "failed", "waiting"))
        return f"<Benchmark | {shown}>\n{self.summary().round(3).to_string()}"
