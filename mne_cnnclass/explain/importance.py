"""What a score loses when a channel or band no longer belongs to its sample."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state

from ..samples.limits import check_rate
from ..samples.types import RandomState, Samples
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from ..utils.seeds import draw_seed
from ..utils.threads import limit_threads
from .checks import check_any

EEG_BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}  # Hz


@limit_threads(1)
@fill_doc
def channel_importance(
    clf: BaseEstimator,
    X: Samples,
    y: ArrayLike | None = None,
    *,
    scoring: str | Callable | None = None,
    n_repeats: int = 10,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Compute the loss of score when a channel is permuted across samples.

    Parameters
    ----------
    clf : estimator
        Any fitted scikit-learn classifier of samples of shape (n_samples, n_channels, n_times), such as a
        CNNClassifier, a Pipeline or an estimator from MNE.
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, n_channels, n_times)
        Samples that were not used for training: importance on training samples also reflects what was
        memorised.
    y : None | array-like, shape (n_samples,)
        The true labels. ``None`` uses those of the epochs.
    %(permutation_parameters)s

    Returns
    -------
    importance : pandas.DataFrame
        One row per channel, in the order of the data, with the columns ``mean`` and ``sd``, the mean and
        standard deviation over repeats of the loss of score. ``importance.attrs`` contains the ``score`` of
        the intact samples, ``n_samples``, ``n_repeats`` and ``scoring``.

    Raises
    ------
    ValueError
        If the samples or labels do not match the estimator.

    See Also
    --------
    mne_cnnclass.viz.plot_importance : Plot the importance.
    mne.viz.plot_topomap : Plot the means as a topographic map.

    Notes
    -----
    The channels are permuted across samples [1]_ one at a time. Channels that carry the same signal can
    replace each other, so that all of them may appear unimportant; and the score of a classifier that is no
    better than chance cannot decrease. Two copies of the samples are held in memory. Metadata, and therefore
    side inputs, are not permuted.

    References
    ----------
    .. [1] Breiman L. Random forests. Machine Learning 45:5-32, 2001. doi:10.1023/A:1010933404324

    Examples
    --------
    %(example_linear)s
    >>> explain.channel_importance(linear, view[1::2], random_state=0).columns.tolist()
    ['mean', 'sd']
    """
    X, y, names, _, samples_of = check_any(clf, X, y)
    if X.ndim != 3:
        raise ValueError(
            f"X must have the shape (n_samples, n_channels, n_times), got {X.shape}: signals of one channel "
            "have no channels to compare."
        )

    def channel_of_others(i):
        changed = X.copy()

        def change(order):
            changed[:, i] = X[order, i]
            return samples_of(changed)

        return change

    index = pd.Index(names, name="channel")
    return _importance(clf, y, samples_of(X), index, channel_of_others, scoring, n_repeats, random_state)


@limit_threads(1)
@fill_doc
def band_importance(
    clf: BaseEstimator,
    X: Samples,
    y: ArrayLike | None = None,
    *,
    bands: Mapping[str, tuple[float, float]] | None = None,
    sfreq: float | None = None,
    scoring: str | Callable | None = None,
    n_repeats: int = 10,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Compute the loss of score when a frequency band is permuted across samples.

    Parameters
    ----------
    clf : estimator
        Any fitted scikit-learn classifier of samples whose last axis is time.
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, [n_channels,] n_times)
        Samples that were not used for training.
    y : None | array-like, shape (n_samples,)
        The true labels. ``None`` uses those of the epochs.
    bands : None | dict of tuple
        Lower and upper edges in Hz, ``lower <= f < upper``, by band name. ``None`` uses delta (1–4), theta
        (4–8), alpha (8–13), beta (13–30) and gamma (30–45), unless they exceed half the sampling frequency.
    sfreq : None | float
        Sampling frequency in Hz. ``None`` uses that of the epochs, or of the epochs that ``clf`` was fitted
        on.
    %(permutation_parameters)s

    Returns
    -------
    importance : pandas.DataFrame
        One row per band, otherwise as returned by :func:`channel_importance`.

    Raises
    ------
    ValueError
        If the samples or labels do not match the estimator, if the sampling frequency is unknown, or if a
        band contains no frequency bin of the windows.

    Notes
    -----
    The Fourier coefficients of a window within the band are replaced, for all channels together, by those of
    another sample; all others are kept. The frequency resolution is one cycle per window, and no taper is
    applied: trends and slow waves leak into higher bands, so remove them beforehand with a filter.

    Examples
    --------
    %(example_linear)s
    >>> bands = {"slow": (0, 1), "alpha": (8, 13)}
    >>> explain.band_importance(linear, view[1::2], bands=bands, random_state=0)["mean"].idxmax()
    'slow'
    """
    X, y, _, known, samples_of = check_any(clf, X, y)
    sfreq = known if sfreq is None else sfreq
    if sfreq is None:
        raise ValueError("The sampling frequency of an array is not known: give sfreq= in Hz.")
    check_rate(sfreq, "sfreq")
    if bands is None:
        bands = {name: edges for name, edges in EEG_BANDS.items() if edges[1] <= sfreq / 2}
    if not isinstance(bands, dict) or not bands or any(np.shape(edges) != (2,) for edges in bands.values()):
        raise TypeError(
            'bands must be a dict of names and their edges in Hz, such as {"alpha": (8, 13)}, got '
            f"{bands!r}."
        )
    frequencies = np.fft.rfftfreq(X.shape[-1], 1 / sfreq)
    inside = [(lower <= frequencies) & (frequencies < upper) for lower, upper in bands.values()]
    for (name, edges), rows in zip(bands.items(), inside, strict=True):
        if not rows.any():
            raise ValueError(
                f"Band {name!r}, {edges[0]:g} to {edges[1]:g} Hz, holds no frequency of these windows: every "
                f"{frequencies[1]:g} Hz up to {frequencies[-1]:g} Hz. Widen the band, or take longer windows."
            )

    def band_of_others(i):
        content = np.fft.irfft(np.fft.rfft(X) * inside[i], X.shape[-1])
        rest = X - content
        return lambda order: samples_of(rest + content[order])

    index = pd.Index(list(bands), name="band")
    return _importance(clf, y, samples_of(X), index, band_of_others, scoring, n_repeats, random_state)


def _importance(clf, y, X, index, part, scoring, n_repeats, random_state):
    """Score lost, a row a part; ``part(i)`` is a function from an order of the samples to changed samples."""
    check_number(n_repeats, "n_repeats", numbers.Integral, min_val=1)
    if len(X) < 2:
        raise ValueError(f"Importance exchanges samples, of which there must be at least 2, got {len(X)}.")
    score_of = check_scoring(clf, scoring=scoring)
    rng = check_random_state(draw_seed(random_state))
    orders = [rng.permutation(len(X)) for _ in range(n_repeats)]  # the same for all parts, so they compare
    score = score_of(clf, X, y)
    losses = np.empty((len(index), n_repeats))
    for i in range(len(index)):
        change = part(i)
        losses[i] = [score - score_of(clf, change(order), y) for order in orders]
    sd = losses.std(axis=1, ddof=1) if n_repeats > 1 else np.nan
    table = pd.DataFrame({"mean": losses.mean(axis=1), "sd": sd}, index)
    name = scoring if isinstance(scoring, str) else "score" if scoring is None else "scoring"
    table.attrs.update(score=float(score), n_samples=len(X), n_repeats=n_repeats, scoring=name)
    return table
