"""Ready models: they are the files that were measured, predict at once, and say what they are."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hearts import made_up
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from mne_cnnclass import (
    EpochsView,
    FineTunedClassifier,
    datasets,
    ecg,
    evaluate,
    explain,
    list_pretrained,
    load_classifier,
    load_pretrained,
)
from mne_cnnclass.estimators.pretrained import models


@pytest.fixture(scope="module")
def heart():
    """Two minutes of a heart with wide early beats."""
    rng = np.random.default_rng(0)
    symbols = np.where(np.arange(150) % 15 == 14, "V", "N")
    onset = 1 + np.cumsum(np.where(symbols == "V", 0.5, 0.8) * rng.normal(1, 0.02, 150))
    return made_up(onset, symbols)


def test_heartbeats_are_told_apart_at_once(heart):
    clf = load_pretrained("heartbeats")
    view = EpochsView(ecg.make_beat_epochs(heart, peaks="detected"))
    assert clf.score(view, view.labels) > 0.95
    with pytest.warns(RuntimeWarning, match="no lead for V1, which is zero"):
        one_lead = EpochsView(ecg.make_beat_epochs(heart.copy().pick(["MLII"]), peaks="detected"))
    assert clf.score(one_lead, one_lead.labels) > 0.95


def test_the_causal_model_uses_nothing_that_follows(heart):
    clf = load_pretrained("heartbeats", causal=True)
    view = EpochsView(ecg.make_beat_epochs(heart, causal=True))
    assert clf.score(view, view.labels) > 0.9
    shorter = EpochsView(ecg.make_beat_epochs(heart.copy().crop(0, 61), causal=True))
    np.testing.assert_allclose(clf.predict_proba(view)[: len(shorter)], clf.predict_proba(shorter), atol=1e-6)
    with pytest.raises(ValueError, match="rr_next_ratio"):
        load_pretrained("heartbeats").predict(view)


@pytest.mark.parametrize("causal", [False, True])
def test_a_rhythm_is_recognised_at_once(causal):
    rng = np.random.default_rng(1)
    clf = load_pretrained("rhythm", causal=causal)
    for rr, rhythm in ((0.8 * rng.normal(1, 0.02, 40), "N"), (ecg.simulate_fibrillation(40, rng), "A")):
        raw = made_up(1 + np.cumsum(rr), ["N"] * 40, names=["II"])
        view = EpochsView(ecg.make_rhythm_epochs(raw, causal=causal))
        answer = ecg.combine_windows(clf.predict_proba(view), ["it"] * len(view))
        assert clf.classes_[answer.to_numpy().argmax()] == rhythm


@pytest.fixture(scope="module")
def imagery():
    """Somebody of those that the model was trained on."""
    (epochs,) = datasets.load_eegbci([7], tmin=0, tmax=3)
    return epochs


def test_imagery_is_explained_calibrated_fine_tuned_and_evaluated(data_path, imagery):
    clf, view = load_pretrained("motor imagery"), EpochsView(imagery)
    frozen = FrozenEstimator(clf)
    assert evaluate(frozen, view, cv=3).summary().loc["accuracy", "pooled"] > 0.9
    calibrated = CalibratedClassifierCV(frozen, cv=2).fit(view, view.labels)
    assert np.mean(calibrated.predict(view) == view.labels) > 0.9
    tuned = FineTunedClassifier(clf, max_epochs=1).fit(view[:20])
    assert tuned.score(view[20:]) > 0.9
    evokeds = explain.saliency(clf, view, n_steps=2, random_state=0)
    by_channel = np.mean([evoked.data.sum(axis=1) for evoked in evokeds.values()], axis=0)
    best = np.array(evokeds["left"].ch_names)[np.argsort(-by_channel)[:4]]
    assert {"C3", "C4"} < set(best)  # over the hands' areas


def test_imagery_of_any_cap_is_told_apart_at_once(data_path, imagery):
    epochs = imagery
    clf, trial_by_trial = (load_pretrained("motor imagery", causal=causal) for causal in (False, True))
    proba = clf.predict_proba(epochs)
    assert clf.score(epochs, EpochsView(epochs).labels) > 0.9
    few = epochs.copy().rename_channels(lambda name: f"EEG {name}-REF").resample(125)
    few.pick([f"EEG {name}-REF" for name in ("CP4", "C4", "FC4", "Cz", "C3", "FC3", "CP3")])
    assert clf.score(few, EpochsView(few).labels) > 0.7
    first = trial_by_trial.predict_proba(epochs[:10])
    np.testing.assert_allclose(trial_by_trial.predict_proba(epochs)[:10], first, atol=1e-6)
    assert not np.allclose(proba[:10], clf.predict_proba(epochs[:10]), atol=1e-6)
    with pytest.raises(ValueError, match="X is missing C3"):
        clf.predict(epochs.copy().drop_channels(["C3"]))
    with pytest.raises(ValueError, match=r"filtered from 4 to 38 Hz"):
        clf.predict(datasets.load_eegbci([7], tmin=0, tmax=3, l_freq=8, h_freq=30)[0])


def test_every_file_has_its_checksum_and_a_card_and_is_in_the_table():
    files = {path.name for path in models.FOLDER.glob("*.mcnn")}
    table = list_pretrained()
    assert files == models._sums().keys()
    assert (table.map(bool)).all(axis=None)
    for task, causal in table.index:
        card = load_pretrained(task, causal=causal).card_
        assert (card["task"], card["causal"]) == (task, causal)
    assert sum(path.stat().st_size for path in models.FOLDER.glob("*.mcnn")) <= 1e6


def test_a_file_that_is_not_the_one_that_was_measured_is_refused(tmp_path, monkeypatch):
    for path in (models.FOLDER / "heartbeats.mcnn", models.SUMS):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    assert models.pretrained_file("heartbeats") == tmp_path / "heartbeats.mcnn"
    with (tmp_path / "heartbeats.mcnn").open("ab") as file:
        file.write(b"0")
    with pytest.raises(ValueError, match="is not the file that comes with mne-cnnclass"):
        load_pretrained("heartbeats")


def test_what_there_is_not_is_said():
    with pytest.raises(ValueError, match="no model for 'dreams'; there are models for 'heartbeats'"):
        load_pretrained("dreams")


SMALL = dict(n_members=1, n_samples=300, n_fibrillation=0, n_premature=0, estimator__max_epochs=1)


@pytest.mark.parametrize(
    ("task", "how"),
    [
        ("heartbeats", dict(records=slice(2), **SMALL)),
        ("motor imagery", dict(people=(1, 17), n_members=2, max_epochs=1)),
        ("rhythm", dict(records=slice(24))),
    ],
)
def test_models_are_built_anew_with_the_same_bits(task, how, data_path, tmp_path):
    build = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "pretrain.py"))["build"]
    sums = {build(task, tmp_path / f"{k}.mcnn", **how) for k in range(2)}
    assert len(sums) == 1
    new, full = load_classifier(tmp_path / "0.mcnn"), load_pretrained(task)
    assert set(new.classes_) <= set(full.classes_)
    assert [name for name, _ in new.steps] == [name for name, _ in full.steps]
