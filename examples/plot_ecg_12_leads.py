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

from mne_cnnclass import CNNClassifier, EpochsView, ecg, evaluate

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
# Whether an ECG is normal depends more on shapes in the 12 leads than on rhythm. So not the recipe, which
# knows measures of the rhythm in one lead, but a network receives the signals, mixed to six spatial
# components. It has kernels of a QRS complex to two seconds, and keeps beats at different times apart.

pipeline = CNNClassifier(
    "MultiScaleCNN",
    model_params=dict(
        n_components=6,
        kernel_widths=((0.1, 0.3), (0.3, 1.0), (1.0, 2.0)),
        n_filters=(12, 12, 12),
        pool_size=(0.1, 0.2, 0.4),
        pool_stride=(0.1, 0.2, 0.4),
        n_cosines=0,
    ),
    max_epochs=12,
    random_state=0,
)
fold = table["strat_fold"].to_numpy()
result = evaluate(pipeline, view, cv=[(np.flatnonzero(fold <= 8), np.flatnonzero(fold == 10))])
print(result.summary().loc[["accuracy", "roc_auc"], ["pooled", "low", "high", "chance"]].round(2).to_string())
result.plot_roc()
plt.show()
