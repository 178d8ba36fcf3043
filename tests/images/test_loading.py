import os

import numpy as np
import pandas as pd
import pytest

from twoflow import load_folder, load_table, make_shop
from twoflow.images.loading import list_plain_folder


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked at")


def test_class_folders(tmp_path):
    touch(tmp_path, "boot/b.JPG", "boot/a.png", "clog/deeper/c.webp", "clog/notes.txt", ".hidden/d.jpg",
          "boot/._a.jpg", "__MACOSX/e.jpg", "labels.csv")
    (tmp_path / "empty").mkdir()
    shoes = load_folder(tmp_path)
    found = [os.path.relpath(path, tmp_path) for path in shoes.paths]
    assert found == ["boot/a.png", "boot/b.JPG", "clog/deeper/c.webp"]
    assert shoes.labels.tolist() == ["boot", "boot", "clog"]
    assert shoes.columns == {} and shoes.groups is None


def test_superclass_folders(tmp_path):
    touch(tmp_path, "women/boot/a.jpg", "men/boot/b.jpg", "men/clog/left/c.jpg")
    shoes = load_folder(tmp_path)
    assert shoes.labels.tolist() == ["men/boot", "men/clog", "women/boot"]
    assert shoes.columns["superclass"].tolist() == ["men", "men", "women"]
    assert load_folder(tmp_path, levels=1).labels.tolist() == ["men", "men", "women"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    touch(tmp_path, "elsewhere/a.jpg", "shop/clog/b.jpg")
    (tmp_path / "shop/boot").symlink_to(tmp_path / "elsewhere")
    assert load_folder(tmp_path / "shop").labels.tolist() == ["boot", "clog"]
    (tmp_path / "shop/clog/loop").symlink_to(tmp_path / "shop")
    with pytest.raises(ValueError, match="loop is a link that leads back"):
        load_folder(tmp_path / "shop")


def test_bad_folders(tmp_path):
    with pytest.raises(ValueError, match="has no pictures; expected .*/<class>/"):
        load_folder(tmp_path)
    with pytest.raises(NotADirectoryError, match="none is not a folder"):
        load_folder(tmp_path / "none")
    touch(tmp_path, "boot/a.jpg", "stray.jpg")
    with pytest.raises(ValueError, match="stray.jpg is in no class folder"):
        load_folder(tmp_path)
    (tmp_path / "stray.jpg").unlink()
    with pytest.raises(ValueError, match="<superclass>/<class>"):
        load_folder(tmp_path, levels=2)


def table(tmp_path, content, **options):
    touch(tmp_path, "a.jpg", "b c/é.jpg")
    path = tmp_path / "labels.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_table(path, tmp_path, **options)


def test_table(tmp_path):
    shoes = table(
        tmp_path, "\ufeffpath,class,seller,colour\na.jpg,boot,7,red\nb c/é.jpg,clog,8,\n",
        group_column="seller",
    )
    assert shoes.paths == [str(tmp_path / "a.jpg"), str(tmp_path / "b c/é.jpg")]
    assert shoes.labels.tolist() == ["boot", "clog"] and shoes.groups.tolist() == ["7", "8"]


def test_table_and_frame_agree(tmp_path):
    shop = make_shop(3, 2, folder=tmp_path, n_duplicates=2, random_state=0)
    options = dict(group_column="group", columns=["kind", "colour"])
    by_csv = load_table(tmp_path / "labels.csv", tmp_path, **options)
    by_frame = load_table(pd.read_csv(tmp_path / "labels.csv", dtype=str), tmp_path, **options)
    for table in (by_csv, by_frame):
        assert table.paths == shop.paths
        assert (table.labels == shop.labels).all()
        assert (table.groups == shop.groups.astype(str)).all()
        assert (table.columns["colour"] == shop.columns["colour"]).all()
    assert (load_folder(tmp_path).labels == np.sort(shop.labels)).all()


@pytest.mark.parametrize(
    "content, options, message",
    [
        ("path,class\na.jpg,boot\nnone.jpg,boot\n", {}, "row 2: none.jpg is not in"),
        ("path,class\n../a.jpg,boot\n", {}, "row 1: ../a.jpg leads out of"),
        ("path,class\n/etc/passwd,boot\n", {}, "row 1: /etc/passwd leads out of"),
        ("path,class\na.jpg,boot\na.jpg,\n", {}, "row 2: column 'class' is empty"),
        ("path,class\na.jpg\n", {}, "row 1: column 'class' is empty"),
        ("path,class\na.jpg,boot\n", {"label_column": "type"}, "has no column 'type'; it has 'path', 'class'"),
        ("path,class\na.jpg,boot\n", {"group_column": "seller"}, "has no column 'seller'"),
        ("path,class\n", {}, "has no rows"),
        ("", {}, "has no column 'path'"),
        (b"path,class\na.jpg,\xff\xfe\n", {}, "not a CSV file in UTF-8"),
        (b'path,class\n"a.jpg,boot\n', {}, "not a CSV file in UTF-8"),
    ],
)
def test_bad_tables(tmp_path, content, options, message):
    with pytest.raises(ValueError, match=message):
        table(tmp_path, content, **options)


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, " "])
def test_missing_labels_in_a_frame(tmp_path, missing):
    touch(tmp_path, "a.jpg")
    frame = pd.DataFrame({"path": ["a.jpg", "a.jpg"], "class": ["boot", missing]})
    with pytest.raises(ValueError, match="the table, row 2: column 'class' is empty"):
        load_table(frame, tmp_path)


def test_official_tables(data):
    clothing = load_table(
        data / "clothing/labels.csv", data / "clothing", group_column="sender_id", columns=["split"]
    )
    assert len(clothing) == 3781 and len(clothing.classes) == 10
    assert (clothing.columns["split"] == "test").sum() == 372


def test_a_folder_without_class_folders(tmp_path):
    assert list_plain_folder(tmp_path) is None
    touch(tmp_path, "b.jpg", "a.PNG", ".hidden.jpg", "notes.txt")
    assert list_plain_folder(tmp_path) == [str(tmp_path / "a.PNG"), str(tmp_path / "b.jpg")]
    touch(tmp_path, "boot/c.jpg")
    assert list_plain_folder(tmp_path) is None
    with pytest.raises(NotADirectoryError, match="is not a folder"):
        list_plain_folder(tmp_path / "none")
