"""The random numbers of one network's training."""

import contextlib
import random

import numpy as np
import torch


class Randomness:
    """Random states as a network's own seed has left them when it was built, and those that follow.

    Each network shuffles its samples and drops out by generators of its own, so that what else is trained
    with it, before it or beside it changes nothing. What draws from the global states of torch, numpy and
    Python (augmentations, layers of networks that are trained by their own ``forward``) does so within
    `in_place`.
    """

    def __init__(self, device):
        self.cuda = [device] if device.type == "cuda" else []
        seed = int(torch.randint(2**62, ()))
        self.order = torch.Generator().manual_seed(seed)
        self.dropout = torch.Generator(device).manual_seed(seed + 1)
        self.states, self.is_in_place = self._global(), False

    @contextlib.contextmanager
    def in_place(self):
        """The global random states are this network's within the block."""
        if self.is_in_place:
            yield
            return
        before = self._global()
        self._set_global(self.states)
        self.is_in_place = True
        try:
            yield
        finally:
            self.states, self.is_in_place = self._global(), False
            self._set_global(before)

    def _global(self):
        states = [torch.get_rng_state(), np.random.get_state(), random.getstate()]  # noqa: NPY002
        return states + [torch.cuda.get_rng_state(device) for device in self.cuda]

    def _set_global(self, states):
        of_torch, of_numpy, of_python, *of_cuda = states
        torch.set_rng_state(of_torch)
        np.random.set_state(of_numpy)  # noqa: NPY002
        random.setstate(of_python)
        for device, state in zip(self.cuda, of_cuda, strict=True):
            torch.cuda.set_rng_state(state, device)

    def state(self):
        """All of it, as numbers and tensors."""
        of_torch, of_numpy, of_python, *of_cuda = self._global() if self.is_in_place else self.states
        return {
            "torch": of_torch,
            "numpy": numbers(of_numpy),
            "python": of_python,
            "cuda": of_cuda,
            "order": self.order.get_state(),
            "dropout": self.dropout.get_state(),
        }

    def put_back(self, state):
        """Go on from a `state`; tensors may have been moved to the device."""
        cuda = [one.cpu() for one in state["cuda"]]
        name, key, *others = state["numpy"]
        of_numpy = name, np.array(key, np.uint32), *others
        self.states = [state["torch"].cpu(), of_numpy, state["python"], *cuda]
        if self.is_in_place:
            self._set_global(self.states)
        self.order.set_state(state["order"].cpu())
        self.dropout.set_state(state["dropout"].cpu())


def numbers(state):
    """A random state of numpy, which takes it back, without an array, which torch would not read."""
    name, key, *others = state
    return [name, key.tolist(), *others]
