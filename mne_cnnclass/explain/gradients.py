"""What in the samples speaks for their class."""

from __future__ import annotations

import contextlib
import numbers
from typing import Any

import mne
import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from ..estimators.cnn import CNNClassifier
from ..networks.training import move, resolve_device
from ..samples.blocks import iter_blocks, iter_parts, numbered_in
from ..samples.checks import check_side_inputs
from ..samples.types import RandomState, Samples
from ..samples.view import EpochsView
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from ..utils.seeds import draw_seed
from .checks import as_labelled, batch_size, info_of, known_sfreq

N_OTHERS = 128  # samples that a sample is compared with


@fill_doc
def saliency(
    clf: CNNClassifier | Pipeline,
    X: Samples,
    y: ArrayLike | None = None,
    *,
    n_steps: int = 32,
    random_state: RandomState = None,
) -> dict[Any, mne.EvokedArray]:
    """Compute the contribution of each channel and time to the logit of each class.

    Contributions are expected gradients [1]_: integrated gradients [2]_ along the paths from other samples,
    drawn at random from ``X``, to the sample. They explain why the output of the network for this sample
    differs from its output for others. Anything that all classes have in common, such as line noise, cancels
    out.

    Parameters
    ----------
    clf : CNNClassifier | Pipeline
        A fitted classifier with any network, or a Pipeline that ends in one, such as that of
        ``load_pretrained("motor imagery")``: contributions are then of what the steps before it make of the
        samples, which may be other times and, after an alignment, mixed channels.
    %(contribution_parameters)s

    Returns
    -------
    saliency : dict of mne.EvokedArray
        For each class in ``y``, the contribution of each channel and time to the logit of the class, averaged
        over the samples of the class. The values are **not in V**, although MNE's figures say so: their unit
        is that of the logit, so plot them with ``scalings=dict(eeg=1), units=dict(eeg="logit")``. Positive
        values are evidence for the class.

    Raises
    ------
    ValueError
        If the samples or labels do not match the classifier.

    See Also
    --------
    saliency_spectrum : Contributions by frequency.
    channel_importance : Loss of score without a channel.
    mne_cnnclass.viz.plot_beat_importance : Plot contributions on the mean waveform.

    Notes
    -----
    The logit is that of the class minus the mean over all classes, as only differences affect probabilities.
    The contributions of a sample sum to its logit minus the mean logit of the samples, up to a sampling
    error. The other samples are drawn from at most 128 samples of ``X``. Side inputs are fixed to those of
    the sample: the contributions are those of the signal only, and sum to the logit minus the mean logit of
    the other samples' signals combined with these side inputs.

    References
    ----------
    .. [1] Erion G, Janizek JD, Sturmfels P, Lundberg SM, Lee SI. Improving performance of deep learning
       models with axiomatic attribution priors and expected gradients. Nature Machine Intelligence
       3:620-631, 2021. doi:10.1038/s42256-021-00343-w
    .. [2] Sundararajan M, Taly A, Yan Q. Axiomatic attribution for deep networks. ICML 2017.
       arXiv:1703.01365

    Examples
    --------
    %(example_network)s
    >>> evokeds = explain.saliency(clf, view, random_state=0)
    >>> fig = evokeds["negativity"].plot(scalings=dict(eeg=1), units=dict(eeg="logit"), show=False)
    """
    network, X, y = as_labelled(clf, X, y)
    means = mean_contributions(network, X, y, torch.mul, n_steps, random_state)
    info, tmin = info_of(network, X), X.times[0] if isinstance(X, EpochsView) else 0.0
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


@fill_doc
def saliency_spectrum(
    clf: CNNClassifier | Pipeline,
    X: Samples,
    y: ArrayLike | None = None,
    *,
    n_steps: int = 32,
    random_state: RandomState = None,
) -> dict[Any, pd.DataFrame]:
    """Compute the contribution of each channel and frequency to the logit of each class.

    Parameters
    ----------
    clf : CNNClassifier | Pipeline
        A fitted classifier with any network, or a Pipeline that ends in one, such as that of
        ``load_pretrained("motor imagery")``: contributions are then of what the steps before it make of the
        samples, which may be other times and, after an alignment, mixed channels.
    %(contribution_parameters)s

    Returns
    -------
    spectra : dict of pandas.DataFrame
        For each class in ``y``, a table with one row per frequency in Hz and one column per channel: the
        contribution of the channel's oscillation at that frequency to the logit of the class, averaged over
        the samples of the class.

    Raises
    ------
    ValueError
        If the samples or labels do not match the classifier, or if its sampling frequency is unknown.

    Notes
    -----
    Contributions are expected gradients with respect to the Fourier coefficients of the window. The Fourier
    transform preserves scalar products (Parseval), so contributions over frequencies have the same sum as
    those over times. The frequency resolution is one cycle per window.

    Examples
    --------
    %(example_network)s
    >>> frequencies = explain.saliency_spectrum(clf, view)["negativity"].index
    """
    network, X, y = as_labelled(clf, X, y)
    info, sfreq = info_of(network, X), known_sfreq(network)
    frequencies = pd.Index(np.fft.rfftfreq(X.shape[2], 1 / sfreq), name="frequency")
    means = mean_contributions(network, X, y, _of_frequencies, n_steps, random_state)
    return {label: pd.DataFrame(mean.T, frequencies, info["ch_names"]) for label, mean in means.items()}


def _of_frequencies(difference, gradient):
    n_times = difference.shape[2]
    product = (torch.fft.rfft(difference) * torch.fft.rfft(gradient).conj()).real / n_times
    product[..., 1 : (n_times + 1) // 2] *= 2  # ±f together; zero and the Nyquist frequency stand alone
    return product


def mean_contributions(clf, X, y, product, n_steps, random_state, layers=()):
    """Average the contributions of samples to the logit of their class, over the samples of each class.

    ``product`` gives contributions from the difference to another sample and the gradient on the way, tensors
    of shape (n_samples, n_channels or n_components, n_times). With ``layers`` that depend linearly on the
    samples, they are those of the layers' outputs in place of the standardised samples. Returns arrays by
    class.
    """
    check_number(n_steps, "n_steps", numbers.Integral, min_val=1)
    rng = check_random_state(draw_seed(random_state))
    network, module = clf.network_, clf.module_
    side = network.side_scaler.transform(check_side_inputs(X, network.side_scaler.names), X)
    pool = np.sort(rng.permutation(len(X))[:N_OTHERS])
    points = (np.arange(n_steps) + 0.5) / n_steps
    codes = np.searchsorted(clf.classes_, y)
    totals = [0.0] * len(clf.classes_)
    device = resolve_device(clf.device)

    def run(x, side):
        """Logits, and what contributions are asked of, at these samples."""
        x, outputs = x.requires_grad_(), {}
        with contextlib.ExitStack() as hooks:
            for layer in layers:
                hooks.enter_context(layer.register_forward_hook(lambda m, _, out: outputs.update({m: out})))
            logits = module(x, side) if side.shape[1] else module(x)
        return logits - logits.mean(dim=1, keepdim=True), [outputs[layer] for layer in layers] or [x]

    def prepared(block, side):
        """Samples, their side inputs, and the samples as the contributions see them."""
        x, side = (torch.from_numpy(part).to(device) for part in (network.scaler.transform(block), side))
        parts = zip(x.split(size), side.split(size), strict=True)
        return x, side, torch.cat([_joined(run(part.clone(), beside)[1]).detach() for part, beside in parts])

    size = batch_size(X)
    session = network.session(device=device, n_threads=clf.n_threads)
    move(module, device)
    with session, _evaluating(module):
        with numbered_in(X):
            others, _, others_seen = prepared(np.concatenate(list(iter_blocks(X[pool]))), side[pool])
        for part, block in iter_parts(X, size):
            code = codes[part]
            x, beside, seen = prepared(block, side[part])
            target = torch.from_numpy(code).to(device)[:, None]
            drawn = rng.randint(len(others), size=(n_steps, len(x)))
            shares = points[rng.random_sample((n_steps, len(x))).argsort(axis=0)]  # each point once a sample
            contributions = 0.0
            for rows, share in zip(drawn, shares, strict=True):
                share = torch.from_numpy(share).to(x)[:, None, None]
                logits, at = run(torch.lerp(others[rows], x, share), beside)
                gradient = _joined(torch.autograd.grad(logits.gather(1, target).sum(), at))
                contributions = contributions + product(seen - others_seen[rows], gradient)
            contributions = contributions.cpu().double().numpy() / n_steps
            for i in np.unique(code):
                totals[i] = totals[i] + contributions[code == i].sum(axis=0)
    labels = clf.classes_.tolist()
    return {labels[i]: totals[i] / (codes == i).sum() for i in np.unique(codes)}


def _joined(tensors):
    """Tensors of shape (n, n_components, n_times), some with a further axis of length one, as one."""
    return torch.cat([tensor.flatten(2) for tensor in tensors], dim=1)


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
