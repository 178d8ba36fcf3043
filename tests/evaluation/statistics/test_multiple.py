import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow.evaluation.statistics import all_pairs, compare_pairs, corrected_resampled_ttest, holm, paired_ttest

SCORES = {"pixels": [0.6, 0.5, 0.6], "network": [0.8, 0.7, 0.9], "two-flow": [0.8, 0.8, 0.9]}


def test_holm():
    """Holm 1979 by hand: the smallest times 4, the next times 3, and never less than one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([0.02, math.nan])[0] == 0.02 and math.isnan(holm([0.02, math.nan])[1])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_between_the_p_values_and_bonferroni_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    assert all(p <= q <= min(1, p * len(p_values)) for p, q in zip(p_values, adjusted))
    assert (np.diff(np.array(adjusted)[np.argsort(p_values)]) >= 0).all()
    assert holm(p_values[::-1]) == adjusted[::-1]


@pytest.mark.parametrize("p_values", [[0.1, 1.1], [-0.1], [[0.1, 0.2]], 0.1])
def test_holm_takes_only_probabilities(p_values):
    with pytest.raises(ValueError, match="expected a 1-D sequence of p-values between 0 and 1"):
        holm(p_values)


def test_all_pairs():
    """By hand, with 1/3 + 10/20 for the variance factor and 2 degrees of freedom.

    network - pixels: mean .23333, variance .0033333, t 4.4272; two-flow - pixels: mean .26667, the same variance, t
    5.0596; two-flow - network: mean .033333, the same, t .63246. For 2 degrees of freedom p = 1 - t / sqrt(t² + 2):
    .04742, .03691 and .59175. Holm: the smallest times 3, then .04742 times 2, which is less, so the same again.
    """
    pairs = all_pairs(SCORES, n_train=20, n_test=10)
    assert [(pair.first, pair.second) for pair in pairs] == [
        ("network", "pixels"), ("two-flow", "pixels"), ("two-flow", "network")
    ]
    assert [pair.result.statistic for pair in pairs] == pytest.approx([4.4272, 5.0596, 0.63246], abs=1e-4)
    assert [pair.result.p_value for pair in pairs] == pytest.approx([0.04742, 0.03691, 0.59175], abs=1e-4)
    assert [pair.p_holm for pair in pairs] == pytest.approx([0.11074, 0.11074, 0.59175], abs=1e-4)
    assert pairs[1].result == corrected_resampled_ttest(SCORES["two-flow"], SCORES["pixels"], 20, 10)
    assert all_pairs(SCORES, 20, 10, confidence=0.9)[0].result.confidence == 0.9


def test_a_single_pair_is_not_adjusted_and_pairs_without_p_do_not_count():
    (pair,) = all_pairs({"a": [0.1, 0.2], "b": [0.2, 0.1]}, 9, 1)
    assert pair.p_holm == pair.result.p_value
    assert all(math.isnan(pair.p_holm) for pair in all_pairs({"a": [1], "b": [0], "c": [0]}, 9, 1))


def test_compare_pairs_adjusts_for_the_pairs_asked_for():
    pairs = compare_pairs(SCORES, [("network", "pixels"), ("two-flow", "pixels")], paired_ttest)
    assert [pair.p_holm for pair in pairs] == holm([pair.result.p_value for pair in pairs])


@pytest.mark.parametrize(
    "scores, message",
    [
        ({}, "expected scores of at least two methods, got 0"),
        ({"a": [1, 2]}, "at least two methods, got 1"),
        ({"a": [1, 2], "b": [1, 2, 3]}, "b and a: expected two equally long"),
        ({"a": [1, 2], "b": [1, np.nan]}, "b and a: expected scores that are finite"),
    ],
)
def test_bad_scores(scores, message):
    with pytest.raises(ValueError, match=message):
        all_pairs(scores, 9, 1)
