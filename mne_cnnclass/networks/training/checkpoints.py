"""Checkpoints, from which an interrupted training continues to the same bits as an uninterrupted one."""

import hashlib
import io
import json
import pickle
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
from .randomness import numbers

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
    """Writes all that trainings depend on into a file after each epoch, and puts it back.

    The name of a file is a hash of all that decides the result of a training, so that no other training
    continues from it. A file begins with the SHA-256 of the rest, as torch does not notice a flipped byte.
    """

    def __init__(self):
        self.failed = False

    def on_train_begin(self, net, **kwargs):
        with net.trainings[0].randomness.in_place():  # transforms may hold numpy's global state
            name = _fingerprint(net)
        self.path = net.options.checkpoints.folder / f"{name}.checkpoint"
        for training in net.trainings:
            training.options.checkpoints.paths.append(self.path)
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
    state = {
        "weights": net.networks.state(),
        "kept": net.kept.state(),
        "errors": [None if error is None else str(error) for error in net.errors],
        "optimizer": net.optimizer_.state_dict(),
        "history": json.dumps(net.history.to_list(), default=lambda value: value.item()),
        "random": [training.randomness.state() for training in net.trainings],
        "transforms": [numbers(part.rng.get_state()) for part in _random_parts(net)],
    }
    if net.schedule is not None:
        state["schedule"] = net.schedule.state_dict()
    return state


def _put_back(net, state):
    with torch.no_grad():
        net.networks.load(state["weights"])
    vars(net.kept).update(state["kept"])
    net.errors = [None if text is None else RuntimeError(text) for text in state["errors"]]
    net.optimizer_.load_state_dict(state["optimizer"])
    net.history_ = type(net.history)(json.loads(state["history"]))
    for training, own in zip(net.trainings, state["random"], strict=True):
        training.randomness.put_back(own)
    for part, own in zip(_random_parts(net), state["transforms"], strict=True):
        part.rng.set_state(own)
    if net.schedule is not None:
        net.schedule.load_state_dict(state["schedule"])


def _random_parts(net):
    return [part for training in net.trainings for part in random_parts(training.transforms)]


def _fingerprint(net):
    """Hash of what decides the result: initial weights, samples, options, random states, versions."""
    weights = {name: value.cpu().numpy() for name, value in net.networks.state().items()}
    decisive = [weights, str(net.device), torch.get_num_threads(), library_versions()]
    contents = {}
    for training in net.trainings:
        options = {f.name: getattr(training.options, f.name) for f in fields(training.options)}
        own = options["class_weight"]
        decisive.append({name: value for name, value in options.items() if name not in NOT_DECISIVE})
        decisive.append(None if own is None else own.numpy())
        decisive.append(_as_arrays(training.randomness.state()))
        for part in (training.samples, training.valid):
            if part is not None and id(part) not in contents:
                contents[id(part)] = _content(part)
            decisive.append(contents.get(id(part)))
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
        content.update(np.ascontiguousarray(dataset.read(part).cpu()))
    return content.hexdigest(), dataset.y.cpu().numpy(), _as_arrays(dataset.others)


def _as_arrays(state):
    """The same dict with tensors as arrays, which joblib can hash."""
    return {k: v.cpu().numpy() if isinstance(v, torch.Tensor) else v for k, v in state.items()}
