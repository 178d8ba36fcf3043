"""Check that a kept fold of levels is found for the same tree only."""

import numpy as np

from twoflow import ImageCollection
from twoflow.evaluation.fold_keys import FoldKeys
from twoflow.evaluation.folds import Fold

LABELS = [["shoes", "boot"], ["shoes", "x"], ["bags", "x"], ["bags", "boot"]]
FOLD = Fold(0, 0, np.array([0]), np.array([1]))


def key(labels, are_levels):
    collection = ImageCollection([b""] * 4, labels, target_names=["kind", "model"], are_levels=are_levels)
    return FoldKeys(collection, [bytes([i]) * 8 for i in range(4)]).make("a method", FOLD, False)


def test_levels_and_their_tree_are_a_part_of_the_key():
    assert key(LABELS, True) == key(LABELS, True) != key(LABELS, False)
    # The images of the fold, and the names at each level, are the same; another image has another path.
    assert key([*LABELS[:3], ["bags", "x"]], True) != key(LABELS, True)
