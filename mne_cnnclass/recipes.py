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


def recipe(task, *, causal=False, random_state=None, n_threads=None):
    """Get a Pipeline that works for a task.

    Parameters
    ----------
    task : "heartbeats"
        What to classify:

        ``"heartbeats"``
            Beats of :func:`mne_cnnclass.ecg.make_beat_epochs`, in the classes of AAMI:
            :class:`~mne_cnnclass.ecg.BeatClassifier` with networks that see how a beat differs from the
            typical one of the record, and are told its RR intervals.
    causal : bool
        Whether a prediction may use only the beat and what came before it, for epochs of
        ``make_beat_epochs(causal=True)``.
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
        If there is no recipe for the task.

    Examples
    --------
    >>> from mne_cnnclass import recipe
    >>> recipe("heartbeats", random_state=0).steps[-1][0]
    'beatclassifier'
    """
    if task != "heartbeats":
        raise ValueError(f"There is no recipe for {task!r}; there is one for 'heartbeats'.")
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
        random_state=random_state,
        n_threads=n_threads,
    )
    smoothing = 0.0 if causal else 0.7
    return make_pipeline(BeatClassifier(network, smoothing=smoothing, random_state=random_state))
