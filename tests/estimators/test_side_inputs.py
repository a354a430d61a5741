"""Numbers known of a sample besides its signal: its class may be in either, or in both together."""

import copy
import json
import pickle

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from mne_cnnclass import CNNClassifier, EpochsView, evaluate, load_classifier
from mne_cnnclass.estimators.saving.files import KEY
from mne_cnnclass.explain import (
    band_importance,
    channel_importance,
    component_contributions,
    saliency,
    spatial_patterns,
)
from mne_cnnclass.networks.build import build_module
from mne_cnnclass.networks.training import split_validation


def beats(n_epochs=96, *, truth="side", seed=0):
    """Epochs whose class is in the RR interval, in a 10 Hz rhythm at C3, or in whether both agree."""
    rng = np.random.default_rng(seed)
    late, rhythmic = rng.permuted(np.resize([[0, 0, 1, 1], [0, 1, 0, 1]], (2, n_epochs)), axis=1)
    code = {"side": late, "signal": rhythmic, "both": late ^ rhythmic}[truth]
    data = rng.standard_normal((n_epochs, 3, 100))
    phases = rng.uniform(0, 2 * np.pi, (n_epochs, 1))
    rhythm = 2 * np.sin(2 * np.pi * 10 * np.arange(100) / 100 + phases)
    data[rhythmic == 1, 0] += rhythm[rhythmic == 1]
    metadata = pd.DataFrame(
        {
            "rr": 0.8 + 0.2 * late + rng.normal(0, 0.03, n_epochs),
            "age": rng.integers(20, 80, n_epochs),
            "paced": rng.random(n_epochs) < 0.5,
            "site": rng.choice(["Bonn", "Graz"], n_epochs),
            "patient": np.arange(n_epochs) // 8,
        }
    )
    info = mne.create_info(["C3", "Cz", "C4"], 100.0, "eeg")
    events = np.column_stack([np.arange(n_epochs) * 100, np.zeros(n_epochs, int), code])
    event_id = dict(normal=0, ectopic=1)
    return mne.EpochsArray(data * 1e-6, info, events, event_id=event_id, metadata=metadata, verbose=False)


def quick(model="ShallowFBCSPNet", *, side_inputs=("rr",), **params):
    defaults = dict(max_epochs=12, random_state=0, n_threads=1)
    return CNNClassifier(model, side_inputs=side_inputs and list(side_inputs), **(defaults | params))


def changed(epochs, **columns):
    """The same epochs with other columns."""
    epochs = epochs.copy()
    epochs.metadata = epochs.metadata.assign(**columns)
    return epochs


@pytest.fixture(scope="module")
def train():
    return beats()


@pytest.fixture(scope="module")
def test():
    return beats(80, seed=1)


@pytest.fixture(scope="module")
def long(train):
    """Few windows of 7 s."""
    part = train[:24]
    data = np.tile(part.get_data(copy=True), 7)
    settings = dict(event_id=part.event_id, metadata=part.metadata, verbose=False)
    return EpochsView(mne.EpochsArray(data, part.info, part.events, **settings))


@pytest.fixture(scope="module")
def clf(train):
    return quick(side_inputs=["rr", "age", "paced"]).fit(train)


# -- what is learnt ------------------------------------------------------------------------------------


def test_a_class_that_is_only_in_the_side_input_is_found(train, test):
    assert quick(side_inputs=None).fit(train).score(test) < 0.7
    assert quick().fit(train).score(test) > 0.95


def test_a_class_that_is_only_in_the_signal_is_found_as_without():
    train, test = beats(truth="signal"), beats(80, truth="signal", seed=1)
    with_side, without = (quick(side_inputs=names).fit(train).score(test) for names in (["age"], None))
    assert min(with_side, without) > 0.95


def test_what_only_signal_and_side_input_say_together_is_found():
    train, test = beats(256, truth="both"), beats(80, truth="both", seed=1)
    clf = quick("MultiScaleCNN", max_epochs=30).fit(train)
    assert clf.score(test) > 0.95
    assert 0.3 < quick("MultiScaleCNN", side_inputs=None, max_epochs=4).fit(train).score(test) < 0.7
    shuffled = changed(test, rr=test.metadata["rr"].to_numpy()[np.random.default_rng(0).permutation(80)])
    assert 0.3 < clf.score(shuffled) < 0.7


def test_every_architecture_takes_them(long):
    names = ["EEGNet", "ShallowFBCSPNet", "MultiScaleCNN", "Deep4Net", "EEGConformer"]
    for name in names:
        clf = quick(name, max_epochs=1, batch_size=24).fit(long)
        start = build_module(**clf.network_.architecture).state_dict()
        assert sum(weight.numel() for weight in start.values()) < 1e6
        assert {part.split(".")[0] for part in start} == {"network", "side", "dense"}
        # whatever stands beside a sample: to the bit if as many do and the architecture is exact itself
        proba, order = clf.predict_proba(long), np.random.default_rng(0).permutation(24)
        tolerance = 0 if name == "MultiScaleCNN" else 1e-6
        np.testing.assert_allclose(clf.predict_proba(long[order]), proba[order], rtol=0, atol=tolerance)
        np.testing.assert_allclose(clf.predict_proba(long[3])[0], proba[3], rtol=0, atol=1e-6)


class Mean(torch.nn.Module):
    def __init__(self, n_chans, n_outputs):
        super().__init__()
        self.linear = torch.nn.Linear(n_chans, n_outputs)

    def forward(self, x):
        return self.linear(x.mean(2))


class NoFeatures(Mean):
    def __init__(self, n_chans):
        super().__init__(n_chans, 2)


def test_a_network_of_ones_own_takes_them(train, test):
    assert quick(Mean, lr=0.02).fit(train).score(test) > 0.95
    with pytest.raises(ValueError, match=r"NoFeatures must .* n_outputs=32, but returned shape \(1, 2"):
        quick(NoFeatures).fit(train)


def test_the_fast_way_computes_what_the_plain_one_does(long, monkeypatch):
    for name in ("DROP_PROB", "DROP_SIDE"):  # as each way drops by random numbers of its own
        monkeypatch.setattr(f"mne_cnnclass.networks.side_inputs.{name}", 0.0)
    options = dict(max_epochs=2, model_params={"drop_prob": 0.0})
    fast, plain = (quick("EEGNet", accelerate=fast, **options).fit(long) for fast in (True, False))
    assert fast.accelerated_["network"] == "SpatialFirstEEGNet"
    assert plain.accelerated_ == {}
    np.testing.assert_allclose(fast.predict_proba(long), plain.predict_proba(long), atol=1e-4)


# -- standardisation -----------------------------------------------------------------------------------


def test_the_unit_does_not_matter(train, test):
    in_seconds = quick(max_epochs=3).fit(train).predict_proba(test)
    train, test = (changed(part, rr=1000 * part.metadata["rr"]) for part in (train, test))
    np.testing.assert_allclose(quick(max_epochs=3).fit(train).predict_proba(test), in_seconds, atol=1e-4)


def test_only_training_samples_set_the_standardisation(train):
    clf = quick(side_inputs=["rr", "age"], max_epochs=1, validation_fraction=0.25).fit(train)
    codes = np.unique(EpochsView(train).labels, return_inverse=True)[1]
    rows, held_out = split_validation(codes, 0.25, seed=clf.network_.seed)
    table = train.metadata[["rr", "age"]].to_numpy(float)
    np.testing.assert_allclose(clf.side_scaler_.mean_, table[rows].mean(axis=0))
    np.testing.assert_allclose(clf.side_scaler_.scale_, table[rows].std(axis=0))
    rr = train.metadata["rr"].to_numpy().copy()
    rr[held_out[0]] = 1e6
    with_outlier = clone(clf).fit(changed(train, rr=rr))
    np.testing.assert_array_equal(with_outlier.side_scaler_.mean_, clf.side_scaler_.mean_)
    np.testing.assert_array_equal(with_outlier.predict_proba(train), clf.predict_proba(train))


def test_numbers_far_beyond_those_of_the_training_count_as_three_deviations(clf, test):
    mean, scale = clf.side_scaler_.mean_[0], clf.side_scaler_.scale_[0]
    far, farther = (clf.predict_proba(changed(test, rr=mean + n * scale)) for n in (3.0, 1e9))
    np.testing.assert_allclose(far, farther, atol=1e-6)


def test_a_constant_column_is_told_of_and_has_no_effect(train, test):
    with pytest.warns(RuntimeWarning, match="Constant side input.* 'age'"):
        clf = quick(side_inputs=["rr", "age"], max_epochs=2).fit(changed(train, age=40))
    one, other = (clf.predict_proba(changed(test, age=age)) for age in (40, 90))
    np.testing.assert_array_equal(one, other)


# -- samples and their columns -------------------------------------------------------------------------


def test_columns_follow_their_names_and_samples(clf, test):
    expected = clf.predict_proba(test)
    turned = test.copy()
    turned.metadata = turned.metadata[turned.metadata.columns[::-1]]
    np.testing.assert_array_equal(clf.predict_proba(turned), expected)
    order = np.random.default_rng(0).permutation(len(test))
    np.testing.assert_allclose(clf.predict_proba(EpochsView(test)[order]), expected[order], atol=1e-6)
    np.testing.assert_allclose(
        clf.predict_proba([test[i] for i in range(3)]), expected[:3], atol=1e-6
    )  # as scikit-learn cuts Epochs


def test_scikit_learn_and_evaluate_take_them(train):
    assert cross_val_score(quick(), train, train.events[:, 2], cv=2).mean() > 0.9
    view = EpochsView(train, groups="patient")
    assert evaluate(quick(), view, cv=2).scores.query("metric == 'accuracy'")["value"].min() > 0.9


@pytest.mark.parametrize("table", ["Int64", "float32", bool])
def test_all_kinds_of_numbers_are_taken(table, train):
    late = (train.metadata["rr"] > 0.9).astype(table)
    assert quick(max_epochs=1).fit(changed(train, rr=late)).side_scaler_.mean_[0] == pytest.approx(0.5)


def test_epochs_on_disk_give_the_same(train, test, tmp_path):
    options = dict(max_epochs=2, validation_fraction=0.25)
    train.save(tmp_path / "train-epo.fif", verbose=False)
    in_memory, on_disk = (
        mne.read_epochs(tmp_path / "train-epo.fif", preload=preload, verbose=False)
        for preload in (True, False)
    )
    np.testing.assert_array_equal(
        quick(**options).fit(on_disk).predict_proba(on_disk),
        quick(**options).fit(in_memory).predict_proba(in_memory),
    )


def test_samples_of_weight_zero_need_no_number(train, test):
    rr = train.metadata["rr"].to_numpy().copy()
    rr[[3, 5]] = np.nan
    weight = np.ones(len(train))
    weight[3] = 0
    with pytest.raises(ValueError, match=r"'rr' must be .* is nan for 1 of 96 samples, first for sample 5\."):
        quick(max_epochs=1).fit(changed(train, rr=rr), sample_weight=weight)
    weight[5] = 0
    left = np.flatnonzero(weight)
    np.testing.assert_array_equal(
        quick(max_epochs=1).fit(changed(train, rr=rr), sample_weight=weight).predict_proba(test),
        quick(max_epochs=1).fit(train[left]).predict_proba(test),
    )


# -- copies, files, and further training ---------------------------------------------------------------


def test_copies_and_files_predict_the_same_bits(clf, test, tmp_path):
    expected = clf.predict_proba(test)
    clf.save(tmp_path / "beats.mcnn")
    for copied in (
        pickle.loads(pickle.dumps(clf)),
        copy.deepcopy(clf),
        load_classifier(tmp_path / "beats.mcnn"),
    ):
        assert copied.side_inputs == ["rr", "age", "paced"]
        np.testing.assert_array_equal(copied.predict_proba(test), expected)
    assert clone(clf).get_params()["side_inputs"] == ["rr", "age", "paced"]
    renamed = copy.deepcopy(clf).set_params(side_inputs=None)  # for the next fit, not for this network
    np.testing.assert_array_equal(renamed.predict_proba(test), expected)


def test_files_from_before_have_none(train, test, tmp_path):
    plain = quick(side_inputs=None, max_epochs=1).fit(train)
    plain.save(tmp_path / "new.mcnn")
    with safe_open(tmp_path / "new.mcnn", framework="pt") as file:
        header = json.loads(file.metadata()[KEY])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    header["schema"] = 2
    del header["side_scaler"], header["params"]["side_inputs"], header["architecture"]["n_side"]
    del header["sha256"]
    save_file(weights, tmp_path / "old.mcnn", metadata={KEY: json.dumps(header)})
    old = load_classifier(tmp_path / "old.mcnn")
    assert (old.side_inputs, old.side_scaler_.names) == (None, [])
    np.testing.assert_array_equal(old.predict_proba(test), plain.predict_proba(test))
    old.set_params(warm_start=True).fit(train)


def test_a_warm_start_keeps_the_standardisation_and_the_columns(clf, train):
    further = copy.deepcopy(clf).set_params(warm_start=True, max_epochs=1)
    later = changed(train, rr=train.metadata["rr"] + 1)
    further.fit(later)
    np.testing.assert_array_equal(further.side_scaler_.mean_, clf.side_scaler_.mean_)
    assert len(further.history_) == len(clf.history_) + 1
    with pytest.raises(
        ValueError, match=r"continues with side_inputs=\['rr', 'age', 'paced'\], got \['rr'\]"
    ):
        further.set_params(side_inputs=["rr"]).fit(train)


def test_calibration_and_class_weights_go_with_them(train, test):
    options = dict(calibrate=True, class_weight="balanced", max_epochs=8)
    clf = quick(**options).fit(EpochsView(train, groups="patient"))
    assert clf.temperature_ != 1
    assert clf.score(test) > 0.9
    assert quick(validation_fraction=0.25, patience=4, **options).fit(train).temperature_ != 1


def test_augmentation_changes_the_signals_alone(train):
    seen = []

    def no_signal(x, y):
        seen.append(x.shape[1:])
        return torch.zeros_like(x), y

    clf = quick(max_epochs=20, augmentation=no_signal).fit(train)
    assert set(seen) == {(3, 100)}
    assert clf.history_["train_accuracy"].iloc[-3:].mean() > 0.85  # with dropout


# -- explanations --------------------------------------------------------------------------------------


def test_explanations_are_those_of_the_signal():
    view = EpochsView(beats(truth="both"))
    clf = quick("EEGNet", max_epochs=40).fit(view)
    assert channel_importance(clf, view, n_repeats=2, random_state=0)["mean"].idxmax() == "C3"
    bands = {"alpha": (8, 13), "beta": (13, 30)}
    assert band_importance(clf, view, bands=bands, n_repeats=2, random_state=0)["mean"].idxmax() == "alpha"
    assert spatial_patterns(clf, view).data.shape == (3, 16)
    assert component_contributions(clf, view, n_steps=2, random_state=0).shape == (16, 2)
    # at each sample's own side inputs: the rhythm speaks for "ectopic" where the beat is early only
    late = view.metadata["rr"].to_numpy() > 0.9
    for part, sign in ((view[~late], 1), (view[late], -1)):
        contribution = saliency(clf, part, n_steps=8, random_state=0)["ectopic"].data.sum(axis=1)
        assert np.abs(contribution).argmax() == 0
        assert contribution[0] > 0, sign


def test_contributions_sum_to_the_difference_that_signals_make(clf, test):
    view = EpochsView(test)
    evokeds = saliency(clf, view, n_steps=64, random_state=0)
    side = view.metadata
    for label, evoked in evokeds.items():
        column = clf.classes_.tolist().index(label)
        expected = []
        for i in np.flatnonzero(view.labels == label):
            beside = {name: side[name].iloc[i] for name in ("rr", "age", "paced")}
            logits = clf._logits(changed(test, **beside))
            logits = (logits - logits.mean(axis=1, keepdims=True))[:, column]
            expected.append(logits[i] - logits.mean())
        assert evoked.data.sum() == pytest.approx(np.mean(expected), abs=0.1)


# -- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side_inputs", "error", "message"),
    [
        ("rr", TypeError, r"a list of names of metadata columns .*\['name'\].*, got 'rr'"),
        ([0], TypeError, r"a list of names of metadata columns .*, got \[0\]"),
        (["rr", "age", "rr"], ValueError, r"names each column once, got \['rr', 'age', 'rr'\]"),
        (["rr", "RR"], ValueError, r"X has column\(s\) \['RR'\] not at all.*its columns are \['rr', 'age'"),
        (["site"], ValueError, "'site' must hold real numbers, got .*get_dummies"),
    ],
)
def test_a_wrong_list_is_refused(train, side_inputs, error, message):
    with pytest.raises(error, match=message):
        CNNClassifier("MultiScaleCNN", side_inputs=side_inputs).fit(train)


def test_samples_without_the_numbers_are_refused_at_fit_and_at_prediction(clf, train):
    y = train.events[:, 2]
    bare = train.copy()
    bare.metadata = None
    gap = train.metadata["rr"].where(np.arange(len(train)) != 7)
    cases = [
        (train.get_data(copy=True), "X is an array, which has none. Pass mne.Epochs"),
        (bare, "has no metadata. Set epochs.metadata"),
        (
            changed(train, rr=gap),
            "'rr' must be a finite number .* is nan for 1 of 96 .* first for sample 7",
        ),
        (changed(train, age=np.inf), "'age' must be a finite number .* is inf for 96 of 96"),
        (changed(train, rr=gap.astype("Float64")), "is nan for 1 of 96 samples"),
        (changed(train, rr=pd.Categorical(["a"] * len(train))), r"got category \(first 'a'\)"),
        (changed(train, rr=1j), "must hold real numbers, got complex128"),
    ]
    for X, message in cases:
        with pytest.raises(ValueError, match=message):
            clone(clf).fit(X, y)
        with pytest.raises(ValueError, match=message):
            clf.predict(X)
