"""Epochs whose classes are known by construction."""

import mne
import numpy as np

CHANNELS = ("Fz", "C3", "Cz", "C4", "Pz")


def planted_epochs(n_epochs=48, *, ch_names=CHANNELS, n_times=100, sfreq=100.0, amplitude=3.0, seed=0):
    """White noise of 1 µV, and in every second epoch ("left", code 7) a 10 Hz rhythm at C3."""
    rng = np.random.default_rng(seed)
    codes = np.resize([7, 2], n_epochs)
    events = np.column_stack([np.arange(n_epochs) * n_times, np.zeros(n_epochs, int), codes])
    data = rng.standard_normal((n_epochs, len(ch_names), n_times))
    phases = rng.uniform(0, 2 * np.pi, (n_epochs, 1))
    rhythm = amplitude * np.sin(2 * np.pi * 10 * np.arange(n_times) / sfreq + phases)
    if "C3" in ch_names:
        data[codes == 7, ch_names.index("C3")] += rhythm[codes == 7]
    info = mne.create_info(list(ch_names), sfreq, "eeg")
    return mne.EpochsArray(data * 1e-6, info, events, event_id={"left": 7, "right": 2}, verbose=False)
