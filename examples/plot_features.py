"""
Features, alone or alongside the signal
=======================================

Band power, Hjorth parameters and other features become a table with named columns. It can be used by any
scikit-learn classifier, or as side inputs of the network: numbers that it receives next to the signal.
"""

# %%
# The data are slow cortical potentials of one subject, who moves a cursor up or down (BCI Competition II,
# data set Ia).

import matplotlib.pyplot as plt
import mne
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mne_cnnclass import CNNClassifier, EpochsView, datasets
from mne_cnnclass.preprocessing import Features

mne.set_log_level("ERROR")
train, test = (EpochsView(datasets.load_sample(part).resample(128)) for part in ("train", "test"))

# %%
# A table with named columns
# --------------------------

features = Features(["band_power", "hjorth", "spectral_entropy"]).set_output(transform="pandas")
table = features.fit_transform(train)
print(table.iloc[:4, :4].round(2).to_string())

# %%
# The features that differ most between the classes, in standard deviations of each feature:

first, second = sorted(set(train.labels))
difference = (table[train.labels == second].mean() - table[train.labels == first].mean()) / table.std()
largest = difference[difference.abs().sort_values().index[-10:]]
fig, ax = plt.subplots(layout="constrained")
ax.barh(largest.index, largest)
ax.axvline(0, color="black", linewidth=0.8)
ax.set(
    xlabel=f"{second} less {first} (standard deviations)", title=f"Ten of {table.shape[1]} features, n = 268"
)

# %%
# A linear classifier on features, and a network without and with them
# --------------------------------------------------------------------
# When features are side inputs, the transformer is fitted, and its output standardised, on the training
# samples only.

spectra = Features(["band_power", "hjorth"])
linear = make_pipeline(spectra, StandardScaler(), LogisticRegression(max_iter=1000))
network = CNNClassifier(max_epochs=20, random_state=0)
both = CNNClassifier(side_inputs=[spectra], max_epochs=20, random_state=0)
for name, clf in {"features": linear, "signal": network, "signal and features": both}.items():
    print(f"{name}: {clf.fit(train, train.labels).score(test, test.labels):.3f}")
