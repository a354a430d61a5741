"""Many pipelines on many data sets, for days: each fold is a row of a store that survives a crash."""

from .config import read_config
from .moabb import moabb_view
from .results import Benchmark, open_benchmark
from .run import benchmark
from .store import StoreError

__all__ = ["Benchmark", "StoreError", "benchmark", "moabb_view", "open_benchmark", "read_config"]
