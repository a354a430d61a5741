"""What hints call the arguments of public functions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import mne
import numpy as np
from sklearn.model_selection import BaseCrossValidator

from .view import EpochsView

PathLike: TypeAlias = str | os.PathLike[str]
RandomState: TypeAlias = int | np.random.RandomState | None
# as text, since python -OO can't import these classes of MNE
EpochsLike: TypeAlias = "EpochsView | mne.BaseEpochs | Sequence[mne.BaseEpochs]"
Samples: TypeAlias = "EpochsLike | np.ndarray"
Recordings: TypeAlias = "PathLike | mne.io.BaseRaw | Sequence[PathLike | mne.io.BaseRaw]"
Splitter: TypeAlias = int | BaseCrossValidator | Iterable[tuple[np.ndarray, np.ndarray]]
Splits: TypeAlias = str | BaseCrossValidator  # of a benchmark
Dataset: TypeAlias = "EpochsLike | PathLike | Mapping[str, Any] | Callable[[], Any]"
