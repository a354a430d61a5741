"""Probabilities with and without calibration, for people that were not trained on.

    MNE_CNNCLASS_DATA=... python tests/benchmarks/calibration.py

A network is trained once and asked twice, with its temperature and with one of 1, so that both rows differ in
nothing else. The temperature is fitted on the held-out people of inner folds, on a validation split of whole
people, or on one of any samples. Prints a table in Markdown, which `docs/guide/calibration.md` shows.
Needs wfdb.
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb
from joblib import Parallel, delayed
from scipy.signal import resample_poly
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from mne_cnnclass import CNNClassifier, EpochsView, datasets
from mne_cnnclass.evaluation import calibration_error

RECORDS = (106, 114, 118, 119, 124, 201, 203, 207, 208, 209, 220, 223)
WAYS = {  # parameters, and whether people are told of as groups
    "inner folds of people": ({}, True),
    "validation, whole people": ({"validation_fraction": 0.2}, True),
    "validation, any samples": ({"validation_fraction": 0.2}, False),
}
SETS = {"beats": (4, list(WAYS)), "imagery": (8, ["inner folds of people"])}  # folds of people, and ways
BEATS = {"N": "NLRej", "S": "AaJS", "V": "VE"}  # AAMI classes and the symbols of MIT-BIH in them
N_BEATS = 150  # of a record and class at most


def imagery():
    """Left or right fist of 16 people, as in defaults.py, but every second time: the filter ends at 38 Hz."""
    view = EpochsView(datasets.load_eegbci(range(1, 17)), groups="subject")
    return np.asarray(view)[..., ::2], view.labels, view.groups, view.sfreq / 2


def beats():
    """Normal, supraventricular and ventricular beats: lead MLII, 0.25 s before to 0.45 s after R, 128 Hz."""
    rng = np.random.default_rng(0)
    X, y, groups = [], [], []
    for name in RECORDS:
        path = str(Path(os.environ["MNE_CNNCLASS_DATA"]) / "mitdb" / str(name))
        record, annotation = wfdb.rdrecord(path, channel_names=["MLII"]), wfdb.rdann(path, "atr")
        signal = resample_poly(record.p_signal[:, 0], 16, 45)  # 360 to 128 Hz
        peaks = np.round(annotation.sample * 16 / 45).astype(int)
        inside = (peaks >= 32) & (peaks + 58 < len(signal))
        for label, symbols in BEATS.items():
            of_class = peaks[inside & np.isin(annotation.symbol, list(symbols))]
            for peak in rng.permutation(of_class)[:N_BEATS]:
                X.append(signal[np.newaxis, peak - 32 : peak + 58])
                y.append(label)
                groups.append(name)
    return np.array(X), np.array(y), np.array(groups), 128.0


def probabilities(X, y, groups, train, test, sfreq, params, keep_whole):
    """Of the test samples, without and with the temperature; and the temperature."""
    warnings.simplefilter("ignore")
    clf = CNNClassifier(
        "MultiScaleCNN", model_params={"sfreq": sfreq}, calibrate=True, n_threads=1, random_state=0, **params
    )
    clf.fit(X[train], y[train], groups=groups[train] if keep_whole else None)
    calibrated, temperature = clf.predict_proba(X[test]), clf.temperature_
    clf.temperature_ = 1.0
    return clf.predict_proba(X[test]), calibrated, temperature


def least_error(proba, classes):
    """The expected calibration error of labels that follow the probabilities, for as many samples."""
    rng = np.random.default_rng(0)
    draws = [(rng.random((len(proba), 1)) > proba.cumsum(axis=1)[:, :-1]).sum(axis=1) for _ in range(50)]
    return np.mean([calibration_error(classes[draw], proba, classes) for draw in draws])


def rows(name, X, y, groups, sfreq):
    """Two rows for each way to fit a temperature, without and with it."""
    classes = np.unique(y)
    n_folds, ways = SETS[name]
    folds = list(GroupKFold(n_folds).split(X, y, groups))
    truth = np.concatenate([y[test] for _, test in folds])
    for fitted_on in ways:
        jobs = [delayed(probabilities)(X, y, groups, *fold, sfreq, *WAYS[fitted_on]) for fold in folds]
        *of_folds, temperatures = zip(*Parallel(n_jobs=2)(jobs), strict=True)
        for calibrate in (False, True):
            proba = np.concatenate(of_folds[calibrate])  # every sample tested once
            yield {
                "data": f"{name}, n = {len(y)}",
                "temperature fitted on": fitted_on if calibrate else "–",
                "accuracy": f"{np.mean(classes[proba.argmax(axis=1)] == truth):.3f}",
                "expected calibration error": f"{calibration_error(truth, proba, classes):.3f}",
                "if perfect": f"{least_error(proba, classes):.3f}",
                "log loss": f"{log_loss(truth, proba, labels=classes):.3f}",
                "temperature of each fold": ", ".join(f"{t:.2f}" for t in temperatures) if calibrate else "",
            }


if __name__ == "__main__":
    table = (row for name in sys.argv[1:] or SETS for row in rows(name, *globals()[name]()))
    for number, row in enumerate(table):
        lines = pd.DataFrame([row]).to_markdown(index=False, disable_numparse=True).splitlines()
        print("\n".join(lines[2 if number else 0 :]), flush=True)
