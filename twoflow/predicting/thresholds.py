"""Choose the confidence from which answers keep a promise about their error."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from scipy import stats

from ..errors import InputError
from ..models.model_file.card import HeldOut

#: The first threshold to be tested is so high that it keeps the promise with at most so many wrong answers above it.
#: With fewer, one wrong label among the most certain answers ends the search before it has begun.
_FIRST_WRONG = 4


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
    as copies of one: n answers, of which n_g are in group g, count as n² / Σ n_g² independent answers (Kish, Survey
    Sampling, 1965, section 5.4, with the correlation 1). This is cautious. A few large groups can make every promise
    impossible.

    The promise is about new images like those that were held out. An image that belongs to none of the classes can have
    a high confidence, and no threshold promises anything about it. It is also about a model that was fitted on part of
    the training images; the final model was fitted on all of them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> certainty = rng.uniform(0.5, 1, size=2000).astype(np.float32)
    >>> is_wrong = rng.random(2000) > certainty
    >>> held_out = HeldOut(np.zeros(2000, np.int32), is_wrong.astype(np.int32), certainty)
    >>> threshold_for(held_out, error=0.1)
    """
    for name, value in (("error", error), ("confidence", confidence)):
        if not 0 < value < 1:
            raise InputError(f"{name}: expected a number between 0 and 1, got {value!r}")
    steps = _steps(held_out, classes)
    is_kept = bound_error(steps.n_wrong / steps.n_answers, steps.n_effective, confidence) <= error
    first = _begin(steps.n_effective, error, confidence)
    if first is None or not is_kept[first]:
        return None
    ...


class _Steps(NamedTuple):
    """Thresholds from high to low, and the answers whose confidence reaches each."""

    thresholds: np.ndarray
    n_answers: np.ndarray
    n_wrong: np.ndarray
    n_effective: np.ndarray
