"""The skorch net that trains on `SampleDataset`, and its own callbacks."""

import math

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch.nn import functional
from tqdm import tqdm

from .augment import augment
from .batches import Batches
from .stopping import Interrupted


class StopTraining(Exception):  # noqa: N818, not an error
    """A callback ended the training."""


class SampleNet(NeuralNetClassifier):
    """A skorch net with weighted samples and augmented batches, which tells Ctrl-C from other ends.

    ``class_weight`` is what the weights of samples contain of their classes, ``summarize`` what made their
    summaries, ``label_smoothing`` as in `torch.nn.CrossEntropyLoss`.
    """

    def __init__(
        self, module, *, augmentation=(), class_weight=None, summarize=None, label_smoothing=0.0, **kwargs
    ):
        super().__init__(module, criterion=torch.nn.CrossEntropyLoss, **kwargs)
        self.augmentation = augmentation
        self.class_weight, self.summarize = class_weight, summarize
        self.label_smoothing = label_smoothing

    def get_iterator(self, dataset, training=False):
        return Batches(dataset, batch_size=self.batch_size, shuffle=training)

    def infer(self, x, **fit_params):
        inputs = (x[name].to(self.device) for name in ("x", "side", "summary") if name in x)
        return self.module_(*inputs)

    def train_step_single(self, batch, **fit_params):
        """One forward and backward pass on a batch, augmented if asked."""
        inputs, y = batch
        if self.augmentation:
            of_samples = dict(class_weight=self.class_weight, summarize=self.summarize)
            inputs, y = augment(inputs, y, self.augmentation, **of_samples)
        self._set_training(True)
        y_pred = self.infer(inputs)
        loss = self.get_loss(y_pred, y, X=inputs, training=True)
        loss.backward()
        # for the accuracy; of two samples that are mixed, the label of the first
        return {"loss": loss, "y_pred": y_pred, "labels": y[0] if isinstance(y, (tuple, list)) else y}

    def get_loss(self, y_pred, y_true, X, training=False):  # noqa: N803
        """Cross-entropy, each sample with its weight."""
        smoothing = self.label_smoothing if training else 0.0

        def cross_entropy(y):
            y = y.to(y_pred.device, torch.long)
            return functional.cross_entropy(y_pred, y, reduction="none", label_smoothing=smoothing)

        weight = X["weight"].to(y_pred.device)
        if not isinstance(y_true, (tuple, list)):
            return (weight * cross_entropy(y_true)).mean()
        y, partner, share = y_true
        share, partner_weight = share.to(y_pred.device), X.get("partner_weight", weight).to(y_pred.device)
        losses = share * weight * cross_entropy(y) + (1 - share) * partner_weight * cross_entropy(partner)
        return losses.mean()

    def notify(self, method_name, **kwargs):
        """Call the callbacks, which in skorch end a training by raising KeyboardInterrupt.

        skorch takes any such interrupt for a successful end, but after a user's Ctrl-C a half-trained
        estimator must not look fitted. So those of callbacks get a class of their own.
        """
        try:
            super().notify(method_name, **kwargs)
        except KeyboardInterrupt as error:
            raise StopTraining from error

    def run(self, dataset):
        """Train until the last epoch, or until a callback, Ctrl-C or an error stops it.

        Returns what stopped it early, or raises that before an epoch was complete. The net is then as after
        its last whole epoch, or its best.
        """
        self.initialize()
        self.notify("on_train_begin", X=dataset, y=None)
        stopping, error = dict(self.callbacks_)["stopping"], None
        try:
            with stopping.noting_ctrl_c():
                self.fit_loop(dataset, epochs=self.max_epochs - len(self.history))
        except StopTraining:
            pass
        except (Exception, KeyboardInterrupt) as stop:
            error = stop
            if isinstance(stop, Interrupted):
                error = KeyboardInterrupt(
                    f"Ctrl-C stopped the training in epoch {len(self.history)} of {self.max_epochs}."
                )
            if not stopping.n_complete:
                raise error from None
        self.notify("on_train_end", X=dataset, y=None)
        if error is not None:
            stopping.put_back(self)
        return error


class Accuracy(Callback):
    """Record the accuracy over the training and the validation batches of each epoch."""

    def on_epoch_begin(self, net, **kwargs):
        self.hits = {True: [], False: []}

    def on_batch_end(self, net, batch, training, y_pred, labels=None, **kwargs):
        labels = batch[1] if labels is None else labels
        self.hits[training].append((y_pred.detach().argmax(1).cpu() == labels.cpu()).float())

    def on_epoch_end(self, net, **kwargs):
        for training, name in ((True, "train_accuracy"), (False, "valid_accuracy")):
            if self.hits[training]:
                net.history.record(name, torch.cat(self.hits[training]).mean().item())


class LearningRate(Callback):
    """Record the learning rate at the start of each epoch."""

    def on_epoch_begin(self, net, **kwargs):
        net.history.record("lr", net.optimizer_.param_groups[0]["lr"])


class Divergence(Callback):
    """Stop with an error when the loss is no longer a number."""

    def on_batch_end(self, net, loss, **kwargs):
        if not math.isfinite(loss.item()):
            rate = net.optimizer_.param_groups[0]["lr"]
            raise RuntimeError(
                f"Training diverged: the loss became {loss.item()} in epoch {len(net.history)} at a "
                f"learning rate of {rate:.3g} (lr={net.lr:g}). Lower lr, or look for outliers in the data."
            )


class Progress(Callback):
    """A progress bar over the epochs."""

    def on_train_begin(self, net, **kwargs):
        self.bar = tqdm(total=net.max_epochs, desc="Training", unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        row = net.history[-1]
        self.bar.set_postfix({k: f"{row[k]:.3g}" for k in ("train_loss", "valid_loss") if k in row})
        self.bar.update()

    def on_train_end(self, net, **kwargs):
        self.bar.close()
