from .advice import Suggestion, suggest
from .beats import BeatClassifier
from .cnn import CNNClassifier
from .fine_tuned import FineTunedClassifier
from .loading import load_classifier
from .pretrained import list_pretrained, load_pretrained
from .prior import PriorAdjustedClassifier
from .recipe_list import list_recipes
from .recipes import recipe
from .rhythm import RhythmClassifier
from .saving import read_epochs_settings, save_classifier
from .ssvep import SSVEPClassifier
from .stacked import StackedClassifier

__all__ = [
    "BeatClassifier",
    "CNNClassifier",
    "FineTunedClassifier",
    "PriorAdjustedClassifier",
    "RhythmClassifier",
    "SSVEPClassifier",
    "StackedClassifier",
    "Suggestion",
    "list_pretrained",
    "list_recipes",
    "load_classifier",
    "load_pretrained",
    "read_epochs_settings",
    "recipe",
    "save_classifier",
    "suggest",
]
