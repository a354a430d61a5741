"""Epochs are cut where the events are, from the filtered recording, and know their file and subject."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_cnnclass import EpochsView, datasets
from mne_cnnclass.preprocessing import make_epochs

EVENTS = dict(left="T1", right="T2")


def rhythm(epochs, ch_name="C3"):
    """Amplitude at 10 Hz in µV of each epoch."""
    data = 1e6 * epochs.get_data(picks=[ch_name])[:, 0]
    wave = np.exp(-2j * np.pi * 10 * epochs.times)
    return 2 * np.abs((data * wave).mean(axis=1))


def test_epochs_are_cut_at_their_events(write_recording):
    (epochs,) = make_epochs(write_recording("S001R04_raw.fif"), events=EVENTS, tmin=0.0, tmax=0.99)
    labels = EpochsView(epochs).labels
    assert labels.tolist() == ["left", "right"] * 12
    # the planted rhythm of 3 µV is after the events T1 alone
    assert rhythm(epochs)[labels == "left"].min() > 2
    assert rhythm(epochs)[labels == "right"].max() < 1
    np.testing.assert_allclose(epochs.metadata["onset"], 1 + 2 * np.arange(24))


def test_events_of_a_stim_channel_are_given_by_code(write_recording):
    path = write_recording("a_raw.fif", stim=True)
    (epochs,) = make_epochs(path, events=dict(left=5, right="6"), tmin=0.0, tmax=0.99)
    labels = EpochsView(epochs).labels
    assert labels.tolist() == ["left", "right"] * 12
    assert rhythm(epochs)[labels == "left"].min() > 2


def test_without_events_every_event_is_taken(write_recording):
    (epochs,) = make_epochs(write_recording("a_raw.fif"), tmin=0.0, tmax=1.0)
    assert sorted(epochs.event_id) == ["T1", "T2"]
    assert len(epochs) == 24


def test_filter_runs_on_the_continuous_recording(write_recording):
    path = write_recording("a_raw.fif")
    (epochs,) = make_epochs(path, events=EVENTS, tmin=0.0, tmax=0.5, l_freq=8.0, h_freq=12.0)
    raw = mne.io.read_raw(path, preload=True).filter(8.0, 12.0, verbose="ERROR")
    start = int(3.0 * 100)  # the second event
    np.testing.assert_allclose(epochs.get_data()[1], raw.get_data()[:, start : start + 51], rtol=1e-12)


def test_epochs_are_those_of_load_eegbci(data_path):
    folder = data_path / "eegmmidb" / "S007"
    files = [folder / "S007R04.edf", folder / "S007R08.edf"]
    epochs = make_epochs(files, events=EVENTS, tmin=1.0, tmax=4.0, l_freq=4.0, h_freq=38.0, group="subject")
    view = EpochsView(epochs, groups="subject")
    expected = datasets.load_eegbci(7, path=folder.parent, runs=[4, 8])[0]
    np.testing.assert_array_equal(np.asarray(view), expected.get_data())
    assert view.labels.tolist() == EpochsView(expected).labels.tolist()
    assert set(view.groups) == {"S007"}
    assert set(view.metadata["file"]) == {"S007R04.edf", "S007R08.edf"}


def test_codes_are_the_same_in_all_files(write_recording):
    one = write_recording("a_raw.fif", descriptions=("T2",))
    two = write_recording("b_raw.fif")
    epochs = make_epochs([one, two], events=EVENTS, tmin=0.0, tmax=1.0)
    view = EpochsView(epochs)
    assert (view.labels == "left").sum() == 12
    assert len(view.epochs["right"]) == 24 + 12


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("S001R04_raw.fif", "S001"),
        ("S012/run1_raw.fif", "S012"),
        ("S012/R04_raw.fif", "S012"),
        ("sub-07/eeg/sub-07_task-x_eeg_raw.fif", "sub-07"),
        ("A01T_raw.fif", "A01"),
        ("subject7_raw.fif", "subject7"),
    ],
)
def test_subject_is_told_by_the_name(write_recording, name, subject):
    (epochs,) = make_epochs(write_recording(name), tmin=0.0, tmax=1.0, group="subject")
    assert (epochs.metadata["subject"] == subject).all()


def test_subject_in_the_file_comes_before_its_name(write_recording):
    path = write_recording("S001_raw.fif")
    raw = mne.io.read_raw(path, preload=True)
    raw.info["subject_info"] = dict(his_id="anna")
    raw.save(path, overwrite=True, verbose="ERROR")
    (epochs,) = make_epochs(path, tmin=0.0, tmax=1.0)
    assert (epochs.metadata["subject"] == "anna").all()


@pytest.mark.parametrize("name", ["R04_raw.fif", "run1_raw.fif", "B0101T_raw.fif", "recording_raw.fif"])
def test_subject_that_is_not_told_is_an_error_only_where_it_is_needed(write_recording, name):
    path = write_recording(name)
    (epochs,) = make_epochs(path, tmin=0.0, tmax=1.0, group="file")
    assert epochs.metadata["subject"].isna().all()
    with pytest.raises(ValueError, match=f"The subject of .*{name} can't be told"):
        make_epochs(path, tmin=0.0, tmax=1.0, group="subject")


def test_epochs_files_are_cropped_and_keep_their_metadata(write_recording, tmp_path):
    (epochs,) = make_epochs(write_recording("S001_raw.fif"), events=EVENTS, tmin=0.0, tmax=0.99)
    epochs.metadata = epochs.metadata.assign(subject=["anna", "bert"] * 12)
    epochs.save(tmp_path / "all-epo.fif", verbose="ERROR")
    path = tmp_path / "all-epo.fif"
    (read,) = make_epochs(path, events=dict(rest="right"), tmin=0.1, tmax=0.5, group="subject")
    assert read.event_id == dict(rest=1)
    assert (read.metadata["subject"] == "bert").all()  # the subject of the events "right"
    expected = epochs["right"].crop(0.1, 0.5).get_data()
    np.testing.assert_allclose(read.get_data(), expected, rtol=1e-6)


def test_epochs_files_are_not_filtered_nor_extended(write_recording, tmp_path):
    (epochs,) = make_epochs(write_recording("a_raw.fif"), tmin=0.0, tmax=0.99)
    path = tmp_path / "a-epo.fif"
    epochs.save(path, verbose="ERROR")
    with pytest.raises(ValueError, match="filter the recording before it is cut"):
        make_epochs(path, tmin=0.0, tmax=0.99, l_freq=4.0)
    with pytest.raises(ValueError, match="holds epochs from 0 to 0.99 s"):
        make_epochs(path, tmin=-0.2, tmax=0.99)


def test_channels_are_picked(write_recording):
    paths = [write_recording("a_raw.fif"), write_recording("b_raw.fif", ch_names=["Pz", "C4", "Cz"])]
    epochs = make_epochs(paths, tmin=0.0, tmax=1.0, picks=["Cz", "C4"])
    assert [set(e.ch_names) for e in epochs] == [{"Cz", "C4"}, {"Cz", "C4"}]
    with pytest.raises(ValueError, match=r"b_raw.fif lacks \['C3'\] of .*a_raw.fif and has \['Pz'\] besides"):
        make_epochs(paths, tmin=0.0, tmax=1.0)
    with pytest.raises(ValueError, match=r"a_raw.fif has no channels \['O1'\]; it has C3, Cz, C4"):
        make_epochs(paths, tmin=0.0, tmax=1.0, picks=["O1"])


def test_missing_events_are_named_beside_those_that_are_there(write_recording):
    paths = [write_recording("a_raw.fif"), write_recording("b_raw.fif", descriptions=("T0",), n_events=5)]
    with pytest.raises(
        ValueError, match=r"No event T9. .*a_raw.fif: T1 \(12\), T2 \(12\); b_raw.fif: T0 \(5\)"
    ):
        make_epochs(paths, events=dict(left="T1", right="T9"), tmin=0.0, tmax=1.0)
    with pytest.raises(ValueError, match=r"b_raw.fif has none of the events T1, T2. .*T0 \(5\)"):
        make_epochs(paths, events=EVENTS, tmin=0.0, tmax=1.0)


def test_recordings_of_different_rates_are_named(write_recording):
    paths = [write_recording("a_raw.fif"), write_recording("b_raw.fif", sfreq=128.0)]
    with pytest.raises(ValueError, match="100 Hz: a_raw.fif; 128 Hz: b_raw.fif"):
        make_epochs(paths, tmin=0.0, tmax=1.0)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such file: .*gone.edf"):
        make_epochs(tmp_path / "gone.edf", tmin=0.0, tmax=1.0)
    (tmp_path / "text.edf").write_text("no recording")
    with pytest.raises(ValueError, match="Can't read .*text.edf"):
        make_epochs(tmp_path / "text.edf", tmin=0.0, tmax=1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(tmax=500.0), "none of its 24 events has 0 to 500 s of good recording"),
        (dict(tmax=-1.0), "tmin must be below tmax"),
        (dict(events=dict(left="T1", right="T1")), r"of one class only, but \['T1'\]"),
        (dict(group="session"), "group must be None"),
        (dict(h_freq=80.0), "half the sampling frequency"),
    ],
)
def test_arguments_are_checked(write_recording, arguments, message):
    with pytest.raises(ValueError, match=message):
        make_epochs(write_recording("a_raw.fif"), **{"tmin": 0.0, "tmax": 1.0, **arguments})


def test_at_least_one_recording_is_needed():
    with pytest.raises(ValueError, match="at least one file"):
        make_epochs([], tmin=0.0, tmax=1.0)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (dict(l_freq=40, h_freq=4), "l_freq must be less than h_freq, got 40 and 4 Hz"),
        (dict(l_freq=60), "l_freq must be between 0 and 50 Hz"),
        (dict(h_freq=50), "h_freq must be between 0 and 50 Hz"),
    ],
)
def test_filter_edges_that_mne_would_take_for_something_else_are_refused(write_recording, edges, message):
    with pytest.raises(ValueError, match=message):
        make_epochs(write_recording("S001_raw.fif"), tmin=0, tmax=1, **edges)


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("sub-03_task-x_raw.fif", "sub-03"),
        ("S001R04_raw.fif", "S001"),
        ("A01T_raw.fif", "A01"),
        ("P300_subj2_raw.fif", "subj2"),
        ("s1_anna_raw.fif", None),
        ("S01_S05_raw.fif", None),
        ("run1_raw.fif", None),
    ],
)
def test_a_subject_is_told_by_the_name_only_where_it_is_clear(write_recording, name, subject):
    (epochs,) = make_epochs(write_recording(name), tmin=0, tmax=1)
    told = epochs.metadata["subject"].iloc[0]
    assert told == subject if subject else pd.isna(told)
