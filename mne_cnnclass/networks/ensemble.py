"""Several networks as one."""

import math

import torch
from torch import nn

from .fast.layers import acts_otherwise, kept
from .together.stack import Stack, make_program

FEW = 32  # samples


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
        stack = self._at_once(inputs[0])
        if stack is None:
            logits = torch.stack([member(*inputs) for member in self.members])
        else:
            each = [one.expand(len(self.members), *one.shape) for one in inputs]
            logits = stack(each, None, training=False)
        return logits.log_softmax(dim=-1).logsumexp(dim=0) - math.log(len(self.members))

    def _at_once(self, x):
        """The members as one program, which is quicker with few samples, or None."""
        if len(x) > FEW or torch.is_grad_enabled() or self.training or torch.compiler.is_compiling():
            return None  # the last is true of an export, too
        layers = [self]
        for layer in layers:  # in a fifth of the time of `modules`
            layers.extend(one for one in layer._modules.values() if one is not None)
        if any(map(acts_otherwise, layers)):
            return None
        return kept(self, lambda: self._stacked(x.device), *layers, settings=[type(one) for one in layers])

    def _stacked(self, device):
        return None if make_program(self.members[0]) is None else Stack(self.members, device).fix()


def join(networks):
    """One network of several, or the only one."""
    return Ensemble(networks) if len(networks) > 1 else networks[0]


def split(network):
    """The networks that one was joined of."""
    return list(network.members) if isinstance(network, Ensemble) else [network]
