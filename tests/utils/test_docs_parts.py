"""Shared parts of docstrings are filled in with the indentation of their place, and none is left over."""

import ast
import re
from pathlib import Path

import pytest

import mne_cnnclass
from mne_cnnclass.utils.docs import docdict, fill_doc


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


def test_every_place_is_filled():
    used = set()
    for path in Path(mne_cnnclass.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and path.name != "docs.py":
                names = re.findall(r"%\((\w+)\)s", ast.get_docstring(node) or "")
                filled = {ast.unparse(one) for one in node.decorator_list}
                assert not names or "fill_doc" in filled, f"{path}: {node.name}"
                used.update(names)
    assert used <= set(docdict)
