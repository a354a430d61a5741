"""Logits of a trained network."""

from __future__ import annotations

import numpy as np
import torch

from .session import memory_told


def predict_logits(module, batches, *, device):
    """Run a network in evaluation mode.

    Parameters
    ----------
    module : torch.nn.Module
        The network.
    batches : iterable of tuple of array
        What the network is given, float32: standardised samples of shape (n_samples, n_channels, n_times),
        and side inputs of shape (n_samples, n_side) if it takes any.
    device : torch.device
        Where to compute.

    Returns
    -------
    logits : array of float64, shape (n_samples, n_classes)
        The network's outputs.
    """
    if module.training or next(module.parameters(), torch.empty(0, device=device)).device != device:
        module.to(device).eval()
    logits = []
    with torch.inference_mode():
        for batch in batches:
            with memory_told(batch[0].shape):
                inputs = (torch.from_numpy(part).to(device) for part in batch)
                logits.append(module(*inputs).cpu().numpy())
    return np.concatenate(logits).astype(np.float64)
