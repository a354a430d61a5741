"""Estimators made again from a file: the one place that knows the classes which a file may name."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import Any

import mne
import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from .. import preprocessing
from ..networks.training import resolve_device
from ..samples.scaling import ChannelScaler
from ..samples.types import PathLike
from .beats import BeatClassifier
from .by_window import WindowClassifier
from .cnn import SAVED, CNNClassifier
from .fitted import FittedNetwork
from .parameters import check_parameters
from .prior import PriorAdjustedClassifier
from .rhythm import RhythmClassifier
from .saving.budget import BudgetError, within_budget
from .saving.files import damaged, read_file
from .saving.refusal import UNUSABLE, RefusedFileError, check_network, in_short, need, shown
from .saving.values import decode, make_array
from .saving.write import FOREIGN, known_attributes
from .side_inputs import SideScaler
from .ssvep import LEARNT, NOTED, SSVEPClassifier
from .stacked import StackedClassifier
from .trees import TreeArrays


@dataclass(frozen=True)
class Source:
    """Where an estimator is read from."""

    path: PathLike
    module: type | None  # the class of the network, if it is of the user's own
    versions: dict[str, str]  # of the libraries that wrote the file


def load_classifier(path: PathLike, *, module: type[torch.nn.Module] | None = None) -> Any:
    """Load an estimator saved by :func:`save_classifier` or :meth:`CNNClassifier.save`.

    Parameters
    ----------
    path : path-like
        The file to load.
    module : None | type
        The class of the network, if the classifier was trained with a class of your own: a file contains the
        name of such a class, but is never allowed to import it.

    Returns
    -------
    estimator : CNNClassifier | BeatClassifier | RhythmClassifier | transformer | Pipeline | …
        The fitted estimator. Its predictions are bit-identical to those of the saved one, and a network can
        be trained further with ``warm_start``.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    IsADirectoryError
        If the path is a folder.
    TypeError
        If ``module`` is not a class.
    ValueError
        If the file is not a saved classifier, is damaged, was written by a later version, or needs
        ``module``.

    Notes
    -----
    Files from untrusted sources can be loaded safely: nothing in them is executed or imported, and memory use
    is bounded by the size of the file and 1 GB for any single tensor. ``docs/guide/saving.md`` describes the
    content of a file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> from mne_cnnclass import CNNClassifier, load_classifier
    >>> X = np.random.default_rng(0).standard_normal((20, 3, 50))
    >>> clf = CNNClassifier(max_epochs=1, random_state=0).fit(X, np.arange(20) % 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clf.save(pathlib.Path(folder) / "model.mcnn")
    ...     loaded = load_classifier(pathlib.Path(folder) / "model.mcnn")
    >>> bool((loaded.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    if module is not None and not isinstance(module, type):
        raise TypeError(f"module must be the class of a network, got {module!r}.")
    header, tensors = read_file(path)
    try:
        return _restore(header, tensors, Source(path, module, header["versions"]))
    except RefusedFileError:
        raise
    except UNUSABLE as error:
        if "sha256" not in header:
            raise damaged(path, in_short(error)) from error
        raise RefusedFileError(
            f"{path} is as it was saved, but can't be loaded here ({in_short(error)}). It was written with "
            f"{shown(str(header['versions']))}."
        ) from error


def _restore(header, tensors, source, prefix=""):
    """The estimator that was described, whose tensors are taken out; None and text stay as they are."""
    if header is None or isinstance(header, str):
        return header
    need(isinstance(header, dict), source.path, f"it has {shown(header)} for an estimator")
    kind = header.get("kind", "CNNClassifier")  # the only one that schemas below 4 know
    restore = RESTORED.get(kind) if isinstance(kind, str) else None
    if restore is None:
        raise RefusedFileError(
            f"{source.path} holds a {shown(kind)}, which this version of mne-cnnclass does not know."
        )
    names = [name for name in tensors if name.startswith(prefix)]
    own = {name.removeprefix(prefix): tensors.pop(name) for name in names}
    estimator = restore(header, own, source)
    need(not own, source.path, f"nothing needs its tensors {', '.join(map(shown, list(own)[:3]))}")
    return estimator


def _restore_each(headers, tensors, source, prefix=""):
    return [_restore(one, tensors, source, f"{prefix}{k}/") for k, one in enumerate(headers)]


def _unfitted(params, tensors, source):
    """A CNNClassifier of these parameters."""
    params = dict(params)
    if isinstance(params["class_weight"], dict):
        params["class_weight"] = dict(map(tuple, params["class_weight"]["pairs"]))
    if params.get("side_inputs") is not None:
        params["side_inputs"] = _restore_each(params["side_inputs"], tensors, source, "side_inputs/")
    clf = CNNClassifier(**params)
    check_parameters(clf)
    try:
        resolve_device(clf.device)
    except ValueError:
        if not str(clf.device).startswith("cuda"):
            raise
        mne.utils.logger.info(f"{source.path}: its device {clf.device} is not here; device='auto'.")
        clf.device = "auto"
    return clf


def _restore_classifier(header, tensors, source):
    check_network(header, source.path)
    # older files lack these
    architecture = {"mirror": None, "n_members": 1, "n_side": 0} | header["architecture"]
    params = header["params"]
    if header["custom_module"]:
        if source.module is None:
            raise RefusedFileError(
                f"{source.path} was trained with a class of its user, {architecture['model']}. Pass that "
                "class: load_classifier(path, module=YourModule)."
            )
        architecture["model"] = source.module
        params = params | {"model": source.module}
    for ch in architecture["chs_info"] or []:
        ch["loc"] = np.array(ch["loc"], dtype=float)
    clf = _unfitted(params, tensors, source)
    clf.classes_ = make_array(header["classes"], header["classes_dtype"])
    for name in SAVED:
        setattr(clf, f"{name}_", header.get(name))
    clf._is_table = header["is_table"]
    if header["feature_names_in"]:
        clf.feature_names_in_ = np.array(header["feature_names_in"], dtype=object)
    clf.history_ = pd.DataFrame(header["history"])
    clf.versions_ = header.get("trained_with", source.versions)
    clf.network_ = FittedNetwork(
        None,
        _scaled(ChannelScaler(header["scaler"]["standardize"]), header["scaler"]),
        _restore_side(header.get("side_scaler", {"names": [], "mean": [], "scale": []}), tensors, source),
        architecture,
        header["seed"],
        header.get("temperature", 1.0),
        tuple(header.get("frozen", [])),
    )
    _restore_weights(clf, tensors, source)
    return clf


def _scaled(scaler, described):
    scaler.mean_, scaler.scale_ = np.array(described["mean"]), np.array(described["scale"])
    return scaler


def _restore_side(described, tensors, source):
    fitted = _restore_each(described.get("transformers", []), tensors, source, "side_scaler/")
    scaler = _scaled(SideScaler(described["names"], map(clone, fitted)), described)
    scaler.transformers_ = fitted
    return scaler


def _restore_weights(clf, weights, source):
    """Build the network, no larger than its weights account for, and give them to it."""
    architecture = clf.network_.architecture
    for name, value in weights.items():
        weights[name] = value.float() if value.dtype == torch.float16 else value  # as small files have them
    n_members = architecture["n_members"]
    plausible = type(n_members) is int and n_members <= len(weights)
    need(plausible, source.path, "it has fewer weights than members")
    try:
        with within_budget(weights, architecture):
            clf._restore(weights)
    except (BudgetError, RuntimeError, ValueError) as error:
        raise RefusedFileError(
            f"The weights in {source.path} do not fit the network that it names: {error}"
        ) from error
    for name, value in clf.module_.state_dict().items():
        need(weights[name].dtype == value.dtype, source.path, f"{name} is of type {weights[name].dtype}")
    weights.clear()


def _restore_beats(header, tensors, source):
    of_user = {} if source.module is None else {"model": source.module}
    network = _unfitted(header["network_params"] | of_user, tensors, source)
    clf = BeatClassifier(network, **header["params"])
    clf.classes_ = make_array(header["classes"], header["classes_dtype"])
    clf.causal_ = header["causal"]
    clf.estimators_ = _restore_each(header["members"], tensors, source)
    known = clf.classes_.tolist()
    alike = {getattr(member, "classes_", clf.classes_).tolist() == known for member in clf.estimators_}
    need(alike == {True}, source.path, "its members know other classes than it does")
    return clf


def _restore_rhythm(header, tensors, source):
    least = header.get("min_samples_leaf", 8)  # older files lack it
    clf = RhythmClassifier(header["columns"], min_samples_leaf=least)
    arrays = {name: tensors.pop(name).numpy().copy() for name in list(tensors)}
    clf.classes_ = make_array(header["classes"], header["classes_dtype"])
    clf.class_prior_ = np.array(header["class_prior"], float)
    try:
        clf.trees_ = TreeArrays.unpacked(arrays, header["n_forest"], header["depth"])
        clf.trees_.check(len(clf.names_in_use()), len(clf.classes_))
    except UNUSABLE as error:
        raise RefusedFileError(f"{source.path} is damaged: {in_short(error)}.") from error
    return clf


def _restore_ssvep(header, tensors, source):
    clf = SSVEPClassifier(dict(map(tuple, header["frequencies"])), **header["params"])
    for name in NOTED:
        setattr(clf, f"{name}_", header[name])
    clf._is_table = header["is_table"]
    clf.classes_ = make_array(header["classes"], header["classes_dtype"])
    network = _restore(header["network"], tensors, source, "network/")
    arrays = {name: tensors.pop(name).numpy().copy() for name in LEARNT if name in tensors}
    try:
        clf._set_learnt(header, arrays, network)
    except UNUSABLE as error:
        raise RefusedFileError(f"{source.path} is damaged: {in_short(error)}.") from error
    return clf


def _restore_prior(header, tensors, source):
    fitted = _restore(header["estimator"], tensors, source, "estimator/")
    prior = header["class_prior"]
    clf = PriorAdjustedClassifier(fitted, None if prior is None else dict(map(tuple, prior)))
    clf.estimator_, clf.classes_, clf.ratio_ = fitted, fitted.classes_, np.array(header["ratio"], float)
    fits = (
        clf.ratio_.shape == fitted.classes_.shape and (clf.ratio_ > 0).all() and np.isfinite(clf.ratio_).all()
    )
    need(fits, source.path, "its ratios are not those of its classes")
    return clf


def _restore_transformer(header, tensors, source):
    cls = getattr(preprocessing, header["kind"])
    unknown = header["attributes"].keys() - known_attributes(cls)
    if unknown:
        raise RefusedFileError(
            f"{source.path} holds a {cls.__name__} with {', '.join(map(repr, sorted(unknown)))}, which this "
            "version of mne-cnnclass does not know."
        )
    try:
        values = {name: decode(value, tensors) for name, value in header["attributes"].items()}
        transformer = cls(**{name: values[name] for name in signature(cls).parameters if name in values})
    except UNUSABLE as error:
        raise RefusedFileError(f"{source.path} is damaged: it holds no {cls.__name__} ({error}).") from error
    vars(transformer).update(values)
    return transformer


def _restore_stacked(header, tensors, source):
    names, members = header["names"], _restore_each(header["members"], tensors, source)
    clf = StackedClassifier(list(zip(names, members, strict=True)))
    clf.classes_ = make_array(header["classes"], header["classes_dtype"])
    clf.n_features_in_ = header["n_features_in"]
    clf.estimators_, clf.weights_ = members, np.array(header["weights"], float)
    fits = clf.weights_.shape == (len(members),) and np.isfinite(clf.weights_).all()
    fits = fits and all(np.array_equal(one.classes_, clf.classes_) for one in members)
    need(fits, source.path, "its members do not fit its weights and classes")
    return clf


def _restore_windows(header, tensors, source):
    starts, members = header["starts"], _restore_each(header["members"], tensors, source)
    fits = len(starts) == len(members) > 0 and all(type(start) is float for start in starts)
    fits = fits and all(np.array_equal(one.classes_, members[0].classes_) for one in members)
    need(fits, source.path, "its windows do not fit its classifiers")
    return WindowClassifier.of_fitted(starts, members)


def _restore_foreign(header, tensors, source):
    cls, names = next((cls, names) for cls, names in FOREIGN.items() if cls.__name__ == header["kind"])
    try:
        params, fitted = (
            {name: decode(value, tensors) for name, value in header[part].items()}
            for part in ("params", "fitted")
        )
        estimator = cls(**params)
    except UNUSABLE as error:
        raise RefusedFileError(f"{source.path} is damaged: it holds no {cls.__name__} ({error}).") from error
    need(fitted.keys() <= set(names), source.path, f"it has {shown(list(fitted))} of a {cls.__name__}")
    vars(estimator).update(fitted)
    return estimator


def _restore_pipeline(header, tensors, source):
    names, headers = zip(*header["steps"], strict=True)
    steps = list(zip(names, _restore_each(headers, tensors, source), strict=True))
    for name, step in steps:
        known = isinstance(name, str) and (not isinstance(step, str) or step == "passthrough")
        need(known, source.path, f"it has {shown(step)} for the step {shown(name)}")
    return Pipeline(steps)


RESTORED = {
    "CNNClassifier": _restore_classifier,
    "BeatClassifier": _restore_beats,
    "RhythmClassifier": _restore_rhythm,
    "SSVEPClassifier": _restore_ssvep,
    "PriorAdjustedClassifier": _restore_prior,
    "StackedClassifier": _restore_stacked,
    "WindowClassifier": _restore_windows,
    "Pipeline": _restore_pipeline,
    **{cls.__name__: _restore_foreign for cls in FOREIGN},
    **{
        name: _restore_transformer
        for name in preprocessing.__all__
        if hasattr(getattr(preprocessing, name), "_set_by_fit")
    },
}
