"""The results of a comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..images import ImageCollection
from ..images.targets import split_targets
from .folds import Folds
from .leakage import Leaks
from .metrics import Pooled, pool
from .scores import AppliedScore, scores_for
from .statistics import Difference
from .summary import (
    Candidate,
    Details,
    Interval,
    Pair,
    Sizes,
    compare_every_pair,
    describe_predictions,
    mean_interval,
    share_interval,
    summarize_choices,
)


class Choice(NamedTuple):
    """The candidate that a method chose on the training images of a fold.

    `accuracy` has the accuracy of each candidate on held-out training images.
    """

    chosen: str
    accuracy: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class MethodScores:
    """The scores of one method, by fold.

    Attributes
    ----------
    name : str
    n_features : int or None
        The number of features that it decides on, as the mean over folds; None if this is not known.
    scores : mapping of str to ndarray of shape (n_folds,)
        The scores by name: "accuracy" and "macro_f1" for one target; see `scores_for` for several.
    predicted : tuple of ndarray of shape (n_test,), or (n_test, k) for several targets
        The predicted labels of the test images, for each fold.
    probabilities : tuple of ndarray of shape (n_test, n_classes) and dtype float32, or None
        The probabilities of the classes of the collection, in sorted order, for each fold; None for a classifier
        without probabilities. With several targets, each fold has a list with one array for each target.
    importances : mapping of str to float, or None
        The share of each flow in the decision, as the mean over folds; see `share_of_flows`. None if the classifier
        has no importances.
    fit_seconds, predict_seconds : float
        The mean time of a fold, without the features that are computed once for all folds.
    train_accuracy : ndarray of shape (n_folds,) or None
        The accuracy on the training images, for classifiers that have a `train_accuracy_`.
    choices : tuple of Choice, or None
        The choice in each fold; None for a method that does not choose.
    """

    name: str
    n_features: int | None
    scores: Mapping[str, np.ndarray]
    predicted: tuple[np.ndarray, ...]
    probabilities: tuple[Any, ...] | None
    importances: Mapping[str, float] | None
    fit_seconds: float
    predict_seconds: float
    train_accuracy: np.ndarray | None = None
    choices: tuple[Choice, ...] | None = None

    @property
    def candidates(self) -> list[Candidate]:
        """The candidates that the method chose from, with mean accuracies; empty for a method that does not choose."""
        choices = self.choices or ()
        if not choices:
            return []
        return summarize_choices([each.chosen for each in choices], [each.accuracy for each in choices])


class LearningCurve(NamedTuple):
    """Scores of fits on fewer training images, on the same test images.

    Attributes
    ----------
    shares : tuple of float
        Shares of the training images of each fold, ascending; the last is 1.
    n_train : ndarray of shape (n_shares, n_folds) and dtype int
        The number of training images.
    scores : mapping of str to mapping of str to ndarray of shape (n_shares, n_folds)
        By method, then by name of the score.
    """

    shares: tuple[float, ...]
    n_train: np.ndarray
    scores: Mapping[str, Mapping[str, np.ndarray]]

    @property
    def mean_n_train(self) -> np.ndarray:
        """The mean number of training images for each share."""
        return self.n_train.mean(axis=1)


@dataclass(frozen=True, eq=False)
class Comparison:
    """The results of `compare`.

    Summaries, such as `pairwise` and `details`, are computed at the first access and kept.

    Attributes
    ----------
    collection : ImageCollection
        The images that were compared on; its `unreadable` are those that were left out.
    folds : Folds
    methods : tuple of MethodScores
        In the order given; the first is the reference.
    differences : tuple of Difference
        The difference of `tested_score` of every other method to the reference, by each test.
    learning_curve : LearningCurve or None
        None if `compare` was called without `train_sizes`.
    extraction_seconds, seconds : float
        The time for the features that are computed once, and the total time.
    n_computed : int
        How many images features were computed for; the features of the others were in the store.
    peak_memory : int or None
        The sum of the peaks of all processes, in bytes; None if the system does not say.
    left_out : mapping of str to str
        The methods that were asked for but not compared, each with the reason.
    leaks : Leaks or None
        Test images that have a duplicate in training; None if this was not checked.
    n_converted : int
        How many images were converted to sRGB by their color profile.
    damaged_profiles : tuple of int
        Positions in the collection of the images whose color profile is damaged and was ignored.
    """

    collection: ImageCollection
    folds: Folds
    methods: tuple[MethodScores, ...]
    differences: tuple[Difference, ...]
    learning_curve: LearningCurve | None
    extraction_seconds: float
    seconds: float
    n_computed: int
    peak_memory: int | None
    left_out: Mapping[str, str] = field(default_factory=dict)
    leaks: Leaks | None = None
    n_converted: int = 0
    damaged_profiles: tuple[int, ...] = ()

    def __getitem__(self, name: str) -> MethodScores:
        """Return the method with this name; KeyError if there is none."""
        for method in self.methods:
            if method.name == name:
                return method
        raise KeyError(name)

    def _repr_html_(self) -> str:
        """Show the scores and their plot in a notebook."""
        # This import is late, because at the top it would be a circle: the report imports the evaluation.
        from ..report.notebook import to_fragment

        return to_fragment(self)

    @property
    def tested(self) -> np.ndarray:
        """Positions in the collection of the test images, fold after fold; with repeats each occurs several times."""
        return np.concatenate([fold.test for fold in self.folds])

    @property
    def n_unused(self) -> int:
        """How many images no fold trains on or tests."""
        used = np.unique(np.concatenate([side for fold in self.folds for side in (fold.train, fold.test)]))
        return len(self.collection) - len(used)

    @property
    def untested_classes(self) -> list[int]:
        """Positions of the classes of the finest target that no fold tests."""
        labels = self.collection.target(self.collection.finest)[self.tested]
        return np.flatnonzero(~np.isin(self.collection.classes, labels)).tolist()

    @property
    def scores(self) -> dict[str, AppliedScore]:
        """The scores of each method, by name."""
        return scores_for(self.collection.target_names)

    @property
    def tested_score(self) -> str:
        """The name of the score that is tested: "accuracy", or "exact_match" for several targets."""
        return next(iter(self.scores))

    @property
    def best(self) -> int:
        """The position of the method with the best mean of `tested_score`, the first at a tie."""
        sign = 1 if self.scores[self.tested_score].score.greater_is_better else -1
        return int(np.argmax([sign * method.scores[self.tested_score].mean() for method in self.methods]))

    @cached_property
    def intervals(self) -> dict[str, dict[str, Interval]]:
        """The confidence interval of the mean of each score, by method and name of the score.

        It comes from the spread over folds. For a share of images, such as the accuracy, it comes from the images if
        folds show no spread.
        """
        return {
            method.name: {name: self._interval(method, name) for name in method.scores} for method in self.methods
        }

    @cached_property
    def pairwise(self) -> tuple[Pair, ...]:
        """Every method against every later one: the test of `tested_score`, and the probability of equivalence.

        `compare_pairs_of_methods` says which test.
        """
        return compare_every_pair(
            {method.name: method.scores[self.tested_score] for method in self.methods},
            {method.name: self.is_right(method.name) for method in self.methods},
            self.folds, self.collection.groups, self._sizes,
        )

    @cached_property
    def details(self) -> dict[str, dict[str, Details]]:
        """A detailed description of the predictions, by method and target."""
        return {
            method.name: {
                target: describe_predictions(self.pooled(method.name, target), self.collection.groups)
                for target in self.collection.target_names
            }
            for method in self.methods
        }

    def _interval(self, method: MethodScores, name: str) -> Interval:
        found, applied = mean_interval(method.scores[name], self._sizes), self.scores[name]
        if not math.isnan(found.ends[0]) or not applied.score.counts_images:
            return found
        is_right = np.concatenate(self.is_right(method.name, applied.target))
        return share_interval(is_right, self.tested, self.collection.groups)

    def is_right(self, method: str, target: str | None = None) -> tuple[np.ndarray, ...]:
        """Return which test images a method gets right.

        Parameters
        ----------
        method : str
            The name of the method.
        target : str, optional
            The name of the target that must be right. Default: all targets must be.

        Returns
        -------
        tuple of ndarray of bool and shape (n_test,)
            For each fold.
        """
        names = self.collection.target_names
        wanted = slice(None) if target is None else slice(names.index(target), names.index(target) + 1)
        return tuple(
            np.logical_and.reduce([
                np.asarray(self.collection.target(name)[fold.test] == given, dtype=bool)
                for name, given in list(zip(names, split_targets(predicted)))[wanted]
            ])
            for fold, predicted in zip(self.folds, self[method].predicted)
        )

    def pooled(self, method: str, target: str | None = None) -> Pooled:
        """Pool the predictions of all folds of a method for one target.

        Parameters
        ----------
        method : str
            The name of the method.
        target : str, optional
            The name of the target. Default: the finest target.
        """
        target = self.collection.finest if target is None else target
        own, labels = self[method], self.collection.target(target)
        if len(self.collection.target_names) == 1:
            return pool(labels, self.tested, own.predicted, own.probabilities)
        position = self.collection.target_names.index(target)
        probabilities = None if own.probabilities is None else [each[position] for each in own.probabilities]
        return pool(labels, self.tested, [each[:, position] for each in own.predicted], probabilities)

    @property
    def _sizes(self) -> Sizes:
        return Sizes([len(fold.train) for fold in self.folds], [len(fold.test) for fold in self.folds])
