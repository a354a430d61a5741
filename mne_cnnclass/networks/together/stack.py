"""The weights of several networks, and the program that computes them at once."""

import sys

import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ..multiscale import MultiScaleCNN
from ..side_inputs import WithSideInputs
from ..symmetry import LeftRightSymmetric
from .multiscale import MultiScale
from .side_inputs import SideInputs


class Stack(nn.Module):
    """Networks with the same layers, stacked: ``flat`` has all weights of a network in a row.

    ``running`` are their buffers by name, with the networks along the first axis.
    """

    def __init__(self, modules, device):
        super().__init__()
        first = modules[0]
        self.program = make_program(first)
        if self.program is None:
            raise ValueError(f"There is no program for {type(first).__name__}.")
        self.summarize = getattr(self.program, "summarize", None)
        rows = [torch.cat([p.detach().reshape(-1) for p in module.parameters()]) for module in modules]
        # without a rest that does not fill a register, which optimizers round otherwise, see `products`
        rows = [functional.pad(row, (0, -len(row) % 16)) for row in rows]
        self.flat = nn.Parameter(torch.stack(rows).to(device))
        self.shapes = {name: p.shape for name, p in first.named_parameters()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        self.sizes.append(self.flat.shape[1] - sum(self.sizes))
        self.running = {
            name: torch.stack([module.get_buffer(name) for module in modules]).to(device)
            for name, _ in first.named_buffers()
        }

        self._fixed = None

    def __len__(self):
        return len(self.flat)

    def fix(self):
        """Only predict from now on, so that what follows from the weights is computed once."""
        self._fixed = self._weights(self.flat.detach(), self.running)
        return self

    def _weights(self, flat, running):
        parts = Weights.apply(flat, self.sizes, self.shapes.values())
        return {**dict(zip(self.shapes, parts, strict=True)), **running}

    def forward(self, inputs, dropout, *, training, rows=None):
        """Logits (n_networks, n_samples, n_outputs) of all networks, or of those with these numbers.

        ``inputs`` are signals, and side inputs and summaries if there are any, each (n_networks, n_samples,
        ...).
        """
        if self._fixed is not None:
            return self.program(self._fixed, inputs, dropout, training)
        everything = rows is None or len(rows) == len(self)
        flat = self.flat if everything else self.flat[rows]
        running = self.running if everything else {name: b[rows] for name, b in self.running.items()}
        logits = self.program(self._weights(flat, running), inputs, dropout, training)
        if training and not everything:
            for name, values in running.items():
                self.running[name][rows] = values
        return logits

    def clip(self, norm):
        """Scale the gradients of each network to this norm, if theirs is larger."""
        gradient = self.flat.grad
        found = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
        gradient.mul_(found.add_(1e-6).reciprocal_().mul_(norm).clamp_(max=1.0))

    def state(self):
        """Weights and buffers by name, as they are in memory, with the networks along the first axis."""
        return {"flat": self.flat.detach(), **self.running}

    def load(self, state):
        """Take over a `state`."""
        for name, value in self.state().items():
            value.copy_(state[name])

    def share(self, module):
        """Let the only network have its weights, buffers and gradients, not copies of them."""
        for parameter, part in zip(module.parameters(), self._parts(self.flat.detach()[0]), strict=True):
            parameter.data = part.view(parameter.shape)
        for name, values in self.running.items():
            module.get_buffer(name).data = values[0]
        if self.flat.grad is not None:
            for parameter, part in zip(module.parameters(), self._parts(self.flat.grad[0]), strict=True):
                parameter.grad = part.view(parameter.shape)

    def write_back(self, modules):
        """Give networks copies of their weights and buffers."""
        for module, row in zip(modules, self.flat.detach(), strict=True):
            for parameter, part in zip(module.parameters(), self._parts(row), strict=True):
                parameter.data, parameter.grad = part.clone().view(parameter.shape), None
        for name, values in self.running.items():
            for module, own in zip(modules, values, strict=True):
                module.get_buffer(name).data = own.clone()

    def _parts(self, row):
        """The weights of a network, without the numbers that fill up its row."""
        return row.split(self.sizes)[:-1]


class Weights(Function):
    """The weights of networks, as parts of the rows that have all of them."""

    @staticmethod
    def forward(ctx, flat, sizes, shapes):
        *parts, ctx.rest = flat.split(sizes, 1)
        ctx.set_materialize_grads(False)
        weights = [part.view(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]
        ctx.parts = [part.detach() for part in parts]
        return tuple(weights)

    @staticmethod
    @once_differentiable
    def backward(ctx, *gradients):
        pairs = zip(ctx.parts, gradients, strict=True)
        rows = [torch.zeros_like(part) if d is None else d.flatten(1) for part, d in pairs]
        return torch.cat([*rows, torch.zeros_like(ctx.rest)], 1), None, None


class Alone:
    """A network without a program, which is trained by its own ``forward``; as a `Stack` of one."""

    summarize = None

    def __init__(self, module):
        self.module = module

    def __len__(self):
        return 1

    def __call__(self, inputs, dropout, *, training, rows=None):
        if self.module.training != training:
            self.module.train(training)
        return self.module(*(one[0] for one in inputs))[None]

    def named_parameters(self):
        return self.module.named_parameters()

    def share(self, module):
        """Nothing is to be done, as it is the network itself."""

    def clip(self, norm):
        nn.utils.clip_grad_norm_(self.module.parameters(), norm)

    def state(self):
        return {name: value[None] for name, value in self.module.state_dict().items()}

    def load(self, state):
        self.module.load_state_dict({name: value[0] for name, value in state.items()})

    def write_back(self, modules):
        """Nothing is to be done, as the network itself was trained."""


def make_program(module, prefix=""):
    """The program of a network whose weights have names with this prefix, or None if there is none."""
    if not prefix and not all(p.requires_grad and p.is_floating_point() for p in module.parameters()):
        return None
    if type(module) is LeftRightSymmetric:
        inner = make_program(module.network, f"{prefix}network.")
        return None if inner is None else Symmetric(prefix, inner)
    if type(module) is WithSideInputs:
        inner = make_program(module.network, f"{prefix}network.")
        return None if inner is None else SideInputs(module, prefix, inner)
    for cls, program in programs().items():
        if type(module) is cls and program.covers(module):
            return program(module, prefix)
    return None


def programs():
    """The programs by the class of a network."""
    known = {MultiScaleCNN: MultiScale}
    blocks = sys.modules.get("mne_cnnclass.networks.fast.braindecode_blocks")
    if blocks is not None:  # else there is no such network, and no need to import braindecode
        from .eegnet import EEGNetProgram
        from .shallow import Shallow

        known[blocks.SpatialFirstEEGNet] = EEGNetProgram
        known[blocks.MergedShallowFBCSPNet] = Shallow
    return known


class Symmetric:
    """`LeftRightSymmetric`: a program sees each sample as it is and mirrored.

    One that ``mirrors`` is given the numbers of the mirrored channels instead of mirrored samples.
    """

    def __init__(self, prefix, inner):
        self.inner, self.prefix = inner, prefix
        self.summarize = getattr(inner, "summarize", None)

    def __call__(self, weights, inputs, dropout, training):
        permutation = weights[f"{self.prefix}permutation"][0]
        if getattr(self.inner, "mirrors", False):
            logits = self.inner(weights, inputs, dropout, training, permutation)
        else:
            x, *others = inputs
            both = [torch.cat([x, x[:, :, permutation]], 1), *(torch.cat([one, one], 1) for one in others)]
            logits = self.inner(weights, both, dropout, training)
        original, mirrored = logits.chunk(2, 1)
        return (original + mirrored[..., weights[f"{self.prefix}swapped"][0]]) / 2
