from .augmentations import list_augmentations
from .catalog import list_models
from .multiscale import MultiScaleCNN

__all__ = [
    "MultiScaleCNN",
    "list_augmentations",
    "list_models",
]
