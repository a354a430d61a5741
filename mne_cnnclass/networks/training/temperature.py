"""Temperature scaling: how sure a trained network may be."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

# The least and the greatest. Below 1 a network is made surer: a few samples that happen to be right ask for
# it without end, and new samples pay for it. So that bound is nearer.
TEMPERATURES = (0.2, 20.0)


def fit_temperature(logits, y, weight):
    """Find the temperature that divides the logits for the least loss.

    Parameters
    ----------
    logits : array of float64, shape (n_samples, n_classes)
        Outputs of the network for samples that its weights were not fitted to.
    y : array of int, shape (n_samples,)
        Class numbers.
    weight : array, shape (n_samples,)
        Weights of the samples.

    Returns
    -------
    temperature : float
        The one with the least weighted mean of the negative log-likelihood, between 0.2 and 20. Above 1 the
        network was too sure, below 1 not sure enough. If all samples are right the loss falls towards a
        temperature of 0, and if logits tell nothing towards infinity: then it is the bound.

    Notes
    -----
    The loss is convex in 1 / temperature, so it has one minimum.

    References
    ----------
    Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML 2017.
    arXiv:1706.04599

    Examples
    --------
    >>> logits = np.log([[0.9, 0.1]] * 4)  # sure by 0.9, but right in 3 of 4
    >>> temperature = fit_temperature(logits, np.array([0, 0, 0, 1]), np.ones(4))
    >>> scaled = np.exp(logits[0] / temperature)
    >>> (scaled / scaled.sum()).round(3)
    array([0.75, 0.25])
    """

    def loss(log_temperature):
        scaled = logits / np.exp(log_temperature)
        return np.average(logsumexp(scaled, axis=1) - scaled[np.arange(len(y)), y], weights=weight)

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-8})
    return float(np.exp(found.x))
