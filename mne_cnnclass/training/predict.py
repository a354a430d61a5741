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
    batches : iterable of array, shape (n_samples, n_channels, n_times)
        Standardised samples, float32.
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
        logits = [module(torch.from_numpy(batch).to(device)).cpu().numpy() for batch in batches]
    return np.concatenate(logits).astype(np.float64)
