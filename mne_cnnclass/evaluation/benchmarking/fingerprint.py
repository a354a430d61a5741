"""Whether something is the same as before: hashes of pipelines with their code, of data, and of splits."""

import builtins
import hashlib
import importlib
import importlib.metadata
import json
import platform
import sys
import sysconfig
import types
from functools import cache
from pathlib import Path
from pickle import PicklingError

import numpy as np
from sklearn import clone

from ...samples.blocks import channel_positions, iter_blocks
from ...utils.versions import _PACKAGES

# What a class has besides its code
_SKIPPED = {
    *("__dict__", "__weakref__", "__module__", "__doc__", "__annotations__", "_abc_impl"),
    *("__firstlineno__", "__static_attributes__", "__annotate_func__", "__annotations_cache__"),
}


def digest(described):
    """Hash of what JSON can hold, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def describe_pipeline(estimator):
    """What tells a pipeline from another, as a row of the table pipelines.

    ``parameters`` are classes and parameters of all parts, with the code of those that are in no package;
    ``versions`` are those of Python, of the packages that the pipeline uses, and of those that every result
    depends on. A package that is not installed, as in development, has a hash of its sources. What was fitted
    counts only where ``clone`` keeps it, as in a `FrozenEstimator`.
    """
    found = _Description()
    parameters = found.of(clone(estimator))
    versions = {"python": platform.python_version(), **found.versions()}
    return {
        "fingerprint": digest([parameters, versions]),
        "repr": repr(estimator),
        "parameters": json.dumps(parameters),
        "versions": json.dumps(versions, sort_keys=True),
    }


@cache
def version_here(name, like):
    """The version of a package in this process, or the hash of its sources if ``like`` is one."""
    if name == "python":
        return platform.python_version()
    try:
        if like.startswith("sources "):
            importlib.import_module(name)
            return f"sources {_hash_sources(name)}"
        return importlib.metadata.version(name)
    except ImportError:  # PackageNotFoundError is one
        return "none"


def fingerprint_view(view, *columns):
    """Hash of epochs: signals, channels and their places, rate, times, metadata and further columns.

    Signals are read in blocks if they are on disk; a column (labels, groups) may be None.
    """
    about = _Description().of(
        [view.shape, channel_positions(view), view.sfreq, view.times, [_text(column) for column in columns]]
    )
    metadata = None if view.metadata is None else view.metadata.to_json(orient="split", double_precision=15)
    content = hashlib.sha256(digest([about, metadata]).encode())
    for block in iter_blocks(view, check=False):
        content.update(np.ascontiguousarray(block))
    return content.hexdigest()


def fingerprint_rows(*rows):
    """Hash of positions of samples, such as those of a training and a test part; any may be None."""
    content = hashlib.sha256()
    for part in rows:
        part = np.array([-1]) if part is None else part
        content.update(len(part).to_bytes(8, "little") + np.ascontiguousarray(part, "<i8").tobytes())
    return content.hexdigest()


def _text(column):
    # labels of str and of object dtype are the same labels
    return None if column is None else [column.dtype.kind in "biuf", column.astype(str).tolist()]


class _Description:
    """Describes values for JSON, and notes which packages they come from."""

    def __init__(self):
        self._packages, self._seen = {"mne_cnnclass"}, {}

    def of(self, value):
        """Describe a value by what it holds, not by where it is in memory."""
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if id(value) in self._seen:  # known, or holds itself
            return {"again": self._seen[id(value)][0]}
        if kind is tuple or kind is list:
            return {kind.__name__: [self.of(one) for one in value]}
        if kind in (set, frozenset):
            return {"set": sorted((self.of(one) for one in value), key=json.dumps)}
        if kind is dict:
            pairs = [[self.of(key), self.of(one)] for key, one in value.items()]
            return {"dict": sorted(pairs, key=lambda pair: json.dumps(pair[0]))}
        if kind is bytes:
            return {"bytes": hashlib.sha256(value).hexdigest()}
        if isinstance(value, np.ndarray) and value.dtype != object:
            content = hashlib.sha256(np.ascontiguousarray(value)).hexdigest()
            return {"array": [value.dtype.str, list(value.shape), content]}
        if isinstance(value, np.generic):
            return {"number": [value.dtype.str, repr(value.item())]}
        if kind.__module__.startswith("torch") and hasattr(value, "detach"):
            return {"tensor": self.of(value.detach().cpu().numpy())}
        self._seen[id(value)] = len(self._seen), value  # kept, so that nothing else gets its id
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, types.MethodType):
            return {"method": [self.of(value.__func__), self.of(value.__self__)]}
        if isinstance(value, (types.BuiltinFunctionType, types.ModuleType)):
            return {"name": [getattr(value, "__module__", None), value.__name__]}
        return self._object(value)

    def versions(self):
        """Versions of the packages, or hashes of their sources."""
        names = set(_PACKAGES)
        own = {}
        for package in sorted(self._packages):
            if _is_installed(package):
                names.update(_distributions(package))
            else:
                own[package] = f"sources {_hash_sources(package)}"
        return {name: importlib.metadata.version(name) for name in sorted(names)} | own

    def _object(self, value):
        try:
            reduced = value.__reduce_ex__(4)
        except (TypeError, PicklingError) as error:
            raise TypeError(
                f"A pipeline holds {value!r}, which can't be told from another one ({error}), so its results "
                "could be taken for others. Give it parameters that can be pickled."
            ) from error
        if isinstance(reduced, str):
            return {"name": [type(value).__module__, reduced]}
        make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        described = [self.of(make), self.of(arguments), self.of(state)]
        return {"object": described + [self.of(list(more)) for more in (items, pairs) if more is not None]}

    def _class(self, cls):
        if self._is_of_package(cls.__module__):
            return {"class": _name(cls)}
        members = {
            name: self._referred(member) for name, member in sorted(vars(cls).items()) if name not in _SKIPPED
        }
        return {"class": cls.__qualname__, "bases": [self.of(b) for b in cls.__bases__], "members": members}

    def _function(self, function):
        if self._is_of_package(function.__module__):
            return {"function": _name(function)}
        closure = [self._referred(cell.cell_contents) for cell in function.__closure__ or ()]
        names = _names(function.__code__)
        used = {
            name: self._referred(function.__globals__[name], names)
            for name in sorted(names)
            if name in function.__globals__ and not hasattr(builtins, name)
        }
        how = [self.of(function.__defaults__), self.of(function.__kwdefaults__), closure, used]
        return {"function": function.__qualname__, "code": digest(self._code(function.__code__)), "with": how}

    def _code(self, code):
        # what runs, rather than its text, which may have changed since it was loaded
        constants = [self._code(c) if isinstance(c, types.CodeType) else self.of(c) for c in code.co_consts]
        arguments = [code.co_argcount, code.co_kwonlyargcount, code.co_flags, code.co_varnames]
        return [code.co_code.hex(), code.co_names, arguments, constants]

    def _referred(self, value, names=()):
        """What code refers to: members of a class, global names, what a function encloses."""
        if isinstance(value, (staticmethod, classmethod)):
            return [type(value).__name__, self.of(value.__func__)]
        if isinstance(value, property):
            return ["property", *(self.of(one) for one in (value.fget, value.fset, value.fdel))]
        if isinstance(value, types.ModuleType):
            if self._is_of_package(value.__name__):
                return value.__name__
            return {name: self._referred(vars(value)[name]) for name in sorted(names) if name in vars(value)}
        try:
            return self.of(value)
        except TypeError:  # a lock, a file: nothing that results depend on
            return ["instance", self.of(type(value))]

    def _is_of_package(self, module):
        """Whether code has a version: that of its package. A script or a single module has none."""
        package = (module or "builtins").partition(".")[0]
        if _is_installed(package) or hasattr(sys.modules.get(package), "__path__"):
            self._packages.add(package)
            return True
        return False


def _name(named):
    """Module and name; of this package the name alone, so that a store outlives a move of its modules."""
    package = __name__.partition(".")[0]
    module = package if named.__module__.startswith(f"{package}.") else named.__module__
    return f"{module}.{named.__qualname__}"


def _names(code):
    """Names that a function and those inside it look up."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*inner)


@cache
def _distributions(package):
    """Names under which an installed package has a version; Python's own have none."""
    if package in sys.stdlib_module_names or package == "sklearn":
        return ()  # which is among those that every result depends on
    try:
        return (importlib.metadata.distribution(package).name,)
    except importlib.metadata.PackageNotFoundError:  # a slow way, for those of another name
        return tuple(importlib.metadata.packages_distributions().get(package, ()))


@cache
def _is_installed(package):
    """Whether a package is of Python, or was put in place by an installer, rather than being worked on."""
    if package == "__main__" or package not in sys.modules:
        return False
    module = sys.modules[package]
    folders = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    folders = [Path(folder) for folder in folders if folder]
    standard = Path(sysconfig.get_path("stdlib"))
    return all(
        {"site-packages", "dist-packages"} & set(folder.parts) or folder.is_relative_to(standard)
        for folder in folders
    )


@cache
def _hash_sources(package):
    """Hash of all Python files of a package that is not installed."""
    content = hashlib.sha256()
    for folder in map(Path, sys.modules[package].__path__):
        for path in sorted(folder.rglob("*.py")):
            content.update(f"{path.relative_to(folder).as_posix()}\n".encode() + path.read_bytes())
    return content.hexdigest()[:16]
