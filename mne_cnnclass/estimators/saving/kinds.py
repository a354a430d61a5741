"""What makes each kind of estimator, and how it is made again: a pair of functions a kind, in a table."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature

import mne
import numpy as np
import pandas as pd
from sklearn.base import clone

from ...networks.augmentations import is_named, listed
from .refusal import MOST_VALUES, UNUSABLE, RefusedFileError, check_network, need, shown
from .values import decode, encode, make_array

# Parameters of a training alone, which may hold any Python object; a loaded estimator has their defaults.
# Of these, augmentations that are all named are saved.
NOT_SAVED = ("augmentation", "callbacks", "checkpoint_dir", "random_state")
OF_SIDE = ("side_inputs/", "side_scaler/")  # names of tensors that start so are none of the network itself

# What the fit of each transformer sets, besides what all of them have.
FITTED = {
    "Clip": ("low_", "high_"),
    "Crop": ("_kept", "_start", "_n_times_out"),
    "EuclideanAlignment": ("references_", "mean_reference_", "_has_groups"),
    "ExponentialStandardize": (),
    "Features": ("feature_names_out_", "_sampling"),
    "Filter": ("_design",),
    "Pick": ("_index",),
    "Reference": ("matrix_", "_info_out"),
    "Resample": ("_ratio", "_n_times_out"),
    "RiemannianAlignment": ("references_", "mean_reference_", "_has_groups"),
    "Standardize": ("mean_", "scale_"),
}
FITTED_BY_ALL = (
    *("ch_names_", "sfreq_", "n_channels_", "n_times_", "_is_table", "n_features_in_", "feature_names_in_"),
    "_sklearn_output_config",  # of set_output
)


@dataclass(frozen=True)
class Source:
    """Where an estimator is read from.

    Parameters
    ----------
    path : path-like
        The file, for messages.
    module : None | type
        The class of the network, if it is of the user's own.
    versions : dict of str
        Versions of the libraries that wrote the file.
    """

    path: object
    module: type | None
    versions: dict


def describe(estimator, weights, prefix=""):
    """What makes an estimator.

    Parameters
    ----------
    estimator : object
        An estimator of a kind that the table at the end of this module has, or None or text, which stay.
    weights : dict of str to torch.Tensor
        Weights of its networks and large arrays join it.
    prefix : str
        What their names start with.

    Returns
    -------
    header : dict | None | str
        What to write as JSON.

    Raises
    ------
    TypeError
        If it, or something that it holds, can't be written.
    """
    if estimator is None or isinstance(estimator, str):
        return estimator
    cls = type(estimator)
    kind = cls.__name__
    if kind not in KINDS or cls.__module__.partition(".")[0] not in ("mne_cnnclass", "sklearn"):
        best = " Save its best_estimator_." if hasattr(estimator, "best_estimator_") else ""
        raise TypeError(
            f"A {cls.__module__}.{kind} can't be saved without pickle; these can: {', '.join(KINDS)}.{best}"
        )
    own = {}
    header = {"kind": kind, **KINDS[kind][0](estimator, own)}
    weights.update({prefix + name: value for name, value in own.items()})
    return header


def restore(header, weights, source, prefix=""):
    """The estimator that was described.

    Parameters
    ----------
    header : dict | None | str
        What was read from JSON.
    weights : dict of str to torch.Tensor
        Tensors by name; those of the estimator are taken out.
    source : Source
        Where they come from.
    prefix : str
        What the names of its tensors start with.

    Returns
    -------
    estimator : object
        The estimator; None and text stay.

    Raises
    ------
    ValueError
        If the header is none that this version writes.
    """
    if header is None or isinstance(header, str):
        return header
    need(isinstance(header, dict), source.path, f"it has {shown(header)} for an estimator")
    kind = header.get("kind", "CNNClassifier")  # the only one that schemas below 4 know
    if not isinstance(kind, str) or kind not in KINDS:
        raise RefusedFileError(
            f"{source.path} holds a {shown(kind)}, which this version of mne-cnnclass does not know."
        )
    own = {name: weights.pop(name) for name in list(weights) if name.startswith(prefix)}
    own = {name.removeprefix(prefix): value for name, value in own.items()}
    estimator = KINDS[kind][1](header, own, source)
    need(not own, source.path, f"nothing needs its tensors {', '.join(map(shown, list(own)[:3]))}")
    return estimator


def _describe_each(estimators, weights, prefix=""):
    return [describe(one, weights, f"{prefix}{k}/") for k, one in enumerate(estimators)]


def _restore_each(headers, weights, source, prefix=""):
    return [restore(one, weights, source, f"{prefix}{k}/") for k, one in enumerate(headers)]


def _network_params(clf, weights):
    """Parameters of a CNNClassifier, for JSON."""
    from ..parameters import check_parameters

    check_parameters(clf)  # as at reading, which would refuse the file
    params = {k: v for k, v in clf.get_params(deep=False).items() if k not in NOT_SAVED}
    if all(map(is_named, listed(clf.augmentation))):
        params["augmentation"] = clf.augmentation
    if clf.side_inputs is not None:
        params["side_inputs"] = _describe_each(clf.side_inputs, weights, "side_inputs/")
    if isinstance(params["class_weight"], dict):  # JSON knows no keys but text
        params["class_weight"] = {"pairs": list(params["class_weight"].items())}
    if isinstance(params["model"], type):
        params["model"] = f"{params['model'].__module__}.{params['model'].__qualname__}"
    return params


def _make_network(params, weights, source, module=None):
    """An unfitted CNNClassifier."""
    import torch

    from ..cnn import CNNClassifier
    from ..parameters import check_parameters

    params = params if module is None else params | {"model": module}
    if isinstance(params["class_weight"], dict):
        params = params | {"class_weight": dict(map(tuple, params["class_weight"]["pairs"]))}
    if params.get("side_inputs") is not None:
        side = _restore_each(params["side_inputs"], weights, source, "side_inputs/")
        params = params | {"side_inputs": side}
    clf = CNNClassifier(**params)
    check_parameters(clf)
    if str(clf.device).startswith("cuda") and not torch.cuda.is_available():
        mne.utils.logger.info(f"{source.path} was trained on {clf.device}, which is not here; device='auto'.")
        clf.device = "auto"
    return clf


def _describe_network(clf, weights):
    n_values = clf.n_channels_ * clf.n_times_
    if n_values > MOST_VALUES:
        raise ValueError(
            f"Samples have {n_values} values; files are not read where they have above {MOST_VALUES}."
        )
    params, architecture = _network_params(clf, weights), dict(clf.network_.architecture)
    lost = [k for k in NOT_SAVED if k not in (*params, "random_state") and getattr(clf, k) is not None]
    if lost:
        mne.utils.logger.info(f"Not saved, as only a training needs it: {', '.join(lost)}.")
    custom = not isinstance(architecture["model"], str)
    if custom:
        architecture["model"] = params["model"]
    for name, value in clf.network_.weights().items():
        weights[name] = value.contiguous().clone()
    return {
        "custom_module": custom,
        "params": params,
        "architecture": architecture,
        "seed": clf.network_.seed,
        "classes": clf.classes_.tolist(),
        "classes_dtype": clf.classes_.dtype.str,
        "ch_names": clf.ch_names_,
        "sfreq": clf.sfreq_,
        "provenance": clf.provenance_,
        "n_channels": clf.n_channels_,
        "n_times": clf.n_times_,
        "is_table": clf._is_table,
        "n_features_in": clf.n_features_in_,
        "feature_names_in": getattr(clf, "feature_names_in_", np.array([])).tolist() or None,
        "scaler": {
            "standardize": clf.scaler_.standardize,
            "mean": clf.scaler_.mean_.tolist(),
            "scale": clf.scaler_.scale_.tolist(),
        },
        "side_scaler": {
            "names": clf.side_scaler_.names,
            "transformers": _describe_each(clf.side_scaler_.transformers_, weights, "side_scaler/"),
            "mean": clf.side_scaler_.mean_.tolist(),
            "scale": clf.side_scaler_.scale_.tolist(),
        },
        "temperature": clf.temperature_,
        "stopped": clf.stopped_,
        "trained_with": clf.versions_,
        "history": clf.history_.to_dict(orient="list"),
    }


def _restore_network(header, weights, source):
    from ...samples.scaling import ChannelScaler
    from ..fitted import FittedNetwork
    from ..side_inputs import SideScaler

    check_network(header, source.path)
    architecture = {"mirror": None, "n_members": 1, "n_side": 0} | header[
        "architecture"
    ]  # older files lack these
    module = None
    if header["custom_module"]:
        module = source.module
        if module is None:
            raise RefusedFileError(
                f"{source.path} was trained with a class of its user, {architecture['model']}. Pass that "
                "class: load_classifier(path, module=YourModule)."
            )
        architecture["model"] = module
    for ch in architecture["chs_info"] or []:
        ch["loc"] = np.array(ch["loc"], dtype=float)
    clf = _make_network(header["params"], weights, source, module)
    scaler = ChannelScaler(header["scaler"]["standardize"])
    scaler.mean_, scaler.scale_ = np.array(header["scaler"]["mean"]), np.array(header["scaler"]["scale"])
    side = header.get("side_scaler", {"names": [], "mean": [], "scale": []})
    fitted = _restore_each(side.get("transformers", []), weights, source, "side_scaler/")
    side_scaler = SideScaler(side["names"], map(clone, fitted))
    side_scaler.transformers_ = fitted
    side_scaler.mean_, side_scaler.scale_ = np.array(side["mean"]), np.array(side["scale"])
    clf.classes_ = make_array(header["classes"], header["classes_dtype"])
    clf.ch_names_, clf.sfreq_ = header["ch_names"], header["sfreq"]
    clf.provenance_ = header.get("provenance")
    clf.n_channels_, clf.n_times_ = header["n_channels"], header["n_times"]
    clf.n_features_in_, clf._is_table = header["n_features_in"], header["is_table"]
    if header["feature_names_in"]:
        clf.feature_names_in_ = np.array(header["feature_names_in"], dtype=object)
    clf.history_ = pd.DataFrame(header["history"])
    clf.stopped_ = header.get("stopped")
    clf.versions_ = header.get("trained_with", source.versions)
    temperature = header.get("temperature", 1.0)
    clf.network_ = FittedNetwork(None, scaler, side_scaler, architecture, header["seed"], temperature)
    _restore_weights(clf, weights, source)
    return clf


def _restore_weights(clf, weights, source):
    """Build the network, no larger than its weights account for, and give them to it."""
    from .budget import BudgetError, within_budget

    n_members = clf.network_.architecture["n_members"]
    need(
        type(n_members) is int and n_members <= len(weights), source.path, "it has fewer weights than members"
    )
    try:
        with within_budget(weights, clf.network_.architecture):
            clf._restore(weights)
    except (BudgetError, RuntimeError, ValueError) as error:
        raise RefusedFileError(
            f"The weights in {source.path} do not fit the network that it names: {error}"
        ) from error
    for name, value in clf.module_.state_dict().items():
        need(weights[name].dtype == value.dtype, source.path, f"{name} is of type {weights[name].dtype}")
    weights.clear()


def _describe_beats(clf, weights):
    params = {k: v for k, v in clf.get_params(deep=False).items() if k not in ("estimator", "random_state")}
    return {
        "params": params,
        "network_params": _network_params(clf.estimator, weights),
        "classes": clf.classes_.tolist(),
        "classes_dtype": clf.classes_.dtype.str,
        "causal": clf.causal_,
        "members": _describe_each(clf.estimators_, weights),
    }


def _restore_beats(header, weights, source):
    from ...ecg import BeatClassifier

    network = _make_network(header["network_params"], weights, source, source.module)
    clf = BeatClassifier(network, **header["params"])
    clf.classes_ = make_array(header["classes"], header["classes_dtype"])
    clf.causal_ = header["causal"]
    clf.estimators_ = _restore_each(header["members"], weights, source)
    alike = {
        getattr(member, "classes_", clf.classes_).tolist() == clf.classes_.tolist()
        for member in clf.estimators_
    }
    need(alike == {True}, source.path, "its members know other classes than it does")
    return clf


def _attributes(cls):
    """What a transformer may hold: its parameters, and what its fit sets."""
    return {*signature(cls).parameters, *FITTED_BY_ALL, *FITTED[cls.__name__]}


def _describe_transformer(transformer, weights):
    unknown = vars(transformer).keys() - _attributes(type(transformer))
    if unknown:
        raise TypeError(
            f"{', '.join(sorted(unknown))} of a {type(transformer).__name__} can't be saved without pickle."
        )
    return {"attributes": {name: encode(value, weights, name) for name, value in vars(transformer).items()}}


def _restore_transformer(header, weights, source):
    from ... import preprocessing

    cls = getattr(preprocessing, header["kind"])
    unknown = header["attributes"].keys() - _attributes(cls)
    if unknown:
        raise RefusedFileError(
            f"{source.path} holds a {cls.__name__} with {', '.join(map(repr, sorted(unknown)))}, which this "
            "version of mne-cnnclass does not know."
        )
    try:
        values = {name: decode(value, weights) for name, value in header["attributes"].items()}
        transformer = cls(**{name: values[name] for name in signature(cls).parameters if name in values})
    except UNUSABLE as error:
        raise RefusedFileError(f"{source.path} is damaged: it holds no {cls.__name__} ({error}).") from error
    vars(transformer).update(values)
    return transformer


def _describe_pipeline(pipeline, weights):
    steps = []
    for k, (name, step) in enumerate(pipeline.steps):
        try:
            steps.append([name, describe(step, weights, f"{k}/")])
        except TypeError as error:
            raise TypeError(f"Step {name!r} ({type(step).__name__}): {error}") from error
    return {"steps": steps}


def _restore_pipeline(header, weights, source):
    from sklearn.pipeline import Pipeline

    names, headers = zip(*header["steps"], strict=True)
    steps = _restore_each(headers, weights, source)
    for name, step in zip(names, steps, strict=True):
        known = isinstance(name, str) and (not isinstance(step, str) or step == "passthrough")
        need(known, source.path, f"it has {shown(step)} for the step {shown(name)}")
    return Pipeline(list(zip(names, steps, strict=True)))


# What makes each kind, and how it is made again.
KINDS = {
    "CNNClassifier": (_describe_network, _restore_network),
    "BeatClassifier": (_describe_beats, _restore_beats),
    "Pipeline": (_describe_pipeline, _restore_pipeline),
    **dict.fromkeys(FITTED, (_describe_transformer, _restore_transformer)),
}
