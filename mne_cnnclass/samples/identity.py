"""Whose a recording is, by its header, its name and its folders: the one place where this is decided.

Standards come before habits: BIDS, the header of the file, databases with names of their own, and then words
("subject7", "Person_01") and codes ("S001", "chb01/chb01_03") in the path. What could mean several people is
not known, rather than guessed.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from ..utils.text import shortened
from .mne_internals import data_checksum

# What devices, forms and anonymisation write for nobody.
_NOBODY = re.compile(
    r"[x\W_]*|0+|none|null|nan|na|n/a|(?:unknown|anon|default|mne_anonymize|de-?identified)\w*|test\d*|redacted|"
    r"removed|withheld|unnamed|no[\W_]?name|not[\W_]\w+|name|id|patient|subject|person|participant|sub|pat|pt",
    re.I,
)
_WORD = r"(?:sub|subj|subject|pat|patient|pt|vp|person|participant|proband|volunteer|user|child|infant)"
_BIDS = re.compile(r"(?<![a-z0-9-])(sub-[a-z0-9]+)(?![a-z0-9-])", re.I)
_WORDS = re.compile(rf"(?<![a-z])({_WORD}(?:[-_ ]?(?=\d)|[-_ ])(\d+|[a-z]))(?![a-z0-9])", re.I)
# S001, P03, A01T. One digit is as often a session (s1), and runs (R04) are no subjects.
_CODE = re.compile(r"(?<![a-z0-9])([sa]\d{2,3}|p\d{2,8})(?!\d)", re.I)
_REPEATED = re.compile(r"[a-z]{1,8}\d{1,8}", re.I)  # a folder whose name its files begin with
_POTENTIAL = re.compile(r"[pn](?:50|[1-9]\d0)", re.I)  # P300: as a rule no person
_COMMENT = re.compile(
    r"^\W*(?:patient|subject|person|participant)(?:[ _-]?(?:id|no|nr|number|code))?"
    r"(?:\W*[:=]\W*([\w.-]+)|\s+#?(\d\w*))\W*$",
    re.I | re.M,
)
# Databases whose names of files hold the person: Sleep-EDF, MIT-BIH polysomnography and noise stress, TUH.
_DATABASES = re.compile(
    r"(SC4\d\d|ST7\d\d)\d[A-Z]\d.*|(slp\d\d)[a-z]?|(11[89])e(?:_6|\d\d)|([a-z]{8})_s\d{3}_t\d{3}.*"
)
_SAME_PERSON = {"chb21": "chb01"}  # of CHB-MIT
# Names of folders and files that say what was recorded or when, not whose.
_NEUTRAL = re.compile(
    r"(?:sessions?|sess?|day|visit|run|block|trial|task|part|train(?:ing)?|test|eval(?:uation)?|rest(?:ing)?|"
    r"eyes|open|closed|eo|ec|mi|me|motor|imagery|ssvep|erp|oddball|pre|post|baseline|raw|data|eeg|ecg|meg|edf|"
    r"bdf|fif|epo|epochs|clean(?:ed)?|filtered|preprocessed|recordings?|records?|rec|signals?|[pn]\d00|[\W\d_])+",
    re.I,
)
_DATABASE_FOLDER = re.compile(r"\w*db|cinc\d*|challenge.*|ptb.*|training.*|records\d+", re.I)
_N_FOLDERS = 4  # above the file; a home folder says nothing
GIVEN = "Patient (given): "  # a line of a description, by our readers


@dataclass
class Origin:
    """What a recording says of itself."""

    name: str  # where it has no file
    path: Path | None
    header: str | None  # whose it is by its header
    joined: tuple[Path, ...] = ()  # further files, of which MNE keeps no header

    @classmethod
    def of(cls, source, path=None):
        """That of Raw or Epochs, read from a path or not."""
        files = [Path(file) for file in getattr(source, "filenames", ()) if file]
        path = path or next(iter(files), None)
        name = "" if path else f"recording {data_checksum(source):08x}"
        return cls(name, path, subject_in_header(source.info, path), tuple(files[1:]))


@dataclass
class Identity:
    """A name of a recording and of whose it is (or None), both unique; and how that was found, or why not.

    In doubt are those whose name and folders could mean several people.
    """

    name: str
    subject: str | None
    how: str
    doubt: bool

    def __str__(self):
        return f"{self.subject or 'not known'} ({self.how})"


@dataclass
class _Found:
    subject: str | None
    how: str
    folder: Path | None = None  # above what names the subject
    n_parts: int = 1  # of the path, from what names the subject
    doubt: bool = False
    place: tuple | None = None  # what names and folders say of those whose header speaks
    codes: tuple[str, ...] = ()  # that may be people as well, below the folder that names one

    def take_back(self, why):
        self.subject, self.how, self.doubt = None, why, True


def is_nobody(text):
    """Whether an identifier is a placeholder."""
    return text is None or bool(_NOBODY.fullmatch(str(text).strip("\0 ")))


def subject_in_header(info, path=None):
    """Whose a recording is by its header, also by comments of WFDB; None if that is not known."""
    title, *comments = (info["description"] or "").split("\n")
    if comments and comments[0].startswith(GIVEN):
        return comments[0].removeprefix(GIVEN)
    stated = _COMMENT.search("\n".join(comments))
    if stated and not is_nobody(stated[1] or stated[2]):
        return stated[1] or stated[2]
    subject = info["subject_info"] or {}
    own = str(subject.get("his_id") or "").strip("\0 ")
    if title.endswith(f" record {own}"):  # our readers' word for a record of nobody
        return None
    if path is not None and path.suffix.lower() in (".edf", ".bdf") and own.lower() in ("patient", "subject"):
        with path.open("rb") as file:  # of "Patient 7" MNE keeps the first word
            stated = _WORDS.search(file.read(88)[8:].decode("latin-1"))
        own = stated[1] if stated else own
    return None if is_nobody(own) else own


def identify(origins):
    """The `Identity` of each of the recordings that are passed together."""
    found = [_find(origin) for origin in origins]
    _settle_joined(origins, found)
    _settle_shared(found)
    _settle_headers(found)
    _settle_potentials(found)
    _settle_places(found)
    names = _unique_names(origins, found)
    _settle_repeated(origins, found)
    return [Identity(name, its.subject, its.how, its.doubt) for name, its in zip(names, found, strict=True)]


def _stem(origin):
    return re.sub(r"\.[a-z]\w{0,4}(\.gz)?$", "", origin.path.name, flags=re.I)


def _find(origin):
    """Whose a recording is, as far as it tells by itself."""
    path = None if origin.path is None else origin.path.absolute()
    folders = () if path is None else [folder for folder in path.parents if folder.name][:_N_FOLDERS]
    folders = [folder for folder in folders if not _is_home(folder)]
    levels = [] if path is None else [_stem(origin), *(folder.name for folder in folders)]

    def choose(candidates, how):
        """The one subject among names, labels and levels of the path, the nearest first."""
        labels = {_key(label): name for name, label, _ in reversed(candidates)}
        if len(labels) > 1:
            return _Found(None, f"{' and '.join(sorted(labels.values()))} are in its path", doubt=True)
        name, _, level = candidates[0]
        top = max(level for *_, level in candidates)
        return _Found(name, how, path.parents[min(top, len(path.parents) - 1)], level + 1)

    bids = [(f"sub-{name[4:]}", name[4:], level) for name, _, level in _matches(_BIDS, levels)]
    whole = [one for one in bids if levels[one[2]].lower().startswith("sub-")]
    if whole:
        its = choose(whole, "BIDS")
        its.folder = next((_data_set(f.parent) for f in folders if f.name.lower().startswith("sub-")), None)
        return its
    its = _by_names(path, levels, [*bids, *_matches(_WORDS, levels)], choose)
    place = None if its.subject is None else (_key(its.subject), its.folder)
    if origin.header is not None:
        its = _Found(origin.header, "header of the file")
    its.place = place
    return its


def _is_home(folder):
    """Whether a folder is that of somebody on a computer, such as /home/user1."""
    return folder.parent.name.lower() in ("home", "users") and not folder.parent.parent.name


def _by_names(path, levels, words, choose):
    """Whose a recording is by what files and folders are called, beyond BIDS."""
    database = _DATABASES.fullmatch(levels[0]) if levels else None
    if database:
        return _Found(next(filter(None, database.groups())), "file of a database")
    patient = _ptbxl_patient(path) if path else None
    if patient is not None:
        return _Found(patient, "table of PTB-XL")
    codes = _codes(levels)
    if words:
        its = choose(words, "word in its path")
        people = (name for name, _, level in codes if level < its.n_parts - 1)
        its.codes = tuple(name for name in people if not _POTENTIAL.fullmatch(name))
        return its
    return choose(codes, "code in its path") if codes else _Found(None, "nothing names a person")


def _matches(pattern, levels):
    """What a pattern finds: the text, the label in it, and the level of the path."""
    for level, text in enumerate(levels):
        for match in pattern.finditer(text):
            yield match[1], match[match.re.groups], level


def _codes(levels):
    """Codes that may be people, in capitals."""
    codes = [
        (text.upper(), text.upper(), level)
        for text, _, level in _matches(_CODE, levels)
        if not level or levels[level].lower().startswith(text.lower())
    ]
    for level, (below, text) in enumerate(pairwise(levels), 1):
        if _REPEATED.fullmatch(text) and not _NEUTRAL.fullmatch(text) and _begins(below, text):
            text = _SAME_PERSON.get(text, text)
            codes.append((text.upper(), text.upper(), level))
    codes = [code for code in codes if not _POTENTIAL.fullmatch(code[1])] or codes  # S01 of S01/P300
    # in p00/p000020 the first is a folder of people
    return [code for code in codes if not any(b != code[1] and b.startswith(code[1]) for _, b, _ in codes)]


def _begins(name, folder):
    """Whether a name begins with that of its folder, as chb01_03 in chb01."""
    return name.lower().startswith(folder.lower()) and not name[len(folder) : len(folder) + 1].isdigit()


def _key(text):
    """What two spellings of a subject have in common."""
    return re.sub(r"[-_ ]|(?<!\d)0+(?=\d)", "", str(text).casefold())


def _data_set(root):
    """The folder of a BIDS data set, of which others hold what was made of it."""
    parts = root.parts
    inner = [k for k, part in enumerate(parts) if part in ("derivatives", "rawdata", "sourcedata")]
    return Path(*parts[: inner[0]]) if inner else root


@lru_cache(maxsize=4)
def _ptbxl_table(file):
    with file.open(newline="") as lines:
        return {row["ecg_id"]: row["patient_id"].partition(".")[0] for row in csv.DictReader(lines)}


def _ptbxl_patient(path):
    """The patient of a record of PTB-XL, which have several."""
    record = re.fullmatch(r"(\d{5})_[lh]r", path.stem if path.suffix else path.name)
    files = [folder / "ptbxl_database.csv" for folder in path.parents[:3]] if record else []
    file = next((file for file in files if file.is_file()), None)
    return file and _ptbxl_table(file).get(str(int(record[1])))


def _settle_joined(origins, found):
    """A Raw that is joined of files of several people is of none of them."""
    for origin, its in zip(origins, found, strict=True):
        files = (origin.path, *origin.joined) if origin.joined else ()
        names = [_find(Origin("", file, None)).subject for file in files]
        people = {_key(name): name for name in names if name is not None}
        if len(people) > 1:
            its.take_back(f"it is joined of files of {' and '.join(people.values())}")
            its.place = None


def _settle_shared(found):
    """A folder above all files may be that of who works with them: /data/user1/S01, /data/user1/S02."""
    codes = {code for its in found for code in its.codes}
    if len(codes) > 1 and all(its.codes for its in found) and len({its.subject for its in found}) == 1:
        for its in found:
            its.take_back(f"{its.subject} is a folder of {shortened(sorted(codes), 3)}")
            its.place = None


def _settle_headers(found):
    """Files of one folder or code are of the person that the headers of some name, if it is one."""
    named = defaultdict(set)
    for its in found:
        if its.place and its.how == "header of the file":
            named[its.place].add(its.subject)
    for its in found:
        people = named[its.place] if its.place and its.how != "header of the file" else ()
        if len(people) == 1:
            its.how, its.folder = f"header of other files of {its.subject}", None
            (its.subject,) = people
        elif people:
            its.take_back(f"files of {its.subject} are of {' and '.join(sorted(people))} by their headers")


def _settle_potentials(found):
    """P300 is a person if others are called like this."""
    codes = {its.subject for its in found if its.how == "code in its path"} - {None}
    people = {(code[0], len(code)) for code in codes if not _POTENTIAL.fullmatch(code)}
    for its in found:
        code = its.subject
        if code in codes and _POTENTIAL.fullmatch(code) and (code[0], len(code)) not in people:
            its.take_back(f"{code} may be a potential")


def _settle_places(found):
    """One spelling for each subject, who is not known if people in several places may be called so."""
    same = defaultdict(list)
    for its in found:
        if its.subject is not None:
            same[_key(its.subject)].append(its)
    for group in same.values():
        places = sorted({its.folder for its in group if its.folder is not None})
        shared = Path(os.path.commonpath(places)) if places else None
        inner = {place: place.relative_to(shared) for place in places}
        differ = len(places) > 1 and not all(
            _NEUTRAL.fullmatch(part) for place in inner.values() for part in place.parts
        )
        coded = any(_CODE.fullmatch(part) for place in inner.values() for part in place.parts)
        for its in group:
            if not differ or its.folder is None:
                its.subject = group[0].subject
            elif its.how == "BIDS" and not coded:  # data sets
                its.subject = f"{inner[its.folder].as_posix()}/{its.subject}".removeprefix("./")
            else:
                where = shortened(sorted(place.as_posix() for place in inner.values()), 3)
                its.take_back(f"{its.subject} is in several folders: {where}")


def _settle_repeated(origins, found):
    """Where files of several folders are called the same, a file is not a person, but its folder may be."""
    unnamed = [
        (its, _stem(origin), origin.path.absolute().parent)
        for its, origin in zip(found, origins, strict=True)
        if its.subject is None and not its.doubt and origin.path is not None
    ]
    counts = Counter(stem for stem, _ in {(stem, folder) for _, stem, folder in unnamed})
    repeated = {folder: stem for _, stem, folder in unnamed if counts[stem] > 1}
    for its, _, folder in unnamed:
        if folder in repeated and not _DATABASE_FOLDER.fullmatch(folder.name):
            its.take_back(f"{its.how}, and files of several folders are called {repeated[folder]}")


def _unique_names(origins, found):
    """Names of recordings: of a file its own, with as many of its folders as it takes."""
    paths = [None if o.path is None else o.path.absolute() for o in origins]
    n_parts = [
        its.n_parts + bool(its.n_parts == 1 and path and _is_bare(path.name))
        for its, path in zip(found, paths, strict=True)
    ]

    same = Counter()
    plain = []  # recordings without a file, by their number if they are equal
    for origin in origins:
        same[origin.name] += 1
        plain.append(f"{origin.name} ({same[origin.name]})" if same[origin.name] > 1 else origin.name)

    def shown(k):
        return plain[k] if paths[k] is None else "/".join(paths[k].parts[-n_parts[k] :])

    while True:
        owners = defaultdict(set)
        for k, path in enumerate(paths):
            owners[shown(k)].add(path)
        short = [k for k, path in enumerate(paths) if path and len(owners[shown(k)]) > 1]
        if not short:
            return [shown(k) for k in range(len(paths))]
        for k in short:
            n_parts[k] += 1


def _is_bare(name):
    """Whether a file's name says nothing but that it is a recording, as eeg.fif."""
    return bool(_NEUTRAL.fullmatch(name)) and not name.partition(".")[0].isdigit()
