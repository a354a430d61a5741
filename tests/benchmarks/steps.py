"""Time of a training step of one network and of several, against an older commit and the arithmetic of it.

    git worktree add ../old COMMIT
    python tests/benchmarks/steps.py [PART ...] [--old ../old] [--rounds 5] [--quick] [--out DIR]

The parts, all unless some are named, are `steps`, `members`, `evaluations` and `figure`. Each prints a table
in Markdown and replaces what ``DIR/step.json`` (`docs/speed`) knows of it; the last draws ``DIR/step.png``.
``--quick`` only shows that everything runs.

Every measurement is a process of its own with one thread, in which either checkout comes first in PYTHONPATH;
they take turns, A B A B, and a ratio is the median over rounds. Times are those of the processor. A step is
the difference of fits with two numbers of training epochs over the number of steps in between, so that what
is done once does not count. The floor is what the products of a step would take at the speed of a 1024 × 1024
matrix product: three times those of the forward pass, of EEGNet with its spatial filters first.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SFREQ = 128.0  # Hz, which decides on the kernels of MultiScaleCNN
# samples × channels × times, and the most that new ÷ old may be
ROWS = {(36, 64, 240): 0.5, (253, 28, 50): 0.5, (214, 6, 896): 0.5, (230, 22, 1000): 0.5}
MODELS = {"EEGNet": 0.5, "MultiScaleCNN": 0.4}
TEN = {(36, 64, 240): 2.0, (3510, 64, 240): 5.0}  # the most that ten networks may take of the time of one
EVALUATIONS = {"imagery": 0.2, "folds": 0.5}
# of the figure: batch, channels, times
SIZES = [(8, 4, 64), (8, 16, 128), (8, 64, 240), (32, 22, 250), (32, 64, 480), (64, 64, 1000)]
NUMBERS = (1, 2, 5, 10, 20)
GROWTH = {"trials": (64, 128, 256, 512, 1024), "channels": (4, 8, 16, 32, 64)}


# -- in a process of its own -----------------------------------------------------------------------------


def make_samples(shape):
    """Noise in two classes, no sample with its neighbour."""
    return np.random.default_rng(0).standard_normal(shape, np.float32), np.arange(shape[0]) % 2


def step_seconds(make, X, y, batch_size, n_epochs, clock=time.perf_counter):
    """Seconds of a step: from fits with one and with more training epochs."""

    def fit(max_epochs):
        start = clock()
        make(max_epochs=max_epochs).fit(X, y)
        return clock() - start

    return (fit(1 + n_epochs) - fit(1)) / (n_epochs * -(-len(y) // batch_size))


def classifier(model, batch_size, n_members=1, who="ours", **params):
    """What makes a classifier of ours, or of braindecode, of ``max_epochs``."""
    if who == "braindecode":
        from speed import their_classifier

        return partial(their_classifier, model, batch_size=batch_size, **params)
    from mne_cnnclass import CNNClassifier

    params |= {"model_params": {"sfreq": SFREQ}} if model == "MultiScaleCNN" else {}
    how = dict(batch_size=batch_size, n_members=n_members, random_state=0, n_threads=1)
    return partial(CNNClassifier, model, **how, **params)


def step(model, shape, batch_size=None, n_epochs=8, repeats=3, **how):
    """Median ms of a step."""
    X, y = make_samples(shape)
    batch_size = batch_size or min(max(shape[0] // 8, 8), 64)
    make = classifier(model, batch_size, **how)
    make(max_epochs=1).fit(X[: 2 * batch_size], y[: 2 * batch_size])
    measure = partial(step_seconds, make, X, y, batch_size, n_epochs, time.process_time)
    return 1e3 * float(np.median([measure() for _ in range(repeats)]))


def evaluation(what, quick=False):
    """Seconds of an evaluation: of the imagery recipe within one person, or of EEGNet in ten folds."""
    import mne

    from mne_cnnclass import CNNClassifier, EpochsView, evaluate, recipe

    mne.set_log_level("ERROR")
    shape, sfreq, cv = ((45, 64, 480), 160.0, 5) if what == "imagery" else ((288, 22, 500), 250.0, 10)
    X, y = make_samples(shape)
    montage = mne.channels.make_standard_montage("biosemi64")
    info = mne.create_info(montage.ch_names[: shape[1]], sfreq, "eeg").set_montage(montage)
    events = np.column_stack([1000 * np.arange(len(y)), 0 * y, y + 1])
    names = {"left_hand": 1, "right_hand": 2}
    view = EpochsView(mne.EpochsArray(1e-5 * X, info, events, event_id=names))
    if what == "imagery":
        clf = recipe("motor imagery", random_state=0, n_threads=1)
        clf.set_params(**{"cnnclassifier__max_epochs": 2} if quick else {})
    else:
        clf = CNNClassifier("EEGNet", random_state=0, n_threads=1, **({"max_epochs": 2} if quick else {}))
    start = time.process_time()
    result = evaluate(clf, view, cv=cv)
    seconds = time.process_time() - start
    assert result.folds["error"].isna().all()
    return seconds


def floor(model, shape, batch_size=None):
    """GFLOP of a step, and ms of them at the speed of a matrix product."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from mne_cnnclass.networks.build import build_module

    batch_size, (n_chans, n_times) = batch_size or min(max(shape[0] // 8, 8), 64), shape[1:]
    if model == "EEGNet":  # 16 mixtures of channels, each through its long filter, then the short ones
        flop = 2 * batch_size * 16 * n_times * (n_chans + 64 + (16 + 16) / 4)
    else:
        module = build_module(model, n_chans=n_chans, n_outputs=2, n_times=n_times, sfreq=SFREQ)
        with FlopCounterMode(display=False) as counter:
            module(torch.randn(batch_size, n_chans, n_times))
        flop = counter.get_total_flops()
    x, times = torch.randn(1024, 1024), []
    for _ in range(9):
        start = time.process_time()
        x @ x
        times.append(time.process_time() - start)
    speed = 2 * 1024**3 / np.median(times)
    return {"GFLOP": 3 * flop / 1e9, "ms": 3e3 * flop / speed, "GFLOP/s": speed / 1e9}


# -- and from here ---------------------------------------------------------------------------------------


def child(task, root=ROOT, **arguments):
    """What a task returns that is done with the package of a checkout."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [sys.executable, "-W", "ignore", __file__, "--child", str(root), task, json.dumps(arguments)]
    environment = os.environ | one | {"PYTHONPATH": str(root)}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    if run.returncode:
        raise RuntimeError(f"{task} {arguments}: {run.stderr.strip().splitlines()[-1]}")
    return json.loads(run.stdout.splitlines()[-1])


def take_turns(actions, n):
    """What actions return, in n rounds; shape (n, n_actions)."""
    return np.array([[action() for action in actions] for _ in range(n)])


def shown(shape):
    return " × ".join(map(str, shape))


def steps(how):
    """The time of a step here and in the older commit, and its share of the speed of products."""
    for shape in list(ROWS)[: 1 if how.quick else None]:
        for model, mark in MODELS.items():
            few = dict(n_epochs=1, repeats=1) if how.quick else dict(n_epochs=8)
            run = partial(child, "step", model=model, shape=shape, **few)
            times = take_turns([run, partial(run, root=how.old)] if how.old else [run], how.rounds)
            new, *old = np.median(times, axis=0)
            least = child("floor", model=model, shape=shape)
            row = {"model": model, "samples": shown(shape), "ms": new, "GFLOP": least["GFLOP"]}
            row |= {"share of matrix speed": least["ms"] / new}
            if old:
                row |= {"old ms": old[0], "new ÷ old": np.median(times[:, 0] / times[:, 1]), "mark": mark}
            yield row


def members(how):
    """Ten networks against one."""
    for shape, mark in list(TEN.items())[: 1 if how.quick else None]:
        for model in MODELS:
            few = dict(n_epochs=8 if shape[0] < 100 and not how.quick else 1, repeats=1)
            run = partial(child, "step", model=model, shape=shape, **few)
            times = take_turns([run, partial(run, n_members=10)], how.rounds)
            row = dict(zip(("one, ms", "ten, ms"), np.median(times, axis=0), strict=True))
            row |= {"ten ÷ one": np.median(times[:, 1] / times[:, 0]), "mark": mark}
            yield {"model": model, "samples": shown(shape)} | row


def evaluations(how):
    """Whole evaluations here and in the older commit."""
    for what, mark in EVALUATIONS.items():
        run = partial(child, "evaluation", what=what, quick=how.quick)
        times = take_turns([run, partial(run, root=how.old)] if how.old else [run], how.rounds)
        row = {"evaluation": what, "s": np.median(times[:, 0])}
        if how.old:
            row |= {"old s": np.median(times[:, 1]), "new ÷ old": np.median(times[:, 0] / times[:, 1])}
            row |= {"mark": mark}
        yield row


def figure(how):
    """What the figure shows: ms of a step by size, number of networks, trials and channels."""
    few = dict(repeats=1, n_epochs=1) if how.quick else dict(repeats=3, n_epochs=4)
    measure = partial(child, "step", **few)

    for batch, *size in SIZES[:2] if how.quick else SIZES:
        what = dict(model="EEGNet", shape=(4 * batch, *size), batch_size=batch)
        row = {"of": "size", "x": batch * size[0] * size[1]}
        yield row | {"line": "one network", "ms": measure(**what)}
        yield row | {"line": "ten together, each", "ms": measure(**what, n_members=10) / 10}
        yield row | {"line": "braindecode", "ms": measure(**what, who="braindecode")}
        yield row | {"line": "arithmetic", "ms": child("floor", **what)["ms"]}
    for model in MODELS:
        for number in NUMBERS[:2] if how.quick else NUMBERS:
            what = dict(model=model, shape=(64, 22, 250), batch_size=16, n_members=number)
            yield {"of": "networks", "x": number, "line": model, "ms": measure(**what)}
    for of, values in GROWTH.items():
        for value in values[:2] if how.quick else values:
            shape = (value, 22, 250) if of == "trials" else (128, value, 250)
            for line in (*MODELS, "EEGNet, braindecode"):
                model, who = (*line.split(", "), "ours")[:2]
                ms = measure(model=model, shape=shape, batch_size=32, who=who)
                yield {"of": of, "x": value, "line": line, "ms": ms * (value / 32 if of == "trials" else 1)}


def draw(rows):
    import pandas as pd
    from matplotlib import pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter

    from mne_cnnclass.viz.style import COLORS

    axes_of = {
        "size": ("batch × channels × times (values)", "time of a step, per network (ms)", "EEGNet"),
        "networks": ("networks trained together", "time of a step (ms)", "batches of 16 × 22 × 250"),
        "trials": ("trials", "time of a training epoch (ms)", "batches of 32 × 22 × 250"),
        "channels": ("channels", "time of a step (ms)", "batches of 32 × channels × 250"),
    }
    table = pd.DataFrame(rows)
    fig, axes = plt.subplots(2, 2, figsize=(10, 8), layout="constrained")
    for ax, (of, (xlabel, ylabel, title)) in zip(axes.flat, axes_of.items(), strict=True):
        for number, (line, part) in enumerate(table[table["of"] == of].groupby("line", sort=False)):
            how = dict(marker="o", color=COLORS[number])
            how = dict(linestyle="--", color="k") if line == "arithmetic" else how
            ax.loglog(part["x"], part["ms"], label=line, **how)
        if of != "size":
            ticks = table.loc[table["of"] == of, "x"].unique()
            ax.set_xticks(ticks, ticks)
            ax.set_xticks([], minor=True)
        ax.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
        ax.legend(frameon=False)
    return fig


PARTS = {"steps": steps, "members": members, "evaluations": evaluations, "figure": figure}


def main(how):
    import pandas as pd

    how.out.mkdir(parents=True, exist_ok=True)
    file = how.out / "step.json"
    for part in how.parts or PARTS:
        speed = child("floor", model="EEGNet", shape=(36, 64, 240))["GFLOP/s"]
        about = {"date": datetime.datetime.now().isoformat(timespec="minutes"), "rounds": how.rounds}
        about |= {"GFLOP/s": round(speed, 1), "load": os.getloadavg()[0], "quick": how.quick}
        print(f"\n## {part}\n\n{json.dumps(about)}\n", flush=True)
        rows = []
        for row in PARTS[part](how):
            rows.append({name: float(f"{v:.4g}") if isinstance(v, float) else v for name, v in row.items()})
            print(rows[-1], file=sys.stderr, flush=True)
        known = json.loads(file.read_text()) if file.exists() else {}
        record = about | {"rows": rows}
        file.write_text(json.dumps(known | {part: record}, indent=1, ensure_ascii=False) + "\n")
        if part == "figure":
            draw(rows).savefig(how.out / "step.png", dpi=120)
        else:
            print(pd.DataFrame(rows).to_markdown(index=False), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        import mne_cnnclass

        root, task, arguments = sys.argv[2:]
        assert Path(mne_cnnclass.__file__).is_relative_to(root), mne_cnnclass.__file__
        print(json.dumps({f.__name__: f for f in (step, evaluation, floor)}[task](**json.loads(arguments))))
        sys.exit()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []])
    parser.add_argument("--old", type=lambda path: Path(path).resolve())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "speed")
    main(parser.parse_args())
