"""A classifier of heartbeats that is made for patients it has never seen."""

from __future__ import annotations

import contextlib
import numbers
import warnings
from collections.abc import Sequence
from typing import Self

import mne
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from ..ecg.beat_shapes import SHAPE_COLUMNS
from ..ecg.beats import BEAT_COLUMNS, TYPICAL
from ..samples.checks import check_labels
from ..samples.inputs import as_samples
from ..samples.types import RandomState
from ..samples.view import EpochsView
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from ..utils.seeds import draw_seed
from ..utils.text import shortened
from ..utils.threads import limit_threads
from .beat_copies import copy_records, gather
from .cnn import CNNClassifier
from .most_probable import PredictsMostProbable
from .parameters import describe_parameters
from .saving.write import describe_each

STRETCH = 3000  # beats that are compared with each other; of longer records, stretch by stretch
BEAT_WINDOW = (-0.1, 0.2)  # s around the R peak, in which beats are compared
ALIKE = 0.05  # of one minus the correlation of two beats, below which they count as alike
SAME_TIMING = 0.1  # of log ratios of intervals
FLOOR = 1e-4  # added to probabilities before their logarithm is averaged


@fill_doc
class BeatClassifier(PredictsMostProbable, BaseEstimator):
    """Classify heartbeats with an ensemble of networks trained on real and simulated rhythms.

    Four problems keep classifiers of heartbeats from generalising to new patients, and each is addressed by
    one step. First, few patients in a training set have atrial fibrillation, so that a network mistakes their
    many short intervals for premature beats. Therefore, copies of records are added with simulated RR
    intervals and without P waves (:func:`~mne_cnnclass.ecg.fibrillate`); their normal beats remain normal.
    Second, in some patients most beats are premature, so that these look typical. Therefore, the beats of
    records with premature ones are also shown in other orders, in any share and in runs of any length
    (:func:`~mne_cnnclass.ecg.rearrange_premature`). Third, a few patients contribute most of the beats of a
    rare class. Therefore, each beat is weighted by one over the square root of its patient's number of beats
    of that class. Fourth, a network classifies each beat on its own, although beats from the same focus look
    alike. Therefore, the probability of a ventricular beat is averaged over beats of the record with a
    similar shape and timing.

    Parameters
    ----------
    estimator : CNNClassifier
        The classifier to train on epochs from :func:`make_beat_epochs`. Its ``fit`` must accept
        ``sample_weight``.
    normal, supraventricular : None | str
        The labels of normal beats and of premature ones. ``None`` if there is no such class; the copies with
        rearranged beats are then omitted. Defaults are ``"N"`` and ``"S"``.
    ventricular : sequence of str
        Labels of classes that are defined by the shape of the beat, whose probabilities are averaged over
        similar beats. Default is ``("V", "F")``.
    untrained : sequence of str
        Labels of beats that are left out of the training and never predicted, such as beats that experts
        could not classify either. Default is ``("Q",)``.
    n_fibrillation, n_premature : int
        Number of copies of each record with simulated atrial fibrillation, and with its beats rearranged (of
        records with at least 8 premature beats), new ones for each network. A copy has up to 1200 beats.
        Defaults are 2 and 2.
    n_members : int
        Number of networks in the ensemble, whose probabilities are averaged. Default is 3.
    n_samples : int
        Approximate number of beats that each network is trained on. Beats of frequent kinds are drawn at
        random, with weights that compensate for those left out. Default is 15000.
    masked : float
        Fraction of beats that are learnt with one of their leads masked (zero), if there are several, so that
        records without that lead can be predicted, too. Default is 0.25.
    smoothing : float
        Weight of the average over similar beats, in [0, 1]. Above 0, a prediction depends on the beats of the
        same record that are predicted together, so pass whole records. With 0, each beat is classified on its
        own, as required for live use. Default is 0.7.
    random_state : None | int | numpy.random.RandomState
        Seed of the simulations, random draws and networks.

    Attributes
    ----------
    %(classes_)s
    estimators_ : list
        The fitted estimators of the ensemble.

    See Also
    --------
    mne_cnnclass.recipe : ``recipe("heartbeats")`` is this classifier with a suitable network.

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, ecg, recipe
    >>> view = EpochsView(ecg.make_beat_epochs(["mitdb/101", "mitdb/106"]))  # doctest: +SKIP
    >>> recipe("heartbeats", random_state=0).fit(view).predict(view)  # doctest: +SKIP
    """

    def __init__(
        self,
        estimator: CNNClassifier,
        *,
        normal: str | None = "N",
        supraventricular: str | None = "S",
        ventricular: Sequence[str] = ("V", "F"),
        untrained: Sequence[str] = ("Q",),
        n_fibrillation: int = 2,
        n_premature: int = 2,
        n_members: int = 3,
        n_samples: int = 15000,
        masked: float = 0.25,
        smoothing: float = 0.7,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.normal = normal
        self.supraventricular = supraventricular
        self.ventricular = ventricular
        self.untrained = untrained
        self.n_fibrillation = n_fibrillation
        self.n_premature = n_premature
        self.n_members = n_members
        self.n_samples = n_samples
        self.masked = masked
        self.smoothing = smoothing
        self.random_state = random_state

    def fit(
        self, X: EpochsView | mne.BaseEpochs, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Self:
        """Train the networks.

        Parameters
        ----------
        X : EpochsView | mne.Epochs
            Heartbeats from :func:`make_beat_epochs`.
        y : None | array-like, shape (n_samples,)
            The labels. ``None`` uses those of the epochs.
        groups : None | array-like, shape (n_samples,)
            The patient of each beat. ``None`` uses the metadata column ``patient``.

        Returns
        -------
        self : BeatClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If the epochs lack the metadata written by :func:`make_beat_epochs`, or have windows that are too
            short to copy records in another rhythm.

        Notes
        -----
        If Ctrl-C or an error stops the training, it is raised, but the estimator is fitted with the networks
        that were trained, if there is one. Before that, it is left unchanged.
        """
        check_number(self.n_members, "n_members", numbers.Integral, min_val=1)
        check_number(self.n_fibrillation, "n_fibrillation", numbers.Integral, min_val=0)
        check_number(self.n_premature, "n_premature", numbers.Integral, min_val=0)
        check_number(self.masked, "masked", numbers.Real, min_val=0, max_val=1)
        view = _beats(X, getattr(self.estimator, "side_inputs", None) or ())
        y = np.asarray(check_labels(y, view))
        groups = view.metadata["patient"] if groups is None else groups
        groups = np.asarray(groups).astype(str)
        seed = draw_seed(self.random_state)
        rng = np.random.default_rng(seed)
        causal = "rr_next_ratio" not in view.metadata
        known = ~np.isin(y, list(self.untrained))
        view, y, groups = view[known], y[known], groups[known]

        members, error = [], None
        while len(members) < self.n_members and error is None:
            copies = copy_records(self, view, y, groups, rng, causal)
            y_all = np.concatenate([y, *(copy.y for copy in copies)])
            its_groups = np.concatenate([groups, *(np.repeat(copy.patient, len(copy.y)) for copy in copies)])
            weight = patient_weights(y_all, its_groups)
            share = np.minimum(1.0, weight * self.n_samples / weight.sum())
            rows, seed = _draw(share, y_all, rng), int(rng.integers(2**31 - 1))
            member = clone(self.estimator).set_params(random_state=seed)
            drawn = gather(view, copies, rows, self.masked, rng)
            weight = weight[rows] / share[rows]
            try:
                member.fit(drawn, y_all[rows], groups=its_groups[rows], sample_weight=weight)
            except (Exception, KeyboardInterrupt) as stop:  # what was learnt before is not lost
                error = stop
                if getattr(member, "stopped_", None) is None:  # it learnt nothing
                    if not members:
                        raise
                    break
            members.append(member)
        self.classes_, self.estimators_, self.causal_ = np.unique(y), members, causal
        if error is not None:
            error.add_note(f"The classifier keeps what {len(members)} network(s) learnt, and can be used.")
            raise error
        return self

    def _describe(self, tensors):
        """What makes this estimator, for a file; arrays join the tensors."""
        params = self.get_params(deep=False)
        return {
            "params": {k: v for k, v in params.items() if k not in ("estimator", "random_state")},
            "network_params": describe_parameters(self.estimator, tensors),
            "classes": self.classes_,
            "classes_dtype": self.classes_.dtype.str,
            "causal": self.causal_,
            "members": describe_each(self.estimators_, tensors),
        }

    @fill_doc
    def predict_proba(self, X: EpochsView | mne.BaseEpochs) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : EpochsView | mne.Epochs
            Heartbeats from :func:`make_beat_epochs`; with smoothing, of whole records.

        Returns
        -------
        %(proba_classes_)s
        """
        from .fitted import logits_alike

        check_is_fitted(self)
        view = _beats(X)
        with _expect_masked(view) if self.masked else contextlib.nullcontext():
            each = zip(self.estimators_, logits_alike(self.estimators_, view), strict=True)
            proba = np.mean([member.network_.probabilities(logits) for member, logits in each], axis=0)
        by_shape = np.isin(self.classes_, list(self.ventricular))
        if not self.smoothing or not by_shape.any():
            return proba
        table = view.metadata
        for rows in table.groupby("record", sort=False).indices.values():
            rows = rows[np.argsort(table["onset"].to_numpy()[rows], kind="stable")]
            for part in np.array_split(rows, -(-len(rows) // STRETCH)):
                shapes = beat_shapes(view[part])
                average = average_alike(proba[part], shapes, table.iloc[part], self.smoothing)
                rest = proba[part][:, ~by_shape]
                total = rest.sum(axis=1, keepdims=True)
                rest = np.divide(rest, total, out=np.full_like(rest, 1 / rest.shape[1]), where=total > 0)
                average[:, ~by_shape] = rest * average[:, ~by_shape].sum(axis=1, keepdims=True)
                proba[part] = average
        return proba


@contextlib.contextmanager
def _expect_masked(view):
    """Without the warning of channels that are zero, if leads are masked, as networks learn with that."""
    with limit_threads(1):
        differences = view.read()[:, [name.endswith(TYPICAL) for name in view.ch_names]]
    with warnings.catch_warnings():
        if not differences.any(axis=(0, 2)).all():
            warnings.filterwarnings("ignore", r"Channel\(s\) .* of X vary")
        yield


def class_roles(classes):
    """Parameters of :class:`BeatClassifier` for the ``classes`` of :func:`make_beat_epochs`.

    >>> class_roles({"normal": "NLR", "ectopic": "AV"})
    {'normal': 'normal', 'supraventricular': 'ectopic', 'ventricular': [], 'untrained': []}
    """
    class_of = {symbol: name for name, symbols in classes.items() for symbol in symbols}
    normal, early = class_of.get("N"), class_of.get("A")
    by_shape = {class_of[symbol] for symbol in "VF" if symbol in class_of} - {normal, early}
    unclear = {class_of[symbol] for symbol in "Q?" if symbol in class_of} - {normal, early, *by_shape}
    return dict(
        normal=normal,
        supraventricular=None if early == normal else early,
        ventricular=sorted(by_shape),
        untrained=sorted(unclear),
    )


def _draw(share, y, rng):
    """Draw beats with these probabilities; of rare classes, at least one each."""
    drawn, classes = np.flatnonzero(rng.random(len(y)) < share), np.unique(y)
    if len(np.unique(y[drawn])) < len(classes):
        drawn = np.union1d(drawn, [np.flatnonzero(y == label)[0] for label in classes])
    return drawn


def patient_weights(y, groups):
    """Weights of beats, of mean one, by which a patient counts by the root of its beats of a class."""
    counts = pd.DataFrame(dict(y=y, group=groups)).groupby(["y", "group"])["y"].transform("size")
    weight = counts.to_numpy(float) ** -0.5
    return weight / weight.mean()


@limit_threads(1)
def beat_shapes(view):
    """Beats as vectors whose product is their correlation, the mean over leads; (n_beats, n_values)."""
    leads = [name for name in view.ch_names if not name.endswith(TYPICAL)]
    inside = (view.times >= BEAT_WINDOW[0] - 1e-9) & (view.times <= BEAT_WINDOW[1] + 1e-9)
    shapes = np.asarray(view.pick(leads))[..., inside]
    shapes -= shapes.mean(axis=2, keepdims=True)
    norms = np.linalg.norm(shapes, axis=2, keepdims=True) * np.sqrt(len(leads))
    return (shapes / np.where(norms > 0, norms, 1.0)).reshape(len(shapes), -1).astype(np.float32)


@limit_threads(1)
def average_alike(proba, shapes, table, share):
    """Average log-probabilities of each beat with those of beats that look and time alike.

    ``shapes`` are those of :func:`beat_shapes`, ``table`` has ``rr_ratio`` and, if known, ``rr_next_ratio``;
    ``share`` is the weight of the average, beside that of the beat's own.
    """
    timing = table[[c for c in ("rr_ratio", "rr_next_ratio") if c in table]].to_numpy(np.float32)
    kernel = shapes @ shapes.T
    kernel = np.exp((kernel - 1) / ALIKE, out=kernel)
    for column in timing.T:
        kernel *= np.exp(-((column[:, None] - column) ** 2) / np.float32(2 * SAME_TIMING**2))
    log = np.log(proba + FLOOR)
    average = kernel @ log.astype(np.float32) / kernel.sum(axis=1, keepdims=True)
    mixed = np.exp((1 - share) * log + share * average.astype(float))
    return mixed / mixed.sum(axis=1, keepdims=True)


def _beats(X, side_inputs=()):
    """X as a view with the metadata of beats, those that networks learn from among them."""
    view = as_samples(X)
    if not isinstance(view, EpochsView):
        raise TypeError(f"X must be Epochs of ecg.make_beat_epochs, got {type(X).__name__}.")
    needed = ["record", "patient", "onset", "rr_previous", BEAT_COLUMNS[0], SHAPE_COLUMNS[0], *side_inputs]
    missing = [c for c in dict.fromkeys(needed) if view.metadata is None or c not in view.metadata]
    if missing:
        raise ValueError(
            f"These Epochs lack the metadata {shortened(missing)}, which ecg.make_beat_epochs writes: cut "
            "the beats with it, and keep the metadata."
        )
    return view
