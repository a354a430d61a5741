"""How well `suggest` tells the time of a cross-validation: it says how long, and then it is done.

    python tests/benchmarks/suggest_times.py > docs/paradigms/suggest_times.txt

A row a set of samples: what was trained, the seconds that were told and those that it took, the ratio, and
what it took to find out; in seconds of the processor, so that other programs do not matter. Names of sets as
arguments do these alone. Needs ``MNE_CNNCLASS_DATA``.
"""

import os
import sys
import warnings
from pathlib import Path
from time import process_time

import mne
import pandas as pd

from mne_cnnclass import CNNClassifier, EpochsView, datasets, ecg, evaluate, suggest
from mne_cnnclass.estimators.advice import duration
from mne_cnnclass.preprocessing import make_epochs

DATA = Path(os.environ["MNE_CNNCLASS_DATA"])


def imagery(n):
    return EpochsView(datasets.load_eegbci(range(1, n + 1)), groups="subject")


def potentials():
    made = []
    for file in sorted((DATA / "muse" / "P300" / "subject1").glob("*/*.csv"))[:3]:
        table, names = pd.read_csv(file), ["TP9", "AF7", "AF8", "TP10", "Marker"]
        info = mne.create_info(names, 256.0, ["eeg"] * 4 + ["stim"])
        raw = mne.io.RawArray(table[names].to_numpy().T, info).filter(1, 30, picks="eeg")
        event_id = {"non-target": 1, "target": 2}
        made.append(mne.Epochs(raw, mne.find_events(raw), event_id, -0.1, 0.8, preload=True))
    return EpochsView(made)


def states():
    files = sorted((DATA / "eegmat").glob("Subject0[0-3]_*.edf"))
    classes = ["rest", "counting"] * (len(files) // 2)
    return EpochsView(make_epochs(files, windows=dict(duration=4.0), classes=classes, l_freq=1, h_freq=40))


def flicker():
    made = []
    for file in sorted((DATA / "ssvep_exo").glob("subject0*/*raw.fif")):
        events = mne.read_events(str(file).replace("_raw.fif", "-eve.fif"))
        event_id = {"rest": 1, "13 Hz": 2, "21 Hz": 3, "17 Hz": 4}
        made.append(
            mne.Epochs(mne.io.read_raw_fif(file), events, event_id, 2, 5, baseline=None, preload=True)
        )
    return EpochsView(made)


def rhythms():
    table = pd.read_csv(DATA / "cinc2017" / "REFERENCE.csv", names=["record", "label"])[:150]
    raws = [ecg.read_raw_cinc2017(DATA / "cinc2017" / record) for record in table["record"]]
    return EpochsView(ecg.make_rhythm_epochs(raws, label=table["label"].tolist()))


def beats():
    records = [DATA / "mitdb" / record for record in ("106", "119", "201", "203")]
    return EpochsView(ecg.make_beat_epochs(records))


SETS = {
    "slow potentials": (lambda: EpochsView(datasets.load_sample()), False),
    "imagery, 6 people, default": (lambda: imagery(6), True),
    "imagery, 3 people": (lambda: imagery(3), False),
    "P300": (potentials, False),
    "P300, default": (potentials, True),
    "rest and counting": (states, False),
    "rest and counting, default": (states, True),
    "flicker": (flicker, False),
    "flicker, default": (flicker, True),
    "rhythm": (rhythms, False),
    "heartbeats": (beats, False),
}


def main(*names):
    """Tell and take the time of each."""
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    duration.perf_counter = process_time  # nothing is waited for
    print("| samples | trained | told | taken | told / taken | to find out |\n|---|---|---:|---:|---:|---:|")
    for name in names or SETS:
        make, is_default = SETS[name]
        view = make()
        suggestion = suggest(view, measure=False)
        estimator = CNNClassifier(random_state=0) if is_default else suggestion.estimator(random_state=0)
        start = process_time()
        told = duration.measure_seconds(estimator, view, suggestion.cv)
        between = process_time()
        evaluate(estimator, view, cv=suggestion.cv, groups=suggestion.groups)
        took = process_time() - between
        what = "CNNClassifier()" if is_default or suggestion.recipe is None else suggestion.recipe
        row = [name, what, f"{told:.0f} s", f"{took:.0f} s", f"{told / took:.2f}", f"{between - start:.0f} s"]
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
