"""What is predicted, in which order, under which names."""

import io
import os

import pytest

from twoflow.errors import InputError
from twoflow.predicting.inputs import TableOptions, open_inputs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b/z.jpg", "b/a/1.png", "a.jpg", "c.txt", ".hidden.jpg", "b.jpg", "@eaDir/x.jpg", "b/Thumbs.db"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "in"


def names(inputs):
    return [item.name for item in inputs]


def sources(inputs):
    return [image for item in inputs for image in item.images]


def listed(text, **options):
    return open_inputs(["-"], stdin=io.BytesIO(text), **options)


def test_a_folder_is_sorted_and_what_is_passed_over_is_named(folder):
    inputs = open_inputs(["in"])
    assert names(inputs) == names(inputs) == ["in/a.jpg", "in/b/a/1.png", "in/b/z.jpg", "in/b.jpg"]
    assert inputs.n_images == 4
    assert {each.reason: each.paths for each in inputs.passed_over} == {
        "hidden files and folders": ("in/.hidden.jpg",),
        "files and folders created by programs or systems": ("in/@eaDir", "in/b/Thumbs.db"),
        "files with the ending .txt": ("in/c.txt",),
    }


def test_a_mix_keeps_its_order(folder):
    (folder / "t.csv").write_text("path,other\na.jpg,\nb/z.jpg,x\n/abs.jpg,\n")
    inputs = open_inputs(
        ["in/b.jpg", "-", "in/b", "in/t.csv", "https://a.example/x.png?token=1", "gone.jpg"],
        stdin=io.BytesIO(b"one.jpg\r\n\n  \nhttp://a.example/2.jpg\ntwo"),
    )
    assert inputs.n_images is None
    assert names(inputs) == [
        "in/b.jpg", "one.jpg", "http://a.example/2.jpg", "two", "in/b/a/1.png", "in/b/z.jpg", "in/a.jpg", "in/b/z.jpg",
        "/abs.jpg", "https://a.example/x.png?token=1", "gone.jpg",
    ]


def test_absolute_paths_are_read_under_the_given_names(folder):
    (folder / "t.csv").write_text("path\na.jpg\n")
    inputs = open_inputs(["in/b.jpg", "in", "in/t.csv", "http://a.example/2.jpg"], absolute=True)
    for name, source in zip(names(inputs), sources(inputs), strict=True):
        assert source == (name if "://" in name else os.path.abspath(name))
    assert sources(open_inputs(["in/b.jpg"])) == ["in/b.jpg"]


def test_names_with_line_ends_and_other_bytes(folder):
    inputs = listed(b"two\nlines.jpg\0 blank \0\xff.jpg\0\0last", by_null=True)
    assert names(inputs) == ["two\nlines.jpg", " blank ", "\udcff.jpg", "last"]


def test_a_list_is_read_as_it_comes(folder):
    reading, writing = os.pipe()
    with open(reading, "rb") as stdin, open(writing, "wb", buffering=0) as out:
        items = iter(open_inputs(["-"], stdin=stdin))
        for name in ("a", "b"):
            out.write(f"{name}\n".encode())
            assert next(items).name == name


def test_a_list_without_line_ends_is_not_kept(folder):
    with pytest.raises(InputError, match="got more than 65,536 bytes without a line end; use --null"):
        names(listed(b"x" * 10**6))


def test_items_of_scattered_rows(folder):
    (folder / "t.csv").write_text("id,item\n3,b\n1,a\n2, b \n4,c\n5,a\n")
    (folder / "u.csv").write_text("item,id\nc,6\n")
    table = TableOptions(image_pattern="{id}.jpg", group_column="item")
    inputs = open_inputs(["in/t.csv", "in/u.csv"], table=table, absolute=True)
    assert [(item.name, [os.path.basename(name) for name in item.image_names]) for item in inputs] == [
        ("b", ["3.jpg", "2.jpg"]), ("a", ["1.jpg", "5.jpg"]), ("c", ["4.jpg", "6.jpg"]),
    ]
    assert inputs.n_images == 6
    assert all(image == os.path.abspath(name) for item in inputs for image, name in zip(item.images, item.image_names))


@pytest.mark.parametrize("given, options, message", [
    (["nope"], {}, "expected an image, a folder or a table, got nope, which does not exist; correct the path"),
    ([""], {}, "expected an image, a folder or a table, got '', which does not exist"),
    (["empty"], {}, r"empty has no images; passed over: files with the ending .txt: 1 \(empty/a.txt\)"),
    (["-", "-"], {}, "expected - once, for the list on stdin, got it 2 times"),
    (["in"], {"path_column": "x"}, "--image-column needs a table of images, a file that ends in .csv or .tsv"),
    (["in"], {"group_column": "x"}, "--group-column needs a table"),
    (["in/t.csv", "in"], {"group_column": "path"}, "--group-column: expected only tables, got in too"),
    (["in/t.csv"], {"path_column": "x"}, "t.csv has no column 'x'; it has 'path'"),
    (["https://a.example/folder/"], {}, "a web server does not list its files"),
])
def test_wrong_inputs(folder, given, options, message):
    (folder / "t.csv").write_text("path\na.jpg\n")
    os.makedirs("empty")
    open("empty/a.txt", "w").close()
    with pytest.raises(InputError, match=message):
        open_inputs(given, table=TableOptions(**options), stdin=io.BytesIO())


def test_how_a_list_is_separated_needs_a_list(folder):
    with pytest.raises(InputError, match="--null needs -, a list on stdin"):
        open_inputs(["in"], by_null=True)


def test_a_link_that_leads_back_is_found_before_the_work(folder):
    (folder / "b" / "loop").symlink_to(folder)
    with pytest.raises(InputError, match="is a link that leads back"):
        open_inputs(["in"])
