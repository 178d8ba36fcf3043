import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from twoflow.evaluation.statistics import mcnemar_test, sign_flip_test


def test_four_groups_by_hand():
    """Groups of 3, 2, 2 and 1 images differ by +3, +1, -1 and +1. The sum is 4.

    Of the 16 flips, |±3 ±1 ±1 ±1| is at least 4 in those where two or three of the ones have the sign of the three: 4
    of 8 each, so p = 8 / 16. To check the interval, the same is computed for every difference on a grid.
    """
    first = [1, 1, 1] + [1, 1] + [0, 1] + [1]
    second = [0, 0, 0] + [1, 0] + [1, 1] + [0]
    groups = [0, 0, 0, 1, 1, 2, 2, 3]
    found = sign_flip_test([1] * 8, first, second, groups, confidence=0.6)
    assert (found.statistic, found.mean_difference, found.p_value) == (4, 0.5, 0.5)
    assert (found.n_images, found.n_groups, found.n_unequal, found.correction) == (8, 4, 4, "all 16 flips")
    low, high = found.confidence_interval
    for difference in np.arange(-0.995, 1, 0.01):
        assert (low <= difference <= high) == (p_by_enumeration(first, second, groups, difference) >= 0.4)


def p_by_enumeration(first, second, groups, difference=0.0):
    totals = np.bincount(groups, np.subtract(first, second, dtype=float) - difference)
    sums = [abs(np.dot(signs, totals)) for signs in product([1, -1], repeat=len(totals))]
    return np.mean(np.array(sums) >= abs(totals.sum()) - 1e-9)


images = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 7)), min_size=2, max_size=30)


@given(images)
def test_against_enumeration_and_scipy(rows):
    first, second, groups = (np.array(column) for column in zip(*rows))
    groups = np.unique(groups, return_inverse=True)[1]
    found = sign_flip_test(np.ones(len(rows), dtype=bool), first, second, groups)
    totals = np.bincount(groups, first.astype(float) - second)
    if len(totals) < 2 or not totals.any():
        assert math.isnan(found.p_value) and math.isnan(found.confidence_interval[0])
        return
    assert found.p_value == pytest.approx(p_by_enumeration(first.astype(int), second.astype(int), groups))
    expected = stats.permutation_test((totals,), np.sum, permutation_type="samples", n_resamples=math.inf)
    assert found.p_value == pytest.approx(expected.pvalue)
    low, high = found.confidence_interval
    assert math.isnan(low) == (np.ptp(totals / np.bincount(groups)) == 0)
    if not math.isnan(low):
        assert (found.p_value < 0.05) == (low > 0 or high < 0) and -1 <= low <= found.mean_difference <= high <= 1


@given(images.map(lambda rows: rows * 3))
def test_many_groups(rows):
    """With random flips p and interval agree too, and turn with the order of the methods."""
    first, second, _ = (np.array(column) for column in zip(*rows))
    truth, groups = np.ones(len(rows), dtype=bool), np.arange(len(rows)) // 2
    there, back = sign_flip_test(truth, first, second, groups), sign_flip_test(truth, second, first, groups)
    if math.isnan(there.confidence_interval[0]):
        return
    low, high = there.confidence_interval
    assert (there.p_value < 0.05) == (low > 0 or high < 0) and there.p_value == back.p_value > 0
    if there.mean_difference:
        assert back.confidence_interval == (-high, -low)


def test_groups_of_one_image_are_the_exact_test_of_mcnemar():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 60)) < np.array([[0.9], [0.75]])
    truth = np.ones(60, dtype=bool)
    found = sign_flip_test(truth, first, second, np.arange(60), n_flips=100_000)
    assert found.p_value == pytest.approx(mcnemar_test(truth, first, second).p_value, abs=0.004)


def test_order_and_names_do_not_matter():
    rng = np.random.default_rng(1)
    first, second = rng.integers(2, size=(2, 80))
    groups, order = rng.integers(25, size=80), rng.permutation(80)
    found = sign_flip_test(np.ones(80, int), first, second, groups)
    assert found == sign_flip_test(np.ones(80, int), first[order], second[order], groups[order])
    names = np.array([f"product {group:02}" for group in groups])
    assert found == sign_flip_test(np.ones(80, int), first, second, names)
    wider = sign_flip_test(np.ones(80, int), first, second, groups, confidence=0.99).confidence_interval
    assert wider[0] < found.confidence_interval[0] < found.confidence_interval[1] < wider[1]


def test_five_groups_bound_no_difference():
    """p is at least 2 / 32, so the interval is all that a difference of accuracies can be."""
    found = sign_flip_test([1] * 10, [1] * 10, [0] * 9 + [1], np.arange(10) // 2)
    assert found.p_value == 2 / 32 and found.confidence_interval == (-1, 1)


@pytest.mark.parametrize(
    "first, groups, sentence",
    [
        ([1, 0, 1, 1], [0, 0, 0, 0], "on 4 images in 1 group differ by -0.2500; a test needs at least two groups."),
        ([1, 1, 1, 1], [0, 0, 1, 1], "differ by +0.0000; no group has more right images by one than by the other"),
    ],
)
def test_nothing_to_judge(first, groups, sentence):
    found = sign_flip_test([1] * 4, first, [1] * 4, groups)
    assert np.isnan([found.p_value, *found.confidence_interval]).all() and sentence in str(found)


def test_groups_that_all_differ_by_the_same_give_no_interval():
    found = sign_flip_test([1] * 16, [1] * 16, [1, 0] * 8, np.arange(16) // 2)
    assert found.p_value == 2 / 256 and np.isnan(found.confidence_interval).all()
    assert "on 16 images in 8 groups, without an interval; 8 groups" in str(found)


def test_sentence():
    assert str(sign_flip_test([1] * 16, [1] * 16, [0, 0] + [1, 0] * 7, np.arange(16) // 2)) == (
        "sign-flip test of groups: a significant difference; the first is 0.5625 higher in accuracy on 16 images in 8 "
        "groups, 95% interval +0.5000 to +0.7500 (inverted sign flips of groups); 8 groups in which one gets more "
        "right than the other, p = 0.0078 (all 256 flips)."
    )


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        (([1, 1], [1, 0], [0, 1], [1]), {}, "equally long columns"),
        (([1, 1], ["1", "0"], [0, 1], [1, 2]), {}, "text and numbers"),
        (([1, 1], [1, 0], [0, 1], [1, 2]), {"confidence": 1}, "expected a confidence"),
        (([1, 1], [1, 0], [0, 1], [1, 2]), {"n_flips": 0}, "n_flips: expected an integer of at least 1, got 0"),
    ],
)
def test_bad_input(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        sign_flip_test(*arguments, **options)
