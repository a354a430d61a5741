"""Probabilities over time while a signal comes in, with the cues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..utils.docs import fill_doc
from .style import CHANCE, LEGEND, class_names, class_style, get_axes


@fill_doc
def plot_decisions(
    times: ArrayLike,
    proba: ArrayLike,
    *,
    classes: Sequence[Any],
    cues: Sequence[tuple[float, float, Any]] = (),
    threshold: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot the probability of each class over time, with the cues shaded.

    Parameters
    ----------
    times : array, shape (n_decisions,)
        The time of each decision in s.
    proba : array, shape (n_decisions, n_classes)
        The probabilities; NaN where a window was not judged, which leaves a gap.
    classes : sequence
        The classes, in the order of the columns of ``proba``.
    cues : sequence of (float, float, class)
        Start and end in s, and the class, of each cue. It is shaded in the colour of its class.
    threshold : None | float
        The probability from which a decision counts, drawn as a line.
    %(title)s
    %(ax)s

    %(returns_fig)s

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.viz import plot_decisions
    >>> times = np.arange(20) / 2
    >>> left = 0.5 + 0.4 * np.sin(times)
    >>> fig = plot_decisions(times, np.column_stack([left, 1 - left]), classes=["left", "right"],
    ...                      cues=[(0, 3, "left"), (4, 6, "right")], threshold=0.7)
    """
    times, proba = np.asarray(times, float), np.asarray(proba, float)
    if proba.shape != (len(times), len(classes)):
        raise ValueError(
            f"proba must have a row a time and a column a class, shape ({len(times)}, {len(classes)}), got "
            f"{proba.shape}."
        )
    (axes,) = get_axes(ax, (9, 3.2), title=title)
    names = class_names(classes)
    for k, name in enumerate(names):
        own = [(start, end) for start, end, its in cues if its == classes[k]]
        style = class_style(k)
        for start, end in own:
            axes.axvspan(start, end, color=style["color"], alpha=0.15, linewidth=0)
        n_cues = f" (shaded: {len(own)} cues)" if own else ""
        axes.plot(times, proba[:, k], linewidth=1.2, label=f"{name}{n_cues}", **style)
    if threshold is not None:
        axes.axhline(threshold, label=f"threshold {threshold:g}", **CHANCE)
    n_judged = int(np.isfinite(proba).all(axis=1).sum())
    axes.set(xlabel="Time of the decision (s)", ylabel="Probability", ylim=(-0.02, 1.02))
    axes.margins(x=0.01)
    legend = dict(loc="upper left", bbox_to_anchor=(1.0, 1.0), title=f"{n_judged} of {len(times)} judged")
    axes.legend(**legend, **LEGEND)
    return axes.figure
