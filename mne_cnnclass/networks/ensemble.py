"""Several networks as one."""

import math

import torch
from torch import nn


class Ensemble(nn.Module):
    """Networks that were trained alike from different seeds, and the mean of their probabilities.

    As proposed by Lakshminarayanan B, Pritzel A, Blundell C. Simple and scalable predictive uncertainty
    estimation using deep ensembles. NeurIPS 2017. arXiv:1612.01474
    """

    def __init__(self, members):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, *inputs):
        """Logarithms of the mean probabilities."""
        logits = torch.stack([member(*inputs) for member in self.members])
        return logits.log_softmax(dim=-1).logsumexp(dim=0) - math.log(len(self.members))


def join(networks):
    """One network of several, or the only one."""
    return Ensemble(networks) if len(networks) > 1 else networks[0]


def split(network):
    """The networks that one was joined of."""
    return list(network.members) if isinstance(network, Ensemble) else [network]
