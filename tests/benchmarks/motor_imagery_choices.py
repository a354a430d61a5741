"""What the recipe for motor imagery was chosen from: one variant, window and seed at a time.

    python tests/benchmarks/motor_imagery_choices.py            # the names of the variants
    python tests/benchmarks/motor_imagery_choices.py "EEGNet 0.3 s" 1-4 0 results/

eegmmidb S001–S016 alone, four folds of people, one network, aligned by session, trained on the samples and
their mirror images, and averaged over both at prediction (``symmetry="left_right"`` came from that). Writes
the scores of the trials into the folder, and prints the mean accuracy over people. Needs
``MNE_CNNCLASS_DATA``.
"""

import sys
from pathlib import Path

import mne
import numpy as np
from motor_imagery import WINDOWS, load
from scipy.signal import resample_poly
from sklearn.model_selection import GroupKFold

from mne_cnnclass import CNNClassifier
from mne_cnnclass.networks.mirror import mirrored_channels
from mne_cnnclass.preprocessing import EuclideanAlignment, Standardize


def eegnet(*, max_epochs=40, F1=16, kernel=0.3, drop_prob=0.25, lr=0.003, batch_size=64, **how):  # noqa: N803
    params = dict(F1=F1, D=2, kernel_length=round(80 * kernel), drop_prob=drop_prob)
    return dict(
        model="EEGNet", model_params=params, max_epochs=max_epochs, lr=lr, batch_size=batch_size, **how
    )


def other(model, *, max_epochs=40, lr=0.001):
    return dict(model=model, max_epochs=max_epochs, lr=lr, batch_size=64)


VARIANTS = {
    "EEGNet 0.3 s": eegnet(),
    "EEGNet 0.3 s, high-pass twice": eegnet(),
    "EEGNet 0.3 s, not aligned": eegnet(),
    "EEGNet 0.1 s": eegnet(kernel=0.1),
    "EEGNet 0.15 s": eegnet(kernel=0.15),
    "EEGNet 0.2 s": eegnet(kernel=0.2),
    "EEGNet 0.5 s": eegnet(kernel=0.5),
    "EEGNet 0.3 s, F1 = 8": eegnet(F1=8),
    "EEGNet 0.3 s, 20 epochs": eegnet(max_epochs=20),
    "EEGNet 0.3 s, time shift": eegnet(augmentation=["time_shift"]),
    "EEGNet 0.3 s, mixup": eegnet(augmentation=["mixup"]),
    "ShallowFBCSPNet": other("ShallowFBCSPNet", lr=0.003),
    "MultiScaleCNN": other("MultiScaleCNN", lr=0.003, max_epochs=20),
    "ATCNet": other("ATCNet"),
    "EEGConformer": other("EEGConformer"),
    "TCFormer, 10 epochs": other("TCFormer", max_epochs=10),  # 40 s an epoch on one core
}


def samples(name, window):
    """Samples at 80 Hz in the form in which a variant takes them."""
    view = load(window, again=4.0 if "high-pass twice" in name else None)
    step = Standardize() if "not aligned" in name else EuclideanAlignment()
    return view, resample_poly(np.asarray(step.fit_transform(view))[..., :-1], 1, 2, axis=2).astype(
        np.float32
    )


def main(name, window, seed, folder):
    view, X = samples(name, window)
    y, partners = (view.labels == "right").astype(int), mirrored_channels(view.info["chs"])
    score = np.empty(len(y))
    for train, test in GroupKFold(4).split(X, groups=view.groups):
        clf = CNNClassifier(**VARIANTS[name], random_state=seed, n_threads=1)
        clf.fit(np.concatenate([X[train], X[train][:, partners]]), np.concatenate([y[train], 1 - y[train]]))
        direct, mirrored = (np.log(clf.predict_proba(x) + 1e-6) for x in (X[test], X[test][:, partners]))
        score[test] = (direct + mirrored[:, ::-1]) @ [-1, 1]
    np.save(folder / f"{name}_{window}_{seed}.npy", score)
    right = (score > 0) == y
    accuracy = np.mean([right[view.groups == person].mean() for person in np.unique(view.groups)])
    print(f"{name}, {window} s, seed {seed}: {accuracy:.4f}")


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    if len(sys.argv) == 5 and sys.argv[1] in VARIANTS and sys.argv[2] in WINDOWS:
        where = Path(sys.argv[4])
        where.mkdir(exist_ok=True, parents=True)
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), where)
    else:
        print("\n".join(VARIANTS))
