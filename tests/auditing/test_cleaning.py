import numpy as np

from twoflow.auditing.cleaning import LeftOut, choose_images
from twoflow.auditing.quality import Fault
from twoflow.evaluation import find_duplicates

VALUES = (0, 60, 0, 60, 0, 120, 180)
IMAGES = [np.full((9, 9, 3), value, np.uint8) for value in VALUES]


def test_of_the_same_photo_the_first_is_kept():
    kept, left_out = choose_images([], [], find_duplicates(IMAGES), np.array(list("ababaab")))
    assert kept.tolist() == [0, 1, 5, 6]
    assert left_out == (LeftOut(2, "same photo", 0), LeftOut(3, "same photo", 1), LeftOut(4, "same photo", 0))


def test_of_the_same_photo_with_different_labels_none_is_kept():
    """Not even two of three that agree: which label is right, is for a person to say."""
    kept, left_out = choose_images([], [], find_duplicates(IMAGES), np.array(list("abcbaab")))
    assert kept.tolist() == [1, 5, 6]
    assert [(each.position, each.reason, each.other) for each in left_out] == [
        (0, "same photo, another label", 2), (2, "same photo, another label", 0), (3, "same photo", 1),
        (4, "same photo, another label", 2),
    ]


def test_without_labels_there_is_no_conflict():
    kept, left_out = choose_images([], [], find_duplicates(IMAGES), None)
    assert kept.tolist() == [0, 1, 5, 6] and {each.reason for each in left_out} == {"same photo"}


def test_any_target_may_differ():
    labels = np.array([["a", "x"], ["a", "x"], ["a", "y"], ["a", "x"], ["a", "x"], ["b", "x"], ["b", "x"]])
    assert choose_images([], [], find_duplicates(IMAGES), labels)[0].tolist() == [1, 5, 6]


def test_what_cannot_be_used_is_left_out_first():
    """So the second of two equal images is kept if the first cannot be used. Other faults do not count."""
    faults = [Fault(0, "one color", 0.0, "flat"), Fault(5, "tiny", 9.0, "small")]
    kept, left_out = choose_images([6], faults, find_duplicates(IMAGES), np.array(list("aaaaaaa")))
    assert kept.tolist() == [1, 2, 5]
    assert left_out[0] == LeftOut(0, "unusable", None) and left_out[-1] == LeftOut(6, "unreadable", None)
    assert sorted([*kept.tolist(), *(each.position for each in left_out)]) == list(range(7))
