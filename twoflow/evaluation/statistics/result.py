"""What the result of every test of two methods has."""

from __future__ import annotations

from typing import Protocol


class PairResult(Protocol):
    """Result of a test of two methods; differences are first minus second.

    A test that has nothing to judge by gives a p-value and ends of the interval that are NaN, and a sentence that says
    so.

    Attributes
    ----------
    test : str
        Name of the test.
    statistic : float
        The test statistic; NaN if there is none.
    p_value : float
        Two-sided; NaN if the test cannot judge.
    degrees_of_freedom : int, (int, int) or None
        None if the statistic has none.
    mean_difference : float
        The difference: the mean over folds, or that of the accuracies on one test set.
    confidence_interval : (float, float)
        Interval of that difference; NaN if there is none.
    interval_kind : str
        Name of the method that computes the interval.
    confidence : float
        Confidence of the interval, such as 0.95.
    n_differences : int or None
        Number of pairs of scores; None for a test of one test set.
    effect_size : float
        NaN if the test has none.
    correction : str
        What was corrected for, or how p was computed.
    """

    @property
    def test(self) -> str: ...

    @property
    def statistic(self) -> float: ...

    @property
    def p_value(self) -> float: ...

    @property
    def degrees_of_freedom(self) -> int | tuple[int, int] | None: ...

    @property
    def mean_difference(self) -> float: ...

    @property
    def confidence_interval(self) -> tuple[float, float]: ...

    @property
    def interval_kind(self) -> str: ...

    @property
    def confidence(self) -> float: ...

    @property
    def n_differences(self) -> int | None: ...

    @property
    def effect_size(self) -> float: ...

    @property
    def correction(self) -> str: ...
