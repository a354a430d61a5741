"""What make_epochs costs beside the bare MNE calls, on one run of EEGBCI: medians of interleaved runs,
time of the processor.

``OMP_NUM_THREADS=1 MNE_CNNCLASS_DATA=... python tests/benchmarks/preprocessing.py`` takes about a minute.
"""

import time

import mne
import numpy as np

from mne_cnnclass import datasets
from mne_cnnclass.preprocessing import make_epochs

N_RUNS = 25
EVENTS = dict(left="T1", right="T2")
FILE = datasets.local_folder("eegmmidb") / "S001" / "S001R04.edf"
mne.set_log_level("ERROR")


def bare(everything):
    raw = mne.io.read_raw_edf(FILE, preload=True)
    mne.datasets.eegbci.standardize(raw)
    raw.set_montage(datasets.MONTAGE_1005)
    if everything:
        raw.info["bads"] = ["Fp1"]
        raw.interpolate_bads()
        raw.notch_filter(60.0)
    raw.filter(4.0, 38.0)
    events, _ = mne.events_from_annotations(raw, event_id=dict(T1=1, T2=2))
    if everything:
        raw.set_eeg_reference("average")
        raw, events = raw.resample(128.0, events=events)
    reject = dict(eeg=5e-4) if everything else None
    mne.Epochs(raw, events, dict(left=1, right=2), 0, 3, baseline=None, reject=reject, preload=True)


def ours(everything):
    steps = dict(bads=["Fp1"], notch=60.0, reference="average", sfreq=128.0, reject=dict(eeg=5e-4))
    settings = dict(tmin=0, tmax=3, l_freq=4.0, h_freq=38.0, rename="standard", montage="standard_1005")
    make_epochs(FILE, events=EVENTS, **settings, **(steps if everything else {}))


if __name__ == "__main__":
    for everything in (False, True):
        times = np.empty((N_RUNS, 2))
        for run in range(-1, N_RUNS):  # the first one warms up
            for column, function in enumerate((bare, ours)):
                start = time.process_time()
                function(everything)
                times[run, column] = time.process_time() - start
        mne_ms, ours_ms = 1e3 * np.median(times, axis=0)
        name = (
            "with interpolation, notch, reference, resampling, rejection"
            if everything
            else "filter and epochs"
        )
        print(f"{name}: MNE {mne_ms:.0f} ms, make_epochs {ours_ms:.0f} ms, ratio {ours_ms / mne_ms:.2f}")
