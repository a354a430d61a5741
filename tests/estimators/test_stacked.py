"""Weights of classifiers follow from what they say of samples that they have not seen."""

import numpy as np
import pytest
from listed import samples
from mne.decoding import Vectorizer
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from mne_cnnclass import CNNClassifier, StackedClassifier, load_classifier, save_classifier

rng = np.random.default_rng(0)
X = rng.standard_normal((300, 4))
Y = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + 0.3 * rng.standard_normal(300), [-0.5, 0.5])]


def stacked(**members):
    return StackedClassifier(list(members.items()), random_state=0)


@parametrize_with_checks([stacked(line=LogisticRegression(), bell=GaussianNB())])
def test_check_estimator(estimator, check):
    check(estimator)


def test_what_memorises_gets_no_weight_and_what_knows_nothing_does_no_harm():
    clf = stacked(
        tree=DecisionTreeClassifier(random_state=0), line=LogisticRegression(), none=DummyClassifier()
    )
    clf.fit(X[:200], Y[:200])
    assert clf.weights_[0] < 0.1 < 0.8 < clf.weights_[1] < 1.3
    alone = LogisticRegression().fit(X[:200], Y[:200])
    ours, theirs = (log_loss(Y[200:], one.predict_proba(X[200:])) for one in (clf, alone))
    assert ours < theirs + 0.02


def test_probabilities_are_those_of_the_classes_of_the_training():
    rows = np.flatnonzero((Y == "a") | (np.arange(300) % 5 == 0))
    clf = stacked(line=LogisticRegression(), bell=GaussianNB()).fit(X[rows], Y[rows])
    frequency = [(Y[rows] == label).mean() for label in clf.classes_]
    np.testing.assert_allclose(clf.predict_proba(X[rows]).mean(0), frequency, atol=0.03)


class Peeks(GaussianNB):
    """Knows the people of its training by heart, as far as samples of them come again."""

    def fit(self, X, y, groups=None):
        self.label_of = dict(zip(groups, y, strict=True))
        return super().fit(X, y)

    def predict_proba(self, X):
        proba = np.full((len(X), len(self.classes_)), 0.01)
        known = [self.label_of.get(person, self.classes_[0]) for person in X[:, 3]]
        proba[np.arange(len(X)), np.searchsorted(self.classes_, known)] = 0.98
        return proba


def test_inner_folds_keep_groups_whole():
    """Each person has one label: who is known tells it, of people who are not there nothing is known."""
    people = np.repeat(np.arange(60.0), 5)
    y, data = np.repeat(Y[::5], 5), np.column_stack([X[:, :3], people])
    data[:, 0] += y == "a"
    clf = stacked(peeks=Peeks(), bell=GaussianNB()).fit(data, y, groups=people)
    assert clf.weights_[0] < 0.1


def test_weights_are_equal_where_a_class_has_one_sample_or_one_group():
    few = np.r_[0, 0, 0, 1] == 1
    assert stacked(a=LogisticRegression(), b=GaussianNB()).fit(X[:4], few).weights_.tolist() == [0.5, 0.5]
    clf = stacked(a=LogisticRegression(), b=GaussianNB())
    assert clf.fit(X[:40], X[:40, 0] > 0, groups=X[:40, 0] > 0).weights_.tolist() == [0.5, 0.5]
    assert clf.fit(X[:40], X[:40, 0] > 0, groups=np.ones(40)).weights_.tolist() != [0.5, 0.5]


def test_networks_beside_linear_models_are_saved_searched_and_the_same_again(tmp_path):
    view = samples("eeg")
    line = make_pipeline(Vectorizer(), StandardScaler(), LinearDiscriminantAnalysis("lsqr", shrinkage="auto"))
    network = CNNClassifier("EEGNet", max_epochs=2, random_state=0)
    clf = stacked(network=network, line=line, other=make_pipeline(Vectorizer(), LogisticRegression()))
    proba = clf.fit(view).predict_proba(view)
    assert clone(clf).fit(view).predict_proba(view).tobytes() == proba.tobytes()
    save_classifier(clf, tmp_path / "stacked.mcnn")
    loaded = load_classifier(tmp_path / "stacked.mcnn")
    assert loaded.predict_proba(view).tobytes() == proba.tobytes()
    assert [name for name, _ in loaded.estimators] == ["network", "line", "other"]
    grid = {"network__model__F1": [4], "other": [LogisticRegression(), DummyClassifier()]}
    search = GridSearchCV(stacked(network=network, other=line), grid | {"other": [line]}, cv=2)
    assert search.fit(view, view.labels).best_params_["network__model__F1"] == 4


def test_members_that_are_none_are_refused():
    with pytest.raises(TypeError, match=r"list of \(name, classifier\), got \[\]"):
        StackedClassifier([]).fit(X, Y)
    with pytest.raises(TypeError, match="must have predict_proba; 'svm', LinearSVC"):
        stacked(svm=LinearSVC()).fit(X, Y)
    with pytest.raises(ValueError, match="not unique"):
        StackedClassifier([("a", LogisticRegression()), ("a", GaussianNB())]).fit(X, Y)
    with pytest.raises(ValueError, match="only 1 class, 'a'"):
        stacked(a=LogisticRegression()).fit(X, np.repeat("a", 300))
