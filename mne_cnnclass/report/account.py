"""Pages about how the result was obtained: pipeline, splits, methods in words, versions and code."""

import platform
import re
from importlib import import_module
from importlib.metadata import version

import pandas as pd
from sklearn import config_context
from sklearn.base import BaseEstimator

from .._version import __version__
from ..utils.versions import _PACKAGES
from . import methods
from .html import fact_table, html_table, paragraph, verbatim, words


def pipeline_pages(result):
    """What was trained, and with which parameters."""
    yield "In words", paragraph(*methods.describe_estimator(result.estimator))
    for name, step in methods.steps_of(result.estimator).items():
        changed, params = methods.changed_parameters(step), step.get_params(deep=False)
        table = pd.DataFrame(
            {"parameter": list(params), "value": list(map(methods.parameter_text, params.values()))}
        )
        table[""] = ["set" if key in changed else "default" for key in params]
        described = paragraph(f"{type(step).__module__}.{type(step).__qualname__}")
        yield f"Step {name}", described + (html_table(table, index=False) if params else "")


def splits_pages(result):
    """Which samples were trained and tested on."""
    tested = pd.crosstab(result.predictions["fold"], result.predictions["y_true"]).add_prefix("test ")
    if "group" in result.predictions:
        tested["test groups"] = result.predictions.groupby("fold")["group"].nunique()
    tested = tested.reindex(result.folds["fold"], fill_value="–")  # a failed fold has none
    folds = result.folds[["fold", "n_train", "n_test"]].join(tested, on="fold")
    times = result.folds.columns.intersection(["fit_time", "score_time"])
    folds = folds.join(result.folds[times].rename(columns=lambda name: f"{words(name)} (s)"))
    if "best_params" in result.folds:
        chosen = result.folds["best_params"].map(lambda params: "–" if params != params else repr(params))
        folds["chosen parameters"] = chosen
    if result.folds["error"].notna().any():
        folds["error"] = result.folds["error"].fillna("")
    folds = folds.rename(columns={"n_train": "training samples", "n_test": "test samples"})
    yield "Folds", paragraph(methods.describe_splits(result)) + html_table(folds, index=False)


def methods_pages(result, permutations):
    """The paragraph for a paper and its citations."""
    text, bibtex = methods.write_methods(result, permutations)
    yield "Paragraph for a paper", paragraph(text)
    yield "Citations (BibTeX)", verbatim(bibtex)


def reproduce_pages(result):
    """Versions, and the code to get the result again."""
    facts = {"mne-cnnclass": __version__, "Python": platform.python_version()}
    facts |= {"platform": platform.platform()} | {name: version(name) for name in (*_PACKAGES, "matplotlib")}
    yield "Versions", fact_table(facts)
    with config_context(print_changed_only=True):
        estimator = "…" if result.estimator is None else f"{result.estimator!r}"
    estimator = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", estimator)  # as code names a class
    imports = sorted(
        f"# {cls.__name__} is a class of a script, which has to be run first"
        if cls.__module__ == "__main__"
        else f"from {_public_module(cls)} import {cls.__name__}"
        for cls in _classes(result.estimator)
    )
    lines = [*imports, "from mne_cnnclass import evaluate", f"estimator = {estimator}"]
    if methods.trains_on_the_rest(result):
        lines = ["import numpy as np", "import pandas as pd", *lines]
        lines += [
            'predictions = pd.read_csv("predictions.csv")  # that result.to_csv(folder) wrote',
            'tests = [rows["sample"].to_numpy() for _, rows in predictions.groupby("fold")]',
            "cv = [(np.setdiff1d(np.arange(len(view)), test), test) for test in tests]",
        ]
        note = "The folds are those of the file of predictions; view is the EpochsView of the same epochs."
        if result.folds["error"].notna().any():
            note += " Folds that failed are not in this file, so they are not repeated."
    else:
        lines += ["cv = …  # the splitter that was used"]
        note = "The training parts of the folds are not all other samples, so cv has to be the same splitter."
    lines += ["result = evaluate(estimator, view, cv=cv)"]
    seedless = any(clf.random_state is None for clf in methods.networks_of(result.estimator))
    seed = "The network has no random_state, so another run gives other numbers." * seedless
    yield "Code", paragraph(note, seed) + verbatim("\n".join(lines))


def _classes(estimator):
    """The classes that the code of an estimator names: of its parts and splitters, and given ones."""
    parts = [] if estimator is None else [estimator, *estimator.get_params(deep=True).values()]
    made = {type(part) for part in parts if isinstance(part, BaseEstimator) or hasattr(part, "get_n_splits")}
    return made | {part for part in parts if isinstance(part, type)}


def _public_module(cls):
    """The shortest module that a class can be imported from."""
    names = cls.__module__.split(".")
    modules = [".".join(names[: n + 1]) for n in range(len(names))]
    return next(one for one in modules if getattr(import_module(one), cls.__name__, None) is cls)
