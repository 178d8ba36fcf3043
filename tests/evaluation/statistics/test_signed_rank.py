import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from twoflow.evaluation.statistics import signed_rank_test

from .test_friedman import AREAS


def enumerated_p(differences):
    """Count, over all signs, how many rank sums are as far from 0; zeros are ranked and then left out."""
    ranks = stats.rankdata(np.abs(differences)) * (differences != 0)
    observed = abs((np.sign(differences) * ranks).sum())
    sums = [abs(np.dot(signs, ranks)) for signs in product((-1, 1), repeat=len(ranks))]
    return np.mean(np.array(sums) >= observed - 1e-9)


def test_the_example_of_the_paper():
    """Demšar 2006, table 2: C4.5 with and without a parameter tuned. R+ is 93 and R- is 12, each with half of the ranks
    of the two zeros, so that R+ - R- is 81.
    """
    result = signed_rank_test(AREAS[:, 1], AREAS[:, 0])
    assert result.statistic == 93 - 12
    assert (result.n_higher, result.n_lower, result.n_equal) == (10, 2, 2)
    assert result.p_value < 0.05 and "a significant difference; median difference +0.0" in str(result)
    assert result.correction == "normal approximation"


@settings(max_examples=40)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=7))
def test_p_is_exact_with_ties_and_zeros(steps):
    differences = np.array(steps) / 100
    result = signed_rank_test(0.5 + differences, np.full(len(steps), 0.5))
    if not any(steps):
        assert math.isnan(result.p_value) and "nothing to test" in str(result)
        return
    assert result.p_value == pytest.approx(enumerated_p(np.array(steps)))
    assert result.correction == "exact" and result.p_value >= result.smallest_p


@settings(max_examples=40)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=7))
def test_turned_scores_give_the_same_p_and_the_opposite_differences(scores):
    zero = np.zeros(len(scores))
    one, other = signed_rank_test(scores, zero), signed_rank_test(zero, scores)
    assert one.p_value == pytest.approx(other.p_value, nan_ok=True)
    assert (one.statistic, one.median_difference) == (-other.statistic, -other.median_difference)
    assert (one.n_higher, one.n_lower, one.n_equal) == (other.n_lower, other.n_higher, other.n_equal)


def test_many_data_sets_without_ties_are_exact():
    differences = np.random.default_rng(0).normal(0.3, 1, size=40)
    result = signed_rank_test(differences, np.zeros(40))
    assert result.p_value == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)
    assert result.correction == "exact"


def test_the_smallest_p():
    for n in (5, 6):
        result = signed_rank_test(np.arange(1, n + 1), np.zeros(n))
        assert result.p_value == result.smallest_p == 2 / 2**n
    assert "nothing can be found" not in str(result)
    assert "nothing can be found, because the smallest possible p is 0.0625" in str(signed_rank_test([1] * 5, [0] * 5))


def test_rounding_makes_no_difference():
    assert signed_rank_test([0.1 + 0.2, 0.5], [0.3, 0.4]).n_equal == 1
    tied = signed_rank_test([0.3, 0.7, 0.1], [0.2, 0.8, 0.0])  # 0.1 up to rounding, each
    assert tied.statistic == 2


@pytest.mark.parametrize("first, second", [([1, 2], [1]), ([[1]], [[1]]), ([], []), ([np.nan], [0])])
def test_bad_scores(first, second):
    with pytest.raises(ValueError, match="expected"):
        signed_rank_test(first, second)
