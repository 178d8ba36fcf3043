"""Which images to label next: chosen by a model of one target, of several, and of levels."""

import csv

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from twoflow import FlowClassifier, ImageCollection, RawPixels, label_next, make_model, make_shop, save
from twoflow.models.model_file import open_model_file
from twoflow.report import format_label_queue, write_label_queue

FLOWS = [("pixels", RawPixels((8, 8)), "passthrough")]


@pytest.fixture(scope="module")
def shop():
    return make_shop(4, 8, random_state=0)


@pytest.fixture(scope="module")
def model(shop):
    return FlowClassifier(FLOWS, LogisticRegression(max_iter=200)).fit(shop[::2])


@pytest.fixture(scope="module")
def unlabeled(shop):
    """Sixteen images: the third is a copy of the first, the fifth is labeled, and the last cannot be read."""
    images = [shop.images[i] for i in range(1, 32, 2)]
    images[2], images[4], images[15] = images[0], shop.images[0], b"broken"
    return images


@pytest.fixture(scope="module")
def found(model, shop, unlabeled):
    return label_next(model, unlabeled, 5, labeled=shop[::2])


def test_each_photo_once_and_none_that_is_labeled(found):
    positions = [each.position for each in found.queue]
    assert len(set(positions)) == 5 and not {2, 4, 15} & set(positions)
    assert found.copies == {2: 0} and found.labeled == (4,)
    assert [position for position, _ in found.unreadable] == [15] and found.n_images == 16


def test_the_queue_says_why(found, model, unlabeled):
    for each in found.queue:
        probabilities = np.sort(model.predict_proba([unlabeled[each.position]])[0])[::-1]
        (likeliest,) = each.likeliest
        # One image and a batch of them are rounded differently, in float32.
        assert [p for _, p in likeliest] == pytest.approx(probabilities[:3].tolist(), rel=1e-5)
        assert likeliest[0][0] == model.predict([unlabeled[each.position]])[0]
        assert each.uncertainty == pytest.approx(1 - probabilities[0] + probabilities[1], rel=1e-5)
    gains = [each.gain for each in found.queue]
    assert gains == sorted(gains, reverse=True)
    assert sum(each.n_similar for each in found.queue) == found.n_uncertain == 13


def test_more_than_there_are(model, unlabeled):
    found = label_next(model, unlabeled, 100)
    assert len(found.queue) == 14 and found.labeled == ()
    assert found.notes[0].startswith("14 images instead of 100: ") and "labeled earlier are not known" in found.notes[1]


def test_the_model_file_knows_its_training_images(model, shop, unlabeled, tmp_path):
    save(model, tmp_path / "shop.twoflow", collection=shop[::2], gallery=True)
    found = label_next(open_model_file(tmp_path / "shop.twoflow"), unlabeled, 5)
    assert found.labeled == (4,) and found.target_names == ("class",) and not found.notes


def test_several_targets_are_asked_together(shop, unlabeled):
    kinds = [name.split("/")[0] for name in shop.labels]
    both = ImageCollection(shop.images, np.column_stack([kinds, shop.labels]), target_names=["kind", "model"])
    model = make_model(FLOWS).fit(both[::2])
    found = label_next(model, unlabeled, 3)
    assert [len(each.likeliest) for each in found.queue] == [2, 2, 2]
    assert {label for label, _ in found.queue[0].likeliest[0]} == set(kinds)


def test_report(found, unlabeled, tmp_path):
    text = format_label_queue(found)
    assert text.startswith("5 images to label next, of 16 images checked in ")
    left_out = "1 showing the same photo as another of them, 1 showing a photo that is labeled already, 1 unreadable"
    assert f"Left out: {left_out}\n" in text
    table, page = write_label_queue(found, unlabeled, tmp_path)
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5"] and rows[0]["path"] == found.queue[0].name
    assert rows[0]["class 1"] == found.queue[0].likeliest[0][0][0]
    html = page.read_text("utf-8")
    assert html.count("data:image/jpeg") == 5 and "<script" not in html


@pytest.mark.parametrize("n", [0, -1])
def test_a_wrong_number(model, unlabeled, n):
    with pytest.raises(ValueError, match="n: expected an integer of at least 1, got"):
        label_next(model, unlabeled, n)


def test_a_model_without_probabilities_is_refused(shop, unlabeled):
    model = FlowClassifier(FLOWS, RidgeClassifier()).fit(shop[::2])
    with pytest.raises(ValueError, match="expected a fitted model made of flows with probabilities, got a FlowClass"):
        label_next(model, unlabeled, 3)


def test_no_image_can_be_read(model):
    with pytest.raises(ValueError, match="none of the 2 images can be read; the first: "):
        label_next(model, [b"broken", b""], 1)
