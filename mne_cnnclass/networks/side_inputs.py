"""Numbers known of a sample besides its signal, next to any network."""

import torch
from torch import nn

from .multiscale import Linear

N_FEATURES = 32  # by which a network describes a signal, where its description does not yet decide
N_HIDDEN, N_UNITS = 64, 32
DROP_PROB = 0.25
DROP_SIDE = 0.1


class WithSideInputs(nn.Module):
    """A network for signals, whose ``N_FEATURES`` outputs side inputs join before the last dense layers."""

    def __init__(self, network, n_side, n_outputs):
        super().__init__()
        self.network = network
        self.side = nn.Sequential(
            nn.Dropout(DROP_SIDE),
            Linear(n_side, N_HIDDEN),
            nn.ReLU(),
            nn.Dropout(DROP_PROB),
            Linear(N_HIDDEN, N_UNITS),
            nn.ReLU(),
        )
        self.dense = nn.Sequential(
            nn.Dropout(DROP_PROB),
            Linear(N_FEATURES + N_UNITS, N_UNITS),
            nn.ReLU(),
            nn.Dropout(DROP_PROB),
            Linear(N_UNITS, n_outputs),
        )

    def forward(self, x, side):
        """Logits of samples of shape (n, n_chans, n_times) and their numbers of shape (n, n_side)."""
        return self.dense(torch.cat([self.network(x), self.side(side)], dim=1))


def signal_network(module):
    """The network that is given the signals: the module itself, or what `WithSideInputs` holds."""
    return module.network if isinstance(module, WithSideInputs) else module
