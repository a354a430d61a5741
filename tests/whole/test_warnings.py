"""Warnings name the line of the user's that led to them, however many calls of libraries lie in between."""

import runpy
import textwrap

import mne
import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier, evaluate
from mne_cnnclass.evaluation import learning_curve
from mne_cnnclass.preprocessing import Standardize, make_epochs

Y = np.repeat(["left", "right"], 12)
X = np.random.default_rng(0).standard_normal((24, 2, 40))
FLAT = np.stack([X[:, 0], np.zeros((24, 40))], axis=1)
TINY = 1e-9 * X
HALF = (1e-6 * X).astype(np.float16)
NET = CNNClassifier("EEGNet", max_epochs=1, random_state=0)
LDA = LinearDiscriminantAnalysis()
GROUPS = np.arange(24) % 3
FOLDS = list(StratifiedKFold(3).split(X, Y))
RAW = mne.io.RawArray(X.reshape(2, -1)[:, :480], mne.create_info(["C3", "C4"], 100.0, "eeg"), verbose="ERROR")
WRAPPED = {
    "alone": NET,
    "Pipeline": make_pipeline("passthrough", NET),
    "search": GridSearchCV(NET, {"lr": [1e-3]}, cv=2),
}


def check_line(call, match, category=RuntimeWarning):
    """Each warning of a function of one line is of this line."""
    with pytest.warns(category, match=match) as told:
        call()
    lines = {(one.filename, one.lineno) for one in told if issubclass(one.category, category)}
    assert lines == {(__file__, call.__code__.co_firstlineno)}


@pytest.mark.parametrize("model", WRAPPED.values(), ids=WRAPPED.keys())
def test_fit_predict_and_score(model):
    check_line(lambda: model.fit(FLAT, Y), "Flat channel")
    model.fit(X, Y)
    check_line(lambda: model.predict(TINY), "vary .* times")
    check_line(lambda: model.predict_proba(TINY), "vary .* times")
    check_line(lambda: model.score(TINY, Y), "vary .* times")


def test_fit_within_scikit_learn_and_evaluate():
    for model in (NET, WRAPPED["Pipeline"]):
        check_line(lambda: cross_val_score(model, FLAT, Y, cv=2), "Flat channel")  # noqa: B023
        check_line(lambda: evaluate(model, FLAT, Y, cv=2), "Flat channel")  # noqa: B023


def test_what_evaluate_itself_warns_of():
    flat = FLAT[:, :, 0]
    check_line(lambda: evaluate(LDA, flat, Y, groups=GROUPS, cv=FOLDS), "on both sides", UserWarning)
    check_line(lambda: learning_curve(LDA, flat, Y, groups=GROUPS, cv=FOLDS, sizes=[3]), "both", UserWarning)
    frozen = make_pipeline(FrozenEstimator(LDA.fit(flat, Y)))
    check_line(lambda: evaluate(frozen, flat, Y, cv=2), "was fitted before", UserWarning)


def test_epochs_and_transformers():
    check_line(
        lambda: make_epochs(RAW, windows=dict(duration=1.0), classes=["left"]), "in another unit than V"
    )
    check_line(lambda: Standardize().fit(HALF), "float16")
    check_line(lambda: Standardize().fit_transform(HALF), "float16")


def test_a_script(tmp_path):
    script = tmp_path / "study.py"
    script.write_text(
        textwrap.dedent(
            """
            import numpy as np
            from mne_cnnclass.preprocessing import Standardize
            Standardize().fit(
                np.full((4, 2, 40), 1e-6, np.float16)
            )
            """
        )
    )
    with pytest.warns(RuntimeWarning, match="X is of float16") as caught:
        runpy.run_path(str(script), run_name="__main__")
    assert (caught[0].filename, caught[0].lineno) == (str(script), 4)
