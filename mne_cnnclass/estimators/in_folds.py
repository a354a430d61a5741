"""What `MultiViewCNN` learns: networks without a fold each, linear views, and how much each counts."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from ..networks.catalog import N_FOLDS
from ..networks.multiview import OF_MEAN, Decimation, OneNetwork, of_one_network
from ..networks.symmetry import LeftRightSymmetric
from ..networks.training import split_folds, torch_session
from ..networks.views import MOST_SAMPLES, fit_shares
from .checks import check_logits
from .fitted import FittedNetwork
from .trainer import Plan

MOST = 150.0, 1.0  # factors of views and networks: networks are sure enough as they are
FACTORS = 2.0, 0.4  # of views and networks, where too few samples are there to find them


def learn_in_folds(trainer, samples, valid, n_members):
    """Train a `MultiViewCNN`; a generator, see `together`.

    Returns the network, the history and the error, as `Trainer.train` does of each plan, and the logits of
    the samples by what was fitted without them, or None.
    """
    n_folds = int(trainer.architecture["params"].get("n_networks", N_FOLDS))
    folds = [
        fold
        for k in range(n_members)
        for fold in make_folds(samples.target, samples.groups, n_folds, trainer.seed + k)
    ]
    with torch_session(None, n_threads=trainer.clf.n_threads):
        scalers = trainer.fit_scalers(samples)
    inner = replace(
        trainer,
        architecture=of_one_network(**trainer.architecture),
        decimation=Decimation(trainer.architecture["sfreq"]),
    )
    plans = [Plan(samples, rows, valid, scalers=scalers) for rows, _ in folds]
    outcomes = []
    for some in [plans] if inner.fits(plans) else [[plan] for plan in plans]:
        outcomes += yield from inner.train(some)
    error = next((error for *_, error in outcomes if error is not None), None)
    trained = [
        (fold, network.module, history.assign(member=number))
        for number, (fold, (network, history, _)) in enumerate(zip(folds, outcomes, strict=True))
        if history is not None
    ]
    if not trained:
        return None, None, error, None
    folds, modules, histories = zip(*trained, strict=True)
    network = _assemble(trainer, scalers, modules)
    try:
        logits = _combine(trainer, network, samples, folds)
    except (Exception, KeyboardInterrupt) as stop:  # the networks are there, and are not to be lost
        _weigh(network.module, 0.0, 1.0)
        error, logits = error or stop, None
    return network, pd.concat(histories, ignore_index=True), error, logits


def make_folds(y, groups, n_folds, seed):
    """Rows to train on and rows held out, groups whole and every class to learn from, where that is possible.

    Otherwise folds of samples, or, where a class has only one, twice all samples and none held out.
    """
    for whole in [groups, None]:
        with contextlib.suppress(ValueError):  # which says that there are no such folds
            return split_folds(y, groups=whole, seed=seed, n_folds=n_folds)
    rows = np.arange(len(y))
    return [(rows, rows[:0])] * 2


def _assemble(trainer, scalers, modules):
    """The `FittedNetwork` of trained networks, without views."""
    architecture = trainer.architecture | {"n_side": len(scalers[1].mean_), "n_networks": len(modules)}
    with torch_session(trainer.seed, n_threads=trainer.clf.n_threads, device=trainer.device):
        module = trainer.build(architecture)
        module.networks = torch.nn.ModuleList(modules)
    module = module.eval().to(trainer.device)
    return FittedNetwork(module, *scalers, architecture=architecture, seed=trainer.seed)


def _combine(trainer, network, samples, folds):
    """Fit the views and how much each part counts; logits of the samples by what was fitted without them."""
    module, n_outputs, y = network.module, trainer.architecture["n_outputs"], samples.target
    held_out, counts = np.zeros((len(y), n_outputs)), np.zeros(len(y))
    for number, (_, rows) in enumerate(folds):
        if len(rows):
            one = replace(network, module=OneNetwork(module, number))
            held_out[rows] += trainer.predict(one, samples[rows])
            counts[rows] += 1
    known = np.flatnonzero(counts)
    held_out[known] /= counts[known, None]
    check_logits(held_out[known], known)
    with torch_session(trainer.seed, n_threads=trainer.clf.n_threads):
        scores, rows = _fit_views(trainer, module, samples, network.scaler, known)
        if not len(rows):
            _weigh(module, *FACTORS)
            return None
        both = [scores, held_out[rows]]
        factors = fit_shares(both, y[rows], samples.weight[rows], MOST)
        _weigh(module, factors[0], OF_MEAN * factors[1])
    logits = np.full((len(y), n_outputs), np.nan)
    logits[rows] = np.tensordot(factors, both, 1)
    return logits


def _fit_views(trainer, module, samples, scaler, known):
    """Fit the views; scores of held-out samples among those that they were fitted on, and their rows."""
    rng, rows = np.random.default_rng(trainer.seed), np.arange(len(samples))
    if len(rows) > MOST_SAMPLES:
        rows = np.sort(rng.choice(len(rows), MOST_SAMPLES, replace=False))
    part = samples[rows]
    x = torch.from_numpy(np.asarray(scaler.transform_all(part.X)[:]))
    y, weight, groups = part.target, part.weight, part.groups
    views, symmetric = module.views.cpu(), isinstance(module.views, LeftRightSymmetric)
    if symmetric:  # samples and their mirror images, so that what is fitted is symmetric
        x = torch.cat([x, x[:, views.permutation]])
        y, weight = np.append(y, views.swapped.numpy()[y]), np.append(weight, weight)
        views = views.network
    folds = make_folds(part.target, groups, N_FOLDS, trainer.seed)
    if symmetric:
        folds = [(None, np.append(held, held + len(rows))) for _, held in folds]
    weight = np.maximum(weight / weight.mean(), 1e-6)
    scores = views.fit(x, y, weight, folds if len(folds[0][1]) else [], trainer.seed)[: len(rows)]
    module.to(trainer.device)
    inside = np.isin(rows, known)
    return scores[inside], rows[inside]


def _weigh(module, of_views, of_networks):
    """Let views and networks count by factors."""
    views = module.views.network if isinstance(module.views, LeftRightSymmetric) else module.views
    with torch.no_grad():
        for part in (views.course, views.maps, views.bias):
            part *= of_views
        module.share.fill_(of_networks)
