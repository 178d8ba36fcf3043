import numpy as np
import pytest

from twoflow.models.grouping import split_groups


def split(y, groups, n_splits=3):
    return split_groups(np.array(y), None if groups is None else np.array(groups), n_splits, np.random.RandomState(0))


@pytest.mark.parametrize("groups", [None, np.arange(30) // 2])
def test_each_row_is_tried_once(groups):
    folds = split(np.arange(30) // 10, groups)
    assert len(folds) == 3 and sorted(np.concatenate([test for _, test in folds])) == list(range(30))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(30))
        assert groups is None or not set(groups[train]) & set(groups[test])


def test_folds_are_no_more_than_the_groups_of_a_class():
    y, groups = np.arange(24) // 12, np.arange(24) // 6
    assert len(split(y, None, 5)) == 5 and len(split(y, groups, 5)) == 2


def test_a_side_is_never_empty():
    """Three groups of one class and one of another."""
    for train, test in split([0, 0, 0, 0, 0, 0, 1], [0, 0, 1, 1, 2, 2, 3], 2):
        assert len(train) and len(test)


@pytest.mark.parametrize(
    "y, groups, message",
    [
        ([0, 1, 2], None, "two rows at least; each class has one"),
        ([0, 0, 1, 1], [0, 0, 1, 1], "two groups at least; each class has one"),
        ([0, 0, 1, 1], [7, 7, 7, 7], "all 4 rows are of one"),
        ([0, 0, 1, 1], [7, 7, 8], "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_folded(y, groups, message):
    with pytest.raises(ValueError, match=message):
        split(y, groups)
