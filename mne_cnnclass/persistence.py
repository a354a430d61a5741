"""Save and load fitted estimators without pickle.

A file is a safetensors file: the weights of networks as tensors, everything else as JSON in its header.
Reading one executes nothing that it holds.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from .augmentations import is_named, listed

__all__ = ["load_classifier", "save_classifier"]

# 2 knows the temperature, without which a file of schema 1 has one of 1.0; 3 knows side inputs; 4 knows
# estimators other than CNNClassifier
SCHEMA = 4
KEY = "mne_cnnclass"
# Parameters of a training alone, which may hold any Python object; a loaded estimator has their defaults.
# Of these, augmentations that are all named are saved.
NOT_SAVED = ("augmentation", "callbacks", "random_state")


def save_classifier(estimator, path, *, epochs_settings=None):
    """Write a fitted estimator into one file, without pickle.

    Parameters
    ----------
    estimator : CNNClassifier | BeatClassifier | Pipeline
        The fitted estimator; of a Pipeline, all steps are such estimators.
    path : path-like
        The file, by habit with the ending ``.mcnn``. It is replaced only when the new one is complete.
    epochs_settings : None | dict
        How the epochs were made, as arguments of the function that made them, for those who will make more.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is of another type, or a parameter or a label is of a type that can't be written as JSON.

    See Also
    --------
    load_classifier : Read it.

    Examples
    --------
    >>> from mne_cnnclass import recipe, save_classifier
    >>> pipeline = recipe("heartbeats").fit(beats)  # doctest: +SKIP
    >>> save_classifier(pipeline, "beats.mcnn")  # doctest: +SKIP
    """
    from safetensors.torch import save

    weights = {}
    header = {
        "schema": SCHEMA,
        **_describe(estimator, weights, prefix=""),
        "epochs_settings": epochs_settings,
        "versions": {name: version(name) for name in ("mne-cnnclass", "torch", "braindecode", "mne")},
    }
    content = save(weights, metadata={KEY: json.dumps(header, default=_to_json)})
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def load_classifier(path, *, module=None):
    """Read an estimator that was written by :func:`save_classifier` or :meth:`CNNClassifier.save`.

    Parameters
    ----------
    path : path-like
        The file.
    module : None | type
        The class of the network, if it was trained with a class of your own; a file can name such a
        class, but is never let to import it.

    Returns
    -------
    estimator : CNNClassifier | BeatClassifier | Pipeline
        The fitted estimator. It predicts the same bits, and a network can be trained further with
        ``warm_start``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no saved classifier, is damaged, comes from a later version, or needs ``module``.

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
    return _restore(*_read(path), path, module)


def read_epochs_settings(path):
    """How the epochs were made that a saved classifier was trained on; None if the file does not say."""
    return _read(path)[0]["epochs_settings"]


def _read(path):
    """Header and weights of a file."""
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(KEY)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    except SafetensorError as error:
        raise ValueError(
            f"{path} is no classifier saved by mne_cnnclass, or is damaged ({error})."
        ) from error
    if text is None:
        raise ValueError(f"{path} holds tensors, but no classifier of mne_cnnclass.")
    header = json.loads(text)
    if header["schema"] > SCHEMA:
        raise ValueError(
            f"{path} was written by mne-cnnclass {header['versions']['mne-cnnclass']} (schema "
            f"{header['schema']}), which is later than this one (schema {SCHEMA}). Update mne-cnnclass."
        )
    return header, weights


def _to_json(value):
    """Numpy's numbers and arrays as Python's."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(
        f"A {type(value).__name__} ({value!r}) can't be saved without pickle; use numbers, text and lists."
    )


def _describe(estimator, weights, prefix):
    """What makes an estimator, for JSON. Weights of its networks join ``weights``, named with the prefix."""
    from sklearn.utils.validation import check_is_fitted

    cls = type(estimator)
    kind = cls.__name__
    if kind not in _KINDS or cls.__module__.partition(".")[0] not in ("mne_cnnclass", "sklearn"):
        raise TypeError(
            f"A {cls.__module__}.{kind} can't be saved without pickle; these can: {', '.join(_KINDS)}."
        )
    check_is_fitted(estimator)
    return {"kind": kind, **_KINDS[kind][0](estimator, weights, prefix)}


def _restore(header, weights, path, module):
    """The estimator that was described."""
    kind = header.get("kind", "CNNClassifier")  # the only one that schemas below 4 know
    if kind not in _KINDS:
        raise ValueError(f"{path} holds a {kind!r}, which this version of mne-cnnclass does not know.")
    return _KINDS[kind][1](header, weights, path, module)


def _part(weights, prefix):
    """The weights whose names have the prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def _network_params(clf):
    """Parameters of a CNNClassifier, for JSON."""
    params = {k: v for k, v in clf.get_params(deep=False).items() if k not in NOT_SAVED}
    if all(map(is_named, listed(clf.augmentation))):
        params["augmentation"] = clf.augmentation
    if isinstance(params["class_weight"], dict):  # JSON knows no keys but text
        params["class_weight"] = {"pairs": list(params["class_weight"].items())}
    if isinstance(params["model"], type):
        params["model"] = f"{params['model'].__module__}.{params['model'].__qualname__}"
    return params


def _make_network(params, module=None):
    """An unfitted CNNClassifier."""
    from .classifier import CNNClassifier

    params = params if module is None else params | {"model": module}
    if isinstance(params["class_weight"], dict):
        params = params | {"class_weight": dict(map(tuple, params["class_weight"]["pairs"]))}
    return CNNClassifier(**params)


def _describe_network(clf, weights, prefix):
    params, architecture = _network_params(clf), dict(clf._architecture)
    lost = [k for k in NOT_SAVED if k not in (*params, "random_state") and getattr(clf, k) is not None]
    if lost:
        mne.utils.logger.info(f"Not saved, as only a training needs it: {', '.join(lost)}.")
    if clf.side_scaler_.transformers:
        raise TypeError(
            f"Transformers in side_inputs ({clf.side_scaler_.transformers!r}) can't be saved without pickle. "
            "Put what they compute into columns of the metadata, or pickle the estimator."
        )
    custom = not isinstance(architecture["model"], str)
    if custom:
        architecture["model"] = params["model"]
    for name, value in clf.module_.state_dict().items():
        weights[prefix + name] = value.detach().cpu().contiguous().clone()
    return {
        "custom_module": custom,
        "params": params,
        "architecture": architecture,
        "seed": clf._seed,
        "classes": clf.classes_.tolist(),
        "classes_dtype": clf.classes_.dtype.str,
        "ch_names": clf.ch_names_,
        "sfreq": clf.sfreq_,
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
            "mean": clf.side_scaler_.mean_.tolist(),
            "scale": clf.side_scaler_.scale_.tolist(),
        },
        "temperature": clf.temperature_,
        "history": clf.history_.to_dict(orient="list"),
    }


def _restore_network(header, weights, path, module):
    from .samples import ChannelScaler
    from .side_inputs import SideScaler

    architecture = header["architecture"]
    if header["custom_module"]:
        if module is None:
            raise ValueError(
                f"{path} was trained with a class of its user, {architecture['model']}. Pass that class: "
                "load_classifier(path, module=YourModule)."
            )
        architecture["model"] = module
    for ch in architecture["chs_info"] or []:
        ch["loc"] = np.array(ch["loc"])
    clf = _make_network(header["params"], module if header["custom_module"] else None)
    scaler = ChannelScaler(header["scaler"]["standardize"])
    scaler.mean_, scaler.scale_ = np.array(header["scaler"]["mean"]), np.array(header["scaler"]["scale"])
    side = header.get("side_scaler", {"names": [], "mean": [], "scale": []})
    clf.side_scaler_ = SideScaler(side["names"])
    clf.side_scaler_.transformers_ = []
    clf.side_scaler_.mean_, clf.side_scaler_.scale_ = np.array(side["mean"]), np.array(side["scale"])
    clf.classes_ = np.array(header["classes"], dtype=header["classes_dtype"])
    clf.ch_names_, clf.sfreq_ = header["ch_names"], header["sfreq"]
    clf.n_channels_, clf.n_times_ = header["n_channels"], header["n_times"]
    clf.n_features_in_, clf._is_table = header["n_features_in"], header["is_table"]
    if header["feature_names_in"]:
        clf.feature_names_in_ = np.array(header["feature_names_in"], dtype=object)
    clf.scaler_, clf.history_ = scaler, pd.DataFrame(header["history"])
    clf.temperature_ = header.get("temperature", 1.0)
    clf._architecture, clf._seed = architecture, header["seed"]
    try:
        clf._restore_module(weights)
    except RuntimeError as error:
        raise ValueError(f"The weights in {path} do not fit the network that it names: {error}") from error
    return clf


def _describe_beats(clf, weights, prefix):
    params = {k: v for k, v in clf.get_params(deep=False).items() if k not in ("estimator", "random_state")}
    return {
        "params": params,
        "network_params": _network_params(clf.estimator),
        "classes": clf.classes_.tolist(),
        "classes_dtype": clf.classes_.dtype.str,
        "causal": clf.causal_,
        "members": [_describe(one, weights, f"{prefix}{k}/") for k, one in enumerate(clf.estimators_)],
    }


def _restore_beats(header, weights, path, module):
    from .ecg import BeatClassifier

    clf = BeatClassifier(_make_network(header["network_params"], module), **header["params"])
    clf.classes_ = np.array(header["classes"], dtype=header["classes_dtype"])
    clf.causal_ = header["causal"]
    clf.estimators_ = [
        _restore(member, _part(weights, f"{k}/"), path, module) for k, member in enumerate(header["members"])
    ]
    return clf


def _describe_pipeline(pipeline, weights, prefix):
    return {
        "steps": [
            [name, _describe(step, weights, f"{prefix}{k}/")] for k, (name, step) in enumerate(pipeline.steps)
        ]
    }


def _restore_pipeline(header, weights, path, module):
    from sklearn.pipeline import Pipeline

    return Pipeline(
        [
            (name, _restore(step, _part(weights, f"{k}/"), path, module))
            for k, (name, step) in enumerate(header["steps"])
        ]
    )


_KINDS = {
    "CNNClassifier": (_describe_network, _restore_network),
    "BeatClassifier": (_describe_beats, _restore_beats),
    "Pipeline": (_describe_pipeline, _restore_pipeline),
}
