"""What a comparison hands to the card of a model file."""

import csv

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from twoflow import ImageCollection, RawPixels, compare, make_shop
from twoflow.report import write_report


@pytest.fixture(scope="module")
def shop():
    return make_shop(4, 10, random_state=0)


@pytest.fixture(scope="module")
def several(shop):
    brand = np.where(np.char.endswith(shop.labels, "1"), "one", "two")
    return ImageCollection(
        shop.images, np.column_stack([brand, shop.labels]), np.arange(40) // 2, target_names=("brand", "model")
    )


def forest():
    return make_pipeline(RawPixels((4, 3)), RandomForestClassifier(20, random_state=0))


def rows_of(comparison, folder):
    write_report(comparison, folder, "")
    with open(folder / "predictions.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_answers_are_those_of_the_predictions_file(shop, tmp_path):
    found = compare({"forest": forest()}, shop, folds=3)
    (target, (expectation, answers)), = found.held_out("forest").items()
    rows = rows_of(found, tmp_path)
    classes = shop.classes.astype(str)
    assert target == "class" and len(rows) == len(answers.true) == 40
    assert [row["true"] for row in rows] == classes[answers.true].tolist()
    assert [row["forest"] for row in rows] == classes[answers.predicted].tolist()
    assert [float(row["forest probability"]) for row in rows] == pytest.approx(answers.confidence.tolist(), abs=1e-6)
    assert [each.dtype for each in answers[:3]] == [np.int32, np.int32, np.float32] and answers.groups is None
    assert expectation.accuracy == found["forest"].means["accuracy"]
    assert expectation.interval == found.intervals["forest"]["accuracy"].ends
    assert expectation.confidence == 0.95 and expectation.source == "3 folds of 40 images"


def test_each_target_has_its_own_accuracy_and_groups(several):
    found = compare({"forest": forest()}, several, folds=3)
    held_out = found.held_out()
    assert list(held_out) == ["brand", "model"]
    for target, (expectation, answers) in held_out.items():
        assert expectation.accuracy == found["forest"].means[f"accuracy:{target}"]
        assert expectation.source == "3 folds of 40 images, groups kept together"
        classes = several.classes_by_target[target]
        assert classes[answers.true].tolist() == several.target(target)[found.tested].tolist()
        assert answers.groups.tolist() == several.groups[found.tested].tolist()
        assert answers.groups.dtype == np.int32
        given = np.concatenate(found["forest"].predicted)[:, several.target_names.index(target)]
        assert classes[answers.predicted].tolist() == given.tolist()


def test_by_default_it_is_the_best_method(shop):
    found = compare({"forest": forest(), "few": make_pipeline(RawPixels((1, 1)), RidgeClassifier())}, shop, folds=3)
    assert found.best == "forest" and found.held_out()["class"][0] == found.held_out("forest")["class"][0]
    with pytest.raises(KeyError, match="other"):
        found.held_out("other")


def test_without_probabilities_there_is_only_the_accuracy(shop):
    found = compare({"ridge": make_pipeline(RawPixels((4, 3)), RidgeClassifier())}, shop, folds=3)
    expectation, answers = found.held_out()["class"]
    assert answers is None and expectation.accuracy == found["ridge"].means["accuracy"]


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({"folds": 3, "repeats": 2}, "3 folds of 40 images, drawn 2 times"),
        ({"test_size": 0.5, "repeats": 2}, "2 random splits that tested {} images"),
    ],
)
def test_an_image_that_is_tested_again_is_a_group(shop, options, source):
    found = compare({"forest": forest()}, shop, **options)
    expectation, answers = found.held_out()["class"]
    assert expectation.source == source.format(len(np.unique(found.tested)))
    assert (answers.groups == np.unique(found.tested, return_inverse=True)[1]).all()


def test_an_official_split_says_if_groups_are_on_both_sides(shop):
    split = np.where(np.arange(40) % 2, "train", "test")
    together = ImageCollection(shop.images, shop.labels, np.arange(40) % 4, {"split": split})
    torn = ImageCollection(shop.images, shop.labels, np.arange(40) // 2, {"split": split})
    for images, how in ((together, "kept together"), (torn, "on both sides")):
        expectation, answers = compare({"forest": forest()}, images, split_column="split").held_out()["class"]
        assert expectation.source == f"an official split that tested 20 images, groups {how}"
        assert len(answers.true) == 20


class Stranger(RandomForestClassifier):
    """Answers one class that does not exist."""

    def predict(self, X):
        predicted = super().predict(X).astype("<U9")
        predicted[0] = "no class"
        return predicted


def test_an_answer_that_is_no_class_has_no_confidence(shop):
    found = compare({"odd": make_pipeline(RawPixels((4, 3)), Stranger(5, random_state=0))}, shop, folds=2)
    answers = found.held_out()["class"][1]
    assert np.flatnonzero(answers.predicted == -1).tolist() == np.flatnonzero(np.isnan(answers.confidence)).tolist()
    assert (answers.predicted == -1).sum() == 2
