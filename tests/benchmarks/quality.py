"""How well the quality of an ECG is told: recordings by phone, noise added to beats, noisy recordings, cost.

    python tests/benchmarks/quality.py [acceptable] [noise] [databases] [time]

- acceptable: CinC 2011, balanced accuracy of `is_acceptable`; and by 5 folds in which its two numbers are
  chosen on the other four, 20 times, with the 95 % interval of a bootstrap over recordings;
- noise: 12 minutes of the first lead of each record of MIT-BIH, every second 2 minutes with noise: how much
  of these is called noisy, and sensitivity and positive predictivity of `find_r_peaks` (0.15 s) in the rest,
  on records 101 to 118, on which the thresholds were chosen, and on the others;
- databases: beats of MIT-BIH that are not judged; seconds that are not good, and recordings that are not
  acceptable, in LUDB and PTB-XL; seconds that are not good in each class of CinC 2017, and how well they tell
  the recordings that experts called too noisy from others;
- time: processor time for 30 minutes of two leads.

``MNE_CNNCLASS_DATA`` must be set.
"""

import os
import sys
import time
import warnings
from collections import Counter
from itertools import product
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from ecg_noise import KINDS, add_noise
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from wfdb.processing import compare_annotations

from mne_cnnclass import ecg
from mne_cnnclass.ecg import quality

DATA = Path(os.environ.get("MNE_CNNCLASS_DATA", "."))
CHOSEN_ON = [101, 106, 108, 109, 112, 114, 115, 116, 118]
SHARES, LOWS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08), (0.0, 0.1, 0.2, 0.3, 0.4)
START, STOP = 300, 1020  # s


def records(folder):
    return sorted(file.with_suffix("") for file in (DATA / folder).rglob("*.hea"))


def acceptable():
    """Balanced accuracy on CinC 2011."""
    labels = pd.read_csv(DATA / "cinc2011/quality.csv", index_col=0)["quality"] == "acceptable"
    tables = []
    for record in labels.index:
        units = np.loadtxt(DATA / f"cinc2011/{record}.txt", delimiter=",")[:, 1:]
        raw = mne.io.RawArray(5e-6 * units.T, mne.create_info(12, 500.0, "ecg"), verbose="ERROR")
        tables.append(ecg.signal_quality(raw))
    y, rng = labels.to_numpy(), np.random.default_rng(0)
    says = {
        (low, most): np.array([_share(t, low) <= most for t in tables]) for low in LOWS for most in SHARES
    }
    folds = np.empty((20, len(y)), bool)
    for seed, predicted in enumerate(folds):
        for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(y, y):
            scores = {how: _balanced(said[train], y[train]) for how, said in says.items()}
            best = [how for how, score in scores.items() if score == max(scores.values())]
            predicted[test] = says[best[len(best) // 2]][test]
    parts = np.flatnonzero(y), np.flatnonzero(~y)
    as_shipped = says[quality.LOW, quality.MOST_UNUSABLE][np.newaxis]
    for name, predicted in (("as shipped", as_shipped), ("chosen in the folds", folds)):
        each = [_balanced(row, y) for row in predicted]
        again = [np.concatenate([rng.choice(part, len(part)) for part in parts]) for _ in range(2000)]
        low, high = np.percentile([_balanced(predicted[:, k], y[k]) for k in again], [2.5, 97.5])
        print(
            f"{name}: balanced accuracy {np.mean(each):.3f} ({low:.3f}-{high:.3f}), {min(each):.2f} to "
            f"{max(each):.2f} by assignment; acceptable {predicted[:, y].mean():.3f}, unacceptable "
            f"{1 - predicted[:, ~y].mean():.3f}"
        )


def _share(table, low):
    """As is_acceptable has it."""
    is_good = table["quality"] == "good"
    is_low = (table["quality"] == "noisy") & (table["top"] < low * table["top"][is_good].median())
    return 1 - (is_good | is_low).mean()


def _balanced(said, y):
    return (said[..., y].mean() + 1 - said[..., ~y].mean()) / 2


def noise():
    """What is called noisy, and how well beats are found in the rest."""
    counts = {}
    for record in records("mitdb"):
        raw = ecg.read_raw_wfdb(record)
        onset, symbol = raw.annotations.onset, raw.annotations.description
        is_beat = np.isin(symbol, [*ecg.beats.BEAT_SYMBOLS]) & (raw.annotations.duration < 1)
        onset = onset[is_beat & (onset > START) & (onset < STOP)] - START
        signal = raw.get_data([0], START * 360, STOP * 360)[0]
        half = "101-118" if int(record.name) in CHOSEN_ON else "others"
        for kind, snr in [("none", ""), *product(KINDS, (24, 12, 6, 0))]:
            noisy, where = signal, np.ones(len(signal), bool)
            if snr != "":
                peaks = np.round(onset * 360).astype(int)
                noisy, where = add_noise(signal, 360.0, peaks, kind, snr, seed=int(record.name))
            found = _count(noisy, where[::360], onset)
            for kinds in {kind, "all three" if kind in KINDS else kind}:
                counts[half, kinds, snr] = counts.get((half, kinds, snr), 0) + found
    print(
        "| records | noise | dB | called noisy | sensitivity | positive predictivity |\n" + "|---" * 6 + "|"
    )
    for (half, kind, snr), (n_noisy, n, tp, fn, fp) in counts.items():
        print(
            f"| {half} | {kind} | {snr} | {100 * n_noisy / n:.1f} % | {100 * tp / max(tp + fn, 1):.1f} % "
            f"| {100 * tp / max(tp + fp, 1):.1f} % |"
        )


def _count(signal, where, onset):
    """Seconds that are called noisy, seconds, and true, missed and false beats in those that are not."""
    raw = mne.io.RawArray(signal[np.newaxis], mne.create_info(["II"], 360.0, "ecg"), verbose="ERROR")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peaks = ecg.find_r_peaks(raw)
    is_bad = (ecg.signal_quality(raw)["quality"] != "good").to_numpy()
    found = compare_annotations(np.round(onset * 360).astype(int), peaks, 54)
    matched = found.matching_sample_nums
    is_true = np.zeros(len(peaks), bool)
    is_true[matched[matched >= 0]] = True
    counted = where & ~is_bad
    of_beats, of_peaks = counted[onset.astype(int)], counted[peaks // 360]
    n_missed, n_false = (of_beats & (matched < 0)).sum(), (of_peaks & ~is_true).sum()
    return np.array([is_bad[where].sum(), where.sum(), (of_peaks & is_true).sum(), n_missed, n_false])


def databases():
    """What is not good in recordings."""
    qualities = Counter()
    for record in records("mitdb"):
        qualities.update(ecg.make_beat_epochs(record, unusable="keep").metadata["quality"])
    n = sum(qualities.values())
    print(
        f"MIT-BIH: {100 - 100 * qualities['good'] / n:.2f} % of {n} beats are not judged: {dict(qualities)}"
    )
    for folder in ("ludb", "ptbxl"):
        raws = [ecg.read_raw_wfdb(record, annotator=None) for record in records(folder)]
        is_good = np.concatenate([ecg.signal_quality(raw)["quality"] == "good" for raw in raws])
        refused = [Path(raw.filenames[0]).stem for raw in raws if not ecg.is_acceptable(raw)]
        print(f"{folder}: {100 - 100 * is_good.mean():.2f} % of seconds; not acceptable: {refused}")
    rows = []
    for folder in ("cinc2017", "cinc2017_more"):
        labels = pd.read_csv(DATA / folder / "REFERENCE.csv", header=None, index_col=0)[1]
        for name, label in labels.items():
            raw = ecg.read_raw_cinc2017(next((DATA / folder).rglob(f"{name}.mat")))
            rows.append((folder, label, (ecg.signal_quality(raw)["quality"] != "good").mean()))
    table = pd.DataFrame(rows, columns=["set", "label", "share"])
    for name, own in table.groupby("set"):
        shares = ", ".join(f"{k} {100 * v:.1f} %" for k, v in own.groupby("label")["share"].mean().items())
        is_noise = own["label"] == "~"
        print(
            f"{name}: seconds that are not good: {shares}; too noisy or not, by their share: area under the "
            f"ROC {roc_auc_score(is_noise, own['share']):.3f}; more than a tenth not good: "
            f"{100 * (own['share'][is_noise] > 0.1).mean():.0f} % of the noisy, "
            f"{100 * (own['share'][~is_noise] > 0.1).mean():.1f} % of others"
        )


def cost():
    """Processor time, the median of ten."""
    raw = ecg.read_raw_wfdb(records("mitdb")[0])
    times = []
    for _ in range(10):
        start = time.process_time()
        ecg.signal_quality(raw)
        times.append(time.process_time() - start)
    print(f"30 minutes of two leads: {np.median(times):.3f} s")


if __name__ == "__main__":
    parts = dict(acceptable=acceptable, noise=noise, databases=databases, time=cost)
    for part in sys.argv[1:] or parts:
        parts[part]()
