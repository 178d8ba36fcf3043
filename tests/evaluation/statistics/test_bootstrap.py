import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from twoflow.evaluation.statistics import bootstrap_accuracy_interval, wilson_interval


def interval(is_right, groups=None, **options):
    return bootstrap_accuracy_interval(np.ones(len(is_right), dtype=int), np.asarray(is_right, int), groups, **options)


def test_golden_values():
    """Three groups with 2 of 2, 1 of 2 and 0 of 4 right, compared with all 27 possible draws.

    200,000 resamples come close to all draws. BCa by hand: the share below 3/8, counting half of the ties, gives the
    bias. The accuracies without one group, 1/6, 2/6 and 3/4, give the acceleration.
    """
    found = interval([1, 1, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 2, 2, 2, 2], n_resamples=200_000, random_state=0)
    assert found.accuracy == 3 / 8 and (found.n_groups, found.n_images) == (3, 8)
    right, size = np.array([2, 1, 0]), np.array([2, 2, 4])
    draws = np.sort([right[list(d)].sum() / size[list(d)].sum() for d in product(range(3), repeat=3)])
    below = (np.mean(draws < 3 / 8) + np.mean(draws <= 3 / 8)) / 2
    bias, influence = stats.norm.ppf(below), np.mean([1 / 6, 2 / 6, 3 / 4]) - np.array([1 / 6, 2 / 6, 3 / 4])
    a = (influence ** 3).sum() / (6 * (influence ** 2).sum() ** 1.5)
    for end, z in zip(found.confidence_interval, (-1.959964, 1.959964)):
        level = stats.norm.cdf(bias + (bias + z) / (1 - a * (bias + z)))
        assert end == draws[math.ceil(level * 27) - 1]


def test_without_groups_it_is_near_wilson():
    """90 of 100: Wilson's score interval is .8256 to .9448, by hand."""
    found = interval([1] * 90 + [0] * 10, random_state=0)
    assert found.confidence_interval == pytest.approx((0.8256, 0.9448), abs=0.012)
    assert found == interval([1] * 90 + [0] * 10, groups=[f"shoe {i}" for i in range(100)], random_state=0)


def test_copies_in_one_group_do_not_narrow_the_interval():
    one = interval([1] * 30 + [0] * 10, random_state=0)
    copied = interval(np.repeat([1] * 30 + [0] * 10, 5), np.repeat(np.arange(40), 5), random_state=0)
    assert copied.confidence_interval == one.confidence_interval and copied.accuracy == one.accuracy
    low, high = interval(np.repeat([1] * 30 + [0] * 10, 5), random_state=0).confidence_interval
    assert high - low < 0.6 * (one.confidence_interval[1] - one.confidence_interval[0])


def test_the_order_of_images_and_the_names_of_groups_and_classes_do_not_matter():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(3, size=(2, 60))
    groups = rng.integers(25, size=60)
    found = bootstrap_accuracy_interval(truth, predicted, groups, random_state=1)
    order = rng.permutation(60)
    again = bootstrap_accuracy_interval(truth[order], predicted[order], groups[order], random_state=1)
    names, products = np.array(["boot", "clog", "pump"]), np.array([f"product {i:02}" for i in range(25)])
    assert found == again
    assert found == bootstrap_accuracy_interval(names[truth], names[predicted], products[groups], random_state=1)
    assert found != bootstrap_accuracy_interval(truth, predicted, groups, random_state=2)
    wider = bootstrap_accuracy_interval(truth, predicted, groups, confidence=0.99, random_state=1).confidence_interval
    assert wider[0] <= found.confidence_interval[0] < found.confidence_interval[1] <= wider[1]


@pytest.mark.parametrize(
    "is_right, groups, n",
    [([1] * 9, None, 9), ([0] * 9, None, 9), ([1], None, 1), ([1, 0], [5, 5], 1), ([1, 0] * 4, [1, 1, 2, 2] * 2, 2)],
)
def test_without_spread_it_is_wilson_counted_in_groups(is_right, groups, n):
    found = interval(is_right, groups, random_state=0)
    assert found.accuracy == np.mean(is_right) and found.confidence_interval == wilson_interval(found.accuracy, n)
    assert found.interval_kind == ("Wilson" if groups is None else "Wilson, counted in groups")
    assert str(found).endswith(f"({found.interval_kind}).")


@pytest.mark.parametrize("options", [{"n_resamples": 1}, {"n_resamples": 20, "confidence": 0.9999999}])
def test_ends_are_accuracies_even_with_few_resamples(options):
    low, high = interval([1, 1, 0, 1, 0, 0, 0], [1, 1, 1, 2, 2, 3, 3], random_state=0, **options).confidence_interval
    assert 0 <= low <= high <= 1


def test_sentence():
    assert str(interval([1] * 6 + [0] * 2, [0, 0, 1, 1, 2, 2, 3, 3], random_state=0)).startswith(
        "Accuracy 0.7500 on 8 images in 4 groups, 95% interval "
    )
    assert str(interval([1, 1, 0], random_state=0)).endswith("(BCa bootstrap of images).")


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        (([1, 2], [1]), {}, "equally long columns, got y_true 2, y_predicted 1"),
        (([], []), {}, "y_true: expected a 1-D sequence of labels"),
        (([1, 2], [1, np.nan]), {}, "y_predicted: 1 missing"),
        ((["1", "2"], [1, 2]), {}, "labels and predictions of one type, got text and numbers"),
        (([1, 2], [1, 2], [1]), {}, "equally long columns, got y_true 2, y_predicted 2, groups 1"),
        (([1, 2], [1, 2], ["a", None]), {}, "groups: 1 missing"),
        (([1, 2], [1, 2]), {"confidence": 0}, "expected a confidence between 0 and 1"),
        (([1, 2], [1, 2]), {"n_resamples": 0}, "n_resamples: expected an integer of at least 1, got 0"),
    ],
)
def test_bad_input(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_accuracy_interval(*arguments, **options)
