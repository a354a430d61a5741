"""Samples of equal shape, and whole batches of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch


class SampleDataset(torch.utils.data.Dataset):
    """Samples, labels and weights; what skorch passes around.

    Parameters
    ----------
    data : array of float32 | SampleFile, shape (n_samples, n_channels, n_times)
        Standardised signals.
    target : array of int, shape (n_samples,)
        Class numbers.
    weight : array, shape (n_samples,)
        Weight of each sample in the loss.
    summarize : None | callable
        Gives what a network wants to know of each sample beforehand, as a tensor with a row a sample. It is
        called once for all samples, if the result is small beside them.
    """

    SMALL = 1 / 16  # share of the samples' memory that summaries may take

    def __init__(self, data, target, weight, *, summarize=None):
        self.in_memory = hasattr(data, "__array__")
        self.data = torch.as_tensor(data) if self.in_memory else data
        self.shape = tuple(data.shape)
        self.y = torch.as_tensor(target, dtype=torch.long)
        self.weight = torch.as_tensor(weight, dtype=torch.float32)
        self.summary = None
        if summarize is not None:
            sample = self.read(slice(0, 1))
            if summarize(sample).nbytes <= self.SMALL * sample.nbytes:
                step = max(1, 2**19 // sample.numel())
                parts = [summarize(self.read(slice(i, i + step))) for i in range(0, len(self), step)]
                self.summary = torch.cat(parts)

    def read(self, index):
        """Signals of some samples, as a tensor."""
        return self.data[index] if self.in_memory else torch.from_numpy(self.data[index])

    @property
    def X(self):  # noqa: N802, skorch's callbacks look for it
        """What the net is given for these samples."""
        return {"x": self.data, "weight": self.weight}

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        return self._with(self.read(index), index)

    def load(self, index, memory):
        """Samples that are on disk, read into a tensor."""
        self.data.read(index.numpy(), memory.numpy())
        return self._with(memory, index)

    def _with(self, x, index):
        inputs = {"x": x, "weight": self.weight[index]}
        if self.summary is not None:
            inputs["summary"] = self.summary[index]
        return inputs, self.y[index]


class Batches:
    """Iterate over batches of nearly equal size, shuffled at every pass if asked.

    A last batch of one or two samples would make a noisy step, and batch normalisation fail on a window
    of one sample, so the samples are shared out evenly: 65 samples in batches of at most 64 are 33 + 32.
    Samples on disk are read while the batch before them is trained on.
    """

    def __init__(self, dataset, *, batch_size, shuffle):
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle

    def __len__(self):
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self):
        n_samples = len(self.dataset)
        order = torch.randperm(n_samples) if self.shuffle else torch.arange(n_samples)
        parts = torch.tensor_split(order, len(self))
        if self.dataset.in_memory:
            yield from (self.dataset[index] for index in parts)
            return

        def ask_for(index):
            # memory is taken by this thread, as what it has freed is at hand
            memory = torch.empty(len(index), *self.dataset.shape[1:])
            return reader.submit(self.dataset.load, index, memory)

        with ThreadPoolExecutor(1) as reader:
            ahead = ask_for(parts[0])
            for index in parts[1:]:
                batch, ahead = ahead.result(), ask_for(index)
                yield batch
            yield ahead.result()
