"""Transformers for evoked responses, on signals whose responses are known."""

import numpy as np
import pytest
from pyriemann.estimation import XdawnCovariances
from pyriemann.tangentspace import TangentSpace
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from mne_cnnclass.preprocessing import Course, Damp, EuclideanAlignment, EvokedCovariances, SpectralAlignment

SHAPE = np.exp(-(((np.arange(60) / 64.0 - 0.4) / 0.1) ** 2))
PLACE = np.array([0.2, 1.0, 0.6, -0.3])
Y = np.arange(180) % 6 == 0  # one of six


@pytest.fixture(scope="module")
def X():
    """Noise that all channels share, and a response at known places to the rare event."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((4, 4)) + 2 * np.eye(4)
    return mixing @ rng.standard_normal((180, 4, 60)) + 1.5 * Y[:, None, None] * PLACE[:, None] * SHAPE


def test_filters_find_the_response_in_noise(X):
    """The best filter is known: the inverse covariance of the signals times the places of the response."""
    fitted = EvokedCovariances(1).fit(X, Y)
    best = np.linalg.solve(np.cov(X.transpose(1, 0, 2).reshape(4, -1)), PLACE)
    cosine = fitted.filters_[1] @ best / np.linalg.norm(fitted.filters_[1]) / np.linalg.norm(best)
    assert abs(cosine) > 0.97  # of the rare class, the second
    assert abs(np.corrcoef(fitted.responses_[1], SHAPE)[0, 1]) > 0.75
    assert np.var(fitted.filters_[1] @ X) == pytest.approx(1, abs=0.05)


def test_tables_are_as_good_as_those_of_pyriemann(X):
    theirs = make_pipeline(XdawnCovariances(2, estimator="lwf"), TangentSpace(), LogisticRegression())
    ours = make_pipeline(EvokedCovariances(2), LogisticRegression())
    auc, expected = (cross_val_score(one, X, Y, scoring="roc_auc").mean() for one in (ours, theirs))
    assert auc > max(expected - 0.03, 0.8)


def test_channels_that_depend_on_each_other_and_many_classes_do_no_harm(X):
    average = X - X.mean(axis=1, keepdims=True)
    table = EvokedCovariances(4).fit_transform(np.concatenate([average, average[:, :1]], axis=1), Y)
    assert np.isfinite(table).all()
    table = EvokedCovariances(4).fit_transform(X, np.arange(180) % 9)
    assert table.shape == (180, 18 * 19 // 2)
    assert np.isfinite(EvokedCovariances().fit_transform(X[:, :1], Y)).all()
    flat = X * np.array([1, 1, 0, 1])[:, None]
    assert np.isfinite(EvokedCovariances().fit_transform(flat, Y)).all()


def test_loud_samples_are_damped_and_usual_ones_keep_their_order(X):
    loud = X.copy()
    loud[7] *= 1e4
    damped = Damp().fit_transform(loud)
    assert damped[7].std(axis=1).max() <= 1
    np.testing.assert_allclose(np.delete(damped, 7, 0), np.delete(Damp().fit_transform(X), 7, 0), rtol=0.05)
    before, after = (one.std(axis=2)[:, 0] for one in (X, Damp().fit_transform(X)))
    assert (np.argsort(before) == np.argsort(after)).all()
    assert not Damp().fit_transform(np.zeros((4, 2, 9))).any()


def test_the_course_of_many_channels_stays_small():
    assert Course().fit_transform(np.zeros((2, 5, 100))).shape == (2, 5 * 32)
    assert Course().fit_transform(np.zeros((2, 64, 480))).shape == (2, 64 * 15)
    assert Course().fit_transform(np.zeros((2, 300, 20))).shape == (2, 300 * 8)
    slow = np.sin(2 * np.pi * 2 * np.arange(96) / 96.0) + np.zeros((1, 2, 96))
    assert np.corrcoef(Course().fit_transform(slow)[0, :32], slow[0, 0, ::3])[0, 1] > 0.95


@pytest.mark.parametrize("align", [EuclideanAlignment(across_channels=False), SpectralAlignment()])
def test_gains_of_amplifiers_are_no_difference_between_people(X, align):
    gain = np.array([1e-6, 3e-6, 1e-5, 1e-6])[:, None]
    people = np.repeat([0, 1], 90)
    same = np.concatenate([X[:90], X[:90]])
    aligned = align.fit_transform(np.where(people[:, None, None] == 1, gain * same, same), groups=people)
    np.testing.assert_allclose(aligned[:90], aligned[90:], rtol=1e-6)
    assert aligned.var() == pytest.approx(1, abs=0.05)
    online = type(align)(**align.get_params() | {"online": True}).fit(same[:90], groups=people[:90])
    late = online.transform(gain * same[90:], groups=people[90:])[-1]
    np.testing.assert_allclose(late, aligned[-1], rtol=0.2, atol=0.1)


def test_channels_are_not_mixed_without_across_channels(X):
    only = X * np.array([1, 0, 0, 0])[:, None]
    assert not EuclideanAlignment(across_channels=False).fit_transform(only)[:, 1:].any()


def test_spectra_become_flat_except_where_a_filter_has_left_nothing():
    walks = np.cumsum(np.random.default_rng(0).standard_normal((60, 2, 256)), axis=2)
    power = (np.abs(np.fft.rfft(SpectralAlignment().fit_transform(walks))) ** 2).mean(axis=(0, 1))[1:]
    assert np.ptp(np.log(power[1:])) < 1.5
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal((60, 2, 256)))
    spectrum[..., 64:] *= 1e-6
    aligned = SpectralAlignment().fit_transform(np.fft.irfft(spectrum))
    power = (np.abs(np.fft.rfft(aligned)) ** 2).mean(axis=(0, 1))
    assert power[80:].max() < 1e-4 * power[5:50].min()


def test_wrong_parameters_are_refused(X):
    for wrong in (EvokedCovariances(0), EvokedCovariances(1.5), Course(0), Course(most_values=0)):
        with pytest.raises((TypeError, ValueError), match=r"n_filters|sfreq|most_values"):
            wrong.fit(X, Y)
    with pytest.raises(ValueError, match="requires y"):
        EvokedCovariances().fit(X)
