"""Which arguments the constructor of an architecture takes."""

import inspect

from torch import nn

# What braindecode calls the properties of the input; everything else is a parameter of the model itself.
SIGNAL = ("n_chans", "n_outputs", "n_times", "sfreq", "chs_info", "input_window_seconds")


def accepted_parameters(cls):
    """Names that the constructor and its parents take, and whether it takes any other name as well."""
    names, takes_all = [], True
    for parent in (parent for parent in cls.__mro__ if "__init__" in vars(parent)):
        parameters = list(inspect.signature(parent.__init__).parameters.values())[1:]
        names += [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
        if parent is nn.Module or not takes_all:
            break
    return list(dict.fromkeys(names)), takes_all


def own_parameters(cls):
    """Names of the parameters that are no property of the input."""
    return [name for name in accepted_parameters(cls)[0] if name not in SIGNAL]
