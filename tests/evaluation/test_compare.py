"""Comparisons pair what belongs together, have p-values of published examples, and refuse what can not be."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.svm import SVC

from mne_cnnclass import evaluate
from mne_cnnclass.evaluation import compare
from mne_cnnclass.evaluation.comparison import COMBINED
from mne_cnnclass.metrics.statistics import corrected_resampled_ttest, holm, sign_flip_test, two_sided

N_EACH = 20  # samples of a group


class Scripted(ClassifierMixin, BaseEstimator):
    """Right in the samples that it is told to be, with a probability of ``sure`` for what it predicts."""

    def __init__(self, right, sure=0.9):
        self.right, self.sure = right, sure

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        right = np.asarray(self.right)[X[:, 0].astype(int)]
        return np.where(right, X[:, 1], 1 - X[:, 1]).astype(int)

    def predict_proba(self, X):
        chosen = self.predict(X)[:, None] == self.classes_
        return np.where(chosen, self.sure, 1 - self.sure)


def scripted_results(accuracies, sure=0.9, **kwargs):
    """Evaluations of pipelines that have these accuracies in each group; 20 samples a group."""
    n_groups = len(next(iter(accuracies.values())))
    y = np.tile([0, 1], n_groups * N_EACH // 2)
    X, groups = np.column_stack([np.arange(len(y)), y]), np.repeat(np.arange(n_groups), N_EACH)
    kwargs = dict(groups=groups, cv=LeaveOneGroupOut()) | kwargs
    results = {}
    for name, values in accuracies.items():
        right = np.concatenate([np.arange(N_EACH) < round(value * N_EACH) for value in values])
        results[name] = evaluate(Scripted(right, sure), X, y, **kwargs)
    return results


A = [0.90, 0.85, 0.75, 0.95, 0.65, 0.80, 0.90, 0.70]
B = [0.80, 0.80, 0.80, 0.70, 0.60, 0.65, 0.70, 0.70]
C = [0.55, 0.50, 0.45, 0.60, 0.50, 0.55, 0.40, 0.50]


@pytest.fixture(scope="module")
def results():
    """Evaluations of three pipelines on eight groups."""
    return scripted_results({"a": A, "b": B, "c": C})


@pytest.fixture(scope="module")
def datasets(results):
    """Two pipelines on two data sets, of eight and five groups."""
    two = scripted_results({"b": B[:5], "a": A[:5]})  # in another order
    return {"one": {name: results[name] for name in ("a", "b")}, "two": two}


# -- a published example -----------------------------------------------------------------------------


def test_corrected_t_is_that_of_the_example_of_scikit_learn():
    # "Statistical comparison of models using grid search": t = 0.750, p = 0.227, one-sided; uncorrected 0.005
    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    results = {
        kernel: evaluate(SVC(kernel=kernel, random_state=0), X, y, cv=cv) for kernel in ("rbf", "linear")
    }
    row = compare(results, metric="roc_auc").table.iloc[0]
    assert row["p_value"] == pytest.approx(2 * 0.227, abs=0.001)
    assert (row["test"], row["n"]) == ("corrected resampled t", 100)
    # the interval belongs to the test: t = difference / standard error
    standard_error = (row["high"] - row["difference"]) / stats.t.ppf(0.975, 99)
    assert row["difference"] / standard_error == pytest.approx(0.750, abs=0.001)


# -- the table ---------------------------------------------------------------------------------------


def test_table_of_groups(results):
    comparison = compare(results)
    table = comparison.table
    assert table[["pipeline_a", "pipeline_b"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    differences = np.subtract(A, B)
    row = table.iloc[0]
    assert row[["mean_a", "mean_b", "difference"]].tolist() == pytest.approx(
        [np.mean(A), np.mean(B), differences.mean()]
    )
    expected = stats.ttest_rel(A, B).confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
    assert row["effect_size"] == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert row["effect_low"] < row["effect_size"] < row["effect_high"]
    assert (row["n"], row["test"]) == (8, "sign-flip permutation")
    assert row["p_value"] == two_sided(*sign_flip_test(differences))
    np.testing.assert_allclose(table["p_holm"], holm(table["p_value"]))
    np.testing.assert_allclose(comparison.scores[["a", "b", "c"]], np.transpose([A, B, C]))
    assert comparison.chance.tolist() == [0.5]
    expected = stats.t.interval(0.95, 7, np.mean(A), stats.sem(A))
    assert comparison.means.loc["a", ["low", "high"]].tolist() == pytest.approx(expected)


def test_many_groups_are_compared_by_ranks():
    rng = np.random.default_rng(0)
    results = scripted_results({"a": rng.uniform(0.6, 1, 20), "b": rng.uniform(0.5, 0.9, 20)})
    comparison = compare(results)
    row = comparison.table.iloc[0]
    assert row["test"] == "Wilcoxon signed-rank"
    assert row["p_value"] == pytest.approx(stats.wilcoxon(*comparison.scores.to_numpy().T).pvalue)


def test_folds_can_be_compared_although_there_are_groups(results):
    comparison = compare(results, units="folds")
    assert (comparison.table["test"] == "corrected resampled t").all()
    p = corrected_resampled_ttest(np.subtract(A, B), 1 / 7)  # leave one of 8 groups out
    assert comparison.table["p_value"][0] == pytest.approx(two_sided(*p))


def test_a_group_tested_in_several_folds_has_one_score():
    halves = np.arange(len(A) * N_EACH) // 2 % 2
    cv = [(np.flatnonzero(halves != half), np.flatnonzero(halves == half)) for half in (0, 1)]
    with pytest.warns(UserWarning, match="on both sides"):
        results = scripted_results({"a": A, "b": B}, cv=cv)
    np.testing.assert_allclose(compare(results).scores[["a", "b"]], np.transpose([A, B]))


def test_the_lower_log_loss_is_the_better():
    accuracies = {"a": A, "b": A}
    results = scripted_results(accuracies, sure=0.8) | {"b": scripted_results(accuracies, sure=0.999)["b"]}
    comparison = compare(results, metric="log_loss")
    row = comparison.table.iloc[0]
    assert row["difference"] < 0
    assert row["better"] == "a"
    assert "lower is better" in repr(comparison)
    ax = comparison.plot().axes[0]
    purple, orange = ax.images[0].to_rgba(ax.images[0].get_array())[[0, 1], [1, 0], :3]
    assert purple[2] > purple[0]  # the better row is purple, the worse orange
    assert orange[0] > orange[2]


def test_pipelines_without_a_difference(results):
    row = compare({"a": results["a"], "b": results["a"]}).table.iloc[0]
    assert row[["difference", "effect_size", "p_value", "p_holm", "better"]].tolist() == [
        0,
        0,
        1,
        1,
        "neither",
    ]


# -- several data sets -------------------------------------------------------------------------------


def test_data_sets_are_combined(datasets):
    comparison = compare(datasets)
    table = comparison.table
    assert table["dataset"].tolist() == ["one", "two", COMBINED]
    assert (table["pipeline_a"] == "a").all()
    np.testing.assert_allclose(table["p_value"][:1], compare(datasets["one"]).table["p_value"])
    p = [sign_flip_test(np.subtract(A, B)[:n])[0] for n in (8, 5)]
    expected = 2 * stats.combine_pvalues(p, method="stouffer", weights=np.sqrt([8, 5])).pvalue
    row = table.iloc[-1]
    assert row["p_value"] == pytest.approx(expected)
    assert row["p_value"] < table["p_value"][:2].min()
    weights = np.sqrt([8, 5]) / np.sqrt([8, 5]).sum()
    assert row["effect_size"] == pytest.approx(weights @ table["effect_size"][:2])
    assert (row["n"], row["test"]) == (13, "Stouffer")
    assert comparison.scores.loc["two", "a"].tolist() == pytest.approx(A[:5])


def test_opposite_effects_cancel(results):
    a, b = results["a"], results["b"]
    assert compare({"one": {"a": a, "b": b}, "two": {"a": b, "b": a}}).table["p_value"].iloc[
        -1
    ] == pytest.approx(1)


def test_other_pipelines_in_a_data_set_are_refused(results):
    two = {"a": results["a"], "c": results["c"]}
    with pytest.raises(ValueError, match=r"the first has \['a', 'b', 'c'\], 'two' has \['a', 'c'\]"):
        compare({"one": results, "two": two})


# -- what is refused ---------------------------------------------------------------------------------


SPLITS = list(StratifiedKFold(5).split(*make_moons(60, noise=0.3, random_state=0)))


def moons(cv, **changes):
    X, y = make_moons(60, noise=0.3, random_state=0)
    return evaluate(LogisticRegression(), X, changes.get("y", y), groups=changes.get("groups"), cv=cv)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            lambda: moons(6),
            "'b' differs from 'a': .* pairs of fold and sample are in one of them only, first fold",
        ),
        (lambda: moons(5, groups=np.arange(60)), "columns"),
        (
            lambda: moons(5, y=1 - make_moons(60, noise=0.3, random_state=0)[1]),
            "y_true is another for 60 of 60",
        ),
        (
            lambda: moons([(train[:-5], test) for train, test in SPLITS]),
            "n_train is another for 60 of 60 predictions, first 48 in one and 43 in the other",
        ),
    ],
    ids=["folds", "groups", "labels", "training size"],
)
def test_other_splits_are_refused(other, message):
    with pytest.raises(ValueError, match=message):
        compare({"a": moons(5), "b": other()})


def test_an_undefined_metric_is_refused():
    y = np.repeat([0, 1, 0, 1], 10)  # a group has one class
    X, groups = np.column_stack([np.arange(40), y]), np.repeat([0, 1, 2, 3], 10)
    cv = [(np.r_[0:20], np.r_[20:40]), (np.r_[20:40], np.r_[0:20])]
    results = {name: evaluate(Scripted(np.ones(40)), X, y, groups=groups, cv=cv) for name in "ab"}
    with pytest.raises(ValueError, match="balanced_accuracy of 'a' is undefined for 4 of 4 groups, first 0"):
        compare(results, metric="balanced_accuracy")
    assert compare(results, metric="balanced_accuracy", units="folds").table["n"][0] == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(metric="precision"), ValueError, "metric must be one of"),
        (dict(units="subjects"), ValueError, "units must be None"),
        (dict(units="groups"), ValueError, "give groups to evaluate"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    result = moons(5)
    with pytest.raises(error, match=message):
        compare({"a": result, "b": result}, **arguments)


def test_results_have_to_be_named_and_two():
    result = moons(5)
    with pytest.raises(TypeError, match="got list"):
        compare([result, result])
    with pytest.raises(ValueError, match="at least 2 pipelines"):
        compare({"a": result})
    with pytest.raises(TypeError, match="not both"):
        compare({"a": result, "one": {"a": result}})


# -- figures -----------------------------------------------------------------------------------------


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_matrix_has_differences_with_their_adjusted_p_values(results):
    comparison = compare(results)
    ax = comparison.plot().axes[0]
    row = comparison.table.set_index(["pipeline_a", "pipeline_b"]).loc[("a", "c")]
    stars = "*" if row["p_holm"] < 0.05 else ""
    assert f"{row['difference']:+.3f}\np = {row['p_holm']:.3f} {stars}".strip() in texts(ax)
    assert f"{-row['difference']:+.3f}\np = {row['p_holm']:.3f} {stars}".strip() in texts(ax)
    assert f"mean\n{np.mean(A):.3f}" in texts(ax)
    assert "Holm's method over 3 pairs: * p < 0.05, ** p < 0.01, *** p < 0.001" in ax.get_xlabel()
    assert "n = 8 groups" in ax.get_title()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]


def test_lines_join_the_scores_of_a_group(results):
    ax = compare(results).plot_scores().axes[0]
    joined = [
        line.get_ydata() for line in ax.lines if len(line.get_ydata()) == 3 and line.get_color() != "black"
    ]
    np.testing.assert_allclose(joined, np.transpose([A, B, C]))
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert {"chance 0.50", "a group", "mean, 95 % CI"} == set(legend)
    assert ax.get_title() == "n = 8 groups"
    assert "higher is better" in ax.get_ylabel()


def test_each_data_set_has_its_own_axes(datasets):
    comparison = compare(datasets)
    fig = comparison.plot_scores()
    assert [ax.get_title() for ax in fig.axes] == ["one: n = 8 groups", "two: n = 5 groups"]
    ax = comparison.plot().axes[0]
    assert "Stouffer test, n = 13 groups" in ax.get_title()


def test_tables_are_shown_in_notebooks(results):
    comparison = compare(results)
    assert repr(comparison).startswith(
        "<Comparison | 3 pipelines, accuracy (higher is better) | n = 8 groups>"
    )
    assert "<td>sign-flip permutation</td>" in comparison._repr_html_()
