"""The command that follows a stream: live."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from . import common

STEP = 0.5  # s


@common.app.command()
def live(
    model: Annotated[Path, common.needed("Model saved by `mne-cnnclass train`.")],
    stream: Annotated[str | None, common.optional("Name of the LSL stream of signals.")] = None,
    replay: Annotated[
        Path | None, common.optional("Recording to play as if it were a stream, in place of --stream.")
    ] = None,
    markers: Annotated[
        str | None, common.optional("Name of the LSL stream of markers: one decision at each event.")
    ] = None,
    step: Annotated[
        float | None,
        common.optional(
            "Time from one window to the next in s.",
            f"{STEP} for a stream without markers; --replay has epochs at the events of the training",
        ),
    ] = None,
    outlet: Annotated[str | None, common.optional("Name of an LSL stream to send decisions as.")] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Play the recording no faster than it was recorded.")
    ] = False,
    patience: Annotated[
        float | None, common.optional("Time without samples after which to end, in s.", "wait for ever")
    ] = None,
    output: Annotated[Path | None, common.output_option("CSV file to write each decision to.")] = None,
    overwrite: common.Overwrite = False,
):
    """Classify a stream while it comes in, a line per decision; Ctrl-C ends it, and nothing is lost.

    Signals are prepared as for the training, with filters that use no later sample. Streams are those of the
    Lab Streaming Layer: pip install "mne-cnnclass[live]".
    """
    from ..live import DecisionOutlet, DecisionTable, LiveClassifier, list_streams

    if (stream is None) == (replay is None):
        there = f" Streams: {'; '.join(list_streams()) or 'none'}." if stream is None else ""
        raise ValueError(f"Give one of --stream NAME and --replay FILE.{there}")
    if output is not None:
        common.check_output(output, overwrite)
    if stream is not None and markers is None and step is None:
        step = STEP
    classifier = LiveClassifier.load(model, **({} if step is None else {"step": step}))
    counts = Counter()
    with contextlib.ExitStack() as stack:
        sinks = []
        if output is not None:
            sinks.append(stack.enter_context(DecisionTable(output, classifier.classes_)))
        if outlet is not None:
            sinks.append(stack.enter_context(DecisionOutlet(outlet, classifier.classes_)))
        if replay is not None:
            decisions = classifier.replay(replay, speed=1.0 if real_time else None, callbacks=sinks)
        else:
            decisions = classifier.connect(stream, markers=markers, patience=patience, callbacks=sinks)
        with contextlib.suppress(KeyboardInterrupt):
            for decision in decisions:
                counts[str(decision.label) if decision.judged else "not judged"] += 1
                print(decision, flush=True)
    print(f"{counts.total()} decisions: {', '.join(f'{name} {n}' for name, n in counts.most_common())}")
    if output is not None:
        common.report_files([output])
