"""The classifier of flicker works untrained, gains by training, and is saved; real people are told apart."""

import os
from pathlib import Path

import mne
import numpy as np
import pytest
from flickering import FREQUENCIES, SFREQ, flickering

from mne_cnnclass import (
    CNNClassifier,
    EpochsView,
    SSVEPClassifier,
    load_classifier,
    recipe,
    save_classifier,
)
from mne_cnnclass.estimators.saving.files import read_file, write_file

NO_REST = {label: hz for label, hz in FREQUENCIES.items() if hz}
SMALL = dict(ssvepclassifier__estimator__n_members=1)
RECORDINGS = Path(os.environ.get("MNE_CNNCLASS_DATA", "")) / "ssvep_exo"


def accuracy(pipeline, view):
    return (pipeline.predict(view) == view.labels).mean()


def test_untrained_it_needs_no_labels():
    view = flickering(frequencies=NO_REST)
    clf = SSVEPClassifier(NO_REST, trained=False, sfreq=SFREQ).fit(np.asarray(view))
    assert clf.classes_.tolist() == sorted(NO_REST)
    proba = clf.predict_proba(np.asarray(view))
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert (clf.classes_[proba.argmax(axis=1)] == view.labels).mean() > 0.95
    pipeline = recipe("ssvep", frequencies=FREQUENCIES).set_params(ssvepclassifier__trained=False)
    wrong = EpochsView(view, labels=view.labels[::-1])
    np.testing.assert_array_equal(pipeline.fit(wrong).predict_proba(view), proba)


def test_training_helps_where_another_rhythm_is_in_the_way():
    view = flickering(30, frequencies=NO_REST, amplitude=0.25, alpha=3.0)
    train, test = view[:45], view[45:]
    pipeline = recipe("ssvep", frequencies=NO_REST, random_state=0)
    after = accuracy(pipeline.fit(train), test)
    before = accuracy(pipeline.set_params(ssvepclassifier__trained=False).fit(train), test)
    assert 0.5 < before < after - 0.1


def test_rest_is_learnt():
    view = flickering(30)
    train, test = view[:60], view[60:]
    trained = recipe("ssvep", frequencies=FREQUENCIES, random_state=0).fit(train)
    assert trained.classes_.tolist() == sorted(FREQUENCIES)
    assert accuracy(trained, test) > 0.9
    assert (trained.predict(test[test.labels == "rest"]) == "rest").mean() > 0.8


def test_few_trials_are_not_learnt_from():
    view = flickering()
    first = np.sort([np.flatnonzero(view.labels == label)[0] for label in NO_REST])
    few = recipe("ssvep", frequencies=FREQUENCIES).fit(view[first])
    assert few[-1].learnt_ is None
    assert few.classes_.tolist() == sorted(NO_REST)
    flickers = view[view.labels != "rest"]
    assert accuracy(few, flickers) > 0.9


def test_each_epoch_is_predicted_on_its_own():
    """So the causal variant is the same."""
    view = flickering()
    fits = [
        recipe("ssvep", frequencies=FREQUENCIES, causal=causal, random_state=0).set_params(**SMALL).fit(view)
        for causal in (False, True)
    ]
    together = fits[0].predict_proba(view)
    np.testing.assert_array_equal(fits[1].predict_proba(view), together)
    np.testing.assert_allclose(fits[0].predict_proba(view[5:6]), together[5:6], rtol=1e-5, atol=1e-7)


def test_units_do_not_matter():
    view = flickering()
    in_volts = SSVEPClassifier(FREQUENCIES, sfreq=SFREQ, random_state=0).fit(np.asarray(view), view.labels)
    X = 1e6 * np.asarray(view) + 3.0
    in_microvolts = SSVEPClassifier(FREQUENCIES, sfreq=SFREQ, random_state=0).fit(X, view.labels)
    np.testing.assert_allclose(
        in_microvolts.predict_proba(X), in_volts.predict_proba(np.asarray(view)), atol=1e-3
    )


def test_flat_channels_are_told():
    view = flickering()
    X, clf = np.asarray(view).copy(), SSVEPClassifier(FREQUENCIES, sfreq=SFREQ, random_state=0)
    X[:, 3] = 1.0
    with pytest.warns(RuntimeWarning, match=r"Flat channel\(s\) number 3: .* mark them bad"):
        clf.fit(X, view.labels)
    assert (clf.predict(X) == view.labels).mean() > 0.9
    with pytest.raises(ValueError, match="All channels of the training samples are flat"):
        clf.fit(np.zeros_like(X), view.labels)


def test_damaged_files_are_refused(tmp_path):
    fitted = recipe("ssvep", frequencies=FREQUENCIES, random_state=0).set_params(**SMALL).fit(flickering())
    save_classifier(fitted[-1], tmp_path / "a.mcnn")
    assert load_classifier(tmp_path / "a.mcnn").get_params()["estimator__n_members"] == 1
    for change in (
        lambda header, tensors: header.update(pass_band=[20.0, 30.0]),
        lambda header, tensors: header["frequencies"].append(["18 Hz", 18.0]),
        lambda header, tensors: tensors.update(white=tensors["white"][1:]),
        lambda header, tensors: tensors["tangent"].fill_(np.nan),
        lambda header, tensors: tensors.pop("correlation"),
    ):
        header, tensors = read_file(tmp_path / "a.mcnn")
        change(header, tensors)
        header.pop("sha256", None)
        write_file(tmp_path / "b.mcnn", header, tensors)
        with pytest.raises(ValueError, match="damaged"):
            load_classifier(tmp_path / "b.mcnn")


def test_another_network_can_be_given():
    network = CNNClassifier("ShallowFBCSPNet", model_params=dict(filter_time_length=1), max_epochs=2)
    clf = SSVEPClassifier(FREQUENCIES, network, random_state=0).fit(flickering())
    assert clf.learnt_.network.max_epochs == 2
    assert network.get_params()["model_params"] == dict(filter_time_length=1)


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="needs the recordings of MNE_CNNCLASS_DATA")
def test_a_person_is_read_across_sessions():
    sessions = []
    for path in sorted(RECORDINGS.glob("subject01/*_raw.fif")):
        raw = mne.io.read_raw_fif(path, verbose="error")
        events = mne.read_events(str(path).replace("_raw", "-eve"))
        codes = {"rest": 1, "13 Hz": 2, "21 Hz": 3, "17 Hz": 4}
        epochs = mne.Epochs(raw, events, codes, 2, 5, baseline=None, preload=True, verbose="error")
        sessions.append(EpochsView(epochs))
    frequencies = {"rest": None, "13 Hz": 13.0, "21 Hz": 21.0, "17 Hz": 17.0}
    pipeline = recipe("ssvep", frequencies=frequencies, random_state=0)
    assert accuracy(pipeline.fit(sessions[0]), sessions[1]) > 0.75
    flickers = sessions[1][sessions[1].labels != "rest"]
    untrained = pipeline.set_params(ssvepclassifier__trained=False).fit(flickers)
    assert accuracy(untrained, flickers) > 0.8
