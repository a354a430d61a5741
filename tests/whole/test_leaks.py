"""What must not leak: labels into scores where there is nothing to learn, test data into what is learnt.

MiniRocket, more seeds, and all with groups and without are left to tests/benchmarks/leaks.py, by hand.
"""

from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
from listed import BASELINES, RECIPES, one_baseline, small_recipe
from noise import noise_view
from scipy.stats import binom
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mne_cnnclass import (
    CNNClassifier,
    EpochsView,
    FineTunedClassifier,
    baselines,
    benchmark,
    evaluate,
    preprocessing,
)
from mne_cnnclass.estimators.fitted import FittedNetwork
from mne_cnnclass.estimators.ssvep import Learnt
from mne_cnnclass.evaluation import learning_curve

N_SEEDS, N_EACH = 4, 24  # samples of each of 4 groups; boosting splits no fewer than 40 training samples


def assert_chance(right, n=None):
    """The number of right answers is one that coins give, 99.9 % of the time."""
    n = len(right) if n is None else n
    low, high = binom.ppf([0.0005, 0.9995], n, 0.5)
    assert low <= np.sum(right) <= high, f"{np.sum(right):.0f} of {n} right, and chance is {low} to {high}"


def right_answers(make, kind, *, cv=2, grouped=True):
    """Whether each test sample is right, over seeds."""
    right = []
    for seed in range(N_SEEDS):
        view = noise_view(kind, seed=seed, n_each=N_EACH)
        if not grouped:
            view.groups = None
        table = evaluate(make(seed), view, cv=cv).predictions
        right.append((table["y_true"] == table["y_pred"]).to_numpy())
    return np.concatenate(right)


# -- permuted labels give chance -------------------------------------------------------------------


@pytest.mark.parametrize("task", RECIPES)
def test_recipes_are_at_chance_on_noise(task):
    assert_chance(right_answers(lambda seed: small_recipe(task, seed), RECIPES[task][0]))


@pytest.mark.parametrize(("kind", "name"), BASELINES)
def test_baselines_are_at_chance_on_noise(kind, name):
    make = partial(one_baseline, kind, name)
    assert_chance(right_answers(make, "beats" if kind == "ecg" else "eeg"))


def test_networks_that_stop_early_and_calibrate_are_at_chance_on_noise():
    how = dict(validation_fraction=0.25, patience=1, calibrate=True, augmentation=["time_shift", "mixup"])
    assert_chance(right_answers(lambda seed: network(random_state=seed, max_epochs=1, **how), "eeg"))


def _log_power(X):
    return np.log(np.asarray(X).var(axis=2))


def quick():
    return make_pipeline(FunctionTransformer(_log_power), LogisticRegression())


@pytest.mark.parametrize("cv", [4, StratifiedKFold(4, shuffle=True, random_state=0), LeaveOneGroupOut()])
def test_splitters_are_at_chance_on_noise(cv):
    assert_chance(right_answers(lambda seed: quick(), "eeg", cv=cv, grouped=not hasattr(cv, "shuffle")))


@pytest.mark.parametrize("grouped", [True, False])
def test_learning_curve_is_at_chance_on_noise(grouped):
    right = {}
    for seed in range(N_SEEDS):
        view = noise_view(seed=seed, n_each=N_EACH)
        view.groups = view.groups if grouped else None
        curve = learning_curve(quick(), view, cv=2, sizes=2, random_state=seed)
        for number, result in enumerate(curve.evaluations.values()):
            table = result.predictions
            right.setdefault(number, []).extend(table["y_true"] == table["y_pred"])
    for answers in right.values():
        assert_chance(answers)


def test_splits_of_benchmarks_are_at_chance_on_noise(tmp_path):
    """Within and across sessions and subjects, with transfer, and in learning curves."""
    data = {f"noise {seed}": noise_view(seed=seed, n_each=16) for seed in range(3)}  # of 4 people
    kinds = ["within-session", "cross-session", "cross-subject", "transfer", "learning-curve"]
    result = benchmark({"quick": quick()}, data, splits=kinds, store=tmp_path / "s.sqlite", n_folds=2)
    table = result.table()
    assert set(table["splits"]) == set(kinds), result.errors()
    for _, rows in table.groupby(["splits", table["size"].fillna(0)]):
        assert_chance(rows["accuracy"] @ rows["n_test"], rows["n_test"].sum())


def test_a_leak_would_be_found():
    """Features that are chosen with the labels of the test samples lift scores out of that interval."""
    right = []
    for seed in range(N_SEEDS):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((40, 500)), rng.permutation(np.repeat([0, 1], 20))
        leaky = SelectKBest(k=10).fit_transform(X, y)
        table = evaluate(LogisticRegression(), leaky, y, cv=2).predictions
        right.extend(table["y_true"] == table["y_pred"])
    with pytest.raises(AssertionError, match="chance is"):
        assert_chance(right)


# -- what marks a group helps within the group alone -----------------------------------------------


def marked_view(seed, n_groups=10, n_each=12):
    """Each group has a power of its own in each channel, and all samples but one are of one class."""
    view = noise_view(seed=seed, n_groups=n_groups, n_each=n_each)
    rng = np.random.default_rng(1000 + seed)
    gain = np.exp(rng.standard_normal((n_groups, 3)))
    data = np.asarray(view) * np.repeat(gain, n_each, axis=0)[:, :, None]
    usual = np.repeat(rng.permutation(np.resize(["left", "right"], n_groups)), n_each)
    other = np.where(usual == "left", "right", "left")
    labels = np.where(np.arange(len(view)) % n_each == 0, other, usual)
    return EpochsView(view.with_data(data), labels=labels)


@pytest.mark.parametrize("kind", ["band power + LR", "network"])
def test_marker_of_a_group_does_not_help_across_groups(kind):
    across, within, n_groups = [], [], 0
    for seed in range(N_SEEDS if kind != "network" else 2):
        estimator = (
            CNNClassifier("ShallowFBCSPNet", max_epochs=6, random_state=seed, n_threads=1)
            if kind == "network"
            else baselines("eeg", names=[kind])[kind]
        )
        view = marked_view(seed)
        table = evaluate(estimator, view).predictions
        # all samples of a group are right or wrong together: it counts as one answer
        right = (table["y_true"] == table["y_pred"]).groupby(table["group"]).mean()
        across.append(right.sum())
        n_groups += len(right)
        view.groups = None
        table = evaluate(estimator, view, cv=StratifiedKFold(5, shuffle=True, random_state=0)).predictions
        within.append((table["y_true"] == table["y_pred"]).mean())
    assert np.mean(within) > 0.65
    assert_chance(np.sum(across), n_groups)


# -- what is learnt depends on the training samples alone ------------------------------------------


def learnt(estimator):
    """Hash of all that an estimator has learnt, to the last bit."""
    return joblib.hash(_learnt(estimator))


def _learnt(thing):
    if isinstance(thing, Pipeline):
        return [_learnt(step) for _, step in thing.steps]
    if isinstance(thing, list):
        return [_learnt(entry) for entry in thing]
    if isinstance(thing, BaseEstimator):
        names = [name for name in vars(thing) if name.endswith("_") and not name.endswith("__")]
        return {name: _learnt(getattr(thing, name)) for name in sorted(names)}
    if isinstance(thing, (FittedNetwork, Learnt)):
        return {name: _learnt(value) for name, value in vars(thing).items()}
    if hasattr(thing, "state_dict"):
        return {name: value.numpy() for name, value in thing.state_dict().items()}
    if isinstance(thing, pd.DataFrame):
        return thing.drop(columns="duration", errors="ignore").to_dict("list")
    return thing


def network(**params):
    return CNNClassifier("EEGNet", **{"max_epochs": 2, "random_state": 0, "n_threads": 1, **params})


LEARNERS = {
    "standardisation": (network(), "eeg"),
    "early stopping": (network(validation_fraction=0.3, patience=1), "eeg"),
    "calibration": (network(calibrate=True), "eeg"),
    "calibration on a validation part": (network(calibrate=True, validation_fraction=0.3), "eeg"),
    "augmentation": (network(augmentation=["time_shift", "channel_dropout", "mixup"]), "eeg"),
    "class weights": (network(class_weight="balanced"), "eeg"),
    "ensemble": (network(n_members=2), "eeg"),
    "symmetry": (network(symmetry="left_right"), "eeg"),
    "Standardize": (make_pipeline(preprocessing.Standardize(), network()), "eeg"),
    "Clip": (make_pipeline(preprocessing.Clip(3), network()), "eeg"),
    "EuclideanAlignment": (make_pipeline(preprocessing.EuclideanAlignment(), network()), "eeg"),
    "RiemannianAlignment": (make_pipeline(preprocessing.RiemannianAlignment(), network()), "eeg"),
    "choice of channels": (
        make_pipeline(FunctionTransformer(_log_power), SelectKBest(k=1), LogisticRegression()),
        "eeg",
    ),
    "features": (
        make_pipeline(preprocessing.Features(["band_power"]), StandardScaler(), LogisticRegression()),
        "eeg",
    ),
    **{task: (small_recipe(task), kind) for task, (kind, _) in RECIPES.items()},
    **{
        f"{kind}: {name}": (one_baseline(kind, name), kind.replace("ecg", "beats"))
        for kind, name in BASELINES
    },
}
# that learn in another way where there are no groups
OF_GROUPS = [name for name in LEARNERS if name.startswith(("early", "calibration"))]
OF_GROUPS += ["EuclideanAlignment", "RiemannianAlignment", "motor imagery", "erp", "heartbeats"]


class Recorded(Pipeline):
    """A Pipeline that notes what it has learnt."""

    fits, others = [], None

    def predict_scores(self):
        predict = self.predict_proba if hasattr(self, "predict_proba") else self.decision_function
        return predict(self.others)

    def fit(self, X, y=None, **params):
        super().fit(X, y, **params)
        # what its parts keep elsewhere shows in what it makes of other samples
        self.fits.append((learnt(self), self.predict_scores().tobytes()))
        return self


def changed(view, rows):
    """The same samples, but some with other labels, metadata and wild data of the same groups."""
    data, labels, table = np.asarray(view), view.labels.copy(), view.metadata.copy()
    rng = np.random.default_rng(99)
    data[rows] = 1e-3 * rng.standard_cauchy(data[rows].shape) + 0.1
    labels[rows] = labels[rows][::-1]
    numbers = [name for name in table if table[name].dtype == float and name != "onset"]
    table.loc[rows, numbers] = rng.uniform(100, 200, (len(rows), len(numbers)))
    new = EpochsView(view.with_data(data), labels=labels)
    new.metadata = table
    return new


@pytest.mark.filterwarnings("ignore:Channel.* times as much as in the training samples")  # they are wild
@pytest.mark.parametrize(
    ("name", "grouped"), [*((name, True) for name in LEARNERS), *((name, False) for name in OF_GROUPS)]
)
def test_test_samples_change_nothing_that_is_learnt(name, grouped, monkeypatch):
    """What a fold of `evaluate` learns is the same to the bit, whatever its test samples are."""
    estimator, kind = LEARNERS[name]
    view = noise_view(kind, n_groups=4, n_each=20)
    # of the same people, or of others
    test = np.arange(60, 80) if grouped else np.arange(0, 80, 4)
    train = np.setdiff1d(np.arange(80), test)
    steps = estimator.steps if isinstance(estimator, Pipeline) else [("network", estimator)]
    fits = []
    monkeypatch.setattr(Recorded, "fits", fits)
    for data in (view, changed(view, test), changed(view, train[:4])):
        if not grouped:
            data.groups = None
        others = noise_view(kind, seed=9)
        others.groups = others.groups if grouped else None
        monkeypatch.setattr(Recorded, "others", others)
        evaluate(Recorded(steps), data, cv=[(train, test)])
    assert fits[0] == fits[1]
    assert (fits[0] == fits[2]) == (name.endswith(("dummy", "CCA")))  # which learn nothing from signals


def test_fine_tuning_learns_from_training_samples_alone():
    many = network().fit(noise_view(seed=1))
    view = noise_view(seed=2)
    rows, test = np.arange(20), np.arange(20, 40)
    fits = [
        learnt(FineTunedClassifier(many, max_epochs=1).fit(data[rows]).estimator_)
        for data in (view, changed(view, test), changed(view, rows[:4]))
    ]
    assert fits[0] == fits[1] != fits[2]
