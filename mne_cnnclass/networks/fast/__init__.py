"""Exact rewrites: the same networks in less time on a CPU.

A rewrite replaces the class of a module, so parameters, buffers and their names stay those of the original.
Results agree up to rounding.
"""

from torch.nn.utils.parametrize import is_parametrized

from .convolutions import trial
from .layers import LAYERS

__all__ = ["accelerate", "accelerated_layers", "trial"]


def accelerate(module):
    """Replace what can be computed faster, in place.

    Only layers of exactly the class that a rewrite knows are replaced, not those of a class derived from it
    (other than by a constraint of the weights), and only with settings that the rewrite covers.
    """
    for layer in module.modules():
        fast = _rewrite_of(layer)
        if fast is not None:
            layer.__class__ = fast


def accelerated_layers(module):
    """Name of the rewrite by name of each replaced layer; that of the network itself is ``""``."""
    return {
        name: type(layer).__name__
        for name, layer in module.named_modules()
        if type(layer).__module__.startswith(__name__ + ".")
    }


def _rewrite_of(layer):
    """The class to compute a layer by, or None."""
    cls = type(layer)
    if cls.__module__.startswith("braindecode.") and not is_parametrized(layer):
        from .braindecode_blocks import BLOCKS

        return BLOCKS.get(cls)
    for original, fast in LAYERS:
        if cls is original and fast.replaces(layer):
            return fast
        # torch gives a layer whose weights are computed, by a max-norm for instance, a class of its own
        if is_parametrized(layer) and _computes_like(cls, original) and fast.replaces(layer):
            return type(fast.__name__, (fast, cls), {"__module__": fast.__module__})
    return None


def _computes_like(cls, original):
    """Whether a class inherits all of the computation, that of convolutions being in two methods."""
    return issubclass(cls, original) and all(
        getattr(cls, method, None) is getattr(original, method, None)
        for method in ("forward", "_conv_forward")
    )
