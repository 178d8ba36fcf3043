import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twoflow.evaluation.statistics import five_by_two_cv_ftest, five_by_two_cv_ttest

D = np.array([[0.02, 0.0], [0.01, 0.03], [0.04, 0.0], [0.02, 0.02], [0.0, 0.03]])
ZERO = np.zeros((5, 2))
TESTS = pytest.mark.parametrize("test", [five_by_two_cv_ttest, five_by_two_cv_ftest])


def test_golden_values_of_t():
    """By hand: variances .0002, .0002, .0008, 0 and .00045, the mean .00033, so t = .02 / sqrt(.00033).

    Student's t of 5 degrees of freedom in closed form: P(|t| < x) = 2/pi (a + sin a (cos a + 2/3 cos³ a)), with tan a =
    x / sqrt(5). Here a = .457607, sin .441802, cos .897112: .678929. The table's two-sided 5 % point is 2.570582.
    """
    found = five_by_two_cv_ttest(D, ZERO)
    assert found.statistic == pytest.approx(0.02 / math.sqrt(0.00033)) == pytest.approx(1.10096, abs=1e-5)
    assert found.p_value == pytest.approx(1 - 0.678929, abs=1e-5)
    assert (found.degrees_of_freedom, found.n_differences, found.first_difference) == (5, 10, 0.02)
    assert found.mean_difference == pytest.approx(0.017)
    reach = 2.570582 * math.sqrt(0.00033)
    assert found.confidence_interval == pytest.approx((0.02 - reach, 0.02 + reach))


def test_golden_values_of_f():
    """By hand: the squares sum to .0047 and the variances to .00165, so F = .0047 / .0033.

    The 5 % point of F of 10 and 5 degrees of freedom is 4.7351 in the tables; the last lines of the test construct it.
    """
    found = five_by_two_cv_ftest(D, ZERO)
    assert found.statistic == pytest.approx(0.0047 / 0.0033) == pytest.approx(1.42424, abs=1e-5)
    assert found.degrees_of_freedom == (10, 5) and found.n_differences == 10
    assert all(math.isnan(end) for end in found.confidence_interval)
    # With differences m + s and m - s in each replication F = (m² + s²) / (2 s²): 4.7351 if m² = 8.4702 s².
    critical = five_by_two_cv_ftest([[math.sqrt(8.4702) + 1, math.sqrt(8.4702) - 1]] * 5, ZERO)
    assert critical.statistic == pytest.approx(4.7351) and critical.p_value == pytest.approx(0.05, abs=1e-5)


scores = arrays(float, (5, 2), elements=st.floats(0, 1, width=16))


@given(scores, scores, st.floats(0.5, 0.999))
def test_interval_and_p_value_of_t_agree_and_turn_with_the_order(first, second, confidence):
    there, back = (five_by_two_cv_ttest(*pair, confidence) for pair in ((first, second), (second, first)))
    low, high = there.confidence_interval
    assert (there.p_value < 1 - confidence) == (low > 0 or high < 0)
    assert back.confidence_interval == pytest.approx((-high, -low), nan_ok=True)
    assert back.statistic == pytest.approx(-there.statistic, nan_ok=True)


@given(scores, scores, st.permutations(range(5)))
def test_f_does_not_depend_on_the_order_of_folds(first, second, order):
    found = five_by_two_cv_ftest(first, second)
    again = five_by_two_cv_ftest(second[order, ::-1], first[order, ::-1])
    assert again.statistic == pytest.approx(found.statistic, nan_ok=True)
    assert again.p_value == pytest.approx(found.p_value, nan_ok=True)


@TESTS
def test_all_equal(test):
    found = test(D, D)
    assert np.isnan([found.statistic, found.p_value, *found.confidence_interval]).all() and found.mean_difference == 0
    assert str(found) == "All 10 pairs are equal; the test cannot judge."


@TESTS
def test_no_variance_within_replications(test):
    second = np.array([[0.8, 0.7], [0.6, 0.5], [0.4, 0.3], [0.9, 0.8], [0.7, 0.7]])
    found = test(second + 0.1, second)  # 0.1 each, but for rounding
    assert np.isnan([found.statistic, found.p_value, *found.confidence_interval]).all()
    assert "give the same difference, +0.1000 on average; without any spread the test cannot judge" in str(found)


def test_sentences():
    assert str(five_by_two_cv_ttest(D, ZERO)) == (
        "5x2cv t-test: no significant difference; the first is 0.0170 higher on average over 10 pairs, "
        "95% interval -0.0267 to +0.0667 (5x2cv t) around the first pair's difference, t(5) = 1.101, p = 0.3211 "
        "(training sets of a replication do not overlap)."
    )
    assert "without an interval, F(10, 5) = 1.424, p = 0.3654" in str(five_by_two_cv_ftest(D, ZERO))


@TESTS
@pytest.mark.parametrize(
    "arguments, message",
    [
        ((D.ravel(), ZERO.ravel()), r"shape \(5, 2\)"),
        ((D.T, ZERO.T), r"shape \(5, 2\)"),
        ((D, ZERO[:4]), r"shape \(5, 2\)"),
        ((D, ZERO * np.nan), "finite"),
        ((D, ZERO, 1.0), "expected a confidence between 0 and 1"),
    ],
)
def test_bad_scores(test, arguments, message):
    with pytest.raises(ValueError, match=message):
        test(*arguments)
