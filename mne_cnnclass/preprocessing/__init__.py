"""From recordings to Epochs, by MNE's own means; transformers from samples to samples."""

from .alignment import EuclideanAlignment, RiemannianAlignment
from .epochs import make_epochs

__all__ = ["EuclideanAlignment", "RiemannianAlignment", "make_epochs"]
