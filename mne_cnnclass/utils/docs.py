"""Parts of docstrings that several functions share, written once and filled in where their names stand."""

from __future__ import annotations

import re
from textwrap import indent
from typing import TypeVar

Documented = TypeVar("Documented")

# An entry is named after its parameter; another word distinguishes entries for the same parameter.
docdict = {
    # samples, labels and scores
    "X": "X : EpochsView | mne.Epochs | list of mne.Epochs | array",
    "y_unused": """\
y : None
    Not used.""",
    "y_true_proba_classes": """\
y_true : array, shape (n_samples,)
    The true classes.
proba : array, shape (n_samples, n_classes)
    Class probabilities, with one column per class.
classes : array, shape (n_classes,)
    The classes, in the order of the columns of ``proba``.""",
    "proba_classes_": """\
proba : array, shape (n_samples, n_classes)
    Class probabilities; the columns are ordered as in ``classes_``.""",
    "labels_predicted": """\
labels : array, shape (n_samples,)
    The predicted labels.""",
    "metric": """\
metric : str
    Name of the metric.""",
    "lower_is_better": """\
lower_is_better : bool
    Whether lower values of the metric are better. Default is False.""",
    # recordings
    "raw": """\
raw : mne.io.Raw
    The recording.""",
    "recordings": """\
recordings : Raw | path-like | list of Raw or path-like
    Recordings with ECG channels, or WFDB records, which are read with :func:`read_raw_wfdb`.""",
    "sfreq_arrays": """\
sfreq : None | float
    Sampling frequency of arrays in Hz; not needed for epochs.""",
    # streams
    "speed_callbacks": """\
speed : None | float
    How fast, such as 1.0 for real time. ``None`` is as fast as it can.
callbacks : iterable of callable
    Functions, such as a :class:`DecisionTable`, that are called with each decision before it is given.""",
    "decisions_of_recording": """\
decisions : iterator of Decision
    The decisions, with times in s from the start of the recording.""",
    "timeout_patience_callbacks": """\
timeout : float
    How long to look for the stream, in s. Default is 2.
patience : None | float
    Time in s without samples after which decisions end. ``None`` waits for a stream that stopped, and goes on
    when it is back.
callbacks : iterable of callable
    As in :meth:`replay`.""",
    "decisions_of_stream": """\
decisions : iterator of Decision
    The decisions, with times of the LSL clock of this computer.""",
    "lsl_errors": """\
ImportError
    If mne-lsl is missing (``pip install "mne-cnnclass[live]"``).
RuntimeError
    If there is no such stream, or several, or if its time stamps show another rate.""",
    # estimators and networks
    "fitted_properties": """\
ch_names_, sfreq_, n_channels_, n_times_
    Properties of the training samples, see :class:`~mne_cnnclass.CNNClassifier`.""",
    "classes_": """\
classes_ : array, shape (n_classes,)
    The class labels.""",
    "self_transformer": """\
self : object
    The fitted transformer.""",
    "clf_linear": """\
clf : CNNClassifier | Pipeline
    A fitted EEGNet, ShallowFBCSPNet, Deep4Net or MultiScaleCNN, or a Pipeline that ends in one, whose earlier
    steps make the samples that are looked at.""",
    "raises_linear": """\
ValueError
    If the network does not begin with known linear layers, if the classifier has several members, or if
    the sampling frequency is unknown.""",
    "contribution_parameters": """\
X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, n_channels, n_times)
    Samples of all classes, as in ``CNNClassifier.predict``.
y : None | array-like, shape (n_samples,)
    The true labels. ``None`` uses those of the epochs.
n_steps : int
    Number of paths to each sample, each from another sample. The gradient is computed at one point on
    each path; these points are evenly spaced from 0 to 1, in random order. The computing time is
    proportional to ``n_steps``. Default is 32.
random_state : None | int | numpy.random.RandomState
    Seed of the random choice of other samples and of the order of points.""",
    "permutation_parameters": """\
scoring : None | str | callable
    A scikit-learn metric. ``None`` uses ``clf.score``, usually the accuracy.
n_repeats : int
    Number of permutations. Default is 10.
random_state : None | int | numpy.random.RandomState
    Seed of the permutations.""",
    "example_network": """\
>>> from mne_cnnclass import CNNClassifier, EpochsView, datasets, explain
>>> view = EpochsView(datasets.load_sample())[::6]
>>> clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(view)""",
    "example_linear": """\
>>> from mne.decoding import Vectorizer
>>> from sklearn.linear_model import LogisticRegression
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> from mne_cnnclass import EpochsView, datasets, explain
>>> view = EpochsView(datasets.load_sample())
>>> linear = make_pipeline(Vectorizer(), StandardScaler(), LogisticRegression(C=1e-3))
>>> linear = linear.fit(view[::2], view.labels[::2])""",
    # evaluations
    "folder_paths": """\
Parameters
----------
folder : path-like
    The folder to write to; it is created if it does not exist.

Returns
-------
paths : list of pathlib.Path
    Paths of the files.""",
    "raises_no_groups": """\
ValueError
    If there are no groups.""",
    # figures
    "ax": """\
ax : None | matplotlib.axes.Axes
    The axes to plot on. ``None`` creates a new figure.""",
    "ax_fig": """\
Parameters
----------
%(ax)s

%(returns_fig)s""",
    "ax_datasets": """\
ax : None | matplotlib.axes.Axes | array of matplotlib.axes.Axes
    The axes to plot on, one per data set. ``None`` creates a new figure.""",
    "returns_fig": """\
Returns
-------
fig : matplotlib.figure.Figure
    The figure.""",
    "fold_curve": """\
Parameters
----------
y_true : array, shape (n_samples,)
    The true classes.
y_score : array, shape (n_samples, n_classes)
    Probabilities or decision scores, with one column per class.
folds : array, shape (n_samples,)
    The fold in which each sample was tested.
classes : array, shape (n_classes,)
    The classes, in the order of the columns of ``y_score``.
%(title)s
%(ax)s

%(returns_fig)s

Raises
------
ValueError
    If no fold has test samples of two classes, so that no curve is defined.""",
    "title": """\
title : None | str
    Title of the axes.""",
}


def fill_doc(obj: Documented) -> Documented:
    """Replace each ``%(name)s`` in the docstring of a function or class by that entry of ``docdict``."""
    obj.__doc__ = obj.__doc__ and _fill(obj.__doc__)  # python -OO leaves none
    return obj


def _fill(text):
    """A text with its entries, which may have places for others."""
    return re.sub(r"(?m)^( *)%\((\w+)\)s", lambda found: indent(_fill(docdict[found[2]]), found[1]), text)
