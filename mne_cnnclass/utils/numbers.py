"""Numbers among parameters, and runs of equal ones in arrays."""

import numpy as np
from sklearn.utils import check_scalar


def check_number(value, name, kind, **bounds):
    """`sklearn.utils.check_scalar`, to which True is a count and NaN within any bounds."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a number, got {value!r}.")
    check_scalar(value, name, kind, **bounds)
    if value != value:
        raise ValueError(f"{name} must be a number, got {value!r}.")


def adjacent(rows):
    """Numbers of rows as a slice if they are in order and adjacent, so that indexing copies nothing."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows) and (np.diff(rows) == 1).all():
        return slice(rows[0], rows[-1] + 1)
    return rows


def runs(values):
    """Slices of the stretches of an array in which one value stands."""
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1), len(values)]
    return [slice(start, stop) for start, stop in zip(edges[:-1], edges[1:], strict=True) if start < stop]
