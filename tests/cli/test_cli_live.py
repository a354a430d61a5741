"""The command follows a recording as a stream, writes every decision, and ends cleanly."""

import os
import re
import signal
import subprocess
import sys
import time
from functools import partial

import pandas as pd
import pytest
from streamed import HOW, rhythm_raw

from mne_cnnclass import CNNClassifier, EpochsView, save_classifier
from mne_cnnclass.preprocessing import make_epochs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model as `mne-cnnclass train` saves it, and a recording."""
    folder = tmp_path_factory.mktemp("live")
    view = EpochsView(make_epochs(rhythm_raw(1, n_events=10), **HOW))
    clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(view)
    save_classifier(clf, folder / "a.mcnn", epochs_settings=HOW)
    rhythm_raw(2, n_events=6).save(folder / "b_raw.fif", verbose="ERROR")
    return folder


@pytest.fixture
def run(run, monkeypatch, folder):
    """Run the command in the folder."""
    monkeypatch.chdir(folder)
    return run


@pytest.mark.filterwarnings("always")
def test_a_line_and_a_row_for_each_decision(run, folder):
    code, out, err = run("live", "a.mcnn", "--replay", "b_raw.fif", "-o", "events.csv")
    lines, table = out.splitlines(), pd.read_csv(folder / "events.csv")
    assert code == 0
    assert "filter_cost" in err
    assert table["event"].tolist() == ["rhythm", "noise"] * 3
    assert lines[6].startswith("6 decisions: ")
    for line, row in zip(lines, table.itertuples(), strict=False):
        assert re.fullmatch(rf" +{row.time:.3f} s  {row.label} 0\.\d\d  \(event {row.event}\)", line)
    assert run("live", "a.mcnn", "--replay", "b_raw.fif", "-o", "events.csv")[0] == 2  # it exists
    code, out, _ = run("live", "a.mcnn", "--replay", "b_raw.fif", "--step", 1)
    assert code == 0
    assert "not judged: the filter settles" in out.splitlines()[0]


@pytest.mark.filterwarnings("error:The filter of a stream")
def test_a_model_that_is_trained_live_predicts_the_same_offline_and_live(run):
    how = ["--event", "rhythm=T1", "--event", "noise=T2", "--tmin", "0", "--tmax", "0.99", "--h-freq", "30"]
    rhythm_raw(1, n_events=10).save("a_raw.fif", verbose="ERROR")
    code, _, err = run(
        "train", "a_raw.fif", *how, "--model", "EEGNet", "--max-epochs", 1, "--live", "-o", "live.mcnn"
    )
    assert code == 0, err
    assert run("predict", "live.mcnn", "b_raw.fif", "-o", "offline.csv")[0] == 0
    code, _, err = run("live", "live.mcnn", "--replay", "b_raw.fif", "-o", "live.csv")
    assert code == 0, err
    offline, live = pd.read_csv("offline.csv"), pd.read_csv("live.csv")
    assert live["label"].tolist() == offline["predicted"].tolist()
    assert live["event"].tolist() == offline["event"].tolist()


def test_ctrl_c_ends_cleanly_and_loses_nothing(folder):
    rhythm_raw(2, n_events=150).save(folder / "long_raw.fif", verbose="ERROR")  # not over before
    command = [sys.executable, "-m", "mne_cnnclass", "live", "a.mcnn", "--replay", "long_raw.fif"]
    command += ["--real-time", "--step", "0.1", "-o", "stopped.csv"]
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # also where the tests themselves don't
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process = subprocess.Popen(command, cwd=folder, preexec_fn=heeds, **pipes)
    shown = [process.stdout.readline() for _ in range(5)]
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGINT)
    rest, err = process.communicate(timeout=60)
    shown += rest.splitlines()
    assert process.returncode == 0
    assert "Traceback" not in err
    n_decisions = int(re.search(r"(\d+) decisions: ", rest)[1])
    assert 5 <= n_decisions < 3000
    assert len(pd.read_csv(folder / "stopped.csv")) == n_decisions == sum(" s  " in line for line in shown)


def test_without_a_stream_those_that_there_are_are_listed(run, monkeypatch):
    monkeypatch.setattr("mne_cnnclass.live.lsl.lsl", lambda: FakeLSL)
    code, _, err = run("live", "a.mcnn")
    assert code == 2
    assert err.count("\n") == 1
    assert "--stream NAME and --replay FILE" in err
    assert "actiCHamp (type EEG, 32 channels, 500 Hz)" in err


class FakeLSL:
    """Two streams."""

    @staticmethod
    def resolve_streams(timeout):
        kinds = [("actiCHamp", "EEG", 32, 500.0), ("cues", "Markers", 1, 0.0)]
        return [
            type("Info", (), dict(zip(("name", "stype", "n_channels", "sfreq"), k, strict=True)))
            for k in kinds
        ]
