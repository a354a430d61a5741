"""Training of and prediction by a network: the skorch net, batches, schedule, validation split, progress.

Nothing in here knows of Epochs: samples are tensors, labels are integers.
"""

from .augment import make_transforms
from .batches import SampleDataset, n_batches
from .checkpoints import Checkpoints
from .fit import Training, TrainingOptions, automatic_batch_size, train_all
from .predict import move, predict_at_once, predict_logits
from .randomness import Randomness
from .session import resolve_device, torch_session
from .split import split_folds, split_validation
from .temperature import fit_temperature

__all__ = [
    "Checkpoints",
    "Randomness",
    "SampleDataset",
    "Training",
    "TrainingOptions",
    "automatic_batch_size",
    "fit_temperature",
    "make_transforms",
    "move",
    "n_batches",
    "predict_at_once",
    "predict_logits",
    "resolve_device",
    "split_folds",
    "split_validation",
    "torch_session",
    "train_all",
]
