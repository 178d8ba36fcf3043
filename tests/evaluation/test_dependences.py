"""Every pair of targets is tested for independence, and a comparison says what came out."""

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from twoflow import ImageCollection, chi2_independence, compare
from twoflow.evaluation.dependences import describe_dependences, find_dependences
from twoflow.flows import RawPixels
from twoflow.models import FlowClassifier

IMAGES = list(np.random.RandomState(0).randint(256, size=(40, 8, 8, 3)).astype(np.uint8))
KINDS, COLORS = np.array(["hat", "tee"] * 20), np.array((["red"] * 5 + ["blue"] * 5) * 4)


def test_each_pair_once_with_groups():
    groups = np.arange(40) // 2
    labels = np.column_stack([KINDS, COLORS, KINDS])
    found, notes = find_dependences(ImageCollection(IMAGES, labels, groups, target_names=["kind", "color", "copy"]))
    assert [*found] == [("kind", "color"), ("kind", "copy"), ("color", "copy")] and notes == []
    assert found["kind", "color"] == chi2_independence(KINDS, COLORS, groups)
    assert found["kind", "copy"].cramers_v == 1 and found["kind", "copy"].n_groups == 20


def test_one_target_and_levels_are_not_tested():
    assert find_dependences(ImageCollection(IMAGES, KINDS)) == ({}, [])
    assert find_dependences(ImageCollection(IMAGES, np.column_stack([KINDS, COLORS]), are_levels=True)) == ({}, [])


def test_a_comparison_notes_it():
    """By hand: the counts are 12, 8 and 8, 12, and 10 are expected in each cell; p = erfc(sqrt(0.8))."""
    both = ImageCollection(IMAGES, np.column_stack([KINDS, COLORS]), target_names=["kind", "color"])
    (note,) = describe_dependences(both)
    assert note.startswith("kind and color: Independence is not rejected at 5 %: ")
    assert note.endswith("Chi-square is 1.600 with 1 degrees of freedom, p = 0.2059; twoflow audit has the table")
    model = FlowClassifier([("pixels", RawPixels((2, 2)), "passthrough")], DecisionTreeClassifier(max_depth=1))
    assert note in compare({"pixels": model}, both, folds=2).collection.notes
