"""Confound probes find the confound that was planted, no other, and none in a rhythm of the brain."""

from functools import partialmethod
from types import SimpleNamespace

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_cnnclass import EpochsView, datasets, evaluate
from mne_cnnclass.evaluation import Evaluation
from mne_cnnclass.evaluation.probes import Probe, judge_probes, make_probes, probe_estimator, time_probe

NAMES = ("ocular", "muscle", "order", "quality", "baseline", "group")
CHANNELS = ["Fp1", "Fp2", "F7", "F8", "FC1", "C3", "Cz", "C4", "CP1", "T7", "T8", "O1", "O2"]
SFREQ = 200.0
TIMES = np.arange(-0.5, 1.5, 1 / SFREQ)


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch):
    """A twentieth of the usual resamples, to save time."""
    monkeypatch.setattr(Evaluation, "intervals", partialmethod(Evaluation.intervals, n_resamples=50))


def planted(confound, seed=0):
    """White noise of 10 µV in 4 recordings of 40 epochs from -0.5 to 1.5 s, whose classes one thing tells.

    If it is the group, there are 16 recordings of 10 epochs, 9 of one class.
    """
    rng = np.random.default_rng(seed)
    n_epochs = 160
    n_groups = 16 if confound == "group" else 4
    recording = np.repeat(np.arange(n_groups), n_epochs // n_groups)
    classes = np.repeat([0, 1], n_epochs // n_groups // 2)
    y = np.concatenate(
        [classes if confound == "order" else rng.permutation(classes) for _ in range(n_groups)]
    )
    if confound == "group":
        y = np.concatenate([rng.permutation([1 - g % 2] + 9 * [g % 2]) for g in range(n_groups)])
    data = rng.standard_normal((n_epochs, len(CHANNELS), len(TIMES)))
    epochs, after, before = np.flatnonzero(y), TIMES >= 0, TIMES < -0.02

    def add(names, signal):
        rows = [CHANNELS.index(name) for name in names]
        data[np.ix_(epochs, rows)] += signal

    phase = rng.uniform(0, 2 * np.pi, (len(epochs), 1, 1))
    if confound == "ocular":  # a look to the side that begins after the event
        add(["Fp1", "F7"], np.where(after, 1 - np.cos(np.pi * TIMES.clip(0, 1)), 0))
        add(["Fp2", "F8"], np.where(after, np.cos(np.pi * TIMES.clip(0, 1)) - 1, 0))
    if confound == "muscle":
        filtered = mne.filter.filter_data(
            rng.standard_normal((len(epochs), 2, len(TIMES))), SFREQ, 62, 78, verbose="ERROR"
        )
        add(["T7", "T8"], np.where(after, 2 * filtered, 0))
    if confound == "baseline":
        add(["C3", "Cz"], np.where(before, np.sin(2 * np.pi * 10 * TIMES + phase), 0))
    if confound == "quality":  # a bad contact, each time another one
        bad = [CHANNELS.index(name) for name in ("FC1", "C3", "Cz", "C4", "CP1")]
        noise = 3 * rng.standard_normal((len(epochs), len(TIMES)))
        data[epochs, rng.choice(bad, len(epochs))] += np.where(after, noise, 0)
    if confound == "brain":
        add(["C3"], np.where(after, 2 * np.sin(2 * np.pi * 10 * TIMES + phase), 0))
    events = np.column_stack([np.arange(n_epochs) * 1000, np.zeros(n_epochs, int), y + 1])
    info = mne.create_info(CHANNELS, SFREQ, "eeg")
    everything = mne.EpochsArray(
        1e-5 * data, info, events, TIMES[0], event_id=dict(left=1, right=2), verbose="ERROR"
    )
    return EpochsView([everything[recording == r] for r in range(n_groups)], groups=recording)


def telling(view):
    """A classifier whose score is known to be good: it is told the class, and errs in each tenth epoch."""
    codes = (view.labels == "right").astype(float)
    codes[::10] = 1 - codes[::10]
    return codes[:, None]


def judged(view, cv):
    model, y = probe_estimator(), view.labels
    splits = list(cv.split(view, y, view.groups if isinstance(cv, GroupKFold) else None))
    result = evaluate(model, telling(view), y, groups=view.groups, cv=splits)
    probes = make_probes(view)
    assert all(probe.reason is None for probe in probes.values())
    evaluations = {
        name: evaluate(model, probe.features, y, groups=view.groups, cv=splits)
        for name, probe in probes.items()
    }
    return judge_probes(result, probes, evaluations)


# -- planted truth -----------------------------------------------------------------------------------


@pytest.mark.parametrize("confound", ["ocular", "muscle", "order", "quality", "baseline"])
def test_exactly_the_planted_confound_is_flagged(confound):
    table = judged(planted(confound), GroupKFold(4))
    assert table.index[table["flagged"]].tolist() == [confound]
    assert "within the interval of the classifier" in table["verdict"][confound] or (
        "above the interval of the classifier" in table["verdict"][confound]
    )
    others = table.drop(index=confound)
    assert (others["score"] < 0.65).all()


@pytest.mark.filterwarnings("ignore:In 4 of 4 folds a group is on both sides")
def test_groups_are_flagged_where_splits_mix_them_and_not_where_they_are_whole():
    view = planted("group")
    mixed = judged(view, StratifiedKFold(4, shuffle=True, random_state=0))
    assert mixed.index[mixed["flagged"]].tolist() == ["group"]
    whole = judged(view, GroupKFold(4))
    assert not whole["flagged"].any()
    assert whole["score"]["group"] <= 0.5


def test_a_rhythm_of_the_brain_is_no_confound():
    view = planted("brain")
    table = judged(view, GroupKFold(4))
    assert not table["flagged"].any()
    assert (table["score"] < 0.65).all()
    # though the rhythm is plain to see
    power = FunctionTransformer(lambda X: np.log(np.asarray(X)[..., TIMES >= 0].var(2)))
    plain = evaluate(make_pipeline(power, probe_estimator()), view, cv=GroupKFold(4))
    assert plain.summary()["pooled"]["balanced_accuracy"] > 0.95


def test_frontal_drifts_of_people_who_look_at_the_cue_are_found(data_path):
    scores = {}
    for l_freq, h_freq in ((None, None), (4.0, 38.0)):
        epochs = datasets.load_eegbci(
            range(1, 9), path=data_path / "eegmmidb", tmin=0.0, tmax=3.0, l_freq=l_freq, h_freq=h_freq
        )
        view = EpochsView(epochs, groups="subject")
        ocular = make_probes(view)["ocular"].features
        result = evaluate(probe_estimator(), ocular, view.labels, groups=view.groups, cv=GroupKFold(4))
        scores[l_freq] = result.summary()["pooled"]["balanced_accuracy"]
    assert scores[None] > 0.7
    assert scores[4.0] < 0.6


# -- where the probes look ---------------------------------------------------------------------------


def test_unpicked_eog_channels_are_what_the_ocular_probe_looks_at():
    source = planted("ocular")
    epochs = mne.concatenate_epochs([source[source.groups == g].epochs for g in range(2)], verbose="ERROR")
    epochs.set_channel_types({"Fp1": "eog", "F7": "eog"}, on_unit_change="ignore", verbose="ERROR")
    view = EpochsView(epochs)
    assert "Fp1" not in view.ch_names
    ocular = make_probes(view)["ocular"].features
    n_bins = 8  # of 0.25 s in 2 s
    assert ocular.shape == (len(view), 2 * n_bins + 2)
    expected = np.asarray(view.pick(["Fp1", "F7"]))[..., -50:].mean(2)
    assert np.allclose(ocular[:, [n_bins - 1, 2 * n_bins - 1]], expected, atol=5e-6)
    assert evaluate(probe_estimator(), ocular, view.labels).summary()["pooled"]["accuracy"] > 0.9


def test_channels_without_telling_names_are_found_by_position():
    montage = mne.channels.make_standard_montage("biosemi64").get_positions()["ch_pos"]
    names = ["Fp1", "Fp2", "F7", "F8", "Cz", "C3", "T7", "T8", "Oz"]
    codes = [f"E{i}" for i in range(len(names))]
    info = mne.create_info(codes, 160.0, "eeg")
    positions = {code: montage[name] for code, name in zip(codes, names, strict=True)}
    rng = np.random.default_rng(0)
    events = np.column_stack([np.arange(8), np.zeros(8, int), np.tile([1, 2], 4)])
    epochs = mne.EpochsArray(rng.standard_normal((8, 9, 160)), info, events, verbose="ERROR")
    nowhere = make_probes(epochs)
    assert "no frontal ones" in nowhere["ocular"].reason
    assert "rim of the head" in nowhere["muscle"].reason
    epochs.set_montage(mne.channels.make_dig_montage(positions, coord_frame="head"))
    probes = make_probes(epochs)
    assert probes["ocular"].features.shape == (8, 2 * 4 + 2)  # Fp1 and Fp2
    assert probes["muscle"].features.shape[1] in (5, 7)  # without C3 and Cz


def test_flat_channels_and_short_windows_give_finite_features():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((6, len(CHANNELS), 20))
    data[2:4, 3] = 0
    data[:, 7] = 0
    events = np.column_stack([100 * np.arange(6), np.zeros(6, int), [1, 2, 1, 2, 1, 2]])
    epochs = mne.EpochsArray(data, mne.create_info(CHANNELS, SFREQ, "eeg"), events, -0.06, verbose="ERROR")
    for probe in make_probes(epochs, groups=[0, 0, 0, 1, 1, 1]).values():
        assert probe.reason is None
        assert np.isfinite(probe.features).all()


def test_what_can_not_be_measured_has_a_reason():
    view = planted("brain")
    epochs = mne.concatenate_epochs([view[:20].epochs], verbose="ERROR").crop(0.0, 1.0)
    epochs.filter(None, 40.0, verbose="ERROR")
    probes = make_probes(EpochsView(epochs))
    assert list(probes) == list(NAMES)
    reasons = {name: probe.reason for name, probe in probes.items() if probe.features is None}
    assert set(reasons) == {"muscle", "baseline", "group"}
    assert "signals end at 40 Hz" in reasons["muscle"]
    assert "epochs start at 0 s" in reasons["baseline"]
    assert "no groups" in reasons["group"]
    array = make_probes(np.zeros((6, 3, 10)), groups=np.repeat(["a", "b"], 3))
    assert [name for name, probe in array.items() if probe.reason is None] == ["group"]


def test_the_order_of_a_file_is_not_taken_for_that_of_a_recording():
    view = EpochsView(datasets.load_sample("train"))  # sorted by class, as nobody knows when trials were
    order = make_probes(view)["order"]
    assert order.features is None
    assert "not known when" in order.reason


def test_order_is_that_of_the_recording_however_samples_are_shuffled():
    view = planted("order")
    shuffled = np.random.default_rng(1).permutation(len(view))
    assert np.array_equal(
        make_probes(view[shuffled])["order"].features, make_probes(view)["order"].features[shuffled]
    )


# -- time --------------------------------------------------------------------------------------------


def two_states(drift, state):
    """Windows of four people, who rest in one recording and count in the next one; alpha grows with both."""
    rng = np.random.default_rng(0)
    found = []
    for person in range(4):
        for counting in (0, 1):
            t = np.linspace(0, 1, 24) + counting
            amplitude = (1.0 + drift * t + state * counting)[:, None, None]
            phase = rng.uniform(0, 2 * np.pi, (24, 1, 1))
            data = rng.standard_normal((24, 3, 200))
            data[:, :1] += amplitude * np.sin(2 * np.pi * 10 * np.arange(200) / 100.0 + phase)
            events = np.column_stack([np.arange(24) * 200, np.zeros(24, int), np.full(24, counting)])
            info = mne.create_info(["Cz", "C3", "C4"], 100.0, "eeg")
            epochs = mne.EpochsArray(1e-5 * data, info, events, verbose="ERROR")
            epochs.metadata = pd.DataFrame(dict(subject=[str(person)] * 24))
            found.append(epochs)
    return EpochsView(found, labels=np.tile(np.repeat(["rest", "count"], 24), 4), groups="subject")


@pytest.mark.parametrize(("drift", "state", "flagged"), [(2.0, 0.0, True), (0.0, 2.0, False)])
def test_what_time_alone_reaches_is_told(drift, state, flagged):
    power = FunctionTransformer(lambda X: np.log(np.asarray(X).var(2)))
    view = two_states(drift, state)
    result = evaluate(make_pipeline(power, probe_estimator()), view, cv=GroupKFold(4), probes=True)
    assert result.summary()["pooled"]["balanced_accuracy"] > 0.9
    assert result.probes.loc["time", "flagged"] == flagged
    assert (result.probes.loc["time", "score"] > 0.85) == flagged
    assert ("drifts in time" in result.probes.loc["time", "verdict"]) == flagged


def test_early_and_late_are_of_one_class_and_recording():
    view = two_states(0.0, 0.0)
    probe = time_probe(view, view.labels, view.groups)
    assert probe.target[:24].tolist() == 8 * ["early"] + 8 * [""] + 8 * ["late"]
    shuffled = np.random.default_rng(0).permutation(len(view))
    again = time_probe(view[shuffled], view.labels[shuffled], view.groups[shuffled])
    assert again.target.tolist() == probe.target[shuffled].tolist()
    assert "12 samples of a class" in time_probe(view[::3], view.labels[::3], view.groups[::3]).reason


# -- verdicts ----------------------------------------------------------------------------------------


def stand_in(score, low, high, chance=0.5):
    row = dict(mean=score, sd=0.1, pooled=score, low=low, high=high, chance=chance, n_folds=5)
    table = pd.DataFrame([row], index=pd.Index(["balanced_accuracy"], name="metric"))
    return SimpleNamespace(summary=lambda: table)


def judge(name, classifier, probe):
    probes = {name: Probe(name, "", np.zeros((2, 1)))}
    return judge_probes(stand_in(*classifier), probes, {name: stand_in(*probe)}).loc[name]


@pytest.mark.parametrize(
    ("classifier", "probe", "flagged", "words"),
    [
        ((0.8, 0.74, 0.86), (0.81, 0.7, 0.9), True, "within the interval of the classifier (0.74–0.86)"),
        ((0.8, 0.74, 0.86), (0.74, 0.7, 0.9), True, "its score may come from eye movements"),
        ((0.8, 0.74, 0.86), (0.90, 0.8, 0.95), True, "above the interval of the classifier"),
        ((0.8, 0.74, 0.86), (0.73, 0.7, 0.76), False, "may be part of its score"),
        ((0.8, 0.74, 0.86), (0.52, 0.45, 0.59), False, "near chance (0.52, 0.45–0.59; chance 0.50)"),
        ((0.6, 0.52, 0.68), (0.55, 0.49, 0.61), False, "near chance (0.55"),
        ((0.52, 0.45, 0.59), (0.51, 0.45, 0.57), False, "classifier itself is near chance (0.45–0.59)"),
        ((0.52, 0.45, 0.59), (0.8, 0.7, 0.9), False, "yet slow signals of the eyes"),
        ((0.8, np.nan, np.nan), (0.8, 0.7, 0.9), False, "can't be judged"),
    ],
)
def test_verdicts(classifier, probe, flagged, words):
    row = judge("ocular", classifier, probe)
    assert row["flagged"] == flagged
    assert words in row["verdict"]
    assert (row["score"], row["low"], row["high"]) == probe
    assert row["chance"] == 0.5


def test_a_probe_of_ones_own_is_judged_too():
    row = judge("age", (0.8, 0.7, 0.9), (0.75, 0.6, 0.8))
    assert row["flagged"]
    assert "The features of 'age' alone reach 0.75" in row["verdict"]


def test_a_probe_without_features_tells_why():
    row = judge_probes(stand_in(0.8, 0.7, 0.9), {"age": Probe("age", "", None, "nobody asked")}, {}).loc[
        "age"
    ]
    assert not row["flagged"]
    assert row["verdict"] == "Not measured: nobody asked."


def test_a_probe_that_is_constant_scores_chance():
    y = np.tile(["left", "right"], 20)
    probe = evaluate(probe_estimator(), np.zeros((40, 3)), y)
    guess = evaluate(DummyClassifier(), np.zeros((40, 3)), y)
    assert probe.summary()["pooled"].equals(guess.summary()["pooled"])
