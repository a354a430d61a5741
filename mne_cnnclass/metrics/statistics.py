"""Tests, effect sizes and intervals of paired differences, each with its assumption and its reference.

A difference is the score of one pipeline minus that of the other, of a group (subject …) or of a fold. Tests
return the one-sided p-values of it lying above and below 0; both are 0.5 if all differences are 0.
"""

from functools import partial

import numpy as np
from scipy import stats
from scipy.special import nctdtrinc, stdtrit

N_FLIPS = 2**14  # sign flips at most: all that there are up to 14 differences, else drawn with a fixed seed


def sign_flip_test(differences):
    """Paired permutation test of a mean difference: flip the signs of the differences, of shape (n,).

    Under the null hypothesis each is equally likely to have either sign, independently of the others. For up
    to 14 differences all 2**n flips are used, so that the p-value is exact; for more, 16384 random ones with
    a fixed seed. No p-value is below 1 / 2**n.

    Nichols TE, Holmes AP (2002). Nonparametric permutation tests for functional neuroimaging: a primer with
    examples. Human Brain Mapping 15(1):1-25. doi:10.1002/hbm.1058

    >>> sign_flip_test([0.1, 0.2, 0.05, 0.3, 0.02])
    (0.03125, 0.96875)
    """
    differences = np.asarray(differences, float)
    if not differences.any():
        return 0.5, 0.5
    test = partial(
        stats.permutation_test,
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=N_FLIPS,
        rng=np.random.default_rng(0),
    )
    # A p-value of 1 would outweigh everything else in Stouffer's sum; MOABB bounds it alike.
    most = 1 - 0.5 ** len(differences)
    p_greater, p_less = (min(float(test(alternative=side).pvalue), most) for side in ("greater", "less"))
    return p_greater, p_less


def signed_rank_test(differences):
    """Wilcoxon's signed-rank test of differences of shape (n,), or of each row of (n_pairs, n).

    Under the null hypothesis they are independent, and distributed symmetrically about 0. Groups whose
    difference is 0 are left out, as in the paper.

    Wilcoxon F (1945). Individual comparisons by ranking methods. Biometrics Bulletin 1(6):80-83.
    doi:10.2307/3001968

    >>> signed_rank_test([0.1, 0.2, 0.05, 0.3, 0.02])
    (0.03125, 1.0)
    """
    differences = np.asarray(differences, float)
    rows = np.atleast_2d(differences)
    p_values = np.full((2, len(rows)), 0.5)
    differ = np.flatnonzero(rows.any(axis=1))
    # scipy computes exact p-values up to 50 differences, of all rows or of none
    at_once = [differ] if rows.shape[1] > 50 and len(differ) else differ[:, None]
    for part in at_once:
        for p_value, side in zip(p_values, ("greater", "less"), strict=True):
            p_value[part] = stats.wilcoxon(rows[part], alternative=side, axis=1).pvalue
    return tuple(p_values if differences.ndim == 2 else p_values[:, 0].tolist())


def corrected_resampled_ttest(differences, test_train_ratio):
    """t-test of differences over folds, shape (n_folds,), corrected for the training samples they share.

    Folds share training samples, so their scores are not independent, and the ordinary t-test gives too many
    false positives. Here the variance of the mean is ``(1 / n_folds + test_train_ratio)`` times that of the
    differences [1]_, also for repeated cross-validation [2]_. Assumption: normally distributed differences,
    whose correlation between folds equals the fraction of samples that are tested; this is a heuristic,
    without proof. The conclusion generalises to training sets of this size from the population of these
    samples: if they are from one subject, to this subject.

    .. [1] Nadeau C, Bengio Y (2003). Inference for the generalization error. Machine Learning 52:239-281.
       doi:10.1023/A:1024068626366
    .. [2] Bouckaert RR, Frank E (2004). Evaluating the replicability of significance tests for comparing
       learning algorithms. PAKDD 2004, 3-12. doi:10.1007/978-3-540-24775-3_3

    >>> p_greater, p_less = corrected_resampled_ttest([0.1, 0.2, 0.0, 0.1, 0.1], 0.25)
    >>> round(p_greater, 3)
    0.051
    """
    differences = np.asarray(differences, float)
    if not differences.any():
        return 0.5, 0.5
    factor = 1 / len(differences) + test_train_ratio
    with np.errstate(divide="ignore"):  # the same difference in all folds
        t = differences.mean() / np.sqrt(factor * differences.var(ddof=1))
    p_greater, p_less = (float(tail(t, len(differences) - 1)) for tail in (stats.t.sf, stats.t.cdf))
    return p_greater, p_less


def two_sided(p_greater, p_less):
    """The two-sided p-value: twice the smaller one-sided p-value, at most 1."""
    return min(1.0, 2 * min(p_greater, p_less))


def stouffer(p_values, n):
    """Combine one-sided p-values of data sets of ``n`` subjects by Stouffer's weighted Z, as MOABB does.

    The weights are the square roots of ``n``. Assumption: the data sets are independent (no subject is in two
    of them) and each p-value is uniform under the null hypothesis, or conservative.

    .. [1] Stouffer SA et al. (1949). The American Soldier, vol. 1. Princeton University Press.
    .. [2] Jayaram V, Barachant A (2018). MOABB: trustworthy algorithm benchmarking for BCIs. Journal of
       Neural Engineering 15(6):066011. doi:10.1088/1741-2552/aadea0

    >>> round(stouffer([0.05, 0.05], [10, 10]), 4)
    0.01
    """
    p_values = np.clip(p_values, np.finfo(float).tiny, 1 - np.finfo(float).eps)  # finite Z
    return float(stats.combine_pvalues(p_values, method="stouffer", weights=np.sqrt(n)).pvalue)


def holm(p_values):
    """Adjust p-values by Holm's method, which controls the family-wise error rate.

    If all null hypotheses are true, the probability that any adjusted one is below 0.05 is at most 5 %. The
    tests may depend on each other in any way.

    Holm S (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics
    6(2):65-70. https://www.jstor.org/stable/4615733

    >>> holm([0.01, 0.04, 0.03, 0.005]).round(3).tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)
    stepped = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    return np.minimum(stepped, 1)[np.argsort(order)]


def mean_interval(values, factor):
    """Mean of normally distributed values, and its 95 % confidence interval from the t distribution.

    ``factor`` is the variance of the mean divided by that of the values: ``1 / n`` if they are independent,
    ``1 / n_folds + test_train_ratio`` for folds (see `corrected_resampled_ttest`).

    >>> print("{:.2f} [{:.2f}, {:.2f}]".format(*mean_interval([0.1, 0.2, 0.0, 0.1, 0.1], 1 / 5)))
    0.10 [0.01, 0.19]
    """
    mean = np.mean(values)
    half = stdtrit(len(values) - 1, 0.975) * np.sqrt(factor) * np.std(values, ddof=1)
    return float(mean), float(mean - half), float(mean + half)


def standardized_difference(differences, factor):
    """Standardised mean dz of paired differences and its 95 % interval; ``factor`` as for `mean_interval`.

    This is Cohen's dz (mean by standard deviation with n - 1), the effect size of MOABB, without correction
    for small samples: with 5 subjects it is about 25 % too large on average, with 20 about 4 % [1]_. The
    interval inverts the noncentral t distribution [2]_. Assumption: normally distributed differences. If all
    are equal, the effect is 0 or infinite, and the interval is NaN.

    .. [1] Hedges LV (1981). Distribution theory for Glass's estimator of effect size and related estimators.
       Journal of Educational Statistics 6(2):107-128. doi:10.3102/10769986006002107
    .. [2] Cumming G, Finch S (2001). A primer on the understanding, use, and calculation of confidence
       intervals that are based on central and noncentral distributions. Educational and Psychological
       Measurement 61(4):532-574. doi:10.1177/0013164401614002

    >>> effect, low, high = standardized_difference([0.1, 0.2, 0.0, 0.1, 0.1], 1 / 5)
    >>> print(f"{effect:.2f} [{low:.2f}, {high:.2f}]")
    1.41 [0.09, 2.67]
    """
    differences = np.asarray(differences, float)
    mean, n = differences.mean(), len(differences)
    if np.isclose(differences, differences[0], rtol=0, atol=1e-12).all():
        return (float(np.copysign(np.inf, mean)) if differences.any() else 0.0), np.nan, np.nan
    effect = mean / differences.std(ddof=1)
    t = abs(effect) / np.sqrt(factor)
    limits = np.sqrt(factor) * nctdtrinc(n - 1, [0.975, 0.025], t)
    low, high = limits if effect >= 0 else -limits[::-1]
    return float(effect), float(low), float(high)


def weighted_mean_interval(values, low, high, n):
    """Average the estimates of data sets of ``n`` subjects, weighted by its root, with a 95 % interval.

    The weights are those of MOABB. The interval recovers variances from the limits of each data set, which
    may be asymmetric. Assumption: independent data sets.

    Zou GY, Donner A (2008). Construction of confidence limits about effect measures: a general approach.
    Statistics in Medicine 27(10):1693-1702. doi:10.1002/sim.3095

    >>> mean, low, high = weighted_mean_interval([0.1, 0.3], [0.0, 0.1], [0.2, 0.5], [10, 10])
    >>> print(f"{mean:.2f} [{low:.2f}, {high:.2f}]")
    0.20 [0.09, 0.31]
    """
    values, low, high = (np.asarray(array, float) for array in (values, low, high))
    weights = np.sqrt(n) / np.sqrt(n).sum()
    mean = weights @ values
    below, above = (np.sqrt(weights**2 @ (values - limit) ** 2) for limit in (low, high))
    return float(mean), float(mean - below), float(mean + above)


def mean_sd(values):
    """Mean ± SD over folds as text, with the number of folds if the value is undefined (NaN) in some.

    >>> mean_sd([0.8, 0.9]), mean_sd([0.8]), mean_sd([0.8, 0.9, np.nan]), mean_sd([np.nan])
    ('0.85 ± 0.07', '0.80', '0.85 ± 0.07 (2 of 3 folds)', 'undefined')
    """
    values = np.asarray(values, dtype=float)
    known = values[~np.isnan(values)]
    if not len(known):
        return "undefined"
    text = f"{known.mean():.2f}" + (f" ± {known.std(ddof=1):.2f}" if len(known) > 1 else "")
    return text if len(known) == len(values) else f"{text} ({len(known)} of {len(values)} folds)"


def format_p(p_value):
    """A p-value as text: "p = 0.012", or "p < 0.001"."""
    return f"p = {p_value:.3f}" if p_value >= 0.001 else "p < 0.001"
