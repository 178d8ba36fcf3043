import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from twoflow.evaluation.statistics import wilson_interval


@given(st.integers(1, 500), st.data(), st.floats(0.5, 0.999))
def test_against_scipy(n, data, confidence):
    count = data.draw(st.integers(0, n))
    expected = stats.binomtest(count, n).proportion_ci(confidence, method="wilson")
    assert wilson_interval(count / n, n, confidence) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_interval_if_all_or_none_are_right():
    """By hand: the lower end is n / (n + z²)."""
    assert wilson_interval(1.0, 30) == (pytest.approx(30 / (30 + 1.959964 ** 2)), 1.0)
    assert wilson_interval(0.0, 30) == (0.0, pytest.approx(1 - 30 / (30 + 1.959964 ** 2)))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((1.1, 3), "share: expected a number from 0 to 1, got 1.1"),
        ((math.nan, 3), "share: expected"),
        ((0.5, 0), "n: expected a number of images of at least 1, got 0"),
        ((0.5, 3, 1), "expected a confidence between 0 and 1"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        wilson_interval(*arguments)
