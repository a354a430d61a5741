"""Rhythms of recordings of any length, in windows as long as the recordings that models have learnt from."""

import numpy as np
import pandas as pd

from ..samples.view import EpochsView
from ..utils.quiet import heard
from ..utils.text import shortened
from ..utils.warn import warn
from .errors import NoWindows
from .leads import guess_doubts, pick_leads
from .quality import NOT_JUDGED, signal_quality
from .rhythms import make_rhythm_epochs, window_starts
from .stretches import read_stretches

# s: the shortest recording of CinC 2017, the longest, up to which a recording is one window, and the windows
# of longer ones, which are as long as most of those recordings are
SHORTEST, LONGEST, WINDOW = 9.0, 61.0, 30.0
LEAST_BEATS = 5  # in a window, to tell how regular they are
RATES = (24.0, 250.0)  # beats a minute, between which hearts beat
# of the seconds of a window; more have 44 % of CinC 2017's 150 noisy recordings, and 1 of its 450 others
MOST_UNUSABLE = 0.5
NOISE = "~"  # the class of those that experts could not read
FIRST_LEAD = "MLII|II|I|aVF|III|V1|V2|V4|V5|V3|V6|aVL|aVR|ECG"


def predict_rhythm(clf, recording, *, lead=None):
    """A table with a row a window of a recording, a path or a Raw: one row for a recording of up to 61 s.

    Columns are ``onset``, ``duration`` (s), ``description`` (the class, or that it is not judged),
    ``proba_<class>``, ``rate`` (median heart rate, beats/min; both NaN if nothing could be measured) and
    ``quality``: ``"good"``, or why the window is not judged: ``"short"`` (below 9 s), ``"few beats"``,
    ``"rate"`` (of no heart), ``"paced"``, ``"band"`` or ``"no ecg"`` (unlike the training), or as
    `signal_quality` says; and ``lead``.
    """
    tables = []
    with heard() as said:
        for raw, start, *_ in read_stretches(recording):
            table = _predict_windows(clf, raw, lead)
            tables.append(table.assign(onset=table["onset"] + start))
    if said:
        warn(shortened(said, 3, "more for other parts", ". "))
    return pd.concat(tables, ignore_index=True)


def _predict_windows(clf, raw, lead):
    """The table of a recording, or of a stretch."""
    (picked,), _ = pick_leads(raw, {"ECG": lead or FIRST_LEAD}, "The recording", may_lack=lead is None)
    for doubt in guess_doubts(raw, picked, FIRST_LEAD) if lead is None else []:
        warn(f"The recording: {doubt}.")
    sfreq = raw.info["sfreq"]
    lasts = raw.n_times / sfreq
    duration = WINDOW if lasts > LONGEST else lasts
    n_windows, epochs = len(window_starts(raw.n_times, round(duration * sfreq), 0)), None
    if lasts >= SHORTEST:
        try:
            how = dict(label="unknown", duration=duration, around=duration)
            epochs = make_rhythm_epochs(raw, leads={"ECG": picked}, **how)
            n_windows = len(epochs.drop_log)
        except NoWindows:  # all of them touch what is lost
            pass
    onset = np.linspace(0, lasts - duration, n_windows)
    proba, rate = np.full((n_windows, len(clf.classes_)), np.nan), np.full(n_windows, np.nan)
    reason = np.full(n_windows, "short" if lasts < SHORTEST else "invalid", object)
    if epochs is not None:
        measured, kept = epochs.metadata, epochs.selection
        few = (measured["n_beats"] * duration / 60 < LEAST_BEATS).to_numpy()
        rate[kept] = np.where(few, np.nan, 60 / np.exp(measured["rr_median"]))
        proba[kept] = np.where(few[:, None], np.nan, clf.predict_proba(EpochsView(epochs)))
        odd = (rate[kept] < RATES[0]) | (rate[kept] > RATES[1])
        unlike = measured["quality"].to_numpy(object)
        reason[kept] = np.select([few, odd], ["few beats", "rate"], unlike)
    if lasts >= SHORTEST:  # noise is looked for in what is around a second
        seconds = signal_quality(raw, [picked])
        signal = [_quality(seconds, begin, begin + duration) for begin in onset]
        reason = np.where(np.array(signal, object) == "good", reason, signal)
    named = np.asarray(clf.classes_, object)[np.nan_to_num(proba).argmax(axis=1)]
    reason = np.where((reason == "good") & (named == NOISE), "noisy", reason)
    table = pd.DataFrame(dict(onset=onset, duration=duration))
    table["description"] = np.where(reason == "good", named, NOT_JUDGED)
    table[[f"proba_{name}" for name in clf.classes_]] = proba
    return table.assign(rate=rate, quality=reason, lead=picked)


def _quality(seconds, begin, end):
    """Good, or what most of the seconds of a window that are not good are, if that are more than some."""
    inside = seconds["quality"][(seconds["onset"] < end) & (seconds["onset"] + 1 > begin)]
    bad = inside[inside != "good"]
    return bad.mode().iloc[0] if len(bad) > MOST_UNUSABLE * len(inside) else "good"
