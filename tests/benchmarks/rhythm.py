"""Rhythms: R peaks against annotations, short recordings of CinC 2017, 12 leads of PTB-XL.

    python tests/benchmarks/rhythm.py peaks              # MIT-BIH, 22 records: three detectors
    python tests/benchmarks/rhythm.py cinc2017 ROW …     # 600 records, 5 folds by record, two seeds
    python tests/benchmarks/rhythm.py ptbxl              # folds 1-8 to train, 9 and 10 to test

Each prints rows of a table in Markdown, which `docs/guide/ecg.md` shows. ``MNE_CNNCLASS_DATA`` must be
set. ``cinc2017`` takes names of rows, or all.
"""

import os
import sys
import time
import warnings
from pathlib import Path

import mne
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_cnnclass import EpochsView, ecg, evaluate, recipe
from mne_cnnclass.ecg.measures import RR_COLUMNS

DATA = Path(os.environ["MNE_CNNCLASS_DATA"])


def network(random_state, **params):
    """The recipe, or a variant of it."""
    pipeline = recipe("rhythm", random_state=random_state, n_threads=1)
    pipeline[-1].set_params(**params)
    return pipeline


def boosting_pipeline(columns, random_state=None):
    """Gradient boosting on the measures alone."""
    measures = FunctionTransformer(lambda view: view.metadata[columns].to_numpy(float))
    boosting = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=10, random_state=random_state
    )
    return make_pipeline(measures, boosting)


ROWS = {
    "boosting-rr": lambda seed: boosting_pipeline(RR_COLUMNS, seed),
    "boosting": lambda seed: boosting_pipeline(ecg.RHYTHM_COLUMNS, seed),
    "cnn": lambda seed: network(seed, side_inputs=None),
    "recipe": network,
}


def cinc2017(*names, n_seeds=2):
    raws = [ecg.read_raw_cinc2017(file) for file in sorted((DATA / "cinc2017").glob("*.mat"))]
    start = time.perf_counter()
    view = EpochsView(ecg.make_rhythm_epochs(raws), groups="record")
    print(f"{len(view)} windows of {len(raws)} records in {time.perf_counter() - start:.0f} s", flush=True)
    records, first = np.unique(view.groups, return_index=True)
    rhythm = view.labels[first]
    print(
        "| row | seed | mean F1 of N, A, O | N | A | O | ~ | windows alone | s a fold |\n" + "|---" * 9 + "|"
    )
    for name in names or ROWS:
        for seed in range(n_seeds):
            folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(records, rhythm)
            cv = [
                tuple(np.flatnonzero(np.isin(view.groups, records[part])) for part in fold) for fold in folds
            ]
            result = evaluate(ROWS[name](seed), view, cv=cv)
            f1 = [_f1(r) for r in (ecg.combine_windows(result, view.groups), result)]
            cells = [f1[0][:3].mean(), *f1[0], f1[1][:3].mean()]
            seconds = result.folds["fit_time"].mean()
            print(
                f"| {name} | {seed} | " + " | ".join(f"{v:.3f}" for v in cells) + f" | {seconds:.0f} |",
                flush=True,
            )


def _f1(result):
    table = result.predictions
    return f1_score(table["y_true"], table["y_pred"], labels=["N", "A", "O", "~"], average=None)


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
        clf = network(0, side_inputs=None, augmentation=None, model__n_components=6)
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


def peaks():
    from wfdb.processing import compare_annotations, xqrs_detect

    def mne_peaks(raw, lead):
        return np.sort(mne.preprocessing.find_ecg_events(raw, ch_name=lead, verbose="ERROR")[0][:, 0])

    def xqrs(raw, lead):
        return xqrs_detect(1e3 * raw.get_data([lead])[0], raw.info["sfreq"], verbose=False)

    detectors = {
        "find_r_peaks": ecg.find_r_peaks,
        "wfdb xqrs": xqrs,
        "mne find_ecg_events": mne_peaks,
    }
    counts = {name: [] for name in detectors}
    beats = [symbol for symbols in ecg.AAMI_CLASSES.values() for symbol in symbols]
    for file in sorted((DATA / "mitdb").glob("*.hea")):
        raw = ecg.read_raw_wfdb(file)
        sfreq, notes = raw.info["sfreq"], raw.annotations
        is_beat = np.isin(notes.description, beats) & (notes.duration == 0)
        truth = np.round(notes.onset[is_beat] * sfreq).astype(int)
        for name, detector in detectors.items():
            start = time.process_time()
            found = detector(raw, raw.ch_names[0])
            seconds = time.process_time() - start
            match = compare_annotations(truth, found, round(0.15 * sfreq))
            counts[name].append((match.tp, match.fn, match.fp, seconds))
    print(
        "| detector | sensitivity | positive predictivity | worst record | s of CPU a record |\n"
        + "|---" * 5
        + "|"
    )
    for name, rows in counts.items():
        hit, missed, false, seconds = np.array(rows).T
        worst = f"{(hit / (hit + missed)).min():.3f} / {(hit / (hit + false)).min():.3f}"
        total = hit.sum()
        sensitivity, predictivity = total / (total + missed.sum()), total / (total + false.sum())
        print(f"| {name} | {sensitivity:.4f} | {predictivity:.4f} | {worst} | {seconds.mean():.1f} |")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    {"peaks": peaks, "cinc2017": cinc2017, "ptbxl": ptbxl}[sys.argv[1]](*sys.argv[2:])
