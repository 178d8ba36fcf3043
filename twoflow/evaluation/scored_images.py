"""Which images of a comparison a score counts, which of them a method gets right, and how sure the score is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..images import ImageCollection
from ..images.partial_targets import have_all
from ..images.targets import all_right, has_label
from .folds import Folds
from .hierarchy.answers import LevelAnswers, compare_paths
from .method_scores import MethodScores
from .metrics import Pooled, pool
from .scores import AppliedScore
from .summary import Interval, mean_interval, share_interval
from .tested import Given, Scored, Targets


@dataclass(frozen=True, eq=False)
class ScoredImages:
    """The images of a comparison, as scores count them.

    An image that lacks a label of a target is not scored for it. It is not scored for all targets together either,
    unless the targets are levels.

    Attributes
    ----------
    collection : ImageCollection
    folds : Folds
    """

    collection: ImageCollection
    folds: Folds

    @cached_property
    def targets(self) -> Targets:
        """What the labels are."""
        return Targets.of(self.collection)

    @cached_property
    def tested(self) -> np.ndarray:
        """Positions in the collection of the test images, fold after fold; with repeats each occurs several times."""
        return np.concatenate([fold.test for fold in self.folds])

    def are_scored(self, target: str | None) -> np.ndarray:
        """Return which images have the labels that a score of a target, or of all, needs, of shape (n,)."""
        if target is not None:
            return has_label(self.collection.target(target))
        return have_all(self.collection.labels) | self.collection.are_levels  # a path may end early

    def count(self, target: str | None, *, scored: bool = True) -> int:
        """Return how many tested images are scored for a target, or for all; with `scored` False, how many are not."""
        return int((self.are_scored(target)[np.unique(self.tested)] == scored).sum())

    def folds_of(self, target: str | None) -> Folds:
        """Return the folds with the images alone that are scored for a target, or for all."""
        is_scored = self.are_scored(target)
        if is_scored.all():
            return self.folds
        kept = (
            replace(fold, train=fold.train[is_scored[fold.train]], test=fold.test[is_scored[fold.test]])
            for fold in self.folds
        )
        return replace(self.folds, splits=tuple(kept))

    def are_right(self, method: MethodScores, target: str | None = None) -> tuple[np.ndarray, ...]:
        """Return which test images a method gets right, for each fold; see `Comparison.is_right`."""
        labels, names, predicted = self.collection.labels, self.collection.target_names, method.predicted
        if target is not None and len(names) > 1:
            labels, position = self.collection.target(target), names.index(target)
            predicted = tuple(own[:, position] for own in predicted)
        elif self.targets.tree is not None:
            tree = self.targets.tree
            pairs = zip(self.folds, predicted)
            return tuple(compare_paths(tree, labels[fold.test], own).is_right for fold, own in pairs)
        return tuple(all_right(labels[fold.test], own) for fold, own in zip(self.folds, predicted))

    def pool(self, method: MethodScores, target: str) -> Pooled:
        """Pool the predictions of all folds of a method for one target."""
        labels, classes = self.collection.target(target), self.collection.classes_by_target[target]
        if len(self.collection.target_names) == 1:
            return pool(labels, classes, self.tested, method.predicted, method.probabilities)
        position = self.collection.target_names.index(target)
        probabilities = None
        if method.probabilities is not None:
            probabilities = [each[position] for each in method.probabilities]
        return pool(labels, classes, self.tested, [each[:, position] for each in method.predicted], probabilities)

    def answered_paths(self, method: MethodScores) -> LevelAnswers:
        """Compare the answers of all folds of a method with the true paths; only if the targets are levels."""
        labels, n_folds = self.collection.labels, len(self.folds)
        full, probabilities = method.full or [None] * n_folds, method.probabilities or [None] * n_folds
        given = [
            Given.of(own, before, None, shares, self.targets, labels)
            for own, before, shares in zip(method.predicted, full, probabilities)
        ]
        return Scored(labels[self.tested], Given.join(given), self.targets.tree).paths

    def interval(self, method: MethodScores, name: str, applied: AppliedScore) -> Interval:
        """Return the confidence interval of the mean of a score; see `Comparison.intervals`."""
        found = mean_interval(method.scores[name], method.means[name], self.folds.sizes)
        if not math.isnan(found.ends[0]) or not applied.score.counts_images:
            return found
        is_scored = self.are_scored(applied.target)[self.tested]
        is_right = np.concatenate(self.are_right(method, applied.target))[is_scored]
        return share_interval(is_right, self.tested[is_scored], self.collection.groups)

    def for_tests(
        self, methods: Sequence[MethodScores], score: str
    ) -> tuple[dict[str, np.ndarray], dict[str, tuple[np.ndarray, ...]], Folds, Any]:
        """Return what the tests of every pair take; see `compare_pairs_of_methods`."""
        is_scored = self.are_scored(None)
        scored = [is_scored[fold.test] for fold in self.folds]
        return (
            {method.name: method.scores[score] for method in methods},
            {
                method.name: tuple(own[kept] for own, kept in zip(self.are_right(method), scored))
                for method in methods
            },
            self.folds_of(None), self.collection.groups,
        )
