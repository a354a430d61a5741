"""
Which pipeline is better, and how certain is it?
================================================

We evaluate four pipelines on the same subjects and folds: common spatial patterns, band power, and two
convolutional networks. Subjects differ far more than pipelines, so pipelines are compared within each
subject.

The recordings are those of `mne.datasets.eegbci`; a local copy is used if ``MNE_CNNCLASS_DATA``
points to one.
"""

# %%
# Recordings and pipelines
# ------------------------
# Eight subjects imagined moving the left or the right fist; 21 channels over the motor cortex, 1 to 4 s after
# the cue.

import mne
import numpy as np
from mne.decoding import CSP
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mne_cnnclass import CNNClassifier, EpochsView, compare, datasets, evaluate

mne.set_log_level("ERROR")
MOTOR = [f"{row}{side}" for row in ("FC", "C", "CP") for side in ("5", "3", "1", "z", "2", "4", "6")]
epochs = datasets.load_eegbci(subjects=[1, 2, 3, 4, 5, 6, 7, 8], h_freq=30.0)
epochs = [one.pick(MOTOR).resample(80.0) for one in epochs]
view = EpochsView(epochs, groups="subject")
print(view)


def log_band_power(samples):
    """Logarithm of the power of each channel, over the band of the filter."""
    return np.log(np.var(np.asarray(samples), axis=-1))


networks = dict(max_epochs=10, random_state=0)
pipelines = {
    "CSP + LDA": make_pipeline(CSP(6, reg="ledoit_wolf"), LinearDiscriminantAnalysis()),
    "Band power": make_pipeline(FunctionTransformer(log_band_power), StandardScaler(), LogisticRegression()),
    "EEGNet": CNNClassifier("EEGNet", **networks),
    "MultiScaleCNN": CNNClassifier("MultiScaleCNN", **networks),
}

# %%
# The same splits for all
# -----------------------
# There are four folds; each tests on two subjects that were not trained on. `compare` refuses results of
# different splits.

cv = GroupKFold(4)
results = {name: evaluate(pipeline, view, cv=cv) for name, pipeline in pipelines.items()}
comparison = compare(results)

# %%
# The table has one row per pair of pipelines: the mean difference with its confidence interval, the effect
# size, and a p-value adjusted for all six pairs. Eight subjects can only show large differences: the smallest
# possible p-value of their permutation test is 2 / 2⁸ = 0.008, or 0.047 when adjusted for six pairs. Here no
# pair differs significantly. That does not mean "no difference": the intervals reach several percent to
# either side.

print(comparison)

# %%
# The matrix shows by how much the pipeline of the row is better than that of the column.

comparison.plot()

# %%
# Each line is one subject.

comparison.plot_scores()

# %%
# With many subjects or folds, another metric, such as the log loss of the probabilities, may be more
# informative than the accuracy. For the log loss, lower is better, and the table takes that into account.

print(
    compare(results, metric="log_loss").table[["pipeline_a", "pipeline_b", "difference", "p_holm", "better"]]
)
