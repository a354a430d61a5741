"""Samples of equal values in training and test are told of; those that are equal by chance are not."""

import tracemalloc
import warnings

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import planted_epochs
from sklearn.dummy import DummyClassifier

from mne_cnnclass import EpochsView, benchmark, evaluate
from mne_cnnclass.evaluation.benchmarking.sources import as_dataset
from mne_cnnclass.samples.copies import number_contents

TOLD = "test samples hold the same values as training samples"


def from_disk(epochs, folder, **how):
    path = folder / "saved-epo.fif"
    epochs.save(path, overwrite=True, verbose="ERROR", **how)
    return mne.read_epochs(path, preload=False, verbose="ERROR")


def labelled(X):
    return X, np.resize(["left", "right"], len(X))


A = planted_epochs(24, seed=1)
SIGNALS = A.get_data()
CODES = np.random.default_rng(0).integers(0, 3, (24, 40))
COPIED = {
    "two subjects": lambda _: EpochsView([A, A.copy()], groups=np.repeat(["s1", "s2"], 24)),
    "concatenated": lambda _: mne.concatenate_epochs([A, A.copy()], verbose="ERROR"),
    "on disk": lambda folder: [A, from_disk(A, folder)],
    "on disk, double": lambda folder: [A, from_disk(A, folder, fmt="double")],
    "of other channel order": lambda _: [A, A.copy().reorder_channels(A.ch_names[::-1])],
    "oversampled": lambda _: labelled(np.concatenate([SIGNALS, SIGNALS])),
    "single precision": lambda _: labelled(np.concatenate([SIGNALS, SIGNALS.astype(np.float32)])),
    "a table": lambda _: labelled(np.concatenate([SIGNALS, SIGNALS]).reshape(48, -1)),
    "counts": lambda _: labelled(np.concatenate([SIGNALS, SIGNALS]) // 1e-9),
    "NaN": lambda _: labelled(np.where(np.arange(100) == 5, np.nan, np.concatenate([SIGNALS, SIGNALS]))),
}
FLAT = np.where(np.arange(48)[:, None, None] % 3 == 0, 0.0, np.concatenate([SIGNALS, 2 * SIGNALS]))
GOOD = {
    "noise": lambda _: planted_epochs(48),
    "some are flat": lambda _: labelled(FLAT),
    "flat with offsets": lambda _: labelled(np.where(FLAT == 0, np.arange(5)[:, None] / 3, FLAT)),
    "all zero": lambda _: labelled(np.zeros((48, 3, 50))),
    "pinned at two limits": lambda _: labelled(np.sign(FLAT)),
    "codes": lambda _: labelled(np.concatenate([CODES, CODES])),
    "a few features": lambda _: labelled(np.tile(np.random.default_rng(0).normal(size=(24, 8)), (2, 1))),
    "text": lambda _: labelled(np.full((48, 30), "a")),
    "two recordings": lambda _: [A, planted_epochs(24, seed=2)],
}


def judge(samples, cv=2):
    X, y = samples if isinstance(samples, tuple) else (samples, None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        evaluate(DummyClassifier(), X, y, cv=cv)
    return [str(w.message) for w in caught]


@pytest.mark.parametrize("name", COPIED)
def test_copies_on_both_sides_are_counted(name, tmp_path):
    (text,) = judge(COPIED[name](tmp_path))
    assert text.startswith(f"In 2 of 2 folds, 48 {TOLD} (fold 0: sample 0 those of 24)")


@pytest.mark.parametrize("name", GOOD)
def test_what_is_equal_by_chance_is_not_told_of(name, tmp_path):
    assert judge(GOOD[name](tmp_path)) == []


def test_copies_that_groups_keep_on_one_side_are_not_told_of():
    assert judge(EpochsView([A, A.copy()], groups=np.tile(np.arange(24), 2))) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 19), min_size=1, max_size=30), st.data())
def test_every_copy_is_found_wherever_it_is(copied, data):
    rows = data.draw(st.permutations(list(range(20)) + copied))
    numbers = number_contents(np.random.default_rng(0).normal(size=(20, 2, 30))[rows])
    same = np.equal.outer(rows, rows)
    np.testing.assert_array_equal(np.equal.outer(numbers, numbers), same)


def test_a_benchmark_tells_of_copies_among_those_that_are_learnt_from_first(tmp_path):
    view = EpochsView([A, A.copy()], groups=np.repeat(["s1", "s2"], 24))
    for splits, n in (("cross-subject", 48), ("transfer", 48)):
        with pytest.warns(UserWarning, match=f"In . of . folds, {n} {TOLD}"):
            benchmark(
                {"guess": DummyClassifier()}, {"d": view}, splits=splits, store=tmp_path / splits, n_folds=2
            )


def test_samples_on_disk_are_compared_by_blocks(tmp_path):
    info = mne.create_info(32, 100.0, "eeg")
    data = np.random.default_rng(0).normal(0, 1e-5, (400, 32, 300))
    view = EpochsView(from_disk(mne.EpochsArray(data, info, verbose="ERROR"), tmp_path))
    tracemalloc.start()
    assert number_contents(view) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < data.nbytes / 2


def test_a_benchmark_reads_parts_of_a_split_file_once(tmp_path):
    data = np.random.default_rng(0).normal(0, 1e-5, (60, 32, 300))
    epochs = mne.EpochsArray(data, mne.create_info(32, 100.0, "eeg"), verbose="ERROR")
    epochs.save(tmp_path / "s1-epo.fif", split_size="2MB", verbose="ERROR")
    assert len(list(tmp_path.glob("*.fif"))) == 3
    assert len(as_dataset("d", f"{tmp_path}/*.fif").X) == 60
