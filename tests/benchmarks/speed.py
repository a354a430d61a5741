"""Time and memory of CNNClassifier side by side with braindecode.

    python tests/benchmarks/speed.py [PART ...] [--quick] [--out DIR]

The parts, all unless some are named, are `speed`, `cross_validation`, `memory` and `architectures`. Each
prints a table in Markdown, draws a figure into DIR (`docs/speed`), and replaces what `speed.json` there
knows of it. ``--quick`` only shows that everything runs; its numbers mean nothing.

Ratios are ours ÷ braindecode's, so less is better: medians over pairs of runs that are done in turn, A B A B.
Before and after each run a fixed matrix product tells what the machine can do at the moment; a pair in which
that fell below 0.8 of its median so far is repeated, twice at most. braindecode gets its best case: float32
samples of unit variance and int64 labels, which are there before the clock starts; ours gets the Epochs as a
user has them.
"""

import argparse
import ctypes
import datetime
import gc
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from sklearn.model_selection import cross_validate
from torch.nn.functional import cross_entropy

from mne_cnnclass import CNNClassifier, EpochsView, list_models
from mne_cnnclass.networks.build import build_module
from mne_cnnclass.viz.style import COLORS

# epochs × channels × times, sampling frequency in Hz, batch size, training epochs
DATA = [
    ((288, 22, 1000), 250.0, 64, 3),
    ((3500, 64, 480), 160.0, 64, 3),
    ((45, 64, 480), 160.0, 16, 10),
    ((20000, 2, 256), 256.0, 256, 2),
]
MARKS = {  # the most that a ratio may be, by model and what is timed, in the order of DATA
    ("EEGNet", "fit"): (0.12, 0.05, 0.20, 0.40),
    ("EEGNet", "predict_proba"): (0.25, 0.20, 0.30, 0.50),
    ("ShallowFBCSPNet", "fit"): (0.35, 0.35, 0.40, 0.60),
    ("ShallowFBCSPNet", "predict_proba"): (0.45, 0.45, 0.50, 0.60),
    ("Deep4Net", "fit"): (0.60, 0.60, 0.70),
    ("Deep4Net", "predict_proba"): (None, None, None),
}
ONE_EPOCH_MARK = 0.30
OPTIMIZER = dict(lr=0.003, weight_decay=0.01)
MAX_REPEATS = 2


# -- the machine -----------------------------------------------------------------------------------


class Machine:
    """What the machine can do at the moment, against what it could during this run."""

    def __init__(self, tolerance):
        self.seen, self.tolerance = [], tolerance

    def gflops(self):
        """Speed of a 1024 × 1024 float32 matrix product, median of 9."""
        x = torch.ones(1024, 1024)
        speed = 2 * 1024**3 / seconds(lambda: x @ x, calls=9) / 1e9
        self.seen.append(speed)
        return speed

    def is_fast(self):
        return self.gflops() >= self.tolerance * np.median(self.seen)

    def wait(self):
        """Wait until it is as fast as it was, for some seconds at most."""
        for _ in range(4):
            if self.is_fast():
                return
            time.sleep(2)

    def describe(self):
        packages = ("torch", "braindecode", "mne", "scikit-learn", "skorch", "numpy", "mne-cnnclass")
        return {
            "cpu": re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1],
            "cores": os.cpu_count(),
            "ram_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "gflops": round(float(max(self.gflops() for _ in range(3))), 1),
            "date": datetime.datetime.now().isoformat(timespec="minutes"),
            "versions": {"python": platform.python_version()} | {p: version(p) for p in packages},
        }


def seconds(action, calls=1):
    """Wall time of an action, median of some calls."""
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def take_turns(actions, n):
    """What actions return, n rounds of them in turn, and how many rounds had to be repeated."""
    rounds, n_repeated = [], 0
    while len(rounds) < n:
        results, steady = [], True
        for action in actions:
            machine.wait()
            results.append(action())
            steady &= machine.is_fast()
        if steady or n_repeated == MAX_REPEATS:
            rounds.append(results)
        else:
            n_repeated += 1
    return rounds, n_repeated


def compare(ours, theirs, n, calls=1):
    """The times of two actions as a part of a row."""
    rounds, n_repeated = take_turns([partial(seconds, action, calls) for action in (ours, theirs)], n)
    times = np.array(rounds)
    ratios = times[:, 0] / times[:, 1]
    return {
        "ratio": np.median(ratios),
        "least": ratios.min(),
        "most": ratios.max(),
        "ours in s": np.median(times[:, 0]),
        "theirs in s": np.median(times[:, 1]),
        "pairs": n,
        "repeated": n_repeated,
    }


def attempt(measure, **row):
    """A row with what was measured, or with the error: one that fails is not to lose the others."""
    try:
        row |= measure()
    except Exception as error:
        row["error"] = f"{type(error).__name__}: {str(error).strip()[:300]}"
    print(*(f"{name}: {value}" for name, value in row.items()), sep=", ", file=sys.stderr, flush=True)
    return row


def child(task, **arguments):
    """What a task returns that is done in a new process."""
    command = [sys.executable, "-W", "ignore", __file__, "--child", task, json.dumps(arguments)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr.strip().splitlines()[-1])
    return json.loads(run.stdout.splitlines()[-1])


# -- data and estimators ---------------------------------------------------------------------------


def make_epochs(shape, sfreq=250.0):
    """Noise of 10 µV in two classes."""
    data = np.random.default_rng(0).standard_normal(shape)
    data *= 1e-5
    events = np.column_stack([np.arange(shape[0]), np.zeros(shape[0], int), np.arange(shape[0]) % 2 + 1])
    return mne.EpochsArray(data, mne.create_info(shape[1], sfreq, "eeg"), events, event_id=dict(a=1, b=2))


def labels(epochs):
    return epochs.events[:, 2].astype(np.int64) - 1


def our_classifier(model, **params):
    return CNNClassifier(model, lr_schedule=None, accelerate=True, random_state=0, **OPTIMIZER, **params)


def their_classifier(model, **params):
    """braindecode's estimator, which does the same work: no validation, no batch left out."""
    from braindecode import EEGClassifier

    return EEGClassifier(
        model,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=OPTIMIZER["weight_decay"],
        lr=OPTIMIZER["lr"],
        train_split=None,
        iterator_train__drop_last=False,
        classes=[0, 1],
        verbose=0,
        **params,
    )


# -- speed -----------------------------------------------------------------------------------------


def speed(quick):
    """Fit, prediction of all, and prediction of one."""
    for number, (shape, sfreq, batch_size, max_epochs) in enumerate(DATA):
        if quick:
            shape, max_epochs = (min(shape[0], 2 * batch_size), *shape[1:]), 1
        epochs = make_epochs(shape, sfreq)
        for model in dict.fromkeys(model for model, _ in MARKS):
            marks = {what: MARKS[model, what][number:] for what in ("fit", "predict_proba")}
            if marks["fit"]:
                yield from speed_of(model, epochs, batch_size, max_epochs, marks, n=1 if quick else 3)


def speed_of(model, epochs, batch_size, max_epochs, marks, n):
    """The rows of one model and data set."""
    view, scale = EpochsView(epochs), 1e5
    X, y = (epochs.get_data(copy=False) * scale).astype(np.float32), labels(epochs)
    ours = our_classifier(model, batch_size=batch_size, max_epochs=max_epochs)
    theirs = their_classifier(model, batch_size=batch_size, max_epochs=max_epochs)
    shape = "×".join(map(str, X.shape))
    row = dict(model=model, data=shape, batch=batch_size, epochs=max_epochs)

    def fit():
        first = slice(0, 2 * batch_size)
        ours.fit(view[first]), theirs.fit(X[first], y[first])  # to warm up
        return compare(lambda: ours.fit(view), lambda: theirs.fit(X, y), n)

    def predict():
        ours.predict_proba(view[:batch_size]), theirs.predict_proba(X[:batch_size])
        return compare(lambda: ours.predict_proba(view), lambda: theirs.predict_proba(X), n)

    def predict_one():
        def their_one():
            return theirs.predict_proba((epochs[3].get_data(copy=False) * scale).astype(np.float32))

        ours.predict_proba(view[3]), their_one()
        return compare(lambda: ours.predict_proba(view[3]), their_one, n, calls=50)

    yield attempt(fit, timed="fit", mark=marks["fit"][0], **row)
    yield attempt(predict, timed="predict_proba", mark=marks["predict_proba"][0], **row)
    yield attempt(predict_one, timed="one epoch", mark=ONE_EPOCH_MARK, **row)


# -- cross-validation ------------------------------------------------------------------------------


def cross_validation(quick):
    """Two processes against one."""
    data = dict(shape=(48, 8, 250) if quick else (576, 22, 1000), cv=2 if quick else 8)
    for model in ("EEGNet", "MultiScaleCNN"):
        yield from cross_validation_of(model, data, target=1 if quick else 40, n=1)


def cross_validation_of(model, data, target, n):
    """The rows of one model: memory of a short run, time of one that takes a single process `target` s."""
    once = partial(child, "folds", model=model, **data)
    memory = {}

    def measure_memory():
        memory.update({n_jobs: once(n_jobs=n_jobs, max_epochs=2, sample=True) for n_jobs in (1, 2)})
        one, two = memory[1], memory[2]
        return {
            "measured": two["peak"] / one["peak"],
            "one": f"{one['peak']:.0f} MB",
            "two": f"{two['peak']:.0f} MB",
            "note": f"above imports and data {one['added']:.0f} and {two['added']:.0f} MB",
        }

    def measure_time():
        max_epochs = max(2, round(2 * target / memory[1]["seconds"]))
        run = partial(once, max_epochs=max_epochs)
        runs = [partial(run, n_jobs=1), partial(run, n_jobs=2), partial(run, n_jobs=2, warm=False)]
        rounds, n_repeated = take_turns(runs, n)
        one, two, cold = np.array([[result["seconds"] for result in results] for results in rounds]).T
        same = all(results[0]["scores"] == result["scores"] for results in rounds for result in results)
        return {
            "measured": np.median(two / one),
            "one": f"{np.median(one):.1f} s",
            "two": f"{np.median(two):.1f} s",
            "note": f"{max_epochs} training epochs; with the start of the processes {np.median(cold):.1f} s "
            f"({np.median(cold / one):.2f}); scores have {'the same' if same else 'OTHER'} bits",
            "pairs": n,
            "repeated": n_repeated,
        }

    row = dict(model=model, data="×".join(map(str, data["shape"])), folds=data["cv"])
    yield attempt(measure_memory, what="memory", mark=1.3, **row)
    yield attempt(measure_time, what="time", mark=0.6, **row)


def folds(model, shape, cv, n_jobs, max_epochs, warm=True, sample=False):
    """Cross-validate, in a process of its own; memory in MB, summed over all processes, if sampled."""
    view = EpochsView(make_epochs(shape))
    clf = our_classifier(model, max_epochs=max_epochs, n_threads=1)
    options = dict(scoring=["accuracy", "neg_log_loss"], error_score="raise")
    if warm:  # the other processes start and import
        tiny = our_classifier(model, max_epochs=1, n_threads=1)
        cross_validate(tiny, view[:32], view.labels[:32], cv=2, n_jobs=n_jobs, **options)
    before, done = shared_memory(), threading.Event()
    peak = [before]

    def watch():
        while not done.wait(0.05):
            peak.append(shared_memory())

    watcher = threading.Thread(target=watch if sample else int)
    watcher.start()
    start = time.perf_counter()
    scores = cross_validate(clf, view, view.labels, cv=cv, n_jobs=n_jobs, **options)
    result = {"seconds": time.perf_counter() - start}
    done.set()
    watcher.join()
    result["scores"] = [[float(s).hex() for s in scores[f"test_{name}"]] for name in options["scoring"]]
    return result | {"peak": max(peak), "added": max(peak) - before}


def shared_memory(pid="self"):
    """Memory in MB of a process and all that it started, shared pages counted once (PSS)."""
    root, total = Path("/proc", str(pid)), 0.0
    try:
        total = int(re.search(r"^Pss:\s+(\d+)", (root / "smaps_rollup").read_text(), re.M)[1]) / 1024
        started = " ".join(file.read_text() for file in root.glob("task/*/children")).split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
        return total
    return total + sum(map(shared_memory, started))


# -- memory ----------------------------------------------------------------------------------------


def memory(quick):
    """Memory of a fit as a share of the data, and training from disk."""
    shape, max_epochs, n = ((300, 16, 480), 2, 1) if quick else ((3500, 64, 480), 10, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "noise-epo.fif"))
        make_epochs(shape, 160.0).save(path, fmt="single", split_size="2GB")
        fit = partial(child, "one_fit", model="EEGNet", shape=shape, path=path, batch_size=64)
        ours = partial(fit, who="ours", max_epochs=max_epochs)
        found = {}

        def share(runs):
            return {"measured": np.median([r["share"] for r in runs]), "note": f"{runs[0]['peak']:.0f} MB"}

        def measure_ours():
            rounds, repeated = take_turns([ours, partial(ours, preload=False)], n)
            loaded, lazy = zip(*rounds, strict=True)
            found.update(loaded=loaded, lazy=lazy, repeated=repeated)
            return share(loaded)

        def measure_speed():
            loaded, lazy = (np.array([r["seconds"] for r in found[key]]) for key in ("loaded", "lazy"))
            note = f"{np.median(lazy):.1f} against {np.median(loaded):.1f} s, {max_epochs} training epochs"
            return dict(measured=np.median(loaded / lazy), note=note, pairs=n, repeated=found["repeated"])

        def measure_limited():
            run = ours(preload=False, limit=0.25)
            return {"note": f"completes in {run['seconds']:.1f} s with {run['peak']:.0f} MB"}

        def measure_too_large():
            try:
                ours(limit=0.25)
            except RuntimeError as error:
                if "MemoryError" in str(error):
                    return {"note": f"raises {str(error).split('.', 3)[-1]}"}
                raise
            raise AssertionError("Data that are larger than the limit were loaded.")

        row, added = dict(data="×".join(map(str, shape))), "memory of fit ÷ data"
        yield attempt(measure_ours, what=f"{added}, ours, preloaded", mark=0.55, **row)
        yield attempt(lambda: share(found["lazy"]), what=f"{added}, ours, from disk", mark=0.10, **row)
        for who in ("braindecode, Epochs", "braindecode, float32 of Epochs"):
            theirs = partial(fit, who=who, max_epochs=1)
            yield attempt(lambda theirs=theirs: share([theirs()]), what=f"{added}, {who}", **row)
        yield attempt(measure_speed, what="speed, from disk ÷ preloaded", mark=0.9, at_least=True, **row)
        yield attempt(measure_limited, what="memory for a quarter of the data, from disk", **row)
        yield attempt(measure_too_large, what="memory for a quarter of the data, preloaded", **row)


def one_fit(who, model, shape, batch_size, max_epochs, path=None, preload=True, limit=None):
    """Fit in a process of its own; what it needs above imports, loaded data and a first tiny fit, in MB."""
    build = our_classifier if who == "ours" else their_classifier

    def fit(epochs, max_epochs):
        clf = build(model, batch_size=batch_size, max_epochs=max_epochs)
        if who == "ours":
            return clf.fit(epochs).history_["duration"]
        if who == "braindecode, Epochs":
            return clf.fit(epochs, labels(epochs)).history[:, "dur"]
        X = epochs.get_data(copy=False).astype(np.float32)
        X *= 1e5
        return clf.fit(X, labels(epochs)).history[:, "dur"]

    torch.set_num_threads(1)
    fit(make_epochs((2 * batch_size, *shape[1:])), max_epochs=1)
    give_back()
    n_bytes = 8 * np.prod(shape)
    if limit is not None:
        allowed = status("VmData") * 2**20 + limit * n_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (int(allowed),) * 2)
    epochs = make_epochs(shape) if path is None else mne.read_epochs(path, preload=preload)
    give_back()
    # anonymous memory only: pages of libraries come and go as the system likes
    before, peaks, done = status("RssAnon"), [], threading.Event()

    def watch():
        while not done.wait(0.01):
            peaks.append(status("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    durations = fit(epochs, max_epochs)
    result = {"seconds": time.perf_counter() - start, "epoch": float(np.median(durations))}
    done.set()
    watcher.join()
    peak = max(peaks) - before
    return result | {"peak": peak, "share": peak * 2**20 / n_bytes}


def give_back():
    """Give freed memory back to the system, so that what comes next is not hidden in it."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)


def status(name):
    """A number of this process in MB."""
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


# -- all architectures -----------------------------------------------------------------------------


def architectures(quick):
    """A step and a prediction of each architecture, accelerated and not."""
    models = list_models().query("usable and n_parameters < 5e6").index
    for model in models[:4] if quick else models:
        yield attempt(partial(architecture, model, n=1 if quick else 3), model=model)


def architecture(model, n):
    names = mne.channels.make_standard_montage("biosemi32").ch_names[:22]
    info = mne.create_info(names, 250.0, "eeg").set_montage("standard_1020")
    signal = dict(n_chans=22, n_outputs=2, n_times=500, sfreq=250.0, chs_info=info["chs"])
    x, y = torch.randn(32, 22, 500), torch.arange(32) % 2
    fast, plain = (build_module(model, **signal, accelerate=accelerate) for accelerate in (True, False))

    def step(module):
        module.zero_grad()
        cross_entropy(module(x), y).backward()

    def predict(module):
        with torch.inference_mode():
            module(x)

    row = {"pairs": n}
    for name, action, training in [("step", step, True), ("prediction", predict, False)]:
        fast.train(training), plain.train(training), action(fast), action(plain)
        times = compare(partial(action, fast), partial(action, plain), n, calls=3)
        row[name] = times["ratio"]
        row |= {f"{name} in s": times["ours in s"], f"plain {name} in s": times["theirs in s"]}
    return row


# -- figures ---------------------------------------------------------------------------------------


def draw_bars(panels, xlabel, title=""):
    """Rows of a table as bars with their marks; of each panel: title, names, values, marks."""
    n_bars = max(len(names) for _, names, _, _ in panels)
    size = (5 + 4 * len(panels), 2 + 0.25 * n_bars)
    fig, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, layout="constrained", squeeze=False)
    for ax, (name, names, values, marks) in zip(axes[0], panels, strict=True):
        at, values, marks = np.arange(len(names)), values.astype(float), marks.astype(float)
        ends = np.fmax(np.fmax(values, marks), 0)
        ax.barh(at, values, color=COLORS[5])
        ax.plot(marks, at, "|", color=COLORS[1], markersize=14, markeredgewidth=3, label="mark")
        for y, end, value in zip(at, ends, values, strict=True):
            ax.text(end, y, "  failed" if np.isnan(value) else f"  {value:.2f}", va="center")
        ax.axvline(1, color="0.6", linewidth=0.8)
        ax.set(title=name, xlabel=xlabel, xlim=(0, 1.2 * max(1, ends.max())), ylim=(len(names) - 0.5, -0.5))
        ax.set_yticks(at, names)
        if marks.notna().any():
            ax.legend(frameon=False)
    fig.suptitle(title)
    return fig


def draw_speed(rows):
    panels = [
        (timed, part.model + " " + part.data, part.ratio, part.mark)
        for timed, part in rows.groupby("timed", sort=False)
    ]
    title = f"Median of {rows.pairs.max()} pairs of runs; less is better"
    return draw_bars(panels, "time, ours ÷ braindecode", title)


def draw_cross_validation(rows):
    panels = [(what, part.model, part.measured, part.mark) for what, part in rows.groupby("what")]
    title = f"{rows.data[0]} samples, {rows.folds[0]} folds; time: median of {rows.pairs.max()} pairs of runs"
    return draw_bars(panels, "two processes ÷ one", title)


def draw_memory(rows):
    rows = rows[rows.what.str.contains("÷")]
    panels = [(f"EEGNet, {rows.data[0]} samples", rows.what, rows.measured, rows.mark)]
    return draw_bars(panels, "ratio", f"Median of {rows.pairs.max()} pairs of runs")


def draw_architectures(rows):
    unmarked = pd.Series(np.nan, rows.index)
    panels = [(what, rows.model, rows[what], unmarked) for what in ("step", "prediction")]
    title = f"32×22×500 samples, median of {rows.pairs.max()} pairs of runs"
    return draw_bars(panels, "time, accelerated ÷ plain", title)


# -- the command -----------------------------------------------------------------------------------

PARTS = {
    "speed": (speed, draw_speed),
    "cross_validation": (cross_validation, draw_cross_validation),
    "memory": (memory, draw_memory),
    "architectures": (architectures, draw_architectures),
}


def table(rows):
    """Rows as a table, with whether marks are reached."""
    rows = pd.DataFrame(rows)
    if "mark" in rows:
        unknown = pd.Series(index=rows.index)  # if all failed so far
        value = pd.to_numeric(rows.get("ratio", rows.get("measured", unknown)), errors="coerce")
        at_least = rows.get("at_least", pd.Series(index=rows.index)).eq(True)
        reached = (value <= rows.mark).where(~at_least, value >= rows.mark)
        rows["reached"] = reached.map({True: "yes", False: "no"}).where(rows.mark.notna(), "")
    if "step" in rows:
        rows = rows.sort_values("step", ignore_index=True)
    return rows.drop(columns="at_least", errors="ignore").convert_dtypes()


def main(parts, quick, out):
    out.mkdir(parents=True, exist_ok=True)
    file = out / "speed.json"
    for part in parts:
        measure, draw = PARTS[part]
        about = machine.describe() | {"quick": quick}
        print(f"\n## {part}\n\n{json.dumps(about)}\n", flush=True)
        known, measured = json.loads(file.read_text()) if file.exists() else {}, []
        for row in measure(quick):
            measured.append(row)
            rows = table(measured)
            # after every row, lest a run cut short loses them; plain types, None for what was not measured
            record = about | {"rows": json.loads(rows.to_json(orient="records"))}
            file.write_text(json.dumps(known | {part: record}, indent=1, ensure_ascii=False) + "\n")
        print(
            rows.astype(object).where(rows.notna(), "").to_markdown(index=False, floatfmt=".3f"), flush=True
        )
        draw(rows).savefig(out / f"{part}.png", dpi=120)


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps({"folds": folds, "one_fit": one_fit}[sys.argv[2]](**json.loads(sys.argv[3]))))
        sys.exit()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "docs" / "speed")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    machine = Machine(tolerance=0.0 if arguments.quick else 0.8)
    main(arguments.parts or PARTS, arguments.quick, arguments.out)
