"""Check that saved folds can be used by another run."""

import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from twoflow import ImageCollection, load_folder, make_shop
from twoflow.evaluation.folds import Fold, Folds, draw_folds, official_split
from twoflow.evaluation.saved_folds import folds_to_json, image_names, read_folds


@pytest.fixture
def folder(tmp_path):
    make_shop(3, 6, folder=tmp_path / "shop", random_state=0)
    return tmp_path / "shop"


def write(path, folds, collection):
    document = {
        "kind": folds.kind, "n_splits": folds.n_splits, "repeats": folds.repeats, "seed": folds.seed,
        **folds_to_json(folds, collection),
    }
    path.write_text(json.dumps({"folds": document}))
    return path


def same(one: Folds, other: Folds, position=lambda i: i):
    protocols = [(folds.kind, folds.n_splits, folds.repeats, folds.seed) for folds in (one, other)]
    return protocols[0] == protocols[1] and all(
        sorted(position(i) for i in getattr(a, side)) == sorted(getattr(b, side))
        for a, b in zip(one, other, strict=True)
        for side in ("train", "test")
    )


@pytest.mark.parametrize("groups", [None, np.arange(18) // 2])
@pytest.mark.parametrize("options", [{"n_splits": 3, "repeats": 2}, {"test_size": 0.2, "repeats": 3}])
def test_saved_folds_can_be_read(folder, tmp_path, options, groups):
    shop = load_folder(folder)
    shop.groups = groups
    folds = draw_folds(shop.labels, groups, **options)
    assert same(folds, read_folds(write(tmp_path / "report.json", folds, shop)).folds_of(shop))


def test_images_may_be_in_another_order_and_folder(folder, tmp_path):
    shop = load_folder(folder)
    folds = draw_folds(shop.labels, n_splits=3)
    record = read_folds(write(tmp_path / "report.json", folds, shop))
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    folder.rename(tmp_path / "elsewhere" / "deep" / "shop")
    moved = load_folder(tmp_path / "elsewhere" / "deep" / "shop")
    order = np.random.default_rng(0).permutation(len(moved))
    assert same(folds, record.folds_of(moved))
    assert same(folds, record.folds_of(moved[order]), lambda i: order.tolist().index(i))


def test_an_official_split_leaves_images_out(folder, tmp_path):
    shop = load_folder(folder)
    folds = official_split(np.array(["train", "train", "test", "validation", "train", "test"] * 3), shop.labels)
    record = folds_to_json(folds, shop)
    assert len(record["splits"][0]["train"]) == 9
    assert same(folds, read_folds(write(tmp_path / "report.json", folds, shop)).folds_of(shop))


def test_the_hash_depends_on_names_not_on_order(folder):
    shop = load_folder(folder)
    folds = draw_folds(shop.labels, n_splits=3)
    first = folds_to_json(folds, shop)
    order = np.arange(len(shop))[::-1]
    splits = tuple(Fold(fold.repeat, fold.fold, order[fold.train], order[fold.test]) for fold in folds)
    turned = replace(folds, splits=splits)
    assert folds_to_json(turned, shop[order])["hash"] == first["hash"]
    assert folds_to_json(draw_folds(shop.labels, n_splits=3, random_state=1), shop)["hash"] != first["hash"]


def test_names(tmp_path):
    files = [tmp_path / "a b" / "1.png", tmp_path / "a c" / "1.png"]
    again = ImageCollection([*files, files[0]], list("xyx"))
    assert image_names(again) == ["a b/1.png", "a c/1.png", "a b/1.png#2"]
    remote = ImageCollection(["s3://user:pw@b/x/1.png", "s3://user:pw@b/y/2.png"], list("xy"))
    assert image_names(remote) == ["x/1.png", "y/2.png"]


def test_urls_that_differ_only_in_secrets_have_different_names():
    """Their order has no effect. A URL without such a twin keeps its name if its signature is renewed."""
    urls = ["https://h/s/a?id=1", "https://h/s/a?id=2", "https://h/s/b?sig=old", "https://h/s/a?id=1"]
    names = image_names(ImageCollection(urls, list("wxyz")))
    assert len(set(names)) == 4 and names[2] == "b?sig=***" and names[3] == f"{names[0]}#2"
    assert all(re.fullmatch(r"a\?id=\*\*\*#[0-9a-f]{8}", name) for name in names[:2])
    again = image_names(ImageCollection([urls[1], urls[0], "https://h/s/b?sig=new"], list("xwy")))
    assert again == [names[1], names[0], names[2]]
    arrays = [np.full((2, 2), value, np.uint8) for value in (1, 2, 1)]
    one, two, again = image_names(ImageCollection(arrays, list("xyx")))
    assert len(one) == 32 and again == f"{one}#2" and two != one
    assert image_names(ImageCollection([Image.fromarray(arrays[0])], ["x"])) == [one]


def test_other_images(folder, tmp_path):
    shop = load_folder(folder)
    record = read_folds(write(tmp_path / "report.json", draw_folds(shop.labels, n_splits=3), shop))
    os.rename(shop.paths[0], folder / "new.jpg")
    os.rename(folder / "new.jpg", os.path.dirname(shop.paths[0]) + "/zzz.jpg")
    with pytest.raises(ValueError, match=r"images of .*report.json, got others: 1 are missing, .*; 1 are not in it"):
        record.folds_of(load_folder(folder))
    with pytest.raises(ValueError, match="1 are missing, such as"):
        record.folds_of(shop[1:])


def test_groups_that_the_folds_do_not_respect(folder, tmp_path):
    shop = load_folder(folder)
    record = read_folds(write(tmp_path / "report.json", draw_folds(shop.labels, n_splits=3), shop))
    shop.groups = np.zeros(len(shop), dtype=int)
    with pytest.raises(ValueError, match="got group 0 on both sides of fold 0 of repeat 0"):
        record.folds_of(shop)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:100],
        lambda text: "[]",
        lambda text: '{"folds": 3}',
        lambda text: "[" * 100_000,
        lambda text: text.replace('"test": [', '"test": [99999, '),
        lambda text: text.replace('"test": [', '"test": [-1, '),
        lambda text: text.replace('"test": [', '"test": [1e400, '),
        lambda text: text.replace('"test": [', '"test": [[1], '),
        lambda text: text.replace('"train": null', '"train": []'),
        lambda text: text.replace('"train": null', f'"train": {list(range(18))}'),
        lambda text: text.replace('"repeat": 0', '"repeat": "x"'),
    ],
)
def test_no_report(folder, tmp_path, spoil):
    shop = load_folder(folder)
    path = write(tmp_path / "report.json", draw_folds(shop.labels, n_splits=3), shop)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(ValueError, match="expected the report.json of a comparison"):
        read_folds(path)


def test_changed_folds_and_no_file(folder, tmp_path):
    shop = load_folder(folder)
    path = write(tmp_path / "report.json", draw_folds(shop.labels, n_splits=3), shop)
    document = json.loads(path.read_text())
    splits = document["folds"]["splits"]
    splits[0]["test"], splits[1]["test"] = splits[1]["test"], splits[0]["test"]
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match="expected folds that match their hash, got others"):
        read_folds(path)
    with pytest.raises(OSError):
        read_folds(tmp_path / "none.json")
