"""How a file is refused, and what a header has to hold before anything is made of it."""

import math
from types import NoneType

import numpy as np

from ...networks.braindecode_models import would_download

MOST_VALUES = 2**25  # of one sample: 128 channels, 1 kHz and more than four minutes
MOST_NUMBER = 2**22  # among parameters of an architecture: more layers, filters or times than any has
# What constructors, numpy, pandas and MNE raise for wrong values in a file. OSError, MemoryError and
# ImportError are not among them, as they say something of the computer.
UNUSABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class RefusedFileError(ValueError):
    """A file that can't be read as a saved estimator, or that is not safe to read."""


def need(condition, path, what):
    """Refuse a file unless a condition holds; otherwise, ``what`` says what is wrong with it."""
    if not condition:
        raise RefusedFileError(
            f"{path} is damaged, or was not written by mne-cnnclass: {what}. Save the classifier again, or "
            "get the file again from where it came from."
        )


def check_network(header, path):
    """Refuse a description of a CNNClassifier that lacks something, or in which parts contradict others."""

    def field(name, *kinds, where=header):
        need(name in where, path, f"{name!r} is missing")
        # as JSON gives it: True is an int for isinstance, but no number of channels
        need(type(where[name]) in kinds, path, f"{name!r} is {shown(where[name])}")
        return where[name]

    def count(name, where=header):
        value = field(name, int, where=where)
        need(value > 0, path, f"{name!r} is {value}")
        return value

    kinds = {"custom_module": bool, "is_table": bool, "params": dict, "history": dict, "seed": int}
    for name, kind in {**kinds, "classes_dtype": str}.items():
        field(name, kind)
    field("feature_names_in", list, NoneType)
    count("n_features_in")
    architecture, n_channels, n_times = field("architecture", dict), count("n_channels"), count("n_times")
    need(
        n_channels * n_times <= MOST_VALUES,
        path,
        f"a sample of {n_channels} channels and {n_times} times is larger than {MOST_VALUES} values",
    )
    n_classes = len(field("classes", list))
    need(n_classes > 1, path, f"it has {n_classes} classes")
    for name, number in {"n_chans": n_channels, "n_times": n_times, "n_outputs": n_classes}.items():
        need(count(name, architecture) == number, path, f"{name!r} of its network is not {number}")
    for where in (header, architecture):
        sfreq = field("sfreq", int, float, NoneType, where=where)
        need(sfreq is None or 0 < sfreq < math.inf, path, f"'sfreq' is {sfreq}")
    names = field("ch_names", list, NoneType)
    need(names is None or _is_names(names, n_channels), path, f"'ch_names' are no {n_channels} names")
    if "provenance" in header:
        known = field("provenance", dict, NoneType)
        need(known is None or _is_provenance(known), path, "'provenance' is not what epochs have")
    if "temperature" in header:
        temperature = field("temperature", int, float)
        need(0 < temperature < math.inf, path, f"'temperature' is {temperature}")
    if "trained_with" in header:
        need(_is_names(field("trained_with", dict).values()), path, "'trained_with' is no text")
    _check_sizes(field("params", dict, NoneType, where=architecture), path)
    asks = would_download(architecture.get("model"), architecture["params"])
    need(not asks, path, "its network would download a table of channels")
    scaler = field("scaler", dict)
    field("standardize", bool, where=scaler)
    _check_scaling(scaler, (n_channels, 1), path)
    if "side_scaler" in header:
        side, n_side = field("side_scaler", dict), field("n_side", int, where=architecture)
        need(_is_names(field("names", list, where=side)), path, "'names' of side inputs are no names")
        _check_scaling(side, (n_side,), path, infinite=True)  # which is what a constant column has


def _check_scaling(scaler, shape, path, infinite=False):
    mean, scale = (np.array(scaler[name], dtype=float) for name in ("mean", "scale"))
    need(mean.shape == scale.shape == shape, path, f"means and scales have no shape {shape}")
    usable = np.isfinite(mean).all() and (scale > 0).all() and (infinite or np.isfinite(scale).all())
    need(usable, path, "means or scales are no numbers to scale by")


def _check_sizes(value, path):
    """Refuse integers that only a network beyond all measure could mean."""
    if isinstance(value, (list, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            _check_sizes(one, path)
    elif isinstance(value, int):
        need(abs(value) <= MOST_NUMBER, path, f"a parameter of its network is {shown(value)}")


def _is_provenance(known):
    """Whether these are values of the properties that `provenance` finds."""
    fits = {
        "pass_band": _is_interval,
        "reference": lambda value: isinstance(value, str),
        "projectors": lambda value: type(value) is int,
        "baseline": lambda value: value is None or _is_interval(value),
        "tmin": lambda value: type(value) in (int, float),
    }
    return known.keys() == fits.keys() and all(
        isinstance(known[name], list) and all(map(fit, known[name])) for name, fit in fits.items()
    )


def _is_interval(value):
    return isinstance(value, list) and len(value) == 2 and all(type(end) in (int, float) for end in value)


def _is_names(names, n=None):
    return n in (None, len(names)) and all(isinstance(name, str) for name in names)


def in_short(error):
    """An error in few words."""
    return f"{type(error).__name__}: {str(error)[:300]}"


def shown(value):
    """A value in few words, whatever its size."""
    if isinstance(value, (list, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, int) and abs(value) > 10**18:
        return "a huge number"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
