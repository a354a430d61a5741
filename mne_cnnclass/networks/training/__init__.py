"""Training of and prediction by a network: the skorch net, batches, schedule, validation split, progress.

Nothing in here knows of Epochs: samples are tensors, labels are integers.
"""

from .augment import make_transforms
from .checkpoints import Checkpoints
from .fit import TrainingOptions
from .predict import predict_logits
from .session import resolve_device, torch_session
from .split import split_folds, split_validation
from .temperature import fit_temperature
from .together import Training, random_states, train_all

__all__ = [
    "Checkpoints",
    "Training",
    "TrainingOptions",
    "fit_temperature",
    "make_transforms",
    "predict_logits",
    "random_states",
    "resolve_device",
    "split_folds",
    "split_validation",
    "torch_session",
    "train_all",
]
