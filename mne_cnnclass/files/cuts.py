"""Where a recording was cut: marked as MNE marks it, so that epochs across are dropped and filters stop."""

import numpy as np

from ..utils.cuts import is_cut

MARKS = ("BAD boundary", "EDGE boundary")  # the first drops epochs, at the second filters begin anew


def mark_cuts(raw, suffix="", samples=()):
    """Put MNE's marks in place of the annotations of cuts, and at samples (from the start of the Raw).

    Returns the number of cuts between the first sample and the last. The duration of such an annotation is
    what was cut out, so it is no part of the signal.
    """
    notes = raw.annotations
    found = np.array([is_cut(text, suffix) for text in notes.description], bool)
    onsets = (notes.onset[found] - raw.first_time) * raw.info["sfreq"]
    # EEGLAB's are between two samples
    cuts = {*np.ceil(onsets - 1e-3).astype(int).tolist(), *map(int, samples)}
    cuts = sorted(cut for cut in cuts if 0 < cut < raw.n_times)
    if found.any():
        notes.delete(np.flatnonzero(found))
    if cuts:
        onsets = np.repeat(np.array(cuts) / raw.info["sfreq"] + raw.first_time, len(MARKS))
        notes.append(onsets, 0.0, list(MARKS) * len(cuts))
    return len(cuts)


def piece_lengths(raw, samples):
    """Length (in samples) of the pieces between cuts that hold these samples of the Raw."""
    at = raw.annotations.onset[raw.annotations.description == MARKS[1]] - raw.first_time
    edges = np.unique([0, *np.rint(at * raw.info["sfreq"]).astype(int), raw.n_times])
    piece = np.searchsorted(edges, samples - raw.first_samp, "right") - 1
    return np.diff(edges)[np.clip(piece, 0, len(edges) - 2)]
