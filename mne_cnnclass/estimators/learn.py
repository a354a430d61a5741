"""From checked samples to a trained network and its temperature: what `CNNClassifier` learns."""

from __future__ import annotations

import copy
import logging
import math
from dataclasses import dataclass, fields, replace
from itertools import islice

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
    Randomness,
    SampleDataset,
    Training,
    TrainingOptions,
    fit_temperature,
    make_transforms,
    resolve_device,
    split_folds,
    split_validation,
    torch_session,
)
from ..samples.blocks import channel_positions
from ..samples.disk import within_reach
from ..samples.scaling import ChannelScaler
from ..utils.seeds import draw_seed
from .checks import TrainingSamples, check_logits
from .fitted import FittedNetwork
from .parameters import split_side_inputs
from .side_inputs import SideScaler
from .together import TOGETHER_BYTES, Request


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
    elif clf.calibrate:
        folds = split_folds(samples.target, **how)
    plans = [Plan(samples, train_rows, valid, previous)]
    # a channel that is flat in all samples is warned of by the first, and one in a part does not matter
    plans += [Plan(samples, rows, quiet=True) for rows, _ in folds]
    at_once = 1 if sum(plan.n_bytes for plan in plans) > TOGETHER_BYTES else len(plans)
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
class Plan:
    """What a network is trained on, and where it starts.

    Unless ``quiet``, flat channels and constant side inputs are warned of.
    """

    samples: TrainingSamples
    rows: np.ndarray | None = None
    valid: TrainingSamples | None = None
    start: FittedNetwork | None = None
    quiet: bool = False

    @property
    def n_bytes(self):
        """Size of the standardised samples."""
        n_samples = len(self.samples if self.rows is None else self.rows) + len(self.valid or ())
        return 4 * n_samples * math.prod(self.samples.X.shape[1:])


@dataclass(frozen=True)
class Trainer:
    """Trains networks that differ in nothing but their samples."""

    clf: object  # the classifier, which is not changed
    architecture: dict
    options: TrainingOptions
    device: torch.device
    seed: int

    def train(self, plans):
        """Train a network, or the members of an ensemble, by each plan; a generator, see `together`.

        Returns for each plan the `FittedNetwork`, without a temperature; its history, with a column
        ``member`` for several; and None or the first error that stopped the training of a member. Members
        that have learnt nothing are left out; the first two are None where none is left.
        """
        networks, trainings = zip(*map(self._prepare, plans), strict=True)
        how = dict(device=self.device, n_threads=self.clf.n_threads)
        request = Request([training for of_network in trainings for training in of_network], **how)
        yield request
        outcomes = iter(zip(request.trainings, request.outcomes, strict=True))
        return [self._join(network, islice(outcomes, self.n_members)) for network in networks]

    @property
    def n_members(self):
        """Number of networks that a plan asks for."""
        return self.architecture["n_members"]

    def _join(self, network, outcomes):
        """The network of trained members, see `train`."""
        trained = [(training.module, *outcome) for training, outcome in outcomes]
        error = next((error for *_, error in trained if error is not None), None)
        members = [(module, history) for module, history, _ in trained if history is not None]
        if not members:
            return None, None, error
        modules, histories = zip(*members, strict=True)
        if self.n_members > 1:
            histories = [history.assign(member=number) for number, history in enumerate(histories)]
        architecture = network.architecture | {"n_members": len(modules)}
        network = replace(network, module=join(modules).eval(), architecture=architecture)
        return network, pd.concat(histories, ignore_index=True), error

    def _prepare(self, plan):
        """A `FittedNetwork` that has no module yet, and a `Training` of each member."""
        seeds = np.random.SeedSequence(self.seed).generate_state(self.n_members - 1).tolist()
        with torch_session(self.seed, n_threads=self.clf.n_threads, device=self.device):
            network, *parts = self._standardise(plan)
            before = [None] * self.n_members if plan.start is None else split(plan.start.module)
            # no program knows what was set by hand
            together = self.clf.accelerate and (plan.start is None or plan.start.change_by_hand() is None)
            trainings = []
            for seed, module in zip([self.seed, *seeds], before, strict=True):
                with torch_session(seed, device=self.device):
                    module = self._build(network) if module is None else copy.deepcopy(module)
                    how = self.options, Randomness(self.device), network.architecture
                module = module.to(self.device)
                trainings.append(Training(module, *parts, *how, together=together))
        return network, trainings

    def _standardise(self, plan):
        """What the members share: standardisations, and standardised training and validation samples."""
        samples, start, quiet = plan.samples, plan.start, plan.quiet
        samples = samples if plan.rows is None else samples[plan.rows]
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
            data, side = scaler.transform_all(X, check=check), side_scaler.transform(part.side, part.X)
            return SampleDataset(data, part.target, part.weight / unit, side)

        training = inputs(samples, X, check=start is not None)  # a fit has checked while it measured
        valid = None if plan.valid is None else inputs(plan.valid, within_reach(plan.valid.X))
        network = FittedNetwork(
            module=None,
            scaler=scaler,
            side_scaler=side_scaler,
            architecture=self.architecture | {"n_side": len(side_scaler.mean_)},
            seed=self.seed,
        )
        return network, training, valid

    def _build(self, network):
        """A new network of one member."""
        fast = self.clf.accelerate and self.device.type == "cpu"
        return build_module(**network.architecture | {"n_members": 1}, accelerate=fast)

    def predict(self, network, samples):
        """Logits of samples."""
        return network.logits(samples.X, samples.side, device=self.device, n_threads=self.clf.n_threads)

    def cross_predict(self, samples, folds, trained):
        """Logits of every sample, by a network trained without its fold; a generator as `train`.

        ``trained`` is what `train` returned of the folds, or their plans.
        """
        logits = np.empty((len(samples), self.architecture["n_outputs"]))
        for (_, held_out), one in zip(folds, trained, strict=True):
            if isinstance(one, Plan):
                [one] = yield from self.train([one])
            network, _, error = one
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
