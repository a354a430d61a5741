"""The recipe for mental states beside what time alone reaches: rest and mental arithmetic of six people.

    python tests/benchmarks/mental_state.py > docs/paradigms/mental_state.txt      # two minutes
    python tests/benchmarks/mental_state.py choices >> docs/paradigms/mental_state.txt

eegmat: 3 min of rest, then 1 min of counting, in two files that were cleaned separately. 1 to 45 Hz, windows
of 4 s that overlap by half; each person is left out once, and is judged by what was learnt from the other
five. Beside rest against counting stand the first two thirds of the rest against its last third, which differ
in time alone, and what covariances tell of the cleaning. Needs ``MNE_CNNCLASS_DATA``.
"""

import os
import sys
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_cnnclass import CNNClassifier, EpochsView, StackedClassifier, baselines, evaluate, recipe
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


def methods():
    found = baselines("eeg", names=["band power + LR", "tangent space + LR"])
    aligned = (EuclideanAlignment(), FunctionTransformer(null_space))
    found["cleaning alone"] = make_pipeline(*aligned, LogisticRegression(class_weight="balanced"))
    return found | {"recipe": recipe("mental state")}


def run(view, y, task):
    for train, test in LeaveOneGroupOut().split(y, groups=view.groups):
        for name, pipeline in methods().items():
            start = time.process_time()
            fitted = pipeline.fit(view[train], y[train])
            seconds = time.process_time() - start
            proba, true = fitted.predict_proba(view[test])[:, 1], y[test] == fitted.classes_[1]
            scores = dict(balanced=balanced_accuracy_score(true, proba > 0.5), auc=roc_auc_score(true, proba))
            what = dict(task=task, method=name, person=view.groups[test[0]][-2:])
            yield what | scores | dict(seconds=seconds)


def variants():
    """What was tried beside the recipe."""
    found = {"recipe": recipe("mental state")}
    shallow = dict(n_filters_time=16, n_filters_spat=16, drop_prob=0.5)
    eegnet = dict(F1=8, D=2, kernel_length=25, drop_prob=0.5)  # 0.25 s
    how = dict(max_epochs=15, batch_size=32, class_weight="balanced", random_state=0)
    for name, params in {"EEGNet": eegnet, "ShallowFBCSPNet": shallow}.items():
        network = CNNClassifier(name, model_params=params, **how)
        members = [("network", network), *recipe("mental state")[-1].estimators]
        stacked = StackedClassifier(members, random_state=0)
        found[f"with {name}"] = make_pipeline(*recipe("mental state")[:2], stacked)
    scaled = EuclideanAlignment(across_channels=False)
    return found | {"channels scaled only": recipe("mental state").set_params(spectralalignment=scaled)}


def choose(view):
    """The score of each person with the variant that is best, by its mean ROC-AUC, for the other five."""
    y, rows = view.labels, []
    for name, pipeline in variants().items():
        for train, test in LeaveOneGroupOut().split(y, groups=view.groups):
            proba = clone(pipeline).fit(view[train], y[train]).predict_proba(view[test])[:, 1]
            true = y[test] == "rest"
            scores = dict(balanced=balanced_accuracy_score(true, proba > 0.5), auc=roc_auc_score(true, proba))
            rows.append(dict(method=name, person=view.groups[test[0]][-2:]) | scores)
    table = pd.DataFrame(rows)
    auc, balanced = (table.pivot(index="method", columns="person", values=v) for v in ("auc", "balanced"))
    print("Rest against counting, ROC-AUC of each person; seed 0\n")
    print(auc.assign(mean=auc.mean(axis=1)).round(2).to_string())
    best = {person: auc.drop(columns=person).mean(axis=1).idxmax() for person in auc}
    nested = [np.mean([one[person][best[person]] for person in auc]) for one in (balanced, auc)]
    print(f"\nChosen on the other five: {best}")
    print(f"Then balanced accuracy {nested[0]:.3f}, ROC-AUC {nested[1]:.3f}")


def main():
    view, rows = load(), []
    rest = view[view.labels == "rest"]
    late = np.where(rest.onsets()[0] > 118, "late", "early")  # s
    rows += run(view, view.labels, "rest, counting")
    rows += run(rest, late, "early, late rest")
    table = pd.DataFrame(rows)
    print("Balanced accuracy (and ROC-AUC) of each person who was left out; nothing is random\n")
    people = sorted(table.person.unique())
    print(f"| task | method | {' | '.join(people)} | mean | s |\n|{'---|' * (len(people) + 4)}")
    for (task, method), some in table.groupby(["task", "method"], sort=False):
        means = some.groupby("person")[["balanced", "auc"]].mean()
        cells = [f"{one.balanced:.2f} ({one.auc:.2f})" for one in means.itertuples()]
        mean = f"{means.balanced.mean():.3f} ({means.auc.mean():.3f})"
        print(f"| {task} | {method} | {' | '.join(cells)} | {mean} | {some.seconds.mean():.1f} |")
    print()
    result = evaluate(recipe("mental state"), view, cv=LeaveOneGroupOut(), probes=True)
    print(f"evaluate(recipe, view, cv=LeaveOneGroupOut(), probes=True)\n\n{result}")


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    choose(load()) if "choices" in sys.argv else main()
