"""Save and load fitted estimators without pickle.

A file is a safetensors file: the weights of the network as tensors, everything else as JSON in its header.
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

__all__ = ["load_classifier"]

# 2 knows the temperature, without which a file of schema 1 has one of 1.0; 3 knows side inputs
SCHEMA = 3
KEY = "mne_cnnclass"
# Parameters of a training alone, which may hold any Python object; a loaded estimator has their defaults.
NOT_SAVED = ("augmentation", "callbacks", "random_state")


def save_classifier(clf, path, *, epochs_settings=None):
    """Write a fitted classifier into one file.

    Parameters
    ----------
    clf : CNNClassifier
        The fitted estimator.
    path : path-like
        The file. It is replaced only when the new one is complete.
    epochs_settings : None | dict
        How the epochs were made, as arguments of `preprocessing.make_epochs`, for those who will make more.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    TypeError
        If a parameter or a label is of a type that can't be written as JSON.
    """
    from safetensors.torch import save
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(clf)
    params = {k: v for k, v in clf.get_params(deep=False).items() if k not in NOT_SAVED}
    if isinstance(params["class_weight"], dict):  # JSON knows no keys but text
        params["class_weight"] = {"pairs": list(params["class_weight"].items())}
    lost = [k for k in NOT_SAVED if k != "random_state" and getattr(clf, k) is not None]
    if lost:
        mne.utils.logger.info(f"Not saved, as only a training needs it: {', '.join(lost)}.")
    architecture = dict(clf._architecture)
    custom = not isinstance(architecture["model"], str)
    if custom:
        cls = architecture["model"]
        architecture["model"] = params["model"] = f"{cls.__module__}.{cls.__qualname__}"
    header = {
        "schema": SCHEMA,
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
        "epochs_settings": epochs_settings,
        "history": clf.history_.to_dict(orient="list"),
        "versions": {name: version(name) for name in ("mne-cnnclass", "torch", "braindecode", "mne")},
    }
    weights = {k: v.detach().cpu().contiguous().clone() for k, v in clf.module_.state_dict().items()}
    content = save(weights, metadata={KEY: json.dumps(header, default=_to_json)})
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def load_classifier(path, *, module=None):
    """Read a classifier that was written by :meth:`CNNClassifier.save`.

    Parameters
    ----------
    path : path-like
        The file.
    module : None | type
        The class of the network, if it was trained with a class of your own; a file can name such a
        class, but is never let to import it.

    Returns
    -------
    clf : CNNClassifier
        The fitted estimator. It predicts the same bits, and can be trained further with ``warm_start``.

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
    from .classifier import CNNClassifier

    header, weights = _read(path)
    architecture, params = header["architecture"], header["params"]
    if header["custom_module"]:
        if module is None:
            raise ValueError(
                f"{path} was trained with a class of its user, {architecture['model']}. Pass that class: "
                "load_classifier(path, module=YourModule)."
            )
        architecture["model"] = params["model"] = module
    for ch in architecture["chs_info"] or []:
        ch["loc"] = np.array(ch["loc"])
    if isinstance(params["class_weight"], dict):
        params["class_weight"] = dict(map(tuple, params["class_weight"]["pairs"]))
    clf = CNNClassifier(**params)
    from .samples import ChannelScaler, SideScaler

    scaler = ChannelScaler(header["scaler"]["standardize"])
    scaler.mean_, scaler.scale_ = np.array(header["scaler"]["mean"]), np.array(header["scaler"]["scale"])
    side = header.get("side_scaler", {"names": [], "mean": [], "scale": []})
    clf.side_scaler_ = SideScaler(side["names"])
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
