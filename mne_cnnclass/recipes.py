"""Ready pipelines for a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sklearn.pipeline import make_pipeline

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


__all__ = ["recipe"]

# Kernels of half a P wave to a QRS complex; pools that keep the course of a beat.
BEAT_NETWORK = dict(
    kernel_widths=((0.04, 0.09, 0.18),),
    n_filters=(8,),
    pool_size=(0.05,),
    pool_stride=(0.03,),
    n_cosines=16,
    hidden_units=(16,),
)

# Kernels of a QRS complex to two seconds; pools that keep apart what beats at different times are like.
RHYTHM_NETWORK = dict(
    kernel_widths=((0.1, 0.3), (0.3, 1.0), (1.0, 2.0)),
    n_filters=(12, 12, 12),
    pool_size=(0.1, 0.2, 0.4),
    pool_stride=(0.1, 0.2, 0.4),
    n_cosines=0,
)

# At 80 Hz a temporal kernel of 0.3 s: three periods of the mu rhythm.
IMAGERY_RATE = 80.0
IMAGERY_NETWORK = dict(F1=16, D=2, kernel_length=24, drop_prob=0.25)


def recipe(
    task: Literal["heartbeats", "motor imagery", "rhythm"],
    *,
    causal: bool = False,
    random_state: int | None = None,
    n_threads: int | None = None,
) -> Pipeline:
    """Get a Pipeline that works for a task.

    Parameters
    ----------
    task : "heartbeats" | "motor imagery" | "rhythm"
        What to classify:

        ``"heartbeats"``
            Beats of :func:`mne_cnnclass.ecg.make_beat_epochs`, in the classes of AAMI:
            :class:`~mne_cnnclass.ecg.BeatClassifier` with networks that see how a beat differs from the
            typical one of the record, and are told its RR intervals.
        ``"motor imagery"``
            Epochs of imagined movement of the left against the right hand, band-passed from 4 to 38 Hz as
            recordings (people look at the cue, and eyes move below 4 Hz). They are resampled to 80 Hz, each
            person (the groups of the view, else the metadata column ``subject``) is brought to a common
            covariance, and five networks are symmetric under an exchange of left and right. **Epochs of a
            person that was not there at fit are aligned by all that are predicted together, without their
            labels**; ``causal`` goes by those up to each alone.
            :class:`~mne_cnnclass.FineTunedClassifier` goes on from there with the first trials of a new
            person. ``docs/motor_imagery.md`` tells what else was tried.
        ``"rhythm"``
            Windows of :func:`mne_cnnclass.ecg.make_rhythm_epochs`, in any classes: a network for signals of
            seconds, which is told the measures of the rhythm around each window, and trained on turned leads
            and other gains, too. :func:`mne_cnnclass.ecg.combine_windows` makes one answer a recording.
    causal : bool
        Whether a prediction may use only the beat or trial itself and what came before it; beats are then
        those of ``make_beat_epochs(causal=True)``. There is no such variant for ``"rhythm"``.
    random_state : None | int
        Seeds everything that is random.
    n_threads : None | int
        Torch threads, see :class:`~mne_cnnclass.CNNClassifier`.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        The untrained pipeline.

    Raises
    ------
    ValueError
        If there is no recipe for the task, or no causal one.

    Examples
    --------
    >>> from mne_cnnclass import recipe
    >>> recipe("heartbeats", random_state=0).steps[-1][0]
    'beatclassifier'
    >>> recipe("rhythm", random_state=0).steps[-1][0]
    'cnnclassifier'
    >>> [name for name, _ in recipe("motor imagery").steps]
    ['resample', 'euclideanalignment', 'cnnclassifier']
    """
    recipes = {"heartbeats": _heartbeats, "motor imagery": _motor_imagery, "rhythm": _rhythm}
    if task not in recipes:
        raise ValueError(
            f"There is no recipe for {task!r}; there is one for {' and '.join(map(repr, recipes))}."
        )
    return make_pipeline(*recipes[task](causal, random_state=random_state, n_threads=n_threads))


def _motor_imagery(causal, **how):
    from .classifier import CNNClassifier
    from .preprocessing import EuclideanAlignment, Resample

    network = CNNClassifier(
        "EEGNet",
        model_params=dict(IMAGERY_NETWORK),
        n_members=5,
        symmetry="left_right",
        max_epochs=40,
        **how,
    )
    return Resample(IMAGERY_RATE), EuclideanAlignment(online=causal), network


def _heartbeats(causal, **how):
    from .classifier import CNNClassifier
    from .ecg import BEAT_COLUMNS, BeatClassifier, interval_features

    columns = BEAT_COLUMNS
    if causal:
        past = interval_features([1.0], causal=True).columns
        columns = [name for name in columns if not name.startswith("rr_") or name in past]
    network = CNNClassifier(
        "MultiScaleCNN",
        model_params=dict(BEAT_NETWORK),
        side_inputs=columns,
        max_epochs=12,
        batch_size=192,
        **how,
    )
    return (BeatClassifier(network, smoothing=0.0 if causal else 0.7, random_state=how["random_state"]),)


def _rhythm(causal, **how):
    from .classifier import CNNClassifier
    from .ecg import RHYTHM_COLUMNS, vary_gain

    if causal:
        raise ValueError(
            "There is no causal recipe for 'rhythm': the R peaks and the measures of make_rhythm_epochs use "
            "what follows a window."
        )
    network = CNNClassifier(
        "MultiScaleCNN",
        model_params=dict(RHYTHM_NETWORK),
        side_inputs=list(RHYTHM_COLUMNS),
        augmentation=vary_gain,
        max_epochs=20,
        batch_size=64,
        **how,
    )
    return (network,)
