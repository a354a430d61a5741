"""Responses to flickering lights: how well signals correlate with waves at known frequencies.

References
----------
.. [1] Lin Z, Zhang C, Wu W, Gao X. IEEE Trans Biomed Eng 2006;53(12):2610-2614. doi:10.1109/TBME.2006.886577
.. [2] Chen X, Wang Y, Gao S, Jung TP, Gao X. J Neural Eng 2015;12(4):046008.
   doi:10.1088/1741-2560/12/4/046008
.. [3] Nakanishi M, Wang Y, Chen X, Wang YT, Gao X, Jung TP. IEEE Trans Biomed Eng 2018;65(1):104-112.
   doi:10.1109/TBME.2017.2694818
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, Self

import numpy as np
from scipy.linalg import eigh
from scipy.signal import detrend
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..preprocessing.base import sampling_frequency, start_fit
from ..samples.blocks import channel_names, iter_blocks
from ..samples.checks import check_labels, check_samples
from ..utils.numbers import check_number
from ..utils.warn import warn

STEP, TOP, MARGIN = 8.0, 88.0, 2.0  # Hz: bands begin at multiples of STEP and end at TOP [2]_
RIDGE = 1e-6  # of the mean power, added to covariances: channels may be linearly dependent


class Flicker:
    """The frequencies of the classes, checked for samples of some rate, length and pass band."""

    def __init__(self, frequencies, sfreq, n_times, pass_band):
        if not isinstance(frequencies, Mapping) or not frequencies:
            raise TypeError(
                'frequencies must be a dict of class labels and Hz, such as {"13 Hz": 13.0, "rest": None}, '
                f"got {frequencies!r}."
            )
        self.labels, self.rest, hz = [], [], []
        for label, value in frequencies.items():
            if value is not None:
                check_number(value, f"The frequency of class {label!r}", Real)
            (self.labels if value else self.rest).append(label)
            hz += [float(value)] if value else []
        self.hz, self.sfreq, self.n_times, self.pass_band = np.array(hz), sfreq, n_times, pass_band
        self.top = min(pass_band[1], sfreq / 2)
        lowest = max(pass_band[0], sfreq / n_times)
        wrong = {label: f for label, f in zip(self.labels, hz, strict=True) if not lowest <= f < self.top}
        if wrong:
            raise ValueError(
                f"frequencies must be between {lowest:g} Hz (the high-pass, or one period an epoch) and "
                f"{self.top:g} Hz (the low-pass, or half the sampling frequency), got {wrong}. Filter the "
                "recording less, cut longer epochs, or correct the frequencies."
            )
        if len(set(hz)) < max(len(hz), 1) or len(hz) + len(self.rest) < 2:
            raise ValueError(
                "frequencies must have at least two classes, and each frequency once, got "
                f"{dict(frequencies)!r}."
            )

    def check_classes(self, y):
        """Labels of samples must be among those that have a frequency, or None."""
        known = [*self.labels, *self.rest]
        unknown = sorted({repr(label) for label in y.tolist() if label not in known})
        if unknown:
            raise ValueError(
                f"y has {', '.join(unknown[:5])}, of which frequencies says nothing; it has {known}. Add "
                "each class with its Hz, or None if nothing flickers in it."
            )

    def harmonics(self, frequency, number):
        """A frequency and its multiples that the samples can hold."""
        waves = frequency * np.arange(1, number + 1)
        return waves[waves < self.top]

    def waves(self):
        """All frequencies and their second harmonics."""
        return np.concatenate([self.harmonics(f, 2) for f in self.hz])

    def references(self, number):
        """Of each frequency, orthonormal waves at its harmonics, shape (n_times, n_waves) [1]_."""
        t = np.arange(self.n_times)[:, np.newaxis] / self.sfreq
        phases = [2 * np.pi * t * self.harmonics(f, number) for f in self.hz]
        waves = [np.concatenate([np.sin(phase), np.cos(phase)], axis=1) for phase in phases]
        return [np.linalg.qr(wave - wave.mean(axis=0))[0] for wave in waves]

    def bands(self, number):
        """Lower edges in Hz of the bands of the filter bank, and their weights."""
        step = min(STEP, self.hz.min())
        edges = step * np.arange(1, number + 1) - MARGIN
        edges = edges[edges + MARGIN < min(self.top, TOP)]
        return edges, np.arange(1, len(edges) + 1) ** -1.25 + 0.25

    def sub_bands(self, data, number):
        """The data in each band of a filter bank; of one, as they are."""
        if number == 1:
            yield 1.0, data
            return
        spectrum = np.fft.rfft(data)
        freqs = np.fft.rfftfreq(self.n_times, 1 / self.sfreq)
        for edge, weight in zip(*self.bands(number), strict=True):
            inside = (freqs >= edge) & (freqs <= TOP + MARGIN)
            yield weight, np.fft.irfft(spectrum * inside, self.n_times)

    def coefficients(self, data, half_width):
        """Fourier coefficients around the waves, shape (n_samples, n_waves, n_channels, n_coefficients)."""
        t, per = np.arange(self.n_times) / self.sfreq, self.sfreq / self.n_times
        around = per * np.arange(-round(half_width / per), round(half_width / per) + 1)
        waves = self.waves()
        kernels = np.exp(-2j * np.pi * (waves[:, None] + around)[..., None] * t) / np.sqrt(self.n_times)
        out = data @ kernels.reshape(-1, self.n_times).T
        return out.reshape(*data.shape[:2], len(waves), len(around)).swapaxes(1, 2)


def shrunk(cov, amount=RIDGE):
    """Covariances with a share of their mean variance."""
    size = np.trace(cov, axis1=-2, axis2=-1)[..., None, None] / cov.shape[-1]
    return (1 - amount) * cov + (amount * size + np.finfo(float).tiny) * np.eye(cov.shape[-1])


def canonical_correlations(data, references):
    """The first canonical correlation of each sample with each set of orthonormal waves [1]_."""
    inverse = np.linalg.inv(shrunk(data @ data.swapaxes(1, 2)))
    scores = np.empty((len(data), len(references)))
    for k, waves in enumerate(references):
        cross = data @ waves
        shared = cross.swapaxes(1, 2) @ inverse @ cross
        scores[:, k] = np.sqrt(np.linalg.eigvalsh(shared)[:, -1].clip(0, 1))
    return scores


def bank_scores(flicker, data, n_harmonics, n_bands):
    """Canonical correlations; of several bands, the weighted sum of their squares [2]_."""
    references = flicker.references(n_harmonics)
    if n_bands == 1:
        return canonical_correlations(data, references)
    bands = flicker.sub_bands(data, n_bands)
    return sum(weight * canonical_correlations(band, references) ** 2 for weight, band in bands)


class FlickerClassifier(ClassifierMixin, BaseEstimator):
    """Predict the class with the highest score; a subclass fits and computes the scores of blocks."""

    def fit(self, X, y=None) -> Self:
        """Note the samples, and learn what is to be learnt from them."""
        X = start_fit(self, X)
        self.flicker_ = flicker_of(self, X)
        y = np.asarray(check_labels(y, X))
        self.flicker_.check_classes(y)
        self._learn(X, y)
        return self

    def decision_function(self, X):
        """The score of each class; of two classes, of the second above the first."""
        check_is_fitted(self)
        scores = self._scores(check_samples(self, X))
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X):
        """The class of the highest score of each sample."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]


def flicker_of(estimator, X):
    """The frequencies of an estimator, checked for its samples."""
    sfreq = sampling_frequency(estimator, X)
    info = getattr(X, "info", {"highpass": 0.0, "lowpass": sfreq / 2})
    return Flicker(estimator.frequencies, sfreq, X.shape[2], (info["highpass"], info["lowpass"]))


def detrended(X):
    """Blocks of samples without mean and trend, which would leak into all frequencies."""
    for block in iter_blocks(X):
        yield detrend(block)


def check_moving(X):
    """Warn of channels that never change; if none does, there is nothing to learn from."""
    moves = np.zeros(X.shape[1], bool)
    for block in iter_blocks(X):
        moves |= (block != block[..., :1]).any(axis=(0, 2))
    if not moves.any():
        raise ValueError("All channels of the training samples are flat: the same value at all times.")
    if not moves.all():
        names = np.array(channel_names(X), dtype=object)[~moves]
        warn(
            f"Flat channel(s) {', '.join(names)}: the same value at all times in each training sample. They "
            "carry no information; mark them bad, or interpolate them."
        )


class CanonicalCorrelation(FlickerClassifier):
    """Canonical correlation with waves at each frequency [1]_, or in a filter bank [2]_.

    Nothing is learnt, but for classes without flicker, which a logistic regression on the correlations tells
    from the others.
    """

    def __init__(self, frequencies: Mapping[Any, float | None], n_harmonics=3, n_bands=1, *, sfreq=None):
        self.frequencies, self.sfreq = frequencies, sfreq
        self.n_harmonics, self.n_bands = n_harmonics, n_bands

    def _learn(self, X, y):
        seen = [label for label in self.flicker_.rest if label in y]
        self.classes_ = np.unique(np.array([*self.flicker_.labels, *seen]))
        self.logistic_ = None
        if seen:
            self.classes_ = np.unique(y)
            self.logistic_ = logistic(10.0).fit(self._correlations(X), y)

    def _correlations(self, X):
        scores = [bank_scores(self.flicker_, x, self.n_harmonics, self.n_bands) for x in detrended(X)]
        return np.concatenate(scores)

    def _scores(self, X):
        scores = self._correlations(X)
        if self.logistic_ is not None:
            return self.logistic_.predict_log_proba(scores)
        return scores[:, np.argsort(np.array(self.flicker_.labels))]


def logistic(C):
    """Logistic regression on standardised numbers."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))


class TaskRelatedComponents(FlickerClassifier):
    """Correlation with the mean training trial of each class, through filters that make trials alike [3]_.

    The filters of all classes are used together (ensemble), in each band of the filter bank.
    """

    def __init__(self, frequencies: Mapping[Any, float | None], n_bands=5, *, sfreq=None):
        self.frequencies, self.n_bands, self.sfreq = frequencies, n_bands, sfreq

    def _learn(self, X, y):
        self.classes_ = np.unique(y)
        data = np.concatenate(list(detrended(X)))
        self.filters_, self.templates_ = [], []
        for _, band in self.flicker_.sub_bands(data, self.n_bands):
            each = [band[y == label] for label in self.classes_]
            self.filters_.append(np.stack([task_related_filter(trials) for trials in each], axis=1))
            self.templates_.append(np.stack([trials.mean(axis=0) for trials in each]))

    def _scores(self, X):
        return np.concatenate([self._correlations(data) for data in detrended(X)])

    def _correlations(self, data):
        bands = self.flicker_.sub_bands(data, self.n_bands)
        learnt = zip(bands, self.filters_, self.templates_, strict=True)
        return sum(
            weight * correlations(filters.T @ band, filters.T @ templates)
            for (weight, band), filters, templates in learnt
        )


def task_related_filter(trials):
    """The weights of channels by which trials covary most, relative to their variance [3]_."""
    trials = trials - trials.mean(axis=-1, keepdims=True)
    total = trials.sum(axis=0)
    own = np.einsum("nct,ndt->cd", trials, trials, optimize=True)
    return eigh(total @ total.T - own, shrunk(own))[1][:, -1]


def correlations(one, other):
    """The correlation of each of some arrays (n, a, b) with each of others, shape (n, n_others)."""
    flat = [x.reshape(len(x), -1) - x.mean(axis=(1, 2))[:, None] for x in (one, other)]
    flat = [x / (np.linalg.norm(x, axis=1, keepdims=True) + np.finfo(float).tiny) for x in flat]
    return flat[0] @ flat[1].T
