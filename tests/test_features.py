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

from mne_cnnclass import CNNClassifier, EpochsView
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


# -- tables ------------------------------------------------------------------------------------------


def test_tables_have_names_and_tell_classes():
    view = EpochsView(planted_epochs(48))
    table = table_of(ALL, view, bands=BANDS)
    assert table.shape == (48, len(set(table.columns)))
    assert {"C3.alpha", "C3-C4.alpha.asymmetry", "Pz.complexity", "Fz-Pz.beta.phase_locking"} <= set(table)
    assert np.argmax(np.abs(table[view.labels == "left"].mean() - table[view.labels == "right"].mean())) >= 0
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


SHORT = "of signals of two times nothing changes, so they have no mobility"


def expected_failures(estimator):
    return {}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([Features(["hjorth"], sfreq=1.0)], expected_failed_checks=expected_failures)
def test_check_estimator(estimator, check):
    check(estimator)
