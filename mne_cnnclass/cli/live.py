"""The commands that follow a stream: live, and ecg live."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from . import common
from .ecg import ecg_app

STEP = 0.5  # s


Stream = Annotated[str | None, common.optional("Name of the LSL stream of signals.")]
Replay = Annotated[
    Path | None, common.optional("Recording to play as if it were a stream, in place of --stream.")
]
Outlet = Annotated[str | None, common.optional("Name of an LSL stream to send decisions as.")]
RealTime = Annotated[
    bool, typer.Option("--real-time", help="Play the recording no faster than it was recorded.")
]
Patience = Annotated[
    float | None, common.optional("Time without samples after which to end, in s.", "wait for ever")
]
Output = Annotated[Path | None, common.output_option("CSV file to write each decision to.")]


@common.app.command()
def live(
    model: Annotated[Path, common.needed("Model saved by `mne-cnnclass train`.")],
    stream: Stream = None,
    replay: Replay = None,
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
    outlet: Outlet = None,
    real_time: RealTime = False,
    patience: Patience = None,
    output: Output = None,
    overwrite: common.Overwrite = False,
):
    """Classify a stream while it comes in, a line per decision; Ctrl-C ends it, and nothing is lost.

    Signals are prepared as for the training, with filters that use no later sample. Streams are those of the
    Lab Streaming Layer: pip install "mne-cnnclass[live]".
    """
    from ..live import LiveClassifier

    _check(stream, replay, output, overwrite)
    if stream is not None and markers is None and step is None:
        step = STEP
    classifier = LiveClassifier.load(model, **({} if step is None else {"step": step}))
    how = dict(markers=markers, patience=patience)
    _follow(classifier, stream, how, replay, real_time, outlet, output)


@ecg_app.command("live")
def heart(
    model: Annotated[
        Path | None,
        typer.Argument(
            help="Model of heartbeats, as `mne-cnnclass ecg train --causal` saves it; else the ready one.",
            metavar="[MODEL.mcnn]",
            show_default=False,
        ),
    ] = None,
    stream: Stream = None,
    replay: Replay = None,
    leads: Annotated[
        str | None,
        common.optional("Leads to take, in the order of those of the training.", "those of the training"),
    ] = None,
    step: Annotated[
        float, typer.Option(help="Time from one decision about the rhythm to the next in s.")
    ] = 5.0,
    outlet: Outlet = None,
    real_time: RealTime = False,
    patience: Patience = None,
    output: Output = None,
    overwrite: common.Overwrite = False,
):
    """Find and classify heartbeats, and the rhythm of the last 30 s, while an ECG comes in.

    For research only: this is not a medical device. A line for each beat, at most 1.2 s after its R peak, and
    one every few seconds for the rhythm, by ready models if none is given; Ctrl-C ends it, and nothing is
    lost. Streams are those of the Lab Streaming Layer: pip install "mne-cnnclass[live]".

    Example: mne-cnnclass ecg live --replay holter/100 -o decisions.csv
    """
    from ..live import LiveHeart

    _check(stream, replay, output, overwrite)
    if leads is not None:
        leads = [name.strip() for name in leads.split(",")]
    live = LiveHeart("pretrained" if model is None else model, leads=leads, step=step)
    print("\n".join(live.describe()))
    _follow(live, stream, dict(patience=patience), replay, real_time, outlet, output)


def _check(stream, replay, output, overwrite):
    """Refuse what can't be done before a model is read."""
    from ..live import list_streams

    if (stream is None) == (replay is None):
        there = f" Streams: {'; '.join(list_streams()) or 'none'}." if stream is None else ""
        raise ValueError(f"Give one of --stream NAME and --replay FILE.{there}")
    if output is not None:
        common.check_output(output, overwrite)


def _follow(classifier, stream, how, replay, real_time, outlet, output):
    """Print each decision, hand it to what else is asked for, and end with how many there were."""
    from ..live import DecisionOutlet, DecisionTable

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
            decisions = classifier.connect(stream, callbacks=sinks, **how)
        with contextlib.suppress(KeyboardInterrupt):
            for decision in decisions:
                kind = "" if decision.onset is None and decision.event != "rhythm" else f"{decision.event} "
                counts[f"{kind}{decision.label if decision.judged else 'not judged'}"] += 1
                print(decision, flush=True)
    print(f"{counts.total()} decisions: {', '.join(f'{name} {n}' for name, n in counts.most_common())}")
    if output is not None:
        common.report_files([output])
