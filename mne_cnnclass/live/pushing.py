"""A stream whose samples are handed over, by whomever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .decision import Decision


class Session:
    """What takes samples of a stream and decides on them.

    Its classes have ``_windows``, which cuts them, ``_used`` and ``_scale``, the numbers of the channels that
    are looked at and what each of the stream is multiplied by, and ``_decided``, the decisions on a part.
    """

    _windows: Any
    _used: Any
    _scale: Any

    def push(self, data: Any, times: Any = None) -> list[Decision]:
        """Take the next samples and return the decisions that they lead to.

        Parameters
        ----------
        data : array, shape (n_channels, n_times)
            Samples of all channels of the stream, in V before ``scale``, in the order of the info with which
            the session was opened. How many at a time does not matter.
        times : None | array, shape (n_times,)
            Their time stamps in s. ``None`` counts samples from the start.

        Returns
        -------
        decisions : list of Decision
            The decisions, often none.

        Raises
        ------
        ValueError
            If the shapes are not those, or if the first seconds of an ECG span too much to be in V.
        RuntimeError
            If time stamps show another rate than the stream's.
        """
        return list(self.iter_push(data, times))

    def iter_push(self, data, times=None) -> Iterator[Decision]:
        data, times = np.asarray(data, dtype=float), None if times is None else np.asarray(times, float)
        n_channels = len(self._scale)
        if data.ndim != 2 or data.shape[0] != n_channels or np.shape(times) not in ((), data.shape[1:]):
            raise ValueError(
                f"data must have the shape ({n_channels}, n_times) and times (n_times,), got {data.shape} "
                f"and {np.shape(times)}."
            )
        data = data[self._used] * self._scale[self._used, np.newaxis]
        for part in self._windows.take(data, times):
            yield from self._decided(part)

    def lost(self, reason: str) -> None:
        """Note that samples to come do not go on from those before: no window across is judged."""
        self._windows.lost(reason)

    def finish(self) -> list[Decision]:
        """End; beats without the samples that have to follow them get no decision."""
        return []

    def _decided(self, part) -> Iterator[Decision]:
        raise NotImplementedError
