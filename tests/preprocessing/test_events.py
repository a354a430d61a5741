"""Classes are of the events that are meant: several markers, tags, names like those of bad spans, codes."""

import mne
import numpy as np
import pytest
from planted import planted_epochs

from mne_cnnclass import CNNClassifier, EpochsView
from mne_cnnclass.preprocessing import make_epochs
from mne_cnnclass.preprocessing.stretches import iter_epochs

TAGS = ["left/easy", "right/easy", "left/hard", "right/hard"]


def recording(names, durations=0.0, sfreq=100.0, onsets=None):
    """Noise with an event every 2 s."""
    onsets = 1.0 + 2.0 * np.arange(len(names)) if onsets is None else onsets
    data = 1e-5 * np.random.default_rng(0).standard_normal((2, int((2 * len(names) + 3) * sfreq)))
    raw = mne.io.RawArray(data, mne.create_info(["C3", "C4"], sfreq, "eeg"), verbose="ERROR")
    return raw.set_annotations(mne.Annotations(onsets, durations, names))


def counts(epochs):
    return {name: int((epochs.events[:, 2] == code).sum()) for name, code in epochs.event_id.items()}


def cut(raw, events=None, **options):
    (epochs,) = make_epochs(raw, events=events, **(dict(tmin=0.0, tmax=0.5) | options))
    return counts(epochs)


@pytest.mark.parametrize(
    ("names", "events", "expected"),
    [
        (TAGS, dict(left=["left/easy", "left/hard"], right=("right/easy", "right/hard")), (4, 4)),
        (TAGS, dict(left={"left/easy", "left/hard"}, right="right/hard"), (4, 2)),
        (TAGS, dict(left="left", right="right"), (4, 4)),
        (TAGS, dict(easy="easy/left", hard="hard"), (2, 4)),
        ([*TAGS, "left"], dict(left="left", right="right"), (2, 4)),  # as of MNE's Epochs: epochs["left"]
        (["Stimulus/S  1", "Stimulus/S  2", "Response/R  1"], dict(a="S  1", b="S  2"), (2, 2)),
        (["1", "2", "3"], dict(a=[1, "2"], b=np.int64(3)), (4, 2)),
        (["5", "6"], dict(a=5.0, b=6), (2, 2)),
        (["edge", "bad news", "good news"], dict(a="edge", b="good news"), (2, 2)),
        (["Bad luck", "luck"], dict(a="Bad luck", b="luck"), (2, 2)),
        (["badminton", "tennis"], dict(a=["badminton"], b="tennis"), (2, 2)),
    ],
)
@pytest.mark.filterwarnings("ignore:.*takes what starts with")  # of "bad news", which is not named
def test_classes_are_of_the_events_that_are_meant(names, events, expected):
    raw = recording(names * 2)
    assert cut(raw, events) == dict(zip(events, expected, strict=True))
    assert counts(next(iter_epochs([raw], events=events, tmin=0.0, tmax=0.5))) == cut(raw, events)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (dict(a="left", b="hard"), r"of one class only, but \['left/hard'\]"),
        (dict(a=["left", "left/easy"], b="left/easy"), r"of one class only, but \['left/easy'\]"),
        (dict(a=["left", "middle"]), "No event middle"),
        (dict(a=[]), "class 'a' must be one or several descriptions or codes, got \\[\\]"),
        (dict(a=[["left"]]), r"got \[\['left'\]\]"),
        (dict(a=None), "got None"),
        ({"left/easy": "go", "left/hard": "go"}, "first, then its event: go=left/easy, go=left/hard"),
        ({"left": "go"}, "first, then its event: go=left"),
        ({1: "go"}, r"No event go\. Events found: .*2\)\.$"),
    ],
)
def test_events_that_can_not_be_meant(events, message):
    with pytest.raises((ValueError, TypeError), match=message):
        cut(recording(TAGS * 2), events)


def test_two_markers_of_a_class_at_a_time_are_one_event():
    raw = recording(["x", "z", "y", "x"], onsets=[2.0, 2.0, 5.0, 8.0])
    assert cut(raw, dict(a=["x", "z"], b="y")) == dict(a=2, b=1)
    twice = recording(["x", "x", "y", "x"], onsets=[2.0, 2.0, 5.0, 8.0])
    assert cut(twice, dict(a="x", b="y")) == dict(a=2, b=1)


@pytest.mark.parametrize(("duration", "span"), [(0.0, {}), (1.0, {}), (1.0, dict(l_freq=5.0, tmax=1.9))])
@pytest.mark.parametrize("name", ["bad news", "Edge"])
def test_events_with_names_of_bad_spans_are_kept_or_told(name, duration, span):
    raw = recording([name, "good news"] * 4, duration)
    described = raw.annotations.description.tolist()
    assert cut(raw, dict(a=name, b="good news"), **span) == dict(a=4, b=4)
    assert raw.annotations.description.tolist() == described
    with pytest.warns(RuntimeWarning, match=rf"recording 0: {name} \(4\) .* name them in events="):
        assert list(cut(raw)) == ["good news"]
    with pytest.warns(RuntimeWarning, match=rf"recording 0: {name} \(4\)"):
        cut(raw, dict(a="good news"))


def test_bad_spans_drop_epochs_without_a_word():
    names, onsets = ["x", "y", "x", "y", "BAD_blink", "bad segment", "EDGE boundary"], [1, 3, 5, 7, 7.2, 8, 9]
    raw = recording(names, [0, 0, 0, 0, 0.23, 1.0, 0], onsets=onsets)
    assert cut(raw) == dict(x=2, y=1)
    assert cut(recording(["x", "y", "BAD_muscle"], 1.0, onsets=[1, 3, 5])) == dict(x=1, y=1)  # as long
    with pytest.raises(ValueError, match="No event EDGE boundary"):
        cut(raw, dict(x="EDGE boundary"))


def test_windows_of_spans_with_several_names():
    raw = recording(["bad mood", "sad mood", "good/mood", "good/luck"], 2.0)
    events = dict(low=["bad mood", "sad mood"], high="good")
    assert cut(raw, events, windows=dict(duration=1.0), tmin=None, tmax=None) == dict(low=4, high=4)


def test_events_that_fall_together_at_another_rate_are_told():
    onsets = np.add.outer([1.0, 3.0], [0.0, 0.004]).ravel()
    raw = recording(["a", "b", "a", "b"], sfreq=1000.0, onsets=onsets)
    events = dict(a="a", b="b")
    assert cut(raw, events) == dict(a=2, b=2)
    with pytest.raises(
        ValueError, match="recording 0 has 2 pairs .* at 100 Hz, first a and b at 1 s.*higher sf"
    ):
        cut(raw, events, sfreq=100.0)
    with pytest.raises(ValueError, match="at 100 Hz, first both and both"):
        cut(raw, dict(both=["a", "b"]), sfreq=100.0)


def test_rates_that_are_nearly_alike_are_one():
    made = make_epochs([recording(TAGS, sfreq=f) for f in (250.0, 249.9999)], tmin=0.0, tmax=1.0)
    assert [epochs.info["sfreq"] for epochs in made] == [250.0, 250.0]
    apart = [make_epochs(recording(TAGS, sfreq=f), tmin=0.0, tmax=1.0)[0] for f in (250.0, 249.9999)]
    view = EpochsView(apart)
    np.testing.assert_array_equal(view.epochs.get_data(), np.asarray(view))
    assert [epochs.info["sfreq"] for epochs in apart] == [250.0, 249.9999]
    with pytest.raises(ValueError, match=r"sfreq=249.99. 250 Hz: recording 0; 249.99 Hz: recording 1"):
        make_epochs([recording(TAGS, sfreq=f) for f in (250.0, 249.99)], tmin=0.0, tmax=1.0)


def test_rates_are_told_with_the_digits_in_which_they_differ():
    low, high = 1999.94, 1999.98  # both 2e+03 or so in few digits
    with pytest.raises(ValueError, match=r"sfreq=1999.94. 1999.98 Hz: recording 0; 1999.94 Hz: recording 1"):
        make_epochs([recording(["a"], sfreq=f) for f in (high, low)], tmin=0.0, tmax=1.0)
    apart = [make_epochs(recording(["a"], sfreq=f), tmin=0.0, tmax=1.0)[0] for f in (high, low)]
    with pytest.raises(
        ValueError, match=r"have 1999.98 Hz: number 0; 1999.94 Hz: number 1. .*raw.resample\(1999.94\)"
    ):
        EpochsView(apart)


@pytest.mark.parametrize(
    "event_id",
    [
        dict(left=2, right=7),
        dict(left=7, right=8),
        dict(up=7, down=2),
        dict(left=1, down=7),
        dict(left=7, right=2),
    ],
)
def test_codes_may_differ_by_run(event_id):
    one, other = (planted_epochs(8, seed=seed) for seed in (1, 2))
    first, second = event_id.values()
    other.events[:, 2], other.event_id = np.where(other.events[:, 2] == 7, first, second), event_id
    view = EpochsView([one, other])[::-1]
    before = one.events.copy(), other.events.copy(), dict(other.event_id)
    joined = EpochsView(view.epochs)
    assert joined.labels.tolist() == view.labels.tolist()
    np.testing.assert_array_equal(np.asarray(joined), np.asarray(view))
    np.testing.assert_array_equal(one.events, before[0])
    np.testing.assert_array_equal(other.events, before[1])
    assert other.event_id == before[2]


def test_a_class_may_be_absent_at_prediction():
    epochs = planted_epochs(16, n_times=50)
    clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(epochs)
    view = EpochsView(epochs)
    one = view[view.labels == view.labels[0]]
    assert clf.predict_proba(one).shape == (8, 2)
    assert 0 <= clf.score(one, one.labels) <= 1
    raw = recording(["T1", "T1"])
    with pytest.warns(RuntimeWarning, match="No event T2 in recording 0: epochs are cut at the others"):
        (made,) = iter_epochs([raw], events=dict(left="T1", right="T2"), tmin=0.0, tmax=0.5)
    assert counts(made) == dict(left=2)
    with pytest.raises(ValueError, match="No event T3, T4"):
        list(iter_epochs([raw], events=dict(left="T3", right="T4"), tmin=0.0, tmax=0.5))
