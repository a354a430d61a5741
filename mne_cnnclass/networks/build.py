"""From the name or the class of an architecture to a module that is known to take its input."""

import difflib
import importlib
import inspect
import time

import numpy as np
import torch
from torch import nn

from ..utils.warn import warn
from . import fast
from .braindecode_models import REFUSED, braindecode_classes, default_params, quiet_braindecode
from .catalog import N_FOLDS, OWN
from .ensemble import join
from .limits import explain_refusal
from .one_channel import corrected
from .side_inputs import N_FEATURES, WithSideInputs
from .signatures import accepted_parameters, own_parameters
from .symmetry import LeftRightSymmetric

SECONDS_TO_EXPLAIN = 20.0  # a large network is not tried out for longer; its own error has to do


def resolve_model(model):
    """The class of an architecture by its name in `list_models`, or the class itself."""
    if isinstance(model, type) and issubclass(model, nn.Module):
        return model
    if isinstance(model, nn.Module):
        raise TypeError(
            f"model must be a class, got an instance of {type(model).__name__}: pass the class, and its "
            "arguments as model_params, so that every fit starts with a new network."
        )
    if not isinstance(model, str):
        raise TypeError(f"model must be a name or a subclass of torch.nn.Module, got {model!r}.")
    if model in OWN:
        return getattr(importlib.import_module(f".{OWN[model]}", __package__), model)
    if model in REFUSED:
        raise ValueError(f"{model} can't classify epochs: {REFUSED[model]}.")
    classes = braindecode_classes()
    if model not in classes:
        names = {name.lower(): name for name in [*OWN, *classes] if name not in REFUSED}
        close = [names[match] for match in difflib.get_close_matches(model.lower(), names, cutoff=0.5)]
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise ValueError(
            f"There is no model {model!r}; {hint}mne_cnnclass.list_models() lists all. Give a class of "
            "your own itself, not its name."
        )
    return classes[model]


def build_module(
    model,
    params=None,
    *,
    n_chans,
    n_outputs,
    n_times,
    sfreq=None,
    chs_info=None,
    n_side=0,
    mirror=None,
    n_members=1,
    n_networks=None,
    accelerate=False,
    explain=True,
):
    """Build a network and make sure that it works for the input.

    ``model`` is a name from :func:`~mne_cnnclass.list_models`, or a class whose constructor takes those
    of the next arguments that it names; ``params`` are further ones, and take precedence. Positions in
    ``chs_info`` are passed on only if every channel has one. With ``n_side`` side inputs, the
    architecture has ``N_FEATURES`` outputs and is put into `WithSideInputs`; ``mirror`` has the
    ``permutation`` of channels and the ``swapped`` classes for `LeftRightSymmetric`; ``accelerate``
    computes the same in less time where a way is known; ``n_networks`` is how
    many `MultiViewCNN` has. ``explain=False``, for an input that was taken
    once, does not try what is needed.

    The module is in training mode, and returns logits of shape (n_samples, n_outputs) for input of shape
    (n_samples, n_chans, n_times), and with side inputs a second one of shape (n_samples, n_side).
    An unknown model or parameter, or a network that can't take the input, is a TypeError or ValueError.

    >>> from mne_cnnclass.networks.build import build_module
    >>> module = build_module("EEGNet", {"F1": 4}, n_chans=3, n_outputs=2, n_times=256)
    >>> build_module("EEGNet", n_chans=3, n_outputs=2, n_times=8)
    Traceback (most recent call last):
        ...
    ValueError: EEGNet needs windows of at least 27 time points with these parameters, got 8 time points.
    """
    if n_members > 1:
        of_each = dict(n_chans=n_chans, n_outputs=n_outputs, n_times=n_times, sfreq=sfreq, chs_info=chs_info)
        of_each |= dict(n_side=n_side, mirror=mirror, accelerate=accelerate, explain=explain)
        return join([build_module(model, params, **of_each) for _ in range(n_members)])
    cls = resolve_model(model)
    params = dict(params or {})
    check_parameter_names(cls, params)
    if model == "MultiViewCNN":
        how = dict(n_side=n_side, mirror=mirror, accelerate=accelerate, explain=explain)
        how |= dict(n_chans=n_chans, n_outputs=n_outputs, n_times=n_times, sfreq=sfreq, chs_info=chs_info)
        return cls.assembled(build_module, n_networks or params.get("n_networks", N_FOLDS), params, **how)
    signal = dict(
        n_chans=n_chans,
        n_outputs=N_FEATURES if n_side else n_outputs,
        n_times=n_times,
        sfreq=sfreq,
        chs_info=without_partial_positions(chs_info),
    )

    module = None
    try:
        with quiet_braindecode():
            module = _construct(cls, params, signal, accelerate)
            logits = _try_out(module, signal)
    except _WrongOutput as error:
        raise ValueError(f"{cls.__name__} {error}") from None
    except Exception as error:  # architectures raise what they like
        clause = _explain(cls, params, signal) if explain else None
        if clause is None:
            what = "can't be built from" if module is None else "was built, but fails on a batch of"
            clause = f"{what} {_describe(signal)} with model_params={params}: {_first_line(error)}"
        raise ValueError(f"{cls.__name__} {clause.rstrip('.')}.") from error
    if explain and n_outputs > 1 and _are_probabilities(logits):
        warn(
            f"{cls.__name__} returns values that sum to one, as after a softmax, but the loss takes logits "
            "and applies a softmax itself: the network learns slowly, and its probabilities are wrong. Leave "
            "the softmax out of forward.",
        )
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise ValueError(f"{cls.__name__} has no parameters to train.")
    if n_side:
        module = WithSideInputs(module, n_side, n_outputs)
    return module if mirror is None else LeftRightSymmetric(module, **mirror)


def _explain(cls, params, signal):
    """What the architecture needs, found by trying; None if that takes too long or nothing helps."""
    started = time.monotonic()

    def works(**changes):
        if time.monotonic() - started > SECONDS_TO_EXPLAIN:
            raise TimeoutError
        return takes(cls, params, {**signal, **changes})

    try:
        return explain_refusal(works, signal)
    except TimeoutError:
        return None


class _WrongOutput(Exception):
    """The network runs, but what it returns are no logits."""


def takes(cls, params, signal):
    """Whether a network of this class can be built for the signal and works."""
    with quiet_braindecode():
        try:
            _try_out(_construct(cls, params, signal), signal)
        except Exception:  # architectures raise what they like; here it only counts that they do
            return False
    return True


def _construct(cls, params, signal, accelerate=False):
    """A network of this class, with what its constructor takes of the signal's properties."""
    accepted, takes_all = accepted_parameters(cls)
    # an unknown sampling frequency is passed on as None, so that no default is taken for it
    known = {k: v for k, v in signal.items() if v is not None or k == "sfreq"}
    arguments = {k: v for k, v in known.items() if takes_all or k in accepted}
    arguments |= default_params(cls, signal["n_chans"]) | params
    inspect.signature(cls).bind(**arguments)
    module = corrected(cls, signal["n_chans"])(**arguments)
    if accelerate:
        fast.accelerate(module)
    return module


def _try_out(module, signal):
    """Logits of a run on noise as in training, after one as at prediction; buffers stay as they were."""
    generator = torch.Generator().manual_seed(0)
    with fast.trial(module), torch.no_grad():
        for training, n_samples in [(False, 1), (True, 2)]:
            module.train(training)
            # the first run comes before, since it may be what gives lazy layers their buffers
            buffers = {name: buffer.clone() for name, buffer in module.named_buffers()} if training else {}
            x = torch.randn(n_samples, signal["n_chans"], signal["n_times"], generator=generator)
            logits = module(x)
            for name, buffer in buffers.items():
                module.get_buffer(name).copy_(buffer)
            expected = (n_samples, signal["n_outputs"])
            if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != expected:
                came = f"shape {tuple(logits.shape)}" if hasattr(logits, "shape") else type(logits).__name__
                raise _WrongOutput(
                    f"must return logits of shape {expected} for {n_samples} sample(s) and "
                    f"n_outputs={signal['n_outputs']}, but returned {came}."
                )
            if not logits.isfinite().all():
                raise FloatingPointError("the outputs are not finite")
    return logits


def _are_probabilities(logits):
    return bool((logits >= 0).all() and torch.allclose(logits.sum(dim=1), torch.ones(len(logits)), atol=1e-4))


def check_parameter_names(cls, params):
    """Refuse parameters that an architecture does not take, or that the samples determine."""
    given = [name for name in ("n_chans", "n_outputs", "n_times", "chs_info") if name in params]
    if given:
        raise ValueError(
            f"model_params has {', '.join(given)}, which the samples determine. Leave it out; to use fewer "
            "channels, pick them."
        )
    names, takes_all = accepted_parameters(cls)
    unknown = [name for name in params if name not in names]
    if unknown and not takes_all:
        close = [match for name in unknown for match in difflib.get_close_matches(name, names, n=1)]
        hint = f" Did you mean {' and '.join(close)}?" if close else ""
        own = ", ".join(own_parameters(cls)) or "none"
        raise ValueError(
            f"{cls.__name__} has no parameter {', '.join(unknown)}.{hint} Its parameters: {own}."
        )


def without_partial_positions(chs_info):
    """The channels without any positions unless each has one: most models can't tell a missing one."""
    if chs_info is None:
        return None
    places = np.array([ch.get("loc", np.full(3, np.nan))[:3] for ch in chs_info], dtype=float)
    if len(places) and np.isfinite(places).all() and places.any(axis=1).all():
        return list(chs_info)
    return [{key: value for key, value in ch.items() if key != "loc"} for ch in chs_info]


def _describe(signal):
    rate = "" if signal["sfreq"] is None else f" at {signal['sfreq']:g} Hz"
    channels, times = f"{signal['n_chans']} channel(s)", f"{signal['n_times']} time points{rate}"
    return f"{channels}, {times} and {signal['n_outputs']} classes"


def _first_line(error):
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
