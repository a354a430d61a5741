from .beats import BeatClassifier
from .cnn import CNNClassifier
from .fine_tuned import FineTunedClassifier
from .loading import load_classifier
from .recipes import recipe
from .saving import read_epochs_settings, save_classifier

__all__ = [
    "BeatClassifier",
    "CNNClassifier",
    "FineTunedClassifier",
    "load_classifier",
    "read_epochs_settings",
    "recipe",
    "save_classifier",
]
