"""Ready pipelines for a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ..ecg import BEAT_COLUMNS, interval_features
from ..preprocessing import (
    Course,
    Damp,
    EuclideanAlignment,
    EvokedCovariances,
    Features,
    Resample,
    SpectralAlignment,
)
from .beats import BeatClassifier
from .cnn import CNNClassifier
from .prior import PriorAdjustedClassifier
from .rhythm import RhythmClassifier
from .ssvep import SSVEPClassifier, default_network
from .stacked import StackedClassifier


def recipe(
    task: Literal["erp", "heartbeats", "mental state", "motor imagery", "rhythm", "ssvep"],
    *,
    frequencies: Mapping[Any, float | None] | None = None,
    causal: bool = False,
    class_prior: Mapping[Any, float] | None = None,
    random_state: int | None = None,
    n_threads: int | None = 1,
) -> Pipeline:
    """Get a ready-made pipeline for a task.

    Parameters
    ----------
    task : "erp" | "heartbeats" | "mental state" | "motor imagery" | "rhythm" | "ssvep"
        What to classify:

        ``"erp"``
            Responses evoked by events (P300, N170, error potentials …) in epochs of about 1 s. They are
            resampled to 64 Hz, each channel of each subject (the groups of the view, otherwise the metadata
            column ``subject``) is scaled to a power of one, and loud samples are damped. A
            :class:`~mne_cnnclass.StackedClassifier` weighs two networks, shrinkage LDA at 32 Hz and xDAWN
            covariances in tangent space. Classes may be as unequal as in oddball experiments: the
            probabilities are those of classes as frequent as in the training, so that a rare one is seldom
            the most probable; ``class_prior`` of equal numbers weighs errors of all classes alike. As for
            ``"motor imagery"``, **a new subject is scaled by all epochs that are predicted together**, or,
            with ``causal``, by those up to each one.
        ``"heartbeats"``
            Heartbeats from :func:`mne_cnnclass.ecg.make_beat_epochs`, in the AAMI classes: a
            :class:`~mne_cnnclass.ecg.BeatClassifier` whose networks receive the difference between each beat
            and the typical beat of the record, together with the RR intervals of the beat.
        ``"mental state"``
            Windows of 2 s or more of continuous recordings (``make_epochs(windows=...)``), of several people
            (the groups), in states such as rest and counting. They are resampled to 100 Hz, and the spectrum
            of each channel of each person is flattened, new people as for ``"motor imagery"``
            (:class:`~mne_cnnclass.preprocessing.SpectralAlignment`). Logistic regression on band power weighs
            the classes as if they were equally frequent. It has no network, because none that was tried adds
            to it on new people, and no covariances, as these tell how a recording was cleaned. **States that
            are recorded one after the other are confounded with time**: ``evaluate(..., probes=True)`` says
            what time alone reaches.
        ``"motor imagery"``
            Epochs of imagined left- or right-hand movement, from recordings band-pass filtered at 4 to 38 Hz
            (subjects look at the cue, and eye movements are found below 4 Hz). The epochs are resampled to 80
            Hz, each subject (the groups of the view, otherwise the metadata column ``subject``) is aligned to
            a common covariance, and an ensemble of five networks is symmetric under an exchange of left and
            right. **Epochs of a subject that was not among the training subjects are aligned using all epochs
            that are predicted together, without their labels**; with ``causal``, only the epochs up to each
            one are used. :class:`~mne_cnnclass.FineTunedClassifier` can then adapt the pipeline to the first
            trials of a new subject. ``docs/guide/imagery.md`` describes the alternatives that were tried.
        ``"rhythm"``
            Windows from :func:`mne_cnnclass.ecg.make_rhythm_epochs`, in any classes: a
            :class:`~mne_cnnclass.ecg.RhythmClassifier`, gradient boosting and a forest on the rhythm measures
            around each window. It has no network, because none that was tried adds to the measures.
            :func:`mne_cnnclass.ecg.combine_windows` combines the predictions for the windows into one per
            recording.
        ``"ssvep"``
            Epochs during which the person looks at one of several lights that flicker at ``frequencies``: an
            :class:`~mne_cnnclass.SSVEPClassifier`, canonical correlation, covariances and networks together.
            Filters are not needed. With ``set_params(ssvepclassifier__trained=False)`` it needs no labelled
            epochs. Each epoch is predicted on its own, so ``causal`` changes nothing.
    frequencies : None | dict
        For ``"ssvep"``: the frequency in Hz at which the light of each class flickers, by its label; ``None``
        or 0 for a class without flicker, such as rest.
    causal : bool
        Whether predictions may use only the beat or trial itself and what precedes it. Heartbeats and
        rhythms must then come from ``make_beat_epochs`` or ``make_rhythm_epochs`` with ``causal=True``.
        Default is False.
    class_prior : None | dict
        How frequent each class is where predictions are made, if that differs from the training, such as
        ``{"N": 0.60, "A": 0.09, "O": 0.28, "~": 0.03}``; see :class:`~mne_cnnclass.PriorAdjustedClassifier`.
    random_state : None | int
        Seed of everything random in the pipeline.
    n_threads : None | int
        Number of threads of the network, see :class:`~mne_cnnclass.CNNClassifier`. Default is 1.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        The unfitted pipeline.

    Raises
    ------
    ValueError
        If there is no recipe for the task, or if ``frequencies`` are missing
        or of no use.

    Examples
    --------
    >>> from mne_cnnclass import recipe
    >>> recipe("heartbeats", random_state=0).steps[-1][0]
    'beatclassifier'
    >>> recipe("rhythm", random_state=0).steps[-1][0]
    'rhythmclassifier'
    >>> [name for name, _ in recipe("motor imagery").steps]
    ['resample', 'euclideanalignment', 'cnnclassifier']
    """
    if task not in RECIPES:
        raise ValueError(
            f"There is no recipe for {task!r}; there is one for {' and '.join(map(repr, RECIPES))}."
        )
    how: dict[str, Any] = dict(random_state=random_state, n_threads=n_threads)
    if (task == "ssvep") != (frequencies is not None):
        raise ValueError(
            'frequencies and "ssvep" need each other: recipe("ssvep", frequencies={"13 Hz": 13.0, "rest": '
            f"None}}); got {task!r} and frequencies={frequencies!r}."
        )
    if frequencies is not None:
        how["frequencies"] = frequencies
    *before, last = RECIPES[task](causal, **how)
    if class_prior is not None:
        weights = [name for name in last.get_params() if name.endswith("class_weight")]
        last.set_params(**dict.fromkeys(weights))  # which would count frequencies twice
        last = PriorAdjustedClassifier(last, class_prior)
    return make_pipeline(*before, last)


def _motor_imagery(causal, **how):
    network = CNNClassifier(
        "EEGNet",
        # at 80 Hz a temporal kernel of 0.3 s: three periods of the mu rhythm
        model_params=dict(F1=16, D=2, kernel_length=24, drop_prob=0.25),
        n_members=5,
        symmetry="left_right",
        max_epochs=40,
        **how,
    )
    return Resample(80.0), EuclideanAlignment(online=causal), network


def _erp(causal, **how):
    network = CNNClassifier(
        "EEGNet",
        # at 64 Hz a temporal kernel of 0.5 s
        model_params=dict(F1=16, D=2, kernel_length=32, drop_prob=0.2),
        n_members=2,
        max_epochs=30,
        **how,
    )
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    members = {
        "network": network,
        "lda": make_pipeline(Course(), lda),
        "xdawn": make_pipeline(EvokedCovariances(), LogisticRegression(max_iter=1000)),
    }
    stacked = StackedClassifier(list(members.items()), random_state=how["random_state"])
    return Resample(64.0), EuclideanAlignment(online=causal, across_channels=False), Damp(), stacked


def _mental_state(causal, **how):
    logistic = LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000)
    power = make_pipeline(Features(), StandardScaler(), logistic)
    return Resample(100.0), SpectralAlignment(online=causal), StackedClassifier([("power", power)])


def _heartbeats(causal, **how):
    columns = BEAT_COLUMNS
    if causal:
        shapes = [name for name in BEAT_COLUMNS if not name.startswith("rr_") and "+" not in name]
        columns = [*interval_features([1.0], causal=True), *shapes]
    network = CNNClassifier(
        "MultiScaleCNN",
        # kernels of half a P wave to a QRS complex; pools that keep the course of a beat
        model_params=dict(
            kernel_widths=((0.04, 0.09, 0.18),),
            n_filters=(8,),
            pool_size=(0.05,),
            pool_stride=(0.03,),
            n_cosines=16,
            hidden_units=(16,),
        ),
        side_inputs=columns,
        max_epochs=12,
        batch_size=192,
        **how,
    )
    return (BeatClassifier(network, smoothing=0.0 if causal else 0.7, random_state=how["random_state"]),)


def _rhythm(causal, **how):
    least = 16 if causal else 8
    return (RhythmClassifier(min_samples_leaf=least, random_state=how["random_state"]),)


def _ssvep(causal, *, frequencies, **how):
    return (SSVEPClassifier(frequencies, default_network(), **how),)


# all recipes that there are, by their task
RECIPES = {
    "erp": _erp,
    "heartbeats": _heartbeats,
    "mental state": _mental_state,
    "motor imagery": _motor_imagery,
    "rhythm": _rhythm,
    "ssvep": _ssvep,
}
