"""
Alignment across subjects
=========================

Skulls, caps and noise differ more from person to person than what they think of. Euclidean alignment
whitens the trials of each person by their mean covariance. It needs no labels, so a person never seen before
can be aligned, too.

The recordings are those of `mne.datasets.eegbci`; a local copy is used if ``MNE_CNNCLASS_DATA``
points to one.
"""

# %%
# Left or right fist, imagined by six people: 4–38 Hz, 0–3 s after the cue.

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
from mne.decoding import CSP
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline

from mne_cnnclass import EpochsView, datasets
from mne_cnnclass.preprocessing import EuclideanAlignment, Resample, Standardize

mne.set_log_level("ERROR")
view = EpochsView(datasets.load_eegbci(subjects=[1, 2, 3, 4, 7, 8], tmin=0, tmax=3), groups="subject")
view = Resample(100).fit_transform(view)
print(view)

# %%
# One person out
# --------------
# The alignment is a step of the pipeline. People trained on are aligned by all of their trials, as is the
# new one, whose trials are looked at without their labels. With ``online=True`` each trial of a new person is
# aligned by itself and those before it alone, as a running experiment has to.

classifier = make_pipeline(CSP(8, reg="ledoit_wolf"), LinearDiscriminantAnalysis())
first_steps = {
    "standardised": Standardize(),
    "aligned, whole session": EuclideanAlignment(),
    "aligned, trial by trial": EuclideanAlignment(online=True),
}
accuracy = pd.DataFrame(
    {
        name: cross_val_score(
            make_pipeline(step, classifier), view, view.labels, groups=view.groups, cv=LeaveOneGroupOut()
        )
        for name, step in first_steps.items()
    },
    index=pd.Index(np.unique(view.groups), name="tested on"),
)
print(accuracy.round(2).to_string())
print(accuracy.mean().round(3).to_string())

# %%
# How far people are apart
# ------------------------
# The mean covariance of each person, before and after. Afterwards all are the identity.

aligned = EuclideanAlignment().fit_transform(view)
fig, axes = plt.subplots(2, 6, figsize=(9, 3.6), layout="constrained")
for row, (samples, name) in zip(axes, ((view, "before"), (aligned, "after")), strict=True):
    for ax, person in zip(row, np.unique(view.groups), strict=True):
        data = np.asarray(samples[samples.groups == person])
        covariance = np.einsum("ect,edt->cd", data, data)
        image = ax.imshow(covariance / np.trace(covariance), cmap="RdBu_r", vmin=-0.02, vmax=0.02)
        ax.set(xticks=[], yticks=[], title=person)
    row[0].set_ylabel(f"{name}\n64 channels")
fig.colorbar(image, ax=axes, label="share of the total power")
fig.suptitle("Mean covariance of each person")
