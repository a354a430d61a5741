"""Numbers among parameters."""

import numpy as np
from sklearn.utils import check_scalar


def check_number(value, name, kind, **bounds):
    """`sklearn.utils.check_scalar`, to which True is a count and NaN within any bounds."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a number, got {value!r}.")
    check_scalar(value, name, kind, **bounds)
    if value != value:
        raise ValueError(f"{name} must be a number, got {value!r}.")
