"""Epochs of recordings as a stream would give them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import mne
import numpy as np

from ..preprocessing.checks import check_channels, check_span
from ..preprocessing.epochs import check_any, tabulate
from ..preprocessing.events import choose_events
from ..preprocessing.log import attach_log
from ..preprocessing.recordings import open_recordings
from ..samples.limits import check_thresholds
from ..samples.sources import pick_names
from ..samples.types import Recordings
from ..utils.text import shortened
from .recordings import parts_of
from .session import Preparation, renamed


def live_epochs(
    recordings: Recordings,
    *,
    events: Mapping[str, Any],
    tmin: float,
    tmax: float,
    find_events: Mapping[str, Any] | None = None,
    l_freq: float | None = None,
    h_freq: float | None = None,
    notch: float | Sequence[float] | None = None,
    reference: str | Sequence[str] | None = None,
    sfreq: float | None = None,
    picks: str | Sequence[str] | None = None,
    baseline: tuple[float | None, float | None] | None = None,
    rename: Literal["standard"] | Mapping[str, str] | None = None,
    reject: Mapping[str, float] | None = None,
    flat: Mapping[str, float] | None = None,
    group: Literal["file", "subject"] | None = None,
) -> list[mne.EpochsArray]:
    """Make the epochs of recordings that a :class:`LiveClassifier` would cut, to train on.

    As :func:`~mne_cnnclass.preprocessing.make_epochs`, but with filters that use no later sample.

    Parameters
    ----------
    recordings : path-like | mne.io.Raw | list of path-like or mne.io.Raw
        The recordings.
    events, find_events, tmin, tmax, picks, group
        As in ``make_epochs``.
    l_freq, h_freq, notch, reference, sfreq, baseline, rename, reject, flat
        As in :class:`LiveClassifier`.

    Returns
    -------
    epochs : list of mne.EpochsArray
        The epochs of each recording that would be judged, with metadata and a log as of ``make_epochs``.

    Raises
    ------
    ValueError
        If an event does not occur, a channel is missing, the rate is no integer multiple of ``sfreq``, or no
        epochs are left.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass.live import live_epochs
    >>> noise = 1e-5 * np.random.default_rng(0).standard_normal((3, 2000))
    >>> raw = mne.io.RawArray(noise, mne.create_info(3, 100.0, "eeg"))
    >>> raw = raw.set_annotations(mne.Annotations([2, 7, 12], 0, ["left", "right", "left"]))
    >>> live_epochs(raw, events=dict(left="left"), tmin=0, tmax=0.99, l_freq=8.0)[0].get_data().shape
    (2, 3, 100)
    """
    check_span(tmin, tmax, None, None)
    check_thresholds(reject, flat)
    settings: dict[str, Any] = dict(l_freq=l_freq, h_freq=h_freq, notch=notch, reference=reference)
    settings |= dict(sfreq=sfreq, picks=picks)
    settings |= dict(baseline=baseline, rename=rename, reject=reject, flat=flat)
    found = open_recordings(recordings)
    made = []
    for recording, (rows, event_id) in zip(found, choose_events(found, events, find_events), strict=True):
        info = renamed(recording.source.info, rename)
        preparation = Preparation(info, pick_names(info, picks), settings)
        rate = preparation.chain.sfreq
        offset = round(tmin * rate)
        n_times = round(tmax * rate) - offset + 1
        cuts = list(_cuts(recording, rows, preparation, preparation.windows(n_times, offset=offset)))
        times = (offset + np.arange(n_times)) / rate
        data, reasons = zip(*(preparation.finished(cut, times) for cut in cuts), strict=True)
        kept = [k for k, reason in enumerate(reasons) if reason is None]
        check_any(len(kept), recording, len(rows), tmin, tmax)
        table = tabulate(recording, rows, group).iloc[kept].reset_index(drop=True)
        epochs = mne.EpochsArray(
            np.array([data[k] for k in kept]),
            preparation.info,
            rows[kept],
            times[0],
            {name: code for name, code in event_id.items() if code in rows[kept, 2]},
            baseline=None,
            metadata=table,
            verbose="ERROR",
        )
        if baseline is not None:  # which it has
            epochs.apply_baseline(baseline, verbose="ERROR")
        lost = Counter(reason for reason in reasons if reason is not None)
        shown = shortened((f"{reason} ({n})" for reason, n in lost.most_common()), 4)
        filtered = len(preparation.chain.sos) and preparation.chain.delay
        steps = [("causal filter", _words(preparation.chain))] if filtered else []
        attach_log(
            epochs, recording.identity.name, [*recording.read(), *steps, ("not judged", shown or "none")]
        )
        made.append(epochs)
    check_channels(found, [epochs.ch_names for epochs in made])
    return made


def _cuts(recording, rows, preparation, windows):
    """The window of each event, in their order."""
    for sample in rows[:, 0] - recording.source.first_samp:
        windows.mark(None, sample / recording.sfreq)
    for _, data, is_cut in parts_of(recording, is_real_time=False):
        if is_cut:
            windows.lost("the recording was cut")
        yield from windows.take(data[preparation.used])
    yield from windows.finish()


def _words(chain):
    return f"{chain.delay_at:.3g} Hz is delayed by {1e3 * chain.delay:.0f} ms, {chain.sfreq:g} Hz"
