"""
Comparing a network with baselines
==================================

The score of a network means little by itself. Here we compare it with pipelines that are in common use, on
the same folds. One call returns all of them: :func:`mne_cnnclass.baselines`.

``pip install ".[baselines,sample]"`` installs pyRiemann, sktime and the recording.
"""

# %%
# Slow cortical potentials
# ------------------------
# One subject makes the slow potentials of their EEG negative or positive at will.

import mne

from mne_cnnclass import CNNClassifier, EpochsView, baselines, compare, datasets, evaluate
from mne_cnnclass.evaluation import summary_table

mne.set_log_level("ERROR")
view = EpochsView(datasets.load_sample("train"))
print(view)

# %%
# We use all baselines but MiniRocket, which spends a minute on compilation at its first use.

names = ["dummy", "band power + LR", "CSP + LDA", "tangent space + LR", "Riemannian MDM"]
network = CNNClassifier("MultiScaleCNN", max_epochs=10, augmentation=["time_shift"], random_state=0)
pipelines = {"MultiScaleCNN": network, **baselines("eeg", names=names)}
results = {name: evaluate(pipeline, view) for name, pipeline in pipelines.items()}
print(summary_table(results)[["accuracy", "roc_auc"]])

# %%
# The network leads here because it learns the waveform. Band power, covariances and common spatial patterns
# measure power, and know nothing of the sign of a slow potential. On brain rhythms of few subjects, a network
# does not necessarily lead. And if a baseline is at chance, that does not mean that there is nothing to find;
# nor does it if a network is.

comparison = compare({name: results[name] for name in ("MultiScaleCNN", "CSP + LDA", "tangent space + LR")})
print(comparison)
comparison.plot()
