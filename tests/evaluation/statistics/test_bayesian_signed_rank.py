import math
import sys

import numpy as np
import pytest

from twoflow.errors import MissingExtraError
from twoflow.evaluation.statistics import bayesian_signed_rank_test

from ..datasets.reports import require_baycomp
from .test_friedman import AREAS


@pytest.fixture
def baycomp():
    require_baycomp()


def sampled(differences, margin, n_samples=4000, seed=1):
    """Benavoli et al. 2017: the data sets, and one more without a difference, get Dirichlet weights. The share of an
    answer is the weight of the pairs of data sets, each with itself too, whose mean difference is in its region.
    """
    rng = np.random.default_rng(seed)
    values = np.append(differences, 0.0)
    weights = rng.gamma([1.0] * len(differences) + [0.5], size=(n_samples, len(values)))
    weights /= weights.sum(axis=1, keepdims=True)
    means = (values[:, None] + values) / 2
    regions = [means < -margin, np.abs(means) <= margin, means > margin]
    shares = np.stack([np.einsum("si,sj,ij->s", weights, weights, region) for region in regions], axis=1)
    return np.bincount(shares.argmax(axis=1), minlength=3) / n_samples


@pytest.mark.parametrize("columns", [(1, 0), (0, 1), (3, 2), (1, 3)])
def test_probabilities_are_those_of_an_independent_sample(columns, baycomp):
    """The standard error of the difference is below 0.009."""
    first, second = AREAS[:, columns[0]], AREAS[:, columns[1]]
    result = bayesian_signed_rank_test(first, second, margin=0.0105)
    expected = sampled(first - second, 0.0105)
    assert [result.worse, result.equivalent, result.better] == pytest.approx(expected, abs=0.035)
    assert result.worse + result.equivalent + result.better == pytest.approx(1)


def test_directions(baycomp):
    low, high = np.linspace(0.5, 0.6, 10), np.linspace(0.7, 0.8, 10)
    assert bayesian_signed_rank_test(high, low).better > 0.99
    assert bayesian_signed_rank_test(low, high).worse > 0.99
    assert bayesian_signed_rank_test(low, low + 0.001).equivalent > 0.99
    assert bayesian_signed_rank_test(high, low, margin=0.5).equivalent > 0.99
    assert "higher by more than 0.01 with probability 1.00" in str(bayesian_signed_rank_test(high, low))


def test_the_seed_decides_and_the_global_one_is_left_alone(baycomp):
    state = np.random.get_state()[1].tolist()
    one, same, other = (
        bayesian_signed_rank_test(AREAS[:, 0], AREAS[:, 1], random_state=seed) for seed in (0, 0, 1)
    )
    assert one == same != other
    assert np.random.get_state()[1].tolist() == state


def test_few_data_sets_give_no_probabilities_even_without_baycomp(monkeypatch):
    monkeypatch.setitem(sys.modules, "baycomp", None)
    result = bayesian_signed_rank_test([0.9] * 4, [0.1] * 4)
    assert math.isnan(result.better) and "too few" in str(result)


def test_without_baycomp_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "baycomp", None)
    with pytest.raises(MissingExtraError, match=r'pip install "twoflow\[datasets\]"'):
        bayesian_signed_rank_test([0.9] * 5, [0.1] * 5)


@pytest.mark.parametrize("margin", [0, -1, math.nan, math.inf])
def test_bad_margins(margin):
    with pytest.raises(ValueError, match="margin: expected a number above 0"):
        bayesian_signed_rank_test([0.9] * 5, [0.1] * 5, margin=margin)
