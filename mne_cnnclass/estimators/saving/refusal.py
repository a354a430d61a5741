"""How a file is refused, and what a header has to hold before anything is made of it."""

import math

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
    """Refuse a file unless a condition holds.

    Parameters
    ----------
    condition : bool
        What has to be true.
    path : path-like
        The file.
    what : str
        What is wrong with it otherwise.

    Raises
    ------
    RefusedFileError
        If it is not.
    """
    if not condition:
        raise RefusedFileError(
            f"{path} is damaged, or was not written by mne-cnnclass: {what}. Save the classifier again, or "
            "get the file again from where it came from."
        )


def check_network(header, path):
    """Check what is known of a CNNClassifier, so that nothing of it is used for what it is not.

    Parameters
    ----------
    header : dict
        The description of the classifier, as it came from JSON.
    path : path-like
        The file, for messages.

    Raises
    ------
    RefusedFileError
        If something is missing, of another type, or contradicts something else.
    """

    def field(name, kinds, where=header, optional=False):
        if optional and name not in where:
            return None
        need(name in where, path, f"{name!r} is missing")
        value = where[name]
        # True is an int for Python, but no number of channels
        fits = isinstance(value, kinds) and (bool in _listed(kinds) or not isinstance(value, bool))
        need(fits, path, f"{name!r} is {shown(value)}")
        return value

    def count(name, where=header):
        value = field(name, int, where)
        need(value > 0, path, f"{name!r} is {value}")
        return value

    for name, kinds in {
        **{"custom_module": bool, "is_table": bool, "seed": int, "classes": list, "classes_dtype": str},
        **{"params": dict, "feature_names_in": (list, type(None)), "history": dict},
    }.items():
        field(name, kinds)
    architecture, scaler = field("architecture", dict), field("scaler", dict)
    n_channels, n_times = count("n_channels"), count("n_times")
    need(
        n_channels * n_times <= MOST_VALUES,
        path,
        f"a sample of {n_channels} channels and {n_times} times is larger than {MOST_VALUES} values",
    )
    n_classes = len(header["classes"])
    need(n_classes > 1, path, f"it has {n_classes} classes")
    count("n_features_in")
    for name, number in {"n_chans": n_channels, "n_times": n_times, "n_outputs": n_classes}.items():
        need(count(name, architecture) == number, path, f"{name!r} of its network is not {number}")
    for where in (header, architecture):
        sfreq = field("sfreq", (int, float, type(None)), where)
        need(sfreq is None or 0 < sfreq < math.inf, path, f"'sfreq' is {sfreq}")
    names = field("ch_names", (list, type(None)))
    need(names is None or _is_names(names, n_channels), path, f"'ch_names' are no {n_channels} names")
    known = field("provenance", (dict, type(None)), optional=True)
    need(known is None or _is_provenance(known), path, "'provenance' is not what epochs have")
    temperature = field("temperature", (int, float), optional=True)
    need(temperature is None or 0 < temperature < math.inf, path, f"'temperature' is {temperature}")
    _check_sizes(field("params", (dict, type(None)), architecture), path)
    asks = would_download(architecture.get("model"), architecture["params"])
    need(not asks, path, "its network would download a table of channels")
    versions = field("trained_with", dict, optional=True)
    need(
        versions is None or all(isinstance(v, str) for v in versions.values()),
        path,
        "'trained_with' is no text",
    )
    field("standardize", bool, scaler)
    _check_scaling(scaler, (n_channels, 1), path)
    if "side_scaler" in header:
        side, n_side = field("side_scaler", dict), field("n_side", int, architecture)
        need(_is_names(field("names", list, side)), path, "'names' of side inputs are no names")
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


def _listed(kinds):
    return kinds if isinstance(kinds, tuple) else (kinds,)


def shown(value):
    """A value in few words, whatever its size."""
    if isinstance(value, (list, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, int) and abs(value) > 10**18:
        return "a huge number"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
