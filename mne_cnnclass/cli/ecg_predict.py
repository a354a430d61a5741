"""Commands ``mne-cnnclass ecg …`` that say what recordings show: their beats and rhythms, by ready models."""

from __future__ import annotations

import math
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from . import common
from .ecg import ecg_app

TABLES = {".csv": ",", ".tsv": "\t"}  # endings and separators
PAGES = (".html", ".htm")
TARGET = (
    "File to write: .csv or .tsv for a table with probabilities, .txt for MNE annotations, any other "
    "extension of letters, such as 101.pred, for WFDB annotations. For several recordings, one table, or a "
    "folder for a table each."
)


@ecg_app.command()
def predict(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            help="A model, if the first ends in .mcnn, as `mne-cnnclass ecg train` saves it; else the ready "
            "one is taken. WFDB records, such as mitdb/101, or files in any format that MNE reads.",
            metavar="[MODEL.mcnn] RECORDING...",
            show_default=False,
        ),
    ],
    output: Annotated[Path | None, common.output_option(TARGET)] = None,
    report: Annotated[
        Path | None,
        common.optional("Page to write (.html) with what was found; for several recordings, a folder."),
    ] = None,
    peaks: Annotated[
        str,
        typer.Option(
            metavar="detected|ENDING",
            help="Detect R peaks in the signal, or use those of an annotation file, such as atr.",
        ),
    ] = "detected",
    leads: Annotated[
        str | None,
        common.optional(
            "Leads to take in the place of those of the training, in their order; II, has no second.",
            "those of the training",
        ),
    ] = None,
    overwrite: common.Overwrite = False,
):
    """Predict the class of each heartbeat of recordings, and say on a page what they show.

    For research only: this is not a medical device. Recordings longer than two hours are processed one hour
    at a time. If one of several can't be predicted, the others are, and the exit code is 1.

    Example: mne-cnnclass ecg predict holter/100 -o beats.csv --report 100.html
    """
    from ..ecg.annotations import check_target, write_beats
    from ..ecg.findings import RESEARCH
    from ..ecg.recordings import read_extent
    from ..estimators.heart_models import open_beat_model, open_rhythm_model
    from ..report.ecg_findings import find

    path = recordings[0] if recordings[0].suffix == ".mcnn" else None
    recordings = recordings[path is not None :]
    if not recordings:
        raise ValueError(
            f"Give recordings behind the model, as in: mne-cnnclass ecg predict {path} holter/100"
        )
    if output is None and report is None:
        raise ValueError(
            "Name what to write: -o beats.csv for a table, --report page.html for a page, or both."
        )
    tables = _targets(output, recordings, TABLES, ".csv", overwrite)
    pages = _targets(report, recordings, (), ".html", overwrite)
    if report is not None and pages[recordings[0]].suffix not in PAGES:
        raise ValueError(f"--report must name a page, .html, or a folder, got {report}.")
    model = open_beat_model(path)
    if leads is not None:
        model = model.takes([name.strip() for name in leads.split(",")])
    if output is not None and output.suffix and output.suffix not in TABLES:
        check_target(output, model.clf.classes_.tolist(), model.settings["classes"])
    annotator, rhythm = None if peaks == "detected" else peaks, open_rhythm_model() if pages else None
    print(f"{model.line()}\n{RESEARCH}")

    def work(recording, written):
        if not pages:
            with _advice(model, annotator):
                table, n_left = model.predict(recording, annotator)
            common.print_counts(table["description"], "beats")
            if n_left:
                print(f"Left out at the ends or of no class: {n_left}")
        else:
            with _advice(model, annotator):
                findings = find(recording, model, rhythm, annotator)
            findings.report(pages[recording])
            written[pages[recording]] = None
            print("\n  ".join([findings.name, *findings.lines()]))
            if findings.problem:
                raise ValueError(f"{recording}: {findings.problem}")
            table = findings.beats
        target = tables.get(recording)
        if target is not None and target.suffix not in TABLES:
            how = dict(sfreq=read_extent(recording)[1], classes=model.settings["classes"], overwrite=True)
            write_beats(target, table["onset"], table["description"], **how)
            written[target] = None
        elif target is not None:
            _append(table, target, recording if is_one else None, written)

    is_one = len(recordings) > len({*tables.values()})
    _each(recordings, work)


@ecg_app.command()
def rhythm(
    recordings: Annotated[
        list[Path],
        common.needed(
            "Short recordings: files of numbers (.csv), MATLAB files of CinC 2017, WFDB records, or files in "
            "any format that MNE reads."
        ),
    ],
    output: Annotated[Path, common.output_option("Table to write, .csv or .tsv, with a row per recording.")],
    sfreq: Annotated[
        float | None, common.optional("Sampling frequency of files of numbers in Hz, if they don't say it.")
    ] = None,
    lead: Annotated[
        str | None, common.optional("Lead to take, or column of a file of numbers, by its name or number.")
    ] = None,
    overwrite: common.Overwrite = False,
):
    """Predict the rhythm of short recordings of one lead: normal, atrial fibrillation, or other.

    For research only: this is not a medical device. The ready model has learnt from recordings of 9 to 61 s
    by a hand-held device. Shorter or noisy ones are not judged, and the column quality says why; longer ones
    have a row for each window of 30 s. If one of several can't be read, the others are predicted, and the
    exit code is 1.

    Example: mne-cnnclass ecg rhythm watch/*.csv --sfreq 512 -o rhythms.csv
    """
    import pandas as pd

    from ..ecg.findings import RESEARCH
    from ..ecg.quality import NOT_JUDGED
    from ..ecg.rhythm_stretches import predict_rhythm
    from ..ecg.short import read_short
    from ..estimators.heart_models import open_rhythm_model

    if output.suffix not in TABLES:
        raise ValueError(f"-o must name a table, .csv or .tsv, got {output}.")
    _targets(output, recordings, TABLES, ".csv", overwrite)
    model = open_rhythm_model()
    print(f"{model.line()}\n{RESEARCH}")
    found = []

    def work(recording, written):
        try:
            raw, name = read_short(recording, sfreq, lead)
            table = predict_rhythm(model.clf, raw, lead=name)
        except Exception:
            if len(recordings) > 1:  # each has its row
                row = dict(onset=0.0, duration=math.nan, description=NOT_JUDGED)
                row |= dict.fromkeys([*(f"proba_{name}" for name in model.clf.classes_), "rate"], math.nan)
                _append(pd.DataFrame([row | dict(quality="unreadable", lead="")]), output, recording, written)
            raise
        _append(table, output, recording, written)
        found.extend(table["description"])

    _each(recordings, work, lambda: common.print_counts(pd.Series(found, dtype=object), "windows"))


def _each(recordings, work, after=None):
    """Do the work for each recording and name the files that it wrote; exit code 1 if some of several fail.

    What one of several recordings has wrong is told, and the others go on.
    """
    written, n_failed = {}, 0
    try:
        for recording in recordings:
            try:
                work(recording, written)
            except Exception as error:
                if len(recordings) == 1:
                    raise
                n_failed += 1
                text = common.one_line(error)
                print(f"Error: {f'{recording}: ' * (str(recording) not in text)}{text}", file=sys.stderr)
        if after is not None:
            after()
    finally:
        if written:
            common.report_files(written)
    if n_failed:
        print(f"{n_failed} of {len(recordings)} recordings failed, see above.")
        raise typer.Exit(1)


def _append(table, target, recording, written):
    """Write rows to a table, behind those that this command has written; they name the recording if given."""
    if recording is not None:
        table = table.assign(recording=str(recording))[["recording", *table]]
    is_new = target not in written
    how = dict(sep=TABLES[target.suffix], index=False, mode="w" if is_new else "a", header=is_new)
    table.to_csv(target, **how)
    written[target] = None


def _targets(path, recordings, endings, ending, overwrite):
    """The file to write for each recording, which may be one for all; none without a path.

    A path without an extension is a folder, for a file named after each recording. What can't be written, or
    exists, is an error before any work is done.
    """
    from ..ecg.files import record_name

    if path is None:
        return {}
    if path.suffix and not path.is_dir():
        common.check_output(path, overwrite)
        if len(recordings) > 1 and path.suffix not in endings:
            table = f", or a table, {' or '.join(endings)}" * bool(endings)
            raise ValueError(
                f"{path} is for one recording, and there are {len(recordings)}: name a folder, for a file of "
                f"each{table}."
            )
        return dict.fromkeys(recordings, path)
    names = [record_name(recording) for recording in recordings]
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if twice is not None:
        raise ValueError(
            f"Two recordings are named {twice}, so their files would be one. Give them one by one, or name a "
            "table, which tells them apart."
        )
    common.make_folder(path)
    targets = {recording: path / f"{name}{ending}" for recording, name in zip(recordings, names, strict=True)}
    for target in targets.values():
        common.check_output(target, overwrite)
    return targets


@contextmanager
def _advice(model, annotator):
    """Say of errors about recordings what the command can do."""
    from ..ecg.errors import Advised, MissingLead, NoAnnotations, NoBeats

    leads = model.leads
    advice = {
        MissingLead: f"Name those to take in the place of {','.join(leads)} by --leads, which may leave some "
        f"out, as in --leads {leads[0]}, or train a model on leads that it has: "
        "mne-cnnclass ecg train FOLDER --leads LEADS.",
        NoAnnotations: "Give --peaks the ending of another file, or detected.",
        NoBeats: "Give --peaks detected." if annotator else "Is it an ECG of more than some seconds?",
    }
    try:
        yield
    except Advised as error:
        raise type(error)(error.args[0], advice[type(error)]) from error
