"""
Alignment across subjects
=========================

EEG differs more between subjects, by skull, cap and noise, than between the tasks that we want to decode.
Euclidean alignment whitens the trials of each subject by their mean covariance, so that the trials of
different subjects become comparable. It needs no labels, so a new subject can be aligned, too.

The recordings are those of `mne.datasets.eegbci`; a local copy is used if ``MNE_CNNCLASS_DATA``
points to one.
"""

# %%
# Six subjects imagined moving the left or the right fist. The data are filtered from 4 to 38 Hz and cut from
# 0 to 3 s after the cue.

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
# Leave one subject out
# ---------------------
# The alignment is a step of the pipeline. Training subjects are aligned by all of their trials. So is the
# test subject, whose labels are not used. With ``online=True``, each trial of a new subject is aligned only
# by itself and the trials before it, as a running experiment requires. Alignment is compared with
# standardising each channel.

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
# How different subjects are
# --------------------------
# The mean covariance of each subject, before and after alignment. Afterwards, all are the identity.

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
