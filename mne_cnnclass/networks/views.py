"""Linear views of a signal with weights in closed form: its course, and the covariances of its bands."""

import math

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve, solve
from scipy.optimize import minimize
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from .multiscale import UNKNOWN_SFREQ

COURSE_EDGES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # Hz
BAND_EDGES = (1.0, 2.0, 3.2, 5.0, 7.0, 9.0, 11.5, 15.0, 19.0, 24.0, 32.0, 45.0)  # Hz
WHOLE = 1.0, 45.0  # Hz, of the last band
MOST_COSINES, MOST_COMPONENTS, LONGEST = 256, 32, 4.0  # of the course; of the covariances; s of a segment
RESOLUTION = 1.0  # Hz to either side that a frequency of a segment may reach
RIDGE_COURSE, RIDGE_BAND = 0.002, 0.001  # of the mean variance, added before whitening
DEAD = 1e-3  # power below this share of the strongest band is what a filter has left
MOST_SAMPLES, MOST_FOR_SHARES = 3000, 400  # to fit on; to find the share of each view on
VALUES = 2**21  # of samples that are described at once
PULL = 0.3  # of the squared logarithm of a factor, in samples' log-loss


class LinearViews(nn.Module):
    """Scores that are linear in what is known to tell epochs apart.

    The *course* is described by cosines of up to 30 Hz, of channels that are whitened in each of six bands;
    the *rhythms* by the matrix logarithms of covariances of up to 32 components in eleven bands from 1 to 45
    Hz, and in all of these, whitened by their mean: coordinates in the tangent space of [1]_. Covariances are
    those of spectra by as many sine tapers [2]_ as the resolution allows, so that all times of an epoch count
    alike, without a parabola, as slow drifts have. Without a `fit` all scores are zero.

    References
    ----------
    .. [1] Barachant A, Bonnet S, Congedo M, Jutten C. Multiclass brain-computer interface classification by
       Riemannian geometry. IEEE Trans Biomed Eng 2012;59(4):920-928. doi:10.1109/TBME.2011.2172210
    .. [2] Riedel KS, Sidorenko A. Minimum bias multiple taper spectral estimation. IEEE Trans Signal Process
       1995;43(1):188-195. doi:10.1109/78.365298
    """

    def __init__(self, n_chans, n_outputs, n_times, sfreq=None):
        super().__init__()
        rate = float(sfreq or UNKNOWN_SFREQ)
        n_cosines = min(n_times, MOST_COSINES, math.ceil(2 * n_times / rate * COURSE_EDGES[-1]))
        phase = math.pi * (torch.arange(n_times, dtype=torch.float64) + 0.5) / n_times
        cosines = torch.cos(torch.outer(torch.arange(n_cosines), phase)) * math.sqrt(2 / n_times)
        self.register_buffer("cosines", cosines, persistent=False)
        self.parts = _slices(np.arange(n_cosines) * rate / (2 * n_times), COURSE_EDGES)

        self.length = min(n_times, max(8, round(LONGEST * rate)))
        at = torch.arange(1, self.length + 1, dtype=torch.float64) / (self.length + 1)
        n_tapers = max(1, round(2 * RESOLUTION * self.length / rate) - 1)
        tapers = torch.sin(math.pi * torch.outer(torch.arange(1.0, n_tapers + 1, dtype=torch.float64), at))
        self.register_buffer("tapers", tapers, persistent=False)
        trend = torch.linalg.qr(torch.stack([at**0, at, at**2], dim=1))[0]
        self.register_buffer("trend", trend, persistent=False)
        frequencies = np.fft.rfftfreq(self.length, 1 / rate)
        self.bands = _slices(frequencies, BAND_EDGES, least=2)
        self.bands += _slices(frequencies, WHOLE, least=2) if self.bands else []

        n, n_bands = min(n_chans, MOST_COMPONENTS), len(self.bands)
        self.register_buffer("course", torch.zeros(n_outputs, n_chans, n_cosines, dtype=torch.float64))
        self.register_buffer("components", torch.eye(n, n_chans, dtype=torch.float64))
        self.register_buffer("whitening", torch.eye(n, dtype=torch.float64).repeat(n_bands, 1, 1))
        self.register_buffer("maps", torch.zeros(n_bands, n_outputs, n, n, dtype=torch.float64))
        self.register_buffer("bias", torch.zeros(n_outputs, dtype=torch.float64))

    def forward(self, x):
        """Scores of samples of shape (n_samples, n_chans, n_times)."""
        x = x.double()
        scores = torch.einsum("nck,ock->no", x @ self.cosines.mT, self.course) + self.bias
        if self.bands:
            for covariance, dof, whitening, maps in zip(
                *self._covariances(x), self.whitening, self.maps, strict=True
            ):
                scores = scores + logarithm(covariance, dof, whitening).flatten(1) @ maps.flatten(1).mT
        return scores.float()

    def _covariances(self, x):
        """Covariances of the components in each band, and their degrees of freedom."""
        segments = (self.components @ x).unfold(2, self.length, max(1, self.length // 2))
        segments = segments - segments @ self.trend @ self.trend.mT
        spectra = torch.view_as_real(torch.fft.rfft(segments.unsqueeze(3) * self.tapers))
        found, dofs = [], []
        for band in self.bands:
            part = spectra[..., band, :].flatten(2)
            found.append(part @ part.mT)
            dofs.append(part.shape[2])
        return found, dofs

    # -- the fit -----------------------------------------------------------------------------------

    @torch.no_grad()
    def fit(self, x, y, weight, folds, seed):
        """Find the weights of samples as ``forward`` takes them, of classes ``y``.

        Each view is a Gaussian process with a linear kernel; how much of the labels each explains maximises
        the evidence. Returns scores of the samples without those of their fold, in closed form.
        """
        y, weight = np.asarray(y), np.asarray(weight, float)
        features, put = self._features(x)
        means = [feature.mean(0) for feature in features]
        for feature, mean in zip(features, means, strict=True):
            feature -= mean
        scales = [max(np.square(feature).sum() / len(y), 1e-12) for feature in features]
        targets = 2.0 * np.eye(self.bias.shape[0])[y] - 1.0
        noise = weight.mean() / weight
        rows = np.random.default_rng(seed).permutation(len(y))[:MOST_FOR_SHARES]
        pairs = [(feature[rows], scale) for feature, scale in zip(features, scales, strict=True)]
        kernels = np.array([feature @ feature.T / scale for feature, scale in pairs])
        shares, level = _shares(kernels, targets[rows], noise[rows])
        prior = np.ones((len(y), len(y)))
        for feature, share, scale in zip(features, shares, scales, strict=True):
            prior += feature @ feature.T * (share / scale)
        factor = cho_factor(prior + np.diag(level * noise), lower=True)
        inverse = cho_solve(factor, np.eye(len(y)))
        alpha = inverse @ targets
        bias = alpha.sum(0)
        for number, (feature, mean) in enumerate(zip(features, means, strict=True)):
            weights = alpha.T @ feature * (shares[number] / scales[number])
            bias = bias - weights @ mean
            put[number](torch.from_numpy(weights))
        self.bias.copy_(torch.from_numpy(bias))
        held_out = np.empty_like(targets)
        for _, rows in folds:
            held_out[rows] = targets[rows] - solve(inverse[np.ix_(rows, rows)], alpha[rows], assume_a="pos")
        return held_out

    def _features(self, x):
        """What each view describes samples by, arrays (n_samples, n_features); where their weights belong."""
        features, put = [], []
        blocks = x.split(max(1, VALUES // x[0].numel()))
        coefficients = torch.cat([part.double() @ self.cosines.mT for part in blocks])
        for part in self.parts:
            own = coefficients[:, :, part]
            white = _whitening(_covariance(own - own.mean(0)), RIDGE_COURSE)
            features.append((white @ own).flatten(1).numpy())
            put.append(
                lambda weights, part=part, white=white: self.course[:, :, part].copy_(
                    white.mT @ weights.unflatten(1, (white.shape[0], -1))
                )
            )
        if not self.bands:
            return features, put
        if self.components.shape[0] < self.components.shape[1]:
            mean = sum(_covariance(part.double()) for part in blocks)
            self.components.copy_(torch.linalg.eigh(mean)[1][:, -self.components.shape[0] :].mT)
        parts = [self._covariances(part.double()) for part in blocks]
        dofs = parts[0][1]
        covariances = [torch.cat(of_band) for of_band in zip(*(found for found, _ in parts), strict=True)]
        power = [
            float(c.diagonal(dim1=1, dim2=2).mean()) / dof for c, dof in zip(covariances, dofs, strict=True)
        ]
        for number, (covariance, dof) in enumerate(zip(covariances, dofs, strict=True)):
            if power[number] <= DEAD * max(power):
                continue
            white = _whitening(covariance.mean(0), RIDGE_BAND)
            self.whitening[number].copy_(white)
            features.append(logarithm(covariance, dof, white).flatten(1).numpy())
            put.append(
                lambda weights, number=number: self.maps[number].copy_(weights.view_as(self.maps[number]))
            )
        return features, put


def logarithm(covariance, dof, whitening):
    """Matrix logarithms of whitened covariances, shrunk to their mean variance the more the fewer the dof."""
    white = whitening @ covariance @ whitening.mT
    n = white.shape[-1]
    share, eye = n / (n + dof), torch.eye(n, dtype=white.dtype, device=white.device)
    variance = white.diagonal(dim1=1, dim2=2).mean(1)[:, None, None].clamp_min(1e-12)
    return MatrixLogarithm.apply((1 - share) * white + share * variance * eye)


class MatrixLogarithm(Function):
    """Logarithms of symmetric matrices, whose gradient is finite where eigenvalues are equal.

    That of the eigenvectors is not, and fewer degrees of freedom than components always make some equal. The
    gradient of the logarithm itself has the divided differences of the eigenvalues' logarithms (Daleckii and
    Krein; see Higham NJ. Functions of Matrices. SIAM 2008, theorem 3.11).
    """

    @staticmethod
    def forward(ctx, matrices):
        values, vectors = torch.linalg.eigh(matrices)
        ctx.save_for_backward(values.clamp_min_(1e-12), vectors)
        return vectors * values.log().unsqueeze(1) @ vectors.mT

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        values, vectors = ctx.saved_tensors
        logs, difference = values.log(), values.unsqueeze(2) - values.unsqueeze(1)
        middle = (values.unsqueeze(2) + values.unsqueeze(1)) / 2
        equal = difference.abs() < 1e-6 * middle
        slopes = (logs.unsqueeze(2) - logs.unsqueeze(1)) / torch.where(equal, 1.0, difference)
        slopes = torch.where(equal, 1 / middle, slopes)
        return vectors @ (slopes * (vectors.mT @ gradient @ vectors)) @ vectors.mT


def _slices(frequencies, edges, least=1):
    """Slices of the frequencies from each edge up to the next that have the least number of them."""
    at = np.searchsorted(frequencies, edges)
    return [slice(a, b) for a, b in zip(at[:-1].tolist(), at[1:].tolist(), strict=True) if b - a >= least]


def _covariance(values):
    """Covariance of channels over samples and coefficients."""
    flat = values.transpose(0, 1).flatten(1)
    return flat @ flat.mT


def _whitening(covariance, ridge):
    """The symmetric matrix that whitens signals of a covariance, whose scale does not matter."""
    n = covariance.shape[0]
    covariance = covariance / (covariance.trace() / n).clamp_min(1e-30)
    values, vectors = torch.linalg.eigh(covariance + ridge * torch.eye(n, dtype=covariance.dtype))
    return vectors * values.clamp_min(ridge / 10).rsqrt() @ vectors.mT


def _shares(kernels, targets, noise):
    """How much of the labels each kernel explains, and the noise: what maximises the evidence."""
    n, n_outputs = targets.shape
    start = math.log(0.3 / len(kernels))

    def loss(logs):
        shares, level = np.exp(logs[:-1]), math.exp(logs[-1])
        covariance = np.tensordot(shares, kernels, 1) + 1.0 + np.diag(level * noise)
        factor = cho_factor(covariance, lower=True)
        inverse = cho_solve(factor, np.eye(n))
        alpha = inverse @ targets
        value = 0.5 * np.sum(targets * alpha) + n_outputs * np.log(np.diag(factor[0])).sum()
        gradient = 0.5 * (n_outputs * inverse - alpha @ alpha.T)
        slopes = shares * np.tensordot(kernels, gradient, 2)
        far = (logs[:-1] - start) / 9  # a share far from the others needs evidence
        value += 0.5 * np.sum((logs[:-1] - start) * far)
        return value, np.append(slopes + far, level * noise @ np.diag(gradient))

    bounds = [(-9.0, 4.0)] * len(kernels) + [(-5.0, 3.0)]
    first = np.append(np.full(len(kernels), start), math.log(0.7))
    found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 30})
    return np.exp(found.x[:-1]), math.exp(found.x[-1])


def fit_shares(scores, y, weight, most):
    """Factors of several scores, from 0 to ``most``, of the least log-loss; near 1 if that tells little."""
    onehot = np.eye(scores[0].shape[1])[y]
    scores = np.array([score - score.mean(1, keepdims=True) for score in scores])
    n, weight = len(scores), weight / weight.mean()

    def loss(parameters):
        factors = np.exp(parameters)
        logits = np.tensordot(factors, scores, 1)
        logits -= logits.max(1, keepdims=True)
        logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        residuals = weight[:, None] * (np.exp(logs) - onehot)
        value = -(weight[:, None] * logs * onehot).sum() + PULL * np.sum(parameters**2)
        return value, factors * np.tensordot(scores, residuals, 2) + 2 * PULL * parameters

    first = np.log(np.minimum(3.0 / n, most))
    bounds = [(-8.0, math.log(one)) for one in most]
    return np.exp(minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds).x)
