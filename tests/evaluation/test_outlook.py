"""What to expect of a method on new images."""

import math

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from twoflow import FlowClassifier, ImageCollection, MultiTargetClassifier, RawPixels, compare, make_shop
from twoflow.evaluation.outlook import (
    COVERAGES,
    Mistake,
    WeakClass,
    answer_above,
    answer_share,
    look_out,
    look_out_together,
)
from twoflow.models.model_file import HeldOut
from twoflow.report.outlook import format_collection, format_outlook

ANSWERS = HeldOut(
    true=np.array([0, 0, 1, 1, 2]), predicted=np.array([0, 1, 1, 1, -1]),
    confidence=np.array([0.9, 0.5, 0.8, 0.7, np.nan], dtype=np.float32),
)


@pytest.mark.parametrize(
    ("threshold", "coverage", "accuracy"),
    [(None, 1, 0.6), (0.5, 0.8, 0.75), (0.65, 0.6, 1), (0.75, 0.4, 1), (0.95, 0, math.nan)],
)
def test_a_threshold(threshold, coverage, accuracy):
    found = answer_above(ANSWERS, threshold)
    assert found.coverage == pytest.approx(coverage) and found.accuracy == pytest.approx(accuracy, nan_ok=True)


def test_a_share_is_reached_by_the_highest_threshold():
    rng = np.random.RandomState(0)
    confidence = rng.rand(1000).astype(np.float32)
    answers = HeldOut(np.zeros(1000, int), (rng.rand(1000) > confidence).astype(int), confidence)
    for share in COVERAGES[1:]:
        found = answer_share(answers, share)
        assert share <= found.coverage <= share + 0.005 and round(found.threshold, 3) == found.threshold
        assert found == answer_above(answers, found.threshold)
    assert answer_share(answers, 1.0) == answer_above(answers, None)


@pytest.fixture(scope="module")
def shop():
    return make_shop(4, 10, random_state=0)


def forest():
    return make_pipeline(RawPixels((4, 3)), RandomForestClassifier(20, random_state=0))


def test_weak_classes_and_mistakes_are_counted(shop):
    found = compare({"forest": forest()}, shop, folds=3)
    outlook, = look_out(found, "forest")
    assert look_out_together(found, "forest", None) is None and found.exact_match() is None
    answers = found.held_out()["class"][1]
    table = np.zeros((4, 4), int)
    np.add.at(table, (answers.true, answers.predicted), 1)
    recall = table.diagonal() / 10
    weak = [WeakClass(shop.classes[k], table[k, k], 10) for k in np.argsort(recall, kind="stable") if recall[k] < 1]
    assert list(outlook.weakest) == weak[:3] and len(weak)
    np.fill_diagonal(table, 0)
    true, predicted = np.unravel_index(table.argmax(), table.shape)
    assert outlook.worst == Mistake(shop.classes[true], shop.classes[predicted], table.max(), 10)
    text = format_outlook([outlook], [], found)
    assert f"Most confused: {table.max()} of 10 images of {shop.classes[true]}" in text
    for each in outlook.answered:
        assert f"{each.coverage:.1%}" in text and f"{each.accuracy:.3f}" in text
    assert text.count("\n") == len(text.splitlines()) - 1 and "another camera, do worse" in text


def test_without_probabilities_there_is_no_threshold(shop):
    found = compare({"ridge": make_pipeline(RawPixels((4, 3)), RidgeClassifier())}, shop, folds=3)
    outlook, = look_out(found, "ridge")
    assert outlook.answered == () and "--threshold" not in format_outlook([outlook], [], found)


class Sure(RandomForestClassifier):
    """Is told which class each image has: its one feature."""

    def predict(self, X):
        return self.classes_[(X[:, 0] > 0).astype(int)]

    def predict_proba(self, X):
        return np.eye(len(self.classes_))[(X[:, 0] > 0).astype(int)]


def test_a_method_without_mistakes():
    images = [np.full((4, 4, 3), k, np.uint8) for k in (0, 1) for _ in range(5)]
    found = compare({"sure": make_pipeline(RawPixels((1, 1)), Sure())}, ImageCollection(images, [0] * 5 + [1] * 5),
                    folds=2)
    outlook, = look_out(found, "sure")
    assert outlook.worst is None and outlook.weakest == () and outlook.expectation.accuracy == 1
    text = format_outlook([outlook], [answer_above(found.held_out()["class"][1], 0.9)], found)
    assert "With the threshold 0.9 it answers 100% of them, and 1.000 of those answers are right." in text
    assert "weakest" not in text and "confused" not in text


def test_duplicates_across_folds_are_counted(shop):
    twice = ImageCollection([*shop.images, *shop.images], [*shop.labels, *shop.labels])
    found = compare({"forest": forest()}, twice, folds=3)
    text = format_outlook(look_out(found, "forest"), [], found)
    images = found.leaks.n_images
    assert images and f"{images} images were tested after training on a duplicate ({found.leaks.n_pairs} pairs)" in text


def test_the_training_images(shop):
    several = ImageCollection(
        shop.images, np.column_stack([np.arange(40) % 2, shop.labels]), np.arange(40) // 2,
        target_names=("side", "a\nname"), small_classes={"clog": 1}, notes=["read as it is"],
    )
    text = format_collection(several)
    assert text.splitlines()[0] == "Trained on 40 images in 20 groups, side: 2 classes, a name: 4 classes"
    assert "Left out, 1 class with too few images: clog (1)" in text and "Note: read as it is" in text


def test_several_targets_together(shop):
    """By hand: only images that have all labels count, and all targets must reach the threshold."""
    labels = np.array([label.split("/") for label in shop.labels.tolist()], dtype=object)
    labels[::7, 1] = ""
    head = MultiTargetClassifier(RandomForestClassifier(20, random_state=0))
    model = FlowClassifier([("pixels", RawPixels((4, 3)), "passthrough")], head)
    found = compare({"forest": model}, ImageCollection(shop.images, labels, target_names=["kind", "number"]), folds=2)
    together = look_out_together(found, "forest", 0.8)
    own, tested = found["forest"], found.tested
    predicted = np.concatenate(own.predicted)
    is_right = (predicted == labels[tested]).all(axis=1)
    least = np.min([np.concatenate([fold[i] for fold in own.probabilities]).max(axis=1) for i in range(2)], axis=0)
    has_all = labels[tested, 1] != ""
    kept = has_all & (least.astype(np.float32) >= 0.8)
    assert together.targets == ("kind", "number") and 0 < kept.sum() < has_all.sum() == 34
    assert together.expectation == found.exact_match() and together.expectation.source == "2 folds of 34 images"
    assert together.expectation.accuracy == pytest.approx(is_right[has_all].mean())
    assert together.answered.coverage == pytest.approx(kept.sum() / 34)
    assert together.answered.accuracy == pytest.approx(is_right[kept].mean())
    text = format_outlook(look_out(found, "forest"), [], found, together)
    assert text.startswith("On new images of these classes expect kind and number to be right together for about ")
    assert f"answers all targets of {kept.sum() / 34:.0%} of them, and {is_right[kept].mean():.3f} of those" in text
    assert "it answers all targets of no image" in format_outlook(
        [], [], found, look_out_together(found, "forest", 1.01)
    )
    assert look_out_together(found, "forest", None).answered is None
