"""One target or several: their arrays, names and classes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow import ImageCollection, load_folder, load_table
from twoflow.images.targets import finest, finest_position, split_targets, to_targets

ROWS = [["nike", "air"], ["nike", "dunk"], ["puma", "suede"], ["puma", "suede"]]


def shoes(labels=ROWS, **options):
    options = {"target_names": ("brand", "model"), **options}
    return ImageCollection([f"{i}.jpg" for i in range(len(labels))], labels, **options)


@pytest.mark.parametrize(
    "labels",
    [ROWS, [tuple(row) for row in ROWS], np.array(ROWS), np.array(ROWS, dtype=object), pd.DataFrame(ROWS),
     [np.array(row) for row in ROWS], np.ma.array(ROWS, mask=False)],
    ids=["lists", "tuples", "array", "objects", "frame", "arrays", "masked"],
)
def test_several_targets_in_any_form(labels):
    targets = to_targets(labels)
    assert targets.shape == (4, 2) and targets.tolist() == ROWS
    assert finest(targets).tolist() == ["air", "dunk", "suede", "suede"]


def test_one_target_is_one_dimensional():
    several = (["a", "b"], [["a"], ["b"]], np.array([["a"], ["b"]]), pd.DataFrame({"x": ["a", "b"]}), iter(["a", "b"]))
    for labels in several:
        assert to_targets(labels).tolist() == ["a", "b"]
    labels = np.array(["a", "b"])
    assert finest(labels) is labels and split_targets(labels)[0] is labels


def test_targets_of_different_kinds_keep_them():
    targets = to_targets(pd.DataFrame({"brand": ["nike", "puma"], "year": [1990, 1968]}))
    assert targets.dtype == object and [target.dtype.kind for target in split_targets(targets)] == ["U", "i"]
    assert to_targets([["nike", 1990], ["puma", 1968]]).tolist() == [["nike", 1990], ["puma", 1968]]
    assert to_targets([[1, 0.5], [2, 1.5]]).dtype == float


@pytest.mark.parametrize(
    "labels, message",
    [
        ([["a", "b"], ["c", None]], r"labels of 'model': 1 missing .*, the first at 1"),
        ([["a", "b"], [float("nan"), "d"]], r"labels of 'brand': 1 missing .*, the first at 1"),
        (pd.DataFrame({"x": ["a", None], "y": ["b", ""]}), r"labels of 'brand': 1 missing"),
        (np.ma.array([["a", "b"], ["c", "d"]], mask=[[0, 0], [0, 1]]), r"labels of 'model': 1 missing .*first at 1"),
        ([["a", "b"], ["c"]], "labels: expected 2 in each row as in row 0, got 1 in row 1"),
    ],
)
def test_what_is_missing_is_named(labels, message):
    with pytest.raises(ValueError, match=message):
        to_targets(labels, ["brand", "model"])


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1))
def test_the_finest_has_the_most_classes_and_is_the_later_at_a_tie(rows):
    labels = np.array(rows)
    counts = [len(set(column)) for column in zip(*rows)]
    position = finest_position(labels)
    assert counts[position] == max(counts) and all(count < max(counts) for count in counts[position + 1:])
    assert finest(labels).tolist() == labels[:, position].tolist()


def test_a_collection_of_several_targets():
    collection = shoes()
    assert repr(collection) == "ImageCollection(4 images, brand: 2 classes, model: 3 classes)"
    assert collection.labels.tolist() == ROWS and collection.finest == "model"
    assert collection.target("brand").tolist() == ["nike", "nike", "puma", "puma"]
    assert {name: classes.tolist() for name, classes in collection.classes_by_target.items()} == {
        "brand": ["nike", "puma"], "model": ["air", "dunk", "suede"]
    }
    assert collection.classes.tolist() == ["air", "dunk", "suede"]
    assert collection.superclasses("brand") == {"air": "nike", "dunk": "nike", "suede": "puma"}
    part = collection[[0, 2]]
    assert part.labels.tolist() == [ROWS[0], ROWS[2]] and part.target_names == ("brand", "model")
    for same in (collection.grouped([1, 2, 3, 4]), collection.noted("a note")):
        assert same.target_names == ("brand", "model") and same.labels.tolist() == ROWS
    with pytest.raises(ValueError, match="one of 'brand', 'model', got 'color'"):
        collection.target("color")


def test_small_classes_are_those_of_the_finest_target():
    rest = shoes().without_small_classes(2)
    assert rest.labels.tolist() == ROWS[2:] and rest.small_classes == {"air": 1, "dunk": 1}


def test_lookalikes_are_of_one_target():
    rows = [["boot", "boot "], ["Boot", "clog"], ["boot", "mule"]]
    assert shoes(rows).lookalikes == (("Boot", "boot"),)
    rest = shoes([["a", "boot"], ["a", "clog"], ["b", "clog"]], small_classes={"Clog": 1, "B": 1})
    assert rest.lookalikes == (("Clog", "clog"),)


def test_names_of_targets():
    assert shoes(["a", "b"], target_names=None).target_names == ("class",)
    assert shoes(target_names=None).target_names == ("target 1", "target 2")
    for names in (["brand"], ["brand", "brand"], "ab", ["a", "b", "c"]):
        with pytest.raises(ValueError, match="target_names: expected 2 different names, one for each target"):
            shoes(target_names=names)
    with pytest.raises(ValueError, match="labels: expected 2 values, one for each image, got shape"):
        ImageCollection(["a", "b"], np.zeros((3, 2)))
    with pytest.raises(ValueError, match="labels: expected 2 values, one for each image, got shape"):
        ImageCollection(["a", "b"], np.zeros((2, 2, 2)))


def test_several_label_columns(tmp_path):
    table = {"path": ["a.jpg", "b.jpg", "a.jpg"], "brand": ["nike", "puma ", "nike"], "model": ["air", "nan", "dunk"]}
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"")
    found = load_table(table, tmp_path, label_column=["brand", "model"], columns=["brand"])
    assert found.target_names == ("brand", "model") and found.columns["brand"].tolist() == ["nike", "puma", "nike"]
    assert found.labels.tolist() == [["nike", "air"], ["puma", "nan"], ["nike", "dunk"]]
    assert found.notes[0] == "classes called like a missing value: 'nan'"
    assert found.notes[1].startswith("images named in several rows: 1, with different labels: 1")
    one = load_table(table, tmp_path, label_column=["brand"])
    assert one.target_names == ("brand",) and one.labels.tolist() == ["nike", "puma", "nike"]
    with pytest.raises(ValueError, match="label_column: expected the name of a column"):
        load_table(table, tmp_path, label_column=[])
    partial = load_table({**table, "model": ["air", " ", None]}, tmp_path, label_column=["brand", "model"])
    assert partial.labels.tolist() == [["nike", "air"], ["puma", ""], ["nike", ""]]
    with pytest.raises(ValueError, match="row 2: columns 'brand' and 'model' are all empty; fill one or drop the row"):
        load_table({**table, "brand": ["x", "", "y"], "model": ["", "", "dunk"]}, tmp_path,
                   label_column=["brand", "model"])
    with pytest.raises(ValueError, match="row 2: column 'model' is empty"):
        load_table({**table, "model": ["air", "", "dunk"]}, tmp_path, label_column=["model"])


def test_levels_of_folders_are_targets(tmp_path):
    for place in ("nike/air/a.jpg", "nike/dunk/b.jpg", "puma/air/deep/c.jpg"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_bytes(b"")
    found = load_folder(tmp_path, levels=("brand", "model"))
    assert found.target_names == ("brand", "model") and found.columns == {} and found.notes == ()
    assert found.labels.tolist() == [["nike", "air"], ["nike", "dunk"], ["puma", "air"]] and found.are_levels
    assert found.finest_labels.tolist() == load_folder(tmp_path, levels=2).labels.tolist()
    brand_only = load_folder(tmp_path, levels=["brand"])
    assert brand_only.target_names == ("brand",) and brand_only.labels.tolist() == ["nike", "nike", "puma"]
    (tmp_path / "stray.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="stray.jpg is in no class folder; expected .*/<brand>/<model>/"):
        load_folder(tmp_path, levels=("brand", "model"))
    for levels in ("brand", 3, 0, [], [1, 2]):
        with pytest.raises(ValueError, match="levels: expected 1, 2 or a sequence of names"):
            load_folder(tmp_path, levels=levels)
