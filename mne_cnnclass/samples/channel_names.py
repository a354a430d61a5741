"""What the name of a channel says: its electrode in the 10-05 system, or the kind of its signal."""

import re
from functools import cache, lru_cache

import mne
import numpy as np

from ..utils.text import shortened
from ..utils.warn import warn

# MNE 1.13 renamed standard_1005.
MONTAGE_1005 = next(n for n in mne.channels.get_builtin_montages() if n in ("colin27_1005", "standard_1005"))

# What amplifiers and data bases write beside the electrode: prefixes, references and units.
_BESIDE = re.compile("q?eeg|pol|ch(?:an(?:nel)?)?|v?ref|org|le|ar|avg?|car|lm|g2|[uµμm]?v")
_EARS = re.compile("[am](?:1|2|12|1[am]2)")  # electrodes that others are recorded against
_OLD = dict(t3="t7", t4="t8", t5="p7", t6="p8")
# Leads of an ECG: those of the limbs and the chest, also as monitors modify them, of Frank and of EASI, and
# pairs of electrodes. Some are names of EEG channels, too.
_LEAD = (
    r"(?:lead |mod |ch )?(?:m?l?i{1,3}|ml[1-5]|d(?:i{1,3}|[1-4])|a?v[rlf]|m?v(?:[1-9]r?)?|mcl[1-6]?|v[xyz]|"
    r"c[bcms][1-6]|[ae] [is]|v[1-6] v[1-6]|(?:[lr]a|ll) (?:[lr]a|ll))"
)
# Kinds of signals, by types of MNE; the first that fits the name's words.
_KINDS = {
    "ecg": r"e[ck]g",
    "eog": r"eog|eye|^[hv]eo[a-z]?\d?$|^e[12] [am][12]$|^[lr]oc\b",
    "emg": r"emg|chin\d?\b|\btib|masseter|^[lr]leg",
    "eeg": r"eeg|^(?:fp|f|c|p|o|t)[\dz] ?(?:fp|f|c|p|o|t|a|m)[\dz]",
    "stim": r"^sti ?\d|stim|trig|\bstatus\b|marker|\bevents?\b|\bttl\b|digital",
    "resp": r"resp|\babd|airflow|\bflow\b|chest|thor|nasal|cannula|ribcage|snor|breath",
    "bio": r"\bplet|ppg|\bgsr|\beda\b|pcg|bcg|scg|\bbvp\b",
    "misc": r"\b(?:abp|art|bp|cvp|icp|pap|temp(?:erature)?|acc(?:el\w*)?|light|sound|position)\b|o2\b|"
    r"counter|\bacc ?[xyz]\b|gyro|battery|\baux|\bexg?\d|\berg\d|packet|timestamp",
}


@cache
def standard_names():
    """The names of the 10-05 system, by the same in lower case."""
    return {name.lower(): name for name in mne.channels.make_standard_montage(MONTAGE_1005).ch_names}


def standard_name(name):
    """The name in the 10-05 system of a channel such as ``Fc5.``, ``EEG FP1-REF`` or ``T3``, else as it is.

    The difference of two electrodes is a channel of its own (``Fp1-F7``), unless one is at an ear or a
    mastoid (``C3-A2``), which are references.
    """
    known = standard_names()
    words = [word for word in re.findall(r"[^\W_]+", name.lower()) if not _BESIDE.fullmatch(word)]
    first, *rest = words or [""]
    first = first if first in known else first.removeprefix("eeg")
    if first not in known or not all(map(_EARS.fullmatch, rest)) or (rest and _EARS.fullmatch(first)):
        return name
    return known[_OLD.get(first, first)]


def standard_mapping(names):
    """The standard names of channels, but for those that would get the same one."""
    new = [standard_name(name) for name in names]
    return {name: to for name, to in zip(names, new, strict=True) if new.count(to) == 1}


@lru_cache(4096)  # as Epochs are looked through for each prediction
def signal_kind(name, *, leads=False):
    """The kind of signal that a name speaks of, a type of MNE; None where it says nothing.

    With ``leads``, in a recording of the heart, names such as ``II``, ``V1`` or ``CB1`` are leads.
    """
    words = re.sub(r"[\W_]+", " ", name.lower()).strip()
    if leads and re.fullmatch(_LEAD, words):
        return "ecg"
    if standard_name(name).lower() in standard_names():
        return "eeg"
    return next((kind for kind, pattern in _KINDS.items() if re.search(pattern, words)), None)


def warn_of_strangers(info, names, what):
    """Warn of channels of type ``eeg`` whose names are of something else."""
    found = {name: kind for name in names if (kind := signal_kind(name)) not in ("eeg", None)}
    if found:
        types = dict(zip(info["ch_names"], info.get_channel_types(), strict=True))
        found = {n: kind for n, kind in found.items() if types[n] == "eeg" and n not in info["bads"]}
    if found:
        shown = shortened((f"{name} ({kind})" for name, kind in found.items()), 8)
        name, kind = next(iter(found.items()))
        warn(
            f"{what}: channel(s) of type eeg that are something else by their names, and would be taken for "
            f"signals of the brain: {shown}. Leave them out by picks, or give their types, such as ch_types="
            f'{{"{name}": "{kind}"}} of make_epochs.'
        )


def unnamed(names, picks):
    """Those of the names that were not asked for by name, but by type or not at all."""
    return [name for name in names if picks is None or name not in np.atleast_1d(picks)]
