"""
Motor imagery across subjects
=============================

Subjects imagined moving the left or the right fist. We train on some subjects and test on another.
Cross-validation keeps the trials of a subject together, because the view knows the groups.

The recordings are those of `mne.datasets.eegbci`; a local copy is used if ``MNE_CNNCLASS_DATA``
points to one.
"""

# %%
# From recordings to samples
# --------------------------
# The data are filtered from 4 to 38 Hz and cut from 1 to 4 s after the cue. The cue appears on the left or
# right and subjects look at it, so eye movements below 4 Hz would separate the classes without any imagery.

import mne
from mne.decoding import CSP
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier, EpochsView, datasets, evaluate
from mne_cnnclass.evaluation import summary_table

mne.set_log_level("ERROR")
epochs = datasets.load_eegbci(subjects=[1, 2, 3, 7])
view = EpochsView(epochs, groups="subject")
print(view)

# %%
# Leave one subject out
# ---------------------

cv = LeaveOneGroupOut()
clf = CNNClassifier("MultiScaleCNN", max_epochs=15, random_state=0)
csp = make_pipeline(CSP(8), LinearDiscriminantAnalysis())
results = {"MultiScaleCNN": evaluate(clf, view, cv=cv), "CSP + LDA": evaluate(csp, view, cv=cv)}
print(summary_table(results).to_string())

# %%
# Subjects differ far more than methods: each thin line is one subject.

results["MultiScaleCNN"].plot_roc()
