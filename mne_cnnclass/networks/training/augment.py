"""Augmentations applied: transforms made from their names, and what they do to a training batch."""

import copy

import numpy as np
import torch

from ..augmentations import AUGMENTATIONS, Rule, is_named, listed
from .batches import parts


def make_transforms(augmentation, problem):
    """Make functions of batches from what a user asks for; mixup last, as none can follow shares of classes.

    ``problem`` is what is known of the samples: ``n_times``, ``classes``, and ``sfreq`` and ``chs_info`` or
    None.
    """
    made = [_make(one, problem) if is_named(one) else one for one in listed(augmentation)]
    if sum(map(mixes, made)) > 1:
        raise ValueError(
            "augmentation can have one mixup only, as labels that are mixed can't be mixed again."
        )
    return sorted(made, key=mixes)


def _make(one, problem):
    name, own = (one, {}) if isinstance(one, str) else (one[0], dict(one[1]))
    if name not in AUGMENTATIONS:
        raise ValueError(f"There is no augmentation {name!r}; there are {', '.join(AUGMENTATIONS)}.")
    from . import transforms

    known = AUGMENTATIONS[name]
    if not own.keys() <= known.parameters.keys():
        raise ValueError(
            f"augmentation {name!r} has the parameters {', '.join(known.parameters)}; got {', '.join(own)}."
        )
    try:
        rules = {
            key: value.value(problem) if isinstance(value, Rule) else value
            for key, value in known.parameters.items()
            if key not in own
        }
        return getattr(transforms, known.implementation)(**rules, **own)
    except (AssertionError, TypeError, ValueError) as error:
        raise ValueError(f"augmentation {name!r}: {error}") from error


def mixes(transform):
    """Whether it is braindecode's Mixup, which is not imported to find out."""
    return any(cls.__name__ == "Mixup" and "braindecode" in cls.__module__ for cls in type(transform).mro())


def _chooses(transform):
    """Whether braindecode's own method applies it to some samples of a batch, each for itself."""
    forward = getattr(type(transform), "forward", None)
    usual = getattr(forward, "__qualname__", "") == "Transform.forward"
    return usual and forward.__module__.startswith("braindecode.") and not mixes(transform)


def _apply(transform, x, y):
    """Do what a call does, but in place and in less time; new labels, and the samples that were chosen."""
    rows = np.flatnonzero(transform.rng.uniform(size=len(x)) < transform.probability)
    if not len(rows):
        return y, rows
    chosen = x[rows], y[rows]
    x[rows], new = transform.operation(*chosen, **transform.get_augmentation_params(*chosen))
    y = y.clone()
    y[rows] = new
    return y, rows


def _checked(transform, result, x):
    """What a function of the user's own returned, which has to be a batch like the one that it got."""
    name = getattr(transform, "__name__", type(transform).__name__)
    if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], torch.Tensor)):
        raise TypeError(
            f"The augmentation {name} must return (x, y), a tensor of signals and the class numbers, got a "
            f"{type(result).__name__}."
        )
    if result[0].shape != x.shape:
        raise ValueError(
            f"The augmentation {name} must keep the shape of the signals, {tuple(x.shape)}, got "
            f"{tuple(result[0].shape)}."
        )
    return result


def own_copies(transforms):
    """Copies of transforms for one training, with random states that its seed decides.

    A transform of braindecode without a seed of its own holds numpy's global state, and a copy of it that
    scikit-learn's `clone` made would keep the state of that moment.
    """
    copies = copy.deepcopy(transforms)
    for part in random_parts(copies):
        part.rng = np.random.RandomState(np.random.randint(2**31 - 1))  # noqa: NPY002
    return copies


def random_parts(transforms):
    """Those parts of transforms that have a random state of their own, ``rng``."""
    for transform in transforms:
        for part in transform.modules() if isinstance(transform, torch.nn.Module) else [transform]:
            if hasattr(part, "rng"):
                yield part


def augment(inputs, y, transforms, *, class_weight=None, summarize=None):
    """Change a training batch by transforms, in their order.

    ``inputs`` are the signals ``x`` and what goes along with them. A sample whose label changes gets the
    ``class_weight`` of its new class, and the ``summary`` of a changed sample is computed anew. Where samples
    are mixed, the new labels are a tuple of the labels, those of the partners and the share of the first, and
    the new inputs hold the ``partner_weight``.
    """
    inputs = dict(inputs)
    x, changed = inputs["x"], np.zeros(len(y), dtype=bool)
    for transform in transforms:
        rows = slice(None)
        if mixes(transform):
            # numbers of samples in place of labels, so that it tells who is mixed with whom
            x, (_, partner, share) = transform(x, torch.arange(len(x), device=x.device))
            inputs["partner_weight"] = inputs["weight"][partner]
            y = y, y[partner], share
        else:
            before = y
            if _chooses(transform):
                y, rows = _apply(transform, x, y)
            else:
                x, y = _checked(transform, transform(x, y), x)
            if class_weight is not None and isinstance(y, torch.Tensor):
                # 0 / 0 is of samples that do not count
                ratio = (class_weight[y] / class_weight[before]).nan_to_num(0.0, 0.0)
                inputs["weight"] = inputs["weight"] * ratio
        changed[rows] = True
    inputs["x"] = x
    if "summary" in inputs:
        changed = np.flatnonzero(changed)
        summary = inputs["summary"] = inputs["summary"].clone()
        for part in parts(len(changed), x[0].numel()):
            summary[changed[part]] = summarize(x[changed[part]])
    return inputs, y
