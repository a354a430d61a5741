"""Train networks on samples, those of one architecture together."""

from __future__ import annotations

import contextlib
import copy
import math
from dataclasses import dataclass, fields, replace

import joblib
import pandas as pd
import torch
from torch import nn

from ...utils.warn import warn
from ..together import Alone, Stack, make_program
from .augment import mixes, own_copies
from .batches import SampleDataset, n_batches
from .checkpoints import Checkpoint, Checkpoints
from .net import Progress, SampleNet
from .randomness import Randomness
from .stopping import fitting_batch_size, is_out_of_memory

# Numbers of a batch of all networks that are trained together. More of them gain little, as there is more to
# compute than there are calls to make, and take memory.
TOGETHER = 2**22


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


OF_ONE_NETWORK = ("augmentation", "class_weight", "callbacks", "checkpoints", "progress")


@dataclass
class Training:
    """A network that is to be trained in place, on samples, with a validation part or None.

    ``randomness`` has the random states after the network was built; ``architecture`` tells it from networks
    of another one. Networks may share samples. ``together`` is whether others may be trained with it.
    """

    module: nn.Module
    samples: SampleDataset
    valid: SampleDataset | None
    options: TrainingOptions
    randomness: Randomness
    architecture: dict
    together: bool = True

    def __post_init__(self):
        self.automatic = self.options.batch_size == "auto"
        if self.automatic:
            self.options = replace(self.options, batch_size=automatic_batch_size(len(self.samples)))
        self.together = self.together and make_program(self.module) is not None

    def kind(self):
        """Equal for networks that can be trained together."""
        options = {f.name: getattr(self.options, f.name) for f in fields(self.options)}
        numbers = [n_batches(len(part), options["batch_size"]) for part in (self.samples, self.valid) if part]
        options = {name: value for name, value in options.items() if name not in OF_ONE_NETWORK}
        options["batch_size"] = numbers
        shapes = [tuple(self.samples.data.shape[1:]), sorted(self.samples.others)]
        mixed = list(map(mixes, self.options.augmentation))
        architecture = {name: value for name, value in self.architecture.items() if name != "chs_info"}
        return joblib.hash([architecture, options, shapes, mixed])


def automatic_batch_size(n_samples):
    """The batch size for ``"auto"``."""
    return min(max(round(n_samples / 8), 8), 64)


def train_all(trainings, *, device):
    """Train networks in place, those of one kind together.

    Returns a history and an error for each. The history has a row an epoch: epoch, train_loss,
    train_accuracy, valid_loss, valid_accuracy (with a validation part), lr, duration (s, the share of this
    network), and what callbacks recorded. The error is what stopped the training early, or None; without one
    whole epoch the history is None. The networks have their best weights by the validation loss, or those of
    the last whole epoch. After Ctrl-C no other training is begun.
    """
    outcomes, stop = {}, None
    for numbers in _groups(trainings):
        if stop is not None:
            outcomes |= dict.fromkeys(numbers, (None, stop))
            continue
        outcomes |= zip(numbers, _train([trainings[k] for k in numbers], device), strict=True)
        errors = (outcomes[k][1] for k in numbers)
        stop = next((error for error in errors if isinstance(error, KeyboardInterrupt)), None)
    return [outcomes[k] for k in range(len(trainings))]


def _groups(trainings):
    """Numbers of the trainings that are done together, a list each."""
    kinds = {}
    for k, training in enumerate(trainings):
        apart = not training.together or training.options.callbacks
        kinds.setdefault(k if apart else training.kind(), []).append(k)
    groups = []
    for numbers in kinds.values():
        first = trainings[numbers[0]]
        size = first.options.batch_size * math.prod(first.samples.data.shape[1:])
        # several threads share out the matrices of all networks, and round as these are shared out
        most = max(1, TOGETHER // size) if torch.get_num_threads() == 1 else 1
        groups += [numbers[start : start + most] for start in range(0, len(numbers), most)]
    return groups


def _train(trainings, device):
    """Histories and errors of trainings that are done together; one by one where the memory is short."""
    first = trainings[0]
    before = [one.randomness.state() for one in trainings]
    networks = Stack([one.module for one in trainings], device) if first.together else Alone(first.module)
    initial = {name: value.clone() for name, value in networks.state().items()}
    options = first.options
    while True:
        for one in trainings:
            with one.randomness.in_place():
                one.transforms = own_copies(one.options.augmentation)
        net = _make_net(networks, trainings, options, device)
        with contextlib.nullcontext() if first.together else first.randomness.in_place():
            net.run()
        problem = next((error for error in net.errors if is_out_of_memory(error)), None)
        if problem is None:
            break
        problem.with_traceback(None)  # which holds the tensors of the step
        for one, state in zip(trainings, before, strict=True):
            one.randomness.put_back(state)
        if len(trainings) > 1:
            return [outcome for one in trainings for outcome in _train([one], device)]
        try:
            options = replace(options, batch_size=_smaller_batches(net, problem))
        except MemoryError as error:
            return [(None, error)]
        with torch.no_grad():
            networks.load(initial)
        first.options, first.automatic = options, False
    networks.write_back([one.module for one in trainings])
    errors = _with_final_errors(net)
    n_epochs = net.kept.n_epochs.tolist()
    return [(_history_table(net, k) if n_epochs[k] else None, errors[k]) for k in range(len(trainings))]


def _make_net(networks, trainings, options, device):
    """The skorch net of trainings."""
    callbacks = copy.deepcopy(list(options.callbacks or []))
    if options.checkpoints is not None:  # after all whose state it puts back
        callbacks.append(("checkpoint", Checkpoint()))
    if options.progress:
        callbacks.append(("progress", Progress()))
    summarize = networks.summarize
    for part in (part for one in trainings for part in (one.samples, one.valid) if part is not None):
        part.summarize(summarize)
        part.to(device)
    weights = [weight for _, weight in networks.named_parameters()]
    if options.callbacks:
        networks.share(trainings[0].module)
    return SampleNet(
        trainings[0].module,
        networks=networks,
        options=options,
        trainings=trainings,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=options.weight_decay,
        # a step of all weights at once, which torch has for real numbers
        optimizer__fused=all(weight.is_floating_point() for weight in weights),
        lr=options.lr,
        max_epochs=int(options.max_epochs),
        batch_size=options.batch_size,
        train_split=None,
        classes=list(range(int(trainings[0].samples.y.max()) + 1)),
        callbacks=callbacks,
        callbacks__print_log=None,
        callbacks__train_loss=None,
        callbacks__valid_loss=None,
        callbacks__valid_acc=None,
        verbose=0,
        device=device,
    )


def _smaller_batches(net, problem):
    """A batch size with which a step fits into memory, after one that did not; only for ``"auto"``."""
    training = net.trainings[0]
    size = fitting_batch_size(net)
    n, shape = min(net.batch_size, len(training.samples)), tuple(training.samples.data.shape[1:])
    failed = f"A training step on {n} samples of shape {shape} takes more memory than there is"
    if size is None or not training.automatic:
        found = "and so does one on a single sample" if size is None else f"batch_size={size} fits"
        raise MemoryError(f"{failed}; {found}.") from problem
    warn(f"{failed}, so batch_size={size} is taken.", UserWarning)
    return size


def _with_final_errors(net):
    """What stopped each network, or an error if it diverged in its last step, which no loss has judged."""
    parts = [one.samples[slice(0, net.batch_size)][0] for one in net.trainings]
    errors = list(net.errors)
    for k, part in enumerate(parts):
        inputs = {name: values[None] for name, values in part.items()}
        with torch.inference_mode():
            finite = net._outputs(inputs, None, False, [k]).isfinite().all()
        if errors[k] is None and not finite:
            errors[k] = RuntimeError(
                f"Training diverged: outputs are no longer finite after {len(net.history)} epochs at "
                f"lr={net.lr:g}. Lower lr, or look for outliers in the data."
            )
            net.kept.n_epochs[k] = 0
        elif errors[k] is None and not net.kept.n_epochs[k]:
            errors[k] = RuntimeError("A callback ended the training before its first epoch was over.")
    return errors


def _history_table(net, k):
    """The history of a network as a table, best-known columns first."""
    n = len(net.networks)
    whole = net.history.to_list()[: net.n_loaded + net.kept.n_epochs[k]]
    rows = [
        {name: value[k] if isinstance(value, list) else value for name, value in row.items()}
        | {"dur": row["dur"] / n}
        for row in ({name: row[name] for name in row if name != "batches"} for row in whole)
    ]
    table = pd.DataFrame(rows).rename(columns={"dur": "duration"})
    table = table.loc[:, ~table.columns.str.contains("_best$|_batch_count$")]
    first = ["epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "lr", "duration"]
    return table[[c for c in first if c in table] + [c for c in table if c not in first]]
