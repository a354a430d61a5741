"""What is suggested: the recipe of a task that names tell, none where they do not; and what limits it."""

import copy
import random
import warnings

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from noise import noise_view
from planted import planted_epochs
from scipy.stats import binom

from mne_cnnclass import CNNClassifier, EpochsView, ecg, evaluate, list_recipes, suggest
from mne_cnnclass.estimators.advice.limits import of_interval
from mne_cnnclass.estimators.advice.tasks import find_task
from mne_cnnclass.estimators.recipes import RECIPES
from mne_cnnclass.preprocessing import make_epochs

CHANNELS = ("Fz", "C3", "Cz", "C4", "Pz", "O1", "Oz", "O2")


def made_up(
    classes, seconds=3.0, *, tmin=0.0, n=12, ch_names=CHANNELS, kind="eeg", sfreq=100.0, highpass=4.0, **table
):
    """Noise of these classes, ``n`` epochs each, mixed; other arguments are columns of the metadata."""
    n_epochs, n_times = n * len(classes), round(seconds * sfreq)
    rng = np.random.default_rng(0)
    codes = np.resize(np.arange(1, len(classes) + 1), n_epochs)
    events = np.column_stack([np.arange(n_epochs) * 2 * n_times, 0 * codes, codes])
    info = mne.create_info(list(ch_names), sfreq, kind)
    with info._unlock():
        info["highpass"] = highpass
    data = 1e-5 * rng.standard_normal((n_epochs, len(ch_names), n_times))
    event_id = {name: code for code, name in enumerate(classes, 1)}
    metadata = pd.DataFrame({k: np.resize(v, n_epochs) for k, v in table.items()}) if table else None
    how = dict(tmin=tmin, event_id=event_id, metadata=metadata, verbose="ERROR")
    return EpochsView(mne.EpochsArray(data, info, events, **how))


def task_of(view):
    return find_task(view, np.unique(view.labels)).task


def bids(task):
    return {"file": [f"sub-01/eeg/sub-01_task-{task}_eeg.vhdr"], "subject": ["sub-01"]}


# classes, seconds, start, columns
TOLD = {
    "motor imagery": [
        (["left_hand", "right_hand"], 3, 0, {}),
        (["left_hand", "right_hand", "feet", "tongue"], 3, 2, {}),
        (["rest", "right fist"], 2, 0.5, {}),
        (["LeftHand", "RightHand"], 4, -0.5, {}),
        (["imagery/left", "imagery/right"], 3, 0, {}),
        (["left", "right", "feet"], 3, 0, {}),
        (["T1", "T2"], 3, 0, {"file": ["S001/S001R04.edf", "S002/S002R12.edf"]}),
        (["1", "2"], 3, 0, bids("motorimagery")),
        (["770", "769"], 4, 0, {"task": ["MI"]}),
    ],
    "erp": [
        (["Target", "NonTarget"], 0.8, -0.1, {}),
        (["target", "non-target"], 1, 0, {}),
        (["stimulus/target", "stimulus/standard"], 1, -0.2, {}),
        (["target/left", "standard/left", "distractor/left"], 1, -0.2, {}),
        (["standard", "deviant"], 0.6, -0.1, {}),
        (["rare", "frequent"], 1, -0.2, {}),
        (["face", "house"], 0.8, -0.1, {}),
        (["error", "correct"], 1, -0.2, {}),
        (["auditory/left", "auditory/right", "visual/left", "visual/right"], 0.7, -0.2, {}),
        (["1", "2"], 0.8, -0.1, bids("P300")),
        (["S  1", "S  2"], 0.8, -0.1, {"file": ["sub01_oddball.vhdr"]}),
    ],
    "ssvep": [
        (["13 Hz", "17 Hz", "21 Hz", "rest"], 3, 2, {}),
        (["8.2Hz", "8.4Hz", "8.6Hz"], 4, 0.14, {}),
        (["ssvep_10hz", "ssvep_15hz"], 2, 0, {}),
        (["LED13Hz", "LED17Hz"], 2, 0, {}),
        (["stim/12,5 Hz", "stim/7,5 Hz"], 2, 0, {}),
        (["13", "17", "21", "rest"], 4, 2, bids("ssvep")),
    ],
    "mental state": [
        (["rest", "counting"], 4, 0, {}),
        (["resting", "mental arithmetic"], 10, 0, {}),
        (["EyesOpen", "EyesClosed"], 5, 0, {}),
        (["eo", "ec"], 2, 0, {}),
        (["closed eyes", "open eyes"], 2, 0, {}),
        (["rest eyes open", "rest eyes closed"], 2, 0, {}),
        (["0-back", "2-back"], 2, 0, {}),
        (["alert", "drowsy"], 3, 0, {}),
        (["low workload", "high workload"], 3, 0, {}),
        (["1", "2"], 4, 0, {"experiment": ["mental arithmetic"]}),
    ],
    None: [
        (["left", "right"], 0.8, -0.2, {}),  # key presses, as their names alone do not say
        (["left", "right"], 3, 0, bids("buttonpress")),
        (["left", "right"], 3, 0, bids("spatialattention")),
        (["left", "right"], 3, 0, {"file": ["S001/S001R03.edf"]}),  # moved, not imagined
        (["button/left", "button/right"], 3, 0, {}),
        (["response_left_hand", "response_right_hand"], 3, 0, {}),
        (["left_hand", "right_hand"], 0.5, -0.25, {}),
        (["target", "london"], 0.8, -0.1, {}),
        (["target", "walmart", "costco"], 1, 0, {}),
        (["1", "2"], 3, 0, {}),
        (["13", "17", "21", "rest"], 3, 0, {}),  # codes, as likely
        (["500 Hz", "1000 Hz"], 0.8, -0.1, {}),  # tones
        (["tone 37 Hz", "tone 43 Hz"], 3, 0, {}),
        (["tACS 10 Hz", "tACS 20 Hz"], 3, 0, {}),
        (["Sleep stage W", "Sleep stage 2", "Sleep stage R"], 30, 0, {}),
        (["placebo arm", "drug arm"], 10, 0, {}),
        (["patient", "control"], 10, 0, bids("rest")),
        (["rest", "reward"], 3, 0, {}),
        (["open", "closed"], 3, 0, {}),
        (["easy", "hard"], 3, 0, {}),
        (["rest", "task"], 3, 0, {}),
        (["go", "nogo"], 0.8, -0.2, {}),
        (["hand", "face"], 0.8, -0.1, {}),  # pictures
        (["target", "non-target", "rest"], 0.8, -0.1, {}),
        (["execution left hand", "execution right hand"], 3, 0, {}),
        (["visual imagery", "auditory imagery"], 3, 0, {}),
        (["house", "car"], 0.8, -0.1, {}),
        (["correct", "late"], 1, -0.2, {}),
        (["left_hand", "right_hand"], 3, 0, bids("P300")),  # which do not agree
        (["target", "non-target"], 20, 0, {}),
        (["up", "down"], 3, 0, {"file": ["P300/a.edf", "P301/a.edf"], "subject": ["P300", "P301"]}),
        (["N", "V"], 1, 0, {}),
        (["negativity", "positivity"], 3, 2, {}),
    ],
}


@pytest.mark.parametrize(
    ("task", "classes", "seconds", "tmin", "table"),
    [(task, *row) for task, rows in TOLD.items() for row in rows],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_the_task_is_what_names_tell(task, classes, seconds, tmin, table):
    view = made_up(classes, seconds, tmin=tmin, **table)
    found = find_task(view, np.unique(view.labels))
    assert (found.task, found.is_told) == (task, task is not None)
    suggestion = suggest(view, measure=False)
    assert suggestion.recipe == (task if task in RECIPES else None)
    assert suggestion.is_told == (suggestion.recipe is not None)
    assert (
        any(repr(str(name)) in suggestion.reasons[0] for name in classes) or "sub-01" in str(table) or table
    )
    if suggestion.recipe is None:
        assert type(suggestion.estimator()) is CNNClassifier
        assert "dummy" in suggestion.baselines
        assert "CNNClassifier()" in str(suggestion)


def test_left_and_right_may_be_imagery_which_is_said():
    suggestion = suggest(made_up(["left", "right"]), measure=False)
    assert (suggestion.recipe, suggestion.is_told) == ("motor imagery", False)
    assert "key presses" in suggestion.reasons[0]
    assert "may fit" in str(suggestion)
    occipital = made_up(["left", "right"], ch_names=["O1", "O2"])
    assert suggest(occipital, measure=False).recipe is None


def test_other_signals_are_not_taken_for_eeg():
    assert task_of(made_up(["left_hand", "right_hand"], kind="emg")) is None
    assert task_of(made_up(["left_hand", "right_hand"], kind="mag")) == "motor imagery"
    assert task_of(made_up(["N", "V"], kind="ecg")) is None
    assert suggest(made_up(["N", "V"], kind="ecg"), measure=False).kind == "ecg"


def test_beats_without_what_follows_get_the_causal_recipe():
    view = noise_view("beats")
    columns = [name for name in ecg.BEAT_COLUMNS if name not in ecg.interval_features([1.0], causal=True)]
    view.metadata = view.metadata.drop(columns=columns)
    suggestion = suggest(view, measure=False)
    assert (suggestion.recipe, suggestion.params) == ("heartbeats", {"causal": True})
    assert 'recipe("heartbeats", causal=True)' in suggestion.code


@pytest.mark.parametrize(("kind", "task"), [("beats", "heartbeats"), ("rhythm", "rhythm")])
def test_hearts_are_known_by_their_columns(kind, task):
    suggestion = suggest(noise_view(kind), measure=False)
    assert (suggestion.recipe, suggestion.is_told, suggestion.kind) == (task, True, "ecg")
    assert ("RR + shape + boosting" in suggestion.baselines) == (task == "heartbeats")


def test_frequencies_are_those_of_the_names():
    view = made_up(["13 Hz", "17,5 Hz", "rest"])
    found = find_task(view, np.unique(view.labels))
    assert found.params == {"frequencies": {"13 Hz": 13.0, "17,5 Hz": 17.5, "rest": None}}
    (line,) = [
        text for text in suggest(made_up(["13 Hz", "60 Hz"]), measure=False).limits if "pass band" in text
    ]
    assert line.startswith("60 Hz")


def test_a_symmetry_that_the_channels_do_not_have_is_left_out():
    view = made_up(["left_hand", "right_hand"], ch_names=["C3", "Cz"])
    suggestion = suggest(view, measure=False)
    assert set(suggestion.changes.values()) == {None}
    assert any("partner" in text for text in suggestion.limits)
    estimator = suggestion.estimator(0)
    epochs = [name for name in estimator.get_params() if name.endswith("max_epochs")]
    evaluate(estimator.set_params(**dict.fromkeys(epochs, 1)), view, cv=2)


@pytest.mark.parametrize("labels", [[0, 1], [True, False], [769, 770]])
def test_numbers_as_labels_tell_nothing(labels):
    view = EpochsView(made_up(["a", "b"]), labels=np.resize(labels, 24))
    suggestion = suggest(view, measure=False)
    assert suggestion.recipe is None
    assert suggestion.code in str(suggestion)


# -- what limits -------------------------------------------------------------------------------------------


def limits(view):
    return "\n".join(suggest(view, measure=False).limits)


@pytest.mark.parametrize(("n", "chance"), [(64, 0.25), (64, 0.5), (10, 0.5), (1000, 0.83), (4, 0.5)])
def test_least_accuracy_above_chance_is_that_of_the_binomial_distribution(n, chance):
    score, (low, high), least = of_interval(n, chance)
    assert low < score < high
    k = round(least * n)
    assert binom.sf(k - 1, n, chance) < 0.05 <= binom.sf(k - 2, n, chance)


def test_few_trials_are_told_with_numbers():
    text = limits(made_up(["a", "b", "c", "d"], n=16))
    assert "64 trials of 4 classes: expect wide intervals" in text
    assert "0.50 to 0.73" in text
    assert "from 0.36 on" in text


def test_what_is_good_is_not_complained_of():
    # 10 people, filtered, mixed classes, many trials
    view = made_up(["a", "b"], n=300, subject=[f"s{k}" for k in range(10) for _ in range(2)])
    suggestion = suggest(view, measure=False)
    assert len(suggestion.limits) == 1, suggestion.limits
    assert (suggestion.cv, suggestion.groups, suggestion.metric) == (5, "subject", "accuracy")


def relabelled(view, **how):
    new = view[:]
    for name, value in how.items():
        setattr(new, name, value)
    return new


def spoilt(change, **how):
    view = made_up(["a", "b"], n=40, **how)
    data = np.array(view)
    change(data)
    return view.with_data(data)


def hum(data):
    data += 1e-4 * np.sin(2 * np.pi * 50 * np.arange(data.shape[2]) / 250)


def set_to(channel, value):
    return lambda data: data.__setitem__((slice(None), channel), value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: made_up(["a", "b"], subject=["s1"]), "says nothing on new people"),
        (lambda: made_up(["a", "b"], subject=["s1", "s1", "s2", "s2"]), "2 people: too few"),
        (lambda: made_up(["a", "b"], subject=["s1", "s2"]), "Each of 2 people has one class"),
        (lambda: made_up(["a", "b"]), "Whose trials they are is not told"),
        (lambda: made_up(["a", "b"], n=3), "Fewer trials (6) than channels (8)"),
        (lambda: made_up(["a", "b"], n=40)[np.r_[0:40, 40:80:2]], "Classes are unbalanced, 40 to 20"),
        (
            lambda: made_up(["a", "b"], file=["1.edf", "2.edf"], subject=["s"]),
            "Each recording holds one class",
        ),
        (lambda: relabelled(made_up(["a", "b"]), labels=np.repeat(["a", "b"], 12)), "'a' always comes first"),
        (lambda: made_up(["a", "b"], highpass=0), "No high-pass"),
        (lambda: made_up(["left", "right"], highpass=1), "their eyes"),
        (lambda: made_up(["left_hand", "right_hand"], sfreq=500), "resamples to 80 Hz"),
        (lambda: spoilt(hum, sfreq=250), "Line noise at 50 Hz"),
        (lambda: spoilt(set_to(1, 0.0)), "Flat channel(s) C3"),
        (lambda: spoilt(lambda data: data[:, 2].__imul__(100)), "Channel(s) Cz vary more than ten times"),
        (lambda: spoilt(set_to(3, np.nan)), "NaN or infinity in C4"),
        (lambda: made_up(["left_hand", "right_hand"], ch_names=["O1", "O2"]), "motor cortex"),
        (lambda: made_up(["target", "non-target"], 1, ch_names=["AF7", "AF8", "TP9", "TP10"]), "the midline"),
        (lambda: made_up(["8 Hz", "8.1 Hz"], 2), "do not resolve"),
    ],
)
def test_what_limits_is_told(make, said):
    assert said in limits(make())


def test_windows_that_overlap_are_told():
    raw = mne.io.RawArray(
        1e-5 * np.random.default_rng(0).standard_normal((2, 6000)),
        mne.create_info(["C3", "C4"], 100.0, "eeg"),
        verbose="ERROR",
    )
    for overlap, is_told in ((0.0, False), (1.0, True)):
        epochs = make_epochs(raw, windows=dict(duration=2.0, overlap=overlap), classes=["rest"])
        view = EpochsView(epochs, labels=np.arange(len(epochs[0])) % 2)
        assert ("overlap the next one" in limits(view)) == is_told


@pytest.mark.parametrize(
    ("view", "error", "said"),
    [
        (lambda: np.zeros((4, 2, 100)), TypeError, "mne.EpochsArray"),
        (lambda: made_up(["a"]), ValueError, "one class"),
        (lambda: made_up(["a", "b"])[[]], ValueError, "0 epochs"),
        (lambda: relabelled(made_up(["a", "b"]), labels=np.full(24, np.nan)), ValueError, "missing"),
        (lambda: relabelled(made_up(["a", "b"]), labels=np.linspace(0, 1, 24)), ValueError, "classes"),
    ],
)
def test_what_has_no_classes_is_refused_with_advice(view, error, said):
    with pytest.raises(error, match=said):
        suggest(view(), measure=False)


# -- time --------------------------------------------------------------------------------------------------


def test_time_is_measured_and_the_samples_stay_as_they_are():
    view = EpochsView(planted_epochs(48), groups=np.repeat(["a", "b", "c"], 16))
    before, data, state = (
        copy.deepcopy(vars(view)),
        np.array(view),
        (np.random.get_state()[1].copy(), random.getstate()),
    )
    drawn = torch.get_rng_state()
    suggestion = suggest(view)
    assert 0 < suggestion.seconds < 600
    assert "about" in str(suggestion)
    assert "about" in suggestion._repr_html_()
    np.testing.assert_array_equal(np.asarray(view), data)
    assert view.labels.tolist() == before["labels"].tolist()
    assert view.groups.tolist() == before["groups"].tolist()
    np.testing.assert_array_equal(np.random.get_state()[1], state[0])
    assert random.getstate() == state[1]
    assert (torch.get_rng_state() == drawn).all()


def test_what_can_not_be_trained_is_told_in_place_of_a_time():
    suggestion = suggest(spoilt(set_to(3, np.nan)))
    assert suggestion.seconds is None
    assert "not measured" in str(suggestion)
    assert "can't be trained" in suggestion.limits[-1]


# -- any view ----------------------------------------------------------------------------------------------

names = st.one_of(
    st.sampled_from(
        ["left", "right", "rest", "target", "NonTarget", "13 Hz", "7 Hz", "1", "2", "eyes open", "T1"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8),
)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(
    classes=st.lists(names, min_size=1, max_size=4, unique=True),
    n=st.integers(1, 5),
    n_channels=st.integers(1, 4),
    seconds=st.sampled_from([0.02, 0.5, 1.0, 3.0]),
    tmin=st.sampled_from([-5.0, -0.2, 0.0, 2.0]),
    kind=st.sampled_from(["eeg", "mag", "ecg", "emg"]),
    value=st.sampled_from([None, 0.0, np.nan, np.inf, 1e300]),
    people=st.one_of(st.none(), st.lists(st.sampled_from(["a", "b", None, 3]), min_size=1, max_size=3)),
)
def test_any_view_has_a_suggestion_or_advice(classes, n, n_channels, seconds, tmin, kind, value, people):
    table = {} if people is None else {"subject": np.array(people, dtype=object), "file": ["a_b.edf"]}
    how = dict(tmin=tmin, n=n, ch_names=CHANNELS[:n_channels], kind=kind)
    view = made_up(classes, seconds, **how, **table)
    if value is not None:
        data = np.array(view)
        data[0, 0] = value
        view = view.with_data(data)
    before, state = repr(view), np.random.get_state()[1].copy()
    if len(classes) == 1:
        with pytest.raises(ValueError, match="one class"):
            suggest(view, measure=False)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        suggestion = suggest(view, measure=False)
    assert suggestion.reasons
    assert suggestion.limits
    assert suggestion.code in str(suggestion)
    assert suggestion.recipe is None or suggestion.recipe in RECIPES
    assert suggestion.cv >= 2
    assert repr(view) == before
    np.testing.assert_array_equal(np.random.get_state()[1], state)


# -- recipes -----------------------------------------------------------------------------------------------


def test_recipes_are_listed_as_they_are():
    table = list_recipes()
    assert table.index.tolist() == list(RECIPES)
    assert (table[["channels", "labels", "groups"]] != "").all(axis=None)  # each has its row in the file


# -- real recordings ---------------------------------------------------------------------------------------


def test_real_imagery_and_arithmetic(data_path):
    files = [data_path / "eegmmidb" / f"S00{k}" / f"S00{k}R04.edf" for k in (1, 2)]
    made = make_epochs(files, events=dict(T1="T1", T2="T2"), tmin=1, tmax=4, l_freq=4, h_freq=38)
    suggestion = suggest(EpochsView(made), measure=False)
    assert (suggestion.recipe, suggestion.is_told) == ("motor imagery", True)
    assert (suggestion.cv, suggestion.groups) == (2, "subject")
    assert "Line noise" not in "".join(suggestion.limits)
    files = [data_path / "eegmat" / f"Subject0{k}_{part}.edf" for k in (0, 1) for part in (1, 2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the channel A2-A1
        made = make_epochs(files, windows=dict(duration=4.0), classes=["rest", "counting"] * 2, l_freq=1)
    view = EpochsView(made)
    assert task_of(view) == "mental state"
    assert "Each recording holds one class" in limits(view)


def test_real_flicker(data_path):
    (folder,) = data_path.glob("ssvep_exo/subject01")
    raw = mne.io.read_raw_fif(sorted(folder.glob("*raw.fif"))[0], verbose="ERROR")
    events = mne.read_events(sorted(folder.glob("*eve.fif"))[0], verbose="ERROR")
    event_id = {"rest": 1, "13 Hz": 2, "21 Hz": 3, "17 Hz": 4}
    view = EpochsView(mne.Epochs(raw, events, event_id, 2, 5, baseline=None, verbose="ERROR"))
    assert task_of(view) == "ssvep"
    assert "32 trials of 4 classes: expect wide intervals" in limits(view)


def test_real_potentials(data_path):
    (file, *_) = sorted(data_path.glob("muse/P300/subject1/session1/*.csv"))
    table = pd.read_csv(file)
    ch_names = ["TP9", "AF7", "AF8", "TP10"]
    raw = mne.io.RawArray(
        np.vstack([1e-6 * table[ch_names].T, table["Marker"]]),
        mne.create_info([*ch_names, "STI"], 256.0, ["eeg"] * 4 + ["stim"]),
        verbose="ERROR",
    )
    events = mne.find_events(raw, verbose="ERROR")
    event_id = {"non-target": 1, "target": 2}
    suggestion = suggest(mne.Epochs(raw, events, event_id, -0.1, 0.8, verbose="ERROR"), measure=False)
    assert suggestion.metric == "roc_auc"
    text = "".join(suggestion.limits)
    assert "the midline" in text
    assert "Classes are unbalanced" in text


def test_real_hearts(data_path):
    pytest.importorskip("wfdb")
    beats = ecg.make_beat_epochs([data_path / "mitdb" / "119", data_path / "mitdb" / "106"])
    suggestion = suggest(beats, measure=False)
    assert (suggestion.recipe, suggestion.groups, suggestion.cv) == ("heartbeats", "patient", 2)
    raws = [ecg.read_raw_cinc2017(data_path / "cinc2017" / name) for name in ("A00001", "A00004", "A00005")]
    suggestion = suggest(ecg.make_rhythm_epochs(raws, label=["N", "A", "A"]), measure=False)
    assert (suggestion.recipe, suggestion.is_told) == ("rhythm", True)
