"""Streams of the Lab Streaming Layer (LSL), by mne-lsl."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from ..utils.extras import from_extra
from ..utils.text import shortened
from .decision import Decision

PAUSE = 0.001  # s between looks for new samples
BUFFERED = 60  # s of samples that wait while a decision is made
SEARCH = 2.0  # s


def lsl():
    """The module ``mne_lsl.lsl``."""
    with from_extra("live", "A stream"):
        import mne_lsl.lsl
    return mne_lsl.lsl


def list_streams(timeout: float = SEARCH) -> list[str]:
    """List the LSL streams that there are.

    Parameters
    ----------
    timeout : float
        How long to look for them, in s.

    Returns
    -------
    streams : list of str
        A line for each: name, type, number of channels, rate.

    Raises
    ------
    ImportError
        If mne-lsl is missing (``pip install "mne-cnnclass[live]"``).

    Examples
    --------
    >>> from mne_cnnclass.live import list_streams
    >>> list_streams()  # doctest: +SKIP
    ['actiCHamp (type EEG, 32 channels, 500 Hz)']
    """
    return sorted(_describe(info) for info in lsl().resolve_streams(timeout))


def _describe(info):
    rate = f"{info.sfreq:g} Hz" if info.sfreq else "markers"
    return f"{info.name} (type {info.stype}, {info.n_channels} channels, {rate})"


def open_inlet(name, timeout, what):
    """An open inlet of the only stream of this name, whose time stamps are of the clock of this computer."""
    module = lsl()
    found = module.resolve_streams(timeout, name=name)
    if len(found) != 1:
        there = shortened(list_streams(), 20) or "none"
        raise RuntimeError(
            f"There are {len(found)} LSL streams {name!r} for {what}, and one is needed. Streams: {there}. "
            "Is the program running that sends it, and may it be reached (firewall, lsl_api.cfg)?"
        )
    inlet = module.StreamInlet(found[0], max_buffered=BUFFERED, processing_flags=["clocksync"])
    inlet.open_stream(timeout=timeout)
    return inlet


def signal_inlet(name, timeout):
    """An inlet of signals, their `mne.Info`, and what each channel is multiplied by to be in V."""
    inlet = open_inlet(name, timeout, "signals")
    if inlet.dtype == "string" or not inlet.sfreq:
        raise ValueError(f"The stream {name!r} has no signals at a regular rate; is it one of markers?")
    info = inlet.get_sinfo(timeout).get_channel_info()
    return inlet, info, np.array([10.0 ** ch["unit_mul"] for ch in info["chs"]])


class Markers:
    """Markers of a stream as text: strings, numbers, or the name of the channel that is not zero."""

    def __init__(self, name, timeout):
        self.inlet = open_inlet(name, timeout, "markers")
        self.names = self.inlet.get_sinfo(timeout).get_channel_names()

    def new(self):
        """The markers that came, with their times."""
        samples, times = self.inlet.pull_chunk(timeout=0.0)
        for sample, moment in zip(samples, times.tolist(), strict=True):
            if len(sample) > 1:
                for k in np.flatnonzero(sample):
                    yield str(self.names[k]), moment
            else:
                value = sample[0]
                yield (value if isinstance(value, str) else f"{value:g}"), moment


def chunks(inlet, patience) -> Iterator[tuple[np.ndarray, np.ndarray] | None]:
    """Samples as they come, and None each time that there are none, until ``patience`` s are without any."""
    last = time.monotonic()
    while True:
        data, times = inlet.pull_chunk(timeout=0.0)
        if len(times):
            last = time.monotonic()
            yield data.T.astype(float), times.copy()
        elif patience is not None and time.monotonic() - last > patience:
            return
        else:
            yield None
            time.sleep(PAUSE)


class DecisionOutlet:
    """Send decisions as an LSL stream, for games, feedback and recorders.

    Parameters
    ----------
    name : str
        The name of the stream. Its type is ``"Decisions"``; a sample has the probabilities of the classes,
        NaN for a window that was not judged, and the time of the last sample of the window.
    classes : array-like
        The classes, as in ``LiveClassifier.classes_``: the names of the channels.

    Raises
    ------
    ImportError
        If mne-lsl is missing (``pip install "mne-cnnclass[live]"``).

    Examples
    --------
    >>> from mne_cnnclass.live import DecisionOutlet
    >>> with DecisionOutlet("decisions", live.classes_) as outlet:  # doctest: +SKIP
    ...     for decision in live.connect("EEG"):
    ...         outlet(decision)
    """

    def __init__(self, name: str, classes: Any) -> None:
        module, self.classes = lsl(), list(classes)
        info = module.StreamInfo(name, "Decisions", len(self.classes), 0.0, "float64", f"mne_cnnclass_{name}")
        info.set_channel_names(list(map(str, self.classes)))
        self._outlet = module.StreamOutlet(info)

    def __call__(self, decision: Decision) -> None:
        """Send a decision."""
        proba = np.array([decision.proba.get(name, np.nan) for name in self.classes])
        self._outlet.push_sample(proba, timestamp=decision.time if np.isfinite(decision.time) else 0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        del self._outlet
