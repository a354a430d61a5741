"""Several networks as one, and networks whose answer to a mirrored sample is the mirrored answer."""

import mne
import numpy as np
import pandas as pd
import pytest
from planted import planted_epochs
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier, EpochsView, evaluate
from mne_cnnclass.networks.mirror import mirrored_channels
from mne_cnnclass.preprocessing import EuclideanAlignment
from mne_cnnclass.report.methods import write_methods


def quick(**params):
    return CNNClassifier(
        "EEGNet", **{"max_epochs": 3, "lr": 0.02, "random_state": 0, "n_threads": 1, **params}
    )


@pytest.fixture(scope="module")
def view():
    return EpochsView(planted_epochs(32))


@pytest.fixture(scope="module")
def three(view):
    return quick(n_members=3).fit(view)


def mirrored(view):
    data = np.asarray(view)[:, mirrored_channels(view.info["chs"])]
    return mne.EpochsArray(data, view.info, verbose=False)


def test_members_are_averaged_and_the_first_is_the_network_that_one_alone_would_be(view, three):
    alone = quick().fit(view)
    first, *others = three.module_.members
    for name, weights in alone.module_.state_dict().items():
        assert first.state_dict()[name].equal(weights)
    assert not any(other.conv_temporal.weight.equal(first.conv_temporal.weight) for other in others)
    proba = []
    for member in three.module_.members:
        alone.module_ = member
        proba.append(alone.predict_proba(view))
    np.testing.assert_allclose(three.predict_proba(view), np.mean(proba, axis=0), atol=1e-6)


def test_history_tells_of_each_member(three):
    assert three.history_.groupby("member")["epoch"].apply(list).tolist() == [[1, 2, 3]] * 3


def test_an_ensemble_trains_on(view, three):
    further = clone(three).fit(view).set_params(warm_start=True, max_epochs=2).fit(view)
    assert further.history_.groupby("member")["epoch"].max().tolist() == [5, 5, 5]
    before, after = three.module_.members, further.module_.members
    assert not any(a.conv_temporal.weight.equal(b.conv_temporal.weight) for a, b in zip(before, after))  # noqa: B905
    with pytest.raises(ValueError, match="but n_members changed since"):
        further.set_params(n_members=2).fit(view)


def test_an_ensemble_is_calibrated_and_validated(view):
    clf = quick(n_members=2, calibrate=True, validation_fraction=0.25, patience=1, max_epochs=8).fit(view)
    assert clf.temperature_ != 1.0
    assert clf.history_["valid_loss"].notna().all()


@pytest.mark.parametrize("model", ["EEGNet", "MultiScaleCNN"])
def test_the_answer_to_a_mirrored_sample_is_the_mirrored_answer(view, model):
    clf = quick(symmetry="left_right").set_params(model=model).fit(view)
    direct, other = clf.predict_proba(view), clf.predict_proba(mirrored(view))
    np.testing.assert_allclose(other, direct[:, ::-1], atol=1e-6)
    assert np.abs(direct - 0.5).max() > 0.01


def test_side_inputs_and_members_go_along(view):
    epochs = view.epochs.copy()
    epochs.metadata = pd.DataFrame(dict(age=np.arange(len(epochs)) % 7))
    clf = quick(symmetry="left_right", side_inputs=["age"], n_members=2).fit(epochs)
    assert clf.predict_proba(epochs).shape == (len(epochs), 2)


def test_a_class_without_a_side_stays(view):
    labels = np.where(np.arange(len(view)) % 4 == 3, "feet", view.labels)
    clf = quick(symmetry="left_right").fit(view, labels)
    feet, left, right = np.searchsorted(clf.classes_, ["feet", "left", "right"])
    direct, other = clf.predict_proba(view), clf.predict_proba(mirrored(view))
    np.testing.assert_allclose(other[:, [feet, left, right]], direct[:, [feet, right, left]], atol=1e-6)


def test_what_can_not_be_mirrored_is_named(view):
    with pytest.raises(ValueError, match="symmetry='left_right': it needs the names of channels"):
        quick(symmetry="left_right").fit(np.asarray(view), view.labels)
    with pytest.raises(ValueError, match=r"it needs a partner .* but \['C3'\]"):
        quick(symmetry="left_right").fit(view.pick(["C3", "Cz"]))
    with pytest.raises(ValueError, match="classes must be two of"):
        quick(symmetry=("left_right", {"classes": ["left", "up"]})).fit(view)
    for wrong in ("up_down", ("left_right", {"pair": []}), 3):
        with pytest.raises(ValueError, match="symmetry must be None, 'left_right' or"):
            quick(symmetry=wrong).fit(view)
    with pytest.raises(ValueError, match="n_members == 0, must be >= 1"):
        quick(n_members=0).fit(view)


def test_methods_tell_of_them(view):
    pipeline = make_pipeline(EuclideanAlignment(), quick(n_members=2, symmetry="left_right", max_epochs=1))
    result = evaluate(pipeline, view, groups=np.arange(len(view)) % 4, cv=2)
    text, bibtex = write_methods(result, result.permutation_test(n_permutations=10))
    assert "were aligned by all of its test samples, without their labels" in text
    assert "probabilities of 2 such networks" in text
    assert "channels of both hemispheres exchanged" in text
    assert "@inproceedings{Lakshminarayanan2017," in bibtex


def test_names_as_files_write_them(view):
    channels = [dict(ch, ch_name=f"{ch['ch_name'].capitalize()}..") for ch in view.info["chs"]]
    assert mirrored_channels(channels) == mirrored_channels(view.info["chs"]) == [0, 3, 2, 1, 4]
