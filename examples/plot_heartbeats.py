"""
Classifying heartbeats of patients left out of training
=======================================================

Beats of one patient look alike. A random split of beats puts each patient on both sides, so the score
measures what the classifier remembers of these patients. A split that keeps patients whole measures how well
it will do for the next patient. Both are shown here, on eight half-hour records of the MIT-BIH Arrhythmia
Database; the recipe was chosen on these patients and fourteen more, so its scores are optimistic.
``docs/guide/ecg.md`` has results for all 22, and explains the recipe.
"""

# %%
# Each heartbeat becomes one epoch. Leads differ from record to record: the second channel is the first chest
# lead that a record has, and the metadata say which one that is. To save time, only a quarter of the many
# normal beats is kept here.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedKFold

from mne_cnnclass import EpochsView, ecg, evaluate, recipe

records = ecg.fetch_mitdb(["106", "114", "118", "119", "201", "207", "209", "223"])
view = EpochsView(ecg.make_beat_epochs(records), groups="patient")
view = view[np.flatnonzero((view.labels != "N") | (np.arange(len(view)) % 4 == 0))]
view = view[np.isin(view.labels, ["N", "S", "V"])]
print(view)
print(view.metadata.groupby("record")[["leads", "age", "sex"]].first())

# %%
# We use the recipe with one network instead of three. Smoothing over similar beats of a record is switched
# off, because a random split would put such beats on both sides.

pipeline = recipe("heartbeats", random_state=0)
pipeline.set_params(
    beatclassifier__n_members=1, beatclassifier__n_samples=3000, beatclassifier__smoothing=0.0
)

# %%
# First, new patients: each is tested by a network that was trained on others.

honest = evaluate(pipeline, view, cv=GroupKFold(4))
print(honest.class_scores().round(2).to_string())
honest.plot_confusion_matrix()

# %%
# Now the same with beats assigned at random. ``evaluate`` warns, because this is a leak: the score says
# nothing about the next patient.

with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    leak = evaluate(pipeline, view, cv=StratifiedKFold(2, shuffle=True, random_state=0))
print(next(str(w.message) for w in told if "a group is on both sides" in str(w.message)))
for name, result in (("new patients", honest), ("beats at random, a leak", leak)):
    print(f"{name}: macro F1 {result.summary().loc['f1_macro', 'pooled']:.2f}")
plt.show()
