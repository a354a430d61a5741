"""Figures of the result of a cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import viz
from ..metrics.scores import are_probabilities, get_scores
from ..samples.types import PathLike
from ..utils.docs import fill_doc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Figures:
    """Plotting methods of :class:`Evaluation`."""

    @fill_doc
    def plot_confusion_matrix(self, ax: Axes | None = None) -> Figure:
        """Plot the confusion matrix of the predictions of all folds.

        %(ax_fig)s
        """
        y_pred = self.predictions["y_pred"].to_numpy()
        accuracy = np.mean(y_pred == self.predictions["y_true"].to_numpy())
        title = f"Accuracy {accuracy:.2f}, chance {self.chance:.2f}\n"
        return self._plot(viz.plot_confusion_matrix, y_pred, ax=ax, title=title)

    @fill_doc
    def plot_roc(self, ax: Axes | None = None) -> Figure:
        """Plot the ROC curve of each fold and their mean; with several classes, of each against the rest.

        %(ax_fig)s

        Raises
        ------
        ValueError
            If the classifier gave neither probabilities nor decision scores, or if no fold has test samples
            of two classes.
        """
        return self._plot_curves(viz.plot_roc, ax)

    @fill_doc
    def plot_precision_recall(self, ax: Axes | None = None) -> Figure:
        """Plot the precision-recall curve of each fold and their mean; with several classes, of each class.

        %(ax_fig)s

        Raises
        ------
        ValueError
            As in :meth:`plot_roc`.
        """
        return self._plot_curves(viz.plot_precision_recall, ax)

    def _plot_curves(self, plot, ax):
        y_score = get_scores(self.predictions)
        if y_score is None:
            raise ValueError(
                "The curve needs probabilities or decision scores, and this classifier has neither "
                "predict_proba nor decision_function. Wrap it in CalibratedClassifierCV to get them."
            )
        return self._plot(plot, y_score, self.predictions["fold"].to_numpy(), ax=ax)

    def _plot(self, plot, *arrays, ax, title=""):
        y_true, title = self.predictions["y_true"].to_numpy(), f"{title}n = {self._describe_n()}"
        return plot(y_true, *arrays, classes=self.classes, title=title, ax=ax)

    @fill_doc
    def plot_reliability(self, ax: Axes | None = None) -> Figure:
        """Plot the accuracy against the confidence of the predictions of all folds (reliability diagram).

        %(ax_fig)s

        Raises
        ------
        ValueError
            If the classifier gave no probabilities.
        """
        if not are_probabilities(self.predictions):
            raise ValueError(
                "A reliability diagram needs probabilities, and this classifier has no predict_proba."
            )
        return self._plot(viz.plot_reliability, get_scores(self.predictions), ax=ax)

    @fill_doc
    def plot_training(self, ax: Axes | Sequence[Axes] | np.ndarray | None = None) -> Figure:
        """Plot loss and accuracy over the training epochs, for each fold (thin lines) and on average.

        Parameters
        ----------
        ax : None | matplotlib.axes.Axes | array of matplotlib.axes.Axes
            The axes to plot on: one for the loss, or two for loss and accuracy. ``None`` creates a new
            figure.

        %(returns_fig)s

        Raises
        ------
        ValueError
            If the classifier has no ``history_`` table.
        """
        if self.histories is None:
            raise ValueError("There are no training curves: this classifier has no table history_.")
        title = f"n = {self._describe_n()}"
        return viz.plot_training(self.histories, chance=self.chance, title=title, ax=ax)

    @fill_doc
    def save_figures(self, folder: PathLike) -> list[Path]:
        """Save all figures that can be drawn as PNG files.

        These are ``confusion_matrix.png`` and, if available, ``roc.png``, ``precision_recall.png``,
        ``reliability.png`` and ``training.png``.

        %(folder_paths)s
        """
        import matplotlib.pyplot as plt

        plots = {"confusion_matrix": self.plot_confusion_matrix}
        tested = self.predictions.groupby("fold")["y_true"].nunique()
        if get_scores(self.predictions) is not None and tested.max() > 1:
            plots |= {"roc": self.plot_roc, "precision_recall": self.plot_precision_recall}
        if are_probabilities(self.predictions):
            plots["reliability"] = self.plot_reliability
        if self.histories is not None:
            plots["training"] = self.plot_training
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{name}.png" for name in plots]
        for path, plot in zip(paths, plots.values(), strict=True):
            fig = plot()
            fig.savefig(path, dpi=150)
            plt.close(fig)
        return paths
