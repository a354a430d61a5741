"""ROC curves over the folds of a cross-validation."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import auc, roc_curve

from .style import CHANCE, COLORS, FOLD, LINESTYLES, MEAN, class_names, get_axes, mean_sd

GRID = np.linspace(0, 1, 501)  # false positive rates at which curves of folds and classes are averaged


def plot_roc(y_true, y_score, folds, *, classes, title=None, ax=None):
    """Draw the ROC curve of each fold and their mean.

    With two classes, the curve is that of the second class. With more, there is a mean curve a class (that
    class against the rest), and the macro average over classes, of each fold and over all folds. Curves are
    averaged at the same false positive rate; the AUC in the legend is the mean ± SD over folds.

    Parameters
    ----------
    y_true : array, shape (n_samples,)
        The true classes.
    y_score : array, shape (n_samples, n_classes)
        Probabilities or decision scores, a column a class.
    folds : array, shape (n_samples,)
        The fold in which a sample was tested.
    classes : array, shape (n_classes,)
        The classes, in the order of the columns of ``y_score``.
    title : None | str
        Title of the axes.
    ax : None | matplotlib.axes.Axes
        Where to draw; ``None`` makes a new figure.

    Returns
    -------
    fig : matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        If no fold has test samples of two classes, so that no curve is defined.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.viz import plot_roc
    >>> y, p = np.array([0, 1, 0, 1]), np.array([0.2, 0.9, 0.6, 0.5])
    >>> fig = plot_roc(y, np.column_stack([1 - p, p]), np.zeros(4), classes=[0, 1])
    """
    y_true, y_score, folds = np.asarray(y_true), np.asarray(y_score), np.asarray(folds)
    names = class_names(classes, width=40)
    first = 1 if len(names) == 2 else 0
    # rates[fold, class] on the grid; NaN where the fold's test part has no sample of the class, or no other
    fold_curves = [
        [_curve(y_true[rows] == classes[i], y_score[rows, i]) for i in range(first, len(names))]
        for rows in (folds == fold for fold in np.unique(folds))
    ]
    rates = np.array([[rate for rate, _ in curves] for curves in fold_curves])
    areas = np.array([[area for _, area in curves] for curves in fold_curves])
    if np.isnan(areas).all():
        raise ValueError(
            "No ROC curve is defined: no fold has test samples of two classes. Use a splitter that puts "
            "both into the test part."
        )

    longest = max(len(line) for name in names for line in name.splitlines())
    outside = len(names) > 4 or longest > 20  # the legend would hide the curves
    ax = get_axes(ax, figsize=(6.8 + 0.075 * longest if outside else 5.0, 5.0))[0]
    if len(names) == 2:
        _fold_lines(ax, rates[:, 0], COLORS[0], "each fold")
        _mean_line(ax, rates[:, 0], areas[:, 0], f"class {names[1]}", color=COLORS[0])
    else:
        _fold_lines(ax, rates.mean(axis=1), "black", "macro average, each fold")
        for i, name in enumerate(names):
            color, linestyle = COLORS[i % len(COLORS)], LINESTYLES[i // len(COLORS) % len(LINESTYLES)]
            _mean_line(ax, rates[:, i], areas[:, i], name, color=color, linestyle=linestyle, linewidth=1.4)
        _mean_line(ax, rates.mean(axis=1), areas.mean(axis=1), "macro average", color="black")
    ax.plot([0, 1], [0, 1], label="0.50  chance", **CHANCE)

    ax.set(xlabel="False positive rate", ylabel="True positive rate")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    place = dict(loc="upper left", bbox_to_anchor=(1.02, 1)) if outside else dict(loc="lower right")
    heading = "AUC, mean ± SD over folds" if len(rates) > 1 else "AUC"
    ax.legend(title=heading, fontsize="small", title_fontsize="small", alignment="left", **place)
    if title is not None:
        ax.set_title(title)
    return ax.figure


def _curve(positive, score):
    """True positive rates on the grid, and the area under the curve."""
    if positive.all() or not positive.any():
        return np.full(len(GRID), np.nan), np.nan
    false_rate, true_rate, _ = roc_curve(positive, score)
    return np.interp(GRID, false_rate, true_rate), auc(false_rate, true_rate)


def _fold_lines(ax, rates, color, label):
    known = rates[~np.isnan(rates).any(axis=1)]
    if len(known) > 1:
        for rate in known:
            line = ax.plot(np.r_[0, GRID], np.r_[0, rate], color=color, **FOLD)[0]
        line.set_label(label)


def _mean_line(ax, rates, areas, name, **style):
    known = rates[~np.isnan(areas)]
    if len(known):
        # The AUC comes first: matplotlib leaves labels that begin with an underscore out of the legend.
        ax.plot(
            np.r_[0, GRID], np.r_[0, known.mean(axis=0)], label=f"{mean_sd(areas)}  {name}", **MEAN | style
        )
