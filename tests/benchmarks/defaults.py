"""The experiment behind the defaults of MultiScaleCNN and of training.

    python tests/benchmarks/defaults.py variants   # SCP1, training part: cross-validation of variants
    python tests/benchmarks/defaults.py imagery    # eegmmidb S001–S016, left or right: leave one person out
    python tests/benchmarks/defaults.py test       # SCP1, test part: the defaults, 5 seeds; to look at last

`variants` and `imagery` are what choices were made by; the test part of SCP1 was not looked at for any.
`imagery` needs ``MNE_CNNCLASS_DATA``. Each prints a table in Markdown, which `docs/defaults.md` shows.
Differences between variants are paired: all see the same folds and seeds.
"""

import sys
import warnings

import mne
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from mne.decoding import CSP, Vectorizer
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mne_cnnclass import CNNClassifier, EpochsView, datasets

N_REPEATS = 3
ONE_BLOCK = dict(kernel_widths=((0.0625, 0.125),), n_filters=(24,), pool_size=(0.25,), pool_stride=(0.125,))
START = dict(max_epochs=40, batch_size="auto", lr=0.01, weight_decay=0.01, label_smoothing=0.1)
VARIANTS = {  # each is the start but for what it names
    "start": {},
    "validation split 0.2, patience 10": dict(validation_fraction=0.2, patience=10),
    "lr 0.003": dict(lr=0.003),
    "lr 0.03": dict(lr=0.03),
    "constant lr": dict(lr_schedule=None, lr=0.003),
    "20 epochs": dict(max_epochs=20),
    "80 epochs": dict(max_epochs=80),
    "batches of 64": dict(batch_size=64),
    "no label smoothing": dict(label_smoothing=0.0),
    "weight decay 0.1": dict(weight_decay=0.1),
    "dropout 0.25": dict(model_params=dict(drop_prob=0.25)),
    "one block": dict(model_params=ONE_BLOCK),
    "no hidden layer": dict(model_params=dict(hidden_units=())),
    "no slow path": dict(model_params=dict(n_cosines=0)),
    "the defaults: lr 0.003, no label smoothing": dict(lr=0.003, label_smoothing=0.0),
}


class BraindecodeEEGNet(ClassifierMixin, BaseEstimator):
    """`braindecode.EEGClassifier("EEGNet")` with its defaults, given what it asks for."""

    def __init__(self, random_state=0):
        self.random_state = random_state

    def fit(self, X, y):
        import torch
        from braindecode import EEGClassifier

        torch.manual_seed(self.random_state)
        torch.set_num_threads(1)
        self.classes_, target = np.unique(y, return_inverse=True)
        X = np.asarray(X)
        # in µV, as in braindecode's tutorials
        self.net_ = EEGClassifier("EEGNet", module__sfreq=160.0, verbose=0)
        self.net_.fit((X * 1e6).astype(np.float32), target)
        return self

    def predict(self, X):
        return self.classes_[self.net_.predict((np.asarray(X) * 1e6).astype(np.float32))]


def score(estimator, X, y, train, test):
    """Accuracy and log-loss of one fit."""
    with warnings.catch_warnings(), mne.use_log_level("ERROR"):
        warnings.simplefilter("ignore")
        estimator = clone(estimator).fit(X[train], y[train])
        accuracy = np.mean(estimator.predict(X[test]) == y[test])
        if not hasattr(estimator, "predict_proba"):
            return accuracy, np.nan
        return accuracy, log_loss(y[test], estimator.predict_proba(X[test]), labels=estimator.classes_)


def run(jobs):
    """Fit all jobs, two at a time."""
    return np.array(Parallel(n_jobs=2)(delayed(score)(*job) for job in jobs))


def variants(names):
    view = EpochsView(datasets.load_sample("train"))
    X, y = np.asarray(view), view.labels
    linear = make_pipeline(Vectorizer(), StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    estimators = {
        name: CNNClassifier("MultiScaleCNN", n_threads=1, **START | VARIANTS[name])
        for name in names or VARIANTS
    }
    rows, reference = [], None
    for name, estimator in [*estimators.items(), ("linear model on raw samples", linear)]:
        jobs = []
        for seed in range(N_REPEATS):
            seeded = clone(estimator)
            if isinstance(seeded, CNNClassifier):
                seeded.set_params(random_state=seed, model__sfreq=view.sfreq)
            folds = StratifiedKFold(5, shuffle=True, random_state=seed)
            jobs += [(seeded, X, y, *split) for split in folds.split(X, y)]
        result = run(jobs)
        reference = result if reference is None else reference
        difference = result[:, 0] - reference[:, 0]
        rows.append(
            {
                "variant": name,
                "accuracy": f"{result[:, 0].mean():.3f}",
                "log-loss": f"{result[:, 1].mean():.3f}",
                "difference in accuracy ± SE": ""
                if result is reference
                else f"{difference.mean():+.3f} ± {difference.std(ddof=1) / len(jobs) ** 0.5:.3f}",
            }
        )
        print(markdown(rows[-1:], header=len(rows) == 1), flush=True)


def imagery(names):
    epochs = datasets.load_eegbci(range(1, 17))
    view = EpochsView(epochs, groups="subject")
    X, y, groups = np.asarray(view), view.labels, view.groups
    estimators = {
        "MultiScaleCNN": CNNClassifier(
            "MultiScaleCNN", model_params={"sfreq": view.sfreq}, n_threads=1, random_state=0
        ),
        "MNE CSP(8) + LDA": make_pipeline(CSP(8), LinearDiscriminantAnalysis()),
        'braindecode EEGClassifier("EEGNet"), its defaults': BraindecodeEEGNet(),
    }
    splits = list(LeaveOneGroupOut().split(X, y, groups))
    for number, name in enumerate(names or estimators):
        accuracy = run([(estimators[name], X, y, *split) for split in splits])[:, 0]
        row = {
            "estimator": name,
            "accuracy, mean of 16 people": f"{accuracy.mean():.3f}",
            "SD over people": f"{accuracy.std(ddof=1):.3f}",
            "people above 0.6": int((accuracy > 0.6).sum()),
        }
        print(markdown([row], header=number == 0), flush=True)


def test(names):
    train, new = (EpochsView(datasets.load_sample(part)) for part in ("train", "test"))
    accuracy = [
        CNNClassifier("MultiScaleCNN", random_state=seed, n_threads=1).fit(train).score(new)
        for seed in range(5)
    ]
    linear = make_pipeline(Vectorizer(), StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    rows = [
        {
            "estimator": "MultiScaleCNN",
            "accuracy of 5 seeds": ", ".join(f"{a:.3f}" for a in accuracy),
            "mean": f"{np.mean(accuracy):.3f}",
        },
        {
            "estimator": "linear model on raw samples",
            "accuracy of 5 seeds": "",
            "mean": f"{linear.fit(train, train.labels).score(new, new.labels):.3f}",
        },
    ]
    print(markdown(rows))


def markdown(rows, header=True):
    """Rows as a Markdown table."""
    table = pd.DataFrame(rows).to_markdown(index=False).splitlines()
    return "\n".join(table if header else table[2:])


if __name__ == "__main__":
    {"variants": variants, "imagery": imagery, "test": test}[sys.argv[1]](sys.argv[2:])
