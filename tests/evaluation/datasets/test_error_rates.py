"""Simulate how often the tests over several data sets find a difference that is not there.

Four equal methods on ten data sets: each data set has its own level and its own spread, and the scores of the methods
are independent. The Monte-Carlo error of a rate near 5 % is 0.7 % in 1,000 experiments and 1 % in 500. The figures in
the docstrings are from 10,000.
"""

import sys

import numpy as np
import pytest

from twoflow.evaluation.datasets.pairs import compare_every_pair
from twoflow.evaluation.statistics import friedman_test

N_DATASETS, METHODS = 10, list("abcd")


@pytest.fixture(scope="module")
def experiments():
    rng = np.random.default_rng(0)
    level, spread = (rng.uniform(*ends, size=(1000, N_DATASETS, 1)) for ends in ((0.5, 0.9), (0.01, 0.1)))
    return level + spread * rng.normal(size=(1000, N_DATASETS, len(METHODS)))


def test_friedman(experiments):
    """5.2 %."""
    assert 0.03 < np.mean([friedman_test(scores).p_value < 0.05 for scores in experiments]) < 0.07


def test_any_pair_by_wilcoxon_and_holm(experiments, monkeypatch):
    """3.0 %, and 22 % without Holm's correction.

    With ten data sets p takes few values, so that the tests are more cautious than they need to be.
    """
    monkeypatch.setitem(sys.modules, "baycomp", None)  # only the p-values matter
    found = [compare_every_pair(METHODS, scores, 0.01, 0)[0] for scores in experiments[:500]]
    rate = np.mean([any(pair.is_significant for pair in pairs) for pairs in found])
    assert 0.01 < rate < 0.05
    unadjusted = np.mean([any(pair.result.p_value < 0.05 for pair in pairs) for pairs in found])
    assert unadjusted > 0.15  # without Holm's correction
