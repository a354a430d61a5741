"""What is checked of arguments and recordings before these are cleaned and cut."""

import inspect

import mne
import numpy as np

from ..samples.limits import check_edges, check_rate, check_time, same_rate
from ..samples.mne_internals import set_info
from ..utils.text import distinct


def check_choices(group, artifacts, bads, find_events):
    """Parameters that are one of several words."""
    if group not in (None, "file", "subject"):
        raise ValueError(f'group must be None, "file" or "subject", got {group!r}.')
    if artifacts not in (None, "regression", "ica"):
        raise ValueError(f'artifacts must be None, "regression" or "ica", got {artifacts!r}.')
    if isinstance(bads, str) and bads != "auto":
        raise ValueError(f'bads must be None, "auto" or a list of channels, got {bads!r}.')
    known = set(inspect.signature(mne.find_events).parameters) - {"raw", "verbose"}
    if find_events is not None and not (isinstance(find_events, dict) and known.issuperset(find_events)):
        raise ValueError(
            "find_events must be None or a dict of parameters of mne.find_events, which are "
            f"{', '.join(sorted(known))}, got {find_events!r}."
        )


def check_span(tmin, tmax, windows, classes):
    """Epochs have either a start and an end, or the length of windows."""
    for name, time in (("tmin", tmin), ("tmax", tmax)):
        if time is not None:
            check_time(time, name)
    if windows is None:
        if tmin is None or tmax is None or not tmin < tmax:
            raise ValueError(f"tmin must be below tmax, both in s, got tmin={tmin} and tmax={tmax}.")
        if classes is not None:
            raise ValueError("classes= is for windows=; the class of an epoch at an event is in events=.")
    elif (
        (tmin, tmax) != (None, None)
        or not isinstance(windows, dict)
        or not {"duration"} <= set(windows) <= {"duration", "overlap"}
    ):
        raise ValueError(
            "windows must be dict(duration=, overlap=) in s, without tmin and tmax, got "
            f"{windows!r}, tmin={tmin} and tmax={tmax}."
        )


def check_steps(recording, steps):
    """The steps on continuous signals, which Epochs are not."""
    given = [name for name, value in steps.items() if value is not None]
    if given and not recording.is_raw:
        raise ValueError(
            f"{recording} holds epochs, and {', '.join(given)} are for continuous recordings (a filter would "
            "distort the edges of epochs): clean and filter the recording before it is cut."
        )
    notch = [] if steps["notch"] is None else np.atleast_1d(steps["notch"]).tolist()
    if steps["notch"] is not None and not notch:
        raise ValueError("notch must be None or at least one frequency in Hz, got none.")
    check_edges(steps["l_freq"], steps["h_freq"], recording.sfreq, recording.name, notch)
    if steps["sfreq"] is not None:
        check_rate(steps["sfreq"], "sfreq")


def check_rates(recordings, sfreq):
    """Refuse several sampling frequencies, unless all are resampled; nearly equal ones become one."""
    rates = {}
    for recording in recordings:
        rate = next((rate for rate in rates if same_rate(rate, recording.sfreq)), recording.sfreq)
        if recording.is_raw and rate != recording.sfreq and sfreq is None:
            set_info(recording.source.info, sfreq=rate)
        rates.setdefault(rate, []).append(recording.name)
    if len(rates) > 1 and sfreq is None:
        shown = distinct(rates)
        found = "; ".join(
            f"{rate} Hz: {', '.join(names)}" for rate, names in zip(shown, rates.values(), strict=True)
        )
        raise ValueError(
            "The recordings differ in sampling frequency; resample them, "
            f"sfreq={min(shown, key=float)}. {found}."
        )


def check_channels(recordings, ch_names):
    """Refuse recordings that differ in channels."""
    names = [set(its) for its in ch_names]
    for recording, its in zip(recordings, names, strict=True):
        lacking, extra = names[0] - its, its - names[0]
        if lacking or extra:
            raise ValueError(
                f"The recordings differ in channels: {recording} lacks {sorted(lacking)} of {recordings[0]} "
                f"and has {sorted(extra)} besides. Pick the channels that they share."
            )
