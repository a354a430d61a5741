"""The recipe for evoked responses beside what the field uses for them: P300 and N170 with a Muse headband.

    python tests/benchmarks/erp.py run results/ P300-2 within 0     # data, how, seed; minutes each
    python tests/benchmarks/erp.py table results/ > docs/paradigms/erp.txt

Chosen on P300 of subject 1; P300 of subject 2 and N170 judge. Signals from 1 to 30 Hz, epochs from -0.1 to
0.8 s without those above 100 µV, as in eeg-notebooks, whose markers are single samples. ``within`` are five
folds of shuffled trials, ``sessions`` leave one out, ``people`` trains on the other person. Needs
``MNE_CNNCLASS_DATA``.
"""

import os
import sys
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold

from mne_cnnclass import EpochsView, baselines, recipe

CHANNELS = ["TP9", "AF7", "AF8", "TP10"]
CODES = {"P300": dict(nontarget=1, target=2), "N170": dict(house=1, face=2)}
RARE = {"P300": "target", "N170": "face"}
NOTE = """
The second session of subject 2 was recorded a year later: its mean response correlates
with that of the first by -0.49 at the same times, and by 0.49 if moved by 0.21 s. What is learnt from other
sessions or people therefore points the wrong way there, with each method.
"""
NAMES = {"P300-1": "P300, subject 1 (chosen on)", "P300-2": "P300, subject 2", "N170-1": "N170, subject 1"}


def load(name, reject=100e-6):
    """The epochs of a person, with the columns subject, session and run."""
    task, person = name.split("-")
    found = []
    for file in sorted(
        Path(os.environ["MNE_CNNCLASS_DATA"], "muse", task, f"subject{person}").rglob("*.csv")
    ):
        table = pd.read_csv(file)
        info = mne.create_info([*CHANNELS, "STI"], 256.0, ["eeg"] * 4 + ["stim"])
        raw = mne.io.RawArray(np.vstack([1e-6 * table[CHANNELS].T, table.iloc[:, -1]]), info, verbose=False)
        raw.filter(1.0, 30.0, method="iir", verbose=False)
        events = mne.find_events(raw, shortest_event=1, verbose=False)
        how = dict(tmin=-0.1, tmax=0.8, baseline=None, picks="eeg", preload=True, verbose=False)
        epochs = mne.Epochs(raw, events, CODES[task], reject=reject and dict(eeg=reject), **how)
        columns = dict(subject=name, session=file.parent.name, run=file.stem)
        epochs.metadata = pd.DataFrame(columns, index=range(len(epochs)))
        found.append(epochs)
    return mne.concatenate_epochs(found, verbose=False)


def splits(view, how, seed):
    if how == "within":
        yield from StratifiedKFold(5, shuffle=True, random_state=seed).split(view.labels, view.labels)
    elif how == "sessions":
        yield from LeaveOneGroupOut().split(view.labels, groups=view.metadata["session"])
    else:  # each once from the other; the first person is the one that was chosen on
        yield from LeaveOneGroupOut().split(view.labels, groups=view.metadata["subject"])


def run(folder, name, how, seed):
    view = EpochsView(load(name) if how != "people" else [load("P300-1"), load("P300-2")], groups="subject")
    methods = baselines("eeg", task="erp", names=["shrinkage LDA", "xDAWN + TS"], random_state=seed)
    methods |= {"recipe": recipe("erp", random_state=seed)}
    rare, rows = RARE[name[:4]], []
    for fold, (train, test) in enumerate(splits(view, how, seed)):
        for method, pipeline in methods.items():
            start = time.process_time()
            fitted = clone(pipeline).fit(view[train], view.labels[train])
            seconds = time.process_time() - start
            proba = fitted.predict_proba(view[test])[:, fitted.classes_ == rare][:, 0]
            true = view.labels[test] == rare
            balanced = balanced_accuracy_score(true, proba > (view.labels[train] == rare).mean())
            scores = dict(auc=roc_auc_score(true, proba), balanced=balanced, seconds=seconds)
            tested = view.metadata["subject"].iloc[test[0]]
            weights = getattr(fitted[-1], "weights_", np.array([])).round(2).tolist()
            rows.append(
                dict(data=tested, how=how, seed=seed, fold=fold, method=method, **scores, weights=weights)
            )
            print(rows[-1], flush=True)
    pd.DataFrame(rows).to_csv(Path(folder, f"{name}_{how}_{seed}.csv"), index=False)


def table(folder):
    found = pd.concat([pd.read_csv(file) for file in sorted(Path(folder).glob("*.csv"))])
    found = found[~((found.how == "people") & (found.data == "P300-1"))]  # trained on the one who judges
    means = found.groupby(["data", "how", "seed", "method"], sort=False)[
        ["auc", "balanced", "seconds"]
    ].mean()
    print(
        "ROC-AUC (mean over folds, mean over seeds ± deviation over seeds), balanced accuracy, s to train\n"
    )
    print("| data | how | method | ROC-AUC | balanced | s |\n|---|---|---|---|---|---|")
    for (data, how, method), rows in means.groupby(["data", "how", "method"], sort=False):
        auc = f"{rows.auc.mean():.3f} ± {rows.auc.std(ddof=0):.3f}"
        values = f"{auc} | {rows.balanced.mean():.3f} | {rows.seconds.mean():.1f}"
        print(f"| {NAMES[data]} | {how} | {method} | {values} |")
    print(NOTE)
    print("The recipe minus the better baseline of the data (by its mean), in each fold and seed\n")
    print("| data | how | baseline | difference | deviation over folds | folds ahead |")
    print("|---|---|---|---|---|---|")
    for (data, how), rows in found.groupby(["data", "how"], sort=False):
        wide = rows.pivot(index=["seed", "fold"], columns="method", values="auc")
        best = wide.drop(columns="recipe").mean().idxmax()
        gain = wide["recipe"] - wide[best]
        ahead = f"{(gain > 0).sum()} of {len(gain)}"
        print(f"| {NAMES[data]} | {how} | {best} | {gain.mean():+.3f} | {gain.std():.3f} | {ahead} |")


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    if sys.argv[1] == "run":
        run(*sys.argv[2:5], int(sys.argv[5]))
    else:
        table(sys.argv[2])
