"""LiveHeart beside what the same detector and models say of whole recordings, and what it costs.

    python tests/benchmarks/live_hearts.py beats [seconds]     # mitdb: R peaks and classes, live and offline
    python tests/benchmarks/live_hearts.py ludb                # R peaks of lead II from 2 s on, 100 people
    python tests/benchmarks/live_hearts.py rhythm [step]       # mitdb, which the ready model never saw
    python tests/benchmarks/live_hearts.py latency [seconds]   # two leads, 360 Hz; memory, too

``MNE_CNNCLASS_DATA`` and ``OMP_NUM_THREADS=1`` must be set. What LiveHeart looks ahead was chosen on the
first five minutes of the records of mitdb up to 118; ``beats`` takes the others. The ready model was trained
on all of these records, so how well it tells beats is not measured here, only whether it says the same of a
stream. Beats of the first 5 s, of the last 1.2 s, and flutter are left out.
"""

import resource
import sys
import time
import warnings
from collections import defaultdict

import mne
import numpy as np
import pandas as pd
import wfdb
from ecg_noise import _data
from peaks import count, mitdb_records, shown, without

from mne_cnnclass import EpochsView, ecg, load_pretrained
from mne_cnnclass.live import LiveHeart

START, END = 5.0, 1.2  # s that are left out


def inside(peaks, sfreq, lasts):
    return peaks[(peaks >= START * sfreq) & (peaks < (lasts - END) * sfreq)]


def beats(seconds=300):
    """R peaks of the first minutes of each record, and the classes at those that were found."""
    live, clf = LiveHeart(rhythm=None), load_pretrained("heartbeats", causal=True)
    rows, same, n_judged, n = defaultdict(int), [], 0, 0
    for record, _, truth, flutter in mitdb_records():
        if int(record) <= 118:
            continue
        raw = ecg.read_raw_wfdb(_data() / "mitdb" / record).crop(0, seconds, include_tmax=False)
        decisions = list(live.replay(raw))
        onset = np.array([d.onset for d in decisions])
        found = dict(live=np.round(onset * 360).astype(int), offline=ecg.find_r_peaks(raw))
        for name, peaks in found.items():
            its = [without(inside(p, 360, seconds), flutter) for p in (truth, peaks)]
            rows[name] += count(*its, 360)
        marked = raw.copy().set_annotations(mne.Annotations(onset, 0, "N"))
        view = EpochsView(ecg.make_beat_epochs(marked, causal=True, unusable="keep"))
        offline = dict(zip(view.metadata["onset"].round(4), clf.predict_proba(view), strict=True))
        for d in decisions:
            if d.judged and round(d.onset, 4) in offline:
                proba = offline[round(d.onset, 4)]
                apart = np.abs(proba - list(d.proba.values())).max()
                same.append((record, d.onset, d.label, clf.classes_[proba.argmax()], apart))
        n_judged += sum(d.judged for d in decisions if d.onset > START)
        n += sum(d.onset > START for d in decisions)
        print(record, {k: shown(v) for k, v in rows.items()}, f"{n_judged} judged, {n} found", flush=True)
    table = pd.DataFrame(same, columns=["record", "onset", "live", "offline", "apart"])
    print(f"R peaks, sensitivity / PPV, %: { ({k: (shown(v), *v) for k, v in rows.items()}) }")
    for after in (0, 60):
        part = table[table["onset"] > after]
        equal, apart = part["live"] == part["offline"], part["apart"].quantile([0.5, 0.99, 1])
        print(f"after {after} s: {len(part)} beats, equal labels {equal.mean():.5f}")
        print(f"probabilities apart by {apart.round(5).tolist()} (median, 99 %, most)")
        print(pd.crosstab(part["offline"], part["live"]).to_string())


def ludb():
    rows, live = defaultdict(int), LiveHeart(rhythm=None)
    for number in range(1, 101):
        stem = str(next((_data() / "ludb").rglob(f"{number}.hea")).with_suffix(""))
        record = wfdb.rdrecord(stem)
        signal = 1e-3 * record.p_signal[:, record.sig_name.index("ii")]
        notes = wfdb.rdann(stem, "ii")
        truth = notes.sample[np.array(notes.symbol) == "N"]
        raw = mne.io.RawArray(signal[None], mne.create_info(["II"], record.fs, "ecg"))
        onset = np.array([d.onset for d in live.replay(raw)])
        found = dict(live=np.round(onset * record.fs).astype(int), offline=ecg.find_r_peaks(raw))
        is_known = (truth >= 2 * record.fs) & (truth < (10 - END) * record.fs)
        first, last = np.flatnonzero(is_known)[[0, -1]]
        edges = np.r_[truth[0] - 75, (truth[:-1] + truth[1:]) / 2, truth[-1] + 75]  # halfway to others
        for name, peaks in found.items():
            peaks = peaks[(peaks >= edges[first]) & (peaks < edges[last + 1])]
            rows[name] += count(truth[is_known], peaks, record.fs)
    print({name: (shown(row), *row) for name, row in rows.items()})


class Both:
    """The offline ready model of rhythms, and what the causal one says of the same window."""

    def __init__(self):
        self.models = [load_pretrained("rhythm", causal=causal) for causal in (False, True)]
        self.classes_ = self.models[0].classes_

    def predict_proba(self, X):
        offline, causal = (model.predict_proba(X) for model in self.models)
        self.other = self.classes_[causal.argmax(axis=1)[0]]
        return offline


def rhythm(every=60):
    """Decisions about the last 30 s of each record, where they lie in one annotated rhythm."""
    both, rows = Both(), []
    live = LiveHeart(beats=None, rhythm=both, step=every)
    for record, *_ in mitdb_records():
        raw = ecg.read_raw_wfdb(_data() / "mitdb" / record)
        notes = raw.annotations[[text.startswith("(") for text in raw.annotations.description]]
        for d in live.replay(raw):
            inside = (notes.onset <= d.start) & (notes.onset + notes.duration >= d.time)
            if inside.any():
                labels = [d.label, both.other] if d.judged else ["not judged"] * 2
                rows.append((record, notes.description[inside.argmax()], *labels))
        print(record, len(rows), flush=True)
    table = pd.DataFrame(rows, columns=["record", "annotated", "offline", "causal"])
    for model in ("offline", "causal"):
        print(pd.crosstab(table["annotated"], table[model]).to_string())
    print(pd.crosstab(table["record"], [table["annotated"], table["causal"]]).to_string())


def latency(seconds=600):
    """What a push of the last sample before decisions takes, and of all others."""
    raw = ecg.read_raw_wfdb(_data() / "mitdb" / "119")
    data, rows, memory = np.tile(raw.get_data(), 2), [], []
    for name, live in (("beats", LiveHeart(rhythm=None)), ("beats and rhythm", LiveHeart())):
        session, began = live.open(raw.info), time.process_time()
        for first in range(0, int(seconds * 360), 12):
            start, wall = time.process_time(), time.perf_counter()
            decisions = session.push(data[:, first : first + 12])
            spent = (time.process_time() - start, time.perf_counter() - wall)
            if decisions and first > 36 * 360:
                kind = "rhythm" if decisions[-1].event == "rhythm" else "beats"
                rows.append((name, kind, *(1e3 * value for value in spent)))
            if first % (60 * 360) == 0:
                memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        hour = (time.process_time() - began) / seconds * 3600
        print(f"{name}: {hour:.0f} s of processor an hour of signal")
    table = pd.DataFrame(rows, columns=["session", "decision", "processor", "clock"])
    table = table.groupby(["session", "decision"]).quantile([0.5, 0.99, 1.0])
    print("ms from the last sample that is needed to the decision", table.round(1), sep="\n")
    print(f"largest memory, MB, minute by minute: {np.round(memory).astype(int).tolist()}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    {"beats": beats, "ludb": ludb, "rhythm": rhythm, "latency": latency}[sys.argv[1]](
        *map(float, sys.argv[2:])
    )
