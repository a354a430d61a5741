"""The page of confound probes: models of what should hold no information on the classes."""

from .html import bullets, html_table, words

NOT_PROBED = (
    "Confound probes: evaluate(..., probes=True) scores, on the same splits, simple models of what should "
    "know nothing: eye movements, muscles, order in the recording, quality of the channels, the time before "
    "the event, the group."
)


def probes_pages(result):
    """How well the probes do."""
    if result.probes is None:
        yield None, NOT_PROBED
        return
    verdicts = [f"{name}: {text}" for name, text in result.probes["verdict"].items()]
    numbers = result.probes.drop(columns="verdict").rename(columns=words)
    yield "What they say", bullets(verdicts) + html_table(numbers)
