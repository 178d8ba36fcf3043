import numpy as np
import pytest

from twoflow.heads.inner_folds import draw_held_out, draw_inner_folds


def draw(y, groups, n_splits=3, **options):
    groups = None if groups is None else np.array(groups)
    return draw_inner_folds(np.array(y), groups, n_splits, np.random.RandomState(0), **options)


@pytest.mark.parametrize("groups", [None, np.arange(30) // 2])
def test_each_row_is_held_out_once(groups):
    folds = draw(np.arange(30) // 10, groups)
    assert len(folds) == 3 and sorted(np.concatenate([test for _, test in folds])) == list(range(30))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(30))
        assert groups is None or not set(groups[train]) & set(groups[test])


def test_groups_of_a_class_limit_the_folds():
    y, groups = np.arange(24) // 12, np.arange(24) // 6
    assert len(draw(y, None, 5)) == 5 and len(draw(y, groups, 5)) == 2


@pytest.mark.parametrize("groups", [None, np.arange(16) // 2], ids=["rows", "groups"])
def test_the_rarest_class_limits_the_folds(groups):
    """There are always at least two folds. A unit is a row or a group."""
    y = (np.arange(16) >= 12).astype(int)
    units = 4 if groups is None else 2
    assert len(draw(y, groups, 6)) == units
    assert all(set(y[test]) == {0, 1} for _, test in draw(y, groups, 6))
    assert len(draw(y, groups, 6, every_class=False)) == 6
    y[12:14] = 2
    assert len(draw(y, groups, 6)) == 2


def test_the_finest_target_decides():
    """If two targets have equally many classes, the later one decides."""
    coarse, fine = np.arange(24) % 2, np.arange(24) // 8
    for y in (np.stack([coarse, fine], axis=1), np.stack([fine, coarse], axis=1)):
        for (train, test), (own_train, own_test) in zip(draw(y, None), draw(fine, None)):
            assert train.tolist() == own_train.tolist() and test.tolist() == own_test.tolist()
    tie = np.stack([np.arange(24) % 3, fine], axis=1)
    assert [test.tolist() for _, test in draw(tie, None)] == [test.tolist() for _, test in draw(fine, None)]


def test_a_side_is_never_empty():
    """One class has three groups, the other has one."""
    for train, test in draw([0, 0, 0, 0, 0, 0, 1], [0, 0, 1, 1, 2, 2, 3], 2):
        assert len(train) and len(test)


@pytest.mark.parametrize(
    "y, groups, message",
    [
        ([0, 1, 2], None, "at least 2 rows, got 1 in each class"),
        ([0, 0, 1, 1], [0, 0, 1, 1], "at least 2 groups, got 1 in each class"),
        ([0, 0, 1, 1], [7, 7, 7, 7], "need at least 2 groups, got 1"),
        ([0, 0, 1, 1], [7, 7, 8], "inconsistent numbers of samples"),
    ],
)
def test_bad_input(y, groups, message):
    with pytest.raises(ValueError, match=message):
        draw(y, groups)


def hold_out(y, groups=None, fraction=0.1):
    groups = None if groups is None else np.array(groups)
    return draw_held_out(np.array(y), groups, fraction, np.random.RandomState(0))


def test_rows_of_every_class_that_has_two_are_held_out():
    y = np.repeat(np.arange(4), [1, 2, 10, 40])
    assert np.bincount(y[hold_out(y)], minlength=4).tolist() == [0, 1, 1, 4]
    assert np.bincount(y[hold_out(y, fraction=0.99)]).tolist() == [0, 1, 9, 39]
    assert not hold_out(np.arange(3)).any()


def test_whole_groups_are_held_out():
    y, groups = np.arange(80) // 40, np.arange(80) // 4
    held_out = hold_out(y, groups, 0.25)
    assert not set(groups[held_out]) & set(groups[~held_out])
    assert [len(np.unique(groups[held_out & (y == code)])) for code in (0, 1)] == [2, 2]
    assert not hold_out([0, 0, 1, 1], [0, 0, 1, 1]).any()


def test_a_group_of_two_classes_does_not_take_the_last_rows_of_one():
    """Group 0 has all rows of class 1. With most seeds, it is the first group to be drawn for class 0."""
    y, groups = np.array([0, 1, 0, 0]), np.array([0, 0, 1, 2])
    for seed in range(10):
        held_out = draw_held_out(y, groups, 0.9, np.random.RandomState(seed))
        assert held_out.any() and set(y[~held_out]) == {0, 1}


def test_held_out_rows_need_equal_lengths():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        hold_out([0, 0, 1], [0, 1])
