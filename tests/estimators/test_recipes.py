"""Recipes for evoked responses and mental states, on signals whose answer is known."""

import mne
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from mne_cnnclass import EpochsView, PriorAdjustedClassifier, evaluate, recipe

FAST = dict(stackedclassifier__network__max_epochs=8)


def oddball(n_each=150, n_people=2, *, gain=1.0, noisy=None, sfreq=128.0, seed=0):
    """One of six epochs has a response at known places, in white noise; people have other amplifiers."""
    rng = np.random.default_rng(seed)
    n = n_each * n_people
    t = np.arange(round(0.8 * sfreq)) / sfreq
    person, rare = np.repeat(np.arange(n_people), n_each), rng.permutation(np.arange(n) % 6 == 0)
    response = np.outer([0.2, 1.0, 0.6], np.exp(-(((t - 0.35) / 0.08) ** 2)))
    distance = 2.5  # of the best linear discriminant, in its deviations
    data = rng.standard_normal((n, 3, len(t)))
    data += rare[:, None, None] * response * distance / np.linalg.norm(response)
    if noisy is not None:
        data[:, noisy] += 1000 * rng.standard_normal((n, len(t)))
    data *= np.where(person == person.max(), gain, 1.0)[:, None, None]
    info = mne.create_info(["Fz", "Cz", "Pz"], sfreq, "eeg")
    events = np.column_stack([np.arange(n) * len(t), np.zeros(n, int), rare + 1])
    epochs = mne.EpochsArray(1e-6 * data, info, events, event_id=dict(often=1, rare=2), verbose="ERROR")
    epochs.metadata = pd.DataFrame(dict(subject=[f"{seed}-{one}" for one in person]))
    return EpochsView(epochs, groups="subject"), norm.cdf(distance / np.sqrt(2))


@pytest.fixture(scope="module")
def erp():
    view, best = oddball()
    return recipe("erp", random_state=0).set_params(**FAST).fit(view), best


def auc(fitted, view):
    return roc_auc_score(view.labels == "rare", fitted.predict_proba(view)[:, 1])


@pytest.mark.parametrize("gain", [1.0, 1e-3])
def test_responses_of_new_people_are_found_whatever_their_amplifier(erp, gain):
    fitted, best = erp
    assert auc(fitted, oddball(seed=1, gain=gain)[0]) > best - 0.06


def test_a_rare_class_has_the_probabilities_of_the_training(erp):
    fitted, _ = erp
    new, _ = oddball(seed=2)
    proba = fitted.predict_proba(new)
    assert proba[:, 1].mean() == pytest.approx(1 / 6, abs=0.06)
    even = recipe("erp", class_prior={"often": 0.5, "rare": 0.5}, random_state=0)
    assert isinstance(even[-1], PriorAdjustedClassifier)


def test_a_noisy_channel_does_little_harm():
    view, _ = oddball(noisy=0)
    fitted = recipe("erp", random_state=0).set_params(**FAST).fit(view)
    new, best = oddball(noisy=0, seed=1)
    assert auc(fitted, new) > best - 0.08


def test_causal_variants_look_at_no_later_epoch(erp):
    view, _ = oddball(60)
    new = EpochsView(oddball(40, 1, seed=3)[0].epochs, groups=np.full(40, "new"))
    for task in ("erp", "mental state"):
        quick = dict(stackedclassifier__network__max_epochs=1) if task == "erp" else {}
        fitted = recipe(task, causal=True, random_state=0).set_params(**quick).fit(view)
        np.testing.assert_allclose(
            fitted.predict_proba(new[:12]), fitted.predict_proba(new)[:12], rtol=1e-5, atol=1e-7
        )


def states(n_people=4, seed=0):
    """Windows in which alpha is weaker while counting; people differ in alpha, gain, and slope of spectra."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n_people):
        gain, alpha, slope = np.exp(rng.standard_normal((3, 4, 1)))
        for counting in (0, 1):
            noise = np.fft.irfft(
                np.fft.rfft(rng.standard_normal((30, 4, 300))) / (1 + slope * np.arange(151) / 50)
            )
            phase = rng.uniform(0, 2 * np.pi, (30, 1, 1))
            rhythm = 0.2 * alpha * (1 - 0.5 * counting) * np.sin(np.pi * np.arange(300) / 5 + phase)
            info = mne.create_info(["Fz", "Cz", "Pz", "Oz"], 100.0, "eeg")
            events = np.column_stack([300 * np.arange(30), np.zeros(30, int), np.full(30, counting)])
            found.append(mne.EpochsArray(1e-6 * gain * (noise + rhythm), info, events, verbose="ERROR"))
    people = np.repeat(np.arange(n_people), 60)
    labels = np.tile(np.repeat(["rest", "counting"], 30), n_people)
    return EpochsView(found, labels=labels, groups=people)


def test_states_of_new_people_are_told_apart_by_what_is_usual_for_each():
    view = states()
    result = evaluate(recipe("mental state"), view, cv=GroupKFold(4), probes=True)
    assert result.summary()["pooled"]["balanced_accuracy"] > 0.75
    assert not result.probes.loc["time", "flagged"]
    assert result.probes.loc["time", "score"] < 0.65


def test_classes_of_unequal_duration_count_alike_unless_their_frequency_is_given():
    view = states()
    some = np.flatnonzero((view.labels == "rest") | (np.arange(len(view)) % 30 < 8))
    fitted = recipe("mental state").fit(view[some])
    found = fitted.predict(view) == view.labels
    assert min(found[view.labels == label].mean() for label in ("rest", "counting")) > 0.65
    prior = {"rest": 0.9, "counting": 0.1}
    proba = recipe("mental state", class_prior=prior).fit(view[some]).predict_proba(view)
    assert proba[:, 1].mean() > fitted.predict_proba(view)[:, 1].mean() + 0.1  # of rest


def test_samples_that_do_not_fit_are_refused(erp):
    fitted, _ = erp
    new, _ = oddball(30, seed=1)
    with pytest.raises(ValueError, match="Pz"):
        fitted.predict(new.epochs.copy().pick(["Fz", "Cz"]))
    with pytest.raises(ValueError, match="256"):
        fitted.predict(oddball(30, sfreq=256.0)[0])
    with pytest.raises(ValueError, match="groups"):
        fitted.predict([mne.EpochsArray(np.asarray(new), new.info, verbose="ERROR") for _ in range(2)])
