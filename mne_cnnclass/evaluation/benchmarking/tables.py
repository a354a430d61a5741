"""Tables of a config: keys are taken one by one, and what is wrong is named by the path of its key."""

import ast
import importlib
import inspect
import json
import os
import re
import sys
from difflib import get_close_matches
from functools import partial
from glob import glob
from operator import eq
from pathlib import Path

MANY = 50  # words that a message does not list


class Table:
    """A table whose keys are taken one by one; errors name a key with its path."""

    def __init__(self, content, where, folder):
        self.content, self.where, self.folder = content, where, folder
        self._taken = []

    def error(self, key, text):
        return ValueError(f"{join(self.where, key) if key else self.where} {text}")

    def take(self, key, kind, default=inspect.Parameter.empty):
        """The value of a key of a type."""
        self._taken.append(key)
        if key not in self.content:
            if default is inspect.Parameter.empty:
                raise self.error(key, f"is missing, {_expected(kind)}.")
            return default
        return self._check(key, kind)

    def choose(self, key, words, what):
        """The value of a key that must be one of some words."""
        return self.known(key, self.take(key, "str"), words, what)

    def known(self, key, word, words, what):
        """A word that must be known."""
        if word not in words:
            raise self.error(key, f"has no {what} {word!r}.{_near(word, words)}")
        return word

    def kind(self, makers, what):
        """Which of some keys is there, to say what the table is."""
        found = [key for key in makers if key in self.content]
        if len(found) != 1:
            near = [key for key in self.content if get_close_matches(key, makers)]
            if not found and near:
                raise self.error(near[0], f"is no key of a {what}.{_near(near[0], makers)}")
            got = f"has {' and '.join(found)}" if found else "has none of them"
            raise self.error(None, f"must say what it is by one key of {', '.join(makers)}; it {got}.")
        return found[0]

    def table(self, key):
        """A table in this one; an empty one if it is not there and need not be."""
        return Table(self.take(key, "dict", {}), join(self.where, key), self.folder)

    def tables(self, key):
        """The tables in a table, by name."""
        inner = self.table(key)
        if not inner.content:
            raise self.error(key, f"is missing or empty: at least one table [{key}.NAME] is needed.")
        return {name: inner.table(name) for name in inner.content}

    def arguments(self, function, but=(), typed=True, untyped=""):
        """All keys that are not taken yet, as arguments of a function; ``untyped`` if they have no hint."""
        parameters = inspect.signature(function).parameters
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        named = {
            name: p
            for name, p in parameters.items()
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and name not in (*but, *self._taken)
        }
        left = [key for key in self.content if key not in self._taken]
        types = parameter_types(function) if typed else {}
        for key in left:
            if key not in named and not takes_all:
                raise self.error(key, f"is unknown.{_near(key, [*self._taken, *named])}")
        for name, parameter in named.items():
            if parameter.default is parameter.empty and name not in left:
                raise self.error(name, f"is missing, {_expected(types.get(name) or untyped)}.")
        return {key: self._check(key, types.get(key) or untyped) for key in left}

    def call(self, key, function, *args, **kwargs):
        """The result of a function whose errors are about a key."""
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError, OSError, ImportError) as error:
            kind = ImportError if isinstance(error, ImportError) else ValueError
            raise kind(f"{join(self.where, key)}: {error}") from error

    def path(self, key):
        """The value of a key as a path that must exist."""
        path = Path(self.take(key, "PathLike"))
        if not path.exists():
            raise self.error(key, f"does not exist: {path}")
        return path

    def files(self, key):
        """The files of a pattern or of several."""
        patterns = self.take(key, "str | Sequence[str]")
        found = []
        for pattern in map(self._path, [patterns] if isinstance(patterns, str) else patterns):
            files = sorted(glob(pattern, recursive=True))
            if not files:
                raise self.error(key, f"finds no file {pattern}")
            found += files
        if not found:
            raise self.error(key, "is empty; at least one file is needed.")
        return found

    def imported(self, key):
        """The object that MODULE:NAME names."""
        text = self.take(key, "str")
        module, _, name = text.partition(":")
        if not module or not name:
            raise self.error(key, f"must be MODULE:NAME, such as my_lab.pipelines:make, got {text!r}.")
        if str(self.folder) not in sys.path:
            sys.path.append(str(self.folder))  # behind all else, so that it hides nothing
        found = self.call(key, importlib.import_module, module)
        known = [own for own in vars(found) if not own.startswith("_")]
        return getattr(found, self.known(key, name, known, f"name in the module {module}"))

    def _path(self, text):
        """A path relative to the folder, with ``~`` and ``$VARIABLE`` as a shell takes them."""
        return str(self.folder / os.path.expandvars(os.path.expanduser(text)))

    def _check(self, key, kind):
        value, alternatives = self.content[key], _alternatives(kind)
        if alternatives and not any(fits(value) for _, fits in alternatives):
            raise self.error(key, f"is {value!r}, {_expected(kind)}.")
        if "PathLike" in kind and isinstance(value, str):
            return self._path(value)
        return tuple(value) if "tuple" in kind and isinstance(value, list) else value


def join(where, key):
    """The path of a key, quoted where TOML wants it."""
    key = key if re.fullmatch(r"[\w-]+", key) else json.dumps(key, ensure_ascii=False)
    return f"{where}.{key}" if where else key


def _near(word, words):
    """What may have been meant, and what there is."""
    words = list(words)
    near = get_close_matches(str(word), words, n=1) or [w for w in words if w.lower() == str(word).lower()]
    meant = f" Did you mean {near[0]}?" if near else ""
    shown = ", ".join(words) if len(words) < MANY else f"{len(words)} others"
    return f"{meant} There {'are' if len(words) > 1 else 'is'} {shown}."


def parameter_types(function):
    """The types of parameters as in their hints, by name; of those without hints, whether they are bool."""
    types = {}
    for name, parameter in inspect.signature(function).parameters.items():
        hint, empty = parameter.annotation, parameter.empty
        if hint is empty:
            hint = "bool" if isinstance(parameter.default, bool) else ""
        types[name] = hint if isinstance(hint, str) else inspect.formatannotation(hint)
    return types


def _is_a(*types):
    return lambda value: isinstance(value, types) and (bool in types or not isinstance(value, bool))


_TYPES = {
    "float": ("a number", "numbers", _is_a(int, float)),
    "int": ("an integer", "integers", _is_a(int)),
    "bool": ("true or false", "booleans", _is_a(bool)),
    "str": ("a string", "strings", _is_a(str)),
    "PathLike": ("a path", "paths", _is_a(str)),
    "Mapping": ("a table", "tables", _is_a(dict)),
}
_TYPES["RandomState"], _TYPES["dict"] = _TYPES["int"], _TYPES["Mapping"]


def _alternatives(kind):
    """What TOML can hold of a type, such as ``Literal["auto"] | Sequence[str] | None``: words and a test."""
    return _alternatives_of(ast.parse(kind, mode="eval").body) if kind else []


def _alternatives_of(node, plural=False):
    if isinstance(node, ast.BinOp):
        return _alternatives_of(node.left, plural) + _alternatives_of(node.right, plural)
    inner = getattr(node, "slice", None)
    name = getattr(node if inner is None else node.value, "id", None)
    if name == "Literal":
        words = [word.value for word in getattr(inner, "elts", [inner])]
        return [(f'"{word}"', partial(eq, word)) for word in words]
    if name in ("Sequence", "list", "tuple"):
        of = [] if inner is None or isinstance(inner, ast.Tuple) else _alternatives_of(inner, plural=True)
        of_what = f" of {' or '.join(words for words, _ in of)}" * bool(of)
        return [(("lists" if plural else "a list") + of_what, partial(_is_list, of))]
    if name not in _TYPES:
        return []
    one, several, fits = _TYPES[name]
    return [(several if plural else one, fits)]


def _is_list(inner, value):
    items = value if inner else ()  # of an unknown type, any
    return isinstance(value, list) and all(any(fits(item) for _, fits in inner) for item in items)


def _expected(kind):
    return f"expected {' or '.join(words for words, _ in _alternatives(kind)) or 'a value'}"
