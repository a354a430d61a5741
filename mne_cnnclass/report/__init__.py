"""An evaluation as pages of an `mne.Report`: read without code, and kept beside the paper."""

from .build import build_report

__all__ = ["build_report"]
