"""What all commands share: the application, options, errors in one line. Heavy libraries load in commands."""

from __future__ import annotations

import os
import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from .._version import __version__

DEBUG_VARIABLE = "MNE_CNNCLASS_DEBUG"

STYLE = dict(
    rich_markup_mode=None,  # plain text reads well in pipes and narrow terminals
    context_settings={"help_option_names": ["-h", "--help"]},
)

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=f"Set {DEBUG_VARIABLE}=1 to show the traceback of an error.",
    **STYLE,
)


def needed(text):
    """An argument that has no default."""
    return typer.Argument(help=text, show_default=False)


def optional(text, shown=False, **options):
    """An option whose default is not a value to show: the help says ``shown`` in its place, or nothing."""
    return typer.Option(help=text, show_default=shown, **options)


def output_option(text, shown=False):
    """The option for what a command writes."""
    return typer.Option("-o", "--output", help=text, show_default=shown)


MAX_EPOCHS = "Number of training epochs (passes over the training data)."
MaxEpochs = Annotated[int | None, optional(MAX_EPOCHS, "as CNNClassifier", min=1)]
Folds = Annotated[int, typer.Option(min=2, help="Number of folds.")]
Folder = Annotated[Path, output_option("Folder for report.html, the figures and the tables.", True)]
Seed = Annotated[int, typer.Option(help="Random seed; the same seed gives the same results.")]
N_JOBS = "Number of folds to run in parallel; -1 uses all cores."
NJobs = Annotated[int, typer.Option(help=N_JOBS)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output file if it exists.")]


def main(args=None):
    """Run the command line, or a list of arguments; errors are one line on stderr, with exit code 2."""
    os.environ.setdefault("MNE_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("MPLBACKEND", "agg")
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning):  # for developers of the libraries, not for users
            warnings.simplefilter("ignore", category)
        warnings.showwarning = _show_warning
        try:
            code = app(args, prog_name="mne-cnnclass", standalone_mode=False)
        except typer.Abort:
            code = 130
        except Exception as error:
            if os.environ.get(DEBUG_VARIABLE, "0") != "0":
                raise
            print(f"Error: {one_line(error)}", file=sys.stderr)
            code = 2
    sys.exit(code)


def _show_warning(message, *_, **__):
    print(f"Warning: {one_line(message)}", file=sys.stderr)


def one_line(error):
    """The message of an error or warning in one line, with its kind if it is a defect and no mistake.

    Indented lines of code become statements of one line.
    """
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    text, *code = re.split(r"\n(?=  \w+)", text)
    text = " ".join([*text.split(), "; ".join(line.strip() for line in code)]).strip()
    meant = (ValueError, TypeError, OSError, ImportError, RuntimeError, Warning)
    if hasattr(error, "format_message") or isinstance(error, meant):
        return text
    return f"{type(error).__name__}: {text} (unexpected; {DEBUG_VARIABLE}=1 shows where)"


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
):
    """Classify EEG and ECG epochs with convolutional networks."""
    if version:
        print(f"mne-cnnclass {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


def check_output(path, overwrite):
    """Refuse a file that can't be written, or that exists, before any work is done for it."""
    folder = path.resolve().parent
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file for -o.")
    if not folder.is_dir():
        raise FileNotFoundError(f"No such folder: {folder}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists. Choose another name, or replace it with --overwrite.")
    if not all(os.access(place, os.W_OK) for place in (folder, path) if place.exists()):
        raise PermissionError(f"{path} may not be written. Name another file for -o.")


def make_folder(path):
    """Make a folder for results that can be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise type(error)(f"{path} is a file, or lies below one; name a folder for -o.") from error
    if not os.access(path, os.W_OK):
        raise PermissionError(f"{path} may not be written. Name another folder for -o.")


def write_report(result, folder, sections=None, comparison=None):
    """Write the report of an evaluation, and further sections, into a folder; its path."""
    from ..report.build import add_sections

    path = folder / "report.html"
    report = add_sections(result.report(comparison=comparison), sections or {})
    report.save(path, overwrite=True, open_browser=False, verbose="ERROR")
    return path


def join_metadata(result, columns):
    """Add columns of the samples' metadata to the predictions of an evaluation."""
    table = result.view.metadata[columns].iloc[result.predictions["sample"]].reset_index(drop=True)
    return replace(result, predictions=result.predictions.join(table))


def print_counts(labels, what):
    """Print how many were predicted, and how many of each class."""
    counts = ", ".join(f"{name} {n}" for name, n in labels.value_counts().items())
    print(f"{len(labels)} {what}: {counts}")


def report_files(paths):
    """Name what was written."""
    print("\n".join(["Written:", *(f"  {path}" for path in paths)]))
