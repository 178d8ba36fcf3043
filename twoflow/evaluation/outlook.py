"""What to expect of a method on new images: accuracy, thresholds, and the classes that it gets wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..images.partial_targets import have_all
from ..models.model_file.card import Expectation, HeldOut
from .hierarchy.held_out import AnsweredAt, LevelAccuracy
from .metrics import Pooled, count_confusions, score_classes

if TYPE_CHECKING:
    from .results import Comparison

#: The shares of the images that a threshold is given for.
COVERAGES = (1.0, 0.95, 0.9, 0.8)
_WEAKEST = 3  # classes that are named
_STEP = 1000  # thresholds are rounded down to multiples of one in so many


class Answered(NamedTuple):
    """What a threshold does to the held-out answers.

    Attributes
    ----------
    threshold : float or None
        The least confidence of an answer; None answers all.
    coverage : float
        The share of the images whose class is answered.
    accuracy : float
        The share of these answers that is right; NaN if there is none.
    """

    threshold: float | None
    coverage: float
    accuracy: float


class WeakClass(NamedTuple):
    """A class, the number of its held-out images, and how many of them were answered right."""

    label: Any
    n_right: int
    n_images: int


class Mistake(NamedTuple):
    """How many of the images of a class were answered as another; None for an answer that is no class."""

    true: Any
    predicted: Any
    n: int
    n_images: int


class Outlook(NamedTuple):
    """What to expect for one target.

    Attributes
    ----------
    target : str
    expectation : Expectation
    answered : tuple of Answered
        For each of `COVERAGES`, the threshold that still answers that share; empty without probabilities.
    weakest : tuple of WeakClass
        The classes with the lowest recall, the lowest first; at most three, and none without a mistake.
    worst : Mistake or None
        The mistake that occurs most often; None if there is none.
    levels : tuple of LevelAccuracy
        Of a hierarchical method, how often the path is right down to each level, before fallback. Empty by default.
    stops : tuple of AnsweredAt
        Of a hierarchical method that falls back, where its answers end. Empty by default.
    outside_rejected : float
        The share of the images out of scope that a hierarchical method answers with unknown. NaN, the default, if there
        are none.
    """

    target: str
    expectation: Expectation
    answered: tuple[Answered, ...]
    weakest: tuple[WeakClass, ...]
    worst: Mistake | None
    levels: tuple[LevelAccuracy, ...] = ()
    stops: tuple[AnsweredAt, ...] = ()
    outside_rejected: float = math.nan


class Together(NamedTuple):
    """What to expect for several targets together: an image is right if all its targets are.

    Attributes
    ----------
    targets : tuple of str
    expectation : Expectation
    answered : Answered or None
        What a threshold does: the share of the images whose targets are all answered, and the share of these that is
        right. None without a threshold.
    """

    targets: tuple[str, ...]
    expectation: Expectation
    answered: Answered | None


def look_out(comparison: Comparison, method: str) -> list[Outlook]:
    """Say what to expect of a method on new images, for each target.

    Parameters
    ----------
    comparison : Comparison
    method : str
        The name of the method.

    Returns
    -------
    list of Outlook
    """
    found, paths = [], comparison.tested_paths(method)
    for target, (expectation, held_out) in comparison.held_out(method).items():
        pooled = comparison.pooled(method, target) if paths is None else paths.pooled
        answered = () if held_out is None else tuple(answer_share(held_out, share) for share in COVERAGES)
        outlook = Outlook(target, expectation, answered, _weakest(pooled), _worst(pooled))
        if paths is not None:
            outlook = outlook._replace(
                levels=tuple(paths.accuracies), outside_rejected=paths.outside_rejected,
                stops=tuple(paths.answers) if comparison[method].falls_back else (),
            )
        found.append(outlook)
    return found


def look_out_together(comparison: Comparison, method: str, threshold: float | None) -> Together | None:
    """Say what to expect of a method on new images for all targets together.

    Parameters
    ----------
    comparison : Comparison
    method : str
        The name of the method.
    threshold : float or None
        The least confidence of an answer, for each target; None answers all.

    Returns
    -------
    Together or None
        None for one target, or for levels, which are looked out for as paths.
    """
    expectation, targets, own = comparison.exact_match(method), comparison.collection.target_names, comparison[method]
    if expectation is None:
        return None
    if threshold is None or own.probabilities is None:
        return Together(targets, expectation, None)
    least = np.concatenate([np.min([each.max(axis=1) for each in fold], axis=0) for fold in own.probabilities])
    is_right = np.concatenate(comparison.is_right(method))
    has_all = have_all(comparison.collection.labels)[comparison.tested]
    # As for `answer_above`: every image is of class 1, and its answer is 1 if all its targets are right.
    right, certainty = is_right[has_all].astype(np.int32), least[has_all].astype(np.float32)
    answers = HeldOut(np.ones(len(right), np.int32), right, certainty)
    return Together(targets, expectation, answer_above(answers, threshold))


def answer_above(held_out: HeldOut, threshold: float | None) -> Answered:
    """Answer only what is at least as certain as a threshold.

    Parameters
    ----------
    held_out : HeldOut
        An answer that is no class, whose confidence is NaN, is answered without a threshold only.
    threshold : float or None
        None answers all.

    Returns
    -------
    Answered

    Examples
    --------
    >>> answers = HeldOut(np.array([0, 1, 1]), np.array([0, 1, 0]), np.array([0.9, 0.8, 0.3]))
    >>> answer_above(answers, 0.5)
    Answered(threshold=0.5, coverage=0.6666666666666666, accuracy=1.0)
    """
    is_answered = np.full(len(held_out.true), True) if threshold is None else held_out.confidence >= threshold
    is_right = (held_out.predicted == held_out.true)[is_answered]
    accuracy = float(is_right.mean()) if len(is_right) else math.nan
    return Answered(threshold, float(is_answered.mean()), accuracy)


def answer_share(held_out: HeldOut, share: float) -> Answered:
    """Choose the threshold that answers at least a share of the images, the most certain ones.

    Parameters
    ----------
    held_out : HeldOut
    share : float in (0, 1]

    Returns
    -------
    Answered
        The threshold has three digits, rounded down. So a little more than the share may be answered.
    """
    if share == 1:
        return answer_above(held_out, None)
    certainty = np.sort(np.nan_to_num(held_out.confidence.astype(float), nan=0.0))[::-1]
    last = certainty[math.ceil(share * len(certainty) - 1e-9) - 1]
    return answer_above(held_out, math.floor(last * _STEP) / _STEP)


def _weakest(pooled: Pooled) -> tuple[WeakClass, ...]:
    by_class = score_classes(pooled)
    wrong = np.flatnonzero(by_class.recall < 1)  # NaN for a class that was never tested
    order = wrong[np.argsort(by_class.recall[wrong], kind="stable")][:_WEAKEST]
    return tuple(
        WeakClass(label, round(recall * n), n) for label, recall, n in
        zip(pooled.classes[order].tolist(), by_class.recall[order].tolist(), by_class.support[order].tolist())
    )


def _worst(pooled: Pooled) -> Mistake | None:
    wrong = [pair for pair in count_confusions(pooled) if pair.true != pair.predicted]
    if not wrong:
        return None
    worst = max(wrong, key=lambda pair: pair.n)
    classes = pooled.classes.tolist()
    predicted = classes[worst.predicted] if worst.predicted >= 0 else None
    return Mistake(classes[worst.true], predicted, worst.n, int(np.count_nonzero(pooled.true == worst.true)))
