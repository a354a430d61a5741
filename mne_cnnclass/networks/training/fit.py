"""Train a network on samples."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import pandas as pd
import torch
from skorch.callbacks import EarlyStopping, GradientNormClipping, LRScheduler
from skorch.helper import predefined_split
from skorch.utils import noop

from ...utils.warn import warn
from ..fast import accelerated_layers
from ..side_inputs import signal_network
from ..symmetry import LeftRightSymmetric
from .augment import own_copies
from .batches import Batches, SampleDataset
from .checkpoints import Checkpoint, Checkpoints
from .net import Accuracy, Divergence, LearningRate, Progress, SampleNet
from .stopping import Stopping, fitting_batch_size, is_out_of_memory

# A shorter schedule would have hardly a step at a rate that trains.
FEWEST_SCHEDULED_STEPS = 10


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; the parameters of the same names of `CNNClassifier`.

    But ``augmentation`` are functions of batches, ``class_weight`` is None, or a weight by class number, and
    ``checkpoints`` are the files of ``checkpoint_dir``.
    """

    max_epochs: int
    batch_size: str | int
    lr: float
    weight_decay: float
    lr_schedule: str | None
    label_smoothing: float
    patience: int | None
    augmentation: list
    class_weight: object
    callbacks: list | None
    checkpoints: Checkpoints | None
    progress: bool


def train(module, data, y, weight, side, *, options, valid=None, device):
    """Train a network in place on standardised samples, see `SampleDataset`; weights are of mean one.

    ``valid`` has the same four arrays of the validation samples, or is None. The history has a row an epoch:
    epoch, train_loss, train_accuracy, valid_loss, valid_accuracy (with a validation split), lr, duration (s),
    and what callbacks recorded. The error is what stopped the training after at least one epoch, or None;
    before that it is raised. The network has its best weights by the validation loss, or those of the last
    whole epoch.
    """
    # only the method of a rewrite, not one of that name of a user's own network
    network = signal_network(module.network if isinstance(module, LeftRightSymmetric) else module)
    summarize = getattr(network, "summarize", None) if "" in accelerated_layers(network) else None
    dataset = SampleDataset(data, y, weight, side, summarize=summarize)
    valid = None if valid is None else SampleDataset(*valid)
    automatic, initial = options.batch_size == "auto", None
    if automatic:
        options = replace(options, batch_size=min(max(round(len(dataset) / 8), 8), 64))
        initial = copy.deepcopy(module.state_dict())
    while True:
        net = _make_net(module, dataset, valid, options, summarize, device)
        try:
            error = net.run(dataset)
            break
        except Exception as problem:
            if not is_out_of_memory(problem):
                raise
            problem.with_traceback(None)  # which holds the tensors of the step
            options = replace(options, batch_size=_smaller_batches(net, dataset, problem, automatic))
            module.load_state_dict(initial)
            automatic = False
    if error is None:
        _check_outputs(net, dataset, options)
    return _history_table(net.history), error


def _make_net(module, dataset, valid, options, summarize, device):
    """The skorch net of a training."""
    callbacks = [("accuracy", Accuracy()), ("learning_rate", LearningRate()), ("divergence", Divergence())]
    callbacks.append(("stopping", Stopping(keeps_best=valid is not None)))
    n_batches = len(Batches(dataset, batch_size=options.batch_size, shuffle=True))
    n_steps = int(options.max_epochs) * n_batches
    if options.lr_schedule is not None and n_steps >= FEWEST_SCHEDULED_STEPS:
        policy = torch.optim.lr_scheduler.OneCycleLR
        schedule = LRScheduler(policy=policy, max_lr=options.lr, total_steps=n_steps, step_every="batch")
        callbacks.append(("schedule", schedule))
    callbacks.append(("clipping", GradientNormClipping(gradient_clip_value=1.0)))
    if valid is not None:
        # without patience it never stops, and still restores the best weights at the end
        patience = options.max_epochs + 1 if options.patience is None else options.patience
        stopping = EarlyStopping("valid_loss", patience=patience, threshold=0.0, load_best=True, sink=noop)
        callbacks.append(("early_stopping", stopping))
    callbacks += copy.deepcopy(list(options.callbacks or []))
    if options.checkpoints is not None:  # after all whose state it puts back
        datasets = [dataset] if valid is None else [dataset, valid]
        callbacks.append(("checkpoint", Checkpoint(options, datasets)))
    if options.progress:
        callbacks.append(("progress", Progress()))
    return SampleNet(
        module,
        augmentation=own_copies(options.augmentation),
        class_weight=options.class_weight,
        summarize=summarize,
        label_smoothing=options.label_smoothing,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=options.weight_decay,
        # a step of all weights at once, which torch has for real numbers
        optimizer__fused=all(p.is_floating_point() for p in module.parameters()),
        lr=options.lr,
        max_epochs=int(options.max_epochs),
        batch_size=options.batch_size,
        train_split=None if valid is None else predefined_split(valid),
        classes=list(range(int(dataset.y.max()) + 1)),
        callbacks=callbacks,
        callbacks__print_log=None,
        callbacks__valid_acc=None,
        verbose=0,
        device=device,
    )


def _smaller_batches(net, dataset, problem, automatic):
    """A batch size with which a step fits into memory, after one that did not; only for ``"auto"``."""
    size = fitting_batch_size(net, dataset)
    n, shape = min(net.batch_size, len(dataset)), tuple(dataset.data.shape[1:])
    failed = f"A training step on {n} samples of shape {shape} takes more memory than there is"
    if size is None or not automatic:
        found = "and so does one on a single sample" if size is None else f"batch_size={size} fits"
        raise MemoryError(f"{failed}; {found}.") from problem
    warn(f"{failed}, so batch_size={size} is taken.", UserWarning)
    return size


def _check_outputs(net, dataset, options):
    """Refuse a network that diverged in its last step, which no loss has judged."""
    with torch.inference_mode():
        net.module_.eval()
        outputs = net.infer(dataset[slice(0, options.batch_size)][0])
    if not outputs.isfinite().all():
        raise RuntimeError(
            f"Training diverged: outputs are no longer finite after {len(net.history)} epochs at "
            f"lr={options.lr:g}. Lower lr, or look for outliers in the data."
        )


def _history_table(history):
    """The history of skorch as a table, best-known columns first."""
    table = pd.DataFrame(history.to_list()).rename(columns={"dur": "duration"})
    table = table.loc[:, ~table.columns.str.contains("^batches$|_best$|_batch_count$")]
    first = ["epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "lr", "duration"]
    return table[[c for c in first if c in table] + [c for c in table if c not in first]]
