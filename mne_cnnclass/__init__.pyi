from . import datasets, ecg, evaluation, explain, viz
from .architectures import MultiScaleCNN, list_models
from .augmentations import list_augmentations
from .baseline_pipelines import baselines
from .benchmarking import Benchmark, benchmark, open_benchmark
from .classifier import CNNClassifier
from .epochs_view import EpochsView
from .evaluation import Comparison, Evaluation, compare, evaluate
from .persistence import load_classifier, save_classifier
from .recipes import recipe
from .transfer import FineTunedClassifier
from .utils import sys_info

__all__ = [
    "Benchmark",
    "CNNClassifier",
    "Comparison",
    "EpochsView",
    "Evaluation",
    "FineTunedClassifier",
    "MultiScaleCNN",
    "baselines",
    "benchmark",
    "compare",
    "datasets",
    "ecg",
    "evaluate",
    "evaluation",
    "explain",
    "list_augmentations",
    "list_models",
    "load_classifier",
    "open_benchmark",
    "recipe",
    "save_classifier",
    "sys_info",
    "viz",
]
