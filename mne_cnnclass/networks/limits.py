"""What an architecture needs, found by trying; only used where it has refused its input."""

from bisect import bisect_left

import mne
import numpy as np

LONGEST_WINDOW = 8192  # times: the search for what an architecture needs ends there
MOST_CHANNELS = 256


def smallest_working(works, fails, most):
    """The smallest number above ``fails`` that works, by doubling and bisection; None up to ``most``."""
    doubled = [fails * 2**i for i in range(1, most.bit_length()) if fails * 2**i < most]
    return _nearest(works, fails, [*doubled, most] if fails < most else [])


def largest_working(works, fails):
    """The largest number below ``fails`` that works, by halving and bisection; None if none does."""
    return _nearest(works, fails, [fails // 2**i for i in range(1, fails.bit_length())])


def _nearest(works, fails, numbers):
    """The number nearest to one that fails that works, looked for up to the first of these that does."""
    for number in numbers:
        if works(number):
            step = 1 if number > fails else -1
            between = range(fails + step, number, step)
            return [*between, number][bisect_left(between, True, key=works)]
        fails = number
    return None


def placeholder_channels(n_chans, chs_info=()):
    """The first ``n_chans`` channels, filled up with made-up ones at places on a sphere."""
    directions = np.random.default_rng(0).standard_normal((n_chans, 3))
    places = 0.095 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    usual = mne.channels.make_standard_montage("easycap-M1").ch_names
    given = {ch["ch_name"] for ch in chs_info}
    names = [name for name in [*usual, *(f"X{i}" for i in range(n_chans))] if name not in given]
    made_up = [
        {"ch_name": name, "kind": 2, "loc": np.concatenate([place, np.zeros(9)])}
        for name, place in zip(names, places, strict=False)
    ]
    return [*chs_info, *made_up][:n_chans]


def explain_refusal(works, signal):
    """Say in a clause what would have to be different for the architecture to work; None if nothing helps.

    ``works(**changes)`` tells whether it works with these changes to the signal, a dict of ``n_chans``,
    ``n_times``, ``sfreq`` and ``chs_info``.
    """
    n_chans, n_times, sfreq, chs_info = (signal[k] for k in ("n_chans", "n_times", "sfreq", "chs_info"))

    def works_for(n):
        return works(n_times=n)

    def works_with(n):
        return works(n_chans=n, chs_info=None if chs_info is None else placeholder_channels(n, chs_info))

    return (
        _missing_knowledge(works, n_chans, sfreq, chs_info)
        or _range_clause(works_for, n_times, LONGEST_WINDOW, "time point", "windows of ", sfreq)
        or _range_clause(works_with, n_chans, MOST_CHANNELS, "channel")
    )


def _missing_knowledge(works, n_chans, sfreq, chs_info):
    """Whether the architecture only has to know the sampling frequency, names or places of the channels."""
    n_probe = max(n_chans, 16)  # some that have to know the places want several channels as well
    places = placeholder_channels(n_probe)
    names = [{key: value for key, value in ch.items() if key != "loc"} for ch in places]
    if n_probe > n_chans and works(n_chans=n_probe, chs_info=None if chs_info is None else names):
        return None
    rates = [(None, {})]
    if sfreq is None:
        rates.append(("the sampling frequency", {"sfreq": 250.0}))
    channels = [(None, {})]
    if chs_info is None:
        channels.append(("channel names", {"n_chans": n_probe, "chs_info": names}))
    if chs_info is None or any("loc" not in ch for ch in chs_info):
        channels.append(("channel positions", {"n_chans": n_probe, "chs_info": places}))
    for about_channels, described in channels:
        for about_rate, timed in rates:
            needed = " and ".join(filter(None, [about_rate, about_channels]))
            if needed and works(**timed, **described):
                montage = " with a montage (epochs.set_montage)" if "positions" in needed else ""
                or_say = "" if about_channels else ", or give sfreq in Hz with the model's parameters"
                return f"needs {needed}: pass Epochs{montage}{or_say}"
    return None


def _range_clause(works, refused, most, unit, what="", sfreq=None):
    """What of a number (of times, of channels) works, with an end of the range where there is one."""

    def count(n):
        return f"{n} {unit}{'s' * (n != 1)}"

    def count_limit(n):
        return count(n) + ("" if sfreq is None else f" ({n / sfreq:.2f} s at {sfreq:g} Hz)")

    found = smallest_working(works, refused, most)
    bound, beyond = "needs {}at least {}", found and found + 1
    if found is None:
        found = largest_working(works, refused)
        bound, beyond = "takes {}at most {}", found and found - 1
    if found is None:
        return None
    if beyond == 0 or works(beyond):
        return f"{bound.format(what, count_limit(found))} with these parameters, got {count(refused)}"
    # not a range, such as multiples of a patch length: name the nearest
    step = 1 if found > refused else -1
    nearest = next(n for n in range(refused + step, found + step, step) if works(n))
    return (
        f"can't take {what}{count(refused)} with these parameters, but {what}{count_limit(nearest)} would do"
    )
