"""
First steps: from Epochs to a confusion matrix
==============================================

One subject moved a cursor with slow cortical potentials, slow shifts of the EEG (BCI Competition II, data set
Ia). We train a convolutional network to distinguish negative from positive shifts, cross-validate it, and
look at the results.

The recording comes with ``pip install ".[sample]"``; nothing is downloaded.
"""

# %%
# Epochs as samples
# -----------------
# A view turns any `mne.Epochs` into samples that scikit-learn can split. The labels are the names of the
# events. Slow potentials change over tenths of a second, so 64 Hz is enough, and training is fast.

from mne.decoding import Vectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mne_cnnclass import CNNClassifier, EpochsView, datasets, evaluate

view = EpochsView(datasets.load_sample("train").resample(64))
print(view)

# %%
# Cross-validate
# --------------
# The classifier is a scikit-learn estimator, so it works with scikit-learn's own functions …

cv = StratifiedKFold(3, shuffle=True, random_state=0)
clf = CNNClassifier(max_epochs=20, random_state=0)
print(cross_val_score(clf, view, view.labels, cv=cv))

# %%
# … while `evaluate` keeps every prediction, so that all metrics and figures come from a single run.

result = evaluate(clf, view, cv=cv)
print(result)

# %%

result.plot_confusion_matrix()

# %%

result.plot_roc()

# %%

result.plot_training()

# %%
# A baseline
# ----------
# Is a network worth it? The same call evaluates any estimator of scikit-learn or MNE on the same folds.

linear = make_pipeline(Vectorizer(), StandardScaler(), LogisticRegression(C=4e-3))
print(evaluate(linear, view, cv=cv))

# %%
# Predict a new session
# ---------------------
# The test trials were recorded on the second day. Channels are matched by name. A different sampling
# frequency or length would be an error, so the test trials are resampled, too.

clf.fit(view)
print(clf.score(EpochsView(datasets.load_sample("test").resample(64))))

# %%
# Save the model
# --------------
# The file contains no pickle, so it can be read without executing any code in it.

import tempfile
from pathlib import Path

from mne_cnnclass import load_classifier

with tempfile.TemporaryDirectory() as folder:
    clf.save(Path(folder) / "cursor.mcnn")
    print(load_classifier(Path(folder) / "cursor.mcnn"))
