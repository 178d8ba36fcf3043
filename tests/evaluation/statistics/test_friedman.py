import math

import numpy as np
import pytest
from scipy import stats

from twoflow.evaluation.statistics import friedman_test, rank_methods

#: Areas under the ROC curve of four classifiers on 14 data sets (Demšar 2006, table 6). The paper writes 0.975 for
#: 0.9751 and 0.9749, and ranks them 2 and 3.
AREAS = np.array([
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.9749], [0.957, 0.978, 0.946, 0.970],
])


def test_mean_ranks_are_those_of_the_paper():
    assert friedman_test(AREAS).mean_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)


def test_f_is_that_of_the_paper_corrected_for_ties():
    """Demšar has chi-square 9.28 and F 3.69, without it. It divides by 1 - sum(t³ - t) / (N k (k² - 1)).

    One tie is of four methods and three are of two: 60 + 3 * 6 = 78 over 14 * 60 = 840, so 9.28 / 0.90714 = 10.23 and
    F = 13 * 10.23 / (42 - 10.23) = 4.19.
    """
    result = friedman_test(AREAS)
    assert result.statistic == pytest.approx(4.19, abs=0.01)
    assert result.degrees_of_freedom == (3, 39)
    assert result.p_value == pytest.approx(stats.f.sf(result.statistic, 3, 39)) and result.p_value < 0.05
    assert "at least one method differs, F(3, 39) = 4.1" in str(result)


def test_ranks():
    assert rank_methods([[0.9, 0.8, 0.8], [0.1, 0.2, 0.3]]).tolist() == [[1, 2.5, 2.5], [3, 2, 1]]
    assert rank_methods([[0.9, 0.8, 0.8]], greater_is_better=False).tolist() == [[3, 1.5, 1.5]]
    assert rank_methods([[0.3, 0.1 + 0.2]]).tolist() == [[1.5, 1.5]]


def test_the_order_of_methods_and_data_sets_does_not_matter():
    expected = friedman_test(AREAS)
    turned = friedman_test(AREAS[::-1, ::-1])
    assert turned.p_value == pytest.approx(expected.p_value)
    assert turned.mean_ranks == pytest.approx(expected.mean_ranks[::-1])


def test_the_same_ranks_everywhere_give_the_exact_p():
    """Six orders of three methods: five data sets agree by chance with (1/6)^4; with a tie there are three orders."""
    result = friedman_test([[0.9, 0.8, 0.7]] * 5)
    assert result.statistic == math.inf and result.p_value == pytest.approx(6.0**-4)
    assert friedman_test([[0.9, 0.8, 0.8]] * 5).p_value == pytest.approx(3.0**-4)


def test_nothing_to_judge_by_gives_no_p():
    equal = friedman_test(np.full((6, 3), 0.5))
    assert math.isnan(equal.p_value) and "nothing to test" in str(equal)
    few = friedman_test(AREAS[:4])
    assert math.isnan(few.p_value) and "at least 5 data sets" in str(few)
    assert math.isfinite(friedman_test(AREAS[:5]).p_value)


@pytest.mark.parametrize("scores", [[[0.1, 0.2]] * 3, [[0.1, 0.2, 0.3]], [0.1, 0.2, 0.3], [[0.1, 0.2, np.nan]] * 3])
def test_bad_scores(scores):
    with pytest.raises(ValueError, match="expected finite scores of shape"):
        friedman_test(scores)
