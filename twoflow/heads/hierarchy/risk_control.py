"""Choose the confidence from which answers keep a promise about their error."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy import special

from ...errors import InputError

#: The first threshold to be tested is so high that it keeps the promise with at most so many wrong answers above it.
#: With fewer, one wrong label among the most certain answers ends the search before it has begun.
_FIRST_WRONG = 4

#: How many thresholds are tested at most for each column of confidences. They split the answers evenly.
_TESTED = 50


def control_risk(
    confidences: np.ndarray,
    is_right: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    error: float,
    confidence: float = 0.95,
) -> float | None:
    """Choose the lowest confidence threshold that keeps the error among the answers that reach it low enough.

    Parameters
    ----------
    confidences : ndarray of shape (n,) or (n, k)
        The confidence of the answer to each held-out image. With k columns, of k answers from the finest to the
        broadest: the first whose confidence reaches the threshold is given. Minus infinity for an answer that is never
        given.
    is_right : ndarray of bool and the same shape
        Whether each of these answers is right.
    groups : ndarray of shape (n,), optional
        The group of each image. By default each image is a group.
    error : float in (0, 1)
        The promise: at most this share of the answers for new images is wrong, among those that reach the threshold. A
        lower error needs more held-out answers: at least 59 for 0.05, 149 for 0.02, and 299 for 0.01.
    confidence : float in (0, 1), default=0.95
        How sure the promise is: the share of data sets for which the threshold keeps it. A higher one gives a higher
        threshold.

    Returns
    -------
    float or None
        The threshold, in [0, 1]; 0 if all answers keep the promise. None if no threshold can promise it.

    Raises
    ------
    ValueError
        If `error` or `confidence` is out of range, or a confidence is NaN.

    Notes
    -----
    This is Learn-then-Test (Angelopoulos, Bates, Candès, Jordan & Lei, 2021, https://arxiv.org/abs/2110.01052) by
    fixed-sequence testing, for the selective classifier of Geifman & El-Yaniv (NeurIPS 2017,
    https://arxiv.org/abs/1705.08500). Thresholds are tested from high to low, each at the level 1 - confidence, until
    the first that may break the promise. So the promise holds for the chosen threshold, although it is the lowest of
    many. The test is that the upper end of the one-sided interval of Clopper & Pearson (Biometrika 26, 1934,
    https://doi.org/10.1093/biomet/26.4.404) is at most `error`. Which thresholds are tested depends on the confidences
    only, never on which answers are right. The error need not fall with the threshold, which matters with several
    columns: a higher threshold replaces an answer by a broader one.

    The images of a group tend to be right or wrong together, so they are not as many observations as images. They count
    as copies of one. If group g has n_g of the n answers, these are worth n² / Σ n_g² independent answers (Kish, Survey
    Sampling, 1965, section 5.4, with the correlation 1). This is cautious. A few large groups can make every promise
    impossible.

    In 1,000 simulated data sets of 2,000 independent images, a promise with 95 % confidence was broken in 2.8 %. With
    groups of 1 to 9 images it was broken in 0 to 1.4 %, and in 7 to 17 % if images were counted.

    The promise is about new images like those that were held out. An image that belongs to none of the classes can have
    a high confidence, and no threshold promises anything about it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> certainty = rng.uniform(0.5, 1, size=2000)
    >>> is_right = rng.random(2000) < certainty
    >>> round(control_risk(certainty, is_right, error=0.1), 2), control_risk(certainty, is_right, error=0.001)
    (0.84, None)
    """
    for name, value in (("error", error), ("confidence", confidence)):
        if not 0 < value < 1:
            raise InputError(f"{name}: expected a number between 0 and 1, got {value!r}")
    table = np.asarray(confidences, dtype=np.float32)
    if np.isnan(table).any():
        raise InputError("expected held-out answers with confidences, got NaN; use a model with probabilities")
    table = table[:, None] if table.ndim == 1 else table
    is_right = np.asarray(is_right, dtype=bool).reshape(table.shape)
    highest = table.max(axis=1, initial=-np.inf)
    order = np.argsort(-highest, kind="stable")[:int((highest > -np.inf).sum())]
    table, is_right, highest = table[order], is_right[order], highest[order]
    groups = np.arange(len(order)) if groups is None else np.asarray(groups)[order]
    last = np.flatnonzero(np.diff(highest, append=-np.inf))  # a threshold cannot separate equal confidences
    number, independent = last + 1, independent_answers(groups)[last]
    least = independent_answers_needed(error, confidence)
    most = independent.max(initial=0)
    if most < least:
        return None
    enough = max(least, min(independent_answers_needed(error, confidence, _FIRST_WRONG), most / 2))
    first = int((independent >= enough).argmax())
    tested = _thresholds(table, highest[last[first:]], number[first:])
    places = np.searchsorted(-highest[last], -tested, side="right") - 1
    wrong = _count_wrong(table, is_right, tested) / number[places] * independent[places]
    upper = _upper_end(wrong, independent[places], confidence)
    breaking = np.flatnonzero(upper > error)
    if not len(breaking):
        return 0.0
    return float(tested[breaking[0] - 1]) if breaking[0] else None


@cache
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
    codes = np.unique(groups, return_inverse=True)[1]
    before = np.empty(len(codes), dtype=int)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    before[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes)))
    return np.arange(1, len(codes) + 1) ** 2 / (2 * before + 1).cumsum()


def _thresholds(table: np.ndarray, highest: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Choose the thresholds to test, from high to low: some that split the answers evenly, in each column.

    `highest` are the distinct highest confidences of images, from high to low, and `number` the images that reach each.
    """
    evenly = np.searchsorted(number, np.linspace(number[0], number[-1], _TESTED))
    chosen = [highest[np.unique(evenly)]]
    for column in table.T[:-1]:
        below = np.unique(column[(column <= highest[0]) & (column > -np.inf)])
        chosen.append(below[np.unique(np.linspace(0, len(below) - 1, _TESTED).astype(int))] if len(below) else below)
    return np.unique(np.concatenate(chosen))[::-1]


def _count_wrong(table: np.ndarray, is_right: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the number of wrong answers that are given at each threshold."""
    # An answer is given from its own confidence down to the highest confidence of a finer one, which replaces it.
    finer = np.maximum.accumulate(table, axis=1)[:, :-1]
    replaced = np.hstack([np.full((len(table), 1), -np.inf, dtype=table.dtype), finer])
    is_given_and_wrong = ~is_right & (table > replaced)
    starts, ends = np.sort(table[is_given_and_wrong]), np.sort(replaced[is_given_and_wrong])
    return np.searchsorted(ends, thresholds) - np.searchsorted(starts, thresholds)


def _upper_end(wrong: Any, n: Any, confidence: float) -> Any:
    """Return the upper end of Clopper and Pearson's one-sided interval of a share; `n` may be a fraction."""
    rest = np.maximum(n - wrong, np.finfo(float).tiny)
    return np.where(wrong >= n, 1.0, special.betaincinv(wrong + 1, rest, confidence))
