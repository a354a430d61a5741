"""Epochs of EEGLAB, each of the event that it was cut at."""

import mne
import numpy as np

from ..utils.extras import from_extra


def read_epochs(path):
    """Epochs of an EEGLAB file; MNE names an epoch by all events in it, also those of its neighbours."""
    named = _events_at_zero(path)
    return mne.read_epochs_eeglab(path) if named is None else mne.read_epochs_eeglab(path, *named)


def _events_at_zero(path):
    """Events (n, 3) and ``event_id`` of the events at 0 s; None if they are not known for every epoch."""
    with from_extra("eeglab", "Reading files of EEGLAB"):
        from pymatreader import read_mat

    eeg = read_mat(path, ignore_fields=("data", "icaact"))
    eeg = eeg.get("EEG", eeg)
    table = eeg.get("epoch")
    if not isinstance(table, dict) or not {"eventtype", "eventlatency"} <= set(table):
        return None
    names = []
    for kinds, latencies in zip(table["eventtype"], table["eventlatency"], strict=True):
        kinds = [kinds] if isinstance(kinds, str) or not np.iterable(kinds) else kinds
        try:
            times = np.abs(np.atleast_1d(np.asarray(latencies, float))) / 1000  # they are in ms
        except (TypeError, ValueError):  # no numbers
            return None
        names.append("/".join(_name(kinds[k]) for k in np.flatnonzero(times < 0.5 / eeg["srate"])))
    if not all(names) or len(names) != eeg["trials"]:
        return None
    event_id = {name: code for code, name in enumerate(dict.fromkeys(names), start=1)}
    zero = round(-eeg["xmin"] * eeg["srate"])
    samples = zero + int(eeg["pnts"]) * np.arange(len(names))
    codes = [event_id[name] for name in names]
    return np.column_stack([samples, np.zeros(len(names), int), codes]), event_id


def _name(kind):
    """The type of an event, text or number; MATLAB's numbers are all decimals."""
    return f"{kind:g}" if isinstance(kind, (float, np.floating)) else str(kind)
