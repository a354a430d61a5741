"""
Transfer to a new subject
=========================

A new subject has recorded a few trials of imagined movement of the left and right fist. That is little to
train a network on. A network that was trained on other subjects works at once, and can be trained further on
these trials.

This example needs recordings of the EEG Motor Movement/Imagery Dataset, which are downloaded if necessary.
"""

# %%
# We train the recipe for motor imagery on six subjects. It aligns the trials of each subject and trains
# networks that are symmetric under an exchange of left and right. To save time, we use two networks instead
# of five, and 20 epochs of training instead of 40.
import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedShuffleSplit

from mne_cnnclass import EpochsView, FineTunedClassifier, datasets, recipe

mne.set_log_level("WARNING")
others = EpochsView(datasets.load_eegbci(range(1, 7), tmin=0.0, tmax=3.0), groups="subject")
pipeline = recipe("motor imagery", random_state=0)
pipeline.set_params(cnnclassifier__n_members=2, cnnclassifier__max_epochs=20)
many = clone(pipeline).fit(others)

# %%
# Now the new subject. ``FineTunedClassifier`` trains a copy of a fitted classifier further. It is a
# classifier like any other, so it can be cross-validated: each fold starts from what was learnt from the
# other subjects.
new = EpochsView(datasets.load_eegbci(9, tmin=0.0, tmax=3.0), groups="subject")
further = FineTunedClassifier(many, max_epochs=10)
print(f"S009, without a trial of their own: {many.score(new, new.labels):.2f}")

# %%
# How many trials does it take? Each number is the mean of two random draws of training trials, tested on 15
# other trials.
rows = []
for n_train in (10, 30):
    splits = StratifiedShuffleSplit(2, train_size=n_train, test_size=15, random_state=0)
    for train, test in splits.split(new, new.labels):
        for name, estimator in {"from scratch": pipeline, "transfer": further}.items():
            score = clone(estimator).fit(new[train]).score(new[test], new.labels[test])
            rows.append({"trials": n_train, "method": name, "accuracy": score})
        rows.append({"trials": 0, "method": "transfer", "accuracy": many.score(new[test], new.labels[test])})
table = pd.DataFrame(rows).pivot_table(index="trials", columns="method", values="accuracy")
print(table.round(2))

# %%
# .. note::
#    The new subject's trials are aligned by those among them that are used for training; if there are none,
#    by all that are predicted together, without labels.
fig, ax = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
for name, marker in {"transfer": "o", "from scratch": "s"}.items():
    accuracy = table[name].dropna()
    ax.plot(accuracy.index, accuracy, marker=marker, label=name)
ax.axhline(0.5, color="0.5", linestyle="--", label="chance 0.50")
ax.set(
    xlabel="Trials of the new person in training",
    ylabel="Accuracy (share of trials)",
    ylim=(0.3, 1.0),
    xticks=np.arange(0, 31, 10),
)
ax.set_title("S009 after six others, 15 test trials, mean of 2 draws", loc="left", fontsize="medium")
ax.legend()
plt.show()
