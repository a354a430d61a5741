"""How long a store of a million rows takes to be summed up, and what a row costs.

Run by hand: ``python tests/benchmarks/store.py [n_rows]``, in the folder of the repository.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mne_cnnclass.evaluation.benchmarking import open_benchmark
from mne_cnnclass.evaluation.benchmarking.store import TIMES, Store
from mne_cnnclass.metrics.scores import METRICS

N_PIPELINES, N_DATASETS, N_FOLDS = 10, 20, 5
QUERIES = (
    ("summary", {}),
    ("summary", {"metric": "f1_macro"}),
    ("status", {}),
    ("errors", {}),
    ("datasets", {}),
    ("pipelines", {}),
    ("table", {"pipeline": "pipeline 2", "dataset": "data 3"}),
    ("table", {"dataset": "data 3"}),
    ("compare", {}),  # 900 tests of 1000 subjects: most of its time
    ("table", {}),
)


def make(path, n_rows, rng):
    """A store of folds with random scores: pipelines x data sets x subjects x folds."""
    store = Store(path, create=True)
    n_cells = n_rows // (N_PIPELINES * N_DATASETS)
    scores = [*TIMES, "peak_memory", *METRICS]
    for dataset in range(N_DATASETS):
        for pipeline in range(N_PIPELINES):
            cells = [
                {"number": i, "job": i, "subject": f"sub-{i // N_FOLDS:04d}", "fold": i % N_FOLDS, "seed": i}
                | {"state": "done", "changed": 1.7e9, "n_train": 80, "n_test": 20, "most_frequent": '"left"'}
                | dict(zip(scores, values, strict=True))
                for i, values in enumerate(rng.random((n_cells, len(scores))).tolist())
            ]
            store.add_grid(
                {
                    "pipeline": f"pipeline {pipeline}",
                    "dataset": f"data {dataset}",
                    "splits": "within-session",
                },
                {"fingerprint": f"p{pipeline}", "repr": "", "parameters": "{}", "versions": "{}"},
                {"fingerprint": f"d{dataset}", "classes": '["left", "right"]'},
                {"splits": "within-session", "indices": "i", "random_state": 0},
                cells,
            )
    store.close()


def main(n_rows=1_000_000):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.sqlite")
        start = time.perf_counter()
        make(path, n_rows, np.random.default_rng(0))
        print(f"made in {time.perf_counter() - start:.1f} s, {path.stat().st_size / n_rows:.0f} bytes a row")
        result = open_benchmark(path)
        n_lacking = 0
        for name, how in QUERIES:
            start, used = time.perf_counter(), time.process_time()
            answer = getattr(result, name)(**how)
            took, used = time.perf_counter() - start, time.process_time() - used
            shown = ", ".join(f"{key}={value!r}" for key, value in how.items())
            print(f"{name}({shown}) of {n_rows} rows: {took:.2f} s, {used:.2f} s of a processor")
            n_lacking += name == "errors" and len(answer)
        assert n_lacking == 0


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
