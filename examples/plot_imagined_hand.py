"""
Which hand does this recording imagine?
=======================================

A model that comes with the package tells imagined movement of the left hand from that of the right, for
people that it was not trained on. It needs a recording with a cue at each trial, no labels and no training.

The recording is of subject S003 of `mne.datasets.eegbci`, one of the 48 that the model was trained on: this
shows how it is used. How well it does was measured on people left out of the training, see its card below.
"""

# %%
# From a file to an answer
# ------------------------
# The recording is filtered as those of the training were, before epochs are cut from 0 to 3 s after the cue.
# All trials of a session are passed together, because their mean covariance aligns the person to the others.

import matplotlib.pyplot as plt

from mne_cnnclass import EpochsView, datasets, load_pretrained

clf = load_pretrained("motor imagery")
(epochs,) = datasets.load_eegbci(
    [3], tmin=0, tmax=3
)  # of your own: make_epochs(files, events=…, l_freq=4, h_freq=38)
view = EpochsView(epochs, groups="subject")
probability = clf.predict_proba(view)[:, 1]
print(view.metadata[["run", "onset"]].assign(predicted=clf.predict(view), right=probability.round(2)).head())

# %%
# How sure it is, trial by trial. The cues, which the model does not see, give the colours.

fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for label, color in (("left", "tab:blue"), ("right", "tab:orange")):
    of_class = view.labels == label
    ax.plot(
        of_class.nonzero()[0] + 1,
        probability[of_class],
        "o",
        color=color,
        label=f"cue {label}, n = {of_class.sum()}",
    )
ax.axhline(0.5, color="0.3", linestyle="--", linewidth=1)
ax.set(xlabel="Trial", ylabel="Probability of the right hand", ylim=(-0.02, 1.02))
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))

# %%
# What it was measured with, and what it must not be used for, is in its card.

for name, text in clf.card_.items():
    print(f"{name}: {text}")

# %%
# Other caps
# ----------
# Electrodes are found by their names, and those that a recording lacks are silent. Seven are needed.

few = epochs.copy().pick(["FC3", "FC4", "C3", "C4", "CP3", "CP4", "Cz"])
print((clf.predict(few) == clf.predict(view)).mean(), "of the answers are the same with 7 electrodes")
