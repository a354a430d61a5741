"""Commands of benchmarks: run a config, then status, compare and report of its store."""

from __future__ import annotations

import warnings
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from .common import N_JOBS, app, needed, optional, output_option, report_files

Store = Annotated[Path, needed("Store written by `mne-cnnclass benchmark`.")]
STORE = "Store for the results, such as results.sqlite; created if it does not exist."
Metric = Annotated[str, typer.Option(help="Metric, such as balanced_accuracy or roc_auc.")]


@app.command()
def benchmark(
    config: Annotated[Path, needed("TOML file with pipelines, data sets and splits.")],
    output: Annotated[Path, output_option(STORE)],
    n_jobs: Annotated[int | None, optional(N_JOBS, "from the config, or 1")] = None,
    keep_predictions: Annotated[
        bool | None,
        typer.Option(
            "--keep-predictions/--no-keep-predictions",
            help="Store the predictions, which chance levels and scores per subject need.",
            show_default="from the config, or not",
        ),
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Run failed folds again.")] = False,
):
    """Evaluate pipelines on data sets, and store the result of each fold in a file that survives a crash.

    Running the same command again resumes where it stopped; several processes may work on the same store. The
    exit code is 1 if folds failed.

    Example: mne-cnnclass benchmark config.toml -o results.sqlite --n-jobs 2
    """
    from ..evaluation.benchmarking import benchmark, read_config
    from ..evaluation.failures import FoldsFailedWarning

    given = {"n_jobs": n_jobs, "keep_predictions": keep_predictions}
    arguments = read_config(config) | {name: value for name, value in given.items() if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FoldsFailedWarning)  # printed below
        result = benchmark(**arguments, store=output, retry=retry, verbose=True)
    print(f"\n{_summary(result, 'accuracy')}\n")
    n_failed = _print_failures(result)
    print(f"Scores, comparisons and figures on a page: mne-cnnclass report {output}")
    if n_failed:
        print(f"To do the {n_failed} again: mne-cnnclass benchmark {config} -o {output} --retry")
        raise typer.Exit(1)


@app.command()
def status(store: Store):
    """Show the progress and the expected end of a benchmark, also while it is running."""
    from ..evaluation.benchmarking import open_benchmark

    result = open_benchmark(store)
    state = result.status()
    running = state["running"][state["running"]["alive"]].drop(columns="alive")
    # Folds of processes that died wait for the next process.
    waiting = state["waiting"] + len(state["running"]) - len(running)
    counts = f"{state['done']} done, {len(running)} running, {state['failed']} failed, {waiting} waiting"
    print(f"{store}: {counts}")
    if state["ends"] is not None:
        print(f"Expected end: {state['ends']:%a %d %b %H:%M}")
    elif len(running):
        print("Expected end: known when the first fold is done")
    elif waiting:
        print("Nothing runs; `mne-cnnclass benchmark CONFIG -o STORE` resumes it.")
    if len(running):
        here = datetime.now().astimezone().tzinfo
        running["since"] = running["since"].dt.tz_convert(here).dt.strftime("%a %H:%M:%S")
        print(f"\nRunning:\n{_text(running)}")
    _print_failures(result)


@app.command()
def compare(
    store: Store,
    metric: Metric = "accuracy",
    splits: Annotated[str | None, optional("Kind of splits; required if there are several.")] = None,
):
    """Compare the pipelines of a benchmark by paired tests over subjects, or over folds.

    Example: mne-cnnclass compare results.sqlite --metric roc_auc --splits cross-subject
    """
    from ..evaluation.benchmarking import open_benchmark
    from ..report.benchmark import comparison_table, describe_tests

    comparison = open_benchmark(store).compare(metric=metric, splits=splits)
    table = comparison_table(comparison).to_string(index=False).replace("\u00a0", " ")
    print(f"{table}\n\n{describe_tests(comparison)}")


@app.command()
def report(
    store: Store,
    output: Annotated[
        Path | None, output_option("HTML file to write.", "name of the store, with .html")
    ] = None,
    metric: Metric = "accuracy",
):
    """Write an HTML report of a benchmark: scores, figures, comparisons, errors, data sets and versions."""
    from ..evaluation.benchmarking import open_benchmark

    output = store.with_suffix(".html") if output is None else output
    open_benchmark(store).report(output, metric=metric)
    report_files([output])


def _summary(result, metric):
    """Pipelines × data sets as text."""
    stats = result.summary(metric)
    stats["text"] = [
        f"{mean:.3f}" + (f" ± {sd:.3f}" if n > 1 else "") + f" ({n})"
        for mean, sd, n in stats[["mean", "sd", "n"]].itertuples(index=False)
    ]
    table = stats["text"].unstack("dataset").fillna("–").rename_axis(columns=None)
    if "size" in table.index.names:  # of learning curves
        table = table.rename(index=lambda size: f"{size:g}" if size == size else "", level="size")
    return f"{metric}, mean ± SD (n subjects, or folds that test several):\n{table.to_string()}"


def _print_failures(result):
    """Print what went wrong, and how often; return the number of folds."""
    errors = result.errors()
    if len(errors):
        from ..report.benchmark import count_errors

        counts = count_errors(errors)
        counts["message"] = counts["message"].str.split().str.join(" ").str.slice(stop=100)
        print(f"Failed:\n{_text(counts)}\n")
    return len(errors)


def _text(table):
    """A table without the columns that say nothing."""
    return table.dropna(axis=1, how="all").to_string(index=False)
