"""The tests between pipelines give the p-values of scipy and of published examples."""

import numpy as np
import pytest
from scipy import stats

from mne_cnnclass.metrics.statistics import (
    corrected_resampled_ttest,
    holm,
    mean_interval,
    sign_flip_test,
    signed_rank_test,
    standardized_difference,
    stouffer,
    two_sided,
    weighted_mean_interval,
)

# Hours of sleep gained by ten patients with two drugs: Student (1908), Biometrika 6(1):1-25; `sleep` in R
SLEEP = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]) - np.array(
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
)
# accuracies of two pipelines in eight groups
A = [0.90, 0.85, 0.75, 0.95, 0.65, 0.80, 0.90, 0.70]
B = [0.80, 0.80, 0.80, 0.70, 0.60, 0.65, 0.70, 0.70]


def test_sign_flips_are_scipys_permutations_of_pairs():
    a, b = np.array(A), np.array(B)
    expected = stats.permutation_test(
        (a, b), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", n_resamples=np.inf
    )
    assert two_sided(*sign_flip_test(a - b)) == pytest.approx(expected.pvalue)


def test_sign_flips_are_counted():
    # the mean of 1, 2, 3 is reached by 1 of 8 flips; that of 1, 2, -1 (2/3) by +++, ++- and -++ (1, 2, 1)
    assert sign_flip_test([1, 2, 3]) == (1 / 8, 7 / 8)
    assert sign_flip_test([1, 2, -1])[0] == 3 / 8


def test_random_flips_are_close_to_all_and_the_same_each_time():
    differences = np.random.default_rng(0).normal(0.3, 1, 16)
    exact = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    p = two_sided(*sign_flip_test(differences))
    assert p == pytest.approx(exact.pvalue, abs=0.015)
    assert p == two_sided(*sign_flip_test(differences))


def test_signed_ranks_are_scipys():
    assert two_sided(*signed_rank_test(SLEEP)) == pytest.approx(stats.wilcoxon(SLEEP).pvalue)


def test_without_overlap_the_corrected_t_is_the_paired_t():
    p_greater, p_less = corrected_resampled_ttest(SLEEP, 0.0)
    expected = stats.ttest_1samp(SLEEP, 0)
    assert two_sided(p_greater, p_less) == pytest.approx(expected.pvalue)
    assert p_less < p_greater


def test_holm_of_published_examples():
    # documentation of pingouin.holm, and R's p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")
    np.testing.assert_allclose(holm([0.50, 0.003, 0.32, 0.054, 0.0003]), [0.64, 0.012, 0.64, 0.162, 0.0015])
    np.testing.assert_allclose(holm([0.01, 0.02, 0.03, 0.04, 0.05]), [0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.9, 0.8]).tolist() == [1, 1]


def test_effect_size_and_intervals_of_a_published_example():
    # documentation of R's effectsize and report: d = -1.28 [-2.12, -0.41], difference -1.58 [-2.46, -0.70]
    assert standardized_difference(SLEEP, 1 / 10) == pytest.approx((-1.28, -2.12, -0.41), abs=0.006)
    assert mean_interval(SLEEP, 1 / 10) == pytest.approx((-1.58, -2.46, -0.70), abs=0.006)


def test_interval_of_the_effect_size_holds_the_true_one_95_times_in_100():
    rng = np.random.default_rng(0)
    limits = np.array([standardized_difference(rng.normal(0.8, 1, 8), 1 / 8)[1:] for _ in range(2000)])
    assert np.mean((limits[:, 0] < 0.8) & (limits[:, 1] > 0.8)) == pytest.approx(0.95, abs=0.015)


def test_stouffer_weighs_data_sets_by_the_root_of_n():
    p, n = np.array([0.01, 0.2, 0.6]), np.array([9, 25, 16])
    z = (stats.norm.isf(p) * np.sqrt(n)).sum() / np.sqrt(n.sum())
    assert stouffer(p, n) == pytest.approx(stats.norm.sf(z))
    assert np.isfinite(stouffer([0.0, 1.0], [9, 9]))


def test_interval_over_data_sets_is_that_of_a_weighted_mean():
    mean, low, high = weighted_mean_interval([0.1, 0.4], [0.0, 0.1], [0.2, 0.7], [4, 16])
    assert mean == pytest.approx((0.1 * 2 + 0.4 * 4) / 6)
    half = np.hypot(0.1 * 2, 0.3 * 4) / 6  # standard errors of independent means add in squares
    assert (low, high) == pytest.approx((mean - half, mean + half))


@pytest.mark.parametrize(
    "test", [sign_flip_test, signed_rank_test, lambda d: corrected_resampled_ttest(d, 0.1)]
)
def test_no_difference_at_all_has_a_p_value_of_1(test):
    for n in (5, 60):
        assert two_sided(*test(np.zeros(n))) == 1
