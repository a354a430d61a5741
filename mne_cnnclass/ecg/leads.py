"""What epochs of beats and of rhythms share: whose a recording is, its leads, signals and annotations."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import mne
import numpy as np
from scipy.signal import resample_poly

from ..samples.columns import check_column
from ..samples.copies import OncePerFile, refuse_given_twice
from ..samples.gaps import bridge, filter_around, spans, still_spans
from ..samples.identity import Origin, identify
from ..samples.limits import check_edges, check_rate
from ..samples.mne_internals import data_of, set_info
from ..utils.text import shortened
from ..utils.warn import warn
from .errors import MissingLead, NoAnnotations
from .files import find_segments, find_wfdb, no_record
from .patients import patient_info
from .recordings import read_raw_wfdb

FLAT = "BAD_flat"  # the reason, as MNE calls it
STILL = 3.0  # s that a lead is constant, where it has no signal: between beats it may be, without noise


def map_recordings(make, recordings, labels=None, *, annotator="atr", annotated=False):
    """Epochs of one recording, or a list with those of each: of ``make(raw, about, label)``.

    ``about`` is a dict with the ``record``, ``patient``, ``age`` and ``sex``; the record is the patient where
    nobody is named. Annotations of WFDB records, with the ending ``annotator``, are read if they exist, and
    have to exist if ``annotated``.
    """
    if isinstance(recordings, (mne.io.BaseRaw, str, Path, Mapping)) or not np.iterable(recordings):
        if not isinstance(labels, (str, type(None))):
            raise TypeError(f"label of one recording must be None or a text, got {labels!r}.")
        raw = _open(recordings, annotator, annotated)
        return name_people([_make(make, raw, _about(raw, 0), labels)], [origin_of(raw)])[0]
    recordings = recordings if isinstance(recordings, Sequence) else list(recordings)
    for recording in recordings:
        _check_kind(recording)
    n_recordings = len(recordings)
    if not n_recordings:
        raise ValueError("recordings is empty; at least one is needed.")
    if labels is None or isinstance(labels, str):
        labels = [labels] * n_recordings
    elif len(labels) != n_recordings:
        raise ValueError(f"label must have one for each of {n_recordings} recordings, got {len(labels)}.")
    else:
        labels = check_column(labels, "label", n_recordings).tolist()
    refuse_given_twice(recordings, lambda path: os.path.realpath(find_wfdb(path) or path))
    stems = [find_wfdb(r) for r in recordings if not isinstance(r, mne.io.BaseRaw)]
    segments = find_segments(list(filter(None, stems)))
    if segments:
        raise ValueError(
            f"recordings holds both a record and its segments, which are read with it: leave out "
            f"{shortened(sorted(map(str, segments)))}."
        )
    once, made, origins = OncePerFile(), [], []
    for number, (recording, label) in enumerate(zip(recordings, labels, strict=True)):
        raw = _open(recording, annotator, annotated)
        about = _about(raw, number)
        once.check(raw, about["record"])
        made.append(_make(make, raw, about, label))
        origins.append(origin_of(raw))
    return name_people(made, origins)


def _make(make, raw, about, label):
    """Epochs of a recording, with what is doubtful in its files and its beats in their log."""
    epochs = make(raw, about, label)
    epochs.preparation = [*getattr(raw, "preparation", ()), *getattr(epochs, "preparation", ())]
    return epochs


def _check_kind(recording):
    """Refuse what is neither a recording nor a path."""
    if not isinstance(recording, (mne.io.BaseRaw, str, Path)):
        raise TypeError(
            "recordings must be an mne.io.Raw, the path of a WFDB record, or a list of these, got a "
            f"{type(recording).__name__}. An array in V becomes a Raw by "
            'mne.io.RawArray(data, mne.create_info(names, sfreq, "ecg")).'
        )


def _open(recording, annotator, annotated):
    """A recording, read if it is a path."""
    if isinstance(recording, mne.io.BaseRaw):
        return recording
    _check_kind(recording)
    stem = find_wfdb(recording)
    if stem is None:
        error = no_record(Path(recording))
        more = (
            " Read another format first: mne.io.read_raw(path), read_raw_cinc2017(path) for .mat files of "
            'CinC 2017, or mne.io.RawArray(data, mne.create_info(names, sfreq, "ecg")) for an array in V.'
        ) * Path(recording).is_file()
        raise type(error)(f"{error}{more}")
    has_beats = annotated or Path(f"{stem}.{annotator}").is_file()
    try:
        return read_raw_wfdb(recording, annotator=annotator if has_beats else None)
    except NoAnnotations as error:
        advice = 'Give annotator= the ending of the file of annotations, or peaks="detected".'
        raise NoAnnotations(error.args[0], advice) from error


def origin_of(raw):
    """What a recording says of whose it is; its path is that of the record, without ending."""
    origin = Origin.of(raw)
    return origin if origin.path is None else replace(origin, path=origin.path.with_suffix(""))


def _about(raw, number):
    """Record, patient, age and sex, before `name_people` knows what other recordings there are."""
    about, path = patient_info(raw), origin_of(raw).path
    return about | dict(record=about["record"] or (path.name if path else f"recording {number}"))


def name_people(made, origins):
    """Epochs of recordings, after it is decided over all of them of whom and of which record each are.

    Where nobody is named, the record is the patient; None where files and folders could mean several people.
    """
    for epochs, identity in zip(made, identify(origins), strict=True):
        record = identity.name
        patient = None if identity.doubt else identity.subject or record
        epochs.metadata["record"], epochs.metadata["patient"] = record, patient
        how = str(identity) if identity.doubt or identity.subject else f"the record ({identity.how})"
        steps = [("patient", how, 0), *(row[1:] for row in epochs.preparation if row[1] != "patient")]
        epochs.preparation = [(record, *step) for step in steps]
    return made


def ecg_names(raw, exclude="bads"):
    """Names of the channels of type ``ecg``, by default of those that are not bad."""
    return [raw.ch_names[i] for i in mne.pick_types(raw.info, ecg=True, exclude=exclude)]


def spans_of(raw):
    """Start and end in s from the first sample, and description, of each annotation."""
    begin = raw.annotations.onset - raw.first_time  # which MNE counts from before a crop
    return begin, begin + raw.annotations.duration, raw.annotations.description


def invert_classes(classes, *, whole=False):
    """The class of each symbol; ``whole`` takes a text for one symbol, but for the letters of CinC 2017."""
    if not isinstance(classes, Mapping) or not all(map(np.iterable, classes.values())):
        raise TypeError(f'classes must be a dict such as dict(N="NLR", V="VE"), got {classes!r}.')
    class_of = {}
    for name, symbols in classes.items():
        is_one = whole and isinstance(symbols, str) and not set(symbols) <= set("NAO~")
        for symbol in [symbols] if is_one else symbols:
            if symbol in class_of:
                raise ValueError(
                    f"classes gives {symbol!r} to {class_of[symbol]!r} and to {name!r}. Each letter of a "
                    f'string is a symbol; a text is given in a list, such as {{"V": ["PVC"]}}.'
                )
            class_of[symbol] = name
    return class_of


def warn_of_absent(classes, made):
    """Classes that the user names, and that none of several recordings has, may be misspelled."""
    if classes is None or isinstance(made, mne.BaseEpochs):
        return
    absent = set(map(str, classes)).difference(*(epochs.event_id for epochs in made))
    if absent:
        warn(f"No recording has the classes {', '.join(sorted(absent))}: how are their annotations written?")


def pick_leads(raw, leads, name, *, may_lack=False):
    """Names of the channels to take, by default of all that are good leads, and those that they get.

    The name of a lead that is given as None is None, as is that of one that ``raw`` lacks if it ``may_lack``
    some; the first place is then taken by the first good lead if all are lacking.
    """
    if leads is None:
        leads = ecg_names(raw) or ("ECG",)
    if isinstance(leads, str) or not len(leads):
        raise ValueError(f"leads must be a sequence of names, at least one, got {leads!r}.")
    is_named = isinstance(leads, Mapping)
    pairs = list(leads.items() if is_named else ((lead.partition("|")[0], lead) for lead in leads))
    if not any(lead for _, lead in pairs):
        raise ValueError(f"leads must name one at least, got {leads!r}.")
    have = ecg_names(raw, exclude=())
    spelled = {short_name(text): text for text in (*reversed(raw.ch_names), *reversed(have))}
    spelled |= {text.upper(): text for text in (*raw.ch_names, *have)}
    picked = []
    for _, lead in pairs:
        names = [text.strip() for text in (lead or "").split("|")]
        found = [spelled[text.upper()] for text in names if text.upper() in spelled]
        found = [text for text in found if text not in picked and text not in raw.info["bads"]]
        if not found and lead is not None and not may_lack:
            raise _lacks(raw, names, have, name)
        picked.append(found[0] if found else None)
    if not any(picked):
        if not ecg_names(raw):
            raise _lacks(raw, [text.strip() for text in pairs[0][1].split("|")], have, name)
        picked[0] = ecg_names(raw)[0]
    return picked, [slot.strip() for slot, _ in pairs]


def short_name(channel):
    """The name of a lead without its kind, in capitals: V1 of ``"ECG V1"``, as EDF+ has it."""
    return re.sub(r"^(?:(?:ECG|EKG|LEAD)[\s_:.-]+)+", "", channel.strip().upper())


def guess_doubts(raw, picked, known):
    """What is doubtful about a first lead, where there are several, and none has one of the known names."""
    others = [name for name in ecg_names(raw) if name != picked]
    if not others or short_name(picked) in known.upper().split("|"):
        return []
    return [f"{picked} is taken, as no lead has a name that is known (others: {shortened(others, 12)})"]


def _lacks(raw, names, have, name):
    """An error that names the leads that there are."""
    others = [text for text in raw.ch_names if text not in have]
    good = [text for text in have or others if text not in raw.info["bads"]]
    return MissingLead(
        f"{name} has no lead {' or '.join(names)} that is good and not taken yet: its ECG channels "
        f"are {have}, bad ones {raw.info['bads']}, and others {shortened(others, 12) or 'none'}.",
        "Give leads=, with other leads behind a bar where recordings differ "
        f'("{names[0]}|{(good or ["V5"])[-1]}").',
    )


def filter_leads(raw, picked, sfreq, l_freq, h_freq, causal=False):
    """Filtered and resampled signals, in V, and their rate."""
    check_rate(sfreq, "sfreq")
    raw = _copy_leads(raw, picked)
    h_freq = None if h_freq is None or h_freq >= raw.info["sfreq"] / 2 else h_freq
    check_edges(l_freq, h_freq, raw.info["sfreq"], "the recording")
    how = dict(method="iir", phase="forward") if causal else {}
    if l_freq is not None or h_freq is not None:
        numbers = np.arange(len(picked))
        filter_around(raw, numbers, lambda raw, its: raw.filter(l_freq, h_freq, its, **how, verbose="ERROR"))
    data = data_of(raw)
    bridge(data)  # windows that touch gaps are left out, but resampling would spread them
    if raw.info["sfreq"] == sfreq:
        return data, sfreq
    if causal:  # resampling a spectrum would use all that follows
        times = np.arange(0, raw.times[-1], 1 / sfreq)
        return np.array([np.interp(times, raw.times, signal) for signal in data]), sfreq
    if raw.info["sfreq"] < sfreq:  # exactly in time, which resampling a spectrum is to half a sample
        ratio = Fraction(sfreq / raw.info["sfreq"]).limit_denominator(1000)
        return resample_poly(data, ratio.numerator, ratio.denominator, axis=1, padtype="line"), sfreq
    return mne.filter.resample(data, down=raw.info["sfreq"] / sfreq, npad="auto", verbose="ERROR"), sfreq


def _copy_leads(raw, picked):
    """Some leads in memory, with those annotations alone at which filters stop: to copy all takes long."""
    index = [raw.ch_names.index(name) for name in picked]
    data = np.empty((len(index), raw.n_times))
    data[np.argsort(index)] = raw.get_data(np.sort(index))
    leads = mne.io.RawArray(data, mne.pick_info(raw.info, index), raw.first_samp, verbose="ERROR")
    notes = zip(raw.annotations.description, raw.annotations.ch_names, strict=True)
    skipped = [text.upper().startswith(("BAD_ACQ_SKIP", "EDGE")) and not names for text, names in notes]
    return leads.set_annotations(raw.annotations[np.flatnonzero(skipped)])


class Lost(NamedTuple):
    """A span (s) in which a lead is lost, and why, with a text for warnings where no annotation says so."""

    begin: float
    end: float
    reason: str
    text: str

    @property
    def is_flat(self):
        return bool(self.text) and self.reason == FLAT

    @property
    def is_empty(self):
        return bool(self.text) or self.reason.upper().startswith("BAD_ACQ_SKIP")


def lost_spans(raw, picked):
    """Where annotations are bad, but those of other leads, and where a lead has no numbers or is constant."""
    found = [
        Lost(begin, end, text, "")
        for begin, end, text, names in zip(*spans_of(raw), raw.annotations.ch_names, strict=True)
        if text.lower().startswith("bad") and (not names or not set(names).isdisjoint(picked))
    ]
    sfreq = raw.info["sfreq"]
    start, stop = np.array([span[:2] for span in found]).reshape(-1, 2).T + [[-1 / sfreq], [1 / sfreq]]
    silent = [span for lead in picked for span in silent_spans(raw.get_data([lead])[0], sfreq, lead)]
    return found + [span for span in silent if not ((start <= span.begin) & (span.end <= stop)).any()]


def silent_spans(signal, sfreq, lead):
    """Where a lead has no numbers, or is constant."""
    gaps = np.array([(gap.start, gap.stop) for gap in spans(~np.isfinite(signal))]).reshape(-1, 2) / sfreq
    return [
        Lost(begin, end, reason, f"{lead} {what} from {begin:.4g} to {end:.4g} s")
        for what, reason, its in (
            ("holds no numbers", "BAD_ACQ_SKIP", gaps),
            ("is constant", FLAT, still_spans(signal, sfreq, STILL)),
        )
        for begin, end in its
    ]


def bridged_leads(raw, picked):
    """Signals of leads, shape (n_leads, n_times), over their gaps in straight lines."""
    signals = raw.get_data(picked)
    bridge(signals)
    return signals


def describe_leads(raw, names, rate, l_freq, h_freq):
    """The measurement info of filtered leads: their names, and what is known of the recording."""
    info = mne.create_info(names, rate, "ecg")
    band = dict(highpass=l_freq or 0.0, lowpass=min(h_freq or rate / 2, rate / 2))
    set_info(info, subject_info=raw.info["subject_info"], description=raw.info["description"], **band)
    return info
