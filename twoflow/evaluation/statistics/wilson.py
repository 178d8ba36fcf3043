"""Estimate the interval of a share from counts (Wilson)."""

from __future__ import annotations

import math

from scipy import stats

from ...errors import InputError
from .validation import check_confidence


def wilson_interval(share: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Compute Wilson's score interval of a share.

    Unlike an interval from the spread of a sample, it also says something if all are right or all are wrong.

    Parameters
    ----------
    share : float in [0, 1]
        The share of images that are right.
    n : int
        The number of independent images, at least 1. If several images show one item, give the number of items: the
        interval is then cautious, because it treats the images of an item as copies of one.
    confidence : float in (0, 1)
        Confidence of the interval. Default: 0.95. A higher one widens the interval.

    Returns
    -------
    (float, float)
        The ends, between 0 and 1.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Notes
    -----
    Wilson, Journal of the American Statistical Association 22, 1927,
    https://doi.org/10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> low, high = wilson_interval(0.9, 100)
    >>> round(low, 4), round(high, 4)
    (0.8256, 0.9448)
    """
    check_confidence(confidence)
    if not 0 <= share <= 1:
        raise InputError(f"share: expected a number from 0 to 1, got {share!r}")
    if n < 1:
        raise InputError(f"n: expected a number of images of at least 1, got {n!r}")
    z = float(stats.norm.ppf((1 + confidence) / 2))
    shrunk = z ** 2 / n
    middle = share + shrunk / 2
    reach = z * math.sqrt(share * (1 - share) / n + shrunk / (4 * n))
    return max((middle - reach) / (1 + shrunk), 0.0), min((middle + reach) / (1 + shrunk), 1.0)
