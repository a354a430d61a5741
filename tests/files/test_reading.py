"""What is broken in a file reaches its user, and what can be put right is: pauses, cuts, names, formats."""

import contextlib
import re
import warnings

import mne
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import write_brainvision, write_edf, write_set

from mne_cnnclass import EpochsView
from mne_cnnclass.ecg.recordings import read_recording
from mne_cnnclass.evaluation.benchmarking.entries import read_files
from mne_cnnclass.files.reading import read_file
from mne_cnnclass.preprocessing import epochs_log, make_epochs
from mne_cnnclass.preprocessing.stretches import iter_epochs
from mne_cnnclass.utils.cuts import is_cut
from mne_cnnclass.utils.quiet import heard

SFREQ, LENGTH = 100, 20
ONSETS = np.arange(1.0, LENGTH - 1, 2.0)
TEXTS = np.resize(["T1", "T2"], len(ONSETS))


def signals(n_channels=3, length=LENGTH):
    """Noise in µV, and steps of 1 mV for 0.3 s at the events."""
    data = np.random.default_rng(0).normal(0, 20, (n_channels, length * SFREQ))
    for onset in ONSETS:
        data[:, int(onset * SFREQ) :][:, :30] += 1000
    return data


def edf(path, *more, starts=None, record=1.0, **options):
    """An EDF+ file with the events in it, and more annotations."""
    starts = record * np.arange(LENGTH / record) if starts is None else starts
    at = (ONSETS // record).astype(int)
    notes = [(t, 0, text) for t, text in zip(starts[at] + ONSETS % record, TEXTS, strict=True)]
    return write_edf(path, signals(), SFREQ, notes=[*notes, *more], starts=starts, record=record, **options)


def brainvision(path, *more, **options):
    names = dict(T1="S  1", T2="S  2")
    events = [("Stimulus", names[text], int(t * SFREQ) + 1, 1) for t, text in zip(ONSETS, TEXTS, strict=True)]
    return write_brainvision(path, signals(), SFREQ, markers=[*events, *more], **options)


def eeglab(path, *more, **options):
    events = [dict(type=text, latency=t * SFREQ + 1) for t, text in zip(ONSETS, TEXTS, strict=True)]
    return write_set(
        path, signals(), SFREQ, events=sorted([*events, *more], key=lambda e: e["latency"]), **options
    )


def raw_of(*more):
    raw = mne.io.RawArray(
        1e-6 * signals(), mne.create_info(["C3", "Cz", "C4"], SFREQ, "eeg"), verbose="ERROR"
    )
    notes = mne.Annotations(*zip(*zip(ONSETS, 0 * ONSETS, TEXTS, strict=True), *more, strict=True))
    return raw.set_annotations(notes, verbose="ERROR")


def cut_off(path, n_bytes=5000):
    path.write_bytes(path.read_bytes()[:-n_bytes])
    return path


def epochs_of(recording, tmax=0.29, **options):
    return make_epochs(recording, tmin=0.0, tmax=tmax, **options)[0]


def held(epochs):
    """How many epochs hold the step of their event."""
    return int((epochs.get_data().mean((1, 2)) > 900e-6).sum())


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


QUIET = {
    "EDF+C": lambda f: edf(f / "a.edf"),
    "EDF+D without pauses": lambda f: edf(f / "a.edf", kind="EDF+D"),
    "BDF+C": lambda f: edf(f / "a.bdf", kind="BDF+C"),
    "capitals": lambda f: edf(f / "a.EDF"),
    "jitter": lambda f: edf(
        f / "a.edf", starts=np.arange(20) + np.random.default_rng(0).uniform(0, 1e-4, 20)
    ),
    "BrainVision": lambda f: brainvision(f / "a.vhdr", ("New Segment", "", 1, 1)),
    "BrainVision, whole": lambda f: brainvision(f / "a.vhdr", points=LENGTH * SFREQ),
    "EEGLAB": lambda f: eeglab(f / "a.set"),
    "EEGLAB, .fdt": lambda f: eeglab(f / "a.set", fdt=True),
    "EEGLAB, a cut before the first sample": lambda f: eeglab(
        f / "a.set", dict(type="boundary", latency=0.5)
    ),
    "Raw": lambda f: raw_of(),
}


@pytest.mark.parametrize("make", QUIET.values(), ids=QUIET)
def test_good_files_are_read_without_a_word(make, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        epochs = epochs_of(make(tmp_path))
    assert held(epochs) == len(ONSETS)
    assert epochs_log(epochs)["step"].tolist() == ["epochs"]


def test_good_recordings_are_read_without_a_word(data_path):
    files = [data_path / "eegmmidb/S001/S001R04.edf", data_path / "eegmat/Subject00_1.edf"]
    files += sorted((data_path / "ssvep_exo").glob("**/*raw.fif"))[:1]
    for file in files:
        assert read_file(file)[1:3] == ([], [])


def headless(path):
    path.with_suffix(".vmrk").unlink()
    return path


def truncated_fif(folder, name="a_raw.fif"):
    raw_of().save(folder / name, buffer_size_sec=1, verbose="ERROR")
    return folder / name


TOLD = {
    "two channels of one name": (lambda f: edf(f / "a.edf", labels=("C3", "C3", "C4")), "not unique.*C3"),
    "annotations past the end": (
        lambda f: edf(f / "a.edf", (99.0, 0, "T1"), (98, 0, "T1")),
        "Omitted 2 annot",
    ),
    "annotations before the start": (lambda f: edf(f / "a.edf", (-5.0, 0, "T1")), "Omitted 1 annotation"),
    "cut short": (lambda f: cut_off(edf(f / "a.edf")), "does not match the file size"),
    "cut short, BDF": (lambda f: cut_off(edf(f / "a.bdf", kind="BDF+C")), "does not match the file size"),
    "not stopped": (lambda f: edf(f / "a.edf", n_records=-1), "does not match the file size"),
    "no physical range": (
        lambda f: edf(f / "a.edf", limits=[3276.7, 3276.7, 0]),
        "range is not defined.* C4",
    ),
    "no date": (lambda f: edf(f / "a.edf", date="99.99.99", recording="x"), "Invalid measurement date"),
    "no length of records": (lambda f: edf(f / "a.edf", written_record=0), "Default record length set to 1"),
    "one unit": (lambda f: edf(f / "a.edf", units=["uV", "", "uV"]), "unit that MNE takes for V: Cz in ''"),
    "nV": (lambda f: edf(f / "a.edf", units=["uV", "uV", "nV"]), "unit that MNE takes for V: C4 in 'nV'"),
    "all units": (lambda f: edf(f / "a.edf", units=".V"), "in another unit than V"),
    "no markers": (lambda f: headless(brainvision(f / "a.vhdr")), "MarkerFile 'a.vmrk' not found"),
    "markers past the end": (
        lambda f: brainvision(f / "a.vhdr", ("Stimulus", "S  1", 9999, 1)),
        "Omitted 1 annot",
    ),
    "fewer samples": (lambda f: brainvision(f / "a.vhdr", points=2500), "promises 2500 samples.* has 2000"),
    "EEG without voltage": (lambda f: brainvision(f / "a.vhdr", units=["µV", "n/a", "µV"]), "misc.*: Cz"),
    "NaN": (lambda f: eeglab(f / "a.set", dict(type="T1", latency=np.nan)), "onset that is NaN"),
    "events past the end": (
        lambda f: eeglab(f / "a.set", dict(type="T1", latency=9999.0)),
        "Omitted 1 annotation",
    ),
}


def log_of(recording):
    with contextlib.suppress(ValueError):  # no events are left
        return epochs_log(epochs_of(recording)).set_index("step")


@pytest.mark.parametrize(("make", "words"), TOLD.values(), ids=TOLD)
def test_what_is_broken_is_told_of_in_one_line_with_the_name_of_the_file(make, words, tmp_path):
    recording = make(tmp_path)
    with pytest.warns(RuntimeWarning, match=words) as told:
        log = log_of(recording)
    assert log is None or "another unit" in words or re.search(words, log.loc["reading", "done"])
    assert len(told) == 1
    assert str(recording) in str(told[0].message)
    assert "\n" not in str(told[0].message)


def test_units_matter_only_of_channels_in_use(tmp_path):
    file = edf(tmp_path / "a.edf", labels=("Fc3.", "Fc4.", "Temp"), units=["uV", "uV", "DegC"])
    epochs_of(file, rename="standard", picks=["FC3", "FC4"])
    epochs_of(file, ch_types=dict(Temp="temperature"))
    with pytest.warns(RuntimeWarning, match="V: t2 in 'DegC'"):
        epochs_of(file, rename={"Temp": "t2"})


REFUSED = {
    "cut FIF": (lambda f: cut_off(truncated_fif(f)), "end can't be read .* cut short or damaged"),
    "cut .fdt": (lambda f: eeglab_cut(f), "end can't be read .* cut short or damaged"),
    "lost .fdt": (lambda f: eeglab_lost(f), "a.fdt not found"),
    "BDF as EDF": (lambda f: edf(f / "a.edf", kind="BDF+C"), "first bytes .* name it a.bdf"),
    "EDF as REC": (lambda f: edf(f / "a.rec"), "first bytes .* name it a.edf"),
    "names of BrainVision": (
        lambda f: brainvision(f / "a.vhdr", labels=("C3", "C3", "C4")),
        "have the name C3: ren",
    ),
    "signals of BrainVision": (
        lambda f: brainvision(f / "a.vhdr").with_suffix(".eeg"),
        r"describes it, .*a\.vhdr",
    ),
    "markers": (lambda f: brainvision(f / "a.vhdr").with_suffix(".vmrk"), r"describes it, .*a\.vhdr"),
    "signals of EEGLAB": (
        lambda f: eeglab(f / "a.set", fdt=True).with_suffix(".fdt"),
        r"describes it, .*a\.set",
    ),
    "average": (lambda f: average(f), "neither a recording nor epochs"),
    "only annotations": (
        lambda f: write_edf(f / "a.edf", np.zeros((0, 500)), labels=()),
        "it holds no signal",
    ),
    "cut vectorised": (lambda f: vectorised(f / "a.vhdr"), "each channel would have samples of the next"),
    "cut and compressed": (
        lambda f: cut_off(truncated_fif(f, "a_raw.fif.gz")),
        "end",
    ),
    "empty": (lambda f: written(f / "a.edf", b""), "EDF, BDF, .*RawArray"),
    "empty FIF": (lambda f: written(f / "a.fif", b""), "damaged, or not what its ending says .*RawArray"),
    "table": (
        lambda f: written(f / "a.csv", b"1,2"),
        r"EDF, BDF, .*create_info.*RawArray.*save\(\"a_raw.fif",
    ),
    "array": (lambda f: written(f / "a.npy", b"\x93NUMPY"), "EDF, BDF, .*create_info.*RawArray.*save"),
    "MATLAB": (lambda f: written(f / "a.mat", b"MATLAB"), "EDF, BDF, .*create_info.*RawArray.*save"),
}


def vectorised(path):
    brainvision(path, points=LENGTH * SFREQ)
    path.write_text(path.read_text("utf8").replace("MULTIPLEXED", "VECTORIZED"), "utf8")
    cut_off(path.with_suffix(".eeg"), 1200)
    return path


def eeglab_cut(folder):
    file = eeglab(folder / "a.set", fdt=True)
    cut_off(file.with_suffix(".fdt"))
    return file


def eeglab_lost(folder):
    file = eeglab(folder / "a.set", fdt=True)
    file.with_suffix(".fdt").unlink()
    return file


def average(folder):
    toy_epochs().average().save(folder / "a-ave.fif", verbose="ERROR")
    return folder / "a-ave.fif"


def written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_files_that_can_not_be_read(make, words, tmp_path):
    file = make(tmp_path)
    with pytest.raises(ValueError, match=rf"(?s)Can't read .*{file.name}: .*{words}"):
        epochs_of(file)


def test_the_lines_that_make_a_recording_of_an_array_do_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = 1e-6 * signals()
    for call in (lambda: epochs_of(written(tmp_path / "s7.npy", b"")), lambda: epochs_of(data)):
        with pytest.raises((TypeError, ValueError)) as raised:
            call()
        lines = [line.strip() for line in str(raised.value).splitlines()[1:]]
        assert len(lines) == 3
        where = dict(mne=mne, data=data, ch_names=["C3", "Cz", "C4"], sfreq=SFREQ)
        exec("\n".join(lines), where)
        (file,) = tmp_path.glob("s*_raw.fif")
        with pytest.raises(ValueError, match="There are no events"):
            epochs_of(file)
        file.unlink()


def toy_epochs(n=8):
    data = 1e-5 * np.random.default_rng(0).standard_normal((n, 3, 100))
    events = np.column_stack([100 * np.arange(n), np.zeros(n, int), np.arange(n) % 2 + 1])
    info = mne.create_info(["C3", "Cz", "C4"], SFREQ, "eeg")
    return mne.EpochsArray(data, info, events, event_id=dict(left=1, right=2), verbose="ERROR")


@pytest.mark.parametrize(
    "name", ["s1-epo.fif", "s1_epo.fif.gz", "s1_epochs.fif", "s1.fif", "clean_raw.fif.gz"]
)
def test_epochs_of_mne_may_have_any_name(name, tmp_path):
    toy_epochs().save(tmp_path / name, verbose="ERROR")
    epochs = epochs_of(tmp_path / name)
    np.testing.assert_allclose(epochs.get_data(), toy_epochs().get_data()[..., :30], rtol=1e-6)
    assert epochs_log(epochs)["step"].tolist() == ["epochs"]


def epochs_set(path, events, n_written=None, **options):
    """Epochs of EEGLAB from -0.5 s, of the events in each: (time in s, type)."""
    data = 20 * np.random.default_rng(0).standard_normal((3, 100, len(events)))
    flat = [
        dict(type=kind, latency=100.0 * k + 51 + 100 * t, epoch=k + 1.0)
        for k, its in enumerate(events)
        for t, kind in its
    ]
    table = []
    for its in events:
        times, kinds = zip(*its, strict=True)
        one = len(its) == 1
        table.append(
            dict(
                event=1.0,
                eventtype=kinds[0] if one else np.array(kinds, object),
                eventlatency=1e3 * times[0] if one else np.array([1e3 * t for t in times], object),
            )
        )
    return write_set(path, data, SFREQ, events=flat[:n_written], epochs=table, tmin=-0.5, **options)


@pytest.mark.parametrize("fdt", [False, True])
def test_epochs_of_eeglab_are_named_by_the_event_at_zero(fdt, tmp_path):
    kinds = ["left", "right"] * 4
    events = [[(0.0, kind)] for kind in kinds]
    events[1] = [(-0.4, "left"), (0.0, "right")]  # the one before
    events[2] = [(0.0, "left"), (0.31, "button")]
    epochs = epochs_of(epochs_set(tmp_path / "a.set", events, fdt=fdt))
    names = {code: name for name, code in epochs.event_id.items()}
    assert [names[code] for code in epochs.events[:, 2]] == kinds
    assert epochs.times[0] == 0.0
    assert np.ptp(epochs.get_data()) > 1e-5


def test_epochs_of_eeglab_that_overlap_share_events(tmp_path):
    events = [[(0.0, "left"), (0.4, "right")], [(0.0, "right"), (0.4, "left")], [(0.0, "left")]]
    file = epochs_set(tmp_path / "a.set", events, n_written=3)  # MNE looks for five
    epochs = epochs_of(file)
    assert epochs.events[:, 2].tolist() == [1, 2, 1]
    (read,) = read_files([file])
    assert EpochsView(read).labels.tolist() == ["left", "right", "left"]


def test_epochs_of_eeglab_with_numbers_or_without_events(tmp_path):
    epochs = epochs_of(epochs_set(tmp_path / "a.set", [[(0.0, float(k % 2 + 1))] for k in range(6)]))
    assert epochs.event_id == {"1": 1, "2": 2}
    data = 20 * np.random.default_rng(0).standard_normal((3, 100, 6))
    write_set(tmp_path / "b.set", data)
    if mne.__version__ >= "1.13":  # earlier ones refuse them
        with pytest.warns(RuntimeWarning, match="b.set: .*no event information"):
            assert epochs_of(tmp_path / "b.set").event_id == {"unknown": 1}


def test_words_of_mne_are_kept_once_and_others_passed_on():
    def call():
        with heard() as said:
            for text in ("one\nthing.", "another", "one thing", "one thing"):
                mne.utils.warn(text)
            warnings.warn("old", DeprecationWarning, stacklevel=1)
        return said

    with pytest.warns(DeprecationWarning, match="old"):
        said = call()
    assert said == ["one thing (3 times)", "another"]


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


def test_annotations_in_latin_1_and_texts_with_blanks(tmp_path):
    file = edf(tmp_path / "a.edf", (3.5, 0, "für   "))
    old, new = ("für   \x14\0".encode(code) for code in ("utf8", "latin-1"))
    file.write_bytes(file.read_bytes().replace(old, new + b"\0"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(epochs_of(file, events=dict(a="T1", b="für"))) == 6


def test_a_date_that_can_not_be_saved_is_left_out(tmp_path):
    for recording in (
        edf(tmp_path / "a.edf", recording="Startdate 01-JAN-2180 X X X"),
        raw_of().set_meas_date(6e9),
    ):
        with pytest.warns(RuntimeWarning, match="its date, 21.*, is left out, as MNE saves"):
            epochs = epochs_of(recording)
        assert held(epochs) == len(ONSETS)
        epochs.save(tmp_path / "a-epo.fif", overwrite=True)


def test_the_door_for_hearts_tells_the_same(tmp_path):
    with pytest.warns(RuntimeWarning, match="a.edf: .*does not match the file size"):
        raw = read_recording(cut_off(edf(tmp_path / "a.edf", labels=("I", "II", "V1"))))
    assert set(raw.get_channel_types()) == {"ecg"}
    toy_epochs().save(tmp_path / "a-epo.fif")
    with pytest.raises(ValueError, match="holds epochs, and a continuous recording is needed"):
        read_recording(tmp_path / "a-epo.fif")


def test_a_bids_root_tells_what_its_reader_says(tmp_path):
    mne_bids = pytest.importorskip("mne_bids")
    starts = np.arange(LENGTH) + 3.0 * (np.arange(LENGTH) >= 10)
    for name, file, words in (
        ("unit", edf(tmp_path / "a.edf", units=["uV", "", "uV"]), "eeg.edf: .*takes for V: Cz in ''"),
        ("pauses", edf(tmp_path / "b.edf", starts=starts, kind="EDF+D"), "wrong times from 10 s"),
    ):
        where = mne_bids.BIDSPath(root=tmp_path / name, subject="01", task="x", datatype="eeg")
        mne_bids.write_raw_bids(mne.io.read_raw(file, verbose="ERROR"), where, verbose="ERROR")
        if name == "unit":
            with pytest.warns(RuntimeWarning, match=words) as told:
                epochs_of(tmp_path / name)
            assert len(told) == 1
        else:
            with pytest.raises(ValueError, match=words):
                epochs_of(tmp_path / name)
