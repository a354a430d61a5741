"""Kill a benchmark at random moments, and look whether a row is lost or double.

Run by hand: ``python tests/benchmarks/kill.py [n_kills]``, in the folder of the repository.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("", "evaluation/benchmarking"))
from test_benchmark import N_CELLS, kill_at_random


def main(n_kills=50, seed=0):
    rng, start = np.random.default_rng(seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = kill_at_random(Path(folder, "store.sqlite"), n_kills, rng)
    n_middle = sum(0 < n_done < N_CELLS for n_done in found)
    print(
        f"{n_kills} kills in {time.monotonic() - start:.0f} s: {n_middle} between the first and the last of "
        f"{N_CELLS} rows. After each the file was whole and no row lost or double, and the next process went "
        "on to the end."
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
