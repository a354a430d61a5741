"""
A network beside the baselines
==============================

A score of a network means little alone. Here it stands beside the pipelines that labs use today, on the same
folds, all of them one call away: :func:`mne_cnnclass.baselines`.

``pip install "mne-cnnclass[baselines,sample]"`` brings pyRiemann, sktime and the recording.
"""

# %%
# Slow cortical potentials
# ------------------------
# One person makes a slow potential negative or positive at will.

import mne

from mne_cnnclass import CNNClassifier, EpochsView, baselines, compare, datasets, evaluate
from mne_cnnclass.evaluation import summary_table

mne.set_log_level("ERROR")
view = EpochsView(datasets.load_sample("train"))
print(view)

# %%
# All but MiniRocket, which compiles itself for a minute at its first use.

names = ["dummy", "band power + LR", "CSP + LDA", "tangent space + LR", "Riemannian MDM"]
network = CNNClassifier(max_epochs=10, augmentation=["time_shift"], random_state=0, n_threads=1)
pipelines = {"MultiScaleCNN": network, **baselines("eeg", names=names)}
results = {name: evaluate(pipeline, view) for name, pipeline in pipelines.items()}
print(summary_table(results)[["accuracy", "roc_auc"]])

# %%
# Band power, covariances and spatial patterns measure powers: they know nothing of the sign of a slow
# potential, while a network learns the waveform. So it leads here. On rhythms of few people it does not have
# to: a baseline at chance does not say that there is nothing to find, nor does a network at chance.

comparison = compare({name: results[name] for name in ("MultiScaleCNN", "CSP + LDA", "tangent space + LR")})
print(comparison)
comparison.plot()
