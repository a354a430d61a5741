"""Samples of equal shape, and whole batches of them."""

from __future__ import annotations

import torch


class SampleDataset(torch.utils.data.Dataset):
    """Samples, labels and weights; what skorch passes around.

    Parameters
    ----------
    data : array of float32, shape (n_samples, n_channels, n_times)
        Standardised signals.
    target : array of int, shape (n_samples,)
        Class numbers.
    weight : array, shape (n_samples,)
        Weight of each sample in the loss.
    """

    def __init__(self, data, target, weight):
        self.data = torch.as_tensor(data)
        self.y = torch.as_tensor(target, dtype=torch.long)
        self.weight = torch.as_tensor(weight, dtype=torch.float32)

    @property
    def X(self):  # noqa: N802, skorch's callbacks look for it
        """What the net is given for these samples."""
        return {"x": self.data, "weight": self.weight}

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        return {"x": self.data[index], "weight": self.weight[index]}, self.y[index]


class Batches:
    """Iterate over batches of nearly equal size, shuffled at every pass if asked.

    A last batch of one or two samples would make a noisy step, and batch normalisation fail on a window
    of one sample, so the samples are shared out evenly: 65 samples in batches of at most 64 are 33 + 32.
    """

    def __init__(self, dataset, *, batch_size, shuffle):
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle

    def __len__(self):
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self):
        n_samples = len(self.dataset)
        order = torch.randperm(n_samples) if self.shuffle else torch.arange(n_samples)
        for index in torch.tensor_split(order, len(self)):
            yield self.dataset[index]
