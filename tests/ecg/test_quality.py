"""What is noise, flat, saturated or lost in an ECG is told, second by second, and beats there not judged."""

import mne
import numpy as np
import pandas as pd
import pytest
import wfdb
from hearts import made_up
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mne_cnnclass import EpochsView, ecg, viz
from mne_cnnclass.evaluation import Evaluation

SFREQ = 250.0
LOST = (slice(20, 30), slice(22, 28))  # s in which a lead is spoilt, and those that nothing around helps


def heart(rate=75, seconds=60.0, *, sfreq=SFREQ, names=("II", "V1"), noise=0.01):
    onset = np.arange(0.6, seconds - 0.5, 60 / rate)
    return made_up(onset, ["N"] * len(onset), names=names, sfreq=sfreq, duration=seconds, noise=noise)


def spoilt(what, seconds=LOST[0], sfreq=SFREQ):
    """A minute of a heart, the first lead spoilt in some seconds, the second good."""
    raw, rng = heart(sfreq=sfreq), np.random.default_rng(0)
    part = slice(round(seconds.start * sfreq), round(seconds.stop * sfreq))
    n = part.stop - part.start
    signal = raw._data[0, part]
    raw._data[0, part] = {
        "white noise": lambda: signal + 4e-4 * rng.standard_normal(n),
        "slow noise": lambda: signal + mne.filter.filter_data(2e-3 * rng.standard_normal(n), sfreq, 1, 10),
        "noise alone": lambda: 1e-4 * rng.standard_normal(n),
        "steps": lambda: signal + 2e-2 * np.sign(np.sin(np.arange(n) / sfreq * 2 * np.pi)),
        "rail": lambda: np.clip(signal + 8e-3 * np.sin(20 * np.arange(n) / sfreq), -5e-3, 5e-3),
        "constant": lambda: np.full(n, 2e-3),
        "last bit": lambda: 2e-6 * rng.integers(-1, 2, n),
        "nan": lambda: np.full(n, np.nan),
    }[what]()
    return raw


def qualities(raw, lead="II"):
    table = ecg.signal_quality(raw)
    return table["quality"][table["lead"] == lead].to_numpy()


KINDS = [
    ("white noise", "noisy"),
    ("slow noise", "noisy"),
    ("noise alone", "noisy"),
    ("steps", "noisy"),
    ("rail", "saturated"),
    ("constant", "flat"),
    ("last bit", "flat"),
    ("nan", "invalid"),
]


@pytest.mark.parametrize(("what", "quality"), KINDS)
@pytest.mark.parametrize("sfreq", [125.0, 360.0])
def test_what_spoils_seconds_of_a_lead_is_told_there_alone(what, quality, sfreq):
    raw = spoilt(what, sfreq=sfreq)
    found = qualities(raw)
    assert (found[LOST[1]] == quality).mean() > 0.8
    assert (np.delete(found, np.r_[16:34]) == "good").all()
    assert (qualities(raw, "V1") == "good").all()


@settings(max_examples=25, deadline=None)
@given(
    rate=st.floats(25, 300),
    sfreq=st.sampled_from([100.0, 125.0, 128.5, 360.0, 1000.0]),
    gain=st.floats(-2, 1),
    offset=st.floats(-1e-2, 1e-2),
    seconds=st.floats(2, 40),
)
@example(rate=25, sfreq=125.0, gain=0.0, offset=0.0, seconds=40.0)  # most seconds have no beat
@example(rate=300, sfreq=1000.0, gain=-1.0, offset=0.0, seconds=10.0)
def test_beats_are_good_at_any_rate_gain_and_offset(rate, sfreq, gain, offset, seconds):
    raw = heart(rate, seconds, sfreq=sfreq, names=("II",))
    raw._data *= 10**gain
    raw._data += offset
    assert (qualities(raw) == "good").all()


def test_the_gain_changes_no_second():
    raw = spoilt("white noise")
    found = qualities(raw)
    for gain in (0.1, 10, -1):
        scaled = raw.copy().apply_function(lambda signal, gain=gain: gain * signal, picks="ecg")
        np.testing.assert_array_equal(qualities(scaled), found)


def test_a_lead_that_is_off_for_most_of_the_time_spoils_no_other():
    raw = spoilt("last bit", slice(0, 50))
    assert (qualities(raw)[:49] == "flat").all()
    assert (qualities(raw)[52:] == "good").all()
    assert (qualities(raw, "V1") == "good").all()


def test_what_is_annotated_as_bad_is_invalid_in_the_leads_that_it_names():
    raw = heart()
    raw.set_annotations(mne.Annotations([10.2, 40], [3.0, 2], ["BAD_move", "bad"], ch_names=[["II"], []]))
    expected = np.full(60, "good", object)
    expected[40:42] = "invalid"
    np.testing.assert_array_equal(qualities(raw, "V1"), expected)
    expected[10:14] = "invalid"
    np.testing.assert_array_equal(qualities(raw), expected)
    with pytest.raises(ValueError, match="at least 3 are needed"):
        ecg.signal_quality(raw.crop(0, 0))


@pytest.mark.parametrize("n_bad", [0, 1, 12])
def test_a_recording_is_acceptable_if_nearly_all_of_all_leads_can_be_read(n_bad):
    leads = [f"V{k}" for k in range(12)]
    raw = heart(names=("II",), seconds=10.0)
    data = np.repeat(raw.get_data(), 12, axis=0)
    data[:n_bad] = 0
    data[-1] *= 0.05  # little of the heart is seen there, and noise as low does not matter
    data[-1] += 2e-5 * np.random.default_rng(0).standard_normal(data.shape[1])
    many = mne.io.RawArray(data, mne.create_info(leads, SFREQ, "ecg"))
    assert ecg.is_acceptable(many) is (n_bad == 0)


@pytest.mark.parametrize("peaks", ["annotated", "detected"])
@pytest.mark.parametrize("what", ["white noise", "rail"])
def test_beats_in_noise_are_left_out_or_kept_by_name(what, peaks):
    raw = spoilt(what)
    how = dict(leads=["II", "V1"], peaks=peaks)
    with pytest.warns(RuntimeWarning, match="beats lie in noise and are left out"):
        epochs = ecg.make_beat_epochs(raw, **how)
    with pytest.warns(RuntimeWarning, match="beats lie in noise and are not judged"):
        every = ecg.make_beat_epochs(raw, **how, unusable="keep")
    reason = dict(KINDS)[what]
    dropped = [reasons[0] for reasons in epochs.drop_log if reasons]
    assert dropped.count(f"BAD_{reason}") >= 5
    table = every.metadata
    inner = table["onset"].between(LOST[1].start + 0.5, LOST[1].stop - 0.5)
    assert (table["quality"][inner] != "good").mean() > 0.7
    assert (table["quality"][~table["onset"].between(15, 35)] == "good").all()
    is_good = (table["quality"] == "good").to_numpy()
    assert (epochs.metadata["quality"] == "good").all()
    np.testing.assert_array_equal(epochs.metadata["onset"], table["onset"][is_good])
    np.testing.assert_array_equal(epochs.get_data(), every.get_data()[is_good])


def test_a_few_beats_in_noise_are_no_reason_to_warn():
    epochs = ecg.make_beat_epochs(spoilt("steps", slice(20, 22)), leads=["II"])
    assert sum("BAD_noisy" in reasons for reasons in epochs.drop_log) >= 2
    with pytest.raises(ValueError, match='unusable must be "drop" or "keep"'):
        ecg.make_beat_epochs(heart(), unusable="mark")


def test_lost_beats_are_kept_by_name_too():
    raw = heart().set_annotations(heart().annotations + mne.Annotations([10], [2], ["BAD_move"]))
    raw._data[0, 5000:7500] = np.nan
    with pytest.warns(RuntimeWarning, match="without a signal and are not judged"):
        table = ecg.make_beat_epochs(raw, leads=["II"], unusable="keep").metadata
    is_lost = table["onset"].between(10, 12) | table["onset"].between(20, 30)
    assert (table["quality"][is_lost] == "invalid").all()
    assert (table["quality"] == "good").sum() > 50


def test_beats_of_live_use_are_not_judged_by_what_follows():
    raw = heart()
    before = ecg.make_beat_epochs(raw, leads=["II"], causal=True).metadata
    raw._data[0, 7500:] += 1e-4 * np.random.default_rng(0).standard_normal(7500)
    after = ecg.make_beat_epochs(raw, leads=["II"], causal=True, unusable="keep").metadata
    n = (before["onset"] < 29).sum()
    whose = ["record", "patient"]  # named after the signal
    pd.testing.assert_frame_equal(before[:n].drop(columns=whose), after[:n].drop(columns=whose))


def test_beats_that_are_not_judged_count_as_wrong():
    table = pd.DataFrame(dict(y_true=list("NNNNVVVV"), y_pred=list("NNNVVVVV")))
    result = Evaluation.__new__(Evaluation)
    object.__setattr__(result, "predictions", table)
    object.__setattr__(result, "classes", np.array(["N", "V"]))
    scores = ecg.score_all(result, ["V", "V"])
    assert scores["judged"] == 0.8
    assert scores["accuracy"] == 0.7
    assert scores["f1_macro"] == pytest.approx((2 * 3 / (4 + 3) + 2 * 4 / (6 + 5)) / 2)


def test_what_is_not_judged_is_written_so_that_others_read_it(tmp_path):
    onset, labels = [0.5, 1.5, 2.5], ["N", "not judged", "V"]
    ecg.write_beats(tmp_path / "a.pred", onset, labels, sfreq=SFREQ)
    read = wfdb.rdann(str(tmp_path / "a"), "pred")
    assert read.symbol == ["N", "Q", "V"]
    assert read.aux_note == ["", "not judged", ""]
    ecg.write_beats(tmp_path / "a.txt", onset, labels, sfreq=SFREQ)
    read = mne.read_annotations(tmp_path / "a.txt")
    assert read.description.tolist() == ["N", "BAD_not_judged", "V"]
    epochs = ecg.make_beat_epochs(heart(seconds=4.0).set_annotations(read), leads=["II"], tmin=-0.1)
    assert epochs.metadata["symbol"].tolist() == ["N", "V"]


def test_beats_that_are_not_judged_are_shown_and_are_no_errors():
    fig = viz.plot_beats(heart(), [0.6, 1.4, 2.2], ["N", "not judged", "V"], ["N", "N", "N"], duration=5)
    assert fig.get_suptitle() == "3 beats, 1 error (shaded), 1 not judged (?)"
    assert [text.get_text() for text in fig.axes[0].texts].count("?") == 1
    assert sum(bool(patch.get_hatch()) for patch in fig.axes[0].patches) == 1


@pytest.mark.parametrize("record", ["mitdb/119", "mitdb/203", "ludb/data/1"])
def test_recordings_of_patients_are_good(data_path, record):
    raw = ecg.read_raw_wfdb(data_path / record, annotator=None, stop=10 if record.startswith("ludb") else 300)
    found = qualities(raw, raw.ch_names[0])
    assert (found == "good").mean() > 0.99
    assert EpochsView(ecg.make_beat_epochs(raw, leads=raw.ch_names[:1], peaks="detected"))


def test_recordings_by_phone_are_acceptable_as_experts_said(data_path):
    labels = pd.read_csv(data_path / "cinc2011/quality.csv", index_col=0)["quality"].iloc[::5]
    right = []
    for record, label in labels.items():
        units = np.loadtxt(data_path / f"cinc2011/{record}.txt", delimiter=",")[:, 1:]
        raw = mne.io.RawArray(5e-6 * units.T, mne.create_info(12, 500.0, "ecg"))
        right.append(ecg.is_acceptable(raw) == (label == "acceptable"))
    assert np.mean(right) >= 0.9
