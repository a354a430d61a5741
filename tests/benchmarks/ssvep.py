"""At which light a person looks: the recipe beside its baselines, each person told.

    python tests/benchmarks/ssvep.py            # the tables of docs/paradigms/ssvep.txt, an hour on one core
    python tests/benchmarks/ssvep.py choices    # what the recipe was chosen from, and nested choice

ssvep_exo: four people, two sessions of 32 epochs each, from 2 s to 5 s after the event, three lights and
rest, not filtered. Accuracy, and seconds of the processor for a fit with its predictions. Needs
``MNE_CNNCLASS_DATA``.
"""

import os
import sys
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold

from mne_cnnclass import CNNClassifier, EpochsView, baselines, evaluate, recipe
from mne_cnnclass.estimators import ssvep
from mne_cnnclass.utils.quiet import quiet

FREQUENCIES = {"rest": None, "13 Hz": 13.0, "17 Hz": 17.0, "21 Hz": 21.0}
FLICKERS = {label: hz for label, hz in FREQUENCIES.items() if hz}
CODES = {"rest": 1, "13 Hz": 2, "21 Hz": 3, "17 Hz": 4}
PEOPLE = "01", "02", "04", "05"
SEEDS = 0, 1, 2
MADE_FOR_IT = ["CCA", "filter-bank CCA", "TRCA"]
ALL = [*MADE_FOR_IT, "tangent space + LR", "MultiScaleCNN", "EEGNet", "recipe"]
VARIANTS = {
    "as it is": {},
    "±1 Hz": dict(AROUND=1.0),
    "±3 Hz": dict(AROUND=3.0),
    "network ±0.5 Hz": dict(NEAR=0.5),
    "network ±2 Hz": dict(NEAR=2.0),
}
PARTS = {"all": (), "no correlation": (0,), "no covariances": (1,), "no network": (2,)}


def load(person):
    """The epochs of a person."""
    sessions = []
    folder = Path(os.environ["MNE_CNNCLASS_DATA"]) / "ssvep_exo" / f"subject{person}"
    for path in sorted(folder.glob("*_raw.fif")):
        events = mne.read_events(str(path).replace("_raw", "-eve"))
        raw = mne.io.read_raw_fif(path, verbose="error")
        epochs = mne.Epochs(raw, events, CODES, 2, 5, baseline=None, preload=True, verbose="error")
        epochs.metadata = pd.DataFrame(dict(subject=person, session=[path.stem] * len(epochs)))
        sessions.append(epochs)
    return mne.concatenate_epochs(sessions, verbose="error")


def pipeline(name, seed, frequencies=FREQUENCIES):
    if name in ("MultiScaleCNN", "EEGNet"):
        return CNNClassifier(name, random_state=seed)
    if name.startswith("recipe"):
        trained = name != "recipe, untrained"
        made = recipe("ssvep", frequencies=frequencies, random_state=seed)
        return made.set_params(ssvepclassifier__trained=trained)
    how = dict(task="ssvep", frequencies=frequencies) if name in MADE_FOR_IT else {}
    return baselines("eeg", names=[name], random_state=seed, **how)[name]


def accuracy(made, view, cv):
    """The share of right answers in each fold."""
    with quiet():
        found = evaluate(made, view, cv=cv).predictions
    return (found["y_true"] == found["y_pred"]).groupby(found["fold"]).mean()


def tell(title, scores, seconds=None):
    """A row: each person, the mean, the time."""
    numbers = [f"{score:.3f}" for score in [*scores, np.mean(scores)]]
    print(
        f"| {' | '.join([title, *numbers, *([] if seconds is None else [f'{seconds:.2f}'])])} |", flush=True
    )


def folds(seed):
    return StratifiedKFold(5, shuffle=True, random_state=seed)


def within(people, name, frequencies=FREQUENCIES, seeds=SEEDS):
    begin, scores = time.process_time(), []
    for epochs in people:
        view = EpochsView(epochs)
        view = view[np.isin(view.labels, list(frequencies))]
        scores.append(np.mean([accuracy(pipeline(name, k, frequencies), view, folds(k)) for k in seeds]))
    tell(name, scores, (time.process_time() - begin) / len(people) / len(seeds) / 5)


def across(people, name, groups, seeds=SEEDS):
    """Trained on all other sessions of a person, or on all other people."""
    views = [EpochsView(epochs, groups=groups) for epochs in people]
    if groups == "subject":
        views = [EpochsView(mne.concatenate_epochs(people, verbose="error"), groups=groups)]
    scores = [[accuracy(pipeline(name, k), view, LeaveOneGroupOut()) for k in seeds] for view in views]
    scores = np.mean(scores, axis=1)  # of views and folds
    tell(name, scores[0] if groups == "subject" else scores.mean(axis=1))


def choices(people):
    """Accuracy of each variant and of its parts; for each person, the best one of the others is judged."""
    table = {}
    for variant, constants in VARIANTS.items():
        for name, value in constants.items():
            setattr(ssvep, name, value)
        scores = np.zeros((len(PARTS), len(people)))
        for k, epochs in enumerate(people):
            view = EpochsView(epochs)
            for train, test in folds(0).split(view.labels, view.labels):
                with quiet():
                    made = pipeline("recipe", 0).fit(view[train])
                weights = made[-1].weights_
                for i, left_out in enumerate(PARTS.values()):
                    made[-1].weights_ = np.where(np.isin(range(3), left_out), 0, weights)
                    scores[i, k] += (made.predict(view[test]) == view.labels[test]).mean() / 5
        ssvep.AROUND, ssvep.NEAR = 2.0, 1.0
        for part, of_part in zip(PARTS, scores, strict=True):
            tell(f"{variant}, {part}", of_part)
            table[f"{variant}, {part}"] = of_part
    table = pd.DataFrame(table, PEOPLE)
    best = {person: table.drop(person).mean().idxmax() for person in PEOPLE}
    tell(f"chosen on the others: {', '.join(best.values())}", [table.loc[p, best[p]] for p in PEOPLE])


def main():
    people = [load(person) for person in PEOPLE]
    head = f"| {' | '.join(['', *PEOPLE, 'mean'])} |"
    rule = f"|---{'|---' * (len(PEOPLE) + 1)}|"
    if sys.argv[1:] == ["choices"]:
        print(f"{head}\n{rule}")
        return choices(people)
    print(f"Within a person, 4 classes, 5 folds, {len(SEEDS)} seeds\n\n{head} s |\n{rule}---|")
    for name in ALL:
        within(people, name)
    print(f"\nThe three lights alone\n\n{head} s |\n{rule}---|")
    for name in ["CCA", "filter-bank CCA", "recipe, untrained", "recipe"]:
        within(people, name, FLICKERS)
    for groups, title in {"session": "Trained on the other session", "subject": "On other people"}.items():
        print(f"\n{title}, 4 classes\n\n{head}\n{rule}")
        for name in [*MADE_FOR_IT, "tangent space + LR", "EEGNet", "recipe"]:
            across(people, name, groups)


if __name__ == "__main__":
    main()
