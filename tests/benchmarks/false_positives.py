"""How often each test of `compare` finds a difference where there is none.

    python tests/benchmarks/false_positives.py

Prints a table in Markdown, which `docs/guide/evaluation.md` shows: the share of simulated data sets with
p < 0.05, plus or minus its Monte Carlo standard error. The plain t-test over folds, which `compare` does not
do, is there for contrast.
"""

import numpy as np
import pandas as pd
import sklearn
from joblib import Parallel, delayed
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB

from mne_cnnclass.metrics.statistics import (
    corrected_resampled_ttest,
    sign_flip_test,
    signed_rank_test,
    stouffer,
    two_sided,
)

N_PAIRED, N_FOLDED, ALPHA = 1000, 200, 0.05
N_SAMPLES, N_FEATURES = 100, 10


def paired_scores(rng, n, n_trials=45):
    """Accuracies of n subjects with two equally good pipelines: people differ."""
    ability = rng.uniform(0.5, 0.9, n)
    return [
        rng.binomial(n_trials, np.clip(ability + 0.05 * rng.standard_normal(n), 0, 1)) / n_trials
        for _ in "ab"
    ]


def paired(seed):
    rng = np.random.default_rng(seed)
    p, one_sided = {}, []
    for n in (5, 10, 20):
        a, b = paired_scores(rng, n)
        test = sign_flip_test if n < 20 else signed_rank_test
        sides = test(a - b)
        one_sided.append(sides)
        p[f"{test.__name__}, n = {n}"] = two_sided(*sides)
    n = [5, 10, 20]
    p["stouffer, three data sets, n = 5, 10, 20"] = two_sided(
        *(stouffer(side, n) for side in zip(*one_sided, strict=True))
    )
    return p


def fold_differences(X_a, X_b, models, y, folds):
    """Accuracy of one model minus that of the other in each fold."""
    differences = []
    for train, test in folds:
        right = [
            np.mean(model.fit(X[train], y[train]).predict(X[test]) == y[test])
            for X, model in zip((X_a, X_b), models, strict=True)
        ]
        differences.append(right[0] - right[1])
    return np.array(differences)


def k_fold(rng, n_samples, k):
    parts = np.array_split(rng.permutation(n_samples), k)
    return [(np.setdiff1d(np.arange(n_samples), part), part) for part in parts]


def folded(seed):
    """Cross-validation of real classifiers; by symmetry neither of two is better on average."""
    rng = np.random.default_rng([seed, 1])
    y = rng.permutation(np.repeat([0, 1], N_SAMPLES // 2))
    lda, bayes = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1), GaussianNB()
    noise = rng.standard_normal((N_SAMPLES, N_FEATURES))
    signal = rng.standard_normal((2, N_SAMPLES, N_FEATURES)) + 0.3 * y[:, None]
    problems = {
        "LDA and naive Bayes on noise": (noise, noise, (lda, bayes)),
        "LDA on two equally good halves of the features": (*signal, (lda, lda)),
    }
    p = {}
    for problem, (X_a, X_b, models) in problems.items():
        for scheme, repeats in {"10 folds": 1, "3 × 10 folds": 3}.items():
            folds = [fold for _ in range(repeats) for fold in k_fold(rng, N_SAMPLES, 10)]
            differences = fold_differences(X_a, X_b, models, y, folds)
            p[f"corrected_resampled_ttest, {scheme}, {problem}"] = two_sided(
                *corrected_resampled_ttest(differences, 1 / 9)
            )
            plain = stats.ttest_1samp(differences, 0).pvalue if differences.any() else 1.0
            p[f"plain paired t-test, {scheme}, {problem}"] = plain
    return p


def across_subjects(seed, n_subjects=10, n_trials=30):
    """Leave one subject out: the models that test two subjects share most of their training subjects."""
    rng = np.random.default_rng([seed, 2])
    subject, y = np.repeat(np.arange(n_subjects), n_trials), np.tile([0, 1], n_subjects * n_trials // 2)
    folds = [(np.flatnonzero(subject != s), np.flatnonzero(subject == s)) for s in range(n_subjects)]
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    noise = rng.standard_normal((len(y), N_FEATURES))
    # what tells the classes apart is the same on average, and is another in each person
    pattern = 0.2 + 0.3 * rng.standard_normal((2, n_subjects, N_FEATURES))
    signal = rng.standard_normal((2, len(y), N_FEATURES)) + pattern[:, subject] * y[:, None]
    p = {}
    for problem, (X_a, X_b, models) in {
        "LDA and naive Bayes on noise": (noise, noise, (lda, GaussianNB())),
        "LDA on two equally good halves of the features": (*signal, (lda, lda)),
    }.items():
        differences = fold_differences(X_a, X_b, models, y, folds)
        p[f"sign_flip_test, leave one of 10 subjects out, {problem}"] = two_sided(
            *sign_flip_test(differences)
        )
    return p


def rates(simulate, n_simulations):
    p = pd.DataFrame(Parallel(n_jobs=2)(delayed(simulate)(seed) for seed in range(n_simulations)))
    rate = (p < ALPHA).mean()
    return pd.DataFrame({"rate": rate, "error": np.sqrt(rate * (1 - rate) / len(p)), "simulations": len(p)})


if __name__ == "__main__":
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)  # twice as fast
    table = pd.concat([rates(paired, N_PAIRED), rates(folded, N_FOLDED), rates(across_subjects, N_FOLDED)])
    print(f"| test, data | share of p < {ALPHA} | simulations |\n|:--|--:|--:|")
    for name, row in table.sort_index(
        key=lambda names: names.str.split(",").str[0], kind="stable"
    ).iterrows():
        print(f"| {name} | {row['rate']:.3f} ± {row['error']:.3f} | {row['simulations']:.0f} |")
