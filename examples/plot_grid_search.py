"""
A grid search in a Pipeline
===========================

The architecture, its parameters and the training parameters all belong to one scikit-learn estimator. So a
grid search can vary any of them, also inside a Pipeline.
"""

# %%
# A Pipeline
# ----------
# Any transformer of 3-D arrays can be a step before the classifier; here it is MNE's channel-wise scaler,
# which is robust to outliers with these settings.

import matplotlib.pyplot as plt
from mne.decoding import Scaler
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier, EpochsView, datasets

view = EpochsView(datasets.load_sample("train").resample(64))[::3]  # for speed
pipeline = make_pipeline(
    Scaler(scalings="median"),
    CNNClassifier("EEGNet", model_params={"sfreq": view.sfreq}, max_epochs=10, lr=0.01, random_state=0),
)

# %%
# The search
# ----------
# ``model__<name>`` sets a parameter of the architecture (`mne_cnnclass.list_models` lists them).

grid = {
    "cnnclassifier__model__drop_prob": [0.25, 0.5],
    "cnnclassifier__lr": [0.001, 0.01],
}
search = GridSearchCV(pipeline, grid, cv=2).fit(view, view.labels)
print(search.best_params_)

# %%
# All points of the grid, with the accuracy of each fold:

results = search.cv_results_
names = [
    "\n".join(f"{name.rpartition('__')[2]} = {value}" for name, value in params.items())
    for params in results["params"]
]
fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.plot(names, results["split0_test_score"], "o", color="0.6", label="one fold")
ax.plot(names, results["split1_test_score"], "o", color="0.6")
ax.plot(names, results["mean_test_score"], "D", label="mean")
ax.axhline(0.5, color="0.45", ls="--", label="chance 0.50")
ax.set(ylabel="Accuracy", ylim=(0.4, 1), title=f"Grid search, 2 folds, n = {len(view)} samples")
ax.margins(x=0.12)
ax.legend()

# %%
# The score of the best point of the grid is too optimistic, since it was selected for being high. A second,
# outer cross-validation estimates the score on new data.

print(cross_val_score(search, view, view.labels, cv=2))
