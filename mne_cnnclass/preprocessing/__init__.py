"""From recordings to Epochs, by MNE's own means."""

from .epochs import make_epochs

__all__ = ["make_epochs"]
