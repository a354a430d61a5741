"""Logits of a trained network."""

import numpy as np
import torch

from ..ensemble import at_once
from .stopping import is_out_of_memory


def predict_logits(module, batches, *, device):
    """Logits of a network in evaluation mode, as float64 of shape (n_samples, n_classes).

    Each of ``batches`` holds float32 arrays: standardised samples of shape (n_samples, n_channels, n_times),
    and side inputs of shape (n_samples, n_side) if the network takes any.
    """
    if module.training:
        module.eval()
    move(module, device)
    with torch.inference_mode():
        logits = [_compute(module, [torch.from_numpy(part) for part in batch], device) for batch in batches]
    return np.concatenate(logits).astype(np.float64)


def predict_at_once(modules, each, *, device):
    """The same of each of some networks, which are given few samples in one pass; None if they can't be.

    ``each`` are the arrays for each network.
    """
    for module in modules:
        if module.training:
            module.eval()
        move(module, device)
    with torch.inference_mode():
        inputs = [torch.from_numpy(np.stack(parts)).to(device) for parts in zip(*each, strict=True)]
        stack = at_once(modules[0], modules, inputs[0][0])
        return None if stack is None else stack(inputs, None, training=False).cpu().numpy().astype(np.float64)


def move(module, device):
    """Move a network to a device, unless it is there."""
    if next(module.parameters(), torch.empty(0, device=device)).device != device:
        module.to(device)


def _compute(module, inputs, device):
    """Outputs for a batch, by halves if it takes more memory than there is."""
    try:
        return module(*(part.to(device) for part in inputs)).cpu().numpy()
    except Exception as error:
        n = len(inputs[0])
        if n == 1 or not is_out_of_memory(error):
            raise
        error.with_traceback(None)  # which holds the tensors of the batch
    halves = [part[: n // 2] for part in inputs], [part[n // 2 :] for part in inputs]
    return np.concatenate([_compute(module, half, device) for half in halves])
