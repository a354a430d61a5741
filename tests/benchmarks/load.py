"""Many fits and predictions in one process: memory, threads, files and objects before and after.

Run by hand, in the folder of the repository:

    python tests/benchmarks/load.py repeat [n]       # memory, threads, files over n fits and others
    python tests/benchmarks/load.py day [hours ...]  # peak memory of the prediction of long recordings
    python tests/benchmarks/load.py hearts [hours ...]  # the same for heartbeats of WFDB records
    python tests/benchmarks/load.py large            # many classes, many channels, long windows
"""

import contextlib
import gc
import os
import subprocess
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
from mne_cnnclass.preprocessing import make_epochs

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


PREDICT = {
    "mne-cnnclass predict": """
from mne_cnnclass.cli import main
sys.argv = ["mne-cnnclass", "predict", model, path, "-o", path + ".csv"]
try:
    main()
except SystemExit as done:
    assert not done.code
""",
    "predict of Epochs with preload=False": """
import mne
from mne_cnnclass import load_classifier
raw = mne.io.read_raw(path, verbose="ERROR")
events, event_id = mne.events_from_annotations(raw, verbose="ERROR")
epochs = mne.Epochs(raw, events, event_id, 0.0, 0.99, baseline=None, preload=False, verbose="ERROR")
load_classifier(model).predict_proba(epochs)
""",
    "make_epochs and predict, all in memory": """
from mne_cnnclass import load_classifier
from mne_cnnclass import read_epochs_settings
from mne_cnnclass.preprocessing import make_epochs
load_classifier(model).predict_proba(make_epochs(path, **read_epochs_settings(model)))
""",
}
TOLD = """
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("peak", int(peak.split()[1]) / 1024)
"""


def write_recording(path, hours, sfreq=128.0, n_channels=2):
    """Noise with an event a second or two, written in one go."""
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((n_channels, int(hours * 3600 * sfreq)), dtype=np.float32)
    raw = mne.io.RawArray(data, mne.create_info(n_channels, sfreq, "eeg"), verbose="ERROR")
    onsets = np.arange(1.0, 3600 * hours - 2, 2.0)
    raw.set_annotations(mne.Annotations(onsets, 0.0, np.resize(["T1", "T2"], len(onsets))))
    raw.save(path, verbose="ERROR")


def day(*hours):
    """Peak memory of a process that labels recordings of several lengths."""
    from mne_cnnclass.estimators.saving import save_classifier

    settings = dict(
        events=dict(left="T1", right="T2"), tmin=0.0, tmax=0.99, l_freq=4.0, h_freq=30.0, picks=None
    )
    with tempfile.TemporaryDirectory() as folder:
        short, model = Path(folder, "short_raw.fif"), Path(folder, "model.mcnn")
        write_recording(short, 0.05)
        clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0, n_threads=1)
        clf.fit(EpochsView(make_epochs(short, **settings)))
        save_classifier(clf, model, epochs_settings=settings)
        for length in hours or (1, 6, 24):
            path = Path(folder, f"{length}h_raw.fif")
            write_recording(path, length)
            for name, code in PREDICT.items():
                head = f"import sys\npath, model = {str(path)!r}, {str(model)!r}\n"
                print(f"{length} h, {name}: {peak_of(head + code)}", flush=True)


def peak_of(code):
    """Peak memory and time of a process that runs this."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code + TOLD], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return f"peak {float(done.stdout.split()[-1]):.0f} MB, {time.perf_counter() - start:.0f} s"


def hearts(*hours):
    """Peak memory of a process that classifies all beats of long records, made of one of half an hour."""
    import wfdb

    from mne_cnnclass.cli import main

    database = Path(os.environ["MNE_CNNCLASS_DATA"], "mitdb")
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "beats.mcnn")
        records = [database / name for name in ("106", "119", "223")]
        with contextlib.suppress(SystemExit):
            main(["ecg", "train", *map(str, records), "-o", str(model), "--leads", "MLII,V1"])
        record = wfdb.rdrecord(str(database / "118"), physical=False)
        for length in hours or (1, 6, 24):
            wfdb.wrsamp(
                f"{length}h",
                fs=record.fs,
                units=record.units,
                sig_name=record.sig_name,
                d_signal=np.tile(record.d_signal, (2 * length, 1)),
                fmt=record.fmt,
                adc_gain=record.adc_gain,
                baseline=record.baseline,
                write_dir=folder,
            )
            args = ["ecg", "predict", str(model), f"{folder}/{length}h", "-o", f"{folder}/{length}h.csv"]
            code = (
                f"from mne_cnnclass.cli import main\ntry:\n    main({args!r})\n"
                "except SystemExit as end:\n    assert not end.code\n"
            )
            print(f"{length} h, mne-cnnclass ecg predict: {peak_of(code)}", flush=True)


LARGE = {
    "500 classes": (1000, 500, 4, 200),
    "512 channels": (32, 2, 512, 400),
    "windows of 10 minutes at 100 Hz": (16, 2, 4, 60_000),
}


def large():
    """Fits of large problems with each architecture that is told of, an epoch each, in a process each."""
    names = [
        "MultiScaleCNN",
        "EEGNet",
        "ShallowFBCSPNet",
        "Deep4Net",
        "EEGInceptionERP",
        "EEGConformer",
        "BDTCN",
    ]
    for what, shape in LARGE.items():
        for name in names:
            code = (
                "import resource, time\nimport numpy as np\nfrom mne_cnnclass import CNNClassifier\n"
                "resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))\n"
                f"n, n_classes, n_channels, n_times = {shape}\n"
                "X = np.random.default_rng(0).standard_normal((n, n_channels, n_times)).astype(np.float32)\n"
                f"clf = CNNClassifier({name!r}, max_epochs=1, random_state=0, n_threads=1)\n"
                f"if {name!r} == 'EEGInceptionERP':\n    clf.set_params(model__sfreq=100.0)\n"
                "start = time.perf_counter()\n"
                "try:\n    clf.fit(X, np.arange(n) % n_classes).predict(X[:8])\n"
                "    print('trains', round(time.perf_counter() - start, 1), 's,', end=' ')\n"
                "except Exception as error:\n"
                "    print(type(error).__name__, str(error)[:200], end=' ')\n"
            )
            done = subprocess.run([sys.executable, "-c", code + TOLD], capture_output=True, text=True)
            print(
                f"{what}, {name}: {done.stdout.strip() or done.stderr[-300:] or done.returncode}", flush=True
            )


if __name__ == "__main__":
    commands = {"repeat": repeat, "day": day, "hearts": hearts, "large": large}
    name, *numbers = sys.argv[1:] or ["repeat"]
    commands[name](*map(int, numbers))
