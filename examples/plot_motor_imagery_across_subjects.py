"""
Motor imagery of people never seen
==================================

Left or right fist, imagined: train on some people, test on another. Cross-validation keeps a person's trials
together because the view knows the groups.

The recordings are those of `mne.datasets.eegbci`; a local copy is used if ``MNE_CNNCLASS_DATA``
points to one.
"""

# %%
# Recordings to samples
# ---------------------
# 4–38 Hz, 1–4 s after the cue: the cue stands left or right and people look at it, and eye movements below
# 4 Hz would tell the classes apart without any imagery.

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
# Leave one person out
# --------------------

cv = LeaveOneGroupOut()
clf = CNNClassifier(max_epochs=15, random_state=0)
csp = make_pipeline(CSP(8), LinearDiscriminantAnalysis())
results = {"MultiScaleCNN": evaluate(clf, view, cv=cv), "CSP + LDA": evaluate(csp, view, cv=cv)}
print(summary_table(results).to_string())

# %%
# People differ far more than methods: each thin line is one person.

results["MultiScaleCNN"].plot_roc()
