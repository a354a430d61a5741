"""Alignment: the samples of each group (subject, session) brought to a common covariance, without labels."""

from __future__ import annotations

from typing import Self

import mne
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.fft import irfft, rfft
from scipy.ndimage import uniform_filter1d
from sklearn.utils.validation import check_is_fitted

from ..samples.blocks import iter_parts, numbered_in
from ..samples.checks import check_samples
from ..samples.columns import check_column
from ..samples.types import Samples
from ..samples.view import EpochsView
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from ..utils.threads import limit_threads
from .base import SamplesTransformer, start_fit

ONE_GROUP = "all samples"
TINY = np.finfo(float).tiny
FLOOR = 1e-4  # of the strongest frequency; below is what a filter leaves
RANK_TOLERANCE = 1e-10  # of the largest eigenvalue; below is what an average reference leaves of a direction


class _Alignment(SamplesTransformer):
    """Whitening of each group by the mean covariance of its samples; subclasses say which mean."""

    _set_by_fit = ("references_", "mean_reference_", "_has_groups")

    def __init__(self, *, online: bool = False, n_prior: float = 1) -> None:
        self.online = online
        self.n_prior = n_prior

    @limit_threads(1)
    @fill_doc
    def fit(self, X: Samples, y: object = None, groups: ArrayLike | None = None) -> Self:
        """Compute the reference of each training group.

        Parameters
        ----------
        %(X)s
            The training samples, as in :meth:`CNNClassifier.fit <mne_cnnclass.CNNClassifier.fit>`.
        %(y_unused)s
        groups : None | array-like, shape (n_samples,)
            The group of each sample. ``None`` uses the groups of an EpochsView, or else the column
            ``subject`` of its metadata; if there is neither, all samples, including those in
            :meth:`transform`, form one group.

        Returns
        -------
        %(self_transformer)s

        Raises
        ------
        ValueError
            If a group has only one sample.
        """
        check_number(self.n_prior, "n_prior", (int, float, np.number), min_val=1)
        X = start_fit(self, X, reads=True)
        groups = _groups_of(X, groups)
        self._has_groups = groups is not None
        self.references_ = {}
        covariances = self._measure(X)
        for group, rows in self._rows(X, groups).items():
            self.references_[group] = self._reference(covariances[rows], group)
        shapes = [reference / max(self._power(reference), TINY) for reference in self.references_.values()]
        self.mean_reference_ = self._mean(np.array(shapes))  # of equal power, so that no person dominates
        return self

    def fit_transform(
        self, X: Samples, y: object = None, groups: ArrayLike | None = None
    ) -> EpochsView | np.ndarray:
        """Fit to the training samples and align them, each group by its own reference.

        Parameters
        ----------
        X, y, groups
            As in :meth:`fit`.

        Returns
        -------
        X : EpochsView | array
            The aligned samples, as in :meth:`transform`.
        """
        return self.fit(X, y, groups).transform(X, groups)

    @limit_threads(1)
    def transform(self, X: Samples, groups: ArrayLike | None = None) -> EpochsView | np.ndarray:
        """Align samples.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples. Those of a session of a new group, not present at fit, should be passed together.
        groups : None | array-like, shape (n_samples,)
            The group of each sample. Required for arrays if there were groups in :meth:`fit`; ``None`` takes
            them from epochs as in :meth:`fit`, and Epochs of one recording that has none are a group.

        Returns
        -------
        X : EpochsView | array
            The aligned samples: a view in memory if X consists of epochs, otherwise an array like X.

        Raises
        ------
        ValueError
            If groups are missing, if there are groups but there were none at fit, or if a new group has only
            one sample and ``online`` is False.
        """
        check_is_fitted(self)
        X = check_samples(self, X)
        groups = _groups_of(X, groups)
        if groups is None and self._has_groups and isinstance(X, EpochsView) and len(X.sources()) == 1:
            groups = np.full(len(X), ONE_GROUP)  # of one recording
        if (groups is not None) != self._has_groups:
            raise ValueError(
                f"{type(self).__name__} was fitted with groups, so it has to know the group of each sample: "
                "give an EpochsView with groups or a metadata column 'subject', or transform(X, groups=...)."
                if self._has_groups
                else f"{type(self).__name__} was fitted without groups, but X has some. Fit it with groups."
            )
        new: dict = {}
        matrices: list[np.ndarray] = []
        which = np.empty(len(X), int)
        for group, rows in self._rows(X, groups).items():
            which[rows] = len(matrices)
            if group in self.references_:
                matrices.append(self._inverse(self.references_[group]))
                continue
            new[group] = len(rows)
            with numbered_in(X):
                covariances = self._measure(X[rows])
            if self.online:
                which[rows] += np.arange(len(rows))
                matrices.extend(self._inverse(self._course(covariances)[0]))
            else:
                matrices.append(self._inverse(self._reference(covariances, group)))
        if new:
            how = "each by itself and those before it" if self.online else "by the mean of all of them"
            mne.utils.logger.info(
                f"{type(self).__name__}: group(s) that were not there at fit are aligned by their own "
                f"samples, {how}: {', '.join(f'{group} ({n} samples)' for group, n in new.items())}."
            )
        stacked = np.array(matrices)
        data = np.empty(X.shape)
        for part, block in iter_parts(X):
            data[part] = self._aligned(stacked[which[part]], block)
        return self._like(X, data)

    def follow(self, X, state=None):
        """Align an array of samples of a new group that go on where others ended.

        Returns the aligned samples, and the state for those that follow. One after the other, they are what
        ``transform`` makes of all of them at once if ``online``, to the bit.
        """
        course, state = self._course(self._measure(X), *([] if state is None else [state]))
        return self._aligned(self._inverse(course), X), state

    def _measure(self, X):
        """What the references are means of."""
        return _covariances(X)

    def _power(self, matrices):
        """The power of one or several of these."""
        return np.trace(matrices, axis1=-2, axis2=-1)

    def _inverse(self, reference):
        return _inverse_root(reference)

    def _aligned(self, inverse, block):
        return inverse @ block

    def _rows(self, X, groups):
        """The samples of each group, in the order in which they were recorded."""
        order = np.arange(len(X))
        if isinstance(X, EpochsView):
            onset, recording = X.onsets()
            order = np.lexsort((onset, recording))  # stable: as they come where the onset is not known
        if groups is None:
            return {ONE_GROUP: order}
        groups = check_column(groups, "groups", len(X))[order]
        return {group: order[rows] for group, rows in pd.Series(groups).groupby(groups).indices.items()}

    def _reference(self, covariances, group):
        """The reference of a whole group."""
        if len(covariances) < 2 and group != ONE_GROUP:
            raise ValueError(
                f"Group {group!r} has one sample only: aligned by itself, nothing would be left of where its "
                "power is. Hand over the samples of a session together, leave the group out, or, for a group "
                "that was not there at fit, set online=True."
            )
        return self._mean(covariances)


class EuclideanAlignment(_Alignment):
    r"""Align groups (subjects, sessions) so that each has a mean covariance equal to the identity.

    EEG differs more between subjects (by skull, cap and noise) than between the mental states to be
    classified. Each sample :math:`X_i` of shape (n_channels, n_times) of a group is multiplied by
    :math:`\bar R^{-1/2}`, where :math:`\bar R` is the arithmetic mean over the group of
    :math:`R_i = X_i X_i^\top / n_{times}` [1]_. No labels are needed, so that new subjects can be aligned,
    too.

    Parameters
    ----------
    online : bool
        How to align samples of a group that was not present at fit. ``False`` uses the mean over all its
        samples that are passed to :meth:`transform` (or to ``predict`` of a Pipeline) together. **A score
        computed this way has used the test trials of a whole session, without their labels.** ``True`` aligns
        trial by trial, using the mean over the trials of the group up to and including the current one, and
        no later ones.
    n_prior : float
        For ``online``, the weight of the mean of the training groups as a prior, in trials, at least 1, as
        the first trials alone are not informative enough. The prior is scaled to the power of the trials so
        far, so that only its shape matters, not the amplitude of the training subjects. A weight of more than
        a few trials pulls a new subject too strongly towards the training subjects.

    Attributes
    ----------
    references_ : dict
        The mean covariance of each training group, shape (n_channels, n_channels), in V². Without groups, the
        only key is ``"all samples"``.
    mean_reference_ : array, shape (n_channels, n_channels)
        The mean of these over groups, each divided by its trace.
    %(fitted_properties)s

    See Also
    --------
    RiemannianAlignment : Alignment with the geometric mean.

    Notes
    -----
    Samples of a group that was present at fit are aligned by its reference from the fit, so that test trials
    are not used in a cross-validation within subjects. MNE's logger reports at level INFO which groups were
    aligned by their own samples; the fitted object does not change.

    Trials are ordered by their events in the recording, and recordings by their place in the list; arrays,
    and epochs whose events are merely numbered, are taken in the given order. Nothing is remembered between
    calls: a program that receives trial after trial has to pass all trials of the session so far, and use the
    last result, as :class:`~mne_cnnclass.live.LiveClassifier` does.

    Signals are assumed to have zero mean, as after a high-pass filter. Directions without signal (an average
    reference or an interpolated channel removes one) remain without: the mean covariance is then the
    projector onto the others. Channels of different units have to be standardised beforehand.

    References
    ----------
    .. [1] He H, Wu D. Transfer learning for brain-computer interfaces: a Euclidean space data alignment
       approach. IEEE Trans Biomed Eng 2020;67(2):399-410. https://doi.org/10.1109/TBME.2019.2913914

    Examples
    --------
    Two subjects with the same sources, mixed differently:

    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import EuclideanAlignment
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 3, 200))
    >>> groups = np.repeat(["one", "other"], 20)
    >>> X[groups == "other"] = rng.standard_normal((3, 3)) @ X[groups == "other"]
    >>> aligned = EuclideanAlignment().fit_transform(X, groups=groups)
    >>> other = aligned[groups == "other"]
    >>> bool(np.allclose((other @ other.transpose(0, 2, 1)).mean(0) / 200, np.eye(3)))
    True
    """

    def __init__(self, *, online: bool = False, n_prior: float = 1, across_channels: bool = True) -> None:
        super().__init__(online=online, n_prior=n_prior)
        self.across_channels = across_channels

    def _measure(self, X):
        covariances = super()._measure(X)
        return covariances if self.across_channels else covariances * np.eye(X.shape[1])

    def _mean(self, covariances):
        return covariances.mean(axis=0)

    def _course(self, covariances, before=(0, 0.0)):
        """The mean of the covariances up to and including each, of those ``before``, and the prior."""
        n_before, total = before
        total = total + np.cumsum(covariances, axis=0)
        n_trials = n_before + np.arange(1, len(covariances) + 1)[:, None, None]
        power = self._power(total)[:, None, None] / n_trials
        prior = np.where(total != 0, self.mean_reference_, 0.0)  # a silent channel is not heard
        prior *= power / np.maximum(self._power(prior)[:, None, None], TINY)
        course = (self.n_prior * prior + total) / (self.n_prior + n_trials)
        return course, (n_before + len(covariances), total[-1])


class RiemannianAlignment(_Alignment):
    r"""Align groups (subjects, sessions) so that each has a geometric mean covariance equal to the identity.

    Like :class:`EuclideanAlignment`, but with the Riemannian mean of the covariances of a group instead of
    the arithmetic mean [1]_, which makes it robust to a few trials of large amplitude. Requires pyRiemann
    (``pip install mne-cnnclass[baselines]``).

    Parameters
    ----------
    online : bool
        As in :class:`EuclideanAlignment`. The mean up to trial :math:`k` is computed recursively, by moving
        the previous mean along the geodesic towards the covariance of the trial, by the fraction
        :math:`1 / (n_{prior} + k)` of the distance.
    n_prior : float
        For ``online``, the weight of the mean of the training groups as a prior, in trials, at least 1. The
        prior is scaled to the determinant of the first trial.

    Attributes
    ----------
    references_ : dict
        The geometric mean of the covariances of each training group, shape (n_channels, n_channels), in V².
    mean_reference_ : array, shape (n_channels, n_channels)
        The geometric mean of these over groups, each divided by its trace.
    %(fitted_properties)s

    See Also
    --------
    EuclideanAlignment : Alignment with the arithmetic mean; its notes also apply here.

    Notes
    -----
    Covariances must have full rank: after an average reference, leave out one channel (:class:`Pick`); and
    samples must have more time points than channels.

    References
    ----------
    .. [1] Zanini P, Congedo M, Jutten C, Said S, Berthoumieu Y. Transfer learning: a Riemannian geometry
       framework with applications to brain-computer interfaces. IEEE Trans Biomed Eng 2018;65(5):1107-1116.
       https://doi.org/10.1109/TBME.2017.2742541

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import RiemannianAlignment
    >>> X = np.random.default_rng(0).standard_normal((40, 3, 200))
    >>> RiemannianAlignment().fit_transform(X, groups=np.repeat(["one", "other"], 20)).shape
    (40, 3, 200)
    """

    def _mean(self, covariances):
        from pyriemann.geometry.mean import mean_riemann

        return mean_riemann(_full_rank(covariances), tol=1e-6, maxiter=200)  # of a logarithm

    def _course(self, covariances, before=(0, None)):
        """From the prior, or from what there was ``before``, a step towards each covariance in turn."""
        from pyriemann.geometry.geodesic import geodesic_riemann

        _full_rank(covariances)
        n_before, mean = before
        if mean is None:
            log_det = [np.linalg.slogdet(matrix)[1] for matrix in (covariances[0], self.mean_reference_)]
            mean = self.mean_reference_ * np.exp((log_det[0] - log_det[1]) / self.n_channels_)
        course = np.empty_like(covariances)
        for k, covariance in enumerate(covariances, start=n_before + 1):
            mean = course[k - n_before - 1] = geodesic_riemann(mean, covariance, 1 / (self.n_prior + k))
        return course, (n_before + len(covariances), mean)


class SpectralAlignment(_Alignment):
    r"""Align groups (subjects, sessions) so that each channel has a flat mean spectrum.

    The power of each channel at each frequency is divided by its mean over the samples of the group, smoothed
    over a 32nd of the frequencies. How strong and how fast the alpha rhythm of a person is, how fast the
    spectrum falls, and the gain of the amplifier are then no more what samples differ in; what remains is how
    a sample differs from what is usual in its group. Unlike :class:`EuclideanAlignment`, channels are not
    mixed, so that directions that cleaning has removed from a recording are not amplified.

    Parameters
    ----------
    online : bool
        As in :class:`EuclideanAlignment`.
    n_prior : float
        As in :class:`EuclideanAlignment`.

    Attributes
    ----------
    references_ : dict
        The mean power spectrum of each training group, shape (n_channels, n_frequencies).
    mean_reference_ : array, shape (n_channels, n_frequencies)
        The mean of these over groups, each divided by its sum.
    %(fitted_properties)s

    See Also
    --------
    EuclideanAlignment : Alignment of covariances; its notes on groups and on order also apply here.

    Notes
    -----
    Frequencies with less than 1e-4 of the power of the strongest one of the channel, which a filter has
    removed, are left as weak as they are. The aligned signals have no mean.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.preprocessing import SpectralAlignment
    >>> X = np.cumsum(np.random.default_rng(0).standard_normal((40, 2, 256)), axis=2)
    >>> power = np.abs(np.fft.rfft(SpectralAlignment().fit_transform(X)))[..., 3:] ** 2
    >>> bool(np.ptp(np.log10(power.mean(axis=(0, 1)))) < 1)  # that of X is 3
    True
    """

    _mean, _course = EuclideanAlignment._mean, EuclideanAlignment._course

    def _measure(self, X):
        spectra = np.empty((len(X), X.shape[1], X.shape[2] // 2 + 1))
        for part, block in iter_parts(X):
            centred = block - block.mean(axis=2, keepdims=True)
            spectra[part] = np.abs(rfft(centred)) ** 2
        return uniform_filter1d(spectra, 2 * (spectra.shape[2] // 64) + 1, mode="nearest")

    def _power(self, matrices):
        return matrices.sum(axis=(-2, -1))

    def _inverse(self, reference):
        floor = np.maximum(FLOOR * reference.max(axis=-1, keepdims=True), TINY)
        return np.where(reference > 0, 1 / np.sqrt(np.maximum(reference, floor)), 0.0)

    def _aligned(self, inverse, block):
        n_times = block.shape[2]
        spectrum = rfft(block - block.mean(axis=2, keepdims=True))
        return irfft(spectrum * inverse * np.sqrt(n_times), n_times)  # of a variance near one


def _groups_of(X, groups):
    """The groups that are given, else those that samples bring along."""
    if groups is None:
        groups = getattr(X, "groups", None)
    if groups is not None or not isinstance(X, EpochsView):
        return groups
    subject = None if X.metadata is None else X.metadata.get("subject")
    return None if subject is None or subject.isna().all() else subject.to_numpy()


def _covariances(X):
    """The covariance of each sample, of signals that have no mean."""
    covariances = np.empty((len(X), X.shape[1], X.shape[1]))
    for part, block in iter_parts(X):
        np.matmul(block, block.transpose(0, 2, 1), out=covariances[part])
    return covariances / X.shape[2]


def _inverse_root(covariance):
    """The inverse square root of one or several covariances, zero where they are."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > RANK_TOLERANCE * values[..., -1:]
    scale = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    return (vectors * scale[..., None, :]) @ vectors.swapaxes(-1, -2)


def _full_rank(covariances):
    """Covariances, all of full rank."""
    values = np.linalg.eigvalsh(covariances)
    lost = np.flatnonzero(values[:, 0] <= RANK_TOLERANCE * values[:, -1])
    if len(lost):
        rank = int((values[lost[0]] > RANK_TOLERANCE * values[lost[0], -1]).sum())
        raise ValueError(
            f"The covariance of {len(lost)} of {len(values)} samples has less than full rank, {rank} of "
            f"{values.shape[1]} for the first, so that there is no Riemannian mean. Leave out a channel "
            "after an average reference or an interpolation, take longer windows, or use EuclideanAlignment."
        )
    return covariances
