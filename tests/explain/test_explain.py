"""A planted 10 Hz source at C3 is found in place and frequency, and mains noise of all classes is not."""

import matplotlib.pyplot as plt
import mne
import numpy as np
import pytest
import torch
from mne.decoding import CSP
from scipy.signal import correlate
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_cnnclass import CNNClassifier, EpochsView, datasets, explain
from mne_cnnclass.preprocessing import Pick
from mne_cnnclass.viz import plot_beat_importance, plot_importance

CHANNELS = ["Fz", "C3", "Cz", "C4", "Pz"]
SOURCE = np.array([0.3, 1.0, 0.5, 0.1, 0.2])  # how a source over C3 reaches the channels
MAINS = np.array([0.3, 0.2, 0.4, 0.5, 1.0])
BANDS = {f"{f} Hz": (f - 1.5, f + 1.5) for f in range(4, 61, 3)}
NETWORKS = {"EEGNet": dict(F1=4), "MultiScaleCNN": {}}


def source_epochs(n_epochs, seed):
    """Noise of 1 µV; in all epochs 50 Hz, strongest at Pz; in those of the class "left" 10 Hz over C3."""
    rng = np.random.default_rng(seed)
    sfreq = n_times = 128
    time = np.arange(n_times) / sfreq
    codes = np.resize([1, 2], n_epochs)

    def wave(frequency):
        return np.sin(2 * np.pi * frequency * time + rng.uniform(0, 2 * np.pi, (n_epochs, 1)))[:, None]

    data = rng.standard_normal((n_epochs, len(CHANNELS), n_times))
    data += SOURCE[:, None] * 2 * wave(10) * (codes == 1)[:, None, None] + MAINS[:, None] * 3 * wave(50)
    events = np.column_stack([np.arange(n_epochs) * n_times, 0 * codes, codes])
    info = mne.create_info(CHANNELS, sfreq, "eeg").set_montage(datasets.MONTAGE_1005)
    return mne.EpochsArray(1e-6 * data, info, events, event_id=dict(left=1, right=2), verbose=False)


@pytest.fixture(scope="module")
def test_view():
    return EpochsView(source_epochs(60, seed=1))


@pytest.fixture(scope="module", params=NETWORKS)
def clf(request):
    model = CNNClassifier(
        request.param, model_params=NETWORKS[request.param], max_epochs=20, n_threads=1, random_state=0
    )
    return model.fit(source_epochs(120, seed=0))


@pytest.fixture(scope="module")
def eegnet():
    return CNNClassifier("EEGNet", max_epochs=2, n_threads=1, random_state=0).fit(source_epochs(40, seed=0))


def best_component(clf, view):
    return explain.component_contributions(clf, view, random_state=0).mean(axis=1).idxmax()


# -- the planted source ------------------------------------------------------------------------------


def test_the_pattern_is_that_of_the_source_in_volts(clf, test_view):
    pattern = explain.spatial_patterns(clf, test_view).data[:, best_component(clf, test_view)]
    assert CHANNELS[pattern.argmax()] == "C3"
    np.testing.assert_allclose(pattern, 1e-6 * SOURCE, atol=0.25e-6)  # 2 µV / √2 in half of the epochs


def test_patterns_are_drawn_as_topographies(eegnet, test_view):
    patterns = explain.spatial_patterns(eegnet, test_view)
    assert patterns.times.tolist() == list(range(16))
    fig = patterns.plot_topomap(times=[0, 3], time_format="component %d", show=False)
    assert [ax.get_title() for ax in fig.axes[:2]] == ["component 0", "component 3"]


def test_the_filters_that_matter_pass_10_hz_and_not_50(clf, test_view):
    contributions = explain.component_contributions(clf, test_view, random_state=0).mean(axis=1)
    gains = explain.filter_responses(clf)
    assert gains.to_numpy().max() <= 1 + 1e-9
    mean = (gains * contributions.clip(lower=0)).sum(axis=1) / contributions.clip(lower=0).sum()
    assert mean.idxmax() == pytest.approx(10, abs=1.5)
    assert mean.loc[50] < 0.3 * mean.max()


def test_saliency_lies_over_the_source_in_every_class(clf, test_view):
    evokeds = explain.saliency(clf, test_view, random_state=0)
    assert list(evokeds) == ["left", "right"]
    for evoked in evokeds.values():
        total = evoked.data.sum(axis=1)
        assert CHANNELS[total.argmax()] == "C3"
        assert np.abs(total[CHANNELS.index("Pz")]) < 0.3 * total.max()
        np.testing.assert_allclose(evoked.times, test_view.times)
        assert evoked.nave == 30


def test_saliency_lies_at_the_frequency_of_the_source(clf, test_view):
    for spectrum in explain.saliency_spectrum(clf, test_view, random_state=0).values():
        frequency, channel = spectrum.stack().idxmax()
        assert channel == "C3"
        assert frequency == pytest.approx(10, abs=1.5)
        assert np.abs(spectrum.loc[50]).max() < 0.1 * spectrum.to_numpy().max()


def test_saliency_is_drawn_by_mne(eegnet, test_view):
    evoked = explain.saliency(eegnet, test_view, random_state=0, n_steps=2)["left"]
    units = dict(scalings=dict(eeg=1), units=dict(eeg="logit"), show=False)
    assert evoked.plot(**units).axes[0].get_ylabel() == "logit"
    for draw in (evoked.plot_topomap, evoked.plot_image, evoked.plot_joint):
        draw(show=False)


def test_the_source_is_what_the_score_depends_on(clf, test_view):
    channels = explain.channel_importance(clf, test_view, n_repeats=5, random_state=0)
    assert channels["mean"].idxmax() == "C3"
    assert channels.loc["C3", "mean"] > 0.2
    assert abs(channels.loc["Pz", "mean"]) < 0.05
    bands = explain.band_importance(clf, test_view, bands=BANDS, n_repeats=5, random_state=0)
    assert bands["mean"].idxmax() == "10 Hz"
    assert bands.loc["10 Hz", "mean"] > 0.2
    assert abs(bands.loc["49 Hz", "mean"]) < 0.05


# -- the definitions ---------------------------------------------------------------------------------


def test_the_pattern_is_the_covariance_with_the_component(eegnet, test_view):
    module, X = eegnet.module_, np.asarray(test_view)
    x = np.pad(X - X.mean(axis=(0, 2), keepdims=True), ((0, 0), (0, 0), (32, 31)), mode="edge")
    patterns = explain.spatial_patterns(eegnet, test_view).data
    for o in (0, 7, 15):
        h = module.conv_temporal.weight[o // module.D, 0, 0].detach().numpy()
        w = module.conv_spatial.weight[o, 0, :, 0].detach().numpy() / eegnet.scaler_.scale_[:, 0]
        filtered = correlate(x, h[None, None] / np.abs(np.fft.rfft(h, 4096)).max(), mode="valid")
        s = np.einsum("c,nct->nt", w, filtered)
        expected = np.einsum("nct,nt->c", filtered, s) / s.size / np.sqrt((s**2).mean())
        expected *= np.sign(expected[np.abs(expected).argmax()])
        np.testing.assert_allclose(patterns[:, o], expected, rtol=1e-2, atol=1e-2 * expected.max())


def test_contributions_add_up_to_the_logits(eegnet, test_view):
    y = test_view.labels
    proba = eegnet.predict_proba(test_view)
    logits = np.log(proba) - np.log(proba).mean(axis=1, keepdims=True)
    by_time = explain.saliency(eegnet, test_view, n_steps=100, random_state=0)
    by_frequency = explain.saliency_spectrum(eegnet, test_view, n_steps=100, random_state=0)
    by_component = explain.component_contributions(eegnet, test_view, n_steps=100, random_state=0)
    for i, label in enumerate(["left", "right"]):
        expected = logits[y == label, i].mean() - logits[:, i].mean()
        total = by_time[label].data.sum()
        assert total == pytest.approx(expected, rel=0.1)
        assert by_frequency[label].to_numpy().sum() == pytest.approx(total, rel=1e-4)
        assert by_component[label].sum() == pytest.approx(total, rel=1e-4)
        np.testing.assert_allclose(
            by_frequency[label].sum(), by_time[label].data.sum(axis=1), rtol=1e-3, atol=1e-5
        )


@pytest.mark.parametrize("name", ["EEGNet", "ShallowFBCSPNet", "Deep4Net", "MultiScaleCNN"])
def test_networks_rewritten_for_speed_say_the_same(name, test_view):
    params = dict(n_filters_time=4, n_filters_spat=4) if name in ("ShallowFBCSPNet", "Deep4Net") else {}
    epochs = source_epochs(16, seed=0)
    if name == "Deep4Net":  # needs longer windows
        params |= dict(pool_time_length=2, pool_time_stride=2, filter_length_2=4, filter_length_3=4)
        params |= dict(filter_length_4=4)
    fast, plain = (
        CNNClassifier(
            name, model_params=params, max_epochs=1, accelerate=accelerate, n_threads=1, random_state=0
        ).fit(epochs)
        for accelerate in (True, False)
    )
    assert fast.accelerated_
    plain.module_.load_state_dict(fast.module_.state_dict())
    plain.scaler_ = fast.scaler_
    for explanation in (explain.component_contributions, explain.saliency_spectrum):
        one, other = (explanation(model, test_view, random_state=0, n_steps=4) for model in (fast, plain))
        for label in ("left", "right"):
            scale = np.abs(other[label]).to_numpy().max()
            np.testing.assert_allclose(one[label], other[label], atol=1e-3 * scale)


def test_permutation_is_that_of_scikit_learn(test_view):
    """One time a channel is a table of features, for which scikit-learn has the answer."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3, 1))
    y = X[:, 0, 0] + 0.5 * X[:, 1, 0] > 0

    class Flat(LogisticRegression):
        def fit(self, X, y):
            return super().fit(X[:, :, 0], y)

        def predict(self, X):
            return super().predict(X[:, :, 0])

    model, table = Flat().fit(X, y), LogisticRegression().fit(X[:, :, 0], y)
    ours = explain.channel_importance(model, X, y, n_repeats=50, random_state=0)
    theirs = permutation_importance(table, X[:, :, 0], y, n_repeats=50, random_state=0)
    np.testing.assert_allclose(ours["mean"], theirs.importances_mean, atol=0.02)
    np.testing.assert_allclose(ours["sd"], theirs.importances_std, rtol=0.5, atol=0.01)


def test_importance_takes_estimators_of_mne(test_view):
    train = EpochsView(source_epochs(60, seed=0))
    model = make_pipeline(CSP(2), LinearDiscriminantAnalysis()).fit(train, train.labels)
    importance = explain.channel_importance(model, test_view, scoring="roc_auc", random_state=0)
    assert importance["mean"].idxmax() == "C3"
    assert importance.index.tolist() == CHANNELS
    assert importance.attrs["scoring"] == "roc_auc"
    assert explain.band_importance(model, test_view, random_state=0)["mean"].idxmax() == "alpha"


# -- what stays as it was ----------------------------------------------------------------------------


def test_importance_of_a_pipeline_that_picks_channels(test_view):
    """By name, of which an array has none."""
    power = FunctionTransformer(lambda X: np.log(np.asarray(X).var(axis=2)))
    model = make_pipeline(Pick(["C3", "Cz"]), power, LogisticRegression())
    model.fit(test_view, test_view.labels)
    loss = explain.channel_importance(model, test_view, random_state=0)["mean"]
    assert loss.idxmax() == "C3"
    assert (loss.drop(["C3", "Cz"]) == 0).all()


def test_nothing_is_left_behind(eegnet, test_view):
    before = {name: tensor.clone() for name, tensor in eegnet.module_.state_dict().items()}
    eegnet.module_.zero_grad()
    eegnet.module_.bnorm_1.train()
    try:
        state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
        explain.saliency(eegnet, test_view, n_steps=2)
        explain.component_contributions(eegnet, test_view, n_steps=2)
        assert torch.equal(torch.random.get_rng_state(), state)
        np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
        assert [m for m in eegnet.module_.modules() if m.training] == [eegnet.module_.bnorm_1]
    finally:
        eegnet.module_.eval()
    explain.channel_importance(eegnet, test_view, n_repeats=1)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    assert all(parameter.grad is None for parameter in eegnet.module_.parameters())
    assert not eegnet.module_.conv_spatial._forward_hooks
    for name, tensor in eegnet.module_.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_the_same_seed_gives_the_same_numbers_in_any_order_of_channels(eegnet, test_view):
    turned = EpochsView(test_view.epochs.reorder_channels(CHANNELS[::-1]))
    one = explain.saliency(eegnet, test_view, random_state=0, n_steps=4)["left"]
    other = explain.saliency(eegnet, turned, random_state=0, n_steps=4)["left"]
    assert other.ch_names == CHANNELS
    np.testing.assert_array_equal(one.data, other.data)


# -- arrays, beats and errors ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def beats():
    """Beats of one lead with a P, a QRS and a T wave; those of the class "V" have a wide QRS."""
    rng = np.random.default_rng(0)
    time = np.arange(-0.4, 0.5, 0.01)
    codes = np.resize([1, 2], 120)

    def wave(at, width, height):
        return height * np.exp(-0.5 * ((time - at) / width) ** 2)

    normal = wave(-0.2, 0.03, 0.15) + wave(0, 0.015, 1.0) + wave(0.25, 0.05, 0.3)
    wide = wave(-0.2, 0.03, 0.15) + wave(0, 0.05, 1.0) + wave(0.25, 0.05, 0.3)
    data = np.where((codes == 1)[:, None], normal, wide) + 0.05 * rng.standard_normal((120, len(time)))
    events = np.column_stack([np.arange(120) * 100, 0 * codes, codes])
    info = mne.create_info(["MLII"], 100.0, "ecg")
    return mne.EpochsArray(1e-3 * data[:, None], info, events, -0.4, dict(N=1, V=2), verbose=False)


@pytest.mark.parametrize("name", NETWORKS)
def test_importance_of_beats_lies_on_the_wave_that_differs(name, beats):
    clf = CNNClassifier(name, max_epochs=10, n_threads=1, random_state=0).fit(beats)
    assert clf.score(beats) > 0.9
    importance = explain.saliency(clf, beats, random_state=0)
    for evoked in importance.values():
        share = np.abs(evoked.data[0])
        assert share[np.abs(evoked.times) < 0.12].sum() > 0.8 * share.sum()
    mean = beats["V"].average(picks="all")
    fig = plot_beat_importance(mean, importance["V"])
    lines = fig.axes[0].collections[0]
    brightest = np.abs(lines.get_array()).argmax()
    assert abs(lines.get_segments()[brightest][0, 0]) < 0.12
    assert fig.axes[0].get_ylabel() == "MLII (mV)"
    assert fig.axes[0].get_title(loc="left") == "Mean of n = 60 samples"


def test_arrays_do_too(eegnet, test_view):
    X, y = np.asarray(test_view), test_view.labels
    one, other = (
        explain.saliency(eegnet, *args, random_state=0, n_steps=2) for args in [(X, y), (test_view,)]
    )
    np.testing.assert_array_equal(one["left"].data, other["left"].data)
    assert one["left"].ch_names == CHANNELS
    fitted_on_array = CNNClassifier("EEGNet", max_epochs=1, n_threads=1, random_state=0).fit(X, y)
    assert explain.saliency(fitted_on_array, X, y, n_steps=2)["left"].ch_names == list("01234")
    with pytest.raises(ValueError, match="fit it on Epochs"):
        explain.filter_responses(fitted_on_array)
    with pytest.raises(ValueError, match="give sfreq="):
        explain.band_importance(fitted_on_array, X, y)


class Squares(torch.nn.Module):
    def __init__(self, n_chans, n_outputs):
        super().__init__()
        self.out = torch.nn.Linear(n_chans, n_outputs)

    def forward(self, x):
        return self.out((x**2).mean(dim=2))


def test_networks_without_a_linear_front_are_told_what_works(test_view):
    clf = CNNClassifier(Squares, max_epochs=1, n_threads=1, random_state=0).fit(test_view)
    with pytest.raises(ValueError, match="EEGNet, .*MultiScaleCNN do. saliency works"):
        explain.spatial_patterns(clf, test_view)
    assert set(explain.saliency(clf, test_view, n_steps=2)) == {"left", "right"}


def test_the_contributions_to_a_network_of_squares_are_known(test_view):
    """On the way from r to x, the integral of 2 z (x - r) is x² - r²; the mean over the others follows."""
    clf = CNNClassifier(Squares, max_epochs=5, n_threads=1, random_state=0).fit(test_view)
    evokeds = explain.saliency(clf, test_view, n_steps=400, random_state=0)
    z = (np.asarray(test_view) - clf.scaler_.mean_) / clf.scaler_.scale_
    weight = clf.module_.out.weight.detach().numpy()
    weight = weight - weight.mean(axis=0)
    power = (z**2).mean(axis=2)
    for i, label in enumerate(clf.classes_):
        expected = weight[i] * (power[test_view.labels == label].mean(axis=0) - power.mean(axis=0))
        np.testing.assert_allclose(
            evokeds[label].data.sum(axis=1), expected, atol=0.03 * np.abs(expected).max()
        )


def test_a_pipeline_is_looked_into_with_the_samples_that_its_network_gets(test_view):
    network = CNNClassifier("EEGNet", max_epochs=1, n_threads=1, random_state=0)
    pipeline = make_pipeline(Pick(["Pz", "C4", "C3"]), network).fit(source_epochs(40, seed=0))
    picked = pipeline[:-1].transform(test_view)
    how = dict(n_steps=1, random_state=0)
    evokeds = [
        explain.saliency(*both, **how)["left"] for both in ((pipeline, test_view), (pipeline[-1], picked))
    ]
    assert evokeds[0].ch_names == ["Pz", "C4", "C3"]
    np.testing.assert_array_equal(*(evoked.data for evoked in evokeds))
    for look in (explain.saliency_spectrum, explain.component_contributions):
        found = look(pipeline, test_view, **how), look(pipeline[-1], picked, **how)
        np.testing.assert_array_equal(*(np.asarray(one["left"]) for one in found))
    patterns = explain.spatial_patterns(pipeline, test_view), explain.spatial_patterns(pipeline[-1], picked)
    np.testing.assert_array_equal(*(one.data for one in patterns))
    assert explain.filter_responses(pipeline).equals(explain.filter_responses(pipeline[-1]))


def test_errors_say_what_to_do(eegnet, test_view):
    with pytest.raises(ValueError, match="'up'; fitted on"):
        explain.saliency(eegnet, test_view, np.resize(["up", "left"], len(test_view)))
    with pytest.raises(TypeError, match="channel_importance and band_importance take any"):
        explain.saliency(LogisticRegression().fit([[0], [1]], [0, 1]), test_view)
    with pytest.raises(TypeError, match="got a Pipeline that ends in a LogisticRegression"):
        explain.saliency(make_pipeline(LogisticRegression()).fit([[0], [1]], [0, 1]), test_view)
    with pytest.raises(ValueError, match="every 1 Hz up to 64 Hz. Widen"):
        explain.band_importance(eegnet, test_view, bands={"none": (10.2, 10.8)})
    with pytest.raises(ValueError, match="no channels to compare"):
        explain.channel_importance(LogisticRegression().fit([[0], [1]], [0, 1]), [[0.0], [1.0]], [0, 1])


def test_bars_have_names_sd_and_the_line_of_no_effect(eegnet, test_view):
    importance = explain.channel_importance(eegnet, test_view, n_repeats=3, random_state=0)
    ax = plot_importance(importance).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == CHANNELS
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], importance["mean"])
    assert ax.lines[-1].get_xdata() == [0, 0] or list(ax.lines[-1].get_xdata()) == [0, 0]
    assert "n = 60 samples\n3 permutations" in ax.get_title()
    fig, axes = plt.subplots(1, 2)
    assert plot_importance(importance, ax=axes[1], title="C3") is fig
