"""The fit of a small network beside processes that keep all cores but one busy, against the fit without them.

    python tests/benchmarks/busy.py [--pairs 7] [--threads 1 2]

The two take turns, and the ratio of a pair is the wall time beside the busy processes ÷ that without. Mark:
1.3 with one thread, the default. Run it on a machine that does nothing else; it prints how much it did.
"""

import argparse
import multiprocessing
import os
import time
from contextlib import contextmanager

import numpy as np

from mne_cnnclass import CNNClassifier

SHAPE, MARK = (120, 8, 192), 1.3


def spin():
    while True:
        pass


@contextmanager
def busy_cores():
    """One process that keeps a core busy, or one for each core but one."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=spin, daemon=True) for _ in range(max(1, os.cpu_count() - 1))]
    for process in processes:
        process.start()
    try:
        time.sleep(3.0)  # until they have imported, and compute
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def measure(n_threads, n_pairs):
    """Seconds of the fits, shape (n_pairs, 2): quiet and busy."""
    X, y = np.random.default_rng(0).standard_normal(SHAPE), np.arange(SHAPE[0]) % 2
    clf = CNNClassifier("EEGNet", max_epochs=4, random_state=0, n_threads=n_threads)

    def fit():
        start = time.perf_counter()
        clf.fit(X, y)
        return time.perf_counter() - start

    fit()
    times = np.empty((n_pairs, 2))
    for pair in times:
        pair[0] = fit()
        with busy_cores():
            pair[1] = fit()
    return times


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    arguments = parser.parse_args()
    print(f"EEGNet, 4 training epochs of {SHAPE}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for n_threads in arguments.threads:
        times = measure(n_threads, arguments.pairs)
        quiet, busy = np.median(times, axis=0)
        least, *_, most = ratios = sorted(times[:, 1] / times[:, 0])
        print(f"n_threads={n_threads}: {quiet:.2f} s, beside busy processes {busy:.2f} s")
        print(f"ratio {np.median(ratios):.2f} ({least:.2f} to {most:.2f}), n={len(ratios)}, mark {MARK}")
