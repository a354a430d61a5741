from . import ecg, evaluation, explain, live, preprocessing, report, viz
from .estimators import (
    CNNClassifier,
    FineTunedClassifier,
    PriorAdjustedClassifier,
    SSVEPClassifier,
    StackedClassifier,
    Suggestion,
    list_pretrained,
    list_recipes,
    load_classifier,
    load_pretrained,
    read_epochs_settings,
    recipe,
    save_classifier,
    suggest,
)
from .estimators.baselines import baselines
from .evaluation import Comparison, Evaluation, compare, evaluate
from .evaluation.benchmarking import Benchmark, benchmark, moabb_view, open_benchmark, read_config
from .networks import MultiScaleCNN, MultiViewCNN, list_augmentations, list_models
from .samples import EpochsView, datasets
from .utils.versions import sys_info

__all__ = [
    "Benchmark",
    "CNNClassifier",
    "Comparison",
    "EpochsView",
    "Evaluation",
    "FineTunedClassifier",
    "MultiScaleCNN",
    "MultiViewCNN",
    "PriorAdjustedClassifier",
    "SSVEPClassifier",
    "StackedClassifier",
    "Suggestion",
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
    "list_pretrained",
    "list_recipes",
    "live",
    "load_classifier",
    "load_pretrained",
    "moabb_view",
    "open_benchmark",
    "preprocessing",
    "read_config",
    "read_epochs_settings",
    "recipe",
    "report",
    "save_classifier",
    "suggest",
    "sys_info",
    "viz",
]
