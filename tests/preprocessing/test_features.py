"""Features with names: their values where the truth is known, their way into tables and into the network."""

import pickle

import mne
import numpy as np
import pytest
from planted import planted_epochs
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from mne_cnnclass import CNNClassifier, EpochsView, load_classifier
from mne_cnnclass.preprocessing import Features
from mne_cnnclass.preprocessing.features import left_right_pairs

BANDS = {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30)}
ALL = ["band_power", "relative_power", "asymmetry", "hjorth", "spectral_entropy", "phase_locking"]


def table_of(features, X, **params):
    return Features(features, **params).set_output(transform="pandas").fit_transform(X)


def sinusoids(*parts, sfreq=200.0, n_times=800, noise=0.0, names=("C3", "C4")):
    """An epoch whose channels are sums of (amplitude, frequency, phase)."""
    times = np.arange(n_times) / sfreq
    data = [sum(a * np.sin(2 * np.pi * f * times + phase) for a, f, phase in part) for part in parts]
    data = np.array(data) + noise * np.random.default_rng(0).standard_normal((len(parts), n_times))
    info = mne.create_info(list(names[: len(parts)]), sfreq, "eeg")
    return EpochsView(mne.EpochsArray(data[np.newaxis], info, verbose=False))


# -- values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spectrum", ["welch", "multitaper"])
def test_a_rhythm_has_its_power_in_its_band(spectrum):
    view = sinusoids([(2e-6, 10, 0)], [(2e-6, 20, 0.3)], noise=1e-9)
    table = table_of(["band_power", "relative_power"], view, bands=BANDS, spectrum=spectrum)
    assert 10 ** table["C3.alpha"][0] == pytest.approx(2e-12, rel=0.02)  # A² / 2
    assert 10 ** table["C4.beta"][0] == pytest.approx(2e-12, rel=0.02)
    assert table["C3.alpha.relative"][0] > 0.98
    assert table["C4.alpha.relative"][0] < 0.02


def test_hjorth_of_a_sinusoid():
    table = table_of(["hjorth"], sinusoids([(3e-6, 10, 0)]))
    speed = 2 * 200 * np.sin(np.pi * 10 / 200)  # of a difference over a time; 2 π f in the limit
    assert table["C3.activity"][0] == pytest.approx(4.5e-12)
    assert table["C3.mobility"][0] == pytest.approx(speed, rel=2e-3)
    assert table["C3.complexity"][0] == pytest.approx(1, rel=5e-3)


def test_asymmetry_is_that_of_log_power():
    table = table_of(["asymmetry"], sinusoids([(1, 10, 0)], [(10, 10, 0)], noise=1e-3), bands=BANDS)
    assert table["C3-C4.alpha.asymmetry"][0] == pytest.approx(2, abs=0.01)  # a hundred times the power
    names = ["Fp1", "Fpz", "Fp2", "EEG C3-REF", "EEG C4-REF", "PO9", "PO10", "T7"]
    assert left_right_pairs(names) == [(0, 2), (3, 4), (5, 6)]


def test_entropy_of_a_line_and_of_noise():
    view = sinusoids([(1, 10, 0)], [(0, 0, 0)], noise=1e-6)
    table = table_of(["spectral_entropy"], view, bands={"all": (1, 90)})
    assert table["C3.spectral_entropy"][0] < 0.35
    assert table["C4.spectral_entropy"][0] > 0.95


def test_phase_locking_of_a_shared_rhythm():
    locked = sinusoids([(1, 10, 0), (1, 20, 0)], [(1, 10, 1.0), (1, 22, 0)])
    table = table_of(["phase_locking"], locked, bands=BANDS)
    assert table["C3-C4.alpha.phase_locking"][0] == pytest.approx(1)
    assert table["C3-C4.beta.phase_locking"][0] == pytest.approx(0, abs=1e-6)  # 8 turns in 4 s


def test_entropies_and_wavelets_of_mne_features():
    univariate = pytest.importorskip("mne_features.univariate")
    view = EpochsView(planted_epochs(3))
    table = table_of(["samp_entropy", "wavelet_coef_energy", "time_corr"], view)
    np.testing.assert_allclose(
        table[[f"{name}.samp_entropy" for name in view.ch_names]].iloc[2],
        univariate.compute_samp_entropy(np.asarray(view[2])[0]),
    )
    assert "C3.wavelet_coef_energy.0" in table
    assert "Fz-C3.time_corr" in table


# -- next to the signal ------------------------------------------------------------------------------


class Remember(PCA):
    """A transformer that tells which samples it was fitted on."""

    seen = []

    def fit(self, X, y=None):
        self.seen.append(np.asarray(X)[:, 0, 0])
        return super().fit(np.asarray(X)[:, 0, :20])

    def transform(self, X):
        return super().transform(np.asarray(X)[:, 0, :20])


def planted_power(n_epochs=80, seed=0):
    """Epochs with a weak rhythm at C3 in every second one."""
    return EpochsView(planted_epochs(n_epochs, amplitude=2.0, seed=seed))


def test_features_reach_the_network_next_to_the_signal():
    train, test = planted_power(), planted_power(seed=1)
    features = make_pipeline(Features(bands=BANDS), StandardScaler())
    settings = dict(max_epochs=15, random_state=0, n_threads=1)
    clf = CNNClassifier("MultiScaleCNN", side_inputs=[features], **settings).fit(train)
    assert clf.score(test) > 0.95
    assert clf.side_scaler_.mean_.shape == (15,)
    assert not hasattr(features, "n_features_in_")  # it was cloned
    # what the network is given counts: without the features' differences the output is another
    proba = clf.predict_proba(test)
    clf.side_scaler_.scale_[:] = np.inf
    assert np.abs(clf.predict_proba(test) - proba).max() > 0.01


def test_a_transformer_gives_the_bits_of_the_same_columns():
    epochs = planted_epochs(40)
    features = Features(["hjorth"])
    table = features.set_output(transform="pandas").fit_transform(epochs)
    settings = dict(max_epochs=2, random_state=0, n_threads=1)
    by_transformer = CNNClassifier("MultiScaleCNN", side_inputs=[Features(["hjorth"])], **settings).fit(
        epochs
    )
    with_columns = epochs.copy()
    with_columns.metadata = table
    by_columns = CNNClassifier("MultiScaleCNN", side_inputs=list(table), **settings).fit(with_columns)
    np.testing.assert_array_equal(
        by_transformer.predict_proba(epochs), by_columns.predict_proba(with_columns)
    )


def test_transformers_are_fitted_on_the_training_samples_of_each_network():
    view = planted_power(40)
    marks = np.asarray(view)[:, 0, 0]
    settings = dict(max_epochs=1, random_state=0, n_threads=1)
    Remember.seen.clear()
    CNNClassifier("MultiScaleCNN", side_inputs=[Remember(2)], validation_fraction=0.25, **settings).fit(view)
    assert [len(seen) for seen in Remember.seen] == [30]
    Remember.seen.clear()
    clf = CNNClassifier("MultiScaleCNN", side_inputs=[Remember(2)], calibrate=True, **settings).fit(view)
    whole, *folds = Remember.seen
    assert set(whole) == set(marks)
    held_out = [set(marks) - set(fold) for fold in folds]
    assert len(held_out) == 3
    assert set.union(*held_out) == set(marks)
    assert sum(map(len, held_out)) == len(marks)
    Remember.seen.clear()
    clf.predict(view)
    assert not Remember.seen


def test_columns_and_transformers_together_copied_and_trained_further(tmp_path):
    epochs = planted_epochs(40)
    epochs.metadata = Features(["hjorth"]).set_output(transform="pandas").fit_transform(epochs).iloc[:, :1]
    clf = CNNClassifier(
        "MultiScaleCNN",
        side_inputs=[Features(bands=BANDS), "Fz.activity"],
        max_epochs=1,
        warm_start=True,
        random_state=0,
    ).fit(epochs)
    assert clf.side_scaler_.names == ["Fz.activity"]
    assert clf.side_scaler_.mean_.shape == (16,)
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(copy.predict_proba(epochs), clf.predict_proba(epochs))
    copy.fit(epochs)
    assert len(copy.history_) == 2
    copy.set_params(side_inputs=[Features(), "Fz.activity"])
    with pytest.raises(ValueError, match="warm_start=True continues with side_inputs"):
        copy.fit(epochs)
    clf.save(tmp_path / "hands.mcnn")
    loaded = load_classifier(tmp_path / "hands.mcnn")
    np.testing.assert_array_equal(loaded.predict_proba(epochs), clf.predict_proba(epochs))


def test_arrays_may_have_transformers_beside_them():
    X = np.asarray(planted_power(20))
    clf = CNNClassifier(
        "MultiScaleCNN", side_inputs=[Features(bands=BANDS, sfreq=100)], max_epochs=1, random_state=0
    )
    assert clf.fit(X, np.arange(20) % 2).predict(X).shape == (20,)
    mean = FunctionTransformer(lambda X: np.asarray(X).mean(axis=2))  # any transformer into a table
    assert clf.set_params(side_inputs=[mean]).fit(X, np.arange(20) % 2).predict(X).shape == (20,)
    whole = FunctionTransformer(np.asarray)
    with pytest.raises(ValueError, match="dim 3"):
        clf.set_params(side_inputs=[whole]).fit(X, np.arange(20) % 2)


# -- tables ------------------------------------------------------------------------------------------


def test_tables_have_names_and_tell_classes():
    view = EpochsView(planted_epochs(48))
    table = table_of(ALL, view, bands=BANDS)
    assert table.shape == (48, len(set(table.columns)))
    assert {"C3.alpha", "C3-C4.alpha.asymmetry", "Pz.complexity", "Fz-Pz.beta.phase_locking"} <= set(table)
    pipeline = make_pipeline(Features(ALL, bands=BANDS), StandardScaler(), LogisticRegression())
    assert cross_val_score(pipeline, view, view.labels).mean() == 1.0


def test_features_follow_the_channels_and_look_at_each_sample_alone():
    view = EpochsView(planted_epochs(40))
    features = Features(ALL, bands=BANDS).fit(view[:5])
    table = features.transform(view)
    np.testing.assert_array_equal(features.transform(view.pick(["Pz", "C4", "C3", "Cz", "Fz"])), table)
    np.testing.assert_allclose(features.transform(view[7:9]), table[7:9])
    array = Features(ALL[:2], bands=BANDS, sfreq=100).fit(np.asarray(view))
    assert array.get_feature_names_out()[0] == "ch0.theta"
    np.testing.assert_array_equal(array.transform(np.asarray(view)), table[:, : 2 * 5 * 3])


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        (dict(features=["bandpower"]), ValueError, "no feature \\['bandpower'\\]; there are \\['band_power'"),
        (dict(features="band_power"), TypeError, "list"),
        (dict(features=[]), TypeError, "list"),
        (dict(spectrum="fft"), ValueError, "'welch' or 'multitaper'"),
        (dict(bands={"high": (60, 80)}), ValueError, "Band 'high' from 60 to 80 Hz"),
        (dict(bands={"slow": (0.1, 0.5)}), ValueError, "longer windows"),
    ],
)
def test_what_can_not_be_computed(params, error, match):
    with pytest.raises(error, match=match):
        Features(**params).fit(EpochsView(planted_epochs(4)))


def test_signals_that_have_no_features():
    epochs = planted_epochs(4)
    features = Features(bands=BANDS).fit(epochs)
    epochs._data[2, 1] = 0.0
    with pytest.raises(ValueError, match="'C3.theta' of sample 2 is not finite"):
        features.transform(epochs)
    epochs._data[2, 1, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        features.transform(epochs)
    with pytest.raises(ValueError, match="such as C3 and C4"):
        Features(["asymmetry"], bands=BANDS).fit(planted_epochs(4, ch_names=("Fz", "Cz")))
    with pytest.raises(ValueError, match="two channels"):
        Features(["phase_locking"], bands=BANDS).fit(planted_epochs(4, ch_names=("Fz",)))
    with pytest.raises(ValueError, match="sampling frequency of an array"):
        Features().fit(np.ones((3, 2, 100)))


SHORT = "its samples are signals of two times or fewer, of which there is no mobility: an error by design"
FLAT = "some of its samples are flat as integers, and a flat signal has no mobility: an error by design"
EXPECTED = dict.fromkeys(
    (
        "check_estimators_overwrite_params",
        "check_estimators_fit_returns_self",
        "check_readonly_memmap_input",
        "check_fit_idempotent",
        "check_fit_check_is_fitted",
        "check_n_features_in",
    ),
    SHORT,
) | {"check_estimators_dtypes": FLAT}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([Features(["hjorth"], sfreq=1.0)], expected_failed_checks=lambda estimator: EXPECTED)
def test_check_estimator(estimator, check):
    check(estimator)
