"""Choose the confidence from which answers keep a promise about their error."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from ..errors import InputError
from ..models.model_file import HeldOut

#: The first threshold to be tested is so high that it keeps the promise with at most so many wrong answers above it.
#: With fewer, one wrong label among the most certain answers ends the search before it has begun.
_FIRST_WRONG = 4

#: How many thresholds are tested at most. They split the answers evenly.
_TESTED = 50


def threshold_for(
    held_out: HeldOut, error: float, confidence: float = 0.95, classes: Collection[int] | None = None
) -> float | None:
    """Choose the lowest confidence threshold that keeps the error among the answers above it low enough.

    Parameters
    ----------
    held_out : HeldOut
        Answers for images that the model was not fitted on.
    error : float in (0, 1)
        The promise: at most this share of the answers for new images is wrong, among those whose confidence reaches the
        threshold. A lower error needs more held-out answers: at least 59 for 0.05, 149 for 0.02, and 299 for 0.01.
    confidence : float in (0, 1), default=0.95
        How sure the promise is: the share of data sets for which the threshold keeps it. A higher one gives a higher
        threshold.
    classes : collection of int, optional
        Positions of classes. The promise is then about the answers that are one of these. Default: all answers.

    Returns
    -------
    float or None
        The threshold, in [0, 1]; 0 if all answers keep the promise. None if no threshold can promise it.

    Raises
    ------
    ValueError
        If `error` or `confidence` is out of range, or the held-out answers have no confidences.

    Notes
    -----
    This is Learn-then-Test (Angelopoulos, Bates, Candès, Jordan & Lei, 2021, https://arxiv.org/abs/2110.01052) by
    fixed-sequence testing, for the selective classifier of Geifman & El-Yaniv (NeurIPS 2017,
    https://arxiv.org/abs/1705.08500). Thresholds are tested from high to low, each at the level 1 - confidence, until
    the first that may break the promise. So the promise holds for the chosen threshold, although it is the lowest of
    many. The test is that the upper end of the one-sided interval of Clopper & Pearson (Biometrika 26, 1934,
    https://doi.org/10.1093/biomet/26.4.404) is at most `error`. Where the sequence begins depends on the confidences
    only, never on which answers are right.

    The images of a group tend to be right or wrong together, so they are not as many observations as images. They count
    as copies of one. If group g has n_g of the n answers, these are worth n² / Σ n_g² independent answers (Kish, Survey
    Sampling, 1965, section 5.4, with the correlation 1). This is cautious. A few large groups can make every promise
    impossible.

    In 1,000 simulated data sets of 2,000 independent images, a promise with 95 % confidence was broken in 2.8 %. With
    groups of 1 to 9 images it was broken in 0 to 1.4 %, and in 7 to 17 % if images were counted.

    The promise is about new images like those that were held out. An image that belongs to none of the classes can have
    a high confidence, and no threshold promises anything about it. It is also about a model that was fitted on part of
    the training images; the final model was fitted on all of them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> certainty = rng.uniform(0.5, 1, size=2000).astype(np.float32)
    >>> is_wrong = rng.random(2000) > certainty
    >>> held_out = HeldOut(np.zeros(2000, np.int32), is_wrong.astype(np.int32), certainty)
    >>> round(threshold_for(held_out, error=0.1), 2), threshold_for(held_out, error=0.001)
    (0.84, None)
    """
    for name, value in (("error", error), ("confidence", confidence)):
        if not 0 < value < 1:
            raise InputError(f"{name}: expected a number between 0 and 1, got {value!r}")
    answers = _count(held_out, classes)
    least = independent_answers_needed(error, confidence)
    most = answers.independent.max(initial=0)
    if most < least:
        return None
    enough = max(least, min(independent_answers_needed(error, confidence, _FIRST_WRONG), most / 2))
    first = int((answers.independent >= enough).argmax())
    evenly = np.linspace(answers.number[first], answers.number[-1], _TESTED)
    tested = np.unique(np.searchsorted(answers.number, evenly))
    independent = answers.independent[tested]
    wrong = answers.wrong[tested] / answers.number[tested] * independent
    breaking = np.flatnonzero(_upper_end(wrong, independent, confidence) > error)
    if not len(breaking):
        return 0.0
    return float(answers.confidence[tested[breaking[0] - 1]]) if breaking[0] else None


def independent_answers_needed(error: float, confidence: float = 0.95, n_wrong: int = 0) -> int:
    """Return how many independent answers promise an error, if `n_wrong` of them are wrong.

    Examples
    --------
    >>> [independent_answers_needed(error) for error in (0.05, 0.02, 0.01)]
    [59, 149, 299]
    """
    few, enough = n_wrong, n_wrong + 1
    while _upper_end(n_wrong, enough, confidence) > error:
        few, enough = enough, 2 * enough
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (middle, enough) if _upper_end(n_wrong, middle, confidence) > error else (few, middle)
    return enough


def independent_answers(groups: np.ndarray) -> np.ndarray:
    """Return as how many independent answers the first 1, 2, ..., n count, of shape (n,).

    Parameters
    ----------
    groups : ndarray of shape (n,)
        The group of each answer.
    """
    # The sum of squared group sizes grows by 2 k + 1 with an answer whose group has k answers before it.
    before = np.empty(len(groups), dtype=int)
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order[:1]] - 1))
    before[order] = np.arange(len(groups)) - np.repeat(starts, np.diff(starts, append=len(groups)))
    return np.arange(1, len(groups) + 1) ** 2 / (2 * before + 1).cumsum()


class _Counts(NamedTuple):
    """The answers whose confidence reaches a threshold, for each distinct confidence as threshold, from high to low.

    Attributes
    ----------
    confidence : ndarray of shape (n_thresholds,) and dtype float32
    number, wrong : ndarray of shape (n_thresholds,) and dtype int
        The number of all answers, and of wrong ones.
    independent : ndarray of shape (n_thresholds,) and dtype float
        See `independent_answers`.
    """

    confidence: np.ndarray
    number: np.ndarray
    wrong: np.ndarray
    independent: np.ndarray


def _count(held_out: HeldOut, classes: Collection[int] | None) -> _Counts:
    is_class = held_out.predicted >= 0
    if np.isnan(held_out.confidence[is_class]).any():
        raise InputError("expected held-out answers with confidences, got NaN; use a model with probabilities")
    kept = np.flatnonzero(is_class if classes is None else is_class & np.isin(held_out.predicted, list(classes)))
    order = kept[np.argsort(-held_out.confidence[kept], kind="stable")]
    confidence = held_out.confidence[order]
    groups = np.arange(len(order)) if held_out.groups is None else held_out.groups[order]
    last = np.flatnonzero(np.diff(confidence, append=-1))  # a threshold cannot separate equal confidences
    wrong = (held_out.predicted != held_out.true)[order].cumsum()
    return _Counts(confidence[last], last + 1, wrong[last], independent_answers(groups)[last])


def _upper_end(wrong: Any, n: Any, confidence: float) -> Any:
    """Return the upper end of Clopper and Pearson's one-sided interval of a share; `n` may be a fraction."""
    rest = np.maximum(n - wrong, np.finfo(float).tiny)
    return np.where(wrong >= n, 1.0, special.betaincinv(wrong + 1, rest, confidence))
