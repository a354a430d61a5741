"""What a recording of an ECG shows, by ready models: tables, a summary in words, and a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import mne
import pandas as pd

from ..ecg import findings as found
from ..ecg.beats import pick_beat_leads
from ..ecg.errors import NoBeats
from ..ecg.files import record_name
from ..ecg.findings import MEANINGS, RESEARCH, RHYTHMS, clock
from ..ecg.recordings import read_extent, read_recording
from ..ecg.rhythm_stretches import predict_rhythm
from ..samples.types import PathLike
from ..utils.quiet import heard
from ..utils.warn import warn


@dataclass(frozen=True, eq=False, repr=False)
class Findings:
    """What a recording of an ECG shows, made by :func:`describe`.

    Attributes
    ----------
    recording : mne.io.Raw | path-like
        The recording.
    name : str
        Its name.
    duration : float
        Its length in s.
    started : None | datetime.datetime
        When it began, by its header, in the time zone of the device.
    leads : list of str
        The leads that beats were classified in; the rhythm is that of the first.
    beats : pandas.DataFrame
        One row per beat: ``onset`` (of the R peak, s), ``duration`` (0), ``description`` (its class, or
        ``"not judged"``), ``proba_<class>`` and ``quality`` of the signal.
    rhythm : pandas.DataFrame
        One row per window: ``onset``, ``duration`` (s), ``description``, ``proba_<class>`` and ``quality``:
        ``"good"``, or why it is not judged.
    problem : None | str
        Why nothing is said of the heart: no beats were found, or none can be judged.
    notes : list of str
        What was doubtful in the recording.
    model, rhythm_model : object
        The models of beats and of rhythms: ``name`` and ``card``, a dict that is empty if there is none.

    Examples
    --------
    >>> from mne_cnnclass import ecg
    >>> found = ecg.describe("mitdb/119")  # doctest: +SKIP
    >>> found.beats["description"].value_counts()  # doctest: +SKIP
    """

    recording: Any
    name: str
    duration: float
    started: datetime | None
    leads: list[str]
    beats: pd.DataFrame
    rhythm: pd.DataFrame
    problem: str | None
    notes: list[str]
    model: Any
    rhythm_model: Any

    def summary(self) -> pd.DataFrame:
        """Count the beats of each class.

        Returns
        -------
        table : pandas.DataFrame
            One row per class, with ``n`` beats, their ``share`` of those that were judged, and number
            ``per_hour`` that was judged; ``single`` ones, ``pairs``, and ``runs`` of three or more of one
            class in a row, with the number of beats of the ``longest``; ``sensitivity`` and
            ``positive_predictivity`` as the card of the model has them from other people, NaN if it does not.
        """
        table = found.count_beats(self.beats, self.classes)
        rates = [rates_elsewhere(self.model.card, name) for name in table.index]
        table["sensitivity"], table["positive_predictivity"] = zip(*rates, strict=True)
        return table

    def report(self, path: PathLike | None = None) -> mne.Report:
        """Create a page: what was found over time, examples on ECG paper, and what is known of the models.

        Parameters
        ----------
        path : None | path-like
            File to save the page to, as HTML; an existing file is overwritten. ``None`` does not save it.

        Returns
        -------
        report : mne.Report
            The page.

        Raises
        ------
        FileNotFoundError
            If the folder of the file does not exist.
        ValueError
            If the file extension is neither that of HTML nor of HDF5.
        """
        from .build import add_sections
        from .ecg_page import sections
        from .html import check_report_path

        if path is not None:
            check_report_path(Path(path))
        report = mne.Report(title=f"ECG of {self.name}", image_format="png", verbose="ERROR")
        add_sections(report, sections(self))
        if path is not None:
            report.save(path, overwrite=True, open_browser=False, verbose="ERROR")
        return report

    @property
    def classes(self) -> list[str]:
        """The classes of beats, the normal one first."""
        normal = getattr(self.model.last, "normal", None)
        return sorted(
            map(str, self.model.clf.classes_), key=lambda name: (name != normal, "NSVFQ".find(name))
        )

    def lines(self) -> list[str]:
        """What was found, a sentence each."""
        if self.problem:
            return [self.problem]
        judged = found.is_judged(self.beats)
        table, rates = self.summary(), found.heart_rates(self.beats)
        lines = [
            f"{clock(round(self.duration))} of {' and '.join(self.leads)}: {len(self.beats)} beats were "
            f"found and {judged.sum()} of them ({100 * judged.mean():.1f} %) judged by {self.model.name}."
        ]
        if rates:
            low, high = (f"{rates[k]:.0f}/min at {clock(rates[f'{k}_at'])}" for k in ("lowest", "highest"))
            median = f"{rates['median']:.0f}/min"
            minutes = f"; slowest minute {low}, fastest {high}" * (round(self.duration) >= 120)
            lines.append(f"Heart rate {median} (median){minutes}.")
        for name, row in table.iloc[1:].iterrows():
            if not row["n"] and name not in ("S", "V"):
                continue
            lines.append(f"{name}{_meaning(name, MEANINGS)}: {_words_of(row, self.model.card)}")
        seconds = found.share_of_rhythms(self.rhythm)
        parts = [
            f"{name}{_meaning(name, RHYTHMS)} {100 * value / seconds.sum():.0f} %"
            for name, value in seconds.items()
        ]
        n = len(self.rhythm)
        lines.append(f"Rhythm, by {n} window{'s' * (n > 1)}: {', '.join(parts)} of the time.")
        return lines

    def __str__(self):
        return "\n".join([self.name, *(f"  {line}" for line in [*self.lines(), RESEARCH])])

    __repr__ = __str__


def describe(
    recording: mne.io.BaseRaw | PathLike,
    model: PathLike | None = None,
    *,
    leads: Sequence[str | None] | None = None,
    annotator: str | None = None,
) -> Findings:
    """Find what a recording of an ECG shows: its beats, its rhythm, and how sure that is.

    Parameters
    ----------
    recording : mne.io.Raw | path-like
        The recording, of any length: a WFDB record, or a file of another format that MNE reads. Those of more
        than two hours are read an hour at a time.
    model : None | path-like
        A classifier of heartbeats, as ``mne-cnnclass ecg train`` or ``save_classifier`` writes it. ``None``
        takes the ready one, ``load_pretrained("heartbeats")``.
    leads : None | sequence of str
        Leads of this recording in the place of those that the model was trained on, in their order, with None
        for one that is lacking. ``None`` looks for them by their names.
    annotator : None | str
        Ending of the file of annotations of a WFDB record that has the R peaks, such as ``"atr"``. ``None``
        finds them in the signal.

    Returns
    -------
    findings : Findings
        The beats and the rhythm as tables, ``summary()``, and ``report("page.html")``; printing it tells what
        was found in a few lines.

    Raises
    ------
    FileNotFoundError
        If there is no such recording.
    ValueError
        If it can't be read, has no lead of an ECG, or less than 125 Hz, or if the model is not one of beats.

    See Also
    --------
    mne_cnnclass.load_pretrained : The ready models, and what is known of them.

    Notes
    -----
    A recording without beats is no error: the findings then say so (``findings.problem``). The rhythm is told
    of windows of 30 s, or of a recording of up to 61 s as a whole, by ``load_pretrained("rhythm")``, which
    has learnt from recordings of that length. For research only: none of this is a medical device.

    Examples
    --------
    >>> from mne_cnnclass import ecg
    >>> found = ecg.describe("mitdb/119")  # doctest: +SKIP
    >>> print(found)  # doctest: +SKIP
    >>> found.summary().loc["V", ["n", "share", "runs"]]  # doctest: +SKIP
    >>> found.report("119.html")  # doctest: +SKIP
    """
    from ..estimators.heart_models import open_beat_model, open_rhythm_model

    opened = open_beat_model(model)
    opened = opened if leads is None else opened.takes(leads)
    return find(recording, opened, open_rhythm_model(), annotator)


def find(recording, model, rhythm_model, annotator=None):
    """What a recording shows, by models that are open."""
    beats, rhythm, problem = pd.DataFrame(dict(onset=[], description=[], quality=[])), pd.DataFrame(), None
    with heard() as said:
        length, _ = read_extent(recording)
        start = read_recording(recording, stop=None if length is None else min(length, 1.0))
        name = _name_of(recording)
        picked = [lead for lead in pick_beat_leads(start, model.settings["leads"], name)[0] if lead]
        try:
            beats, _ = model.predict(recording, annotator)
        except NoBeats as error:
            problem = f"No heartbeats were found. {error.args[0]}"
        if len(beats) and not found.is_judged(beats).any():
            why = ", ".join(f"{name} {n}" for name, n in beats["quality"].value_counts().items())
            problem = f"None of the {len(beats)} peaks that may be beats is in a signal to judge ({why})."
        if problem is None:
            rhythm = predict_rhythm(rhythm_model.clf, recording, lead=picked[0])
    for text in said:
        warn(f"{text}.")
    return Findings(
        recording=recording,
        name=name,
        duration=float(start.n_times / start.info["sfreq"] if length is None else length),
        started=start.info["meas_date"],
        leads=picked,
        beats=beats,
        rhythm=rhythm,
        problem=problem,
        notes=said,
        model=model,
        rhythm_model=rhythm_model,
    )


def rates_elsewhere(card, name):
    """Sensitivity and positive predictivity of a class, as measured for the card."""
    return tuple(card.get("rates", {}).get(name, (math.nan, math.nan)))


def _name_of(recording):
    if isinstance(recording, mne.io.BaseRaw):
        recording = next((file for file in recording.filenames if file), "recording")
    return record_name(recording)


def _meaning(name, meanings):
    return f" ({meanings[name]})" if name in meanings else ""


def _words_of(row, card):
    """How many beats of a class there are, and how far that is to be trusted."""
    text = f"{row['n']:.0f} beats, {100 * row['share']:.1f} % of the judged ones"
    if row["n"]:
        text += (
            f", {row['per_hour']:.0f} an hour; pairs: {row['pairs']:.0f}, runs of three or more: "
            f"{row['runs']:.0f}, most in a row: {row['longest']:.0f}"
        )
    if row.notna()["sensitivity"]:
        text += (
            f" (in other people the model finds {100 * row['sensitivity']:.0f} % of them, and "
            f"{100 * row['positive_predictivity']:.0f} % of what it calls so are)"
        )
    return f"{text}."
