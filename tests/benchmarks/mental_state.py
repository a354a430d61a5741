"""The recipe for mental states beside what time alone reaches: rest and mental arithmetic of six people.

    python tests/benchmarks/mental_state.py > docs/paradigms/mental_state.txt      # half an hour

eegmat: 3 min of rest, then 1 min of counting, in two files that were cleaned separately. 1 to 45 Hz, windows
of 4 s that overlap by half; each person is left out once, and is judged by what was learnt from the other
five. Beside rest against counting stand the first two thirds of the rest against its last third, which differ
in time alone, and what covariances tell of the cleaning. Needs ``MNE_CNNCLASS_DATA``.
"""

import os
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_cnnclass import EpochsView, baselines, evaluate, recipe
from mne_cnnclass.preprocessing import EuclideanAlignment, make_epochs

NOT_EEG = ["ECG ECG", "EEG A2-A1"]


def load():
    """The windows of all people."""
    folder = Path(os.environ["MNE_CNNCLASS_DATA"], "eegmat")
    files = [folder / f"Subject0{k}_{part}.edf" for k in range(6) for part in (1, 2)]
    raws = [mne.io.read_raw_edf(file, preload=True, verbose=False).drop_channels(NOT_EEG) for file in files]
    how = dict(windows=dict(duration=4.0, overlap=2.0), classes=["rest", "counting"] * 6)
    found = make_epochs(raws, l_freq=1.0, h_freq=45.0, sfreq=128.0, **how)
    for file, epochs in zip(files, found, strict=True):
        epochs.metadata = pd.DataFrame(dict(subject=[file.name[:9]] * len(epochs)))
    return EpochsView(found, groups="subject")


def null_space(X):
    """Mean logarithm of the eigenvalues, which the directions decide that cleaning has taken out."""
    X = np.asarray(X)
    covariances = X @ X.transpose(0, 2, 1) / X.shape[2]
    return np.log(np.linalg.eigvalsh(covariances + 1e-4 * np.eye(X.shape[1]))).mean(axis=1, keepdims=True)


def methods(seed):
    found = baselines("eeg", names=["band power + LR", "tangent space + LR"]) if seed == 0 else {}
    if seed == 0:
        aligned = (EuclideanAlignment(), FunctionTransformer(null_space))
        found["cleaning alone"] = make_pipeline(*aligned, LogisticRegression(class_weight="balanced"))
    return found | {"recipe": recipe("mental state", random_state=seed)}


def run(view, y, seed, task):
    for train, test in LeaveOneGroupOut().split(y, groups=view.groups):
        for name, pipeline in methods(seed).items():
            start = time.process_time()
            fitted = pipeline.fit(view[train], y[train])
            seconds = time.process_time() - start
            proba, true = fitted.predict_proba(view[test])[:, 1], y[test] == fitted.classes_[1]
            scores = dict(balanced=balanced_accuracy_score(true, proba > 0.5), auc=roc_auc_score(true, proba))
            what = dict(task=task, method=name, seed=seed, person=view.groups[test[0]][-2:])
            yield what | scores | dict(seconds=seconds)


def main():
    view, rows = load(), []
    rest = view[view.labels == "rest"]
    late = np.where(rest.onsets()[0] > 118, "late", "early")  # s
    for seed in range(3):
        rows += run(view, view.labels, seed, "rest, counting")
        rows += run(rest, late, seed, "early, late rest")
    table = pd.DataFrame(rows)
    print("Balanced accuracy (and ROC-AUC) of each person who was left out; mean over seeds\n")
    people = sorted(table.person.unique())
    print(f"| task | method | {' | '.join(people)} | mean | s |\n|{'---|' * (len(people) + 4)}")
    for (task, method), some in table.groupby(["task", "method"], sort=False):
        means = some.groupby("person")[["balanced", "auc"]].mean()
        cells = [f"{one.balanced:.2f} ({one.auc:.2f})" for one in means.itertuples()]
        mean = f"{means.balanced.mean():.3f} ({means.auc.mean():.3f})"
        print(f"| {task} | {method} | {' | '.join(cells)} | {mean} | {some.seconds.mean():.1f} |")
    spread = table[table.method == "recipe"].groupby(["task", "seed"])[["balanced", "auc"]].mean()
    print(f"\nDeviation over seeds of the recipe: {spread.groupby('task').std(ddof=0).round(3).to_dict()}\n")
    result = evaluate(recipe("mental state", random_state=0), view, cv=LeaveOneGroupOut(), probes=True)
    print(f"evaluate(recipe, view, cv=LeaveOneGroupOut(), probes=True)\n\n{result}")


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    main()
