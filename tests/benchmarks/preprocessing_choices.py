"""What the choices of make_epochs rest on: bad channels found, and what a high-pass leaves of the eyes.

``OMP_NUM_THREADS=1 MNE_CNNCLASS_DATA=... python
tests/benchmarks/preprocessing_choices.py bads`` (or ``filter``) takes minutes.
The numbers of pyprep need it installed.
"""

import importlib.util
import sys

import mne
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

from mne_cnnclass import datasets

mne.set_log_level("ERROR")
FRONTAL = ["Fp1", "Fpz", "Fp2", "AF7", "AF3", "AFz", "AF4", "AF8", "F7", "F8"]


def read(subject, run):
    name = f"S{subject:03d}"
    file = datasets.local_folder("eegmmidb") / name / f"{name}R{run:02d}.edf"
    raw = mne.io.read_raw_edf(file, preload=True)
    mne.datasets.eegbci.standardize(raw)
    return raw.set_montage(datasets.MONTAGE_1005)


def outliers(threshold):
    def find(raw):
        return mne.preprocessing.find_bad_channels_lof(raw.copy().filter(1, None), threshold=threshold)

    return find


def by_pyprep(raw):
    import pyprep

    channels = pyprep.NoisyChannels(raw, random_state=0)
    channels.find_all_bads(ransac=False)
    return channels.get_bads()


def bads():
    """A flat channel, noise of 5 times the deviation, noise in place of the signal, noise of 1.5 times."""
    methods = {f"LOF {threshold}": outliers(threshold) for threshold in (1.5, 2.0, 3.0)}
    if importlib.util.find_spec("pyprep"):
        methods["pyprep"] = by_pyprep
    rng = np.random.default_rng(0)
    found = {name: [] for name in methods}
    for subject in range(1, 9):
        raw = read(subject, 4)
        chosen = rng.choice(len(raw.ch_names), 4, replace=False)
        deviation = np.median(raw.copy().filter(1, None).get_data().std(axis=1))
        noise = deviation * rng.standard_normal((4, raw.n_times))
        raw._data[chosen] = raw._data[chosen] * [[0], [1], [0], [1]] + noise * [[0], [5], [1], [1.5]]
        planted = [raw.ch_names[i] for i in chosen]
        for name, find in methods.items():
            its = set(find(raw))
            found[name].append([*(channel in its for channel in planted), len(its - set(planted))])
    for name, rows in found.items():
        *hits, others = np.transpose(rows)
        text = ", ".join(map(str, np.sum(hits, axis=1)))
        print(f"{name}: flat, noise 5, only noise, noise 1.5 in {text} of 8; others {others.tolist()}")


def filters():
    """Left or right by frontal channels of new people, of all that a filter leaves and below 1.5 Hz."""
    raws = {(s, run): read(s, run).pick(FRONTAL) for s in range(1, 17) for run in (4, 8, 12)}
    band = dict(l_freq=4, h_freq=38)
    cases = dict(none=[], mne=[band], steeper=[dict(band, l_trans_bandwidth=1)], twice=[band, band])
    slow = dict(l_freq=None, h_freq=1.5, h_trans_bandwidth=0.5)
    for name, passes in cases.items():
        for what, more, step in (("all that is left", [], 2), ("below 1.5 Hz", [slow, slow], 20)):
            for tmin, tmax in ((0, 3), (1, 4)):
                print(
                    f"{name}, {what}, {tmin}-{tmax} s:", frontal_score(raws, passes + more, tmin, tmax, step)
                )


def frontal_score(raws, passes, tmin, tmax, step):
    X, y, groups = [], [], []
    for (subject, _), raw in raws.items():
        raw = raw.copy()
        for settings in passes:
            raw.filter(**settings)
        events, _ = mne.events_from_annotations(raw, event_id=dict(T1=1, T2=2))
        epochs = mne.Epochs(raw, events, tmin=tmin, tmax=tmax, baseline=None, preload=True)
        X.append(epochs.get_data()[..., ::step].reshape(len(epochs), -1))
        y.append(epochs.events[:, 2])
        groups.append(np.full(len(epochs), subject))
    deviation = np.median([x.std() for x in X])
    X, y, groups = map(np.concatenate, (X, y, groups))
    for subject in np.unique(groups):
        X[groups == subject] /= X[groups == subject].std()
    model = LogisticRegression(C=1e-3, max_iter=500)
    scores = cross_val_score(model, X, y, groups=groups, cv=LeaveOneGroupOut())
    return f"{scores.mean():.3f} ± {scores.std() / 4:.3f}, {1e6 * deviation:.4f} µV"


if __name__ == "__main__":
    dict(bads=bads, filter=filters)[sys.argv[1]]()
