"""The weights of several networks, and the program that computes them at once."""

import torch

from ..side_inputs import WithSideInputs
from ..symmetry import LeftRightSymmetric


class Stack:
    """Networks with the same layers, stacked: ``flat`` has all weights of a network in a row.

    ``buffers`` are theirs by name, with the networks along the first axis.
    """

    def __init__(self, modules, device):
        first = modules[0]
        self.modules, self.program = modules, make_program(first)
        if self.program is None:
            raise ValueError(f"There is no program for {type(first).__name__}.")
        rows = [torch.cat([p.detach().reshape(-1) for p in module.parameters()]) for module in modules]
        self.flat = torch.stack(rows).to(device).requires_grad_()
        self.shapes = {name: p.shape for name, p in first.named_parameters()}
        self.buffers = {
            name: torch.stack([module.get_buffer(name) for module in modules]).to(device)
            for name, _ in first.named_buffers()
        }

    def __call__(self, inputs, dropout, *, training, rows=None):
        """Logits (n_networks, n_samples, n_outputs) of all networks, or of those with these numbers.

        ``inputs`` are signals, and side inputs and summaries if there are any, each (n_networks, n_samples,
        ...).
        """
        flat = self.flat if rows is None else self.flat[rows]
        buffers = self.buffers if rows is None else {name: b[rows] for name, b in self.buffers.items()}
        parts = flat.split([shape.numel() for shape in self.shapes.values()], dim=1)
        weights = {
            name: part.view(-1, *shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }
        logits = self.program({**weights, **buffers}, inputs, dropout, training)
        if training and rows is not None:
            for name, buffer in buffers.items():
                self.buffers[name][rows] = buffer
        return logits

    def write_back(self):
        """Copy weights and buffers into the networks."""
        with torch.no_grad():
            for module, row in zip(self.modules, self.flat, strict=True):
                parts = row.split([shape.numel() for shape in self.shapes.values()])
                for parameter, part in zip(module.parameters(), parts, strict=True):
                    parameter.copy_(part.view(parameter.shape))
            for name, buffer in self.buffers.items():
                for module, own in zip(self.modules, buffer, strict=True):
                    module.get_buffer(name).copy_(own)


def make_program(module, prefix=""):
    """The program of a network whose weights have names with this prefix, or None if there is none."""
    if not prefix and not all(p.requires_grad and p.is_floating_point() for p in module.parameters()):
        return None
    if type(module) is LeftRightSymmetric:
        inner = make_program(module.network, f"{prefix}network.")
        return None if inner is None else Symmetric(module, inner)
    if type(module) is WithSideInputs:
        return None
    for cls, program in programs().items():
        if type(module) is cls and program.covers(module):
            return program(module, prefix)
    return None


def programs():
    """The programs by the class of a network."""
    return {}


class Symmetric:
    """`LeftRightSymmetric`: a program sees each sample as it is and mirrored."""

    def __init__(self, module, inner):
        self.inner, self.permutation, self.swapped = inner, module.permutation, module.swapped
        self.summarize = getattr(inner, "summarize", None)

    def __call__(self, weights, inputs, dropout, training):
        x, *others = inputs
        both = [torch.cat([x, x[:, :, self.permutation]], 1), *(torch.cat([one, one], 1) for one in others)]
        original, mirrored = self.inner(weights, both, dropout, training).chunk(2, 1)
        return (original + mirrored[..., self.swapped]) / 2
