"""What a transformer costs beside the operation inside it: medians of interleaved runs, and their ratio.

``python tests/benchmarks/transformers.py`` takes about three minutes. 8 people of 45 epochs of 64 channels,
3 s at 160 Hz (88 MB), in 8 Epochs in memory; time of the processor, one thread (``OMP_NUM_THREADS=1``).
"""

import time

import mne
import numpy as np
from mne_features.feature_extraction import extract_features
from scipy.linalg import inv, sqrtm
from scipy.signal import lfilter

from mne_cnnclass import EpochsView
from mne_cnnclass.preprocessing import (
    Clip,
    Crop,
    EuclideanAlignment,
    ExponentialStandardize,
    Features,
    Filter,
    Reference,
    Resample,
    Standardize,
)

N_PEOPLE, N_EPOCHS, N_RUNS = 8, 45, 9
mne.set_log_level("ERROR")
rng = np.random.default_rng(0)
names = mne.channels.make_standard_montage("easycap-M1").ch_names[:64]
info = mne.create_info(names, 160.0, "eeg")
epochs = [mne.EpochsArray(1e-5 * rng.standard_normal((N_EPOCHS, 64, 480)), info) for _ in range(N_PEOPLE)]
view = EpochsView(epochs, groups=np.repeat(np.arange(N_PEOPLE), N_EPOCHS))
X = np.asarray(view)
mean, scale = X.mean(axis=(0, 2))[:, None], X.std(axis=(0, 2))[:, None]
people = [slice(i * N_EPOCHS, (i + 1) * N_EPOCHS) for i in range(N_PEOPLE)]
alignment = EuclideanAlignment().fit(view)


def align():
    out = np.empty_like(X)
    for person, part in enumerate(people):
        out[part] = inv(sqrtm(alignment.references_[person])) @ X[part]


def exponential():
    old = [1.0], [1.0, -0.999]
    weight = lfilter(*old, np.ones(480))
    centred = X - lfilter(*old, X) / weight
    return centred / np.sqrt(lfilter(*old, centred**2) / weight + 1e-30)


def welch():
    settings = dict(n_fft=320, n_overlap=160, fmin=0, fmax=45)
    for start in range(0, len(X), 8):  # MNE takes ten times as long for hundreds of epochs at once
        mne.time_frequency.psd_array_welch(X[start : start + 8], 160.0, **settings)


CASES = {
    "Standardize": (Standardize(), lambda: (X - mean) / scale, "(X - mean) / scale"),
    "ExponentialStandardize": (ExponentialStandardize(), exponential, "scipy.signal.lfilter, twice"),
    "Clip": (Clip(), lambda: np.clip(X, -6 * scale, 6 * scale), "np.clip"),
    "Filter": (
        Filter(8, 30),
        lambda: mne.filter.filter_data(X, 160.0, 8, 30, pad="edge"),
        "mne.filter.filter_data",
    ),
    "Resample": (
        Resample(100),
        lambda: mne.filter.resample(X, 100, 160, npad="auto", pad="edge"),
        "mne.filter.resample",
    ),
    "Crop": (Crop(0.5, 2.5), lambda: X[..., 80:401].copy(), "a copy of the slice"),
    "Reference": (Reference(), lambda: np.eye(64) @ X, "matrix @ X"),
    "EuclideanAlignment": (alignment, align, "inv(sqrtm(R)) @ X, a person at a time"),
    "Features": (Features(), welch, "mne.time_frequency.psd_array_welch"),
    'Features(["line_length"])': (
        Features(["line_length"]),
        lambda: extract_features(X, 160.0, ["line_length"]),
        "mne_features' extract_features",
    ),
}

if __name__ == "__main__":
    print(
        "| transformer | operation inside | operation, ms | transform, ms | ratio |\n"
        "| --- | --- | ---: | ---: | ---: |"
    )
    for name, (transformer, bare, what) in CASES.items():
        transformer.fit(view)
        times = np.empty((N_RUNS, 2))
        for run in range(N_RUNS):
            for i, function in enumerate((bare, lambda t=transformer: t.transform(view))):
                start = time.process_time()
                function()
                times[run, i] = time.process_time() - start
        bare_ms, ours_ms = 1e3 * np.median(times, axis=0)
        print(f"| `{name}` | {what} | {bare_ms:.0f} | {ours_ms:.0f} | {ours_ms / bare_ms:.2f} |", flush=True)
