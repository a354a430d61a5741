"""Epochs are cut where the events are, from the filtered recording, and know their file and subject."""

import pickle
import sys
from functools import partial
from pathlib import PureWindowsPath

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline

from mne_cnnclass import EpochsView, datasets, evaluate
from mne_cnnclass.ecg import read_raw_wfdb
from mne_cnnclass.preprocessing import Crop, Standardize, epochs_log, make_epochs
from mne_cnnclass.report.data import data_pages

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
    with pytest.raises(ValueError, match=f"The subject of .*{name} can't be determined"):
        make_epochs(path, tmin=0.0, tmax=1.0, group="subject")


def test_epochs_files_are_cropped_and_keep_their_metadata(write_recording, tmp_path):
    (epochs,) = make_epochs(write_recording("S001_raw.fif"), events=EVENTS, tmin=0.0, tmax=0.99)
    epochs.metadata = epochs.metadata.assign(subject=["anna", "bert"] * 12)
    epochs.save(tmp_path / "all-epo.fif", verbose="ERROR")
    path = tmp_path / "all-epo.fif"
    (read,) = make_epochs(path, events=dict(rest="right"), tmin=0.1, tmax=0.5, group="subject")
    assert read.event_id == dict(rest=1)
    assert (read.metadata["subject"] == "bert").all()  # the subject of the events "right"
    assert epochs_log(read)["done"][0] == "anna, bert (metadata of the epochs)"
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


def test_a_subject_without_events_is_named(write_recording):
    paths = [write_recording("S001_raw.fif"), write_recording("S002_raw.fif", n_events=0)]
    for events in (EVENTS, None):
        with pytest.raises(ValueError, match=r"S002_raw.fif has none of the events T1, T2. .*: none"):
            make_epochs(paths, events=events, tmin=0.0, tmax=1.0)
    with pytest.raises(ValueError, match=r"There are no events. Events found: S002_raw.fif: none"):
        make_epochs(paths[1], tmin=0.0, tmax=1.0)


def test_events_at_the_same_time_are_refused():
    raw = cap(20)
    raw.set_annotations(mne.Annotations([1.0, 5.0, 5.0], 0.0, ["T1", "T1", "T2"]))
    with pytest.raises(ValueError, match="1 pairs of events at the same time, first left and right at 5 s"):
        make_epochs(raw, events=EVENTS, tmin=0.0, tmax=1.0)
    assert len(make_epochs(raw, events=dict(left="T1"), tmin=0.0, tmax=1.0)[0]) == 2


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


NAMES = ["Fp1", "Fp2", "F3", "Fz", "F4", "C3", "Cz", "C4", "P3", "Pz", "P4", "O1", "Oz", "O2", "T7", "T8"]


def cap(seconds=60, sfreq=200.0, eog=False, seed=0):
    """Sixteen channels that share four sources with 1/f spectra, as an electroencephalogram does, in V."""
    rng = np.random.default_rng(seed)
    n_times = int(seconds * sfreq)
    spectrum = np.fft.rfft(rng.laplace(size=(4, n_times)))
    spectrum /= np.maximum(np.fft.rfftfreq(n_times, 1 / sfreq), 1)
    sources = np.fft.irfft(spectrum, n_times)
    sources /= sources.std(axis=1, keepdims=True)
    data = 1e-5 * (1 + 0.2 * rng.standard_normal((16, 4))) @ sources
    data += 1e-6 * rng.laplace(size=data.shape)
    names, types = list(NAMES), ["eeg"] * 16
    if eog:
        data, names, types = np.vstack([data, np.zeros(n_times)]), [*names, "VEOG"], [*types, "eog"]
    return mne.io.RawArray(data, mne.create_info(names, sfreq, types), verbose="ERROR")


def amplitude(epochs, freq, ch_name):
    data = 1e6 * epochs.get_data(picks=[ch_name])[:, 0]
    return 2 * np.abs((data * np.exp(-2j * np.pi * freq * epochs.times)).mean(axis=1)).mean()


WINDOWS = dict(windows=dict(duration=2.0), classes=["rest"])


def test_flat_and_noisy_channels_are_found_and_interpolated():
    raw = cap()
    rng = np.random.default_rng(1)
    raw._data[NAMES.index("C3")] = 0
    raw._data[NAMES.index("P4")] += 1e-4 * rng.standard_normal(raw.n_times)
    (epochs,) = make_epochs(raw, **WINDOWS, montage="standard_1005", bads="auto")
    log = epochs_log(epochs).set_index("step")["done"]
    assert log["bad channels"] == "interpolated C3 (flat), P4 (noisy)"
    assert epochs.info["bads"] == []
    data = epochs.get_data().transpose(1, 0, 2).reshape(16, -1)
    correlation = np.corrcoef(data)[NAMES.index("Cz")]
    assert correlation[NAMES.index("C3")] > 0.8
    assert correlation[NAMES.index("P4")] > 0.8
    assert raw.get_data(picks="C3").std() == 0  # the Raw that was given stays as it was


def test_given_bads_need_positions_and_names():
    with pytest.raises(ValueError, match="bad channels Cz of recording 0 can't be interpolated without"):
        make_epochs(cap(), **WINDOWS, bads=["Cz"])
    with pytest.raises(ValueError, match=r"bads \['XX'\] are no channels of recording 0"):
        make_epochs(cap(), **WINDOWS, bads=["XX"])
    with pytest.raises(ValueError, match="needs at least 8; recording 0 has 3"):
        make_epochs(cap().pick(["C3", "Cz", "C4"]), **WINDOWS, bads="auto")
    with pytest.raises(ValueError, match="13 of 16 channels of recording 0 are bad"):
        make_epochs(cap(), **WINDOWS, bads=NAMES[:13])


def test_bad_channels_that_can_not_be_interpolated_are_not_said_to_be():
    raw = cap(eog=True)
    with pytest.raises(ValueError, match=r"bads \['VEOG'\] of recording 0 can't be interpolated"):
        make_epochs(raw, **WINDOWS, montage="standard_1005", bads=["VEOG"])
    raw.info["bads"] = ["Cz", "VEOG"]
    (epochs,) = make_epochs(raw, **WINDOWS, montage="standard_1005", bads=[])
    assert epochs_log(epochs)["done"].iloc[1] == "interpolated Cz (marked in the file)"
    assert epochs.info["bads"] == ["VEOG"]


@pytest.mark.parametrize("reference", ["average", ["O1", "O2"]])
def test_the_reference_that_was_added_is_no_flat_channel(reference):
    raw = mne.add_reference_channels(cap(), "FCz")
    (epochs,) = make_epochs(raw, **WINDOWS, l_freq=1.0, reference=reference)  # without a warning
    assert "FCz, which was 0" in epochs_log(epochs).set_index("step")["done"]["reference"]
    with pytest.warns(RuntimeWarning, match="constant for a second"):
        make_epochs(raw, **WINDOWS)
    raw = mne.add_reference_channels(raw, "CPz")  # one of them is no reference
    with pytest.warns(RuntimeWarning, match="CPz in"):
        make_epochs(raw, **WINDOWS, reference=reference)


def test_line_noise_is_notched_and_a_rhythm_stays():
    raw = cap()
    raw._data += 2e-5 * np.sin(2 * np.pi * 50 * raw.times) + 5e-6 * np.sin(2 * np.pi * 20 * raw.times)
    plain, notched = (make_epochs(raw, **WINDOWS, notch=notch)[0] for notch in (None, 50.0))
    assert amplitude(plain, 50, "Cz") == pytest.approx(20, rel=0.05)
    assert amplitude(notched, 50, "Cz") < 0.5
    assert amplitude(notched, 20, "Cz") == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("method", ["regression", "ica"])
def test_blinks_are_removed_and_a_rhythm_stays(method):
    raw = cap(eog=True)
    shape = 2e-4 * np.exp(-0.5 * ((raw.times[:, None] - np.arange(2.0, 58.0, 3.1)) / 0.1) ** 2).sum(axis=1)
    raw._data[16] = 2 * shape + 1e-6 * np.random.default_rng(2).standard_normal(raw.n_times)
    for name, weight in dict(Fp1=1.0, Fp2=1.0, F3=0.4, Fz=0.4, F4=0.4).items():
        raw._data[NAMES.index(name)] += weight * shape
    raw._data[NAMES.index("O1")] += 8e-6 * np.sin(2 * np.pi * 10 * raw.times)
    raw._data[16] += 1e-3 * np.sin(2 * np.pi * 0.02 * raw.times)  # a drift of the EOG alone
    settings = dict(**WINDOWS, l_freq=1.0, h_freq=40.0, reference=[])
    dirty, clean = (make_epochs(raw, **settings, artifacts=how)[0] for how in (None, method))

    def correlation(epochs):
        frontal, eog = epochs.get_data(picks=["Fp1", "VEOG"]).transpose(1, 0, 2).reshape(2, -1)
        with_blinks = dirty.get_data(picks=["VEOG"]).ravel()
        return abs(np.corrcoef(frontal, with_blinks)[0, 1])

    assert correlation(dirty) > 0.8
    assert correlation(clean) < 0.3
    assert amplitude(clean, 10, "O1") == pytest.approx(amplitude(dirty, 10, "O1"), rel=0.15)
    assert epochs_log(clean)["step"].tolist() == ["subject", "filter", "reference", "artefacts", "epochs"]


def test_heart_beats_are_removed_and_the_brain_stays(data_path):
    file = data_path / "eegmmidb" / "S001" / "S001R04.edf"
    raw = mne.io.read_raw_edf(file, preload=True, verbose="ERROR").pick(range(0, 64, 4)).crop(0, 80)
    heart = read_raw_wfdb(data_path / "mitdb" / "101").pick([0]).crop(0, 85).resample(160.0, verbose="ERROR")
    beat = heart.get_data()[0, : raw.n_times]
    weights = np.linspace(-0.04, 0.04, 16)  # 1 mV at the chest, up to 40 µV at the head
    truth = make_epochs(raw, **WINDOWS, l_freq=1.0, h_freq=40.0)[0]
    raw._data += weights[:, None] * beat
    info = mne.create_info(["chest"], 160.0, "ecg")
    raw.add_channels([mne.io.RawArray(beat[None], info, verbose="ERROR")], force_update_info=True)
    settings = dict(**WINDOWS, l_freq=1.0, h_freq=40.0)
    dirty, clean = (make_epochs(raw, **settings, artifacts=how)[0] for how in (None, "ica"))

    def share(epochs):
        """How much of the heart that was planted is in the epochs."""
        signal, chest = epochs.get_data(picks="eeg"), epochs.get_data(picks="ecg")
        planted = (weights[:, None] * chest).ravel()
        return (signal - truth.get_data()).ravel() @ planted / (planted @ planted)

    assert "of the heart" in epochs_log(clean)["done"].iloc[2]
    assert share(dirty) == pytest.approx(1, abs=1e-6)
    assert abs(share(clean)) < 0.1
    for channel in (0, 7, 15):
        pair = (epochs.get_data(picks="eeg")[:, channel].ravel() for epochs in (clean, truth))
        assert np.corrcoef(*pair)[0, 1] > 0.9


def test_ica_that_does_not_converge_is_told_of_in_the_log(monkeypatch):
    monkeypatch.setattr(mne.preprocessing, "ICA", partial(mne.preprocessing.ICA, max_iter=1))
    settings = dict(**WINDOWS, l_freq=1.0, artifacts="ica", eog="Fp1")
    (epochs,) = make_epochs(cap(20), **settings)
    assert "(not converged in 1 iterations)" in epochs_log(epochs)["done"].iloc[2]


def test_artifacts_need_channels_to_tell_them_by():
    for method in ("regression", "ica"):
        with pytest.raises(ValueError, match="ch_types"):
            make_epochs(cap(), **WINDOWS, artifacts=method)
    with pytest.raises(ValueError, match="needs a reference"):
        make_epochs(cap(eog=True), **WINDOWS, artifacts="regression")


def test_average_reference_and_resampling():
    (epochs,) = make_epochs(cap(), **WINDOWS, reference="average", sfreq=100.0, picks=["C3", "Cz"])
    (every,) = make_epochs(cap(), **WINDOWS, reference="average", sfreq=100.0)
    np.testing.assert_allclose(every.get_data().mean(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(epochs.get_data(), every.get_data(picks=["C3", "Cz"]))  # picked afterwards
    assert epochs.get_data().shape == (30, 2, 200)
    assert epochs_log(epochs)["done"].tolist()[1:] == ["average", "from 200 to 100 Hz", "30 of 30 kept"]


def test_recordings_of_different_rates_are_resampled_on_request():
    raws = [cap(sfreq=200.0), cap(sfreq=160.0)]
    settings = dict(windows=dict(duration=2.0), classes=["rest", "task"])
    with pytest.raises(ValueError, match=r"200 Hz: recording 0; 160 Hz: recording 1"):
        make_epochs(raws, **settings)
    view = EpochsView(make_epochs(raws, **settings, sfreq=100.0))
    assert view.sfreq == 100
    assert view.labels.tolist() == ["rest"] * 30 + ["task"] * 30


def test_windows_overlap_and_carry_their_recording():
    epochs = make_epochs(
        [cap(10), cap(10)], windows=dict(duration=2.0, overlap=1.5), classes=["rest", "task"]
    )
    view = EpochsView(epochs, groups="file")
    assert view.groups.tolist() == np.repeat(view.groups[[0, 17]], 17).tolist()
    assert view.groups[0] != view.groups[17]
    np.testing.assert_allclose(view.metadata["onset"][:17], 0.5 * np.arange(17))
    np.testing.assert_array_equal(np.asarray(view[0])[0, :, 100:], np.asarray(view[1])[0, :, :300])


@pytest.mark.parametrize(("sfreq", "n_times"), [(160.5, 48), (162.0, 48), (250.0, 75), (101.0, 30)])
def test_windows_at_odd_rates_share_no_sample(sfreq, n_times):
    raw = cap(20, sfreq=sfreq)
    raw.set_annotations(mne.Annotations([0.0, 10.0], [10.0, 10.0], ["calm", "busy"]))
    events = dict(rest="calm", task="busy")
    (epochs,) = make_epochs(raw, windows=dict(duration=0.3), events=events)
    starts = epochs.events[:, 0]
    assert len(epochs.times) == n_times
    assert np.diff(starts).min() >= n_times
    assert starts[EpochsView(epochs).labels == "rest"].max() + n_times <= round(10 * sfreq)
    assert len(epochs) == 66


def test_windows_lie_within_the_spans_of_their_class():
    raw = cap(30).crop(5.0)  # a recording whose first sample is not 0
    raw.set_annotations(mne.Annotations([1.0, 12.0], [5.0, 7.0], ["calm", "busy"]))
    events = dict(rest="calm", task="busy")
    (epochs,) = make_epochs(raw, windows=dict(duration=2.0, overlap=1.0), events=events)
    onsets = epochs.metadata["onset"].to_numpy()
    labels = EpochsView(epochs).labels
    np.testing.assert_allclose(onsets[labels == "rest"], [1, 2, 3, 4])
    np.testing.assert_allclose(onsets[labels == "task"], [12, 13, 14, 15, 16, 17])
    with pytest.raises(ValueError, match=r"no stretch of 9 s of .*'calm': 1"):
        make_epochs(raw, windows=dict(duration=9.0), events=events)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(windows=dict(duration=2.0)), "Windows need a class"),
        (dict(windows=dict(duration=2.0), classes="rest"), "classes must be a list"),
        (dict(windows=dict(duration=2.0, overlap=2.0), classes=["a"]), "0 <= overlap < duration"),
        (dict(windows=dict(length=2.0), classes=["a"]), "windows must be dict"),
        (dict(tmin=0.0, tmax=1.0, classes=["a"]), "classes= is for windows="),
        (
            dict(**WINDOWS, l_freq=0.02),
            "filter from 0.02 to None Hz is 165 s long, and recording 0 only 60 s",
        ),
        (dict(windows=dict(overlap=1.0), classes=["a"]), "windows must be dict"),
        (dict(windows=2.0, classes=["a"]), "windows must be dict"),
        (dict(**WINDOWS, reference="avg"), r"reference \['avg'\] are no channels of recording 0"),
        (dict(**WINDOWS, picks="Fp1", artifacts="ica", eog=[]), "neither an EOG nor an ECG channel"),
        (dict(**WINDOWS, reference=["M1"]), r"reference \['M1'\] are no channels of recording 0"),
        (dict(**WINDOWS, artifacts="ica", eog="EOG1"), r"eog \['EOG1'\] are no channels of recording 0"),
        (dict(**WINDOWS, reject="all"), 'reject must be None, "auto" or a dict'),
        (dict(**WINDOWS, montage="standard_1006"), "Allowed values"),
        (dict(**WINDOWS, notch=[50.0, 100.0]), "notch must be between 0 and 100 Hz"),
        (dict(**WINDOWS, artifacts="magic"), "artifacts must be None"),
        (dict(**WINDOWS, bads="some"), "bads must be None"),
        (
            dict(**WINDOWS, reject=dict(eeg=1e-7)),
            "all of its 30 epochs were rejected by eeg peak to peak above",
        ),
        (dict(**WINDOWS, bids=dict(tasks="x")), "bids= is for recordings that are one BIDS root"),
    ],
)
def test_settings_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_epochs(cap(), **arguments)


def test_names_and_positions_are_those_of_the_standard():
    raw = cap()
    raw.rename_channels(lambda name: name.upper().ljust(4, "."))
    (epochs,) = make_epochs(raw, **WINDOWS, rename="standard", montage="standard_1005")
    assert epochs.ch_names == NAMES
    assert np.isfinite(epochs.get_montage().get_positions()["ch_pos"]["Fp1"]).all()
    with pytest.raises(ValueError, match="no position for FP1., FP2."):
        make_epochs(raw, **WINDOWS, montage="standard_1005")


def test_standard_names_are_those_of_eegbci(data_path):
    file = data_path / "eegmmidb" / "S001" / "S001R04.edf"
    (epochs,) = make_epochs(file, tmin=0.0, tmax=1.0, rename="standard", montage="standard_1005")
    expected = mne.io.read_raw_edf(file, verbose="ERROR")
    mne.datasets.eegbci.standardize(expected)
    assert epochs.ch_names == expected.ch_names
    assert epochs.metadata[["subject", "run"]].drop_duplicates().to_numpy().tolist() == [["S001", "04"]]


def test_rejected_epochs_are_in_the_log_which_survives_views_and_pickle():
    raw = cap()
    raw._data[5, 4 * 200 : 5 * 200] += 1e-3 * np.hanning(200)
    raw.set_annotations(mne.Annotations([20.5], [0.5], ["bad_movement"]))
    epochs = make_epochs([raw, cap(seed=3)], **{**WINDOWS, "classes": ["a", "b"]}, reject=dict(eeg=5e-4))
    view = pickle.loads(pickle.dumps(EpochsView(epochs)))[10:50]
    log = epochs_log(view)
    kept = log[log["step"] == "epochs"]
    assert kept["done"].tolist() == ["28 of 30 kept; 2 dropped for C3 (1), bad_movement (1)", "30 of 30 kept"]
    assert kept["n_dropped"].tolist() == [2, 0]


def test_transformed_samples_keep_the_log_of_their_recordings():
    epochs = make_epochs([cap(), cap(seed=3)], **{**WINDOWS, "classes": ["a", "b"]}, h_freq=40.0)
    view = EpochsView(epochs)
    shuffled = view[np.random.default_rng(0).permutation(len(view))]
    transformed = make_pipeline(Crop(0.0, 1.0), Standardize()).fit_transform(shuffled)
    pd.testing.assert_frame_equal(epochs_log(transformed), epochs_log(epochs))


def test_epochs_of_other_origin_have_an_empty_log():
    events = np.column_stack([np.arange(4), np.zeros(4, int), [1, 2, 1, 2]])
    epochs = mne.EpochsArray(np.zeros((4, 2, 10)), mne.create_info(2, 100.0, "eeg"), events, verbose="ERROR")
    assert epochs_log(epochs).empty


def test_a_notch_that_is_longer_than_the_recording_is_refused():
    with pytest.raises(ValueError, match="that notches 50 Hz is 6.61 s long, and recording 0 only 4 s"):
        make_epochs(cap(4), **WINDOWS, notch=50.0)


def test_recordings_of_the_heart_are_filtered():
    raw = cap().set_channel_types(dict.fromkeys(NAMES, "ecg"), verbose="ERROR")
    raw._data += 1e-3 * np.sin(2 * np.pi * 0.1 * raw.times)
    (epochs,) = make_epochs(raw, **WINDOWS, l_freq=2.0)
    assert np.abs(epochs.get_data().mean(axis=(1, 2))).max() < 1e-5  # of a drift of 1 mV
    with pytest.raises(ValueError, match="is for EEG, MEG and EOG channels; recording 0 has ecg"):
        make_epochs(raw, **WINDOWS, reject="auto")


@pytest.mark.parametrize("stim", [False, True])
@pytest.mark.parametrize("preload", [False, True])
def test_a_cropped_raw_is_cut_at_its_events_and_stays_as_it_was(write_recording, stim, preload):
    raw = mne.io.read_raw(write_recording("a_raw.fif", stim=stim), preload=preload).crop(2.5, 40.0)
    before = raw.copy().load_data()
    events = dict(left=5, right=6) if stim else EVENTS
    span = dict(tmin=0.0, tmax=0.98, picks="eeg")
    for sfreq, filters in ((None, {}), (50.0, dict(h_freq=20.0))):
        (epochs,) = make_epochs(raw, events=events, **span, sfreq=sfreq, **filters)
        labels = EpochsView(epochs).labels
        assert labels.tolist() == (["right", "left"] * 10)[:19]  # the first one was cropped off
        assert rhythm(epochs)[labels == "left"].min() > 2
        assert rhythm(epochs)[labels == "right"].max() < 1
        np.testing.assert_allclose(epochs.metadata["onset"], 0.5 + 2 * np.arange(19))
    assert raw.preload == preload
    assert raw.ch_names == before.ch_names
    np.testing.assert_array_equal(raw.get_data(), before.get_data())


def test_files_of_the_same_name_are_told_apart_by_their_folder(write_recording):
    paths = [write_recording(f"S00{i}/eeg_raw.fif") for i in (1, 2)]
    view = EpochsView(make_epochs(paths, tmin=0.0, tmax=1.0), groups="file")
    assert view.groups.tolist() == ["S001/eeg_raw.fif"] * 24 + ["S002/eeg_raw.fif"] * 24
    assert set(view.metadata["subject"]) == {"S001", "S002"}


def test_a_folder_of_windows_is_looked_for_and_other_objects_are_refused():
    with pytest.raises(FileNotFoundError, match=r"S001R04\.edf"):
        make_epochs(PureWindowsPath("C:/data/S001/S001R04.edf"), tmin=0.0, tmax=1.0)
    with pytest.raises(TypeError, match="must be paths or mne.io.Raw objects, got NoneType"):
        make_epochs([None], tmin=0.0, tmax=1.0)
    with pytest.raises(TypeError, match=r"events must be None or a dict .*, got \['T1'\]"):
        make_epochs(cap(20), events=["T1"], tmin=0.0, tmax=1.0)
    with pytest.raises(ValueError, match="no components in recording 0, which has 1 good EEG channels"):
        make_epochs(cap(20).pick(["Fp1"]), **WINDOWS, artifacts="ica", eog="Fp1")
    epochs = make_epochs(cap(20), **WINDOWS)[0]
    with pytest.raises(TypeError, match="must be paths or mne.io.Raw objects, got Epochs"):
        make_epochs(epochs, **WINDOWS)


def test_missing_autoreject_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "autoreject", None)
    with pytest.raises(ImportError, match=r'pip install "mne-cnnclass\[autoreject\]"'):
        make_epochs(cap(20), **WINDOWS, reject="auto")


def test_autoreject_finds_a_threshold():
    autoreject = pytest.importorskip("autoreject")
    raw = cap()
    for start in (4, 20, 40):
        raw._data[:, start * 200 : (start + 1) * 200] += 2e-3 * np.hanning(200)
    (epochs,) = make_epochs(raw, **WINDOWS, reject="auto")
    assert not {2, 10, 20} & set(epochs.selection)
    every = make_epochs(raw, **WINDOWS)[0]
    limit = autoreject.get_rejection_threshold(every, random_state=0, verbose=False)["eeg"]
    good = np.flatnonzero(np.ptp(every.get_data(), axis=2).max(axis=1) <= limit)
    assert epochs.selection.tolist() == good.tolist()
    assert len(good) > 20
    log = epochs_log(epochs)["done"].iloc[1:]
    assert log.iloc[0] == f"eeg peak to peak above {1e6 * limit:.3g} µV"
    assert log.iloc[1].startswith(f"{len(good)} of 30 kept; {30 - len(good)} dropped for ")
    with pytest.raises(ValueError, match="needs at least 5 epochs; recording 0 has 4"):
        make_epochs(cap(8), **WINDOWS, reject="auto")


def test_bids_root(tmp_path, data_path):
    mne_bids = pytest.importorskip("mne_bids")
    for subject in ("01", "02"):
        raw = mne.io.read_raw_edf(
            data_path / "eegmmidb" / f"S0{subject}" / f"S0{subject}R04.edf", verbose="ERROR"
        )
        raw.info["line_freq"] = 60
        names = dict(subject=subject, session="1", run="2", task="hands", datatype="eeg", root=tmp_path)
        mne_bids.write_raw_bids(raw, mne_bids.BIDSPath(**names), verbose="ERROR")
    epochs = make_epochs(tmp_path, events=EVENTS, tmin=0.0, tmax=1.0, group="subject")
    table = EpochsView(epochs).metadata
    assert table["subject"].value_counts().to_dict() == {"sub-01": 15, "sub-02": 15}
    assert set(table["session"]) == {"1"}
    assert set(table["run"]) == {"2"}
    assert len(make_epochs(tmp_path, tmin=0.0, tmax=1.0, bids=dict(subjects="02"))) == 1


def test_missing_mne_bids_says_how_to_install_it(tmp_path, monkeypatch):
    (tmp_path / "dataset_description.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "mne_bids", None)
    with pytest.raises(ImportError, match=r'pip install "mne-cnnclass\[bids\]"'):
        make_epochs(tmp_path, tmin=0.0, tmax=1.0)


def test_the_report_shows_the_log():
    epochs = make_epochs(
        [cap(), cap(seed=3)], windows=dict(duration=2.0), classes=["rest", "task"], l_freq=1.0
    )
    result = evaluate(DummyClassifier(), EpochsView(epochs), cv=3)
    pages = {title: page for title, page, *_ in data_pages(result)}
    assert "from 1 Hz (transition 1 Hz)" in pages["Preparation of each recording"]
