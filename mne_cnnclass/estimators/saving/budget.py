"""A limit on memory and work while the network of a file is built."""

import contextlib
import math
import threading

import torch
from torch.nn.modules import module as registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.flop_counter import flop_registry

MOST_FLOPS = 2e12  # of the trial runs after building, some ten seconds
MOST_BYTES = 2**30  # of one tensor, besides what the file itself holds
# Up to these, an architecture with its default parameters can't exceed that, and nothing is predicted: for
# that, torch imports much, once, in more than a second.
USUAL_TIMES, USUAL_VALUES, USUAL_SFREQ = 2**12, 2**18, 2**12


class BudgetError(Exception):
    """A network would need more than its file accounts for."""


@contextlib.contextmanager
def within_budget(tensors, architecture):
    """Build a network of no more layers and no larger tensors than those in its file account for.

    A file of some kB can name a network of some TB. So the size of what each operation of torch returns, and
    the work that it takes, are found before it is done, on torch's ``meta`` device, and layers and parameters
    are counted when they are registered. A network that exceeds that is a BudgetError.
    """
    most_bytes = MOST_BYTES + sum(tensor.nbytes for tensor in tensors.values())
    left = 200 + 20 * len(tensors)
    thread = threading.get_ident()

    def count(*registered):
        nonlocal left
        if threading.get_ident() == thread:  # others may build networks of their own
            left -= 1
            if left < 0:
                raise BudgetError(f"it has far more layers than the {len(tensors)} tensors in the file")

    with contextlib.ExitStack() as stack:
        for register in (
            registration.register_module_module_registration_hook,
            registration.register_module_parameter_registration_hook,
        ):
            stack.callback(register(count).remove)
        if not _is_usual(**architecture):
            stack.enter_context(_Limit(most_bytes))
        yield


def _is_usual(*, params, n_chans, n_times, sfreq, **_others):
    few = n_times <= USUAL_TIMES and n_chans * n_times <= USUAL_VALUES
    return few and not params and (sfreq or 0) <= USUAL_SFREQ


class _Limit(TorchDispatchMode):
    """Let no operation return more than some bytes, and all together take no more than some work."""

    def __init__(self, most_bytes):
        super().__init__()
        self.most_bytes, self.flops = most_bytes, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        n_bytes, flops = _predict(func, args, kwargs)
        self.flops += flops
        if n_bytes > self.most_bytes:
            raise BudgetError(f"it takes a tensor of {n_bytes / 2**30:.3g} GB")
        if self.flops > MOST_FLOPS:
            raise BudgetError(f"it takes more than {MOST_FLOPS:g} floating-point operations to try it out")
        return func(*args, **kwargs)


def _predict(func, args, kwargs):
    """Bytes that an operation will return, and its work; 0 where torch can't know without doing it."""
    args, kwargs = tree_map(_as_meta, (args, kwargs))
    names = [argument.name for argument in func._schema.arguments]
    if "device" in names:
        kwargs["device"] = "meta"
    if kwargs.get("generator") is not None:
        kwargs["generator"] = None
    try:
        returned = func(*args, **kwargs)
    except (RuntimeError, TypeError, ValueError):  # the operation itself will raise it
        return 0, 0
    n_bytes = sum(x.untyped_storage().nbytes() for x in tree_leaves(returned) if isinstance(x, torch.Tensor))
    weight = dict(zip(names, args, strict=False)).get("weight")
    if isinstance(weight, torch.Tensor) and isinstance(returned, torch.Tensor):
        return n_bytes, 2 * returned.numel() * math.prod(weight.shape[1:])  # convolutions and linear layers
    count = flop_registry.get(func.overloadpacket)
    return n_bytes, 0 if count is None else count(*args, **kwargs, out_val=returned)


def _as_meta(x):
    if not isinstance(x, torch.Tensor):
        return x
    return torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device="meta")
