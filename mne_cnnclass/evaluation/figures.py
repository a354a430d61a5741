"""Figures of the result of a cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import viz
from ..metrics.scores import are_probabilities, get_scores

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..samples.types import PathLike


class Figures:
    """Plotting methods of :class:`Evaluation`."""

    def plot_confusion_matrix(self, ax: Axes | None = None) -> Figure:
        """Plot the confusion matrix of the predictions of all folds.

        Parameters
        ----------
        ax : None | matplotlib.axes.Axes
            The axes to plot on. ``None`` creates a new figure.

        Returns
        -------
        fig : matplotlib.figure.Figure
            The figure.
        """
        title = f"Accuracy {self.summary()['pooled']['accuracy']:.2f}, chance {self.chance:.2f}"
        return viz.plot_confusion_matrix(
            self.predictions["y_true"].to_numpy(),
            self.predictions["y_pred"].to_numpy(),
            classes=self.classes,
            title=f"{title}\nn = {self._describe_n()}",
            ax=ax,
        )

    def plot_roc(self, ax: Axes | None = None) -> Figure:
        """Plot the ROC curve of each fold and their mean; with several classes, of each against the rest.

        Parameters
        ----------
        ax : None | matplotlib.axes.Axes
            The axes to plot on. ``None`` creates a new figure.

        Returns
        -------
        fig : matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ValueError
            If the classifier gave neither probabilities nor decision scores, or if no fold has test samples
            of two classes.
        """
        return self._plot_curves(viz.plot_roc, "A ROC curve", ax)

    def plot_precision_recall(self, ax: Axes | None = None) -> Figure:
        """Plot the precision-recall curve of each fold and their mean; with several classes, of each class.

        Parameters
        ----------
        ax : None | matplotlib.axes.Axes
            The axes to plot on. ``None`` creates a new figure.

        Returns
        -------
        fig : matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ValueError
            As in :meth:`plot_roc`.
        """
        return self._plot_curves(viz.plot_precision_recall, "A precision-recall curve", ax)

    def _plot_curves(self, plot, name, ax):
        y_score = get_scores(self.predictions)
        if y_score is None:
            raise ValueError(
                f"{name} needs probabilities or decision scores, and this classifier has neither "
                "predict_proba nor decision_function. Wrap it in CalibratedClassifierCV to get them."
            )
        return plot(
            self.predictions["y_true"].to_numpy(),
            y_score,
            self.predictions["fold"].to_numpy(),
            classes=self.classes,
            title=f"n = {self._describe_n()}",
            ax=ax,
        )

    def plot_reliability(self, ax: Axes | None = None) -> Figure:
        """Plot the accuracy against the confidence of the predictions of all folds (reliability diagram).

        Parameters
        ----------
        ax : None | matplotlib.axes.Axes
            The axes to plot on. ``None`` creates a new figure.

        Returns
        -------
        fig : matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ValueError
            If the classifier gave no probabilities.
        """
        if not are_probabilities(self.predictions):
            raise ValueError(
                "A reliability diagram needs probabilities, and this classifier has no predict_proba."
            )
        return viz.plot_reliability(
            self.predictions["y_true"].to_numpy(),
            get_scores(self.predictions),
            classes=self.classes,
            title=f"n = {self._describe_n()}",
            ax=ax,
        )

    def plot_training(self, ax: Axes | Sequence[Axes] | np.ndarray | None = None) -> Figure:
        """Plot loss and accuracy over the training epochs, for each fold (thin lines) and on average.

        Parameters
        ----------
        ax : None | matplotlib.axes.Axes | array of matplotlib.axes.Axes
            The axes to plot on: one for the loss, or two for loss and accuracy. ``None`` creates a new
            figure.

        Returns
        -------
        fig : matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ValueError
            If the classifier has no ``history_`` table.
        """
        if self.histories is None:
            raise ValueError("There are no training curves: this classifier has no table history_.")
        title = f"n = {self._describe_n()}"
        return viz.plot_training(self.histories, chance=self.chance, title=title, ax=ax)

    def save_figures(self, folder: PathLike) -> list[Path]:
        """Save all figures that can be drawn as PNG files.

        These are ``confusion_matrix.png`` and, if available, ``roc.png``, ``precision_recall.png``,
        ``reliability.png`` and ``training.png``.

        Parameters
        ----------
        folder : path-like
            The folder to write to; it is created if it does not exist.

        Returns
        -------
        paths : list of pathlib.Path
            Paths of the files.
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
