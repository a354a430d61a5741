"""Curves of classes over folds: what the ROC and the precision-recall curve share."""

from __future__ import annotations

import numpy as np

from ..metrics.statistics import mean_sd
from .style import COLORS, FOLD, LINESTYLES, MEAN, class_names, get_axes

GRID = np.linspace(0, 1, 501)  # of the rates at which curves of folds and classes are averaged


class FoldCurves:
    """A curve for each fold and class, or for the second class alone if there are two.

    Parameters
    ----------
    y_true : array, shape (n_samples,)
        The true classes.
    y_score : array, shape (n_samples, n_classes)
        Probabilities or decision scores, with one column per class.
    folds : array, shape (n_samples,)
        The fold in which each sample was tested.
    classes : array, shape (n_classes,)
        The classes, in the order of the columns of ``y_score``.
    curve : callable
        ``(positive, score) -> (values, area)``: what to draw of one fold and class over ``GRID``, and the
        number for the legend. It is asked where there are both positive and negative samples.
    name : str
        What is drawn, for messages.

    Raises
    ------
    ValueError
        If no fold has test samples of two classes, so that no curve is defined.
    """

    def __init__(self, y_true, y_score, folds, *, classes, curve, name):
        y_true, y_score, folds = np.asarray(y_true), np.asarray(y_score), np.asarray(folds)
        if y_score.shape != (len(y_true), len(classes)) or folds.shape != y_true.shape:
            raise ValueError(
                f"y_score must have a row a sample and a column a class, and folds one number a sample, got "
                f"the shapes {y_score.shape} and {folds.shape} for {len(y_true)} samples and {len(classes)} "
                "classes."
            )
        self.names = class_names(classes, width=40)
        self.shown = range(1 if len(self.names) == 2 else 0, len(self.names))
        rows_of_folds = [folds == fold for fold in np.unique(folds)]
        shape = len(rows_of_folds), len(self.shown)
        # NaN where the fold's test part has no sample of the class, or no other
        self.values, self.areas = np.full((*shape, len(GRID)), np.nan), np.full(shape, np.nan)
        for fold, rows in enumerate(rows_of_folds):
            for column, i in enumerate(self.shown):
                positive = y_true[rows] == classes[i]
                if positive.any() and not positive.all():
                    self.values[fold, column], self.areas[fold, column] = curve(positive, y_score[rows, i])
        if np.isnan(self.areas).all():
            raise ValueError(
                f"No {name} curve is defined: no fold has test samples of two classes. Use a splitter that "
                "puts both into the test part."
            )
        self._longest = max(len(line) for label in self.names for line in label.splitlines())
        self._outside = len(self.names) > 4 or self._longest > 20  # the legend would hide the curves

    def draw(self, ax, *, start=None):
        """Draw a mean line a class, a thin line a fold, and with more than two classes their macro average.

        Parameters
        ----------
        ax : None | matplotlib.axes.Axes
            The axes to plot on. ``None`` creates a new figure.
        start : None | float
            Where all curves start, at a rate of 0.

        Returns
        -------
        ax : matplotlib.axes.Axes
            Where it was drawn.
        """
        ax = get_axes(ax, figsize=(6.8 + 0.075 * self._longest if self._outside else 5.0, 5.0))[0]
        x, values = GRID, self.values
        if start is not None:
            x, values = np.r_[0, x], np.insert(values, 0, start, axis=-1)
        if len(self.names) == 2:
            _fold_lines(ax, x, values[:, 0], COLORS[0], "each fold")
            _mean_line(ax, x, values[:, 0], self.areas[:, 0], f"class {self.names[1]}", color=COLORS[0])
        else:
            _fold_lines(ax, x, values.mean(axis=1), "black", "macro average, each fold")
            for i, name in enumerate(self.names):
                style = class_style(i) | dict(linewidth=1.4)
                _mean_line(ax, x, values[:, i], self.areas[:, i], name, **style)
            macro = values.mean(axis=1), self.areas.mean(axis=1)
            _mean_line(ax, x, *macro, "macro average", color="black")
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        return ax

    def add_legend(self, ax, heading, *, loc):
        """Name the lines, beside the axes if there are many classes or long names."""
        place = dict(loc="upper left", bbox_to_anchor=(1.02, 1)) if self._outside else dict(loc=loc)
        heading = f"{heading}, mean ± SD over folds" if len(self.areas) > 1 else heading
        ax.legend(title=heading, fontsize="small", title_fontsize="small", alignment="left", **place)


def class_style(i):
    """Colour and dashes of a class."""
    return dict(color=COLORS[i % len(COLORS)], linestyle=LINESTYLES[i // len(COLORS) % len(LINESTYLES)])


def _fold_lines(ax, x, values, color, label):
    known = values[~np.isnan(values[:, -1])]
    if len(known) > 1:
        for value in known:
            line = ax.plot(x, value, color=color, **FOLD)[0]
        line.set_label(label)


def _mean_line(ax, x, values, areas, name, **style):
    known = values[~np.isnan(areas)]
    if len(known):
        # The number comes first: matplotlib leaves labels that begin with an underscore out of the legend.
        ax.plot(x, known.mean(axis=0), label=f"{mean_sd(areas)}  {name}", **MEAN | style)
