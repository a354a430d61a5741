"""Accuracy on noise of every recipe and baseline, with groups and without, and what chance allows.

Run by hand, in the folder of the repository: ``python tests/benchmarks/leaks.py [n_seeds]``. As
tests/whole/test_leaks.py does with fewer: networks train for an epoch, as what leaks does so in
the first one.
"""

import sys
import warnings
from pathlib import Path

import mne
from scipy.stats import binom

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("", "whole"))

from listed import RECIPES, small_recipe
from test_leaks import N_EACH, right_answers

from mne_cnnclass import baselines


def main(n_seeds=20):
    made = {
        f"recipe {task}": (lambda seed, task=task: small_recipe(task, seed), RECIPES[task][0], 12)
        for task in RECIPES
    }
    for kind in ("eeg", "ecg"):
        for name in baselines(kind):
            made[f"{kind}: {name}"] = (
                lambda seed, kind=kind, name=name: baselines(kind, names=[name], random_state=seed)[name],
                kind.replace("ecg", "beats"),
                N_EACH[kind],
            )
    n_outside = 0
    for name, (make, kind, n_each) in made.items():
        for grouped in (True, False):
            right = right_answers(make, kind, grouped=grouped, n_seeds=n_seeds, n_each=n_each)
            low, high = binom.ppf([0.025, 0.975], len(right), 0.5) / len(right)
            inside = low <= right.mean() <= high
            n_outside += not inside
            how = "with groups" if grouped else "without"
            print(
                f"{name}, {how}: {right.mean():.3f}, chance {low:.3f} to {high:.3f}{'' if inside else ' !'}",
                flush=True,
            )
    print(f"{n_outside} of {2 * len(made)} outside; 1 in 20 is what chance does")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    main(*map(int, sys.argv[1:]))
