"""ECGs of PhysioNet's formats become MNE's Raw without losing a bit, an annotation or the patient."""

import pickle
import shutil
import sys
from datetime import UTC, date, datetime, time

import mne
import numpy as np
import pytest
import wfdb
from scipy.io import savemat

from mne_cnnclass.ecg import patient_info, patient_of, read_ptbxl, read_raw_cinc2017, read_raw_wfdb


@pytest.fixture
def write_record(tmp_path):
    """Write a WFDB record of 10 s at 100 Hz whose k-th signal is a ramp of whole units, and say its path."""

    def write(
        name="rec", *, names=("MLII", "V1"), units=("mV", "mV"), gains=(200.0, 200.0), fmt="16", **header
    ):
        ramps = np.arange(1000)[:, None] % 500 - 100 * np.arange(len(names))
        wfdb.wrsamp(
            name,
            fs=100,
            units=list(units),
            sig_name=list(names),
            d_signal=ramps,
            fmt=[fmt] * len(names),
            adc_gain=list(gains),
            baseline=[0] * len(names),
            write_dir=str(tmp_path),
            **header,
        )
        return tmp_path / name

    return write


def annotate(record, samples, symbols, notes=None, **fields):
    wfdb.wrann(
        record.name, "atr", np.array(samples), symbols, aux_note=notes, write_dir=str(record.parent), **fields
    )


@pytest.mark.parametrize("name", ["101", "114"])
def test_mitdb_is_what_wfdb_reads(data_path, name):
    raw = read_raw_wfdb(data_path / "mitdb" / name)
    truth = wfdb.rdrecord(str(data_path / "mitdb" / name))
    np.testing.assert_array_equal(raw.get_data(), 1e-3 * truth.p_signal.T)
    assert raw.ch_names == {"101": ["MLII", "V1"], "114": ["V5", "MLII"]}[name]
    assert raw.get_channel_types() == ["ecg", "ecg"]
    assert raw.info["sfreq"] == 360
    assert raw.info["line_freq"] is None
    assert raw.info["meas_date"] is None


def test_mitdb_annotations_are_those_of_wfdb_at_their_samples(data_path):
    raw = read_raw_wfdb(data_path / "mitdb" / "114.hea")
    truth = wfdb.rdann(str(data_path / "mitdb" / "114"), "atr")
    beats = raw.annotations[raw.annotations.duration == 0]
    points = np.array(truth.symbol) != "+"
    assert beats.description.tolist() == np.array(truth.symbol)[points].tolist()
    np.testing.assert_array_equal(raw.time_as_index(beats.onset, use_rounding=True), truth.sample[points])
    # 114 has one run of supraventricular tachyarrhythmia between two spans of sinus rhythm
    rhythm = raw.annotations[raw.annotations.duration > 0]
    assert rhythm.description.tolist() == ["(N", "(SVTA", "(N"]
    np.testing.assert_allclose(rhythm.onset[1:], (rhythm.onset + rhythm.duration)[:-1])
    assert rhythm.onset[-1] + rhythm.duration[-1] == pytest.approx(650000 / 360)
    events, event_id = mne.events_from_annotations(raw, verbose="ERROR")
    assert (events[:, 2] == event_id["V"]).sum() == 43


def test_mitdb_tells_who_was_recorded(data_path):
    assert patient_info(read_raw_wfdb(data_path / "mitdb" / "201")) == dict(
        record="201", patient="201", age=68.0, sex="M"
    )
    assert patient_of("202", sfreq=360.0, n_times=650000) == "201"
    assert patient_of("202", sfreq=128.0, n_times=650000) == "202"  # ltafdb has a 202 too


def test_ptbxl_is_what_wfdb_reads_and_has_its_labels(data_path):
    table = read_ptbxl(data_path / "ptbxl")
    assert len(table) == 500
    first = table.loc[1]
    raw = read_raw_wfdb(first.record, annotator=None, patient=first.patient, age=first.age, sex=first.sex)
    np.testing.assert_array_equal(raw.get_data(), 1e-3 * wfdb.rdrecord(str(first.record)).p_signal.T)
    assert raw.ch_names[:4] == ["I", "II", "III", "AVR"]
    assert set(raw.get_channel_types()) == {"ecg"}
    # its line in ptbxl_database.csv: patient 15709, 56 years, sex 1, NORM 100, fold 3
    assert patient_info(raw) == dict(record="00001_lr", patient="15709", age=56.0, sex="F")
    assert (first.superclass, first.NORM, first.MI, first.strat_fold) == ("NORM", True, False, 3)
    classes = table[["NORM", "MI", "STTC", "CD", "HYP"]]
    single = table.superclass.notna()
    assert (classes.sum(axis=1) == 1).equals(single)
    assert (classes.idxmax(axis=1)[single] == table.superclass[single]).all()
    assert table.groupby("patient").strat_fold.nunique().max() == 1


def test_ptbxl_takes_diagnoses_that_are_likely_and_records_that_are_here(tmp_path):
    (tmp_path / "scp_statements.csv").write_text(
        ",diagnostic,diagnostic_class\nNORM,1.0,NORM\nIMI,1.0,MI\nASMI,1.0,MI\nLVH,1.0,HYP\nSR,,\n"
    )
    rows = [
        (1, 11.0, 40.0, 0, "{'NORM': 100.0, 'SR': 0.0}"),
        (2, 12.0, 300.0, 1, "{'IMI': 35.0, 'ASMI': 100.0, 'LVH': 0.0}"),  # HYP is only named
        (3, 12.0, "", 1, "{'IMI': 100.0, 'LVH': 50.0}"),
        (4, 13.0, 50.0, 0, "{'SR': 0.0}"),
        (5, 14.0, 50.0, 0, "{'NORM': 100.0}"),  # its signal is not here
    ]
    lines = [f'{i},{p},{a},{s},"{c}",{i},r/{i}_lr,r/{i}_hr' for i, p, a, s, c in rows]
    (tmp_path / "ptbxl_database.csv").write_text(
        "ecg_id,patient_id,age,sex,scp_codes,strat_fold,filename_lr,filename_hr\n" + "\n".join(lines)
    )
    with pytest.raises(FileNotFoundError, match="No record of ptbxl_database.csv at 100 Hz"):
        read_ptbxl(tmp_path)
    (tmp_path / "r").mkdir()
    for i in range(1, 5):
        (tmp_path / "r" / f"{i}_lr.hea").touch()
    table = read_ptbxl(tmp_path)
    assert table.index.tolist() == [1, 2, 3, 4]
    assert table.superclass.fillna("none").tolist() == ["NORM", "MI", "none", "none"]
    assert table.loc[3, ["NORM", "MI", "STTC", "CD", "HYP"]].tolist() == [False, True, False, False, True]
    assert table.patient.tolist() == ["11", "12", "12", "13"]
    np.testing.assert_array_equal(table.age, [40, 90, np.nan, 50])
    assert table.sex.tolist() == ["M", "F", "F", "M"]
    with pytest.raises(ValueError, match="sfreq must be 100 or 500"):
        read_ptbxl(tmp_path, sfreq=250)
    (tmp_path / "scp_statements.csv").write_text(",diagnostic,diagnostic_class\nIMI,1.0,MI\nSR,,\n")
    with pytest.warns(RuntimeWarning, match=r"lacks codes of the records, .*: LVH 2, NORM 1, ASMI 1\."):
        assert read_ptbxl(tmp_path).superclass.fillna("none").tolist() == ["none", "MI", "MI", "none"]


@pytest.mark.parametrize("fmt", ["16", "24", "32", "212"])
def test_units_and_gains_become_volts(write_record, fmt):
    record = write_record(
        names=("I", "II", "III", "V1"), units=("mV", "uV", "V", "nV"), gains=(200.0, 1.5, 4e4, 0.1), fmt=fmt
    )
    with pytest.warns(RuntimeWarning, match="units of its leads differ, and so do their sizes"):
        data = read_raw_wfdb(record, annotator=None).get_data()
    ramp = np.arange(1000) % 500
    expected = [
        ramp / 200 * 1e-3,
        (ramp - 100) / 1.5 * 1e-6,
        (ramp - 200) / 4e4,
        (ramp - 300) / 0.1 * 1e-9,
    ]
    np.testing.assert_allclose(data, expected, rtol=1e-12)


def test_a_folder_is_no_record(write_record, tmp_path):
    record = write_record("r1")
    with pytest.raises(IsADirectoryError, match=r"is a folder. Give a record in it, .* such as .*r1\."):
        read_raw_wfdb(record.parent)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no file there ends with .hea"):
        read_raw_wfdb(tmp_path / "empty")


def test_every_ending_names_the_record(write_record):
    record = write_record("rec")
    annotate(record, [10], ["N"])
    for ending in ("", ".hea", ".dat", ".atr"):
        assert patient_info(read_raw_wfdb(f"{record}{ending}"))["record"] == "rec"


def test_signals_that_are_no_leads_have_their_type(write_record):
    names = ("V5", "EEG (C4-A1)", "C3-M2", "E1-M2", "EMG chin", "RESP", "PLETH", "ABP", "ECG 2", "RESP N")
    units = ("mV",) * 7 + ("mmHg", "mV", "NU")
    raw = read_raw_wfdb(write_record(names=names, units=units, gains=(100.0,) * 10), annotator=None)
    assert raw.ch_names == list(names)
    kinds = ["ecg", "eeg", "eeg", "eog", "emg", "resp", "bio", "misc", "ecg", "misc"]
    assert raw.get_channel_types() == kinds
    np.testing.assert_allclose(raw.get_data("ABP")[0], (np.arange(1000) % 500 - 700) / 100)  # still mmHg


def test_a_lead_that_is_no_voltage_is_refused(write_record):
    with pytest.raises(ValueError, match=r"Lead V1 of .*rec is in 'bananas'.*V, mV, uV and nV"):
        read_raw_wfdb(write_record(units=("mV", "bananas")), annotator=None)


def test_a_gain_that_is_not_given_is_told_of(write_record):
    record = write_record()
    header = record.with_suffix(".hea")
    header.write_text(header.read_text().replace("200.0(0)/mV", "0"))
    with pytest.warns(RuntimeWarning, match="gives no gain.*200 units per mV"):
        raw = read_raw_wfdb(record, annotator=None)
    assert raw.get_data()[0, 200] == pytest.approx(1e-3)


def test_leads_of_one_name_are_numbered(write_record):
    record = write_record(names=("ECG", "other"))
    header = record.with_suffix(".hea")
    header.write_text(header.read_text().replace("other", "ECG"))
    with pytest.warns(RuntimeWarning, match="not unique"):
        raw = read_raw_wfdb(record, annotator=None)
    assert raw.ch_names == ["ECG-0", "ECG-1"]


def test_annotations_of_every_kind(write_record):
    record = write_record()
    annotate(
        record,
        [0, 10, 100, 150, 300, 420, 700],
        ["+", "N", "V", "~", "+", '"', "+"],
        ["(N", "", "", "", "(AFIB", "TS", "(N"],
        subtype=np.array([0, 0, 0, 1, 0, 0, 0]),
    )
    annotations = read_raw_wfdb(record).annotations
    found = list(zip(annotations.onset, annotations.duration, annotations.description, strict=True))
    assert found == [
        (0.0, 3.0, "(N"),
        (0.1, 0.0, "N"),
        (1.0, 0.0, "V"),
        (1.5, 0.0, "~"),
        (3.0, 4.0, "(AFIB"),
        (4.2, 0.0, '"'),
        (7.0, 3.0, "(N"),
    ]
    assert annotations.extras[3] == {"subtype": 1}
    assert annotations.extras[5] == {"aux_note": "TS"}


def test_a_part_of_a_record_is_read_with_what_annotates_it(write_record):
    record = write_record(base_date=date(2020, 1, 1), base_time=time(12, 0, 0))
    annotate(
        record,
        [0, 299, 300, 450, 700, 800],
        ["+", "N", "V", "+", "V", "+"],
        ["(N", "", "", "(AFIB", "", "(N"],
    )
    whole, part = read_raw_wfdb(record), read_raw_wfdb(record, start=3.0, stop=7.0)
    np.testing.assert_array_equal(part.get_data(), whole.get_data(tmin=3.0, tmax=7.0))
    assert part.info["meas_date"] == datetime(2020, 1, 1, 12, 0, 3, tzinfo=UTC)
    notes = part.annotations
    assert list(zip(notes.onset, notes.duration, notes.description, strict=True)) == [
        (0.0, 0.0, "V"),
        (0.0, 1.5, "(N"),
        (1.5, 2.5, "(AFIB"),
    ]
    np.testing.assert_array_equal(read_raw_wfdb(record, start=9.0).get_data(), whole.get_data(tmin=9.0))
    for start, stop in ((-1.0, None), (5.0, 5.0), (0.0, 10.5), (11.0, None), (np.nan, None)):
        with pytest.raises(ValueError, match="start and stop must be a part of .* 10 s"):
            read_raw_wfdb(record, start=start, stop=stop)


def test_a_sampling_frequency_of_zero_is_refused(write_record):
    record = write_record()
    header = record.with_suffix(".hea")
    header.write_text(header.read_text().replace(" 100 ", " 0 ", 1))
    with pytest.raises(ValueError, match="a sampling frequency of 0"):
        read_raw_wfdb(record)


def test_annotations_with_a_rate_of_their_own_keep_their_time(write_record):
    record = write_record()
    annotate(record, [1000, 2000], ["N", "V"], fs=1000)
    assert read_raw_wfdb(record).annotations.onset.tolist() == [1.0, 2.0]


def test_annotations_past_the_end_are_told_of_and_left_out(write_record):
    record = write_record()
    annotate(record, [100, 800, 999, 1000, 4000], ["N", "+", "V", "N", "+"], ["", "(AFIB", "", "", "(N"])
    with pytest.warns(RuntimeWarning, match=r"2 annotations of .*rec\.atr lie past the end .*\(10 s\).*40 s"):
        annotations = read_raw_wfdb(record).annotations
    assert annotations.description.tolist() == ["N", "(AFIB", "V"]
    assert annotations.duration.tolist() == [0, 2, 0]


def test_date_and_patient_outlive_pickling_saving_and_epochs(write_record, tmp_path):
    record = write_record(
        base_date=date(2001, 2, 3), base_time=time(4, 5, 6), comments=["Age: 61 Sex: F", "Digoxin"]
    )
    annotate(record, [300, 600], ["N", "N"])
    raw = read_raw_wfdb(record)
    assert raw.info["meas_date"] == datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert "Digoxin" in raw.info["description"]
    events, _ = mne.events_from_annotations(raw, verbose="ERROR")
    assert events[:, 0].tolist() == [300, 600]
    raw.save(tmp_path / "rec_raw.fif", verbose="ERROR")
    epochs = mne.Epochs(raw, events, tmin=-0.2, tmax=0.5, baseline=None, preload=True, verbose="ERROR")
    expected = dict(record="rec", patient="rec", age=61.0, sex="F")
    saved = mne.io.read_raw_fif(tmp_path / "rec_raw.fif", verbose="ERROR")
    for other in (raw, pickle.loads(pickle.dumps(raw)), epochs, saved, raw.copy().resample(50)):
        assert patient_info(other) == expected


@pytest.mark.parametrize(
    ("comments", "age", "sex"),
    [
        (["69 M 1085 1629 x1", "Aldomet, Inderal"], 69, "M"),  # mitdb
        (["Age: 56", "Sex: Female"], 56, "F"),  # Challenge 2020
        (["<age>: 65  <sex>: F  <diagnoses> Coronary artery disease"], 65, "F"),  # incartdb
        (["age: 81", "sex: female"], 81, "F"),  # ptbdb
        (["Age: NaN", "Sex: NaN"], np.nan, None),
        (["Dosage: 12 mg"], np.nan, None),
        ([], np.nan, None),
    ],
)
def test_age_and_sex_as_databases_write_them(write_record, comments, age, sex):
    info = patient_info(read_raw_wfdb(write_record(comments=comments), annotator=None))
    np.testing.assert_equal((info["age"], info["sex"]), (age, sex))


def test_patient_age_and_sex_can_be_given(write_record):
    record = write_record(comments=["Age: 56 Sex: F"])
    raw = read_raw_wfdb(record, annotator=None, patient="p7", age=57, sex="M")
    assert patient_info(raw) == dict(record="rec", patient="p7", age=57.0, sex="M")
    with pytest.raises(ValueError, match="sex must be"):
        read_raw_wfdb(record, annotator=None, sex="female")


def test_patient_info_of_another_format_uses_the_birthday():
    raw = mne.io.RawArray(np.zeros((1, 10)), mne.create_info(["ECG"], 100.0, "ecg"), verbose="ERROR")
    assert patient_info(raw)["patient"] is None
    raw.info["subject_info"] = dict(his_id="x7", sex=1, birthday=date(1950, 6, 1))
    raw.set_meas_date(datetime(2000, 5, 31, tzinfo=UTC))
    assert patient_info(raw) == dict(record=None, patient="x7", age=49.0, sex="M")


def test_signals_of_several_rates_are_held_at_the_highest(tmp_path):
    fast, slow = np.arange(4000) % 300, np.arange(1000) % 200
    record = wfdb.Record(
        record_name="multi",
        n_sig=2,
        fs=100,
        sig_len=1000,
        file_name=["multi.dat"] * 2,
        fmt=["16"] * 2,
        samps_per_frame=[4, 1],
        skew=[None] * 2,
        byte_offset=[None] * 2,
        adc_gain=[200.0, 200.0],
        baseline=[0, 0],
        units=["mV", "mV"],
        adc_res=[16, 16],
        adc_zero=[0, 0],
        init_value=[0, 0],
        checksum=[int(fast.sum() % 65536), int(slow.sum() % 65536)],
        block_size=[0, 0],
        sig_name=["II", "RESP"],
        comments=[],
    )
    record.e_d_signal = [fast, slow]
    record.wrsamp(expanded=True, write_dir=str(tmp_path))
    annotate(tmp_path / "multi", [500], ["N"])  # at the rate of the frames
    raw = read_raw_wfdb(tmp_path / "multi")
    assert (raw.info["sfreq"], raw.n_times) == (400.0, 4000)
    np.testing.assert_allclose(raw.get_data()[0], fast / 200 * 1e-3)
    np.testing.assert_allclose(raw.get_data()[1], np.repeat(slow, 4) / 200 * 1e-3)
    assert raw.annotations.onset.tolist() == [5.0]
    (tmp_path / "parts.hea").write_text("parts/2 2 100 2000\nmulti 1000\nmulti 1000\n")
    with pytest.raises(ValueError, match="several segments and signals with several samples a frame"):
        read_raw_wfdb(tmp_path / "parts", annotator=None)


def test_segments_are_put_together_and_gaps_are_skips(write_record):
    one = read_raw_wfdb(write_record("one"), annotator=None).get_data()
    parts = write_record("two", gains=(100.0, 100.0)).with_name("parts")
    two = read_raw_wfdb(parts.with_name("two"), annotator=None).get_data()
    parts.with_name("layout.hea").write_text(
        "layout 2 100 0\n~ 0 200/mV 16 0 0 0 0 MLII\n~ 0 200/mV 16 0 0 0 0 V1\n"
    )
    parts.with_suffix(".hea").write_text(
        "parts/4 2 100 2500\nlayout 0\none 1000\n~ 500\ntwo 1000\n# Age: 33\n"
    )
    with pytest.warns(RuntimeWarning, match="invalid.*MLII 5 s, V1 5 s"):
        raw = read_raw_wfdb(parts, annotator=None)
    np.testing.assert_allclose(raw.get_data(), np.hstack([one, np.full((2, 500), np.nan), two]), rtol=1e-12)
    assert patient_info(raw)["age"] == 33
    assert list(zip(raw.annotations.onset, raw.annotations.duration, strict=True)) == [(10.0, 5.0)]
    filtered = raw.filter(5.0, None, picks="ecg", verbose="ERROR")
    assert np.isfinite(filtered.get_data()[:, np.r_[0:1000, 1500:2500]]).all()


def test_gap_that_wfdb_can_not_read_is_refused(write_record):
    parts = write_record("one").with_name("parts")
    parts.with_suffix(".hea").write_text("parts/3 2 100 2500\none 1000\n~ 500\none 1000\n")
    with pytest.raises(ValueError, match="gap between segments of a fixed layout.*one, one"):
        read_raw_wfdb(parts, annotator=None)


def test_invalid_samples_are_nan_and_skipped(write_record):
    record = write_record()
    samples = np.fromfile(record.with_suffix(".dat"), "<i2").reshape(-1, 2)
    samples[200:250, 1] = -32768  # WFDB's mark in format 16
    samples.tofile(record.with_suffix(".dat"))
    with pytest.warns(RuntimeWarning, match=r"marked as invalid \(V1 0.5 s\)"):
        raw = read_raw_wfdb(record, annotator=None)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(raw.get_data()[1])), np.arange(200, 250))
    assert np.isfinite(raw.get_data()[0]).all()
    assert raw.annotations.description.tolist() == ["BAD_ACQ_SKIP"]
    assert (raw.annotations.onset[0], raw.annotations.duration[0]) == (2.0, 0.5)
    events = np.array([[100, 0, 1], [220, 0, 1]])
    epochs = mne.Epochs(raw, events, tmin=0, tmax=0.1, baseline=None, preload=True, verbose="ERROR")
    assert len(epochs) == 1
    samples[:, 1] = -32768
    samples.tofile(record.with_suffix(".dat"))
    with pytest.warns(RuntimeWarning, match=r"V1 10 s"):
        raw = read_raw_wfdb(record, annotator=None)
    assert raw.info["bads"] == ["V1"]
    assert len(raw.annotations) == 0


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        (".hea", r"No such file: .*rec\.hea"),
        (".dat", r"No such file: .*rec\.dat: .*rec\.hea says"),
        (".atr", r"No annotations: .*rec\.atr\. Give annotator="),
    ],
)
def test_missing_files_are_named(write_record, ending, message):
    record = write_record()
    annotate(record, [10], ["N"])
    record.with_suffix(ending).unlink()
    with pytest.raises(FileNotFoundError, match=message):
        read_raw_wfdb(record)


@pytest.mark.parametrize("fmt", ["16", "24", "212"])
@pytest.mark.parametrize("n_lost", [1, 700])
def test_signal_that_is_cut_off_is_told_of(write_record, fmt, n_lost):
    record = write_record(names=("MLII",), units=("mV",), gains=(200.0,), fmt=fmt)
    file = record.with_suffix(".dat")
    file.write_bytes(file.read_bytes()[:-n_lost])
    with pytest.raises(
        ValueError, match=r"rec\.dat can't be read as rec\.hea describes it.*cut off or damaged"
    ):
        read_raw_wfdb(record, annotator=None)


@pytest.mark.parametrize("stop", [0, 1, -1, -2, -5])
def test_annotations_that_are_cut_off_are_told_of(write_record, stop):
    record = write_record()
    annotate(record, [10, 200, 500, 700], ["N", "+", "V", "N"], ["", "(AFIB", "", ""])
    file = record.with_suffix(".atr")
    file.write_bytes(file.read_bytes()[:stop])
    with pytest.raises(ValueError, match=r"rec\.atr is cut off"):
        read_raw_wfdb(record)


@pytest.mark.parametrize("text", ["", "garbage", "rec 2 100 1000\n", "rec 0 100 1000\n"])
def test_damaged_header_is_told_of(write_record, text):
    record = write_record()
    record.with_suffix(".hea").write_text(text)
    with pytest.raises(ValueError, match=r"rec\.hea"):
        read_raw_wfdb(record, annotator=None)


def test_without_wfdb_it_is_said_what_to_install(monkeypatch, write_record):
    record = write_record()
    monkeypatch.setitem(sys.modules, "wfdb", None)
    with pytest.raises(ImportError, match=r'pip install "mne-cnnclass\[ecg\]"'):
        read_raw_wfdb(record)


def test_cinc2017_is_in_volt_with_its_label(data_path, tmp_path):
    raw = read_raw_cinc2017(data_path / "cinc2017" / "A00001.mat")
    from scipy.io import loadmat

    values = loadmat(data_path / "cinc2017" / "A00001.mat")["val"]
    np.testing.assert_array_equal(raw.get_data(), 1e-6 * values)
    assert (raw.ch_names, raw.info["sfreq"]) == (["ECG"], 300)
    assert raw.annotations.description.tolist() == ["N"]
    assert (raw.annotations.onset[0], raw.annotations.duration[0]) == (0, raw.n_times / 300)
    assert patient_info(raw)["patient"] == "A00001"
    shutil.copy(data_path / "cinc2017" / "A00001.mat", tmp_path)
    assert len(read_raw_cinc2017(tmp_path / "A00001").annotations) == 0


def test_cinc2017_labels_of_version_3_come_first_and_gaps_are_told_of(tmp_path):
    folder = tmp_path / "training" / "A00"
    folder.mkdir(parents=True)
    for name in ("A00001", "A00002"):
        savemat(folder / f"{name}.mat", dict(val=np.zeros((1, 300), "int16")), format="4")
    (folder / "REFERENCE.csv").write_text("A00001,N\nA00002,N\n")
    (tmp_path / "REFERENCE-v3.csv").write_text("A00001,~\r\nA00002,X\r\n")
    assert read_raw_cinc2017(folder / "A00001.mat").annotations.description.tolist() == ["~"]
    with pytest.raises(ValueError, match=r"REFERENCE-v3\.csv should have one of .* for A00002, got 'X'"):
        read_raw_cinc2017(folder / "A00002.mat")


@pytest.mark.parametrize("content", [b"", b"no MATLAB file", None])
def test_cinc2017_damaged_file_is_told_of(tmp_path, content):
    file = tmp_path / "A00001.mat"
    savemat(file, dict(val=np.zeros((1, 300), "int16")), format="4")
    file.write_bytes(file.read_bytes()[:200] if content is None else content)
    with pytest.raises(ValueError, match=r"A00001\.mat is cut off or damaged"):
        read_raw_cinc2017(file)
    savemat(file, dict(val=np.zeros((2, 300), "int16")), format="4")
    with pytest.raises(ValueError, match=r"one lead.*\(2, 300\)"):
        read_raw_cinc2017(file)
