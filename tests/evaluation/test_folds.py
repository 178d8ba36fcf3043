import numpy as np
import pytest

from twoflow.evaluation.folds import draw_folds, official_split, shrink
from twoflow.evaluation.left_out_sources import leave_one_out

LABELS = np.repeat(["boot", "clog", "pump"], [40, 20, 60])
GROUPS = np.arange(120) // 2


def test_folds_are_stratified_and_test_each_image_once_a_repeat():
    folds = draw_folds(LABELS, n_splits=5, repeats=2, random_state=7)
    assert (folds.kind, folds.n_splits, folds.repeats, folds.seed, len(folds)) == ("stratified k-fold", 5, 2, 7, 10)
    for repeat in range(2):
        tested = np.concatenate([fold.test for fold in folds if fold.repeat == repeat])
        assert sorted(tested) == list(range(120))
    for fold in folds:
        assert not set(fold.train) & set(fold.test) and len(fold.train) + len(fold.test) == 120
        assert np.unique(LABELS[fold.test], return_counts=True)[1].tolist() == [8, 4, 12]
    assert not all((a.test == b.test).all() for a, b in zip(folds.splits[:5], folds.splits[5:]))


@pytest.mark.parametrize("options", [{"n_splits": 5, "repeats": 2}, {"test_size": 0.1, "repeats": 4}])
def test_groups_are_never_on_both_sides(options):
    folds = draw_folds(LABELS, GROUPS, **options)
    assert folds.kind.startswith("stratified group")
    for fold in folds:
        assert not set(GROUPS[fold.train]) & set(GROUPS[fold.test])
        assert len(np.unique(LABELS[fold.test])) == 3


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_random_splits_of_the_paper(groups):
    folds = draw_folds(LABELS, groups, test_size=0.1, repeats=10, random_state=0)
    assert (len(folds), folds.n_splits, folds.repeats) == (10, 1, 10) and folds.kind.endswith("random split")
    assert all(abs(len(fold.test) - 12) <= 2 for fold in folds)
    assert len({tuple(fold.test) for fold in folds}) == 10


def test_random_splits_test_every_group_equally_often():
    """The first fold of StratifiedGroupKFold always has the largest groups: here in 100 % of draws instead of 20 %."""
    sizes = np.array([30, 25, 20, *[3] * 15, *[2] * 30])
    groups = np.repeat(np.arange(len(sizes)), sizes)
    folds = draw_folds(np.arange(len(groups)) % 3, groups, test_size=0.2, repeats=300, random_state=0)
    counts = np.sum([np.isin(np.arange(len(sizes)), groups[fold.test]) for fold in folds], axis=0)
    assert abs(counts.mean() / 300 - 0.2) < 0.01
    assert (np.abs(counts / 300 - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 300)).all()  # four standard errors


@pytest.mark.parametrize("groups", [None, GROUPS])
@pytest.mark.parametrize("options", [{"n_splits": 3}, {"test_size": 0.2, "repeats": 3}])
def test_the_same_seed_draws_the_same_folds(groups, options):
    first, again, other = (draw_folds(LABELS, groups, random_state=seed, **options) for seed in (1, 1, 2))
    assert all((a.test == b.test).all() for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.test, b.test) for a, b in zip(first, other))
    default, zero = draw_folds(LABELS, groups, **options), draw_folds(LABELS, groups, random_state=0, **options)
    assert all((a.test == b.test).all() for a, b in zip(default, zero, strict=True))


def test_folds_are_numbered():
    drawn = draw_folds(LABELS, n_splits=3, repeats=2)
    assert [(fold.repeat, fold.fold) for fold in drawn] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [(fold.repeat, fold.fold) for fold in draw_folds(LABELS, test_size=0.25, repeats=2)] == [(0, 0), (1, 0)]


def test_the_share_of_a_random_split_is_exact_without_groups():
    for share, n_test in ((0.1, 12), (0.25, 30), (0.5, 60)):
        (fold,) = draw_folds(LABELS, test_size=share)
        assert (len(fold.train), len(fold.test)) == (120 - n_test, n_test)


def test_a_class_may_have_just_enough_images():
    labels = np.array(["boot"] * 3 + ["clog"] * 9)
    assert len(draw_folds(labels, n_splits=3)) == 3
    rare = np.array(["boot"] * 2 + ["clog"] * 18)
    assert len(draw_folds(rare, test_size=0.25, repeats=2)) == 2  # a random split needs two images, not four


def test_official_split():
    labels = np.array(["boot", "boot", "boot", "clog", "clog"])
    folds = official_split(np.array(["Train", "test", "validation", "train", "TEST"]), labels)
    (fold,) = folds
    assert (fold.train.tolist(), fold.test.tolist()) == ([0, 3], [1, 4])
    assert (folds.kind, folds.n_splits, folds.repeats, folds.seed) == ("official split", 1, 1, None)
    assert (fold.repeat, fold.fold) == (0, 0)
    for alone in ("train", "test"):
        with pytest.raises(ValueError, match=f"it has '{alone}'"):
            official_split(np.array([alone] * 5), labels)
    with pytest.raises(ValueError, match="must have 'train' and 'test' .* it has '0', '1'"):
        official_split(np.array([0, 1]), labels[:2])
    with pytest.raises(ValueError, match="only one class to train on, boot"):
        official_split(np.array(["train", "train", "test"]), labels[:3])


@pytest.mark.parametrize(
    "options, message",
    [
        ({"n_splits": 21}, r"21 folds need 21 images .* too few have clog \(20\): ask for at most 20"),
        ({"n_splits": 11, "groups": GROUPS}, r"11 groups of each class; too few have clog \(10\)"),
        ({"n_splits": 1}, "folds must be an integer of at least 2, got 1"),
        ({"n_splits": 2.5}, "folds must be an integer"),
        ({"repeats": 0}, "repeats must be an integer of at least 1"),
        ({"test_size": 0.0}, "share to test"),
        ({"test_size": 0.8}, "share to test"),
        ({"test_size": 0.1, "groups": np.arange(120) % 5},
         "a test set of 0.1 of the images needs at least 10 groups, got 5; test a larger share"),
        ({"labels": np.array(["boot"] * 9)}, "only one class to train on, boot"),
        ({"labels": np.array(["boot"] * 9 + ["clog"])},
         r"have clog \(1\), boot \(9\): add images$"),
        ({"labels": np.repeat(["boot", "clog", "pump"], [12, 11, 1])},
         r"have pump \(1\): leave these classes out, with --min-per-class 10 or without_small_classes\(10\)"),
        ({"groups": np.zeros(120)}, r"10 groups of each class; .*: add groups$"),
        ({"test_size": 0.01},
         "of each of 3 classes, got 2 of 120 images; test a share of at least 0.025, or draw folds"),
        ({"n_splits": 11, "groups": GROUPS}, "or leave these classes out, with --min-per-class 21 or"),
        ({"labels": np.arange(20) // 2, "n_splits": 3}, r"4 \(2\) and 5 more: ask for at most 2 folds$"),
        ({"labels": np.arange(10) // 2, "n_splits": 3}, r"4 \(2\): ask for"),
        ({"n_splits": 21}, "or leave these classes out, with --min-per-class 21 or"),
    ],
)
def test_bad_folds(options, message):
    options = {"labels": LABELS, **options}
    with pytest.raises(ValueError, match=message):
        draw_folds(**options)


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_smaller_training_sets_are_stratified_and_nested(groups):
    folds = draw_folds(LABELS, groups, n_splits=4, random_state=1)
    third, half = (shrink(folds, share, LABELS, groups, random_state=5) for share in (1 / 3, 0.5))
    for small, large, full in zip(third, half, folds, strict=True):
        assert (small.repeat, small.fold) == (full.repeat, full.fold) and (small.test == full.test).all()
        assert set(small.train) < set(large.train) < set(full.train)
        for kept, share in ((small, 1 / 3), (large, 0.5)):
            counts, all_counts = (np.unique(LABELS[fold.train], return_counts=True)[1] for fold in (kept, full))
            assert counts.tolist() == [round(share * count) for count in all_counts.tolist()]
    assert [(each.kind, each.n_splits, each.repeats, each.seed, len(each)) for each in (third, folds)] == [
        (folds.kind, 4, 1, 1, 4)
    ] * 2
    default, zero = shrink(folds, 0.5, LABELS, groups), shrink(folds, 0.5, LABELS, groups, random_state=0)
    assert all((a.train == b.train).all() for a, b in zip(default, zero, strict=True))


def test_smaller_training_sets_drop_whole_groups():
    labels, groups = np.repeat(["boot", "clog"], 60), np.arange(120) // 6
    split = official_split(np.array(["train"] * 54 + ["test"] * 6 + ["train"] * 60), labels)
    (fold,) = shrink(split, 0.5, labels, groups)
    sizes = np.unique(groups[fold.train], return_counts=True)[1]
    assert sorted(sizes)[:-9] == [3] and sizes.max() == 6  # 27 of 54, 30 of 60: one group is cut


def test_every_class_keeps_an_image():
    folds = draw_folds(LABELS, n_splits=4)
    for fold in shrink(folds, 0.001, LABELS):
        assert len(fold.train) == 3 == len(np.unique(LABELS[fold.train]))
    assert all((a.train == b.train).all() for a, b in zip(shrink(folds, 1.0, LABELS), folds))


def test_several_targets_are_stratified_by_the_finest():
    brands = np.where(LABELS == "pump", "other", "leather")
    labels = np.column_stack([brands, LABELS])
    one, two = (draw_folds(each, GROUPS, n_splits=4, random_state=3) for each in (LABELS, labels))
    assert all((a.test == b.test).all() for a, b in zip(one, two, strict=True))
    fewer = [shrink(folds, 0.3, each, GROUPS) for folds, each in ((one, LABELS), (two, labels[:, ::-1]))]
    assert all((a.train == b.train).all() for a, b in zip(*fewer, strict=True))


def test_every_target_needs_two_classes():
    labels = np.column_stack([np.where(np.arange(120) < 60, "a", "b"), LABELS])
    marks = np.where(np.arange(120) < 60, "train", "test")
    with pytest.raises(ValueError, match="only one class to train on, a"):
        official_split(marks, labels)
    with pytest.raises(ValueError, match="only one class to train on, x"):
        draw_folds(np.column_stack([LABELS, np.full(120, "x")]))


SENDERS = np.tile(["ann", "ben", "cleo"], 40)


def test_each_source_is_left_out_once():
    folds = leave_one_out(SENDERS, LABELS, column="sender")
    assert (folds.kind, folds.n_splits, folds.repeats, folds.seed) == ("leave-one-sender-out", 3, 1, None)
    assert folds.column == "sender" and [fold.held_out for fold in folds] == ["ann", "ben", "cleo"]
    for fold in folds:
        assert (SENDERS[fold.test] == fold.held_out).all() and not (SENDERS[fold.train] == fold.held_out).any()
        assert len(fold.train) + len(fold.test) == 120
    numbers = leave_one_out(np.arange(120) % 2, LABELS)
    assert [fold.held_out for fold in numbers] == ["0", "1"] and numbers.column == "source"
    smaller = shrink(folds, 0.5, LABELS)
    assert [fold.held_out for fold in smaller] == ["ann", "ben", "cleo"] and smaller.column == "sender"


def test_a_group_of_a_source_that_is_left_out_is_not_trained_on():
    groups = np.arange(120)
    groups[[0, 1, 2]] = 0  # ann, ben and cleo sent the same item
    for fold in leave_one_out(SENDERS, LABELS, groups):
        assert not np.isin(groups[fold.train], groups[fold.test]).any()
        assert len(fold.train) + len(fold.test) == 118


@pytest.mark.parametrize("values, labels, message", [
    (["ann"] * 120, LABELS, "at least 2 different values of shop, got 1, ann; draw folds instead"),
    (np.arange(120) % 51, LABELS, "at most 50 different values of shop, because each is a fold, got 51; .*--group-col"),
    (["ann", "", None, float("nan")] * 30, LABELS, "a shop for each image, got none for 90 images, .* at position 1;"),
    (["ann"] * 59 + ["ben"] + ["ann"] * 60, LABELS, "two classes to train on without shop ann, got clog; add"),
    (["ann"] * 60 + ["ben"] * 60, LABELS, "two classes to train on without shop ann, got pump; add images of other"),
])
def test_sources_that_cannot_be_left_out(values, labels, message):
    with pytest.raises(ValueError, match=message):
        leave_one_out(np.array(values, dtype=object), labels, column="shop")
