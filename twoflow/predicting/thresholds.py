"""Choose the confidence from which answers keep a promise about their error."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ..heads.hierarchy import control_risk
from ..models.model_file import HeldOut


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
    See `twoflow.heads.hierarchy.control_risk` for the method, and for how images of a group are counted.

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
    is_class = held_out.predicted >= 0
    kept = np.flatnonzero(is_class if classes is None else is_class & np.isin(held_out.predicted, list(classes)))
    return control_risk(
        held_out.confidence[kept], (held_out.predicted == held_out.true)[kept],
        None if held_out.groups is None else held_out.groups[kept], error=error, confidence=confidence,
    )
