from .augmentations import list_augmentations
from .catalog import list_models
from .multiscale import MultiScaleCNN
from .multiview import MultiViewCNN

__all__ = [
    "MultiScaleCNN",
    "MultiViewCNN",
    "list_augmentations",
    "list_models",
]
