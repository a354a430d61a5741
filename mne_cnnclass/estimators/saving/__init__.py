"""Save fitted estimators without pickle.

A file is a safetensors file: the weights of networks and large arrays as tensors, everything else as JSON in
its header. Each estimator describes itself; reading executes nothing that a file holds, and
:mod:`~mne_cnnclass.estimators.loading` alone knows the classes that it may name.
"""

from .files import read_epochs_settings
from .write import save_classifier

__all__ = ["read_epochs_settings", "save_classifier"]
