"""Ready pipelines for a task."""

from __future__ import annotations

from sklearn.pipeline import make_pipeline

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


def recipe(task, *, causal=False, random_state=None, n_threads=None):
    """Get a Pipeline that works for a task.

    Parameters
    ----------
    task : "heartbeats" | "rhythm"
        What to classify:

        ``"heartbeats"``
            Beats of :func:`mne_cnnclass.ecg.make_beat_epochs`, in the classes of AAMI:
            :class:`~mne_cnnclass.ecg.BeatClassifier` with networks that see how a beat differs from the
            typical one of the record, and are told its RR intervals.
        ``"rhythm"``
            Windows of :func:`mne_cnnclass.ecg.make_rhythm_epochs`, in any classes: a network for signals of
            seconds, which is told the measures of the rhythm around each window, and trained on turned leads
            and other gains, too. :func:`mne_cnnclass.ecg.combine_windows` makes one answer a recording.
    causal : bool
        Whether a prediction may use only the beat and what came before it, for epochs of
        ``make_beat_epochs(causal=True)``. There is no such variant for ``"rhythm"``.
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
    """
    recipes = {"heartbeats": _heartbeats, "rhythm": _rhythm}
    if task not in recipes:
        raise ValueError(
            f"There is no recipe for {task!r}; there is one for {' and '.join(map(repr, recipes))}."
        )
    return make_pipeline(recipes[task](causal, random_state=random_state, n_threads=n_threads))


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
    return BeatClassifier(network, smoothing=0.0 if causal else 0.7, random_state=how["random_state"])


def _rhythm(causal, **how):
    from .classifier import CNNClassifier
    from .ecg import RHYTHM_COLUMNS, vary_gain

    if causal:
        raise ValueError(
            "There is no causal recipe for 'rhythm': the R peaks and the measures of make_rhythm_epochs use "
            "what follows a window."
        )
    return CNNClassifier(
        "MultiScaleCNN",
        model_params=dict(RHYTHM_NETWORK),
        side_inputs=list(RHYTHM_COLUMNS),
        augmentation=vary_gain,
        max_epochs=20,
        batch_size=64,
        **how,
    )
