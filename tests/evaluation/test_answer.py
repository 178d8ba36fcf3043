"""What a comparison answers in sentences: checked with made-up tests of pairs, and with predictions."""

import math
from itertools import combinations
from types import SimpleNamespace

import pytest

from twoflow.evaluation.answer import compare_with_best, describe_power, find_answer
from twoflow.evaluation.folds import draw_folds, official_split
from twoflow.evaluation.scores import AppliedScore, Score
from twoflow.evaluation.statistics import Difference, PowerResult, corrected_power

from ..report.made import LABELS, comparison, two_targets

ABLE = "These splits show a difference of 0.050 or more with a probability of 80%"
ACCURACY = AppliedScore(Score("accuracy", None, True))
ERROR = AppliedScore(Score("error", None, True, greater_is_better=False))


def answer(means, p, score=ACCURACY, n_splits=10, power=()):
    """Answer for means by method, and p-values by method for the pair with the best; None is no test."""
    best = (max if score.score.greater_is_better else min)(means, key=means.get)
    pairs = []
    for first, second in combinations(means, 2):
        difference = means[first] - means[second]
        given = p.get(second if first == best else first, 0.5)
        ends = (difference - 0.01, difference + 0.01) if given is not None else (math.nan, math.nan)
        result = SimpleNamespace(mean_difference=difference, confidence=0.95)
        pairs.append(Difference(first, second, result, math.nan if given is None else given, ends, 3))
    order = sorted(means, key=means.get, reverse=score.score.greater_is_better)
    return find_answer({name: means[name] for name in order}, compare_with_best(best, pairs), score, n_splits, power)


def test_the_best_is_better_than_all_others():
    found = answer({"two-flow": 0.898, "fast": 0.99, "cnn": 0.88}, {"two-flow": 0.001, "cnn": 0.0001})
    assert (found.best, found.worse, found.not_worse, found.untested) == ("fast", ("two-flow", "cnn"), (), ())
    assert found.sentences == (
        "fast is the best method: accuracy 0.990.",
        "It is significantly better than two-flow, by 0.092 [0.082, 0.102], and cnn, by 0.110 [0.100, 0.120].",
        "To try next: --methods fast,best",
    )
    assert str(found) == "\n".join(found.sentences)


def test_the_best_is_not_better_than_the_next():
    found = answer({"two-flow": 0.7, "fast": 0.9, "cnn": 0.89}, {"two-flow": 0.01, "cnn": 0.4}, power=("More!",))
    assert found.not_worse == ("cnn",) and found.worse == ("two-flow",)
    assert found.sentences == (
        "fast has the highest accuracy, 0.900, but is not significantly better than cnn, 0.890.",
        "It is significantly better than two-flow, by 0.200 [0.190, 0.210].",
        "More!",
        "To try next: --methods fast,best",
    )


def test_how_much_could_be_found_is_told_only_where_nothing_was():
    assert "More!" not in answer({"a": 0.9, "b": 0.8}, {"b": 0.01}, power=("More!",)).sentences
    assert "More!" in answer({"a": 0.9, "b": 0.8}, {"b": 0.9}, power=("More!",)).sentences


def test_differences_that_no_test_could_judge():
    found = answer({"a": 0.9, "b": 0.8, "c": 0.7}, {"b": None, "c": 0.01})
    assert found.untested == ("b",) and found.worse == ("c",)
    assert found.sentences[:3] == (
        "a has the highest accuracy, 0.900.",
        "It is significantly better than c, by 0.200 [0.190, 0.210].",
        "No test could judge the difference to b (0.100).",
    )


@pytest.mark.parametrize("p", [1.0, None])
def test_methods_at_a_tie_are_named_together(p):
    found = answer({"a": 0.9, "b": 0.9, "c": 0.5}, {"b": p, "c": 0.01})
    assert found.best == "a"
    assert found.sentences[:2] == (
        "a and b have the highest accuracy, 0.900.", "a is significantly better than c, by 0.400 [0.390, 0.410].",
    )
    assert "b" in (found.untested if p is None else found.not_worse)


def test_a_score_that_should_be_small():
    found = answer({"a": 0.3, "b": 0.1, "c": 0.2}, {"a": 0.01, "c": 0.3}, ERROR)
    assert found.sentences[:2] == (
        "b has the lowest error, 0.100, but is not significantly better than c, 0.200.",
        "It is significantly better than a, by 0.200 [0.190, 0.210].",
    )


def test_one_method():
    found = answer({"cnn": 0.9}, {})
    assert found.sentences == (
        "cnn has the accuracy 0.900.", "No other method was compared with it.", "To try next: --methods cnn,fast",
    )
    assert found.not_worse == found.worse == found.untested == ()


def test_many_methods_are_counted():
    found = answer({f"m{i}": 1 - i / 10 for i in range(8)}, {f"m{i}": 0.01 for i in range(8)})
    assert found.sentences[1].endswith("m3, by 0.300 [0.290, 0.310], and 4 more.") and len(found.worse) == 7


@pytest.mark.parametrize("n_splits, is_told", [(1, False), (2, True), (4, True), (5, False)])
def test_few_splits_are_told(n_splits, is_told):
    told = f"With only {n_splits} splits, a test can hardly find a difference; ask for more folds."
    assert (told in answer({"a": 0.9, "b": 0.8}, {"b": 0.5}, n_splits=n_splits).sentences) == is_told


@pytest.mark.parametrize("means, expected", [
    ({"mine": 0.9}, ("fast",)),
    ({"two-flow": 0.9, "cnn": 0.8}, ("two-flow", "fast")),
    ({"cnn:stage2": 0.9, "mine": 0.8}, ("cnn:stage2", "fast")),
    ({"efficientnet-lite1:logistic": 0.9, "mine": 0.8}, ("efficientnet-lite1:logistic", "fast")),
    ({"fast": 0.9, "cnn": 0.8}, ("fast", "best")),
    ({"fast:lda": 0.9, "cnn": 0.8}, ("fast:lda", "best")),
    ({"fast": 0.8, "cnn": 0.9}, ("cnn", "best")),
    ({"best": 0.9, "cnn": 0.8}, ()),
    ({"best:stack": 0.7, "cnn": 0.8}, ()),
])
def test_what_to_try_next(means, expected):
    found = answer(means, {name: 0.01 for name in means})
    assert found.next_methods == expected
    assert ("To try next" in found.sentences[-1]) == bool(expected)


def test_the_difference_to_the_best_is_turned_round():
    pair = Difference("a", "b", SimpleNamespace(mean_difference=0.25, confidence=0.95), 0.5, (-0.125, 0.5), 1)
    (turned,) = compare_with_best("a", [pair]).values()
    (kept,) = compare_with_best("b", [pair]).values()
    assert (turned.difference, turned.interval) == (-0.25, (-0.5, 0.125))
    assert (kept.difference, kept.interval) == (0.25, (-0.125, 0.5))
    assert kept.is_open and not kept.is_significant and compare_with_best("c", [pair]) == {}


@pytest.mark.parametrize("smallest, seen, repeats, expected", [
    (None, 0.1, None, "These splits cannot show any difference; test more images."),
    (0.05, 0.02, 1200, f"{ABLE}; 0.020 takes 1,200 repeats."),
    (0.05, -0.02, None, f"{ABLE}; 0.020 takes more images, not more repeats."),
    (0.05, 0.06, 1, f"{ABLE}."),
    (0.05, 0.0, None, f"{ABLE}."),
])
def test_how_much_could_be_found(smallest, seen, repeats, expected):
    power = PowerResult(smallest, seen, repeats, 0.8, 0.95)
    assert describe_power(power, 2) == expected
    alone = expected.replace("These splits show", "This split shows").replace("These splits", "This split")
    assert describe_power(power, 1) == alone


def test_the_power_of_a_comparison():
    found = comparison()
    assert found.order == [1, 2, 0]  # the first two at a tie
    (power,) = [each for pair, each in found.power.items() if set(pair) == {"method0", "method1"}]
    assert found.power_sentences == (describe_power(power, len(found.folds)),)
    assert found.power_sentences[0] in found.answer.sentences
    # Three pairs are tested together.
    sizes = [48] * 5, [12] * 5
    scores = [found[name].scores["accuracy"] for name in ("method0", "method2")]
    expected = corrected_power(*scores, *sizes, confidence=1 - 0.05 / 3)
    assert found.power["method0", "method2"] == expected


@pytest.mark.parametrize("make", [
    lambda: comparison(draw_folds(LABELS, n_splits=10), skill=0.6),
    lambda: comparison(draw_folds(LABELS, n_splits=2)),
    lambda: comparison(official_split(["train", "test", "test"] * 20, LABELS)),
    lambda: comparison(n_methods=1),
    lambda: two_targets(3),
], ids=["folds", "two folds", "official split", "one method", "two targets"])
def test_every_method_is_in_the_answer(make):
    found = make()
    answer = found.answer
    names = [method.name for method in found.methods]
    assert answer.best == found.best
    assert sorted([answer.best, *answer.not_worse, *answer.worse, *answer.untested]) == sorted(names)
    for name, test in found.to_best.items():
        scores = [found[each].scores[found.tested_score].mean() for each in (name, found.best)]
        assert test.difference == pytest.approx(scores[0] - scores[1])
        assert (name in answer.worse) == (test.p_holm < 0.05)
    assert found.scores[found.tested_score].label in answer.sentences[0]
