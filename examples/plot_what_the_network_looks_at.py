"""
What the network looks at
=========================

A network that distinguishes imagined movements of the left and the right fist may use signals of the motor
cortex, or of the eyes. We train one on two subjects and look at where its components lie, which frequencies
they pass, what in a trial speaks for a class, and how much the score drops without a channel or a band.

The recordings are those of `mne.datasets.eegbci`; a local copy is used if ``MNE_CNNCLASS_DATA``
points to one.
"""

# %%
# Train on two runs, hold out the third
# -------------------------------------
# We explain samples that the network was not trained on: explanations of training samples also show what was
# memorised.

import matplotlib.pyplot as plt
import mne
import pandas as pd

from mne_cnnclass import CNNClassifier, EpochsView, datasets, explain
from mne_cnnclass.viz import plot_importance

mne.set_log_level("ERROR")
view = EpochsView(datasets.load_eegbci([2, 7]), groups="run")
train, test = view[view.groups != 12], view[view.groups == 12]
clf = CNNClassifier("MultiScaleCNN", random_state=0).fit(train)
print(f"Accuracy {clf.score(test):.2f} in {len(test)} trials of the third run, chance 0.50")

# %%
# Components: where and at which frequency
# ----------------------------------------
# The network begins with linear filters over channels and in time. A spatial *filter* does not show where the
# signal is; the *pattern* does (Haufe et al. 2014, doi:10.1016/j.neuroimage.2013.10.067). We rank the
# components by how much they speak for the correct class, and look at the first four.

contributions = explain.component_contributions(clf, test, random_state=0).mean(axis=1)
best = contributions.nlargest(4).index
patterns = explain.spatial_patterns(clf, train)
patterns.plot_topomap(times=best, time_format="component %d", ch_type="eeg", colorbar=True)

# %%
# The gain of their temporal filters over frequency:

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
explain.filter_responses(clf)[best].plot(ax=ax, xlim=(0, 45))
ax.set(xlabel="Frequency (Hz)", ylabel="Gain (largest = 1)")

# %%
# What in a trial speaks for its class
# ------------------------------------
# The saliency of a class is an `mne.Evoked`, so all of MNE's plots work with it. Its unit is that of the
# logit, the output of the network before the softmax. Here we sum it over time and plot it on the head. A
# contribution is measured relative to the network's output for other trials, so two classes have nearly the
# same map: *less* of a rhythm speaks for one class just as *more* of it speaks for the other.

evokeds = explain.saliency(clf, test, random_state=0)
fig, axes = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
totals = {label: evoked.data.sum(axis=1) for label, evoked in evokeds.items()}
limit = max(abs(total).max() for total in totals.values())
for ax, (label, total) in zip(axes, totals.items(), strict=True):
    image, _ = mne.viz.plot_topomap(total, evokeds[label].info, axes=ax, vlim=(-limit, limit), show=False)
    ax.set_title(f"{label}, n = {evokeds[label].nave}")
fig.colorbar(image, ax=axes, label="Contribution to the logit of the class", shrink=0.7)

# %%
# And by frequency, summed over channels:

spectra = explain.saliency_spectrum(clf, test, random_state=0)
fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
pd.DataFrame({label: spectrum.sum(axis=1) for label, spectrum in spectra.items()}).plot(ax=ax, xlim=(0, 45))
ax.axhline(0, color="0.45", linestyle="--", linewidth=1)
ax.set(xlabel="Frequency (Hz)", ylabel="Contribution to the logit")

# %%
# What the score depends on
# -------------------------
# Permutation importance works with any estimator, a Pipeline with MNE's CSP as well as a network: a band, or
# a channel, is replaced by that of another trial. The 64 channels share signals, so the network hardly misses
# a single one; that does not mean that none matters. With few trials, the error bars are wide.

bands = {"theta": (4, 8), "mu": (8, 13), "low beta": (13, 20), "high beta": (20, 30), "gamma": (30, 38)}
fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
plot_importance(explain.band_importance(clf, test, bands=bands, n_repeats=20, random_state=0), ax=axes[0])
channels = explain.channel_importance(clf, test, scoring="neg_log_loss", n_repeats=5, random_state=0)
plot_importance(channels.nlargest(10, "mean"), ax=axes[1])
