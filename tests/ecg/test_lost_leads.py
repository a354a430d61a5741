"""What is lost in a lead costs the beats and windows that it reaches, in recordings that use this lead."""

import re
import warnings

import mne
import numpy as np
import pytest
import wfdb
from hearts import SFREQ, made_up
from hypothesis import given, settings
from hypothesis import strategies as st

from mne_cnnclass import EpochsView, ecg

ONSET = 1.0 + 0.8 * np.arange(60)
WINDOW = (-0.25, 58 / 128)  # in samples of the epochs


def hearts(lead=None, span=(0, 0), value=np.nan, **options):
    raw = made_up(ONSET, ["N"] * 60, **options)
    where = slice(None) if lead is None else raw.ch_names.index(lead)
    raw._data[where, slice(*(np.array(span) * SFREQ).round().astype(int))] = value
    return raw


def noted(raw, text="BAD_ACQ_SKIP", leads=(), span=(10.0, 20.0)):
    note = mne.Annotations(span[0], span[1] - span[0], text, ch_names=[list(leads)])
    return raw.set_annotations(raw.annotations + note)


def inside(span):
    return (ONSET + WINDOW[0] < span[1]) & (ONSET + WINDOW[1] > span[0])


KINDS = {"NaN": np.nan, "infinite": np.inf, "flat": 0.0, "saturated": 5e-3}


@pytest.mark.parametrize("value", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("lead", [None, "MLII", "V1"])
def test_beats_without_a_signal_are_left_out_and_counted(lead, value):
    what = "holds no numbers" if not np.isfinite(value) else "is constant"
    n_lost = inside((10, 20)).sum()
    with pytest.warns(RuntimeWarning, match=f"{what} from .*; {n_lost} of 60 beats lie in spans") as told:
        epochs = ecg.make_beat_epochs(hearts(lead, (10.0, 20.0), value))
    assert len(told) == 1
    assert np.isfinite(epochs.get_data()).all()
    np.testing.assert_array_equal(epochs.selection, np.flatnonzero(~inside((10, 20))))
    good = ecg.make_beat_epochs(hearts())[epochs.selection]
    far = np.abs(good.metadata["onset"] - 15) > 12  # beyond the reach of the filter
    signals, expected = (e.get_data(picks=["MLII", "V1"])[far] for e in (epochs, good))
    np.testing.assert_allclose(signals, expected, atol=3e-5)  # of 1e-3, by the typical height of those left
    # beats without a signal do not count in what is typical, on which the height of all depends
    assert np.abs(epochs.get_data(picks="V1")).max() < 1.2 * np.abs(good.get_data(picks="V1")).max()


@settings(max_examples=15, deadline=None)
@given(
    lead=st.sampled_from(["MLII", "V1"]),
    start=st.floats(0, 40),
    length=st.floats(0.3, 12),
    causal=st.booleans(),
)
def test_no_other_beats_are_left_out(lead, start, length, causal):
    span = np.floor(np.array([start, start + length]) * SFREQ) / SFREQ
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        epochs = ecg.make_beat_epochs(hearts(lead, span), causal=causal)
    expected = np.flatnonzero(~inside(span))
    np.testing.assert_array_equal(epochs.selection, expected[expected > 0] if causal else expected)
    assert np.isfinite(epochs.get_data()).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "make",
    [
        lambda: hearts("V1", (10.0, 20.0)),
        lambda: hearts("V1", (0.0, 60.0)),
        lambda: hearts("V1", (10.0, 20.0), 0.0),
        lambda: noted(hearts(), leads=["V1"]),
        lambda: noted(hearts(), "BAD_noise", leads=["V1"]),
        lambda: noted(hearts("V1", (10.0, 20.0)), leads=["V1"]),
    ],
    ids=["NaN", "NaN throughout", "flat", "noted", "noisy", "NaN, noted"],
)
def test_what_other_leads_lost_costs_nothing(make):
    expected = ecg.make_beat_epochs(hearts(), leads=["MLII"])
    found = ecg.make_beat_epochs(make(), leads=["MLII"])
    np.testing.assert_allclose(found.get_data(), expected.get_data(), atol=1e-12)
    assert len(ecg.make_rhythm_epochs(make(), leads=["MLII"])) == len(ecg.make_rhythm_epochs(hearts()))


def test_detected_beats_of_a_lead_that_fell_off_are_few_and_this_is_told():
    with pytest.warns(RuntimeWarning, match="MLII is constant from 10 to 20 s") as told:
        epochs = ecg.make_beat_epochs(hearts("MLII", (10.0, 20.0), 5e-3), peaks="detected")
    assert len(told) == 1
    onset = epochs.metadata["onset"]
    assert not onset.between(10, 20).any()
    assert (~onset.between(9, 21)).sum() >= 44


def test_a_lead_that_is_flat_throughout_is_named_in_the_error():
    with (
        pytest.warns(RuntimeWarning, match="V1 is constant"),
        pytest.raises(ValueError, match=r"beats \(N\) .*V1 is constant from 0 to.* leads= others"),
    ):
        ecg.make_beat_epochs(hearts("V1", (0.0, 60.0), 0.0))


def test_windows_of_rhythms_without_numbers_are_left_out_and_constant_ones_told_of():
    with pytest.warns(
        RuntimeWarning, match=r"MLII holds no numbers from 10 to 20 s.* Of 5 windows 1 are left out"
    ):
        epochs = ecg.make_rhythm_epochs(hearts("MLII", (10.0, 20.0), duration=50.0))
    assert epochs.selection.tolist() == [0, 2, 3, 4]
    assert np.isfinite(epochs.get_data()).all()
    with pytest.warns(
        RuntimeWarning, match=r"MLII is constant from 10 to 40 s\. .* 3 hold a constant stretch"
    ):
        epochs = ecg.make_rhythm_epochs(hearts("MLII", (10.0, 40.0), 0.0, duration=50.0))
    assert len(epochs) == 5  # there are classes of recordings, such as those of poor quality, that this tells
    good = ecg.make_rhythm_epochs(hearts(duration=50.0))
    # the second's amplitude, by which leads are scaled, is that of the rest
    assert np.ptp(epochs.get_data()[0, 0]) == pytest.approx(np.ptp(good.get_data()[0, 0]), rel=0.1)


ODD = {
    "3 samples of 300 mV": lambda data: data.__setitem__((slice(None), slice(5000, 5003)), 0.3),
    "drift of 150 mV": lambda data: data.__iadd__(0.15 * np.exp(-np.arange(data.shape[1]) / 7200)),
    "rail for a second": lambda data: data.__setitem__((0, slice(5000, 5360)), 0.4),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_one_artefact_refuses_no_recording(change):
    raw = hearts()
    change(raw._data)
    for peaks in ("annotated", "detected"):
        assert len(ecg.make_beat_epochs(raw, peaks=peaks)) >= 55
    assert len(ecg.make_rhythm_epochs(raw)) == len(ecg.make_rhythm_epochs(hearts()))


def test_another_unit_is_an_error_whatever_the_artefacts():
    raw = hearts()
    raw._data *= 1e3
    raw._data[:, 5000] = 0
    with pytest.raises(ValueError, match=r"Lead MLII spans 1\.\d* V, in most seconds, .* another unit"):
        ecg.find_r_peaks(raw)


def test_invalid_samples_of_a_record_are_those_of_their_lead(tmp_path):
    raw = hearts("V1", (10.0, 20.0))
    signals = dict(units=["mV", "mV"], sig_name=raw.ch_names, p_signal=1e3 * raw.get_data().T)
    wfdb.wrsamp("gap", fs=int(SFREQ), fmt=["16", "16"], write_dir=str(tmp_path), **signals)
    with pytest.warns(RuntimeWarning, match=r"invalid \(V1 10 s\)"):
        read = ecg.read_raw_wfdb(tmp_path / "gap", annotator=None)
    assert read.annotations.ch_names.tolist() == [("V1",)]
    assert read.annotations.description.tolist() == ["BAD_ACQ_SKIP"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alone = ecg.make_beat_epochs(read, leads=["MLII"], peaks="detected")
    assert len(alone) >= 59
    with pytest.warns(RuntimeWarning, match="beats lie in spans annotated as bad"):
        both = EpochsView(ecg.make_beat_epochs(read, peaks="detected"))
    assert not both.metadata["onset"].between(10, 20).any()
    assert re.fullmatch("MLII, V1", both.metadata["leads"].iloc[0])


def test_good_recordings_say_nothing(data_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ecg.make_beat_epochs(ecg.read_raw_wfdb(data_path / "mitdb" / "101", stop=120.0))
        for record in ("00001_lr", "00002_lr"):
            found = next((data_path / "ptbxl").rglob(f"{record}.hea"))
            ecg.make_rhythm_epochs(ecg.read_raw_wfdb(found, annotator=None))
