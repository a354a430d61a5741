"""Pages about what a fitted classifier looks at."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from .. import explain
from ..estimators.cnn import CNNClassifier
from ..viz.explain import plot_importance
from ..viz.signals import plot_heads
from ..viz.style import COLORS, class_names, class_style, get_axes
from .data import MAX_ROWS, display_unit, draw_rows, find_bands, has_positions
from .html import html_table, paragraph

MAX_EXPLAINED = 60  # samples: gradients are taken at eight points for each


def explanations_pages(clf, view, result):
    """Bands, patterns, filters and saliency of a fitted classifier."""
    if clf is None:
        yield None, "What the classifier relies on: report(..., explain=clf) explains one that is fitted."
        return
    from ..explain.components import FRONTS  # which needs torch
    from ..networks.side_inputs import signal_network

    part = view[draw_rows(view.labels, MAX_EXPLAINED)]
    trained = (
        "If it was trained on them, this shows what it memorised, too; give held-out samples as explain_on=."
    )
    yield "Samples", paragraph(_describe_selection(part, view), trained * (view is result.view))
    bands = find_bands(np.fft.rfftfreq(len(part.times), 1 / part.sfreq), part.info)
    if bands:
        importance = explain.band_importance(clf, part, bands=bands, n_repeats=5, random_state=0)
        caption = "Loss of score when a band of a sample is that of another one; mean ± SD of permutations."
        yield "Frequency bands", plot_importance(importance), caption
    else:
        yield "Frequency bands", paragraph("The windows are too short to separate frequency bands.")
    network = clf[-1] if isinstance(clf, Pipeline) else clf
    if not isinstance(network, CNNClassifier):
        note = "Patterns, filters and saliency are those of a CNNClassifier, which this is not."
        yield "Network", paragraph(note)
        return
    if network is not clf:  # its input is the output of the steps before it
        part = clf[:-1].transform(part)
    saliency = explain.saliency(network, part, n_steps=8, random_state=0)
    info = next(iter(saliency.values())).info
    if any(cls.__name__ in FRONTS for cls in type(signal_network(network.module_)).__mro__):
        yield from _components(network, part, info)
    else:
        note = f"They are known of {', '.join(FRONTS)}, which this network is not."
        yield "Patterns and filters", paragraph(note)
    yield from _draw_saliency(saliency, info)


def _describe_selection(part, view):
    """How many samples were looked at, and how they were drawn."""
    if len(part) == len(view):
        return f"All {len(view)} samples were looked at."
    return (
        f"{len(part)} of {len(view)} samples were looked at: evenly spaced within each class, and in "
        "proportion to the classes, but at least five a class."
    )


def _components(clf, part, info):
    """Patterns and filters of the components that contribute most."""
    contributions = explain.component_contributions(clf, part, n_steps=8, random_state=0)
    best = contributions.mean(axis=1).nlargest(4).index
    patterns = explain.spatial_patterns(clf, part).data[:, best]
    gains = explain.filter_responses(clf)[best]
    names = [f"component {number}" for number in best]
    if has_positions(info):
        scaled = patterns / np.abs(patterns).max(axis=0)
        fig = plot_heads(scaled.T[None], info, rows=[""], columns=names, label="Pattern (largest = 1)")
        yield "Spatial patterns", fig, "Where the signals of the four components that matter most come from."
    else:
        scale, unit = display_unit(info.get_channel_types()[0])
        table = pd.DataFrame(scale * patterns, info["ch_names"], names).rename_axis(f"channel ({unit})")
        yield "Spatial patterns", html_table(table)
    ax = get_axes(None, figsize=(5.6, 3.2))[0]
    for name, number, color in zip(names, best, COLORS, strict=False):
        ax.plot(gains.index, gains[number], color=color, label=name)
    ax.set(xlabel="Frequency (Hz)", ylabel="Gain (largest = 1)")
    ax.legend(fontsize="small")
    yield "Temporal filters", ax.figure, "Which frequencies pass the filters of these components."


def _draw_saliency(saliency, info):
    """Saliency of each class over the head and over time."""
    label, labels = "Contribution to the logit", list(saliency)
    caption = "What in the samples of a class speaks for it, by expected gradients."
    if has_positions(info):
        totals = np.array([[saliency[name].data.sum(axis=1)] for name in labels[:MAX_ROWS]])
        fig = plot_heads(totals, info, rows=labels[:MAX_ROWS], columns=["sum over time"], label=label)
        yield "Saliency over the head", fig, caption
    ax = get_axes(None, figsize=(5.6, 3.2))[0]
    for i, (name, text) in enumerate(zip(labels, class_names(labels), strict=True)):
        curve = saliency[name].data.sum(axis=0)
        ax.plot(saliency[name].times, curve, label=f"class {text}", **class_style(i))
    ax.set(xlabel="Time (s)", ylabel=f"{label},\nsum over channels")
    ax.figure.set_figheight(3.2 + 0.2 * (len(labels) // 2))
    ax.figure.legend(loc="outside upper left", ncols=2, fontsize="small")
    yield "Saliency over time", ax.figure, caption
