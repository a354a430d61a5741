"""Recordings from files, MNE's Raw or a BIDS root, and what is known from their names."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import mne
import numpy as np

from ..files.cuts import piece_lengths
from ..files.reading import raw_of_array, read_file, take_raw
from ..samples.copies import OncePerFile, refuse_given_twice, without_parts
from ..samples.identity import Identity, Origin, identify
from ..samples.limits import VOLTS
from ..utils.extras import from_extra
from ..utils.quiet import heard
from ..utils.text import shortened
from ..utils.warn import warn

_SESSION = re.compile(r"(?<![A-Za-z])ses-([A-Za-z0-9]+)")
_RUN = re.compile(r"(?<![A-Za-z])(?:run[-_]?|R(?=\d\d))(\d+)")


@dataclass
class Recording:
    """A recording and its file, if it has one; a name for messages, and whose it is."""

    source: mne.io.BaseRaw | mne.BaseEpochs
    path: Path | None
    name: str
    identity: Identity | None = None
    units: dict[str, str] = field(default_factory=dict)  # of channels, where MNE takes another one for V
    is_whole: bool = False  # whether parts of the file can't be read
    notes: list[str] = field(default_factory=list)  # for the log
    reach: int = 0  # samples of the longest filter that was applied
    still: dict[str, np.ndarray] = field(default_factory=dict)  # spans (s) in which a channel is constant

    def read(self):
        """What the log says of reading the file: one step, or none."""
        return [("reading", "; ".join(self.notes))] if self.notes else []

    def load(self):
        """A copy of the Raw in memory."""
        with heard() as said:
            raw = self.source.copy().load_data()
        self.tell(said)
        return raw

    def part(self, first, stop):
        """Data of the Raw from one sample to another."""
        with heard() as said:
            source = self.source.load_data() if self.is_whole else self.source
            data = source.get_data(start=first, stop=stop)
        self.tell(said)
        return data

    def check_pieces(self, events):
        """Tell of events in pieces between cuts that are shorter than a filter: edges alone are left."""
        n_short = int((piece_lengths(self.source, events[:, 0]) < self.reach).sum())
        if n_short:
            self.tell(
                [
                    f"{n_short} of {len(events)} events are in pieces between cuts that are shorter than a "
                    f"filter ({self.reach / self.sfreq:.3g} s), which distorts them"
                ]
            )

    def rename(self, names):
        """Rename channels, as `mne.io.Raw.rename_channels`."""
        before = self.source.ch_names
        self.source.rename_channels(names)
        new = dict(zip(before, self.source.ch_names, strict=True))
        self.units = {new[name]: unit for name, unit in self.units.items()}

    def check_units(self, source):
        """Tell of channels in use whose unit was not understood."""
        volts = mne.pick_types(source.info, **dict.fromkeys(VOLTS, True), exclude=())
        # if all are, their size shows whether they are in V
        odd = {
            source.ch_names[k]: self.units[source.ch_names[k]]
            for k in volts
            if source.ch_names[k] in self.units
        }
        if 0 < len(odd) < len(volts):
            shown = shortened((f"{name} in {unit!r}" for name, unit in odd.items()), 6, "more")
            self.tell(
                [
                    f"channels in a unit that MNE takes for V: {shown}. Scale them, as by "
                    "raw.apply_function(lambda x: 1e-6 * x, picks=[...]) from µV"
                ]
            )

    def tell(self, wrong, noted=()):
        """Warn of what is wrong with the recording, once and in one line, and note this and more."""
        new = [text for text in wrong if text not in self.notes]
        self.notes += [*new, *noted]
        if new:
            warn(f"{self}: {'; '.join(new)}.")

    def __str__(self):
        return self.name if self.path is None else str(self.path)

    @property
    def is_raw(self):
        return isinstance(self.source, mne.io.BaseRaw)

    @property
    def sfreq(self):
        return self.source.info["sfreq"]

    def about(self):
        """File, subject, session and run; None where they are not known."""
        session, run = _SESSION.search(self.identity.name), _RUN.search(self.identity.name)
        about = dict(file=self.identity.name, subject=self.identity.subject)
        return about | dict(session=session and session[1], run=run and run[1])


def open_recordings(recordings, bids=None):
    """Recordings of paths, Raw objects or a BIDS root, not yet in memory; those that are open stay."""
    if isinstance(recordings, list) and recordings and isinstance(recordings[0], Recording):
        return recordings
    kinds = (str, os.PathLike, mne.io.BaseRaw)
    is_one = isinstance(recordings, (*kinds, mne.BaseEpochs)) or not np.iterable(recordings)
    recordings = [recordings] if is_one else list(recordings)
    if not recordings:
        raise ValueError("recordings is empty; at least one file is needed.")
    wrong = sorted({type(r).__name__ for r in recordings if not isinstance(r, kinds)})
    if wrong:
        hint = f" {raw_of_array()}" * ("ndarray" in wrong)
        if any(isinstance(r, mne.BaseEpochs) for r in recordings):
            hint = " Epochs need no more cutting: EpochsView(epochs), or a list of them."
        raise TypeError(f"recordings must be paths or mne.io.Raw objects, got {', '.join(wrong)}.{hint}")
    refuse_given_twice(recordings)
    if len(recordings) == 1 and not isinstance(recordings[0], mne.io.BaseRaw):
        root = Path(recordings[0])
        if (root / "dataset_description.json").is_file():
            return _open_bids(root, bids or {})
    if bids is not None:
        raise ValueError(
            "bids= is for recordings that are one BIDS root, a folder with dataset_description.json; "
            f"got {recordings}."
        )
    recordings = without_parts(recordings)
    found = [_open(r, number) for number, r in enumerate(recordings)]
    # and paths that are known as parts by what was read
    read = [not isinstance(r, mne.io.BaseRaw) for r in recordings]
    files = (getattr(r.source, "filenames", ())[1:] for r in itertools.compress(found, read))
    parts = set(map(os.path.realpath, filter(None, itertools.chain(*files))))
    pairs = zip(found, read, strict=True)
    found = [r for r, is_read in pairs if not (is_read and os.path.realpath(r.path) in parts)]
    once = OncePerFile()
    for recording in found:
        once.check(recording.source, str(recording))
    return _identified(found)


def _identified(recordings):
    """Recordings, after it is decided over all of them whose each is."""
    identities = identify([Origin.of(recording.source, recording.path) for recording in recordings])
    for recording, identity in zip(recordings, identities, strict=True):
        recording.identity = identity
        metadata = getattr(recording.source, "metadata", None)
        if metadata is not None and "subject" in metadata:  # of epochs, which may be of several people
            identity.subject = shortened(metadata["subject"].unique(), 3)
            identity.how = "metadata of the epochs"
        recording.name = recording.name if recording.path is None else identity.name
    return recordings


def _open(recording, number):
    if isinstance(recording, mne.io.BaseRaw):
        path = next((Path(name) for name in recording.filenames if name is not None), None)
        name = f"recording {number}" if path is None else path.name
        return _recording(take_raw(recording.copy(), path), path, name)
    path = Path(recording)
    if not path.exists():
        is_pattern = any(sign in path.name for sign in "*?[")
        hint = f'. Give the files: sorted(Path("{path.parent}").glob("{path.name}"))' * is_pattern
        raise FileNotFoundError(f"No such file: {path}{hint}")
    if path.is_dir() and path.suffix not in (".ds", ".mff", ".zarr"):  # formats that are folders
        raise IsADirectoryError(
            f'{path} is a folder. Give its files: sorted(Path("{path}").glob("*.edf")), or a BIDS root.'
        )
    return _recording(read_file(path), path, path.name)


def _recording(found, path, name):
    units = zip(found.source.ch_names, found.units, strict=True) if found.units else ()
    odd = {channel: unit for channel, unit in units if unit is not None}
    recording = Recording(found.source, path, name, units=odd, is_whole=found.is_whole)
    recording.tell(found.wrong, found.noted)
    return recording


def _open_bids(root, what):
    with from_extra("bids", "A BIDS root"):
        import mne_bids
    suffixes = ["eeg", "meg", "ieeg", "ecg"]
    paths = mne_bids.find_matching_paths(root, **{"suffixes": suffixes, "ignore_json": True, **what})
    readable = [path for path in paths if path.extension in mne_bids.config.reader]
    if not readable:
        raise ValueError(f"{root} has no recordings of bids={what}.")
    found = []
    for path in readable:
        with heard() as said:
            raw = mne_bids.read_raw_bids(path)
        found.append(_recording(take_raw(raw, path.fpath, said, is_read=True), path.fpath, path.fpath.name))
    return _identified(found)
