"""What may be given as the methods of a comparison, and what they are called."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline

from twoflow import ImageCollection, RawPixels, TwoFlowClassifier, compare, make_model
from twoflow.evaluation import make_methods

PIXELS = make_pipeline(RawPixels((4, 3)), RidgeClassifier())


def test_names_classifiers_and_a_dict_give_the_same_scores(shop):
    given = [["projection", PIXELS], ("projection", PIXELS), iter(["projection", PIXELS]),
             {"projection": "projection", "rawpixels+ridgeclassifier": PIXELS},
             make_methods(["projection", PIXELS], random_state=3)]
    found = [compare(methods, shop, folds=2, random_state=3).methods for methods in given]
    for methods in found:
        assert [method.name for method in methods] == ["projection", "rawpixels+ridgeclassifier"]
        for method, expected in zip(methods, found[0]):
            assert (method.scores["accuracy"] == expected.scores["accuracy"]).all()


def test_one_method_needs_no_list(shop):
    assert [method.name for method in compare("projection", shop, folds=2).methods] == ["projection"]
    assert [method.name for method in compare(PIXELS, shop, folds=2).methods] == ["rawpixels+ridgeclassifier"]


def test_the_seed_of_a_comparison_seeds_the_methods_that_are_named(shop):
    named = compare(["projection"], shop, folds=2, random_state=5)["projection"].scores["accuracy"]
    made = make_methods(["projection"], random_state=5)
    other = make_methods(["projection"], random_state=6)["projection"].get_params()["projection__random_state"]
    assert (compare(made, shop, folds=2, random_state=5)["projection"].scores["accuracy"] == named).all()
    assert made["projection"].get_params()["projection__random_state"] == 5 and other == 6


@pytest.mark.parametrize("methods, names", [
    ([LogisticRegression()], ["logisticregression"]),
    ([LogisticRegression(), LogisticRegression()], ["logisticregression-1", "logisticregression-2"]),
    ([make_model("fast")], ["flowclassifier"]),
    ([TwoFlowClassifier(), TwoFlowClassifier("fast"), TwoFlowClassifier("fast", head="lda")],
     ["paper", "fast", "fast:lda"]),
    ([TwoFlowClassifier(head=RidgeClassifier())], ["paper:ridgeclassifier"]),
    (["fast", TwoFlowClassifier("fast"), TwoFlowClassifier("fast")], ["fast", "fast-1", "fast-2"]),
    ({"mine": "cnn:lda", "other": PIXELS}, ["mine", "other"]),
])
def test_the_name_of_each_kind_of_method(methods, names):
    assert [*make_methods(methods)] == names


@pytest.mark.parametrize("methods, error, message", [
    ([], ValueError, "expected at least one method, got none"),
    ({}, ValueError, "expected at least one method, got none"),
    (["fast", "cnn", "fast"], ValueError, "expected distinct names, got 'fast' 2 times"),
    (["pixels", "pixels:640x480"], ValueError, "expected distinct names, got 'pixels:640x480' 2 times"),
    (["a-1", LogisticRegression], TypeError, "expected names of methods and classifiers .instances"),
    (3, TypeError, "expected names of methods and classifiers"),
    ([RawPixels()], TypeError, "expected names of methods and classifiers"),
    ({1: "cnn"}, TypeError, "expected names of type str, got 1"),
    ({"a b": "cnn", "a\n b ": "fast"}, ValueError, "expected distinct names, got 'a b' 2 times"),
    ({" \n": "cnn"}, ValueError, "expected names, got an empty one"),
    ({"every": "all"}, ValueError, "no method 'all'"),
])
def test_bad_methods(methods, error, message, monkeypatch):
    monkeypatch.setattr("twoflow.evaluation.pixel_size._memory", lambda: 2**60)
    with pytest.raises(error, match=message):
        make_methods(methods)


def hierarchy(**columns):
    return ImageCollection(np.zeros((4, 8, 8, 3), np.uint8), ["a", "a", "b", "c"], columns=columns)


def superclasses(*arguments, **options):
    model = make_methods("mid-level", *arguments, **options)["mid-level"]
    return model.get_params()["low-level_selector__superclasses"]


def test_the_hierarchy_of_mid_level():
    kinds = ["x", "x", "x", "y"]
    expected = {"a": "x", "b": "x", "c": "y"}
    assert superclasses() is None and superclasses(hierarchy(kind=kinds)) is None
    assert superclasses(hierarchy(superclass=kinds)) == expected
    assert superclasses(hierarchy(kind=kinds), superclass_column="kind") == expected
    targets = ImageCollection(
        np.zeros((3, 8, 8, 3), np.uint8), [["x", "a"], ["x", "b"], ["y", "c"]], target_names=["brand", "model"]
    )
    make_methods("cnn", targets, superclass_column="brand")  # needs no hierarchy
    with pytest.raises(ValueError, match="expected images of one target for mid-level, got 2 targets; leave it out"):
        make_methods("mid-level", targets, superclass_column="brand")
    with pytest.raises(ValueError, match="expected a column or a target .*.'kind', 'class'., got 'k'"):
        make_methods("cnn", hierarchy(kind=kinds), superclass_column="k")
    wrong = hierarchy(superclass=["x", "y", "x", "y"])
    assert [*make_methods("cnn", wrong)] == ["cnn"]  # needs no hierarchy
    with pytest.raises(ValueError, match="class a has two superclasses"):
        make_methods("mid-level", wrong)


def test_class_weights_are_for_the_methods_given_by_name(shop):
    own = TwoFlowClassifier("fast")
    methods = ["cnn:kernel-ridge", own]
    made = make_methods(methods, class_weight="balanced", max_per_class=4)
    assert made["cnn:kernel-ridge"].head.classifier.class_weight == "balanced" and made["fast"] is own
    first = shop.labels[0]
    found = compare({"ridge": "cnn:kernel-ridge", "mine": PIXELS}, shop, folds=2, class_weight={first: 2.0})
    note = f"methods given by name are fitted with the class weights {first} 2; mine as given"
    assert note in found.collection.notes
