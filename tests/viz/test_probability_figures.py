"""Reliability and precision-recall figures carry what they claim."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve
from test_viz import assert_nothing_is_cut_off, legend

from mne_cnnclass.metrics.bins import reliability_bins
from mne_cnnclass.viz import plot_precision_recall, plot_reliability

LONG = [f"quick imagined movement of the limb number {i}" for i in range(5)]


def scored(classes, n_samples=240, seed=0, shares=None):
    """Labels and probabilities that tell something of them."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(len(classes), n_samples, p=shares)
    proba = rng.dirichlet(np.ones(len(classes)), n_samples)
    proba[np.arange(n_samples), codes] += 0.5
    return np.array(classes)[codes], proba / proba.sum(axis=1, keepdims=True), np.arange(n_samples) % 3


# -- reliability -------------------------------------------------------------------------------------


def test_points_are_confidence_and_accuracy_of_the_bins():
    y_true = ["a", "b", "a", "a", "b"]
    sure = np.array([0.7, 0.72, 0.95, 0.97, 0.96])
    ax = plot_reliability(y_true, np.column_stack([sure, 1 - sure]), classes=["a", "b"]).axes[0]
    points = ax.containers[0].lines[0].get_xydata()
    np.testing.assert_allclose(points, [[0.71, 0.5], [0.96, 2 / 3]])
    error = (2 * abs(0.71 - 0.5) + 3 * abs(0.96 - 2 / 3)) / 5
    assert legend(ax) == [
        "right as often as sure",
        "chance accuracy 0.60",
        f"expected calibration error {error:.3f}",
    ]
    assert ax.get_legend().get_title().get_text() == "n = 5, 2 classes"
    assert ax.get_xlabel() == "Confidence (probability of the predicted class)"
    assert ax.get_ylabel() == "Accuracy (share of samples)"
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, 0], [1, 1]])
    heights = {round(bar.get_x() * 15): bar.get_height() for bar in ax.child_axes[0].patches}
    assert heights == {10: 2, 14: 3}


def test_intervals_of_few_samples_are_wide_and_inside_the_axes():
    y, proba, _ = scored(["a", "b"])
    bars = plot_reliability(y, proba, classes=["a", "b"]).axes[0].containers[0].lines[2][0]
    low, high = np.array([segment[:, 1] for segment in bars.get_segments()]).T
    n = reliability_bins(y, proba, classes=["a", "b"])["n"].to_numpy()
    assert ((low >= 0) & (high <= 1) & (high - low > 0.5 / np.sqrt(n))).all()


def test_decision_scores_are_refused():
    with pytest.raises(ValueError, match="Decision scores have no calibration"):
        plot_reliability([0, 1], np.array([[1.0, -1.0], [2.0, -2.0]]), classes=[0, 1])
    with pytest.raises(ValueError, match=r"each of 3 classes .* shape \(2, 2\)"):
        plot_reliability([0, 1], np.full((2, 2), 0.5), classes=[0, 1, 2])


# -- precision and recall ----------------------------------------------------------------------------


def test_precision_recall_of_two_classes_has_a_line_a_fold_their_mean_and_chance():
    y, proba, folds = scored(["left", "right"], shares=[0.8, 0.2])
    ax = plot_precision_recall(y, proba, folds, classes=["left", "right"], title="n = 240").axes[0]
    *lines, mean, chance = ax.lines
    assert len(lines) == 3
    assert mean.get_linewidth() > 2 * lines[0].get_linewidth()
    share = np.mean(y == "right")
    np.testing.assert_array_equal(chance.get_ydata(), [share, share])
    areas = [average_precision_score(y[folds == k] == "right", proba[folds == k, 1]) for k in range(3)]
    assert legend(ax) == [
        "each fold",
        f"{np.mean(areas):.2f} ± {np.std(areas, ddof=1):.2f}  class right",
        f"{share:.2f}  chance",
    ]
    assert ax.get_title() == "n = 240"
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "Recall (true positive rate)",
        "Precision (share of right among predicted)",
    )


def test_the_curve_is_the_step_function_of_the_average_precision():
    y, proba, _ = scored([0, 1], n_samples=400)
    ax = plot_precision_recall(y, proba, np.zeros(400), classes=[0, 1]).axes[0]
    recall, precision = ax.lines[0].get_xydata().T
    area = average_precision_score(y, proba[:, 1])
    assert np.mean(precision) == pytest.approx(area, abs=0.005)
    assert legend(ax)[0] == f"{area:.2f}  class 1"
    # at each recall the precision of the highest threshold that reaches it
    known, reached, _ = precision_recall_curve(y, proba[:, 1])
    assert precision[-1] == known[reached == 1].max()
    assert precision[250] == known[reached >= recall[250]][-1]


def test_the_curve_starts_with_the_first_sample_that_is_found():
    proba = np.array([0.9, 0.8, 0.7, 0.1])
    ax = plot_precision_recall(
        [0, 1, 1, 0], np.column_stack([1 - proba, proba]), np.zeros(4), classes=[0, 1]
    ).axes[0]
    assert ax.lines[0].get_ydata()[0] == 0.5


def test_precision_recall_of_many_classes_has_each_class_its_chance_and_their_average():
    shares = [0.6, 0.2, 0.1, 0.1]
    y, proba, folds = scored(list("NSVF"), shares=shares)
    ax = plot_precision_recall(y, proba, folds, classes=list("NSVF")).axes[0]
    first, *each, macro = legend(ax)
    assert first == "macro average, each fold"
    assert [label.split("  ")[1] for label in each] == [
        f"{name}, chance {np.mean(y == name):.2f}" for name in "NSVF"
    ]
    areas = [
        np.mean(
            [average_precision_score(y[folds == k] == c, proba[folds == k, i]) for i, c in enumerate("NSVF")]
        )
        for k in range(3)
    ]
    assert macro == f"{np.mean(areas):.2f} ± {np.std(areas, ddof=1):.2f}  macro average"
    curves, chances = ax.lines[3:7], ax.lines[-4:]
    assert [line.get_color() for line in chances] == [line.get_color() for line in curves]
    assert [line.get_ydata()[0] for line in chances] == [np.mean(y == name) for name in "NSVF"]


def test_folds_without_a_class_are_counted_out():
    y, score, fold = (
        np.array([0, 1, 0, 1, 0, 0]),
        np.array([0, 1, 0, 1, 0, 0.0]),
        np.array([0, 0, 1, 1, 2, 2]),
    )
    scores = np.column_stack([-score, score])
    ax = plot_precision_recall(y, scores, fold, classes=[0, 1]).axes[0]
    assert legend(ax)[1] == "1.00 ± 0.00 (2 of 3 folds)  class 1"
    with pytest.raises(ValueError, match="No precision-recall curve is defined: no fold has test samples"):
        plot_precision_recall(y[4:], scores[4:], fold[4:], classes=[0, 1])


# -- both --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [["left", "right"], list("NSVFQ"), LONG[:2], LONG], ids=str)
def test_nothing_is_cut_off(classes):
    y, proba, folds = scored(classes)
    assert_nothing_is_cut_off(plot_reliability(y, proba, classes=classes, title="n = 240"))
    assert_nothing_is_cut_off(plot_precision_recall(y, proba, folds, classes=classes, title="n = 240"))


def test_figures_are_drawn_on_given_axes():
    y, proba, folds = scored(["a", "b"])
    fig, axes = plt.subplots(1, 2, layout="constrained")
    assert plot_reliability(y, proba, classes=["a", "b"], ax=axes[0]) is fig
    assert plot_precision_recall(y, proba, folds, classes=["a", "b"], ax=axes[1]) is fig
    assert plt.get_fignums() == [fig.number]
