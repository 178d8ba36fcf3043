"""The held-out answers of a model on which no rule of moderation has decided yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..heads.hierarchy import independent_answers, independent_answers_needed
from ..heads.hierarchy.decisions import reaches
from ..models.model_file import HeldOut, TargetCard
from .thresholds import threshold_for

#: How sure the promise of a rule is; see `threshold_for`.
CONFIDENCE = 0.95


class Undecided:
    """The held-out answers for one target on which no rule has decided yet.

    Parameters
    ----------
    target : TargetCard
    least : float or None
        The threshold of the model. An answer below it is no class of the target. With None and a tree of classes, the
        held-out answers say themselves which were answered.

    Attributes
    ----------
    n_held_out : int
        The number of all held-out answers; 0 if nothing was held out.
    """

    def __init__(self, target: TargetCard, least: float | None) -> None:
        empty = np.zeros(0, np.int32)
        held_out = target.held_out or HeldOut(empty, empty, np.zeros(0, np.float32))
        self.n_held_out = len(held_out.true)
        self._target, self._least = target, least or 0.0
        is_answered = (held_out.predicted >= 0) & reaches(held_out.confidence, self._least)
        if target.tree is not None and held_out.answered is not None and least is None:
            is_answered &= np.isin(held_out.answered, target.tree.leaves)  # by the rule of the model's head
        self._answers = _take(held_out, is_answered)

    def choose(self, place: str, error: float, positions: Sequence[int], level: str) -> float:
        """Choose the threshold that promises an error among the answers that are one of some classes.

        Parameters
        ----------
        place : str
            What error messages begin with.
        error : float
        positions : sequence of int
            The classes.
        level : str
            The name of the target; or that of a broader level, whose classes are then right or wrong.

        Raises
        ------
        ValueError
            If nothing was held out, or no threshold can promise it.
        """
        if not self.n_held_out:
            raise InputError(
                f"{place}: error: expected a model file with held-out answers for {self._target.name}, got none; give "
                "a confidence instead, or train again with held-out images and a model with probabilities"
            )
        answers = self._at_level(np.isin(self._answers.predicted, positions), level)
        threshold = threshold_for(answers, error, CONFIDENCE)
        if threshold is not None:
            return max(threshold, self._least)
        n, needed = len(answers.true), independent_answers_needed(error, CONFIDENCE)
        groups = np.arange(n) if answers.groups is None else answers.groups
        independent = independent_answers(groups).max(initial=0)
        got = f"{n:,} that count as {independent:,.0f}" if independent < needed else "too many wrong ones"
        raise InputError(
            f"{place}: error: expected at least {needed:,} independent held-out answers, nearly all right, to promise "
            f"{error:g}, got {got}; give a higher error, give a confidence instead, or train with more images"
        )

    def decide(self, positions: Sequence[int], threshold: float | None, level: str) -> tuple[int, int]:
        """Remove the answers on which a rule decides, and return how many they are and how many of them are wrong."""
        is_decided = np.isin(self._answers.predicted, positions) & reaches(self._answers.confidence, threshold or 0.0)
        decided = self._at_level(is_decided, level)
        self._answers = _take(self._answers, ~is_decided)
        return len(decided.true), int((decided.true != decided.predicted).sum())

    def _at_level(self, is_kept: np.ndarray, level: str) -> HeldOut:
        """Return some of the answers; for a broader level, with its classes in place of the target's."""
        answers, broader = _take(self._answers, is_kept), self._target.levels.get(level)
        if broader is None:
            return answers
        number = {label: i for i, label in enumerate(broader)}
        of_class = np.array([number[label] for label in broader], np.int32)
        return answers._replace(true=of_class[answers.true], predicted=of_class[answers.predicted])


def _take(answers: HeldOut, is_kept: np.ndarray) -> HeldOut:
    groups = None if answers.groups is None else answers.groups[is_kept]
    return HeldOut(answers.true[is_kept], answers.predicted[is_kept], answers.confidence[is_kept], groups)
