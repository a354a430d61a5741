"""ROC and precision-recall curves over the folds of a cross-validation."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from ..metrics.statistics import mean_sd
from ..utils.docs import fill_doc
from .style import CHANCE, COLORS, FOLD, LEGEND, MEAN, class_names, class_style, get_axes, longest_line

GRID = np.linspace(0, 1, 501)  # of the rates at which curves of folds and classes are averaged


@fill_doc
def plot_roc(
    y_true: np.ndarray,
    y_score: np.ndarray,
    folds: np.ndarray,
    *,
    classes: np.ndarray,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot the ROC curve of each fold and their mean.

    With two classes, the curve is that of the second class. With more, there is a mean curve for each class
    (against the rest), and the macro average over classes, for each fold and over all folds. Curves are
    averaged at the same false positive rate; the AUC in the legend is the mean ± SD over folds.

    %(fold_curve)s

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.viz import plot_roc
    >>> y, p = np.array([0, 1, 0, 1]), np.array([0.2, 0.9, 0.6, 0.5])
    >>> fig = plot_roc(y, np.column_stack([1 - p, p]), np.zeros(4), classes=[0, 1])
    """
    curves = _FoldCurves(y_true, y_score, folds, classes=classes, curve=_true_rates, name="ROC")
    ax = curves.draw(ax, title=title, start=0)
    ax.plot([0, 1], [0, 1], label="0.50  chance", **CHANCE)
    ax.set(xlabel="False positive rate", ylabel="True positive rate")
    curves.add_legend(ax, "AUC", loc="lower right")
    return ax.figure


def _true_rates(positive, score):
    """True positive rates on the grid, and the area under the curve."""
    false_rate, true_rate, _ = roc_curve(positive, score)
    return np.interp(GRID, false_rate, true_rate), auc(false_rate, true_rate)


@fill_doc
def plot_precision_recall(
    y_true: np.ndarray,
    y_score: np.ndarray,
    folds: np.ndarray,
    *,
    classes: np.ndarray,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot the precision-recall curve of each fold and their mean.

    Curves are those of :func:`plot_roc`, averaged at the same recall; the average precision (AP) in the
    legend is the mean ± SD over folds. The chance level is the fraction of the class among the samples, which
    is the precision of uninformative scores.

    %(fold_curve)s

    Notes
    -----
    For rare classes, this curve is more informative than a ROC curve: a false positive rate of 0.05 is
    harmless for a class with every second sample, but results in far more false than true positives for a
    class with every hundredth sample. The curve is the step function whose area is the average precision,
    :func:`sklearn.metrics.average_precision_score`.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.viz import plot_precision_recall
    >>> y, p = np.array([0, 1, 0, 1]), np.array([0.2, 0.9, 0.6, 0.5])
    >>> fig = plot_precision_recall(y, np.column_stack([1 - p, p]), np.zeros(4), classes=[0, 1])
    """
    name = "precision-recall"
    curves = _FoldCurves(y_true, y_score, folds, classes=classes, curve=_precisions, name=name)
    share = np.array([np.mean(np.asarray(y_true) == classes[i]) for i in curves.shown])
    if len(share) > 1:
        curves.names = [f"{name}, chance {p:.2f}" for name, p in zip(curves.names, share, strict=True)]
    ax = curves.draw(ax, title=title)
    if len(share) > 1:
        for i, p in enumerate(share):
            ax.axhline(p, **CHANCE | dict(color=class_style(i)["color"], alpha=0.6))
    else:
        ax.axhline(share[0], label=f"{share[0]:.2f}  chance", **CHANCE)
    ax.set(xlabel="Recall (true positive rate)", ylabel="Precision (share of right among predicted)")
    curves.add_legend(ax, "AP", loc="lower left")
    return ax.figure


def _precisions(positive, score):
    """Precisions on the grid of recalls, and the average precision."""
    precision, recall, _ = precision_recall_curve(positive, score)
    # From high thresholds to low, the first that reaches a recall. At recall 0 there is a precision of 1 by
    # convention alone, so the curve starts with the first sample that is found.
    reached = np.searchsorted(recall[::-1], GRID.clip(1e-9))
    return precision[::-1][reached], average_precision_score(positive, score)


class _FoldCurves:
    """A curve for each fold and class, or for the second class alone if there are two.

    ``curve(positive, score)`` returns what to draw of one fold and class over ``GRID``, and the number for
    the legend. It is called where there are both positive and negative samples; ``name`` is for messages.
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
        self._longest = longest_line(self.names)
        self._outside = len(self.names) > 4 or self._longest > 20  # the legend would hide the curves

    def draw(self, ax, *, title, start=None):
        """Draw a mean line a class, a thin line a fold, and with more than two classes their macro average.

        All curves start at the value ``start``, if it is given, where the rate is 0.
        """
        width = 6.8 + 0.075 * self._longest if self._outside else 5.0
        ax = get_axes(ax, (width, 5.0), title=title)[0]
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
        ax.legend(title=heading, alignment="left", **LEGEND, **place)


def _fold_lines(ax, x, values, color, label):
    known = values[~np.isnan(values[:, -1])]
    if len(known) > 1:
        ax.plot(x, known.T, color=color, **FOLD)[0].set_label(label)


def _mean_line(ax, x, values, areas, name, **style):
    known = values[~np.isnan(areas)]
    if len(known):
        # The number comes first: matplotlib leaves labels that begin with an underscore out of the legend.
        ax.plot(x, known.mean(axis=0), label=f"{mean_sd(areas)}  {name}", **MEAN | style)
