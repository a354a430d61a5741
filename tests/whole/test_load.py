"""Heavy use: many fits in a process, many threads, large problems, long recordings.

What takes minutes is measured by hand: tests/benchmarks/load.py.
"""

import gc
import os
import sys
import threading
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mne
import numpy as np
import pytest
import torch
from planted import planted_epochs
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier, EpochsView, evaluate, load_classifier
from mne_cnnclass.preprocessing import EuclideanAlignment, Filter, Standardize, make_epochs
from mne_cnnclass.preprocessing.stretches import iter_epochs

SMALL = dict(max_epochs=1, random_state=0)


def on_disk(epochs, folder):
    path = folder / "planted-epo.fif"
    epochs.save(path, verbose="ERROR")
    return EpochsView(mne.read_epochs(path, preload=False, verbose="ERROR"))


def resources():
    """Objects, tensors, threads and open files of this process, once what is no longer used is gone."""
    gc.collect()
    objects = gc.get_objects()
    return {
        "objects": len(objects),
        "modules and tensors": sum(
            issubclass(type(thing), (torch.nn.Module, torch.Tensor)) for thing in objects
        ),
        "threads": threading.active_count(),
        "handlers": len(mne.utils.logger.handlers) + len(mne.utils.logger.filters),
        "files": len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0,
    }


def test_repeated_use_keeps_nothing(tmp_path):
    """Memory that is held, threads and files do not grow with the number of fits and predictions."""
    view = EpochsView(planted_epochs(16, n_times=40))
    disk = on_disk(view.epochs, tmp_path)
    model = tmp_path / "model.mcnn"
    CNNClassifier("EEGNet", **SMALL).fit(view).save(model)
    stopping = CNNClassifier(
        "EEGNet", **SMALL, validation_fraction=0.5, patience=1, calibrate=True, augmentation=["time_shift"]
    )

    def use(n):
        for _ in range(n):
            CNNClassifier("EEGNet", **SMALL).fit(disk)
            stopping.fit(view)
            load_classifier(model).predict(disk)
            evaluate(CNNClassifier("EEGNet", **SMALL), view, cv=2)

    use(2)
    before = resources()
    use(6)
    after = resources()
    assert after.pop("objects") - before.pop("objects") < 6  # less than one a round
    assert after == before


def test_what_is_no_longer_used_is_gone():
    """Neither data nor networks are held by anything once an estimator is thrown away."""
    view = EpochsView(planted_epochs(16, n_times=40))
    clf = CNNClassifier("EEGNet", **SMALL).fit(view)
    clf.predict(view)
    kept = [weakref.ref(thing) for thing in (clf, clf.module_, view.epochs, view, view.arrays()[0])]
    del clf, view
    gc.collect()
    assert [ref() for ref in kept] == [None] * len(kept)


@pytest.fixture
def impatient_threads():
    """Threads take turns ten times more often than they do by default, to get in each other's way."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-4)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("impatient_threads")
@pytest.mark.parametrize("source", ["memory", "disk"])
@pytest.mark.parametrize("kind", ["network", "ensemble", "pipeline"])
def test_threads_predict_with_one_classifier(kind, source, tmp_path):
    """Eight threads get the bits that one gets, and leave log level, threads and random states alone."""
    epochs = planted_epochs(160, n_times=80)
    view = EpochsView(epochs) if source == "memory" else on_disk(epochs, tmp_path)
    network = CNNClassifier("EEGNet", **SMALL, n_members=2 if kind == "ensemble" else 1)
    steps = [Filter(None, 20.0, method="iir"), EuclideanAlignment(), Standardize()]
    clf = make_pipeline(*steps, network) if kind == "pipeline" else network
    clf.fit(view[:40])
    parts = np.random.default_rng(0).permuted(np.tile(np.arange(160), (8, 1)), axis=1)[:, :30]
    expected = [clf.predict_proba(view[part]) for part in parts]
    states = mne.utils.logger.level, torch.get_num_threads(), torch.get_rng_state().tolist()
    with mne.use_log_level("INFO"), ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda part: clf.predict_proba(view[part]), parts))
        assert mne.utils.logger.level == 20
    np.testing.assert_array_equal(got, expected)
    assert (mne.utils.logger.level, torch.get_num_threads(), torch.get_rng_state().tolist()) == states


@pytest.mark.usefixtures("impatient_threads")
def test_threads_read_epochs_on_disk(tmp_path):
    """Threads that read one file of epochs do not get each other's."""
    epochs = planted_epochs(160, n_times=80)
    view, data = on_disk(epochs, tmp_path), epochs.get_data(copy=False)
    parts = np.random.default_rng(0).permuted(np.tile(np.arange(160), (40, 1)), axis=1)[:, :40]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda part: np.asarray(view[part]), parts))
    for block, part in zip(got, parts, strict=True):
        np.testing.assert_allclose(block, data[part], rtol=1e-6)


# -- long recordings -------------------------------------------------------------------------------

CUT = dict(events=dict(left="T1", right="T2"), tmin=-0.2, tmax=1.0, l_freq=4.0, h_freq=30.0)


@pytest.mark.parametrize("stretch", [3.0, 25.0, 1000.0])
@pytest.mark.parametrize("stim", [False, True])
def test_epochs_of_stretches_are_those_of_the_whole(stretch, stim, write_recording):
    """Also where a bad span, the start or the end of the recording leaves epochs out."""
    path = write_recording("long_raw.fif", n_events=60, stim=stim)
    raw = mne.io.read_raw(path, verbose="ERROR").set_meas_date(0 if stim else None).crop(0.9, 119.5)
    raw.annotations.append([30.9, 80.9], [7.0, 0.5], "BAD")
    how = CUT | dict(picks=["C3", "C4"]) | (dict(events={"left": "5", "right": "6"}) if stim else {})
    (expected,) = make_epochs(raw, **how)
    pieces = list(iter_epochs(raw, stretch=stretch, **how))
    assert (len(pieces) == 1) == (stretch == 1000.0)
    view = EpochsView(pieces)
    np.testing.assert_allclose(view, expected.get_data(copy=False), rtol=0, atol=1e-18)  # of 1e-6 V
    np.testing.assert_array_equal(view.labels, EpochsView(expected).labels)
    assert view.metadata.equals(expected.metadata.reset_index(drop=True))
    assert 0 < len(expected) < 60


def test_memory_does_not_grow_with_the_recording(tmp_path):
    peaks = []
    for minutes in (10, 80):
        times = np.arange(minutes * 6000)
        raw = mne.io.RawArray(
            np.sin(times * np.ones((3, 1))), mne.create_info(3, 100.0, "eeg"), verbose="ERROR"
        )
        raw.set_annotations(mne.Annotations(np.arange(1.0, 60 * minutes - 2, 20.0), 0.0, "T1"))
        path = tmp_path / f"{minutes}_raw.fif"
        raw.save(path, verbose="ERROR")
        del raw, times
        tracemalloc.start()
        n_epochs = sum(map(len, iter_epochs(path, stretch=60.0, **CUT | dict(events=dict(left="T1")))))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert n_epochs == 3 * minutes
    assert peaks[1] - peaks[0] < 8 * 3 * 60 * 6000  # a minute's, of an hour more


# -- large problems --------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["EEGNet", "MultiScaleCNN"])
@pytest.mark.parametrize(
    ("n_classes", "n_channels", "n_times"), [(500, 2, 100), (2, 512, 100), (2, 1, 60_000)]
)
def test_large_problems_train(model, n_classes, n_channels, n_times):
    """500 classes; 512 channels; ten minutes at 100 Hz."""
    n_samples = max(2 * n_classes, 8)
    X = np.random.default_rng(0).standard_normal((n_samples, n_channels, n_times))
    y = np.arange(n_samples) % n_classes
    clf = CNNClassifier(model, max_epochs=1, random_state=0, n_threads=1).fit(X, y)
    proba = clf.predict_proba(X[:4])
    assert proba.shape == (4, n_classes)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
