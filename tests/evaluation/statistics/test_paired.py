import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from twoflow import corrected_resampled_ttest, paired_ttest

D = np.array([0.02, 0.01, 0.03, 0.0, 0.02])
ZERO = np.zeros(5)


def test_golden_values():
    """By hand: mean .016, variance .00013, so t = .016 / sqrt(.00013 / 5), and with 1/5 + 1/4 for 1/5."""
    plain = paired_ttest(D, ZERO)
    assert plain.statistic == pytest.approx(0.016 / math.sqrt(0.00013 / 5)) == pytest.approx(3.1379, abs=1e-4)
    assert plain.p_value == pytest.approx(0.0349, abs=1e-4)
    corrected = corrected_resampled_ttest(D, ZERO, n_train=80, n_test=20)
    assert corrected.statistic == pytest.approx(2.0919, abs=1e-4)
    assert corrected.p_value == pytest.approx(0.1046, abs=1e-4)
    assert plain.degrees_of_freedom == corrected.degrees_of_freedom == 4
    assert plain.effect_size == corrected.effect_size == pytest.approx(0.016 / math.sqrt(0.00013))
    assert plain.mean_difference == corrected.mean_difference == pytest.approx(0.016)
    assert (plain.test, corrected.test) == ("paired t-test", "corrected resampled t-test")


scores = arrays(float, st.integers(2, 30), elements=st.floats(0, 1, width=16))


@given(scores, st.floats(0.5, 0.999))
def test_against_scipy(first, confidence):
    second = np.linspace(0.2, 0.7, len(first)) ** 2
    found = paired_ttest(first, second, confidence)
    expected = stats.ttest_rel(first, second)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.confidence_interval == pytest.approx(tuple(expected.confidence_interval(confidence)))


@given(scores)
def test_interval_and_p_value_agree_and_turn_with_the_order(first):
    second = np.linspace(0.2, 0.7, len(first)) ** 2
    there = corrected_resampled_ttest(first, second, 90, 10)
    back = corrected_resampled_ttest(second, first, 90, 10)
    low, high = there.confidence_interval
    assert (there.p_value < 0.05) == (low > 0 or high < 0)
    assert back.statistic == pytest.approx(-there.statistic) and back.p_value == pytest.approx(there.p_value)
    assert back.confidence_interval == pytest.approx((-high, -low))
    assert there.p_value >= paired_ttest(first, second).p_value


def test_unequal_folds_take_the_mean_ratio_and_say_so():
    n_train, n_test = [80, 80, 90, 75, 80], [20, 20, 10, 25, 20]
    found = corrected_resampled_ttest(D, ZERO, n_train, n_test)
    ratio = np.mean(np.divide(n_test, n_train))
    assert found.statistic == pytest.approx(0.016 / math.sqrt(0.00013 * (1 / 5 + ratio)))
    assert "mean of 0.1111 to 0.3333" in found.correction
    assert "mean" not in corrected_resampled_ttest(D, ZERO, [80] * 5, [20] * 5).correction


@pytest.mark.parametrize("test", [paired_ttest, lambda a, b: corrected_resampled_ttest(a, b, 90, 10)])
def test_degenerate_differences(test):
    equal, single = test(D, D), test([0.9], [0.8])
    constant = test(np.array([0.9, 0.8, 0.7]), np.array([0.8, 0.7, 0.6]))  # 0.1 each, but for rounding
    for found in (equal, single, constant):
        assert np.isnan([found.statistic, found.p_value, found.effect_size, *found.confidence_interval]).all()
    assert (equal.mean_difference, equal.degrees_of_freedom, single.degrees_of_freedom) == (0, 4, 0)
    assert str(equal) == "All 5 pairs are equal; the test cannot judge."
    assert str(constant) == "All 3 differences are +0.1000; without any spread the test cannot judge."
    assert "needs at least two pairs" in str(single)


def test_the_same_number_of_images_is_no_spread():
    """2 of 50 and 2 of 51 images: t would be 92, with p 0.007, although both folds differ by two images."""
    first, n_test = np.array([2 / 50, 2 / 51]), [50, 51]
    found = corrected_resampled_ttest(first, np.zeros(2), 50, n_test)
    assert math.isnan(found.p_value) and math.isnan(found.statistic)
    assert corrected_resampled_ttest([2 / 50, 3 / 51], np.zeros(2), 50, n_test).p_value > 0.05
    # Scores that are no counts of images, such as F1, may be closer than one image.
    assert corrected_resampled_ttest([0.0403, 0.0392], np.zeros(2), 50, n_test).p_value < 0.05


def test_a_few_pairs_are_named_as_few():
    assert "With only 4 pairs the test can hardly find a difference." in str(paired_ttest(D[:4], ZERO[:4]))
    assert "hardly" not in str(paired_ttest(D, ZERO))


def test_sentence():
    assert str(paired_ttest(D, ZERO)) == (
        "paired t-test: a significant difference; the first is 0.0160 higher on average over 5 pairs, 95% interval "
        "+0.0018 to +0.0302 (paired t), t(4) = 3.138, p = 0.0349 (no correction)."
    )
    sentence = str(corrected_resampled_ttest(ZERO, D, 80, 20))
    assert "no significant difference; the first is 0.0160 lower" in sentence
    assert "n_test / n_train = 0.2500" in sentence
    assert "the two are equal on average" in str(paired_ttest([0.1, 0.3, 0.2], [0.3, 0.1, 0.2]))
    assert "p < 0.0001" in str(paired_ttest([0.91, 0.92, 0.9, 0.93, 0.91], ZERO))
    assert "99.9% interval" in str(paired_ttest(D, ZERO, confidence=0.999))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([], [], 9, 1), "expected two equally long"),
        (([1, 2], [1], 9, 1), "two equally long"),
        (([[1, 2]], [[1, 2]], 9, 1), "two equally long"),
        (([1, np.nan], [1, 2], 9, 1), "finite"),
        (([1, 2], [1, 2], 0, 1), "n_train: expected one positive number"),
        (([1, 2], [1, 2], 9, [1, 1, 1]), "n_test: expected one positive number, or 2, one a fold"),
        (([1, 2], [1, 2], 9, np.nan), "n_test: expected"),
        *((([1, 2], [1, 2], 9, 1, level), "expected a confidence between 0 and 1") for level in (95, 0, 1, -1, np.nan)),
    ],
)
def test_bad_scores(arguments, message):
    with pytest.raises(ValueError, match=message):
        corrected_resampled_ttest(*arguments)
