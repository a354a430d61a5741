"""Epochs of any cap, rate and length become those that a trained model gets."""

import mne
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier, EpochsView, load_classifier, save_classifier
from mne_cnnclass.preprocessing import EuclideanAlignment, ToElectrodes
from tests.planted import planted_epochs

ELECTRODES = ["C4", "Cz", "C3", "FC3"]


def same(**changes):
    return ToElectrodes(
        ELECTRODES, **(dict(required=["C3", "C4"], sfreq=100.0, duration=0.8, start=(0, 0.1)) | changes)
    )


def test_channels_are_found_by_name_and_missing_ones_are_silent():
    epochs = planted_epochs(6)
    epochs.rename_channels({"C3": "EEG C3-REF", "C4": "C4..", "Cz": "cz"})
    view = same().fit_transform(EpochsView(epochs, groups=["S1"] * 6))
    assert view.ch_names == ELECTRODES
    data = planted_epochs(6).get_data()[..., :80]
    np.testing.assert_allclose(view.read()[:, :3], data[:, [3, 2, 1]])
    assert not view.read()[:, 3].any()
    assert view.labels.tolist() == ["left", "right"] * 3
    assert view.groups.tolist() == ["S1"] * 6


def test_another_rate_is_resampled_and_longer_epochs_are_cut_from_the_event_on():
    t = np.arange(-100, 300) / 200
    data = np.tile(1e-6 * np.cos(2 * np.pi * 5 * t), (3, 2, 1))
    epochs = mne.EpochsArray(data, mne.create_info(["C3", "C4"], 200.0, "eeg"), tmin=-0.5)
    view = same().fit_transform(epochs)
    assert view.shape == (3, 4, 80)
    assert view.times[0] == 0.0
    np.testing.assert_allclose(view.read()[0, 2], 1e-6 * np.cos(2 * np.pi * 5 * view.times), atol=2e-8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.drop_channels(["C4"]), "X is missing C4, of which C3, C4 are all needed; it has Fz"),
        (lambda e: e.crop(0.3, None), "beginning 0 to 0.1 s after the event, are needed, got 0.3 to"),
        (lambda e: e.crop(0.0, 0.5), "Epochs of 0.8 s"),
        (lambda e: e.filter(8, 20, verbose=False), "must be filtered from 4 to 38 Hz"),
    ],
)
@pytest.mark.filterwarnings("ignore:filter_length")
def test_what_can_not_be_brought_there_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        same(band=(4, 38)).fit(change(planted_epochs(6)))


def test_bad_and_unnamed_channels_are_refused():
    epochs = planted_epochs(6)
    epochs.info["bads"] = ["C3"]
    with pytest.raises(ValueError, match="missing C3"):
        same().fit(epochs)
    with pytest.raises(TypeError, match="found by their names, which an array does not have"):
        same().fit(planted_epochs(6).get_data())


def test_a_model_of_one_cap_predicts_another_alone_and_after_loading(tmp_path):
    parts = [planted_epochs(24, ch_names=("FC3", "C3", "Cz", "C4"), seed=k) for k in range(3)]
    people = EpochsView(parts, groups=np.repeat(["a", "b", "c"], 24))
    network = CNNClassifier("EEGNet", max_epochs=15, lr=0.01, standardize=False, random_state=0)
    clf = make_pipeline(same(), EuclideanAlignment(), network).fit(people)
    new = planted_epochs(24, ch_names=("C3", "Oz", "C4", "Cz"), sfreq=200.0, n_times=200, seed=9)
    predicted = clf.predict(new)  # one recording is one person
    assert (predicted == EpochsView(new).labels).mean() > 0.9
    save_classifier(clf, tmp_path / "any.mcnn")
    np.testing.assert_array_equal(load_classifier(tmp_path / "any.mcnn").predict(new), predicted)


def test_online_alignment_keeps_silent_channels_silent():
    people = EpochsView([planted_epochs(8, seed=k) for k in range(2)], groups=np.repeat(["a", "b"], 8))
    aligned = EuclideanAlignment(online=True).fit(people)
    new = planted_epochs(8, seed=5)
    new._data[:, 4] = 0.0
    out = aligned.transform(EpochsView(new, groups=["c"] * 8)).read()
    assert not out[:, 4].any()
    assert np.isfinite(out).all()
    assert out[:, :4].std() > 0.5


@pytest.mark.parametrize("sfreq", [90.0, 100.0, 128.0, 160.0, 250.0, 256.0, 500.0, 512.0, 1000.0])
@pytest.mark.parametrize("tmin", [-0.5, -0.2, 0.0, 0.05])
def test_any_rate_and_start_gives_the_same_length(sfreq, tmin):
    n_times = round((0.8 + max(0.0, -tmin)) * sfreq)
    epochs = mne.EpochsArray(np.ones((2, 2, n_times)), mne.create_info(["C3", "C4"], sfreq, "eeg"), tmin=tmin)
    view = same().fit_transform(epochs)
    assert view.shape == (2, 4, 80)
    assert abs(view.times[0] - max(epochs.times[0], 0.0)) <= 0.5 / 100 + 1e-9
