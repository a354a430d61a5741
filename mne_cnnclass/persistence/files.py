"""The file of a fitted estimator: written at once or not at all, read without executing anything."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path

import numpy as np

from .estimators import describe, restore

__all__ = ["KEY", "load_classifier", "read_epochs_settings", "save_classifier"]

# 2 knows the temperature, without which a file of schema 1 has one of 1.0; 3 knows side inputs; 4 knows
# estimators other than CNNClassifier; 5 knows transformers, also as side inputs, and steps left out
SCHEMA = 5
KEY = "mne_cnnclass"


def save_classifier(estimator, path, *, epochs_settings=None):
    """Write a fitted estimator into one file, without pickle.

    Parameters
    ----------
    estimator : CNNClassifier | BeatClassifier | FineTunedClassifier | transformer | Pipeline
        The fitted estimator: a classifier, a transformer of :mod:`mne_cnnclass.preprocessing`, or a Pipeline
        of which all steps are such estimators, ``None`` or ``"passthrough"``. Of a FineTunedClassifier what
        was trained further is written, which is what predicts.
    path : path-like
        The file, by habit with the ending ``.mcnn``. It is replaced only when the new one is complete.
    epochs_settings : None | dict
        How the epochs were made, as arguments of the function that made them, for those who will make more.

    Raises
    ------
    FileNotFoundError
        If the folder of the file does not exist.
    IsADirectoryError
        If the path is a folder.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    TypeError
        If it, a step or a transformer in ``side_inputs`` is of another type, or a parameter, a label or a
        group is of a type that can't be written as JSON, such as a function.

    See Also
    --------
    load_classifier : Read it.

    Notes
    -----
    A file holds what predictions need of the training samples: statistics of channels, and of
    :class:`~mne_cnnclass.preprocessing.EuclideanAlignment` and its like the names of the training groups and
    the mean covariance of each. What MNE's `mne.Info` knows of a person, a date or a device is left out.

    Examples
    --------
    >>> from mne_cnnclass import recipe, save_classifier
    >>> pipeline = recipe("heartbeats").fit(beats)  # doctest: +SKIP
    >>> save_classifier(pipeline, "beats.mcnn")  # doctest: +SKIP
    """
    from safetensors.torch import save
    from sklearn.utils.validation import check_is_fitted

    from ..transfer import FineTunedClassifier

    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it, such as {path / 'model.mcnn'}.")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.absolute().parent} to write {path.name} to.")
    check_is_fitted(estimator)
    if isinstance(estimator, FineTunedClassifier):
        estimator = estimator.estimator_
    weights = {}
    header = {
        "schema": SCHEMA,
        **describe(estimator, weights),
        "epochs_settings": epochs_settings,
        "versions": {name: version(name) for name in ("mne-cnnclass", "torch", "braindecode", "mne")},
    }
    content = save(weights, metadata={KEY: json.dumps(header, default=_to_json)})
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
    estimator : CNNClassifier | BeatClassifier | transformer | Pipeline
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
    header, weights = _read(path)
    try:
        return restore(header, weights, path, module)
    except KeyError as error:
        raise ValueError(f"{path} is damaged: it lacks {error}.") from error


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
    try:
        header = json.loads(text)
        later = header["schema"] > SCHEMA and header["versions"]["mne-cnnclass"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: its header can't be read ({error}).") from error
    if later:
        raise ValueError(
            f"{path} was written by mne-cnnclass {later} (schema {header['schema']}), which is later than "
            f"this one (schema {SCHEMA}). Update mne-cnnclass."
        )
    return header, weights


def _to_json(value):
    """Numpy's numbers and arrays as Python's."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(
        f"A {type(value).__name__} ({value!r}) can't be saved without pickle; use numbers, text and lists."
    )
