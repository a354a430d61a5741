"""Beats of long recordings, a stretch at a time, in memory that does not grow with their length."""

import numpy as np
import pandas as pd

from ..samples.view import EpochsView
from ..utils.quiet import heard
from ..utils.text import shortened
from ..utils.warn import warn
from .beats import make_beat_epochs
from .errors import NoBeats
from .quality import NOT_JUDGED
from .recordings import read_extent, read_recording

STRETCH = 3600.0  # s; that beats of a record are compared with
AROUND = 90.0  # s of recording on each side of a stretch, for filters and for the beats around a beat


def read_stretches(recording, *, annotator=None, stretch=STRETCH, around=0.0, whole=False):
    """Parts of a recording, with where each begins, and from where to where (s) it is the one to take.

    Those are stretches of that length, the last one up to twice as long, with ``around`` (s) of signal on
    each side; a recording of up to two stretches, of unknown length, or ``whole``, is one part.
    """
    length, _ = read_extent(recording)
    whole = whole or length is None or length <= 2 * stretch
    edges = [0.0] if whole else stretch * np.arange(length // stretch)  # the last one is longer
    for edge, following in zip(edges, [*edges[1:], np.inf], strict=True):
        start = max(edge - around, 0.0)
        stop = None if following == np.inf else min(following + around, length)
        yield (
            read_recording(recording, annotator=annotator, start=start, stop=stop),
            start,
            edge,
            following,
        )


def predict_beats(clf, recording, *, annotator=None, stretch=STRETCH, **settings):
    """A row a beat of a recording, a path or a Raw, and the number of beats at its ends and of no class.

    Columns are ``onset`` (s), ``duration`` (0), ``description`` (the class, or that it is not judged),
    ``proba_<class>`` (NaN if it is not) and ``quality``. Beats are those of the file of annotations with the
    ending ``annotator``, or else are found in the signal. Further arguments are those of
    :func:`make_beat_epochs` besides ``peaks`` and ``unusable``.

    Recordings longer than two stretches (s) are read and predicted stretch by stretch: what is measured
    against a record (the height of its typical QRS complex, its median RR interval) is then measured against
    the hour around. With ``causal=True`` the recording is one stretch, as each beat depends on all before.
    """
    tables, n_left_out, error = [], 0, None
    with heard() as said:
        how = dict(annotator=annotator, stretch=stretch, whole=settings.get("causal", False))
        for raw, start, edge, following in read_stretches(recording, around=AROUND, **how):
            try:
                epochs = make_beat_epochs(
                    raw,
                    **settings | dict(unusable="keep"),
                    peaks="detected" if annotator is None else "annotated",
                )
            except NoBeats as none:  # an electrode may be off for hours
                error = none
                continue
            view = EpochsView(epochs)
            onset, quality = view.metadata["onset"] + start, view.metadata["quality"]
            is_good = (quality == "good").to_numpy()
            proba, description = (
                np.full((len(view), len(clf.classes_)), np.nan),
                np.full(len(view), NOT_JUDGED, object),
            )
            if is_good.any():
                proba[is_good] = clf.predict_proba(view[is_good])
                description[is_good] = clf.classes_[proba[is_good].argmax(axis=1)]
            table = pd.DataFrame(dict(onset=onset, duration=0.0, description=description))
            table[[f"proba_{name}" for name in clf.classes_]] = proba
            table["quality"] = quality
            tables.append(table[onset.between(edge, following, inclusive="left")])
            left_out = [number for number, reasons in enumerate(epochs.drop_log) if reasons]
            when = np.interp(left_out, epochs.selection, onset)  # interpolated from the beats around
            n_left_out += int(((when >= edge) & (when < following)).sum())
    if said:
        warn(shortened(said, 3, "more for other parts", ". "))
    if not tables:
        raise error
    return pd.concat(tables, ignore_index=True), n_left_out
