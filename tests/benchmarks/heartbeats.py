"""Heartbeats of patients never seen: the recipe on the first half (DS1) of the MIT-BIH Arrhythmia Database.

    MNE_CNNCLASS_DATA=... python tests/benchmarks/heartbeats.py [n_seeds] [key=value ...]

Every patient is tested once, by a pipeline that was trained on other patients (5 folds). Prints a table in
Markdown: pooled over all beats, F and Q among the true ones. Further arguments are parameters of
`BeatClassifier`, such as ``n_fibrillation=0`` or ``smoothing=0``; ``leak=1`` splits beats at random, so that
each patient is on both sides, as a warning of what that split is worth.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.metrics import classification_report, confusion_matrix
from sklearn.model_selection import GroupKFold, StratifiedKFold

from mne_cnnclass import EpochsView, ecg, recipe

CLASSES = ["N", "S", "V"]


def predict(view, train, test, seed, params):
    """Labels of the test beats, and the seconds of training and predicting."""
    pipeline = recipe("heartbeats", random_state=seed, n_threads=1)
    pipeline[-1].set_params(**params)
    begin = time.perf_counter()
    pipeline.fit(view[train])
    trained = time.perf_counter()
    return pipeline.predict(view[test]), trained - begin, time.perf_counter() - trained


def row(y, predicted, **first):
    """Pooled scores as a row of the table."""
    table = classification_report(y, predicted, labels=CLASSES, output_dict=True, zero_division=0)
    cells = {
        name: f"{100 * table[name]['recall']:.1f} / {100 * table[name]['precision']:.1f}" for name in CLASSES
    }
    return {
        **first,
        "macro F1 of N, S, V": f"{np.mean([table[name]['f1-score'] for name in CLASSES]):.3f}",
        **{f"{name}: sensitivity / PPV (%)": text for name, text in cells.items()},
        "accuracy (%)": f"{100 * np.mean(y == predicted):.2f}",
    }


if __name__ == "__main__":
    settings = dict(text.split("=") for text in sys.argv[1:] if "=" in text)
    leak = settings.pop("leak", "0") != "0"
    params = {name: float(v) if "." in v else int(v) for name, v in settings.items()}
    n_seeds = next((int(text) for text in sys.argv[1:] if text.isdigit()), 3)
    folder = Path(os.environ["MNE_CNNCLASS_DATA"]) / "mitdb"
    begin = time.perf_counter()
    view = EpochsView(ecg.make_beat_epochs(sorted(folder.glob("*.hea"))), groups="patient")
    print(f"{view}\nread, filtered and cut in {time.perf_counter() - begin:.0f} s\n")
    y, rows = view.labels, []
    for seed in range(n_seeds):
        cv = StratifiedKFold(5, shuffle=True, random_state=seed) if leak else GroupKFold(5)
        folds = list(cv.split(y, y, view.groups))
        jobs = Parallel(n_jobs=2)(delayed(predict)(view, *fold, seed, params) for fold in folds)
        predicted = np.empty_like(y)
        for (_, test), (labels, *_) in zip(folds, jobs, strict=True):
            predicted[test] = labels
        times = np.median([job[1:] for job in jobs], axis=0)
        rows.append(row(y, predicted, seed=seed) | {"training (s)": f"{times[0]:.0f}"})
        print(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True), flush=True)
    print(f"\nRows true, columns predicted, {[*CLASSES, 'F']}, of the last seed:")
    print(confusion_matrix(y, predicted, labels=[*CLASSES, "F"]))
