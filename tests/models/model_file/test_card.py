"""What the card of a model file says, and what `save` refuses."""

import hashlib
import math

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB

from twoflow import ColorHistogram, FlowClassifier, ImageCollection, RawPixels, compare, open_model_file, save
from twoflow.errors import InputError, OutsideError
from twoflow.models.model_file import Expectation, HeldOut, ModelCard, NetworkEntry, TargetCard
from twoflow.models.model_file.card_json import read_card, write_card


def make(head=None):
    return FlowClassifier([("color", ColorHistogram(), "passthrough")], head or GaussianNB(), random_state=0)


@pytest.fixture(scope="module")
def grouped(shop):
    kinds = [label.split("/")[0] for label in shop.labels.tolist()]
    return ImageCollection(shop.images, shop.labels, np.arange(len(shop)) // 2, {"kind": kinds})


@pytest.fixture(scope="module")
def compared(grouped):
    small = FlowClassifier([("pixels", RawPixels((4, 4)), "passthrough")], GaussianNB())
    return compare({"color": make(), "pixels": small}, grouped, folds=2, random_state=0)


def test_a_card_with_everything(grouped, compared, tmp_path):
    path = tmp_path / "m.twoflow"
    card = save(
        make().fit(grouped), path, collection=grouped, comparison=compared, method="color", threshold=0.7, title="shop",
    )
    opened = open_model_file(path)
    assert opened.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    target = opened.card.targets[0]
    assert (card.title, card.n_images, card.n_groups, card.threshold) == ("shop", 32, 16, 0.7)
    assert target.classes == ("dress/01", "dress/02", "tee/01", "tee/02") and target.counts == (8, 8, 8, 8)
    assert target.levels == {"kind": ("dress", "dress", "tee", "tee")}
    expectation, answers = compared.held_out("color")["class"]
    assert target.expectation == expectation and all(
        np.array_equal(mine, theirs) for mine, theirs in zip(target.held_out, answers)
    )
    for name in ("title", "created", "n_images", "n_groups", "data_digest", "threshold", "networks", "versions"):
        assert getattr(opened.card, name) == getattr(card, name)
    text = str(opened.card)
    for words in ("shop", "32 images in 16 groups", "class: 4 classes of 8 to 8 images", "kind: 2 classes",
                  f"{expectation.accuracy:.3f} [{expectation.interval[0]:.3f}", "below 0.70", "dress/01      8"):
        assert words in text, text
    assert all(line.isprintable() for line in text.splitlines())
    starts = {line.index(line[len("data SHA-256"):].strip()[0], len("data SHA-256")) for line in text.splitlines()}
    assert len(starts) == 1


def test_the_digest_of_the_data(grouped, tmp_path):
    digests = set()
    swapped = grouped.labels.copy()
    swapped[[0, -1]] = swapped[[-1, 0]]
    collections = (grouped, grouped[::-1], ImageCollection(grouped.images, swapped))
    for number, collection in enumerate((*collections, grouped[:])):
        digests.add(save(make().fit(collection), tmp_path / f"{number}.twoflow", collection=collection).data_digest)
    assert len(digests) == 3


def cards():
    held_out = HeldOut(np.array([0, 1], np.int32), np.array([-1, 1], np.int32), np.array([np.nan, 0.5], np.float32))
    bare = TargetCard("class", ("a", 'b"\u202e\n'))
    yield ModelCard("x", "2026-01-01", (bare,))
    nothing = Expectation(0.5, (math.nan, math.nan), 0.95, "2 folds")
    full = TargetCard("size", (5, 2, 3.5, True), (3, 4, 5, 6), {"up": (1, 1, 2, 2)}, nothing, held_out)
    network = NetworkEntry("net", "ab", "MIT", "here", "inside")
    match = Expectation(0.9, (0.8, 0.95), 0.95, "2 folds")
    yield ModelCard("x", "2026-01-01", (bare, full), 19, 2, "d", 0.5, (network,), {"python": "3"}, match)


@pytest.mark.parametrize("card", [TargetCard, *cards()], ids=range(3))
def test_writing_and_reading(card):
    if card is TargetCard:
        with pytest.raises(InputError, match="expected a member card.json, got none"):
            read_card({})
        return
    found = read_card(write_card(card))
    assert repr(found) == repr(card) and [type(each) for each in found.targets[-1].classes] == [
        type(each) for each in card.targets[-1].classes
    ]
    assert all(line.isprintable() for line in str(found).splitlines())


def test_what_a_card_says_of_several_targets():
    *_, card = cards()
    lines = str(card).splitlines()
    assert "all targets   0.900 [0.800, 0.950] on new images; 2 folds" in lines
    assert [line for line in lines if line.startswith("  labels")] == ["  labels      18 of 19 images have one"]


def test_nothing_is_replaced(grouped, tmp_path):
    model, path = make().fit(grouped), tmp_path / "m.twoflow"
    path.write_text("mine")
    with pytest.raises(OutsideError, match="exists already; name another file, or pass overwrite=True"):
        save(model, path)
    assert path.read_text() == "mine"
    save(model, path, overwrite=True)
    assert open_model_file(path).card.title == "FlowClassifier"
    with pytest.raises(OutsideError, match="got a folder"):
        save(model, tmp_path, overwrite=True)
    with pytest.raises(OutsideError, match="there is no folder"):
        save(model, tmp_path / "none" / "m.twoflow")
    assert [each.name for each in tmp_path.iterdir() if each.suffix != ""] == ["m.twoflow"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(grouped, tmp_path, monkeypatch):
    path = tmp_path / "m.twoflow"
    path.write_text("mine")

    def fail(descriptor):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutsideError, match="cannot write .*no space left"):
        save(make().fit(grouped), path, overwrite=True)
    assert path.read_text() == "mine" and [each.suffix for each in tmp_path.iterdir() if each.is_file()] == [".twoflow"]


@pytest.mark.parametrize("options, words", [
    ({"threshold": 1.5}, "threshold: expected None or a number from 0 to 1, got 1.5"),
    ({"threshold": "0.5"}, "threshold: expected None or a number"),
    ({"title": "caf\udce9"}, r"expected names of classes, and a title, in Unicode, got 'caf\\udce9'; rename it"),
    ({"method": "color"}, "method: expected a comparison with the method 'color', got none"),
])
def test_arguments(options, words, grouped, tmp_path):
    with pytest.raises(InputError, match=words):
        save(make().fit(grouped), tmp_path / "m.twoflow", collection=grouped, **options)


def test_arguments_that_do_not_fit_the_model(grouped, compared, tmp_path):
    path = tmp_path / "m.twoflow"
    with pytest.raises(NotFittedError):
        save(make(), path)
    model = make().fit(grouped)
    with pytest.raises(InputError, match="collection: expected the 4 classes of 'class'"):
        save(model, path, collection=grouped[:16])
    with pytest.raises(InputError, match="collection: expected the 1 targets"):
        several = ImageCollection(grouped.images, np.column_stack([grouped.labels, grouped.labels]))
        save(model, path, collection=several)
    with pytest.raises(InputError, match="method: expected a method of the comparison, got 'none'"):
        save(model, path, collection=grouped, comparison=compared, method="none")
    with pytest.raises(InputError, match="comparison: expected the 2 classes"):
        save(make().fit(grouped[:16]), path, collection=grouped[:16], comparison=compared)
    with pytest.raises(InputError, match="without classes_"):
        save(ColorHistogram().fit(grouped), path)
    assert not path.exists()


def test_a_model_without_probabilities(grouped, tmp_path):
    save(make(RidgeClassifier()).fit(grouped), tmp_path / "m.twoflow")
    assert not hasattr(open_model_file(tmp_path / "m.twoflow").model, "predict_proba")
