"""Events of trigger channels are found as the experimenter meant them, or it is said what was ignored."""

import re
import warnings

import mne
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mne_cnnclass.preprocessing import epochs_log, make_epochs
from mne_cnnclass.preprocessing.recordings import Recording
from mne_cnnclass.preprocessing.triggers import find_triggers

SFREQ = 500.0  # 2 ms are a sample


def with_triggers(*levels, names=("STI 014",), sfreq=SFREQ, first_samp=0):
    """A recording with trigger channels."""
    info = mne.create_info(["C3", *names[: len(levels)]], sfreq, ["eeg", *["stim"] * len(levels)])
    data = np.stack([1e-5 * np.sin(np.arange(len(levels[0]))), *levels])
    return mne.io.RawArray(data, info, first_samp=first_samp, verbose="ERROR")


def find(raw, wanted=None, find_events=None):
    """Pairs of onset and code, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = find_triggers(Recording(raw, None, "run 1"), wanted, find_events)
    pairs = [(int(row[0]), int(row[2])) for rows in found.values() for row in rows]
    if wanted is not None:
        pairs = [(onset, code) for onset, code in pairs if str(code) in wanted]
    return sorted(pairs), [str(w.message) for w in caught]


def render(events, shape, start=20):
    """Levels of events, each ``(code, width, gap)``, and where they are."""
    level, truth = [0] * start, []
    for code, width, gap in events:
        truth.append((len(level), code))
        level += [code] * width
        level += [0] * gap if shape == "pulses" else [code] * gap
        level += [0] * (shape == "marks")
    return np.array([*level, *[0] * start], float), truth


def skew(level, rng, samples, falling):
    """Levels whose bits change in several samples."""
    new = level.astype(int)
    for at in np.flatnonzero(np.diff(level)) + 1:
        before, after = int(level[at - 1]), int(level[at])
        if after == 0 and not falling:
            continue
        order = rng.permutation(8)
        for number in range(samples):
            late = sum(1 << int(bit) for bit in order[: max(1, 6 // (number + 1))])
            new[at + number] = (after & ~late) | (before & late)
    return new.astype(float)


SHAPES = ("pulses", "steps", "marks")
SCALES = {
    "plain": lambda x, rng: x,
    "volts": lambda x, rng: 1e-6 * x,
    "noisy": lambda x, rng: x + rng.uniform(-0.09, 0.09, len(x)),
    "high byte": lambda x, rng: x + 0xFF00,
    "sign": lambda x, rng: x - 0x8000,
    "int16": lambda x, rng: x - 0x100,
    "new epoch": lambda x, rng: x + 0x10000 * (np.arange(len(x)) < 7),
    "cms": lambda x, rng: x + 0x100000,
}
A_FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def event_lists(draw, width=3, gap=3):
    """Events as `render` takes them; a code that is held until the next one is another one."""
    event = st.tuples(st.integers(1, 255), st.integers(width, 12), st.integers(gap, 40))
    events = draw(st.lists(event, min_size=1, max_size=15))
    return [event for k, event in enumerate(events) if k == 0 or event[0] != events[k - 1][0]]


@A_FEW
@given(event_lists(), st.sampled_from(SHAPES), st.sampled_from(list(SCALES)), st.integers(0, 9))
def test_named_codes_are_found_exactly_in_every_style(events, shape, scale, seed):
    level, truth = render(events, shape)
    raw = with_triggers(SCALES[scale](level, np.random.default_rng(seed)), first_samp=100)
    found, said = find(raw, {str(code) for _, code in truth})
    assert not said, said
    assert [(onset - 100, code) for onset, code in found] == truth


@A_FEW
@given(event_lists(), st.sampled_from(SHAPES), st.sampled_from(list(SCALES)), st.integers(0, 9))
def test_all_codes_are_found_exactly_or_it_is_told(events, shape, scale, seed):
    level, truth = render(events, shape)
    found, said = find(with_triggers(SCALES[scale](level, np.random.default_rng(seed))))
    assert found == truth or (shape != "pulses" and len(said) == 1)
    assert not said or shape == "steps", said


@A_FEW
@given(
    event_lists(width=8, gap=5),
    st.sampled_from(SHAPES),
    st.integers(1, 2),
    st.booleans(),
    st.integers(0, 99),
)
def test_codes_that_change_bit_by_bit(events, shape, samples, falling, seed):
    level, truth = render(events, "pulses" if shape == "marks" else shape)
    level = skew(level, np.random.default_rng(seed), samples, falling)
    found, said = find(with_triggers(level, sfreq=samples * SFREQ), {str(code) for _, code in truth})
    assert not said, said
    assert said or np.allclose(found, truth, atol=samples)
    assert said or [code for _, code in found] == [code for _, code in truth]


@A_FEW
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(2, 40), st.booleans()), min_size=2, max_size=12))
def test_lines_that_overlap_are_found_or_told(pulses):
    lines, ends, truth = np.zeros((2, 700)), [10, 10], []
    for wait, width, line in pulses:
        start = ends[line] + wait + 3
        lines[line, start : start + width] = 1
        ends[line] = start + width
        truth.append((start, 8 if line else 1))
    level = lines[0] + 8 * lines[1]
    found, said = find(with_triggers(level), {"1", "8"})
    lost = {code for _, code in truth} - {code for _, code in found}  # an error: no such event
    assert said or lost or found == sorted(truth)


@A_FEW
@given(event_lists(width=5), st.sampled_from(SHAPES), st.integers(1, 255), st.floats(0, 1))
def test_a_sample_of_another_level_is_told_or_changes_nothing(events, shape, code, place):
    level, truth = render(events, shape)
    level[1 + int(place * (len(level) - 2))] = code
    found, said = find(with_triggers(level), {str(code) for _, code in truth})
    assert said or (
        [code for _, code in found] == [code for _, code in truth] and np.allclose(found, truth, atol=2)
    )


def pulses(codes, width=10, idle=0):
    return render([(code - idle, width, 30) for code in codes], "pulses")[0] + idle


def steps(codes):
    return render([(code, 20, 20) for code in codes], "steps")[0]


ONE_TWO = [1, 2] * 4


@pytest.mark.parametrize(
    ("level", "wanted", "expected"),
    [
        pytest.param(pulses(ONE_TWO, width=1), None, ONE_TWO, id="one sample"),
        pytest.param(pulses([-1, 1] * 4), None, [-1, 1] * 4, id="signs"),
        pytest.param(pulses([-1, -2] * 4), None, [-1, -2] * 4, id="negative"),
        pytest.param(pulses([300, 40000, 65535]), None, [300, 40000, 65535], id="16 bits"),
        pytest.param(pulses([100001, 100002]), None, [100001, 100002], id="17 bits"),
        pytest.param(pulses([1 << 20, 1 << 21]), None, [1 << 20, 1 << 21], id="upper bits alone"),
        pytest.param(steps([257, 256] * 4), None, [257, 256] * 4, id="steps above 255"),
        pytest.param(
            pulses([65281, 65282], idle=65280), "65281 65282", [65281, 65282], id="as MNE calls them"
        ),
        pytest.param(
            pulses([-25536, -25535]), "40000 40001", [40000, 40001], id="sign bit is part of the code"
        ),
        pytest.param(pulses(ONE_TWO, idle=255), None, ONE_TWO, id="idle 255"),
        pytest.param(pulses(ONE_TWO, idle=-1), None, ONE_TWO, id="idle -1"),
        pytest.param(pulses([4.9997, 7.0002]), None, [5, 7], id="nearly whole"),
        pytest.param(pulses([0.001, 0.002]), None, [1, 2], id="mV"),
        pytest.param(steps([1, 3] * 8), None, [1, 3] * 8, id="steps of which one has all bits of the other"),
        pytest.param(steps([1, 0, 1, 0]), "0 1", [1, 0, 1, 0], id="0 is named"),
        pytest.param(steps([1] + [0, 2, 0, 1] * 3), None, [1] + [2, 1] * 3, id="blocks"),
    ],
)
def test_codes_that_are_found(level, wanted, expected):
    found, said = find(with_triggers(level), wanted and set(wanted.split()))
    assert not said
    assert [code % (1 << 16) if wanted else code for _, code in found] == [
        code % (1 << 16) if wanted else code for code in expected
    ]


STEP = np.repeat([0.0, 1, 9, 1, 9, 8, 0], [50, 30, 30, 30, 30, 30, 50])


@pytest.mark.parametrize(
    ("level", "wanted", "message"),
    [
        pytest.param(pulses(ONE_TWO)[20:], None, "the code 1 at its start", id="start"),
        pytest.param(
            np.tile(STEP, 4), None, r"rest of one before were ignored: 1 after 9 \(4\), 8 after 9", id="lines"
        ),
        pytest.param(np.tile(STEP, 4), "1 8", r"lines were ignored: 9 \(8\) may begin 8", id="lines, named"),
        pytest.param(pulses(ONE_TWO) * (np.arange(360) != 25), None, "1 gaps within a code", id="gap"),
        pytest.param(
            pulses(ONE_TWO) + (np.arange(360) == 45), "1", r"pulses were taken, .* longer: 1 \(1\)", id="blip"
        ),
        pytest.param(
            pulses(ONE_TWO) + 7 * (np.arange(360) == 25),
            None,
            r"brief codes .* ignored: 8 \(1\)",
            id="glitch",
        ),
        pytest.param(
            np.tile([0.0] * 50 + [16] * 3 + [17] * 20, 5), "16 17", r"ignored: 16 \(5\)", id="slow rise"
        ),
        pytest.param(
            np.tile([0.0] * 50 + [1, 2], 5), None, r"brief codes .* ignored: 1 \(5\)", id="brief steps"
        ),
        pytest.param(pulses(ONE_TWO) + 0.3, None, "such as .*, are no whole numbers", id="no whole numbers"),
        pytest.param(np.arange(600.0) % 256, None, "from sample to sample, so no events", id="a counter"),
        pytest.param(
            np.repeat(np.resize([1.0, 2, 1, 3], 20), np.resize([90, 30], 20)),
            None,
            "the code 1, to which it returns",
            id="idle 1",
        ),
    ],
)
def test_changes_that_are_told(level, wanted, message):
    _, said = find(with_triggers(level), wanted and set(wanted.split()))
    assert len(said) == 1
    assert said[0].startswith("run 1: trigger channel STI 014: ")
    assert re.search(message, said[0])
    assert said[0].endswith("say so by find_events= (--find-events).")


def test_only_changes_of_events_that_are_wanted_are_told():
    raw = with_triggers(np.tile(STEP, 4))
    assert find(raw, {"1"}) == ([(50 + 250 * k, 1) for k in range(4)], [])
    assert find(raw, {"left"}) == ([], [])


def test_a_trigger_channel_that_never_changes_has_no_events():
    assert find(with_triggers(np.full(400, 255.0))) == ([], [])


def test_several_trigger_channels():
    one, other = pulses([1, 3]), np.roll(pulses([2, 4]), 5)
    names = ("Trigger", "Response")
    found, said = find(with_triggers(one, other, names=names))
    assert [code for _, code in found] == [1, 2, 3, 4]
    assert not said
    _, said = find(with_triggers(one, np.roll(one, 5), names=names))
    assert "trigger channel Response: it has the code 1, 3 as another one has" in said[0]
    found, said = find(with_triggers(one, np.roll(one, 5), names=names), None, dict(stim_channel="Response"))
    assert found == [(25, 1), (65, 3)]
    assert find(with_triggers(one, other, names=("STI 014", "STI 001"))) == (
        [(20, 1), (60, 3)],
        [],
    )  # which MNE takes alone


def test_status_bits_that_change_by_themselves():
    codes = pulses(ONE_TWO)
    level = codes + 0x100000 * (np.arange(len(codes)) // 77 % 2)
    found, said = find(with_triggers(level))
    assert [code for _, code in found] == ONE_TWO
    assert "4 changes of bits above the 16th were ignored" in said[0]
    assert find(with_triggers(level, names=("Status",))) == (found, [])


def test_parameters_of_mne_are_followed_and_logged():
    raw = with_triggers(np.tile(STEP, 4))
    options = dict(events=dict(go=8), find_events=dict(mask=8, mask_type="and"), tmin=0.0, tmax=0.1)
    (epochs,) = make_epochs(raw, **options)
    assert (epochs.events[:, 0] - 80).tolist() == np.add.outer(250 * np.arange(4), [0, 60]).ravel().tolist()
    with pytest.warns(RuntimeWarning, match="recording 0: Trigger channel contains negative values"):
        (epochs,) = make_epochs(with_triggers(-np.tile(STEP, 4)), **options)
    assert "negative values" in epochs_log(epochs).iloc[0]["done"]
    for wrong, error in (
        (dict(mass=8), "parameters of mne.find_events, which are consecutive, "),
        ([8], r"got \[8\]"),
        (dict(mask="x"), "recording 0, find_events={'mask': 'x'}"),
        (dict(stim_channel="gone"), "recording 0, find_events=.*gone"),
    ):
        with pytest.raises((TypeError, ValueError), match=error):
            make_epochs(raw, **options | dict(find_events=wrong))
    with pytest.raises(ValueError, match="recording 0, find_events={'mask': 8}: No stim channels"):
        make_epochs(raw.copy().pick("eeg"), **options | dict(find_events=dict(mask=8)))


def test_a_channel_becomes_a_trigger_channel_by_its_type_or_name():
    raw = with_triggers(pulses(ONE_TWO), names=("Marker",)).set_channel_types(
        dict(Marker="misc"), verbose="ERROR"
    )
    span = dict(tmin=0.0, tmax=0.01)
    for events in (None, dict(a=1)):
        with pytest.raises(
            ValueError, match=r'none. A trigger channel has the type "stim", or is named by stim_channel'
        ):
            make_epochs(raw, events=events, **span)
    (named,) = make_epochs(raw, find_events=dict(stim_channel="Marker"), **span)
    (typed,) = make_epochs(raw, ch_types=dict(Marker="stim"), **span)
    assert named.events.tolist() == typed.events.tolist()
    assert len(typed) == 8


def test_annotations_come_before_codes():
    raw = with_triggers(pulses(ONE_TWO) + 0.3)  # which would be told
    raw.set_annotations(mne.Annotations([0.1, 0.2], 0, ["1", "go"]))
    assert len(make_epochs(raw, events={"a": "1", "b": "go"}, tmin=0.0, tmax=0.1)[0]) == 2
