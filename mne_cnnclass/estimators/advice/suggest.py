"""Which recipe and baselines fit samples: `suggest`."""

from __future__ import annotations

import html
import textwrap
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import mne
import numpy as np
from sklearn.base import BaseEstimator

from ...networks.mirror import mirrored_channels, swapped_classes
from ...samples.blocks import channel_positions
from ...samples.inputs import as_samples
from ...samples.types import EpochsLike
from ...samples.view import EpochsView
from ..baselines import _TASKS, baselines
from ..cnn import CNNClassifier
from ..recipes import RECIPES, recipe
from .duration import measure_seconds
from .limits import UNBALANCED, Counts, find_limits
from .tasks import find_task

N_FOLDS = 5
WIDTH = 100  # of the text, in characters


@dataclass(frozen=True, eq=False, repr=False)
class Suggestion:
    """What fits samples, why, and what limits it.

    Returned by :func:`suggest`; as text, it is a page to read.

    Parameters
    ----------
    about : str
        The samples.
    recipe : None | str
        The task for :func:`recipe`; ``None`` if no recipe is known to fit, for ``CNNClassifier()``.
    is_told : bool
        Whether names tell the task. Otherwise the recipe only may fit, or there is none.
    params : dict
        Arguments of the recipe, such as ``frequencies``.
    changes : dict
        Parameters of the pipeline that have to be set with ``set_params``, as the samples lack what it needs.
    kind : "eeg" | "ecg"
        The kind of the baselines.
    baselines : list of str
        Names of the baselines to compare with.
    metric : str
        The metric to look at.
    cv : int
        Number of folds for :func:`evaluate`.
    groups : None | str
        The metadata column whose values folds should keep whole, if the view has no groups already.
    reasons : list of str
        Why: the evidence for the task.
    limits : list of str
        What limits what can be learnt, and what scores tell.
    seconds : None | float
        The time in s that :func:`evaluate` takes here with ``cv`` folds; ``None`` if it was not measured.

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, datasets, suggest
    >>> suggest(EpochsView(datasets.load_sample()), measure=False).metric
    'accuracy'
    """

    about: str
    recipe: str | None
    is_told: bool
    params: Mapping[str, object]
    changes: Mapping[str, object]
    kind: str
    baselines: list[str]
    metric: str
    cv: int
    groups: str | None
    reasons: list[str]
    limits: list[str]
    seconds: float | None

    def estimator(self, random_state: int | None = None) -> BaseEstimator:
        """Make the estimator that is suggested, unfitted.

        Parameters
        ----------
        random_state : None | int
            Seed of everything random in it.

        Returns
        -------
        estimator : sklearn.pipeline.Pipeline | CNNClassifier
            The estimator.
        """
        if self.recipe is None:
            return CNNClassifier(random_state=random_state)
        return recipe(self.recipe, random_state=random_state, **self.params).set_params(**self.changes)

    @property
    def code(self) -> str:
        """What to type."""
        made = "CNNClassifier()" if self.recipe is None else _call("recipe", self.recipe, self.params)
        if self.changes:
            made += f".set_params({', '.join(f'{name}={value!r}' for name, value in self.changes.items())})"
        groups = "" if self.groups is None else f", groups={self.groups!r}"
        return f"evaluate({made}, view, cv={self.cv}{groups})"

    def _beside(self):
        made = {"task": self.recipe, **dict.fromkeys(self.params, ...)} if self.recipe in _TASKS else {}
        return _call("baselines", self.kind, made).replace("Ellipsis", "…")

    def _rows(self):
        fits = "" if self.is_told or self.recipe is None else "   (it may fit: see why)"
        return {
            "try": self.code + fits,
            "beside": f"{self._beside()}: {', '.join(self.baselines)}",
            "metric": self.metric,
            "time": "not measured"
            if self.seconds is None
            else f"about {_duration(self.seconds)} for {self.cv} folds here",
        }

    def __str__(self):
        lines = [self.about, *(f"  {name:<8}{text}" for name, text in self._rows().items())]
        for title, texts in (("Why", self.reasons), ("What limits it", self.limits)):
            how = dict(
                width=WIDTH,
                initial_indent="  - ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            lines += [title, *(textwrap.fill(text, **how) for text in texts)]
        return "\n".join(lines)

    def __repr__(self):
        return f"<Suggestion | {self.code} | {len(self.limits)} limits>"

    def _repr_html_(self):
        rows = "".join(
            f"<tr><th>{name}</th><td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in self._rows().items()
        )
        lists = "".join(
            f"<p><b>{title}</b></p><ul>{''.join(f'<li>{html.escape(text)}</li>' for text in texts)}</ul>"
            for title, texts in (("Why", self.reasons), ("What limits it", self.limits))
        )
        return f"<p>{html.escape(self.about)}</p><table>{rows}</table>{lists}"


def suggest(X: EpochsLike | EpochsView, *, measure: bool = True) -> Suggestion:
    """Suggest a recipe and baselines for samples, and say why, how long it takes, and what limits it.

    The task is read from names alone: of the classes, the BIDS task or the files, and metadata columns. Where
    they do not tell it, ``CNNClassifier()`` and all baselines are suggested. Nothing is changed, and nothing
    is trained but for the measurement of time.

    Parameters
    ----------
    X : EpochsView | mne.Epochs | list of mne.Epochs
        The samples, with labels and, if known, metadata columns of people and recordings.
    measure : bool
        Whether to measure how long a cross-validation will take, by a few steps of training, for some
        seconds. Default is True.

    Returns
    -------
    suggestion : Suggestion
        The suggestion; print it.

    Raises
    ------
    TypeError
        If X is an array, whose names are not known.
    ValueError
        If there are no epochs, if labels are missing or are no classes, or if there is only one class.

    Notes
    -----
    ``limits`` tells the 95 % interval (Wilson) of an accuracy halfway between chance and 1, and the least one
    that is above chance (p < 0.05, one-sided binomial), chance being the share of the most frequent class.
    Signals are looked at for flat and loud channels, NaN and line noise in a part of the epochs.

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, datasets, suggest
    >>> suggestion = suggest(EpochsView(datasets.load_sample()), measure=False)
    >>> suggestion.recipe is None  # no recipe is for slow cortical potentials
    True
    >>> print(suggestion.code)
    evaluate(CNNClassifier(), view, cv=5)
    """
    view = as_samples(X)
    if not isinstance(view, EpochsView):
        raise TypeError(
            "suggest reads names of classes and channels, which an array does not have: pass Epochs or an "
            "EpochsView, EpochsView(mne.EpochsArray(data, mne.create_info(ch_names, sfreq, 'eeg')))."
        )
    counts = Counts(view)
    classes = np.unique(counts.labels).tolist()
    found = find_task(view, classes)
    reasons, task, params = list(found.reasons), found.task, dict(found.params)
    if task is not None and task not in RECIPES:
        reasons.append(f"There is no recipe for {task} in this version.")
        task = None
    if task == "ssvep" and not params:
        reasons.append('The frequencies are not told: recipe("ssvep", frequencies={class: Hz, …}).')
        task = None
    if task is None:
        params = {}
        reasons.append("So the general network is suggested, beside all general baselines.")
    kind = "ecg" if set(view.info.get_channel_types(unique=True)) == {"ecg"} else "eeg"
    changes, why = _changes(task, params, view, classes)
    cv, groups, how = _splits(view, counts)
    wanted = {"sfreq": _rate(task, params), **found.params}
    limits = [*why, *find_limits(view, found.task, counts, wanted)]
    suggestion = dict(
        about=repr(view)[1:-1].replace("EpochsView", "Samples", 1),
        recipe=task,
        is_told=found.is_told and task is not None,
        params=params,
        changes=changes,
        kind=kind,
        baselines=_baselines(kind, task, params),
        metric=_metric(task, counts),
        cv=cv,
        groups=groups,
        reasons=[*reasons, how],
        limits=limits,
        seconds=None,
    )
    if measure:
        suggestion["seconds"], failure = _seconds(Suggestion(**suggestion), view)
        suggestion["limits"] += failure
    return Suggestion(**suggestion)


def _changes(task, params, view, classes):
    """Parameters of a recipe that these samples can't have, set to what they can, and why."""
    if task is None:
        return {}, []
    params = recipe(task, **params).get_params()
    names = [name for name, value in params.items() if name.endswith("symmetry") and value == "left_right"]
    try:
        if names:
            mirrored_channels(channel_positions(view))
            swapped_classes(classes)
    except ValueError as error:
        text = str(error)
        return dict.fromkeys(names), [
            f"Without the symmetry of left and right, as {text[0].lower()}{text[1:]}"
        ]
    return {}, []


def _rate(task, params):
    """The rate in Hz that a recipe resamples to; None if it does not."""
    steps = [] if task is None else recipe(task, **params).named_steps.values()
    return next((step.sfreq for step in steps if type(step).__name__ == "Resample"), None)


def _baselines(kind, task, params):
    """Names of the baselines that are installed here and fit, those made for the task first."""
    made = task if task in _TASKS else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of those that are not installed
        general, its = list(baselines(kind)), list(baselines(kind, task=made, **(params if made else {})))
    names = [*(name for name in its if name not in general), *general]
    return [name for name in names if task == "heartbeats" or name != "RR + shape + boosting"]


def _metric(task, counts):
    two = len(counts.of_class) == 2
    if task == "erp" and two:
        return "roc_auc"
    if counts.ratio < UNBALANCED:
        return "accuracy"
    return "roc_auc" if two else "balanced_accuracy"


def _splits(view, counts):
    """Number of folds, the column to keep whole, and why."""
    fewest = int(counts.of_class.iloc[-1])
    if view.groups is not None:
        column, values, what = None, np.asarray(view.groups).astype(str), "the groups of the view"
    else:
        for kind in ("people", "recordings"):
            column, values = counts.column(kind) or (None, None)
            enough = column and len(np.unique(values)) >= (2 if kind == "people" else 3)
            # a recording of one class alone can't be left out as a whole
            mixed = enough and min(len(np.unique(counts.labels[values == v])) for v in np.unique(values)) > 1
            if enough and (kind == "people" or mixed):
                break
            column, values = None, None
        what = f"the column {column!r}"
    if values is None or len(np.unique(values)) < 2:
        cv = max(2, min(N_FOLDS, fewest))
        return (
            cv,
            None,
            f"{cv} folds of neighbouring trials, as there are no people or recordings to leave out.",
        )
    cv = min(N_FOLDS, len(np.unique(values)))
    return cv, column, f"{cv} folds that keep {what} whole, so that scores are those on new ones."


def _seconds(suggestion, view):
    """How long the suggestion takes, and what is to be said if that can't be measured."""
    try:
        with mne.utils.use_log_level("ERROR"):
            return measure_seconds(suggestion.estimator(random_state=0), view, suggestion.cv), []
    except (ValueError, RuntimeError, MemoryError, ImportError, TypeError) as error:
        return None, [f"It can't be trained on these samples: {' '.join(str(error).split())}"]


def _call(function, first, params):
    """A call as it is typed."""
    arguments = [f'"{first}"', *(f"{name}={value!r}" for name, value in params.items())]
    return f"{function}({', '.join(arguments)})"


def _duration(seconds):
    if seconds < 100:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
