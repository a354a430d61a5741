"""What all figures share: colours, the chance line, axes, names of classes, mean ± SD as text."""

from __future__ import annotations

import textwrap

import numpy as np

# Okabe & Ito (2008), Color Universal Design: told apart by colour-blind people. Black is kept for means.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINESTYLES = ("-", (0, (5, 1.5)), (0, (1, 1)))
CHANCE = dict(color="0.45", linestyle="--", linewidth=1)
FOLD = dict(linewidth=0.8, alpha=0.4)
MEAN = dict(linewidth=2.2)


def class_names(classes, width=24):
    """Names of classes as texts to draw: long ones on several lines, a dollar sign as itself."""
    return [textwrap.fill(str(name), width).replace("$", r"\$") for name in classes]


def get_axes(ax, figsize, ncols=1):
    """The given axes, or those of a new figure, as an array."""
    if ax is not None and not all(hasattr(one, "plot") for one in np.ravel(ax)):
        raise TypeError(f"ax must be axes of matplotlib (plt.subplots()), got {ax!r}.")
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(1, ncols, figsize=figsize, layout="constrained")[1]
    return np.atleast_1d(ax)
