"""Explanations of whole models: sums, shares, targets, and what is refused."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from twoflow import (
    CNNEmbedding,
    ColorHistogram,
    FlowClassifier,
    FlowUnion,
    GISTDescriptor,
    HierarchicalClassifier,
    ImageCollection,
    ImageReadError,
    LBPHistogram,
    MultiTargetClassifier,
    PixelProjection,
    RawPixels,
    explain,
    make_model,
    make_shop,
    open_model_file,
    save,
)
from twoflow.heads import KernelRidgeClassifier
from twoflow.images.tags import ImageTags, extend_tags
from twoflow.models.model_file import ModelCard, ModelFile, TargetCard
from twoflow.similarity import TrainingTerms

SMALL = {"input_size": (96, 96)}


def flow(layer="stage5", **options):
    return CNNEmbedding(layer=layer, pooling="covariance", n_channels=16, preprocessing=SMALL, **options)


FLOWS = [
    ("covariance", flow(views="mirror")), ("cells", flow("stage3", grid=2)), ("padded", CNNEmbedding(
        layer="stage4", pooling="gem", preprocessing={"input_size": (96, 96), "fit": "pad"})),
    ("crops", CNNEmbedding(layer="stage4", pooling="max", views="five-crop", preprocessing=SMALL)),
    ("cropped", CNNEmbedding(layer="stage4", preprocessing={"input_size": (96, 64), "fit": "crop"})),
    ("area", CNNEmbedding(layer="stage5", pooling="covariance", n_channels=16, views="mirror", center_prior=0.3,
                          preprocessing={"input_size": (96, 96), "fit": "area"})),
    ("pool", CNNEmbedding(preprocessing=SMALL)), ("color", ColorHistogram(size=32)), ("lbp", LBPHistogram(size=32)),
    ("pixels", RawPixels((8, 6))), ("projection", PixelProjection(16, (32, 24), random_state=0)),
    ("gist", GISTDescriptor((4, 2), grid=2, size=32)),
]


@pytest.fixture(scope="module")
def model(shop):
    """A linear head on flows of all kinds; only one of them has no places."""
    return make_model(FLOWS, "kernel-ridge").fit(shop)


@pytest.fixture(scope="module")
def quick(shop):
    return make_model([("color", ColorHistogram(size=32)), ("lbp", LBPHistogram(size=32))], RidgeClassifier()).fit(shop)


def check_sums(reason):
    assert reason.method == "exact"
    assert reason.constant + sum(reason.shares.values()) == pytest.approx(reason.score, abs=1e-9)
    found = reason.constant + reason.map.sum() + sum(reason.unlocated.values())
    assert found == pytest.approx(reason.score, abs=1e-4)


def test_the_map_and_what_is_unlocated_sum_to_the_score(model, shop):
    reason, = explain(model, shop.images[3]).reasons
    check_sums(reason)
    assert reason.label == model.predict(shop[3:4])[0] and reason.target == "class"
    position = model.classes_.tolist().index(reason.label)
    assert reason.score == pytest.approx(model.decision_function(shop[3:4])[0, position], abs=1e-4)
    assert reason.confidence == pytest.approx(model.predict_proba(shop[3:4])[0, position])
    assert set(reason.shares) == {name for name, _ in FLOWS} and reason.unlocated["gist"] == reason.shares["gist"]
    assert set(reason.unlocated) <= {"gist", "padded", "cropped"}, "a part that has a place has none"


def test_every_label_can_be_explained(model, shop):
    scores = [explain(model, shop.images[0], label=label).reasons[0].score for label in model.classes_.tolist()]
    np.testing.assert_allclose(scores, model.decision_function(shop[:1])[0], atol=1e-4)


@pytest.mark.parametrize("size", [(40, 160), (161, 37), (7, 5), (1, 1)])
def test_images_of_any_proportions(model, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    explanation = explain(model, pixels)
    check_sums(explanation.reasons[0])
    assert explanation.image.shape == pixels.shape


def test_a_large_image_is_reduced_and_upright(quick, tmp_path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 1300, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(tmp_path / "turned.jpg", exif=exif)
    explanation = explain(quick, tmp_path / "turned.jpg")
    assert explanation.image.shape[0] == 640 and explanation.image.shape[1] < 200
    assert explanation.image_name.endswith("turned.jpg")
    assert explanation.reasons[0].map.shape == (64, 15)


def test_explanations_are_the_same_again(quick, shop):
    for method in ("exact", "occlusion"):
        one, other = (explain(quick, shop.images[5], method=method, budget=20).reasons[0] for _ in range(2))
        assert (one.map == other.map).all() and one.shares == other.shares


def test_a_forest_is_explained_by_occlusion(shop):
    flows = [(f"color {i}", ColorHistogram(bins=(2 + i, 2, 2), size=32), "passthrough") for i in range(4)]
    model = FlowClassifier(flows, RandomForestClassifier(20, random_state=0)).fit(shop)
    reason, = explain(model, shop.images[0], budget=20).reasons
    assert reason.method == "occlusion" and reason.unlocated == {}
    assert reason.constant + sum(reason.shares.values()) == pytest.approx(reason.score)
    assert reason.score == reason.confidence == model.predict_proba(shop[:1])[0].max()
    rows, columns = reason.map.shape
    assert (rows + 1) * (columns + 1) <= 20


def test_without_places_auto_covers_and_exact_has_no_map(shop):
    model = make_model([("gist", GISTDescriptor((2,), grid=2, size=32))], RidgeClassifier()).fit(shop)
    assert explain(model, shop.images[0], budget=9).reasons[0].method == "occlusion"
    reason, = explain(model, shop.images[0], method="exact").reasons
    assert reason.map is None and reason.shares == reason.unlocated


class Whole(DummyClassifier):
    """A classifier of images that cannot be taken apart, and has no probabilities for numbers of images."""

    def __sklearn_tags__(self):
        return extend_tags(super().__sklearn_tags__(), ImageTags)


def test_a_model_that_cannot_be_taken_apart(shop):
    model = Whole().fit(shop.images, shop.labels)
    reason, = explain(model, shop.images[0], budget=9).reasons
    assert reason.method == "occlusion" and not reason.map.any() and reason.shares == {"Whole": 0}


@pytest.fixture(scope="module")
def targets(shop):
    labels = np.column_stack([shop.labels, shop.columns["color"]])
    return ImageCollection(shop.images, labels, target_names=["model", "color"])


@pytest.mark.parametrize("strategy", ["separate", "shared", "joint", "chain"])
def test_several_targets_have_a_reason_each(targets, strategy):
    head = MultiTargetClassifier(KernelRidgeClassifier(), strategy, random_state=0)
    model = FlowClassifier([("stage5", flow(), "passthrough")], head).fit(targets)
    explanation = explain(model, targets.images[9])
    assert [reason.target for reason in explanation.reasons] == ["model", "color"]
    assert [reason.label for reason in explanation.reasons] == model.predict(targets[9:10])[0].tolist()
    for reason in explanation.reasons:
        check_sums(reason)
    one, = explain(model, targets.images[9], target="color").reasons
    assert one.score == explanation["color"].score
    other, = explain(model, targets.images[9], target="color", label="white").reasons
    assert other.label == "white"
    with pytest.raises(KeyError):
        explanation["type"]


def test_forests_of_several_targets_are_explained_by_occlusion(targets):
    head = MultiTargetClassifier(RandomForestClassifier(5, random_state=0), random_state=0)
    model = FlowClassifier([("color", ColorHistogram(size=32), "passthrough")], head).fit(targets)
    reasons = explain(model, targets.images[0], budget=9).reasons
    for reason, proba in zip(reasons, model.predict_proba(targets[:1])):
        assert reason.method == "occlusion" and reason.score == proba.max()


def test_a_decision_tree_is_no_tree_of_classes(shop):
    tree = FlowClassifier([("color", ColorHistogram(size=32), "passthrough")], DecisionTreeClassifier(random_state=0))
    reason, = explain(tree.fit(shop), shop.images[0], budget=4).reasons
    assert (reason.target, reason.method) == ("class", "occlusion")


def test_levels_have_a_reason_each(shop):
    labels = np.column_stack([shop.columns["kind"], shop.labels])
    levels = ImageCollection(shop.images, labels, target_names=["kind", "model"], are_levels=True)
    inside = make_model([("stage5", flow())], "kernel-ridge")
    model = HierarchicalClassifier(inside, strategy="parents", random_state=0).fit(levels)
    reasons = explain(model, shop.images[0]).reasons
    assert [(reason.target, reason.label) for reason in reasons] == [("kind", "tee"), ("model", "tee/01")]
    for reason in reasons:
        check_sums(reason)


def test_training_images_speak_for_each_level(shop, tmp_path):
    labels = np.column_stack([shop.columns["kind"], [label[-2:] for label in shop.labels]])
    labels[0, 1] = ""
    levels = ImageCollection(shop.images, labels, target_names=["kind", "model"], are_levels=True)
    inside = make_model([("stage5", flow())], "kernel-ridge")
    model = HierarchicalClassifier(inside, random_state=0).fit(levels)
    save(model, tmp_path / "shop.twoflow", collection=levels, gallery=True)
    file = open_model_file(tmp_path / "shop.twoflow")
    for explained, options, is_exact in ((model, {"training": levels}, True), (file, {}, False)):
        reasons = explain(explained, shop.images[1], **options).reasons
        assert [(reason.target, reason.label) for reason in reasons] == [("kind", "tee"), ("model", "01")]
        for reason in reasons:
            assert reason.neighbors.score == pytest.approx(reason.score, abs=1e-5)
            assert reason.neighbors.is_exact == is_exact
            assert reason.neighbors.labels[0] == "tee/01" and 0 not in reason.neighbors.positions


def test_training_images_speak_for_and_against(shop):
    model = make_model([("stage5", flow())], "kernel-ridge").fit(shop)
    reason, = explain(model, shop.images[0], training=shop, k=2).reasons
    assert reason.neighbors.score == pytest.approx(reason.score, abs=1e-5)
    assert len(reason.neighbors.names) <= 4 and reason.neighbors.labels[0] == reason.label
    again, = explain(model, shop.images[0], training=TrainingTerms(model, shop), k=2).reasons
    assert again.neighbors.terms.tolist() == reason.neighbors.terms.tolist()
    with pytest.raises(ValueError, match="sum over its training images"):
        explain(make_model([("color", ColorHistogram())], RidgeClassifier()).fit(shop), shop.images[0], training=shop)


def test_features_of_an_image_are_computed_once_for_all_targets(targets, monkeypatch):
    flows = [("color", ColorHistogram(size=32), "passthrough")]
    model = FlowClassifier(flows, MultiTargetClassifier(KernelRidgeClassifier()))
    training = TrainingTerms(model.fit(targets), targets)
    calls, transform = [], FlowUnion.transform
    monkeypatch.setattr(FlowUnion, "transform", lambda self, X: calls.append(len(X)) or transform(self, X))
    reasons = explain(model, targets.images[0], training=training).reasons
    assert calls == [1] and len(reasons) == 2 and all(reason.neighbors is not None for reason in reasons)


def test_a_model_file_names_its_targets(quick, shop):
    card = ModelCard("shoes", "2025-01-31", (TargetCard("type", tuple(quick.classes_.tolist())),))
    reason, = explain(ModelFile(quick, card), shop.images[0], target="type").reasons
    assert reason.target == "type" and reason.neighbors is None and np.isnan(reason.confidence)
    assert "type tee/01" in str(explain(ModelFile(quick, card), shop.images[0]))


@pytest.mark.parametrize("options, message", [
    ({"label": "sandal"}, r"label: expected a class of 'class' \('dress/01', .*\), got 'sandal'; choose one of them"),
    ({"target": "color"}, "target: expected one of 'class', got 'color'; leave it out to explain all"),
    ({"method": "lime"}, "method: expected one of 'auto', 'exact', 'occlusion', 'shap', got 'lime'"),
    ({"method": "shap"}, 'method: expected a head made of trees for "shap", got RidgeClassifier; use "auto"'),
    ({"budget": 3}, "budget: expected an integer of at least 4, got 3"),
    ({"k": 0}, "k: expected an integer of at least 1, got 0"),
])
def test_wrong_arguments(quick, shop, options, message):
    with pytest.raises(ValueError, match=message):
        explain(quick, shop.images[0], **options)


def test_a_label_of_several_targets_needs_its_target(targets):
    model = FlowClassifier(
        [("color", ColorHistogram(size=32), "passthrough")], MultiTargetClassifier(KernelRidgeClassifier())
    ).fit(targets)
    with pytest.raises(ValueError, match="label: expected a target with it, because the model has model, color"):
        explain(model, targets.images[0], label="white")


def test_wrong_models(quick, shop):
    image, features = shop.images[0], np.random.default_rng(0).random((8, 3))
    with pytest.raises(TypeError, match=r"got a str; open a file with open_model_file\(path\)"):
        explain("shoes.twoflow", image)
    with pytest.raises(NotFittedError):
        explain(make_model("fast"), image)
    with pytest.raises(ValueError, match="expected a model of images, got Pipeline, which takes features"):
        explain(make_pipeline(LogisticRegression()).fit(features, np.arange(8) % 2), image)
    with pytest.raises(ValueError, match="expected a classifier, got ColorHistogram"):
        explain(ColorHistogram().fit(shop), image)
    forest = FlowClassifier([("color", ColorHistogram(), "passthrough")], RandomForestClassifier(2)).fit(shop)
    with pytest.raises(ValueError, match="expected a head whose score is linear in the features, got RandomForest"):
        explain(forest, image, method="exact")


def test_wrong_images(quick, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(ImageReadError, match="broken.jpg"):
        explain(quick, tmp_path / "broken.jpg")
    with pytest.raises(ImageReadError):
        explain(quick, tmp_path / "missing.jpg")
    for wrong in (np.zeros(5), ["one.jpg", "two.jpg"], None):
        with pytest.raises((TypeError, ValueError), match="expected one image"):
            explain(quick, wrong)


def test_the_positive_mass_is_where_the_classes_differ():
    """Pointing game: the class is the shape of a mark at a random place of otherwise equal photos."""
    def draw(n, seed):
        rng, shop = np.random.RandomState(seed), make_shop(1, n, random_state=seed)
        images, boxes = [], []
        for i, pixels in enumerate(shop.images):
            image = Image.fromarray(pixels)
            left, top = rng.randint(0, 112, 2).tolist()
            box = left, top, left + 48, top + 48
            draw = ImageDraw.Draw(image)
            (draw.ellipse if i % 2 else draw.rectangle)(box, fill=(20, 90, 200))
            images.append(np.asarray(image))
            boxes.append(np.array(box) / 160)
        return images, np.array(["square", "disk"])[np.arange(n) % 2], boxes

    images, labels, _ = draw(40, 0)
    stage = CNNEmbedding(layer="stage5", pooling="covariance", preprocessing={"input_size": (320, 320)})
    model = make_model([("stage5", stage)], "kernel-ridge").fit(images, labels)
    shares = []
    for image, label, (left, top, right, bottom) in zip(*draw(8, 1)):
        values = explain(model, image, label=label).reasons[0].map.clip(0)
        middle = (np.arange(64) + 0.5) / 64
        down, across = (
            (middle > low - 0.05) & (middle < high + 0.05) for low, high in ((top, bottom), (left, right))
        )
        shares.append(values[np.ix_(down, across)].sum() / values.sum())
    assert np.mean(shares) >= 0.7
