"""The page about what should know nothing of the classes."""

from __future__ import annotations

from .html import bullets, html_table


def probes_pages(result):
    """How well models do that should know nothing."""
    if result.probes is None:
        yield (
            None,
            "Confound probes: evaluate(..., probes=True) scores, on the same splits, simple models of what "
            "should know nothing: eye movements, muscles, order in the recording, quality of the channels, "
            "the time before the event, the group.",
        )
        return
    table = result.probes.rename(columns=lambda name: name.replace("_", " "))
    numbers = table.drop(columns=["verdict"])
    verdicts = [f"{name}: {text}" for name, text in result.probes["verdict"].items()]
    yield "What they say", bullets(verdicts) + html_table(numbers)
