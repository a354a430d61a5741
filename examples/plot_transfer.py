"""
Transfer to a new subject
=========================

A new person has given a few trials of imagined left and right fist. A network of their own has little to
learn from; one that has learnt from other people works at once, and can be trained further on these trials.

Needs recordings of the EEG Motor Movement/Imagery Dataset, which are downloaded if they are not there.
"""

# %%
# The recipe for motor imagery, on six people: each is aligned, and networks that are symmetric under an
# exchange of left and right are trained. Two of them, and 20 epochs in place of 40, to save time here.
import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedShuffleSplit

from mne_cnnclass import EpochsView, FineTunedClassifier, datasets, recipe

mne.set_log_level("WARNING")
others = EpochsView(datasets.load_eegbci(range(1, 7), tmin=0.0, tmax=3.0), groups="subject")
pipeline = recipe("motor imagery", random_state=0, n_threads=1)
pipeline.set_params(cnnclassifier__n_members=2, cnnclassifier__max_epochs=20)
many = clone(pipeline).fit(others)

# %%
# The new person. ``FineTunedClassifier`` trains a copy of what is fitted further; it is a classifier like any
# other, so it can be cross-validated, and what it learnt from the others stays in each copy.
new = EpochsView(datasets.load_eegbci(9, tmin=0.0, tmax=3.0), groups="subject")
further = FineTunedClassifier(many, max_epochs=10)
print(f"S009, without a trial of their own: {many.score(new, new.labels):.2f}")

# %%
# How many trials does it take? Each number is the mean of two draws, tested on 15 others.
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
#    The new person's trials are aligned by those that are trained on; without any, by all that are
#    predicted together, without labels.
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
