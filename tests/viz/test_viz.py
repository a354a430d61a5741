"""Figures carry what they claim: names, units, counts, chance, folds and their means."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from mne_cnnclass import evaluate
from mne_cnnclass.viz import plot_confusion_matrix, plot_roc, plot_training


class Trained(LinearDiscriminantAnalysis):
    """An LDA with a history of training, of as many epochs as it has samples."""

    def fit(self, X, y):
        super().fit(X, y)
        epoch = np.arange(1, len(X) + 1)
        self.history_ = pd.DataFrame(
            dict(epoch=epoch, train_loss=1 / epoch, valid_loss=2 / epoch, train_accuracy=1 - 0.5 / epoch)
        )
        return self


def result_of(classes, model=None, **kwargs):
    rng = np.random.default_rng(0)
    codes = np.tile(np.arange(len(classes)), 12)
    X = rng.standard_normal((len(codes), len(classes)))
    X[np.arange(len(codes)), codes] += 1.5
    return evaluate(model or Trained(), X, np.array(classes)[codes], **kwargs)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def assert_nothing_is_cut_off(fig):
    fig.canvas.draw()
    inside = fig.bbox.padded(1)
    for ax in fig.axes:
        box = ax.get_tightbbox()
        assert inside.containsx(box.x0)
        assert inside.containsx(box.x1)
        assert inside.containsy(box.y0)
        assert inside.containsy(box.y1)


# -- confusion matrix --------------------------------------------------------------------------------


def test_confusion_matrix_has_counts_and_percent_of_the_true_class():
    y_true = np.array(["a"] * 4 + ["b"] * 5)
    y_pred = np.array(["a", "a", "a", "b"] + ["a"] + ["b"] * 4)
    ax = plot_confusion_matrix(y_true, y_pred, classes=["a", "b"]).axes[0]
    assert texts(ax) == ["3\n75%", "1\n25%", "1\n20%", "4\n80%"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Predicted class", "True class")
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["a", "b"]


def test_a_few_errors_are_not_none_of_the_class():
    y_pred = ["a"] * 8954 + ["b"] * 46
    ax = plot_confusion_matrix(["a"] * 9000, y_pred, classes=["a", "b"]).axes[0]
    assert texts(ax)[:2] == ["8954\n>99%", "46\n<1%"]


def test_text_of_the_confusion_matrix_stands_out():
    ax = plot_confusion_matrix([0, 1, 1], [0, 1, 1], classes=[0, 1]).axes[0]
    assert [text.get_color() for text in ax.texts] == ["white", "black", "black", "white"]


def test_a_class_without_samples_has_no_percent():
    ax = plot_confusion_matrix(["a", "a"], ["a", "b"], classes=["a", "b"]).axes[0]
    assert texts(ax) == ["1\n50%", "1\n50%", "0", "0"]


def test_results_state_accuracy_chance_and_n():
    result = result_of(["left", "right"], cv=4)
    ax = result.plot_confusion_matrix().axes[0]
    accuracy = (result.predictions["y_true"] == result.predictions["y_pred"]).mean()
    assert ax.get_title() == f"Accuracy {accuracy:.2f}, chance 0.50\nn = 24 samples, 4 folds"
    assert sum(int(text.split("\n")[0]) for text in texts(ax)) == 24


@pytest.mark.parametrize(
    "classes",
    [
        ["left", "right"],
        ["left hand", "right hand", "both feet", "tongue"],
        [f"quick imagined movement of the limb number {i}" for i in range(10)],
    ],
    ids=len,
)
def test_nothing_is_cut_off(classes):
    result = result_of(classes, cv=3)
    for plot in (result.plot_confusion_matrix, result.plot_roc, result.plot_training):
        assert_nothing_is_cut_off(plot())


def test_names_are_text_not_formulas():
    result = result_of(["_$a$", "$b_2$"], cv=3)
    fig = result.plot_confusion_matrix()
    fig.canvas.draw()
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == [r"\$b_2\$", r"_\$a\$"]
    assert any("_" in text for text in legend(result.plot_roc().axes[0]))


# -- ROC ---------------------------------------------------------------------------------------------


def test_roc_of_two_classes_has_a_line_a_fold_their_mean_and_chance():
    result = result_of(["left", "right"], cv=4)
    ax = result.plot_roc().axes[0]
    *folds, mean, chance = ax.lines
    assert len(folds) == 4
    assert mean.get_linewidth() > 2 * folds[0].get_linewidth()
    np.testing.assert_array_equal(chance.get_xydata(), [[0, 0], [1, 1]])
    areas = result.scores.query("metric == 'roc_auc'")["value"]
    assert legend(ax) == [
        "each fold",
        f"{areas.mean():.2f} ± {areas.std():.2f}  class right",
        "0.50  chance",
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("False positive rate", "True positive rate")
    assert ax.get_title() == "n = 24 samples, 4 folds"


def test_the_curve_encloses_the_area_in_the_legend():
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 100)
    score = rng.standard_normal(200) + y
    ax = plot_roc(y, np.column_stack([-score, score]), np.zeros(200), classes=[0, 1]).axes[0]
    curve = ax.lines[0].get_xydata()
    area = roc_auc_score(y, score)
    assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(area, abs=0.005)
    assert legend(ax)[0] == f"{area:.2f}  class 1"


def test_roc_of_many_classes_has_each_class_and_their_average():
    classes = [f"class {i}" for i in range(10)]
    result = result_of(classes, cv=3)
    ax = result.plot_roc().axes[0]
    first, *each, macro, chance = legend(ax)
    assert first == "macro average, each fold"
    assert [label.split("  ")[1] for label in each] == classes
    summary = result.summary().loc["roc_auc"]
    assert macro == f"{summary['mean']:.2f} ± {summary['sd']:.2f}  macro average"
    assert chance == "0.50  chance"
    looks = {(to_hex(line.get_color()), line.get_linestyle()) for line in ax.lines[3:13]}
    looks_of_dashes = {str(line._unscaled_dash_pattern) for line in ax.lines[3:13]}
    assert len(looks) * len(looks_of_dashes) >= 10


def test_roc_takes_decision_scores():
    assert "class right" in legend(result_of(["left", "right"], LinearSVC(), cv=3).plot_roc().axes[0])[1]


def test_folds_without_a_class_are_counted_out():
    y = np.array([0, 1, 0, 1, 0, 0])
    score = np.array([0, 1, 0, 1, 0, 0.0])
    fold = np.array([0, 0, 1, 1, 2, 2])
    ax = plot_roc(y, np.column_stack([-score, score]), fold, classes=[0, 1]).axes[0]
    assert legend(ax)[1] == "1.00 ± 0.00 (2 of 3 folds)  class 1"
    with pytest.raises(ValueError, match="no fold has test samples of two classes"):
        plot_roc(y[4:], np.zeros((2, 2)), fold[4:], classes=[0, 1])


# -- training ----------------------------------------------------------------------------------------


def test_training_curves_have_a_line_a_fold_and_a_mean_to_the_first_end():
    cv = [(np.arange(n), np.arange(n, 24)) for n in (12, 16)]
    loss, accuracy = result_of(["left", "right"], cv=cv).plot_training().axes
    assert legend(loss) == ["training, mean of 2 folds", "validation, mean of 2 folds"]
    assert [len(line.get_xdata()) for line in loss.lines] == [16, 16, 12, 16, 16, 12]
    np.testing.assert_allclose(loss.lines[2].get_ydata(), 1 / np.arange(1, 13))
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("Epoch of training", "Loss")
    assert accuracy.get_ylabel() == "Accuracy (share of samples)"
    assert legend(accuracy)[-1] == "chance 0.50"
    np.testing.assert_array_equal(accuracy.lines[-1].get_ydata(), [0.5, 0.5])


def test_only_what_was_measured_is_drawn():
    fig = plot_training(pd.DataFrame(dict(fold=0, epoch=[1, 2], train_loss=[1.0, 0.5])))
    assert [ax.get_ylabel() for ax in fig.axes] == ["Loss"]
    assert legend(fig.axes[0]) == ["training"]


def test_the_history_of_one_training_is_drawn():
    fig = plot_training(pd.DataFrame(dict(epoch=[1, 2], train_loss=[1.0, 0.5], valid_loss=[1.0, 0.8])))
    assert legend(fig.axes[0]) == ["training", "validation"]


# -- axes and files ----------------------------------------------------------------------------------


def test_figures_are_drawn_on_given_axes():
    result = result_of(["left", "right"], cv=3)
    fig, axes = plt.subplots(2, 2, layout="constrained")
    assert result.plot_confusion_matrix(axes[0, 0]) is fig
    assert result.plot_roc(ax=axes[0, 1]) is fig
    assert result.plot_training(ax=axes[1]) is fig
    assert all(ax.get_xlabel() for ax in axes.flat)
    assert plt.get_fignums() == [fig.number]


class Silent(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (
            Trained(),
            [f"{n}.png" for n in ("confusion_matrix", "roc", "precision_recall", "reliability", "training")],
        ),
        (LinearSVC(), ["confusion_matrix.png", "roc.png", "precision_recall.png"]),
        (Silent(), ["confusion_matrix.png"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_figures_that_exist_are_saved(tmp_path, model, names):
    paths = result_of(["left", "right"], model, cv=3).save_figures(tmp_path / "figures")
    assert [path.name for path in paths] == names
    assert all(plt.imread(path).shape[0] > 300 for path in paths)
    assert not plt.get_fignums()
