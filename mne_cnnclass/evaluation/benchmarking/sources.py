"""What a data set of a benchmark can be: Epochs, a view, files, a table of a config, or a function."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from glob import glob
from os import PathLike, fspath

import numpy as np

from ...samples.columns import check_column
from ...samples.inputs import is_epochs
from ...samples.view import EpochsView
from .entries import dataset_source, read_files
from .fingerprint import fingerprint_view

KEPT = (str, bool, int, float)  # kinds of subjects and sessions


@dataclass(frozen=True)
class Dataset:
    """Samples, and the subject and session of each, if known.

    The groups of ``X`` are those of the view, else subjects.
    """

    name: str
    X: EpochsView
    subjects: np.ndarray | None
    sessions: np.ndarray | None

    @property
    def y(self):
        """The class of each sample."""
        return self.X.labels

    def describe(self):
        """What the store keeps of a data set, as a dict."""
        n_samples, n_channels, n_times = self.X.shape
        return {
            "fingerprint": fingerprint_view(self.X, self.y, self.X.groups, self.subjects, self.sessions),
            "n_samples": n_samples,
            "n_channels": n_channels,
            "n_times": n_times,
            "sfreq": self.X.sfreq,
            "tmin": float(self.X.times[0]),
            "ch_names": json.dumps(self.X.ch_names),
            "classes": _distinct(self.y),
            "subjects": _distinct(self.subjects),
            "sessions": _distinct(self.sessions),
        }


def _distinct(column):
    return None if column is None else json.dumps(np.unique(column).tolist())


def as_dataset(name, source):
    """Make a data set of anything that :func:`~mne_cnnclass.benchmark` takes as one."""
    if isinstance(source, Mapping):
        source = dataset_source(name, source)
    if callable(source):
        return as_dataset(name, source())
    if isinstance(source, (str, PathLike)):
        paths = sorted(glob(fspath(source), recursive=True))
        if not paths:
            raise ValueError(f"Data set {name!r}: there is no file {fspath(source)}.")
        source = read_files(paths)
    if not is_epochs(source):
        raise TypeError(
            f"Data set {name!r} must be Epochs, an EpochsView, a path or pattern of files of Epochs, a "
            f"dict as in a config, or a function that makes one of these, got {type(source).__name__}."
        )
    view = EpochsView(source)
    columns = {} if view.metadata is None else view.metadata
    subjects, sessions = (
        # make_epochs has these columns, too, where nothing tells them
        check_column(columns[key], key, len(view)) if key in columns and columns[key].notna().any() else None
        for key in ("subject", "session")
    )
    check_column(view.labels, "labels", len(view))
    subjects = view.groups if subjects is None else subjects
    for key, column in (("subject", subjects), ("session", sessions)):
        odd = [] if column is None else [value for value in column.tolist() if not isinstance(value, KEPT)]
        if odd:
            raise TypeError(
                f"Data set {name!r}: each {key} must be text or a number, got {odd[0]!r}. "
                f"Make it text: epochs.metadata[{key!r}].astype(str)."
            )
    groups = subjects if view.groups is None else view.groups
    return Dataset(name, EpochsView(view, groups=groups), subjects, sessions)
