"""A comparison of several targets, from images to the report."""

import json

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from twoflow import ImageCollection, RawPixels, compare, make_shop
from twoflow.evaluation.folds import official_split
from twoflow.report import write_report


@pytest.fixture(scope="module")
def shop():
    """Make photos with two targets: a brand, and the finer model."""
    shop = make_shop(4, 10, random_state=0)
    brand = np.where(np.char.endswith(shop.labels, "1"), "one", "two")
    return ImageCollection(shop.images, np.column_stack([brand, shop.labels]), target_names=("brand", "model"))


def pipeline(classifier):
    return make_pipeline(RawPixels((4, 3)), classifier)


@pytest.fixture(scope="module")
def found(shop):
    return compare(
        {
            "forest": pipeline(RandomForestClassifier(20, random_state=0)),
            "tree": pipeline(DecisionTreeClassifier(random_state=0)),
            "each": pipeline(MultiOutputClassifier(RidgeClassifier())),
        },
        shop, folds=3, train_sizes=(0.5,),
    )


def test_scores_equal_scikit_learn(found, shop):
    X = RawPixels((4, 3)).fit_transform(shop)
    for (train, test), index in zip(
        StratifiedKFold(3, shuffle=True, random_state=0).split(X, shop.target("model")), range(3), strict=True
    ):
        forest = RandomForestClassifier(20, random_state=0).fit(X[train], shop.labels[train])
        predicted = forest.predict(X[test])
        assert (found["forest"].predicted[index] == predicted).all()
        is_right = predicted == shop.labels[test]
        assert found["forest"].scores["exact_match"][index] == is_right.all(axis=1).mean()
        assert found["forest"].scores["accuracy:brand"][index] == is_right[:, 0].mean()
        for given, expected in zip(found["forest"].probabilities[index], forest.predict_proba(X[test]), strict=True):
            assert given == pytest.approx(expected, abs=1e-6)


def test_the_exact_match_is_tested(found):
    assert found.tested_score == "exact_match"
    expected = (found["tree"].scores["exact_match"] - found["forest"].scores["exact_match"]).mean()
    assert found.differences[0].result.mean_difference == pytest.approx(expected)
    assert found.pairwise[0].difference.result.mean_difference == pytest.approx(-expected)
    assert found.learning_curve.scores["tree"]["accuracy:model"][-1].tolist() == (
        found["tree"].scores["accuracy:model"].tolist()
    )


def test_which_images_are_right(found):
    for method in found.methods:
        for name, target in (("exact_match", None), ("accuracy:brand", "brand"), ("accuracy:model", "model")):
            is_right = found.is_right(method.name, target)
            assert [each.mean() for each in is_right] == method.scores[name].tolist()


def test_details_of_each_target(found, shop):
    for target in ("brand", "model"):
        details = found.details["forest"][target]
        assert details.by_class.support.sum() == len(shop)
        sizes = [len(fold.test) for fold in found.folds]
        mean = np.average(found["forest"].scores[f"accuracy:{target}"], weights=sizes)
        assert details.accuracy.accuracy == pytest.approx(mean)
        assert details.calibration.n.sum() == len(shop)
        assert found.details["each"][target].roc is None  # a classifier without probabilities
    assert found.pooled("tree").classes.tolist() == shop.classes.tolist()
    assert found.pooled("tree", "brand").classes.tolist() == ["one", "two"]


def test_the_report(found, tmp_path):
    write_report(found, tmp_path)
    document = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert document["dataset"]["finest"] == "model" and list(document["methods"][0]["other_targets"]) == ["brand"]
    assert "accuracy of brand" in (tmp_path / "report.txt").read_text("utf-8")
    assert "exact_match" in (tmp_path / "scores.csv").read_text("utf-8").splitlines()[0]


def test_a_class_without_training_images_keeps_its_column(shop):
    marks = np.where(np.arange(len(shop)) % 2, "train", "test")
    marks[(shop.target("model") == "tee/02") & (marks == "train")] = "validation"
    collection = ImageCollection(
        shop.images, shop.labels, columns={"split": marks}, target_names=shop.target_names
    )
    assert len(official_split(marks, shop.labels)) == 1
    found = compare({"tree": pipeline(DecisionTreeClassifier())}, collection, split_column="split")
    ((brand, model),) = found["tree"].probabilities
    missing = shop.classes.tolist().index("tee/02")
    assert brand.shape[1] == 2 and (model[:, missing] == 0).all() and model.sum(axis=1) == pytest.approx(1)


def test_probabilities_in_another_form_are_none(shop):
    codes = np.unique(shop.labels[:, 0], return_inverse=True)[1]
    numbers = ImageCollection(shop.images, np.column_stack([codes, 1 - codes]))
    found = compare({"chain": pipeline(ClassifierChain(LogisticRegression()))}, numbers, folds=2)
    assert found["chain"].probabilities is None and found["chain"].predicted[0].shape[1] == 2


def test_predictions_of_one_target_are_an_error(shop):
    class First(DecisionTreeClassifier):
        def predict(self, X):
            return super().predict(X)[:, 0]

    with pytest.raises(ValueError, match="one column for each target, got .*; use a classifier that learns several"):
        compare({"first": pipeline(First())}, shop, folds=2)
