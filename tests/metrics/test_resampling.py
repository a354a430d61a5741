"""Intervals and chance by resampling are those of known distributions, and keep groups whole."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from mne_cnnclass.metrics.resampling import bootstrap, permutation_test


def test_intervals_resample_whole_groups():
    # each group is all right or all wrong: 8 groups are 8 observations, however many samples they have
    y = np.tile(["left", "right"], 400)
    group = np.repeat(np.arange(8), 100)
    wrong = group < 3
    table = pd.DataFrame({"fold": 0, "sample": np.arange(800), "y_true": y, "group": group})
    table["y_pred"] = np.where(wrong, y[::-1], y)
    grouped = bootstrap(table, np.array(["left", "right"])).loc["accuracy"]
    single = bootstrap(table.drop(columns="group"), np.array(["left", "right"])).loc["accuracy"]
    assert single["high"] - single["low"] < 0.08
    n_right = scipy.stats.binom(8, 5 / 8).ppf([0.025, 0.975])
    np.testing.assert_allclose(grouped, n_right / 8, atol=1e-12)
    one = bootstrap(table.assign(group=0), np.array(["left", "right"]))
    assert one.isna().all(axis=None)


def test_p_values_of_guesses_are_uniform():
    p_values = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y, pred = rng.integers(2, size=(2, 60))
        table = pd.DataFrame(
            {"fold": np.arange(60) % 3, "sample": np.arange(60), "y_true": y, "y_pred": pred}
        )
        p_values.append(permutation_test(table, np.arange(2), n_permutations=99).loc["accuracy", "p_value"])
    # ties of an accuracy make the test a little conservative
    assert np.mean(np.array(p_values) <= 0.05) <= 0.12
    assert 0.4 < np.mean(p_values) < 0.7


def test_labels_that_belong_to_groups_are_permuted_by_groups():
    # 10 patients and 10 controls of 20 windows; one patient in two is told, by all windows
    group = np.repeat(np.arange(20), 20)
    y = (group < 10).astype(int)
    pred = (group < 5).astype(int)
    table = pd.DataFrame(
        {"fold": group // 5, "sample": np.arange(400), "y_true": y, "y_pred": pred, "group": group}
    )
    alone = table.assign(fold=group)
    p = permutation_test(alone, np.arange(2), n_permutations=2000).loc["accuracy", "p_value"]
    # hypergeometric: all 5 that are called patients are patients
    assert p == pytest.approx(scipy.stats.hypergeom(20, 10, 5).sf(4), abs=0.01)


def test_metrics_of_many_samples_do_not_overflow():
    y = np.resize([0, 0, 1, 1, 1], 100_000)
    pred = np.resize([0, 1, 1, 1, 0, 0, 1], 100_000)
    table = pd.DataFrame({"fold": 0, "sample": np.arange(len(y)), "y_true": y, "y_pred": pred})
    observed = permutation_test(table, np.arange(2), n_permutations=1)["observed"]
    assert observed["matthews_corrcoef"] == pytest.approx(np.corrcoef(y, pred)[0, 1])
