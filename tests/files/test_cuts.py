"""Pauses and cuts of recordings: events are where they were, and nothing reaches across."""

import warnings

import mne
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import write_edf
from small import LENGTH, ONSETS, SFREQ, TEXTS, brainvision, edf, eeglab, epochs_of, held, raw_of, signals

from mne_cnnclass import EpochsView
from mne_cnnclass.ecg.recordings import read_recording
from mne_cnnclass.files.reading import read_file
from mne_cnnclass.preprocessing import epochs_log, make_epochs
from mne_cnnclass.preprocessing.stretches import iter_epochs
from mne_cnnclass.utils.cuts import is_cut

pauses = st.lists(st.tuples(st.integers(1, LENGTH - 1), st.floats(0.02, 4000)), max_size=4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pauses=pauses,
    offset=st.floats(0, 1).map(lambda x: round(x, 3)),
    record=st.sampled_from([0.1, 0.5, 1.0, 2.0]),
    kind=st.sampled_from(["EDF+C", "EDF+D", "BDF+D"]),
)
def test_events_after_pauses_are_where_they_were(tmp_path, pauses, offset, record, kind):
    starts = offset + record * np.arange(LENGTH / record)
    for second, pause in pauses:
        starts[int(second / record) :] += round(pause, 3)
    file = edf(tmp_path / f"a.{kind[:3]}", starts=starts, record=record, kind=kind)
    source, wrong, noted = read_file(file)[:3]
    events = [a for a in source.annotations if a["description"] in TEXTS]
    np.testing.assert_allclose([event["onset"] for event in events], ONSETS, atol=0.5 / SFREQ)
    assert [event["description"] for event in events] == TEXTS.tolist()
    cuts = sorted({int(second / record) * record for second, _ in pauses} - {0.0})
    marks = [a["onset"] for a in source.annotations if a["description"] == "BAD boundary"]
    np.testing.assert_allclose(marks, cuts, atol=1e-9)
    assert not wrong
    assert bool(noted) == bool(cuts)


def test_what_lies_in_a_pause_is_left_out_and_said(tmp_path):
    starts = np.arange(LENGTH) + 30.0 * (np.arange(LENGTH) >= 10)
    more = (15.0, 0, "T1"), (9.5, 31.0, "span"), (20.0, 20.5, "late span"), (12, 3, "in it"), (99.0, 0, "T1")
    file = edf(tmp_path / "a.edf", *more, starts=starts, kind="EDF+D")
    with pytest.warns(RuntimeWarning, match=r"a.edf: 3 annotation\(s\) left out that lie in its pauses"):
        epochs = epochs_of(file, events=dict(a="T1", b="T2"))
    assert held(epochs) == len(epochs) == len(ONSETS)
    spans = {a["description"]: (a["onset"], a["duration"]) for a in read_file(file).source.annotations}
    np.testing.assert_allclose([*spans["span"], *spans["late span"]], [9.5, 1.0, 10.0, 0.5])


def test_records_that_drift_or_overlap(tmp_path):
    drifting = read_file(edf(tmp_path / "a.edf", starts=np.arange(LENGTH) * 1.001, kind="EDF+D"))
    assert drifting.source.annotations.description.tolist() == TEXTS.tolist()
    np.testing.assert_allclose(drifting.source.annotations.onset, ONSETS, atol=1e-6)
    overlapping = np.arange(LENGTH) - 3.0 * (np.arange(LENGTH) >= 10)
    with pytest.raises(ValueError, match="records overlap in time: number 10 begins -2 s after the one"):
        read_file(edf(tmp_path / "a.edf", starts=overlapping, kind="EDF+D"))


@pytest.mark.parametrize(
    "starts",
    [np.zeros(LENGTH), 1000.0 * np.arange(LENGTH), 0.5 * np.arange(LENGTH), np.arange(LENGTH)[::-1]],
    ids=["all 0", "ms", "half", "backwards"],
)
def test_times_of_records_that_make_no_sense_are_passed_over_where_there_is_no_pause(starts, tmp_path):
    for kind in ("EDF+C", "EDF+D"):
        file = write_edf(tmp_path / f"{kind}.edf", signals(), SFREQ, starts=starts, kind=kind)
        if kind == "EDF+C":
            assert read_file(file)[1:3] == ([], [])
        elif starts[1] < 1:
            with pytest.raises(ValueError, match="overlap in time"):
                read_file(file)


def test_times_that_are_rounded_are_no_pauses(tmp_path):
    file = edf(tmp_path / "a.edf", starts=np.arange(LENGTH) + 0.0009 * (np.arange(LENGTH) % 2), kind="EDF+D")
    found = read_file(file)
    assert "BAD boundary" not in found.source.annotations.description
    assert not found.noted


def test_a_raw_of_a_file_with_pauses_is_refused_where_its_events_are_wrong(tmp_path):
    starts = np.arange(LENGTH) + 3.0 * (np.arange(LENGTH) >= 10)
    file = edf(tmp_path / "a.edf", starts=starts, kind="EDF+D")
    raw = mne.io.read_raw(file)
    with pytest.raises(ValueError, match=r"a\.edf has pauses.* wrong times from 10 s\. Give the path"):
        epochs_of(raw)
    with pytest.raises(ValueError, match="wrong times"):
        epochs_of(raw.copy().crop(8))
    raw.set_annotations(mne.Annotations(ONSETS, 0.0, TEXTS))  # the user's own, of the signal
    epochs = epochs_of(raw, tmax=1.5)
    assert epochs.drop_log[4] == ("BAD boundary",)  # from 9 s
    assert len(epochs) == len(ONSETS) - 1


CUTS = {
    "EEGLAB": lambda folder: eeglab(folder / "a.set", dict(type="boundary", latency=950.5)),
    "EEGLAB, number": lambda folder: eeglab(folder / "a.set", dict(type=-99, latency=950.5)),
    "BrainVision": lambda folder: brainvision(
        folder / "a.vhdr", ("New Segment", "", 1, 1), ("New Segment", "", 951, 1)
    ),
    "BrainVision, lost samples": lambda folder: brainvision(
        folder / "a.vhdr", ("New Segment", "LostSamples: 12", 951, 1)
    ),
    "Raw, what was cut out is no part of it": lambda folder: raw_of((9.5, 30.0, "boundary")),
    "Raw, capitals": lambda folder: raw_of((9.5, 0.0, "Boundary")),
    "Raw, edge alone": lambda folder: raw_of((9.5, 0.0, "EDGE boundary")),
    "MNE's": lambda folder: raw_of((9.5, 0.0, "EDGE boundary"), (9.5, 0.0, "BAD boundary")),
    "EDF+": lambda folder: edf(folder / "a.edf", (9.5, 0.0, "discontinuity")),
    "pause": lambda folder: edf(
        folder / "a.edf", record=0.5, starts=0.5 * np.arange(40) + 7.0 * (np.arange(40) > 18), kind="EDF+D"
    ),
}


@pytest.mark.parametrize("make", CUTS.values(), ids=CUTS)
def test_cuts_are_no_events_and_epochs_across_go(make, tmp_path):
    recording = make(tmp_path)
    epochs = epochs_of(recording, tmax=1.0)
    assert len(epochs.event_id) == 2
    assert [n for n, why in enumerate(epochs.drop_log) if why] == [4]  # from 9 s to 10 s
    log = epochs_log(epochs).set_index("step")
    assert "1 cut(s)" in log.loc["reading", "done"]
    assert log.loc["epochs", "done"].endswith("dropped for BAD boundary (1)")


def test_cuts_are_no_classes_of_epochs_either(tmp_path):
    raw = raw_of((9.5, 0.0, "boundary"), (0.5, 0.0, "New Segment/"))
    events, event_id = mne.events_from_annotations(raw)
    epochs = mne.Epochs(raw, events, event_id, 0.0, 0.29, baseline=None, preload=True)
    with pytest.warns(RuntimeWarning, match="epochs at New Segment/, boundary, where the recording"):
        EpochsView(epochs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EpochsView(epochs[["T1", "T2"]])
        epochs.save(tmp_path / "a-epo.fif")
        assert sorted(epochs_of(tmp_path / "a-epo.fif").event_id) == ["T1", "T2"]


@pytest.mark.parametrize(
    ("text", "suffix", "cut"),
    [
        ("boundary", "", True),
        ("New Segment/LostSamples: 7", ".vhdr", True),
        ("32766", ".GDF", True),
        ("32766", ".bdf", False),
        ("-99", ".set", True),
        ("-99", ".vhdr", False),
        ("boundary condition", "", False),
        ("new segments", "", False),
        ("left", "", False),
    ],
)
def test_what_says_that_a_recording_was_cut(text, suffix, cut):
    assert is_cut(text, suffix) == cut


def test_epochs_that_end_or_begin_at_a_cut_stay():
    (epochs,) = make_epochs(raw_of((10.0, 0.0, "boundary")), windows=dict(duration=2.0), classes=["rest"])
    assert len(epochs) == LENGTH / 2


def test_filters_stop_at_cuts():
    raw = raw_of((10.0, 0.0, "boundary"))
    raw._data[:, 1000:] += 0.01  # a step of the offset of amplifiers, which would ring
    epochs = epochs_of(raw, l_freq=2.0, h_freq=30.0)
    alone = epochs_of(raw.copy().crop(10, None), l_freq=2.0, h_freq=30.0)
    np.testing.assert_allclose(epochs.get_data()[5:], alone.get_data(), atol=1e-12)


def test_events_in_pieces_that_are_shorter_than_the_filter_are_counted():
    raw = raw_of(*((float(t), 0.0, "boundary") for t in (0.01, 10, 10.8, 12, 19.99)))
    with pytest.warns(RuntimeWarning, match=r"1 of 9 events are in pieces .* shorter .* \(1.65 s\)") as told:
        epochs = epochs_of(raw, l_freq=2.0, h_freq=30.0)
    assert len(told) == 1
    assert "1 of 9 events" in epochs_log(epochs)["done"][0]
    epochs_of(
        raw_of((0.01, 0.0, "boundary"), (10.8, 0.0, "boundary")), l_freq=2.0
    )  # nothing is in short ones


def mixed_rates(path):
    """EDF with a channel at a tenth of the rate of the others, which MNE resamples."""
    whole = edf(path, labels=("C3", "Cz", "C4")).read_bytes()
    counts = 256 + 216 * 4
    header = bytearray(whole[: 5 * 256])
    header[counts : counts + 8] = b"10      "
    records = np.frombuffer(whole[5 * 256 :], "u1").reshape(LENGTH, -1)
    path.write_bytes(header + np.delete(records, np.s_[20:200], axis=1).tobytes())
    return path


def test_channels_at_several_rates_are_the_same_in_parts(tmp_path):
    file, settings = mixed_rates(tmp_path / "a.edf"), dict(tmin=0.0, tmax=0.29, events=dict(a="T1", b="T2"))
    (whole,) = make_epochs(file, **settings)
    for recording in (file, mne.io.read_raw(file)):
        parts = [part.get_data() for part in iter_epochs(recording, stretch=5.0, **settings)]
        assert len(parts) > 3
        np.testing.assert_allclose(np.concatenate(parts), whole.get_data(), atol=1e-12)
    part = read_recording(file, start=5, stop=9).get_data()
    np.testing.assert_allclose(part, whole_signal(file)[:, 500:900])
    with pytest.raises(ValueError, match=r"several rates.*raw.load_data\(\) before raw.crop\(\)"):
        epochs_of(mne.io.read_raw(file).crop(5, 15))
    epochs_of(mne.io.read_raw(file, preload=True).crop(5, 15))


def whole_signal(file):
    return mne.io.read_raw(file, preload=True).get_data()


def test_parts_of_a_file_with_pauses_are_those_of_the_whole(tmp_path):
    starts = np.arange(LENGTH) + 3.0 * (np.arange(LENGTH) >= 8)
    file = edf(tmp_path / "a.edf", starts=starts, kind="EDF+D")
    settings = dict(tmin=0.0, tmax=1.1, l_freq=8.0, events=dict(a="T1", b="T2"))
    parts = np.concatenate([part.get_data() for part in iter_epochs(file, stretch=5.0, **settings)])
    (whole,) = make_epochs(file, **settings)
    assert len(whole) == len(ONSETS) - 1
    np.testing.assert_allclose(parts, whole.get_data(), atol=1e-9)
