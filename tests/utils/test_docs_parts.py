"""Shared parts of docstrings are filled in with the indentation of their place, and none is left over."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import mne_cnnclass
from mne_cnnclass.utils.docs import docdict, fill_doc

PLACEHOLDER = r"(?m)^ *%\((\w+)\)s"


def test_entries_take_the_indentation_of_their_place():
    @fill_doc
    def plot():
        """Plot 95 % of it.

        Parameters
        ----------
        %(title)s
        """

    lines = [line.strip() or line for line in plot.__doc__.splitlines()]
    assert lines[0] == "Plot 95 % of it."
    assert lines[4:6] == docdict["title"].replace("    ", "").splitlines()
    indents = [len(line) - len(line.lstrip()) for line in plot.__doc__.splitlines()[2:6]]
    assert indents[0] == indents[1] == indents[2] == indents[3] - 4


def test_what_has_no_docstring_or_an_unknown_name():
    def plain():
        pass

    assert fill_doc(plain) is plain
    assert plain.__doc__ is None  # as under python -OO
    plain.__doc__ = "Plain.\n\n%(nothing)s"
    with pytest.raises(KeyError, match="nothing"):
        fill_doc(plain)


def _modules_with_placeholders():
    root = Path(mne_cnnclass.__file__).parent
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name != "docs.py" and re.search(PLACEHOLDER, text):
            yield (
                ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__"),
                text,
            )


def test_every_entry_is_used_and_every_place_is_filled():
    used = set()
    for name, text in _modules_with_placeholders():
        used.update(re.findall(PLACEHOLDER, text))
        own = [obj for obj in vars(import_module(name)).values() if getattr(obj, "__module__", None) == name]
        for obj in own + [member for cls in own if isinstance(cls, type) for member in vars(cls).values()]:
            assert not re.search(PLACEHOLDER, getattr(obj, "__doc__", None) or ""), obj
    assert used == set(docdict)
