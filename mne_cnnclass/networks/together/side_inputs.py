"""The program of `WithSideInputs`."""

import torch

from .layers import linear


class SideInputs:
    """`WithSideInputs` around a network that has a program."""

    def __init__(self, module, prefix, inner):
        self.prefix, self.inner, self.summarize = prefix, inner, getattr(inner, "summarize", None)
        self.dropouts = {name: layer.p for name, layer in module.named_modules() if hasattr(layer, "p")}

    def __call__(self, weights, inputs, dropout, training):
        """Logits of signals, side inputs (n_networks, n_samples, n_side) and what the network takes else."""

        def dense(x, name, number):
            x = dropout(x, self.dropouts[f"{name}.{number - 1}"]) if training else x
            return linear(x, weights, f"{self.prefix}{name}.{number}")

        signals, side, *summary = inputs
        x = self.inner(weights, [signals, *summary], dropout, training).transpose(1, 2)
        side = torch.relu(dense(side.transpose(1, 2), "side", 1))
        side = torch.relu(dense(side, "side", 4))
        x = torch.relu(dense(torch.cat([x, side], 1), "dense", 1))
        return dense(x, "dense", 4).transpose(1, 2)
