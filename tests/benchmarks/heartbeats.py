"""Heartbeats of patients never seen: the recipe on the first half (DS1) of the MIT-BIH Arrhythmia Database.

    MNE_CNNCLASS_DATA=... python tests/benchmarks/heartbeats.py [n_seeds] [key=value ...]

Every patient is tested once, by a pipeline that was trained on other patients (5 folds). Prints a table in
Markdown: pooled over all beats, F and Q among the true ones. Further arguments are parameters of
`BeatClassifier`, such as ``n_fibrillation=0`` or ``smoothing=0``; ``leak=1`` splits beats at random, so that
each patient is on both sides, as a warning of what that split is worth; ``causal=1`` uses nothing of the
future; ``detected=1`` tests on beats at detected R peaks: those not found, and those found where none is,
count as errors.
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


def predict(train, test, seed, causal, params):
    """Labels of the test beats, and the seconds of training and predicting."""
    pipeline = recipe("heartbeats", causal=causal, random_state=seed, n_threads=1)
    pipeline[-1].set_params(**params)
    begin = time.perf_counter()
    pipeline.fit(train)
    trained = time.perf_counter()
    return pipeline.predict(test), trained - begin, time.perf_counter() - trained


def missed(annotated, detected):
    """Labels of annotated beats that no detected one was matched with."""
    counts = [pd.Series(view.labels).value_counts() for view in (annotated, detected)]
    return np.repeat(
        counts[0].index, counts[0].sub(counts[1], fill_value=0)[counts[0].index].clip(0).astype(int)
    )


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
    leak, causal, detected = (settings.pop(name, "0") != "0" for name in ("leak", "causal", "detected"))
    params = {name: float(v) if "." in v else int(v) for name, v in settings.items()}
    n_seeds = next((int(text) for text in sys.argv[1:] if text.isdigit()), 3)
    files = sorted((Path(os.environ["MNE_CNNCLASS_DATA"]) / "mitdb").glob("*.hea"))
    begin = time.perf_counter()
    view = EpochsView(ecg.make_beat_epochs(files, causal=causal), groups="patient")
    print(f"{view}\nread, filtered and cut in {time.perf_counter() - begin:.0f} s\n")
    tested = view
    if detected:
        tested = EpochsView(ecg.make_beat_epochs(files, peaks="detected"), groups="patient")
    y, rows = tested.labels, []
    not_found = missed(view, tested)
    for seed in range(n_seeds):
        if leak:
            folds = list(StratifiedKFold(5, shuffle=True, random_state=seed).split(y, y))
        else:
            folds = [
                (
                    np.flatnonzero(np.isin(view.groups, view.groups[train])),
                    np.isin(tested.groups, view.groups[test]),
                )
                for train, test in GroupKFold(5).split(view.labels, groups=view.groups)
            ]
        jobs = Parallel(n_jobs=2)(
            delayed(predict)(view[train], tested[test], seed, causal, params) for train, test in folds
        )
        predicted = np.empty_like(y)
        for (_, test), (labels, *_) in zip(folds, jobs, strict=True):
            predicted[test] = labels
        true = np.concatenate([y, not_found])
        predicted = np.concatenate([predicted, ["none"] * len(not_found)])
        times = np.median([job[1:] for job in jobs], axis=0)
        rows.append(
            row(true, predicted, seed=seed)
            | {"training (s)": f"{times[0]:.0f}", "predicting a record (s)": f"{5 / 22 * times[1]:.2f}"}
        )
        print(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True), flush=True)
    if detected:
        print(f"\n{len(not_found)} of {len(view)} beats not found, {(y == 'unknown').sum()} without one.")
    print(f"\nRows true, columns predicted, {[*CLASSES, 'F']}, of the last seed:")
    print(confusion_matrix(true, predicted, labels=[*CLASSES, "F"]))
