"""Torch with a seed and a number of threads of its own, and everything put back afterwards."""

import contextlib
import ctypes
import random
import sys
import threading

import numpy as np
import torch
from torch.nn.utils import parametrize

from ...utils.threads import limit_threads

# Torch's random state belongs to the process: two fits in two threads of one process (joblib's threading
# backend) would disturb each other's bits, so they take turns.
_ONE_AT_A_TIME = threading.RLock()

_MALLOPT = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None


def _keep_freed_memory(n_bytes):
    """Tell glibc how much freed memory to keep for the next tensor instead of giving it back to the system.

    A training step frees and takes the same tens of megabytes again and again. When they come anew from the
    system, it clears their pages first, which takes as long as the arithmetic of a small network. 32 and 64
    MB are the limits that glibc comes to by itself in a process that has used large arrays.
    """
    trim_threshold, mmap_threshold = -1, -3  # as malloc.h numbers them
    _MALLOPT(mmap_threshold, 2**25)
    _MALLOPT(trim_threshold, n_bytes)


def _use_defaults(stack, device):
    """Compute in float32 on the CPU or this device, with gradients, until the stack is closed."""
    stack.enter_context(torch.inference_mode(False))  # which lets gradients be computed again, too
    settings = [(torch.set_default_dtype, torch.get_default_dtype(), torch.float32)]
    if device is None or device.type == "cpu":  # where fewer bits are no faster; on CUDA they may be meant
        precision = torch.get_float32_matmul_precision()
        settings.append((torch.set_float32_matmul_precision, precision, "highest"))
    for set_it, before, usual in settings:
        if before != usual:
            stack.callback(set_it, before)
            set_it(usual)
    if torch.get_default_device().type != "cpu":
        stack.enter_context(torch.device("cpu"))
    if parametrize._cache_enabled:  # which keeps weights as they were at their first use
        stack.callback(setattr, parametrize, "_cache_enabled", parametrize._cache_enabled)
        parametrize._cache_enabled = 0
    for kind in ("cpu", "cuda"):
        if torch.is_autocast_enabled(kind):
            stack.enter_context(torch.autocast(kind, enabled=False))


@contextlib.contextmanager
def torch_session(seed, *, n_threads=None, device=None):
    """Run a block with seeded random states, a fixed number of threads and deterministic CUDA.

    The seed is that of torch, numpy's global state and Python's `random`, since architectures and
    augmentations use any of them. What is None is left as it is. Types and modes of torch that a user has
    set for other work do not hold within the block.
    """
    cuda = [device] if device is not None and device.type == "cuda" else []
    with _ONE_AT_A_TIME, limit_threads(n_threads), contextlib.ExitStack() as stack:
        _use_defaults(stack, device)
        if _MALLOPT is not None:
            stack.callback(_keep_freed_memory, 2**26)
            _keep_freed_memory(2**29)
        if cuda:
            stack.enter_context(torch.backends.cudnn.flags(deterministic=True, benchmark=False))
        if seed is not None:
            stack.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002
            stack.callback(random.setstate, random.getstate())
            stack.enter_context(torch.random.fork_rng(devices=cuda))
            # torch.manual_seed takes a millisecond to look for devices
            torch.default_generator.manual_seed(seed)
            if cuda:
                torch.cuda.manual_seed_all(seed)
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
        yield


def resolve_device(device):
    """The torch device for ``"auto"`` (CUDA where there is one, else CPU), a name or a device.

    Others that torch knows are refused, as nobody has compared their results with those of a CPU.
    """
    if isinstance(device, str) and device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    found = None
    with contextlib.suppress(RuntimeError, TypeError):
        found = torch.device(device)
    if found is None or found.type not in ("cpu", "cuda"):
        known = "" if found is None else ": networks run on CPUs and CUDA devices only. Use device='auto'"
        raise ValueError(f"device must be 'auto', 'cpu', 'cuda' or 'cuda:<number>', got {device!r}{known}.")
    if found.type == "cpu":
        return torch.device("cpu")
    n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (found.index or 0) >= n_devices:
        there = f"finds {n_devices} of them here" if n_devices else "finds no CUDA device here"
        raise ValueError(f"device is {str(found)!r}, but torch {there}; use device='auto'.")
    return found
