"""An evaluation or a benchmark as pages of an `mne.Report`: read without code, kept beside the paper."""

from .benchmark import build_benchmark_report
from .build import build_report

__all__ = ["build_benchmark_report", "build_report"]
