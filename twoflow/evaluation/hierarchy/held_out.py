"""What a hierarchical method answered for images that it was not fitted on, as nodes of the tree."""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...heads.hierarchy import UNKNOWN, ClassTree
from ...images import ImageCollection
from ...models.model_file.card import Expectation, HeldOut
from ...models.tree_names import name_classes
from ..folds import Folds
from ..held_out import describe_source, number_groups
from ..method_scores import MethodScores
from ..metrics import Pooled
from ..summary import Interval, mean_interval, share_interval
from .answers import probability_of


class LevelAccuracy(NamedTuple):
    """How often the path is right down to a level, before fallback.

    Attributes
    ----------
    level : str
    accuracy : float
        The mean over folds.
    interval : Interval
    """

    level: str
    accuracy: float
    interval: Interval


class AnsweredAt(NamedTuple):
    """What the answers that end at a level are worth, after fallback.

    Attributes
    ----------
    level : str
        The name of the level; "" for answers that are unknown. Full paths have the name of the finest level, wherever
        they end.
    share : float
        The share of the images that are answered so.
    accuracy : float
        The share of these answers that is right; NaN if there are none, and for unknown.
    """

    level: str
    share: float
    accuracy: float


class TestedPaths:
    """The answers of a hierarchical method for the test images whose true class is a leaf of the tree.

    Images that are partly labeled or out of scope are left out.

    Parameters
    ----------
    collection : ImageCollection
        With levels, or with one target.
    folds : Folds
    method : MethodScores
        With `full`.

    Attributes
    ----------
    tree : ClassTree
        Of all labels of the collection.
    images : ndarray of int and shape (n,)
        Positions in the collection.
    true, full : ndarray of int and shape (n,)
        The true leaf, and the answer before fallback, as positions in `ClassTree.leaves`; -1 for an answer that is no
        path of the tree, which independent levels may give.
    answered : ndarray of int and shape (n,)
        The answer after fallback, as a position in `ClassTree.nodes`; -1 for unknown.
    outside_rejected : float
        The share of the images out of scope that are answered with unknown; NaN if there are none.
    """

    def __init__(self, collection: ImageCollection, folds: Folds, method: MethodScores) -> None:
        assert method.full is not None
        self._collection, self._folds = collection, folds
        self.tree = ClassTree.from_labels(collection.labels, collection.target_names)
        tested, fold = (np.concatenate(each) for each in zip(*(
            (own.test, np.full(len(own.test), number)) for number, own in enumerate(folds)
        )))
        true = self.tree.encode(collection.labels)[tested]
        self._rows = np.flatnonzero((true >= 0) & self.tree.is_leaf[true])
        self._fold, self.images = fold[self._rows], tested[self._rows]
        of_node = np.full(len(self.tree.nodes) + 1, -1)  # the last one is for what is no node
        of_node[self.tree.leaves] = np.arange(len(self.tree.leaves))
        self._labels = np.concatenate(method.full)[self._rows]
        answered = _nodes(self.tree, np.concatenate(method.predicted))
        self.true, self.full = of_node[true[self._rows]], of_node[_nodes(self.tree, self._labels)]
        self.answered = answered[self._rows]
        self.outside_rejected = float((answered[true < 0] < 0).mean()) if (true < 0).any() else math.nan
        self._probabilities = method.probabilities

    @property
    def expectation(self) -> Expectation:
        """How often the full path is right before fallback."""
        _, accuracy, interval = self.accuracies[-1]
        source = describe_source(self._folds, self._collection.groups)
        return Expectation(accuracy, interval.ends, interval.confidence, source)

    @cached_property
    def accuracies(self) -> list[LevelAccuracy]:
        """How often the path is right down to each level, before fallback; the broadest level first."""
        return [
            LevelAccuracy(name, *self._mean(self._is_right(depth))) for depth, name in enumerate(self.tree.levels)
        ]

    @property
    def pooled(self) -> Pooled:
        """The same answers before fallback, for metrics by class; the classes are the names of the leaves."""
        classes = np.array(name_classes(self.tree))
        return Pooled(classes, self.images, self.true, self.full, None)

    @property
    def answers(self) -> list[AnsweredAt]:
        """What is answered after fallback: full paths first, then broader levels, then unknown."""
        tree, true = self.tree, self.tree.leaves[self.true]
        is_full = (self.answered >= 0) & tree.is_leaf[self.answered]
        found = [_answered_at(tree.levels[-1], is_full, self.answered == true)]
        for depth in range(len(tree.levels) - 2, -1, -1):
            is_here = (self.answered >= 0) & ~is_full & (tree.depths[self.answered] == depth)
            found.append(_answered_at(tree.levels[depth], is_here, self.answered == tree.ancestors[true, depth]))
        return [*found, AnsweredAt("", float((self.answered < 0).mean()), math.nan)]

    def collect(self) -> HeldOut | None:
        """Return the answers for the card of a model file; None for a method without probabilities.

        The confidence of a path is the lowest probability of its labels. That is the probability of its leaf, unless
        the name of the leaf occurs at several places of the tree: these probabilities are one number in
        `predict_proba`. The confidence is then a little too high.
        """
        if self._probabilities is None:
            return None
        names = self._collection.target_names
        classes = [self._collection.classes_by_target[name] for name in names]
        parts = [[each] if len(names) == 1 else each for each in self._probabilities]
        confidence = np.ones(len(self._rows))
        by_level = self._labels.reshape(len(self._labels), -1).astype(object).T
        for column, shares, known in zip(by_level, map(np.concatenate, zip(*parts)), classes):
            confidence = np.fmin(confidence, probability_of(column, shares[self._rows], known))
        return HeldOut(
            self.true.astype(np.int32), self.full.astype(np.int32),
            np.where(self.full >= 0, confidence, np.nan).astype(np.float32),
            number_groups(self.images, self._collection.groups), self.answered.astype(np.int32),
        )

    def _is_right(self, depth: int) -> np.ndarray:
        above = self.tree.ancestors[self.tree.leaves, depth]
        return (self.full >= 0) & (above[self.true] == above[self.full])

    def _mean(self, is_right: np.ndarray) -> tuple[float, Interval]:
        """Return the mean over folds, and its interval: from the spread over folds, or from the images without one."""
        tested = np.unique(self._fold)
        by_fold = np.array([is_right[self._fold == number].mean() for number in tested])
        mean = float(by_fold.mean()) if len(by_fold) else math.nan
        if len(by_fold) == len(self._folds):
            found = mean_interval(by_fold, mean, self._folds.sizes)
            if not math.isnan(found.ends[0]):
                return mean, found
        return mean, share_interval(is_right, self.images, self._collection.groups)


def _answered_at(level: str, is_here: np.ndarray, is_right: np.ndarray) -> AnsweredAt:
    accuracy = float(is_right[is_here].mean()) if is_here.any() else math.nan
    return AnsweredAt(level, float(is_here.mean()), accuracy)


def _nodes(tree: ClassTree, labels: np.ndarray) -> np.ndarray:
    """Return the node of each row of labels; -1 for unknown, and for labels that are no path of the tree."""
    position = {path: i for i, path in enumerate(tree.nodes)}
    found = []
    for row in map(tuple, labels.reshape(len(labels), -1).tolist()):
        end = next((i for i, label in enumerate(row) if label in ("", UNKNOWN)), len(row))
        found.append(position.get(row[:end], -1))
    return np.array(found, dtype=int)
