"""Save and load fitted estimators without pickle.

A file is a safetensors file: the weights of networks and large arrays as tensors, everything else as JSON in
its header. Reading one executes nothing that it holds: classes and attributes are those of tables in
:mod:`~mne_cnnclass.estimators.saving.kinds`.
"""

from .files import KEY, load_classifier, read_epochs_settings, save_classifier

__all__ = ["KEY", "load_classifier", "read_epochs_settings", "save_classifier"]
