"""Cross-validation gives scikit-learn's scores, keeps groups apart and refuses what can't be scored."""

import logging
import warnings

import mne
import numpy as np
import pandas as pd
import pytest
from mne.decoding import CSP
from planted import planted_epochs
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneOut,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from mne_cnnclass import EpochsView, evaluate
from mne_cnnclass.evaluation import summary_table

METRICS = ["accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "roc_auc"]
SUBJECTS = np.repeat(["a", "b", "c", "d"], 6)  # of 24 epochs


def planted(classes, n_each=12, offset=1.5, seed=0):
    """Samples of Gaussian noise; feature i is higher in class i."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.repeat(np.arange(len(classes)), n_each))
    X = rng.standard_normal((len(codes), len(classes)))
    X[np.arange(len(codes)), codes] += offset
    return X, np.array(classes)[codes]


def flat(X):
    return np.asarray(X).reshape(len(X), -1)


def flat_lda():
    return make_pipeline(FunctionTransformer(flat), LinearDiscriminantAnalysis())


class Remembering(ClassifierMixin, BaseEstimator):
    """Guesses the first class, and keeps what it was given and a history of training."""

    def fit(self, X, y, groups=None):
        self.classes_ = np.unique(y)
        n_groups = 0 if groups is None else len(np.unique(groups))
        self.history_ = pd.DataFrame(dict(epoch=[1, 2], train_loss=[1.0, len(X)], n_groups=n_groups))
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


# -- agreement with scikit-learn ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "auc"), [(["left", "right"], "roc_auc"), (["N", "S", "V", "F"], "roc_auc_ovr")]
)
@pytest.mark.parametrize("n_splits", [2, 5])
def test_scores_are_those_of_scikit_learn(classes, auc, n_splits):
    X, y = planted(classes)
    model = LinearDiscriminantAnalysis()
    with warnings.catch_warnings():
        # 0 is the precision of a class that is never predicted, there and here
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        expected = cross_validate(model, X, y, cv=n_splits, scoring=[*METRICS[:-1], auc])
    scores = evaluate(model, X, y, cv=n_splits).scores
    assert list(scores.columns) == ["fold", "metric", "value", "n_train", "n_test"]
    values = scores.pivot(index="fold", columns="metric", values="value")
    assert set(values) == set(METRICS)
    for name in METRICS:
        scorer = auc if name == "roc_auc" else name
        np.testing.assert_array_equal(values[name], expected[f"test_{scorer}"], err_msg=name)
    assert (scores["n_train"] + scores["n_test"] == len(y)).all()


def test_predictions_are_those_of_cross_val_predict():
    X, y = planted(["N", "S", "V"])
    cv = StratifiedKFold(4, shuffle=True, random_state=3)
    predictions = evaluate(LogisticRegression(), X, y, cv=cv).predictions.sort_values("sample")
    np.testing.assert_array_equal(predictions["sample"], np.arange(len(y)))
    np.testing.assert_array_equal(predictions["y_true"], y)
    np.testing.assert_array_equal(predictions["y_pred"], cross_val_predict(LogisticRegression(), X, y, cv=cv))
    proba = cross_val_predict(LogisticRegression(), X, y, cv=cv, method="predict_proba")
    np.testing.assert_array_equal(predictions[["proba_N", "proba_S", "proba_V"]], proba)
    for fold, (_, test) in enumerate(cv.split(X, y)):
        assert set(predictions.loc[predictions["fold"] == fold, "sample"]) == set(test)


def test_summary_is_mean_and_sd_over_folds_and_the_pooled_score():
    X, y = planted(["left", "right"])
    result = evaluate(LinearDiscriminantAnalysis(), X, y, cv=3)
    summary = result.summary()
    values = result.scores.query("metric == 'accuracy'")["value"]
    assert summary.loc["accuracy", "mean"] == pytest.approx(np.mean(values))
    assert summary.loc["accuracy", "sd"] == pytest.approx(np.std(values, ddof=1))
    pooled = (result.predictions["y_true"] == result.predictions["y_pred"]).mean()
    assert summary.loc["accuracy", "pooled"] == pytest.approx(pooled)
    assert summary.index.tolist() == METRICS
    assert (summary["n_folds"] == 3).all()


# -- what may come in --------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [["left", "right"], [3, -1], [False, True]])
def test_labels_of_any_kind_come_back_as_they_are(classes):
    X, y = planted(classes, offset=20)
    result = evaluate(LinearDiscriminantAnalysis(), X, y)
    np.testing.assert_array_equal(result.classes, np.unique(classes))
    assert (result.predictions["y_true"] == result.predictions["y_pred"]).all()
    assert [c for c in result.predictions if c.startswith("proba_")] == [
        f"proba_{c}" for c in sorted(classes)
    ]
    assert (result.summary()["mean"] == 1).all()


def test_a_view_epochs_a_list_and_an_array_give_the_same():
    epochs = planted_epochs(24)
    view = EpochsView(epochs)
    array = evaluate(flat_lda(), np.asarray(view), view.labels, cv=3)
    for X in (view, epochs, [epochs[:10], epochs[10:]]):
        result = evaluate(flat_lda(), X, cv=3)
        pd.testing.assert_frame_equal(result.predictions, array.predictions)
        pd.testing.assert_frame_equal(result.scores, array.scores)


def test_pipelines_of_mne_find_the_planted_source():
    pipeline = make_pipeline(CSP(2), LinearDiscriminantAnalysis())
    with mne.use_log_level("ERROR"):
        result = evaluate(pipeline, planted_epochs(24), cv=3)
    assert result.summary().loc["accuracy", "mean"] == 1.0
    assert not hasattr(pipeline[-1], "coef_")  # the pipeline given is left as it was


def test_chance_is_that_of_the_most_frequent_class():
    X, y = planted(["left", "right"])
    keep = np.r_[np.flatnonzero(y == "left"), np.flatnonzero(y == "right")[:5]]
    result = evaluate(LinearDiscriminantAnalysis(), X[keep], y[keep], cv=3)
    guess = cross_validate(DummyClassifier(strategy="most_frequent"), X[keep], y[keep], cv=3)
    assert result.chance == pytest.approx(guess["test_score"].mean())
    assert result.chance > 0.6
    assert result.summary()["chance"].tolist() == [result.chance, 0.5, 0.5, 0.5, 0.5, 0.5]


def test_chance_is_never_below_a_random_guess():
    # Leaving one sample out of two equal classes makes the other class the more frequent, always.
    X, y = planted(["left", "right"], 6)
    assert evaluate(LinearDiscriminantAnalysis(), X, y, cv=LeaveOneOut()).chance == 0.5


# -- splits ------------------------------------------------------------------------------------------


def test_a_number_of_folds_keeps_groups_on_one_side():
    view = EpochsView(planted_epochs(24), groups=SUBJECTS)
    result = evaluate(flat_lda(), view, cv=4)
    assert (result.predictions.groupby("group")["fold"].nunique() == 1).all()
    assert set(result.predictions["group"]) == set("abcd")
    given = evaluate(flat_lda(), np.asarray(view), view.labels, groups=view.groups, cv=4)
    pd.testing.assert_frame_equal(given.predictions, result.predictions)


def test_group_splitters_get_the_groups():
    view = EpochsView(planted_epochs(24), groups=SUBJECTS)
    predictions = evaluate(flat_lda(), view, cv=GroupKFold(2)).predictions
    for fold, (_, test) in enumerate(GroupKFold(2).split(view, groups=view.groups)):
        assert set(predictions.loc[predictions["fold"] == fold, "sample"]) == set(test)


@pytest.mark.parametrize(
    "model", [Remembering(), make_pipeline(StandardScaler(), Remembering())], ids=["alone", "in a pipeline"]
)
def test_groups_go_to_a_classifier_that_takes_them(model):
    X, y = planted(["left", "right"])
    groups = np.arange(len(y)) % 6
    assert (evaluate(model, X, y, groups=groups, cv=3).histories["n_groups"] == 4).all()
    assert (evaluate(model, X, y, cv=3).histories["n_groups"] == 0).all()


def test_groups_go_to_the_inner_splits_of_a_search():
    X, y = planted(["left", "right"])
    search = GridSearchCV(Remembering(), {}, cv=GroupKFold(2))
    result = evaluate(search, X, y, groups=np.arange(len(y)) % 6, cv=3)  # GroupKFold refuses to go without
    assert len(result.histories) == 6


def test_one_split_gives_one_value_without_deviation():
    X, y = planted(["left", "right"])
    result = evaluate(LinearDiscriminantAnalysis(), X, y, cv=[(np.arange(12), np.arange(12, 24))])
    model = LinearDiscriminantAnalysis().fit(X[:12], y[:12])
    accuracy = model.score(X[12:], y[12:])
    assert result.summary().loc["accuracy", ["mean", "pooled"]].tolist() == [accuracy, accuracy]
    assert result.summary()["sd"].isna().all()
    assert summary_table({"LDA": result}).loc["LDA", "accuracy"] == f"{accuracy:.2f}"


def test_masks_and_repeated_tests_of_a_sample_are_taken():
    X, y = planted(["left", "right"])
    first = np.arange(24) < 12
    result = evaluate(
        LinearDiscriminantAnalysis(), X, y, cv=[(first, ~first), (~first, first), (first, ~first)]
    )
    assert result.predictions["sample"].value_counts().loc[[0, 12]].tolist() == [1, 2]
    assert "24 samples, 3 folds, 36 predictions" in repr(result)


def test_two_processes_give_the_same_as_one():
    X, y = planted(["N", "S", "V"])
    one, two = (evaluate(LogisticRegression(), X, y, cv=4, n_jobs=n) for n in (None, 2))
    pd.testing.assert_frame_equal(one.predictions, two.predictions)
    pd.testing.assert_frame_equal(one.scores, two.scores)


class Listening(Remembering):
    def fit(self, X, y):
        super().fit(X, y)
        self.history_["level"] = mne.utils.logger.level
        return self


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_log_level_of_mne_holds_in_every_process(n_jobs):
    X, y = planted(["left", "right"])
    with mne.use_log_level("CRITICAL"):
        histories = evaluate(Listening(), X, y, cv=2, n_jobs=n_jobs).histories
    assert (histories["level"] == logging.CRITICAL).all()


def test_the_progress_bar_is_shown_when_asked(capsys):
    X, y = planted(["left", "right"])
    evaluate(LinearDiscriminantAnalysis(), X, y, cv=3)
    assert capsys.readouterr() == ("", "")
    evaluate(LinearDiscriminantAnalysis(), X, y, cv=3, verbose=True)
    assert "3/3" in capsys.readouterr().err


# -- what a classifier may lack ----------------------------------------------------------------------


def test_decision_scores_stand_in_for_probabilities():
    X, y = planted(["left", "right"])
    result = evaluate(LinearSVC(), X, y, cv=3)
    expected = cross_validate(LinearSVC(), X, y, cv=3, scoring="roc_auc")["test_score"]
    np.testing.assert_array_equal(result.scores.query("metric == 'roc_auc'")["value"], expected)
    assert [c for c in result.predictions if "_l" in c or "_r" in c][-2:] == [
        "decision_left",
        "decision_right",
    ]
    assert np.isnan(result.summary().loc["roc_auc", "pooled"])  # models of different scale are not pooled


def test_without_scores_only_the_roc_is_missing():
    X, y = planted(["left", "right"])
    model = make_pipeline(StandardScaler(), Remembering())
    result = evaluate(model, X, y, cv=3)
    assert result.summary()["mean"].isna().tolist() == [False] * 5 + [True]
    with pytest.raises(ValueError, match="neither predict_proba nor decision_function"):
        result.plot_roc()


def test_a_class_missing_from_a_test_part_leaves_its_averages_undefined():
    X, y = planted(["N", "S", "V"], 10)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    everything = np.arange(30)
    mixed, no_v = np.r_[0:3, 10:13, 20:23], np.r_[3:6, 13:16]
    cv = [(np.setdiff1d(everything, test), test) for test in (mixed, no_v)]
    result = evaluate(LinearDiscriminantAnalysis(), X, y, cv=cv)
    values = result.scores.pivot(index="metric", columns="fold", values="value")
    assert values[0].notna().all()
    assert values[1].dropna().index.tolist() == ["accuracy"]
    assert result.summary()["n_folds"].tolist() == [2, 1, 1, 1, 1, 1]
    assert "(1 of 2 folds)" in summary_table({"LDA": result}).loc["LDA", "f1_macro"]


@pytest.mark.parametrize("model", [LogisticRegression(), LinearSVC()])
def test_a_class_missing_from_a_training_part_is_never_predicted(model):
    X, y = planted(["N", "S", "V"], 10)
    train = np.flatnonzero(y != "V")[:12]
    result = evaluate(model, X, y, cv=[(train, np.setdiff1d(np.arange(30), train))])
    last = result.predictions.columns[-1]
    assert last.endswith("_V")
    assert result.predictions[last].nunique() == 1
    proba = [c for c in result.predictions if c.startswith("proba_")]
    np.testing.assert_allclose(result.predictions[proba].sum(axis=1), 1 if proba else 0)
    assert np.isfinite(result.summary()["mean"]).all()


# -- histories, tables, files ------------------------------------------------------------------------


def test_histories_of_the_last_step_are_stacked():
    X, y = planted(["left", "right"], 10)
    search = GridSearchCV(make_pipeline(StandardScaler(), Remembering()), {}, cv=2)
    histories = evaluate(search, X, y, cv=[(np.arange(n), np.arange(n, 20)) for n in (12, 16)]).histories
    assert list(histories.columns) == ["fold", "epoch", "train_loss", "n_groups"]
    assert histories["fold"].tolist() == [0, 0, 1, 1]
    assert histories["train_loss"].tolist() == [1, 12, 1, 16]
    result = evaluate(LinearDiscriminantAnalysis(), X, y)
    assert result.histories is None
    with pytest.raises(ValueError, match="no table history_"):
        result.plot_training()


def test_the_table_puts_results_side_by_side_with_chance():
    X, y = planted(["left", "right"])
    lda, dummy = (evaluate(m, X, y, cv=3) for m in (LinearDiscriminantAnalysis(), DummyClassifier()))
    table = summary_table({"LDA": lda, "guess": dummy})
    mean, sd = lda.summary().loc["accuracy", ["mean", "sd"]]
    assert table.loc["LDA", "accuracy"] == f"{mean:.2f} ± {sd:.2f}"
    assert table.loc["guess", "roc_auc"] == "0.50 ± 0.00"
    assert table.index.tolist() == ["LDA", "guess", "chance"]
    assert (table.loc["chance"] == "0.50").all()
    order = np.argsort(y)
    rare = evaluate(DummyClassifier(), X[order[:18]], y[order[:18]], cv=3)  # 12 left, 6 right
    table = summary_table({"LDA": lda, "guess": rare})
    assert table.index.tolist() == ["LDA", "guess", "chance, LDA", "chance, guess"]
    assert table["accuracy"].tolist()[2:] == ["0.50", "0.67"]


def test_the_result_shows_itself():
    X, y = planted(["<b>left</b>", "right"])
    result = evaluate(LinearDiscriminantAnalysis(), X, y, cv=3)
    assert "24 samples, 3 folds | <b>left</b>: 12, right: 12 | chance accuracy 0.50" in repr(result)
    assert "f1_macro" in repr(result)
    html = result._repr_html_()
    assert "24 samples, 3 folds" in html
    assert "<b>" not in html


def test_tables_survive_the_way_through_csv(tmp_path):
    X, y = planted(["left", "right"])
    result = evaluate(LinearDiscriminantAnalysis(), X, y, groups=np.arange(24) % 4, cv=2)
    paths = result.to_csv(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["scores.csv", "predictions.csv"]
    for path, table in zip(paths, (result.scores, result.predictions), strict=True):
        pd.testing.assert_frame_equal(pd.read_csv(path), table)


# -- refusals ----------------------------------------------------------------------------------------


def refused(match, error=ValueError, model=None, **changes):
    X, y = planted(["left", "right"])
    with pytest.raises(error, match=match):
        evaluate(model or LinearDiscriminantAnalysis(), **(dict(X=X, y=y, cv=3) | changes))


def test_what_cannot_be_scored_is_refused():
    every = np.arange(24)
    refused("instance of a scikit-learn classifier", TypeError, model=LinearDiscriminantAnalysis)
    refused("instance of a scikit-learn classifier", TypeError, model=StandardScaler())
    refused("with an array X, give y", y=None)
    refused("at least 2 samples, got 1", X=np.zeros((1, 2)), y=["left"])
    refused(r"y must have one entry a sample, shape \(24,\), got shape \(3,\)", y=[0, 1, 0])
    refused("groups must have one entry a sample", groups=[0, 1])
    refused("y is missing .* for 1 of 24 samples, first for sample 0", y=np.r_[np.nan, np.ones(23)])
    refused("groups is missing", groups=[None, *range(23)])
    refused("y must hold classes", y=np.linspace(0, 1, 24))
    refused("training part of fold 0 has only the class", y=np.zeros(24, int))
    refused("training part of fold 0 has only the class", cv=[(every[:1], every[1:])])
    refused("Fold 0 has no test samples", cv=[(every, [])])
    refused("Fold 0 has 2 samples in both", cv=[(every[:14], every[12:])])
    refused("gives no folds", cv=[])


def test_estimators_that_are_no_classifiers_are_refused():
    class Regressor(BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return np.zeros(len(X))

    refused("no classes_ after fit", TypeError, model=Regressor())
    X, y = planted(["N", "S", "V", "F"])
    refused("one decision value a sample and class", model=SVC(decision_function_shape="ovo"), X=X, y=y)


def test_predictions_that_cannot_be_scored_are_refused():
    class PerTime(Remembering):
        def predict(self, X):
            return np.zeros((len(X), 5))

    class Diverged(Remembering):
        def predict_proba(self, X):
            return np.full((len(X), 2), np.nan)

    refused(r"one class a sample, shape \(8,\), got \(8, 5\)", model=PerTime())
    refused("NaN or infinite proba values", model=Diverged())


def test_errors_of_a_fold_reach_the_user():
    class Failing(Remembering):
        def fit(self, X, y):
            raise RuntimeError("no gradient today")

    refused("no gradient today", RuntimeError, model=Failing())
