"""What a fitted classifier knows of its samples."""

from __future__ import annotations

import math

from sklearn.pipeline import Pipeline

from ..preprocessing import ToElectrodes
from ..samples.channel_names import standard_name
from ..samples.sources import pick_names


def inside(estimator):
    """An estimator and all that predict for it, from the outside in, with the name of each step."""
    todo = [("", estimator)]
    while todo:
        name, one = todo.pop(0)
        yield name, one
        if isinstance(one, Pipeline):
            todo += [(step, its) for step, its in one.steps if hasattr(its, "fit")]
        members = getattr(one, "estimators_", None)
        if isinstance(members, list):
            names = [n for n, _ in getattr(one, "estimators", ())] or map(str, range(len(members)))
            todo += [(f"{name or type(one).__name__}: {n}", m) for n, m in zip(names, members, strict=False)]
        for attribute in ("estimator_", "best_estimator_"):
            if hasattr(one, attribute):
                todo.append((name, getattr(one, attribute)))


def first_known(estimator, attribute):
    """What the first of an estimator and its parts knows that does, such as ``ch_names_``; or None."""
    found = (getattr(one, attribute, None) for _, one in inside(estimator))
    return next((value for value in found if value is not None), None)


def for_any_cap(estimator):
    """The step of a Pipeline that takes samples of any channels, rate and length; None if there is none."""
    return next((one for _, one in inside(estimator) if isinstance(one, ToElectrodes)), None)


def channels_of(clf, info, picks):
    """The channels of its windows, of those that a stream has; by ``picks`` if it does not know them."""
    names, ready = first_known(clf, "ch_names_"), for_any_cap(clf)
    if ready is not None:
        names = [name for name in info["ch_names"] if standard_name(name) in ready.ch_names]
    return names or pick_names(info, picks)


def rate_of(clf):
    """The rate that its samples need to have, in Hz; None for any."""
    return None if for_any_cap(clf) is not None else first_known(clf, "sfreq_")


def span_of(clf, tmin, tmax, sfreq):
    """Start of its samples in s, and their number at a rate; tmin and tmax (s) are given, or None."""
    n_times, ready = first_known(clf, "n_times_"), for_any_cap(clf)
    if ready is not None:
        n_times = math.ceil(ready.duration * sfreq - 1e-6)
        if tmin is None and math.isfinite(ready.start[0]):
            tmin = ready.start[0]
    if tmin is None:
        known = (first_known(clf, "provenance_") or {}).get("tmin", ())
        tmin = known[0] if len(known) == 1 else 0.0
    if tmax is None:
        if n_times is None:
            raise ValueError(
                f"A {type(clf).__name__} does not know how long its samples are: give tmin and tmax."
            )
        return tmin, n_times
    given = round(tmax * sfreq) - round(tmin * sfreq) + 1
    if n_times is not None and given != n_times and ready is None:
        raise ValueError(
            f"From tmin={tmin:g} to tmax={tmax:g} s there are {given} samples at {sfreq:g} Hz, and the "
            f"classifier was fitted on {n_times}."
        )
    return tmin, given
