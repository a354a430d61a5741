"""Commands ``mne-cnnclass ecg …`` that train: on annotated heartbeats of WFDB records."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..utils.warn import warn
from . import common

N_SHOWN = 5  # records with most errors
HELP = "Classify heartbeats and rhythms: by ready models, or evaluate and train others."
ecg_app = typer.Typer(help=HELP, no_args_is_help=True, **common.STYLE)
common.app.add_typer(ecg_app, name="ecg")

Records = Annotated[list[Path], common.needed("WFDB records, such as mitdb/101, or folders of records.")]
ClassMap = Annotated[
    str,
    typer.Option(
        "--map",
        metavar="aami|CLASS=SYMBOLS,…",
        help="Classes and their annotation symbols: those of AAMI, or for example normal=NLR,ectopic=AV.",
    ),
]
LEADS = "Leads, such as MLII,V1. MLII,V1|V5 uses V5 if a record has no V1."
Annotator = Annotated[str, typer.Option(help="Ending of the files of annotations, such as qrs.")]
Leads = Annotated[str | None, common.optional(LEADS, "a limb lead and a chest lead")]
Causal = Annotated[
    bool, typer.Option("--causal", help="Use only the signal up to each beat, as required for live use.")
]


@ecg_app.command()
def evaluate(
    records: Records,
    class_map: ClassMap = "aami",
    leads: Leads = None,
    annotator: Annotator = "atr",
    group: Annotated[
        Literal["patient", "record"],
        typer.Option(help="Keep each patient or record together, for scores on new ones."),
    ] = "patient",
    cv: common.Folds = 5,
    causal: Causal = False,
    seed: common.Seed = 0,
    n_jobs: common.NJobs = 1,
    output: common.Folder = Path("mne_cnnclass_results"),
):
    """Cross-validate a classifier of annotated heartbeats on new patients.

    Example: mne-cnnclass ecg evaluate mitdb --map aami --leads "MLII,V1|V5" -o results
    """
    from ..evaluation import evaluate
    from ..samples.view import EpochsView

    settings = _settings(class_map, leads, causal)
    every = EpochsView(_read_folder(records, settings, annotator, group, unusable="keep"), groups=group)
    is_good = (every.metadata["quality"] == "good").to_numpy()
    view, others = every[is_good], every[~is_good]
    common.make_folder(output)
    print(view)
    result = evaluate(_pipeline(settings, seed), view, cv=cv, n_jobs=n_jobs, verbose=True)
    result = common.join_metadata(result, ["record", "onset", "symbol"])
    tables = {"classes.csv": result.class_scores(intervals=True), "errors.csv": result.group_errors()}
    judged = _describe_judged(result, others)
    _print_scores(result, *tables.values(), group)
    print(f"\n{judged}\n")
    for name, table in tables.items():
        table.to_csv(output / name)
    files = [output / name for name in tables] + result.to_csv(output) + result.save_figures(output)
    pages = _beat_pages(result, view, others, judged, records, annotator)
    for name, (_, fig, _) in pages.items():
        files.append(output / f"{name}.png")
        fig.savefig(files[-1], dpi=150)
    files.append(common.write_report(result, output, {"ECG": pages.values()}))
    common.report_files(files)


@ecg_app.command()
def train(
    records: Records,
    output: Annotated[Path, common.output_option("File to save the model to, such as beats.mcnn.")],
    class_map: ClassMap = "aami",
    leads: Leads = None,
    annotator: Annotator = "atr",
    causal: Causal = False,
    seed: common.Seed = 0,
    overwrite: common.Overwrite = False,
):
    """Train a classifier on annotated heartbeats and save it for `mne-cnnclass ecg predict`."""
    from ..estimators.saving import save_classifier
    from ..samples.view import EpochsView

    common.check_output(output, overwrite)
    settings = _settings(class_map, leads, causal)
    view = EpochsView(_read_folder(records, settings, annotator), groups="patient")
    print(view)
    save_classifier(_pipeline(settings, seed).fit(view), output, epochs_settings={"beats": settings})
    common.report_files([output])


def _settings(text, leads, causal):
    """Arguments of make_beat_epochs."""
    from ..ecg import AAMI_CLASSES, LEADS

    classes = AAMI_CLASSES
    if text != "aami":
        pairs = [part.partition("=")[::2] for part in text.split(",")]
        classes = {name.strip(): symbols.strip() for name, symbols in pairs}
        joined = ";" in text or any("=" in symbols for symbols in classes.values())
        if joined or not all(classes) or not all(classes.values()) or len(classes) < len(pairs):
            raise ValueError(
                "--map must be aami, or classes with the symbols in each, with commas between classes, such "
                f"as normal=NLR,ectopic=AV; got {text!r}."
            )
    leads = LEADS if leads is None else [name.strip() for name in leads.split(",")]
    return dict(classes=dict(classes), leads=list(leads), causal=causal)


def _read_folder(paths, settings, annotator, group="patient", unusable="drop"):
    """Beats of each record; records that lack a lead are left out, with a warning that names them."""
    from tqdm import tqdm

    from ..ecg import make_beat_epochs, read_raw_wfdb
    from ..ecg.errors import Advised, MissingLead, NoAnnotations, NoBeats
    from ..ecg.files import find_records
    from ..ecg.leads import name_people, origin_of

    advice = {
        NoAnnotations: "Give --annotator an ending that all records have, or leave the record out.",
        NoBeats: "Give --map the symbols of its beats, or leave the record out.",
    }
    epochs, origins, left = [], [], {}
    for record in tqdm(find_records(paths), desc="Records", disable=None):
        try:
            raw = read_raw_wfdb(record, annotator=annotator)
            epochs.append(make_beat_epochs(raw, **settings, unusable=unusable))
            origins.append(origin_of(raw))
        except MissingLead:
            left[record.name] = ", ".join(raw.ch_names)
        except Advised as error:
            raise type(error)(error.args[0], advice[type(error)]) from error
    if not epochs:
        have = "; ".join(f"{n} × {names}" for names, n in Counter(left.values()).most_common(N_SHOWN))
        raise ValueError(
            f"No record has all leads of --leads {','.join(settings['leads'])}. They have: {have}. Give "
            'those that they have, with a bar where they differ, as in --leads "MLII|II,V1|V5".'
        )
    if left:
        names = "; ".join(f"{name} ({have})" for name, have in left.items())
        warn(
            f"{len(left)} of {len(left) + len(epochs)} records lack a lead of {','.join(settings['leads'])} "
            f"and are left out: {names}. With a bar between names the first that a record has is taken, as "
            f'in --leads "MLII|II,V1|V5".',
        )
    name_people(epochs, origins)
    logs = [of.preparation[0] for of in epochs if of.metadata["patient"].isna().any()]
    if logs and group == "patient":
        file, _, why, _ = logs[0]
        raise ValueError(
            f"The patients of {len(logs)} records can't be determined, such as {file}: {why}. Put each "
            "patient's records into a folder such as patient_01, or evaluate by --group record."
        )
    return epochs


def _pipeline(settings, seed):
    """The recipe, with the role that each of the classes has in the rhythm of a heart."""
    from ..estimators.beats import class_roles
    from ..estimators.recipes import recipe

    pipeline = recipe("heartbeats", causal=settings["causal"], random_state=seed)
    pipeline[-1].set_params(**class_roles(settings["classes"]))
    return pipeline


def _describe_judged(result, others):
    """What share of the beats was judged, and the scores if the others count as wrong."""
    from ..ecg import score_all

    judged, accuracy, f1 = 100 * score_all(result, others.labels)
    reasons = ", ".join(f"{n} {name}" for name, n in others.metadata["quality"].value_counts().items())
    text = f"Judged: {judged:.2f} % of {len(result.predictions) + len(others)} beats"
    all_of_them = f"counting the others as wrong, accuracy {accuracy:.1f} %, macro F1 {f1:.1f} %"
    return f"{text} (not: {reasons}); {all_of_them}." if reasons else f"{text}."


def _print_scores(result, classes, errors, group):
    """Rates in percent with their intervals, and where the errors are."""
    import pandas as pd

    from ..report.html import words

    columns = {"n": classes["n"].astype(str)}
    for name in ("sensitivity", "positive_predictivity", "specificity", "f1"):
        columns[f"{words(name).replace('f1', 'F1')} (%)"] = [
            "–" if pd.isna(value) else f"{100 * value:.1f} ({100 * low:.1f}–{100 * high:.1f})"
            for value, low, high in classes[[name, f"{name}_low", f"{name}_high"]].to_numpy()
        ]
    summary = result.summary()
    print(f"\n{pd.DataFrame(columns).to_string()}\n")
    for metric, shown in (("accuracy", "accuracy"), ("f1_macro", "macro F1")):
        value, low, high, chance = summary.loc[metric, ["pooled", "low", "high", "chance"]]
        print(f"{shown} {100 * value:.1f} % ({100 * low:.1f}–{100 * high:.1f}), chance {100 * chance:.1f} %")
    n_groups = result.predictions["group"].nunique()
    print(f"In brackets: 95 % confidence interval over {n_groups} {group}s, whole in each of the folds.\n")
    print(f"Most errors, by {group}:")
    for name, row in errors[errors["errors"] > 0].head(N_SHOWN).iterrows():
        print(
            f"  {name}: {row['errors']} of {row['n']} beats, {100 * row['share']:.1f} % of all errors, most "
            f"often {row['most_frequent']} ({row['times']})"
        )


def _beat_pages(result, view, others, judged, paths, annotator):
    """Average beats, the surest errors, and ten seconds with most errors of the record that has most.

    A dict of file name to heading, figure and caption.
    """
    import numpy as np
    import pandas as pd

    from .. import viz
    from ..ecg import read_raw_wfdb
    from ..ecg.files import find_records
    from ..ecg.quality import NOT_JUDGED

    table = result.predictions
    wrong = table["y_true"] != table["y_pred"]
    record = table["record"][wrong].mode().iloc[0] if wrong.any() else table["record"].iloc[0]
    own = table[table["record"] == record]
    errors = np.sort(own["onset"][wrong[own.index]].to_numpy())
    unread = others.metadata[["record", "onset"]].assign(y_true=others.labels, y_pred=NOT_JUDGED)
    own = pd.concat([own, unread[unread["record"] == record]]).sort_values("onset")
    start = 0.0
    if len(errors):
        n_near = np.searchsorted(errors, errors + 9) - np.arange(len(errors))
        start = max(0.0, errors[n_near.argmax()] - 0.5)
    ending = f"/{record}"  # as many folders as tell records apart
    path = next(path for path in find_records(paths) if path.absolute().as_posix().endswith(ending))
    raw = read_raw_wfdb(path, annotator=annotator)
    leads = view.metadata["leads"][view.metadata["record"] == record].iloc[0].split(", ")
    raw.set_channel_types(dict.fromkeys(leads, "ecg"), verbose="ERROR")
    average, errors = viz.plot_average_beats(view), viz.plot_beat_errors(view, table)
    stretch = viz.plot_beats(raw, own["onset"], own["y_pred"], own["y_true"], start=start)
    return {
        "average_beats": ("Average beats", average, f"Of the true classes. {judged}"),
        "surest_errors": ("Surest errors", errors, "And how sure the predictions are, right and wrong ones."),
        f"record_{record.replace('/', '_')}": (
            f"Record {record}",
            stretch,
            "The ten seconds with most errors of this record.",
        ),
    }
