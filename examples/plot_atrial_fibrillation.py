"""
Atrial fibrillation in short recordings
=======================================

Given half a minute of ECG from a hand-held, single-lead device: is the rhythm normal (N), atrial
fibrillation (A), another rhythm (O), or is there only noise (~)? Recordings of the PhysioNet/CinC Challenge
2017 are cut into windows of 10 s. Trees are grown on measures of the intervals and shapes of the beats around
each window. The answers for the windows are then combined into one answer per recording.

To keep this page quick, it uses 30 recordings of each class; ``docs/guide/ecg.md`` has the results for 1500.
"""

# %%
# From recordings to windows
# --------------------------
# Each recording has its label as an annotation over its whole length, and its windows take this label.

import matplotlib.pyplot as plt
import mne

from mne_cnnclass import EpochsView, ecg, evaluate, recipe, viz

mne.set_log_level("ERROR")
raws = {"N": [], "A": [], "O": [], "~": []}
for file in ecg.fetch_cinc2017():
    raw = ecg.read_raw_cinc2017(file)
    same = raws[raw.annotations.description[0]]
    if len(same) < 30:
        same.append(raw)
view = EpochsView(ecg.make_rhythm_epochs(sum(raws.values(), [])), groups="record")
print(view)

# %%
# Cross-validate over recordings
# ------------------------------
# The view knows the groups, so all windows of a recording stay on one side of each split.

pipeline = recipe("rhythm", random_state=0)
windows = evaluate(pipeline, view, cv=3)
result = ecg.combine_windows(windows, view.groups)
print(result.class_scores().round(2).to_string())
result.plot_confusion_matrix()

# %%
# A recording of half an hour
# ---------------------------
# In record 201 of the MIT-BIH Arrhythmia Database, which is from another device and another lead,
# fibrillation comes and goes. The true rhythms are shaded; grey ones, nearly all trigeminy (every third beat
# is premature), are neither normal nor fibrillation, and many beats are premature even in spans annotated as
# normal.

record = ecg.read_raw_wfdb(ecg.fetch_mitdb(["201"])[0])
epochs = ecg.make_rhythm_epochs(record, leads=["MLII"], label="unknown", around=30.0)
epochs.rename_channels({"MLII": "ECG"})  # the name that it was trained with
proba = pipeline.fit(view).predict_proba(epochs)
record.set_annotations(record.annotations[record.annotations.duration > 0])  # rhythms, not beats
record.annotations.rename({"(N": "N", "(AFIB": "A"})
viz.plot_rhythm(record, epochs, proba, classes=pipeline.classes_)
plt.show()
