"""True labels and answers of the same images, as scores take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..heads.hierarchy import UNKNOWN, ClassTree
from ..images import ImageCollection
from ..images.targets import classes_of, has_label, split_targets, with_own_type
from .hierarchy.answers import LevelAnswers, certainty_of, compare_paths


class Targets(NamedTuple):
    """What the labels of a collection are.

    Attributes
    ----------
    names : sequence of k str
    tree : ClassTree or None
        The hierarchy of all labels if the targets are its levels; by default they are independent.
    has_outside : bool
        Whether there are images that are out of scope. By default there are none.
    """

    names: Sequence[str]
    tree: ClassTree | None = None
    has_outside: bool = False

    @classmethod
    def of(cls, collection: ImageCollection) -> Targets:
        """Describe the labels of a collection."""
        if not collection.are_levels:
            return cls(collection.target_names)
        tree = ClassTree.from_labels(collection.labels, collection.target_names)
        return cls(collection.target_names, tree, bool((collection.labels[:, 0] == UNKNOWN).any()))

    def classes(self, y: np.ndarray) -> list[np.ndarray]:
        """Return the distinct labels of each target in y, sorted; a missing label is none."""
        return list(map(classes_of, split_targets(y)))


class Given(NamedTuple):
    """What a method answers for n images.

    Attributes
    ----------
    predicted : ndarray of shape (n,) or (n, k)
    full, certainty, scope : ndarray or None
        See `compare_paths`. By default there are none; only scores of levels look at them.
    """

    predicted: np.ndarray
    full: np.ndarray | None = None
    certainty: np.ndarray | None = None
    scope: np.ndarray | None = None

    @classmethod
    def of(
        cls, predicted: np.ndarray, full: np.ndarray | None, scope: np.ndarray | None, probabilities: Any,
        targets: Targets, y: np.ndarray,
    ) -> Given:
        """Put the answers of a fold together.

        Parameters
        ----------
        predicted : ndarray of shape (n_test,) or (n_test, k)
            The answers to score.
        full, scope, probabilities
            See `FoldScores`.
        targets : Targets
        y : ndarray of shape (n,) or (n, k)
            The labels of the whole collection, whose classes are the columns of the probabilities.
        """
        if targets.tree is None:
            return cls(predicted)
        certainty = certainty_of(predicted if full is None else full, probabilities, targets.classes(y))
        return cls(predicted, full, certainty, scope)

    @classmethod
    def join(cls, parts: Sequence[Given]) -> Given:
        """Return the answers of several folds, one after the other."""
        joined: list[Any] = [
            None if any(each is None for each in own) else np.concatenate(own)
            for own in zip(*parts)
        ]
        return cls(*joined)


@dataclass(frozen=True, eq=False)
class Scored:
    """True labels and answers of the same images, for scores.

    Attributes
    ----------
    y : ndarray of shape (n,) or (n, k)
    given : Given
    tree : ClassTree or None
        See `Targets`.
    """

    y: np.ndarray
    given: Given
    tree: ClassTree | None = None

    @cached_property
    def paths(self) -> LevelAnswers:
        """The answered paths beside the true ones; only if the targets are levels."""
        assert self.tree is not None
        return compare_paths(self.tree, self.y, *self.given)

    def column(self, position: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the true and the predicted labels of one target, of the images that have a label; None means all."""
        both = self.y, self.given.predicted
        if position is None:
            return both
        if self.tree is None:
            true, predicted = (split_targets(labels)[position] for labels in both)
        else:
            true, predicted = (labels[:, position].astype(str) for labels in both)  # numbers may be beside "unknown"
        is_known = has_label(true)
        return (true, predicted) if is_known.all() else (with_own_type(true[is_known]), predicted[is_known])
