"""Any network made symmetric under an exchange of left and right."""

import torch
from torch import nn


class LeftRightSymmetric(nn.Module):
    """A network whose answer to a mirrored sample is the mirrored answer.

    It is shown each sample as it is and with the channels of both hemispheres exchanged; its logits for the
    second, with the classes exchanged, are averaged with those for the first. So every sample teaches both
    sides, and what the network takes from one hemisphere alone has to be true of the other. ``permutation``
    has the number of the channel that takes the place of each, ``swapped`` of the class that each becomes.
    """

    def __init__(self, network, permutation, swapped):
        super().__init__()
        self.network = network
        self.register_buffer("permutation", torch.as_tensor(permutation), persistent=False)
        self.register_buffer("swapped", torch.as_tensor(swapped), persistent=False)

    def forward(self, x, *others):
        """Logits of samples of shape (n, n_chans, n_times).

        What comes besides, such as side inputs, is the same for both.
        """
        both = (torch.cat(pair) for pair in [(x, x[:, self.permutation]), *zip(others, others, strict=True)])
        original, mirrored = self.network(*both).chunk(2)
        return (original + mirrored[:, self.swapped]) / 2
