"""Inputs unlike those that the ready models of hearts were trained on: what happens with each.

    MNE_CNNCLASS_DATA=... python tests/benchmarks/unlike.py inputs    # the table of docs/guide/pretrained.md
    MNE_CNNCLASS_DATA=... python tests/benchmarks/unlike.py people    # how many hearts and EEGs are refused

What a pacemaker's spike is was chosen on LUDB to 50, so that the others judge it.
"""

import os
import sys
import warnings
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from scipy.signal import butter, sosfiltfilt

from mne_cnnclass import EpochsView, ecg, load_pretrained

DATA = Path(os.environ["MNE_CNNCLASS_DATA"])
SFREQ, N = 500.0, 60000
TIMES = np.arange(N) / SFREQ


def of(signal, sfreq=SFREQ):
    return mne.io.RawArray(np.atleast_2d(signal), mne.create_info(["II"], sfreq, "ecg"), verbose="ERROR")


def person(scale=1.0, band=None, muscle=None):
    """Two minutes of an ECG, changed: scaled, filtered, or with muscle noise at so many dB."""
    raw = mne.io.read_raw_edf(DATA / "eegmat" / "Subject00_1.edf", preload=True, verbose="ERROR")
    signal = scale * raw.get_data([name for name in raw.ch_names if "ECG" in name])[0, :N]
    if band is not None:
        signal = mne.filter.filter_data(signal, SFREQ, *band, verbose="ERROR")
    if muscle is not None:
        size = mne.filter.filter_data(signal, SFREQ, 5, 40, verbose="ERROR").std()
        signal = signal + size * 10 ** (-muscle / 20) * emg() / emg().std()
    return of(signal)


def noise():
    return np.random.default_rng(0).standard_normal(N)


def emg():
    sos = butter(2, (20, 150), "bandpass", fs=SFREQ, output="sos")
    return 1e-4 * sosfiltfilt(sos, noise()) * (1 + np.sin(2 * np.pi * 0.2 * TIMES))


def half_off():
    raw = person()
    raw._data[:, N // 2 :] = 2e-6 * noise()[N // 2 :]
    return raw


def pulse():
    phase = np.cumsum((1.2 + 0.05 * np.sin(2 * np.pi * 0.25 * TIMES)) / SFREQ) % 1
    wave = np.exp(-(((phase - 0.25) / 0.1) ** 2)) + 0.4 * np.exp(-(((phase - 0.55) / 0.12) ** 2))
    return of(1e-3 * wave + 5e-6 * noise())


def ludb(number, leads=None):
    raw = ecg.read_raw_wfdb(DATA / "ludb" / "data" / str(number), annotator=None)
    raw.rename_channels({name: name.upper().replace("AV", "aV") for name in raw.ch_names})
    return raw if leads is None else raw.pick(leads)


def swapped():
    raw = ludb(2, ["II", "V1"])
    raw._data = raw.get_data()[::-1].copy()
    return raw


def eeg(channel, subject):
    file = DATA / "eegmmidb" / f"S{subject:03d}" / f"S{subject:03d}R04.edf"
    raw = mne.io.read_raw_edf(file, include=[channel], preload=True, verbose="ERROR")
    return raw.set_annotations(None).set_channel_types({channel: "ecg"})


INPUTS = {
    "as recorded, 500 Hz": person,
    "at 125 Hz": lambda: person().resample(125),
    "at 50 Hz": lambda: person().resample(50),
    "5 to 15 Hz": lambda: person(band=(5, 15)),
    "0.5 to 8 Hz": lambda: person(band=(0.5, 8)),
    "mV given as V": lambda: person(1e3),
    "µV given as V": lambda: person(1e6),
    "another gain, × 10⁻⁶": lambda: person(1e-6),
    "upside down": lambda: person(-1),
    "5 s": lambda: person().crop(0, 5),
    "3 s": lambda: person().crop(0, 3),
    "muscle noise, 0 dB": lambda: person(muscle=0),
    "electrode off for half of it": half_off,
    "lead V6 alone (LUDB 2)": lambda: ludb(2, ["V6"]),
    "12 leads (LUDB 2)": lambda: ludb(2),
    "II and V1 swapped (LUDB 2)": swapped,
    "a paced heart (LUDB 34)": lambda: ludb(34),
    "atrial fibrillation (CinC 2017 A00004)": lambda: ecg.read_raw_cinc2017(DATA / "cinc2017" / "A00004"),
    "EEG, Cz": lambda: eeg("Cz..", 9),
    "EEG with blinks, Fpz": lambda: eeg("Fpz.", 9),
    "a pulse wave": pulse,
    "flat": lambda: of(0 * TIMES),
    "white noise": lambda: of(1e-4 * noise()),
    "line noise": lambda: of(3e-4 * np.sin(2 * np.pi * 50 * TIMES) + 1e-6 * noise()),
    "muscle alone": lambda: of(emg()),
    "square waves": lambda: of(5e-4 * (TIMES % 1 < 0.5) + 2e-6 * noise()),
}


def beats(raw, clf):
    """How many beats are judged, as what; or the error."""
    try:
        view = EpochsView(ecg.make_beat_epochs(raw, peaks="detected", unusable="keep"))
    except ValueError as error:
        return f"refused: {str(error).split('. ')[0]}"
    quality = view.metadata["quality"]
    is_good = (quality == "good").to_numpy()
    texts = [f"{n} not judged: {name}" for name, n in quality[~is_good].value_counts().items()]
    if is_good.any():
        texts += [f"{n} {name}" for name, n in pd.Series(clf.predict(view[is_good])).value_counts().items()]
    return ", ".join(texts)


def rhythm(raw, clf):
    """The answer for the first lead, with its probability; or the error."""
    try:
        view = EpochsView(ecg.make_rhythm_epochs(raw.copy().pick(raw.ch_names[:1])))
    except ValueError as error:
        return f"refused: {str(error).split('. ')[0]}"
    proba = ecg.combine_windows(clf.predict_proba(view), np.zeros(len(view))).iloc[0].to_numpy()
    text = f"{clf.classes_[proba.argmax()]} ({proba.max():.2f})"
    odd = set(view.metadata["quality"]) - {"good"}
    return f"warns: {odd.pop()}; {text}" if odd else text


def inputs():
    models = load_pretrained("heartbeats"), load_pretrained("rhythm")
    print("| input | heartbeats | rhythm |\n|---|---|---|")
    for name, make in INPUTS.items():
        raw = make()
        print(f"| {name} | {beats(raw, models[0])} | {rhythm(raw, models[1])} |", flush=True)


def people():
    rows = []

    def add(kind, raw):
        try:
            table = ecg.make_beat_epochs(raw, peaks="detected", unusable="keep").metadata
        except ValueError:
            return rows.append((kind, "refused", 0.0))
        odd = set(table["quality"]) & {"paced", "band", "no ecg", "short"}
        rows.append((kind, *(odd or {"-"}), (table["quality"] == "good").mean()))

    for number in range(1, 101):
        for lead in ("II", "V1"):
            part = "to 50" if number <= 50 else "from 51"
            add(f"LUDB {part}{', paced' * (number in (8, 34, 45, 72, 74, 90, 93, 95))}", ludb(number, [lead]))
    reference = pd.read_csv(DATA / "cinc2017_more" / "REFERENCE.csv", header=None, index_col=0)[1]
    for name in reference.index[reference.index.str[-1].isin(["0", "5"])]:
        add(f"CinC 2017 {reference[name]}", ecg.read_raw_cinc2017(DATA / "cinc2017_more" / name))
    for row in list(ecg.read_ptbxl(DATA / "ptbxl").itertuples())[::4]:
        add("PTB-XL", ecg.read_raw_wfdb(row.record, annotator=None))
    for file in sorted((DATA / "mitdb").glob("*.hea")):
        add("MIT-BIH", ecg.read_raw_wfdb(file, annotator=None).crop(60, 240))
    for subject in range(1, 17):
        for channel in ("Fp1.", "Fpz.", "Cz..", "Oz.."):
            add(f"EEG {'to S008' if subject < 9 else 'from S009'}", eeg(channel, subject).crop(0, 60))
    table = pd.DataFrame(rows, columns=["kind", "odd", "good"])
    print(table.groupby(["kind", "odd"])["good"].agg(["size", lambda good: (good > 0).sum()]).to_string())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    {"inputs": inputs, "people": people}[sys.argv[1]]()
