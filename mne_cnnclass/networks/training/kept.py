"""The weights that a training ends with: those of the best epoch, or of the last whole one."""

import torch


class Kept:
    """Copies of the weights of several networks at their best epoch.

    With a validation split that is the one of the lowest validation loss, as `skorch.callbacks.EarlyStopping`
    has it, and a network that has not become better for ``patience`` epochs has stopped; else the last.
    """

    def __init__(self, networks, patience, validates):
        self.patience, self.validates = patience, validates
        n = len(networks)
        self.loss, self.misses = torch.full((n,), torch.inf, dtype=torch.float64), torch.zeros(n, dtype=int)
        self.n_epochs = torch.zeros(n, dtype=int)  # whole ones, until it stopped
        self.running = torch.ones(n, dtype=bool)
        self.weights = None

    def epoch(self, networks, losses):
        """Take note of an epoch that came to its end, with the validation losses, if there are any."""
        self.n_epochs += self.running
        better = self.running.clone()
        if self.validates:
            better &= losses < self.loss
            self.loss[better] = losses[better]
            self.misses = torch.where(better, 0, self.misses + self.running)
            if self.patience is not None:
                self.running &= self.misses < self.patience
        state = networks.state()
        if self.weights is None:
            self.weights = {name: value.clone() for name, value in state.items()}
        elif better.all():
            for name, value in state.items():
                self.weights[name].copy_(value)
        else:
            for name, value in state.items():
                self.weights[name][better] = value[better]

    def stop(self, networks, n_epochs):
        """Take the networks as they are after so many epochs, of which the last may not be whole."""
        self.n_epochs[:] = n_epochs
        if not self.validates:
            self.weights = None

    def state(self):
        """All of it, as tensors by name."""
        return {name: value for name, value in vars(self).items() if name not in ("patience", "validates")}
