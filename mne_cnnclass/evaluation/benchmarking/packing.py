"""Predictions of a fold as a few bytes: numbers of samples, codes of classes, scores as float32."""

import io
import json

import numpy as np
import pandas as pd

from ...metrics.scores import DECISION, PROBA, are_probabilities, get_scores

_LIMIT = np.finfo(np.float32).max


def encode_label(label):
    """A class as JSON."""
    return json.dumps(label.item() if isinstance(label, np.generic) else label)


def pack(predictions, classes, subjects):
    """Pack the predictions of a fold into a compressed file of NumPy (``.npz``).

    ``subjects`` are those of all samples of the data set, or None.
    Its arrays are ``sample`` (int32), ``y_true`` and ``y_pred`` (int16, positions in the sorted classes) and,
    if there are such, ``subject`` (int32, positions in the sorted subjects) and ``proba`` or ``decision``
    (float32, shape (n_samples, n_classes)).
    """
    arrays = {"sample": predictions["sample"].to_numpy(np.int32)}
    for name in ("y_true", "y_pred"):
        arrays[name] = np.searchsorted(classes, predictions[name].to_numpy()).astype(np.int16)
    if subjects is not None:
        _, codes = np.unique(subjects, return_inverse=True)
        arrays["subject"] = codes[arrays["sample"]].astype(np.int32)
    scores = get_scores(predictions)
    if scores is not None:
        name = (PROBA if are_probabilities(predictions) else DECISION).rstrip("_")
        arrays[name] = np.clip(scores, -_LIMIT, _LIMIT).astype(np.float32)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def unpack(content, fold, classes, subjects):
    """The predictions of a fold, as in `Evaluation.predictions`; probabilities sum to one."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        table = {"fold": fold, "sample": arrays["sample"].astype(int)}
        table |= {name: classes[arrays[name]] for name in ("y_true", "y_pred")}
        if "subject" in arrays:
            table["group"] = subjects[arrays["subject"]]
        for prefix in (PROBA, DECISION):
            if prefix.rstrip("_") in arrays:
                scores = arrays[prefix.rstrip("_")].astype(float)
                if prefix == PROBA:
                    scores /= scores.sum(axis=1, keepdims=True)
                table |= {
                    f"{prefix}{c}": column for c, column in zip(classes.tolist(), scores.T, strict=True)
                }
    return pd.DataFrame(table)
