"""Packages that are installed with an extra of this one."""

import contextlib


@contextlib.contextmanager
def from_extra(extra, what):
    """Import packages of an extra; if one is missing, say that ``what`` needs it, and how to install it."""
    try:
        yield
    except ImportError as error:
        package = (error.name or str(error)).partition(".")[0]
        raise ImportError(
            f'{what} needs {package}, which is missing: pip install "mne-cnnclass[{extra}]"'
        ) from error
