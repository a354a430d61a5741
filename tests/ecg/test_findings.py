"""What beats amount to, on beats whose counts are known; files of numbers as recordings."""

import numpy as np
import pandas as pd
import pytest

from mne_cnnclass.ecg.findings import (
    bin_beats,
    clock,
    count_beats,
    find_runs,
    heart_rates,
    share_of_rhythms,
)
from mne_cnnclass.ecg.quality import NOT_JUDGED
from mne_cnnclass.ecg.short import read_short


def table(text, rr=1.0, start=0.5):
    """Beats named by letters, ``-`` for one that is not judged, so many s apart."""
    onset = start + np.cumsum(np.r_[0.0, np.broadcast_to(rr, len(text))[1:]])[: len(text)]
    return pd.DataFrame(dict(onset=onset, description=[NOT_JUDGED if c == "-" else c for c in text]))


def test_beats_runs_and_burden_are_counted_of_what_is_judged():
    found = count_beats(table("NVNVVNSSSSNN-SNSS-SS"), ["N", "S", "V"])
    expected = dict(
        n=9, single=1, pairs=2, runs=1, longest=4
    )  # a run does not go on behind what is not judged
    assert found.loc["S", list(expected)].to_dict() == expected
    assert found.loc["V", ["n", "single", "pairs", "runs", "longest"]].tolist() == [3, 1, 1, 0, 2]
    assert found["share"].sum() == pytest.approx(1)
    assert found.loc["V", "share"] == pytest.approx(3 / 18)
    assert found.loc["V", "per_hour"] == pytest.approx(3 / (15 / 3600))  # 15 of 19 s lie between judged beats


def test_an_electrode_that_was_off_is_neither_time_nor_part_of_a_run():
    beats = table("NVVVVN", rr=[1.0, 1.0, 1.0, 600.0, 1.0, 1.0])
    runs = find_runs(beats)
    assert runs["description"].tolist() == ["N", "V", "V", "N"]
    assert runs["n_beats"].tolist() == [1, 2, 2, 1]
    assert runs["rate"].iloc[1] == pytest.approx(60)
    assert count_beats(beats, ["V"]).loc["V", "per_hour"] == pytest.approx(4 * 3600 / 4)


def test_nothing_is_said_of_no_beats():
    for beats in (table(""), table("---")):
        assert count_beats(beats, ["V"]).loc["V", "n"] == 0
        assert count_beats(beats, ["V"])["per_hour"].isna().all()
        assert heart_rates(beats) is None
        bins = bin_beats(beats, 10.0, ["V"], 5.0)
        assert bins["beats"].sum() == len(beats)
        assert bins["rate"].isna().all()


def test_heart_rates_are_those_of_minutes():
    rates = heart_rates(table("N" * 240, rr=np.repeat([1.0, 0.5, 1.0], [60, 120, 60])))
    assert (rates["lowest"], rates["highest"]) == (60, 120)
    assert (rates["lowest_at"], rates["highest_at"]) == (0, 60)


def test_bins_hold_every_beat_once():
    beats = table("NVN-" * 50, rr=0.7)
    bins = bin_beats(beats, 140.0, ["N", "V"], 15.0)
    assert len(bins) == 10
    assert bins[["beats", "judged", "N", "V"]].sum().tolist() == [200, 150, 100, 50]
    np.testing.assert_allclose(bins["rate"], 60 / 0.7)


def test_windows_that_overlap_count_once():
    windows = pd.DataFrame(dict(onset=[0.0, 25.0, 50.0], duration=30.0, description=["N", "A", "A"]))
    assert share_of_rhythms(windows).to_dict() == {"A": 55.0, "N": 25.0}


def test_times_are_those_of_a_clock():
    assert [clock(0), clock(59.96), clock(3661.26, 1), clock(86399)] == [
        "0:00:00",
        "0:00:59",
        "1:01:01.2",
        "23:59:59",
    ]


WATCH = "Name,A. Person\nSample Rate,500 hertz\nUnit,µV\n\n{}\n"


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("", {}, "no line of numbers"),
        ("1\n2\n", {}, "give --sfreq"),
        ("1\n2\n", dict(sfreq=0.0), "sfreq must be above 0 Hz"),
        (WATCH.format("1\n2"), dict(sfreq=250.0), "has 500 samples a second, and not 250"),
        ("t,ecg\n0,1\n1,2\n", dict(sfreq=9.0), "has the columns t, ecg: give --lead"),
        ("t,ecg\n0,1\n1,2\n", dict(sfreq=9.0, lead="V1"), "no column V1; it has t, ecg"),
        ("1\n2\nlost\n3\n", dict(sfreq=9.0), "has 'lost' among its numbers"),
        ("1,2\n3\n", dict(sfreq=9.0, lead="1"), "2 numbers in a line, and then '3'"),
        ("0,nan\n1,nan\n", dict(sfreq=9.0, lead="2"), "no line of numbers"),
    ],
)
def test_files_that_are_no_column_of_numbers_are_told(text, arguments, message, tmp_path):
    (tmp_path / "a.csv").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message):
        read_short(tmp_path / "a.csv", **arguments)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (WATCH.format("1\n3\n\n2"), {}),
        ("1\n3\n2\n", dict(sfreq=500.0)),
        ("t;ecg\n0;0,1\n1;0,3\n2;0,2\n", dict(sfreq=500.0, lead="ecg")),
        ("0\t10\n1\t30\n2\t20\n", dict(sfreq=500.0, lead="2")),
    ],
    ids=["watch", "numbers", "decimal comma", "tabs"],
)
def test_a_column_is_the_same_recording_in_any_unit(text, arguments, tmp_path):
    (tmp_path / "a.csv").write_text(text, "utf-8")
    raw, lead = read_short(tmp_path / "a.csv", **arguments)
    assert (lead, raw.ch_names, raw.info["sfreq"]) == ("ECG", ["ECG"], 500.0)
    np.testing.assert_allclose(raw.get_data()[0] / 1e-3, [-0.5, 0.5, 0], atol=0.01)
