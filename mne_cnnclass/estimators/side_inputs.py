"""Numbers known of samples besides their signals, or computed of them, on their way to a network."""

from itertools import compress

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_array

from ..samples.blocks import check_finite
from ..utils.warn import warn


class SideScaler:
    """Standardise side inputs: metadata columns ``names``, and what ``transformers`` compute of signals.

    Each column is standardised by its mean and standard deviation over the training samples, then clipped to
    ±3, so that no number lies far beyond those that a network was trained on. A column that is constant there
    becomes zero everywhere, as a network learns nothing of it.
    """

    LARGEST = 3.0  # standard deviations

    def __init__(self, names, transformers=()):
        self.names, self.transformers = list(names), list(transformers)

    def fit(self, side, X=None, y=None, *, quiet=False):
        """Fit clones of the transformers, and measure the columns, ``side``, of the training samples.

        Sets ``mean_`` and ``scale_`` (infinite for a constant column), of shape (n_side,), and
        ``transformers_``.
        """
        self.transformers_ = [clone(transformer).fit(X, y) for transformer in self.transformers]
        side = self._with_features(side, X)
        self.mean_, deviation = side.mean(axis=0), side.std(axis=0)
        constant = deviation <= 1e-12 * np.abs(self.mean_)
        if not quiet and constant.any():
            features = [f"column {k} of the transformers" for k in range(side.shape[1] - len(self.names))]
            names = map(repr, compress([*self.names, *features], constant))
            warn(
                f"Constant side input(s) {', '.join(names)}: the same number for all training "
                "samples. They carry no information and are taken as zero; leave them out of side_inputs.",
            )
        self.scale_ = np.where(constant, np.inf, deviation)
        return self

    def transform(self, side, X=None):
        """Standardised numbers, float32 of shape (n_samples, n_side)."""
        side = self._with_features(side, X)
        return ((side - self.mean_) / self.scale_).clip(-self.LARGEST, self.LARGEST).astype(np.float32)

    def _with_features(self, side, X):
        """Columns, and what the fitted transformers make of the signals."""
        try:
            tables = [check_array(fitted.transform(X), dtype=np.float64) for fitted in self.transformers_]
        except Exception:
            check_finite(X)  # NaN are not left to a transformer to describe
            raise
        return np.hstack([side, *tables])
