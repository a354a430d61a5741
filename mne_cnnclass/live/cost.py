"""What it costs that filters use no later sample."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..preprocessing import make_epochs
from ..preprocessing.recordings import open_recordings
from ..samples.types import Recordings
from ..samples.view import EpochsView
from .classifier import LiveClassifier
from .known import channels_of, rate_of
from .one_by_one import OneByOne


def filter_cost(live: LiveClassifier, recordings: Recordings) -> pd.DataFrame:
    """Measure what it costs that the filters of a stream are causal: the same events with zero phase.

    Parameters
    ----------
    live : LiveClassifier
        The classifier, with ``events``.
    recordings : path-like | mne.io.Raw | list of path-like or mne.io.Raw
        Recordings with the events, of people on whom nothing was chosen.

    Returns
    -------
    cost : pandas.DataFrame
        One row a recording: ``n_events`` that were judged in both ways, ``zero_phase`` and ``causal``, the
        accuracy of each, and ``agreement``, the share of equal labels.

    Raises
    ------
    ValueError
        If the classifier has no events.

    Notes
    -----
    The offline epochs are filtered by :func:`~mne_cnnclass.preprocessing.make_epochs`; their labels are
    predicted one after the other, so that nothing but the filter differs.

    Examples
    --------
    >>> from mne_cnnclass.live import LiveClassifier, filter_cost
    >>> live = LiveClassifier.load("hands.mcnn")  # doctest: +SKIP
    >>> filter_cost(live, ["S010R04.edf", "S011R04.edf"])  # doctest: +SKIP
    """
    if live.events is None:
        raise ValueError("filter_cost compares epochs at events: give events= to LiveClassifier.")
    at_events = LiveClassifier(live.clf, **live.arguments() | dict(step=None, trained_live=True))
    rows = {}
    for recording in open_recordings(recordings):
        offline = _offline(live, recording)
        streamed = {round(d.start, 2): d for d in at_events.replay(recording.source) if d.judged}
        starts = sorted(offline.keys() & streamed.keys())
        events = np.array([streamed[start].event for start in starts])
        before = np.array([offline[start] for start in starts])
        now = np.array([streamed[start].label for start in starts])
        shares = [
            float(np.mean(same)) if starts else np.nan
            for same in (before == events, now == events, before == now)
        ]
        rows[recording.name] = dict(
            zip(("n_events", "zero_phase", "causal", "agreement"), [len(starts), *shares], strict=True)
        )
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("recording").astype({"n_events": int})


def _offline(live, recording):
    """The label of each epoch by its start (s), from epochs that were filtered with zero phase."""
    kept = {k: v for k, v in live.settings.items() if k not in ("reject", "flat")}
    sfreq = rate_of(live.clf) or live.settings["sfreq"] or recording.sfreq
    tmin, n_times = live.span(sfreq)
    how = dict(events=dict(live.events), find_events=live.find_events, tmin=tmin)
    (epochs,) = make_epochs(recording.source, **kept, **how, tmax=tmin + (n_times - 1) / sfreq)
    view = EpochsView(epochs)
    view = view.pick(channels_of(live.clf, view.info, live.settings["picks"]))
    predict = OneByOne(live.clf, live.group, view.ch_names, lambda X: view[:1].with_data(X), tmin)
    starts = (view.metadata["onset"] + tmin).round(2)
    return {start: predict(window)[0] for start, window in zip(starts, view, strict=True)}
