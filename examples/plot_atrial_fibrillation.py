"""
Atrial fibrillation in short recordings
=======================================

Half a minute of one lead from a hand-held device: is the rhythm normal, or do the atria fibrillate?
Recordings of the PhysioNet/CinC Challenge 2017 are cut into windows of 10 s. A network is given each window,
and what the intervals and shapes of the beats around it tell; the answers for the windows become one answer
for the recording.

The recordings are those of :func:`mne_cnnclass.ecg.fetch_cinc2017` and :func:`mne_cnnclass.ecg.fetch_mitdb`;
a local copy is used if ``MNE_CNNCLASS_DATA`` points to one. So that this page is quick, 40 recordings of each
rhythm are enough here; ``docs/ecg_rhythms.md`` has the study on four classes.
"""

# %%
# Recordings to windows
# ---------------------
# Each recording brings its label as an annotation over its length, which its windows take.

import os
from pathlib import Path

import mne

from mne_cnnclass import CNNClassifier, EpochsView, ecg, evaluate, viz

mne.set_log_level("ERROR")
folder = Path(os.environ.get("MNE_CNNCLASS_DATA", Path.home() / "mne_data"))
raws = [ecg.read_raw_cinc2017(file) for file in sorted((folder / "cinc2017").glob("*.mat"))]
normal = [raw for raw in raws if raw.annotations.description[0] == "N"]
fibrillation = [raw for raw in raws if raw.annotations.description[0] == "A"]
view = EpochsView(ecg.make_rhythm_epochs(normal[:40] + fibrillation[:40]), groups="record")
print(view)

# %%
# Recordings never seen
# ---------------------
# Windows of a recording stay on one side of each split, as the view knows the groups.

clf = CNNClassifier(
    model_params=dict(
        kernel_widths=((0.1, 0.3), (0.3, 1.0)),
        n_filters=(12, 12),
        pool_size=(0.1, 0.2),
        pool_stride=(0.1, 0.2),
        n_cosines=0,
    ),
    side_inputs=ecg.RHYTHM_COLUMNS,
    augmentation=ecg.vary_gain,
    max_epochs=10,
    random_state=0,
)
windows = evaluate(clf, view, cv=3)
result = ecg.combine_windows(windows, view.groups)
print(result.class_scores().round(2).to_string())
result.plot_confusion_matrix()

# %%
# A recording of half an hour
# ---------------------------
# In record 201 of the MIT-BIH Arrhythmia Database, another device and another lead, fibrillation comes and
# goes. The true rhythms are shaded; grey ones are neither. The network knows two rhythms only, and takes
# minutes 24 to 26.5, where many beats come early, for fibrillation: a class of other rhythms is missing.

record = ecg.read_raw_wfdb(folder / "mitdb" / "201")
epochs = ecg.make_rhythm_epochs(record, leads=["MLII"], label="unknown", around=30.0)
epochs.rename_channels({"MLII": "ECG"})  # the name that the network was trained with
proba = clf.fit(view).predict_proba(epochs)
record.set_annotations(record.annotations[record.annotations.duration > 0])  # rhythms, not beats
record.annotations.rename({"(N": "N", "(AFIB": "A"})
viz.plot_rhythm(record, epochs, proba, classes=clf.classes_)
