"""What other packages do with Epochs, labels and channels: the lines of docs/benchmarks.md that were tried.

Run by hand, in the folder of the repository: ``python tests/benchmarks/other_tools.py``. It needs
braindecode, MNE-Python, pyRiemann and MOABB. Data are noise: what counts is whether it runs, not the score.
"""

import importlib.metadata
import pickle
import tempfile
import warnings
from pathlib import Path

import mne
import numpy as np
import pyriemann
from braindecode import EEGClassifier, augmentation
from braindecode.models.util import models_dict
from mne.decoding import CSP
from moabb.datasets.utils import dataset_list
from pyriemann.classification import MDM
from pyriemann.estimation import Covariances
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier


def tried(what, function):
    try:
        got = str(function())
    except Exception as error:  # what fails, and how, is the result
        got = f"{type(error).__name__}: {error}"
    print(f"  {what}: {got.splitlines()[0][:110]}", flush=True)


def noise():
    rng = np.random.default_rng(0)
    events = np.column_stack([np.arange(40) * 300, np.zeros(40, int), np.arange(40) % 2 + 5])
    info = mne.create_info(["C3", "Cz", "C4", "Pz"], 100.0, "eeg")
    data = 1e-5 * rng.standard_normal((40, 4, 200))
    return mne.EpochsArray(data, info, events, event_id=dict(left=5, right=6))


def try_all(make, output, epochs, y, *, arrays_first=False):
    """Epochs, arrays and names as labels, channels in another order, and a pickle."""
    names = np.where(np.arange(40) % 2, "right", "left")
    array = epochs.get_data().astype("float32")
    turned = epochs.copy().reorder_channels(epochs.ch_names[::-1])
    samples, others = (array, turned.get_data()) if arrays_first else (epochs, turned)
    tried("fit and predict, Epochs", lambda: make().fit(epochs, y).predict(epochs)[:4])
    tried("cross_val_score, Epochs", lambda: cross_val_score(make(), epochs, y, cv=2, error_score="raise"))
    tried("cross_val_score, arrays", lambda: cross_val_score(make(), array, y, cv=2, error_score="raise"))
    tried("names as labels", lambda: make().fit(samples, names).predict(samples)[:2])
    tried("codes of events as labels", lambda: make().fit(samples, epochs.events[:, 2]).predict(samples)[:2])
    fitted = make().fit(samples, y)
    tried(
        "channels in another order change outputs by",
        lambda: abs(output(fitted, others) - output(fitted, samples)).max(),
    )
    tried("bytes of a pickle", lambda: len(pickle.dumps(fitted)))
    return fitted


def proba(fitted, X):
    return fitted.predict_proba(X)


def main():
    epochs = noise()
    codes = epochs.events[:, 2] - 5
    array = epochs.get_data().astype("float32")
    for name in ("braindecode", "moabb", "mne", "pyriemann", "mne-cnnclass"):
        print(name, importlib.metadata.version(name))
    transforms = [
        one
        for one in vars(augmentation).values()
        if isinstance(one, type) and issubclass(one, augmentation.Transform)
    ]
    n = len(transforms) - 3  # without the base, Compose and IdentityTransform
    n_data = sum("Fake" not in one.__name__ for one in dataset_list)  # real recordings
    print(f"braindecode: {len(models_dict)} architectures, {n} transforms; MOABB: {n_data} data sets")
    print("braindecode")

    def network():
        return EEGClassifier("EEGNet", max_epochs=1, verbose=0)

    fitted = try_all(network, proba, epochs, codes)
    tried("groups in fit", lambda: network().fit(epochs, codes, groups=codes))
    calibrated = CalibratedClassifierCV(network(), cv=2)
    tried("calibrated by scikit-learn", lambda: calibrated.fit(array, codes).predict_proba(array)[0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.safetensors"
        fitted.save_params(f_params=str(path), use_safetensors=True)
        print(f"  bytes of weights, safetensors: {path.stat().st_size}")
    print("mne.decoding")
    try_all(lambda: make_pipeline(CSP(2), LogisticRegression()), proba, epochs, codes)
    print("pyriemann")
    try_all(lambda: make_pipeline(Covariances(), MDM()), proba, epochs, codes, arrays_first=True)
    print(
        "  pyriemann modules:", ", ".join(name for name in ("transfer", "stats") if hasattr(pyriemann, name))
    )
    print("mne-cnnclass")
    try_all(lambda: CNNClassifier("EEGNet", max_epochs=1, random_state=0), proba, epochs, codes)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    main()
