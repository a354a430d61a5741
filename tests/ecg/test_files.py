"""The file that is named is what is read, and what can't be read is told what to do."""

import warnings

import mne
import numpy as np
import pytest
import wfdb
from made_up import write_edf
from scipy.io import savemat

from mne_cnnclass import ecg
from mne_cnnclass.ecg.errors import NoAnnotations
from mne_cnnclass.ecg.files import find_annotators, find_records, find_wfdb
from mne_cnnclass.ecg.recordings import read_extent, read_recording

ONSET = 1 + 0.8 * np.arange(20)


@pytest.fixture
def record(tmp_path):
    """A record of 18 s with a beat every 0.8 s, annotated by qrs; and other files of its name."""
    times = np.arange(18 * 128) / 128
    signal = np.clip(1 - np.abs(times[:, None] - ONSET) / 0.03, 0, None).sum(axis=1)
    signal += 0.01 * np.random.default_rng(0).standard_normal(len(signal))
    how = dict(p_signal=np.c_[signal, -signal], fmt=["16"] * 2, write_dir=str(tmp_path))
    wfdb.wrsamp("100", 128, ["mV"] * 2, ["MLII", "V1"], **how)
    wfdb.wrann("100", "qrs", np.rint(128 * ONSET).astype(int), ["N"] * 20, write_dir=str(tmp_path))
    for ending in ("edf", "csv", "fif", "xml", "edf.bak"):
        (tmp_path / f"100.{ending}").write_bytes(b"of another program" + bytes(1))
    return tmp_path / "100"


@pytest.mark.parametrize("ending", ["", ".hea", ".dat", ".qrs"])
def test_a_record_is_named_by_its_own_files(record, ending):
    assert find_wfdb(f"{record}{ending}") == record


@pytest.mark.parametrize("ending", [".edf", ".csv", ".fif", ".xml", ".atr", ".gone", ".edf.bak"])
def test_another_file_of_its_name_is_no_record(record, ending):
    assert find_wfdb(f"{record}{ending}") is None


def test_names_with_dots_come_first(record):
    dotted = record.with_name("100.hea.hea")
    dotted.write_bytes(record.with_suffix(".hea").read_bytes())
    assert find_wfdb(record.with_name("100.hea")) == record.with_name("100.hea")


def test_an_edf_beside_the_header_is_read_when_it_is_named(record):
    write_edf(record.with_suffix(".edf"), np.zeros((1, 1000)), labels=["II"])
    assert read_recording(record.with_suffix(".edf")).ch_names == ["II"]
    assert read_recording(record).ch_names == read_recording(f"{record}.dat").ch_names == ["MLII", "V1"]
    assert read_extent(record) == (18.0, 128.0)


@pytest.mark.parametrize("call", [ecg.read_raw_wfdb, lambda path: find_records([path]), ecg.make_beat_epochs])
def test_what_is_no_part_of_a_record_is_refused_as_such(record, call):
    with pytest.raises(ValueError, match=r"100\.csv is no part of a WFDB record.*header.*\.hea"):
        call(record.with_suffix(".csv"))


def test_a_file_of_another_format_is_to_be_read_first(record):
    with pytest.raises(ValueError, match=r"100\.edf is no part of a WFDB record.*mne\.io\.read_raw\(path\)"):
        ecg.make_beat_epochs([record.with_suffix(".edf")])
    record.with_suffix(".mat").write_bytes(bytes(20))
    with pytest.raises(ValueError, match=r"read_raw_cinc2017\(path\) for \.mat files .*RawArray\(data"):
        ecg.make_rhythm_epochs(record.with_suffix(".mat"))
    with pytest.raises(FileNotFoundError, match=r"No such record, file or folder: .*gone\.edf"):
        ecg.make_rhythm_epochs(record.with_name("gone.edf"))


def test_annotators_are_chosen_and_those_that_are_there_are_named(record):
    assert find_annotators(record) == ["qrs"]
    with pytest.raises(NoAnnotations, match=r'end with qrs, but no .*100\.atr\. Give annotator=.*"detected"'):
        ecg.make_beat_epochs(record)
    with pytest.raises(NoAnnotations, match=r"end with qrs, but no .*100\.atr\. Give annotator=.*None"):
        ecg.read_raw_wfdb(record)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (epochs,) = ecg.make_beat_epochs([record], annotator="qrs")
        found = ecg.make_beat_epochs(record, annotator="qrs", peaks="detected")
    np.testing.assert_allclose(epochs.metadata["onset"], ONSET, atol=1 / 128)
    assert list(found.event_id) == ["N"]
    assert list(ecg.make_beat_epochs(record, peaks="detected").event_id) == ["unknown"]


@pytest.mark.parametrize("ending", ["mat", "txt", "csv", "ecg", "xml", "dcm", "dat", "npy"])
def test_formats_that_can_not_be_read_are_told_what_can_and_how_to_make_a_raw(tmp_path, ending):
    file = tmp_path / f"heart.{ending}"
    if ending == "mat":
        savemat(file, {"val": np.zeros((1, 300), "int16")}, format="4")
    else:
        file.write_bytes(b"ISHNE1.0 1.5, 2.5\n" * 20)
    with pytest.raises(ValueError, match=r"Can't read .*heart\.") as error:
        read_recording(file)
    lines = [line.strip() for line in str(error.value).splitlines()[1:]]
    assert "WFDB records (.hea)" in str(error.value)
    data, names = dict(data=np.zeros((1, 2560)), ch_names=["II"], sfreq=128.0, mne=mne), {}
    code = "\n".join(lines).replace("heart_raw.fif", str(tmp_path / "heart_raw.fif"))
    exec(code, data, names)
    assert read_recording(tmp_path / "heart_raw.fif").ch_names == ["II"]


@pytest.mark.parametrize(
    "rows",
    ["A00001,N\n", "A00/A00001,N\n", "A00/A00001,N\r\nA00/A00002,A\r\n", "\ufeffA00001, N", "X/A00001,N"],
)
@pytest.mark.parametrize("place", ["", "training", "training/A00"])
def test_labels_of_cinc2017_are_found_as_the_tables_name_them(tmp_path, rows, place):
    folder = tmp_path / "training" / "A00"
    folder.mkdir(parents=True)
    savemat(folder / "A00001.mat", {"val": np.zeros((1, 300), "int16")}, format="4")
    (tmp_path / "REFERENCE-v3.csv").write_text("A00009,~\n")
    (tmp_path / place / "REFERENCE-v3.csv").write_text(rows, encoding="utf-8")
    assert ecg.read_raw_cinc2017(folder / "A00001").annotations.description.tolist() == ["N"]
    (tmp_path / place / "REFERENCE-v3.csv").write_text("A000011,N\nBA00001,N\n")
    with pytest.raises(ValueError, match=r"REFERENCE-v3\.csv should have one of .* for A00001, got None"):
        ecg.read_raw_cinc2017(folder / "A00001")
