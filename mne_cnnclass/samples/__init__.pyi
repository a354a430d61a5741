from . import datasets
from .view import EpochsView

__all__ = ["EpochsView", "datasets"]
