"""A decision, and the table that decisions are written to."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..samples.types import PathLike


@dataclass(frozen=True)
class Decision:
    """What a window of a stream was taken for.

    Attributes
    ----------
    start, time : float
        Times of the first and the last sample of the window in s: of the stream's clock, or from the start
        of a recording. NaN where there is no such sample.
    label : object
        The most probable class; None if the window was not judged.
    proba : dict of object to float
        The probability of each class; empty if the window was not judged.
    event : None | str
        The class of the event at which the window was cut, if it was cut at one; of a :class:`LiveHeart`,
        ``"beat"`` or ``"rhythm"``.
    status : str
        ``"ok"``, or ``"not judged: "`` and why.
    onset : None | float
        The time of the R peak in s, of a heartbeat.

    Examples
    --------
    >>> from mne_cnnclass.live import Decision
    >>> print(Decision(1.0, 3.0, "left", {"left": 0.8, "right": 0.2}))
         3.000 s  left 0.80
    """

    start: float
    time: float
    label: Any
    proba: Mapping[Any, float]
    event: str | None = None
    status: str = "ok"
    onset: float | None = None

    @property
    def judged(self) -> bool:
        """Whether there is a label."""
        return self.status == "ok"

    def __str__(self) -> str:
        event = "" if self.event is None else f"  (event {self.event})"
        what = f"{self.label} {self.proba[self.label]:.2f}" if self.judged else self.status
        time = self.time if self.onset is None else self.onset
        return f"{time:10.3f} s  {what}{event}"


class DecisionTable:
    """Write decisions to a CSV file, each as soon as it is there, so that nothing is lost at an end.

    Parameters
    ----------
    path : path-like
        The file, which is replaced if it exists. Its columns are ``start``, ``time``, ``event``, ``onset``,
        ``label``, ``status`` and ``proba_<class>`` of each class.
    classes : array-like
        The classes, as in ``LiveClassifier.classes_``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from mne_cnnclass.live import Decision, DecisionTable
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "decisions.csv"
    >>> with DecisionTable(path, ["left", "right"]) as table:
    ...     table(Decision(1.0, 3.0, "left", {"left": 0.8, "right": 0.2}))
    >>> print(path.read_text().splitlines()[1])
    1.0,3.0,,,left,ok,0.8,0.2
    """

    def __init__(self, path: PathLike, classes: Any) -> None:
        self.classes = list(classes)
        self._file = open(path, "w", encoding="utf-8", newline="", buffering=1)  # noqa: SIM115
        self._rows = csv.writer(self._file, lineterminator="\n")
        columns = [f"proba_{name}" for name in self.classes]
        self._rows.writerow(["start", "time", "event", "onset", "label", "status", *columns])

    def __call__(self, decision: Decision) -> None:
        """Write a decision."""
        proba = [decision.proba.get(name, "") for name in self.classes]
        said = [decision.event, decision.onset, decision.label]
        said = ["" if value is None else value for value in said]
        self._rows.writerow([decision.start, decision.time, *said, decision.status, *proba])
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
