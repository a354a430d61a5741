"""
A grid search in a Pipeline
===========================

Architecture, its parameters and those of the training are parameters of one scikit-learn estimator, so a grid
search reaches all of them, through a Pipeline too.
"""

# %%
# A Pipeline
# ----------
# Steps before the classifier may be any transformer of 3-D arrays; here MNE's channel-wise scaler that is
# robust to outliers.

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
# ``model__<name>`` are parameters of the architecture (`mne_cnnclass.list_models` names them).

grid = {
    "cnnclassifier__model__drop_prob": [0.25, 0.5],
    "cnnclassifier__lr": [0.001, 0.01],
}
search = GridSearchCV(pipeline, grid, cv=2).fit(view, view.labels)
print(search.best_params_)

# %%
# The score of the best cell of a grid is too good, since it was picked for being good: a second, outer
# cross-validation tells what to expect on new data.

print(cross_val_score(search, view, view.labels, cv=2))
