"""
Atrial fibrillation in short recordings
=======================================

Half a minute of one lead from a hand-held device: is the rhythm normal (N), do the atria fibrillate (A), is
it another rhythm (O), or is there only noise (~)? Recordings of the PhysioNet/CinC Challenge 2017 are cut
into windows of 10 s. A network is given each window, and what the intervals and shapes of the beats around
it tell; the answers for the windows become one answer for the recording.

So that this page is quick, 30 recordings of each class are used here, and the training is short; all of them:
``docs/ecg_rhythms.md``.
"""

# %%
# Recordings to windows
# ---------------------
# Each recording brings its label as an annotation over its length, which its windows take.

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
# Recordings never seen
# ---------------------
# Windows of a recording stay on one side of each split, as the view knows the groups.

pipeline = recipe("rhythm", random_state=0, n_threads=1).set_params(cnnclassifier__max_epochs=12)
windows = evaluate(pipeline, view, cv=3)
result = ecg.combine_windows(windows, view.groups)
print(result.class_scores().round(2).to_string())
result.plot_confusion_matrix()

# %%
# A recording of half an hour
# ---------------------------
# In record 201 of the MIT-BIH Arrhythmia Database, another device and another lead, fibrillation comes and
# goes. The true rhythms are shaded; grey ones, nearly all trigeminy, are neither normal nor fibrillation. The
# long fibrillation at the start and at the end is found. Between them many beats come early, in spans that
# are annotated as normal, too: ventricular ones first, where the network wavers between other rhythms and
# fibrillation, and from minute 24 on atrial ones, which it takes for fibrillation.

record = ecg.read_raw_wfdb(ecg.fetch_mitdb(["201"])[0])
epochs = ecg.make_rhythm_epochs(record, leads=["MLII"], label="unknown", around=30.0)
epochs.rename_channels({"MLII": "ECG"})  # the name that the network was trained with
proba = pipeline.fit(view).predict_proba(epochs)
record.set_annotations(record.annotations[record.annotations.duration > 0])  # rhythms, not beats
record.annotations.rename({"(N": "N", "(AFIB": "A"})
viz.plot_rhythm(record, epochs, proba, classes=pipeline.classes_)
plt.show()
