"""Epochs of long recordings, a stretch at a time, in memory that does not grow with their length."""

import mne

from ..samples.channel_names import unnamed, warn_of_strangers
from ..samples.gaps import Losses
from ..samples.sources import sample_channels
from ..utils.numbers import runs
from . import epochs as whole
from .checks import check_channels, check_rates, check_steps
from .cleaning import filter_continuous, find_still
from .events import AnyOf, choose_events, is_no_event
from .recordings import open_recordings

STRETCH = 600.0  # s
LOCAL = {
    "events",
    "find_events",
    "tmin",
    "tmax",
    "l_freq",
    "h_freq",
    "picks",
}  # arguments that need no whole recording


def iter_epochs(recordings, *, stretch=STRETCH, **settings):
    """Make the epochs of :func:`make_epochs` of one stretch of recording (in s) after the other.

    A stretch is read, filtered and cut with as much around it as the filter reaches, so that its epochs are
    those of the whole recording up to rounding. With other settings of :func:`make_epochs` than `LOCAL`, and
    for files of epochs, a recording is one stretch. Each Epochs has at least one epoch, in the order of the
    events. An event may be absent, unless all are.
    """
    found = open_recordings(recordings)
    if settings.get("events") is not None:
        settings["events"] = AnyOf(settings["events"])
    if set(settings) - LOCAL or not all(recording.is_raw for recording in found):
        yield from whole.make_epochs(found, **settings)
        return
    events, tmin, tmax, l_freq, h_freq, picks = (
        settings.get(name) for name in ("events", "tmin", "tmax", "l_freq", "h_freq", "picks")
    )
    chosen = choose_events(found, events, settings.get("find_events"))
    for recording in found:
        check_steps(recording, dict(l_freq=l_freq, h_freq=h_freq, notch=None, sfreq=None))
        if picks is not None:
            whole.pick_channels(recording, recording.source, picks)
        warn_of_strangers(recording.source.info, unnamed(recording.source.ch_names, picks), str(recording))
        recording.check_units(recording.source)
    check_rates(found, None)
    check_channels(found, [recording.source.ch_names for recording in found])
    for recording, (rows, event_id) in zip(found, chosen, strict=True):
        raw, table, n_epochs = recording.source, whole.tabulate(recording, rows, None), 0
        losses = Losses()
        around = _reach(raw, l_freq, h_freq)
        bad = raw.annotations[is_no_event(raw.annotations)]
        start = rows[:, 0] - raw.first_samp
        sfreq = raw.info["sfreq"]
        before, after = int(tmin * sfreq) - around - 1, int(tmax * sfreq) + around + 2
        for part in runs(start // (stretch * sfreq)):
            first = max(start[part.start] + before, 0)
            stop = min(start[part.stop - 1] + after, raw.n_times)
            if first >= stop:
                continue  # epochs would begin after the end
            # raw.copy().crop() copies tables of the whole file
            data = recording.part(first, stop)
            piece = mne.io.RawArray(data, raw.info, first_samp=raw.first_samp + first, verbose="ERROR")
            onset = bad.onset - raw.first_time - first / sfreq  # from the start of the piece
            piece.set_annotations(
                mne.Annotations(onset, bad.duration, bad.description, ch_names=bad.ch_names),
                emit_warning=False,
            )
            find_still(piece, recording)
            if around:
                filter_continuous(piece, recording, l_freq, h_freq)
            here = {name: code for name, code in event_id.items() if code in rows[part, 2]}
            epochs = whole.cut_raw(piece, rows[part], here, table.iloc[part], tmin, tmax, picks)
            losses.drop(epochs, sample_channels(epochs.info, picks), piece.first_samp, recording.still)
            n_epochs += len(epochs)
            if len(epochs):
                yield epochs
        recording.check_pieces(rows)
        recording.tell(losses.texts())
        whole.check_any(n_epochs, recording, len(rows), tmin, tmax)


def _reach(raw, l_freq, h_freq):
    """How many times around a stretch its filtered signal depends on, with what MNE adds at edges."""
    if l_freq is None and h_freq is None:
        return 0
    return 2 * len(mne.filter.create_filter(None, raw.info["sfreq"], l_freq, h_freq, verbose="ERROR"))
