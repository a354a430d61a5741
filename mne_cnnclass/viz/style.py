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


def mean_sd(values):
    """Mean ± SD over folds as text, with the number of folds if the value is undefined in some.

    Parameters
    ----------
    values : array-like, shape (n_folds,)
        The value of each fold, NaN where it is undefined.

    Returns
    -------
    text : str
        Such as "0.87 ± 0.03"; for a single value, only the value.

    Examples
    --------
    >>> mean_sd([0.8, 0.9]), mean_sd([0.8]), mean_sd([0.8, 0.9, np.nan]), mean_sd([np.nan])
    ('0.85 ± 0.07', '0.80', '0.85 ± 0.07 (2 of 3 folds)', 'undefined')
    """
    values = np.asarray(values, dtype=float)
    known = values[~np.isnan(values)]
    if not len(known):
        return "undefined"
    text = f"{known.mean():.2f}" + (f" ± {known.std(ddof=1):.2f}" if len(known) > 1 else "")
    return text if len(known) == len(values) else f"{text} ({len(known)} of {len(values)} folds)"


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
