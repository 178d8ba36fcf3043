import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from twoflow import ImageCollection, ImageReadError, make_shop
from twoflow.images import check_images


def test_indexing(shop):
    assert shop[3] is shop.images[3]
    for index in (slice(2, 5), [2, 3, 4], np.arange(len(shop)) // 3 * 0 + np.isin(np.arange(len(shop)), [2, 3, 4]) > 0):
        part = shop[index]
        assert len(part) == 3 and part.labels.tolist() == shop.labels[2:5].tolist()
        assert part.columns["color"].tolist() == shop.columns["color"][2:5].tolist()
        assert all(mine is theirs for mine, theirs in zip(part.images, shop.images[2:5]))


def test_scikit_learn_splits_it(shop):
    train, test, y_train, y_test = train_test_split(shop, shop.labels, test_size=8, random_state=0)
    assert len(train) == 24 and len(test) == 8 == len(y_test)
    assert all(any(image is other for other in shop.images) for image in test)


def test_paths_are_promised_only_for_files(shop, tmp_path):
    with pytest.raises(TypeError, match="use .images"):
        shop.paths
    assert ImageCollection([tmp_path / "a.jpg"], ["x"]).paths == [str(tmp_path / "a.jpg")]


def test_without_lists_what_it_leaves_out():
    shop = make_shop(2, 2, n_duplicates=1, random_state=0)
    error = ImageReadError("b", "broken")
    rest = shop.without([(1, error)])
    assert len(rest) == 4 and rest.unreadable == (error,) and shop.unreadable == ()
    assert rest.groups.tolist() == np.delete(shop.groups, 1).tolist()
    assert "1 unreadable left out" in repr(rest)
    with pytest.raises(ValueError, match="none of the 5 images can be read; the first: cannot read b: broken"):
        shop.without([(i, error) for i in range(5)])


def test_small_classes_are_left_out_and_listed():
    shoes = ImageCollection(list("abcdef"), ["boot", "clog", "boot", "mule", "boot", "mule"], groups=[1, 2, 3, 4, 5, 6])
    rest = shoes.without_small_classes(2)
    assert rest.labels.tolist() == ["boot", "boot", "mule", "boot", "mule"] and rest.groups.tolist() == [1, 3, 4, 5, 6]
    assert rest.small_classes == {"clog": 1} and shoes.small_classes == {}
    assert rest[[0, 1, 3]].without_small_classes(3).small_classes == {"clog": 1}
    assert rest.without_small_classes(3).small_classes == {"clog": 1, "mule": 2}
    with pytest.raises(ValueError, match="no class has 4 images; the largest has 3"):
        shoes.without_small_classes(4)


def test_superclasses():
    columns = {"brand": ["x", "y", "x"], "color": ["red", "red", "blue"]}
    shoes = ImageCollection(["a", "b", "c"], ["boot", "clog", "boot"], columns=columns)
    assert shoes.superclasses("brand") == {"boot": "x", "clog": "y"}
    with pytest.raises(ValueError, match="class boot has two superclasses in column 'color', red and blue"):
        shoes.superclasses("color")


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, " "])
def test_images_that_lack_a_value_are_passed_over(missing):
    columns = {"brand": ["x", "y", missing, "y"]}
    shoes = ImageCollection(["a", "b", "c", "d"], ["boot", "clog", "boot", "mule"], columns=columns)
    assert shoes.superclasses("brand") == {"boot": "x", "clog": "y", "mule": "y"}
    assert shoes.levels == {"brand": {"boot": "x", "clog": "y", "mule": "y"}}


def test_numbers_that_are_missing_are_no_superclass():
    columns = {"year": [1990, 1991, np.nan, 1991]}
    shoes = ImageCollection(["a", "b", "c", "d"], ["boot", "clog", "boot", "mule"], columns=columns)
    assert shoes.superclasses("year") == {"boot": 1990, "clog": 1991, "mule": 1991}
    assert list(shoes.levels) == ["year"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((["a"], ["x", "y"]), "labels: expected 1 values"),
        ((["a", "b"], ["x", np.nan]), "labels: 1 missing"),
        ((["a", "b"], ["x", None]), "labels: 1 missing .*, the first at 1"),
        ((["a", "b"], [1.0, np.nan]), "labels: 1 missing"),
        ((["a"], ["x"], [None]), "groups: 1 missing"),
        ((["a"], ["x"], None, {"color": []}), "column 'color': expected 1 values"),
        (([], []), "no images"),
    ],
)
def test_bad_collections(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageCollection(*arguments)


@pytest.mark.parametrize(
    "X",
    [
        ["a.jpg", "b.jpg"],
        np.array(["a.jpg", "b.jpg"]),
        np.array([["a.jpg"], ["b.jpg"]], dtype=object),
        pd.Series(["a.jpg", "b.jpg"], index=[7, 9]),
        pd.DataFrame({"path": ["a.jpg", "b.jpg"]}, index=[7, 9]),
        np.zeros((2, 4, 5, 3), np.uint8),
        [b"bytes", np.zeros((4, 4), np.uint8)],
    ],
    ids=["list", "array", "column", "series", "frame", "4-D", "mixed"],
)
def test_images(X):
    images = check_images(X)
    assert len(images) == 2
    assert images[1] is not None


@pytest.mark.parametrize(
    "X, error, message",
    [
        (np.zeros((3, 4)), ValueError, "table of numbers of shape .3, 4.*ForestSelector"),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), ValueError, "ForestSelector"),
        ([[0.1, 0.2], [0.3, 0.4]], TypeError, "ForestSelector"),
        ([1, 2], TypeError, "ForestSelector"),
        (np.zeros((4, 4, 3), np.uint8), ValueError, r"the shape of a single image.*pass \[X\]"),
        (np.zeros((5, 3, 4, 6), np.uint8), ValueError, r"channels first.*Expected \(n, H, W, 3\)"),
        ("a.jpg", ValueError, "single image"),
        (b"bytes", ValueError, "single image"),
        ([], ValueError, "no images"),
        (np.zeros((0, 4, 4, 3), np.uint8), ValueError, "no images"),
        (iter(["a.jpg"]), TypeError, "list_iterator"),
        (None, TypeError, "NoneType"),
        (["a.jpg", None], TypeError, r"X\[1\] is a NoneType"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, "shape"),
    ],
)
def test_what_are_no_images(X, error, message):
    with pytest.raises(error, match=message):
        check_images(X)


def test_other_groups_change_nothing_else(shop):
    error = ImageReadError("b", "broken")
    collection = ImageCollection(shop.images, shop.labels, None, shop.columns, [error], {"clog": 1})
    grouped = collection.grouped(np.arange(32) // 2)
    assert grouped.groups.tolist() == (np.arange(32) // 2).tolist() and collection.groups is None
    assert (grouped.labels == shop.labels).all() and grouped.columns.keys() == shop.columns.keys()
    assert grouped.unreadable == (error,) and grouped.small_classes == {"clog": 1}


def test_a_notebook_shows_counts_and_an_image_of_each_of_the_largest_classes(shop):
    shown = shop._repr_html_()
    assert f"<strong>{len(shop):,} images</strong>" in shown
    assert shown.count("<img ") == len(shop.classes) and all(f"<bdi>{name}</bdi>" in shown for name in shop.classes)
    assert "color:" not in shown.replace("background: #fff", "")  # so that it fits light and dark notebooks


def test_a_notebook_names_what_it_does_not_show():
    labels = [f"class {i // 2:02}" for i in range(40)]
    many = ImageCollection([np.zeros((4, 4, 3), np.uint8)] * 40, labels, notes=["read from a list"])
    shown = many._repr_html_()
    assert shown.count("<img ") == 12 and "and 8 more classes" in shown and "<li>read from a list</li>" in shown


def test_a_notebook_fetches_nothing_and_escapes_names(tmp_path):
    images = ["https://shop.example/a.jpg", tmp_path / "none.jpg"]
    shown = ImageCollection(images, ["<script>alert(1)</script>", "b"])._repr_html_()
    assert "behind a URL" in shown and "cannot be read" in shown and "<img" not in shown and "<script" not in shown


def test_levels_are_columns_with_one_value_a_class():
    labels = ["boot", "clog", "boot", "tee", "hat"]
    columns = {
        "kind": ["shoe", "shoe", "shoe", "top", "top"],
        "color": ["red", "red", "blue", "red", "red"],  # two of one class
        "code": ["1", "2", "1", "3", "4"],  # as many as classes
        "shop": ["a"] * 5,  # says nothing
        "sex": ["f", "m", "f", "u", "u"],
    }
    collection = ImageCollection(list("abcde"), labels, columns=columns)
    assert collection.levels == {
        "kind": {"boot": "shoe", "clog": "shoe", "tee": "top", "hat": "top"},
        "sex": {"boot": "f", "clog": "m", "tee": "u", "hat": "u"},
    }
    both = ImageCollection(list("abcde"), list(zip(columns["kind"], labels)), target_names=["kind", "class"])
    assert list(both.levels) == ["kind"] and collection[[0, 2]].levels == {}
