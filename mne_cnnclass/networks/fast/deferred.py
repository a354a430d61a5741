"""Temporal filters that wait for the spatial ones.

Many networks send every channel through every filter of a bank, normalise, and mix the channels. All of
that is linear, so mixing first gives the same with one signal a mixture instead of one a channel and filter.
As the layers do not know of each other, the first returns a `Deferred`, which the next complete.
"""

import torch
from torch.nn import functional

from .functions import Filtering
from .moments import filtered_moments
from .spectral import convolve


class Deferred(torch.Tensor):
    """What filters will make of signals (n, n_rows, n_times), computed when more than its shape is needed.

    Filters have the shape (n_filters, k), their ``offset`` (or None) is added, ``padding`` is the number of
    zeros before and after the signals. If ``turned``, the value has times as third axis and rows as fourth.
    ``uses`` is where it is noted what became of it: "mixed", or "value" if the filters could not wait.
    """

    @staticmethod
    def __new__(cls, x, filters, offset, padding, turned, uses):
        n, n_rows, n_times = x.shape
        n_out = n_times + sum(padding) - filters.shape[1] + 1
        shape = (n, len(filters), n_out, n_rows) if turned else (n, len(filters), n_rows, n_out)
        needs_gradient = torch.is_grad_enabled() and filters.requires_grad
        deferred = torch.Tensor._make_subclass(cls, x.new_empty(1).expand(shape), needs_gradient)
        if needs_gradient:
            with torch._C.DisableTorchFunctionSubclass():
                deferred.register_hook(_refuse)
        deferred.parts, deferred.uses = (x, filters, offset, padding, turned), uses
        return deferred

    def value(self):
        """The tensor."""
        x, filters, offset, padding, turned = self.parts
        self.uses.append("value")
        y = functional.conv2d(functional.pad(x, padding).unsqueeze(1), filters[:, None, None], offset)
        return y.transpose(2, 3).contiguous() if turned else y

    def normalised(self, running_mean, running_var, weight, bias, training, momentum, eps):
        """After batch normalisation, as `torch.nn.functional.batch_norm` takes it; still deferred."""
        x, filters, offset, padding, turned = self.parts
        if training:
            mean, variance, n = filtered_moments(x, filters, padding)
            mean = mean if offset is None else mean + offset
            mean, variance = mean.to(x.dtype), variance.to(x.dtype)
            if running_mean is not None:
                with torch.no_grad():
                    running_mean.lerp_(mean, momentum)
                    running_var.lerp_(variance * (n / (n - 1)), momentum)
        else:
            mean, variance = running_mean, running_var
        gain = (variance + eps).rsqrt()
        gain = gain if weight is None else gain * weight
        offset = -mean * gain if offset is None else (offset - mean) * gain
        offset = offset if bias is None else offset + bias
        return Deferred(x, filters * gain.unsqueeze(1), offset, padding, turned, self.uses)

    def mixed(self, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        """After a convolution that spans the rows, with the arguments of `torch.conv2d`; None for others."""
        x, filters, offset, time_padding, turned = self.parts
        if turned:
            weight = weight.transpose(2, 3)
        n_out, n_each, n_rows, k = weight.shape
        plain = all(s in (1, (1, 1), [1, 1]) for s in (stride, dilation))
        if not (plain and padding in (0, (0, 0), [0, 0], "valid") and n_rows == x.shape[1] and k == 1):
            return None
        if groups == len(filters) and n_out < len(filters) * n_rows:
            spatial, repeats = weight[:, 0, :, 0], n_out // groups
            mixed = spatial.sum(1) * (0 if offset is None else offset.repeat_interleave(repeats))
            y = Filtering.apply(x, spatial, filters.repeat_interleave(repeats, 0), mixed, time_padding)
            y = y if bias is None else y + bias.unsqueeze(1)
        elif groups == 1:
            spatial = weight[..., 0]
            merged = torch.einsum("ofc,fk->ock", spatial, filters)
            mixed = None if offset is None else torch.einsum("ofc,f->o", spatial, offset)
            mixed = bias if mixed is None else mixed if bias is None else mixed + bias
            x = x.unsqueeze(2)
            y = convolve(x, merged, mixed, time_padding)
            if y is None:
                y = functional.conv2d(functional.pad(x, time_padding), merged.unsqueeze(2), mixed)
            y = y.squeeze(2)
        else:
            return None
        self.uses.append("mixed")
        return y.unsqueeze(3 if turned else 2)

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in ABOUT_SHAPE:
            with torch._C.DisableTorchFunctionSubclass():
                return function(*args, **kwargs)
        first = args[0] if args else None
        if type(first) is cls:
            if function is functional.batch_norm:
                return first.normalised(*args[1:], **kwargs)
            if function is torch.conv2d:
                y = first.mixed(*args[1:], **kwargs)
                if y is not None:
                    return y
        return function(*_values(args), **_values(kwargs))


def _refuse(gradient):
    """Gradients go to the filters from what completes a Deferred; here they come if it was taken as it is."""
    raise RuntimeError(
        "The network was changed since it was built, so that a function that torch does not see "
        "through follows a temporal convolution. Build it again, or set accelerate=False."
    )


def _values(x):
    """Deferred tensors replaced by their values, in nested arguments, too."""
    if type(x) is Deferred:
        return x.value()
    if isinstance(x, (list, tuple)):
        return type(x)(map(_values, x))
    return {key: _values(value) for key, value in x.items()} if isinstance(x, dict) else x


ABOUT_SHAPE = {
    torch.Tensor.dim,
    torch.Tensor.size,
    torch.Tensor.numel,
    *(getattr(torch.Tensor, name).__get__ for name in ("shape", "ndim", "dtype", "device", "requires_grad")),
}
