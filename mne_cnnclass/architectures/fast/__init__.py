"""Exact rewrites: the same networks in less time on a CPU.

A rewrite replaces the class of a module, so parameters, buffers and their names stay those of the original.
Results agree up to rounding.
"""

from __future__ import annotations

from .layers import LAYERS

__all__ = ["accelerate", "accelerated_layers"]


def accelerate(module):
    """Replace what can be computed faster, in place.

    Only layers of exactly the class that a rewrite knows are replaced, not those of a class derived from it,
    and only with settings that the rewrite covers; all others stay as they are.

    Parameters
    ----------
    module : torch.nn.Module
        A network.

    See Also
    --------
    accelerated_layers : What was replaced.
    """
    for layer in module.modules():
        fast = _rewrite_of(layer)
        if fast is not None:
            layer.__class__ = fast


def accelerated_layers(module):
    """What was replaced in a network.

    Parameters
    ----------
    module : torch.nn.Module
        A network.

    Returns
    -------
    layers : dict of str
        Name of the rewrite by name of the layer; that of the network itself is ``""``.
    """
    return {
        name: type(layer).__name__
        for name, layer in module.named_modules()
        if type(layer).__module__.startswith(__name__ + ".")
    }


def _rewrite_of(layer):
    """The class to compute a layer by, or None."""
    cls = type(layer)
    if cls.__module__.startswith("braindecode."):
        from .braindecode_blocks import BLOCKS

        return BLOCKS.get(cls)
    return next((fast for original, fast in LAYERS if cls is original and fast.replaces(layer)), None)
