"""Logits of a trained network."""

from __future__ import annotations

import numpy as np
import torch


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
    with torch.inference_mode():
        logits = [
            module(*(torch.from_numpy(part).to(device) for part in batch)).cpu().numpy() for batch in batches
        ]
    return np.concatenate(logits).astype(np.float64)
