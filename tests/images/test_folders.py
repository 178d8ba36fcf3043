"""What of a folder is taken, what is passed over and named, and which folders name a class."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow import load_folder, load_table, make_shop
from twoflow.images.folder_layout import find_layout
from twoflow.images.folders import list_plain_folder
from twoflow.images.passed_over import HIDDEN, MACHINE, NO_ENDING, NO_IMAGE, STRAY, WITH_QUERY, reason_of_ending
from twoflow.images.reading import readable_suffixes


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked at")


def many(folder, n):
    return [f"{folder}/{i:03}.jpg" for i in range(n)]


def passed_over(root, found):
    return {each.reason: [os.path.relpath(path, root) for path in each.paths] for each in found.passed_over}


def test_class_folders(tmp_path):
    touch(tmp_path, "boot/b.JPG", "boot/a.png", "clog/deeper/c.webp", "clog/notes.txt", ".hidden/d.jpg",
          "boot/._a.jpg", "__MACOSX/e.jpg", "labels.csv")
    (tmp_path / "empty").mkdir()
    shoes = load_folder(tmp_path)
    found = [os.path.relpath(path, tmp_path) for path in shoes.paths]
    assert found == ["boot/a.png", "boot/b.JPG", "clog/deeper/c.webp"]
    assert shoes.labels.tolist() == ["boot", "boot", "clog"]
    assert shoes.columns == {} and shoes.groups is None
    assert passed_over(tmp_path, shoes) == {
        NO_IMAGE: ["empty"], MACHINE: ["__MACOSX"], HIDDEN: [".hidden", "boot/._a.jpg"],
        "files with the ending .csv": ["labels.csv"], "files with the ending .txt": ["clog/notes.txt"],
    }
    assert shoes.notes == ("a class is the first folder of a path; images in folders inside it: 1",)
    assert repr(shoes) == "ImageCollection(3 images, 2 classes, 6 files or folders passed over)"


def test_superclass_folders(tmp_path):
    touch(tmp_path, "women/boot/a.jpg", "men/boot/b.jpg", "men/clog/left/c.jpg")
    shoes = load_folder(tmp_path)
    assert shoes.labels.tolist() == ["men/boot", "men/clog", "women/boot"]
    assert shoes.columns["superclass"].tolist() == ["men", "men", "women"]
    assert shoes.notes == ("a class is the first two folders of a path; images in folders inside it: 1",)
    assert load_folder(tmp_path, levels=1).labels.tolist() == ["men", "men", "women"]
    assert load_folder(tmp_path, levels=1).notes == ()


def test_links_are_followed_but_not_in_circles(tmp_path):
    touch(tmp_path, "elsewhere/a.jpg", "shop/clog/b.jpg")
    (tmp_path / "shop/boot").symlink_to(tmp_path / "elsewhere")
    assert load_folder(tmp_path / "shop").labels.tolist() == ["boot", "clog"]
    (tmp_path / "shop/clog/loop").symlink_to(tmp_path / "shop")
    with pytest.raises(ValueError, match="loop is a link that leads back"):
        load_folder(tmp_path / "shop")


def test_a_link_to_itself_is_no_folder(tmp_path):
    touch(tmp_path, "boot/a.jpg")
    (tmp_path / "boot/b.jpg").symlink_to(tmp_path / "boot/b.jpg")
    assert [os.path.basename(path) for path in load_folder(tmp_path).paths] == ["a.jpg", "b.jpg"]


def test_bad_folders(tmp_path):
    with pytest.raises(ValueError, match="has no images; expected .*/<class>/"):
        load_folder(tmp_path)
    with pytest.raises(NotADirectoryError, match="a folder of images, got .*none, which does not exist; correct"):
        load_folder(tmp_path / "none")
    touch(tmp_path, "boot/a.jpg", "stray.jpg")
    with pytest.raises(ValueError, match="stray.jpg is in no class folder"):
        load_folder(tmp_path)
    (tmp_path / "stray.jpg").unlink()
    with pytest.raises(ValueError, match="<superclass>/<class>"):
        load_folder(tmp_path, levels=2)


def test_a_folder_of_other_files_names_them(tmp_path):
    touch(tmp_path, "boot/a.xcf", "boot/b.xcf")
    with pytest.raises(ValueError, match=r"no images; .*; passed over: files with the ending .xcf: 2 \(.*a.xcf, "):
        load_folder(tmp_path)


@pytest.mark.parametrize("name", [
    "@eaDir", "#recycle", "#snapshot", "@Recycle", ".@__thumb", "@tmp", "__MACOSX", ".ipynb_checkpoints", ".thumbnails",
    ".picasaoriginals", "$RECYCLE.BIN", "System Volume Information", "lost+found", ".AppleDouble",
])
@pytest.mark.parametrize("place", ["", "boot/"])
def test_folders_made_by_machines(tmp_path, name, place):
    touch(tmp_path, "boot/a.jpg", "clog/b.jpg", f"{place}{name}/boot/a.jpg", f"{place}{name}/c.jpg")
    shoes = load_folder(tmp_path)
    assert shoes.labels.tolist() == ["boot", "clog"] and shoes.notes == ()
    assert passed_over(tmp_path, shoes) == {MACHINE: [f"{place}{name}"]}


@pytest.mark.parametrize("name", ["Thumbs.db", "desktop.ini", ".DS_Store", "boot/ehthumbs.db"])
def test_files_made_by_machines(tmp_path, name):
    touch(tmp_path, "boot/a.jpg", name)
    assert passed_over(tmp_path, load_folder(tmp_path)) == {MACHINE: [name]}


@pytest.mark.parametrize("name, reason", [
    ("a.jpg", None), ("a.TIFF", None), ("a.xcf", "files with the ending .xcf"), ("a.Mp4", "files with the ending .mp4"),
    ("a", NO_ENDING), ("a.", NO_ENDING), ("IMG.0001", NO_ENDING), ("Dr. No", NO_ENDING),
    ("a.jpg?width=640", WITH_QUERY), ("a.JPG&h=1.5", WITH_QUERY), ("a.jpg?v=2.php", WITH_QUERY),
    ("a.txt?width=640", NO_ENDING),
])
def test_endings(name, reason):
    assert reason_of_ending(name, readable_suffixes()) == reason


def test_an_ending_that_an_extra_reads(monkeypatch):
    monkeypatch.setattr("twoflow.images.reading.MISSING_READERS", {".heic": 'pip install "twoflow[heic]"'})
    expected = 'files with the ending .heic (to read them: pip install "twoflow[heic]")'
    assert reason_of_ending("a.HEIC", frozenset({".jpg"})) == expected
    assert reason_of_ending("a.HEIC?w=1", frozenset({".jpg"})) == WITH_QUERY
    assert reason_of_ending("a.HEIC", frozenset({".jpg", ".heic"})) is None


def test_class_folders_without_an_image(tmp_path):
    touch(tmp_path, "men/boot/a.jpg", "men/clog/a.txt", "women/pump/deeper/b.jpg", "kids/boot/a.txt")
    (tmp_path / "women/pump/empty").mkdir()
    shoes = load_folder(tmp_path)
    assert passed_over(tmp_path, shoes)[NO_IMAGE] == ["kids", "men/clog"]


@pytest.mark.parametrize("stray", ["logo.png", "men/logo.png", "other/readme.png"])
def test_one_stray_does_not_change_the_depth(tmp_path, stray):
    touch(tmp_path, *many("men/boot", 10), *many("men/clog", 10), *many("women/boot", 10), stray)
    shoes = load_folder(tmp_path)
    assert shoes.classes.tolist() == ["men/boot", "men/clog", "women/boot"] and len(shoes) == 30
    assert passed_over(tmp_path, shoes) == {STRAY: [stray]} and shoes.notes == ()


@given(
    st.lists(st.tuples(*[st.sampled_from("ab")] * 2, st.sampled_from(["", "left/"])), min_size=1, max_size=60),
    st.sampled_from([(), ("a",), ("c",)]),
)
def test_a_stray_is_named_and_decides_nothing(places, folders):
    images = sorted(tuple(f"{'/'.join(place[:2])}/{place[2]}{i}.jpg".split("/")) for i, place in enumerate(places))
    stray = (*folders, "logo.png")
    assert find_layout(Path("shop"), images).levels == 2
    try:
        layout = find_layout(Path("shop"), sorted([*images, stray]))
    except ValueError as error:  # one of few images is too many to be left out
        assert len(images) < 19 and f"{'/'.join(('shop', *stray))} is in no class folder" in str(error)
    else:
        assert (layout.levels, layout.strays) == (2, [stray]) and len(images) >= 19


def test_one_stray_does_not_change_the_depth_of_a_small_folder(tmp_path):
    touch(tmp_path, *many("men/boot", 2), *many("men/clog", 2), "men/logo.png")
    with pytest.raises(ValueError, match="men/logo.png is in no class folder; expected .*/<superclass>/<class>/"):
        load_folder(tmp_path)


def test_strays_beside_flat_classes(tmp_path):
    touch(tmp_path, *many("boot", 20), *many("clog", 19), "banner.jpg", "logo.png")
    shoes = load_folder(tmp_path)
    assert passed_over(tmp_path, shoes) == {STRAY: ["banner.jpg", "logo.png"]} and len(shoes) == 39
    touch(tmp_path, "third.jpg")
    with pytest.raises(ValueError, match="banner.jpg is in no class folder, nor are 2 more of 42 images; expected"):
        load_folder(tmp_path)


def test_classes_of_which_some_have_folders(tmp_path):
    touch(tmp_path, *many("boot/left", 30), *many("boot/right", 30), "clog/a.jpg", "clog/b.jpg")
    shoes = load_folder(tmp_path)
    assert shoes.classes.tolist() == ["boot", "clog"] and len(shoes) == 62
    assert shoes.notes == ("a class is the first folder of a path; images in folders inside it: 60",)


@pytest.mark.parametrize("names, sides", [
    (("train", "test"), ("train", "test")),
    (("Training", "TESTING", "Valid"), ("train", "test", "validation")),
    (("train", "val"), ("train", "test")),
    (("train", "validation", "test"), ("train", "validation", "test")),
])
@pytest.mark.parametrize("pattern", ["{split}/{label}/{n}.jpg", "{label}/{split}/{n}.jpg"])
def test_folders_of_an_official_split(tmp_path, names, sides, pattern):
    for split in names:
        touch(tmp_path, *(pattern.format(split=split, label=label, n=n) for label in ("boot", "clog") for n in (1, 2)))
    shoes = load_folder(tmp_path)
    assert shoes.classes.tolist() == ["boot", "clog"] and len(shoes) == 4 * len(names)
    assert list(shoes.columns) == ["split"]
    for name, side in zip(names, sides):
        own = [f"{os.sep}{name}{os.sep}" in path for path in shoes.paths]
        assert set(shoes.columns["split"][own]) == {side}
    assert "official split" in shoes.notes[0] and all(name in shoes.notes[0] for name in names)
    rest = " ".join(shoes.notes[1:])
    assert ("has no test part" in rest) == ("test" not in [name.lower()[:4] for name in names])
    assert ("neither train nor test: 4" in rest) == ("validation" in sides)


def test_superclasses_and_strays_in_an_official_split(tmp_path):
    files = [path for split in ("train", "test") for path in many(f"{split}/men/boot", 20)]
    touch(tmp_path, *files, "train/logo.png", "readme.png")
    (tmp_path / "test/men/clog").mkdir()
    shoes = load_folder(tmp_path)
    assert shoes.classes.tolist() == ["men/boot"] and set(shoes.columns["superclass"]) == {"men"}
    assert passed_over(tmp_path, shoes) == {STRAY: ["readme.png", "train/logo.png"], NO_IMAGE: ["test/men/clog"]}


def test_classes_that_are_tested_and_never_trained_on(tmp_path):
    touch(tmp_path, "train/boot/a.jpg", "train/clog/a.jpg", "test/Boot/a.jpg", "test/clog/a.jpg")
    shoes = load_folder(tmp_path)
    assert shoes.notes[1:] == ("classes of the test part that the training part lacks: Boot",)
    assert shoes.lookalikes == (("Boot", "boot"),)


def test_the_folders_and_the_table_of_a_real_data_set_agree(data):
    folder = load_folder(data / "clothing")
    table = load_table(data / "clothing/labels.csv", columns=["split"])
    order = np.argsort(table.paths)
    assert folder.paths == [table.paths[i] for i in order] and table.unreadable == ()
    assert (folder.labels == table.labels[order]).all()
    assert (folder.columns["split"] == table.columns["split"][order]).all()


def test_what_is_no_split(tmp_path):
    """Classes may be called so: one part alone is no split, nor are two without a training part."""
    touch(tmp_path, "train/a.jpg", "car/b.jpg", "bus/c.jpg")
    assert load_folder(tmp_path).classes.tolist() == ["bus", "car", "train"]
    touch(tmp_path / "other", "test/a.jpg", "validation/b.jpg")
    assert load_folder(tmp_path / "other").classes.tolist() == ["test", "validation"]


@pytest.mark.parametrize("files, message", [
    (["train/boot/a.jpg", "test/boot/b.jpg", "extra/boot/c.jpg"], "the folders test, train of a split beside extra;"),
    (["boot/train/a.jpg", "boot/test/b.jpg", "clog/left/c.jpg", "boot/new/d.jpg"], "boot has .* beside new"),
    (["train/a.jpg", "test/b.jpg"], "train and test in .* have no class folders in them; expected .*/<split>/<class>/"),
    (["train/boot/a.jpg", "test/b.jpg"], "test/b.jpg is in no class folder; expected .*/<split>/<class>/"),
])
def test_bad_splits(tmp_path, files, message):
    touch(tmp_path, *files)
    with pytest.raises(ValueError, match=message) as caught:
        load_folder(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_class_folders(tmp_path):
    assert list_plain_folder(tmp_path) is None
    touch(tmp_path, "b.jpg", "a.PNG", ".hidden.jpg", "notes.txt")
    plain = list_plain_folder(tmp_path)
    assert plain.paths == [str(tmp_path / "a.PNG"), str(tmp_path / "b.jpg")] and plain.notes == ()
    assert passed_over(tmp_path, plain) == {HIDDEN: [".hidden.jpg"], "files with the ending .txt": ["notes.txt"]}
    touch(tmp_path, "boot/c.jpg")
    assert list_plain_folder(tmp_path) is None
    with pytest.raises(NotADirectoryError, match="expected a folder of images, got "):
        list_plain_folder(tmp_path / "none")


def test_a_split_without_class_folders(tmp_path):
    touch(tmp_path, "train/b.jpg", "test/a.PNG")
    plain = list_plain_folder(tmp_path)
    assert plain.paths == [str(tmp_path / "test/a.PNG"), str(tmp_path / "train/b.jpg")]
    assert plain.notes == ("train and test are folders of an official split without class folders",)
    (tmp_path / "train/b.jpg").rename(tmp_path / "train/b.xcf")
    assert list_plain_folder(tmp_path) is None


def test_words_for_missing_values_are_noted(tmp_path):
    touch(tmp_path, "NA/a.jpg", "null/b.jpg", "nancy/c.jpg")
    assert load_folder(tmp_path).notes == ("classes called like a missing value: 'NA', 'null'",)


def test_files_with_labels_of_a_generated_shop_do_not_disturb(tmp_path):
    shop = make_shop(3, 2, folder=tmp_path, random_state=0)
    found = load_folder(tmp_path)
    assert (found.labels == np.sort(shop.labels)).all()
    assert passed_over(tmp_path, found) == {"files with the ending .csv": ["labels.csv"]}


def test_notes_and_what_was_passed_over_travel(tmp_path):
    touch(tmp_path, "boot/a.jpg", "boot/c.jpg", "clog/b.jpg", "clog/b.txt", "clog/deeper/d.jpg")
    shoes = load_folder(tmp_path)
    for other in (shoes[:2], shoes.grouped([1, 2, 3, 4]), shoes.without_small_classes(2), shoes.without([])):
        assert other.passed_over == shoes.passed_over and other.notes == shoes.notes
    assert shoes.noted("a", "b").notes == (*shoes.notes, "a", "b") and len(shoes.notes) == 1
