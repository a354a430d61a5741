"""Inside of MNE's objects: no other file of the package reads or writes their private attributes.

A test compares what is done here with what MNE's own constructors and methods do.
"""

import contextlib
import copy
import zlib

import mne
import numpy as np
from mne.utils import _get_stim_channel

from ..utils.quiet import quiet


def data_of(instance):
    """Data of preloaded Epochs or Raw; ``get_data(copy=False)`` takes a quarter of a millisecond."""
    return instance._data


def data_checksum(instance):
    """A number for the data of preloaded Epochs or Raw, the same in any process."""
    total = 0
    for part in data_of(instance):  # a channel, or an epoch
        total = zlib.crc32(np.ascontiguousarray(part), total)
    return total


def spans_in_files(raw):
    """The files of a Raw, with the first and the last sample that it has of each, by the numbers there."""
    return list(zip(raw.filenames, raw._first_samps, raw._last_samps, strict=True))


def event_rate(epochs):
    """Sampling frequency (Hz) that events of Epochs are counted in: that before they were resampled."""
    return epochs._raw_sfreq


def stim_channels(info):
    """The channels that `mne.find_events` looks at, which the user may have set in MNE's configuration."""
    return _get_stim_channel(None, info, raise_error=False)


@contextlib.contextmanager
def skipping(raw, spans):
    """Annotate slices of samples as BAD_ACQ_SKIP for a while; set_annotations counts from elsewhere."""
    own, rate = raw.annotations, raw.info["sfreq"]
    onset = [raw.first_time + span.start / rate for span in spans]
    duration = [(span.stop - span.start) / rate for span in spans]
    raw._annotations = own + mne.Annotations(onset, duration, "BAD_ACQ_SKIP", orig_time=own.orig_time)
    try:
        yield
    finally:
        raw._annotations = own


def set_info(info, **entries):
    """Set entries of an `mne.Info` that MNE allows only its own methods to set."""
    with info._unlock():
        info.update(entries)


def array_epochs(data, info, tmin):
    """Epochs of an array, not copied, whose events are for `part_of` to set."""
    tmin = round(tmin * info["sfreq"]) / info["sfreq"]  # MNE loses a time where both ends are halves
    with quiet():  # the constructor would go through all epochs one by one
        epochs = mne.EpochsArray(data[:1], info, [[0, 0, 0]] * len(data[:1]), tmin, proj=False)
    epochs._data = data
    return epochs


def part_of(epochs, part, source, rows, metadata):
    """A slice or rows of `array_epochs`, with events of rows of a source; MNE takes 5 ms to make Epochs."""
    new = copy.copy(epochs)
    new._data, new.events, new.event_id = epochs._data[part], source.events[rows], source.event_id
    new.selection, new.drop_log = np.arange(len(rows)), ((),) * len(rows)
    new._raw_sfreq = source._raw_sfreq
    with quiet():
        new.metadata = metadata
    return new


class Unopened:
    """Epochs on disk, on their way to another process: MNE's hold open files, which can't be sent.

    All else goes along, as what was set since they were read (a baseline, projectors, names of channels)
    counts when their data are read.
    """

    def __init__(self, epochs):
        self._state = {**vars(epochs), "_raw": None}
        self._shapes = [part.epoch_shape for part in epochs._raw]

    @classmethod
    def of(cls, epochs):
        on_disk = isinstance(epochs, mne.epochs.EpochsFIF) and not epochs.preload
        return cls(epochs) if on_disk else epochs

    def open(self):
        epochs = object.__new__(mne.epochs.EpochsFIF)
        vars(epochs).update(self._state)
        with quiet():
            parts = mne.read_epochs(epochs.filename, proj=False, preload=False)._raw
        same = [part.epoch_shape for part in parts] == self._shapes
        if not same or set(epochs.events[:, 0]).difference(*(part.event_samps for part in parts)):
            raise OSError(
                f"{epochs.filename} holds other epochs than when it was read: it was written anew. Read it "
                "again."
            )
        epochs._raw = parts
        return epochs
