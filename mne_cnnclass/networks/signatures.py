"""Which arguments the constructor of an architecture takes."""

import inspect

from torch import nn

# What braindecode calls the properties of the input; everything else is a parameter of the model itself.
SIGNAL = ("n_chans", "n_outputs", "n_times", "sfreq", "chs_info", "input_window_seconds")


def accepted_parameters(cls):
    """Names that the constructor and its parents take, and whether it takes any other name as well."""
    names = []
    for parent in cls.__mro__:
        if "__init__" not in vars(parent):
            continue
        parameters = list(inspect.signature(parent.__init__).parameters.values())[1:]
        names += [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return list(dict.fromkeys(names)), False
        if parent is nn.Module:
            break
    return list(dict.fromkeys(names)), True


def own_parameters(cls):
    """Names of the parameters that are no property of the input."""
    return [name for name in accepted_parameters(cls)[0] if name not in SIGNAL]
