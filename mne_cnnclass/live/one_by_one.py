"""A fitted classifier that is given one window after the other."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..estimators import FineTunedClassifier
from ..estimators.by_window import for_window
from ..preprocessing import Pick, ToElectrodes
from ..samples.provenance import warn_of_other_provenance
from ..samples.view import EpochsView
from ..utils.text import shortened
from .known import inside

ALIKE = dict(rtol=1e-3, atol=1e-6)


class OneByOne:
    """Predict windows as they come: what a Pipeline does to all of them at once, if no step looks ahead.

    Parameters
    ----------
    clf : estimator
        A fitted classifier or Pipeline.
    group : None | str
        A group that alignments know from their fit; None is a new one.
    ch_names : list of str
        The channels of the windows.
    as_view : callable
        Makes a view of windows, for a step that has to know their channels.
    tmin : float
        When the windows begin, in s relative to the event.
    """

    def __init__(self, clf, group, ch_names, as_view, tmin):
        check_is_fitted(clf)
        while isinstance(clf, FineTunedClassifier) or hasattr(clf, "best_estimator_"):
            clf = clf.estimator_ if isinstance(clf, FineTunedClassifier) else clf.best_estimator_
        clf = for_window(clf, tmin)
        steps = clf.steps if isinstance(clf, Pipeline) else [(type(clf).__name__, clf)]
        self.steps = [(name, step) for name, step in steps if step not in (None, "passthrough")]
        self.group, self.ch_names, self.as_view = group, ch_names, as_view
        self.classes = self.steps[-1][1].classes_
        self.states = {}
        self._check()

    def _check(self):
        """Refuse steps that can't predict a sample without those after it, and say what can."""
        for outer, its in self.steps:
            for inner, step in inside(its):
                name = outer if step is its else f"{outer}, {inner or type(step).__name__}"
                if hasattr(step, "follow"):
                    self._check_alignment(name, step, step is its)
                elif getattr(step, "causal_", True) is False:
                    raise ValueError(
                        f"Step {name!r} ({type(step).__name__}) was fitted on beats that know those after "
                        "them. Fit recipe('heartbeats', causal=True) on make_beat_epochs(causal=True)."
                    )

    def _check_alignment(self, name, step, is_outer):
        if not step._has_groups or self.group in step.references_:
            return
        if self.group is not None:
            raise ValueError(
                f"group={self.group!r} was not there when step {name!r} was fitted; there were "
                f"{shortened(step.references_, 20)}. Leave group out for somebody new."
            )
        if not step.online:
            raise ValueError(
                f"Step {name!r} ({type(step).__name__}) aligns somebody new by all epochs of the session, "
                "those to come included, so it can't follow a stream. Its causal variant needs no new fit: "
                f"pipeline.set_params({name}__online=True); recipe(task, causal=True) and "
                "load_pretrained(task, causal=True) have it from the start. For somebody of the training, "
                "give group=."
            )
        if not is_outer:
            raise ValueError(
                f"Step {name!r} ({type(step).__name__}) has to remember the windows that there were, which "
                "it does as a step of the outer Pipeline alone."
            )

    def rehearse(self, view):
        """Predict a view of some samples that mean nothing: what does not fit is an error before the start.

        Their info tells how the signals of the stream are prepared, which is compared with the training.
        """
        X = view
        for name, step in self.steps[:-1]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if isinstance(X, EpochsView):
                    X.groups = None if self.group is None else np.full(len(X), self.group)
                follows = self._follows(step)
                out = X.with_data(step.follow(np.asarray(X))[0]) if follows else step.transform(X)
                alone = X if follows else step.transform(X[:1])
            if not follows and not np.allclose(np.asarray(alone)[0], np.asarray(out)[0], **ALIKE):
                self._refuse(name, step)
            X = out
        for _, step in inside(self.steps[-1][1]):
            warn_of_other_provenance(getattr(step, "provenance_", None), X)
        name, step = self.steps[-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            together = self._last(step, np.asarray(X))[1]
            alone = self._last(step, np.asarray(X)[:1])[1]
            if not np.allclose(alone[0], together[0], **ALIKE):
                self._refuse(name, step)
            before, self.states = self.states, {}
            for window in np.asarray(view):
                self(window)
            self.states = before

    def _refuse(self, name, step):
        raise ValueError(
            f"Step {name!r} ({type(step).__name__}) makes something else of a sample alone than of the same "
            "sample beside others, so it can't follow a stream, which brings one after the other. Use a step "
            "that treats each sample by itself and what it learnt at its fit."
        )

    def _follows(self, step):
        """Whether it is an alignment that goes on with somebody new."""
        return hasattr(step, "follow") and step._has_groups and self.group is None

    def __call__(self, window):
        """The label and the probabilities of the next window, shape (n_channels, n_times)."""
        X, names = window[np.newaxis], self.ch_names
        for name, step in self.steps[:-1]:
            if self._follows(step):
                X, self.states[name] = step.follow(X, self.states.get(name))
            elif hasattr(step, "follow"):
                X = step.transform(X, groups=[self.group] if step._has_groups else None)
            elif isinstance(step, ToElectrodes):
                X, names = np.asarray(step.transform(self.as_view(X))), list(step.ch_names)
            elif isinstance(step, Pick) and step.ch_names_ is not None:
                X, names = X[:, [names.index(one) for one in step.ch_names_]], step.ch_names_
            else:
                X = step.transform(X)
        labels, proba = self._last(self.steps[-1][1], X)
        return labels[0], proba[0]

    def _last(self, step, X):
        if not hasattr(step, "predict_proba"):
            labels = step.predict(X)
            return labels, np.full((len(X), len(self.classes)), np.nan)
        proba = step.predict_proba(X)
        return self.classes[proba.argmax(axis=1)], proba
