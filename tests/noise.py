"""Samples in which nothing tells the classes apart, of the kinds that recipes and baselines take."""

import mne
import numpy as np
import pandas as pd

from mne_cnnclass import EpochsView, ecg

# channels, sampling frequency in Hz, times, classes
KINDS = {
    "eeg": (["C3", "Cz", "C4"], 160.0, 160, ["left", "right"]),
    "beats": (["II", "II - typical"], 128.0, 90, ["N", "V"]),
    "rhythm": (["II"], 100.0, 300, ["AF", "N"]),
}


def noise_view(kind="eeg", *, seed=0, n_groups=4, n_each=12):
    """Noise with as many samples of each class in each of two sessions of a group, and metadata of noise.

    Where classes are out of balance, what is more frequent in the training part is less so in the test part,
    and scores fall below chance.
    """
    ch_names, sfreq, n_times, classes = KINDS[kind]
    rng = np.random.default_rng(seed)
    n_samples = n_groups * n_each
    half = np.resize([1, 2], n_each // 2)  # a session
    codes = np.concatenate([rng.permutation(half) for _ in range(2 * n_groups)])
    events = np.column_stack([np.arange(n_samples) * 2 * n_times, np.zeros(n_samples, int), codes])
    groups = np.repeat([f"s{i}" for i in range(n_groups)], n_each)
    table = pd.DataFrame(dict(subject=groups, session=np.tile(np.repeat([1, 2], n_each // 2), n_groups)))
    if kind == "beats":
        table = table.assign(record=groups, patient=groups, onset=np.arange(n_samples) * 0.8)
        table["rr_previous"] = rng.uniform(0.6, 1.0, n_samples)
        columns = ecg.BEAT_COLUMNS
    else:
        columns = ecg.RHYTHM_COLUMNS if kind == "rhythm" else []
    table[list(columns)] = rng.standard_normal((n_samples, len(columns)))
    epochs = mne.EpochsArray(
        1e-5 * rng.standard_normal((n_samples, len(ch_names), n_times)),
        mne.create_info(ch_names, sfreq, "eeg" if kind == "eeg" else "ecg"),
        events,
        tmin=-0.25 if kind == "beats" else 0.0,
        event_id=dict(zip(classes, [1, 2], strict=True)),
        metadata=table,
        verbose="ERROR",
    )
    return EpochsView(epochs, groups="subject")
