from .catalog import list_models
from .multiscale import MultiScaleCNN

__all__ = [
    "MultiScaleCNN",
    "list_models",
]
