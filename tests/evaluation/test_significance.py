import math

import numpy as np
import pytest

from twoflow.evaluation.folds import draw_folds, official_split
from twoflow.evaluation.significance import compare_pairs_of_methods, power_of_pairs
from twoflow.evaluation.statistics import (
    corrected_power,
    corrected_resampled_ttest,
    holm,
    mcnemar_test,
    sign_flip_test,
    split_power,
)

LABELS, GROUPS = np.repeat(["boot", "clog", "pump"], 40), np.arange(120) // 3
SPLIT = official_split(np.where(np.arange(120) % 40 < 24, "train", "test"), LABELS)
PAIRS = [("a", "b"), ("c", "b"), ("a", "d")]


def answers(folds):
    """Draw which test images each method gets right; "d" is right where "a" is."""
    rng = np.random.default_rng(3)
    found = {name: tuple(rng.random(len(fold.test)) < share for fold in folds)
             for name, share in (("a", 0.9), ("b", 0.6), ("c", 0.7))}
    return {**found, "d": found["a"]}


def compared(folds, groups, **options):
    is_right = answers(folds)
    scores = {name: np.array([each.mean() for each in own]) for name, own in is_right.items()}
    return compare_pairs_of_methods(scores, is_right, folds, groups, PAIRS, **options), scores, is_right


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_several_splits_take_the_corrected_test(groups):
    folds = draw_folds(LABELS, groups, n_splits=5)
    found, scores, _ = compared(folds, groups)
    sizes = [len(fold.train) for fold in folds], [len(fold.test) for fold in folds]
    for (first, second), each in zip(PAIRS, found, strict=True):
        expected = corrected_resampled_ttest(scores[first], scores[second], *sizes)
        assert (each.first, each.second) == (first, second) and repr(each.result) == repr(expected)


def test_intervals_of_several_splits_end_where_a_difference_of_shares_ends():
    folds = draw_folds(LABELS, n_splits=2)
    is_right = {name: tuple(np.arange(60) < n for n in sizes) for name, sizes in (("a", (60, 30)), ("b", (20, 0)))}
    scores = {name: np.array([each.mean() for each in own]) for name, own in is_right.items()}
    (found,) = compare_pairs_of_methods(scores, is_right, folds, None, [("a", "b")])
    low, high = found.result.confidence_interval
    assert low < -1 and high > 1 and found.interval == (-1, 1)


def test_one_split_takes_mcnemar_or_with_groups_sign_flips():
    (test,) = (fold.test for fold in SPLIT)
    truth = np.ones(len(test), dtype=bool)
    found, _, is_right = compared(SPLIT, None)
    assert found[0].result == mcnemar_test(truth, is_right["a"][0], is_right["b"][0], method="mid-p")
    found, _, is_right = compared(SPLIT, GROUPS)
    assert found[0].result == sign_flip_test(truth, is_right["a"][0], is_right["b"][0], GROUPS[test])


@pytest.mark.parametrize("groups", [None, GROUPS])
@pytest.mark.parametrize("folds", [SPLIT, draw_folds(LABELS, n_splits=5)])
def test_corrections_count_the_tests_that_judge(folds, groups):
    found, _, _ = compared(folds, groups)
    assert [each.p_holm for each in found[:2]] == holm([each.result.p_value for each in found[:2]])
    assert math.isnan(found[2].p_holm) and np.isnan(found[2].interval).all()
    assert {each.n_tests for each in found} == {2}
    assert found[0].interval_kind == f"{found[0].result.interval_kind}, Bonferroni for 2 tests"
    wider, _, _ = compared(folds, groups, confidence=0.975)
    for each, alone in zip(found[:2], wider):
        assert each.interval == pytest.approx(alone.result.confidence_interval)
        assert each.interval[0] < each.result.confidence_interval[0]


def test_every_result_has_what_a_report_writes():
    for folds, groups in ((SPLIT, None), (SPLIT, GROUPS), (draw_folds(LABELS, n_splits=5), None)):
        for each in compared(folds, groups)[0]:
            for name in ("test", "interval_kind", "correction"):
                assert getattr(each.result, name)
            assert isinstance(each.result.effect_size, float) and isinstance(each.result.statistic, float)
            assert each.result.degrees_of_freedom in (4, None) and each.result.n_differences in (5, None)


def test_errors_name_the_pair():
    folds = draw_folds(LABELS, n_splits=5)
    scores = {name: np.array([np.nan] * 5) for name in "abcd"}
    with pytest.raises(ValueError, match="a and b: expected scores that are finite"):
        compare_pairs_of_methods(scores, {}, folds, None, PAIRS)


def test_power_is_that_of_the_test_for_all_pairs():
    pairs, level = PAIRS[:2], 1 - 0.05 / 2
    folds = draw_folds(LABELS, n_splits=3, repeats=2)
    is_right = answers(folds)
    scores = {name: np.array([each.mean() for each in own]) for name, own in is_right.items()}
    sizes = [len(fold.train) for fold in folds], [len(fold.test) for fold in folds]
    expected = corrected_power(scores["c"], scores["b"], *sizes, repeats=2, confidence=level)
    assert power_of_pairs(scores, is_right, folds, None, pairs)[1] == expected
    (test,), is_right = (fold.test for fold in SPLIT), answers(SPLIT)
    truth, both = np.ones(len(test), dtype=bool), (is_right["a"][0], is_right["b"][0])
    for groups, of_test in ((None, None), (GROUPS, GROUPS[test])):
        found = power_of_pairs(scores, is_right, SPLIT, groups, pairs, power=0.7)
        assert found[0] == split_power(truth, *both, of_test, power=0.7, confidence=level)
