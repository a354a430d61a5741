"""What a benchmark on a cluster costs, measured with two workers here, and what it would be on many machines.

Run by hand:

    python tests/benchmarks/scale.py measure             # two workers against one process, overhead, bytes
    python tests/benchmarks/scale.py simulate a.sqlite   # the folds of a store on 1, 8 and 64 machines
    python tests/benchmarks/scale.py simulate a.sqlite --subjects 10000  # and if there were as many subjects

A machine has two cores, as this one. What simulate assumes was measured by measure, and is given here.
"""

import heapq
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

DISPATCH = 0.008  # s in which the process that writes the store does nothing but serve one job
BESIDE = 1.1  # how much longer a fold takes while the other core runs one, too
N_CORES, MACHINES = 2, (1, 8, 64)
N_SUBJECTS, N_EACH, SHAPE = 12, 20, (64, 240)


def wall_time(seconds, n_workers, dispatch=DISPATCH):
    """Time until all jobs are done: each goes to whoever is free first, none before it could be sent."""
    free = [0.0] * n_workers
    for number, duration in enumerate(seconds, 1):
        heapq.heappush(free, max(heapq.heappop(free), number * dispatch) + duration)
    return max(free)


def simulate(path, n_subjects=None):
    """The jobs of a store, in their order."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = pd.read_sql(
            "SELECT folds.grid_id, dataset, pipeline, folds.subject, folds.seconds, cells.job FROM folds "
            "JOIN cells ON cells.id = cell_id WHERE folds.current AND folds.state = 'done' ORDER BY cell_id",
            connection,
        )
    jobs = rows.groupby(["grid_id", "job"], sort=False)["seconds"].sum().to_numpy()
    if n_subjects:
        jobs = np.resize(jobs, round(len(jobs) * n_subjects / rows["subject"].nunique()))
    print(f"{len(jobs)} jobs, {jobs.sum() / 3600:.2f} h one after the other in one thread")
    for n_machines in MACHINES:
        hours = wall_time(BESIDE * jobs, N_CORES * n_machines) / 3600
        used = jobs.sum() * BESIDE / 3600 / (hours * N_CORES * n_machines)
        print(f"{n_machines:3d} machines: {hours:8.3f} h, {60 * hours:8.1f} min, cores busy {used:.0%}")
    print(
        f"at least {jobs.max() / 60:.1f} min (the longest job), {len(jobs) * DISPATCH / 60:.1f} min (sending)"
    )


def measure():
    """Two workers of one thread against one process of one thread, three times in turn."""
    from distributed import Client, LocalCluster
    from sklearn.dummy import DummyClassifier

    from mne_cnnclass import CNNClassifier, EpochsView, benchmark

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from planted import planted_epochs

    ch_names = [f"E{i}" for i in range(SHAPE[0])]
    epochs = planted_epochs(N_SUBJECTS * N_EACH, ch_names=ch_names, n_times=SHAPE[1])
    view = EpochsView(epochs, groups=np.repeat(np.arange(N_SUBJECTS), N_EACH))
    network = {"EEGNet": CNNClassifier("EEGNet", max_epochs=30, n_threads=1)}
    guess = {f"guess {i}": DummyClassifier(random_state=i) for i in range(20)}
    how = dict(splits="leave-one-subject-out")
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):

        def timed(pipelines, name, **where):
            start = time.perf_counter()
            result = benchmark(pipelines, {"planted": view}, store=Path(folder, name), **how, **where)
            return time.perf_counter() - start, result.table()

        timed(network, "warm.sqlite", client=client)  # imports
        ratios = []
        for i in range(3):
            one, rows = timed(network, f"one{i}.sqlite")
            two, same = timed(network, f"two{i}.sqlite", client=client)
            assert sorted(rows["log_loss"]) == sorted(same["log_loss"])
            ratios.append(one / two)
            print(
                f"{len(rows)} folds: one process {one:.1f} s, two workers {two:.1f} s, {one / two:.2f} times"
            )
            beside = same["seconds"].sum() / rows["seconds"].sum()
            print(f"a fold takes {beside:.2f} times as long beside another")
        print(f"median: {np.median(ratios):.2f} times as fast")

        moved = _bytes_received()
        took, rows = timed(guess, "guess.sqlite", client=client)
        alone = rows["seconds"].sum() / 2
        moved = _bytes_received() - moved
        print(f"{len(rows)} folds that do next to nothing: {1000 * (took - alone) / len(rows):.1f} ms each")
        size = view.shape[0] * view.shape[1] * view.shape[2] * 8
        print(f"{moved / size:.2f} times the {size / 1e6:.0f} MB of data went through the network")


def _bytes_received():
    """What came in at the loopback interface, over which all processes of this cluster talk."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.strip().startswith("lo:"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure()
    elif sys.argv[1:2] == ["simulate"] and len(sys.argv) in (3, 5):
        simulate(sys.argv[2], int(sys.argv[4]) if sys.argv[3:4] == ["--subjects"] else None)
    else:
        print(__doc__)
