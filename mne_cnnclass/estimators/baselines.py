"""What a network has to be held against: simple and well-known pipelines on the same samples."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import sklearn.pipeline
from mne.decoding import CSP, Vectorizer
from scipy.signal import periodogram
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ..ecg import BEAT_COLUMNS
from ..preprocessing import Course
from ..preprocessing.base import SamplesTransformer
from ..samples.blocks import check_finite
from ..samples.inputs import as_samples
from ..samples.view import EpochsView
from ..utils.threads import limit_threads
from ..utils.warn import warn
from .flicker import CanonicalCorrelation, TaskRelatedComponents

BANDS = ((4.0, 8.0), (8.0, 13.0), (13.0, 30.0), (30.0, 45.0))  # Hz: theta, alpha, beta, gamma
N_SHAPES = 20  # principal components of a beat
INSTALL = 'pip install "mne-cnnclass[baselines]"'


def baselines(
    kind: Literal["eeg", "ecg"],
    *,
    task: Literal["erp", "ssvep"] | None = None,
    names: Sequence[str] | None = None,
    frequencies: Mapping[Any, float | None] | None = None,
    random_state: int | None = None,
) -> dict[str, Pipeline]:
    """Get well-known pipelines as baselines for a network.

    Parameters
    ----------
    kind : "eeg" | "ecg"
        What the samples are:

        ``"eeg"``
            Epochs of EEG or MEG, or arrays of shape (n_samples, n_channels, n_times). The pipelines are
            ``"dummy"`` (class frequencies only), ``"band power + LR"`` (log power of each channel in four
            bands from 4 to 45 Hz, logistic regression), ``"CSP + LDA"`` (common spatial patterns [1]_, linear
            discriminant analysis), ``"tangent space + LR"`` and ``"Riemannian MDM"`` (Riemannian geometry of
            covariance matrices [2]_, from pyRiemann), and ``"MiniRocket"`` (10 000 random convolutions [3]_,
            from sktime).
        ``"ecg"``
            Heartbeats from :func:`mne_cnnclass.ecg.make_beat_epochs`. The pipelines are ``"dummy"``,
            ``"RR + shape + boosting"`` (gradient boosting on the metadata columns in
            ``mne_cnnclass.ecg.BEAT_COLUMNS`` and on 20 principal components of the beats), and
            ``"MiniRocket"`` (1000 convolutions).
    task : None | "erp" | "ssvep"
        Adds the pipelines made for a task to those of ``"eeg"``:

        ``"erp"``
            Responses evoked by events: ``"shrinkage LDA"`` (linear discriminant analysis with a shrunken
            covariance of the signals at 32 Hz [4]_) and ``"xDAWN + TS"`` (covariances with the evoked
            responses, after spatial filters that enhance these, in tangent space, logistic regression
            [5]_, from pyRiemann).
        ``"ssvep"``
            Responses to lights that flicker at ``frequencies``: ``"CCA"`` (canonical correlation with three
            harmonics [6]_), ``"filter-bank CCA"`` (five harmonics in up to five bands [7]_) and ``"TRCA"``
            (an ensemble of task-related components in these bands [8]_, for lights in phase with the
            epochs). The first two learn nothing, but for classes without flicker, which a logistic
            regression on the correlations tells from the others.
    names : None | list of str
        Names of the pipelines. ``None`` returns all those whose libraries are installed, and warns about the
        others.
    frequencies : None | dict
        For ``task="ssvep"``: the frequency in Hz at which the light of each class flickers, by its label;
        ``None`` or 0 for a class without flicker, such as rest.
    random_state : None | int
        Seed of everything random in the pipelines.

    Returns
    -------
    pipelines : dict of str to sklearn.pipeline.Pipeline
        Unfitted pipelines by name.

    Raises
    ------
    ValueError
        If ``kind``, ``task`` or a name is unknown, or if ``frequencies`` are not what the task needs.
    ImportError
        If a library needed by a pipeline in ``names`` is not installed.

    Notes
    -----
    All pipelines learn from the training samples only. Filter the epochs beforehand, as for a network: CSP
    and covariances use all frequencies in the data, and band power leaves out bands that a filter has
    removed. The frequencies in an array are unknown, so that band power is then the power of the whole
    signal. The covariances of CSP and pyRiemann are regularised by shrinkage (Ledoit-Wolf and oracle
    approximating, respectively), because channels are linearly dependent after average referencing or
    interpolation. MiniRocket is compiled at its first use, which takes about a minute; it has a decision
    function, but no probabilities. All of them compute with one thread.

    References
    ----------
    .. [1] Blankertz B, Tomioka R, Lemm S, Kawanabe M, Müller KR. Optimizing spatial filters for robust EEG
       single-trial analysis. IEEE Signal Process Mag 2008;25(1):41-56. doi:10.1109/MSP.2008.4408441
    .. [2] Barachant A, Bonnet S, Congedo M, Jutten C. Multiclass brain-computer interface classification by
       Riemannian geometry. IEEE Trans Biomed Eng 2012;59(4):920-928. doi:10.1109/TBME.2011.2172210
    .. [3] Dempster A, Schmidt DF, Webb GI. MiniRocket: a very fast (almost) deterministic transform for time
       series classification. KDD 2021. doi:10.1145/3447548.3467231
    .. [4] Blankertz B, Lemm S, Treder M, Haufe S, Müller KR. Single-trial analysis and classification of ERP
       components: a tutorial. NeuroImage 2011;56(2):814-825. doi:10.1016/j.neuroimage.2010.06.048
    .. [5] Barachant A, Congedo M. A plug&play P300 BCI using information geometry. 2014. arXiv:1409.0107
    .. [6] Lin Z, Zhang C, Wu W, Gao X. Frequency recognition based on canonical correlation analysis for
       SSVEP-based BCIs. IEEE Trans Biomed Eng 2006;53(12):2610-2614. doi:10.1109/TBME.2006.886577
    .. [7] Chen X, Wang Y, Gao S, Jung TP, Gao X. Filter bank canonical correlation analysis for implementing
       a high-speed SSVEP-based brain-computer interface. J Neural Eng 2015;12(4):046008.
       doi:10.1088/1741-2560/12/4/046008
    .. [8] Nakanishi M, Wang Y, Chen X, Wang YT, Gao X, Jung TP. Enhancing detection of SSVEPs for a
       high-speed brain speller using task-related component analysis. IEEE Trans Biomed Eng
       2018;65(1):104-112. doi:10.1109/TBME.2017.2694818

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, baselines, compare, datasets, evaluate
    >>> from mne_cnnclass.evaluation import summary_table
    >>> view = EpochsView(datasets.load_sample("train"))
    >>> pipelines = baselines("eeg", names=["dummy", "band power + LR"])
    >>> results = {name: evaluate(pipeline, view) for name, pipeline in pipelines.items()}
    >>> summary_table(results)[["accuracy"]]  # doctest: +SKIP
    """
    if kind not in _MAKERS:
        raise ValueError(f"There are baselines for {', '.join(map(repr, _MAKERS))}, got {kind!r}.")
    makers = _MAKERS[kind] | _makers_of_task(kind, task, frequencies)
    if names is not None and (isinstance(names, str) or not names):
        raise TypeError(f"names must be None or a list of names among {', '.join(makers)}, got {names!r}.")
    unknown = [name for name in names or [] if name not in makers]
    if unknown:
        raise ValueError(f"There is no baseline {unknown[0]!r} for {kind!r}; there are {', '.join(makers)}.")
    missing = {
        name: libraries
        for name, (_, *libraries) in makers.items()
        if not all(map(importlib.util.find_spec, libraries))
    }
    asked_for = [name for name in names or [] if name in missing]
    if asked_for:
        raise ImportError(f"{asked_for[0]!r} needs {' and '.join(missing[asked_for[0]])}: {INSTALL}")
    if missing and names is None:
        warn(
            f"Left out, as their libraries are not installed: {', '.join(missing)}. Install them by "
            f"{INSTALL}, or name the baselines that you want.",
        )
    chosen = [name for name in makers if name not in missing] if names is None else names
    return {name: makers[name][0](random_state) for name in chosen}


def _makers_of_task(kind, task, frequencies):
    """What makes the pipelines of a task, and their libraries."""
    if task is not None and (kind != "eeg" or task not in _TASKS):
        known = " or ".join(map(repr, _TASKS))
        raise ValueError(f"task must be None or, for 'eeg', {known}, got {task!r} for {kind!r}.")
    if (task == "ssvep") != (frequencies is not None):
        raise ValueError(
            'frequencies and task="ssvep" need each other: baselines("eeg", task="ssvep", frequencies='
            f'{{"13 Hz": 13.0, "rest": None}}); got task={task!r} and frequencies={frequencies!r}.'
        )
    makers = _TASKS.get(task, {})
    if frequencies is None:
        return makers
    return {
        name: (partial(make, frequencies=frequencies), *libraries)
        for name, (make, *libraries) in makers.items()
    }


class Pipeline(sklearn.pipeline.Pipeline):
    """One whose steps compute with one thread, as a network does."""

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        return limit_threads(1)(found) if name in _COMPUTES else found


_COMPUTES = (
    *("fit", "fit_transform", "transform", "predict", "predict_proba", "predict_log_proba"),
    *("decision_function", "score"),
)


# -- from samples to what scikit-learn, MNE and pyRiemann take -------------------------------------


class SameChannels(SamplesTransformer):
    """Samples as they are, with the channels of the training in their order: what follows knows no names."""

    def _apply(self, samples):
        if not isinstance(samples, EpochsView):
            check_finite(samples)
        return samples

    def _like(self, samples, data):
        return samples if isinstance(samples, EpochsView) else super()._like(samples, data)


def as_array(X):
    """Samples as an array of shape (n_samples, n_channels, n_times)."""
    return np.asarray(as_samples(X), dtype=float)


def log_band_power(X):
    """Logarithm of the power in each band that the samples have, for each channel."""
    X = as_samples(X)
    data = as_array(X)
    if not isinstance(X, EpochsView):
        power = data.var(axis=-1, keepdims=True)
    else:
        freqs, spectrum = periodogram(data, X.sfreq, window="hann", detrend="constant")
        lowest, highest = X.info["highpass"], X.info["lowpass"]
        inside = [(freqs >= max(low, lowest)) & (freqs < min(high, highest)) for low, high in BANDS]
        bands = [band for band in inside if band.any()] or [freqs > 0]
        power = np.stack([spectrum[..., band].mean(axis=-1) for band in bands], axis=-1)
    return np.log(power + np.finfo(float).tiny).reshape(len(data), -1)


def beat_columns(X):
    """The columns of the metadata that describe each heartbeat."""
    metadata = getattr(as_samples(X), "metadata", None)
    columns = [] if metadata is None else list(metadata.columns.intersection(BEAT_COLUMNS))
    if not columns:
        raise ValueError(
            "This baseline needs heartbeats of mne_cnnclass.ecg.make_beat_epochs, whose metadata tell their "
            f"RR intervals ({', '.join(BEAT_COLUMNS[:2])} …), and X has none."
        )
    return metadata[columns].to_numpy(float)


def _from_array(*steps):
    return _pipeline(SameChannels(), FunctionTransformer(as_array), *steps)


def _pipeline(*steps):
    return Pipeline(make_pipeline(*steps).steps)


class MiniRocket(TransformerMixin, BaseEstimator):
    """The transform of sktime, which can be no step of a Pipeline: its fit forgets what scikit-learn set."""

    def __init__(self, n_kernels, random_state=None):
        self.n_kernels, self.random_state = n_kernels, random_state

    def fit(self, X, y=None):
        """Choose dilations and biases by the samples."""
        from sktime.transformations.rocket import MiniRocketMultivariate

        with limit_threads(1):  # numba's parallel loops change the threads of OpenMP, and so torch's
            self.rocket_ = MiniRocketMultivariate(self.n_kernels, random_state=self.random_state).fit(X)
        return self

    def transform(self, X):
        """Share of the times at which each convolution exceeds its bias."""
        with limit_threads(1):
            return self.rocket_.transform(X).to_numpy()


# -- the pipelines ---------------------------------------------------------------------------------


def _dummy(random_state):
    return _pipeline(DummyClassifier(strategy="prior"))


def _band_power(random_state):
    logistic = LogisticRegression(max_iter=1000)
    return _pipeline(SameChannels(), FunctionTransformer(log_band_power), StandardScaler(), logistic)


def _csp(random_state):
    return _from_array(CSP(6, reg="ledoit_wolf", log=True), LinearDiscriminantAnalysis())


def _tangent_space(random_state):
    from pyriemann.estimation import Covariances
    from pyriemann.tangentspace import TangentSpace

    return _from_array(Covariances("oas"), TangentSpace(), LogisticRegression(max_iter=1000))


def _shrinkage_lda(random_state):
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    return _pipeline(Course(), lda)


def _xdawn(random_state):
    from pyriemann.estimation import XdawnCovariances
    from pyriemann.tangentspace import TangentSpace

    covariances = XdawnCovariances(4, estimator="lwf", xdawn_estimator="lwf")
    return _from_array(covariances, TangentSpace(), LogisticRegression(max_iter=1000))


def _mdm(random_state):
    from pyriemann.classification import MDM
    from pyriemann.estimation import Covariances

    return _from_array(Covariances("oas"), MDM())


def _mini_rocket(random_state, n_kernels=10_000):
    rocket = MiniRocket(n_kernels, random_state)
    return _from_array(rocket, StandardScaler(), RidgeClassifierCV(alphas=np.logspace(-3, 3, 10)))


def _beats(random_state):
    shape = FunctionTransformer(as_array), Vectorizer(), PCA(N_SHAPES, random_state=random_state)
    features = make_union(FunctionTransformer(beat_columns), make_pipeline(*shape))
    return _pipeline(SameChannels(), features, HistGradientBoostingClassifier(random_state=random_state))


def _cca(random_state, *, frequencies):
    return _pipeline(CanonicalCorrelation(frequencies, 3))


def _filter_bank_cca(random_state, *, frequencies):
    return _pipeline(CanonicalCorrelation(frequencies, 5, 5))


def _trca(random_state, *, frequencies):
    return _pipeline(TaskRelatedComponents(frequencies))


# what makes a pipeline, and the libraries that it needs besides those of this package
_MAKERS = {
    "eeg": {
        "dummy": (_dummy,),
        "band power + LR": (_band_power,),
        "CSP + LDA": (_csp,),
        "tangent space + LR": (_tangent_space, "pyriemann"),
        "Riemannian MDM": (_mdm, "pyriemann"),
        "MiniRocket": (_mini_rocket, "sktime", "numba"),
    },
    "ecg": {
        "dummy": (_dummy,),
        "RR + shape + boosting": (_beats,),
        "MiniRocket": (partial(_mini_rocket, n_kernels=1000), "sktime", "numba"),  # of many thousand beats
    },
}
# those that are made for a task, which join those for EEG; of "ssvep" they also take frequencies
_TASKS = {
    "erp": {"shrinkage LDA": (_shrinkage_lda,), "xDAWN + TS": (_xdawn, "pyriemann")},
    "ssvep": {"CCA": (_cca,), "filter-bank CCA": (_filter_bank_cca,), "TRCA": (_trca,)},
}
