"""Fitted trees of scikit-learn as plain arrays, which can be saved without pickle."""

import numpy as np

ARRAYS = ("root", "feature", "threshold", "left", "right", "value")
PACKED = ("root", "feature", "threshold", "step", "value", "start")  # what a file has
FLOOR = 1e-3  # added to probabilities of a forest, few of whose leaves hold a rare class
ROWS = 512  # samples at a time


class TreeArrays:
    """Trees of a forest and of gradient boosting, and the mean of the logarithms of their probabilities.

    ``root`` is the first node of each tree, and those before ``n_forest`` are of the forest. A node sends a
    sample to ``left`` if its ``feature`` is at most ``threshold``; a leaf sends all to itself, and adds its
    ``value`` of each class. ``start`` is what boosting begins with, ``depth`` how many nodes a sample passes.
    """

    def __init__(self, arrays, n_forest, depth):
        self.arrays, self.n_forest, self.depth = arrays, n_forest, depth

    @classmethod
    def of(cls, forest, boosting):
        """Those of a fitted ExtraTreesClassifier and a fitted GradientBoostingClassifier."""
        n_classes = len(forest.classes_)
        frequency = boosting.init_.class_prior_
        start = np.log(frequency) if n_classes > 2 else np.array([0.0, np.log(frequency[1] / frequency[0])])
        trees = [(one.tree_, one.tree_.value[:, 0]) for one in forest]
        for row in boosting.estimators_:
            for k, one in enumerate(row, int(n_classes == 2)):  # of two classes, only the second has trees
                value = np.zeros((one.tree_.node_count, n_classes))
                value[:, k] = boosting.learning_rate * one.tree_.value[:, 0, 0]
                trees.append((one.tree_, value))
        root = np.cumsum([0, *(tree.node_count for tree, _ in trees[:-1])])
        parts = {name: [] for name in ARRAYS[1:]}
        for first, (tree, value) in zip(root, trees, strict=True):
            is_leaf, own = tree.children_left < 0, first + np.arange(tree.node_count)
            parts["feature"].append(np.where(is_leaf, 0, tree.feature))
            parts["threshold"].append(np.where(is_leaf, 0.0, _round_down(tree.threshold)))
            parts["left"].append(np.where(is_leaf, own, first + tree.children_left))
            parts["right"].append(np.where(is_leaf, own, first + tree.children_right))
            parts["value"].append(np.where(is_leaf[:, None], value, 0.0))
        arrays = {name: np.concatenate(part) for name, part in parts.items()}
        arrays |= {name: arrays[name].astype(np.int32) for name in ("feature", "left", "right")}
        arrays |= dict(threshold=arrays["threshold"].astype(np.float32), value=arrays["value"].astype("f2"))
        depth = max(tree.max_depth for tree, _ in trees)
        return cls(arrays | dict(root=root.astype(np.int32), start=start), len(forest), int(depth))

    def packed(self):
        """The arrays for a file: of two children the left is the next node, as scikit-learn numbers them."""
        a = self.arrays
        step = a["right"] - np.arange(len(a["right"]))  # 0 of a leaf
        return {name: (a | dict(feature=_small(a["feature"]), step=_small(step)))[name] for name in PACKED}

    @classmethod
    def unpacked(cls, arrays, n_forest, depth):
        """Those of such arrays."""
        if arrays.keys() != set(PACKED) or arrays["step"].shape != arrays["feature"].shape:
            raise ValueError("these are no trees")
        arrays = dict(arrays)
        step = arrays.pop("step").astype(np.int32)
        own = np.arange(len(step), dtype=np.int32)
        children = dict(left=own + (step > 0), right=own + step)
        return cls(arrays | children | dict(feature=arrays["feature"].astype(np.int32)), n_forest, depth)

    def check(self, n_features, n_classes):
        """Raise a ValueError if the arrays are of no trees of so many numbers and classes."""
        a, n = self.arrays, len(self.arrays["feature"])
        n_trees = len(a["root"])
        shapes = dict.fromkeys(ARRAYS, (n,)) | dict(root=(n_trees,), value=(n, n_classes), start=(n_classes,))
        fits = {name: value.shape for name, value in a.items()} == shapes
        for name, most in dict(root=n, left=n, right=n, feature=n_features).items():
            fits = fits and a[name].dtype.kind == "i" and ((a[name] >= 0) & (a[name] < most)).all()
        for name in ("threshold", "value", "start"):
            fits = fits and a[name].dtype.kind == "f" and np.isfinite(a[name]).all()
        numbers = type(self.n_forest) is int and type(self.depth) is int
        if not (fits and numbers and 0 < self.n_forest < n_trees and 0 < self.depth < 1000):
            raise ValueError("these are no trees")

    def predict_proba(self, X):
        """Probabilities of samples X, shape (n_samples, n_features)."""
        X = np.asarray(X, np.float32)  # as in scikit-learn's trees
        return np.concatenate([self._proba(X[k : k + ROWS]) for k in range(0, len(X), ROWS)])

    def _proba(self, X):
        a, rows = self.arrays, np.arange(len(X))[:, None]
        node = np.broadcast_to(a["root"], (len(X), len(a["root"])))
        for _ in range(self.depth):
            goes_left = X[rows, a["feature"][node]] <= a["threshold"][node]
            node = np.where(goes_left, a["left"][node], a["right"][node])
        value = a["value"][node].astype(float)
        log = np.log(value[:, : self.n_forest].mean(axis=1) + FLOOR)
        score = a["start"] + value[:, self.n_forest :].sum(axis=1)
        score -= score.max(axis=1, keepdims=True)
        log += score - np.log(np.exp(score).sum(axis=1, keepdims=True))
        proba = np.exp((log - log.max(axis=1, keepdims=True)) / 2)
        return proba / proba.sum(axis=1, keepdims=True)


def _round_down(threshold):
    """Thresholds as float32, at most which are the same numbers of float32 as at most these."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _small(numbers):
    """Numbers of 16 bits, if they are so small, or of 32."""
    return numbers.astype(np.int16 if numbers.max() < 2**15 else np.int32)
