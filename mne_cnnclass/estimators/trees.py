"""Fitted trees of scikit-learn as plain arrays, which can be saved without pickle."""

import numpy as np

ARRAYS = ("root", "feature", "threshold", "left", "right", "value")
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
        """The arrays for a file, without what follows from the others.

        scikit-learn numbers all that is left of a node before all that is right of it, so it is enough to
        know which nodes are leaves: their feature is -1. Only the others have a threshold, and only leaves a
        value, in boosting that of the class of their tree.
        """
        a = self.arrays
        is_leaf = a["left"] == np.arange(len(a["left"]))
        parts = dict(threshold=a["threshold"], value=a["value"], boosting=a["value"])
        places = _places(is_leaf, a["root"], self.n_forest, a["value"].shape[1])
        return {name: parts[name][place] for name, place in places.items()} | dict(
            root=a["root"], feature=_small(np.where(is_leaf, -1, a["feature"])), start=a["start"]
        )

    @classmethod
    def unpacked(cls, arrays, n_forest, depth):
        """Those of such arrays."""
        if "step" in arrays:
            return cls._of_first_files(dict(arrays), n_forest, depth)
        is_leaf = arrays["feature"] < 0
        nodes, n_classes = np.arange(len(is_leaf)), arrays["value"].shape[1]
        threshold, value = np.zeros(len(nodes), np.float32), np.zeros((len(nodes), n_classes), np.float16)
        parts = dict(threshold=threshold, value=value, boosting=value)
        for name, place in _places(is_leaf, arrays["root"], n_forest, n_classes).items():
            if parts[name][place].shape != arrays[name].shape:
                raise ValueError("these are no trees")
            parts[name][place] = arrays[name]
        a = dict(root=arrays["root"], start=arrays["start"], threshold=threshold, value=value)
        a["feature"] = np.maximum(arrays["feature"], 0).astype(np.int32, casting="safe")
        a |= dict(left=(nodes + ~is_leaf).astype(np.int32), right=_right_children(is_leaf).astype(np.int32))
        return cls(a, n_forest, depth)

    @classmethod
    def _of_first_files(cls, a, n_forest, depth):
        """Those of files that had all values, and how far the right child is from its parent, 0 of leaves."""
        step = a.pop("step").astype(np.int32, casting="safe")
        nodes = np.arange(len(step), dtype=np.int32)
        a |= dict(left=nodes + (step > 0), right=nodes + step)
        return cls(a | dict(feature=a["feature"].astype(np.int32, casting="safe")), n_forest, depth)

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
    """Numbers of 8, 16 or 32 bits."""
    return numbers.astype(next(kind for kind in ("i1", "i2", "i4") if numbers.max() <= np.iinfo(kind).max))


def _places(is_leaf, root, n_forest, n_classes):
    """Where nodes have thresholds, leaves of the forest values, and those of boosting their only one."""
    is_forest = np.arange(len(is_leaf)) < root[n_forest]
    boosted = np.flatnonzero(is_leaf & ~is_forest)
    tree = np.searchsorted(root, boosted, side="right") - 1 - n_forest
    of = tree % n_classes if n_classes > 2 else np.ones_like(tree)  # of two classes, the second has all trees
    return dict(threshold=~is_leaf, value=is_leaf & is_forest, boosting=(boosted, of))


def _right_children(is_leaf):
    """The node after all that is left of a node, or a leaf itself.

    With each inner node one more node is open than before, with each leaf one less: what is left of a node
    ends with the first leaf after which fewer are open than at it.
    """
    n, nodes = len(is_leaf), np.arange(len(is_leaf))
    n_open = np.cumsum(np.where(is_leaf, -1, 1))
    leaves = np.sort((n_open * n + nodes)[is_leaf])  # by how many are open after each, then in order
    ends = np.searchsorted(leaves, ((n_open - 1) * n + nodes)[~is_leaf])
    right = nodes.copy()
    right[~is_leaf] = np.append(leaves, n - 1)[ends] % n + 1
    return right
