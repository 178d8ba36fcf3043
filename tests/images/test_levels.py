"""Check levels of a collection: labels from broad to fine that may end early."""

import numpy as np
import pytest

from twoflow import ImageCollection, load_folder, load_table
from twoflow.images.levels import are_inner, describe_levels, name_path, paths_of, strata, to_levels

ROWS = [
    ["shoes", "boot"], ["shoes", "boot"], ["shoes", "clog"], ["shoes", None], ["bags", ""], ["hats", "boot"],
    ["unknown", float("nan")], ["shoes", "unknown"],
]
LABELS = to_levels(ROWS)


def collection(rows=ROWS, **more):
    return ImageCollection(
        np.zeros((len(rows), 2, 2, 3), np.uint8), rows, target_names=["kind", "model"], are_levels=True, **more
    )


def test_missing_labels_end_a_path():
    assert LABELS.tolist() == [
        ["shoes", "boot"], ["shoes", "boot"], ["shoes", "clog"], ["shoes", ""], ["bags", ""], ["hats", "boot"],
        ["unknown", "unknown"], ["shoes", ""],
    ]
    assert paths_of(LABELS)[2:7] == [("shoes", "clog"), ("shoes",), ("bags",), ("hats", "boot"), ("unknown",)]
    assert to_levels(LABELS).tolist() == LABELS.tolist()


def test_numbers_stay_numbers():
    assert to_levels([["a", 1], ["b", 2]]).tolist() == [["a", 1], ["b", 2]]


@pytest.mark.parametrize("rows, message", [
    ([["a", 1], ["b", None]], "expected text where labels are missing, got other values of 'model'"),
    ([["a", "x"], ["", ""]], "labels of 'kind': 1 missing .*, the first at 1"),
    ([["a", "x"], [None, "y"]], "labels of 'kind': 1 missing .*, the first at 1"),
    ([["unknown", "x"], ["a", "y"]], "expected no finer label for an image that is 'unknown' .*, got one for image 0"),
    ([["a", ""], ["b", None]], "expected labels of 'model', got none; leave this level out"),
    ([["unknown", ""]] * 2, "expected classes in 'kind', got 'unknown', out of scope, for all images; add images"),
    ([["a", "x"], ["b"]], "expected 2 in each row as in row 0, got 1 in row 1"),
])
def test_labels_that_are_no_paths(rows, message):
    with pytest.raises(ValueError, match=message):
        collection(rows)


def test_a_gap_and_a_single_level():
    with pytest.raises(ValueError, match="labels of 'target 2': missing for image 0, which has a finer label"):
        to_levels([["a", None, "x"], ["a", "b", "y"]])
    for labels in (["a", "b"], [["a"], ["b"]]):
        with pytest.raises(ValueError, match="expected labels of at least two levels"):
            to_levels(labels)


def test_a_slash_in_a_label_cannot_be_mistaken():
    assert name_path(("a/b", "c")) != name_path(("a", "b/c")) and name_path(("a\\", "b")) != name_path(("a\\/b",))


def test_partly_labeled_images_count_with_the_most_frequent_class_below():
    assert are_inner(LABELS).tolist() == [False, False, False, True, False, False, False, True]
    assert strata(LABELS).tolist() == [
        "shoes/boot", "shoes/boot", "shoes/clog", "shoes/boot", "bags", "hats/boot", "unknown", "shoes/boot",
    ]
    rng = np.random.default_rng(0)
    order = rng.permutation(len(LABELS))
    assert strata(LABELS[order]).tolist() == strata(LABELS)[order].tolist()


def test_a_collection_of_levels():
    found = collection()
    assert repr(found) == "ImageCollection(8 images, levels kind: 3 classes, model: 3 classes)"
    assert found.finest == "model" and found.levels == {}
    assert found.classes.tolist() == ["bags", "hats/boot", "shoes/boot", "shoes/clog", "unknown"]
    assert found.finest_labels.tolist()[3:6] == ["shoes", "bags", "hats/boot"]
    assert found.classes_by_target["model"].tolist() == ["boot", "clog", "unknown"]
    assert found.label_notes == (
        "partly labeled, a finer label is missing: 2 images",
        "out of scope, 'unknown' at the broadest level: 1 image",
        "model: 1 name under several parents (boot)",
    )
    part = found[[0, 1, 4]]
    assert part.are_levels and part.label_notes == () and part.grouped([0, 0, 1]).noted("x").are_levels
    shown = found._repr_html_()
    assert "levels, from broad to fine" in shown and "under several parents" in shown and "shoes/boot" in shown


def test_independent_targets_are_no_levels():
    plain = ImageCollection([b"", b""], [["a", "x"], ["b", "y"]])
    assert not plain.are_levels and plain.label_notes == () and plain.to_stratify is plain.labels


def test_small_classes_are_paths():
    rest = collection().without_small_classes(2)
    # boot under hats is small, boot under shoes is not; a partly labeled image stays while a finer class does.
    assert rest.small_classes == {"bags": 1, "hats/boot": 1, "shoes/clog": 1, "unknown": 1}
    assert sorted(map(str, rest.finest_labels)) == ["shoes", "shoes", "shoes/boot", "shoes/boot"]
    lonely = collection([["a", "x"], ["a", ""], ["b", "y"], ["b", "y"]]).without_small_classes(2)
    assert lonely.small_classes == {"a": 1, "a/x": 1} and lonely.labels.tolist() == [["b", "y"]] * 2
    with pytest.raises(ValueError, match="no class has 3 images; the largest has 2"):
        collection().without_small_classes(3)


def write_table(folder, text):
    for name in "abc":
        (folder / f"{name}.jpg").write_bytes(b"")
    (folder / "labels.csv").write_text(text, "utf-8")
    return folder / "labels.csv"


def test_levels_of_a_table(tmp_path):
    table = write_table(tmp_path, "path,kind,model\na.jpg,shoes,boot\nb.jpg,shoes,\nc.jpg,bags,\n")
    found = load_table(table, levels=["kind", "model"])
    assert found.are_levels and found.target_names == ("kind", "model")
    assert found.labels.tolist() == [["shoes", "boot"], ["shoes", ""], ["bags", ""]]
    assert not load_table(table, levels=["kind"]).are_levels
    assert not load_table(table, label_column=["kind", "model"]).are_levels
    with pytest.raises(ValueError, match="expected levels or label_column, got both"):
        load_table(table, levels=["kind", "model"], label_column="class")
    for wrong in ("kind", []):
        with pytest.raises(ValueError, match="levels: expected names of columns, from broad to fine, got"):
            load_table(table, levels=wrong)
    table = write_table(tmp_path, "path,kind,model\na.jpg,shoes,boot\nb.jpg,,boot\n")
    with pytest.raises(ValueError, match="row 2: column 'kind' is empty"):
        load_table(table, levels=["kind", "model"])


def test_levels_of_folders_may_end_early(tmp_path):
    for place in ("shoes/boot/a.jpg", "shoes/boot/deep/b.jpg", "shoes/c.jpg", "bags/d.jpg", "unknown/e.jpg"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"")
    found = load_folder(tmp_path, levels=("kind", "model"))
    assert found.are_levels and [[path.rsplit("/", 1)[1]] + row for path, row in zip(
        found.paths, found.labels.tolist()
    )] == [
        ["d.jpg", "bags", ""], ["a.jpg", "shoes", "boot"], ["b.jpg", "shoes", "boot"], ["c.jpg", "shoes", ""],
        ["e.jpg", "unknown", "unknown"],
    ]
    with pytest.raises(ValueError, match="expected labels of 'size', got none; leave this level out"):
        load_folder(tmp_path, levels=("kind", "model", "storage", "size"))


def test_sentences_on_levels_are_only_there_if_needed():
    assert list(describe_levels(LABELS[:3], ["kind", "model"])) == []
