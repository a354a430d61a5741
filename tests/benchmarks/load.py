"""Many fits and predictions in one process: memory, threads, files and objects before and after.

Run by hand, in the folder of the repository: ``python tests/benchmarks/load.py repeat [n]``.
"""

import gc
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import mne
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from planted import planted_epochs

from mne_cnnclass import CNNClassifier, EpochsView, evaluate, load_classifier

WARM_UP = 100


def state():
    """Resident memory (MB), threads of the system and of Python, open files, objects of Python."""
    gc.collect()
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "MB": int(fields["VmRSS"].split()[0]) / 1024,
        "threads": int(fields["Threads"]),
        "Python threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),
        "objects": len(gc.get_objects()),
    }


def repeat(n=1000):
    """Do the same again and again, and compare with what was there after the warm-up."""
    epochs = planted_epochs(32)
    view = EpochsView(epochs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "planted-epo.fif")
        epochs.save(path, verbose="ERROR")
        disk = EpochsView(mne.read_epochs(path, preload=False, verbose="ERROR"))
        model = Path(folder, "model.mcnn")
        small = dict(max_epochs=1, random_state=0, n_threads=1)
        fitted = CNNClassifier("EEGNet", **small).fit(view)
        fitted.save(model)
        tasks = {
            "fit EEGNet": lambda i: CNNClassifier("EEGNet", **small).fit(view),
            "fit MultiScaleCNN, early stopping, augmentation": lambda i: CNNClassifier(
                **small, validation_fraction=0.25, patience=1, augmentation=["time_shift"]
            ).fit(view),
            "fit from disk": lambda i: CNNClassifier("EEGNet", **small).fit(disk),
            "predict": lambda i: fitted.predict_proba(view),
            "load and predict": lambda i: load_classifier(model).predict_proba(view),
            "predict from disk": lambda i: fitted.predict_proba(disk[i % 16 :]),
            "new views of epochs read from disk": lambda i: np.asarray(
                EpochsView(mne.read_epochs(path, preload=False, verbose="ERROR"))[::2]
            ),
            "evaluate, 2 folds": lambda i: evaluate(CNNClassifier("EEGNet", **small), view, cv=2),
        }
        for name, task in tasks.items():
            start = time.perf_counter()
            for i in range(min(WARM_UP, n // 2)):
                task(i)
            before = state()
            for i in range(min(WARM_UP, n // 2), n):
                task(i)
            after = state()
            took = time.perf_counter() - start
            growth = 100 * (after["MB"] / before["MB"] - 1)
            shown = "; ".join(f"{key} {before[key]:.6g} -> {after[key]:.6g}" for key in before)
            print(f"{name}, {n} times in {took:.0f} s: {shown}; memory {growth:+.2f} %", flush=True)


if __name__ == "__main__":
    commands = {"repeat": repeat}
    name, *numbers = sys.argv[1:] or ["repeat"]
    commands[name](*map(int, numbers))
