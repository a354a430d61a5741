"""What is lost in EEG matters where it is: in its channel, and where it reaches a sample or a filter."""

import warnings

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mne_cnnclass import EpochsView
from mne_cnnclass.preprocessing import epochs_log, make_epochs
from mne_cnnclass.preprocessing.stretches import iter_epochs

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "Cz", "C4", "P3", "P4", "O1", "O2", "Oz")
CUT = dict(events=dict(a="T1", b="T2"), tmin=0.0, tmax=1.0)
PLACES = dict(montage="standard_1005")
C3 = NAMES.index("C3")
BETWEEN, WITHIN = (1610, 1690), (1820, 1850)  # samples: the events are at 2, 6, 10 s …, and at 100 Hz


def recording(where=slice(None), span=(0, 0), value=np.nan, first_samp=0):
    data = 1e-5 * np.random.default_rng(0).standard_normal((len(NAMES), 4000))
    data[where, slice(*span)] = value
    raw = mne.io.RawArray(data, mne.create_info(list(NAMES), 100.0, "eeg"), first_samp, verbose="ERROR")
    return raw.set_annotations(mne.Annotations(np.arange(2, 38, 4), 0.0, np.resize(["T1", "T2"], 9)))


def made(raw, **more):
    return make_epochs(raw, **CUT, **more)[0]


STEPS = {
    "none": {},
    "filter": dict(l_freq=4.0),
    "notch": dict(l_freq=4.0, h_freq=40.0, notch=25.0),
    "resampling": dict(sfreq=60.0),
    "reference": dict(reference="average"),
    "bads": dict(bads="auto", **PLACES),
    "regression": dict(artifacts="regression", eog=["Fp1"], reference="average"),
    "ICA": dict(artifacts="ica", eog=["Fp1"], l_freq=1.0),
    "all": dict(l_freq=2.0, reference="average", sfreq=50.0, reject=dict(eeg=1e-3), flat=dict(eeg=1e-7)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_gaps_between_epochs_cost_none_and_are_not_spread(steps):
    good = made(recording(), **steps)
    for where in (slice(None), C3):
        epochs = made(recording(where, BETWEEN), **steps)
        assert np.isfinite(epochs.get_data()).all()
        assert epochs.events.tolist() == good.events.tolist()
        if not {"artifacts", "bads"} & set(steps):  # these are fitted on the whole recording
            np.testing.assert_allclose(epochs.get_data()[[0, 1, -1]], good.get_data()[[0, 1, -1]], atol=2e-7)


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_gaps_cost_the_epochs_that_hold_them_and_are_counted(steps):
    with pytest.warns(RuntimeWarning, match=r"recording 0: 1 of 9 epochs hold NaN or infinity .*\(.* in 1"):
        epochs = made(recording(C3, WITHIN), **steps)
    assert len(epochs) == 8
    assert np.isfinite(epochs.get_data()).all()
    assert "1 of 9 epochs hold NaN" in epochs_log(epochs)["done"].iloc[0]
    assert "8 of 9 kept; 1 dropped for NaN (1)" in epochs_log(epochs)["done"].iloc[-1]


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_epochs_are_kept_if_no_gap_is_in_them(data):
    """Of any gaps, in any channel, in a recording that begins anywhere."""
    first = data.draw(st.sampled_from([0, 250]))
    raw = recording(first_samp=first)
    span = st.tuples(st.integers(0, len(NAMES) - 1), st.integers(0, 3990), st.integers(1, 300))
    for channel, start, length in data.draw(st.lists(span, min_size=1, max_size=4)):
        raw._data[channel, start : start + length] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    steps = data.draw(st.sampled_from([{}, dict(l_freq=4.0), dict(l_freq=4.0, notch=25.0)]))
    lost = [not np.isfinite(raw._data[:, 100 * t : 100 * t + 101]).all() for t in range(2, 38, 4)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if all(lost):
            with pytest.raises(ValueError, match="none of its 9 events"):
                made(raw, **steps)
            return
        epochs = made(raw, **steps)
    assert epochs.selection.tolist() == np.flatnonzero(~np.array(lost)).tolist()
    assert np.isfinite(epochs.get_data()).all()
    assert len(told) == any(lost)


def annotated(raw):
    return raw.set_annotations(raw.annotations + mne.preprocessing.annotate_nan(raw))


def skipped(raw):
    return raw.set_annotations(raw.annotations + mne.Annotations(16.1, 0.8, "BAD_ACQ_SKIP"))


def of_type(raw, kind):
    return raw.set_channel_types({"C3": kind}, verbose="ERROR")


def bad(raw):
    raw.info["bads"] = ["C3"]
    return raw


UNUSED = {
    "annotate_nan": lambda: annotated(recording(slice(None), BETWEEN)),
    "BAD_ACQ_SKIP": lambda: skipped(recording(slice(None), BETWEEN)),
    "misc": lambda: of_type(recording(C3, (0, None)), "misc"),
    "EOG": lambda: of_type(recording(C3, WITHIN), "eog"),
    "EOG, annotated": lambda: annotated(of_type(recording(C3, WITHIN), "eog")),
    "bad": lambda: bad(recording(C3, WITHIN)),
    "bad, annotated": lambda: annotated(bad(recording(C3, WITHIN))),
    "at the ends": lambda: recording(slice(None), (None, 150)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("make", UNUSED.values(), ids=UNUSED)
@pytest.mark.parametrize("steps", [{}, dict(l_freq=4.0, sfreq=50.0)], ids=["none", "filter, resampling"])
def test_gaps_of_channels_and_spans_that_no_sample_uses_cost_nothing(make, steps):
    view = EpochsView(made(make(), **steps))
    assert len(view) == 9
    assert np.isfinite(np.asarray(view)).all()


@pytest.mark.filterwarnings("error")
def test_channels_that_picks_leave_out_or_bads_replace_cost_nothing():
    raw = annotated(recording(C3, WITHIN))
    assert len(made(raw.copy(), picks=["C4", "Cz"], l_freq=4.0)) == 9
    assert len(made(recording(C3, WITHIN), bads=["C3"], **PLACES)) == 9


def test_a_channel_without_any_number_is_bad_and_can_be_interpolated():
    with pytest.warns(
        RuntimeWarning, match=r"recording 0: channel\(s\) C3 hold no number, and are marked bad"
    ):
        epochs = made(recording(C3, (0, None)), l_freq=4.0)
    assert len(epochs) == 9
    assert epochs.info["bads"] == ["C3"]
    with pytest.warns(RuntimeWarning, match="C3 hold no number"):
        epochs = made(recording(C3, (0, None)), bads=[], **PLACES)
    assert np.isfinite(epochs.get_data()).all()


def test_a_jump_across_a_gap_does_not_ring():
    raw = recording(slice(None), BETWEEN)
    raw._data[:, BETWEEN[1] :] += 1e-2  # as when an amplifier is switched on again
    assert made(raw, l_freq=4.0).get_data().std() < 1.1e-5


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_constant_stretches_are_counted_where_samples_hold_them(value):
    with pytest.warns(RuntimeWarning, match=r"recording 0: 2 of 9 epochs hold a stretch .* \(C3 in 2\)"):
        epochs = made(recording(C3, (1450, 1900), value), l_freq=4.0)
    assert len(epochs) == 9
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made(recording(C3, (1510, 1590), value), l_freq=4.0)  # below a second
        made(recording(C3, (1510, 1790), value), l_freq=4.0)  # between epochs
        made(recording(C3, (0, None), value), bads=["C3"], **PLACES)
        made(recording(C3, (1450, 1900), value), picks=["C4"])


def test_what_fills_up_the_end_of_a_file_is_in_the_log_alone():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        epochs = made(recording(slice(None), (3450, None), 0.0))
    assert epochs_log(epochs)["done"].iloc[0] == "the last 5.5 s hold no signal"
    with pytest.warns(RuntimeWarning, match=r"1 of 9 epochs hold a stretch .*\(C3 in 1\)"):
        made(recording(C3, (3350, None), 0.0))


@pytest.mark.parametrize("steps", [{}, dict(l_freq=4.0)], ids=["none", "filter"])
def test_stretch_by_stretch_the_same_is_lost_and_told_once(steps):
    with pytest.warns(RuntimeWarning, match="1 of 9 epochs hold NaN") as told:
        pieces = list(iter_epochs(recording(C3, WITHIN), stretch=10.0, **CUT, **steps))
    assert len(told) == 1
    with pytest.warns(RuntimeWarning, match="1 of 9 epochs hold NaN"):
        whole = made(recording(C3, WITHIN), **steps)
    found = np.concatenate([piece.get_data() for piece in pieces])
    np.testing.assert_allclose(found, whole.get_data(), atol=1e-12)


ODD = {
    "drift": lambda data: data.__iadd__(0.05 * np.exp(-np.arange(4000) / 1500)),
    "spike": lambda data: data.__setitem__((slice(None), 100), 300.0),
    "rail": lambda data: data.__setitem__((slice(None), slice(0, 150)), 0.4),
    "mostly flat": lambda data: data.__setitem__((slice(4, None), slice(0, 150)), 0.0),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_units_are_judged_by_typical_size(change):
    raw = recording()
    change(raw._data)
    made(raw)


def test_one_channel_in_another_unit_does_not_speak_for_all():
    raw = recording()
    raw._data[0] *= 1e6
    with pytest.warns(RuntimeWarning, match=r"of some EEG channels .* \(1e-05 V\): Fp1 9.8 V. They") as told:
        made(raw)
    assert len(told) == 1


@pytest.mark.parametrize(("factor", "size"), [(1e6, "10 V"), (1e-6, "1e-11 V")])
def test_another_unit_is_told_whatever_artefacts_there_are(factor, size):
    raw = recording()
    raw._data *= factor
    raw._data[:, 500] = 1e3
    with pytest.warns(RuntimeWarning, match=f"EEG of recording 0 has a deviation of {size} .* another unit"):
        made(raw)
