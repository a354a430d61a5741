"""What a user of CNNClassifier relies on: inputs, labels, the guard, training, reproducibility."""

import copy
import errno
import pickle
import random
import warnings

import joblib
import mne
import numpy as np
import pandas as pd
import pytest
import torch
from planted import CHANNELS, planted_epochs
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
)
from skorch.callbacks import Callback, EpochScoring

from mne_cnnclass import CNNClassifier, EpochsView
from mne_cnnclass.networks.training import split_validation
from mne_cnnclass.samples.disk import SampleFile
from mne_cnnclass.utils.seeds import draw_seed


def quick(model="EEGNet", **params):
    """An estimator that learns the planted rhythm in about a second."""
    return CNNClassifier(
        model, **{"max_epochs": 12, "lr": 0.02, "batch_size": 16, "random_state": 0, **params}
    )


@pytest.fixture(scope="module")
def epochs():
    return planted_epochs(64)


@pytest.fixture(scope="module")
def view(epochs):
    return EpochsView(epochs)


@pytest.fixture(scope="module")
def fitted(view):
    return quick().fit(view)


@pytest.fixture(scope="module")
def new_epochs():
    return planted_epochs(32, seed=1)


# -- samples and labels --------------------------------------------------------------------------------


def test_it_learns_a_planted_rhythm_and_tells_it_in_new_epochs(fitted, new_epochs):
    assert fitted.score(new_epochs) >= 0.95
    assert fitted.classes_.tolist() == ["left", "right"]
    assert fitted.ch_names_ == list(CHANNELS)
    assert (fitted.sfreq_, fitted.n_channels_, fitted.n_times_, fitted.n_features_in_) == (100.0, 5, 100, 5)


def test_all_kinds_of_samples_give_the_same_model(epochs, fitted, new_epochs):
    expected = fitted.predict_proba(new_epochs)
    data, labels = epochs.get_data(), fitted.classes_[(epochs.events[:, 2] == 2).astype(int)]
    for X in (epochs, [epochs[i] for i in range(len(epochs))], data):
        clf = quick(model_params={"sfreq": 100.0} if X is data else None).fit(X, labels)
        for new in (new_epochs, EpochsView(new_epochs), new_epochs.get_data()):
            np.testing.assert_array_equal(clf.predict_proba(new), expected)


def test_a_table_is_signals_of_one_channel(epochs, new_epochs):
    signals, new = epochs.get_data(picks="C3")[:, 0], new_epochs.get_data(picks="C3")[:, 0]
    y = epochs.events[:, 2]
    clf = quick("MultiScaleCNN").fit(signals, y)
    assert clf.score(new, new_epochs.events[:, 2]) >= 0.9
    assert clf.n_features_in_ == 100
    np.testing.assert_array_equal(clf.predict(new[:, None]), clf.predict(new))
    named = quick(max_epochs=1).fit(pd.DataFrame(signals).add_prefix("t"), y)
    assert named.feature_names_in_[:2].tolist() == ["t0", "t1"]


@pytest.mark.parametrize(
    "labels",
    [["left", "right"], [7, 2], [-1, 300], [True, False], ["ä β", "<b>"], np.array(["x", "y"], dtype=object)],
    ids=["text", "codes", "integers", "booleans", "unicode", "objects"],
)
def test_labels_come_back_as_they_were_given(view, labels):
    y = np.resize(np.asarray(labels), len(view))
    clf = quick(max_epochs=3).fit(view, y)
    proba = clf.predict_proba(view)
    np.testing.assert_array_equal(clf.classes_, np.unique(y))
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(clf.predict(view), clf.classes_[proba.argmax(axis=1)])
    assert clf.predict(view).dtype == y.dtype
    assert clf.score(view, y) == np.mean(clf.predict(view) == y)


def test_labels_default_to_those_of_the_view(epochs, view):
    codes = EpochsView(epochs, labels=epochs.events[:, 2])
    assert quick(max_epochs=1).fit(codes).classes_.tolist() == [2, 7]
    assert quick(max_epochs=1).fit(view).classes_.tolist() == ["left", "right"]


def test_units_do_not_matter(epochs, fitted, new_epochs):
    expected = fitted.predict_proba(new_epochs)
    for factor in (1e3, 1e6):  # mV, µV
        scaled = quick().fit(epochs.copy().apply_function(lambda x, f=factor: x * f, verbose=False))
        proba = scaled.predict_proba(
            new_epochs.copy().apply_function(lambda x, f=factor: x * f, verbose=False)
        )
        np.testing.assert_allclose(proba, expected, atol=1e-5)


def test_the_scaling_is_that_of_the_training_samples_with_large_offsets_too(view):
    offset = np.asarray(view) + np.array([0.1, 0, -0.05, 1.0, 0])[:, None]  # V, on a signal of µV
    scaler = quick(max_epochs=1).fit(offset, view.labels).scaler_
    np.testing.assert_allclose(scaler.mean_[:, 0], offset.mean(axis=(0, 2)), rtol=1e-12)
    np.testing.assert_allclose(scaler.scale_[:, 0], offset.std(axis=(0, 2)), rtol=1e-8)


def test_only_training_samples_set_the_scale(view):
    _, valid = split_validation((view.labels == "right").astype(int), 0.25, seed=draw_seed(0))
    X = np.asarray(view)
    X[valid] *= 1e3  # were they seen, the scale would be hundreds of times larger
    clf = quick(max_epochs=1, validation_fraction=0.25, model_params={"sfreq": 100.0}).fit(X, view.labels)
    np.testing.assert_allclose(clf.scaler_.scale_[:, 0], np.delete(X, valid, axis=0).std(axis=(0, 2)))


def test_without_standardising_the_network_sees_the_samples_themselves(view):
    with pytest.warns(RuntimeWarning, match="with a deviation of 1e-06, .* Set standardize=True"):
        clf = quick(max_epochs=1, standardize=False).fit(view)
    assert (clf.scaler_.mean_ == 0).all()
    assert (clf.scaler_.scale_ == 1).all()


# -- scikit-learn --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_cross_validation_takes_epochs_and_views_alike(epochs, view, n_jobs):
    clf, y = quick(n_threads=1, max_epochs=4), epochs.events[:, 2]
    of_view = cross_val_score(clf, view, y, cv=3, n_jobs=n_jobs, error_score="raise")
    np.testing.assert_array_equal(
        cross_val_score(clf, epochs, y, cv=3, n_jobs=n_jobs, error_score="raise"), of_view
    )
    proba = cross_val_predict(clf, view, y, cv=3, n_jobs=n_jobs, method="predict_proba")
    assert np.isfinite(proba).all()


def test_groups_go_through_cross_validation(epochs):
    view = EpochsView(epochs, groups=np.repeat(np.arange(8), 8))
    result = cross_validate(
        quick(max_epochs=2), view, view.labels, groups=view.groups, cv=GroupKFold(4), return_indices=True,
        error_score="raise",
    )  # fmt: skip
    for train, test in zip(*result["indices"].values(), strict=True):
        assert not set(view.groups[train]) & set(view.groups[test])


def test_a_grid_search_reaches_into_the_architecture(view):
    search = GridSearchCV(
        quick(model_params={"F1": 4}),
        {"model__drop_prob": [0.25, 0.5], "lr": [1e-9, 0.02]},
        cv=2,
        error_score="raise",
    ).fit(view, view.labels)
    assert search.best_params_["lr"] == 0.02
    best = search.best_estimator_
    assert best.get_params()["model__drop_prob"] == search.best_params_["model__drop_prob"]
    assert best.model_params["F1"] == 4
    assert {m.p for m in best.module_.modules() if isinstance(m, torch.nn.Dropout)} == {
        best.model_params["drop_prob"]
    }


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_tools_of_scikit_learn_take_the_estimator(view, n_jobs):
    clf, y, jobs = quick(max_epochs=2, n_threads=1), view.labels, {"cv": 2, "n_jobs": n_jobs}
    stacked = StackingClassifier([("cnn", clf)], LogisticRegression(), **jobs).fit(view, y)
    assert stacked.predict(view).shape == (64,)
    calibrated = CalibratedClassifierCV(clf, **jobs).fit(view, y)
    np.testing.assert_allclose(calibrated.predict_proba(view).sum(axis=1), 1.0)
    sizes, *_ = learning_curve(clf, view, y, train_sizes=[0.5, 1.0], error_score="raise", **jobs)
    assert sizes.tolist() == [16, 32]
    score, permuted, _ = permutation_test_score(clf, view, y, n_permutations=2, **jobs)
    assert np.isfinite([score, *permuted]).all()
    search = GridSearchCV(clf, {"max_epochs": np.arange(1, 3)}, error_score="raise", **jobs).fit(view, y)
    assert search.best_params_["max_epochs"] in (1, 2)


def test_fit_changes_no_parameter_and_params_reach_the_model(view):
    params = {"drop_prob": 0.1}
    clf = quick(model_params=params, callbacks=[EpochScoring("accuracy", name="again", on_train=True)])
    before = copy.deepcopy({k: repr(v) for k, v in clf.get_params().items()})
    clf.fit(view)
    assert {k: repr(v) for k, v in clf.get_params().items()} == before
    assert params == {"drop_prob": 0.1}
    clf.set_params(model__drop_prob=0.4, lr=0.1)
    assert (clf.model_params, clf.lr, params) == ({"drop_prob": 0.4}, 0.1, {"drop_prob": 0.1})
    assert repr(clone(clf.set_params(callbacks=None))) == repr(clf)


def test_refitting_on_another_shape_works(view, epochs):
    clf = quick(max_epochs=1).fit(view)
    shorter = epochs.copy().pick(["C3", "C4"]).crop(0, 0.79)
    clf.fit(shorter, np.resize([1, 2, 3], len(shorter)))
    assert clf.predict_proba(shorter).shape == (64, 3)
    assert clf.ch_names_ == ["C3", "C4"]


def test_joblib_stores_it(view, fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "clf.joblib")
    np.testing.assert_array_equal(
        joblib.load(tmp_path / "clf.joblib").predict_proba(view), fitted.predict_proba(view)
    )


class Linear(torch.nn.Module):
    """A module of a user."""

    def __init__(self, n_chans, n_outputs, n_times, bias=True):
        super().__init__()
        self.linear = torch.nn.Linear(n_chans * n_times, n_outputs, bias=bias)

    def forward(self, x):
        return self.linear(x.flatten(1))


def test_a_module_of_ones_own_is_an_estimator_too(view):
    clf = quick(Linear, model_params={"bias": False}).fit(view)
    assert isinstance(clf.module_, Linear)
    assert clf.module_.linear.bias is None
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(clf)).predict_proba(view), clf.predict_proba(view)
    )


# -- the guard -----------------------------------------------------------------------------------------


def test_reordered_and_extra_channels_are_put_right(fitted, new_epochs):
    expected = fitted.predict_proba(new_epochs)
    shuffled = new_epochs.copy().pick([*CHANNELS[::-1]])
    np.testing.assert_array_equal(fitted.predict_proba(shuffled), expected)
    more = planted_epochs(32, ch_names=("Oz", *CHANNELS), seed=1)
    more._data[:, 1:] = new_epochs.get_data()
    np.testing.assert_array_equal(fitted.predict_proba(more), expected)


def test_a_missing_or_bad_channel_is_named(fitted, new_epochs):
    with pytest.raises(ValueError, match=r"Channel\(s\) \['C3'\] missing"):
        fitted.predict(new_epochs.copy().drop_channels(["C3"]))
    bad = new_epochs.copy()
    bad.info["bads"] = ["Cz"]
    with pytest.raises(ValueError, match=r"Channel\(s\) \['Cz'\] are marked bad"):
        fitted.predict(bad)


def test_another_rate_or_length_is_refused(fitted, new_epochs):
    with pytest.raises(ValueError, match="sampled at 200 Hz, but this CNNClassifier was fitted at 100 Hz"):
        fitted.predict(planted_epochs(sfreq=200.0))
    with pytest.raises(ValueError, match=r"windows of 50 time points, .* fitted on 100 \(1 s\)"):
        fitted.predict(planted_epochs(n_times=50))
    with pytest.raises(ValueError, match=r"X has 4 channel\(s\), .* fitted on 5"):
        fitted.predict(new_epochs.get_data()[:, :4])
    with pytest.raises(ValueError, match="windows of 99 time points"):
        fitted.predict(new_epochs.get_data()[..., :99])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused_and_placed(epochs, view, fitted, bad):
    broken = epochs.copy()
    broken._data[40, 2, 7] = bad
    for call in (quick().fit, fitted.predict):
        with pytest.raises(ValueError, match="NaN or infinity, first in channel 'Cz' of sample 40"):
            call(broken)
        with pytest.raises(ValueError, match="NaN|infinity"):
            call(*[broken.get_data(), view.labels][: 1 + (call != fitted.predict)])


def test_arrays_of_other_kinds_are_refused(view):
    data, y = np.asarray(view), view.labels
    with pytest.raises(ValueError, match="Complex data not supported"):
        quick().fit(data + 0j, y)
    with pytest.raises((TypeError, ValueError), match="string|number|float"):
        quick().fit(np.full(data.shape, {"a": 1}, dtype=object), y)
    with pytest.raises(ValueError, match="4 dimensions"):
        quick().fit(data[None], y[:1])
    with pytest.raises(ValueError, match="1D array"):
        quick().fit(data[:, 0, 0], y)
    for kind in (">f8", np.float16, np.int32):
        clf = quick(max_epochs=1, model_params={"sfreq": 100.0}).fit((data * 1e7).astype(kind), y)
        assert clf.predict_proba((data * 1e7).astype(kind)).shape == (64, 2)


def test_too_few_samples_or_classes_are_refused(view):
    with pytest.raises(ValueError, match="0 epochs"):
        quick().fit(view[:0])
    with pytest.raises(ValueError, match="0 sample"):
        quick().fit(np.zeros((0, 5, 100)), [])
    with pytest.raises(ValueError, match="y has only 1 class, 'left'"):
        quick().fit(view[::2])
    with pytest.raises(ValueError, match="0 epochs"):
        quick(max_epochs=1).fit(view).predict(view[:0])


def test_a_class_of_one_sample_is_refused_only_where_a_split_needs_two(view):
    part = view[[0, 1, 2, 4, 6, 8]]  # one epoch of "right"
    with pytest.raises(ValueError, match="at least 2 samples of every class, but one class has only 1"):
        quick(validation_fraction=0.2).fit(part)
    assert quick(max_epochs=1).fit(part).classes_.tolist() == ["left", "right"]


def test_a_flat_channel_gives_a_warning_that_names_it(epochs):
    flat = epochs.copy()
    flat._data[:, 3] = 1e-5
    with pytest.warns(RuntimeWarning, match=r"Flat channel\(s\) 'C4'"):
        clf = quick(max_epochs=1).fit(flat)
    assert np.isfinite(clf.predict_proba(flat)).all()


def test_labels_that_do_not_fit_are_refused(view, fitted):
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[64, 63\]"):
        quick().fit(view, view.labels[1:])
    with pytest.raises(ValueError, match="requires y to be passed"):
        quick().fit(np.asarray(view))
    with pytest.raises(ValueError, match="NaN"):
        quick().fit(view, np.where(view.labels == "left", np.nan, 1.0))
    with pytest.raises(ValueError, match="Unknown label type"):
        quick().fit(view, np.linspace(0, 1, 64))
    with pytest.raises(ValueError, match="labels that were not there at fit: 'rest'; fitted on"):
        fitted.score(view, np.where(view.labels == "left", "rest", "right"))
    with pytest.raises(ValueError, match="labels that were not there at fit: 2, 7"):
        fitted.score(view, view._sources[0].events[:, 2])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_epochs": 0}, "max_epochs == 0, must be >= 1"),
        ({"batch_size": 0.5}, "batch_size must be an instance of int"),
        ({"lr": 0}, "lr == 0, must be > 0"),
        ({"weight_decay": -1}, "weight_decay == -1, must be >= 0"),
        ({"label_smoothing": 1}, "label_smoothing == 1, must be < 1"),
        ({"lr_schedule": "step"}, "lr_schedule must be None or"),
        ({"validation_fraction": 1.0}, "validation_fraction == 1.0, must be < 1"),
        ({"patience": 3, "validation_fraction": None}, "needs a validation_fraction"),
        ({"n_threads": 0}, "n_threads == 0, must be >= 1"),
        ({"model_params": [1]}, r"model_params must be None or a dict, got \[1\]"),
        ({"lr": np.inf}, "lr == inf, must be < inf"),
        ({"augmentation": 3}, "augmentation must be None, a name"),
        ({"callbacks": 3}, "callbacks must be None or a list"),
        ({"standardize": "no"}, "standardize must be True or False"),
        ({"device": "meta"}, "device must be 'auto'"),
        ({"device": "abacus"}, "device must be 'auto'"),
        ({"model": "EEGNett"}, "EEGNett"),
        ({"model": 3}, "model must be"),
        ({"model_params": {"drop": 0.1}}, "drop"),
    ],
)
def test_bad_parameters_are_named(view, params, message):
    with pytest.raises((TypeError, ValueError), match=message):
        quick(**{"model": "EEGNet", **params}).fit(view)


def test_groups_with_gaps_and_recordings_are_refused(view, fitted):
    groups = np.array(["a", None] * 32, dtype=object)
    with pytest.raises(ValueError, match=r"groups is missing \(NaN or None\) for 32 of 64 samples"):
        quick(validation_fraction=0.25).fit(view, groups=groups)
    raw = mne.io.RawArray(np.zeros((5, 500)), view.info, verbose=False)
    with pytest.raises(TypeError, match="got a RawArray: cut it into mne.Epochs first"):
        fitted.predict(raw)
    with pytest.raises(ValueError, match=r"one epoch too: X\[np.newaxis\]"):
        fitted.predict(np.asarray(view)[3])


def test_bad_input_leaves_an_earlier_fit_as_it_was(view, epochs):
    clf = quick(max_epochs=2).fit(view)
    expected = clf.predict_proba(view)
    for X, y in (
        (view[::2], None),
        (view, np.linspace(0, 1, 64)),
        (np.zeros((4, 2, 3)) * np.nan, [0, 1, 0, 1]),
    ):
        with pytest.raises(ValueError, match="."):
            clf.fit(X, y)
    with pytest.raises(RuntimeError, match="diverged"):
        clf.set_params(lr=1e30).fit(view)
    np.testing.assert_array_equal(clf.predict_proba(view), expected)


# -- training ------------------------------------------------------------------------------------------


def steps(clf, X, y=None):
    """Number of gradient steps of a fit."""
    count = []

    class Count(Callback):
        def on_grad_computed(self, net, **kwargs):
            count.append(1)

    # callbacks are copied for a fit; a class attribute is shared
    Count.__deepcopy__ = lambda self, memo: self
    clf.set_params(callbacks=[Count()]).fit(X, y)
    return len(count)


@pytest.mark.parametrize(("n", "n_steps"), [(2, 1), (16, 1), (45, 1), (64, 1)])
def test_small_data_sets_train_even_in_one_epoch(view, n, n_steps):
    clf = quick(batch_size=64, max_epochs=1)
    assert steps(clf, view[:n]) == n_steps
    fresh = quick(batch_size=64, max_epochs=1, lr=1e-30).fit(view[:n])
    pairs = zip(clf.module_.parameters(), fresh.module_.parameters(), strict=True)
    # the first step of Adam moves a weight by the learning rate, of 0.02
    assert max((a - b).abs().max().item() for a, b in pairs) > 0.01


def test_the_learning_rate_rises_and_falls_or_stays(view):
    rates = quick(max_epochs=10).fit(view).history_["lr"].to_numpy()
    top = rates.argmax()
    assert 0 < top < 9
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert set(quick(max_epochs=3, lr_schedule=None).fit(view).history_["lr"]) == {0.02}


def test_weight_decay_and_label_smoothing_do_what_they_say(view):
    def norm(clf):
        return sum(p.square().sum().item() for p in clf.module_.parameters())

    assert norm(quick(weight_decay=1.0).fit(view)) < 0.9 * norm(quick(weight_decay=0.0).fit(view))
    # with labels of 0.9 and 0.1 no loss can be less than their entropy
    smooth = quick(label_smoothing=0.2, max_epochs=30).fit(view).history_["train_loss"].iloc[-1]
    assert smooth > -(0.9 * np.log(0.9) + 0.1 * np.log(0.1)) - 1e-6
    assert quick(max_epochs=30).fit(view).history_["train_loss"].iloc[-1] < 0.3


def test_balanced_class_weights_are_those_of_scikit_learn(view):
    part = view[np.r_[0:64:2, 1:17:2]]  # 32 left, 8 right
    weights = {"left": 40 / (2 * 32), "right": 40 / (2 * 8)}
    balanced = quick(max_epochs=2, class_weight="balanced").fit(part).predict_proba(part)
    np.testing.assert_array_equal(
        quick(max_epochs=2, class_weight=weights).fit(part).predict_proba(part), balanced
    )
    for bad in ({"left": -1, "right": 3}, {"left": 0, "right": 0}, {"left": np.nan}):
        with pytest.raises(ValueError, match="class_weight must be finite, not negative"):
            quick(class_weight=bad).fit(part)


def test_threads_are_pinned_while_it_trains(view):
    seen = []

    class Look(Callback):
        def on_batch_end(self, net, **kwargs):
            seen.append(torch.get_num_threads())

    before = torch.get_num_threads()
    Look.__deepcopy__ = lambda self, memo: self
    quick(max_epochs=1, n_threads=before + 2, callbacks=[Look()]).fit(view)
    assert set(seen) == {before + 2}


def test_divergence_is_an_error_with_epoch_and_learning_rate(view):
    with pytest.raises(
        RuntimeError, match=r"diverged: the loss became \w+ in epoch \d+ at a learning rate of"
    ):
        quick(lr=1e30).fit(view)
    with pytest.raises(RuntimeError, match="outputs are no longer finite after 1 epochs"):
        quick(lr=1e30, max_epochs=1, batch_size=64, lr_schedule=None).fit(view)


def test_a_sample_far_out_is_an_error_and_no_nan(fitted, new_epochs):
    X = new_epochs.get_data()
    X[5, 1, 3] = 1e45
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="no finite output for sample 5"):
        fitted.predict_proba(X)


@pytest.mark.parametrize("patience", [None, 100])
def test_history_tells_every_epoch_and_the_best_weights_are_kept(view, patience):
    clf = quick(validation_fraction=0.25, patience=patience, max_epochs=8, lr=0.05).fit(view)
    table = clf.history_
    assert list(table) == [
        "epoch",
        "train_loss",
        "train_accuracy",
        "valid_loss",
        "valid_accuracy",
        "lr",
        "duration",
    ]
    assert table["epoch"].tolist() == list(range(1, 9))
    # the weights are those of the epoch with the least validation loss: train again, up to there
    best = int(table["valid_loss"].idxmin()) + 1
    kept = {}

    class Keep(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == best:
                kept.update({k: v.clone() for k, v in net.module_.state_dict().items()})

    Keep.__deepcopy__ = lambda self, memo: self
    quick(validation_fraction=0.25, patience=100, max_epochs=8, lr=0.05, callbacks=[Keep()]).fit(view)
    for name, value in clf.module_.state_dict().items():
        torch.testing.assert_close(value, kept[name], rtol=0, atol=0)


def test_callbacks_see_weights_and_gradients_and_change_nothing(view):
    seen = []

    class Look(Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            weights = dict(net.module_.named_parameters())
            assert weights.keys() == {name for name, _ in named_parameters}
            norm = sum((weight.grad**2).sum() for weight in weights.values()).sqrt().item()
            seen.append((norm, weights["conv_temporal.weight"].clone()))

    Look.__deepcopy__ = lambda self, memo: self
    plain, watched = quick().fit(view), quick(callbacks=[Look()]).fit(view)
    expected = plain.module_.state_dict()
    for name, value in watched.module_.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=0)
    norms, weights = zip(*seen, strict=True)
    assert max(norms) <= 1 + 1e-5  # they are clipped
    assert min(norms) > 0
    assert not any(map(torch.equal, weights, weights[1:]))


def test_early_stopping_ends_when_nothing_improves(view):
    shuffled = np.random.default_rng(0).permutation(view.labels)
    clf = quick(validation_fraction=0.25, patience=2, max_epochs=200, lr_schedule=None).fit(view, shuffled)
    losses = clf.history_["valid_loss"]
    assert len(losses) < 200
    assert losses.idxmin() == len(losses) - 3


def test_groups_stay_whole_in_the_validation_split(epochs, monkeypatch):
    from mne_cnnclass.estimators import learn as trainer

    seen = []
    split = trainer.split_validation
    monkeypatch.setattr(trainer, "split_validation", lambda *a, **k: seen.append(split(*a, **k)) or seen[-1])
    view = EpochsView(epochs, groups=np.repeat(["a", "b", "c", "d"], 16))
    quick(validation_fraction=0.25, max_epochs=1).fit(view)
    quick(validation_fraction=0.25, max_epochs=1).fit(np.asarray(view), view.labels, groups=view.groups)
    for train, valid in seen:
        assert len(valid) == 16
        assert not set(view.groups[train]) & set(view.groups[valid])
    with pytest.raises(ValueError, match="at least 2 groups"):
        quick(validation_fraction=0.25).fit(view[:16])


def test_the_validation_split_is_stratified():
    y = np.where(np.arange(64) % 4 == 0, "rare", "often")
    _, valid = split_validation((y == "rare").astype(int), 0.25, seed=0)
    assert np.mean(y[valid] == "rare") == 0.25
    assert len(valid) == 16


def test_weights_of_samples_and_classes_count(view):
    # the same epochs carry both labels: the weights decide
    X = np.concatenate([np.asarray(view)] * 2)
    y = np.repeat(["a", "b"], 64)
    for params, weight in (({}, np.where(y == "a", 1.0, 9.0)), ({"class_weight": {"a": 1, "b": 9}}, None)):
        clf = quick("MultiScaleCNN", max_epochs=30, label_smoothing=0.0, **params)
        clf.fit(X, y, sample_weight=weight)
        assert abs(clf.predict_proba(X)[:, 1].mean() - 0.9) < 0.05
    left_out = quick(max_epochs=3).fit(view, sample_weight=np.arange(64) < 48)
    np.testing.assert_array_equal(
        left_out.predict_proba(view), quick(max_epochs=3).fit(view[:48]).predict_proba(view)
    )
    with pytest.raises(ValueError, match="must not be negative"):
        quick().fit(view, sample_weight=np.full(64, -1))
    with pytest.raises(ValueError, match="weights are zero"):
        quick().fit(view, sample_weight=np.zeros(64))


def test_warm_start_goes_on(view):
    clf = quick(max_epochs=2, warm_start=True, lr_schedule=None).fit(view)
    before = clf.history_["train_loss"].iloc[-1]
    scaler = clf.scaler_
    clf.fit(view)
    assert clf.history_["epoch"].tolist() == [1, 2, 3, 4]
    assert clf.history_["train_loss"].iloc[-1] < before
    assert clf.scaler_ is scaler
    with pytest.raises(ValueError, match="continues with the classes"):
        clf.fit(view, np.resize([1, 2, 3], 64))
    with pytest.raises(ValueError, match="missing"):
        clf.fit(EpochsView(planted_epochs(ch_names=["C3", "Cz"])))
    with pytest.raises(ValueError, match="sampled at 200 Hz"):
        clf.fit(planted_epochs(sfreq=200.0))
    clf.fit(EpochsView(planted_epochs(64, ch_names=CHANNELS[::-1])))
    clf.fit(np.asarray(view), view.labels)
    assert (clf.ch_names_, clf.sfreq_) == (list(CHANNELS), 100.0)
    with pytest.raises(ValueError, match="the last network, but model changed since"):
        clf.set_params(model="ShallowFBCSPNet").fit(view)


class Weighted(Linear):
    """A module of a user's own that takes an array."""

    def __init__(self, n_chans, n_outputs, n_times, gains):
        super().__init__(n_chans, n_outputs, n_times)
        self.gains = torch.as_tensor(gains, dtype=torch.float32)

    def forward(self, x):
        return super().forward(x * self.gains[:, None])


@pytest.mark.parametrize("kind", [np.array, torch.tensor, pd.Series, list], ids=lambda kind: kind.__name__)
def test_warm_start_compares_parameters_of_any_kind(view, kind):
    gains = np.arange(1.0, len(CHANNELS) + 1).tolist()
    clf = quick(Weighted, model_params={"gains": kind(gains)}, max_epochs=1, warm_start=True).fit(view)
    clf.set_params(model__gains=kind(gains)).fit(view)  # another object of the same values
    assert clf.history_["epoch"].tolist() == [1, 2]
    for changed in (kind(gains[::-1]), kind(gains[:-1]), "none"):
        with pytest.raises(ValueError, match="the last network, but model_params changed since"):
            clone(clf).set_params(model__gains=kind(gains)).fit(view).set_params(model__gains=changed).fit(
                view
            )


def test_metadata_routing_brings_groups_and_weights(epochs):
    from sklearn import config_context

    view = EpochsView(epochs)
    groups, weight = np.repeat(np.arange(8), 8), np.linspace(0.5, 1, 64)
    seen = []

    class Spy(CNNClassifier):
        def __init__(self, *, max_epochs=1):
            super().__init__("EEGNet", max_epochs=max_epochs)

        def fit(self, X, y=None, groups=None, sample_weight=None):
            seen.append((groups, sample_weight))
            return super().fit(X, y, groups, sample_weight)

    with config_context(enable_metadata_routing=True):
        clf = Spy().set_fit_request(groups=True, sample_weight=True).set_score_request(sample_weight=True)
        cross_validate(
            clf,
            view,
            view.labels,
            cv=GroupKFold(2),
            params={"groups": groups, "sample_weight": weight},
            error_score="raise",
        )
    assert [len(set(g)) for g, _ in seen] == [4, 4]
    assert all(len(w) == 32 for _, w in seen)


def test_callbacks_and_augmentations_are_taken(view):
    from braindecode.augmentation import ChannelsDropout, Mixup, SignFlip

    clf = quick(
        max_epochs=2,
        callbacks=[("roc", EpochScoring("roc_auc", lower_is_better=False, name="valid_roc"))],
        validation_fraction=0.25,
        augmentation=[SignFlip(0.5), ChannelsDropout(0.5, p_drop=0.2)],
    ).fit(view)
    assert clf.history_["valid_roc"].between(0, 1).all()
    augmented = quick(max_epochs=2, augmentation=SignFlip(1.0)).fit(view).predict_proba(view)
    assert (augmented != quick(max_epochs=2).fit(view).predict_proba(view)).any()
    clf = quick(max_epochs=2, augmentation=ChannelsDropout(0.5, p_drop=0.5))
    expected = clf.fit(view).predict_proba(view)
    np.random.seed(5)  # which a clone must not take along
    np.testing.assert_array_equal(clone(clf).fit(view).predict_proba(view), expected)
    mixed = quick(max_epochs=2, augmentation=Mixup(alpha=0.4)).fit(view)
    assert np.isfinite(mixed.history_["train_loss"]).all()


def test_an_interrupt_of_the_user_is_not_taken_for_an_end(view):
    def interrupt(x, y):
        raise KeyboardInterrupt

    clf = quick(augmentation=[interrupt])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(view)
    assert not hasattr(clf, "module_")


def test_quiet_by_default_and_a_bar_when_asked(view, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(max_epochs=1).fit(view).predict(view)
    assert capfd.readouterr() == ("", "")
    quick(max_epochs=3, verbose=True).fit(view)
    out, err = capfd.readouterr()
    assert out == ""
    assert "3/3" in err
    quick(max_epochs=1, verbose=0).fit(view)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ValueError, match="verbose must be None, a bool or a level"):
        quick(verbose="loud").fit(view)
    with mne.utils.use_log_level("DEBUG"):
        quick(max_epochs=2).fit(view)
    assert "2/2" in capfd.readouterr().err


# -- reproducibility -----------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    clf = CNNClassifier("EEGNet", max_epochs=3, random_state=3)
    train, new = planted_epochs(20), planted_epochs(4, seed=1)
    expected = clf.fit(train).predict_proba(new).tobytes()
    torch.manual_seed(99)
    np.random.seed(99)
    assert clf.fit(train).predict_proba(new).tobytes() == expected
    assert clf.set_params(random_state=4).fit(train).predict_proba(new).tobytes() != expected


def test_the_same_bits_whatever_n_jobs_and_backend(view):
    clf = quick(n_threads=1, max_epochs=2)
    expected = cross_val_predict(clf, view, view.labels, cv=2, method="predict_proba")
    for backend in ("loky", "threading"):
        with joblib.parallel_config(backend):
            proba = cross_val_predict(clf, view, view.labels, cv=2, method="predict_proba", n_jobs=2)
        np.testing.assert_array_equal(proba, expected)


@pytest.mark.parametrize("random_state", [None, 0])
def test_global_random_states_and_threads_are_left_alone(view, random_state):
    n_threads = torch.get_num_threads()
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    clf = quick(random_state=random_state, max_epochs=1, n_threads=n_threads + 1).fit(view)
    clf.predict(view)
    pickle.loads(pickle.dumps(clf))
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])
    assert random.getstate() == before[2]
    assert torch.get_num_threads() == n_threads


@pytest.mark.parametrize("model", ["EEGNet", "MultiScaleCNN"])
def test_a_prediction_does_not_depend_on_the_samples_beside_it(view, model):
    clf = quick(model).fit(view)
    together = clf.predict_proba(view)
    alone = np.concatenate([clf.predict_proba(view[i : i + 1]) for i in range(len(view))])
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-6)
    np.testing.assert_allclose(clf.predict_proba(view[::-1]), together[::-1], rtol=0, atol=1e-6)


def test_training_on_epochs_on_disk_gives_the_same_bits_as_in_memory(epochs, tmp_path):
    epochs.save(tmp_path / "hands-epo.fif", verbose="ERROR")
    proba = {}
    for preload in (True, False):
        read = mne.read_epochs(tmp_path / "hands-epo.fif", preload=preload, verbose="ERROR")
        clf = CNNClassifier("EEGNet", max_epochs=2, validation_fraction=0.25, random_state=0, n_threads=1)
        proba[preload] = clf.fit(EpochsView(read)).predict_proba(EpochsView(read))
    np.testing.assert_array_equal(proba[True], proba[False])

    mapped = np.memmap(tmp_path / "signals", dtype=float, mode="w+", shape=EpochsView(read).shape)
    mapped[:] = np.asarray(EpochsView(read))
    clf = clone(clf).fit(mapped, EpochsView(read).labels)
    np.testing.assert_array_equal(proba[True], clf.predict_proba(mapped))


def test_a_full_disk_is_an_error_that_says_what_to_do(monkeypatch):
    class FullDisk:
        def seek(self, place):
            pass

        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **kwargs: FullDisk())
    file = SampleFile((10, 2, 50), np.float64)
    with pytest.raises(OSError, match="TMPDIR"):
        file[0:2] = np.zeros((2, 2, 50))


def test_a_file_of_samples_gives_back_what_was_written():
    samples = np.random.default_rng(0).standard_normal((20, 2, 5)).astype(np.float32)
    file = SampleFile(samples.shape, np.float32)
    for part in (slice(0, 7), slice(7, 20)):
        file[part] = samples[part]
    for index in (slice(3, 9), np.array([5, 6, 7, 0, 19, 19, 2]), slice(None), np.array([], int)):
        np.testing.assert_array_equal(file[index], samples[index])


def test_epochs_on_disk_are_read_once(epochs, tmp_path, monkeypatch):
    epochs.save(tmp_path / "hands-epo.fif", verbose="ERROR")
    view = EpochsView(mne.read_epochs(tmp_path / "hands-epo.fif", preload=False, verbose="ERROR"))
    n_read, read = [], EpochsView.read
    monkeypatch.setattr(EpochsView, "read", lambda self, part: n_read.append(len(r := read(self, part))) or r)
    quick(max_epochs=3).fit(view)
    assert sum(n_read) == len(view)
