"""What a methods section cites, in BibTeX."""

import re
from pathlib import Path

from .._version import __version__
from ..networks import list_models
from ..networks.catalog import OWN

OPEN, CLOSE = "\ue000", "\ue001"  # around a citation: the names of classes may have brackets, too
TITLES = {
    "10.1088/1741-2552/aace8c": "{EEGNet}: a compact convolutional neural network for {EEG}-based "
    "brain-computer interfaces",
    "10.1002/hbm.23730": "Deep learning with convolutional neural networks for {EEG} decoding and "
    "visualization",
}


def find_entries(text, networks):
    """The BibTeX entries that a text cites, the papers of networks among them."""
    known = Path(__file__).with_name("citations.bib").read_text(encoding="utf-8").strip()
    known = known.replace("VERSION", __version__).split("\n\n")
    entries = {re.match(r"@\w+{(\w+)", entry)[1]: entry for entry in known}
    entries |= _architecture_entries(networks)
    return "\n\n".join(entry for key, entry in entries.items() if cite(key) in text)


def cite(key):
    """A citation, marked so that brackets from data are not taken for one."""
    return f"{OPEN}{key}{CLOSE}"


def with_brackets(text):
    """The text as readers see it, with citations in brackets."""
    return text.replace(OPEN, "[").replace(CLOSE, "]")


def paper_of(clf):
    """Where the architecture of a network was published, if it is known and not one of this package."""
    named = isinstance(clf.model, str) and clf.model not in OWN
    return list_models()["paper"].get(clf.model, "") if named else ""


def _architecture_entries(networks):
    """BibTeX of the papers of architectures, as far as the table of models knows it."""
    entries = {}
    for clf in networks:
        paper = paper_of(clf)
        if not paper:
            continue
        who, _, where = paper.partition(", ")
        authors, year = who.rsplit(" ", 1)
        authors = authors.replace(" et al.", " and others")
        kinds = {"doi:": "doi", "arXiv:": "eprint", "https:": "url"}
        fields = {"author": authors, "year": year}
        for item in where.split(", "):
            kind = next((kind for start, kind in kinds.items() if item.startswith(start)), "howpublished")
            fields[kind] = item if kind in ("url", "howpublished") else item.partition(":")[2]
        if fields.get("doi") in TITLES:
            fields["title"] = TITLES[fields["doi"]]
        if "eprint" in fields:
            fields["archiveprefix"] = "arXiv"
        body = ",\n".join(f"  {key} = {{{value}}}" for key, value in fields.items())
        entries[clf.model] = f"@misc{{{clf.model},\n{body}\n}}"
    return entries
