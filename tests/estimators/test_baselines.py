"""Baselines find what is planted, and the dummy does not."""

import importlib.util

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from planted import CHANNELS, planted_epochs

from mne_cnnclass import EpochsView, baselines, compare, evaluate
from mne_cnnclass.estimators.baselines import BANDS, log_band_power
from mne_cnnclass.evaluation import summary_table

pytest.importorskip("pyriemann")
pytest.importorskip("sktime")
COMPILED = pytest.param("MiniRocket", marks=pytest.mark.slow)
EEG = ["dummy", "band power + LR", "CSP + LDA", "tangent space + LR", "Riemannian MDM"]
ECG = ["dummy", "RR + shape + boosting"]


@pytest.fixture(scope="module")
def view():
    """A weak rhythm at C3 in noise that the channels share, average reference: covariances are singular."""
    epochs = planted_epochs(120, amplitude=1.5)
    mixing = np.random.default_rng(1).standard_normal((5, 5)) + 3 * np.eye(5)
    epochs = mne.EpochsArray(
        mixing @ epochs.get_data(), epochs.info, epochs.events, event_id=epochs.event_id, verbose=False
    )
    return EpochsView(epochs.set_eeg_reference(verbose=False), groups=np.arange(120) // 2 % 10)


def beats(n=150, *, seed=0):
    """Beats of 0.7 s; "V" are early and wide, "S" are early alone."""
    rng = np.random.default_rng(seed)
    y = np.resize(["N", "N", "S", "V", "N"], n)
    t = np.linspace(-0.25, 0.45, 90)
    width = np.where(y == "V", 0.06, 0.02)[:, None]
    data = 1e-3 * np.exp(-((t / width) ** 2)) + 1e-4 * rng.standard_normal((n, 90))
    epochs = mne.EpochsArray(
        data[:, None], mne.create_info(["MLII"], 128.0, "ecg"), tmin=-0.25, verbose=False
    )
    rr_ratio = np.where(y == "N", 1.0, 0.6) + 0.03 * rng.standard_normal(n)
    epochs.metadata = pd.DataFrame({"rr_ratio": rr_ratio, "record": "a"})
    return EpochsView(epochs, labels=y, groups=np.arange(n) // 5 % 10)


@pytest.mark.parametrize("name", [*EEG, COMPILED])
def test_a_planted_rhythm_is_found(view, name):
    (pipeline,) = baselines("eeg", names=[name], random_state=0).values()
    n_threads = torch.get_num_threads()
    accuracy = evaluate(pipeline, view).summary().loc["accuracy", "mean"]
    assert accuracy == 0.5 if name == "dummy" else accuracy > 0.75
    assert torch.get_num_threads() == n_threads  # which loops of numba change


@pytest.mark.parametrize("n_channels", [1, 6])
@pytest.mark.parametrize("name", ["shrinkage LDA", "xDAWN + TS"])
def test_an_evoked_response_is_found_in_unequal_classes(name, n_channels):
    """One of six epochs has a response, whose best discriminant is known: a ROC-AUC of 0.98."""
    rng = np.random.default_rng(0)
    y, t = np.arange(240) % 6 == 0, np.arange(90) / 100.0
    response = np.exp(-(((t - 0.3) / 0.05) ** 2)) * rng.standard_normal((n_channels, 1))
    data = rng.standard_normal((240, n_channels, 90))
    data += y[:, None, None] * response * 2.9 / np.linalg.norm(response)
    data -= data.mean(1, keepdims=True) if n_channels > 1 else 0  # covariances without full rank
    result = evaluate(baselines("eeg", task="erp", names=[name])[name], 1e-6 * data, y)
    assert result.summary().loc["roc_auc", "mean"] > 0.85


@pytest.mark.parametrize("name", [*ECG, COMPILED])
def test_beats_are_told_apart(name):
    (pipeline,) = baselines("ecg", names=[name], random_state=0).values()
    accuracy = evaluate(pipeline, beats()).summary().loc["balanced_accuracy", "mean"]
    assert (
        accuracy == pytest.approx(1 / 3) if name == "dummy" else accuracy > {"MiniRocket": 0.6}.get(name, 0.9)
    )


def test_tables_have_baselines_beside_a_classifier(view):
    results = {name: evaluate(one, view) for name, one in baselines("eeg", names=EEG).items()}
    assert summary_table(results).index.tolist() == [*EEG, "chance"]
    table = compare(results).table
    assert len(table) == 10


def test_band_power_is_that_of_the_bands_within_the_filter(view):
    t = np.arange(200) / 100.0
    rhythms = np.stack([np.sin(2 * np.pi * f * t) for f in (6.0, 10.0, 20.0, 35.0, 10.0)])
    info = mne.create_info(list(CHANNELS), 100.0, "eeg")
    epochs = mne.EpochsArray(rhythms[None], info, verbose=False)
    power = log_band_power(epochs).reshape(5, len(BANDS))
    assert power.argmax(1).tolist() == [0, 1, 2, 3, 1]
    with info._unlock():
        info["highpass"], info["lowpass"] = 8.0, 30.0
    epochs = mne.EpochsArray(rhythms[None], info, verbose=False)
    np.testing.assert_array_equal(log_band_power(epochs).reshape(5, 2), power[:, 1:3])


def test_what_is_not_installed_is_told(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyriemann" else find(name))
    with pytest.warns(
        RuntimeWarning, match=r"Left out, .*: tangent space \+ LR, Riemannian MDM.*\[baselines\]"
    ):
        assert "CSP + LDA" in baselines("eeg")
    assert list(baselines("eeg", names=["dummy"])) == ["dummy"]
    with pytest.raises(ImportError, match=r"'Riemannian MDM' needs pyriemann: pip install .*\[baselines\]"):
        baselines("eeg", names=["Riemannian MDM"])


def test_wrong_names_and_samples_are_refused():
    with pytest.raises(ValueError, match="for 'eeg', 'ecg', got 'emg'"):
        baselines("emg")
    with pytest.raises(ValueError, match="no baseline 'SVM' for 'eeg'; there are dummy, band power"):
        baselines("eeg", names=["SVM"])
    X = np.zeros((4, 1, 90))
    with pytest.raises(ValueError, match="needs heartbeats of mne_cnnclass.ecg.make_beat_epochs"):
        baselines("ecg", names=["RR + shape + boosting"])["RR + shape + boosting"].fit(X, [0, 1, 0, 1])
