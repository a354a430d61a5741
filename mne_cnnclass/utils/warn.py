"""Warnings that name the user's line."""

import sys
import warnings

# libraries that call this one, and the parts of Python's own that lie in between
_PASSED = {__name__.partition(".")[0], "mne", "sklearn", "imblearn", "skorch", "torch", "numpy", "pandas"}
_PASSED |= {"joblib", "tqdm", "distributed", "contextlib", "functools", "threading", "concurrent", "runpy"}


def warn(message, category=RuntimeWarning):
    """Warn as `warnings.warn`, of the first line outside of this package and the libraries that call it.

    So do :func:`mne.utils.warn`, for MNE alone, and ``skip_file_prefixes`` of Python 3.12.
    """
    caller = frame = sys._getframe(1)
    while frame is not None and _package(frame) in _PASSED:
        frame = frame.f_back
    frame = frame or caller  # in another process there is no line of the user's
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    module = frame.f_globals.get("__name__", "<string>")
    warnings.warn_explicit(message, category, frame.f_code.co_filename, frame.f_lineno, module, registry)


def _package(frame):
    """The package of a frame, run by ``python -m`` or not; of a function that ``exec`` made, this one."""
    spec = frame.f_globals.get("__spec__")
    name = getattr(spec, "name", None) or frame.f_globals.get("__name__") or __name__
    return name.partition(".")[0]
