"""A benchmark as a file: pipelines and data sets in TOML, checked before anything is computed."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
import tomllib
from difflib import get_close_matches
from functools import partial
from glob import glob
from operator import eq
from pathlib import Path

from sklearn.pipeline import make_pipeline

from ..epochs_view import EpochsView
from .plan import KINDS

__all__ = ["dataset_source", "read_config"]

MANY = 50  # words that a message does not list


def read_config(path):
    """Read a config, as ``docs/benchmark.md`` describes it.

    Parameters
    ----------
    path : path-like
        The file, in TOML. Paths in it are relative to its folder.

    Returns
    -------
    arguments : dict
        Those of :func:`~mne_cnnclass.benchmark`: ``pipelines`` and ``datasets`` by name, and what else the
        file gives. Data sets are functions without arguments, so none is read yet.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If something in it needs a library that is not installed.
    ValueError
        If it is no TOML; a key is unknown, missing or of a wrong type; or a file, model, recipe or whatever
        else it names does not exist. The message has the file and the path of the key, such as
        ``datasets.imagery.tmin``.

    Notes
    -----
    Types and allowed words are those that the docstrings of the functions have. Code is imported and run
    only where the file says ``import``, from the path of Python or the folder of the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mne_cnnclass.benchmarking import read_config
    >>> text = '''
    ... splits = "within-session"
    ... [pipelines.simple]
    ... baselines = "eeg"
    ... names = ["dummy", "CSP + LDA"]
    ... [datasets.cursor]
    ... load = "sample"
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "config.toml")
    ...     _ = path.write_text(text)
    ...     arguments = read_config(path)
    >>> list(arguments), list(arguments["pipelines"])
    (['pipelines', 'datasets', 'splits'], ['dummy', 'CSP + LDA'])
    """
    from .run import benchmark

    path = Path(path)
    try:
        config = _Table(tomllib.loads(path.read_text("utf-8")), "", path.resolve().parent)
        pipelines = _pipelines(config.tables("pipelines"))
        datasets = {name: _dataset(table) for name, table in config.tables("datasets").items()}
        splits = {"splits": _splits(config)} if "splits" in config.content else {}
        others = config.arguments(benchmark, but=("store", "retry", "verbose"))
    except (ValueError, ImportError) as error:
        kind = ImportError if isinstance(error, ImportError) else ValueError
        raise kind(f"{path}: {error}") from error
    return {"pipelines": pipelines, "datasets": datasets} | splits | others


def dataset_source(name, table, folder="."):
    """Get the function that makes a data set of what a config says of it.

    Parameters
    ----------
    name : str
        The name of the data set.
    table : dict
        What stands under ``[datasets.NAME]`` in a config.
    folder : path-like
        What paths are relative to.

    Returns
    -------
    source : callable
        A function without arguments.

    Raises
    ------
    ImportError, ValueError
        As for :func:`read_config`.
    """
    return _dataset(_Table(table, _join("datasets", name), Path(folder)))


class _Table:
    """A table whose keys are taken one by one; errors name a key with its path."""

    def __init__(self, content, where, folder):
        self.content, self.where, self.folder = content, where, folder
        self._taken = []

    def error(self, key, text):
        return ValueError(f"{_join(self.where, key) if key else self.where} {text}")

    def take(self, key, kind, default=inspect.Parameter.empty):
        """The value of a key of a documented type."""
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

    def table(self, key, default=None):
        """A table in this one; an empty one if it is not there and need not be."""
        return _Table(self.take(key, "dict", {}), _join(self.where, key), self.folder)

    def tables(self, key):
        """The tables in a table, by name."""
        inner = _Table(self.take(key, "dict", {}), _join(self.where, key), self.folder)
        if not inner.content:
            raise self.error(key, f"is missing or empty: at least one table [{key}.NAME] is needed.")
        return {name: inner.table(name) for name in inner.content}

    def arguments(self, function, but=(), typed=True):
        """All keys that are not taken yet, as arguments of a function."""
        parameters = inspect.signature(function).parameters
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        named = {
            name: p
            for name, p in parameters.items()
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and name not in (*but, *self._taken)
        }
        left = [key for key in self.content if key not in self._taken]
        types = _documented_types(function) if typed else {}
        for key in left:
            if key not in named and not takes_all:
                raise self.error(key, f"is unknown.{_near(key, [*self._taken, *named])}")
        for name, parameter in named.items():
            if parameter.default is parameter.empty and name not in left:
                raise self.error(name, f"is missing, {_expected(types.get(name, ''))}.")
        return {key: self._check(key, types.get(key, "")) for key in left}

    def call(self, key, function, *args, **kwargs):
        """The result of a function whose errors are about a key."""
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError, OSError, ImportError) as error:
            kind = ImportError if isinstance(error, ImportError) else ValueError
            raise kind(f"{_join(self.where, key)}: {error}") from error

    def path(self, key):
        """The value of a key as a path that must exist."""
        path = Path(self.take(key, "path-like"))
        if not path.exists():
            raise self.error(key, f"does not exist: {path}")
        return path

    def files(self, key, kind):
        """The files of a pattern or of several."""
        patterns = self.take(key, kind)
        found = []
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            files = sorted(glob(str(self.folder / pattern), recursive=True))
            if not files:
                raise self.error(key, f"finds no file {self.folder / pattern}")
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

    def _check(self, key, kind):
        value, alternatives = self.content[key], _alternatives(kind)
        if alternatives and not any(fits(value) for _, fits in alternatives):
            raise self.error(key, f"is {value!r}, {_expected(kind)}.")
        if "path-like" in kind and isinstance(value, str):
            return str(self.folder / value)
        return tuple(value) if "tuple" in kind and isinstance(value, list) else value


# -- pipelines -------------------------------------------------------------------------------------


def _pipelines(tables):
    """All pipelines by name; a table of baselines gives several."""
    pipelines, of_table = {}, {}
    for name, table in tables.items():
        make = _PIPELINES[table.kind(_PIPELINES, "pipeline")]
        before = _steps(table)
        made = make(table)
        if not isinstance(made, dict):
            made = {name: made}
        elif before:  # so that they can be held against the same without these steps
            made = {f"{name} + {own}": pipeline for own, pipeline in made.items()}
        for own, pipeline in made.items():
            if own in pipelines:
                raise table.error(None, f"makes a pipeline {own!r}, and so does pipelines.{of_table[own]}.")
            pipelines[own], of_table[own] = make_pipeline(*before, pipeline) if before else pipeline, name
    return pipelines


def _steps(table):
    """Transformers of this package that come before a pipeline, each a name or a table with ``step``."""
    from .. import preprocessing

    known = [name for name in preprocessing.__all__ if isinstance(getattr(preprocessing, name), type)]
    steps = []
    for number, step in enumerate(table.take("before", "list of (str | dict)", [])):
        where = f"{_join(table.where, 'before')}[{number}]"
        inner = _Table({"step": step} if isinstance(step, str) else step, where, table.folder)
        transformer = getattr(preprocessing, inner.choose("step", known, "transformer"))
        steps.append(transformer(**inner.arguments(transformer)))
    return steps


def _recipe(table):
    from ..recipes import recipe

    task = table.take("recipe", _documented_types(recipe)["task"])
    return table.call("recipe", recipe, task, **table.arguments(recipe, but=("task",)))


def _model(table):
    from ..architectures.build import _check_parameter_names, resolve_model
    from ..classifier import CNNClassifier

    model = table.take("model", "str")
    params = table.arguments(CNNClassifier)
    cls = table.call("model", resolve_model, model)
    table.call("model_params", _check_parameter_names, cls, params.get("model_params", {}))
    return CNNClassifier(model, **params)


def _baselines(table):
    from ..baseline_pipelines import baselines

    kind = table.take("baselines", _documented_types(baselines)["kind"])
    arguments = table.arguments(baselines, but=("kind",))
    return table.call("names" if "names" in arguments else "baselines", baselines, kind, **arguments)


def _imported_pipeline(table):
    make = table.imported("import")
    return table.call("import", make, **table.arguments(make, typed=False))


_PIPELINES = {
    "recipe": _recipe,
    "model": _model,
    "baselines": _baselines,
    "import": _imported_pipeline,
}


# -- data sets -------------------------------------------------------------------------------------


def _dataset(table):
    return _DATASETS[table.kind(_DATASETS, "data set")](table)


def _epochs(table):
    files = table.files("epochs", "str | list of str")
    table.arguments(lambda: None)
    return partial(_read_epochs, files)


def _read_epochs(files):
    import mne

    return [mne.read_epochs(path, preload=False, verbose="ERROR") for path in files]


def _recordings(table):
    files = table.files("recordings", "str | list of str")
    return partial(_make_epochs, files, **_cuts(table))


def _bids(table):
    root = table.path("bids")
    if not (root / "dataset_description.json").is_file():
        raise table.error("bids", f"is no BIDS root: {root} has no dataset_description.json.")
    find = table.table("select")
    select = find.arguments(_import(table, "bids", "mne_bids").find_matching_paths, but=("root",))
    return partial(_make_epochs, root, bids=select, **_cuts(table))


def _cuts(table):
    """Arguments of make_epochs."""
    from ..preprocessing import make_epochs

    arguments = table.arguments(make_epochs, but=("recordings", "bids"))
    if "windows" not in arguments:
        for name in ("tmin", "tmax"):
            if name not in arguments:
                raise table.error(name, "is missing, expected a number (s), or a table windows.")
    return arguments


def _make_epochs(recordings, **arguments):
    from ..preprocessing import make_epochs

    return EpochsView(make_epochs(recordings, **arguments), groups=arguments.get("group"))


def _wfdb(table):
    from .. import ecg
    from ..ecg.recordings import find_records

    makers = {"heartbeats": ecg.make_beat_epochs, "rhythm": ecg.make_rhythm_epochs}
    records = table.call("wfdb", find_records, [table.path("wfdb")])
    make = makers[table.choose("cut", makers, "kind of epochs")]
    return partial(_make_ecg, make, records, **table.arguments(make, but=("recordings",)))


def _make_ecg(make, records, **arguments):
    return EpochsView(make(records, **arguments), groups="patient")


def _moabb(table):
    from .moabb import moabb_view

    objects = []
    for key, module in (("moabb", "datasets"), ("paradigm", "paradigms")):
        module = _import(table, key, f"moabb.{module}")
        known = [name for name, value in vars(module).items() if isinstance(value, type)]
        cls = getattr(module, table.choose(key, known, f"class of {module.__name__}"))
        params = table.table(f"{'dataset' if key == 'moabb' else key}_params")
        objects.append(table.call(key, cls, **params.arguments(cls, typed=False)))
    return partial(moabb_view, *objects, **table.arguments(moabb_view, but=("dataset", "paradigm")))


def _load(table):
    from .. import datasets

    known = [name.removeprefix("load_") for name in datasets.__all__]
    load = getattr(datasets, f"load_{table.choose('load', known, 'data set to load')}")
    return partial(load, **table.arguments(load))


def _imported_dataset(table):
    make = table.imported("import")
    return partial(make, **table.arguments(make, typed=False))


_DATASETS = {
    "epochs": _epochs,
    "recordings": _recordings,
    "bids": _bids,
    "wfdb": _wfdb,
    "moabb": _moabb,
    "load": _load,
    "import": _imported_dataset,
}


# -- keys and types --------------------------------------------------------------------------------


def _splits(config):
    given = config.take("splits", "str | list of str")
    for kind in [given] if isinstance(given, str) else given:
        config.known("splits", kind, KINDS, "kind of splits")
    if not given:
        raise config.error("splits", f"is empty; name some of {', '.join(KINDS)}.")
    return given


def _import(table, key, module):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        extra = {"mne_bids": "bids"}.get(module, "moabb")
        raise ImportError(
            f"{_join(table.where, key)} needs {module.partition('.')[0]}, which is missing: "
            f'pip install "mne-cnnclass[{extra}]"'
        ) from error


def _join(where, key):
    key = key if re.fullmatch(r"[\w-]+", key) else json.dumps(key, ensure_ascii=False)
    return f"{where}.{key}" if where else key


def _near(word, words):
    """What may have been meant, and what there is."""
    words = list(words)
    near = get_close_matches(str(word), words, n=1) or [w for w in words if w.lower() == str(word).lower()]
    meant = f" Did you mean {near[0]}?" if near else ""
    shown = ", ".join(words) if len(words) < MANY else f"{len(words)} others"
    return f"{meant} There {'are' if len(words) > 1 else 'is'} {shown}."


def _documented_types(function):
    """The types of the parameters in a numpydoc docstring, by name."""
    lines = re.findall(r"^(\w+(?:, \w+)*) : (.*)$", inspect.getdoc(function) or "", re.MULTILINE)
    return {name: kind for names, kind in lines for name in names.split(", ")}


def _is_a(*types):
    return lambda value: isinstance(value, types) and (bool in types or not isinstance(value, bool))


_TYPES = {
    "float": ("a number", "numbers", _is_a(int, float)),
    "int": ("an integer", "integers", _is_a(int)),
    "bool": ("true or false", "booleans", _is_a(bool)),
    "str": ("a string", "strings", _is_a(str)),
    "path-like": ("a path", "paths", _is_a(str)),
    "dict": ("a table", "tables", _is_a(dict)),
}


def _alternatives(kind, plural=False):
    """What TOML can hold of a documented type, such as ``None | "auto" | list of str``: words and a test."""
    found = []
    for one in re.split(r" \| (?![^(]*\))", kind):
        head, _, of = one.partition(" of ")
        if one[:1] == one[-1:] == '"':
            found.append((one, partial(eq, one.strip('"'))))
        elif head in ("list", "sequence", "tuple", "array-like"):
            inner = _alternatives(of.strip("()"), plural=True) if "," not in of else []
            of_what = f" of {' or '.join(words for words, _ in inner)}" * bool(inner)
            found.append((("lists" if plural else "a list") + of_what, partial(_is_list, inner)))
        elif head in _TYPES:
            one, several, fits = _TYPES[head]
            found.append((several if plural else one, fits))
    return found


def _is_list(inner, value):
    return isinstance(value, list) and (
        not inner or all(any(fits(item) for _, fits in inner) for item in value)
    )


def _expected(kind):
    return f"expected {' or '.join(words for words, _ in _alternatives(kind)) or 'a value'}"
