"""The recipe for motor imagery beside baselines: across people, within each, and with transfer.

    python tests/benchmarks/motor_imagery.py baselines results/
    python tests/benchmarks/motor_imagery.py across results/ 0-3 0     # window in s, seed; an hour each
    python tests/benchmarks/motor_imagery.py within results/ 0-3 0
    python tests/benchmarks/motor_imagery.py transfer results/ 0-3 0   # after across, whose networks it takes
    python tests/benchmarks/motor_imagery.py summary results/ docs/motor_imagery

eegmmidb S001–S016, runs 4, 8 and 12, imagined left against right fist, 45 trials a person, 4–38 Hz. Each of
the first four writes a table with a row a person into the folder; the last prints what
``docs/guide/imagery.md`` shows, and draws its figure. Needs ``MNE_CNNCLASS_DATA``.
"""

import sys
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold
from sklearn.pipeline import make_pipeline

from mne_cnnclass import (
    EpochsView,
    FineTunedClassifier,
    baselines,
    datasets,
    load_classifier,
    recipe,
    save_classifier,
)
from mne_cnnclass.evaluation.probes import make_probes, probe_estimator
from mne_cnnclass.preprocessing import EuclideanAlignment

SUBJECTS = range(1, 17)
WINDOWS = {"0-3": (0.0, 3.0), "1-4": (1.0, 4.0)}
LINEAR = ("CSP + LDA", "tangent space + LR")
RECIPE = "recipe"


def load(window, *, again=None, **how):
    """The epochs of a window; with ``again``, longer ones are high-passed once more and then cut."""
    tmin, tmax = WINDOWS[window]
    if again is None:
        return EpochsView(datasets.load_eegbci(SUBJECTS, tmin=tmin, tmax=tmax, **how), groups="subject")
    longer = datasets.load_eegbci(SUBJECTS, tmin=tmin - 1.0, tmax=tmax + 1.0, **how)
    cut = [epochs.filter(again, None).crop(tmin, tmax) for epochs in longer]
    return EpochsView(cut, groups="subject")


def positive(estimator, X):
    """How much speaks for the second class, above 0 where it is predicted."""
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X)[:, 1] - 0.5
    return estimator.decision_function(X)


def by_person(score, view, fold=None):
    """Accuracy and ROC-AUC of each person; of several folds the mean AUC."""
    y = view.labels == np.unique(view.labels)[1]
    fold = np.zeros(len(view), int) if fold is None else fold
    for person in np.unique(view.groups):
        rows = view.groups == person
        auc = [roc_auc_score(y[rows & (fold == k)], score[rows & (fold == k)]) for k in np.unique(fold[rows])]
        yield dict(subject=person, accuracy=accuracy_score(y[rows], score[rows] > 0), auc=float(np.mean(auc)))


def write(folder, kind, rows):
    pd.DataFrame(rows).to_csv(folder / f"{kind}.csv", index=False)
    table = pd.DataFrame(rows).groupby(["task", "window", "method"], sort=False)
    print(table[["accuracy", "auc"]].mean().round(4).to_string(), flush=True)


def within_folds(view, seed):
    """Five folds of the trials of each person."""
    fold = np.empty(len(view), int)
    for person in np.unique(view.groups):
        rows = np.flatnonzero(view.groups == person)
        splits = StratifiedKFold(5, shuffle=True, random_state=seed).split(rows, view.labels[rows])
        for k, (_, test) in enumerate(splits):
            fold[rows[test]] = k
    return fold


def score_within(make, view, fold):
    """Scores of each trial by an estimator of the same person's other folds."""
    score = np.empty(len(view))
    for person in np.unique(view.groups):
        of_person = view.groups == person
        for k in range(5):
            train, test = of_person & (fold != k), of_person & (fold == k)
            score[test] = positive(make(person).fit(view[train], view.labels[train]), view[test])
    return score


def run_baselines(folder):
    """What has to be beaten, with alignment and without, and what the eyes alone tell."""
    rows = []
    for window in WINDOWS:
        view = load(window)
        known = baselines("eeg", names=list(LINEAR))
        methods = {name: (pipeline, view) for name, pipeline in known.items()}
        methods |= {
            f"{name}, aligned": (make_pipeline(EuclideanAlignment(), *pipeline), view)
            for name, pipeline in known.items()
        }
        eyes = {"unfiltered": load(window, l_freq=None, h_freq=None), "4–38 Hz": view}
        for name, (pipeline, samples) in methods.items():
            rows += scored("across", window, name, 0, score_across(pipeline, samples, view), view)
        for name, of in eyes.items():
            features = make_probes(of)["ocular"].features
            name = f"eyes alone, {name}"
            rows += scored("across", window, name, 0, score_across(probe_estimator(), features, view), view)
        for seed in range(3):
            fold = within_folds(view, seed)
            for name in LINEAR:
                score = score_within(lambda person, linear=known[name]: clone(linear), view, fold)
                rows += scored("within", window, name, seed, score, view, fold)
        write(folder, "baselines", rows)


def score_across(pipeline, X, view):
    """Scores of each trial by an estimator of the other people; a table of features needs the labels."""
    score = np.empty(len(view))
    for train, test in LeaveOneGroupOut().split(view, groups=view.groups):
        score[test] = positive(clone(pipeline).fit(X[train], view.labels[train]), X[test])
    return score


def scored(task, window, method, seed, score, view, fold=None):
    about = dict(task=task, window=window, method=method, seed=seed)
    return [about | row for row in by_person(score, view, fold)]


def networks(folder, window, seed, person):
    return folder / f"{window}_{seed}_{person}.mcnn"


def run_across(folder, window, seed):
    """Each person by networks of the others, aligned by the session, and trial by trial."""
    view, rows = load(window), []
    score = {RECIPE: np.empty(len(view)), f"{RECIPE}, trial by trial": np.empty(len(view))}
    for train, test in LeaveOneGroupOut().split(view, groups=view.groups):
        file = networks(folder, window, seed, view.groups[test][0])
        if not file.exists():
            save_classifier(_recipe(seed).fit(view[train]), file)
        pipeline = load_classifier(file)
        for method, online in zip(score, (False, True), strict=True):
            pipeline.set_params(euclideanalignment__online=online)  # of people who were not there at fit
            score[method][test] = positive(pipeline, view[test])
        print(
            file.name,
            [round(np.mean((s[test] > 0) == (view.labels[test] == "right")), 3) for s in score.values()],
        )
    for method, of_method in score.items():
        rows += scored("across", window, method, seed, of_method, view)
    write(folder, f"across_{window}_{seed}", rows)


def run_within(folder, window, seed):
    """Each person by networks of the same person's other trials."""
    _run_folds(folder, "within", RECIPE, window, seed, lambda person: _recipe(seed))


def run_transfer(folder, window, seed):
    """Each person by networks of the others, trained further on the same person's other trials."""

    def make(person):
        return FineTunedClassifier(load_classifier(networks(folder, window, seed, person)))

    _run_folds(folder, "transfer", f"{RECIPE}, transfer", window, seed, make)


def _recipe(seed):
    return recipe("motor imagery", random_state=seed, n_threads=1)


def _run_folds(folder, name, method, window, seed, make):
    view = load(window)
    fold = within_folds(view, seed)
    score = score_within(make, view, fold)
    write(folder, f"{name}_{window}_{seed}", scored("within", window, method, seed, score, view, fold))


def summarize(folder, where):
    """Tables in Markdown and a figure: means over people and seeds, and differences from a baseline."""
    table = pd.concat([pd.read_csv(file) for file in sorted(folder.glob("*.csv"))], ignore_index=True)
    of_person = table.groupby(["task", "window", "method", "subject"], sort=False)[["accuracy", "auc"]].mean()
    seeds = table.groupby(["task", "window", "method"], sort=False)["seed"].nunique()
    for (task, metric), name in {("across", "accuracy"): "accuracy", ("within", "auc"): "ROC-AUC"}.items():
        rows = []
        for window in WINDOWS:
            values = of_person.loc[(task, window), metric].unstack("subject")
            linear = values.loc[[m for m in values.index if m.startswith(LINEAR)]]
            best = linear.mean(axis=1).idxmax()
            for method in values.mean(axis=1).sort_values(ascending=False).index:
                of_method = values.loc[method]
                difference = of_method - values.loc[best]
                rows.append(
                    {
                        "window": f"{window.replace('-', '–')} s",
                        "method": method,
                        name: f"{of_method.mean():.3f}",
                        "SD of people": f"{of_method.std():.3f}",
                        "people": len(of_method),
                        "seeds": seeds[task, window, method],
                        "difference from the best baseline, 95 % CI": "–"
                        if method == best
                        else f"{difference.mean():+.3f} ({_interval(difference)})",
                        "people better": "–"
                        if method == best
                        else f"{(difference > 0).sum()} of {len(difference)}",
                    }
                )
        print(f"\n### {task}\n\n{pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)}")
    draw(of_person, where)


def _interval(difference, n_resamples=10000):
    """Percentile bootstrap over people."""
    drawn = (
        np.random.default_rng(0).choice(difference.to_numpy(), (n_resamples, len(difference))).mean(axis=1)
    )
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{low:+.3f} to {high:+.3f}"


def draw(of_person, where):
    """A dot a person, and a bar at the mean."""
    import matplotlib.pyplot as plt

    from mne_cnnclass.viz.style import COLORS

    fig, axes = plt.subplots(2, 2, figsize=(10.5, 7.5), height_ratios=[2, 1], layout="constrained")
    rng = np.random.default_rng(0)
    for row, (task, metric, label) in zip(
        axes,
        (
            ("across", "accuracy", "Accuracy of people not trained on (bar: mean)"),
            ("within", "auc", "ROC-AUC, folds of a person's trials (bar: mean)"),
        ),
        strict=True,
    ):
        for ax, window in zip(row, WINDOWS, strict=True):
            values = of_person.loc[(task, window), metric].unstack("subject")
            values = values.loc[values.mean(axis=1).sort_values().index]
            for y, (method, of_method) in enumerate(values.iterrows()):
                color = COLORS[0] if method.startswith(RECIPE) else "0.55"
                ax.scatter(
                    of_method, y + rng.uniform(-0.15, 0.15, len(of_method)), s=12, color=color, alpha=0.6
                )
                ax.plot(of_method.mean(), y, "|", color=color, markersize=22, markeredgewidth=3)
                ax.annotate(f"{of_method.mean():.2f}", (1.03, y), va="center", annotation_clip=False)
            ax.axvline(0.5, color="0.3", linestyle="--", linewidth=1)
            ax.set(yticks=range(len(values)), yticklabels=values.index, xlim=(0.3, 1.01), xlabel=label)
            seconds = window.replace("-", "–")
            ax.set_title(f"{seconds} s after the cue, n = {values.shape[1]}", loc="left")
    axes[0, 0].annotate(
        "chance", (0.5, 1.0), xycoords=("data", "axes fraction"), ha="right", va="top", rotation=90
    )
    where.mkdir(exist_ok=True, parents=True)
    fig.savefig(where / "motor_imagery.png", dpi=110)


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    command, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(exist_ok=True, parents=True)
    if command == "baselines":
        run_baselines(folder)
    elif command == "summary":
        summarize(folder, Path(sys.argv[3]))
    else:
        run = {"across": run_across, "within": run_within, "transfer": run_transfer}[command]
        run(folder, sys.argv[3], int(sys.argv[4]))
