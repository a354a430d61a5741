"""Trains networks on checked samples by plans."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import pandas as pd
import torch
from torch import nn

from ..networks.build import build_module
from ..networks.ensemble import join, split
from ..networks.training import Randomness, SampleDataset, Training, TrainingOptions, torch_session
from ..samples.disk import SampleFile, within_reach
from ..samples.scaling import ChannelScaler
from .checks import TrainingSamples
from .fitted import FittedNetwork
from .parameters import split_side_inputs
from .side_inputs import SideScaler
from .together import TOGETHER_BYTES, Request


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
    scalers: tuple | None = None  # of samples and side inputs, fitted before

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
    decimation: nn.Module | None = None  # what shortens standardised samples

    def fits(self, plans):
        """Whether all plans can be trained at once in the memory that is meant for it."""
        step = 1 if self.decimation is None else self.decimation.step
        return sum(plan.n_bytes for plan in plans) / step <= TOGETHER_BYTES

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
                    module = self.build(network.architecture) if module is None else copy.deepcopy(module)
                    how = self.options, Randomness(self.device), network.architecture
                module = module.to(self.device)
                trainings.append(Training(module, *parts, *how, together=together))
        return network, trainings

    def _standardise(self, plan):
        """What the members share: standardisations, and standardised training and validation samples."""
        samples, start, quiet = plan.samples, plan.start, plan.quiet
        samples = samples if plan.rows is None else samples[plan.rows]
        X = within_reach(samples.X)
        if start is not None:
            scaler, side_scaler = start.scaler, start.side_scaler
        else:
            scaler, side_scaler = plan.scalers or self.fit_scalers(replace(samples, X=X), quiet=quiet)
        unit = samples.weight.mean()

        def inputs(part, X, check=True):
            data, side = scaler.transform_all(X, check=check), side_scaler.transform(part.side, part.X)
            if self.decimation is not None:
                data = _shortened(data, self.decimation)
            return SampleDataset(data, part.target, part.weight / unit, side)

        training = inputs(
            samples, X, check=start is not None
        )  # a fit of scalers has checked while it measured
        valid = None if plan.valid is None else inputs(plan.valid, within_reach(plan.valid.X))
        network = FittedNetwork(
            module=None,
            scaler=scaler,
            side_scaler=side_scaler,
            architecture=self.architecture | {"n_side": len(side_scaler.mean_)},
            seed=self.seed,
        )
        return network, training, valid

    def fit_scalers(self, samples, quiet=False):
        """Fit the standardisations of samples and of side inputs."""
        X = within_reach(samples.X)
        partners = (self.architecture["mirror"] or {}).get("permutation")
        scaler = ChannelScaler(self.clf.standardize).fit(X, warn=not quiet, partners=partners)
        side_scaler = SideScaler(*split_side_inputs(self.clf.side_inputs))
        side_scaler.fit(samples.side, samples.X, samples.target, quiet=quiet)
        return scaler, side_scaler

    def build(self, architecture):
        """A new network of one member."""
        fast = self.clf.accelerate and self.device.type == "cpu"
        return build_module(**architecture | {"n_members": 1}, accelerate=fast)

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


def _shortened(data, decimation):
    """Standardised samples, in memory or in a file, with fewer times."""
    shape = (*data.shape[:2], (data.shape[2] - 1) // decimation.step + 1)
    short = SampleFile(shape, np.float32) if isinstance(data, SampleFile) else np.empty(shape, np.float32)
    for start in range(0, shape[0], 256):
        part = slice(start, min(start + 256, shape[0]))
        short[part] = decimation(torch.from_numpy(data[part])).numpy()
    return short
