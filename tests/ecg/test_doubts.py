"""What the files of a record leave open, or say of each other that is not so, is said once, with its name."""

import re
import warnings
from datetime import UTC, date, datetime, time

import mne
import numpy as np
import pytest
import wfdb
from hearts import made_up
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mne_cnnclass import ecg
from mne_cnnclass.ecg.patients import read_age
from mne_cnnclass.preprocessing import epochs_log

RAMP = np.arange(1000)[:, None] % 500 - [0, 100]


@pytest.fixture
def record(tmp_path):
    return write(tmp_path)


def write(folder, name="rec", units=("mV", "mV"), gains=(200.0, 200.0), **header):
    """A record of 10 s at 100 Hz."""
    how = dict(d_signal=RAMP, fmt=["16"] * 2, adc_gain=list(gains), baseline=[0, 0], **header)
    wfdb.wrsamp(name, 100, list(units), ["MLII", "V1"], write_dir=str(folder), **how)
    return folder / name


def edit(record, change, encoding="utf-8"):
    """Change the text of a header."""
    header = record.with_suffix(".hea")
    header.write_bytes(change(header.read_text()).encode(encoding))
    return record


def read(record):
    """The record, and the only line that is said of it, or None."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        raw = ecg.read_raw_wfdb(record, annotator=None)
    assert len(said) < 2
    assert all(str(record) in str(line.message) for line in said)
    return raw, str(said[0].message) if said else None


def test_good_records_say_nothing(data_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ecg.read_raw_wfdb(data_path / "mitdb" / "208")
        ecg.read_raw_wfdb(data_path / "ludb" / "data" / "1", annotator="ii")
        ecg.read_raw_wfdb(ecg.read_ptbxl(data_path / "ptbxl")["record"].iloc[7], annotator=None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r" 2 100 1000", " 2", "no sampling frequency, and 250 Hz are assumed"),
        (r" 100 1000", " nan 1000", "no sampling frequency, and 250 Hz are assumed"),
        (r" 100 1000", " -100 1000", "no sampling frequency, and 250 Hz are assumed"),
        (r"200\.0\(0\)/mV", "0", "no gain for some signals.*200 units per mV"),
        (r"200\.0\(0\)/mV", "/mV", "no gain for some signals.*200 units per mV"),
        (r"200\.0\(0\)/mV", "0.0/mV", "no gain for some signals.*200 units per mV"),
        (r"(\.dat 16) .*", r"\1", "no gain for some signals"),
        (r"200\.0\(0\)/mV", "-200/mV", None),
        (r"200\.0\(0\)/mV", "2e2", None),
        (r"200\.0\(0\)/mV", "200", None),  # mV is what WFDB takes then, and most databases leave it out
        (r"(.dat 16 \S+ 16 0 \S+) \S+ 0 V1", r"\1 12345 0 V1", "checksums of V1 do not agree"),
        (r"(.dat 16 \S+ 16 0 \S+) \S+ ", r"\1 0 ", None),  # never computed
        (r" 0 V1", " 0 MLII", r"not unique \(MLII\): they are numbered"),
        (r" 1000\n", " 500\n", "rec.dat holds 10 s, and the header describes the first 5 s"),
        (r"2 (100 1000\n.*\n)(.*\n)+", r"1 \1", "rec.dat holds 20 s"),
        (r"\n", "\r\n", None),
        (r" ", "\t", None),
    ],
)
def test_headers_that_leave_something_out_or_do_not_fit(record, old, new, message):
    _, said = read(edit(record, lambda text: re.sub(old, new, text)))
    assert (said is None) if message is None else re.search(message, said)


def test_all_doubts_of_a_record_are_one_line(record):
    edit(record, lambda text: text.replace(" 100 1000", "").replace("V1", "MLII") + "# Age: 40-49\n")
    raw, said = read(record)
    assert raw.info["sfreq"] == 250
    assert [part in said for part in ("250 Hz", "not unique", "'40-49'")] == [True] * 3


def test_doubts_are_in_the_log_of_the_epochs(tmp_path):
    raw = made_up(1 + 0.8 * np.arange(30), ["N"] * 30, sfreq=128.0)
    how = dict(p_signal=1e3 * raw.get_data().T, fmt=["16"] * 2, write_dir=str(tmp_path))
    wfdb.wrsamp("rec", 128, ["mV"] * 2, raw.ch_names, comments=["Age: 40-49"], **how)
    wfdb.wrann("rec", "atr", (128 + 205 * np.arange(15)), ["N"] * 15, write_dir=str(tmp_path))
    with pytest.warns(RuntimeWarning, match="'40-49'|others in the signal"):
        epochs = ecg.make_beat_epochs([tmp_path / "rec"])
    log = epochs_log(epochs).set_index("step")["done"]
    assert "'40-49' is no single age" in log["file"]
    assert "there are others in the signal" in log["beats"]


def test_changed_bytes_are_told_of_in_whole_records_only(record):
    file = record.with_suffix(".dat")
    content = bytearray(file.read_bytes())
    content[40] ^= 4
    file.write_bytes(content)
    assert "checksums of MLII do not agree" in read(record)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ecg.read_raw_wfdb(record, annotator=None, stop=5.0)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("unit", ["µV", "uV", "microvolts", "UV"])
def test_microvolts_are_microvolts_however_they_are_written(tmp_path, unit, encoding):
    record = edit(write(tmp_path), lambda text: text.replace("/mV", f"/{unit}"), encoding)
    raw, said = read(record)
    np.testing.assert_allclose(raw.get_data(), 1e-6 * RAMP.T / 200)
    assert said is None


def test_units_of_segments_that_wfdb_takes_for_others_are_refused(record):
    edit(record, lambda text: text.replace("/mV", "/µV"))
    edit(write(record.parent, "other"), lambda text: text.replace("/mV", "/µV"))
    record.with_name("parts.hea").write_text("parts/2 2 100 2000\nrec 1000\nother 1000\n")
    with pytest.raises(ValueError, match=r"rec\.hea has units that wfdb does not read.*write uV"):
        ecg.read_raw_wfdb(record.with_name("parts"), annotator=None)


@pytest.mark.parametrize(
    ("old", "new"),
    [("/mV", "/uV"), (" 100 ", " 50 "), ("MLII", "MLIII"), (r"(.*)MLII\n(.*)V1", r"\1V1\n\2MLII")],
)
def test_segments_that_differ_are_refused(record, old, new):
    edit(write(record.parent, "other"), lambda text: re.sub(old, new, text))
    parts = record.with_name("parts")
    parts.with_suffix(".hea").write_text("parts/2 2 100 2000\nrec 1000\nother 1000\n")
    with pytest.raises(ValueError, match=r"parts\.hea: the segment other has other signals, units or"):
        ecg.read_raw_wfdb(parts, annotator=None)


@pytest.mark.parametrize(("gain", "is_right"), [(0.2, True), (200.0, False)])
def test_units_that_differ_are_told_of_if_the_sizes_do_so_too(tmp_path, gain, is_right):
    raw, said = read(write(tmp_path, units=("mV", "uV"), gains=(200.0, gain)))
    np.testing.assert_allclose(raw.get_data()[1], 1e-6 * RAMP[:, 1] / gain)
    assert (said is None) if is_right else "V1 in uV spans 0.0024 mV" in said


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(day=st.dates(min_value=date(1000, 1, 1)))
def test_every_date_can_be_saved_or_is_left_out_with_a_note(tmp_path, day):
    raw, said = read(write(tmp_path, base_date=day, base_time=time(8, 44)))
    raw.resample(50).save(tmp_path / "a_raw.fif", overwrite=True, verbose="ERROR")
    kept = mne.io.read_raw_fif(tmp_path / "a_raw.fif", verbose="ERROR").info
    if 1902 <= day.year <= 2037:
        assert (kept["meas_date"].date(), said) == (day, None)
    else:
        assert kept["meas_date"] is None
        assert f"its date, {day}, is left out" in said
        assert f"Date: {day} 08:44:00" in kept["description"]


@pytest.mark.parametrize("day", ["00/00/0000", "31/02/2001", "07/23/2018", "23/07/80"])
def test_a_date_that_is_none_is_refused_with_how_it_is_written(record, day):
    edit(record, lambda text: text.replace("100 1000", f"100 1000 08:44:00 {day}"))
    with pytest.raises(ValueError, match=r"rec\.hea .*time and date as 13:05:00 31/12/2020, or neither"):
        ecg.read_raw_wfdb(record, annotator=None)


UNITS = {
    "years": 1,
    "Y": 1,
    " y": 1,
    "": 1,
    " months": 12,
    " mo": 12,
    " Weeks": 52.18,
    "D": 365.25,
    " hours": 8766,
}


@settings(deadline=None)
@given(
    number=st.integers(0, 35),
    unit=st.sampled_from([*UNITS]),
    before=st.sampled_from(["Age: ", "age:", "<age>: ", "AGE=", "Patient age : "]),
    after=st.sampled_from(["", " Sex: F", "; sex: F", ", 70 kg", "  <sex>: M", "\nDigoxin"]),
)
def test_ages_in_any_unit_are_in_years(number, unit, before, after):
    age, unclear = read_age([f"{before}{number:03d}{unit}{after}"])
    assert (age, unclear) == (pytest.approx(number / UNITS[unit]), None)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("6M", 0.5),
        ("56 M", 56),
        ("56F", 56),
        ("54/M", 54),
        ("54 y.o.", 54),
        ("54,5", 54.5),
        ("1 year 6 months", 1.5),
        ("1y6m", 1.5),
        ("300", 90),
        (">89", 90),
        ("90+", 90),
        ("61 Diagnosis: MI", 61),
        ("0", 0),
        ("120", 120),
    ],
)
def test_ages_as_people_write_them(text, years):
    assert read_age([f"Age: {text}"]) == (pytest.approx(years), None)


@pytest.mark.parametrize("label", ["Age (months)", "Age [months]", "age in months"])
def test_the_unit_may_be_in_the_label(label):
    assert read_age([f"{label}: 6"]) == (0.5, None)


@pytest.mark.parametrize(
    "text", ["40-49", "40 – 49", "40 to 49", "40s", "<1", "65+", "56M", "999", "130", "-1", "1950", "6 Monde"]
)
def test_what_is_no_age_is_left_out_with_a_note(tmp_path, text):
    raw, said = read(edit(write(tmp_path), lambda header: f"{header}# Age: {text} Sex: F\n"))
    assert np.isnan(ecg.patient_info(raw)["age"])
    assert ecg.patient_info(raw)["sex"] == "F"
    assert "is no single age in years" in said


@pytest.mark.parametrize("text", ["", "NaN", "?", "unknown", "n/a", "-"])
def test_an_age_that_is_not_known_needs_no_note(text):
    np.testing.assert_equal(read_age([f"Age: {text}"]), (np.nan, None))


@pytest.mark.parametrize(("age", "years"), [(300, 90), (57, 57), (np.nan, np.nan)])
def test_ages_that_are_given_are_read_the_same_way(record, age, years):
    raw = ecg.read_raw_wfdb(record, annotator=None, age=age)
    np.testing.assert_equal(ecg.patient_info(raw)["age"], float(years))


def test_a_birthday_after_the_recording_is_no_age():
    raw = mne.io.RawArray(np.zeros((1, 10)), mne.create_info(["ECG"], 100.0, "ecg"), verbose="ERROR")
    raw.set_meas_date(datetime(2000, 1, 1, tzinfo=UTC))
    raw.info["subject_info"] = dict(birthday=date(2150, 6, 1))
    assert np.isnan(ecg.patient_info(raw)["age"])
