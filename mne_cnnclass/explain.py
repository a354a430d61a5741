"""What a trained classifier looks at, as MNE objects and tables.

Two kinds of answer: what a network computes (patterns, filters, saliency), and what a score loses when a
channel or band no longer belongs to its sample (importance by permutation), which any estimator can be asked.
"""

from __future__ import annotations

import contextlib
import numbers

import mne
import numpy as np
import pandas as pd
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from .classifier import CNNClassifier, _draw_seed
from .epochs_view import EpochsView
from .guard import check_labels, check_samples, check_signals
from .samples import ChannelScaler, as_view, iter_blocks

__all__ = [
    "band_importance",
    "channel_importance",
    "component_contributions",
    "filter_responses",
    "saliency",
    "saliency_spectrum",
    "spatial_patterns",
    "temporal_filters",
]

EEG_BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}  # Hz
BATCH_VALUES = 2**18  # of samples in one go: gradients keep what every layer computed
N_OTHERS = 128  # samples that a sample is compared with

# -- components of a linear front ------------------------------------------------------------------------


def spatial_patterns(clf, X):
    """Where in the channels each component of a network's linear front comes from.

    A filter says how channels are combined, which is not where the signal is: a channel may have a large
    weight only to cancel noise. The pattern is what the combined signal looks like in the channels, by the
    transform of Haufe et al. [1]_.

    Parameters
    ----------
    clf : CNNClassifier
        A fitted EEGNet, ShallowFBCSPNet, Deep4Net or MultiScaleCNN.
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, n_channels, n_times)
        Samples, as in :meth:`CNNClassifier.predict`; by habit those of the training.

    Returns
    -------
    patterns : mne.EvokedArray, shape (n_channels, n_components)
        A component each "second", in V: what a channel does, in the passband of the component, when the
        component is one standard deviation above its mean. The sign of a component is arbitrary; here the
        largest value is positive.

    Raises
    ------
    ValueError
        If the network does not begin with linear layers that are known, or ``X`` does not fit it.

    See Also
    --------
    component_contributions : Which components matter.
    filter_responses : Which frequencies they pass.

    Notes
    -----
    Component *o* is ``s_o(t) = Σ_c Σ_k W_o[c, k] x_c(t + k)``, the standardisation of the channels included.
    Its pattern is ``Cov(h_o * x, s_o) / SD(s_o)``: the channels are seen through the component's temporal
    filter ``h_o``, scaled to a largest gain of 1. Components of a network overlap, and outnumber the
    channels, so each is taken for itself (equation 6 of [1]_ for one component) instead of jointly. In
    EEGNet and MultiScaleCNN ``W_o`` is the product of a spatial and a temporal filter; in ShallowFBCSPNet
    and Deep4Net it is a sum of such products, and ``h_o`` is the temporal filter of the best single product
    (singular value decomposition). Windows are continued at their ends by their first and last values.

    References
    ----------
    .. [1] Haufe S et al. On the interpretation of weight vectors of linear models in multivariate
       neuroimaging. NeuroImage 87:96-110, 2014. doi:10.1016/j.neuroimage.2013.10.067

    Examples
    --------
    >>> from mne_cnnclass import CNNClassifier, EpochsView, datasets
    >>> from mne_cnnclass.explain import spatial_patterns
    >>> view = EpochsView(datasets.load_sample())[::6]
    >>> clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(view)
    >>> spatial_patterns(clf, view).data.shape  # 6 channels, 16 components
    (6, 16)
    """
    weights, _ = _linear_front(clf)
    X = check_samples(clf, X)
    weights = weights / clf.scaler_.scale_  # of V
    k, n_times = weights.shape[2], X.shape[2]
    n_fft = n_times + k - 1
    spectra, filters = np.fft.rfft(weights, n_fft), np.fft.rfft(_dominant_filters(weights), n_fft)
    mean = ChannelScaler().fit(X).mean_
    covariance, squares = 0.0, 0.0
    for block in iter_blocks(X, _batch_size(X)):
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
    info = _info(clf, X)
    with info._unlock():
        info["sfreq"] = 1.0
    return mne.EvokedArray(
        patterns, info, nave=len(X), comment=f"Spatial patterns of {clf.model}", verbose=False
    )


def temporal_filters(clf):
    """The temporal filter of each component of a network's linear front.

    Parameters
    ----------
    clf : CNNClassifier
        A fitted EEGNet, ShallowFBCSPNet, Deep4Net or MultiScaleCNN.

    Returns
    -------
    filters : pandas.DataFrame
        A row a time in s (from zero), a column a component, numbered as in :func:`spatial_patterns`. Filters
        are scaled to a largest gain of 1, and their sign is arbitrary; those shorter than the longest have
        zeros on both sides.

    Raises
    ------
    ValueError
        If the network has no known linear front, or the sampling frequency is not known.

    Examples
    --------
    >>> from mne_cnnclass import CNNClassifier, EpochsView, datasets
    >>> from mne_cnnclass.explain import temporal_filters
    >>> view = EpochsView(datasets.load_sample())[::6]
    >>> clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(view)
    >>> temporal_filters(clf).shape  # 64 samples, 16 components
    (64, 16)
    """
    weights, _ = _linear_front(clf)
    sfreq = _known_sfreq(clf)
    filters = _dominant_filters(weights / clf.scaler_.scale_)
    times = pd.Index(np.arange(filters.shape[1]) / sfreq, name="time")
    return pd.DataFrame(filters.T, times, pd.RangeIndex(len(filters), name="component"))


def filter_responses(clf):
    """Which frequencies pass the temporal filter of each component of a network's linear front.

    Parameters
    ----------
    clf : CNNClassifier
        A fitted EEGNet, ShallowFBCSPNet, Deep4Net or MultiScaleCNN.

    Returns
    -------
    gains : pandas.DataFrame
        Gain (ratio of amplitudes, at most 1). A row a frequency in Hz, a column a component, numbered as in
        :func:`spatial_patterns`.

    Raises
    ------
    ValueError
        If the network has no known linear front, or the sampling frequency is not known.

    Examples
    --------
    >>> from mne_cnnclass import CNNClassifier, EpochsView, datasets
    >>> from mne_cnnclass.explain import filter_responses
    >>> view = EpochsView(datasets.load_sample())[::6]
    >>> clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(view)
    >>> peaks = filter_responses(clf).idxmax()  # Hz, of each component
    """
    filters = temporal_filters(clf)
    n_fft = _fine(len(filters))
    gains = np.abs(np.fft.rfft(filters, n_fft, axis=0))
    frequencies = pd.Index(np.fft.rfftfreq(n_fft, 1 / clf.sfreq_), name="frequency")
    return pd.DataFrame(gains, frequencies, filters.columns)


def component_contributions(clf, X, y=None, *, n_steps=32, random_state=None):
    """How much each component of a network's linear front speaks for the right class.

    Parameters
    ----------
    clf : CNNClassifier
        A fitted EEGNet, ShallowFBCSPNet, Deep4Net or MultiScaleCNN.
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, n_channels, n_times)
        Samples, as in :meth:`CNNClassifier.predict`.
    y : None | array-like, shape (n_samples,)
        Their true labels; ``None`` takes those of the epochs.
    n_steps : int
        As in :func:`saliency`.
    random_state : None | int | numpy.random.RandomState
        As in :func:`saliency`.

    Returns
    -------
    contributions : pandas.DataFrame
        A row a component, a column a class that is in ``y``: mean over the samples of the class of the
        component's contribution to the logit of that class, by expected gradients as in :func:`saliency`.
        The mean over the columns ranks the components.

    Raises
    ------
    ValueError
        If the network has no known linear front, or samples or labels don't fit it.

    Examples
    --------
    >>> from mne_cnnclass import CNNClassifier, EpochsView, datasets
    >>> from mne_cnnclass.explain import component_contributions
    >>> view = EpochsView(datasets.load_sample())[::6]
    >>> clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(view)
    >>> best = component_contributions(clf, view).mean(axis=1).nlargest(4).index
    """
    _, layers = _linear_front(clf)
    X, y = _check_labelled(clf, X, y)
    means = _mean_contributions(clf, X, y, _of_components, n_steps, random_state, layers)
    return pd.DataFrame(means).rename_axis(index="component", columns="class")


def _dominant_filters(weights):
    """Temporal filters, of largest gain 1, of the single products nearest to spatio-temporal filters."""
    filters = np.linalg.svd(weights, full_matrices=False)[2][:, 0]
    return filters / np.abs(np.fft.rfft(filters, _fine(weights.shape[2]))).max(axis=1, keepdims=True)


def _fine(k):
    """Length of a Fourier transform that resolves the response of a filter of k samples."""
    return 2 ** int(np.ceil(np.log2(8 * k)))


def _linear_front(clf):
    """Filters of the first layers, shape (n_components, n_channels, k), and the layers that end them."""
    _check_network(clf)
    # a rewrite for speed, or a user's own class, is derived from the one it rewrites
    for cls in type(clf.module_).__mro__:
        if cls.__name__ in FRONTS:
            weights, layers = FRONTS[cls.__name__](clf.module_)
            return weights.detach().cpu().double().numpy(), layers
    raise ValueError(
        f"{type(clf.module_).__name__} does not begin with linear layers that are known, so it has no "
        f"patterns or filters to show; {', '.join(FRONTS)} do. saliency works for every network, and "
        "channel_importance and band_importance for every estimator."
    )


def _eegnet_front(module):
    import torch

    spatial = module.conv_spatial.weight[:, 0, :, 0]
    temporal = module.conv_temporal.weight[:, 0, 0].repeat_interleave(module.D, 0)
    return torch.einsum("oc,ok->ock", spatial, temporal), [module.conv_spatial]


def _combined_front(module):
    import torch

    first = module.conv_time_spat
    spatial, temporal = first.conv_spat.weight[:, :, 0], first.conv_time.weight[:, 0, :, 0]
    return torch.einsum("ofc,fk->ock", spatial, temporal), [first]


def _multiscale_front(module):
    import torch

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

# -- saliency --------------------------------------------------------------------------------------------


def saliency(clf, X, y=None, *, n_steps=32, random_state=None):
    """What in the samples of each class speaks for the class, by channel and time.

    Expected gradients [1]_, which are integrated gradients [2]_ on the way from other samples, taken at
    random from ``X``, to the sample: what makes the network's output for this sample differ from its output
    for others. What all classes share, such as mains noise, cancels.

    Parameters
    ----------
    clf : CNNClassifier
        A fitted classifier with any network.
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, n_channels, n_times)
        Samples of all classes, as in :meth:`CNNClassifier.predict`.
    y : None | array-like, shape (n_samples,)
        Their true labels; ``None`` takes those of the epochs.
    n_steps : int
        For each sample, the number of other samples, and of points on the ways, at which gradients are
        taken. The time that it takes grows with them.
    random_state : None | int | numpy.random.RandomState
        Draws the other samples and the points.

    Returns
    -------
    saliency : dict of mne.EvokedArray
        For each class in ``y``, the mean over its samples of the contribution of a channel at a time to the
        logit of the class. **Not in V**, whatever MNE's figures say: the unit is that of the logit, so draw
        with ``scalings=dict(eeg=1), units=dict(eeg="logit")``. Where positive, the signal speaks for the
        class.

    Raises
    ------
    ValueError
        If samples or labels don't fit the classifier.

    See Also
    --------
    saliency_spectrum : The same by frequency.
    channel_importance : What the score loses without a channel.
    mne_cnnclass.viz.plot_beat_importance : Draw it on the mean waveform.

    Notes
    -----
    The logit is that of the class less the mean over all classes, as only differences matter to
    probabilities. The contributions of a sample sum to its logit less the mean logit of the samples, up to
    the error of taking few of them. At most 128 samples of ``X`` are the others.

    References
    ----------
    .. [1] Erion G, Janizek JD, Sturmfels P, Lundberg SM, Lee SI. Improving performance of deep learning
       models with axiomatic attribution priors and expected gradients. Nature Machine Intelligence
       3:620-631, 2021. doi:10.1038/s42256-021-00343-w
    .. [2] Sundararajan M, Taly A, Yan Q. Axiomatic attribution for deep networks. ICML 2017.
       arXiv:1703.01365

    Examples
    --------
    >>> from mne_cnnclass import CNNClassifier, EpochsView, datasets
    >>> from mne_cnnclass.explain import saliency
    >>> view = EpochsView(datasets.load_sample())[::6]
    >>> clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(view)
    >>> evokeds = saliency(clf, view, random_state=0)
    >>> fig = evokeds["negativity"].plot(scalings=dict(eeg=1), units=dict(eeg="logit"), show=False)
    """
    _check_network(clf)
    X, y = _check_labelled(clf, X, y)
    means = _mean_contributions(clf, X, y, _of_times, n_steps, random_state)
    info, tmin = _info(clf, X), X.times[0] if isinstance(X, EpochsView) else 0.0
    return {
        label: mne.EvokedArray(
            mean,
            info,
            tmin=tmin,
            nave=int((y == label).sum()),
            comment=f"contribution to the logit of {label}",
            verbose=False,
        )
        for label, mean in means.items()
    }


def saliency_spectrum(clf, X, y=None, *, n_steps=32, random_state=None):
    """What in the samples of each class speaks for the class, by channel and frequency.

    Parameters
    ----------
    clf : CNNClassifier
        A fitted classifier with any network.
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, n_channels, n_times)
        Samples of all classes, as in :meth:`CNNClassifier.predict`.
    y : None | array-like, shape (n_samples,)
        Their true labels; ``None`` takes those of the epochs.
    n_steps : int
        As in :func:`saliency`.
    random_state : None | int | numpy.random.RandomState
        As in :func:`saliency`.

    Returns
    -------
    spectra : dict of pandas.DataFrame
        For each class in ``y``, a row a frequency in Hz and a column a channel: mean over the samples of the
        class of the contribution, to the logit of the class, of the channel's oscillation at the frequency.

    Raises
    ------
    ValueError
        If samples or labels don't fit the classifier, or its sampling frequency is not known.

    Notes
    -----
    Expected gradients with respect to the Fourier coefficients of the window: the Fourier transform keeps
    scalar products (Parseval), so contributions over frequencies have the same sum as those over times.
    Frequencies are as far apart as one cycle a window.

    Examples
    --------
    >>> from mne_cnnclass import CNNClassifier, EpochsView, datasets
    >>> from mne_cnnclass.explain import saliency_spectrum
    >>> view = EpochsView(datasets.load_sample())[::6]
    >>> clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(view)
    >>> frequencies = saliency_spectrum(clf, view)["negativity"].index
    """
    _check_network(clf)
    X, y = _check_labelled(clf, X, y)
    info, sfreq = _info(clf, X), _known_sfreq(clf)
    frequencies = pd.Index(np.fft.rfftfreq(X.shape[2], 1 / sfreq), name="frequency")
    means = _mean_contributions(clf, X, y, _of_frequencies, n_steps, random_state)
    return {label: pd.DataFrame(mean.T, frequencies, info["ch_names"]) for label, mean in means.items()}


def _of_times(difference, gradient):
    return difference * gradient


def _of_frequencies(difference, gradient):
    import torch

    n_times = difference.shape[2]
    product = (torch.fft.rfft(difference) * torch.fft.rfft(gradient).conj()).real / n_times
    product[..., 1 : (n_times + 1) // 2] *= 2  # ±f together; zero and the Nyquist frequency stand alone
    return product


def _of_components(difference, gradient):
    return (difference * gradient).sum(dim=2)


def _mean_contributions(clf, X, y, product, n_steps, random_state, layers=()):
    """Mean over the samples of each class of their contributions to the logit of the class.

    Parameters
    ----------
    product : callable
        Contributions from the difference to another sample and the gradient on the way, tensors of shape
        (n_samples, n_channels or n_components, n_times).
    layers : list of torch.nn.Module
        Layers that depend linearly on the samples, to get the contributions of their outputs in place of
        those of the standardised samples.

    Returns
    -------
    means : dict of array
        By class.
    """
    import torch

    from .training import resolve_device, torch_session

    check_scalar(n_steps, "n_steps", numbers.Integral, min_val=1)
    rng = check_random_state(_draw_seed(random_state))
    pool = np.sort(rng.permutation(len(X))[:N_OTHERS])
    points = (np.arange(n_steps) + 0.5) / n_steps
    codes = np.searchsorted(clf.classes_, y)
    totals = [0.0] * len(clf.classes_)
    device, module = resolve_device(clf.device), clf.module_
    # the known architectures draw no random numbers when they predict
    seed = None if isinstance(clf._architecture["model"], str) else clf._seed

    def run(x):
        """Logits, and what contributions are asked of, at these samples."""
        x = x.requires_grad_()
        with _outputs(layers) as outputs:
            logits = module(x)
        return logits - logits.mean(dim=1, keepdim=True), outputs or [x]

    def prepared(block):
        """Samples, and the same as the contributions see them."""
        x = torch.from_numpy(clf.scaler_.transform(block)).to(device)
        return x, torch.cat([_joined(run(part.clone())[1]).detach() for part in x.split(size)])

    size, start = _batch_size(X), 0
    session = torch_session(seed, n_threads=clf.n_threads, device=device)
    with session, torch.enable_grad(), _evaluating(module.to(device)):
        others, others_seen = prepared(np.concatenate(list(iter_blocks(X[pool]))))
        for block in iter_blocks(X, size):
            x, seen = prepared(block)
            code = codes[start : start + len(x)]
            start += len(x)
            target = torch.from_numpy(code).to(device)[:, None]
            drawn = rng.randint(len(others), size=(n_steps, len(x)))
            shares = points[rng.random_sample((n_steps, len(x))).argsort(axis=0)]  # each point once a sample
            contributions = 0.0
            for rows, share in zip(drawn, shares, strict=True):
                share = torch.from_numpy(share).to(x)[:, None, None]
                logits, at = run(torch.lerp(others[rows], x, share))
                gradient = _joined(torch.autograd.grad(logits.gather(1, target).sum(), at))
                contributions = contributions + product(seen - others_seen[rows], gradient)
            contributions = contributions.cpu().double().numpy() / n_steps
            for i in np.unique(code):
                totals[i] = totals[i] + contributions[code == i].sum(axis=0)
    labels = clf.classes_.tolist()
    return {labels[i]: totals[i] / (codes == i).sum() for i in np.unique(codes)}


def _joined(tensors):
    """Tensors of shape (n, n_components, n_times), some with a further axis of length one, as one."""
    import torch

    return torch.cat([tensor.flatten(2) for tensor in tensors], dim=1)


@contextlib.contextmanager
def _outputs(layers):
    """Collect what layers put out, in their order."""
    collected, outputs = {}, []
    hooks = [layer.register_forward_hook(lambda m, _, out: collected.update({m: out})) for layer in layers]
    try:
        yield outputs
        outputs += [collected[layer] for layer in layers]
    finally:
        for hook in hooks:
            hook.remove()


@contextlib.contextmanager
def _evaluating(module):
    """Put a network into evaluation mode, and every layer back afterwards."""
    trained = [layer for layer in module.modules() if layer.training]
    module.eval()
    try:
        yield
    finally:
        for layer in trained:
            layer.training = True


# -- importance by permutation ---------------------------------------------------------------------------


def channel_importance(clf, X, y=None, *, scoring=None, n_repeats=10, random_state=None):
    """What a score loses when a channel is that of another sample.

    Parameters
    ----------
    clf : estimator
        Any fitted classifier of scikit-learn on samples of shape (n_samples, n_channels, n_times): ours, a
        Pipeline, one of MNE.
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, n_channels, n_times)
        Samples, held out from training: importance on training samples shows what was memorised, too.
    y : None | array-like, shape (n_samples,)
        Their true labels; ``None`` takes those of the epochs.
    scoring : None | str | callable
        A metric of scikit-learn; ``None`` takes ``clf.score``, accuracy as a rule.
    n_repeats : int
        Number of permutations.
    random_state : None | int | numpy.random.RandomState
        Seeds the permutations.

    Returns
    -------
    importance : pandas.DataFrame
        A row a channel, in the order of the data, with the columns ``mean`` and ``sd`` over repeats of the
        score lost. ``importance.attrs`` has the ``score`` of the intact samples, ``n_samples``,
        ``n_repeats`` and ``scoring``.

    Raises
    ------
    ValueError
        If samples or labels don't fit the estimator.

    See Also
    --------
    mne_cnnclass.viz.plot_importance : Draw it.
    mne.viz.plot_topomap : Draw the means over the head.

    Notes
    -----
    Each channel is permuted across samples [1]_ alone. Channels that carry the same signal can stand in for
    one another, so all of them may seem unimportant; and a classifier no better than chance has nothing to
    lose. The samples are held in memory, twice.

    References
    ----------
    .. [1] Breiman L. Random forests. Machine Learning 45:5-32, 2001. doi:10.1023/A:1010933404324

    Examples
    --------
    >>> from mne.decoding import Vectorizer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from mne_cnnclass import EpochsView, datasets
    >>> from mne_cnnclass.explain import channel_importance
    >>> view = EpochsView(datasets.load_sample())
    >>> linear = make_pipeline(Vectorizer(), StandardScaler(), LogisticRegression(C=1e-3))
    >>> linear = linear.fit(view[::2], view.labels[::2])
    >>> channel_importance(linear, view[1::2], random_state=0).columns.tolist()
    ['mean', 'sd']
    """
    X, y, names, _ = _check_any(clf, X, y)
    if X.ndim != 3:
        raise ValueError(
            f"X must have the shape (n_samples, n_channels, n_times), got {X.shape}: signals of one channel "
            "have no channels to compare."
        )

    def channel_of_others(i):
        changed = X.copy()

        def change(order):
            changed[:, i] = X[order, i]
            return changed

        return change

    index = pd.Index(names, name="channel")
    return _importance(clf, y, X, index, channel_of_others, scoring, n_repeats, random_state)


def band_importance(clf, X, y=None, *, bands=None, sfreq=None, scoring=None, n_repeats=10, random_state=None):
    """What a score loses when a frequency band is that of another sample.

    Parameters
    ----------
    clf : estimator
        Any fitted classifier of scikit-learn on samples whose last axis is time.
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, [n_channels,] n_times)
        Samples, held out from training.
    y : None | array-like, shape (n_samples,)
        Their true labels; ``None`` takes those of the epochs.
    bands : None | dict of tuple
        Lower and upper edge in Hz, ``lower <= f < upper``, by name. ``None`` takes delta (1–4), theta
        (4–8), alpha (8–13), beta (13–30) and gamma (30–45), as far as they are below half the sampling
        frequency.
    sfreq : None | float
        Sampling frequency in Hz; ``None`` takes that of the epochs, or of those that ``clf`` was fitted on.
    scoring : None | str | callable
        A metric of scikit-learn; ``None`` takes ``clf.score``, accuracy as a rule.
    n_repeats : int
        Number of permutations.
    random_state : None | int | numpy.random.RandomState
        Seeds the permutations.

    Returns
    -------
    importance : pandas.DataFrame
        A row a band, as :func:`channel_importance` returns it.

    Raises
    ------
    ValueError
        If samples or labels don't fit the estimator, the sampling frequency is not known, or a band holds no
        frequency of the windows.

    Notes
    -----
    The Fourier coefficients of a window within the band are exchanged, for all channels together, against
    those of another sample; all else stays. A window resolves one cycle a window, and has no taper: trends
    and slow waves leak into higher bands, so filter them out before.

    Examples
    --------
    >>> from mne.decoding import Vectorizer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from mne_cnnclass import EpochsView, datasets
    >>> from mne_cnnclass.explain import band_importance
    >>> view = EpochsView(datasets.load_sample())
    >>> linear = make_pipeline(Vectorizer(), StandardScaler(), LogisticRegression(C=1e-3))
    >>> linear = linear.fit(view[::2], view.labels[::2])
    >>> bands = {"slow": (0, 1), "alpha": (8, 13)}
    >>> band_importance(linear, view[1::2], bands=bands, random_state=0)["mean"].idxmax()
    'slow'
    """
    X, y, _, known = _check_any(clf, X, y)
    sfreq = known if sfreq is None else sfreq
    if sfreq is None:
        raise ValueError("The sampling frequency of an array is not known: give sfreq= in Hz.")
    if bands is None:
        bands = {name: edges for name, edges in EEG_BANDS.items() if edges[1] <= sfreq / 2}
    frequencies = np.fft.rfftfreq(X.shape[-1], 1 / sfreq)
    inside = [(lower <= frequencies) & (frequencies < upper) for lower, upper in bands.values()]
    for (name, edges), rows in zip(bands.items(), inside, strict=True):
        if not rows.any():
            raise ValueError(
                f"Band {name!r}, {edges[0]:g} to {edges[1]:g} Hz, holds no frequency of windows of "
                f"{X.shape[-1]} samples at {sfreq:g} Hz, which are {frequencies[1]:g} Hz apart and end at "
                f"{frequencies[-1]:g} Hz. Widen the band, or take longer windows."
            )

    def band_of_others(i):
        content = np.fft.irfft(np.fft.rfft(X) * inside[i], X.shape[-1])
        rest = X - content
        return lambda order: rest + content[order]

    index = pd.Index(list(bands), name="band")
    return _importance(clf, y, X, index, band_of_others, scoring, n_repeats, random_state)


def _importance(clf, y, X, index, part, scoring, n_repeats, random_state):
    """Score lost, a row a part; ``part(i)`` is a function from an order of the samples to changed samples."""
    check_scalar(n_repeats, "n_repeats", numbers.Integral, min_val=1)
    score_of = check_scoring(clf, scoring=scoring)
    rng = check_random_state(_draw_seed(random_state))
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


# -- what comes in ---------------------------------------------------------------------------------------


def _check_network(clf):
    check_is_fitted(clf)
    if not isinstance(clf, CNNClassifier):
        raise TypeError(
            f"clf must be a fitted CNNClassifier, got a {type(clf).__name__}; channel_importance and "
            "band_importance take any estimator."
        )


def _check_labelled(clf, X, y):
    """Samples with the channels of the fit, and one label a sample that was there at fit."""
    X = check_samples(clf, X)
    y = check_labels(y, X)
    unseen = sorted({repr(label) for label in y[~np.isin(y, clf.classes_)].tolist()})
    if unseen:
        raise ValueError(
            f"y has labels that were not there at fit: {', '.join(unseen)}; fitted on "
            f"{clf.classes_.tolist()}."
        )
    return X, y


def _check_any(clf, X, y):
    """An array of samples for any estimator, labels, names of channels, and the sampling frequency."""
    check_is_fitted(clf)
    if isinstance(clf, CNNClassifier):
        X, y = _check_labelled(clf, X, y)
    else:
        view = as_view(X)
        X = check_signals(X, clf) if view is None else view
        y = check_labels(y, X)
    names = getattr(X, "ch_names", None) or getattr(clf, "ch_names_", None) or np.arange(X.shape[1])
    sfreq = getattr(X, "sfreq", None) or getattr(clf, "sfreq_", None)
    return np.asarray(X, dtype=float), y, names, sfreq


def _known_sfreq(clf):
    if clf.sfreq_ is None:
        raise ValueError(
            "The sampling frequency is not known, as the classifier was fitted on an array: fit it on Epochs "
            "or an EpochsView."
        )
    return clf.sfreq_


def _info(clf, X):
    """The channels of the samples; those of an array are called EEG."""
    if isinstance(X, EpochsView):
        return X.info
    names = clf.ch_names_ or [str(number) for number in range(X.shape[1])]
    return mne.create_info(names, clf.sfreq_ or 1.0, "eeg")


def _batch_size(X):
    return min(max(1, BATCH_VALUES // (X.shape[1] * X.shape[2])), 512)
