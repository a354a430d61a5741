"""
A 12-lead ECG
=============

PTB-XL contains 12-lead ECGs of 10 s with the findings of cardiologists. Is an ECG normal? The patients in its
folds 1 to 8 train the network, those in fold 10 test it. This page was made with an excerpt of 500 records,
which shows that 12 leads work, not what is possible with all 21799.
"""

# %%
# From records to epochs
# ----------------------
# Each record becomes one window. The leads are not normalised, because voltages show a thickened heart
# muscle.

import matplotlib.pyplot as plt
import mne
import numpy as np

from mne_cnnclass import EpochsView, ecg, evaluate, recipe

mne.set_log_level("ERROR")
records = ecg.fetch_ptbxl()
table = ecg.read_ptbxl(records[0].parents[2])
raws = [
    ecg.read_raw_wfdb(row.record, annotator=None, patient=row.patient, age=row.age, sex=row.sex)
    for row in table.itertuples()
]
names = ["normal" if normal else "abnormal" for normal in table["NORM"]]
view = EpochsView(ecg.make_rhythm_epochs(raws, label=names, normalize=False), groups="patient")
print(view)

# %%
# Train on folds 1 to 8, test on fold 10
# --------------------------------------
# Whether an ECG is normal depends more on shapes in the 12 leads than on rhythm. So the recipe receives the
# signals alone, without measures of the rhythm, mixed to six spatial components. The augmentation that
# inverts leads is switched off, too.

pipeline = recipe("rhythm", random_state=0).set_params(
    cnnclassifier__side_inputs=None,
    cnnclassifier__augmentation=None,
    cnnclassifier__model__n_components=6,
    cnnclassifier__max_epochs=12,
)
fold = table["strat_fold"].to_numpy()
result = evaluate(pipeline, view, cv=[(np.flatnonzero(fold <= 8), np.flatnonzero(fold == 10))])
print(result.summary().loc[["accuracy", "roc_auc"], ["pooled", "low", "high", "chance"]].round(2).to_string())
result.plot_roc()
plt.show()
