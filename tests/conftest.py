"""What every test gets: no network, no settings of the machine's user, no open figures; real recordings."""

import os
import socket
import tempfile
from pathlib import Path

# Before numpy, scipy and torch are loaded: a thread for each of pytest-xdist's processes, and scikit-learn's
# check of array API input, which it leaves out otherwise.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import matplotlib
import mne
import numpy as np
import pytest

matplotlib.use("Agg")
os.environ["_MNE_FAKE_HOME_DIR"] = tempfile.mkdtemp(prefix="mne_cnnclass_home_")
for variable in ("MNE_DATA", "MNE_DATASETS_EEGBCI_PATH"):
    os.environ.pop(variable, None)
mne.set_log_level("WARNING")

DATA_VARIABLE = "MNE_CNNCLASS_DATA"


@pytest.fixture(autouse=True, scope="session")
def _no_network():
    look_up = socket.getaddrinfo

    def refuse(host, *args, **kwargs):
        if host == "127.0.0.1":  # a cluster of this computer
            return look_up(host, *args, **kwargs)
        raise socket.gaierror(f"Tests have no network, but one asked for {host}.")

    class LocalSocket(socket.socket):
        def connect(self, address):
            if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
                raise ConnectionRefusedError(f"Tests have no network, but one connects to {address[0]}.")
            return super().connect(address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", refuse)
        patch.setattr(socket, "socket", LocalSocket)
        yield


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def same_random_numbers():
    """Torch's random numbers start from one seed, and go on afterwards as if nothing had been drawn."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="session")
def data_path():
    """Folder of the real recordings (eegmmidb/S001/S001R04.edf …)."""
    if not os.environ.get(DATA_VARIABLE):
        pytest.skip(f"{DATA_VARIABLE} is not set")
    return Path(os.environ[DATA_VARIABLE])


@pytest.fixture
def write_recording(tmp_path):
    """Write a recording with a 10 Hz rhythm at C3 for 1 s after each event T1, and none after T2."""

    def write(
        name,
        *,
        ch_names=("C3", "Cz", "C4"),
        sfreq=100.0,
        n_events=24,
        descriptions=("T1", "T2"),
        stim=False,
        seed=0,
    ):
        rng = np.random.default_rng(seed)
        n_times = int((2 * n_events + 2) * sfreq)
        data = rng.standard_normal((len(ch_names), n_times))
        onsets = 1.0 + 2.0 * np.arange(n_events)
        kinds = np.resize(np.arange(len(descriptions)), n_events)
        for onset in onsets[kinds == 0]:
            start = int(onset * sfreq)
            phase = rng.uniform(0, 2 * np.pi)
            data[0, start : start + int(sfreq)] += 3 * np.sin(
                2 * np.pi * 10 * np.arange(sfreq) / sfreq + phase
            )
        info = mne.create_info(list(ch_names), sfreq, "eeg")
        raw = mne.io.RawArray(1e-6 * data, info, verbose="ERROR")
        raw.set_annotations(mne.Annotations(onsets, 0.0, np.array(descriptions)[kinds]))
        if stim:
            codes = np.zeros((1, n_times))
            codes[0, (onsets * sfreq).astype(int)] = 5 + kinds
            stim_info = mne.create_info(["STI 014"], sfreq, "stim")
            raw.add_channels([mne.io.RawArray(codes, stim_info, verbose="ERROR")], force_update_info=True)
            raw.set_annotations(None)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw.save(path, verbose="ERROR")
        return path

    return write


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Neighbouring tests go to one process, so that the fixtures of a module are made once."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.option.dist == "load" else None


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command in an empty folder: exit code, stdout and stderr."""
    from mne_cnnclass.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNE_LOGGING_LEVEL", "ERROR")  # so that main, which sets them, leaves no trace
    monkeypatch.setenv("MPLBACKEND", "agg")

    def call(*args):
        with pytest.raises(SystemExit) as end:
            main([str(arg) for arg in args])
        return end.value.code or 0, *capsys.readouterr()

    return call
