"""What all figures share: colours, the chance line, axes, names of classes."""

import textwrap

import numpy as np

# Okabe & Ito (2008), Color Universal Design: told apart by colour-blind people. Black is kept for means.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINESTYLES = ("-", (0, (5, 1.5)), (0, (1, 1)))
CHANCE = dict(color="0.45", linestyle="--", linewidth=1)
FOLD = dict(linewidth=0.8, alpha=0.4)
MEAN = dict(linewidth=2.2)
LEGEND = dict(fontsize="small", title_fontsize="small")


def class_names(classes, width=24):
    """Names of classes as texts to draw: long ones on several lines, a dollar sign as itself."""
    return [textwrap.fill(str(name), width).replace("$", r"\$") for name in classes]


def longest_line(names):
    """Number of characters in the longest line of several texts."""
    return max(len(line) for name in names for line in name.splitlines())


def class_style(i):
    """Colour and dashes of a class."""
    return dict(color=COLORS[i % len(COLORS)], linestyle=LINESTYLES[i // len(COLORS) % len(LINESTYLES)])


def get_axes(ax, figsize, nrows=1, ncols=1, title=None, **options):
    """The given axes, or those of a new figure, as a flat array; ``title`` stands above the first."""
    if ax is not None and not all(hasattr(one, "plot") for one in np.ravel(ax)):
        raise TypeError(f"ax must be axes of matplotlib (plt.subplots()), got {ax!r}.")
    axes = np.ravel(new_figure(nrows, ncols, figsize, **options)[1] if ax is None else ax)
    if title is not None:
        axes[0].set_title(title)
    return axes


def new_figure(nrows, ncols, figsize, **options):
    """A new figure and the array of its axes."""
    import matplotlib.pyplot as plt

    return plt.subplots(nrows, ncols, figsize=figsize, layout="constrained", squeeze=False, **options)


def draw_chance(ax, level, what="chance"):
    """A line at the chance level, if there is one."""
    if level is not None and not np.isnan(level):
        ax.axhline(level, label=f"{what} {level:.2f}", **CHANCE)
