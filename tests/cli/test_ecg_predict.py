"""From a recording to a page: by ready models, on real hearts, and on what is no heart."""

import os
import re
from html import unescape
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import wfdb
from scipy.io import loadmat, savemat

from mne_cnnclass import ecg
from mne_cnnclass.report.ecg_findings import rates_elsewhere

DATA = Path(os.environ.get("MNE_CNNCLASS_DATA", ""))
real = pytest.mark.skipif(not (DATA / "mitdb").is_dir(), reason="needs the recordings of MNE_CNNCLASS_DATA")
shown = pytest.mark.filterwarnings("always")  # the command shows warnings, pytest makes errors of them


@pytest.fixture(scope="module")
def bigeminy(tmp_path_factory):
    """Two minutes of record 119, in which every second or third beat is ventricular; and one of noise."""
    folder = tmp_path_factory.mktemp("hearts")
    how = dict(fmt=["212", "212"], write_dir=str(folder))
    record = wfdb.rdrecord(str(DATA / "mitdb" / "119"), sampto=120 * 360)
    wfdb.wrsamp("heart", 360, record.units, record.sig_name, record.p_signal, **how)
    noise = np.random.default_rng(0).normal(0, 0.5, (60 * 360, 2))
    wfdb.wrsamp("noise", 360, record.units, record.sig_name, noise, **how)
    return folder


@pytest.fixture(scope="module")
def truth():
    beats = wfdb.rdann(str(DATA / "mitdb" / "119"), "atr", sampto=120 * 360)
    return (np.array(beats.symbol) == "V").sum()


def text_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(Path(page).read_text("utf-8"))).split())


@real
def test_a_page_holds_what_the_table_says(run_ecg, bigeminy, truth):
    code, out, err = run_ecg("predict", bigeminy / "heart", "-o", "beats.csv", "--report", "heart.html")
    assert code == 0, err
    assert 'the ready model "heartbeats", trained on: MIT-BIH' in out
    assert "not a medical device" in out
    counts = pd.read_csv("beats.csv")["description"].value_counts()
    assert abs(counts["V"] - truth) <= 2
    page = text_of("heart.html")
    assert "not a medical device" in page
    assert f"{counts.sum()} beats were found and {counts.sum()} of them (100.0 %) judged" in page
    assert f"V (ventricular): {counts['V']} beats" in page
    row = re.search(r"V \(ventricular\) (\d+) ([\d.]+) ", page).groups()
    assert int(row[0]) == counts["V"]
    assert float(row[1]) == pytest.approx(100 * counts["V"] / counts.sum(), abs=0.05)
    assert f"3 of {counts['V']} V beats, those with the highest probability" in page
    for name in ("Heart rate, rhythm and beats of each class over time", "V (ventricular) beats"):
        assert f'alt="{name}"' in Path("heart.html").read_text("utf-8")
    assert "macro F1" in page  # of the card


@real
def test_findings_are_those_of_the_tables(bigeminy, truth):
    found = ecg.describe(bigeminy / "heart")
    table = found.summary()
    assert table["n"].sum() == len(found.beats)
    assert abs(table.loc["V", "n"] - truth) <= 2
    assert table.loc["V", "per_hour"] == pytest.approx(30 * truth, rel=0.05)
    assert found.leads == ["MLII", "V1"]
    assert found.duration == pytest.approx(120)
    assert found.rhythm["onset"].tolist() == [0, 30, 60, 90]
    assert str(found).count("not a medical device") == 1
    raw = ecg.read_raw_wfdb(bigeminy / "heart", annotator=None)
    again = ecg.describe(raw)  # a recording in memory, with another format's start
    pd.testing.assert_frame_equal(again.beats, found.beats)
    pd.testing.assert_frame_equal(again.rhythm, found.rhythm)
    assert str(again) == str(found)


def test_rates_of_a_class_are_those_of_the_card():
    card = dict(rates=dict(N=[0.991, 0.987], S=[0.819, 0.678]))
    assert rates_elsewhere(card, "S") == (0.819, 0.678)
    assert rates_elsewhere(card, "N") == (0.991, 0.987)
    assert np.isnan(rates_elsewhere(card, "V")).all()


@real
@shown
def test_of_several_recordings_the_broken_ones_leave_the_others(run_ecg, bigeminy, tmp_path):
    (tmp_path / "broken.edf").write_bytes(b"0       ")
    given = [bigeminy / "heart", tmp_path / "broken.edf", bigeminy / "noise"]
    code, out, err = run_ecg("predict", *given, "-o", "beats.csv")
    assert code == 1
    assert f"Error: Can't read {given[1]}" in err
    assert "1 of 3 recordings failed" in out
    table = pd.read_csv("beats.csv")
    assert table["recording"].unique().tolist() == [str(given[0]), str(given[2])]
    assert (table["description"][table["recording"] == str(given[2])] == "not judged").all()
    assert run_ecg("predict", *given, "-o", "each")[0] == 1
    assert {path.name for path in Path("each").iterdir()} == {"heart.csv", "noise.csv"}
    own = table[table["recording"] == str(given[0])].drop(columns="recording")
    pd.testing.assert_frame_equal(pd.read_csv("each/heart.csv"), own)


@real
@shown
def test_a_page_of_noise_says_so_instead_of_drawing_findings(run_ecg, bigeminy):
    code, out, err = run_ecg("predict", bigeminy / "noise", "--report", "noise.html")
    assert code == 2
    assert "noise.html" in out
    assert "in a signal to judge (noisy" in err
    page = text_of("noise.html")
    assert "in a signal to judge (noisy" in page
    assert "Heart rate" not in page
    assert "Beats of each class" not in page


def test_a_flat_recording_has_no_findings(tmp_path):
    info = mne.create_info(["II"], 250.0, "ecg")
    found = ecg.describe(mne.io.RawArray(np.zeros((1, 5000)), info, verbose="ERROR"))
    assert "No heartbeats were found" in found.problem
    assert found.summary()["n"].sum() == 0
    found.report(tmp_path / "page.html")
    assert "No heartbeats were found" in text_of(tmp_path / "page.html")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["predict", "x.mcnn", "-o", "a.csv"], "Give recordings behind the model"),
        (["predict", "heart"], "-o beats.csv for a table, --report page.html"),
        (["predict", "heart", "-o", "there.csv"], "there.csv exists"),
        (["predict", "heart", "-o", "a.csv", "--report", "there.html"], "there.html exists"),
        (["predict", "heart", "--report", "page.pdf"], "--report must name a page, .html, or a folder"),
        (
            ["predict", "a", "b", "-o", "a.pred"],
            "a.pred is for one recording, and there are 2: name a folder",
        ),
        (["predict", "a", "b", "--report", "a.html"], "a.html is for one recording"),
        (["predict", "x/a", "y/a", "-o", "folder"], "Two recordings are named a"),
        (["predict", "a", "b", "-o", "each"], "each/b.csv exists"),
        (["rhythm", "a.csv", "-o", "there.csv"], "there.csv exists"),
        (["rhythm", "a.csv", "-o", "a.pred"], "-o must name a table"),
    ],
)
def test_what_can_not_be_written_is_told_before_any_work(run_ecg, tmp_path, monkeypatch, args, message):
    for name in ("there.csv", "there.html", "each/b.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("kept")
    code, out, err = run_ecg(*args)
    assert code == 2
    assert message in err
    assert "Model:" not in out  # none was opened
    assert (tmp_path / "there.csv").read_text() == "kept"


# -- rhythms -------------------------------------------------------------------------------------------


@real
def test_rhythms_are_told_of_a_matlab_file_and_of_the_same_numbers(run_ecg, tmp_path):
    file = DATA / "cinc2017" / "A00004.mat"  # fibrillation
    values = loadmat(file)["val"][0]
    np.savetxt(tmp_path / "watch.csv", values / 7.0)  # in some unit
    decimal_commas = "\n".join(f"{value / 1000:.3f}".replace(".", ",") for value in values)
    (tmp_path / "commas.csv").write_text(decimal_commas)
    files = file, "watch.csv", "commas.csv"
    code, out, err = run_ecg("rhythm", *files, "--sfreq", 300, "-o", "rhythms.csv")
    assert code == 0, err
    assert "not a medical device" in out
    table = pd.read_csv("rhythms.csv")
    assert table["recording"].tolist() == [str(name) for name in files]
    assert table["description"].tolist() == ["A"] * 3
    assert table["lead"].tolist() == ["ECG"] * 3
    assert table["duration"].tolist() == [len(values) / 300] * 3
    assert table["rate"].between(60, 180).all()
    proba = table.filter(like="proba_").to_numpy()
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(proba[1:], proba[[0, 0]], atol=0.05)


def test_two_columns_of_whole_numbers_are_no_decimals(run_ecg, tmp_path):
    (tmp_path / "two.csv").write_text("\n".join(f"{k},{500 + k % 90}" for k in range(-900, 900)))
    code, _, err = run_ecg("rhythm", "two.csv", "--sfreq", 100, "-o", "rhythms.csv")
    assert code == 2
    assert "has the columns 1, 2: give --lead the one of the ECG" in err


def test_files_of_numbers_are_for_rhythms(run_ecg, tmp_path):
    (tmp_path / "watch.csv").write_text("1\n2\n")
    code, _, err = run_ecg("predict", "watch.csv", "-o", "beats.csv")
    assert code == 2
    assert "mne-cnnclass ecg rhythm reads one lead of such files" in err
    savemat(tmp_path / "own.mat", dict(ecg=np.zeros(900), fs=300))
    code, _, err = run_ecg("rhythm", "own.mat", "-o", "rhythms.csv")
    assert code == 2
    assert "own.mat has no variable val, as files of CinC 2017 have, but ecg, fs" in err


@real
@shown
@pytest.mark.parametrize(
    ("make", "sfreq", "quality"),
    [
        (lambda values: values, 1200, "short"),  # of 300 Hz: a wrong rate
        (lambda values: np.tile(np.exp(-(np.linspace(-20, 20, 900) ** 2)), 10), 300, "rate"),  # a beat in 3 s
        (lambda values: values[:1500], 300, "short"),
        (lambda values: 0 * values, 300, "flat"),
        (lambda values: np.random.default_rng(0).standard_normal(len(values)), 300, "noisy"),
    ],
    ids=["wrong rate", "slow", "five seconds", "flat", "noise"],
)
def test_what_can_not_be_judged_has_its_row_and_the_reason(run_ecg, tmp_path, make, sfreq, quality):
    values = loadmat(DATA / "cinc2017" / "A00001.mat")["val"][0]
    np.savetxt(tmp_path / "watch.csv", make(values))
    assert run_ecg("rhythm", "watch.csv", "--sfreq", sfreq, "-o", "rhythms.csv")[0] == 0
    table = pd.read_csv("rhythms.csv")
    assert (table["description"] == "not judged").all()
    assert set(table["quality"]) == {quality}


@real
def test_of_several_short_recordings_each_has_a_row(run_ecg, tmp_path):
    (tmp_path / "empty.csv").write_text("")
    file = DATA / "cinc2017" / "A00001.mat"
    code, _, err = run_ecg("rhythm", "empty.csv", file, "nowhere.csv", "-o", "rhythms.csv")
    assert code == 1
    assert "empty.csv has no line of numbers" in err
    assert "nowhere.csv" in err
    table = pd.read_csv("rhythms.csv")
    assert table["recording"].tolist() == ["empty.csv", str(file), "nowhere.csv"]
    assert table["quality"].tolist() == ["unreadable", "good", "unreadable"]
    assert table["description"].tolist() == ["not judged", "N", "not judged"]
    code, _, err = run_ecg("rhythm", file, "--sfreq", 250, "-o", "other.csv")
    assert code == 2
    assert "is sampled at 300 Hz, and not at the 250 Hz" in err
    assert not Path("other.csv").exists()
