"""
An ECG of 12 leads
==================

PTB-XL has 10 s of 12 leads of each record and what cardiologists found: is it normal? Patients of its folds 1
to 8 train the network, those of fold 10 test it. The excerpt used here shows that 12 leads work, not what is
possible with the 21799 records of :func:`mne_cnnclass.ecg.fetch_ptbxl`.

A local copy of the records is used if ``MNE_CNNCLASS_DATA`` points to one.
"""

# %%
# Records to epochs
# -----------------
# One window a record. Voltages tell of a thick heart muscle, so the leads are not normalised.

import os
from pathlib import Path

import mne
import numpy as np

from mne_cnnclass import CNNClassifier, EpochsView, ecg, evaluate

mne.set_log_level("ERROR")
folder = Path(os.environ.get("MNE_CNNCLASS_DATA", Path.home() / "mne_data"))
table = ecg.read_ptbxl(folder / "ptbxl")
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

clf = CNNClassifier(
    model_params=dict(
        kernel_widths=((0.1, 0.3), (0.3, 1.0)),
        n_filters=(12, 12),
        pool_size=(0.1, 0.2),
        pool_stride=(0.1, 0.2),
        n_components=4,
        n_cosines=0,
    ),
    max_epochs=8,
    random_state=0,
)
fold = table["strat_fold"].to_numpy()
result = evaluate(clf, view, cv=[(np.flatnonzero(fold <= 8), np.flatnonzero(fold == 10))])
print(result.summary().loc[["accuracy", "roc_auc"], ["pooled", "low", "high", "chance"]].round(2).to_string())
result.plot_roc()
