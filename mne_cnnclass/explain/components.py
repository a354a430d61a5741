"""Components of a linear front: where they come from, what they let pass, how much they matter."""

from __future__ import annotations

import mne
import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline

from ..estimators.cnn import CNNClassifier
from ..networks.side_inputs import signal_network
from ..samples.blocks import iter_blocks
from ..samples.checks import check_samples
from ..samples.mne_internals import set_info
from ..samples.scaling import ChannelScaler
from ..samples.types import RandomState, Samples
from ..utils.docs import fill_doc
from ..utils.threads import limit_threads
from .checks import as_labelled, as_network, batch_size, info_of, known_sfreq
from .gradients import mean_contributions


@limit_threads(1)
@fill_doc
def spatial_patterns(clf: CNNClassifier | Pipeline, X: Samples) -> mne.EvokedArray:
    """Compute the spatial pattern of each component of a network's first, linear layers.

    A spatial filter shows how channels are combined, not where the signal originates: a channel may have a
    large weight only to cancel noise. The pattern shows how the component is expressed in the channels, using
    the transformation of Haufe et al. [1]_.

    Parameters
    ----------
    %(clf_linear)s
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, n_channels, n_times)
        The samples, as in ``CNNClassifier.predict``, usually the training samples.

    Returns
    -------
    patterns : mne.EvokedArray, shape (n_channels, n_components)
        One component per time point ("second"), in V: the deviation of each channel, in the pass band of the
        component, when the component is one standard deviation above its mean. The sign of a component is
        arbitrary; here the largest absolute value is positive.

    Raises
    ------
    ValueError
        If the network does not begin with known linear layers, if the classifier has several members, or if
        ``X`` does not match it.

    See Also
    --------
    component_contributions : The importance of each component.
    filter_responses : The frequencies that components pass.

    Notes
    -----
    Component *o* is ``s_o(t) = Σ_c Σ_k W_o[c, k] x_c(t + k)``, including the standardisation of the channels.
    Its pattern is ``Cov(h_o * x, s_o) / SD(s_o)``: the channels are filtered with the component's temporal
    filter ``h_o``, scaled to a maximum gain of 1. As the components of a network overlap, and outnumber the
    channels, patterns are computed for each component separately (equation 6 of [1]_ for one component)
    instead of jointly. In EEGNet and MultiScaleCNN ``W_o`` is the product of a spatial and a temporal filter;
    in ShallowFBCSPNet and Deep4Net it is a sum of such products, and ``h_o`` is the temporal filter of the
    best single product (singular value decomposition). Windows are padded with their first and last values.

    References
    ----------
    .. [1] Haufe S et al. On the interpretation of weight vectors of linear models in multivariate
       neuroimaging. NeuroImage 87:96-110, 2014. doi:10.1016/j.neuroimage.2013.10.067

    Examples
    --------
    %(example_network)s
    >>> explain.spatial_patterns(clf, view).data.shape  # 6 channels, 16 components
    (6, 16)
    """
    clf, X = as_network(clf, X)
    weights, _ = _linear_front(clf)
    X = check_samples(clf, X)
    weights = weights / clf.scaler_.scale_  # of V
    k, n_times = weights.shape[2], X.shape[2]
    n_fft = n_times + k - 1
    spectra, filters = np.fft.rfft(weights, n_fft), np.fft.rfft(_dominant_filters(weights), n_fft)
    mean = ChannelScaler().fit(X).mean_
    covariance, squares = 0.0, 0.0
    for block in iter_blocks(X, batch_size(X)):
        x = np.pad(block - mean, ((0, 0), (0, 0), (k // 2, k - 1 - k // 2)), mode="edge")
        # layers of torch correlate, they don't convolve: hence the conjugate
        s = np.einsum("ocf,ncf->nof", spectra.conj(), np.fft.rfft(x), optimize=True)
        s = np.fft.irfft(s, n_fft)[..., :n_times]
        # Σ_t s(t) (h * x)(t) is the product of x with s sent back through h, which saves filtering x
        back = np.fft.irfft(np.fft.rfft(s, n_fft) * filters, n_fft)
        covariance += np.einsum("not,nct->co", back, x, optimize=True)
        squares += (s**2).sum(axis=(0, 2))
    n_values = len(X) * n_times
    patterns = covariance / n_values / np.sqrt(squares / n_values)
    largest = np.abs(patterns).argmax(axis=0)
    patterns *= np.sign(patterns[largest, np.arange(patterns.shape[1])])
    info = info_of(clf, X)
    set_info(info, sfreq=1.0)
    return mne.EvokedArray(
        patterns, info, nave=len(X), comment=f"Spatial patterns of {clf.model}", verbose=False
    )


@limit_threads(1)
@fill_doc
def temporal_filters(clf: CNNClassifier | Pipeline) -> pd.DataFrame:
    """Get the temporal filter of each component of a network's first, linear layers.

    Parameters
    ----------
    %(clf_linear)s

    Returns
    -------
    filters : pandas.DataFrame
        One row per time in s (from zero) and one column per component, numbered as in
        :func:`spatial_patterns`. Filters are scaled to a maximum gain of 1, and their sign is arbitrary;
        those shorter than the longest are padded with zeros on both sides.

    Raises
    ------
    %(raises_linear)s

    Examples
    --------
    %(example_network)s
    >>> explain.temporal_filters(clf).shape  # 64 samples, 16 components
    (64, 16)
    """
    clf, _ = as_network(clf)
    weights, _ = _linear_front(clf)
    sfreq = known_sfreq(clf)
    filters = _dominant_filters(weights / clf.scaler_.scale_)
    times = pd.Index(np.arange(filters.shape[1]) / sfreq, name="time")
    return pd.DataFrame(filters.T, times, pd.RangeIndex(len(filters), name="component"))


@limit_threads(1)
@fill_doc
def filter_responses(clf: CNNClassifier | Pipeline) -> pd.DataFrame:
    """Compute the frequency response of each component of a network's first, linear layers.

    Parameters
    ----------
    %(clf_linear)s

    Returns
    -------
    gains : pandas.DataFrame
        The gain (ratio of amplitudes, at most 1) of the temporal filters, with one row per frequency in Hz
        and one column per component, numbered as in :func:`spatial_patterns`.

    Raises
    ------
    %(raises_linear)s

    Examples
    --------
    %(example_network)s
    >>> peaks = explain.filter_responses(clf).idxmax()  # Hz, of each component
    """
    clf, _ = as_network(clf)
    filters = temporal_filters(clf)
    n_fft = _fine(len(filters))
    gains = np.abs(np.fft.rfft(filters, n_fft, axis=0))
    frequencies = pd.Index(np.fft.rfftfreq(n_fft, 1 / clf.sfreq_), name="frequency")
    return pd.DataFrame(gains, frequencies, filters.columns)


@limit_threads(1)
@fill_doc
def component_contributions(
    clf: CNNClassifier | Pipeline,
    X: Samples,
    y: ArrayLike | None = None,
    *,
    n_steps: int = 32,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Compute the contribution of each component of a network's first, linear layers to the true class.

    Parameters
    ----------
    %(clf_linear)s
    %(contribution_parameters)s

    Returns
    -------
    contributions : pandas.DataFrame
        One row per component and one column per class in ``y``: the component's contribution to the logit of
        the class, averaged over the samples of that class, computed with expected gradients as in
        :func:`saliency`. The mean over the columns ranks the components.

    Raises
    ------
    ValueError
        If the network does not begin with known linear layers, if the classifier has several members, or if
        the samples or labels do not match it.

    Examples
    --------
    %(example_network)s
    >>> best = explain.component_contributions(clf, view).mean(axis=1).nlargest(4).index
    """
    clf, X, y = as_labelled(clf, X, y)
    _, layers = _linear_front(clf)
    means = mean_contributions(clf, X, y, _of_components, n_steps, random_state, layers)
    return pd.DataFrame(means).rename_axis(index="component", columns="class")


def _of_components(difference, gradient):
    return (difference * gradient).sum(dim=2)


def _dominant_filters(weights):
    """Temporal filters, of largest gain 1, of the single products nearest to spatio-temporal filters."""
    filters = np.linalg.svd(weights, full_matrices=False)[2][:, 0]
    return filters / np.abs(np.fft.rfft(filters, _fine(weights.shape[2]))).max(axis=1, keepdims=True)


def _fine(k):
    """Length of a Fourier transform that resolves the response of a filter of k samples."""
    return 2 ** int(np.ceil(np.log2(8 * k)))


def _linear_front(clf):
    """Filters of the first layers, shape (n_components, n_channels, k), and the layers that end them."""
    if clf.n_members > 1:
        raise ValueError(
            f"This classifier has n_members={clf.n_members} networks, each with patterns and filters of its "
            "own. Fit one with n_members=1 to look at; saliency works for all of them together."
        )
    network = signal_network(clf.module_)
    # a rewrite for speed, or a user's own class, is derived from the one it rewrites
    for cls in type(network).__mro__:
        if cls.__name__ in FRONTS:
            weights, layers = FRONTS[cls.__name__](network)
            return weights.detach().cpu().double().numpy(), layers
    raise ValueError(
        f"{type(network).__name__} does not begin with linear layers that are known, so it has no "
        f"patterns or filters to show; {', '.join(FRONTS)} do. saliency works for every network, and "
        "channel_importance and band_importance for every estimator."
    )


def _eegnet_front(module):
    spatial = module.conv_spatial.weight[:, 0, :, 0]
    temporal = module.conv_temporal.weight[:, 0, 0].repeat_interleave(module.D, 0)
    return torch.einsum("oc,ok->ock", spatial, temporal), [module.conv_spatial]


def _combined_front(module):
    first = module.conv_time_spat
    spatial, temporal = first.conv_spat.weight[:, :, 0], first.conv_time.weight[:, 0, :, 0]
    return torch.einsum("ofc,fk->ock", spatial, temporal), [first]


def _multiscale_front(module):
    layers = list(module.blocks[0].convolutions)
    longest = max(layer.weight.shape[2] for layer in layers)
    spatial = module.spatial.weight[..., 0]
    fronts = []
    for layer in layers:
        n_out, _, k = layer.weight.shape
        temporal = torch.nn.functional.pad(layer.weight[:, 0], ((longest - k) // 2,) * 2)  # all are odd
        mixtures = spatial.repeat_interleave(n_out // layer.groups, 0)
        fronts.append(torch.einsum("oc,ok->ock", mixtures, temporal))
    return torch.cat(fronts), layers


FRONTS = {
    "EEGNet": _eegnet_front,
    "ShallowFBCSPNet": _combined_front,
    "Deep4Net": _combined_front,
    "MultiScaleCNN": _multiscale_front,
}
