import math

import numpy as np
import pytest
from scipy import stats

from twoflow.evaluation.statistics import corrected_power, corrected_resampled_ttest, mcnemar_test, split_power
from twoflow.evaluation.statistics.power import _detectable

D, ZERO = np.array([0.02, 0.01, 0.03, 0.0, 0.02]), np.zeros(5)


@pytest.mark.parametrize("freedom, confidence", [(4, 0.95), (9, 0.95), (99, 0.99)])
def test_against_scipys_noncentral_t(freedom, confidence):
    shift, critical = _detectable(freedom, 0.8, confidence), stats.t.ppf((1 + confidence) / 2, freedom)
    found = stats.nct.sf(critical, freedom, shift) + stats.nct.cdf(-critical, freedom, shift)
    assert found == pytest.approx(0.8, abs=5e-4)


def test_many_folds_are_near_the_normal_distribution():
    """By hand: 1.959964 + .841621 standard errors."""
    assert _detectable(100_000, 0.8, 0.95) == pytest.approx(2.801585, abs=2e-4)


def test_the_smallest_difference_by_hand():
    """The standard error is sqrt((1/5 + 1/4) .00013) = .0076485; with 4 degrees of freedom 3.7611 of them are found."""
    found = corrected_power(D, ZERO, 80, 20)
    assert found.smallest == pytest.approx(3.7611 * 0.0076485, rel=1e-3) and found.mean_difference == 0.016


def test_repeats_are_the_fewest_that_find_the_difference():
    found = corrected_power(D, ZERO, 80, 20)

    def smallest(repeats):
        n = 5 * repeats
        return math.sqrt((1 / n + 1 / 4) * 0.00013) * _detectable(n - 1, 0.8, 0.95)

    assert smallest(found.repeats) <= 0.016 < smallest(found.repeats - 1)
    # Of the same scores as two repeats, fewer folds make a repeat, and the same number of folds is needed.
    doubled = corrected_power(np.tile(D, 2), np.zeros(10), 80, 20, repeats=2)
    assert doubled.repeats < found.repeats and doubled.smallest < found.smallest


def test_repeats_cannot_help_if_the_difference_is_small():
    """However many repeats, the standard error is at least sqrt(s² n_test / n_train)."""
    found = corrected_power(D - 0.01, ZERO, 80, 20)
    assert found.repeats is None and "takes more images, not more repeats" in str(found)


def test_a_difference_that_is_found_is_said_to_be():
    found = corrected_power(D + 0.1, ZERO, 80, 20)
    assert found.repeats == 1 and str(found).endswith("the one seen is 0.1160.")
    assert corrected_power(ZERO, D + 0.1, 80, 20).smallest == found.smallest


@pytest.mark.parametrize("first", [D * 0, D * 0 + 0.1])
def test_no_spread(first):
    found = corrected_power(first, ZERO, 80, 20)
    assert found.smallest is None and found.repeats is None and "cannot find any difference" in str(found)
    assert split_power([1] * 4, [1] * 4, [1] * 4).smallest is None
    assert split_power([1] * 4, [1] * 4, [1, 1, 0, 0], [1] * 4).smallest is None


def test_power_of_the_corrected_test_by_simulation():
    """Differences with the correlation that the correction assumes: the one computed is found in 80 % of cases."""
    rng = np.random.default_rng(0)
    n, ratio, deviation = 10, 1 / 9, 0.05
    correlation = ratio / (1 + ratio)
    common, own = rng.normal(size=(3000, 1)), rng.normal(size=(3000, n))
    noise = deviation * (math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own)
    # What is seen as the spread within a comparison is the part that is not common.
    seen = deviation * math.sqrt(1 - correlation)
    standard = np.linspace(-1, 1, n)
    standard *= seen / standard.std(ddof=1)
    smallest = corrected_power(standard, np.zeros(n), 90, 10).smallest
    found = [corrected_resampled_ttest(row, np.zeros(n), 90, 10).p_value < 0.05 for row in noise + smallest]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("n, discordant", [(200, 0.2), (500, 0.1)])
def test_power_of_mcnemar_by_simulation(n, discordant):
    counts = [round(n * (1 - discordant)), round(n * discordant / 2)]
    truth = np.ones(n, dtype=bool)
    first, second = np.repeat([1, 1, 0], [*counts, counts[1]]) == 1, np.repeat([1, 0, 1], [*counts, counts[1]]) == 1
    smallest = split_power(truth, first, second).smallest
    shares = [1 - discordant, (discordant + smallest) / 2, (discordant - smallest) / 2]
    found = []
    for row in np.random.default_rng(0).multinomial(n, shares, size=1000):
        both = np.repeat([1, 1, 0], row) == 1, np.repeat([1, 0, 1], row) == 1
        found.append(mcnemar_test(truth, *both, method="mid-p").p_value < 0.05)
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)


def test_groups_of_one_image_find_about_as_much_as_images():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 400)) < np.array([[0.85], [0.85]])
    truth = np.ones(400, dtype=bool)
    by_group = split_power(truth, first, second, np.arange(400)).smallest
    assert by_group == pytest.approx(split_power(truth, first, second).smallest, rel=0.05)
    copied = split_power(np.repeat(truth, 3), *(np.repeat(each, 3) for each in (first, second)), np.arange(1200) // 3)
    assert copied.smallest == pytest.approx(by_group)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"power": 1}, "power: expected a number above the significance level and below 1, such as 0.8, got 1"),
        ({"power": 0.04}, "power: expected"),
        ({"confidence": 1}, "expected a confidence"),
        ({"repeats": 2}, "repeats: expected a divisor of the number of folds, 5, got 2"),
        ({"repeats": 0}, "repeats: expected"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        corrected_power(D, ZERO, 80, 20, **options)
