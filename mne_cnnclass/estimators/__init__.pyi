from .beats import BeatClassifier
from .cnn import CNNClassifier
from .fine_tuned import FineTunedClassifier
from .loading import load_classifier
from .prior import PriorAdjustedClassifier
from .recipes import recipe
from .rhythm import RhythmClassifier
from .saving import read_epochs_settings, save_classifier

__all__ = [
    "BeatClassifier",
    "CNNClassifier",
    "FineTunedClassifier",
    "PriorAdjustedClassifier",
    "RhythmClassifier",
    "load_classifier",
    "read_epochs_settings",
    "recipe",
    "save_classifier",
]
