"""From checked samples to a trained network and its temperature: what `CNNClassifier` learns."""

from __future__ import annotations

import logging
from dataclasses import fields

import mne
import numpy as np
import pandas as pd
import torch
from sklearn.utils.class_weight import compute_class_weight

from ..networks.catalog import N_FOLDS
from ..networks.mirror import mirrored_channels, swapped_classes
from ..networks.training import (
    Checkpoints,
    TrainingOptions,
    automatic_batch_size,
    fit_temperature,
    make_transforms,
    n_batches,
    resolve_device,
    split_folds,
    split_validation,
    torch_session,
)
from ..samples.blocks import channel_positions
from ..utils.seeds import draw_seed
from .checks import check_logits
from .in_folds import learn_in_folds
from .trainer import Plan, Trainer

EPOCHS = 40  # of one network
STEPS, LEAST_EPOCHS = 240, 8  # of each of the networks of `MultiViewCNN`


def learn(clf, samples, classes, *, previous=None):
    """Train a network as a classifier asks for, and find its temperature; a generator, see `together`.

    Continues from ``previous``, the network of the last fit, if there is one. Returns the new
    `FittedNetwork`, the history as ``history_``, and None or what stopped the training early, after at least
    one epoch.
    """
    with torch_session(None):
        trainer = _make_trainer(clf, samples, classes, previous)
    how = dict(groups=samples.groups, seed=trainer.seed)
    train_rows, valid, folds = None, None, []
    if clf.validation_fraction is not None:
        train_rows, valid_rows = split_validation(samples.target, clf.validation_fraction, **how)
        valid = samples[valid_rows]
    if previous is None and clf.model == "MultiViewCNN":
        part = samples if train_rows is None else samples[train_rows]
        network, history, error, logits = yield from learn_in_folds(trainer, part, valid, int(clf.n_members))
        if history is None:
            raise error
        if clf.calibrate and error is None:
            if valid is not None:
                part, logits = valid, trainer.predict(network, valid)
            if logits is not None:
                rows = np.flatnonzero(np.isfinite(logits).all(axis=1))
                network.temperature = fit_temperature(logits[rows], part.target[rows], part.weight[rows])
        if error is None and trainer.options.checkpoints is not None:
            trainer.options.checkpoints.remove()
        return network, history, error
    if valid is None and clf.calibrate:
        folds = split_folds(samples.target, **how)
    plans = [Plan(samples, train_rows, valid, previous)]
    # a channel that is flat in all samples is warned of by the first, and one in a part does not matter
    plans += [Plan(samples, rows, quiet=True) for rows, _ in folds]
    at_once = len(plans) if trainer.fits(plans) else 1
    (network, history, error), *others = yield from trainer.train(plans[:at_once])
    if history is None:
        raise error
    if clf.calibrate and error is None:
        try:
            if valid is not None:
                rows, logits = valid_rows, trainer.predict(network, valid)
            else:
                rows = np.arange(len(samples))
                logits = yield from trainer.cross_predict(samples, folds, others or plans[1:])
            check_logits(logits, rows)
            network.temperature = fit_temperature(logits, samples.target[rows], samples.weight[rows])
        except (Exception, KeyboardInterrupt) as stop:  # the network is there, and is not to be lost
            error = stop
    if error is None and trainer.options.checkpoints is not None:
        trainer.options.checkpoints.remove()
    if previous is not None:
        history["epoch"] += clf.history_["epoch"].max()
        history = pd.concat([clf.history_, history], ignore_index=True)
    return network, history, error


def _make_trainer(clf, samples, classes, previous):
    """What trains networks with the parameters of a classifier."""
    X = samples.X
    architecture = previous.architecture if previous else _architecture(clf, X, classes)
    options = {f.name: getattr(clf, f.name) for f in fields(TrainingOptions) if hasattr(clf, f.name)}
    options["augmentation"] = make_transforms(clf.augmentation, {**architecture, "classes": classes})
    options["checkpoints"] = None if clf.checkpoint_dir is None else Checkpoints(clf.checkpoint_dir)
    options["progress"] = _wants_progress(clf.verbose)
    if clf.max_epochs == "auto":
        options["max_epochs"] = n_epochs(clf.model, clf.batch_size, len(X))
    if clf.class_weight is not None:
        weights = compute_class_weight(clf.class_weight, classes=classes, y=classes[samples.target])
        options["class_weight"] = torch.as_tensor(weights, dtype=torch.float32)
    return Trainer(
        clf,
        architecture=architecture,
        options=TrainingOptions(**options),
        device=resolve_device(clf.device),
        seed=previous.seed if previous else draw_seed(clf.random_state),
    )


def n_epochs(model, batch_size, n_samples):
    """The number of training epochs for ``max_epochs="auto"``."""
    if model != "MultiViewCNN":
        return EPOCHS
    n_samples = max(1, n_samples * (N_FOLDS - 1) // N_FOLDS)
    size = automatic_batch_size(n_samples) if batch_size == "auto" else batch_size
    n_steps = n_batches(n_samples, size)
    return min(max(round(STEPS / n_steps), LEAST_EPOCHS), EPOCHS)


def _architecture(clf, X, classes):
    """What a network is built of for these samples, all but the number of side inputs."""
    return dict(
        model=clf.model,
        params=dict(clf.model_params or {}),
        n_chans=X.shape[1],
        n_outputs=len(classes),
        n_times=X.shape[2],
        sfreq=getattr(X, "sfreq", None),
        chs_info=channel_positions(X),
        mirror=_mirror(clf.symmetry, X, classes),
        n_members=1 if clf.model == "MultiViewCNN" else int(clf.n_members),
    )


def _mirror(symmetry, X, classes):
    """What changes places when left and right do, if the network has to be symmetric."""
    if symmetry is None:
        return None
    pair = None if isinstance(symmetry, str) else symmetry[1]["classes"]
    channels = channel_positions(X)
    try:
        if channels is None:
            raise ValueError("it needs the names of channels, which an array does not have. Pass epochs.")
        return dict(permutation=mirrored_channels(channels), swapped=swapped_classes(classes, pair))
    except ValueError as error:
        raise ValueError(f"symmetry={symmetry!r}: {error}") from error


def _wants_progress(verbose):
    """Whether to show a bar: if asked for, or if MNE is set to tell everything."""
    if verbose is None:
        return mne.utils.logger.level <= logging.DEBUG
    if isinstance(verbose, str):
        verbose = logging.getLevelNamesMapping()[verbose.upper()]
    return 0 < verbose <= logging.INFO  # True is 1, and False and 0 are quiet
