"""The pages of a report of a benchmark, in their order."""

from __future__ import annotations

from typing import Any

import mne
import numpy as np
import pandas as pd

from ..metrics.scores import LOWER_IS_BETTER, METRICS, chance_levels
from ..metrics.statistics import mean_interval
from ..utils.text import shortened
from ..viz.comparison import plot_paired_scores
from ..viz.style import class_names, class_style, draw_chance, get_axes
from .build import add_sections
from .html import bullets, fact_table, html_table, interval_text, p_text, paragraph, verbatim, words

MANY = 12  # names that a table lists
LONG = 60  # lines of a traceback that are shown


def build_benchmark_report(
    benchmark: Any, *, title: str | None = None, metric: str = "accuracy"
) -> mne.Report:
    """Put a benchmark on the pages of an `mne.Report`.

    Parameters
    ----------
    benchmark : Benchmark
        What the store holds, finished or not.
    title : None | str
        Title; ``None`` takes the name of the store.
    metric : str
        The metric of figures and comparisons; tables have all.

    Returns
    -------
    report : mne.Report
        The report, not yet saved.
    """
    title = f"Benchmark {benchmark.store.stem}" if title is None else title
    report = mne.Report(title=title, image_format="png", verbose="ERROR")
    table, pipelines, datasets = benchmark.table(), benchmark.pipelines(), benchmark.datasets()
    summaries = {name: benchmark.summary(name) for name in METRICS}
    kinds = table.groupby("splits", sort=False)
    results = [_Result(benchmark, kind, metric, folds, summaries) for kind, folds in kinds]
    sections = {
        "Summary": _summary_pages(benchmark.status(), pipelines.index.nunique(), len(datasets), results),
        "Scores": (page for result in results for page in _score_pages(result)),
        "Comparison": (page for result in results for page in _comparison_pages(result)),
        "All metrics": (page for result in results for page in _metric_pages(result)),
        "Errors": _error_pages(benchmark.errors()),
        "Time and memory": _time_pages(table),
        "Data sets": _dataset_pages(datasets),
        "Pipelines": _pipeline_pages(pipelines),
        "Run environment": _environment_pages(benchmark, pipelines),
    }
    return add_sections(report, sections)


class _Result:
    """What came out of one kind of splits."""

    def __init__(self, benchmark, kind, metric, folds, summaries):
        self.kind, self.metric, self.folds = kind, metric, folds
        self.lower_is_better = metric in LOWER_IS_BETTER
        self.sizes = self.folds["size"].notna().any()  # whether it is a learning curve
        self.datasets = self.folds["dataset"].unique().tolist()
        self.chance = pd.DataFrame({name: self._chance(benchmark, name) for name in self.datasets})
        self.stats = {name: self._stats(summary) for name, summary in summaries.items()}
        try:
            self.comparison, self.not_compared = benchmark.compare(metric=metric, splits=kind), None
        except ValueError as error:  # not finished, or one pipeline only
            self.comparison, self.not_compared = None, str(error)

    def _chance(self, benchmark, dataset):
        """The chance level of each metric, by the predictions of a pipeline that kept all of them."""
        rows = self.of(dataset)
        size = int(rows["size"].max()) if self.sizes else None
        for pipeline in rows["pipeline"].unique():
            try:
                result = benchmark.evaluation(pipeline, dataset, self.kind, size=size)
            except ValueError:  # no predictions of this one
                continue
            return chance_levels(result.predictions, result.folds, result.classes)
        return pd.Series(np.nan, index=list(METRICS))

    def _stats(self, summary):
        stats = summary.xs(self.kind, level="splits")
        if self.sizes:
            return stats.rename(index=int, level="size")
        return stats.droplevel("size") if "size" in stats.index.names else stats

    def of(self, dataset):
        """The folds of a data set."""
        return self.folds[self.folds["dataset"] == dataset]

    def largest(self):
        """Where a learning curve ends."""
        return f" with {self.folds['size'].max():g} training samples" if self.sizes else ""

    def units(self, dataset):
        """What is averaged over."""
        return "subjects" if self.of(dataset)["subject"].notna().all() else "folds"

    def n_undefined(self, dataset):
        """Of how many subjects or folds, of all, the metric is undefined with some pipeline."""
        rows = self.of(dataset)
        unit = "subject" if self.units(dataset) == "subjects" else "cell_id"
        found = rows.groupby(["pipeline", "size"], dropna=False)[unit].nunique()
        defined = rows.dropna(subset=self.metric).groupby(["pipeline", "size"], dropna=False)[unit].nunique()
        return int(found.sub(defined, fill_value=0).max()), int(found.max())

    def ranked(self, dataset, metric=None):
        """Mean, SD and n of the pipelines, the best first; of a learning curve at its largest size."""
        stats = self.stats[metric or self.metric]
        if dataset not in stats.index.get_level_values("dataset"):
            return stats.iloc[:0]
        stats = stats.xs(dataset, level="dataset")
        if self.sizes:
            stats = stats.xs(stats.index.get_level_values("size").max(), level="size")
        return stats.sort_values("mean", ascending=self.lower_is_better)


def _mean_sd(row):
    return f"{row['mean']:z.3f}" + (f" ± {row['sd']:.3f}" if row["n"] > 1 else "")


def _summary_pages(status, n_pipelines, n_datasets, results):
    n_done, n_left = status["done"], status["waiting"] + len(status["running"])
    cautions = [f"{n_left} folds are not done yet."] * bool(n_left)
    cautions += [f"{status['failed']} folds failed; see Errors."] * bool(status["failed"])
    if not results:
        yield "In words", paragraph("No fold is done yet.", *cautions)
        return
    best = [text for result in results for text in _best(result)]
    counted = f"{n_pipelines} pipeline(s) on {n_datasets} data set(s), {n_done} folds done."
    yield "In words", paragraph(counted, *cautions) + bullets(best)
    for result in results:
        yield f"{words(result.metric).capitalize()}, {result.kind}", _headline(result)


def _best(result):
    """A sentence a data set: which pipeline is best, and by how much."""
    for dataset in result.datasets:
        ranked = result.ranked(dataset)
        if ranked.empty:
            continue
        first = f"{ranked.index[0]} has the best {words(result.metric)}, {_mean_sd(ranked.iloc[0])}"
        second = f"then {ranked.index[1]}, {_mean_sd(ranked.iloc[1])}" if len(ranked) > 1 else ""
        chance = result.chance.loc[result.metric, dataset]
        level = f"chance {chance:.3f}" if np.isfinite(chance) else ""
        text = "; ".join(filter(None, [first, second, level]))
        yield f"{dataset}, {result.kind}{result.largest()}: {text}."


def _headline(result):
    """Pipelines × data sets, with chance and n."""
    stats = result.stats[result.metric]
    texts = stats.apply(_mean_sd, axis=1).unstack("dataset")[result.datasets]
    if not result.sizes:
        order = stats["mean"].unstack("dataset").mean(axis=1)
        texts = texts.loc[order.sort_values(ascending=result.lower_is_better).index]
    texts = texts.rename_axis(columns=None).astype(object)
    label = ("chance", "") if result.sizes else "chance"
    chance = result.chance.loc[result.metric]
    texts.loc[label, :] = ["–" if np.isnan(level) else f"{level:.3f}" for level in chance]
    n = stats["n"].groupby("dataset").agg(["min", "max"])
    numbers = [
        f"{dataset}: {' to '.join(dict.fromkeys(map(str, n.loc[dataset])))} {result.units(dataset)}"
        for dataset in result.datasets
    ]
    how = "the folds of a subject are averaged first; a fold that tests several subjects counts by itself"
    note = f"Mean ± SD over {'; '.join(numbers)} ({how})."
    lost = {dataset: result.n_undefined(dataset) for dataset in result.datasets}
    lost = [f"{n} of {of} {result.units(dataset)} of {dataset}" for dataset, (n, of) in lost.items() if n]
    if lost:
        note += f" Left out, as it is undefined where a class is missing: {'; '.join(lost)}."
    unknown = "Chance levels need predictions, which were not kept." * bool(chance.isna().any())
    return html_table(texts) + paragraph(note, unknown)


def _score_pages(result):
    direction = "lower" if result.lower_is_better else "higher"
    for dataset in result.datasets:
        heading = f"{dataset}, {result.kind}"
        if result.sizes:
            caption = f"Mean ± SD over {result.units(dataset)}; {direction} is better."
            yield heading, _plot_sizes(result, dataset), caption
        else:
            fig, units = _plot_units(result, dataset)
            yield heading, fig, f"A dot is one of the {units}, joined by lines; {direction} is better."


def _plot_units(result, dataset):
    """A dot a subject, or a fold that tests several, in the colours and lines of comparisons."""
    comparison = result.comparison
    if comparison is None:
        rows = result.of(dataset)
        units = result.units(dataset)
        key = "subject" if units == "subjects" else "fold"
        scores = rows.pivot_table(result.metric, key, "pipeline")
        factor = 1 / len(scores)
        known = [mean_interval(scores[name].dropna(), factor) for name in scores]
        means = pd.DataFrame(known, scores.columns, columns=["mean", "low", "high"])
    else:
        scores, means = comparison.scores, comparison.means
        if scores.index.nlevels > 1:  # of several data sets
            scores, means = scores.loc[dataset], means.loc[dataset]
        units = _units(comparison.units)
    order = result.ranked(dataset).index  # the best first
    fig = plot_paired_scores(
        {dataset: scores[order]},
        means={dataset: means},
        chance=[result.chance.loc[result.metric, dataset]],
        metric=result.metric,
        units=units,
        lower_is_better=result.lower_is_better,
    )
    return fig, units


def _plot_sizes(result, dataset):
    """Mean and SD of each pipeline by the size of the training part."""
    stats = result.stats[result.metric].xs(dataset, level="dataset")
    ax = get_axes(None, figsize=(6.4, 4.2))[0]
    for number, (name, rows) in enumerate(stats.groupby("pipeline", sort=False)):
        rows = rows.droplevel("pipeline")
        sizes = rows.index * 1.02**number  # side by side, so that bars do not overlap
        style = class_style(number) | dict(fmt="o", capsize=3, label=class_names([name])[0])
        ax.errorbar(sizes, rows["mean"], yerr=rows["sd"], **style)
    draw_chance(ax, result.chance.loc[result.metric, dataset])
    sizes = np.unique(stats.index.get_level_values("size"))
    ax.set_xscale("log")
    ax.set_xticks(sizes, [f"{size:g}" for size in sizes])
    ax.minorticks_off()
    units = result.units(dataset)
    ax.set(xlabel="Training samples (log scale)", ylabel=words(result.metric).capitalize())
    ax.set_title(f"{dataset}: n = {stats['n'].max()} {units}", fontsize="medium")
    ax.figure.legend(loc="outside right upper", fontsize="small")
    return ax.figure


def _comparison_pages(result):
    if result.comparison is None:
        yield f"Comparison, {result.kind}", paragraph("There is no comparison.", result.not_compared)
        return
    comparison = result.comparison
    datasets = "combined over the data sets" if len(result.datasets) > 1 else result.datasets[0]
    fig = comparison.plot()
    yield f"Differences, {result.kind}", fig, f"Each pipeline against each other, {datasets}."
    table = html_table(comparison_table(comparison), index=False)
    yield f"Pairs, {result.kind}", paragraph(describe_tests(comparison)) + table


def comparison_table(comparison):
    """Pairs of pipelines as text: means, difference with its interval, n and p-values."""
    table = comparison.table
    shown = table[[*table.columns.intersection(["dataset"]), "pipeline_a", "pipeline_b"]].copy()
    for name in ("mean_a", "mean_b", "difference"):
        shown[name] = table[name].map("{:z.3f}".format)
    shown["95 % CI"] = [interval_text(*edges) for edges in table[["low", "high"]].to_numpy()]
    shown["n"] = table["n"]
    for name, shown_name in (("p_value", "p"), ("p_holm", "p holm")):
        shown[shown_name] = table[name].map(p_text)
    return shown.rename(columns=words)


def describe_tests(comparison):
    """How the pairs were tested."""
    better = "lower" if comparison.lower_is_better else "higher"
    tests = " and ".join(comparison.table["test"].unique())
    units = _units(comparison.units)
    return (
        f"{words(comparison.metric).capitalize()} ({better} is better); the difference is a minus b, and n "
        f"counts {units}. Test: {tests}. p holm is adjusted for all pairs of a data set."
    )


def _units(units):
    return "subjects" if units == "groups" else units


def _metric_pages(result):
    for dataset in result.datasets:
        pipelines = result.ranked(dataset).index
        tables = {words(name): result.ranked(dataset, name) for name in METRICS}
        texts = {name: table.apply(_mean_sd, axis=1) for name, table in tables.items() if len(table)}
        texts = pd.DataFrame(texts, index=pipelines).T
        texts["chance"] = result.chance[dataset].rename(words).reindex(texts.index).map("{:.3f}".format)
        texts = texts.rename_axis("metric", axis=0).rename_axis(None, axis=1).replace("nan", "–")
        lower = ", ".join(map(words, LOWER_IS_BETTER))
        note = f"Mean ± SD over {result.units(dataset)}{result.largest()}. Of {lower}, lower is better."
        yield f"{dataset}, {result.kind}", html_table(texts.fillna("–")) + paragraph(note)


def _error_pages(errors):
    if errors.empty:
        yield "Errors", paragraph("No fold failed.")
        return
    counts = count_errors(errors).sort_values("folds", ascending=False)
    yield "Folds that failed", html_table(counts, index=False)
    first = errors.drop_duplicates(["type", "message"]).head(MANY)
    for number, row in enumerate(first.itertuples(), 1):
        lines = row.traceback.splitlines()
        if len(lines) > LONG:  # of a recursion, for example; the store has all of it
            between = [f"… {len(lines) - LONG} lines …"]
            lines = lines[: LONG // 2] + between + lines[-LONG // 2 :]
        yield f"Traceback {number}: {row.type}", verbatim("\n".join(lines))


def count_errors(errors):
    """How many folds failed with each message."""
    keys = ["pipeline", "dataset", "splits", "type", "message"]
    return errors.groupby(keys, sort=False).size().reset_index(name="folds")


def _time_pages(table):
    groups = table.groupby(["dataset", "splits", "pipeline"], sort=False)
    times = pd.DataFrame(
        {
            "folds": groups.size(),
            "training a fold (s)": groups["fit_time"].mean(),
            "prediction a fold (s)": groups["score_time"].mean(),
            "altogether (min)": groups["seconds"].sum() / 60,
            "peak memory (MB)": groups["peak_memory"].max() / 1e6,
        }
    )
    note = "Memory is the most that a process had since it was started, so that of folds before counts, too."
    yield "Means of the folds", html_table(times.reset_index(), index=False) + paragraph(note)


def _dataset_pages(datasets):
    for name, row in datasets.iterrows():
        facts = {
            "samples": row["n_samples"],
            "classes": shortened(row["classes"], MANY),
            "channels": f"{row['n_channels']}: {shortened(row['ch_names'], MANY)}",
            "window": f"from {row['tmin']:g} s, {row['n_times']} times at {row['sfreq']:g} Hz",
        }
        for key in ("subjects", "sessions"):
            values = row[key]
            facts[key] = "unknown" if values is None else f"{len(values)}: {shortened(values, MANY)}"
        yield name, fact_table(facts)


def _pipeline_pages(pipelines):
    for name, row in pipelines.iterrows():
        yield name, verbatim(row["repr"])


def _environment_pages(benchmark, pipelines):
    versions = pd.DataFrame(pipelines["versions"].tolist())
    facts = {name: ", ".join(sorted(versions[name].dropna().unique())) for name in sorted(versions)}
    yield "Versions", fact_table(facts)
    workers = benchmark.workers()
    times = workers[["started", "ended"]].apply(lambda column: column.dt.strftime("%Y-%m-%d %H:%M UTC"))
    workers[["started", "ended"]] = times.fillna("–")
    store = fact_table({"store": benchmark.store.resolve()})
    yield "Processes", store + html_table(workers, index=False)
