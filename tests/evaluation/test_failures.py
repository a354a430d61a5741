"""Folds that fail: what reaches the user, from this process or from another one, and what is kept."""

import copyreg
import pickle
import runpy
import textwrap
import threading
import traceback
import weakref

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning

from mne_cnnclass import evaluate
from mne_cnnclass.evaluation import learning_curve
from mne_cnnclass.evaluation.failures import FoldError
from mne_cnnclass.evaluation.folds import run_folds

X = np.arange(24.0)[:, None]
Y = np.resize(["left", "right"], 24)


class SpecialError(Exception):
    """One that pickle can't read: it is made from two things, and holds what can't be pickled."""

    def __init__(self, name, lock):
        super().__init__(f"no {name} today")
        self.name, self.lock = name, lock


class FailsWithout(ClassifierMixin, BaseEstimator):
    """Fails if the training part lacks a number."""

    def __init__(self, number):
        self.number = number

    def fit(self, X, y):
        try:
            if self.number not in X:
                raise ArithmeticError(f"{self.number} is missing")
        except ArithmeticError as error:
            raise SpecialError("luck", threading.Lock()) from error
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[X[:, 0].astype(int) // 2 % 2]


class Raises(DummyClassifier):
    """Makes its error in fit: one that it held would be pickled as others please on its way to a process."""

    def __init__(self, error, arguments):
        self.error, self.arguments = error, arguments

    def fit(self, X, y):
        raise self.error(*self.arguments)


@pytest.mark.parametrize(
    ("error_score", "n_jobs"), [("raise", None), (np.nan, None), (0, None), ("raise", 2)]
)
def test_the_error_of_a_fold_keeps_its_class_and_its_traceback(error_score, n_jobs):
    with pytest.raises(SpecialError, match="^no luck today$") as told:
        evaluate(FailsWithout(99), X, Y, cv=3, error_score=error_score, n_jobs=n_jobs)
    assert n_jobs or told.value.name == "luck"
    assert isinstance(told.value.__cause__, ArithmeticError) == (n_jobs is None)
    text = "".join(traceback.format_exception(told.value))
    assert text.count('raise ArithmeticError(f"{self.number} is missing")') == 1
    assert text.count('raise SpecialError("luck", threading.Lock()) from error') == 1


OF_PYTHON = [
    (KeyError, ("missing",)),
    (PermissionError, (13, "why", "x.fif")),
    (UnicodeDecodeError, ("utf-8", b"x", 0, 1, "why")),
]


@pytest.mark.parametrize(("cls", "arguments"), OF_PYTHON)
def test_errors_of_python_arrive_whole_from_another_process(cls, arguments):
    error = cls(*arguments)
    with pytest.raises(cls) as told:
        evaluate(Raises(cls, arguments), X, Y, cv=2, n_jobs=2)
    assert type(told.value) is cls
    assert str(told.value) == str(error)
    assert told.value.args == error.args


@pytest.mark.parametrize(("cls", "arguments"), OF_PYTHON)
def test_errors_arrive_whole_where_a_hook_of_pickle_drops_the_arguments_of_init(cls, arguments, monkeypatch):
    """As tblib's does, which dask.distributed puts in place for every class of error when it is imported."""
    error = cls(*arguments)
    monkeypatch.setitem(
        copyreg.dispatch_table, type(error), lambda error: (type(error).__new__, (type(error),))
    )
    arrived = pickle.loads(pickle.dumps(FoldError(error))).error
    assert (type(arrived), str(arrived), arrived.args) == (cls, str(error), error.args)


def test_the_error_of_a_fold_has_nothing_beside_it_that_may_not_survive_a_process():
    with pytest.raises(SpecialError) as told:
        evaluate(FailsWithout(99), X, Y, cv=3, error_score="raise")
    assert told.value.__context__ is told.value.__cause__
    train, test = np.arange(12), np.arange(12, 24)
    with pytest.raises(FoldError) as told:
        run_folds(
            *(FailsWithout(99), X, Y, None, np.unique(Y), ["accuracy"], [(0, train, test)]),
            raises=True,
            verbose=None,
        )
    assert told.value.__context__ is None


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_fold_that_fails_has_the_score_that_is_asked_for(n_jobs):
    arguments = dict(X=X, y=Y, cv=3, scoring="jaccard_macro", n_jobs=n_jobs)
    with pytest.warns(FitFailedWarning, match=r"1 of 3 folds failed and count as 0.25 \(fold 0\), .*no luck"):
        result = evaluate(FailsWithout(0.0), **arguments, error_score=0.25)
    with pytest.warns(FitFailedWarning, match=r"1 of 3 folds failed and are left out of the scores"):
        without = evaluate(FailsWithout(0.0), **arguments)
    failed = result.scores[result.scores["fold"] == 0]
    assert (failed["value"] == 0.25).all()
    assert failed["metric"].tolist() == without.scores["metric"].unique().tolist()
    others = result.scores[result.scores["fold"] > 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(others, without.scores)
    of_all, of_others = result.summary().loc["accuracy"], without.summary().loc["accuracy"]
    assert of_all["mean"] == pytest.approx((2 * of_others["mean"] + 0.25) / 3)
    assert (of_all["n_folds"], of_others["n_folds"]) == (3, 2)
    assert of_all["pooled"] == of_others["pooled"]
    assert result.folds["error"][0] == "SpecialError: no luck today"
    assert result.folds[["error", "traceback"]].isna().sum().tolist() == [2, 2]
    assert "ArithmeticError: 0.0 is missing" in result.folds["traceback"][0]
    with pytest.raises(SpecialError):
        evaluate(FailsWithout(0.0), **arguments, error_score="raise")


def test_error_score_of_a_learning_curve_and_wrong_ones():
    with pytest.raises(SpecialError):
        learning_curve(FailsWithout(0.0), X, Y, cv=3, sizes=[16], error_score="raise")
    with pytest.raises(ValueError, match="error_score must be \"raise\" or a number, got 'ignore'"):
        evaluate(FailsWithout(0.0), X, Y, error_score="ignore")


def test_an_error_of_a_class_of_a_script_is_caught_by_its_name(tmp_path, capfd):
    script = tmp_path / "study.py"
    script.write_text(
        textwrap.dedent(
            """
            import numpy as np
            from sklearn.dummy import DummyClassifier
            from mne_cnnclass import evaluate

            class Mine(Exception):
                pass

            class Fails(DummyClassifier):
                def fit(self, X, y):
                    raise Mine("my own")

            if __name__ == "__main__":
                try:
                    evaluate(Fails(), np.zeros((8, 1)), [0, 1] * 4, cv=2, n_jobs=2)
                except Mine as error:
                    print("caught", error, ", in fit" in str(error.__cause__))
            """
        )
    )
    runpy.run_path(str(script), run_name="__main__")
    assert capfd.readouterr() == ("caught my own True\n", "")


@pytest.mark.parametrize("error_score", ["raise", np.nan])
def test_ctrl_c_keeps_the_folds_that_were_done(error_score):
    class Stops(FailsWithout):
        def fit(self, X, y):
            if self.number not in X:
                raise KeyboardInterrupt
            return super().fit(X, y)

    with pytest.warns(FitFailedWarning, match=r"2 of 3 folds .*\(fold 1, 2\), .*: KeyboardInterrupt: $"):
        result = evaluate(Stops(8.0), X, Y, cv=3, error_score=error_score)
    assert set(result.predictions["fold"]) == {0}
    with pytest.raises(KeyboardInterrupt):
        evaluate(Stops(0.0), X, Y, cv=3, error_score=error_score)


TRAINED_ON = []


class Remembers(FailsWithout):
    """Fails otherwise if samples that an earlier fold was trained on are still in memory."""

    def fit(self, X, y):
        assert not [ref for ref in TRAINED_ON if ref() is not None]
        TRAINED_ON.append(weakref.ref(X))
        return super().fit(X, y)


def test_a_fold_that_failed_holds_no_samples():
    with pytest.raises(SpecialError):
        evaluate(Remembers(99), X, Y, cv=3)
    assert len(TRAINED_ON) == 3
