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
        stack = at_once(self, self.members, inputs[0])
        if stack is None:
            logits = torch.stack([member(*inputs) for member in self.members])
        else:
            each = [one.expand(len(self.members), *one.shape) for one in inputs]
            logits = stack(each, None, training=False)
        return logits.log_softmax(dim=-1).logsumexp(dim=0) - math.log(len(self.members))


def at_once(owner, members, x):
    """Some networks as one program, which is quicker with few samples, or None; it is kept by their owner."""
    if len(x) > FEW or torch.is_grad_enabled() or owner.training or torch.compiler.is_compiling():
        return None  # the last is true of an export, too
    layers = [owner] if isinstance(owner, Ensemble) else [*members]
    for layer in layers:  # in a fifth of the time of `modules`
        layers.extend(one for one in layer._modules.values() if one is not None)
    if any(map(acts_otherwise, layers)):
        return None

    def stacked():
        return None if make_program(members[0]) is None else Stack(members, x.device).fix()

    return kept(owner, stacked, *layers, settings=[type(one) for one in layers])


def join(networks):
    """One network of several, or the only one."""
    return Ensemble(networks) if len(networks) > 1 else networks[0]


def split(network):
    """The networks that one was joined of."""
    return list(network.members) if isinstance(network, Ensemble) else [network]
