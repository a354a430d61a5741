"""Seconds that intervals, chance levels and the report take on 50 000 predictions of 5 classes.

OMP_NUM_THREADS=1 python tests/benchmarks/evaluation.py
OMP_NUM_THREADS=1 python tests/benchmarks/evaluation.py --profile  # and where the report spends its time

The samples of the report are 3 s of 64 EEG channels at 160 Hz. It is a report with all that it can show: the
comparison with another pipeline, and the explanations of a network.
"""

import cProfile
import pstats
import sys
import tempfile
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_cnnclass import CNNClassifier, EpochsView, Evaluation, compare

N, K = 50_000, 5
N_DIFFERENT = 2_500  # samples: they recur, so that the 50 000 fit into memory


def make_result(view, *, signal=1.0, estimator=None):
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((N, K))
    logits[np.arange(N), view.labels] += signal
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = pd.DataFrame({"fold": np.arange(N) % 5, "sample": np.arange(N), "y_true": view.labels})
    table["y_pred"], table["group"] = proba.argmax(axis=1), view.groups
    table[[f"proba_{k}" for k in range(K)]] = proba
    folds = pd.DataFrame({"fold": range(5), "n_train": 40_000, "n_test": 10_000, "most_frequent": 0})
    folds["error"] = None
    return Evaluation(table, folds, np.arange(K), estimator=estimator, view=view)


def make_view():
    rng = np.random.default_rng(1)
    ch_names = mne.channels.make_standard_montage("biosemi64").ch_names
    info = mne.create_info(ch_names, 160.0, "eeg").set_montage("biosemi64")
    data = 1e-5 * rng.standard_normal((N_DIFFERENT, len(ch_names), 480))
    labels = rng.integers(K, size=N_DIFFERENT)
    data[np.arange(N_DIFFERENT), labels] += 2e-5 * np.sin(2 * np.pi * 10 * np.arange(480) / 160)
    epochs = mne.EpochsArray(data, info, verbose="ERROR")
    n_times = N // N_DIFFERENT
    return EpochsView([epochs] * n_times, labels=np.tile(labels, n_times), groups=np.arange(N) // 50 % 100)


def main():
    view = make_view()
    clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0, n_threads=1)
    result, other = make_result(view, estimator=clf), make_result(view, signal=0.9)
    for name, action in {
        "scores of 5 folds": lambda: result.scores,
        "intervals, 1000 resamples of groups": result.intervals,
        "summary with intervals": result.summary,
        "1000 permutations": result.permutation_test,
    }.items():
        start = time.perf_counter()
        action()
        print(f"{name}: {time.perf_counter() - start:.1f} s")

    clf.fit(view[:N_DIFFERENT:5])
    comparison = compare({"EEGNet": result, "other": other})
    result = make_result(view, estimator=clf)  # that has computed nothing yet
    options = dict(comparison=comparison, explain=clf, explain_on=view)
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        if "--profile" in sys.argv:
            profile.enable()
        start = time.perf_counter()
        result.report(path, **options)
        seconds = time.perf_counter() - start
        profile.disable()
        print(f"report with everything: {seconds:.1f} s, {path.stat().st_size / 1e6:.1f} MB")
    if "--profile" in sys.argv:
        pstats.Stats(profile).sort_stats("cumulative").print_stats("mne_cnnclass|mne/report|savefig", 45)


if __name__ == "__main__":
    main()
