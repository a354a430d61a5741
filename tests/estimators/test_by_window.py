"""A network for each window after the event: the window of the samples decides which one predicts."""

import numpy as np
import pytest
from planted import planted_epochs
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from mne_cnnclass import (
    CNNClassifier,
    EpochsView,
    FineTunedClassifier,
    explain,
    load_classifier,
    save_classifier,
)
from mne_cnnclass.estimators.by_window import WindowClassifier
from mne_cnnclass.estimators.saving.files import NO_CHECKSUM, pack, read_file
from mne_cnnclass.live import LiveClassifier
from mne_cnnclass.preprocessing import Standardize


def epochs_from(start, seed=0, n_epochs=40):
    """Epochs of a window; in that from 1 s on the classes have changed places."""
    epochs = planted_epochs(n_epochs, seed=seed).shift_time(start, relative=False)
    if start >= 1:
        epochs.event_id = dict(left=2, right=7)
    return EpochsView(epochs, groups=np.repeat(["a", "b"], n_epochs // 2))


@pytest.fixture(scope="module")
def clf():
    network = CNNClassifier("EEGNet", max_epochs=15, lr=0.02, batch_size=16, random_state=0)
    scale = Standardize().fit(epochs_from(0.0))
    networks = [clone(network).fit(scale.transform(epochs_from(start))) for start in (0.0, 1.0)]
    return make_pipeline(scale, WindowClassifier.of_fitted([0.0, 1.0], networks))


def test_samples_are_predicted_by_the_network_whose_window_begins_closest(clf):
    for start, of in ((0.0, 0.0), (1.0, 1.0)):
        new = epochs_from(start, seed=1)
        assert clf.score(new) > 0.9
        alone = clf[-1].nearest(of).predict_proba(clf[0].transform(new))
        np.testing.assert_array_equal(clf.predict_proba(new), alone)
    assert clf[-1].nearest(0.5) is clf[-1].nearest(-3.0) is clf[-1].estimators_[0]
    with pytest.warns(RuntimeWarning, match=r"had 1 s"):
        between = clf.predict(epochs_from(0.9, seed=1))
    assert np.mean(between == epochs_from(1.0, seed=1).labels) > 0.9
    with pytest.raises(TypeError, match="when samples begin"):
        clf[-1].predict(np.asarray(epochs_from(0.0)))


def test_files_fine_tuning_explanations_and_new_fits_go_by_the_window(clf, tmp_path):
    save_classifier(clf, tmp_path / "both.mcnn")
    loaded = load_classifier(tmp_path / "both.mcnn")
    late = epochs_from(1.0, seed=2)
    np.testing.assert_array_equal(loaded.predict_proba(late), clf.predict_proba(late))
    tuned = FineTunedClassifier(loaded, max_epochs=1).fit(late[:20])
    assert tuned.score(late[20:]) > 0.9
    assert isinstance(tuned.estimator_[-1], CNNClassifier)
    assert len(loaded[-1].nearest(1.0).history_) == len(tuned.estimator_[-1].history_) - 1
    patterns = explain.spatial_patterns(clf, late)
    own = explain.spatial_patterns(make_pipeline(clf[0], clf[-1].nearest(1.0)), late)
    np.testing.assert_array_equal(patterns.data, own.data)
    with pytest.raises(TypeError, match=r"nearest\(start\)"):
        explain.temporal_filters(clf)
    anew = clone(clf).fit(late, late.labels)
    assert anew[-1].starts_ == [1.0]
    assert anew.score(epochs_from(1.0, seed=3)) > 0.9


@pytest.mark.parametrize("starts", [[0.0], [0.0, "1"], [], None])
def test_a_file_whose_windows_do_not_fit_its_classifiers_is_refused(starts, clf, tmp_path):
    save_classifier(clf, tmp_path / "both.mcnn")
    header, tensors = read_file(tmp_path / "both.mcnn")
    header["steps"][1][1]["starts"] = starts
    (tmp_path / "both.mcnn").write_bytes(pack(header | {"sha256": NO_CHECKSUM}, tensors))
    with pytest.raises(ValueError, match="both.mcnn"):
        load_classifier(tmp_path / "both.mcnn")


def test_a_stream_is_predicted_by_the_network_of_the_window_that_is_cut(clf):
    info, window = epochs_from(0.0).info, np.asarray(epochs_from(0.0, seed=4))[0]
    labels = []
    for tmin in (0.0, 1.0):
        session = LiveClassifier(clf, step=1.0, tmin=tmin, trained_live=True).open(info)
        labels += [decision.label for decision in session.push(window)]
    assert labels == ["left", "right"]
