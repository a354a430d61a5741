"""All public estimators, transformers, recipes and baselines, in settings that take a moment.

What is listed here gets the whole contract of tests/estimators/test_contract.py, and a test there fails if
something public is not listed.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import mne
import numpy as np
import pandas as pd
from mne.decoding import Vectorizer
from noise import noise_view
from planted import planted_epochs
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline

from mne_cnnclass import (
    CNNClassifier,
    EpochsView,
    FineTunedClassifier,
    PriorAdjustedClassifier,
    SSVEPClassifier,
    StackedClassifier,
    baselines,
    ecg,
    recipe,
)
from mne_cnnclass.preprocessing import (
    Clip,
    Course,
    Crop,
    Damp,
    EuclideanAlignment,
    EvokedCovariances,
    ExponentialStandardize,
    Features,
    Filter,
    Pick,
    Reference,
    Resample,
    RiemannianAlignment,
    SpectralAlignment,
    Standardize,
    ToElectrodes,
)

TRANSFORMERS = [
    Clip(4),
    Course(25),
    Crop(0.1, 0.6),
    Damp(),
    EuclideanAlignment(),
    EuclideanAlignment(across_channels=False),
    EuclideanAlignment(online=True, n_prior=np.float64(2)),
    EvokedCovariances(2),
    ExponentialStandardize(0.05),
    Features(("band_power", "hjorth"), bands={"slow": (1, 8), "alpha": (8, 13)}).set_output(
        transform="pandas"
    ),
    Filter(20, None),
    Filter(20, 40, method="iir"),
    Pick(["C3", "C4", "Cz"]),
    Reference("average"),
    Reference("csd"),
    Resample(50),
    RiemannianAlignment(),
    RiemannianAlignment(online=True),
    SpectralAlignment(),
    SpectralAlignment(online=True),
    Standardize(),
    ToElectrodes(["C4", "Cz", "C3"], required=["C3", "C4"], sfreq=50.0, duration=0.8),
]
# what a transformer has to be told besides, to be fitted on an array; CSD needs the positions of channels
FOR_ARRAYS = {"Crop": dict(sfreq=100.0), "Features": dict(sfreq=100.0), "Filter": dict(sfreq=100.0)} | {
    "Pick": dict(picks=[1, 3, 2]),
    "Resample": dict(sfreq_in=100.0),
}

EEGNET = dict(model="EEGNet", max_epochs=2, batch_size=16, lr=0.02, random_state=0, n_threads=1)
NETWORKS = {
    "EEGNet": {},
    "MultiScaleCNN": dict(model="MultiScaleCNN"),
    "ShallowFBCSPNet": dict(model="ShallowFBCSPNet"),
    "two members": dict(n_members=2),
    "symmetry": dict(symmetry="left_right"),
    "side inputs": dict(side_inputs=["rr", Features(["hjorth"])]),
    "calibrated": dict(calibrate=True, validation_fraction=0.25, patience=1),
    "calibrated by inner folds": dict(calibrate=True),
    "augmented": dict(augmentation=["time_shift", "channel_dropout", "mixup"]),
}

FLICKER = {"left": 10.0, "right": 13.0}  # Hz
# recipes by the kind of their samples, and what they are cut down to, so that they train in no time
RECIPES = {
    "erp": ("eeg", dict(stackedclassifier__network__max_epochs=1, stackedclassifier__network__n_members=1)),
    "mental state": ("eeg", {}),
    "motor imagery": ("eeg", dict(cnnclassifier__max_epochs=1, cnnclassifier__n_members=1)),
    "heartbeats": (
        "beats",
        dict(
            beatclassifier__estimator__max_epochs=1,
            beatclassifier__n_members=1,
            beatclassifier__n_fibrillation=1,
            beatclassifier__n_premature=1,
        ),
    ),
    "rhythm": ("rhythm", {}),
    "ssvep": ("eeg", dict(ssvepclassifier__estimator__max_epochs=1, ssvepclassifier__estimator__n_members=1)),
}
FLICKERING = "CCA", "filter-bank CCA", "TRCA"
# all but MiniRocket, which is compiled at its first use
BASELINES = [
    *(("eeg", name) for name in ("dummy", "band power + LR", "CSP + LDA")),
    *(("eeg", name) for name in ("tangent space + LR", "Riemannian MDM")),
    *(("ecg", name) for name in ("dummy", "RR + shape + boosting")),
    *(("eeg", name) for name in ("shrinkage LDA", "xDAWN + TS")),
    *(("eeg", name) for name in FLICKERING),
]
# what makes those of a task
FOR_TASK = dict.fromkeys(["shrinkage LDA", "xDAWN + TS"], dict(task="erp"))
FOR_TASK |= dict.fromkeys(FLICKERING, dict(task="ssvep", frequencies=FLICKER))


def one_baseline(kind, name, seed=0):
    return baselines(kind, names=[name], random_state=seed, **FOR_TASK.get(name, {}))[name]


def small_recipe(task, seed=0):
    more = {"frequencies": FLICKER} if task == "ssvep" else {}
    return recipe(task, random_state=seed, n_threads=1, **more).set_params(**RECIPES[task][1])


@functools.cache
def samples(kind, seed=0):
    """Samples that an estimator of this kind takes, of several people, who are the groups."""
    if kind != "eeg":
        return noise_view(kind, seed=seed, n_groups=4, n_each=12)
    recordings = []
    for person in range(4):
        epochs = planted_epochs(8, seed=10 * seed + person).set_montage("easycap-M1")
        rr = np.random.default_rng(person).uniform(0.6, 1.0, 8)
        epochs.metadata = pd.DataFrame(dict(subject=[f"S{person}"] * 8, rr=rr))
        recordings.append(epochs)
    return EpochsView(mne.concatenate_epochs(recordings, verbose=False), groups="subject")


@dataclass(eq=False)
class Listed:
    """An estimator of the contract.

    ``for_arrays`` are the parameters that it needs for arrays, None if it takes none; ``saved`` says whether
    it can be saved without pickle.
    """

    name: str
    make: Callable
    kind: str = "eeg"
    for_arrays: dict | None = field(default_factory=dict)
    saved: bool = True

    def __str__(self):
        return self.name


def _network(**params):
    return lambda: CNNClassifier(**EEGNET | params)


def _transformer(transformer):
    name = type(transformer).__name__
    needs_names = name == "ToElectrodes" or repr(transformer) == "Reference(kind='csd')"
    for_arrays = None if needs_names else FOR_ARRAYS.get(name, {})
    return Listed(repr(transformer), lambda: transformer, for_arrays=for_arrays)


@functools.cache
def _of_many_people():
    return CNNClassifier(**EEGNET).fit(samples("eeg", seed=3))


def _beat_classifier():
    network = CNNClassifier(**EEGNET, model_params=dict(F1=2, D=1), side_inputs=list(ecg.BEAT_COLUMNS[:2]))
    return ecg.BeatClassifier(network, n_members=2, n_fibrillation=1, n_premature=1, random_state=0)


def _stacked():
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    line = make_pipeline(Standardize(), Vectorizer(), lda)  # the first one knows the channels by name
    return StackedClassifier([("network", CNNClassifier(**EEGNET)), ("line", line)], random_state=0)


def _baseline(kind, name):
    # frequencies of an array are unknown; an array has no RR intervals
    arrays = {} if name not in ("band power + LR", "RR + shape + boosting", *FLICKERING) else None
    make = functools.partial(one_baseline, kind, name)
    return Listed(f"{kind}: {name}", make, kind.replace("ecg", "beats"), arrays, saved=False)


# names of channels, a rate for kernels in s, and columns, which arrays do not have
NOT_OF_ARRAYS = ("symmetry", "MultiScaleCNN", "side inputs")
LISTED = [
    *(
        Listed(name, _network(**params), for_arrays=None if name in NOT_OF_ARRAYS else {})
        for name, params in NETWORKS.items()
    ),
    Listed(
        "FineTunedClassifier", lambda: FineTunedClassifier(_of_many_people(), max_epochs=1), for_arrays=None
    ),
    Listed("BeatClassifier", _beat_classifier, "beats", None),
    Listed("SSVEPClassifier", lambda: small_recipe("ssvep")[-1], for_arrays=dict(sfreq=100.0)),
    Listed(
        "SSVEPClassifier, untrained",
        lambda: SSVEPClassifier(FLICKER, trained=False),
        for_arrays=dict(sfreq=100.0),
    ),
    Listed("PriorAdjustedClassifier", lambda: PriorAdjustedClassifier(CNNClassifier(**EEGNET))),
    Listed("StackedClassifier", _stacked),
    *map(_transformer, TRANSFORMERS),
    *(
        Listed(f"recipe: {task}", functools.partial(small_recipe, task), kind, None)
        for task, (kind, _) in RECIPES.items()
    ),
    *(_baseline(kind, name) for kind, name in BASELINES),
]
