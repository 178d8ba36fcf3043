"""What a comparison says about folds that it did not draw."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from twoflow import ImageCollection, RawPixels, compare
from twoflow.evaluation.fold_notes import note_on_folds
from twoflow.evaluation.folds import draw_folds, official_split
from twoflow.evaluation.left_out_sources import leave_one_out
from twoflow.evaluation.statistics import sign_flip_test

IMAGES = np.random.default_rng(0).integers(0, 255, (12, 8, 8, 3), dtype=np.uint8)
LABELS = ["boot", "clog"] * 6
SPLIT = ["train"] * 6 + ["test"] * 4 + ["validation"] * 2


def notes(labels=LABELS, groups=None, split=SPLIT):
    collection = ImageCollection(list(IMAGES), labels, groups=groups)
    return list(note_on_folds(official_split(split, collection.labels), collection))


def test_nothing_to_say():
    split = ["train"] * 3 + ["test"] * 8 + ["validation"]
    assert notes() == [] and notes(groups=["a"] * 3 + list("bcdefghij"), split=split) == []
    collection = ImageCollection(list(IMAGES), LABELS, groups=np.arange(12) // 2)
    assert list(note_on_folds(draw_folds(collection.labels, collection.groups, n_splits=2), collection)) == []


def test_groups_on_both_sides_are_counted():
    note, _ = notes(groups=["a", "b", "c", "d", "e", "f", "a", "a", "b", "x", "f", "f"])
    assert note.startswith("2 groups are on both sides of a fold (3 test images, such as a, b): the scores may be too ")
    note, _ = notes(groups=np.arange(12) % 9)
    assert note.startswith("1 group is on both sides of a fold (1 test image, such as 0)")


@pytest.mark.parametrize("n_groups, start", [(5, "5 groups are tested: with fewer than 6"), (1, "1 group is tested")])
def test_too_few_groups_to_find_a_difference(n_groups, start):
    split = ["train"] * 3 + ["test"] * 9
    (note,) = notes(groups=["a"] * 3 + [f"b{i % n_groups}" for i in range(9)], split=split)
    assert note.startswith(start)
    truth, groups = np.ones(9), np.arange(9) % n_groups
    assert n_groups == 1 or sign_flip_test(truth, truth, 1 - truth, groups).p_value > 0.05
    assert sign_flip_test(truth, truth, 1 - truth, np.arange(9) % 6).p_value < 0.05  # so six can


def test_classes_that_no_image_trains():
    (note,) = notes(labels=["boot", "clog"] * 3 + ["pump", "pump", "mule", "boot", "other", "other"])
    assert note.startswith("2 classes are tested without a training image (3 test images, such as mule, pump): every ")
    (note,) = notes(labels=["boot", "clog"] * 3 + ["pump", "clog", "clog", "boot", "boot", "boot"])
    assert note.startswith("1 class is tested without a training image (1 test image, such as pump)")


@pytest.mark.parametrize("groups, expected", [(None, 0), (np.arange(12) % 6, 1)])
def test_the_notes_of_a_comparison(groups, expected):
    collection = ImageCollection(list(IMAGES), LABELS, groups=groups, columns={"split": SPLIT})
    found = compare(make_pipeline(RawPixels((4, 4)), RidgeClassifier()), collection, split_column="split")
    assert sum("both sides of a fold" in note for note in found.collection.notes) == expected


def test_sources_are_counted_with_what_is_not_trained_on():
    labels, senders = ["boot", "clog", "boot", "pump"] * 3, np.array(["ann"] * 6 + ["ben"] * 4 + ["cleo"] * 2)
    collection = ImageCollection(list(IMAGES), labels, groups=[0, *range(6), 0, *range(7, 11)])
    folds = leave_one_out(senders, collection.labels, collection.groups, column="sender")
    first, second = note_on_folds(folds, collection)
    assert first.startswith("each fold tests the images of another sender: ann (6), ben (4) and cleo (2); the mean ")
    assert second.startswith("up to 2 images are not trained on in a fold, because their group is tested in it: some ")
    many = leave_one_out(np.arange(12), collection.labels)
    assert "source: from 9 (1) and 8 (1) to 0 (1); the mean" in next(note_on_folds(many, collection))
    labels = ["pump"] * 6 + ["boot", "clog"] * 3
    collection = ImageCollection(list(IMAGES), labels)
    *_, note = note_on_folds(leave_one_out(senders, collection.labels), collection)
    assert note.startswith("1 class is tested without a training image (6 test images, such as pump)")
