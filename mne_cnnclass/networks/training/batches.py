"""Samples of equal shape, and whole batches of them."""

import numpy as np
import torch


def parts(n_samples, n_values):
    """Slices of a few samples of so many values, which stay in the processor's cache as float64."""
    step = max(1, 2**17 // n_values)
    return [slice(start, start + step) for start in range(0, n_samples, step)]


class SampleDataset(torch.utils.data.Dataset):
    """Samples, labels and weights; what skorch passes around.

    Signals are standardised, float32 of shape (n_samples, n_channels, n_times) in memory or in a
    `SampleFile`; ``side`` has shape (n_samples, n_side). ``summarize`` gives what a network wants to know of
    each sample beforehand, a row a sample; it is called once for all samples, if the result is small beside
    them.
    """

    SMALL = 1 / 16  # share of the samples' memory that summaries may take

    def __init__(self, data, target, weight, side, *, summarize=None):
        self.in_memory = hasattr(data, "__array__")
        self.data = torch.as_tensor(data) if self.in_memory else data
        self.y = torch.as_tensor(target, dtype=torch.long)
        # what goes along with the signals
        self.others = {"weight": torch.as_tensor(weight, dtype=torch.float32)}
        if side.shape[1]:
            self.others["side"] = torch.as_tensor(side)
        if summarize is not None:
            sample = self.read(slice(0, 1))
            first = summarize(sample)
            if first.nbytes <= self.SMALL * sample.nbytes:
                # to one tensor, as many small ones would keep the memory between them from being used again
                summary = self.others["summary"] = first.new_empty(len(self), *first.shape[1:])
                for part in parts(len(self), sample.numel()):
                    summary[part] = summarize(self.read(part))

    def read(self, index):
        """Signals of some samples, as a tensor."""
        if self.in_memory:
            return self.data[index]
        rows = np.arange(len(self))[index]
        # a tensor's memory, as what a training has freed is at hand, and not given out anew by the system
        return torch.from_numpy(self.data.read(rows, torch.empty(len(rows), *self.data.shape[1:]).numpy()))

    @property
    def X(self):  # noqa: N802, skorch's callbacks look for it
        """What the net is given for these samples."""
        return {"x": self.data, **self.others}

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        others = {name: values[index] for name, values in self.others.items()}
        return {"x": self.read(index), **others}, self.y[index]


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
