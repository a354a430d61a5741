"""Recordings of hearts whose beats are known by construction."""

import mne
import numpy as np

SFREQ = 360.0


def made_up(onset, symbols, *, names=("MLII", "V1"), sfreq=SFREQ, duration=None, wide="V", noise=0.01):
    """A recording with a triangle of 1 mV and 60 ms a beat, twice as long at the symbol ``wide``."""
    rng = np.random.default_rng(0)
    times = np.arange(int((duration or onset[-1] + 2) * sfreq)) / sfreq
    signal = np.zeros_like(times)
    for t, symbol in zip(onset, symbols, strict=True):
        width = 0.06 if symbol == wide else 0.03
        signal += np.clip(1 - np.abs(times - t) / width, 0, None)
    data = np.stack([1e-3 * signal, -2e-3 * signal])[: len(names)]
    data = data + 1e-3 * noise * rng.standard_normal(data.shape)
    raw = mne.io.RawArray(data, mne.create_info(list(names), sfreq, "ecg"), verbose="ERROR")
    return raw.set_annotations(mne.Annotations(onset, 0.0, symbols))
