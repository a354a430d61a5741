"""From recordings to Epochs, by MNE's own means; transformers from samples to samples."""

from .alignment import EuclideanAlignment, RiemannianAlignment, SpectralAlignment
from .electrodes import ToElectrodes
from .epochs import make_epochs
from .evoked import Course, Damp, EvokedCovariances
from .features import BANDS, Features
from .log import epochs_log
from .scaling import Clip, ExponentialStandardize, Standardize
from .signals import Crop, Filter, Pick, Reference, Resample

__all__ = [
    "BANDS",
    "Clip",
    "Course",
    "Crop",
    "Damp",
    "EuclideanAlignment",
    "EvokedCovariances",
    "ExponentialStandardize",
    "Features",
    "Filter",
    "Pick",
    "Reference",
    "Resample",
    "RiemannianAlignment",
    "SpectralAlignment",
    "Standardize",
    "ToElectrodes",
    "epochs_log",
    "make_epochs",
]
