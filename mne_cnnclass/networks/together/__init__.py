"""Several networks of one architecture as one program, for training.

Their weights are stacked along a first axis, and every operation is done for all of them at once. Where the
time of a step is that of many small calls, as with tens to hundreds of short samples, ten networks take
little longer than one; a single one is trained by the same program, which has fewer and larger operations
than the layers of the network.

A program is a class that is made from a network and the prefix of its weights' names, and called with all
stacked weights and buffers by name, signals of shape (n_networks, n_samples, n_chans, n_times), the source
of `Dropout` and whether to train. It returns logits of shape (n_networks, n_samples, n_outputs), and while
training updates running statistics in place. Networks agree with their own ``forward`` up to rounding.
"""

from .dropout import Dropout
from .stack import Alone, Stack, make_program

__all__ = ["Alone", "Dropout", "Stack", "make_program"]
