"""What the names of classes, files and columns tell of the task of samples, and what they can't tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...ecg import BEAT_COLUMNS, RHYTHM_COLUMNS, interval_features
from ...samples.channel_names import standard_name
from ...utils.text import shortened

# Words of classes. Names are taken apart first: NonTarget and non-target are "non target".
_REST = re.compile(r"^(?:rest(?:ing)?|idle|baseline|relax(?:ed|ing)?|pause|nothing|no (?:task|imagery))$")
_BODY = re.compile(
    r"\b(?:hands?|fists?|feet|foot|tongue)\b|\b(?:left|right|both) (?:arms?|legs?|imag\w+)\b|"
    r"\bimag\w+ (?:left|right)\b"
)
_SIDES = re.compile(r"^(?:left|right)$")
_DONE = re.compile(
    r"\b(?:button\w*|press\w*|keys?|resp(?:onse)?s?|clicks?|tap\w*|executed?|execution|moved?|movements?)\b"
)
# Two kinds of classes, both of which are there and nothing else.
_EVOKED = {
    "stimuli that are looked for, among others": (
        r"(?<!non )\btargets?\b",
        r"\bnon ?targets?\b|\b(?:standard|distract[oe]r|frequent|novel|irrelevant)s?\b",
    ),
    "rare and frequent stimuli": (
        r"\b(?:rare|deviant|odd ?ball|novel)s?\b",
        r"\b(?:frequent|standard|common)s?\b",
    ),
    "faces and other pictures": (r"^faces?\b", r"^(?:house|car|object|place|scene|scrambled)s?\b"),
    "errors and what is right": (r"^(?:error|incorrect|erroneous)s?\b", r"^(?:correct|no error)s?\b"),
    "words that fit, or not": (r"^(?:congruent|related)\b", r"^(?:incongruent|unrelated)\b"),
    "stimuli to eye, ear or skin": (r"^(?:visual|auditory)\b(?! imag)",) * 2,
}
_TASKS = (
    r"arithmetic|count(?:ing)?|subtraction|calculation|calculating|maths?|stroop|memory|stress\w*|workload"
)
_STATES = {
    "rest and a task of the mind": (_REST.pattern, rf"^(?:mental )?(?:{_TASKS})\b"),
    "eyes open and closed": (r"\beyes? open|open eyes?\b|^eo$", r"\beyes? closed?\b|closed eyes?\b|^ec$"),
    "awake and tired": (r"^(?:alert|awake|vigilant)\b", r"^(?:drows\w+|fatigued?|sleepy|tired)\b"),
    "load of memory": (r"^[0-3] ?back$",) * 2,
    "low and high load": (r"^(?:low|no|easy) (?:work)?load$", r"^(?:high|medium|hard) (?:work)?load$"),
    "stress and none": (r"^(?:no stress|neutral)$", r"^stress(?:ed)?$"),
    "meditation and none": (r"^meditat\w+$", r"^(?:rest|no meditation|mind wandering|thinking)$"),
}
_SLEEP = re.compile(r"^(?:sleep stage )?(?:w|wake|n?[1-4]|rem|r|\?)$")
# Words of BIDS tasks, files, and columns that name a task.
_WORDS = {
    "motor imagery": r"motor ?imag|imagery|imagined|\bmi\b|\bs\d{3}r(?:0[468]|1[024])\b",  # runs of eegmmidb
    "erp": r"p300|\bp3[ab]?\b|odd ?ball|n170|n400|n2pc|\bmmn\b|errp|\berps?\b|rsvp|speller",
    "ssvep": r"ssv?ep|flicker",
    "mental state": r"workload|arithmetic|n ?back\b|eyes ?(?:open|closed?)|vigilance|drows|fatigue|meditat",
}
_OTHER_TASK = re.compile(
    r"button|press|\bkeys?\b|flanker|simon|saccade|finger|tapping|attention|\blrp\b|posner|\bs\d{3}r(?:0[3579]|11|13)\b"
)
_HERTZ = re.compile(r"(?<![\d.,])(\d+(?:[.,]\d+)?)[\s_]*hz(?![a-z])", re.I)
_NO_LIGHT = re.compile(r"audit|tone|sound|noise|click|tact|vibr|somato|t ?[ad]cs|dbs|stimulation")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)")
FLICKER = 3.0, 60.0  # Hz, of lights; tones are higher

WINDOWS = {  # s of the samples of a task, at least and at most
    "motor imagery": (1.0, 20.0, "after the cue"),
    "erp": (0.25, 2.5, "around the event"),
    "ssvep": (0.5, 60.0, "of flicker"),
    "mental state": (2.0, 120.0, "of a recording"),
}
_BRAIN = {"eeg", "mag", "grad", "seeg", "ecog", "dbs", "csd"}


@dataclass(frozen=True)
class Finding:
    """The task, or None; whether names tell it, or it may be something else; why; arguments of its recipe."""

    task: str | None = None
    is_told: bool = False
    reasons: list[str] = field(default_factory=list)
    params: Mapping[str, object] = field(default_factory=dict)

    def refused(self, why):
        """The same, but not taken for the task."""
        return Finding(reasons=[*self.reasons, why])


def find_task(view, classes):
    """What the names that come with a view tell of its task, a `Finding`."""
    types = set(view.info.get_channel_types(unique=True))
    if types == {"ecg"}:
        return _of_heart(view)
    found = _joined(_of_classes(classes, view), _of_texts(view), classes)
    if found.task is None:
        nothing = f"The names of the classes ({_quoted(classes)}) tell no task that there is a recipe for."
        return found if found.reasons else found.refused(nothing)
    if not types & _BRAIN:
        return found.refused(f"But the channels ({', '.join(sorted(types))}) are neither EEG nor MEG.")
    seconds = len(view.times) / view.sfreq
    if found.task == "motor imagery":
        seconds = min(seconds, view.times[-1] + 1 / view.sfreq)
    low, high, what = WINDOWS[found.task]
    if low <= seconds + 1e-6 and seconds <= high:
        return found
    return found.refused(
        f"But {seconds:.3g} s {what} are too {'short' if seconds < low else 'long'} for {found.task}, which "
        f"has {low:g} to {high:g} s."
    )


def _of_heart(view):
    columns = set(() if view.metadata is None else view.metadata.columns)
    before = {"rr_previous", *interval_features([1.0], causal=True)}  # of beats, without what follows them
    for task, needed in (("rhythm", RHYTHM_COLUMNS), ("heartbeats", before)):
        if columns.issuperset(needed):
            maker, params = "make_rhythm_epochs" if task == "rhythm" else "make_beat_epochs", {}
            if task == "heartbeats" and not columns.issuperset(BEAT_COLUMNS):
                maker, params = "make_beat_epochs(causal=True)", {"causal": True}
            return Finding(task, True, [f"The metadata have the columns of ecg.{maker}."], params)
    return Finding(
        reasons=[
            "ECG without the metadata of ecg.make_beat_epochs or ecg.make_rhythm_epochs: there are recipes "
            "for what these two make."
        ]
    )


def _of_classes(classes, view):
    """What the names of the classes tell alone."""
    names, quoted = [plain(name) for name in classes], _quoted(classes)
    active = [name for name in names if not _REST.match(name)]
    frequencies = _of_flicker(classes, _HERTZ)
    if frequencies:
        return Finding("ssvep", True, [f"The names of the classes are frequencies ({quoted})."], frequencies)
    if all(map(_HERTZ.search, map(str, classes))):
        return Finding(reasons=[f"The classes ({quoted}) are frequencies, but of no lights, as it seems."])
    if any(map(_DONE.search, names)):
        return Finding(reasons=[f"The names {quoted} speak of responses or of movements that are made."])
    if any(map(_BODY.search, active)) and all(_BODY.search(n) or _SIDES.match(n) for n in active):
        what = (
            f"The classes ({quoted}) are named after parts of the body; that they are imagined is not told."
        )
        return Finding("motor imagery", True, [what])
    for task, vocabulary in (("erp", _EVOKED), ("mental state", _STATES)):
        for what, kinds in vocabulary.items():
            fits = [[bool(re.search(kind, name)) for name in names] for kind in kinds]
            if len(names) > 1 and all(map(any, fits)) and all(map(any, zip(*fits, strict=True))):
                return Finding(task, True, [f"The names of the classes ({quoted}) are of {what}."])
    if set(active) == {"left", "right"}:
        return _of_sides(view)
    if len(names) > 2 and all(map(_SLEEP.match, names)) and not all(n.isdigit() for n in names):
        return Finding(reasons=[f"The classes ({quoted}) are stages of sleep, which no recipe is for."])
    if all(map(_NUMBER.fullmatch, active)):
        return Finding(
            reasons=[f"The classes are numbers ({quoted}), which tell nothing: name them by labels=."]
        )
    return Finding()


def _of_sides(view):
    """Left and right alone: it may be imagery, if windows and electrodes allow it, or anything else."""
    after, there = view.times[-1] - max(view.times[0], 0.0), {standard_name(name) for name in view.ch_names}
    others = "key presses, directions of attention and stimuli may be called so, too"
    if {"C3", "C4"} <= there and after >= 1.5 and view.times[0] >= -1.0:
        has = f"{after:.3g} s after the event and electrodes C3 and C4 are what imagery of hands has"
        return Finding("motor imagery", False, [f"The classes 'left' and 'right', {has}; but {others}."])
    advice = 'recipe("motor imagery"), and 2 s or more after the cue'
    return Finding(
        reasons=[f"The classes 'left' and 'right' tell no task: {others}. If it is imagery, take {advice}."]
    )


def plain(name):
    """A name in small letters, its words taken apart: ``NonTarget`` and ``non-target`` are "non target"."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name))
    return re.sub(r"[\W_]+", " ", text).strip().lower()


def _of_flicker(classes, pattern):
    """Frequencies in Hz by class, None for rest, as arguments; none if a name has none that lights have."""
    found = {name: pattern.findall(str(name)) for name in classes if not _REST.match(plain(name))}
    if not found or any(len(its) != 1 or _NO_LIGHT.search(plain(name)) for name, its in found.items()):
        return {}
    values = {name: float(its[0].replace(",", ".")) for name, its in found.items()}
    apart = len(set(values.values())) == len(values)
    inside = all(FLICKER[0] <= value <= FLICKER[1] for value in values.values())
    return {"frequencies": {name: values.get(name) for name in classes}} if apart and inside else {}


def _of_texts(view):
    """What BIDS tasks, columns and files tell; all of them have to tell the same."""
    found = {}
    for where, text in _texts_of(view):
        task = next((task for task, words in _WORDS.items() if re.search(words, plain(text))), None)
        if task is None and _OTHER_TASK.search(plain(text)):
            return Finding(reasons=[f"{where} {text!r} speaks of another task."])
        found.setdefault(task, f"{where} {text!r} speaks of {task}.")
    tasks = list(found)
    return Finding(tasks[0], True, [found[tasks[0]]]) if len(tasks) == 1 and tasks[0] else Finding()


def _texts_of(view):
    """Where a task may be named, and the text there."""
    table = view.metadata
    for column in ("task", "paradigm", "experiment") if table is not None else ():
        if column in table:
            return [(f"The column {column!r} with", str(value)) for value in table[column].unique()[:20]]
    if table is not None and "file" in table:
        files = table["file"].astype(str).unique().tolist()
    else:
        files = [str(source.filename) for source in view.sources() if source.filename is not None]
    people = set() if table is None or "subject" not in table else set(table["subject"].astype(str))
    texts = []
    for file in files:
        bids = re.search(r"(?:^|[/_])task-([A-Za-z0-9]+)", file)
        its_name = [part for part in file.split("/")[-2:] if part not in people]
        texts.append(("The BIDS task", bids[1]) if bids else ("The file", "/".join(its_name)))
    return list(dict.fromkeys(texts))


def _joined(by_class, by_text, classes):
    """What classes and texts tell together."""
    reasons = [*by_class.reasons, *by_text.reasons]
    if by_class.task is None:
        found = replace(by_text, reasons=reasons)
        if by_text.task == "ssvep":  # where numbers are frequencies
            found = replace(found, params=_of_flicker(classes, _NUMBER))
        return found
    if by_text.task not in (None, by_class.task):
        return Finding(reasons=[*reasons, "The two do not agree, so the task is not known."])
    if not by_class.is_told and by_text.task is None and by_text.reasons:
        return Finding(reasons=reasons)
    return replace(by_class, is_told=by_class.is_told or by_text.is_told, reasons=reasons)


def _quoted(names):
    return shortened((repr(str(name)) for name in names), 5)
