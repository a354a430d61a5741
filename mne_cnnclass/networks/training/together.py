"""Several trainings at once."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch

from .fit import TrainingOptions, train
from .session import torch_session


@dataclass(frozen=True)
class Training:
    """What is trained on what: the arguments of `train`, and the random states to train with."""

    module: torch.nn.Module
    data: object
    y: np.ndarray
    weight: np.ndarray
    side: np.ndarray
    options: TrainingOptions
    valid: tuple | None
    randomness: tuple


def random_states(device):
    """The random states of torch, numpy and Python, and that of a CUDA device."""
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return torch.get_rng_state(), np.random.get_state(), random.getstate(), cuda  # noqa: NPY002


def train_all(trainings, *, device):
    """Train networks in place: for each its history or None, and None or the error that stopped it."""
    outcomes = []
    for training in trainings:
        if outcomes and isinstance(outcomes[-1][1], KeyboardInterrupt):
            outcomes.append((None, KeyboardInterrupt("Ctrl-C came before this training.")))
            continue
        how = dict(options=training.options, valid=training.valid, device=device)
        arrays = training.data, training.y, training.weight, training.side
        with torch_session(0, device=device):
            in_torch, in_numpy, in_python, on_cuda = training.randomness
            torch.set_rng_state(in_torch)
            np.random.set_state(in_numpy)  # noqa: NPY002
            random.setstate(in_python)
            if on_cuda is not None:
                torch.cuda.set_rng_state(on_cuda, device)
            try:
                outcomes.append(train(training.module, *arrays, **how))
            except (Exception, KeyboardInterrupt) as error:
                outcomes.append((None, error))
    return outcomes
