"""From checked samples to a trained network and its temperature: what `CNNClassifier` learns."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass, fields

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
    predict_logits,
    resolve_device,
    split_folds,
    split_validation,
    torch_session,
    train,
)
from ..samples.blocks import channel_positions, iter_blocks
from ..samples.disk import within_reach
from ..samples.scaling import ChannelScaler
from ..utils.seeds import draw_seed
from .checks import check_logits
from .parameters import side_columns
from .side_inputs import SideScaler

PREDICTION_VALUES = 2**21  # of a batch at prediction: enough to keep the processor busy, and small in memory


def learn(clf, samples, classes, *, go_on):
    """Train a network as a classifier asks for, and find its temperature.

    Parameters
    ----------
    clf : CNNClassifier
        The estimator with its parameters, which is left as it is.
    samples : TrainingSamples
        What to train on, checked.
    classes : array, shape (n_classes,)
        The labels.
    go_on : bool
        Whether to go on from the network of the last fit.

    Returns
    -------
    learnt : dict
        Attributes of the fitted estimator.
    error : None | Exception | KeyboardInterrupt
        What stopped the training before its end, after at least one epoch.
    """
    X = samples.X
    architecture = (
        clf._architecture
        if go_on
        else dict(
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
    )
    options = {f.name: getattr(clf, f.name) for f in fields(TrainingOptions) if hasattr(clf, f.name)}
    options["augmentation"] = make_transforms(clf.augmentation, {**architecture, "classes": classes})
    checkpoints = None if clf.checkpoint_dir is None else Checkpoints(clf.checkpoint_dir)
    options["checkpoints"] = checkpoints
    options["progress"] = _wants_progress(clf.verbose)
    if clf.class_weight is not None:
        weights = compute_class_weight(clf.class_weight, classes=classes, y=classes[samples.target])
        options["class_weight"] = torch.as_tensor(weights, dtype=torch.float32)
    trainer = Trainer(
        architecture=architecture,
        options=TrainingOptions(**options),
        standardize=clf.standardize,
        side_inputs=list(clf.side_inputs or []),
        accelerate=clf.accelerate,
        device=resolve_device(clf.device),
        n_threads=clf.n_threads,
        seed=clf._seed if go_on else draw_seed(clf.random_state),
    )
    of_samples = dict(groups=samples.groups, seed=trainer.seed)
    train_rows, valid = slice(None), None
    if clf.validation_fraction is not None:
        train_rows, valid_rows = split_validation(samples.target, clf.validation_fraction, **of_samples)
        valid = samples[valid_rows]
    elif clf.calibrate:
        folds = split_folds(samples.target, **of_samples)
    start = (clf.module_, clf.scaler_, clf.side_scaler_) if go_on else None
    *network, history, error = trainer.train(samples[train_rows], valid, start=start)
    temperature = 1.0
    if clf.calibrate and error is None:
        try:
            if valid is not None:
                rows, logits = valid_rows, trainer.predict(*network, valid)
            else:
                rows, logits = np.arange(len(samples)), trainer.cross_predict(samples, folds)
            check_logits(logits, rows)
            temperature = fit_temperature(logits, samples.target[rows], samples.weight[rows])
        except (Exception, KeyboardInterrupt) as stop:  # the network is there, and is not to be lost
            error = stop
    if error is None and checkpoints is not None:
        checkpoints.remove()
    if go_on:
        history["epoch"] += clf.history_["epoch"].max()
        history = pd.concat([clf.history_, history], ignore_index=True)
    module, scaler, side_scaler = network
    return dict(
        module_=module,
        scaler_=scaler,
        side_scaler_=side_scaler,
        temperature_=temperature,
        history_=history,
        stopped_=None if error is None else f"{type(error).__name__}: {error}",
        _architecture=trainer.architecture
        | {"n_side": len(side_scaler.mean_), "n_members": len(split(module))},
        _seed=trainer.seed,
    ), error


@dataclass(frozen=True)
class Trainer:
    """Trains networks that differ in nothing but their samples."""

    architecture: dict
    options: TrainingOptions
    standardize: bool
    side_inputs: list
    accelerate: bool
    device: torch.device
    n_threads: int | None
    seed: int

    def train(self, samples, valid=None, *, start=None, warn=True):
        """Train a network, or the members of an ensemble one after the other.

        Parameters
        ----------
        samples : TrainingSamples
            The training samples.
        valid : None | TrainingSamples
            The validation samples.
        start : None | tuple of (torch.nn.Module, ChannelScaler, SideScaler)
            A network to go on from; it is copied.
        warn : bool
            Whether to warn of flat channels and constant side inputs.

        Returns
        -------
        module : torch.nn.Module
            The network.
        scaler : ChannelScaler
            The standardisation of its samples.
        side_scaler : SideScaler
            The standardisation of their side inputs.
        history : pandas.DataFrame
            A row an epoch, and of several members their number in the column ``member``.
        error : None | Exception | KeyboardInterrupt
            What stopped the training before its end; of several members, those are there that had begun.
        """
        unit = samples.weight.mean()
        n_members = self.architecture["n_members"]
        seeds = [self.seed, *np.random.SeedSequence(self.seed).generate_state(n_members - 1).tolist()]
        with torch_session(self.seed, n_threads=self.n_threads, device=self.device):
            X = within_reach(samples.X)
            if start is None:
                partners = (self.architecture["mirror"] or {}).get("permutation")
                scaler = ChannelScaler(self.standardize).fit(X, warn=warn, partners=partners)
                transformers = [entry for entry in self.side_inputs if not isinstance(entry, str)]
                side_scaler = SideScaler(side_columns(self.side_inputs), transformers)
                side_scaler.fit(samples.side, samples.X, samples.target, warn=warn)
                data = scaler.transform_all(X, check=False)  # it was checked while it was measured
            else:
                _, scaler, side_scaler = start
                data = scaler.transform_all(X)
            del X  # which may be a copy
            if valid is not None:
                valid_data = scaler.transform_all(within_reach(valid.X))
                valid = (
                    valid_data,
                    valid.target,
                    valid.weight / unit,
                    side_scaler.transform(valid.side, valid.X),
                )
            side = side_scaler.transform(samples.side, samples.X)
            architecture = self.architecture | {"n_side": len(side_scaler.mean_), "n_members": 1}
            members, histories, error = [], [], None
            for number, seed in enumerate(seeds):
                with torch_session(seed, device=self.device):
                    module = (
                        build_module(**architecture, accelerate=self.accelerate and self.device.type == "cpu")
                        if start is None
                        else copy.deepcopy(split(start[0])[number])
                    )
                    try:
                        history, error = train(
                            module.to(self.device),
                            data,
                            samples.target,
                            samples.weight / unit,
                            side,
                            valid=valid,
                            options=self.options,
                            device=self.device,
                        )
                    except (Exception, KeyboardInterrupt) as stop:
                        if not members:
                            raise
                        error = stop
                        break
                members.append(module)
                histories.append(history if n_members == 1 else history.assign(member=number))
                if error is not None:
                    break
        history = pd.concat(histories, ignore_index=True) if n_members > 1 else histories[0]
        return join(members).eval(), scaler, side_scaler, history, error

    def predict(self, module, scaler, side_scaler, samples):
        """Logits of samples."""
        return compute_logits(
            module,
            scaler,
            samples.X,
            side_scaler.transform(samples.side, samples.X),
            architecture=self.architecture,
            device=self.device,
            n_threads=self.n_threads,
            seed=self.seed,
        )

    def cross_predict(self, samples, folds):
        """Logits of every sample, each by a network that was trained without its fold."""
        logits = np.empty((len(samples), self.architecture["n_outputs"]))
        for train_rows, held_out in folds:
            # what is flat in all samples was told of before, and what is so in a part does not matter
            *network, _, error = self.train(samples[train_rows], warn=False)
            if error is not None:
                raise error
            logits[held_out] = self.predict(*network, samples[held_out])
        return logits


def compute_logits(module, scaler, X, side, *, architecture, device, n_threads, seed, watch=None):
    """A network's outputs for samples and standardised side inputs, in float64, read by batches.

    A `ScaleWatch` may look at the standardised samples.
    """
    batch_size = min(max(PREDICTION_VALUES // (X.shape[1] * X.shape[2]), 16), 512)
    blocks = map(scaler.transform, iter_blocks(X, batch_size))
    inputs = [blocks if watch is None else watch.through(blocks)]
    if side.shape[1]:
        inputs.append(side[start : start + batch_size] for start in range(0, len(side), batch_size))
    # the known architectures draw no random numbers when they predict
    seed = None if isinstance(architecture["model"], str) else seed
    with torch_session(seed, n_threads=n_threads, device=device):
        return predict_logits(module, zip(*inputs, strict=True), device=device)


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
        levels = logging.getLevelNamesMapping()
        if verbose.upper() not in levels:
            raise ValueError(f"verbose must be None, a bool or a level of logging, got {verbose!r}.")
        verbose = levels[verbose.upper()]
    return 0 < verbose <= logging.INFO  # True is 1, and False and 0 are quiet
