"""What being live costs: time from the last sample of a window to its decision, and accuracy by the filters.

    python tests/benchmarks/live.py latency [n_windows]  # 64 channels, 160 Hz, windows of 3 s
    python tests/benchmarks/live.py filters               # imagined hands, of people who took no part
    python tests/benchmarks/live.py stream [minutes]      # 64 channels, 1000 Hz, of an LSL player

Set OMP_NUM_THREADS=1. ``filters`` needs MNE_CNNCLASS_DATA. Times are of the processor, and by the clock.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier, EpochsView, recipe
from mne_cnnclass.live import LiveClassifier, filter_cost, live_epochs
from mne_cnnclass.preprocessing import EuclideanAlignment, Resample, make_epochs

sys.path.append(str(Path(__file__).parents[1]))  # of the tests

mne.set_log_level("ERROR")
HOW = dict(events=dict(left="T1", right="T2"), tmin=0.0, tmax=2.99, l_freq=4.0, h_freq=38.0)
TRAINED, JUDGED = range(1, 11), range(11, 17)


def noise(n_times, seed=0, sfreq=160.0):
    names = [f"E{k}" for k in range(64)]
    data = 1e-5 * np.random.default_rng(seed).standard_normal((64, n_times))
    raw = mne.io.RawArray(data, mne.create_info(names, sfreq, "eeg"))
    info = mne.channels.make_standard_montage("biosemi64")
    raw.rename_channels(dict(zip(names, info.ch_names, strict=True))).set_montage(info)
    raw.info["subject_info"] = {"his_id": f"s{seed}"}
    return raw.set_annotations(mne.Annotations(np.arange(2, n_times / sfreq - 4, 4), 0, "T1"))


def latency(n_windows=10_000):
    """A decision every 16 samples; the last sample comes alone, and what follows it is timed."""
    raws = [noise(160 * 60, seed) for seed in (0, 1)]
    for raw in raws:
        raw.annotations.description[::2] = "T2"
    view = EpochsView(live_epochs(raws, **HOW), groups="subject")
    quick = recipe("motor imagery", causal=True, random_state=0).set_params(cnnclassifier__max_epochs=1)
    for name, clf in (("EEGNet", CNNClassifier("EEGNet", max_epochs=1, random_state=0)), ("recipe", quick)):
        live = LiveClassifier(clf.fit(view), **HOW, step=0.1, trained_live=True)
        session = live.open(raws[0].info)
        data = raws[0].get_data()
        session.push(data[:, :799])  # where a window ends
        network = []
        predict = session._predict

        def timed(window, predict=predict, network=network):
            began = time.process_time()
            decision = predict(window)
            network.append(time.process_time() - began)
            return decision

        session._predict, timed.classes = timed, predict.classes
        rows, first = [], 799
        while len(rows) < n_windows:
            part = np.take(data, np.arange(first, first + 16), axis=1, mode="wrap")
            assert not session.push(part[:, :14])
            session.push(part[:, 14:15])
            fetch = time.process_time()
            session.push(np.empty((64, 0)))
            alone, wall = time.process_time(), time.perf_counter()
            (decision,) = session.push(part[:, 15:])
            rows.append((time.process_time() - alone, time.perf_counter() - wall, alone - fetch, network[-1]))
            first += 16
        table = 1e3 * pd.DataFrame(rows, columns=["processor", "clock", "call", "network"])
        table["filter and window"] = table["processor"] - table["network"] - table["call"]
        print(f"{name}: ms from the last sample to the decision, {n_windows} windows")
        print(
            table.quantile([0.5, 0.99, 1.0]).rename({0.5: "p50", 0.99: "p99", 1.0: "worst"}).round(2),
            flush=True,
        )


def filters():
    """One network on ten people, judged on six others, trained and judged with either filter."""
    root = Path(os.environ["MNE_CNNCLASS_DATA"]) / "eegmmidb"
    files = {
        part: [root / f"S{s:03d}" / f"S{s:03d}R{run:02d}.edf" for s in people for run in (4, 8, 12)]
        for part, people in (("train", TRAINED), ("judge", JUDGED))
    }
    for name, make in (("zero phase", make_epochs), ("causal", live_epochs)):
        network = CNNClassifier(
            "EEGNet", model_params=dict(F1=16, D=2, kernel_length=24), max_epochs=30, random_state=0
        )
        clf = make_pipeline(Resample(80.0), EuclideanAlignment(online=True), network)
        view = EpochsView(make(files["train"], **HOW, rename="standard", group="subject"), groups="subject")
        live = LiveClassifier(clf.fit(view), **HOW, rename="standard", trained_live=True)
        cost = filter_cost(live, files["judge"])
        subject = cost.index.str[:4]
        mean = cost.groupby(subject)[["zero_phase", "causal", "agreement"]].mean()
        print(f"trained on {name}:\n{mean.round(3)}\n{mean.mean().round(3).to_string()}", flush=True)


def stream(minutes=10):
    """A decision every 0.1 s of windows of 3 s, which `LiveClassifier` resamples to 250 Hz.

    A window is late if its decision comes after the last sample of the next one.
    """
    from mne_lsl.lsl import local_clock
    from streamed import LOCAL, PLAYER

    step = 0.1
    raw = noise(1000 * 60, sfreq=1000.0)
    raw.annotations.description[::2] = "T2"
    how = HOW | dict(sfreq=250.0)
    clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(EpochsView(live_epochs(raw, **how)))
    live = LiveClassifier(clf, **how, step=step, trained_live=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise_raw.fif"
        played = mne.concatenate_raws([raw.copy() for _ in range(minutes)]).set_annotations(None)
        played.save(path, fmt="double")
        del played
        (Path(folder) / "lsl_api.cfg").write_text(LOCAL)
        os.environ["LSLAPICFG"] = str(Path(folder) / "lsl_api.cfg")
        command = [sys.executable, "-c", PLAYER, path, "noise", "10", "V", "string"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as player:
            assert player.stdout.readline() == "started\n"
            began = time.process_time()
            for decision in live.connect("noise", patience=3):
                late = local_clock() - decision.time
                memory = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
                rows.append((decision.time, late, decision.status, memory))
            used = time.process_time() - began
    table = pd.DataFrame(rows, columns=["time", "delay", "status", "memory"])
    steps = table["time"].diff().dropna() / step
    print(f"{len(table)} windows, {(steps.round() - 1).sum():.0f} lost, {(table['delay'] > step).sum()} late")
    print(table["status"].value_counts().to_string())
    delay = 1e3 * table["delay"].quantile([0.5, 0.99, 1.0])
    print(f"ms from a time stamp to the decision: {delay.round(1).tolist()} (p50, p99, worst)")
    memory = table["memory"].groupby((table["time"] - table["time"].iloc[0]) // 60).median().round(1)
    print(f"MB by minute: {memory.tolist()}; processor: {100 * used / (60 * minutes):.0f} %")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {"latency": latency, "filters": filters, "stream": stream}[sys.argv[1]](*map(int, sys.argv[2:]))
