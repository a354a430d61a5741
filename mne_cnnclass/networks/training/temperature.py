"""Temperature scaling: how sure a trained network may be."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

# The least and the greatest. Below 1 a network is made surer: a few samples that happen to be right ask for
# it without end, and new samples pay for it. So that bound is nearer.
TEMPERATURES = (0.2, 20.0)


def fit_temperature(logits, y, weight):
    """Find the temperature that divides the logits for the least weighted negative log-likelihood [1]_.

    The loss is convex in 1 / temperature, so it has one minimum. If all samples are right it falls towards a
    temperature of 0, and if logits say nothing towards infinity: then the bound is returned.

    References
    ----------
    .. [1] Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML 2017.
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
