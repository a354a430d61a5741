"""Noise from real recordings, without beats, to add to an ECG as in the noise stress test database.

    from ecg_noise import KINDS, add_noise              # beside another benchmark
    python tests/benchmarks/ecg_noise.py                # how much of a heart is left in each kind

- baseline wander: second leads of MIT-BIH below 0.5 Hz, where a QRS complex has nothing to see;
- muscle noise: the difference of two neighbouring electrodes over a temple of 16 people of eegmmidb, to both
  of which the heart is equally far, above 10 Hz, without the mains at 60 Hz;
- electrode motion: pieces of 8 s of recordings of CinC 2017 (held in two hands) that cardiologists called too
  noisy, if they repeat at no interval that a heart has, and no more of what stands out in them looks alike
  than in muscle noise.

``MNE_CNNCLASS_DATA`` must be set.
"""

import os
from functools import cache
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from scipy.io import loadmat
from scipy.signal import find_peaks
from scipy.stats import trim_mean

KINDS = ("baseline wander", "muscle noise", "electrode motion")
PIECE = 8.0  # s
MOST_ALIKE = dict(rhythm=0.25, shape=0.85)  # most of muscle noise is below, and of hearts nothing: see main


def add_noise(signal, sfreq, peaks, kind, snr, *, seed=0, every=120.0):
    """Add noise to a lead at so many dB, in every second stretch of so many s (``None``: in all of it).

    As ``nstdbgen`` has it, the signal's power is an eighth of the square of the typical height of a QRS
    complex, and the noise's that within a second, both without the lowest and highest 5 %. Each stretch has
    the noise of another recording.

    Returns
    -------
    noisy : array, shape (n_times,)
    is_noisy : array of bool, shape (n_times,)
    """
    signal, rng = np.asarray(signal, float), np.random.default_rng([seed, KINDS.index(kind)])
    n = len(signal) if every is None else round(every * sfreq)
    is_noisy = np.ones(n, bool) if every is None else np.arange(len(signal)) // n % 2 == 1
    near = np.asarray(peaks)[:, None] + np.arange(-round(0.05 * sfreq), round(0.05 * sfreq) + 1)
    near = signal[near[(near[:, 0] >= 0) & (near[:, -1] < len(signal))]]
    size = trim_mean(np.ptp(near, axis=1), 0.05) / np.sqrt(8) * 10 ** (-snr / 20)
    noisy = signal.copy()
    for start in range(0 if every is None else n, len(signal), 2 * n):
        part = noisy[start : start + n]
        part += size * make_noise(kind, len(part), sfreq, rng)
    return noisy, is_noisy


def make_noise(kind, n_times, sfreq, rng):
    """Make noise whose typical root mean square in a second, without its mean, is 1."""
    pieces, rate = {KINDS[0]: _wander, KINDS[1]: _muscle, KINDS[2]: _motion}[kind]()
    n, ramp = int(np.ceil(n_times / sfreq * rate)), round(0.25 * rate)
    out, at = np.zeros(n + 2 * ramp), 0
    fade = np.r_[np.linspace(0, 1, ramp), 1.0]
    while at < n + ramp:
        piece = pieces[rng.integers(len(pieces))] * rng.choice([-1, 1])
        first = rng.integers(max(len(piece) - len(out) + at, 0) + 1)
        piece = piece[first : first + len(out) - at].copy()
        piece -= np.linspace(piece[:ramp].mean(), piece[-ramp:].mean(), len(piece))
        if len(piece) > 2 * ramp:  # pieces overlap by a quarter of a second
            piece[:ramp] *= fade[:-1]
            piece[-ramp:] *= fade[:0:-1]
        out[at : at + len(piece)] += piece
        at += len(piece) - ramp
    out = mne.filter.resample(out[ramp:], up=sfreq / rate, npad="auto", verbose="ERROR")[:n_times]
    return out / typical_rms(out, sfreq)


def typical_rms(noise, sfreq):
    """Root mean square within a second, as ``sigamp`` of the WFDB software measures noise."""
    n = min(round(sfreq), len(noise))
    return trim_mean(noise[: len(noise) // n * n].reshape(-1, n).std(axis=1), 0.05)


def alike(noise, sfreq):
    """How much of a heart is in a piece: how well bursts repeat at an interval, and how alike they are."""
    band = mne.filter.filter_data(noise, sfreq, 5.0, 30.0, method="iir", verbose="ERROR")
    envelope = mne.filter.resample(np.abs(band), down=sfreq / 40, npad="auto", verbose="ERROR")
    spectrum = np.fft.rfft(envelope - envelope.mean(), 2 * len(envelope))
    repeats = np.fft.irfft(np.abs(spectrum) ** 2)[: len(envelope)]
    repeats *= len(envelope) / (len(envelope) - np.arange(len(envelope))) / repeats[0]
    height = np.percentile(np.abs(band), 98)
    found, _ = find_peaks(np.abs(band), height=0.5 * height, distance=round(0.33 * sfreq))
    around = np.arange(-round(0.06 * sfreq), round(0.06 * sfreq) + 1)
    found = found[(found >= -around[0]) & (found < len(band) - around[-1])]
    beats = band[found[:, None] + around]
    shape = np.median(np.corrcoef(beats, np.median(beats, axis=0))[-1, :-1]) if len(beats) > 2 else 1.0
    return repeats[round(0.33 * 40) : round(1.6 * 40)].max(), shape


@cache
def _wander():
    import wfdb

    out = []
    for file in sorted((_data() / "mitdb").glob("*.hea")):
        lead = wfdb.rdrecord(str(file.with_suffix("")), channels=[1]).p_signal[:, 0]
        lead = mne.filter.resample(lead, down=36, npad="auto", verbose="ERROR")
        lead = mne.filter.filter_data(lead, 10.0, None, 0.5, h_trans_bandwidth=0.2, verbose="ERROR")
        out += [part / typical_rms(part, 10.0) for part in np.split(lead[:18000], 15)]
    return out, 10.0


@cache
def _muscle():
    out = []
    for file in sorted((_data() / "eegmmidb").rglob("*.edf")):
        raw = mne.io.read_raw_edf(file, preload=True, verbose="ERROR")
        raw.rename_channels(lambda name: name.strip(".").upper())
        for side in "78":
            pair = raw.get_data([f"T{side}"])[0] - raw.get_data([f"FT{side}"])[0]
            pair = mne.filter.filter_data(pair, 160.0, 10.0, None, verbose="ERROR")
            pair = mne.filter.notch_filter(pair, 160.0, 60.0, notch_widths=4.0, verbose="ERROR")
            if typical_rms(pair, 160.0) > 8e-6:  # else not much muscle
                out.append(pair / typical_rms(pair, 160.0))
    return [part for part in out if alike(part, 160.0)[0] < 0.1], 160.0


@cache
def _motion():
    out = []
    for folder in ("cinc2017", "cinc2017_more"):
        labels = pd.read_csv(_data() / folder / "REFERENCE.csv", header=None, index_col=0)[1]
        for name in labels.index[labels == "~"]:
            signal = loadmat(next((_data() / folder).rglob(f"{name}.mat")))["val"].ravel().astype(float)
            n = round(PIECE * 300)
            parts = signal[: len(signal) // n * n].reshape(-1, n)
            out += [part / typical_rms(part, 300.0) for part in parts if _has_no_heart(part)]
    return out, 300.0


def _has_no_heart(part):
    band = mne.filter.filter_data(part, 300.0, 5.0, 30.0, method="iir", verbose="ERROR")
    if typical_rms(band, 300.0) < 30:  # in uV: hands that do not move
        return False
    rhythm, shape = alike(part, 300.0)
    return rhythm < MOST_ALIKE["rhythm"] and shape < MOST_ALIKE["shape"]


def _data():
    return Path(os.environ["MNE_CNNCLASS_DATA"])


def main():
    """Print how much of a heart is in each kind of noise, and in recordings with a heart."""
    print("| pieces of 8 s | n | repeats: 50 %, 95 % | alike: 50 %, 95 % | as little as noise |")
    print("|---" * 5 + "|")
    rng = np.random.default_rng(0)
    rows = {kind: make_noise(kind, 240 * 2400, 300.0, rng).reshape(-1, 2400) for kind in KINDS[1:]}
    labels = pd.read_csv(_data() / "cinc2017/REFERENCE.csv", header=None, index_col=0)[1]
    for name, label in (("normal rhythm", "N"), ("atrial fibrillation", "A")):
        raws = [
            loadmat(_data() / f"cinc2017/{name}.mat")["val"].ravel() for name in labels.index[labels == label]
        ]
        rows[name] = np.concatenate([raw[: len(raw) // 2400 * 2400].reshape(-1, 2400) for raw in raws])
    for name, pieces in rows.items():
        table = np.array([alike(piece.astype(float), 300.0) for piece in pieces])
        is_noise = (table < list(MOST_ALIKE.values())).all(axis=1).mean()
        half, most = np.percentile(table, [50, 95], axis=0)
        print(
            f"| {name} | {len(table)} | {half[0]:.2f}, {most[0]:.2f} | {half[1]:.2f}, {most[1]:.2f} "
            f"| {100 * is_noise:.0f} % |"
        )


if __name__ == "__main__":
    main()
