"""Which targets are wrong together: the counts, and what independent errors would give."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twoflow.evaluation.joint_errors import find_joint_errors


def test_two_targets():
    true = np.array([["tee", "red"]] * 6 + [["cap", "blue"]] * 4)
    predicted = true.copy()
    predicted[:3, 1] = "pink"  # color wrong
    predicted[5] = ["cap", "blue"]  # both wrong
    predicted[9, 0] = "tee"  # type wrong
    found = find_joint_errors(["type", "color"], true, {"cnn": predicted, "best": true})
    own = found["cnn"]
    assert (own.n, own.n_right, own.n_other, own.expected_other) == (10, 5, 0, 0)
    assert [(each.wrong, each.n, each.share) for each in own.patterns] == [
        (("type",), 1, 0.1), (("color",), 3, 0.3), (("type", "color"), 1, 0.1)
    ]
    # 2 of 10 types and 4 of 10 colors are wrong.
    assert [each.expected for each in own.patterns] == pytest.approx([10 * 0.2 * 0.6, 10 * 0.8 * 0.4, 10 * 0.2 * 0.4])
    assert [tuple(each) for each in own.combinations] == [
        (("tee", "red"), ("tee", "pink"), 3, 0.5), (("cap", "blue"), ("tee", "blue"), 1, 0.25),
        (("tee", "red"), ("cap", "blue"), 1, pytest.approx(1 / 6)),
    ]
    assert found["best"].n_right == 10 and found["best"].combinations == ()


@given(st.integers(2, 6).flatmap(lambda k: st.tuples(*[arrays(bool, (40, k))] * 2)))
def test_every_prediction_counts_once(wrong):
    n, k = wrong[0].shape
    true = np.zeros((n, k), dtype=int)
    names = [f"t{i}" for i in range(k)]
    found = find_joint_errors(names, true, dict(zip("ab", (each.astype(int) for each in wrong))))
    for own, is_wrong in zip((found["a"], found["b"]), wrong):
        assert own.n_right + sum(each.n for each in own.patterns) + own.n_other == n
        rates = is_wrong.mean(axis=0)
        expected = sum(each.expected for each in own.patterns) + own.expected_other
        assert expected == pytest.approx(n * (1 - np.prod(1 - rates)), abs=1e-9)
        for each in own.patterns:
            pattern = [name in each.wrong for name in names]
            assert each.n == (is_wrong == pattern).all(axis=1).sum()
    assert [each.wrong for each in found["a"].patterns] == [each.wrong for each in found["b"].patterns]
    assert len(found["a"].patterns) == 2 ** k - 1 if k < 4 else len(found["a"].patterns) <= 10


def test_the_ten_most_frequent_patterns_of_four_targets():
    patterns = np.array([each for each in product((0, 1), repeat=4) if any(each)])
    wrong = np.repeat(patterns, range(1, 16), axis=0)
    found = find_joint_errors(list("abcd"), np.zeros_like(wrong), {"cnn": wrong})["cnn"]
    assert [each.n for each in found.patterns] == list(range(15, 5, -1)) and found.n_other == 15
    assert found.patterns[0].wrong == ("a", "b", "c", "d")


def test_a_copy_is_wrong_with_its_original():
    true = np.column_stack([np.arange(20) % 4] * 2)
    predicted = (true + (np.arange(20) < 5)[:, None]) % 4
    found = find_joint_errors(["a", "copy"], true, {"cnn": predicted})["cnn"]
    assert [each.n for each in found.patterns] == [0, 0, 5]
    assert found.patterns[2].expected == pytest.approx(20 * 0.25 ** 2)
