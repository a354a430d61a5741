"""Rhythms: short recordings of CinC 2017, 12 leads of PTB-XL.

    python tests/benchmarks/rhythm.py cinc2017 ROW …     # 1500 records, 5 folds by record, five seeds
    python tests/benchmarks/rhythm.py cinc2017 recipe causal    # nothing that follows a window
    python tests/benchmarks/rhythm.py ptbxl              # folds 1-8 to train, 9 and 10 to test

Each prints rows of a table in Markdown, which `docs/guide/ecg.md` shows. ``MNE_CNNCLASS_DATA`` must be
set. ``cinc2017`` takes names of rows, or all; ``save=FILE`` keeps the first seed's answers to the 900.
"""

import os
import sys
import time
import warnings
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_cnnclass import CNNClassifier, EpochsView, ecg, recipe
from mne_cnnclass.ecg.measures import RR_COLUMNS

DATA = Path(os.environ["MNE_CNNCLASS_DATA"])


PRIOR = {"N": 5076, "A": 758, "O": 2415, "~": 279}  # of the 8528 records of the challenge
LOCKED = StratifiedKFold(3, shuffle=True, random_state=2017)  # its first part took no part in any choice


def network(random_state, **params):
    """A network on the signal, with kernels of a QRS complex to two seconds."""
    return CNNClassifier(
        "MultiScaleCNN",
        model_params=dict(
            kernel_widths=((0.1, 0.3), (0.3, 1.0), (1.0, 2.0)),
            n_filters=(12, 12, 12),
            pool_size=(0.1, 0.2, 0.4),
            pool_stride=(0.1, 0.2, 0.4),
            n_cosines=0,
        ),
        max_epochs=20,
        batch_size=64,
        random_state=random_state,
        **params,
    )


def boosting(random_state):
    """Gradient boosting on the measures, as the recipe has it but without the forest."""
    measures = FunctionTransformer(lambda view: view.metadata[ecg.RHYTHM_COLUMNS].to_numpy(float))
    how = dict(learning_rate=0.05, n_estimators=200, max_features=0.15, subsample=0.6, min_samples_leaf=5)
    return make_pipeline(measures, GradientBoostingClassifier(**how, random_state=random_state))


ROWS = {
    "recipe": lambda seed, causal=False: recipe("rhythm", causal=causal, random_state=seed),
    "recipe, RR alone": lambda seed: ecg.RhythmClassifier(RR_COLUMNS, random_state=seed),
    "boosting": boosting,
    "cnn": lambda seed: network(seed, augmentation=ecg.vary_gain),
}


def cinc2017(*names, n_seeds=5):
    causal = "causal" in names
    files = [file for part in ("cinc2017", "cinc2017_more") for file in sorted((DATA / part).glob("*.mat"))]
    in_life = np.array([file.parent.name == "cinc2017_more" for file in files])
    start = time.process_time()
    epochs = ecg.make_rhythm_epochs(map(ecg.read_raw_cinc2017, files), causal=causal)
    save = [name.removeprefix("save=") for name in names if name.startswith("save=")]
    names = [name for name in names if name != "causal" and not name.startswith("save=")]
    view = EpochsView(epochs, groups="record")
    seconds = time.process_time() - start
    print(f"{len(view)} windows of {len(files)} records, {seconds / len(files):.3f} s a record", flush=True)
    records = np.array([file.stem for file in files])
    _, first = np.unique(view.groups, return_index=True)
    rhythm = dict(zip(view.groups[first], view.labels[first], strict=True))
    rhythm = np.array([rhythm[record] for record in records])
    strata = np.char.add(rhythm, in_life.astype(str))
    _, locked = next(LOCKED.split(records, strata))
    locked = np.isin(np.arange(len(files)), locked) & in_life
    print(
        "| row | seed | records | mean F1 of N, A, O | N | A | O | ~ | F1 uncorrected |\n" + "|---" * 9 + "|"
    )
    rows = ROWS | {"recipe": lambda seed: ROWS["recipe"](seed, causal)}
    for name in names or rows:
        scores = []
        for seed in range(100, 100 + n_seeds):
            folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(records, strata)
            proba = _predicted(rows[name], seed, view, records, folds)
            scores.append([_row(name, seed, proba, rhythm, at) for at in (in_life, locked)])
            if save and seed == 100:
                table = pd.DataFrame(proba[1, in_life], columns=np.unique(view.labels))
                pd.to_pickle((rhythm[in_life], table), save[0])
        for k, what in enumerate(("the 900", "their locked third")):
            _print(name, f"mean of {n_seeds}", what, np.mean([s[k] for s in scores], axis=0))
        half = [(np.flatnonzero(~in_life), np.flatnonzero(in_life))]
        proba = _predicted(rows[name], 0, view, records, half)
        _row(name, 0, proba, rhythm, in_life, "the 900, trained on the 600")


def _predicted(make, seed, view, records, folds):
    """Probabilities of records, as trained and corrected for how frequent classes are."""
    classes = np.unique(view.labels)
    prior = np.array([PRIOR[label] for label in classes.tolist()]) / sum(PRIOR.values())
    found = np.full((2, len(records), len(classes)), np.nan)
    for train, test in folds:
        rows = [np.flatnonzero(np.isin(view.groups, records[part])) for part in (train, test)]
        clf = make(seed).fit(view[rows[0]])
        proba = ecg.combine_windows(clf.predict_proba(view[rows[1]]), view.groups[rows[1]])
        proba = proba.loc[records[test]].to_numpy()
        label = view.labels[rows[0]][np.unique(view.groups[rows[0]], return_index=True)[1]]
        corrected = proba * prior / [(label == one).mean() for one in classes]
        found[:, test] = proba, corrected / corrected.sum(axis=1, keepdims=True)
    return found


def _row(name, seed, proba, rhythm, at, what=None):
    """Print scores of some records; the mean has a 95 % interval by bootstrap over the records."""
    classes, labels = np.unique(rhythm), ["N", "A", "O", "~"]
    before, after = (classes[one[at].argmax(axis=1)] for one in proba)
    each = f1_score(rhythm[at], after, labels=labels, average=None)
    plain = f1_score(rhythm[at], before, labels=labels[:3], average="macro")
    rng, true = np.random.default_rng(0), rhythm[at]
    drawn = rng.integers(len(true), size=(1000, len(true)))
    spread = [f1_score(true[d], after[d], labels=labels[:3], average="macro") for d in drawn]
    low, high = np.quantile(spread, [0.025, 0.975])
    row = [each[:3].mean(), *each, plain, low, high]
    if what or at.sum() == 900:
        _print(name, seed, what or "the 900", row)
    return row


def _print(name, seed, what, row):
    mean, n, a, o, noise, plain, low, high = row
    cells = " | ".join(f"{v:.3f}" for v in (n, a, o, noise, plain))
    print(f"| {name} | {seed} | {what} | {mean:.3f} ({low:.2f}–{high:.2f}) | {cells} |", flush=True)


def ptbxl():
    table = ecg.read_ptbxl(DATA / "ptbxl")
    raws = [
        ecg.read_raw_wfdb(row.record, annotator=None, patient=row.patient, age=row.age, sex=row.sex)
        for row in table.itertuples()
    ]
    epochs = ecg.make_rhythm_epochs(raws, label="ECG", normalize=False)
    fold = table["strat_fold"].to_numpy()
    view = EpochsView(epochs, groups="patient")
    print(
        "| superclass | n train | n fold 9 | ROC-AUC fold 9 | n fold 10 | ROC-AUC fold 10 |\n"
        + "|---" * 6
        + "|"
    )
    scores = []
    for name in ("NORM", "MI", "STTC", "CD", "HYP"):
        y, train = table[name].to_numpy(), fold <= 8
        clf = network(0).set_params(model__n_components=6)
        clf.fit(view[train], y[train])
        cells, auc = [], []
        for number in (9, 10):
            test = fold == number
            auc.append(roc_auc_score(y[test], clf.predict_proba(view[test])[:, 1]))
            cells += [f"{y[test].sum()} of {test.sum()}", f"{auc[-1]:.3f}"]
        scores.append(auc)
        print(f"| {name} | {y[train].sum()} of {train.sum()} | " + " | ".join(cells) + " |", flush=True)
    mean = np.mean(scores, axis=0)
    print(f"| mean | | | {mean[0]:.3f} | | {mean[1]:.3f} |")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    {"cinc2017": cinc2017, "ptbxl": ptbxl}[sys.argv[1]](*sys.argv[2:])
