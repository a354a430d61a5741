"""The command ``mne-cnnclass``."""

from . import benchmarks, ecg, ecg_predict, live, recordings  # noqa: F401, their commands join the application
from .common import main

__all__ = ["main"]
