"""Pipelines and data sets as tables of a config describe them."""

import importlib
from functools import partial
from pathlib import Path

from sklearn.pipeline import make_pipeline

from ... import ecg, preprocessing
from ...ecg.files import find_records
from ...files.reading import read_epochs
from ...samples import datasets
from ...samples.copies import without_parts
from ...samples.view import EpochsView
from ...utils.extras import from_extra
from ...utils.quiet import quiet
from .tables import Table, join, parameter_types


def dataset_source(name, table, folder="."):
    """A function that loads the data set of a table, with paths relative to a folder; see `read_config`."""
    return make_dataset(Table(table, join("datasets", name), Path(folder)))


def make_pipelines(tables):
    """All pipelines by name; a table of baselines gives several."""
    pipelines, of_table = {}, {}
    for name, table in tables.items():
        make = _PIPELINES[table.kind(_PIPELINES, "pipeline")]
        before = _steps(table)
        made = make(table)
        if not isinstance(made, dict):
            made = {name: made}
        elif before:  # so that they can be compared with the same ones without these steps
            made = {f"{name} + {own}": pipeline for own, pipeline in made.items()}
        for own, pipeline in made.items():
            if own in pipelines:
                raise table.error(None, f"makes a pipeline {own!r}, and so does pipelines.{of_table[own]}.")
            pipelines[own], of_table[own] = make_pipeline(*before, pipeline) if before else pipeline, name
    return pipelines


def _steps(table):
    """Transformers of this package that come before a pipeline, each a name or a table with ``step``."""
    known = [name for name in preprocessing.__all__ if isinstance(getattr(preprocessing, name), type)]
    steps = []
    for number, step in enumerate(table.take("before", "Sequence[str | dict]", [])):
        where = f"{join(table.where, 'before')}[{number}]"
        inner = Table({"step": step} if isinstance(step, str) else step, where, table.folder)
        transformer = getattr(preprocessing, inner.choose("step", known, "transformer"))
        steps.append(transformer(**inner.arguments(transformer)))
    return steps


def _recipe(table):
    from ...estimators.recipes import recipe

    task = table.take("recipe", parameter_types(recipe)["task"])
    return table.call("recipe", recipe, task, **table.arguments(recipe, but=("task",)))


def _model(table):
    from ...estimators.cnn import CNNClassifier
    from ...networks.build import check_parameter_names, resolve_model

    model = table.take("model", "str")
    params = table.arguments(CNNClassifier)
    cls = table.call("model", resolve_model, model)
    table.call("model_params", check_parameter_names, cls, params.get("model_params", {}))
    return CNNClassifier(model, **params)


def _baselines(table):
    from ...estimators.baselines import baselines

    kind = table.take("baselines", parameter_types(baselines)["kind"])
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


def read_files(paths):
    """Epochs of files, whose data are read as needed."""
    with quiet():
        return [read_epochs(path, preload=False) for path in without_parts(paths)]


def make_dataset(table):
    """A function that loads the data set of a table."""
    return _DATASETS[table.kind(_DATASETS, "data set")](table)


def _epochs(table):
    files = table.files("epochs")
    table.arguments(lambda: None)
    return partial(read_files, files)


def _recordings(table):
    return _cut(table, table.files("recordings"))


def _bids(table):
    root = table.path("bids")
    if not (root / "dataset_description.json").is_file():
        raise table.error("bids", f"is no BIDS root: {root} has no dataset_description.json.")
    find = table.table("select")
    match = _import(table, "bids", "mne_bids").find_matching_paths
    select = find.arguments(match, but=("root",), untyped="str | Sequence[str]")
    return _cut(table, root, bids=select)


def _cut(table, recordings, **bids):
    """A function that makes a view of recordings by the arguments of make_epochs in a table."""
    make = preprocessing.make_epochs
    arguments = table.arguments(make, but=("recordings", "bids"))
    for name in () if "windows" in arguments else ("tmin", "tmax"):
        if name not in arguments:
            raise table.error(name, "is missing, expected a number (s), or a table windows.")
    return partial(_make_view, make, recordings, arguments.get("group"), **arguments, **bids)


def _make_view(make, recordings, groups, **arguments):
    return EpochsView(make(recordings, **arguments), groups=groups)


def _wfdb(table):
    makers = {"heartbeats": ecg.make_beat_epochs, "rhythm": ecg.make_rhythm_epochs}
    records = table.call("wfdb", find_records, [table.path("wfdb")])
    make = makers[table.choose("cut", makers, "kind of epochs")]
    return partial(_make_view, make, records, "patient", **table.arguments(make, but=("recordings",)))


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


def _import(table, key, module):
    with from_extra({"mne_bids": "bids"}.get(module, "moabb"), join(table.where, key)):
        return importlib.import_module(module)
