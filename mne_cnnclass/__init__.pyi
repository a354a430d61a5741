from . import datasets, viz
from .architectures import MultiScaleCNN, list_models
from .classifier import CNNClassifier
from .epochs_view import EpochsView
from .evaluation import Evaluation, evaluate
from .persistence import load_classifier
from .utils import sys_info

__all__ = [
    "CNNClassifier",
    "EpochsView",
    "Evaluation",
    "MultiScaleCNN",
    "datasets",
    "evaluate",
    "list_models",
    "load_classifier",
    "sys_info",
    "viz",
]
