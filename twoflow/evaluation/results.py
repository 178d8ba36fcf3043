"""The results of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..heads.hierarchy import UNKNOWN, ClassTree
from ..images import ImageCollection
from ..images.partial_targets import have_all
from ..images.targets import classes_of
from ..models.model_file.card import Expectation, HeldOut
from ..networks import NetworkRecord
from .answer import Answer, ToBest, compare_with_best, describe_nearest, find_answer
from .expected import expect_score, expect_targets
from .explained_errors import ExplainedError
from .folds import Folds
from .hierarchy.held_out import TestedPaths
from .hierarchy.rejection import RiskCurve, draw_risk
from .joint_errors import JointErrors, find_joint_errors
from .leakage import Leaks
from .method_scores import LearningCurve, MethodScores
from .metrics import Pooled, level_accuracy, order_classes
from .scored_images import ScoredImages
from .scores import AppliedScore, scores_for
from .significance import power_of_pairs
from .statistics import Difference, PowerResult
from .summary import (
    Details,
    Interval,
    Pair,
    compare_every_pair,
    describe_predictions,
    mean_interval,
)
from .tables import level_columns, prediction_columns, score_columns, to_frame


@dataclass(frozen=True, eq=False, repr=False)
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
    n_kept : int
        How many folds of all methods were finished in an earlier run, and were taken from the store.
    networks : tuple of NetworkRecord
        The networks that features were computed with, each once.
    explained : tuple of ExplainedError
        The most confident errors of the best method, with reasons. Empty unless `compare` was asked for them.
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
    n_kept: int = 0
    networks: tuple[NetworkRecord, ...] = ()
    explained: tuple[ExplainedError, ...] = ()

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

    def __str__(self) -> str:
        """Return the answer and the table of scores as text."""
        from ..report.text import format_scores  # late, for the same reason

        return format_scores(self)

    def __repr__(self) -> str:
        """Describe the comparison in one line."""
        score = self.scores[self.tested_score].label
        return (
            f"<Comparison: methods {len(self.methods)}, images {len(self.collection)}, splits {len(self.folds)}; "
            f"best {self.best!r}, {score} {self[self.best].means[self.tested_score]:.3f}>"
        )

    def to_frame(self) -> Any:
        """Return the table of scores as a pandas DataFrame, one row for each method, the best first.

        Returns
        -------
        DataFrame
            Column "accuracy" (the tested score has its own name), with its standard deviation and range over splits in
            "std", "min" and "max"; the other scores; "train_accuracy"; "difference_to_best", with its interval and its
            p-value adjusted for every pair of methods; and the seconds of a fold.

        Raises
        ------
        ModuleNotFoundError
            If pandas is not installed.
        """
        methods = [self.methods[i] for i in self.order]
        return to_frame(score_columns(methods, self.tested_score, self.to_best), "to_frame()")

    def levels_frame(self) -> Any:
        """Return the scores of levels as a pandas DataFrame, one row for each score.

        Returns
        -------
        DataFrame
            Column "score" with the name of the score, and a column for each method, the best first. A method that falls
            back to broader answers has a column "METHOD, before fallback" too. Empty if the targets are no levels.

        Raises
        ------
        ModuleNotFoundError
            If pandas is not installed.
        """
        return to_frame(self.level_columns(), "levels_frame()")

    def level_columns(self) -> list[tuple[str, list[Any]]]:
        """Return the same as names and values of columns, without pandas."""
        return level_columns([self.methods[i] for i in self.order], self.scores)

    def predictions(self) -> Any:
        """Return every prediction as a pandas DataFrame, one row for each test image of each fold.

        Returns
        -------
        DataFrame
            The same columns as predictions.csv; see `prediction_columns`.

        Raises
        ------
        ModuleNotFoundError
            If pandas is not installed.
        """
        return to_frame(self.prediction_columns(), "predictions()")

    def prediction_columns(self) -> list[tuple[str, list[Any]]]:
        """Return every prediction as names and values of columns, without pandas; see `prediction_columns`."""
        return prediction_columns(self.collection, self.folds, self.methods)

    @cached_property
    def _images(self) -> ScoredImages:
        return ScoredImages(self.collection, self.folds)

    @property
    def tested(self) -> np.ndarray:
        """Positions in the collection of the test images, fold after fold; with repeats each occurs several times."""
        return self._images.tested

    @property
    def n_unused(self) -> int:
        """How many images no fold trains on or tests."""
        used = np.unique(np.concatenate([side for fold in self.folds for side in (fold.train, fold.test)]))
        return len(self.collection) - len(used)

    @property
    def n_scored(self) -> dict[str, int]:
        """How many tested images have a label, by target; at "" how many have what the tested score needs."""
        wanted = {**{name: name for name in self.collection.target_names}, "": None}
        return {name: self._images.count(target) for name, target in wanted.items()}

    @property
    def untested_classes(self) -> list[int]:
        """Positions of the classes of the finest target that no fold tests."""
        finest = self.collection.finest
        tested = classes_of(self.collection.target(finest)[self.tested])
        return np.flatnonzero(~np.isin(self.collection.classes_by_target[finest], tested)).tolist()

    @property
    def scores(self) -> dict[str, AppliedScore]:
        """The scores of each method, by name."""
        return scores_for(self._images.targets)

    @property
    def tree(self) -> ClassTree | None:
        """The tree of all labels, with counts, if the targets are levels."""
        return self._images.targets.tree

    @property
    def tested_score(self) -> str:
        """The name of the score that is tested: "accuracy", or "exact_match" for several targets."""
        return next(iter(self.scores))

    @cached_property
    def order(self) -> list[int]:
        """The positions of the methods, the best mean of `tested_score` first; at a tie in the order given."""
        sign = -1 if self.scores[self.tested_score].score.greater_is_better else 1
        return sorted(range(len(self.methods)), key=lambda i: sign * self.methods[i].means[self.tested_score])

    @property
    def best(self) -> str:
        """The name of the method with the best mean of `tested_score`, the first at a tie."""
        return self.methods[self.order[0]].name

    @cached_property
    def to_best(self) -> dict[str, ToBest]:
        """The difference of every other method to the best, by name, from the tests of every pair."""
        return compare_with_best(self.best, [pair.difference for pair in self.pairwise])

    @cached_property
    def power(self) -> dict[tuple[str, str], PowerResult]:
        """How much the tests of `pairwise` could find, by the names of the two methods."""
        pairs = [(pair.difference.first, pair.difference.second) for pair in self.pairwise]
        return dict(zip(pairs, power_of_pairs(*self._images.for_tests(self.methods, self.tested_score), pairs)))

    @property
    def power_sentences(self) -> tuple[str, ...]:
        """What it takes to show the difference of the best method to the next one that is not significantly worse.

        It is empty if there is none. A method with the same score counts only if there is no other.
        """
        names = [self.methods[i].name for i in self.order]
        return describe_nearest(names, self.to_best, self.power, len(self.folds))

    @cached_property
    def answer(self) -> Answer:
        """Which method to use, which others are not significantly worse, and what to try next."""
        tested = self.tested_score
        means = {self.methods[i].name: self.methods[i].means[tested] for i in self.order}
        return find_answer(means, self.to_best, self.scores[tested], len(self.folds), self.power_sentences)

    @cached_property
    def class_order(self) -> list[int]:
        """Positions of the classes of the finest target; classes that the best method confuses are neighbors."""
        finest = self.collection.finest
        return order_classes(self.details[self.best][finest].confusions, len(self.collection.classes_by_target[finest]))

    @cached_property
    def level_accuracies(self) -> dict[str, dict[str, float]]:
        """How often the predicted class lies in the true class of each broader level, by method and level."""
        levels = self.collection.levels
        pooled = {method.name: self.pooled(method.name) for method in self.methods} if levels else {}
        return {
            method.name: {name: level_accuracy(pooled[method.name], level) for name, level in levels.items()}
            for method in self.methods
        }

    @cached_property
    def joint_errors(self) -> dict[str, JointErrors]:
        """Which targets are wrong together, by method; empty for one target, and for levels.

        It is of the predictions of all folds for images that have labels of all targets.
        """
        if len(self.collection.target_names) < 2 or self.collection.are_levels:
            return {}
        is_whole = have_all(self.collection.labels)[self.tested]
        predicted = {method.name: np.concatenate(method.predicted)[is_whole] for method in self.methods}
        return find_joint_errors(
            self.collection.target_names, self.collection.labels[self.tested[is_whole]], predicted
        )

    @cached_property
    def risk_curves(self) -> dict[str, RiskCurve | None]:
        """For levels: the risk of each method by the share of the images that it answers, all folds together.

        None for a method without probabilities; empty if the targets are no levels.
        """
        if not self.collection.are_levels:
            return {}
        return {method.name: draw_risk(self._images.answered_paths(method)) for method in self.methods}

    @cached_property
    def intervals(self) -> dict[str, dict[str, Interval]]:
        """The confidence interval of the mean of each score, by method and name of the score.

        It comes from the spread over folds, and is around the reported number. For a share of images, such as the
        accuracy, it comes from the images if folds show no spread.
        """
        return {
            method.name: {name: self._images.interval(method, name, self.scores[name]) for name in method.scores}
            for method in self.methods
        }

    @cached_property
    def full_intervals(self) -> dict[str, dict[str, Interval]]:
        """The same for answers before fallback, of the methods that have them; from the spread over folds."""
        return {
            method.name: {
                name: mean_interval(scores, (method.full_means or {})[name], self.folds.sizes)
                for name, scores in method.full_scores.items()
            }
            for method in self.methods if method.full_scores is not None
        }

    @cached_property
    def pairwise(self) -> tuple[Pair, ...]:
        """Every method against every later one: the test of `tested_score`, and the probability of equivalence.

        `compare_pairs_of_methods` says which test.
        """
        return compare_every_pair(*self._images.for_tests(self.methods, self.tested_score))

    @cached_property
    def details(self) -> dict[str, dict[str, Details]]:
        """A detailed description of the predictions, by method and target.

        Images that have no label of a target are left out there. For those that are out of scope in levels, "unknown"
        is the class.
        """
        return {
            method.name: {
                target: describe_predictions(
                    self.pooled(method.name, target), self.collection.groups,
                    outside=UNKNOWN if self.collection.are_levels else None,
                )
                for target in self.collection.target_names
            }
            for method in self.methods
        }

    def is_right(self, method: str, target: str | None = None) -> tuple[np.ndarray, ...]:
        """Return which test images a method gets right.

        Parameters
        ----------
        method : str
            The name of the method.
        target : str, optional
            The name of the target that must be right. Default: all targets must be; of levels, the path must be.

        Returns
        -------
        tuple of ndarray of bool and shape (n_test,)
            For each fold. An image that lacks a label that must be right is not right.
        """
        return self._images.are_right(self[method], target)

    def pooled(self, method: str, target: str | None = None) -> Pooled:
        """Pool the predictions of all folds of a method for one target.

        Parameters
        ----------
        method : str
            The name of the method.
        target : str, optional
            The name of the target. Default: the finest target.
        """
        return self._images.pool(self[method], self.collection.finest if target is None else target)

    def tested_paths(self, method: str) -> TestedPaths | None:
        """Return the answers of a hierarchical method as nodes of the tree; None for another method."""
        own = self[method]
        return None if own.full is None else TestedPaths(self.collection, self.folds, own)

    def held_out(self, method: str | None = None) -> dict[str, tuple[Expectation, HeldOut | None]]:
        """Return what to expect of a method on new images, and the answers that this rests on.

        Parameters
        ----------
        method : str, optional
            The name of the method. Default: the best.

        Returns
        -------
        dict of str to (Expectation, HeldOut or None)
            For each target, its accuracy with the interval of `intervals`, and a row for each prediction, in the order
            of predictions.csv. Images that have no label of the target are left out; the source counts them. A position
            is that of a class in the sorted classes of the target. A prediction that is no class has the position -1
            and the confidence NaN. The rows have groups if the collection has, or if an image is tested several times:
            then each image is a group. HeldOut is None for a method without probabilities. A hierarchical method has
            only the finest level, with full paths before fallback; see `TestedPaths`.

        Raises
        ------
        KeyError
            If no method has this name.
        """
        own = self[self.best if method is None else method]
        if (paths := self.tested_paths(own.name)) is not None:
            return {self.collection.target_names[-1]: (paths.expectation, paths.collect())}
        return expect_targets(self._images, own, self.intervals[own.name])

    def exact_match(self, method: str | None = None) -> Expectation | None:
        """Return how often all targets are expected to be right together on new images.

        Parameters
        ----------
        method : str, optional
            The name of the method. Default: the best.

        Returns
        -------
        Expectation or None
            None for one target, or for levels.

        Raises
        ------
        KeyError
            If no method has this name.
        """
        own = self[self.best if method is None else method]
        if len(self.collection.target_names) == 1 or self.collection.are_levels:
            return None
        return expect_score(self._images, own, self.tested_score, None, self.intervals[own.name])
