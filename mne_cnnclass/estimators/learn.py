"""From checked samples to a trained network and its temperature: what `CNNClassifier` learns."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass, fields, replace
from functools import partial

import mne
import numpy as np
import pandas as pd
import torch
from sklearn.utils.class_weight import compute_class_weight

from ..networks.build import build_module
from ..networks.ensemble import join, split
from ..networks.mirror import mirrored_channels, swapped_classes
from ..networks.training import (
    Checkpoints,
    TrainingOptions,
    fit_temperature,
    make_transforms,
    resolve_device,
    split_folds,
    split_validation,
    torch_session,
    train,
)
from ..samples.blocks import channel_positions
from ..samples.disk import within_reach
from ..samples.scaling import ChannelScaler
from ..utils.seeds import draw_seed
from .checks import check_logits
from .fitted import FittedNetwork
from .members import STOPS, train_members
from .parameters import split_side_inputs
from .side_inputs import SideScaler


def learn(clf, samples, classes, *, previous=None):
    """Train a network as a classifier asks for, and find its temperature.

    Continues from ``previous``, the network of the last fit, if there is one. Returns the new
    `FittedNetwork`, the history as ``history_``, and None or what stopped the training early, after at least
    one epoch.
    """
    trainer = _make_trainer(clf, samples, classes, previous)
    how = dict(groups=samples.groups, seed=trainer.seed)
    train_rows, valid, folds = slice(None), None, None
    if clf.validation_fraction is not None:
        train_rows, valid_rows = split_validation(samples.target, clf.validation_fraction, **how)
        valid = samples[valid_rows]
    elif clf.calibrate:
        folds = split_folds(samples.target, **how)
    network, history, error = trainer.train(samples[train_rows], valid, start=previous)
    if clf.calibrate and error is None:
        try:
            if folds is None:
                rows, logits = valid_rows, trainer.predict(network, valid)
            else:
                rows, logits = np.arange(len(samples)), trainer.cross_predict(samples, folds)
            check_logits(logits, rows)
            network.temperature = fit_temperature(logits, samples.target[rows], samples.weight[rows])
        except STOPS as stop:  # the network is there, and is not to be lost
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
        n_members=int(clf.n_members),
    )


@dataclass(frozen=True)
class Trainer:
    """Trains networks that differ in nothing but their samples."""

    clf: object  # the classifier, which is not changed
    architecture: dict
    options: TrainingOptions
    device: torch.device
    seed: int

    def train(self, samples, valid=None, *, start=None, quiet=False):
        """Train a network, or the members of an ensemble one after the other, from ``start`` if there is one.

        Unless ``quiet``, warns of flat channels and constant side inputs. Returns the `FittedNetwork`,
        without a temperature; its history, with a column ``member`` for several; and None or what stopped the
        training early, when the members that had begun are there.
        """
        n_members = self.architecture["n_members"]
        seeds = np.random.SeedSequence(self.seed).generate_state(n_members - 1).tolist()
        with torch_session(self.seed, n_threads=self.clf.n_threads, device=self.device):
            network, inputs, valid = self._prepare(samples, valid, start, quiet)
            train_one = partial(self._train_member, network, inputs, valid)
            members, error = train_members(train_one, enumerate([self.seed, *seeds]))
        modules, histories = zip(*members, strict=True)
        if n_members > 1:
            histories = [history.assign(member=number) for number, history in enumerate(histories)]
        architecture = network.architecture | {"n_members": len(modules)}
        network = replace(network, module=join(modules).eval(), architecture=architecture)
        return network, pd.concat(histories, ignore_index=True), error

    def _prepare(self, samples, valid, start, quiet):
        """What the members share: standardisations, and training and validation samples for `train`.

        These are tuples of standardised signals, class numbers, weights and side inputs.
        """
        X = within_reach(samples.X)
        if start is None:
            partners = (self.architecture["mirror"] or {}).get("permutation")
            scaler = ChannelScaler(self.clf.standardize).fit(X, warn=not quiet, partners=partners)
            side_scaler = SideScaler(*split_side_inputs(self.clf.side_inputs))
            side_scaler.fit(samples.side, samples.X, samples.target, quiet=quiet)
        else:
            scaler, side_scaler = start.scaler, start.side_scaler
        unit = samples.weight.mean()

        def inputs(part, X, check=True):
            data = scaler.transform_all(X, check=check)
            return data, part.target, part.weight / unit, side_scaler.transform(part.side, part.X)

        training = inputs(samples, X, check=start is not None)  # a fit has checked while it measured
        valid = None if valid is None else inputs(valid, within_reach(valid.X))
        network = FittedNetwork(
            module=None if start is None else start.module,
            scaler=scaler,
            side_scaler=side_scaler,
            architecture=self.architecture | {"n_side": len(side_scaler.mean_)},
            seed=self.seed,
        )
        return network, training, valid

    def _train_member(self, network, inputs, valid, number, seed):
        """Train a new network, or a copy of the one with this number among the members."""
        with torch_session(seed, device=self.device):
            if network.module is None:
                architecture = network.architecture | {"n_members": 1}
                fast = self.clf.accelerate and self.device.type == "cpu"
                module = build_module(**architecture, accelerate=fast)
            else:
                module = copy.deepcopy(split(network.module)[number])
            module = module.to(self.device)
            history, error = train(module, *inputs, valid=valid, options=self.options, device=self.device)
            return (module, history), error

    def predict(self, network, samples):
        """Logits of samples."""
        return network.logits(samples.X, samples.side, device=self.device, n_threads=self.clf.n_threads)

    def cross_predict(self, samples, folds):
        """Logits of every sample, each by a network that was trained without its fold."""
        logits = np.empty((len(samples), self.architecture["n_outputs"]))
        for train_rows, held_out in folds:
            # a channel that is flat in all samples was warned of before, and one in a part does not matter
            network, _, error = self.train(samples[train_rows], quiet=True)
            if error is not None:
                raise error
            logits[held_out] = self.predict(network, samples[held_out])
        return logits


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
