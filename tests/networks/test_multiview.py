"""The default network: linear views in closed form, networks without a fold each, and what counts."""

import numpy as np
import pytest
import torch
from scipy.linalg import logm
from sklearn.base import clone

from mne_cnnclass import CNNClassifier, EpochsView, datasets, load_classifier
from mne_cnnclass.estimators.in_folds import make_folds
from mne_cnnclass.networks.multiview import Decimation, MultiViewCNN
from mne_cnnclass.networks.views import LinearViews, fit_shares, logarithm
from mne_cnnclass.samples.channel_names import MONTAGE_1005

SETTINGS = dict(max_epochs=2, random_state=0)


def evoked(n=120, n_chans=4, n_times=128, seed=0, shift=0.5):
    """Noise, and in class 1 a slow wave that only a difference of two channels shows."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, n_chans, n_times)), np.arange(n) % 2
    common = 5 * rng.normal(size=(n, 1, n_times)).cumsum(axis=2) / 10
    wave = np.sin(np.pi * np.arange(n_times) / n_times)
    X[:, :2] += common
    X[y == 1, 0] += shift * wave
    return X, y


def rhythms(n=120, n_chans=4, n_times=256, seed=0):
    """Noise, and in class 1 less power at 10 Hz (of 128 Hz), of any phase."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, n_chans, n_times)), np.arange(n) % 2
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    X[:, 1] += np.where(y, 0.4, 0.9)[:, None] * np.sin(2 * np.pi * 10 * np.arange(n_times) / 128 + phase)
    return X, y


def views_of(X, y, folds=(), weight=None, **params):
    views = LinearViews(X.shape[1], y.max() + 1, X.shape[2], 128.0)
    weight = np.ones(len(y)) if weight is None else weight
    held_out = views.fit(torch.as_tensor(X, dtype=torch.float32), y, weight, folds, 0, **params)
    return views, held_out


@pytest.mark.parametrize("make", [evoked, rhythms])
def test_views_find_what_is_linear_in_them(make):
    X, y = make(240)
    views, _ = views_of(X[:120], y[:120])
    scores = views(torch.as_tensor(X[120:], dtype=torch.float32))
    assert (scores.argmax(1).numpy() == y[120:]).mean() > 0.85


def test_scores_of_held_out_samples_are_those_of_a_fit_without_them(monkeypatch):
    X, y = evoked(60)
    held = np.arange(0, 60, 4)
    rest = np.setdiff1d(np.arange(60), held)

    def alike(kernels, *others):  # so that both fits weigh views alike
        return np.full(len(kernels), 0.02), 0.5

    monkeypatch.setattr("mne_cnnclass.networks.views._shares", alike)
    x = torch.as_tensor(X, dtype=torch.float32)
    views = LinearViews(4, 2, 128, 128.0)
    features, _ = views._features(x)
    means, kernels = [f.mean(0) for f in features], []
    for feature, mean in zip(features, means, strict=True):
        kernel = (feature - mean) @ (feature - mean).T
        kernels.append(kernel / (np.trace(kernel) / 60))
    prior = 0.02 * sum(kernels) + 1.0
    targets = 2.0 * np.eye(2)[y] - 1.0
    by_hand = prior[np.ix_(held, rest)] @ np.linalg.solve(
        prior[np.ix_(rest, rest)] + 0.5 * np.eye(len(rest)), targets[rest]
    )
    views, held_out = views_of(X, y, [(None, held)])
    assert np.allclose(held_out[held], by_hand, atol=1e-8)
    # and the weights of the views give the scores that their kernels do
    inside = prior @ np.linalg.solve(prior + 0.5 * np.eye(60), targets)
    assert np.allclose(views(x).numpy(), inside, atol=1e-5)


def test_logarithm_is_that_of_scipy_for_many_degrees_of_freedom():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 5, 50))
    covariances = a @ a.transpose(0, 2, 1)
    found = logarithm(torch.as_tensor(covariances), 1e12, torch.eye(5, dtype=torch.float64)).numpy()
    assert np.allclose(found, [logm(c) for c in covariances], atol=1e-6)


def test_saliency_is_right_where_channels_are_flat():
    torch.manual_seed(0)
    z = torch.randn(2, 6, 3, dtype=torch.float64)
    z[:, :2] = 0.0  # with them, eigenvalues are equal
    eye, weight = torch.eye(6, dtype=torch.float64), torch.randn(6, 6, dtype=torch.float64)
    weight = weight + weight.T
    z.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: (logarithm(z @ z.mT, 3, eye) * weight).sum(), z, atol=1e-5)


def test_a_score_that_says_nothing_is_not_heard():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    good = np.eye(2)[y] + rng.normal(0, 0.7, (400, 2))
    factors = fit_shares([good, rng.normal(0, 3, (400, 2))], y, np.ones(400), (9.0, 9.0))
    assert factors[1] * 3 < 0.2 < factors[0]


def test_decimation_keeps_what_is_slow_and_removes_what_is_fast():
    times = np.arange(1024) / 256
    slow, fast = np.sin(2 * np.pi * 5 * times), np.sin(2 * np.pi * 80 * times)
    short = Decimation(256.0)(torch.as_tensor(np.stack([slow, fast])[None], dtype=torch.float32)).numpy()[0]
    assert short.shape == (2, 342)
    assert np.abs(short[0] - slow[::3])[20:-20].max() < 0.01
    assert np.abs(short[1])[20:-20].max() < 0.01


def test_folds_keep_groups_and_classes():
    groups, y = np.repeat(np.arange(6), 10), np.arange(60) % 2
    for rows, held in make_folds(y, groups, 3, 0):
        assert not set(groups[rows]) & set(groups[held])
    # a class in one group alone: folds of samples
    for rows, held in make_folds((groups == 0).astype(int), groups, 3, 0):
        assert set((groups[rows] == 0).astype(int)) == {0, 1}
        assert len(held)
    # a class with one sample: none can be held out
    assert [len(held) for _, held in make_folds(np.r_[np.zeros(9, int), 1], None, 3, 0)] == [0, 0]


def test_default_finds_both_evoked_responses_and_rhythms():
    for make in (evoked, rhythms):
        X, y = make(240)
        clf = CNNClassifier(**SETTINGS).fit(X[:120], y[:120])
        assert isinstance(clf.module_, MultiViewCNN)
        assert clf.score(X[120:], y[120:]) > 0.85


@pytest.mark.parametrize("how", [{}, dict(n_members=2), dict(calibrate=True), dict(validation_fraction=0.2)])
def test_same_bits_again_and_from_a_file(tmp_path, how):
    X, y = evoked(60)
    clf = CNNClassifier(**SETTINGS, **how).fit(X, y)
    probabilities = clf.predict_proba(X)
    assert np.array_equal(clone(clf).fit(X, y).predict_proba(X), probabilities)
    clf.save(tmp_path / "a.mcnn")
    assert np.array_equal(load_classifier(tmp_path / "a.mcnn").predict_proba(X), probabilities)
    assert len(clf.module_.networks) == 3 * how.get("n_members", 1)
    assert sorted(clf.history_["member"].unique()) == list(range(len(clf.module_.networks)))


def test_what_stops_the_fit_of_the_views_leaves_the_networks(monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("mne_cnnclass.networks.views._shares", stop)
    X, y = evoked(60)
    clf = CNNClassifier(**SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert clf.stopped_.startswith("KeyboardInterrupt")
    assert clf.predict(X).shape == (60,)


def test_warm_start_goes_on_from_all_networks():
    X, y = evoked(60)
    clf = CNNClassifier(**SETTINGS, warm_start=True, n_members=2).fit(X, y)
    before = clf.module_.networks[0].conv_temporal.weight.clone()
    clf.fit(X, y)
    assert not torch.equal(clf.module_.networks[0].conv_temporal.weight, before)
    assert clf.history_["epoch"].max() == 4


def test_symmetric_network_answers_mirrored_samples_with_the_mirrored_answer():
    import mne

    X, y = evoked(60)
    info = mne.create_info(["C3", "C4", "Cz", "Pz"], 128.0, "eeg").set_montage(MONTAGE_1005)
    events = np.column_stack([np.arange(60) * 200, np.zeros(60, int), y + 1])
    epochs = mne.EpochsArray(X, info, events, event_id=dict(left=1, right=2))
    clf = CNNClassifier(**SETTINGS, symmetry="left_right").fit(epochs)
    mirrored = mne.EpochsArray(X[:, [1, 0, 2, 3]], info, events, event_id=dict(left=1, right=2))
    probabilities = clf.predict_proba(epochs)
    assert np.allclose(clf.predict_proba(mirrored), probabilities[:, ::-1], atol=1e-6)
    assert clf.score(epochs) > 0.8  # and the views are heard


@pytest.mark.parametrize("shape", [(12, 1, 1), (12, 3, 2), (30, 1, 4000), (12, 40, 20)])
def test_any_channels_and_times(shape):
    X = np.random.default_rng(0).normal(size=shape)
    y = np.arange(shape[0]) % 3
    probabilities = CNNClassifier(**SETTINGS).fit(X, y).predict_proba(X)
    assert probabilities.shape == (shape[0], 3)
    assert np.isfinite(probabilities).all()


def test_a_channel_that_is_flat_or_a_sum_of_others_does_no_harm():
    X, y = evoked(240)
    X = np.concatenate([X, X.sum(axis=1, keepdims=True), np.zeros_like(X[:, :1])], axis=1)
    with pytest.warns(RuntimeWarning, match="Flat"):
        clf = CNNClassifier(**SETTINGS).fit(X[:120], y[:120])
    assert clf.score(X[120:], y[120:]) > 0.85


def test_weights_of_samples_are_those_of_the_views_too():
    X, y = evoked(120, shift=3.0)
    wrong = np.arange(120) < 60
    flipped = np.where(wrong, 1 - y, y)
    clf = CNNClassifier(**SETTINGS).fit(X, flipped, sample_weight=np.where(wrong, 1e-3, 1.0))
    assert clf.score(X, y) > 0.9


def test_methods_name_the_parts():
    from mne_cnnclass.report.methods import _describe_network

    text = " ".join(_describe_network(CNNClassifier(n_members=2, random_state=0)))
    assert "6 networks EEGNet" in text
    assert "Gaussian processes" in text
    assert "averaged" not in text


def test_slow_potentials_of_one_person():
    view = EpochsView(datasets.load_sample("train"))
    halves, clf = (np.arange(0, 268, 2), np.arange(1, 268, 2)), CNNClassifier(max_epochs=5, random_state=0)
    scores = [clf.fit(view[train]).score(view[test]) for train, test in (halves, halves[::-1])]
    assert np.mean(scores) > 0.82  # what a linear model of the samples reaches with twice the trials
