"""Seconds that intervals and chance levels take on 50 000 predictions of 5 classes.

python tests/benchmarks/evaluation.py
"""

import time

import numpy as np
import pandas as pd

from mne_cnnclass import Evaluation

N, K = 50_000, 5


def main():
    rng = np.random.default_rng(0)
    y, logits = rng.integers(K, size=N), rng.standard_normal((N, K))
    logits[np.arange(N), y] += 1
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = pd.DataFrame({"fold": np.arange(N) % 5, "sample": np.arange(N), "y_true": y})
    table["y_pred"], table["group"] = proba.argmax(axis=1), np.arange(N) % 100
    table[[f"proba_{k}" for k in range(K)]] = proba
    folds = pd.DataFrame({"fold": range(5), "n_train": 40_000, "n_test": 10_000, "most_frequent": 0})
    folds["error"] = None
    result = Evaluation(table, folds, np.arange(K))
    for name, action in {
        "scores of 5 folds": lambda: result.scores,
        "intervals, 1000 resamples of groups": result.intervals,
        "summary with intervals": result.summary,
        "1000 permutations": result.permutation_test,
    }.items():
        start = time.perf_counter()
        action()
        print(f"{name}: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
