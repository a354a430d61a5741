"""Recordings and streams, handed to a session as they come, and its decisions, handed to callbacks."""

from __future__ import annotations

import time

from .lsl import chunks
from .recordings import parts_of


def played(recording, session, speed):
    """The decisions of a session on a recording, at so many times its own speed, or at once."""
    began = time.monotonic()
    for first, data, is_cut in parts_of(recording, speed is not None):
        if is_cut:
            session.lost("the recording was cut")
        if speed is not None:
            ends = (first + data.shape[1]) / recording.sfreq / speed
            time.sleep(max(began + ends - time.monotonic(), 0))
        yield from session.iter_push(data)
    yield from session.finish()


def followed(inlet, session, patience, events=None):
    """The decisions of a session on a stream; ``events()`` are those that came, with their times."""
    for chunk in chunks(inlet, patience):
        for event, moment in () if events is None else events():
            yield from session.mark(event, moment)
        if chunk is not None:
            yield from session.iter_push(*chunk)
    yield from session.finish()


def told(decisions, callbacks):
    """Decisions, after each of some functions was called with them."""
    callbacks = list(callbacks)
    for decision in decisions:
        for callback in callbacks:
            callback(decision)
        yield decision
