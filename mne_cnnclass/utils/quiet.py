"""Calls of MNE that say nothing, also while other threads make them."""

import contextlib
import threading

import mne

# MNE's log level belongs to the process, and so does the position in a file of Epochs on disk: of two threads
# at once, one would leave the level changed for good, and read the epochs of the other.
_ONE_AT_A_TIME = threading.RLock()


@contextlib.contextmanager
def quiet():
    """Let MNE tell errors only, in one thread at a time.

    ``verbose="ERROR"`` does the same where no other thread can be at it, which is not so where an estimator
    predicts.
    """
    with _ONE_AT_A_TIME, mne.use_log_level("ERROR"):
        yield
