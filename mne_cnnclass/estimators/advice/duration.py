"""How long a cross-validation takes here: a few steps of training are run, and their time is extrapolated."""

from __future__ import annotations

import math
from itertools import combinations
from time import perf_counter, process_time

import numpy as np
from sklearn.base import clone

from ..together import fitting, n_together, run_together

LONG = 3.0  # s that a first try may take, after which there is no second
SOME = 1.0  # s, from which on what precedes the training of networks is not told from it
LARGE = 2**20  # values of a batch, of which one is enough to tell the time
MOST_EPOCHS, MOST_ROWS = 40, 1500
AIM = 0.5  # s of training, in which its time is told from that of what comes before it


def measure_seconds(estimator, view, n_folds):
    """Seconds of `evaluate` with so many folds: time is taken to be a + b samples + c samples * epochs.

    The folds that `evaluate` trains at once are trained at once here, too, on a part of the samples and for a
    few epochs, with batches as large as those of all samples.
    """
    n_train = len(view) - len(view) // n_folds
    params = estimator.get_params()
    together = min(n_folds, n_together(estimator, n_train, view.shape[1:]))
    batch = min(max(round(n_train / 8), 8), 64)
    sizes = {
        name: batch if params[name] == "auto" else params[name] for name in _ending(params, "batch_size")
    }
    epochs = {name: _n_epochs(params, name, n_train) for name in _ending(params, "max_epochs")}
    # how many samples networks draw of those that they are given, where it is not all
    drawn = {name: params[name] for name in _ending(params, "n_samples")}
    batch = max(sizes.values(), default=n_train // 8)
    n_part = n_drawn = batch if batch * math.prod(view.shape[1:]) > LARGE else 2 * batch
    if drawn:  # from more, which are looked through; at random, so that a few more still fill two batches
        n_drawn = round(1.8 * batch)
        n_part = max(n_part, min(n_train // 2, MOST_ROWS))

    def run(n_epochs, n_samples):
        part = view[_spread(view.labels, min(n_samples, n_train))]
        few = dict.fromkeys(epochs, n_epochs) | dict.fromkeys(drawn, n_drawn)
        clones = [clone(estimator).set_params(**sizes, **few) for _ in range(together)]
        start = process_time()
        for _, _, error in run_together([fitting(one, part, part.labels) for one in clones]):
            if error is not None:
                raise error
        fitted = process_time()
        clones[0].predict(part)
        return max(fitted - start, 1e-6), (process_time() - fitted) / len(part), len(part)

    run(1, max(n_part // 2, 8))  # what is imported or built at the first time
    began = perf_counter(), process_time()
    once, per_sample, n = run(1, n_part)
    per_epoch = slope = 0.0
    if epochs:
        per_epoch = _per_epoch(lambda n_epochs: run(n_epochs, n_part)[0], once)
    # b and c of a sample; in pipelines of networks b is that of other steps, and in others all that there is
    of_epoch = 0.0 if drawn else per_epoch / n
    if once < (SOME if epochs and not drawn else LONG) and ("steps" in params or not epochs):
        twice, _, n_more = run(1, 2 * n_part)
        slope = max((twice - once) / max(n_more - n, 1) - of_epoch, 0.0)
    before = max(once - per_epoch - slope * n, 0.0) + slope * n_train
    n_trained = min([n_train, *drawn.values()])
    training = per_epoch / (min(n_drawn, n) if drawn else n) * n_trained * max(epochs.values(), default=0)
    # what other programs leave of the processor, over all of the runs, as it changes from one to the next
    waiting = (perf_counter() - began[0]) / max(process_time() - began[1], 1e-6)
    return waiting * ((before + training) * n_folds / together + per_sample * len(view))


def _per_epoch(run, once):
    """Seconds of an epoch, from fits of one and more; of three, one may have been disturbed."""
    if once >= LONG:
        return once
    few = int(np.clip(AIM / once, 2, 12))
    fits = [(1, once), (1 + few, run(1 + few))]
    per_epoch = max((fits[1][1] - once) / few, 1e-6)
    if per_epoch * few < AIM / 2:
        many = 1 + int(np.clip(AIM / per_epoch, 2 * few, MOST_EPOCHS))
        fits.append((many, run(many)))
    slopes = [(b - a) / (m - n) for (n, a), (m, b) in combinations(fits, 2)]
    return max(float(np.median(slopes)), 0.0)


def _n_epochs(params, name, n_train):
    """The number of training epochs of a parameter of this name, which may be "auto"."""
    from ..learn import n_epochs

    before = name.removesuffix("max_epochs")
    if params[name] != "auto":
        return params[name]
    return n_epochs(params[f"{before}model"], params[f"{before}batch_size"], n_train)


def _ending(params, name):
    return [its for its in params if its.rpartition("__")[2] == name]


def _spread(labels, n):
    """Rows of about n samples of all classes, evenly; of each class at least three, if it has them."""
    rows = []
    for label in np.unique(labels):
        its = np.flatnonzero(labels == label)
        wanted = min(len(its), max(3, round(n * len(its) / len(labels))))
        rows.append(its[np.linspace(0, len(its) - 1, wanted).astype(int)])
    return np.sort(np.concatenate(rows))
