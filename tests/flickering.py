"""Epochs during which lights flicker at known frequencies."""

import mne
import numpy as np

from mne_cnnclass import EpochsView

FREQUENCIES = {"10 Hz": 10.0, "12 Hz": 12.0, "15 Hz": 15.0, "rest": None}
SFREQ = 200.0


def flickering(n_each=10, *, frequencies=FREQUENCIES, amplitude=0.5, locked=False, alpha=0.0, seed=0):
    """Noise that channels share, and a response and its second harmonic in two of four channels, 2 s each.

    The phase of a response is that of the epoch's start if ``locked``, otherwise any; ``alpha`` is the size
    of a rhythm at 11 to 13 Hz in all epochs, which comes from another place.
    """
    rng = np.random.default_rng(seed)
    mixing = np.eye(4) + 0.3 * rng.standard_normal((4, 4))
    labels = np.repeat(list(frequencies), n_each)
    rng.shuffle(labels)
    t = np.arange(int(2 * SFREQ)) / SFREQ
    data = rng.standard_normal((len(labels), 4, len(t)))
    for trial, label in zip(data, labels, strict=True):
        phase, own = rng.uniform(0, 2 * np.pi, 2), 2 * np.pi * rng.uniform(11, 13)
        trial[3] += alpha * np.sin(own * t + rng.uniform(0, 2 * np.pi))
        if hz := frequencies[label]:
            waves = [np.sin(2 * np.pi * k * hz * t + (0 if locked else phase[k - 1])) for k in (1, 2)]
            trial[:2] += amplitude * (waves[0] + 0.5 * waves[1])
    codes = {label: code for code, label in enumerate(frequencies, 1)}
    events = np.column_stack([np.arange(len(labels)) * 500, np.zeros(len(labels), int)])
    events = np.column_stack([events, [codes[label] for label in labels]])
    info = mne.create_info(["O1", "Oz", "O2", "Pz"], SFREQ, "eeg")
    epochs = mne.EpochsArray(1e-6 * (mixing @ data), info, events, event_id=codes, verbose=False)
    return EpochsView(epochs)
