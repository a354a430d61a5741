"""What a reader knows to be broken in a file reaches its user, in one line."""

import contextlib
import re
import warnings

import mne
import numpy as np
import pytest
from small import LENGTH, ONSETS, SFREQ, brainvision, cut_off, edf, eeglab, epochs_of, held, raw_of

from mne_cnnclass.files.reading import read_file
from mne_cnnclass.preprocessing import epochs_log
from mne_cnnclass.utils.quiet import heard


def with_positions(path):
    """A BrainVision file whose header has positions of electrodes, as Recorder writes them."""
    brainvision(path)
    head, comment, rest = path.read_text("utf8").partition("[Comment]")
    positions = "\n[Coordinates]\nCh1=1,-45,0\nCh2=1,0,0\nCh3=1,45,0\n"
    path.write_text(head + positions + comment + rest, "utf8")
    return path


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
    "BrainVision, positions": lambda f: with_positions(f / "a.vhdr"),
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
    assert epochs_log(epochs)["step"].tolist() == ["subject", "epochs"]


def test_an_annotation_that_lasts_longer_than_the_file_is_only_noted(tmp_path):
    epochs = epochs_of(edf(tmp_path / "a.edf", (15.0, 30, "stage")), events=dict(a="T1", b="T2"))
    assert held(epochs) == len(ONSETS)
    assert epochs_log(epochs).set_index("step")["done"]["reading"].startswith("Limited 1 annotation")


def test_good_recordings_are_read_without_a_word(data_path):
    files = [data_path / "eegmmidb/S001/S001R04.edf", data_path / "eegmat/Subject00_1.edf"]
    files += sorted((data_path / "ssvep_exo").glob("**/*raw.fif"))[:1]
    for file in files:
        assert read_file(file)[1:3] == ([], [])


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
def test_one_channel_in_another_unit_is_told_of(factor):
    raw = raw_of()
    raw._data[2] *= factor
    with pytest.warns(RuntimeWarning, match=r"is far from that of the others \(.*: C4 .* V\. They") as told:
        epochs_of(raw)
    assert len(told) == 1
    epochs_of(raw, picks=["C3", "Cz"])


def headless(path):
    path.with_suffix(".vmrk").unlink()
    return path


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
    "markers past the end": (
        lambda f: brainvision(f / "a.vhdr", ("Stimulus", "S  1", 9999, 1)),
        "Omitted 1 annot",
    ),
    "fewer samples": (lambda f: brainvision(f / "a.vhdr", points=2500), "promises 2500 samples.* has 2000"),
    "EEG without voltage": (lambda f: brainvision(f / "a.vhdr", units=["µV", "n/a", "µV"]), "misc.*: Cz"),
    "no gain": (lambda f: brainvision(f / "a.vhdr", gain=""), "no resolution is given for C3, Cz, C4.* 1"),
    "NaN": (lambda f: eeglab(f / "a.set", dict(type="T1", latency=np.nan)), "onset that is NaN"),
    "events past the end": (
        lambda f: eeglab(f / "a.set", dict(type="T1", latency=9999.0)),
        "Omitted 1 annotation",
    ),
}


if mne.__version__ >= "1.13":  # earlier ones refuse the file
    TOLD["no markers"] = (lambda f: headless(brainvision(f / "a.vhdr")), "MarkerFile 'a.vmrk' not found")


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
