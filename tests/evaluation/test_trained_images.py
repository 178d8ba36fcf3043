"""A comparison refuses to test a network on images that it was trained on."""

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from twoflow import CNNEmbedding, ColorHistogram, TwoFlowClassifier, compare, load_folder, make_model, make_shop
from twoflow.deep import FineTunedFlow, save_network
from twoflow.evaluation import comparison as comparing
from twoflow.images import ImageCollection
from twoflow.report.text import format_text

from ..deep.stub_classifier import StubClassifier

KNOWN, NEW = np.arange(0, 24, 2), np.arange(1, 24, 2)


@pytest.fixture(scope="module")
def shop():
    shop = make_shop(n_classes=3, n_per_class=8, random_state=0)
    split = np.where(np.arange(24) % 2, "test", "train")
    return ImageCollection(shop.images, shop.labels, columns={"split": split})


@pytest.fixture(scope="module")
def mine(shop, tmp_path_factory):
    """The folder of a network that was trained on every second image."""
    flow = FineTunedFlow(StubClassifier(random_state=0)).fit(shop[KNOWN])
    return save_network(flow, tmp_path_factory.mktemp("networks") / "mine")


@pytest.fixture
def unfitted(monkeypatch):
    """A comparison that would fit something fails."""
    monkeypatch.setattr(comparing.Runner, "run", lambda *_: pytest.fail("something was fitted"))


def of_flow(mine, shop):
    return make_model([("mine", CNNEmbedding(mine))], "logistic")


def of_several_flows(mine, shop):
    return make_model([("color", ColorHistogram()), ("mine", CNNEmbedding(mine, "head", pooling="max"))], "logistic")


def of_search(mine, shop):
    return GridSearchCV(TwoFlowClassifier("fast", network=str(mine)), {"recipe": ["fast", "best"]})


def of_frozen(mine, shop):
    fitted = make_model([("mine", FineTunedFlow(StubClassifier()))], "logistic", random_state=0)
    return FrozenEstimator(fitted.fit(shop[KNOWN]))


@pytest.mark.parametrize("make", [of_flow, of_several_flows, of_search, of_frozen], ids=lambda make: make.__name__)
def test_it_is_refused_before_anything_is_fitted(mine, shop, make, unfitted):
    methods = {"color": make_model([("color", ColorHistogram())], "logistic"), "tuned": make(mine, shop)}
    with pytest.raises(ValueError) as error:
        compare(methods, shop, folds=3)
    assert str(error.value) == (
        "tuned: expected test images that the network stub was not trained on, got 12 test images that it was trained "
        "on, the first image 1; train it inside the folds with FineTunedFlow, or test on other images"
    )


def test_training_images_may_be_among_them(mine, shop):
    result = compare({"tuned": of_flow(mine, shop)}, shop, split_column="split")
    assert result["tuned"].scores["accuracy"].shape == (1,)
    assert not any("trained on" in note for note in result.collection.notes)


def test_other_images_are_tested(mine, shop):
    result = compare({"tuned": of_flow(mine, shop)}, shop[NEW], folds=2)
    assert not any("trained on" in note for note in result.collection.notes)


def test_a_flow_that_trains_inside_the_folds_is_not_refused(shop):
    inside = make_model([("mine", FineTunedFlow(StubClassifier()))], "logistic")
    assert len(compare({"inside": inside}, shop, folds=2)["inside"].scores["accuracy"]) == 2


def test_a_note_instead(mine, shop):
    result = compare({"tuned": of_flow(mine, shop)}, shop, folds=2, tests_trained=True)
    note, = result.collection.notes
    assert note == (
        "12 test images are among those that the network stub was trained on, so the accuracy on new images will be "
        "lower than what was measured"
    )
    document = result.networks[0].document()
    assert document["n_trained_on"] == 12 and "trained_on" not in document
    assert "network: stub (license MIT; trained on 12 images; run on cpu)." in format_text(result)


@pytest.fixture(scope="module")
def folder(shop, tmp_path_factory):
    """The images as files."""
    folder = tmp_path_factory.mktemp("shop")
    for number, (image, label) in enumerate(zip(shop.images, shop.labels)):
        path = folder / label.replace("/", "-") / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.asarray(image)).save(path)
    return folder


def test_files_are_found_under_other_names_and_named(folder, tmp_path):
    shoes = load_folder(folder)
    flow = FineTunedFlow(StubClassifier(random_state=0)).fit(shoes[[0, *range(4, 24)]])
    mine = save_network(flow, tmp_path / "mine")
    first = folder / "tee-01" / "0.png"
    first.rename(first.with_name("z.png"))
    try:
        with pytest.raises(ValueError, match=r"got 21 test images that it was trained on, the first .*\d+\.png; train"):
            compare({"a": make_model([("mine", CNNEmbedding(mine))], "logistic")}, load_folder(folder), folds=2)
    finally:
        first.with_name("z.png").rename(first)


def test_images_that_look_like_them_are_counted(mine, shop):
    """Copies with another size have another content, so they are no reason to refuse."""
    copies = [np.asarray(Image.fromarray(np.asarray(shop.images[i])).resize((300, 225))) for i in KNOWN]
    images = [*[shop.images[i] for i in NEW], *copies]
    labels = np.concatenate([shop.labels[NEW], shop.labels[KNOWN]])
    split = ["test"] * 12 + ["train"] * 12
    known = [shop.images[i] for i in KNOWN[:2]]
    collection = ImageCollection(
        [*images, *known], [*labels, *shop.labels[KNOWN[:2]]], columns={"split": np.array([*split, "train", "train"])}
    )
    result = compare({"a": of_flow(mine, shop)}, collection, split_column="split")
    assert not any("look like" in note for note in result.collection.notes), "only training images look like them"
    swapped = ImageCollection(collection.images, collection.labels, columns={
        "split": np.array(["train"] * 12 + ["test"] * 12 + ["train"] * 2)
    })
    notes = compare({"a": of_flow(mine, shop)}, swapped, split_column="split").collection.notes
    assert (
        "2 test images look like images that the network stub was trained on, so scores may be too optimistic" in notes
    )


def test_the_card_keeps_them(mine):
    card = json.loads((mine / "network.card.json").read_text())
    assert len(card["trained_on"]) == 12 * 8
