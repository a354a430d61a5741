"""All that computes does so with one thread, whatever there is before, and puts everything back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch
from listed import LISTED, samples, small_recipe
from planted import planted_epochs
from sklearn import clone
from sklearn.dummy import DummyClassifier
from threadpoolctl import threadpool_info, threadpool_limits

from mne_cnnclass import CNNClassifier, EpochsView, evaluate, explain, preprocessing
from mne_cnnclass.preprocessing import epochs as epochs_module
from mne_cnnclass.samples import view as samples_view
from mne_cnnclass.utils.threads import limit_threads


def numbers():
    """Numbers of threads that the libraries have here, BLAS, OpenMP and torch."""
    return {pool["num_threads"] for pool in threadpool_info()} | {torch.get_num_threads()}


@pytest.fixture(autouse=True)
def three():
    """Three threads, which no test leaves changed."""
    before = torch.get_num_threads()
    with threadpool_limits(3):
        torch.set_num_threads(3)
        yield
        assert numbers() == {3}
        torch.set_num_threads(before)


class Seen(set):
    """Numbers of threads, of which one may be enough to have seen."""

    enough = None


class EnoughError(Exception):
    """Nothing more has to be computed."""


@pytest.fixture
def seen(monkeypatch):
    """The numbers of threads at each time that samples are read, which happens where they are used."""
    seen, read = Seen(), samples_view.read_rows

    def look(*args):
        seen.update(numbers())
        if seen.enough in seen:
            raise EnoughError
        return read(*args)

    monkeypatch.setattr(samples_view, "read_rows", look)
    return seen


@pytest.mark.parametrize("listed", LISTED, ids=str)
def test_estimators_compute_with_one_thread(listed, seen):
    view = samples(listed.kind)
    estimator = clone(listed.make())
    fit, networks = estimator.fit, [name for name in estimator.get_params() if name.endswith("n_threads")]
    fit(view, view.labels)
    getattr(estimator, "predict" if hasattr(estimator, "predict") else "transform")(view)
    assert seen <= {1}  # some read nothing here
    if networks:
        for given, found in ((2, 2), (None, 3)):
            seen.clear()
            seen.enough = found
            with pytest.raises(EnoughError):
                estimator.set_params(**dict.fromkeys(networks, given)).fit(view, view.labels).predict(view)
            assert found in seen


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_folds_compute_with_one_thread(n_jobs):
    class Look(DummyClassifier):
        def fit(self, X, y):
            self.found_ = numbers()
            return super().fit(X, y)

        def predict_proba(self, X):
            assert self.found_ == numbers() == {1}
            return super().predict_proba(X)

    evaluate(Look(), np.zeros((20, 3)), np.resize(["a", "b"], 20), cv=4, n_jobs=n_jobs, error_score="raise")


def test_explanations_and_raw_signals_take_one_thread(seen, monkeypatch, write_recording):
    view = EpochsView(planted_epochs(20))
    clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(view)
    seen.clear()
    explain.spatial_patterns(clf, view)
    explain.saliency(clf, view)
    explain.channel_importance(clf, view, n_repeats=1)
    assert seen == {1}
    cut = epochs_module.cut_raw
    monkeypatch.setattr(
        epochs_module, "cut_raw", lambda *args, **kw: seen.add(*numbers()) or cut(*args, **kw)
    )
    seen.clear()
    preprocessing.make_epochs(write_recording("a_raw.fif"), tmin=0, tmax=1)
    assert seen == {1}


def test_bits_do_not_depend_on_the_threads_that_a_process_has():
    train, new = planted_epochs(20), planted_epochs(20, seed=1)
    proba = []
    for n_threads in (1, 3, 4):
        torch.set_num_threads(n_threads)
        with threadpool_limits(n_threads):
            proba.append(small_recipe("motor imagery").fit(train).predict_proba(new))
            assert numbers() == {n_threads}
    torch.set_num_threads(3)
    for other in proba[1:]:
        np.testing.assert_array_equal(other, proba[0])


def test_blocks_within_each_other_and_beside_each_other():
    with limit_threads(2):
        with limit_threads(None):
            assert numbers() == {2}
        with limit_threads(np.int64(1)):
            assert numbers() == {1}
        assert numbers() == {2}
    with pytest.raises(ZeroDivisionError), limit_threads(1):
        _ = 1 / 0
    assert numbers() == {3}
    begun, ended = Barrier(2), Barrier(2)

    def block(first):
        with limit_threads(1):
            begun.wait()
            if not first:
                ended.wait()
                assert numbers() == {1}  # the block that began first has ended
        if first:
            ended.wait()
        return torch.get_num_threads()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(block, [True, False])) == [3, 3]
    assert numbers() == {3}
