"""The file that knows the inside of MNE's objects: it does what MNE does, and no other file looks inside."""

import ast
import copy
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from mne.utils import object_diff
from planted import planted_epochs

import mne_cnnclass
from mne_cnnclass import EpochsView
from mne_cnnclass.samples.mne_internals import (
    array_epochs,
    data_of,
    event_rate,
    part_of,
    set_info,
    spans_in_files,
    stim_channels,
)

PACKAGE = Path(mne_cnnclass.__file__).parent


@pytest.fixture
def epochs():
    epochs = planted_epochs(6)
    epochs.metadata = pd.DataFrame({"trial": range(6)})
    return epochs


@pytest.fixture
def raw():
    data = np.random.default_rng(0).standard_normal((2, 600))
    return mne.io.RawArray(data, mne.create_info(["C3", "C4"], 100.0, "eeg"), verbose="ERROR")


@pytest.mark.parametrize("names", [["A", "STI 014"], ["STI 014", "STI101"], ["B", "A"]])
def test_stim_channels_are_those_that_find_events_takes(names):
    info = mne.create_info(["C3", *names], 100.0, ["eeg", "stim", "stim"])
    data = np.zeros((3, 300))
    data[1, 50:60], data[2, 150:160] = 1, 2
    raw = mne.io.RawArray(data, info, verbose="ERROR")
    codes = [data[raw.ch_names.index(name)].max() for name in stim_channels(info)]
    assert mne.find_events(raw)[:, 2].tolist() == codes
    assert stim_channels(raw.pick("eeg").info) == []


def test_data_are_those_of_get_data_and_not_copied(epochs, raw):
    for instance in (epochs, raw):
        assert data_of(instance) is not None
        np.testing.assert_array_equal(data_of(instance), instance.get_data())
    assert np.shares_memory(data_of(epochs), epochs.get_data(copy=False))


def test_spans_in_files_are_those_that_were_read_and_cropped(raw, tmp_path):
    assert spans_in_files(raw) == [(None, 0, 599)]
    files = [tmp_path / name for name in ("a_raw.fif", "b_raw.fif")]
    for file in files:
        raw.save(file, verbose="ERROR")
    joined = mne.concatenate_raws([mne.io.read_raw(file, verbose="ERROR") for file in files], verbose="ERROR")
    assert spans_in_files(joined.crop(1.0, 8.0)) == [(files[0], 100, 599), (files[1], 0, 200)]


def test_the_rate_of_events_is_that_of_the_recording(raw):
    cut = mne.make_fixed_length_epochs(raw, 1.0, preload=True, verbose="ERROR")
    assert event_rate(cut) == 100
    assert event_rate(cut.copy().resample(50)) == 100
    decimated = mne.Epochs(
        raw, cut.events, tmin=0, tmax=0.5, decim=2, baseline=None, preload=True, verbose="ERROR"
    )
    assert event_rate(decimated) == 100 == 2 * decimated.info["sfreq"]


@pytest.mark.parametrize("rows", [[0, 1, 2], [5, 2]])
def test_a_part_of_an_array_is_what_the_constructor_of_mne_makes(epochs, rows):
    data, part = np.random.default_rng(1).standard_normal((6, 5, 80)), slice(1, 1 + len(rows))
    table = epochs.metadata.iloc[rows]
    made = part_of(array_epochs(data, epochs.info, 0.25), part, epochs, rows, table)
    expected = mne.EpochsArray(
        data[part], epochs.info, epochs.events[rows], 0.25, epochs.event_id, metadata=table, verbose="ERROR"
    )
    assert np.shares_memory(data_of(made), data)
    assert vars(made).keys() == vars(expected).keys()
    different = [
        name
        for name, value in vars(expected).items()
        if name != "info" and object_diff(_plain(vars(made)[name]), _plain(value))
    ]
    assert different == []
    assert object_diff(made.info, expected.info) == ""
    for change in (
        lambda e: e.drop([0], verbose="ERROR"),
        lambda e: e.crop(0.3, 0.6),
        lambda e: e.pick(["Cz"]),
        lambda e: e.apply_baseline((0.3, 0.4), verbose="ERROR"),
        lambda e: e.resample(50.0),
        lambda e: e[::-1],
    ):
        ours, theirs = change(made.copy()), change(expected.copy())
        np.testing.assert_array_equal(ours.get_data(), theirs.get_data())
        np.testing.assert_array_equal(ours.events, theirs.events)
        np.testing.assert_array_equal(ours.times, theirs.times)
    np.testing.assert_array_equal(
        part_of(array_epochs(data, epochs.info, 0.25), part, epochs, rows, table), data[part]
    )


def _plain(value):
    """What `object_diff` can compare."""
    return (
        value.to_dict()
        if isinstance(value, pd.DataFrame)
        else str(value)
        if isinstance(value, slice)
        else value
    )


def test_epochs_that_were_sent_are_read_as_before(epochs, tmp_path):
    epochs.save(tmp_path / "planted-epo.fif", verbose="ERROR")
    on_disk = mne.read_epochs(tmp_path / "planted-epo.fif", preload=False, verbose="ERROR")
    sent = copy.copy(EpochsView(on_disk))
    assert vars(sent._sources[0]).keys() == vars(on_disk).keys()
    np.testing.assert_array_equal(sent._sources[0].get_data(), on_disk.get_data())


def test_entries_of_an_info_that_mne_locks_are_set(raw):
    with pytest.raises(RuntimeError, match="cannot be set directly|lock"):
        raw.info["sfreq"] = 50.0
    set_info(raw.info, sfreq=50.0, highpass=1.0)
    assert (raw.info["sfreq"], raw.info["highpass"]) == (50, 1)


def test_no_other_file_looks_inside_objects_of_mne(epochs, raw):
    inside = {
        name
        for instance in (epochs, raw, raw.info, epochs.average(), raw.annotations)
        for name in dir(instance)
        if name.startswith("_") and not name.startswith("__")
    }
    assert {"_data", "_raw", "_raw_sfreq", "_unlock", "_first_samps"} <= inside
    inside -= vars(EpochsView(epochs)).keys()
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.attr}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "mne_internals.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in inside
        and ast.unparse(node.value) not in ("self", "cls")
    ]
    assert found == []
