"""Comparisons of several targets at their limits: labels are missing, rare, constant, many, or the same twice."""

import csv

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from twoflow import ImageCollection, MultiTargetClassifier, RawPixels, compare
from twoflow.report import format_text, to_document, write_report

TREE = DecisionTreeClassifier(random_state=0)


def draw(colors):
    """Draw an image for each row of colors, which the mean of its pixels is; the rest is noise, so none look alike."""
    colors = np.asarray(colors, dtype=float).reshape(len(colors), 1, 1, -1)
    noise = np.random.default_rng(0).choice([-30, 30], (len(colors), 16, 8, 1))
    noise = np.concatenate([noise, -noise], axis=2)
    pixels = np.clip(30 + 0.76 * colors + noise, 0, 255).round().astype(np.uint8)
    return list(np.broadcast_to(pixels, (*pixels.shape[:3], 3)))


def gray(values):
    return draw(np.asarray(values)[:, None])


def method(classifier, strategy="separate"):
    return make_pipeline(RawPixels((1, 1)), MultiTargetClassifier(classifier, strategy=strategy, random_state=0))


@pytest.fixture(scope="module")
def clothes():
    """Make 60 images of two targets that the brightness says, with errors; 12 have no color, 6 others no type."""
    rng = np.random.default_rng(0)
    kind, color = np.arange(60) % 2, np.arange(60) // 2 % 3
    labels = np.column_stack([np.array(["tee", "cap"])[kind], np.array(["blue", "gold", "red"])[color]]).astype(object)
    labels[:12, 1], labels[20:26, 0] = None, float("nan")
    images = gray(kind * 90 + color * 30 + rng.integers(0, 40, 60))
    return ImageCollection(images, labels, target_names=("type", "color"))


@pytest.fixture(scope="module")
def found(clothes):
    return compare(
        {"each": method(TREE), "joint": method(TREE, "joint")}, clothes, folds=3, train_sizes=(0.6,)
    )


def test_each_score_is_of_the_images_that_have_its_labels(found, clothes):
    labels = clothes.labels
    for own in found.methods:
        for i, (fold, predicted) in enumerate(zip(found.folds, own.predicted)):
            true = labels[fold.test]
            for position, name in enumerate(clothes.target_names):
                known = true[:, position] != ""
                pair = true[known, position], predicted[known, position]
                assert own.scores[f"accuracy:{name}"][i] == accuracy_score(*pair)
            whole = (true != "").all(axis=1)
            assert own.scores["exact_match"][i] == (true == predicted)[whole].all(axis=1).mean()
            assert own.scores["hamming_loss"][i] == pytest.approx((true != predicted)[true != ""].mean())
        everything, tested = np.concatenate(own.predicted), found.tested
        known = labels[tested, 1] != ""
        assert own.means["macro_f1:color"] == pytest.approx(
            f1_score(labels[tested, 1][known], everything[known, 1], average="macro")
        )
    assert found.n_scored == {"type": 54, "color": 48, "": 42}
    assert found.joint_errors["each"].n == 42
    assert [note for note in found.collection.notes if "have no" in note] == [
        "6 of 60 images have no type: image 20, image 21, image 22 and 3 more",
        "12 of 60 images have no color: image 0, image 1, image 2 and 9 more",
    ]


def test_reports_with_missing_labels(found, tmp_path):
    text = format_text(found)
    assert "needs. Tested images with a label: type 54 and color 48; with all: 42." in text
    assert "wrong, of all folds" in text and "type and color" in text and "nan" not in text
    document = to_document(found)
    assert document["tested"]["n_labeled"] == [54, 48] and document["tested"]["n_scored"] == 42
    own = document["methods"][0]["joint_errors"]
    assert sum(each["n"] for each in own["patterns"]) + own["n_right"] == own["n"] == 42
    write_report(found, tmp_path)
    with open(tmp_path / "predictions.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60 and sum(not row["true color"] for row in rows) == 12
    assert all(row["each color"] and row["each color probability"] for row in rows)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Errors together" in page and "Hamming loss" in page and "have a label of" in page


def test_held_out_answers_are_of_labeled_images(found):
    held_out = found.held_out("each")
    expectation, answers = held_out["color"]
    assert len(answers.true) == 48 and "48 images (without 12 that lack the label)" in expectation.source
    assert len(held_out["type"][1].true) == 54
    own = found["each"]
    assert expectation.accuracy == own.means["accuracy:color"]


def test_one_split_is_tested_on_complete_images(clothes):
    column = np.where(np.random.default_rng(0).random(60) < 0.3, "test", "train")
    split = ImageCollection(clothes.images, clothes.labels, None, {"split": column}, target_names=("type", "color"))
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    found = compare({"each": method(TREE), "stump": method(stump)}, split, split_column="split")
    test = split.labels[found.folds.splits[0].test]
    whole = (test != "").all(axis=1)
    right = [(own.predicted[0] == test).all(axis=1)[whole] for own in found.methods]
    (pair,) = found.pairwise
    assert 0 < whole.sum() < 20 and (right[0] != right[1]).any()
    assert pair.difference.result.mean_difference == pytest.approx(right[0].mean() - right[1].mean())
    assert found["each"].means["exact_match"] == right[0].mean()
    low, high = found.intervals["each"]["exact_match"].ends
    assert low <= found["each"].means["exact_match"] <= high


def test_folds_are_kept_and_depend_on_which_labels_are_missing(clothes, tmp_path):
    again = [compare({"each": method(TREE)}, clothes, folds=3, store=tmp_path) for _ in range(2)]
    assert [each.n_kept for each in again] == [0, 3]
    assert (again[0]["each"].predicted[0] == again[1]["each"].predicted[0]).all()
    labels = clothes.labels.copy()
    labels[30, 1] = ""
    other = ImageCollection(clothes.images, labels, target_names=("type", "color"))
    assert compare({"each": method(TREE)}, other, folds=3, store=tmp_path).n_kept == 0


def test_numbers_stay_numbers():
    labels = np.column_stack([np.arange(24) % 2, np.arange(24) // 2 % 3]).astype(object)
    labels[:3, 1] = None
    found = compare({"each": method(TREE)}, ImageCollection(gray(np.arange(24) * 9), labels), folds=3)
    columns = dict(found.prediction_columns())
    assert {type(value) for value in columns["each target 2"]} == {int} and columns["true target 2"].count("") == 3
    assert found.details["each"]["target 2"].by_class.support.sum() == 21


def test_a_classifier_that_needs_all_labels_is_refused(clothes):
    plain = make_pipeline(RawPixels((4, 4)), TREE)
    with pytest.raises(ValueError, match="^plain: expected a classifier that can learn from missing labels, because 18 "
                                         "of 60 images lack one, got DecisionTreeClassifier; put it into a Multi"):
        compare({"each": method(TREE), "plain": plain}, clothes, folds=3)


@pytest.mark.parametrize("column, got", [(["tee"] * 12, "only tee"), ([None] * 12, "no label")])
def test_a_target_without_two_classes_is_named(column, got):
    labels = np.array([column, list("ab") * 6], dtype=object).T
    collection = ImageCollection(gray(range(12)), labels, target_names=("type", "color"))
    with pytest.raises(ValueError, match=f"labels of 'type': expected at least two classes, got {got}; leave this"):
        compare({"each": method(TREE)}, collection, folds=2)


def test_a_fold_that_cannot_learn_or_test_a_target_is_named():
    labels = np.array([["tee"] * 11 + ["cap"], list("ab") * 6], dtype=object).T
    collection = ImageCollection(gray(range(12)), labels, target_names=("type", "color"))
    with pytest.raises(ValueError, match="two classes of 'type' to train on, got only tee in fold [01] of repeat 0;"):
        compare({"each": method(TREE)}, collection, folds=2)
    labels[:8] = [["tee", None], ["cap", None]] * 4
    labels[8:] = [[None, "a"], [None, "b"]] * 2
    collection = ImageCollection(gray(range(12)), labels, target_names=("type", "color"))
    with pytest.raises(ValueError, match="expected test images with labels of all targets, got none in fold"):
        compare({"each": method(TREE)}, collection, folds=2)


@pytest.mark.parametrize("strategy", ["separate", "joint", "chain"])
def test_a_combination_that_no_fold_trains_on(strategy):
    labels = np.array([["tee", "cap"][i % 2] + " " + "xyz"[i // 2 % 3] for i in range(36)])
    labels = np.array([label.split() for label in labels])
    labels[0] = ["tee", "z"]  # so far there is no tee in z
    labels = np.array([row if row.tolist() != ["cap", "y"] or i == 3 else ["cap", "x"] for i, row in enumerate(labels)])
    assert (labels == ["cap", "y"]).all(axis=1).sum() == 1
    found = compare({"own": method(TREE, strategy)}, ImageCollection(gray(np.arange(36) * 7), labels), folds=3)
    assert np.isfinite(list(found["own"].means.values())).all()


def test_many_combinations_and_a_copy():
    """50 x 40 classes: 100 combinations occur, some only in a test set, and a third target copies the second."""
    number = np.arange(400) // 4
    type_, color = number % 50, number % 40
    labels = np.column_stack([type_, color, color])
    collection = ImageCollection(
        draw(np.column_stack([type_ * 5, color * 6, color * 0])), labels, target_names=("type", "color", "copy")
    )
    methods = {"each": method(TREE), "joint": method(TREE, "joint"), "linear": method(RidgeClassifier())}
    found = compare(methods, collection, folds=2)
    for own in found.methods:
        assert own.scores["accuracy:color"].tolist() == own.scores["accuracy:copy"].tolist()
        patterns = {each.wrong: each for each in found.joint_errors[own.name].patterns}
        assert len(patterns) == 7 and patterns["color",].n == patterns["copy",].n == 0
    assert len(found.collection.classes_by_target["type"]) == 50 and "50 classes" in format_text(found)
