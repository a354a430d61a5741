"""What is trained: a network or a recipe, by options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from . import common

MODEL = "MultiViewCNN"
Model = Annotated[str | None, common.optional("Architecture; see `mne-cnnclass models`.", MODEL)]
Recipe = Annotated[
    str | None, common.optional("Pipeline made for a task, in place of --model, such as 'motor imagery'.")
]
Frequencies = Annotated[
    list[str] | None,
    typer.Option(
        "--frequency",
        help="For --recipe ssvep: how fast the light of a class flickers in Hz, 0 for none. Repeat for each.",
        metavar="CLASS=HZ",
        show_default=False,
    ),
]


def make_estimator(model, recipe, frequencies, max_epochs, seed, *, causal=False, **options):
    """A network, or the pipeline of a recipe; a wrong name is an error before recordings are read."""
    if frequencies and recipe != "ssvep":
        raise ValueError("--frequency is for --recipe ssvep alone.")
    if recipe is None:
        return make_classifier(model or MODEL, max_epochs, seed, **options)
    if model is not None:
        raise ValueError(f"--model {model} and --recipe {recipe!r} exclude each other. Give one of them.")
    from ..estimators import recipe as make

    params = {"frequencies": _parse_frequencies(frequencies)} if frequencies else {}
    pipeline = make(recipe, causal=causal, random_state=seed, **params)
    if max_epochs is None:
        return pipeline
    names = [name for name in pipeline.get_params() if name.endswith("__max_epochs")]
    if not names:
        raise ValueError(f"--max-epochs is for networks, and --recipe {recipe!r} has none. Leave it out.")
    return pipeline.set_params(**dict.fromkeys(names, max_epochs))


def make_classifier(model=MODEL, max_epochs=None, seed=0, **options):
    """A network of an architecture."""
    from ..estimators.cnn import CNNClassifier
    from ..networks.build import resolve_model

    resolve_model(model)
    if max_epochs is not None:
        options["max_epochs"] = max_epochs
    return CNNClassifier(model, random_state=seed, **options)


def print_suggestion(view):
    """What fits the samples, before the default network is trained on them."""
    from ..estimators import suggest

    suggestion = suggest(view)
    others = ["--model", *([f"--recipe {suggestion.recipe!r}"] if suggestion.recipe else [])]
    print(
        f"{suggestion}\n\n{MODEL} is trained now, as neither --model nor --recipe is given; "
        f"{' or '.join(others)} takes another.\n",
        flush=True,
    )


def _parse_frequencies(texts):
    """``CLASS=HZ`` texts as a dict."""
    try:
        found = {name: float(hertz) for name, _, hertz in (text.rpartition("=") for text in texts)}
    except ValueError:
        found = {"": 0}
    if "" in found:
        raise ValueError(f"--frequency must be CLASS=HZ, such as left=13, got {', '.join(texts)}.")
    return found
