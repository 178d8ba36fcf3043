import json

import numpy as np
import pytest
from PIL import Image

from twoflow import CNNEmbedding, ImageCollection, RawPixels, compare, load_table, make_shop
from twoflow.commands import cv
from twoflow.commands.program import run
from twoflow.evaluation import duplicates, find_duplicates, leaks
from twoflow.evaluation.folds import Fold
from twoflow.models import make_model
from twoflow.report import format_text, to_document

METHODS = {"pixels": make_model([("pixels", RawPixels((8, 6)), "passthrough")]).set_params(
    head__n_estimators=10
)}


@pytest.fixture(scope="module")
def twice():
    """Make a shop in which every second image has a smaller copy."""
    shop = make_shop(3, 8, random_state=0)
    again = [np.asarray(Image.fromarray(image).resize((80, 80))) for image in shop.images[::2]]
    return ImageCollection([*shop.images, *again], [*shop.labels, *shop.labels[::2]])


def fold(train, test):
    return Fold(0, 0, np.array(train), np.array(test))


def test_copies_of_copies_leak_too():
    """Three equal images give two pairs, both with the first image. The second must still leak into the third."""
    images = [np.full((9, 9, 3), value, np.uint8) for value in (0, 0, 0, 200)]
    found_twice = find_duplicates(images)
    found = leaks([fold([1, 3], [2]), fold([3], [0, 1]), fold([0], [1, 2, 3])], found_twice)
    assert found.by_fold.tolist() == [1, 0, 2] and found.n_images == 2 and found.n_pairs == 2
    assert found and not leaks([fold([0, 1, 2], [3])], found_twice)


def test_without_duplicates_nothing_leaks(shop):
    found = leaks([fold(range(16), range(16, 32))], find_duplicates(shop))
    assert (found.n_pairs, found.n_images, found.by_fold.tolist()) == (0, 0, [0])


def test_a_comparison_counts_leaks(twice):
    found = compare(METHODS, twice, folds=3, random_state=0)
    expected = leaks(found.folds, find_duplicates(twice))
    assert found.leaks.n_images == expected.n_images > 0
    assert f"{expected.n_images} images are tested after training on a duplicate" in format_text(found)
    assert to_document(found)["leaks"] == {
        "pairs": expected.n_pairs, "images": expected.n_images, "by_fold": expected.by_fold.tolist(),
        "same_photo": expected.n_same_photo,
    }


def test_grouped_duplicates_do_not_leak(twice):
    found = compare(METHODS, twice, folds=3, group_duplicates=True)
    assert found.folds.kind == "stratified group k-fold" and not found.leaks
    assert len(np.unique(found.collection.groups)) == 24
    assert "tested after training" not in format_text(found)
    sellers = ImageCollection(twice.images, twice.labels, groups=np.arange(36) // 2)
    joined = compare(METHODS, sellers, folds=2, group_duplicates=True)
    for each in joined.folds:
        for groups in (sellers.groups, find_duplicates(twice).groups):
            assert not set(groups[each.train]) & set(groups[each.test])


def test_duplicates_cannot_be_grouped_in_given_folds(twice):
    with pytest.raises(ValueError, match="expected folds that are drawn, got split_column"):
        compare(METHODS, twice, split_column="split", group_duplicates=True)


def test_scores_do_not_depend_on_the_traits(shop):
    """The traits must not be among the features of any method, whether there is one method or two."""
    alone = compare(METHODS, shop, folds=2).methods[0]
    methods = {**METHODS, "cnn": make_model([("cnn", CNNEmbedding(layer="stage1"), "passthrough")])}
    beside = compare(methods, shop, folds=2).methods[0]
    assert alone.n_features == 144 and (alone.scores["accuracy"] == beside.scores["accuracy"]).all()


def test_grouped_duplicates_of_photographs_do_not_leak(data):
    """Some products are in the shop twice. Without groups, folds separate them."""
    found = load_table(data / "products/labels.csv", data / "products", label_column="masterCategory")[:1500]
    products = found.without_small_classes(20)
    ungrouped = compare(METHODS, products, folds=3, n_jobs=2)
    assert ungrouped.leaks.n_images >= 10
    grouped = compare(METHODS, products, folds=3, n_jobs=2, group_duplicates=True)
    assert grouped.leaks.n_images == grouped.leaks.n_pairs == 0 and not grouped.leaks.by_fold.any()
    pairs = find_duplicates(products, n_jobs=2).pairs
    assert len(pairs) >= 10
    for each in grouped.folds:
        assert (np.isin(pairs, each.train).sum(axis=1) != 1).all()


def test_the_command_keeps_copies_together(twice, tmp_path, capsys):
    for number, (image, label) in enumerate(zip(twice.images, twice.labels)):
        (tmp_path / "shop" / label.replace("/", "-")).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "shop" / label.replace("/", "-") / f"{number}.png")
    arguments = [str(tmp_path / "shop"), "--methods", "projection", "--folds", "2", "--jobs", "1", "--quiet",
                 "--no-store", "--out", str(tmp_path / "report")]
    assert run(cv.main, arguments) == 0
    assert "--group-duplicates keeps duplicates together" in capsys.readouterr().out
    assert json.loads((tmp_path / "report/report.json").read_text("utf-8"))["leaks"]["images"] > 0
    assert run(cv.main, [*arguments, "--group-duplicates", "--overwrite"]) == 0
    out = capsys.readouterr().out
    assert "36 images in 24 groups" in out and "duplicate" not in out
    assert json.loads((tmp_path / "report/report.json").read_text("utf-8"))["leaks"]["images"] == 0


def test_a_comparison_reads_no_image_again(twice, monkeypatch):
    """Images with equal traits need no comparison of pixels, because exact and near duplicates leak alike."""
    images = [*twice.images, *(image.copy() for image in twice.images)]
    collection = ImageCollection(images, [*twice.labels, *twice.labels])
    expected = leaks(compare(METHODS, collection, folds=3).folds, find_duplicates(collection))
    monkeypatch.setattr(duplicates, "_pixel_digest", None)
    assert compare(METHODS, collection, folds=3).leaks.n_images == expected.n_images > len(twice) / 2
