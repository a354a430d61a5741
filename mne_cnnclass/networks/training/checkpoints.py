"""Checkpoints, from which an interrupted training continues to the same bits as an uninterrupted one."""

import hashlib
import io
import json
import pickle
import random
from dataclasses import fields
from pathlib import Path

import joblib
import numpy as np
import torch
from mne.utils import logger
from skorch.callbacks import Callback

from ...utils.atomic import write_atomically
from ...utils.versions import library_versions
from ...utils.warn import warn
from .augment import random_parts
from .batches import parts

OF_EARLY_STOPPING = ("misses_", "best_epoch_", "best_model_weights_", "dynamic_threshold_")
NOT_DECISIVE = ("class_weight", "callbacks", "progress", "checkpoints")  # the first is described apart
N_CHECKSUM = hashlib.sha256().digest_size


class Checkpoints:
    """The files of the trainings of one fit: of the members of an ensemble, of the folds of a calibration."""

    def __init__(self, folder):
        self.folder, self.paths = Path(folder), []

    def remove(self):
        """Delete the files once the fit is complete."""
        for path in self.paths:
            path.unlink(missing_ok=True)


class Checkpoint(Callback):
    """Writes all that a training depends on into a file after each epoch, and puts it back.

    The name of a file is a hash of all that decides the result of a training, so that no other training
    continues from it. A file begins with the SHA-256 of the rest, as torch does not notice a flipped byte.
    """

    def __init__(self, options, datasets):
        self.options, self.datasets, self.failed = options, datasets, False

    def on_train_begin(self, net, **kwargs):
        name = _fingerprint(net, self.options, self.datasets)
        self.path = self.options.checkpoints.folder / f"{name}.checkpoint"
        self.options.checkpoints.paths.append(self.path)
        if not self.path.is_file():
            return
        content = self.path.read_bytes()
        state = content[N_CHECKSUM:]
        if hashlib.sha256(state).digest() != content[:N_CHECKSUM]:
            raise ValueError(
                f"The checkpoint {self.path} is damaged. Delete it, and training starts at the first epoch."
            )
        # weights_only: numbers, text and tensors alone are read
        state = torch.load(io.BytesIO(state), map_location=net.device, weights_only=True)  # noqa: TID251
        _put_back(net, state)
        logger.info(f"Training goes on after epoch {len(net.history)}, from {self.path}.")

    def on_epoch_end(self, net, **kwargs):
        content = io.BytesIO()
        torch.save(_state(net), content)
        content = content.getvalue()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, hashlib.sha256(content).digest() + content)
        except OSError as error:  # which is no reason to lose the training
            if not self.failed:
                warn(f"No checkpoint of epoch {len(net.history)}: {error}. Training goes on.", UserWarning)
            self.failed = True


def _state(net):
    callbacks = dict(net.callbacks_)
    state = {
        "weights": net.module_.state_dict(),
        "optimizer": net.optimizer_.state_dict(),
        "history": json.dumps(net.history.to_list(), default=lambda value: value.item()),
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": [_numbers(np.random.get_state())]  # noqa: NPY002
        + [_numbers(part.rng.get_state()) for part in random_parts(net.augmentation)],
    }
    if torch.device(net.device).type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(net.device)
    if "schedule" in callbacks:
        state["schedule"] = callbacks["schedule"].lr_scheduler_.state_dict()
    if "early_stopping" in callbacks:
        values = {name: getattr(callbacks["early_stopping"], name) for name in OF_EARLY_STOPPING}
        values["dynamic_threshold_"] = float(values["dynamic_threshold_"])  # of numpy, it could not be read
        state["early_stopping"] = values
    return state


def _put_back(net, state):
    callbacks = dict(net.callbacks_)
    net.module_.load_state_dict(state["weights"])
    net.optimizer_.load_state_dict(state["optimizer"])
    net.history_ = type(net.history)(json.loads(state["history"]))
    torch.set_rng_state(state["torch"].cpu())
    random.setstate(state["python"])
    first, *others = state["numpy"]
    np.random.set_state(first)  # noqa: NPY002
    for part, numbers in zip(random_parts(net.augmentation), others, strict=True):
        part.rng.set_state(numbers)
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), net.device)
    if "schedule" in callbacks:
        callbacks["schedule"].lr_scheduler_.load_state_dict(state["schedule"])
    if "early_stopping" in callbacks:
        vars(callbacks["early_stopping"]).update(state["early_stopping"])
    callbacks["stopping"].on_epoch_end(net)


def _numbers(state):
    """A random state of numpy, which takes it back, without an array, which torch would not read."""
    name, key, *others = state
    return [name, key.tolist(), *others]


def _fingerprint(net, options, datasets):
    """Hash of what decides the result: initial weights, samples, options, random states, versions."""
    weights = {name: value.cpu().numpy() for name, value in net.module_.state_dict().items()}
    decisive = {f.name: getattr(options, f.name) for f in fields(options) if f.name not in NOT_DECISIVE}
    decisive["class_weight"] = None if options.class_weight is None else options.class_weight.numpy()
    states = [torch.get_rng_state().numpy(), _numbers(np.random.get_state())]  # noqa: NPY002
    where = [str(net.device), torch.get_num_threads(), library_versions()]
    decisive = [weights, decisive, states, where, [_content(one) for one in datasets]]
    try:
        return joblib.hash(decisive)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            "checkpoint_dir needs augmentation that can be told from another one, and this can't be pickled: "
            f"{error}. Give names, or functions of a module."
        ) from error


def _content(dataset):
    content = hashlib.sha256()
    for part in parts(len(dataset), int(np.prod(dataset.data.shape[1:]))):
        content.update(np.ascontiguousarray(dataset.read(part)))
    others = {name: value.numpy() for name, value in dataset.others.items()}
    return content.hexdigest(), dataset.y.numpy(), others
