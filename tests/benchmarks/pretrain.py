"""Train the models that come with the package.

    MNE_CNNCLASS_DATA=... python tests/benchmarks/pretrain.py TASK [--causal] OUTPUT.mcnn

TASK is heartbeats, "motor imagery" or rhythm. The file has the same bits on machines of one kind with the
same versions; its line of `SHA256SUMS` in mne_cnnclass/estimators/pretrained is printed. What the card of a
model says is in `cards/`, and the commands with which it was measured are in it.
"""

import argparse
import hashlib
import os
import runpy
import tomllib
import warnings
from pathlib import Path

import mne
import torch

from mne_cnnclass import EpochsView, ecg, recipe
from mne_cnnclass.estimators.saving.files import write_file
from mne_cnnclass.estimators.saving.write import describe

CARDS = Path(__file__).with_name("cards")


# of the 8528 records of the challenge, which the 1500 here have in other shares
IN_LIFE = {"N": 5076 / 8528, "A": 758 / 8528, "O": 2415 / 8528, "~": 279 / 8528}


def data(*folders, ending="hea"):
    """The recordings in folders of MNE_CNNCLASS_DATA, in order."""
    root = Path(os.environ["MNE_CNNCLASS_DATA"])
    return [file for folder in folders for file in sorted((root / folder).glob(f"*.{ending}"))]


def heartbeats(causal, records=slice(None), **params):
    """The recipe on the 22 records of the first half (DS1) of the MIT-BIH Arrhythmia Database."""
    settings = dict(classes=ecg.AAMI_CLASSES, leads=list(ecg.LEADS), causal=causal)
    view = EpochsView(ecg.make_beat_epochs(data("mitdb")[records], **settings), groups="patient")
    pipeline = recipe("heartbeats", causal=causal, random_state=0)
    pipeline[-1].set_params(**params)
    return pipeline.fit(view), {"beats": settings}


def rhythm(causal, records=slice(None)):
    """The recipe on 1500 records of CinC 2017, for classes as frequent as in the whole challenge."""
    files = data("cinc2017", "cinc2017_more", ending="mat")[records]
    epochs = ecg.make_rhythm_epochs(map(ecg.read_raw_cinc2017, files), causal=causal)
    pipeline = recipe("rhythm", causal=causal, class_prior=IN_LIFE, random_state=0)
    return pipeline.fit(EpochsView(epochs, groups="record")), {"rhythm": dict(causal=causal)}


def motor_imagery(causal, **params):
    """The recipe on imagined movement of the left or right fist of 48 people of eegmmidb."""
    imagery = runpy.run_path(str(CARDS.with_name("imagery.py")))
    band = dict(zip(("l_freq", "h_freq"), imagery["BAND"], strict=True))
    times = dict(tmin=0.0, tmax=imagery["SECONDS"])
    settings = dict(events=dict(left="T1", right="T2"), picks="eeg", group="subject") | times | band
    return imagery["fit"](**params), settings


MODELS = {"heartbeats": heartbeats, "motor imagery": motor_imagery, "rhythm": rhythm}


def without_times(header):
    """The description of an estimator without how long its training took, which is never the same."""
    if isinstance(header, dict):
        is_history = "train_loss" in header
        return {k: without_times(v) for k, v in header.items() if not (is_history and k == "duration")}
    return [without_times(one) for one in header] if isinstance(header, list) else header


def build(task, path, *, causal=False, **params):
    """Train a model and write its file; ``params`` make it smaller, for a test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is known of these recordings
        pipeline, settings = MODELS[task](causal, **params)
    name = f"{task.replace(' ', '_')}{'_causal' * causal}"
    card = tomllib.loads((CARDS / f"{name}.toml").read_text(encoding="utf-8"))
    tensors = {}
    header = without_times(describe(pipeline, tensors)) | {"epochs_settings": settings, "card": card}
    halves = {name: value.half() for name, value in tensors.items() if value.dtype == torch.float32}
    if all(half.equal(tensors[name]) for name, half in halves.items()):  # rounded in the training already
        tensors |= halves
    write_file(path, header, tensors)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=list(MODELS))
    parser.add_argument("output", type=Path)
    parser.add_argument("--causal", action="store_true")
    given = parser.parse_args()
    checksum = build(given.task, given.output, causal=given.causal)
    print(f"{checksum}  {given.output.name}")
