"""The skorch net that trains one network, or several at once."""

import math

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import tqdm

from ...utils.warn import warn
from ..together import Dropout
from .augment import augment
from .batches import Batches, n_batches
from .kept import Kept
from .stopping import CtrlC, Interrupted

# A shorter schedule would have hardly a step at a rate that trains.
FEWEST_SCHEDULED_STEPS = 10
GRADIENT_NORM = 1.0


class StopTraining(Exception):  # noqa: N818, not an error
    """A callback ended the training."""


class SampleNet(NeuralNetClassifier):
    """A skorch net for the ``networks`` of a `Stack`, or one by itself (`Alone`); its module is the first.

    Samples have weights, batches are augmented, and each network has its own samples, random numbers, losses,
    best weights and errors. The loop is our own: it makes no records of batches, which take as long as the
    step of a small network, unless there are callbacks of the user's, and waits for a device once an epoch.
    """

    def __init__(self, module, *, networks, options, trainings, **kwargs):
        super().__init__(module, criterion=torch.nn.CrossEntropyLoss, **kwargs)
        vars(self)["networks"] = networks  # skorch lets modules be set only where it makes them
        self.options, self.trainings = options, trainings
        self.watched = bool(options.callbacks)

    def __getstate__(self):
        raise TypeError(
            "The net of a training can't be pickled, as f_pickle of a callback asks for. Keep f_params, "
            "or save the classifier."
        )

    def get_all_learnable_params(self):
        """The weights by name, for skorch's optimizer, and then those of the network for callbacks."""
        return (self.module_ if hasattr(self, "optimizer_") else self.networks).named_parameters()

    def get_iterator(self, dataset, training=False):
        """Batches of the only network, for callbacks."""
        for _, inputs, y in Batches([dataset], self.batch_size):
            yield {name: values[0] for name, values in inputs.items()}, y[0]

    def infer(self, x, **fit_params):
        return self._outputs({name: values[None] for name, values in x.items()}, None, False)[0]

    def _outputs(self, inputs, dropout, training, rows=None):
        inputs = [inputs[name].to(self.device) for name in ("x", "side", "summary") if name in inputs]
        return self.networks(inputs, dropout, training=training, rows=rows)

    # -- a batch -----------------------------------------------------------------------------------

    def train_batch(self, rows, inputs, y):
        """Forward and backward pass on a batch of each network with these numbers; losses and outputs."""
        trainings = [self.trainings[k] for k in rows]
        if self.options.augmentation:
            inputs, y = _augment_each(inputs, y, trainings, self.networks.summarize)
        dropout = Dropout([one.randomness.dropout for one in trainings])
        outputs = self._outputs(inputs, dropout, True, rows)
        losses = weighted_losses(outputs, y, inputs, self.options.label_smoothing)
        losses.sum().backward()
        return losses.detach(), outputs.detach(), y

    def _run_batches(self, datasets, training):
        """Mean loss and accuracy of each network over its batches, on the device."""
        generators = [one.randomness.order for one in self.trainings] if training else None
        done, stepped = {}, 0  # what comes of batches is looked at after the last one, all at once
        for rows, inputs, y in Batches(datasets, self.batch_size, generators):
            if self.watched:
                batch = {name: values[0] for name, values in inputs.items()}, y[0]
                self.notify("on_batch_begin", batch=batch, training=training)
            if training:
                losses, outputs, y = self.train_batch(rows, inputs, y)
                stepped += len(rows)
                if stepped == len(self.networks):
                    self._step()
                    stepped = 0
            else:
                with torch.no_grad():
                    outputs = self._outputs(inputs, None, False, rows)
                    losses = weighted_losses(outputs, y, inputs, 0.0)
            # of two samples that are mixed, the label of the first
            labels = (y[0] if isinstance(y, tuple) else y).to(self.device)
            done.setdefault(tuple(rows), []).append((losses * labels.shape[1], outputs, labels))
            if self.watched:
                prefix = "train" if training else "valid"
                self.history.record_batch(f"{prefix}_loss", losses[0].item())
                self.history.record_batch(f"{prefix}_batch_size", labels.shape[1])
                step = dict(loss=losses[0], y_pred=outputs[0])
                self.notify("on_batch_end", batch=batch, training=training, **step)
            self.ctrl_c.check()
        sums = torch.zeros(2, len(self.networks), device=self.device, dtype=torch.float64)
        for rows, batches in done.items():
            losses, outputs, labels = zip(*batches, strict=True)
            hits = torch.cat(outputs, 1).argmax(2) == torch.cat(labels, 1)
            sums[:, rows] += torch.stack([torch.stack(losses).double().sum(0), hits.double().sum(1)])
        return sums / torch.tensor([len(dataset) for dataset in datasets], device=self.device)

    def _step(self):
        frozen = []
        if self.watched:
            self._check_rate()
            self.networks.share(self.module_)
            # a program has gradients of all weights, and weights decay without any
            frozen = [
                (one, one.detach().clone()) for one in self.module_.parameters() if not one.requires_grad
            ]
            for weight, _ in frozen:
                if weight.grad is not None:
                    weight.grad.zero_()
        self.networks.clip(GRADIENT_NORM)
        if self.watched:
            self.notify("on_grad_computed", named_parameters=list(self.module_.named_parameters()))
        self.optimizer_.step()
        for weight, before in frozen:
            weight.data.copy_(before)
        self.optimizer_.zero_grad(set_to_none=True)
        if self.schedule is not None:
            self.schedule.step()

    def _check_rate(self):
        """Callbacks may set the learning rate only where nothing else does."""
        rate = self.optimizer_.param_groups[0]["lr"]
        if self.schedule is not None and rate != self.schedule.get_last_lr()[0]:
            raise ValueError(
                f"A callback has set the learning rate to {rate:.3g}, which lr_schedule="
                f"{self.options.lr_schedule!r} sets, too, so that neither would be followed. Set "
                "lr_schedule=None to follow that of the callback."
            )

    # -- a training --------------------------------------------------------------------------------

    def notify(self, method_name, **kwargs):
        """Call the callbacks, which in skorch end a training by raising KeyboardInterrupt.

        skorch takes any such interrupt for a successful end, but after a user's Ctrl-C a half-trained
        estimator must not look fitted. So those of callbacks get a class of their own.
        """
        try:
            super().notify(method_name, **kwargs)
        except KeyboardInterrupt as error:
            raise StopTraining from error
        except Exception as error:
            if "not found in history" not in str(error):
                raise
            raise ValueError(
                "A callback looks for what is not recorded: train_loss, train_accuracy and lr are, with a "
                f"validation_fraction also valid_loss and valid_accuracy. ({error.args[0]})"
            ) from error

    def begin(self, dataset, validates):
        """Get ready for the first step."""
        self.initialize()
        idle = [name for name, one in self.callbacks_ if getattr(one, "on_train", True) is False]
        if idle and not validates:
            warn(f"There are no validation samples for {', '.join(idle)}: set a validation_fraction.")
        self.errors = [None] * len(self.networks)
        self.kept = Kept(self.networks, self.options.patience, validates)
        n_steps = self.max_epochs * n_batches(len(dataset), self.batch_size)
        self.schedule, self.ctrl_c = None, CtrlC()
        self.n_loaded = 0  # epochs of another training, which a callback has put into the history
        if self.options.lr_schedule is not None and n_steps >= FEWEST_SCHEDULED_STEPS:
            self.schedule = OneCycleLR(self.optimizer_, max_lr=self.lr, total_steps=n_steps)

    def run(self):
        """Train until the last epoch, or until a callback, Ctrl-C or an error stops it.

        The networks are then as after their last whole epoch, or their best, unless a callback takes others;
        ``kept.n_epochs`` is the number of whole epochs of each, and ``errors`` has what stopped it early, or
        None.
        """
        datasets = [one.samples for one in self.trainings]
        valid = None if self.trainings[0].valid is None else [one.valid for one in self.trainings]
        self.begin(datasets[0], valid is not None)
        of_first = dict(dataset_train=datasets[0], dataset_valid=None if valid is None else valid[0])
        try:
            self.notify("on_train_begin", X=datasets[0], y=None)
            self.n_loaded = len(self.history) if self.kept.weights is None else 0
            with self.ctrl_c.noted():
                while len(self.history) < self.max_epochs and self.kept.running.any():
                    self._run_epoch(datasets, valid, of_first)
        except StopTraining:
            self.kept.stop(self.networks, len(self.history) - self.n_loaded)
        except (Exception, KeyboardInterrupt) as error:
            self._note_stop(error)
        if self.kept.weights is not None:
            with torch.no_grad():
                self.networks.load(self.kept.weights)
        self.notify("on_train_end", X=datasets[0], y=None)  # where callbacks may take weights of their own

    def _run_epoch(self, datasets, valid, of_first):
        lr = self.optimizer_.param_groups[0]["lr"]
        self.notify("on_epoch_begin", **of_first)
        if not any(weight.requires_grad for weight in self.module_.parameters()):
            raise ValueError("All weights of module_ are frozen, so there is nothing to train.")
        names, values = ["train_loss", "train_accuracy"], [self._run_batches(datasets, True)]
        if valid is not None:
            names += ["valid_loss", "valid_accuracy"]
            values.append(self._run_batches(valid, False))
        values = torch.cat(values).cpu()
        for name, of_networks in zip(names, values.tolist(), strict=True):
            self.history.record(name, of_networks if len(self.networks) > 1 else of_networks[0])
            if self.watched:  # as skorch's own scores, by which callbacks keep the best epoch
                best = min if name.endswith("loss") else max
                self.history.record(f"{name}_best", of_networks[0] == best(self.history[:, name]))
        self.history.record("lr", lr)
        self._note_divergence(values[::2], lr)
        self.kept.epoch(self.networks, None if valid is None else values[2])
        self.notify("on_epoch_end", **of_first)

    def _note_stop(self, error):
        """Take note of what stopped all networks that still ran."""
        if isinstance(error, Interrupted):
            where = f"in epoch {len(self.history)} of {self.max_epochs}"
            error = KeyboardInterrupt(f"Ctrl-C stopped the training {where}.")
        elif "more than 1 value per channel" in str(error):
            error.add_note(
                "A layer normalises over the samples of a batch: it needs a batch_size of at least 2."
            )
        running = self.kept.running.tolist()
        self.errors = [error if runs else own for runs, own in zip(running, self.errors, strict=True)]

    def _note_divergence(self, losses, lr):
        """Stop networks whose loss is no longer a number, with an error."""
        for k in torch.nonzero(self.kept.running & ~losses.isfinite().all(0)).flatten().tolist():
            loss = next(loss for loss in losses[:, k].tolist() if not math.isfinite(loss))
            self.errors[k] = RuntimeError(
                f"Training diverged: the loss became {loss} in epoch {len(self.history)} at a "
                f"learning rate of {lr:.3g} (lr={self.lr:g}). Lower lr, or look for outliers in the data."
            )
            self.kept.running[k] = False


def _augment_each(inputs, y, trainings, summarize):
    """Augmented batches of several networks, by the transforms and random numbers of each."""
    augmented = []
    for k, training in enumerate(trainings):
        of_samples = dict(class_weight=training.options.class_weight, summarize=summarize)
        with training.randomness.in_place():
            own = {name: values[k] for name, values in inputs.items()}
            augmented.append(augment(own, y[k], training.transforms, **of_samples))
    inputs, y = zip(*augmented, strict=True)
    inputs = {name: torch.stack([one[name] for one in inputs]) for name in inputs[0]}
    mixed = isinstance(y[0], (tuple, list))
    return inputs, tuple(map(torch.stack, zip(*y, strict=True))) if mixed else torch.stack(y)


def weighted_losses(outputs, y_true, inputs, smoothing):
    """Mean cross-entropy of each network, each sample with its weight."""
    weight = inputs["weight"].to(outputs)
    parts = [(y_true, weight)]
    if isinstance(y_true, tuple):
        y, partner, share = y_true
        share, partner_weight = share.to(outputs), inputs.get("partner_weight", weight).to(outputs)
        parts = [(y, share * weight), (partner, (1 - share) * partner_weight)]
    # weighted probabilities to aim at, as torch's own loss makes several times as many calls
    aims = outputs.new_zeros(outputs.shape)
    for y, part in parts:
        part = part.unsqueeze(2)
        if smoothing:
            aims += part * (smoothing / outputs.shape[2])
        aims.scatter_add_(2, y.to(outputs.device, torch.long).unsqueeze(2), part * (1 - smoothing))
    return (functional.log_softmax(outputs, 2) * aims).sum((1, 2)) * (-1 / outputs.shape[1])


class Progress(Callback):
    """A progress bar over the epochs."""

    def on_train_begin(self, net, **kwargs):
        self.bar = tqdm(total=net.max_epochs, desc="Training", unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        row = net.history[-1]
        means = {name: np.mean(row[name]) for name in ("train_loss", "valid_loss") if name in row}
        self.bar.set_postfix({name: f"{mean:.3g}" for name, mean in means.items()})
        self.bar.update()

    def on_train_end(self, net, **kwargs):
        self.bar.close()
