"""Calls of MNE that say nothing, or whose words are kept, also while other threads make them."""

import contextlib
import threading
import warnings
from collections import Counter

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


@contextlib.contextmanager
def heard():
    """Keep what MNE warns of meanwhile: a list of texts, filled at the end, each once and with its number.

    Warnings of other kinds, such as of what is deprecated, are passed on.
    """
    said = []
    with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as caught, mne.use_log_level("WARNING"):
        warnings.simplefilter("always")
        yield said
    own = [w for w in caught if issubclass(w.category, (RuntimeWarning, UserWarning))]
    counts = Counter(" ".join(str(w.message).split()).rstrip(".") for w in own)
    said += [f"{text} ({n} times)" if n > 1 else text for text, n in counts.items()]
    for w in caught:
        if w not in own:
            warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)
