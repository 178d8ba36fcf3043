"""Check which y a classifier accepts."""

import numpy as np
import pytest

from twoflow.heads.targets import check_targets

ROWS = [["nike", "air"], ["nike", "dunk"], ["puma", "suede"]]


def test_one_target_and_several():
    assert check_targets(["a", "b"]).tolist() == check_targets(["a", "b"], several=False).tolist() == ["a", "b"]
    assert check_targets(ROWS).tolist() == ROWS


@pytest.mark.parametrize(
    "y, several, message",
    [
        (None, True, "requires y to be passed"),
        (ROWS, False, "y should be a 1d array"),
        (np.zeros((2, 2, 2)), True, r"expected shape \(n,\) or \(n, n_targets\), got \(2, 2, 2\)"),
        (["a", "a"], False, "at least two classes; all 2 labels are a"),
        ([["a", "b"], ["c", "b"]], True, "at least two classes; all 2 labels of 'target 2' are b"),
        ([["a", "b"], ["c", None]], True, "labels of 'target 2': 1 missing .*, the first at 1"),
        ([0.5, 1.5], False, "Unknown label type"),
        ([[0.5, 1], [1.5, 2]], True, "Unknown label type"),
    ],
)
def test_bad_targets(y, several, message):
    with pytest.raises(ValueError, match=message):
        check_targets(y, several=several)
