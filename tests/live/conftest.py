"""A recording and a Pipeline that finds its rhythm."""

import subprocess
import sys

import pytest
from sklearn.pipeline import make_pipeline
from streamed import HOW, LOCAL, PLAYER, rhythm_raw

from mne_cnnclass import CNNClassifier, EpochsView
from mne_cnnclass.live import live_epochs, playing
from mne_cnnclass.preprocessing import EuclideanAlignment, Resample


@pytest.fixture(scope="session")
def raw():
    return rhythm_raw(9, subject="S009")


@pytest.fixture(scope="session")
def pipeline():
    raws = [rhythm_raw(seed, subject=f"S00{seed}") for seed in (1, 2)]
    view = EpochsView(live_epochs(raws, **HOW), groups="subject")
    network = CNNClassifier("EEGNet", max_epochs=20, random_state=0)
    return make_pipeline(Resample(80.0), EuclideanAlignment(online=True), network).fit(view)


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Play a recording as a stream from another process; streams stay on this computer."""
    pytest.importorskip("mne_lsl", reason='mne-lsl is missing: pip install "mne-cnnclass[live]"')
    path = tmp_path / "lsl_api.cfg"
    path.write_text(LOCAL)
    monkeypatch.setenv("LSLAPICFG", str(path))  # which liblsl reads once a process
    players = []

    def start(raw, name, *, chunk_size=7, unit="V", encoding="string"):
        raw.save(tmp_path / f"{name}_raw.fif", fmt="double", verbose="ERROR")
        how = [tmp_path / f"{name}_raw.fif", name, chunk_size, unit, encoding]
        command = [sys.executable, "-c", PLAYER, *map(str, how)]
        players.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert players[-1].stdout.readline() == "started\n"

    yield start
    for player in players:
        player.terminate()
        player.communicate()


@pytest.fixture
def seen(monkeypatch):
    """The samples of a stream as they come, chunk by chunk."""
    found, chunks = [], playing.chunks

    def noted(*args):
        for chunk in chunks(*args):
            if chunk is not None:
                found.append(chunk[0])
            yield chunk

    monkeypatch.setattr(playing, "chunks", noted)
    return found
