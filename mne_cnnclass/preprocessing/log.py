"""What was done to each recording, and what was dropped."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from ..samples.types import EpochsLike
from ..samples.view import EpochsView
from ..utils.text import shortened

_COLUMNS = ["file", "step", "done", "n_dropped"]


def epochs_log(epochs: EpochsLike) -> pd.DataFrame:
    """Report what :func:`make_epochs` did to each recording, and which epochs it dropped.

    Parameters
    ----------
    epochs : mne.Epochs | list of mne.Epochs | EpochsView
        The epochs returned by :func:`make_epochs`, or a subset or view of them.

    Returns
    -------
    log : pandas.DataFrame
        One row per recording and step, in the order in which they were run, with the columns ``file``,
        ``step``, ``done`` (a description) and ``n_dropped`` (number of epochs dropped). Of beats and
        rhythms there is one step, by what the patient was found. Empty if the Epochs were made otherwise.

    Notes
    -----
    The log stays with the Epochs in memory, with subsets and views of them, and with the output of
    transformers; it is not saved when the Epochs are written to a file.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import epochs_log, make_epochs
    >>> info = mne.create_info(["C3", "Cz", "C4"], sfreq=100.0, ch_types="eeg")
    >>> data = 1e-6 * np.random.default_rng(0).standard_normal((3, 1000))
    >>> raw = mne.io.RawArray(data, info, verbose=False)
    >>> windows = dict(duration=2.0, overlap=1.0)
    >>> epochs = make_epochs(raw, windows=windows, classes=["rest"], h_freq=30.0)
    >>> print(epochs_log(epochs)[["step", "done"]].to_string(index=False))
       step                                 done
    subject not known (nothing names a person)
     filter pass to 30 Hz (transition 7.5 Hz)
    epochs                       9 of 9 kept
    """
    if isinstance(epochs, EpochsView):
        first = np.unique(epochs.onsets()[1], return_index=True)[1]
        sources = [epochs[[row]].epochs for row in first]
    else:
        sources = list(epochs) if isinstance(epochs, (list, tuple)) else [epochs]
    rows = [row for source in sources for row in getattr(source, "preparation", ())]
    return pd.DataFrame(rows, columns=_COLUMNS)


def attach_log(epochs, file, steps):
    """Keep the steps (name and text) with the Epochs, and what MNE dropped.

    As an attribute of theirs, which copies, subsets and pickles of Epochs keep.
    """
    entries = [entry for entry in epochs.drop_log if set(entry) != {"IGNORED"}]
    n_dropped = sum(bool(entry) for entry in entries)
    text = f"{len(epochs)} of {len(entries)} kept"
    reasons = Counter(str(reason) for entry in entries for reason in entry)
    if reasons:  # one epoch may have several, such as the channels that were beyond a threshold
        shown = (f"{reason} ({n})" for reason, n in reasons.most_common())
        text += f"; {n_dropped} dropped for {shortened(shown, 6, 'more reasons')}"
    rows = [(file, *step, 0) for step in steps]
    epochs.preparation = [*rows, (file, "epochs", text, n_dropped)]
