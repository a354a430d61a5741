"""What the beats of a recording amount to: how many of each class, in which runs, and how fast they come."""

import numpy as np
import pandas as pd

from ..utils.numbers import runs
from .quality import NOT_JUDGED

RESEARCH = "For research only: this is not a medical device, and no basis for decisions about a patient."
LONGEST_RR = 4.0  # s; beyond it, beats are lacking, and nothing is said of the time between
BIN_WIDTHS = (
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
)  # s; the slowest heart beats twice in the first
MOST_BINS = 150
MEANINGS = {"N": "normal", "S": "supraventricular", "V": "ventricular", "F": "fusion", "Q": "unclassifiable"}
RHYTHMS = {"N": "normal", "A": "atrial fibrillation", "O": "other", "~": "too noisy"}
SHORT_RUN = 3  # beats of a class in a row from which on they are a run; two are a pair


def is_judged(beats):
    """Which of the beats are judged, as an array."""
    return (beats["description"] != NOT_JUDGED).to_numpy()


def judged_intervals(beats):
    """The interval (s) before each beat, NaN if one of its two beats is not judged, or beats are lacking."""
    judged = is_judged(beats)
    rr = np.diff(beats["onset"], prepend=np.nan)
    follows = judged & np.r_[False, judged[:-1]] if len(judged) else judged
    return np.where(follows & (rr <= LONGEST_RR), rr, np.nan)


def count_beats(beats, classes):
    """A row a class: beats, their share of the judged ones and number an hour, and of those in a row."""
    judged, found = is_judged(beats), find_runs(beats)
    hours = np.nansum(judged_intervals(beats)) / 3600
    rows = {}
    for name in classes:
        own = found[found["description"] == name]
        n, lengths = int(own["n_beats"].sum()), own["n_beats"]
        rows[name] = dict(
            n=n,
            share=n / judged.sum() if judged.any() else np.nan,
            per_hour=n / hours if hours else np.nan,
            single=int((lengths == 1).sum()),
            pairs=int((lengths == 2).sum()),
            runs=int((lengths >= SHORT_RUN).sum()),
            longest=int(lengths.max()) if n else 0,
        )
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("class")


def find_runs(beats):
    """A row a run of judged beats of one class: when, of which, how many, for how long, and at which rate."""
    code = pd.factorize(beats["description"])[0]
    broken = np.isnan(judged_intervals(beats)).cumsum()  # no run goes on where beats are lacking
    spans = runs(code + (code.max(initial=0) + 1) * broken)
    judged, onset = is_judged(beats), beats["onset"].to_numpy()
    spans = [span for span in spans if judged[span.start]]
    first, last = (np.array([s.start for s in spans], int), np.array([s.stop - 1 for s in spans], int))
    n_beats, duration = last - first + 1, onset[last] - onset[first]
    rate = np.divide(60.0 * (n_beats - 1), duration, out=np.full(len(spans), np.nan), where=n_beats > 1)
    description = beats["description"].to_numpy()[first]
    return pd.DataFrame(
        dict(onset=onset[first], description=description, n_beats=n_beats, duration=duration, rate=rate)
    )


def bin_width(duration):
    """Width (s) of the bins in which a recording of that length is drawn."""
    return float(next((w for w in BIN_WIDTHS if duration <= MOST_BINS * w), BIN_WIDTHS[-1]))


def bin_beats(beats, duration, classes, width):
    """A row a bin of time: beats, those judged, those of each class, and the heart rate (beats/min).

    ``rate``, ``rate_low`` and ``rate_high`` are the median, and the 5th and the 95th percentile, of the rates
    of single intervals between judged beats.
    """
    n_bins = max(int(np.ceil(duration / width - 1e-9)), 1)
    place = np.minimum((beats["onset"] // width).astype(int), n_bins - 1)
    judged, index = is_judged(beats), pd.RangeIndex(n_bins)
    rates = pd.Series(60 / judged_intervals(beats)).groupby(place.to_numpy())
    table = pd.DataFrame(dict(onset=width * np.arange(n_bins)), index=index)
    which = dict(beats=np.ones(len(beats), bool), judged=judged)
    which |= {name: (beats["description"] == name).to_numpy() for name in classes}
    for name, of_kind in which.items():
        table[name] = place[of_kind].value_counts().reindex(index, fill_value=0)
    for column, quantile in (("rate", 0.5), ("rate_low", 0.05), ("rate_high", 0.95)):
        table[column] = rates.quantile(quantile).reindex(index) if len(beats) else np.nan
    return table


def heart_rates(beats):
    """Median heart rate (beats/min) of the judged beats, the lowest and the highest of a minute, and when.

    None without such beats; of recordings of less than a minute, the lowest and highest are those of all.
    """
    rr = judged_intervals(beats)
    known = np.flatnonzero(~np.isnan(rr))
    if not len(known):
        return None
    onset = beats["onset"].to_numpy()[known]
    by_minute = pd.Series(rr[known]).groupby((onset // 60).astype(int)).agg(["median", "sum"])
    whole = by_minute[by_minute["sum"] >= 30]  # s with beats
    whole = by_minute if not len(whole) else whole
    median = whole["median"]
    return dict(
        median=60 / np.median(rr[known]),
        lowest=60 / median.max(),
        lowest_at=60.0 * median.idxmax(),
        highest=60 / median.min(),
        highest_at=60.0 * median.idxmin(),
    )


def share_of_rhythms(rhythm):
    """Seconds of each rhythm, of windows that may overlap, and of what is not judged."""
    if not len(rhythm):
        return pd.Series(dtype=float)
    ends = (rhythm["onset"] + rhythm["duration"]).to_numpy()
    following = np.r_[rhythm["onset"].to_numpy()[1:], np.inf]
    seconds = np.minimum(ends, following) - rhythm["onset"].to_numpy()
    return pd.Series(seconds).groupby(rhythm["description"].to_numpy()).sum().sort_values(ascending=False)


def clock(seconds, decimals=0):
    """A time from the start of a recording as h:mm:ss."""
    unit = 10**decimals
    total = int(np.floor(seconds * unit + 1e-6))
    whole, part = divmod(total, unit)
    text = f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{text}.{part:0{decimals}d}" if decimals else text
