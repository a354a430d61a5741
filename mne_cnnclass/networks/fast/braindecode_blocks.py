"""Blocks of braindecode's models, computed in another order."""

import torch
from torch import nn
from torch.nn import functional

from ..braindecode_models import braindecode_classes
from .functions import FilterBank, Turn, channels_last, elu, filter_to_pooling
from .layers import AdjacentAvgPool2d, FastELU, TimeLastMaxPool2d, is_watched, kept
from .spectral import BlockFilters, convolve

EEGNet, ShallowFBCSPNet, Deep4Net = map(braindecode_classes().get, ("EEGNet", "ShallowFBCSPNet", "Deep4Net"))

from braindecode.modules import CombinedConv  # noqa: E402 - after braindecode was imported without its noise

MOST_BY_BLOCKS = 32  # samples; with more, transforming the filters of long signals takes little of the time


class MergedConv(CombinedConv):
    """A temporal and a spatial convolution as one with the EEG channels as input channels.

    As no nonlinearity is between them, ``W[o, c, k] = Σ_f S[o, f, c] h[f, k]``. braindecode merges them, too,
    but convolves one plane of width n_chans, which torch does several times slower.
    """

    def forward(self, x):
        """Convolve (n, 1, n_times, n_chans) to (n, n_out, n_out_times, 1)."""
        return self.convolve(x[:, 0].transpose(1, 2), *self.merged())

    @staticmethod
    def convolve(x, weight, bias):
        """Convolve (n, n_chans, n_times) to (n, n_out, n_out_times, 1)."""
        y = convolve(x.unsqueeze(2), weight.squeeze(2), bias)
        if y is not None:
            return y.reshape(len(x), len(weight), -1, 1)  # not transposed, for the strides, see `Turn`
        return Turn.apply(functional.conv2d(Turn.apply(x.unsqueeze(3)), channels_last(weight), bias))

    def merged(self):
        """Weight, of shape (n_out, n_chans, 1, k), and bias of the merged convolution."""
        temporal, spatial = self.conv_time.weight[:, 0, :, 0], self.conv_spat.weight[:, :, 0]
        weight = torch.einsum("ofc,fk->ock", spatial, temporal).unsqueeze(2)
        bias = self.conv_spat.bias
        if self.conv_time.bias is not None:
            merged = spatial.sum(2) @ self.conv_time.bias
            bias = merged if bias is None else merged + bias
        return weight, bias


class _MergedStart:
    """Of ShallowFBCSPNet and Deep4Net: at prediction, the merged convolution normalises, too."""

    def forward(self, x):
        """Logits of samples of shape (n, n_chans, n_times)."""
        predicts = not (self.training or torch.is_grad_enabled())
        if not predicts or x.ndim != 3 or not hasattr(self, "bnorm") or is_watched(self):
            return super().forward(x)
        first = self.conv_time_spat
        of, n_times = (first.conv_time, first.conv_spat, self.bnorm), x.shape[2]
        blocks, *filters = kept(self, lambda: self._merged(n_times), *of, settings=n_times)
        few = blocks is not None and len(x) <= MOST_BY_BLOCKS
        x = blocks.apply(x) if few else MergedConv.convolve(x, *filters)
        layers = list(self._modules.values())
        for layer in _in_order(layers[layers.index(self.bnorm) + 1 : -1]):
            x = layer(x)
        return classify(layers[-1], x)

    def _merged(self, n_times):
        weight, bias = self.conv_time_spat.merged()
        gain, offset = affine(self.bnorm)
        offset = offset if bias is None else offset + gain * bias
        weight = weight * gain.view(-1, 1, 1, 1)
        plain = weight.squeeze(2)
        blocks = BlockFilters(plain, offset) if BlockFilters.pay(n_times, *plain.shape) else None
        return blocks, channels_last(weight), offset


def _in_order(layers):
    """Layers that do something at prediction; maxima before an increasing function leave it fewer numbers."""
    order = []
    for layer in layers:
        if type(layer) is TimeLastMaxPool2d and order and type(order[-1]) is FastELU:
            order.insert(-1, layer)
        elif not isinstance(layer, (nn.Identity, nn.Dropout)):  # to call them takes time, too
            order.append(layer)
    return order


class MergedShallowFBCSPNet(_MergedStart, ShallowFBCSPNet):
    """ShallowFBCSPNet with a merged first layer."""


class MergedDeep4Net(_MergedStart, Deep4Net):
    """Deep4Net with a merged first layer."""


class SpatialFirstEEGNet(EEGNet):
    """EEGNet that predicts with the spatial filter before the temporal one.

    Temporal convolution, batch normalisation and the depthwise spatial convolution are linear, so channels
    can be mixed first, and the long filters then run, by Fourier transforms, on F1 × D mixtures instead of
    F1 × n_chans signals. It is trained by a program, see `networks.together`.
    """

    def forward(self, x):
        """Logits of samples of shape (n, n_chans, n_times)."""
        known = x.ndim == 3 and x.shape[1] == self.n_chans  # other shapes the original refuses
        if known and not (torch.is_grad_enabled() or is_watched(self)) and self._has_usual_layers():
            return self.infer(x)
        return super().forward(x)

    @property
    def time_padding(self):
        """Zeros before and after the signals."""
        return (self.conv_temporal.padding[1],) * 2

    def _has_usual_layers(self):
        """Whether activations and poolings are those that are computed together with others."""
        fast = type(self.elu_1) is type(self.elu_2) is FastELU
        return fast and type(self.pool_1) is AdjacentAvgPool2d and AdjacentAvgPool2d.replaces(self.pool_1)

    def infer(self, x):
        """Predict, with normalisations merged into the convolutions before them."""
        spatial = getattr(self.conv_spatial, "parametrizations", {"weight": self.conv_spatial})["weight"]
        of = (self.conv_temporal, spatial, self.conv_separable_depth, self.conv_separable_point)
        norms = (self.bnorm_temporal, self.bnorm_1, self.bnorm_2)
        bank, weight, bias = kept(self, lambda: self._merged(x.shape[2]), *of, *norms, settings=x.shape[2])
        x = filter_to_pooling(x, bank, self.pool_1.kernel_size[1]).unsqueeze(2)
        x = elu(functional.conv2d(x, weight, bias, padding=self.conv_separable_depth.padding))
        return classify(self.final_layer, self.pool_2(x))

    def _merged(self, n_times):
        gain, offset = affine(self.bnorm_1)
        spatial, filters, constant = self.filters()
        offset = constant * gain + offset
        bank = FilterBank(spatial, filters * gain[:, None], offset, self.time_padding, n_times)
        gain, offset = affine(self.bnorm_2)
        return bank, self.separable() * gain.view(-1, 1, 1, 1), offset

    def filters(self):
        """Spatial filters, temporal filters and offsets, the first batch normalisation included."""
        gain, offset = affine(self.bnorm_temporal)
        spatial = self.conv_spatial.weight[:, 0, :, 0]
        filters = (self.conv_temporal.weight[:, 0, 0] * gain.unsqueeze(1)).repeat_interleave(self.D, 0)
        return spatial, filters, offset.repeat_interleave(self.D, 0) * spatial.sum(1)

    def separable(self):
        """Weights of the depthwise and the pointwise convolution of the second block, as one convolution."""
        return self.conv_separable_point.weight * self.conv_separable_depth.weight.transpose(0, 1)


def classify(final_layer, x):
    """Outputs of the last layers; after a convolution over all that is left, the others only drop axes."""
    if final_layer._modules.keys() <= {"conv_classifier", "permute_back", "squeeze"}:
        y = final_layer.conv_classifier(x)
        if y.shape[2:] == (1, 1):
            return y.flatten(1)
    return final_layer(x)


def affine(norm):
    """Factor and offset by which a batch normalisation acts with its running statistics."""
    gain = (norm.running_var + norm.eps).rsqrt() * norm.weight
    return gain, norm.bias - norm.running_mean * gain


BLOCKS = {
    CombinedConv: MergedConv,
    Deep4Net: MergedDeep4Net,
    EEGNet: SpatialFirstEEGNet,
    ShallowFBCSPNet: MergedShallowFBCSPNet,
}
