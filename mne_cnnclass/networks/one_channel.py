"""One fault of braindecode put right: two of its models fail on a single channel."""

import functools

from .braindecode_models import is_braindecodes


def corrected(cls, n_chans):
    """The class with its fault put right, if it is one that has one for so many channels; else the class."""
    if n_chans == 1 and cls.__name__ in ("Deep4Net", "ShallowFBCSPNet") and is_braindecodes(cls):
        return _for_one_channel(cls)
    return cls


@functools.cache
def _for_one_channel(cls):
    """Make ShallowFBCSPNet or Deep4Net work on one channel.

    Their first layer merges a temporal and a spatial convolution and computes its bias after a ``squeeze``
    that takes the channels away, too, if there is only one. The layer that makes them fast does not.
    """
    from braindecode.modules import CombinedConv

    from .fast.braindecode_blocks import MergedConv

    class OneChannel(cls):
        def add_module(self, name, module):
            if type(module) is CombinedConv:
                module.__class__ = MergedConv
            super().add_module(name, module)

    OneChannel.__name__ = OneChannel.__qualname__ = cls.__name__
    OneChannel.__doc__ = cls.__doc__
    return OneChannel
