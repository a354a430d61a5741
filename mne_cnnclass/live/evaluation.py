"""How well decisions follow the cues of continuous recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..preprocessing.recordings import open_recordings
from ..samples.types import Recordings
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from .classifier import LiveClassifier
from .recordings import events_of

HIGHER_IS_BETTER = ("detected", "correct", "accuracy")
ALL = "all"


@dataclass(frozen=True, repr=False)
class LiveEvaluation:
    """What :func:`evaluate_live` returns.

    Attributes
    ----------
    decisions : pandas.DataFrame
        A row a decision: ``recording``, ``subject``, ``time`` (s), ``label``, ``status``, ``cue`` (the class
        of the cue that is on, if any) and ``proba_<class>``.
    cues : pandas.DataFrame
        A row a cue: ``recording``, ``subject``, ``cue`` (its class), ``onset``, ``end`` and ``delay`` (s),
        ``first`` (the label that was detected first) and ``time_to_correct`` (s; NaN if it did not happen).
    scores : pandas.DataFrame
        A row a subject, and ``"all"``: see :func:`evaluate_live`.
    chance : pandas.DataFrame
        The mean of each score over shuffles, and for ``detected``, ``correct`` and ``accuracy`` ``p``, how
        often chance is as good.
    classes : list
        The classes.
    threshold : float
        The probability from which a decision counts.

    Examples
    --------
    See :func:`evaluate_live`.

    >>> result = evaluate_live(live, recordings)  # doctest: +SKIP
    >>> result.scores.loc["all", "false_alarms"]  # doctest: +SKIP
    """

    decisions: pd.DataFrame
    cues: pd.DataFrame
    scores: pd.DataFrame
    chance: pd.DataFrame
    classes: list[Any]
    threshold: float

    def __repr__(self) -> str:
        return f"{self.scores.round(3).to_string()}\n\nShuffled onsets\n{self.chance.round(3).to_string()}"

    @fill_doc
    def plot(self, recording: str | None = None, *, ax: Axes | None = None) -> Figure:
        """Plot the probabilities over time with the cues of a recording.

        Parameters
        ----------
        recording : None | str
            Its name, as in ``decisions``. ``None`` plots the first one.
        %(ax)s

        %(returns_fig)s

        Raises
        ------
        ValueError
            If there is no such recording.
        """
        from ..viz import plot_decisions

        names = self.decisions["recording"].unique().tolist()
        recording = names[0] if recording is None else recording
        if recording not in names:
            raise ValueError(f"There is no recording {recording!r}; there are {', '.join(names)}.")
        own = self.decisions[self.decisions["recording"] == recording]
        cues = self.cues.loc[self.cues["recording"] == recording, ["onset", "end", "cue"]]
        proba = own[[f"proba_{name}" for name in self.classes]].to_numpy(float)
        spans = list(cues.itertuples(index=False, name=None))
        how = dict(cues=spans, threshold=self.threshold, title=recording, ax=ax)
        return plot_decisions(own["time"], proba, classes=self.classes, **how)


def evaluate_live(
    live: LiveClassifier,
    recordings: Recordings,
    *,
    threshold: float = 0.7,
    idle: Sequence[Any] = (),
    duration: float | None = None,
    n_shuffles: int = 200,
    random_state: int = 0,
) -> LiveEvaluation:
    """Play continuous recordings as streams, and compare the decisions over time with their cues.

    A decision counts from a probability of ``threshold`` on. Counting decisions of one label in a row are one
    detection.

    Parameters
    ----------
    live : LiveClassifier
        The classifier, with ``step`` and with ``events``, which are the cues.
    recordings : path-like | mne.io.Raw | list of path-like or mne.io.Raw
        Recordings of people that it was not trained on.
    threshold : float
        The probability from which a decision counts. Default is 0.7.
    idle : sequence
        Classes that mean that there is nothing to detect, such as ``["rest"]``.
    duration : None | float
        How long a cue is on, in s. ``None`` uses the durations of the annotations.
    n_shuffles : int
        How often onsets are shuffled for chance: all cues of a recording are moved along it by a random
        time, and their classes are permuted. Default is 200.
    random_state : int
        Seed of the shuffles. Default is 0.

    Returns
    -------
    result : LiveEvaluation
        The scores, of each subject and of all cues together:

        - ``n_cues``; ``detected``, the share of cues with a detection while they are on; ``correct``, the
          share whose first detection is of their class;
        - ``delay`` and ``time_to_correct``: the medians, over cues that have them, of the time in s from the
          onset to the first detection, and to the first that is correct;
        - ``false_alarms``: detections that begin while no cue is on, nor was within the length of a
          window, per minute of such time (NaN if there is none);
        - ``accuracy``: the share of judged decisions during cues with the label of the cue, at any
          probability.

    Raises
    ------
    ValueError
        If ``live`` has no ``step`` or no ``events``, or if cues have no duration.

    See Also
    --------
    mne_cnnclass.evaluate : Cross-validation of epochs.

    Notes
    -----
    The time of a decision is that of the last sample of its window. A window reaches back beyond the onset
    of the cue at first, so delays are mostly of the order of half a window.

    Examples
    --------
    >>> from mne_cnnclass.live import LiveClassifier, evaluate_live
    >>> live = LiveClassifier.load("hands.mcnn", step=0.25)  # doctest: +SKIP
    >>> result = evaluate_live(live, ["S010R04.edf", "S011R04.edf"], threshold=0.8)  # doctest: +SKIP
    >>> fig = result.plot()  # doctest: +SKIP
    """
    if live.step is None or live.events is None:
        raise ValueError("evaluate_live needs LiveClassifier(step=, events=): windows, and the cues.")
    check_number(threshold, "threshold", (int, float, np.number), min_val=0, max_val=1)
    check_number(n_shuffles, "n_shuffles", (int, np.integer), min_val=1)
    classes = np.asarray(live.classes_).tolist()
    played = [_play(live, recording, classes, idle, duration) for recording in open_recordings(recordings)]
    cues = [_scored(threshold, idle, **one) for one in played]
    rng = np.random.default_rng(random_state)
    shuffled = []
    for _ in range(n_shuffles):
        parts = [_scored(threshold, idle, **one | dict(cues=_shuffled(rng, **one))) for one in played]
        shuffled.append(_summary(parts, ALL))
    scores = _table(cues)
    chance = pd.DataFrame(shuffled)
    better = (chance[list(HIGHER_IS_BETTER)] >= scores.loc[ALL, list(HIGHER_IS_BETTER)].astype(float)).sum()
    chance = pd.DataFrame(
        {"mean": chance.drop(columns="n_cues").mean(), "p": (better + 1) / (n_shuffles + 1)}
    )
    return LiveEvaluation(
        pd.concat([its["decisions"] for its in cues], ignore_index=True),
        pd.concat([its["cues"] for its in cues], ignore_index=True),
        scores,
        chance.reindex([name for name in scores.columns if name != "n_cues"]),
        classes,
        float(threshold),
    )


def _play(live, recording, classes, idle, duration):
    """The decisions on a recording, its cues, and how long a window is in s."""
    decisions = list(live.replay(recording.source))
    proba = {f"proba_{name}": [d.proba.get(name, np.nan) for d in decisions] for name in classes}
    table = dict(time=[d.time for d in decisions], label=[d.label for d in decisions])
    table = pd.DataFrame(table | dict(status=[d.status for d in decisions]) | proba)
    about = dict(recording=recording.name, subject=recording.identity.subject or recording.name)
    cues = [(onset, name) for onset, name in events_of(recording, live.events, live.find_events)]
    cues = pd.DataFrame([cue for cue in cues if cue[1] not in idle], columns=["onset", "cue"])
    cues["end"] = cues["onset"] + (_durations(recording, cues["onset"]) if duration is None else duration)
    if not (cues["end"] > cues["onset"]).all():
        raise ValueError(f"The cues of {recording} have no duration: give duration=, in s.")
    window = decisions[0].time - decisions[0].start
    return dict(decisions=table.assign(**about), cues=cues.assign(**about), window=window, step=live.step)


def _durations(recording, onsets):
    notes = recording.source.annotations
    at = notes.onset - recording.source.first_time
    half = 0.51 / recording.sfreq
    return np.array([notes.duration[np.abs(at - onset) <= half].max(initial=0.0) for onset in onsets])


def _shuffled(rng, decisions, cues, **_):
    """The same cues, moved along the recording, in another order of classes."""
    end = float(decisions["time"].max())
    onset = (cues["onset"] + rng.uniform(0, end)) % end
    moved = cues.assign(onset=onset, end=onset + (cues["end"] - cues["onset"]))
    return moved.assign(cue=rng.permutation(cues["cue"])).sort_values("onset", ignore_index=True)


def _scored(threshold, idle, decisions, cues, window, step):
    """Decisions with the cue that is on, cues with what was detected, and counts for false alarms."""
    time, label = decisions["time"].to_numpy(), decisions["label"].to_numpy(object)
    proba = decisions.filter(like="proba_").max(axis=1).to_numpy()
    counts = (proba >= threshold) & ~np.isin(label.astype(str), list(map(str, idle)))
    number = np.searchsorted(cues["onset"], time, "left") - 1  # of the last cue that began
    end = np.r_[-np.inf, cues["end"]][number + 1]
    on = time <= end
    during = np.where(on, number, -1)
    names = np.r_[cues["cue"].to_numpy(object), None]
    right = np.array([a == b for a, b in zip(label, names[during], strict=True)], bool)
    found = {}
    for column, mask in (("delay", counts & on), ("time_to_correct", counts & on & right)):
        which, first = np.unique(during[mask], return_index=True)
        found[column] = pd.Series(time[mask][first], which) - cues["onset"]
        found[f"{column}_label"] = pd.Series(label[mask][first], which)
    scored = cues.assign(
        delay=found["delay"].reindex(cues.index),
        first=found["delay_label"].reindex(cues.index),
        time_to_correct=found["time_to_correct"].reindex(cues.index),
    )
    begins = counts & ~(np.r_[False, counts[:-1]] & (label == np.r_[None, label[:-1]]))
    away = (time > end + window) & np.isfinite(proba)
    judged = on & np.isfinite(proba)
    return dict(
        decisions=decisions.assign(cue=names[during]),
        cues=scored,
        n_alarms=int((begins & away).sum()),
        minutes=float(away.sum() * step / 60),
        n_right=int((judged & right).sum()),
        n_judged=int(judged.sum()),
        subject=str(cues["subject"].iloc[0]) if len(cues) else "",
    )


def _summary(parts, name):
    """The scores of some recordings together."""
    cues = pd.concat([its["cues"] for its in parts], ignore_index=True)
    totals = {k: sum(its[k] for its in parts) for k in ("n_alarms", "minutes", "n_right", "n_judged")}
    row = dict(
        n_cues=len(cues),
        detected=cues["delay"].notna().mean(),
        correct=(cues["first"] == cues["cue"]).mean(),
        delay=cues["delay"].median(),
        time_to_correct=cues["time_to_correct"].median(),
        false_alarms=totals["n_alarms"] / totals["minutes"] if totals["minutes"] else np.nan,
        accuracy=totals["n_right"] / totals["n_judged"] if totals["n_judged"] else np.nan,
    )
    return pd.Series(row, name=name)


def _table(parts):
    subjects = dict.fromkeys(its["subject"] for its in parts)
    rows = [_summary([its for its in parts if its["subject"] == one], one) for one in subjects]
    table = pd.DataFrame([*rows, _summary(parts, ALL)]).rename_axis("subject")
    return table.astype({"n_cues": int})
