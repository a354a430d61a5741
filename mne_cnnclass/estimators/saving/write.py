"""What estimators say of themselves for a file."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from pathlib import Path

from mne.decoding import Vectorizer
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ...preprocessing.base import SET_BY_ALL
from ...samples.types import PathLike
from .files import write_file
from .refusal import MOST_VALUES
from .values import encode

# estimators of other libraries that can be saved, and what their fit leaves that predictions need
_LINEAR = ("coef_", "intercept_", "classes_", "n_features_in_", "feature_names_in_")
FOREIGN = {
    LinearDiscriminantAnalysis: _LINEAR,
    LogisticRegression: _LINEAR,
    StandardScaler: ("mean_", "scale_", "var_", "n_features_in_", "feature_names_in_", "n_samples_seen_"),
    Vectorizer: ("features_shape_", "n_features_in_"),
}


def save_classifier(
    estimator: BaseEstimator, path: PathLike, *, epochs_settings: Mapping[str, object] | None = None
) -> None:
    """Save a fitted estimator to a single file, without pickle.

    Parameters
    ----------
    estimator : CNNClassifier | BeatClassifier | RhythmClassifier | transformer | Pipeline | …
        The fitted estimator: a classifier, a transformer of ``mne_cnnclass.preprocessing``, scikit-learn's
        LogisticRegression, LinearDiscriminantAnalysis and StandardScaler, MNE's Vectorizer, or a Pipeline
        whose steps are all such estimators, ``None`` or ``"passthrough"``. For a FineTunedClassifier, the
        fine-tuned estimator is saved, which is the one that predicts.
    path : path-like
        The file to write, by convention with the extension ``.mcnn``. An existing file is replaced only once
        the new one is complete.
    epochs_settings : None | dict
        How the epochs were made, as arguments of the function that made them, so that new epochs can be made
        in the same way. Read them with ``mne_cnnclass.read_epochs_settings``.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    TypeError
        If the estimator, a step or a transformer in ``side_inputs`` is of another type, or if a parameter,
        label or group can't be written as JSON, such as a function.
    ValueError
        If the estimator is too large to be loaded again: samples of more than 2²⁵ values, or more than 16 MB
        apart from arrays.
    OSError
        If the file can't be written. An existing file is then unchanged.

    See Also
    --------
    load_classifier : Load the file.

    Notes
    -----
    From the training samples, the file contains only what predictions need: statistics of the channels and,
    for :class:`~mne_cnnclass.preprocessing.EuclideanAlignment` and similar transformers, the names of the
    training groups and the mean covariance of each. Information on subjects, dates and devices in `mne.Info`
    is not saved.

    Examples
    --------
    >>> from mne_cnnclass import recipe, save_classifier
    >>> pipeline = recipe("heartbeats").fit(beats)  # doctest: +SKIP
    >>> save_classifier(pipeline, "beats.mcnn")  # doctest: +SKIP
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it, such as {path / 'model.mcnn'}.")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.absolute().parent} to write {path.name} to.")
    check_is_fitted(estimator)
    tensors = {}
    write_file(path, {**describe(estimator, tensors), "epochs_settings": epochs_settings}, tensors)


def describe(estimator, tensors, prefix=""):
    """What makes an estimator, for JSON; weights and large arrays join the tensors, by names with a prefix.

    An estimator has a method ``_describe(tensors)``, or, as a transformer, names in ``_set_by_fit`` what its
    fit sets. None and text stay as they are.
    """
    if estimator is None or isinstance(estimator, str):
        return estimator
    cls, own = type(estimator), {}
    is_ours = cls.__module__.startswith("mne_cnnclass.")  # a subclass of a user's own may do something else
    if cls is Pipeline:
        header = _describe_pipeline(estimator, own)
    elif cls in FOREIGN:
        header = _describe_foreign(estimator, own)
    elif is_ours and hasattr(cls, "_describe"):
        header = estimator._describe(own)
    elif is_ours and hasattr(cls, "_set_by_fit"):
        header = _describe_transformer(estimator, own)
    else:
        best = " Save its best_estimator_." if hasattr(estimator, "best_estimator_") else ""
        raise TypeError(
            f"A {cls.__module__}.{cls.__name__} can't be saved without pickle; these can: CNNClassifier, "
            "BeatClassifier, RhythmClassifier, FineTunedClassifier, PriorAdjustedClassifier, "
            "SSVEPClassifier, StackedClassifier, transformers of mne_cnnclass.preprocessing, "
            f"{', '.join(one.__name__ for one in FOREIGN)}, and Pipelines of these.{best}"
        )
    if header.get("n_channels", 0) * header.get("n_times", 0) > MOST_VALUES:
        raise ValueError(
            f"Samples have {header['n_channels'] * header['n_times']} values; files are not read where they "
            f"have above {MOST_VALUES}."
        )
    tensors.update({prefix + name: value for name, value in own.items()})
    return {"kind": cls.__name__, **header}


def describe_each(estimators, tensors, prefix=""):
    """What makes each of some estimators."""
    return [describe(one, tensors, f"{prefix}{k}/") for k, one in enumerate(estimators)]


def model_name(model):
    """The name of an architecture, or of a class of the user's own."""
    return model if isinstance(model, str) else f"{model.__module__}.{model.__qualname__}"


def known_attributes(cls):
    """What a transformer may hold: its parameters, and what its fit sets."""
    return {*signature(cls).parameters, *SET_BY_ALL, *cls._set_by_fit}


def _describe_transformer(transformer, tensors):
    unknown = vars(transformer).keys() - known_attributes(type(transformer))
    if unknown:
        raise TypeError(
            f"{', '.join(sorted(unknown))} of a {type(transformer).__name__} can't be saved without pickle."
        )
    return {"attributes": {name: encode(value, tensors, name) for name, value in vars(transformer).items()}}


def _describe_foreign(estimator, tensors):
    """The parameters of an estimator of another library, and what its predictions need of its fit."""
    names = [name for name in FOREIGN[type(estimator)] if hasattr(estimator, name)]
    parts = dict(params=estimator.get_params(deep=False), fitted={k: getattr(estimator, k) for k in names})
    return {
        part: {name: encode(value, tensors, f"{part}/{name}") for name, value in values.items()}
        for part, values in parts.items()
    }


def _describe_pipeline(pipeline, tensors):
    steps = []
    for k, (name, step) in enumerate(pipeline.steps):
        try:
            steps.append([name, describe(step, tensors, f"{k}/")])
        except TypeError as error:
            raise TypeError(f"Step {name!r} ({type(step).__name__}): {error}") from error
    return {"steps": steps}
