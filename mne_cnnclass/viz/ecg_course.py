"""What an ECG shows over time: heart rate, rhythm, how many beats of each class, and what is not judged."""

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from ..ecg.findings import MEANINGS, RHYTHMS, clock
from ..ecg.quality import NOT_JUDGED
from .style import class_names, new_figure

STEPS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)  # s between labels
MOST_LABELS = 9
SHADES = ("#56B4E9", "#CC79A7", "#E69F00", "#882255", "#117733")  # of rhythms, others than those of beats


def plot_course(bins, width, rhythm, classes, duration):
    """Draw the bins of `bin_beats`, and the windows of `predict_rhythm` if there are any, over time.

    ``classes`` are those of beats to draw a panel each of, with the colour that each has.
    """
    rows = ["rate", *(["rhythm"] if len(rhythm) else []), *classes, "lost"]
    heights = [1.5 if row == "rate" else 1.1 if row == "rhythm" else 0.8 for row in rows]
    options = dict(sharex=True, height_ratios=heights)
    fig, axes = new_figure(len(rows), 1, (10, 0.8 + 1.15 * sum(heights)), **options)
    axes = dict(zip(rows, axes[:, 0], strict=True))
    middle, unit = bins["onset"] + width / 2, _words(width)
    _draw_rate(axes["rate"], bins, middle, unit)
    if len(rhythm):
        _draw_rhythm(axes["rhythm"], rhythm)
    judged = bins["judged"].where(bins["judged"] > 0)
    for name, color in classes.items():
        share, n, total = 100 * bins[name] / judged, bins[name].sum(), bins["judged"].sum()
        axes[name].bar(middle, share, width, color=color)
        axes[name].set_ylim(0, max(5.0, 1.1 * np.nan_to_num(share.max())))
        axes[name].set_ylabel("% of judged\nbeats", fontsize="small")
        meaning = f" ({MEANINGS[name]})" if name in MEANINGS else ""
        text = f"{class_names([name])[0]}{meaning}: {n:d} of {total:d} judged beats, by {unit}"
        axes[name].set_title(text, loc="left", fontsize="small")
    lost = 100 * (bins["beats"] - bins["judged"]) / bins["beats"].where(bins["beats"] > 0)
    n_lost, n_beats = (bins["beats"] - bins["judged"]).sum(), bins["beats"].sum()
    axes["lost"].bar(middle, lost, width, color="0.45")
    empty = bins["beats"] == 0
    axes["lost"].bar(
        middle[empty],
        100.0,
        width,
        color="none",
        edgecolor="0.6",
        hatch="////",
        linewidth=0,
        label="no beat found",
    )
    axes["lost"].set(ylim=(0, 100))
    axes["lost"].set_ylabel("% of beats", fontsize="small")
    hatched = "; hatched: no beat was found" * bool(empty.any())
    title = f"Not judged: {n_lost:d} of {n_beats:d} beats, by {unit}{hatched}"
    axes["lost"].set_title(title, loc="left", fontsize="small")
    for name, ax in axes.items():
        ax.tick_params(labelsize="small")
        if name != "rhythm":
            ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    _label_times(axes["lost"], duration)
    return fig


def _draw_rate(ax, bins, middle, unit):
    low, high = bins["rate_low"], bins["rate_high"]
    ax.fill_between(middle, low, high, color="0.75", linewidth=0, label=f"5th to 95th percentile, by {unit}")
    marker = dict(marker="o", markersize=2.5) if bins["rate"].notna().sum() < 60 else {}
    ax.plot(middle, bins["rate"], color="black", linewidth=1.2, label=f"median, by {unit}", **marker)
    ax.set_ylabel("Heart rate\n(beats/min)", fontsize="small")
    n = int(bins["judged"].sum())
    ax.set_title(f"Heart rate, from the intervals of {n:d} judged beats", loc="left", fontsize="small")
    ax.legend(fontsize="x-small", loc="upper right", ncols=2, framealpha=0.8)
    top = np.nanmax(high.to_numpy(float), initial=100.0)
    ax.set_ylim(0, 1.3 * top)


def _draw_rhythm(ax, rhythm):
    """A row for each rhythm that was told, and the windows in which it was."""
    names = [name for name in RHYTHMS if (rhythm["description"] == name).any() or name in "NA"]
    names += sorted({*rhythm["description"]} - {*names, NOT_JUDGED})
    names += [NOT_JUDGED] * bool((rhythm["description"] == NOT_JUDGED).any())
    n = len(rhythm)
    for row, name in enumerate(names):
        own = rhythm[rhythm["description"] == name]
        color = "0.6" if name == NOT_JUDGED else SHADES[row % len(SHADES)]
        ax.broken_barh(
            list(zip(own["onset"], own["duration"], strict=True)), (row - 0.4, 0.8), color=color, linewidth=0
        )
    words = [f"{RHYTHMS.get(name, name)}, {(rhythm['description'] == name).sum()}" for name in names]
    ax.set(yticks=range(len(names)), yticklabels=words, ylim=(len(names) - 0.5, -0.5))
    seconds = rhythm["duration"].median()
    ax.set_title(f"Rhythm of each of {n} windows of {seconds:.3g} s", loc="left", fontsize="small")


def _label_times(ax, duration):
    step = next((step for step in STEPS if duration <= MOST_LABELS * step), STEPS[-1])
    ax.xaxis.set_major_locator(MultipleLocator(step))
    short = step % 60 == 0 and duration > 600
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: clock(max(value, 0))[: -3 if short else None])
    )
    ax.set_xlim(0, duration)
    ax.set_xlabel(f"Time from the start of the recording ({'h:mm' if short else 'h:mm:ss'})")


def _words(width):
    """The width of a bin in words."""
    value, unit = (width / 60, "min") if width >= 60 else (width, "s")
    return f"{value:g} {unit}"
