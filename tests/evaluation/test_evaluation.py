"""Cross-validation gives scikit-learn's scores, keeps groups apart and refuses what can't be scored."""

import logging
import warnings
from dataclasses import replace

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from mne.decoding import CSP
from planted import planted_epochs
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    log_loss,
    make_scorer,
    matthews_corrcoef,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
    roc_auc_score,
)
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
from sklearn.tree import DecisionTreeClassifier

from mne_cnnclass import CNNClassifier, EpochsView, evaluate
from mne_cnnclass.evaluation import calibration_error, learning_curve, summary_table
from mne_cnnclass.metrics.scores import METRICS, FastScores
from mne_cnnclass.report.methods import write_methods

# our names, and scikit-learn's scorers where these have another name or sign
SCORERS = {
    **{
        f"{kind}_{how}": f"{kind}_{how}"
        for how in ("macro", "weighted")
        for kind in ("precision", "recall", "f1")
    },
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "cohen_kappa": make_scorer(cohen_kappa_score),
    "matthews_corrcoef": "matthews_corrcoef",
    "log_loss": "neg_log_loss",
}


def brier(model, X, y):
    """As scikit-learn, whose scorer wants numbers for two classes."""
    proba = model.predict_proba(X)
    if len(model.classes_) == 2:
        return brier_score_loss(y == model.classes_[1], proba[:, 1])
    return brier_score_loss(y, proba)


def average_precision(model, X, y):
    """scikit-learn's scorer of this name is for two classes that are numbers."""
    first = 1 if len(model.classes_) == 2 else 0
    one_hot = y[:, None] == model.classes_
    return average_precision_score(one_hot[:, first:], model.predict_proba(X)[:, first:])


OF_SCORES = ["roc_auc", "average_precision", "brier", "calibration_error", "log_loss"]
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
    X, y = planted(classes, n_each=20)
    model = LinearDiscriminantAnalysis()
    expected = {"roc_auc": auc, "average_precision": average_precision, "brier": brier} | SCORERS
    with warnings.catch_warnings():
        # 0 is the precision of a class that is never predicted, there and here
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        expected = cross_validate(model, X, y, cv=n_splits, scoring=expected)
    scores = evaluate(model, X, y, cv=n_splits).scores
    assert list(scores.columns) == ["fold", "metric", "value", "n_train", "n_test"]
    values = scores.pivot(index="fold", columns="metric", values="value")
    assert set(values) == {*SCORERS, *OF_SCORES}
    for name in set(values) - {"calibration_error"}:
        value = expected[f"test_{name}"] * (-1 if name == "log_loss" else 1)
        np.testing.assert_allclose(values[name], value, rtol=1e-12, err_msg=name)
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
    assert set(summary.index) == {*SCORERS, *OF_SCORES}
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
    assert (result.summary().loc[[*SCORERS][:8], "mean"] == 1).all()


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
    chance = result.summary()["chance"]
    share = np.array([12, 5]) / 17
    assert chance[["accuracy", "balanced_accuracy", "f1_macro", "roc_auc"]].tolist() == [
        result.chance,
        *[0.5] * 3,
    ]
    assert chance["average_precision"] == pytest.approx(5 / 17)
    assert chance["log_loss"] == pytest.approx(log_loss(y[keep], np.tile(share, (17, 1))))
    assert chance["brier"] == pytest.approx(share.prod())
    assert chance["f1_weighted"] == pytest.approx((share**2).sum())  # more than .71 * f1 of the first class
    assert chance[["cohen_kappa", "matthews_corrcoef"]].tolist() == [0, 0]


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


@pytest.mark.parametrize("search", [False, True])
def test_groups_do_no_harm_to_an_estimator_whose_routing_never_ends(search):
    """scikit-learn's RidgeClassifierCV asks its scorer, which asks it."""
    X, y = planted(["left", "right"])
    model = make_pipeline(StandardScaler(), RidgeClassifierCV())
    if search:
        model = GridSearchCV(model, {}, cv=GroupKFold(2))
    groups = np.arange(len(y)) % 6
    with_groups = evaluate(model, X, y, groups=groups, cv=GroupKFold(3)).predictions
    splits = list(GroupKFold(3).split(X, y, groups))
    without = evaluate(make_pipeline(StandardScaler(), RidgeClassifierCV()), X, y, cv=splits).predictions
    assert (with_groups["y_pred"] == without["y_pred"]).all()


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
    means = result.summary()["mean"]
    assert set(means.index[means.isna()]) == set(OF_SCORES)
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
    averages = [
        "balanced_accuracy",
        "f1_macro",
        "precision_macro",
        "recall_macro",
        "roc_auc",
        "average_precision",
    ]
    assert set(values.index[values[1].isna()]) == set(averages)
    n_folds = result.summary()["n_folds"]
    assert (n_folds[averages] == 1).all()
    assert (n_folds.drop(averages) == 2).all()
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
    means = result.summary()["mean"]
    assert np.isfinite(means.drop(OF_SCORES[2:] if not proba else [])).all()


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
        pd.testing.assert_frame_equal(pd.read_csv(path), table, check_dtype=False)


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

    class Scores(Remembering):
        def predict_proba(self, X):
            return np.tile([0.9, 0.3], (len(X), 1))

    refused("NaN or infinite proba values", model=Diverged())
    refused("with a sum of 1 for each sample; 8 of 8 samples have another sum", model=Scores())


# -- intervals and chance ----------------------------------------------------------------------------


def noisy_result(n_classes=3, n_groups=0, n_each=40, seed=0):
    X, y = planted(list("abcdefgh")[:n_classes], n_each)
    rng = np.random.default_rng(seed)
    groups = rng.integers(n_groups, size=len(y)) if n_groups else None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="In . of")
        return evaluate(LogisticRegression(), X, y, groups=groups, cv=list(StratifiedKFold(4).split(X, y)))


@pytest.mark.parametrize("n_classes", [2, 5])
def test_weighted_scores_are_those_of_scikit_learn(n_classes):
    result = noisy_result(n_classes)
    table = result.predictions
    score = FastScores(table, result.classes)
    rng = np.random.default_rng(0)
    y, pred = table["y_true"].to_numpy(), table["y_pred"].to_numpy()
    proba = table.filter(like="proba_").to_numpy().round(2)  # with ties
    proba /= proba.sum(axis=1, keepdims=True)
    table = table.assign(**dict(zip(table.filter(like="proba_"), proba.T, strict=True)))
    score = FastScores(table, result.classes)
    one_hot = y[:, None] == result.classes
    first = 1 if n_classes == 2 else 0
    for weights in (None, rng.integers(3, size=len(y)).astype(float), rng.random(len(y))):
        w = dict(sample_weight=weights)
        values = dict(zip(METRICS, score(weights), strict=True))
        expected = {
            "accuracy": accuracy_score(y, pred, **w),
            "balanced_accuracy": balanced_accuracy_score(y, pred, **w),
            "cohen_kappa": cohen_kappa_score(y, pred, **w),
            "matthews_corrcoef": matthews_corrcoef(y, pred, **w),
            "roc_auc": roc_auc_score(one_hot[:, first:], proba[:, first:], **w),
            "average_precision": average_precision_score(one_hot[:, first:], proba[:, first:], **w),
            "log_loss": log_loss(one_hot, proba, **w),
            "brier": np.average(((proba - one_hot) ** 2).sum(1), weights=weights) / (2 if first else 1),
        }
        for how in ("macro", "weighted"):
            values_of = precision_recall_fscore_support(y, pred, average=how, zero_division=0, **w)[:3]
            expected |= {
                f"{k}_{how}": v for k, v in zip(("precision", "recall", "f1"), values_of, strict=True)
            }
        for name, value in expected.items():
            assert values[name] == pytest.approx(value, abs=1e-12), name
    assert dict(zip(METRICS, score(), strict=True))["calibration_error"] == pytest.approx(
        calibration_error(y, proba, result.classes)
    )


def test_resamples_of_a_class_less_leave_averages_undefined():
    result = noisy_result(3)
    values = FastScores(result.predictions, result.classes)(
        (result.predictions["y_true"] != "a").to_numpy(float)
    )
    undefined = np.array(METRICS)[np.isnan(values)]
    assert set(undefined) == {
        *("balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "roc_auc", "average_precision")
    }


def test_intervals_of_independent_samples_are_those_of_the_binomial_distribution():
    result = noisy_result(2, n_each=200)
    accuracy = result.summary().loc["accuracy"]
    low, high = scipy.stats.binomtest(round(accuracy["pooled"] * 400), 400).proportion_ci(method="wilson")
    assert accuracy["low"] == pytest.approx(low, abs=0.012)
    assert accuracy["high"] == pytest.approx(high, abs=0.012)
    narrow = result.intervals(level=0.5).loc["accuracy"]
    assert accuracy["low"] < narrow["low"] < narrow["high"] < accuracy["high"]
    pd.testing.assert_frame_equal(result.intervals(), result.intervals())


def test_permuted_labels_give_chance_and_a_p_value():
    result = noisy_result(3)
    table = result.permutation_test(n_permutations=200)
    assert table.loc["accuracy", "p_value"] == pytest.approx(1 / 201)
    assert table.loc["log_loss", "p_value"] == pytest.approx(1 / 201)
    assert table.loc["accuracy", "chance"] == pytest.approx(1 / 3, abs=0.02)
    assert table.loc["accuracy", "observed"] == result.summary().loc["accuracy", "pooled"]
    assert (
        table.loc["accuracy", "chance"] < table.loc["accuracy", "limit"] < table.loc["accuracy", "observed"]
    )
    assert table.loc["log_loss", "limit"] < table.loc["log_loss", "chance"]


# -- by class and by group ---------------------------------------------------------------------------


def test_scores_of_a_class_are_those_of_it_against_the_rest():
    result = noisy_result(3)
    y, pred = result.predictions["y_true"], result.predictions["y_pred"]
    table = result.class_scores()
    for name in result.classes:
        row = table.loc[name]
        assert row["n"] == (y == name).sum()
        assert row["sensitivity"] == recall_score(y == name, pred == name)
        assert row["specificity"] == recall_score(y != name, pred != name)
        assert row["positive_predictivity"] == precision_score(y == name, pred == name)
        assert row["roc_auc"] == roc_auc_score(y == name, result.predictions[f"proba_{name}"])
        assert row["average_precision"] == average_precision_score(
            y == name, result.predictions[f"proba_{name}"]
        )


def test_intervals_of_a_class_are_as_wide_as_its_patients_are_few():
    # 40 patients of 50 beats of each class; in one half of the patients 60 % of ectopic beats are found, in
    # the other all, so that the sensitivity of new patients is uncertain by more than that of new beats is
    y = np.tile(np.repeat(["ectopic", "normal"], 50), 40)
    patient = np.repeat(np.arange(40), 100)
    missed = (y == "ectopic") & (patient % 2 == 0) & (np.arange(4000) % 50 < 20)
    pred = np.where(missed, "normal", y)
    predictions = pd.DataFrame(dict(fold=0, sample=np.arange(4000), y_true=y, y_pred=pred))
    plain = noisy_result(2)
    beats = replace(plain, predictions=predictions, classes=np.unique(y))
    patients = replace(beats, predictions=predictions.assign(group=patient))
    for result, error in [(beats, np.sqrt(0.8 * 0.2 / 2000)), (patients, 0.2 / np.sqrt(40))]:
        row = result.class_scores(intervals=True).loc["ectopic"]
        assert row["sensitivity"] == 0.8
        assert row["sensitivity_low"] == pytest.approx(0.8 - 1.96 * error, abs=0.012)
        assert row["sensitivity_high"] == pytest.approx(0.8 + 1.96 * error, abs=0.012)
        assert (row["positive_predictivity_low"], row["positive_predictivity_high"]) == (1, 1)


def test_groups_are_told_by_the_errors_that_they_carry():
    predictions = pd.DataFrame(
        dict(
            fold=0,
            sample=np.arange(8),
            y_true=list("NNNSNSVV"),
            y_pred=list("NVVNNSVV"),
            group=list("aaaabbcc"),
        )
    )
    result = replace(noisy_result(2), predictions=predictions, classes=np.array(list("NSV")))
    table = result.group_errors()
    assert table.loc["a"].to_dict() == dict(n=4, errors=3, share=1.0, most_frequent="N → V", times=2)
    assert table.loc["b"].to_dict() == dict(n=2, errors=0, share=0.0, most_frequent=None, times=0)
    assert table.index.tolist() == ["a", "b", "c"]


def test_scores_of_groups_are_those_of_their_samples():
    result = noisy_result(2, n_groups=5)
    table = result.group_scores()
    right = result.predictions["y_true"] == result.predictions["y_pred"]
    np.testing.assert_allclose(table["accuracy"], right.groupby(result.predictions["group"]).mean())
    with pytest.raises(ValueError, match="There are no groups"):
        noisy_result(2).group_scores()


def test_the_calibration_error_is_that_of_known_bins():
    classes = np.array(["a", "b"])
    proba = np.array([[0.9, 0.1]] * 10 + [[0.35, 0.65]] * 10)
    y = np.array(["a"] * 7 + ["b"] * 3 + ["b"] * 10)
    assert calibration_error(y, proba, classes) == pytest.approx((abs(0.9 - 0.7) + abs(0.65 - 1)) / 2)
    result = noisy_result(2, n_each=500)
    assert result.summary().loc["calibration_error", "pooled"] < 0.05  # logistic regression is calibrated


# -- scorers, failures, warnings ---------------------------------------------------------------------


def test_scorers_of_scikit_learn_are_computed_in_each_fold():
    X, y = planted(["N", "S", "V"])
    result = evaluate(LogisticRegression(), X, y, cv=3, scoring=["roc_auc_ovo", "jaccard_macro"])
    expected = cross_validate(LogisticRegression(), X, y, cv=3, scoring=["roc_auc_ovo", "jaccard_macro"])
    for name in ("roc_auc_ovo", "jaccard_macro"):
        values = result.scores.query("metric == @name")["value"]
        np.testing.assert_array_equal(values, expected[f"test_{name}"])
        assert result.summary().loc[name, "mean"] == values.mean()
    refused("no_such_scorer", scoring="no_such_scorer")


@pytest.mark.parametrize("nested", [False, True])
def test_a_search_that_splits_up_groups_is_warned_of(nested):
    X, y = planted(["left", "right"])
    groups = np.arange(len(y)) // 4

    def search(cv):
        model = GridSearchCV(LinearDiscriminantAnalysis(), {"tol": [1e-4, 1e-3]}, cv=cv)
        return make_pipeline(StandardScaler(), model) if nested else model

    for cv in (2, StratifiedKFold(2)):
        with pytest.warns(UserWarning, match=r"There are groups, but GridSearchCV.* splits them up"):
            evaluate(search(cv), X, y, groups=groups, cv=2)
    evaluate(search(GroupKFold(2)), X, y, groups=groups, cv=2)
    evaluate(search(2), X, y, cv=2)


def test_what_a_search_chose_is_kept_and_reported():
    X, y = planted(["left", "right"])
    tree = DecisionTreeClassifier(random_state=0)
    result = evaluate(GridSearchCV(tree, {"max_depth": [1, 2]}, cv=2), X, y, cv=3)
    chosen = result.folds["best_params"].tolist()
    assert all(params["max_depth"] in (1, 2) for params in chosen)
    text, _ = write_methods(result, result.permutation_test(n_permutations=10))
    n = sum(params["max_depth"] == chosen[0]["max_depth"] for params in chosen)
    assert f"max_depth = {chosen[0]['max_depth']} in {n} fold" in text


def test_nan_is_named_by_its_number_among_all_samples():
    X = np.random.default_rng(0).standard_normal((12, 2, 40))
    X[10, 1, 3] = np.nan
    refused(
        r"^X contains NaN .*number 1 of sample 10\.",
        model=CNNClassifier("EEGNet", max_epochs=1),
        X=X,
        y=["left", "right"] * 6,
    )


def test_groups_may_be_the_name_of_a_column():
    epochs = planted_epochs(24, n_times=40)
    epochs.metadata = pd.DataFrame({"subject": np.repeat(["a", "b", "c"], 8)})
    result = evaluate(flat_lda(), epochs, groups="subject", cv=3)
    assert result.predictions.groupby("group")["fold"].nunique().tolist() == [1, 1, 1]


def test_folds_in_which_one_class_is_predicted_are_counted():
    X, y = planted(["left", "right"])
    assert "only one class predicted in 3 folds" in repr(evaluate(DummyClassifier(), X, y, cv=3))
    assert "only one class" not in repr(evaluate(LinearDiscriminantAnalysis(), X, y, cv=3))


class FailsOn(Remembering):
    """Fails if the training part lacks a sample."""

    def __init__(self, number=0):
        self.number = number

    def fit(self, X, y):
        if self.number not in X[:, 0]:
            raise ArithmeticError(f"number {self.number} is missing")
        return super().fit(X, y)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_fold_that_fails_is_told_of_and_does_not_lose_the_others(n_jobs):
    _, y = planted(["left", "right"])
    X = np.arange(24.0)[:, None]
    with pytest.warns(UserWarning, match=r"1 of 3 folds failed .*\(fold 0\).*ArithmeticError: number 0.0 is"):
        result = evaluate(FailsOn(0.0), X, y, cv=3, n_jobs=n_jobs)
    assert result.folds["error"].notna().tolist() == [True, False, False]
    assert set(result.predictions["fold"]) == {1, 2}
    assert result.summary().loc["accuracy", "n_folds"] == 2
    assert "1 FOLDS FAILED" in repr(result)
    refused("number 99.0 is missing", ArithmeticError, model=FailsOn(99.0), X=X)


def test_windows_that_overlap_across_the_split_are_told_of():
    rng, info = np.random.default_rng(0), mne.create_info(2, 100.0, "eeg")
    labels = np.tile(["left", "right"], 100)

    def view(overlap):
        raw = mne.io.RawArray(rng.standard_normal((2, 6000)), info)
        epochs = mne.make_fixed_length_epochs(raw, 1.0, overlap=overlap, preload=True)
        return EpochsView(epochs, labels=labels[: len(epochs)])

    shuffled = StratifiedKFold(3, shuffle=True, random_state=0)
    with pytest.warns(
        UserWarning, match="In 3 of 3 folds, windows of the training and the test part overlap"
    ):
        evaluate(flat_lda(), view(0.5), cv=shuffled)
    evaluate(flat_lda(), view(0.0), cv=shuffled)  # windows that touch do not
    apart = EpochsView([view(0.5).epochs, view(0.5).epochs], groups=np.repeat([0, 1], 119))
    labels = np.tile(labels, 2)
    evaluate(flat_lda(), EpochsView(apart, labels=labels[:238]), cv=GroupKFold(2))


def test_steps_that_were_fitted_before_are_told_of():
    X, y = planted(["left", "right"])
    frozen = make_pipeline(FrozenEstimator(StandardScaler().fit(X)), LinearDiscriminantAnalysis())
    with pytest.warns(UserWarning, match="frozenestimator was fitted before the split"):
        evaluate(frozen, X, y, cv=3)


# -- learning curves ---------------------------------------------------------------------------------


def test_a_learning_curve_trains_on_growing_parts_and_tests_on_the_same():
    X, y = planted(["left", "right"], 30)
    curve = learning_curve(LinearDiscriminantAnalysis(), X, y, sizes=[8, 20, 40], cv=3)
    scores = curve.scores.query("metric == 'accuracy'")
    assert scores.groupby("size")["n_train"].unique().map(list).to_dict() == {8: [8], 20: [20], 40: [40]}
    whole = evaluate(LinearDiscriminantAnalysis(), X, y, cv=3)
    tested = [set(r.predictions["sample"]) for r in curve.evaluations.values()]
    assert tested[0] == tested[1] == tested[2] == set(range(60))
    np.testing.assert_allclose(
        curve.evaluations[40].summary().loc["accuracy", "mean"], whole.summary().loc["accuracy", "mean"]
    )
    assert "accuracy by training samples: 8: 0." in repr(curve)
    assert curve.plot().axes[0].get_xlabel() == "Training samples"


def test_a_learning_curve_over_groups_takes_whole_groups():
    X, y = planted(["left", "right"], 30)
    groups = np.arange(60) % 6
    curve = learning_curve(LinearDiscriminantAnalysis(), X, y, groups=groups, sizes=[1, 4], cv=GroupKFold(3))
    scores = curve.scores.query("metric == 'accuracy'")
    assert scores.groupby("size")["n_train"].unique().map(list).to_dict() == {1: [10], 4: [40]}
    with pytest.raises(ValueError, match="from 1 to 4 training groups"):
        learning_curve(LinearDiscriminantAnalysis(), X, y, groups=groups, sizes=[5], cv=GroupKFold(3))
    with pytest.raises(ValueError, match="unit must be"):
        learning_curve(LinearDiscriminantAnalysis(), X, y, unit="groups")


def test_errors_of_a_fold_reach_the_user():
    class Failing(Remembering):
        def fit(self, X, y):
            raise RuntimeError("no gradient today")

    refused("no gradient today", RuntimeError, model=Failing())


def test_probes_are_scored_on_the_splits_of_the_classifier():
    rng = np.random.default_rng(0)
    epochs = planted_epochs(40)
    order = np.argsort(epochs.events[:, 2], kind="stable")  # the classes in two blocks
    blocks = mne.EpochsArray(
        rng.standard_normal((40, 3, 100)),
        epochs.info if len(epochs.ch_names) == 3 else mne.create_info(3, 100.0, "eeg"),
        np.column_stack([np.arange(40) * 500, np.zeros(40, int), epochs.events[order, 2]]),
        event_id=epochs.event_id,
    )
    y = epochs.events[order, 2]
    leaky = np.asarray(EpochsView(blocks))
    leaky[:, 0] += (np.arange(40) > 19)[:, None]
    result = evaluate(
        flat_lda(),
        EpochsView(mne.EpochsArray(leaky, blocks.info, blocks.events, event_id=blocks.event_id)),
        cv=StratifiedKFold(4, shuffle=True, random_state=0),
        probes=True,
    )
    assert len(np.unique(y)) == 2
    assert result.probes.loc["order", "flagged"]
    assert result.probes.loc["order", "score"] == 1
    assert "alone reach 1.00" in result.probes.loc["order", "verdict"]
    assert result.probes.loc["group", "verdict"].startswith("Not measured: there are no groups")
    assert evaluate(flat_lda(), blocks, cv=3).probes is None
