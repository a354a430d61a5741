"""Commands on recordings that MNE reads: evaluate, train, predict; and the demo, models, sys-info."""

from __future__ import annotations

import json
import shutil
import textwrap
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..utils.warn import warn
from . import common
from .choice import MODEL, Frequencies, Model, Recipe, make_classifier, make_estimator, print_suggestion

Recordings = Annotated[
    list[Path], common.needed("Recordings in any format that MNE reads, or epochs of MNE (.fif) or EEGLAB.")
]
Events = Annotated[
    list[str],
    typer.Option(
        "--event",
        metavar="[CLASS=]EVENT",
        help="Name of a class, and its annotation or stim code. Repeat for each class and event.",
        show_default=False,
    ),
]
FindEvents = Annotated[
    list[str] | None,
    common.optional(
        "How to find stim codes: a parameter of mne.find_events, such as mask=255. Repeat for several.",
        metavar="NAME=VALUE",
    ),
]
Tmin = Annotated[float, common.optional("Start of the epochs in s after the event.")]
Tmax = Annotated[float, common.optional("End of the epochs in s after the event.")]
LFreq = Annotated[float | None, common.optional("Lower cut-off frequency of the filter in Hz.")]
HFreq = Annotated[float | None, common.optional("Upper cut-off frequency of the filter in Hz.")]
Picks = Annotated[
    str | None,
    typer.Option(help="Channel names or types, such as C3,Cz,C4 or eeg. Default: all data channels."),
]
Sfreq = Annotated[float | None, common.optional("Sampling frequency to resample to, in Hz.")]
StandardNames = Annotated[
    bool,
    typer.Option(
        "--standard-names",
        help="Name EEG channels as in the 10-05 system (Fc5. becomes FC5), and give them its positions.",
    ),
]


@common.app.command()
def demo(
    output: Annotated[Path, common.output_option("Folder for the figures and report.html.", True)] = Path(
        "mne_cnnclass_demo"
    ),
    max_epochs: common.MaxEpochs = None,
    seed: common.Seed = 0,
):
    """Cross-validate a CNN and a linear model on a real EEG recording, then evaluate both on a test set.

    The recording is data set Ia of the BCI Competition II: self-regulated slow cortical potentials of one
    subject. Takes about half a minute.
    """
    import numpy as np
    from mne.decoding import Vectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from ..evaluation import evaluate, summary_table
    from ..samples.datasets import load_sample
    from ..samples.view import EpochsView

    view = EpochsView([load_sample("train"), load_sample("test")])
    common.make_folder(output)
    train, test = (np.flatnonzero(view.metadata["part"] == part) for part in ("train", "test"))
    models = {
        "CNN": make_classifier(max_epochs=max_epochs, seed=seed),
        "linear": make_pipeline(Vectorizer(), StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)),
    }
    print(f"Slow cortical potentials, {view}\n")
    results = {}
    for name, model in models.items():
        print(f"{name}: 5 folds of the {len(train)} training trials, then the {len(test)} test trials")
        results[f"{name}, CV"] = evaluate(model, view[train], cv=5, verbose=True)
        results[f"{name}, test"] = evaluate(model, view, cv=[(train, test)], verbose=True)
    print(f"\n{summary_table(results).T.to_string()}\n")
    print("CV: mean ± SD over folds; test: fitted on all training trials.")
    result = results["CNN, CV"]
    common.report_files([*result.save_figures(output), common.write_report(result, output)])


@common.app.command()
def evaluate(
    recordings: Recordings,
    event: Events,
    tmin: Tmin,
    tmax: Tmax,
    find_events: FindEvents = None,
    l_freq: LFreq = None,
    h_freq: HFreq = None,
    picks: Picks = None,
    sfreq: Sfreq = None,
    standard_names: StandardNames = False,
    model: Model = None,
    recipe: Recipe = None,
    frequency: Frequencies = None,
    max_epochs: common.MaxEpochs = None,
    cv: common.Folds = 5,
    group: Annotated[
        Literal["file", "subject"] | None,
        typer.Option(help="Keep each file or subject together, for scores on new ones."),
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option("--baselines", help="Also evaluate simple baselines on the same folds, and compare."),
    ] = False,
    probes: Annotated[
        bool,
        typer.Option("--probes", help="Also check whether eyes, muscles or order could give the same score."),
    ] = False,
    seed: common.Seed = 0,
    n_jobs: common.NJobs = 1,
    output: common.Folder = Path("mne_cnnclass_results"),
):
    """Cross-validate a CNN on recordings.

    Example: mne-cnnclass evaluate S0*R04.edf --event left=T1 --event right=T2 --tmin 1 --tmax 4
    --l-freq 4 --h-freq 38 --model EEGNet --group subject -o results
    """
    from ..estimators.baselines import baselines as make_baselines
    from ..evaluation import compare, evaluate, summary_table
    from ..evaluation.probes import verdicts_text

    clf = make_estimator(model, recipe, frequency, max_epochs, seed)
    settings = _settings(event, find_events, tmin, tmax, l_freq, h_freq, picks, sfreq, standard_names)
    view = _read(recordings, settings, group)
    if group is None and view.metadata["file"].nunique() > 1:
        warn(
            "The epochs of a file are on both sides of the folds, so the scores are those on subjects that "
            "were trained on. Give --group subject (or file) for those on new ones.",
            UserWarning,
        )
    common.make_folder(output)
    if model is None and recipe is None:
        print_suggestion(view)
    else:
        print(view)
    result = evaluate(clf, view, cv=cv, n_jobs=n_jobs, probes=probes, verbose=True)
    results, comparison = {recipe or model or MODEL: result}, None
    if baselines:
        for name, pipeline in make_baselines("eeg", random_state=seed).items():
            results[name] = evaluate(pipeline, view, cv=cv, n_jobs=n_jobs)
        comparison = compare(results)
    print(f"\n{summary_table(results).T.to_string()}\n\nMean ± SD over {cv} folds.")
    if probes:
        print(f"\nConfound probes\n{verdicts_text(result.probes)}")
    result = common.join_metadata(result, ["file", "onset"])
    files = result.save_figures(output) + result.to_csv(output)
    common.report_files([*files, common.write_report(result, output, comparison=comparison)])


@common.app.command()
def train(
    recordings: Recordings,
    event: Events,
    tmin: Tmin,
    tmax: Tmax,
    output: Annotated[Path, common.output_option("File to save the model to, such as hands.mcnn.")],
    find_events: FindEvents = None,
    l_freq: LFreq = None,
    h_freq: HFreq = None,
    picks: Picks = None,
    sfreq: Sfreq = None,
    standard_names: StandardNames = False,
    model: Model = None,
    recipe: Recipe = None,
    frequency: Frequencies = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="For `mne-cnnclass live`: filter as a stream is filtered, without later samples, and take "
            "the causal variant of a recipe.",
        ),
    ] = False,
    max_epochs: common.MaxEpochs = None,
    seed: common.Seed = 0,
    overwrite: common.Overwrite = False,
):
    """Train a CNN on recordings and save it for `mne-cnnclass predict`, or `mne-cnnclass live`.

    The file also contains the settings for making epochs, so that new recordings are processed in the same
    way.
    """
    from ..estimators.saving import save_classifier

    common.check_output(output, overwrite)
    clf = make_estimator(model, recipe, frequency, max_epochs, seed, causal=live, verbose=True)
    settings = _settings(event, find_events, tmin, tmax, l_freq, h_freq, picks, sfreq, standard_names)
    if live:
        settings.pop("montage", None)  # which streams don't have
    view = _read(recordings, settings, is_live=live)
    print(view)
    save_classifier(clf.fit(view), output, epochs_settings={"live": settings} if live else settings)
    common.report_files([output])


@common.app.command()
def predict(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            help="Model saved by `mne-cnnclass train`, unless --pretrained names one; recordings as for "
            "training.",
            metavar="[MODEL] RECORDING...",
            show_default=False,
        ),
    ],
    output: Annotated[Path, common.output_option("CSV file to write, with one row per epoch.")],
    pretrained: Annotated[
        str | None,
        common.optional(
            'Take a model that comes with the package, such as "motor imagery" (left or right hand).',
            metavar="TASK",
        ),
    ] = None,
    event: Annotated[
        list[str] | None,
        common.optional(
            "Event to cut epochs at. Repeat for several.",
            "the events used for training",
            metavar="[NAME=]EVENT",
        ),
    ] = None,
    find_events: FindEvents = None,
    tmin: Annotated[float | None, common.optional("Start of the epochs in s.", "as for training")] = None,
    tmax: Annotated[float | None, common.optional("End of the epochs in s.", "as for training")] = None,
    overwrite: common.Overwrite = False,
):
    """Predict the class of each epoch of recordings.

    The epochs are made as for training, from ten minutes of a recording at a time, so that recordings may be
    of any length; those of the ready model for motor imagery from all recordings of a person together. The
    columns of the table are file, onset (s), event, predicted, and the probability of each class.

    Example: mne-cnnclass predict --pretrained "motor imagery" S010R*.edf --event T1 --event T2 -o labels.csv
    """
    import pandas as pd

    from ..estimators import load_classifier, load_pretrained, read_epochs_settings
    from ..estimators.pretrained import pretrained_file
    from ..live import live_epochs
    from ..preprocessing import make_epochs
    from ..preprocessing.stretches import iter_epochs
    from ..samples.view import EpochsView

    common.check_output(output, overwrite)
    if pretrained is None:
        model, *recordings = recordings
        clf = load_classifier(model)
    else:
        model, clf = pretrained_file(pretrained), load_pretrained(pretrained)
        print(f"Ready model for {pretrained}: {clf.card_['trained_on']}. For research, not a medical device.")
    settings, make = read_epochs_settings(model), make_epochs
    if settings is not None and "live" in settings:
        settings, make = settings["live"], live_epochs
    if settings is not None and "events" not in settings:
        kind, command = ("heartbeats", "predict") if "beats" in settings else ("rhythms", "rhythm")
        raise ValueError(
            f"{model} is a classifier of {kind}: `mne-cnnclass ecg {command} {model} RECORD -o {kind}.csv`."
        )
    if settings is None:
        raise ValueError(
            f"{model} does not say how its epochs were made, as it was not written by `mne-cnnclass train`. "
            "Make the epochs in Python and use load_classifier(path).predict(epochs)."
        )
    if not recordings:
        raise ValueError(f"Give recordings besides the model {model}, or take a ready one by --pretrained.")
    if event:
        settings["events"] = _parse_events(event)
    if find_events:
        settings["find_events"] = _parse_values(find_events)
    settings |= {name: time for name, time in (("tmin", tmin), ("tmax", tmax)) if time is not None}
    # a model that aligns people needs all epochs of each
    group = settings.get("group")
    at_once = group is not None or make is live_epochs
    parts = [make(recordings, **settings)] if at_once else iter_epochs(recordings, **settings)
    tables = []
    for epochs in parts:
        view = EpochsView(epochs, groups=group)
        proba = clf.predict_proba(view)
        predicted = clf.classes_[proba.argmax(1)]
        table = view.metadata[["file", "onset"]].assign(event=view.labels, predicted=predicted)
        table[[f"proba_{name}" for name in clf.classes_]] = proba
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    table.to_csv(output, index=False)
    common.print_counts(table["predicted"], "epochs")
    common.report_files([output])


@common.app.command()
def models(
    everything: Annotated[
        bool, typer.Option("--all", help="Also list those that can't be used, with the reason.")
    ] = False,
):
    """List the architectures, with their purpose, paper, size and smallest input."""
    from ..networks import list_models

    table = list_models()
    unusable = table["usable"].eq(False).fillna(False)
    for name, row in table[~unusable].iterrows():
        size = f"{row['n_parameters']:,} weights" if row.notna()["n_parameters"] else ""
        units = dict(min_channels="channel(s)", min_times="time point(s)")
        least = [f"{row[column]} {unit}" for column, unit in units.items() if row.notna()[column]]
        least = f"at least {' and '.join(least)}" if least else ""
        needs = f"needs {row['needs']}" if row["needs"] else ""
        _print_entry(name, row["purpose"], row["paper"], "; ".join(filter(None, [size, least, needs])))
    if everything:
        print(f"\n{unusable.sum()} that can't be used:")
        for name, row in table[unusable].iterrows():
            _print_entry(name, row["reason"])
    else:
        print(f"\n{unusable.sum()} more can't be used; --all lists them with the reason.")


@common.app.command("sys-info")
def sys_info():
    """Show the software versions and the hardware that results depend on."""
    from ..utils.versions import sys_info

    sys_info()


def _parse_events(texts):
    """``CLASS=EVENT`` texts as a dict of class to event, or events; an event alone is its own class."""
    events = {}
    for text in texts:
        name, _, event = text.partition("=") if "=" in text else (text, "", text)
        if not event or not name:
            raise ValueError(f"--event must be EVENT or CLASS=EVENT, such as left=T1, got {text!r}.")
        events[name] = [*events.get(name, []), event]
    return {name: its[0] if len(its) == 1 else its for name, its in events.items()}


def _parse_values(texts):
    """``NAME=VALUE`` texts as a dict; numbers, true and false, and lists are as in JSON, others are text."""
    values = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            values[name] = json.loads(value.lower() if value in ("True", "False") else value)
        except json.JSONDecodeError:
            values[name] = value
    return values


def _settings(event, find_events, tmin, tmax, l_freq, h_freq, picks, sfreq, standard_names):
    """How epochs are made: the arguments of make_epochs."""
    picks = None if picks is None else [name.strip() for name in picks.split(",")]
    band = dict(l_freq=l_freq, h_freq=h_freq, picks=picks, sfreq=sfreq)
    names = dict(rename="standard", montage="standard_1005") if standard_names else {}
    found = dict(find_events=_parse_values(find_events)) if find_events else {}
    return dict(events=_parse_events(event), tmin=tmin, tmax=tmax) | found | band | names


def _read(recordings, settings, group=None, *, is_live=False):
    from ..live import live_epochs
    from ..preprocessing import make_epochs
    from ..samples.view import EpochsView

    make = live_epochs if is_live else make_epochs
    return EpochsView(make(recordings, **settings, group=group), groups=group)


def _print_entry(name, *texts, indent=24):
    """A name, and beside it a paragraph for each text, as wide as the terminal."""
    width = max(shutil.get_terminal_size().columns - 1, 2 * indent)
    left = f"{name:<{indent - 1}} "
    for text in filter(None, texts):
        print(textwrap.fill(text, width, initial_indent=left, subsequent_indent=" " * indent))
        left = " " * indent
