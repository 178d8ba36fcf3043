"""An audit of a collection of several targets judges the labels of each, and tests every pair of them."""

import csv
import json

import numpy as np
import pytest

from twoflow import ImageCollection, make_shop
from twoflow.auditing import audit
from twoflow.report import format_audit, write_audit


@pytest.fixture(scope="module")
def shop():
    return make_shop(4, 6, random_state=0)


@pytest.fixture(scope="module")
def kinds_and_models(shop):
    """Two targets: the broader one has a wrong label at position 0, and none at position 1."""
    kinds = [name.split("/")[0] for name in shop.labels]
    kinds[0], kinds[1] = kinds[-1], ""
    return ImageCollection(
        shop.images, np.column_stack([kinds, shop.labels]), np.arange(len(shop)) // 2, target_names=("kind", "model")
    )


@pytest.fixture(scope="module")
def found(kinds_and_models):
    return audit(kinds_and_models)


def test_the_labels_of_each_target_are_judged(found, kinds_and_models, shop):
    alone = audit(shop.grouped(kinds_and_models.groups))
    assert [*found.issues] == ["kind", "model"] and [*alone.issues] == ["class"]
    assert (found.issues["model"].confident_joint == alone.issues["class"].confident_joint).all()
    assert found.labels.tolist() == shop.labels.tolist()
    assert found.class_counts["model"] == alone.class_counts["class"]
    assert found.class_counts["kind"] == {"dress": 13, "tee": 10} and found.small_classes == {}
    assert found.describe_classes() == "2 classes of kind and 4 classes of model"
    kinds = found.issues["kind"]
    assert kinds.n_judged == len(shop) - 1 and kinds.classes.tolist() == ["dress", "tee"]
    assert 1 not in kinds.suspects and kinds.given.tolist() == kinds_and_models.labels[kinds.suspects, 0].tolist()
    assert found.label(0) == f"kind {kinds_and_models.labels[0, 0]}, model {shop.labels[0]}"
    assert found.label(1) == f"model {shop.labels[1]}"


def test_the_report_says_of_which_target_a_label_is(found, tmp_path):
    text = format_audit(found)
    assert "\nLabels of kind worth a second look: " in text and "\nLabels of model worth a second look: " in text
    files = {file.name: file for file in write_audit(found, tmp_path)}
    rows = list(csv.DictReader(files["suspects.csv"].read_text("utf-8").splitlines()))
    assert rows[0]["target"] == "kind" and len(rows) == sum(len(each.suspects) for each in found.issues.values())
    document = json.loads(files["audit.json"].read_text("utf-8"))
    assert [each["target"] for each in document["label_noise"]] == ["kind", "model"]
    assert "<h3>Labels of <bdi>kind</bdi></h3>" in files["audit.html"].read_text("utf-8")


def test_a_pair_of_targets_is_tested_for_independence(found, tmp_path):
    result = found.dependences["kind", "model"]
    assert (result.n_missing, result.n_groups) == (1, 12) and result.p_value < 0.05
    text = format_audit(found)
    assert "\nkind and model: Independence is rejected at 5 %: " in text
    assert f"  chi-square {result.statistic!r}, 3 degrees of freedom, p {result.chi2_p_value!r} (chi-square" in text
    assert "23 images have both labels; 1 lack one and do not count" in text
    document = json.loads(write_audit(found, tmp_path)[0].read_text("utf-8"))
    (pair,) = document["dependences"]
    assert pair["targets"] == ["kind", "model"] and pair["observed"] == result.observed.tolist()
    assert pair["expected"] == result.expected.tolist() and pair["statistic"] == result.statistic


def test_a_large_table_shows_the_cells_that_deviate_most(shop, tmp_path):
    numbers = np.array([f"<i>{number:02d}" for number in range(len(shop))])
    found = audit(ImageCollection(shop.images, np.column_stack([numbers, shop.labels]), target_names=["item", "model"]))
    assert "The 12 pairs that deviate most from what is expected:" in format_audit(found)
    html = write_audit(found, tmp_path)[-1].read_text("utf-8")
    assert "<i>" not in html and html.count('<td class="number more"') == 12 and "audit.json has all" in html


def test_a_target_with_one_label_is_noted(shop):
    labels = np.column_stack([np.full(len(shop), "tee"), shop.labels])
    found = audit(ImageCollection(shop.images, labels, target_names=["kind", "model"]))
    assert not found.dependences and [*found.issues] == ["model"]
    assert (
        "kind and model were not tested for independence: kind: expected at least two categories, got only tee; "
        "nothing can depend on one"
    ) in found.notes
    assert any(note.startswith("labels of kind were not judged: expected at least two classes") for note in found.notes)


def test_the_same_photo_conflicts_if_any_target_differs(shop):
    """A label that is missing contradicts none, and the copy with more labels is the one to train on."""
    labels = np.column_stack([np.full(len(shop), "tee"), shop.labels])
    copies = np.array([["hat", labels[0, 1]], ["tee", ""], ["tee", labels[2, 1]]])
    labels[2, 0] = ""
    collection = ImageCollection(
        [*shop.images, *shop.images[:3]], np.vstack([labels, copies]), target_names=["kind", "model"]
    )
    found = audit(collection)
    n = len(shop)
    assert found.duplicates.pairs[found.conflicts].tolist() == [[0, n]]
    assert {each.position: (each.reason, each.other) for each in found.left_out} == {
        0: ("same photo, another label", n), n: ("same photo, another label", 0), n + 1: ("same photo", 1),
        2: ("same photo", n + 2),
    }
