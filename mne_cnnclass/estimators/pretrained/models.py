"""The files of ready models, found by their task and never used if they are not those that were measured."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

import pandas as pd
from sklearn.pipeline import Pipeline

from ..saving.files import KEY
from ..saving.refusal import RefusedFileError

FOLDER = Path(__file__).parent
SUMS = FOLDER / "SHA256SUMS"  # a line a file, as `sha256sum` writes and checks it
CAUSAL = "_causal"  # ending of the names of files
ALIGNED = ("motor imagery",)  # one file: how somebody new is aligned is all that the causal variant changes
COLUMNS = ["classes", "trained_on", "inputs", "missing", "measured", "licence", "doi"]  # of the table


def load_pretrained(
    task: Literal["heartbeats", "motor imagery", "rhythm"], *, causal: bool = False
) -> Pipeline:
    """Load a classifier that was trained on open data and comes with the package.

    It predicts at once. It is a fitted Pipeline like that of :func:`~mne_cnnclass.recipe`, which it was made
    of: ``predict``, ``predict_proba``, ``save_classifier`` and explanations work as with any other. For
    research only: none of these models is a medical device.

    Parameters
    ----------
    task : "heartbeats" | "motor imagery" | "rhythm"
        What to classify:

        ``"heartbeats"``
            Each beat of an ECG of one or two leads, from :func:`mne_cnnclass.ecg.make_beat_epochs`, as
            normal (N), supraventricular (S), ventricular (V) or fusion (F).
        ``"motor imagery"``
            Epochs of 3 s, from 0 or 1 s after a cue on, of imagined movement of the ``left`` or ``right``
            hand, band-pass filtered at 4 to 38 Hz, of any cap that has FC3, C3, CP3, Cz and their mirrors.
            All epochs of a person are predicted together, as they are aligned by their mean covariance.
            Each window has a network of its own, ``pipeline[-1].nearest(1.0)`` that of 1–4 s.
        ``"rhythm"``
            Windows of 10 s of one lead, from :func:`mne_cnnclass.ecg.make_rhythm_epochs`, as normal (N),
            atrial fibrillation (A), another rhythm (O) or too noisy (~).
            :func:`mne_cnnclass.ecg.combine_windows` makes one answer of those of a recording.
    causal : bool
        Whether predictions may use only the beat, window or epoch itself and what precedes it. Those of
        hearts then have to be made with ``causal=True``, too. Default is False.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        The fitted pipeline. Its attribute ``card_`` is a dict with what is known of the model: its training
        data and their licence, how it was measured and how well it did, for what it must not be used. The
        guide has the cards of all models.

    Raises
    ------
    ValueError
        If there is no such model, or if its file is not the one that was measured (by its SHA-256).

    See Also
    --------
    list_pretrained : The models that there are.
    recipe : The same pipelines, to be fitted on data of your own.

    Notes
    -----
    ``evaluate(pipeline, view)`` fits it anew in each fold, as it does with every estimator. To measure the
    model as it is on people of yours, freeze it: ``sklearn.frozen.FrozenEstimator(pipeline)``.

    Examples
    --------
    >>> from mne_cnnclass import ecg, load_pretrained
    >>> clf = load_pretrained("heartbeats")
    >>> clf.classes_.tolist()
    ['F', 'N', 'S', 'V']
    >>> raw = ecg.read_raw_wfdb("mitdb/100", annotator=None)  # doctest: +SKIP
    >>> clf.predict(ecg.make_beat_epochs(raw, peaks="detected"))  # doctest: +SKIP
    """
    from ..loading import load_classifier

    path = pretrained_file(task, causal=causal)
    pipeline = load_classifier(path)
    if causal and task in ALIGNED:
        pipeline.set_params(euclideanalignment__online=True)
    pipeline.card_ = _read_card(path) | {"causal": causal}
    return pipeline


def list_pretrained() -> pd.DataFrame:
    """List the models that :func:`load_pretrained` has.

    Returns
    -------
    models : pandas.DataFrame
        One row per model, indexed by ``task`` and ``causal``, with the columns

        - ``classes``: what it tells apart.
        - ``trained_on``: data and number of people.
        - ``inputs``: leads or channels, sampling frequency and window; ``missing``: what happens if some
          are not there.
        - ``measured``: on whom and how well, with a 95 % confidence interval.
        - ``licence`` and ``doi`` of the data; ``kilobytes``: size of the file.

    See Also
    --------
    load_pretrained : Load one of them.
    list_recipes : Pipelines to be fitted on data of your own.

    Examples
    --------
    >>> from mne_cnnclass import list_pretrained
    >>> list_pretrained().loc[("heartbeats", False), "doi"]
    '10.13026/C2F305'
    """
    cards = {}
    for name in _sums():
        card = _read_card(FOLDER / name)
        size = round((FOLDER / name).stat().st_size / 1000)
        row = {key: card[key] for key in COLUMNS} | {"kilobytes": size}
        for causal in (False, True) if card["task"] in ALIGNED else (card["causal"],):
            cards[card["task"], causal] = row
    table = pd.DataFrame.from_dict(cards, orient="index")
    return table.rename_axis(["task", "causal"])


def pretrained_file(task: str, *, causal: bool = False) -> Path:
    """The file of a model, if its bytes are those that were measured."""
    sums = _sums()
    name = f"{str(task).replace(' ', '_')}{CAUSAL * (bool(causal) and task not in ALIGNED)}.mcnn"
    if name not in sums:
        have = sorted({one.removesuffix(".mcnn").removesuffix(CAUSAL).replace("_", " ") for one in sums})
        text = f"There is no{' causal' * bool(causal)} model for {task!r}; there are models for "
        raise ValueError(f"{text}{' and '.join(map(repr, have))}. recipe(…) has more tasks, to be fitted.")
    path = FOLDER / name
    if hashlib.sha256(path.read_bytes()).hexdigest() != sums[name]:
        raise RefusedFileError(
            f"{path} is not the file that comes with mne-cnnclass: its SHA-256 is not that of {SUMS.name}. "
            "Install the package again."
        )
    return path


def _read_card(path):
    """What the header of a file says of the model, without the weights, and so without torch."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return json.loads(header["__metadata__"][KEY])["card"]


def _sums():
    """The checksum of each file, by its name."""
    lines = SUMS.read_text(encoding="utf-8").splitlines()
    return {name: checksum for checksum, name in map(str.split, lines)}
