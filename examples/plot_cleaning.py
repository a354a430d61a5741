"""
Cleaning and epoching a recording
=================================

One call leads from a recording to epochs: names and positions of the electrodes, bad channels, filter,
reference, blinks, resampling, rejection. A log says what was done, and what was dropped.

The recording is one of `mne.datasets.eegbci`; a local copy is used if ``MNE_CNNCLASS_DATA`` points to one.
"""

# %%
# One subject imagines closing the left or the right fist. We corrupt two channels to see whether they are
# found: P3 is flat, as if unplugged, and C5 is noisy, as if loose.

import matplotlib.pyplot as plt
import mne
import numpy as np

from mne_cnnclass import EpochsView, datasets
from mne_cnnclass.preprocessing import epochs_log, make_epochs

mne.set_log_level("ERROR")
folder = datasets.local_folder("eegmmidb")
file = folder / "S001" / "S001R04.edf" if folder else mne.datasets.eegbci.load_data(1, 4)[0]
raw = mne.io.read_raw_edf(file, preload=True)
raw._data[raw.ch_names.index("P3..")] = 0
raw._data[raw.ch_names.index("C5..")] += 3e-4 * np.random.default_rng(0).standard_normal(raw.n_times)

# %%
# The steps
# ---------
# The steps run in the order of these keywords; a step whose keyword is left out does not run. There is no EOG
# channel, so frontal electrodes show which independent components come from the eyes.

settings = dict(events=dict(left="T1", right="T2"), tmin=0.0, tmax=3.0, rename="standard")
(plain,) = make_epochs(raw, **settings)
(clean,) = make_epochs(
    raw,
    **settings,
    montage="standard_1005",
    bads="auto",
    notch=60.0,
    l_freq=1.0,
    h_freq=38.0,
    reference="average",
    artifacts="ica",
    eog=["Fp1", "Fp2"],
    sfreq=128.0,
    reject=dict(eeg=400e-6),
)
print(epochs_log(clean)[["step", "done"]].to_string(index=False))
print(EpochsView(clean))

# %%
# Before and after
# ----------------
# The two corrupted channels are red.

fig, axes = plt.subplots(1, 2, figsize=(10, 5), sharey=True, layout="constrained")
names = ["Fp1", "Fp2", "F3", "C5", "C3", "C4", "P3", "Pz", "O1", "O2"]
step = 250
number = clean.selection[0]
for ax, epochs, title in ((axes[0], plain, "as recorded"), (axes[1], clean, "cleaned")):
    signal = 1e6 * epochs[list(epochs.selection).index(number)].get_data(picks=names)[0]
    for row, (name, line) in enumerate(zip(names, signal, strict=True)):
        color = "tab:red" if name in ("C5", "P3") else "black"
        ax.plot(epochs.times, line - step * row, linewidth=0.7, color=color)
    ax.set(title=f"{title}, one trial", xlabel="Time from the cue (s)", ylim=(-step * len(names), 1.5 * step))
axes[0].set_yticks(-step * np.arange(len(names)), names)
axes[0].set_ylabel(f"Channel ({step} µV from line to line)")
