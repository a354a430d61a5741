"""Samples of equal shape, and whole batches of them."""

import numpy as np
import torch
from skorch.dataset import Dataset


def parts(n_samples, n_values):
    """Slices of a few samples of so many values, which stay in the processor's cache as float64."""
    step = max(1, 2**17 // n_values)
    return [slice(start, start + step) for start in range(0, n_samples, step)]


class SampleDataset(Dataset):
    """Samples, labels and weights; what skorch passes around.

    Signals are standardised, float32 of shape (n_samples, n_channels, n_times) in memory or in a
    `SampleFile`; ``side`` has shape (n_samples, n_side). Weights are of mean one.
    """

    SMALL = 1 / 16  # share of the samples' memory that summaries may take

    def __init__(self, data, target, weight, side):
        self.in_memory = hasattr(data, "__array__")
        self.data = torch.as_tensor(data) if self.in_memory else data
        self.y = torch.as_tensor(target, dtype=torch.long)
        # what goes along with the signals
        self.others = {"weight": torch.as_tensor(weight, dtype=torch.float32)}
        if side.shape[1]:
            self.others["side"] = torch.as_tensor(side)

    def summarize(self, summarize):
        """Note what a network wants to know of each sample beforehand, a row a sample.

        It is computed once for all samples, if the result is small beside them.
        """
        if summarize is None or "summary" in self.others:
            return
        sample = self.read(slice(0, 1))
        first = summarize(sample)
        if first.nbytes <= self.SMALL * sample.nbytes:
            # to one tensor, as many small ones would keep the memory between them from being used again
            summary = self.others["summary"] = first.new_empty(len(self), *first.shape[1:])
            for part in parts(len(self), sample.numel()):
                summary[part] = summarize(self.read(part))

    def to(self, device):
        """Move what is in memory to a device, once for all batches, if it has room for it."""
        if device.type != "cuda" or self.y.device == device:
            return
        self.y, self.others = self.y.to(device), {k: v.to(device) for k, v in self.others.items()}
        if self.in_memory and self.data.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
            self.data = self.data.to(device)

    def read(self, index):
        """Signals of some samples, as a tensor."""
        if self.in_memory:
            if isinstance(index, torch.Tensor):
                return self.data.index_select(0, index.to(self.data.device))
            return self.data[index]
        rows = np.arange(len(self))[index]
        # a tensor's memory, as what a training has freed is at hand, and not given out anew by the system
        return torch.from_numpy(self.data.read(rows, torch.empty(len(rows), *self.data.shape[1:]).numpy()))

    @property
    def X(self):  # noqa: N802, for which skorch's scores ask a net for predictions
        """The samples."""
        return self

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        others = {name: values[index] for name, values in self.others.items()}
        return {"x": self.read(index), **others}, self.y[index]


class Batches:
    """Batches of nearly equal size for several networks at once, each of its own samples.

    A last batch of one or two samples would make a noisy step, and batch normalisation fail on a window
    of one sample, so the samples are shared out evenly: 65 samples in batches of at most 64 are 33 + 32.
    All networks have the same number of batches; where the size of one differs between them, it is given out
    in parts of equal size. An item has the numbers of the networks, and inputs and labels with the networks
    along the first axis. Samples are in an order that ``generators`` draw for each network, or in their own.
    """

    def __init__(self, datasets, batch_size, generators=None):
        self.datasets, self.generators = datasets, generators
        self.n = n_batches(len(datasets[0]), batch_size)

    def __len__(self):
        return self.n

    def __iter__(self):
        if self.generators is None:
            orders = [torch.arange(len(dataset)) for dataset in self.datasets]
        else:
            pairs = zip(self.datasets, self.generators, strict=True)
            orders = [torch.randperm(len(dataset), generator=generator) for dataset, generator in pairs]
        for indices in zip(*(order.tensor_split(self.n) for order in orders), strict=True):
            for size in sorted({len(index) for index in indices}):
                rows = [k for k, index in enumerate(indices) if len(index) == size]
                yield rows, *self._gather(rows, indices)

    def _gather(self, rows, indices):
        """Inputs and labels of a batch of each of these networks."""
        first = self.datasets[rows[0]]
        shape = len(rows), len(indices[rows[0]])
        if all(self.datasets[k] is first for k in rows):  # members of an ensemble
            index = torch.cat([indices[k] for k in rows])
            inputs, y = first[index.to(first.y.device)]
            return {name: values.unflatten(0, shape) for name, values in inputs.items()}, y.view(shape)
        inputs, y = zip(*(self.datasets[k][indices[k]] for k in rows), strict=True)
        return {name: torch.stack([one[name] for one in inputs]) for name in inputs[0]}, torch.stack(y)


def n_batches(n_samples, batch_size):
    """Number of batches of at most a size."""
    return -(-n_samples // batch_size)
