"""A recording or epochs out of a file, with what is known to be broken in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import mne
import numpy as np

from ..utils.cuts import is_cut
from ..utils.quiet import heard, quiet
from ..utils.warn import warn
from . import brainvision, edf, eeglab
from .cuts import mark_cuts
from .dates import date_doubts

# cuts are marked here, and signals at several rates are not read in parts
_UNIMPORTANT = re.compile("does not conform to MNE naming|contains 'boundary' events|mixed sampling freq")
# in files that are right; of annotations such as the last stage of a night the onset stays
_HARMLESS = re.compile(r"different (?:low|high)pass filters|Online software filter|^Limited \d+ annotation")
_OUTSIDE = re.compile(r"^Omitted \d+ annotation|sample index of -1")
_PARTNERS = {".eeg": ".vhdr", ".vmrk": ".vhdr", ".dat": ".vhdr", ".avg": ".vhdr", ".fdt": ".set"}
_BEGINS = {b"0       ": ".edf", b"\xffBIOSEMI": ".bdf", b"GDF": ".gdf"}
READABLE = (
    "What can be read: recordings in the formats of mne.io.read_raw (EDF, BDF, GDF, BrainVision .vhdr, "
    "EEGLAB .set, FIF, CNT, EGI .mff, Curry, CTF and others), epochs of MNE (.fif) and EEGLAB (.set), and in "
    "mne_cnnclass.ecg WFDB records (.hea)."
)


class Found(NamedTuple):
    """What is in a file; what is wrong with it, to warn of; and what else to note in the log."""

    source: mne.io.BaseRaw | mne.BaseEpochs
    wrong: list[str]
    noted: list[str]
    units: Sequence[str | None] = ()  # of each channel, if MNE does not know it and takes it for V
    is_whole: bool = False  # whether parts of it can't be read


def raw_of_array(name="s1"):
    """The lines that make a Raw of an array, and a file that every command reads."""
    return (
        "Data of any other origin, an array of shape (n_channels, n_times) in V, become a recording by\n"
        '  info = mne.create_info(ch_names, sfreq, "eeg")\n'
        "  raw = mne.io.RawArray(data, info)\n"
        f'  raw.save("{name}_raw.fif")'
    )


def read_file(path):
    """What is in a file (`Found`), in memory only if the format leaves no choice."""
    path = Path(path)
    try:
        _check_kind(path)
        brainvision.check_names(path)
        with heard() as said:
            source = _read(path)
            if isinstance(source, mne.io.BaseRaw):
                _check_signal(source, path)
        found = _sorted_words(source, said)
        if isinstance(source, mne.io.BaseRaw):
            _place_events(found, path)
            found = found._replace(units=edf.find_units(path), is_whole=edf.has_several_rates(path))
    except Exception as error:  # the readers of the many formats raise errors of every kind
        raise ValueError(f"Can't read {path}: {_reason(error)}. {_advice(path)}") from error
    return found


def open_raw(path):
    """The Raw in a file, after a warning of what is wrong with it."""
    found = read_file(path)
    if not isinstance(found.source, mne.io.BaseRaw):
        raise ValueError(f"{path} holds epochs, and a continuous recording is needed.")
    if found.wrong:
        warn(f"{path}: {'; '.join(found.wrong)}.")
    return found.source.load_data(verbose="ERROR") if found.is_whole else found.source


def take_raw(raw, path, said=(), is_read=False):
    """A Raw of somewhere else with its cuts marked (`Found`); refused if MNE has put its events wrong.

    If it is just read (``is_read``), its channels and their units are still those of the file.
    """
    found = _sorted_words(raw, said)
    units = edf.find_units(path) if is_read else ()
    if len(units) == len(raw.ch_names):
        found = found._replace(units=units)
    pauses, samples = None if path is None else edf.find_pauses(path), ()
    if path is not None and not raw.preload and edf.has_several_rates(path):
        if raw.first_samp or raw.n_times < mne.io.read_raw(path, verbose="ERROR").n_times:
            raise ValueError(
                f"{path} has channels at several rates, of which MNE can't read parts: call raw.load_data() "
                "before raw.crop()."
            )
        found = found._replace(is_whole=True)
    if pauses is not None:
        edf.check_annotations(raw, pauses, path)
        found.noted.extend(pauses.words())
        samples = pauses.samples(raw.info["sfreq"]) - raw.first_samp
    _leave_out_date(found)
    _note_cuts(found, "" if path is None else path.suffix, samples)
    return found


def _sorted_words(source, said):
    """What a reader said, as what is wrong and what is only to be noted."""
    said = [text for text in said if not _UNIMPORTANT.search(text)]
    harmless = [text for text in said if _HARMLESS.search(text)]
    return Found(source, [text for text in said if text not in harmless], harmless)


def read_epochs(path, preload=True):
    """Epochs of MNE, or of EEGLAB, which are always in memory."""
    is_set = Path(path).suffix.lower() == ".set"
    return eeglab.read_epochs(path) if is_set else mne.read_epochs(path, preload=preload)


def _read(path):
    """A Raw, or Epochs if the file holds these."""
    if re.search(r"[-_]epo\.fif(\.gz)?$", path.name):
        return read_epochs(path)
    try:
        return mne.io.read_raw(path)
    except Exception as error:
        if "read_epochs_eeglab" in str(error):
            return read_epochs(path)
        if "encoding='latin1'" in str(error):  # of annotations, of programs that don't follow EDF+
            return mne.io.read_raw(path, encoding="latin1")
        if not str(error).startswith("No raw data in"):
            raise
    try:
        return read_epochs(path)
    except ValueError as error:
        raise ValueError(f"it holds neither a recording nor epochs ({error})") from None


def _check_kind(path):
    """Refuse files that are named as what they are not: a BDF file named .edf would be read as noise."""
    suffix = path.suffix.lower()
    if suffix == ".mat":
        raise ValueError("what a MATLAB file holds, only its author knows; scipy.io.loadmat reads its arrays")
    if suffix not in (*_BEGINS.values(), ".rec") or not path.is_file():
        return
    with open(path, "rb") as file:
        begin = file.read(197)
    kind = next((kind for start, kind in _BEGINS.items() if begin.startswith(start)), suffix)
    if kind != suffix and (suffix != ".bdf" or begin[192:] not in (b"24BIT", b"BDF+C", b"BDF+D")):
        raise ValueError(f"its first bytes are those of another format: name it {path.stem}{kind}")


def _check_signal(raw, path):
    """The end of a file that is cut short can't be read; that is known at once."""
    if not 0 < raw.info["sfreq"] < np.inf:
        raise ValueError(f"it gives a sampling frequency of {raw.info['sfreq']:g} Hz")
    if not raw.n_times or not raw.ch_names:
        raise ValueError("it holds no signal")
    if path.suffix.lower() in edf.SUFFIXES:  # their length is that of the file
        return
    try:
        raw[0, raw.n_times - 1 :]
    except Exception as error:
        raise ValueError(f"its end can't be read ({_reason(error)}): it is cut short or damaged") from error


def _place_events(found, path):
    """Events of EDF+ with pauses where they belong; cuts marked; what the reader does not tell."""
    raw, wrong, noted = found[:3]
    pauses, samples = edf.find_pauses(path), ()
    if pauses is not None:
        samples = pauses.samples(raw.info["sfreq"])
        noted += pauses.words()
        n_lost = edf.put_events_in_time(raw, pauses)
        wrong[:] = [text for text in wrong if "annotation(s)" not in text]  # of MNE's times
        if n_lost:
            wrong.append(f"{n_lost} annotation(s) left out that lie in its pauses, or before its start")
    elif path.suffix.lower() == ".set" and any(map(_OUTSIDE.search, wrong)) and _only_cuts_outside(raw, path):
        wrong[:] = [text for text in wrong if not _OUTSIDE.search(text)]
    wrong += brainvision.find_faults(raw, path)
    _leave_out_date(found)
    _note_cuts(found, path.suffix, samples)


def _leave_out_date(found):
    """Take away a date that no file could be saved with."""
    doubts = date_doubts(found.source.info["meas_date"])
    if doubts:
        with quiet():
            found.source.set_meas_date(None)
        found.wrong.extend(doubts)


def _only_cuts_outside(raw, path):
    """EEGLAB puts a cut half a sample before the start, which is no loss."""
    with heard():
        notes = mne.read_annotations(path)
    outside = (notes.onset < 0) | (notes.onset > raw.times[-1])
    return all(is_cut(text, path.suffix) for text in notes.description[outside])


def _note_cuts(found, suffix, samples=()):
    n_cuts = mark_cuts(found.source, suffix, samples)
    if n_cuts:
        found.noted.append(f"{n_cuts} cut(s): no filter and no epoch reaches across")


def _reason(error):
    """The error of a reader; what it does not raise on purpose says little."""
    text = " ".join(str(error).split()).rstrip(".")
    meant = isinstance(error, (ValueError, OSError, RuntimeError, ImportError)) and not isinstance(
        error, UnicodeError
    )
    return text if meant else f"it is damaged, or not what its ending says ({type(error).__name__} {text})"


def _advice(path):
    """What to do about a file that can't be read."""
    partner = _PARTNERS.get(path.suffix.lower())
    if partner is not None and path.with_suffix(partner).is_file():
        return f"Give the file that describes it, {path.with_suffix(partner)}."
    return f"{READABLE} {raw_of_array(path.stem.partition('.')[0])}"
