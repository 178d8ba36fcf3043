"""Collections of several targets, whose images may lack some labels."""

import numpy as np
import pandas as pd
import pytest

from twoflow import ImageCollection, load_table
from twoflow.images.partial_targets import fill_labels, to_partial_targets
from twoflow.images.targets import classes_of, finest_position, has_label, split_targets

ROWS = [["tee", "red"], ["tee", None], ["cap", "blue"], [float("nan"), "red"], ["cap", " "]]
KNOWN = [["tee", "red"], ["tee", ""], ["cap", "blue"], ["", "red"], ["cap", ""]]


def clothes(labels=ROWS, **options):
    options = {"target_names": ("type", "color"), **options}
    return ImageCollection([f"{i}.jpg" for i in range(len(labels))], labels, **options)


@pytest.mark.parametrize(
    "labels",
    [ROWS, np.array(ROWS, dtype=object), pd.DataFrame(ROWS), pd.DataFrame(ROWS).convert_dtypes(),
     np.ma.array([[label or "x" for label in row] for row in KNOWN], mask=np.array(KNOWN) == "")],
    ids=["lists", "objects", "frame", "nullable", "masked"],
)
def test_missing_labels_in_any_form(labels):
    assert clothes(labels).labels.tolist() == KNOWN
    assert clothes(labels).labels.dtype.kind == "U"


def test_numbers_stay_numbers():
    labels = to_partial_targets(pd.DataFrame({"type": ["tee", "cap", "cap"], "year": [1990, None, 1968]}))
    assert labels.tolist() == [["tee", 1990], ["cap", ""], ["cap", 1968]] and type(labels[0, 1]) is int
    years = split_targets(labels)[1]
    assert has_label(years).tolist() == [True, False, True]
    assert classes_of(years).tolist() == [1968, 1990] and classes_of(years).dtype.kind == "i"
    # Numbers that are not whole, and those of a column without missing labels, are kept as they are.
    assert to_partial_targets([["a", 0.5], ["b", None]]).tolist() == [["a", 0.5], ["b", ""]]
    assert split_targets(to_partial_targets([["a", 1.0], ["b", 2.0]]))[1].dtype.kind == "f"
    assert to_partial_targets([[True, "a"], [None, "b"]]).tolist() == [[True, "a"], ["", "b"]]


def test_a_collection_that_lacks_labels():
    found = clothes()
    assert repr(found) == "ImageCollection(5 images, type: 2 classes, color: 2 classes)"
    assert {name: own.tolist() for name, own in found.classes_by_target.items()} == {
        "type": ["cap", "tee"], "color": ["blue", "red"]
    }
    assert found.label_notes == ("1 of 5 images have no type: 3.jpg", "2 of 5 images have no color: 1.jpg, 4.jpg")
    part = found[[0, 1]]
    assert part.labels.tolist() == KNOWN[:2] and part.noted("x").grouped([1, 2]).labels.tolist() == KNOWN[:2]
    assert found.lookalikes == () and found.levels == {}
    arrays = ImageCollection(np.zeros((5, 4, 4, 3), np.uint8), ROWS)
    assert arrays.label_notes[1] == "2 of 5 images have no target 2: image 1, image 4"
    shown = arrays._repr_html_()
    assert "have no target 1" in shown and "2 classes with 1 to 2 images" in shown


def test_a_part_may_have_no_label_of_a_target():
    part = clothes()[[1, 4]]
    assert part.target("color").tolist() == ["", ""] and part.classes_by_target["color"].tolist() == []
    assert part.to_stratify.tolist() == [["tee", ""], ["cap", ""]] and part.finest == "type"
    assert "color: 0 classes" in repr(part)


def test_one_label_is_needed():
    with pytest.raises(ValueError, match="at least one target for each image, got none for 1 of 2 .*, the first at 1"):
        clothes([["tee", "red"], [None, ""]])
    with pytest.raises(ValueError, match="labels: 1 missing"):
        ImageCollection(["a", "b"], ["tee", ""])


def test_folds_count_a_missing_label_as_the_most_frequent_class():
    filled = clothes().to_stratify.tolist()
    assert filled == [["tee", "red"], ["tee", "red"], ["cap", "blue"], ["cap", "red"], ["cap", "red"]]
    complete = np.array([["a", "x"]])
    assert fill_labels(complete) is complete
    years = to_partial_targets([["a", 2], ["b", 10], ["b", None], ["b", 10]])
    assert fill_labels(years).tolist() == [["a", 2], ["b", 10], ["b", 10], ["b", 10]]


def test_a_missing_label_is_no_class():
    # With "" the first target would have most classes.
    assert finest_position(np.array([["a", "x"], ["b", "y"], ["", "x"]])) == 1
    rest = clothes([["a", "x"], ["b", "x"], ["a", "y"], ["c", ""], ["a", "z"], ["a", "x"]]).without_small_classes(2)
    assert rest.target("color").tolist() == ["x", "x", "", "x"] and rest.small_classes == {"y": 1, "z": 1}
    years = clothes([["a", 1], ["b", 1], ["a", 2], ["b", None]]).without_small_classes(2)
    assert years.small_classes == {2: 1} and years.target("color").tolist() == [1, 1, ""]


def test_broader_levels_pass_over_missing_labels():
    rows = [["nike", "air"], ["nike", "dunk"], ["puma", "suede"], ["", "air"], ["puma", ""]]
    found = clothes(rows)
    assert found.superclasses("type") == {"air": "nike", "dunk": "nike", "suede": "puma"}
    assert found.levels == {"type": {"air": "nike", "dunk": "nike", "suede": "puma"}}
    # If no image of a class has the other label, the class has no level.
    assert clothes([["nike", "air"], ["nike", "dunk"], ["", "suede"], ["puma", ""]]).levels == {}


def test_a_table_names_rows_without_a_label(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.jpg").write_bytes(b"")
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "type": [0, 1], "color": [3.0, None]})
    found = load_table(table, tmp_path, label_column=["type", "color"])
    assert found.labels.tolist() == [[0, 3], [1, ""]]
    assert found.label_notes == (f"1 of 2 images have no color: {tmp_path / 'b.jpg'}",)
    with pytest.raises(ValueError, match="the table, row 2: columns 'type' and 'color' are all empty"):
        load_table(table.assign(type=[0, None]), tmp_path, label_column=["type", "color"])
