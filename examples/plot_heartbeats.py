"""
Heartbeats of patients never seen
=================================

Beats of one patient look alike. A random split of beats puts each patient on both sides, and scores what a
classifier remembers of people; one that keeps patients whole scores what it will do for the next one. Both
are shown here, on eight half-hour records of the MIT-BIH Arrhythmia Database. All 22 records of its first
half, and what the recipe does: ``docs/heartbeats.md``.
"""

# %%
# One epoch a heartbeat. Leads differ from record to record: the second slot takes the first chest lead that
# a record has, and the metadata tell which one that was. Of the many normal beats a quarter is kept here, to
# save time.

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
# The recipe, with one network instead of three. Smoothing over a record's beats is left out, as it
# looks at neighbours, which a random split would deal out to both sides.

pipeline = recipe("heartbeats", random_state=0, n_threads=1)
pipeline.set_params(
    beatclassifier__n_members=1, beatclassifier__n_samples=3000, beatclassifier__smoothing=0.0
)

# %%
# New patients: each is tested by a network that was trained on others.

honest = evaluate(pipeline, view, cv=GroupKFold(4))
print(honest.class_scores().round(2).to_string())
honest.plot_confusion_matrix()

# %%
# The same with beats dealt out at random. ``evaluate`` warns, for it is a leak: this score is of no use for
# the next patient.

with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    leak = evaluate(pipeline, view, cv=StratifiedKFold(2, shuffle=True, random_state=0))
print(next(str(w.message) for w in told if "a group is on both sides" in str(w.message)))
for name, result in (("new patients", honest), ("beats at random, a leak", leak)):
    print(f"{name}: macro F1 {result.summary().loc['f1_macro', 'pooled']:.2f}")
plt.show()
