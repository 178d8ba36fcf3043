"""Tables of images: files read strictly, tables in memory, paths, patterns, and images that are not there."""

import csv
import os
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow import load_folder, load_table, make_shop
from twoflow.images import UnreadableImagesWarning
from twoflow.images.image_pattern import ImagePattern
from twoflow.images.table_csv import read_csv

from ..lanes import unavailable


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked at")


def table(tmp_path, content, **options):
    touch(tmp_path, "a.jpg", "b c/é.jpg")
    path = tmp_path / "labels.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_table(path, tmp_path, **options)


def test_table(tmp_path):
    shoes = table(
        tmp_path, "\ufeffpath,class,seller,color\na.jpg,boot,7,red\nb c/é.jpg,clog,8,\n",
        group_column="seller",
    )
    assert shoes.paths == [str(tmp_path / "a.jpg"), str(tmp_path / "b c/é.jpg")]
    assert shoes.labels.tolist() == ["boot", "clog"] and shoes.groups.tolist() == ["7", "8"]


def test_table_and_frame_agree(tmp_path):
    shop = make_shop(3, 2, folder=tmp_path, n_duplicates=2, random_state=0)
    options = dict(group_column="group", columns=["kind", "color"])
    by_csv = load_table(tmp_path / "labels.csv", tmp_path, **options)
    by_frame = load_table(pd.read_csv(tmp_path / "labels.csv", dtype=str), tmp_path, **options)
    for table in (by_csv, by_frame):
        assert table.paths == shop.paths
        assert (table.labels == shop.labels).all()
        assert (table.groups == shop.groups.astype(str)).all()
        assert (table.columns["color"] == shop.columns["color"]).all()
    assert (load_folder(tmp_path).labels == np.sort(shop.labels)).all()


BODY = ["a.jpg,boot,red", "b c/é.jpg,clog,blue", "a.jpg,pump,black"]


def with_row(row, sign=","):
    """Three good rows and then this one, below a header."""
    return "\n".join(["path,class,note", *BODY, row, BODY[0]]).replace(",", sign) + "\n"


@pytest.mark.parametrize(
    "content, options, message",
    [
        ("path,class\n../a.jpg,boot\n", {}, "row 1: ../a.jpg leads out of"),
        ("path,class\n/etc/passwd,boot\n", {}, "row 1: /etc/passwd leads out of .* or pass no folder"),
        ("path,class\na.jpg,boot\na.jpg,\n", {}, "row 2: column 'class' is empty"),
        ("path,class\na.jpg\n", {}, "row 1: expected 2 fields as in the header, got 1; complete or remove the row"),
        ("path,class\na.jpg,boot\n", {"label_column": "type"}, "has no column 'type'; it has 'path', 'class'"),
        ("path,class\na.jpg,boot\n", {"group_column": "seller"}, "has no column 'seller'"),
        ("path,class,class\na.jpg,boot,x\n", {}, "has 2 columns 'class'; rename all but one"),
        ("path,class\n", {}, "has no rows"),
        ("", {}, "expected a header with the names of columns, got nothing"),
        (b"path,class\na.jpg,x\na.jpg,\xe9t\xe9\n", {}, "not a CSV file in UTF-8: row 2 holds the byte 0xe9; save it"),
        (b"path,class,\xe9\na.jpg,x,y\n", {}, "not a CSV file in UTF-8: the header holds the byte 0xe9"),
        ("path,class\na.jpg,x\n".encode("utf-16")[:-1], {}, "begins as UTF-16 but is not"),
        ("path,class\na.jpg,x\n".encode("utf-16-le"), {}, "the header: a NUL byte"),
        (with_row("a.jpg,Top, Size M,red"), {}, "row 4: expected 3 fields .*, got 4; put fields that hold a comma in"),
        (with_row("a.jpg;Top, Size M;red;x").replace(",", ";"), {}, "row 4: expected 3 .*, got 5; .* a semicolon"),
        (with_row("a.jpg,Top"), {}, "row 4: expected 3 fields .*, got 2"),
        (with_row("18 rows"), {}, "row 4: expected 3 fields .*, got 1"),
        (with_row('a.jpg,boot,"TV 42" black"'), {}, "row 4: a quote inside a field"),
        (with_row('a.jpg,boot,TV 42" black'), {}, "row 4: a quote inside a field"),
        (with_row('a.jpg, "boot",red'), {}, "row 4: a quote inside a field"),
        (with_row('a.jpg,boot,"TV 42'), {}, "row 4: a quote that is never closed"),
        ('path,class\n"a.jpg,boot\n', {}, "row 1: a quote that is never closed"),
        ('path,"class\na.jpg,boot\n', {}, "the header: a quote that is never closed"),
        (with_row("a.jpg,boot," + "x" * 200_000), {}, "row 4: a field of more than 131,072 letters"),
        (with_row("a.jpg,boot,\0"), {}, "row 4: a NUL byte"),
        ("path,class;path;class\na.jpg,boot;c\n", {"path_column": "path", "label_column": "path"}, "may be divided by"),
        ("path,class\na.jpg,boot\n", {"label_column": ["class", "path"]}, "a column of labels, got 'path', the column"),
        ("path,class\na.jpg,boot\n", {"missing": "ignore"}, "expected one of 'leave-out', 'error', got 'ignore'"),
        ("path,class\na.jpg,boot\n", {"image_pattern": "{id}.jpg"}, "has no column 'id'"),
    ],
)
def test_bad_tables(tmp_path, content, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        table(tmp_path, content, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("first", ["", "sep={sign}\n", '"SEP={sign}"\n'])
def test_forms_of_the_same_table(tmp_path, encoding, end, sign, first):
    content = first.format(sign=sign) + f"path{sign} class {sign}note\n\n"
    content += f" a.jpg {sign} boot{sign}\"1,5; 2\t3\n\"\n  \n"
    content += f"{sign}{sign}\nb c/é.jpg{sign}\"clog \"\"x\"\"\"{sign}"
    shoes = table(tmp_path, content.replace("\n", end).encode(encoding))
    assert shoes.paths == [str(tmp_path / "a.jpg"), str(tmp_path / "b c/é.jpg")]
    assert shoes.labels.tolist() == ["boot", 'clog "x"'] and shoes.notes == ()


def test_rows_are_counted_as_they_stand(tmp_path):
    with pytest.raises(ValueError, match="row 4: column 'class' is empty"):
        table(tmp_path, "\npath,class\n\na.jpg,boot\n,\na.jpg,\n")


_CELL = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8)


@given(st.lists(st.tuples(_CELL, _CELL), min_size=1))
def test_what_the_standard_writer_writes_is_read_as_it_was(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "class"])
        writer.writerows(rows)
    read = read_csv(path, ["path", "class"])
    expected = [row for row in rows if any(cell.strip() for cell in row)]
    assert list(zip(read.columns["path"], read.columns["class"])) == expected


def test_labels_are_stripped_and_composed(tmp_path):
    shoes = table(
        tmp_path, "path,class,seller,größe\na.jpg,Café,Zoë,é\na.jpg, Cafe\u0301 ,Zoe\u0308,e\u0301\n",
        group_column="seller", columns=[unicodedata.normalize("NFD", "größe")],
    )
    assert shoes.labels.tolist() == ["Café", "Café"] and shoes.groups.tolist() == ["Zoë", "Zoë"]
    assert [values.tolist() for values in shoes.columns.values()] == [["é", "é"]]


@pytest.mark.skipif(os.name == "nt", reason="names of files cannot end in a blank there")
def test_paths_are_the_names_of_files(tmp_path):
    """Blanks belong to a path only where a file with them is all there is; accents are not touched."""
    touch(tmp_path, " a.jpg", "b.jpg", " b.jpg", "e\u0301.jpg")
    shoes = table(tmp_path, 'path,class\n" a.jpg",x\n b.jpg ,x\ne\u0301.jpg,x\n')
    # table() has made a.jpg, so that the name without blanks is there too
    assert shoes.paths == [str(tmp_path / name) for name in ("a.jpg", "b.jpg", "e\u0301.jpg")]
    (tmp_path / "a.jpg").unlink()
    assert load_table(tmp_path / "labels.csv", tmp_path).paths[0] == str(tmp_path / " a.jpg")


def tables_in_memory():
    columns = {"path": ["a.jpg", "b.jpg"], "class": ["boot", " clog "], "size": [40.0, 41.5]}
    yield "dict", columns
    yield "dict of arrays", {name: np.array(values) for name, values in columns.items()}
    yield "dict of tuples", {name: tuple(values) for name, values in columns.items()}
    yield "records", [dict(zip(columns, row)) for row in zip(*columns.values())]
    yield "pandas", pd.DataFrame(columns, index=[7, 9])
    yield "pandas categorical", pd.DataFrame(columns).astype({"class": "category", "path": "string"})


@pytest.mark.parametrize("table", [pytest.param(each, id=name) for name, each in tables_in_memory()])
def test_tables_in_memory(tmp_path, table):
    touch(tmp_path, "a.jpg", "b.jpg")
    shoes = load_table(table, tmp_path, columns=["size"])
    assert shoes.paths == [str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")]
    assert shoes.labels.tolist() == ["boot", "clog"] and shoes.columns["size"].tolist() == [40.0, 41.5]


@pytest.mark.parametrize("library, make", [
    ("polars", lambda library, columns: library.DataFrame(columns)),
    ("pyarrow", lambda library, columns: library.table(columns)),
    ("pyarrow", lambda library, columns: library.RecordBatch.from_pydict(columns)),
])
def test_tables_of_other_libraries(tmp_path, library, make):
    try:
        library = __import__(library)
    except ModuleNotFoundError:
        unavailable(f"needs {library}")
    touch(tmp_path, "a.jpg", "b.jpg")
    shoes = load_table(make(library, {"path": ["a.jpg", "b.jpg"], "class": [" boot", "clog"]}), tmp_path)
    assert shoes.labels.tolist() == ["boot", "clog"] and type(shoes.paths[0]) is str
    with pytest.raises(ValueError, match="the table, row 2: column 'class' is empty"):
        load_table(make(library, {"path": ["a.jpg", "b.jpg"], "class": ["boot", None]}), tmp_path)
    with pytest.raises(ValueError, match="the table has no column 'class'; it has 'path', 'type'"):
        load_table(make(library, {"path": ["a.jpg"], "type": ["boot"]}), tmp_path)


@pytest.mark.parametrize("table, error, message", [
    (7, TypeError, "the table is a int; expected the path or URL of a CSV file, a DataFrame"),
    (iter([]), TypeError, "expected the path or URL"),
    ([["a.jpg", "boot"]], TypeError, "the table is a list; expected"),
    ({"path": ["a.jpg"], "class": "boot"}, TypeError, "column 'class' of the table is a str; expected a sequence"),
    ({"path": ["a.jpg"], "class": ["boot", "clog"]}, ValueError, "differ in length: {'path': 1, 'class': 2}"),
    ([{"path": "a.jpg", "class": "boot"}, {"path": "a.jpg"}], ValueError, "row 2: no value for 'class'"),
    ([], ValueError, "the table has no rows"),
    ({"path": [], "class": []}, ValueError, "the table has no rows"),
    (pd.DataFrame([["a.jpg", "x", "y"]], columns=["path", "class", "class"]), ValueError, "has 2 columns 'class'"),
])
def test_what_is_no_table(tmp_path, table, error, message):
    touch(tmp_path, "a.jpg")
    with pytest.raises(error, match=message):
        load_table(table, tmp_path)


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


def lost(tmp_path, content, **options):
    """What a table gives whose images are partly missing, and its warning."""
    with pytest.warns(UnreadableImagesWarning) as caught:
        found = table(tmp_path, content, **options)
    assert len(caught) == 1
    return found, str(caught[0].message)


MISSING = "path,class\nx.jpg,boot\na.jpg,boot\ny.jpg,boot\nz.jpg,clog\nb c,clog\nw.jpg,clog\nb c/é.jpg,clog\n"


def test_missing_images_are_counted_together_and_left_out(tmp_path):
    found, told = lost(tmp_path, MISSING)
    assert found.paths == [str(tmp_path / "a.jpg"), str(tmp_path / "b c/é.jpg")]
    assert found.labels.tolist() == ["boot", "clog"]
    first = "row 1: x.jpg, row 3: y.jpg, row 4: z.jpg and 2 more"
    assert f"5 of 7 images that {tmp_path / 'labels.csv'} names are missing from {tmp_path}: {first}" in told
    assert {os.path.basename(error.name): error.reason for error in found.unreadable} == {
        "x.jpg": "no such file", "y.jpg": "no such file", "z.jpg": "no such file", "w.jpg": "no such file",
        "b c": "a folder, not a file",
    }
    assert found.notes == (told.removesuffix("; they are left out"),)


def test_missing_images_can_be_an_error(tmp_path):
    with pytest.raises(ValueError, match="5 of 7 images .* row 4: z.jpg and 2 more; correct the table or leave"):
        table(tmp_path, MISSING, missing="error")
    with pytest.raises(ValueError, match="2 of 2 images .* row 1: x.jpg, row 2: y.jpg; correct the table$"):
        table(tmp_path, "path,class\nx.jpg,boot\ny.jpg,boot\n")


@pytest.mark.skipif(os.name == "nt", reason="backslashes divide paths there")
@pytest.mark.parametrize("cells, remedy", [
    (["men\\a.jpg", "men\\b.png"], r"2 of 2 exist with / in place of \\"),
    (["men/a", "women/c", "men/b"], "2 of 3 exist with the ending .jpg added: .* image pattern"),
    (["men/a.png", "women/c.png"], "2 of 2 exist with the ending .jpg in place of .png"),
    (["men/b.PNG"], "with the ending .png in place of .PNG"),
    (["a.jpg", "b.png", "c.jpg"], "2 of 3 exist in .*/men: name that"),
    (["photos/men/a.jpg"], "exist in .*: name that as the folder"),
    (["old/place/men/a.jpg"], "exist without old/place/ at the beginning"),
    (["D:\\old\\men\\a.jpg"], "exist without D:/old/ at the beginning"),
    (["men/e\u0301.jpg"], "exist with accents in another Unicode form"),
    (["women/7.0.jpg"], "exist without the .0 of a number"),
])
def test_the_likely_remedy_for_missing_images(tmp_path, cells, remedy):
    photos = tmp_path / "photos"
    touch(photos, "men/a.jpg", "men/b.png", "men/é.jpg", "women/c.jpg", "women/7.jpg")
    with pytest.raises(ValueError, match=f"are missing from .*; .*{remedy}"):
        load_table({"path": cells, "class": ["boot"] * len(cells)}, photos)


def test_a_remedy_does_not_look_outside(tmp_path):
    """Not whether a file of the user's is there is told, where a table must stay in its folder."""
    touch(tmp_path, "secret.jpg", "shop/a.jpg")
    with pytest.raises(ValueError, match="leads out of"):
        load_table({"path": ["../secret.jpg"], "class": ["boot"]}, tmp_path / "shop")
    with pytest.raises(ValueError, match="missing") as caught:
        load_table({"path": ["..\\secret.jpg"], "class": ["boot"]}, tmp_path / "shop")
    assert "exist" not in str(caught.value)


def test_without_a_folder_paths_are_relative_to_the_table(tmp_path, monkeypatch):
    touch(tmp_path, "shop/a.jpg", "elsewhere/b.jpg")
    path = tmp_path / "shop" / "labels.csv"
    path.write_text(f"path,class\na.jpg,x\n../elsewhere/b.jpg,y\n{tmp_path}/elsewhere/b.jpg,z\n")
    found = load_table(path)
    assert [os.path.samefile(*pair) for pair in zip(found.paths, (
        tmp_path / "shop/a.jpg", *[tmp_path / "elsewhere/b.jpg"] * 2,
    ))] == [True] * 3
    monkeypatch.chdir(tmp_path)
    assert load_table({"path": ["shop/a.jpg"], "class": ["x"]}).paths == ["shop/a.jpg"]
    with pytest.raises(ValueError, match="row 2: ../elsewhere/b.jpg leads out of"):
        load_table(path, tmp_path / "shop")


@pytest.mark.parametrize("pattern, expected", [
    ("images/{id}.jpg", ["images/39403.jpg", "images/7.jpg"]),
    ("{kind}/{id}-{id}.jpg", ["boot/39403-39403.jpg", "low boot/7-7.jpg"]),
    ("{{x}}/{a.b}", ["{x}/p", "{x}/q"]),
])
def test_patterns(pattern, expected):
    cells = {"id": [39403.0, 7.0], "kind": ["boot", " low boot "], "a.b": ["p", "q"]}
    assert ImagePattern(pattern).fill(cells) == expected


@pytest.mark.parametrize("pattern, message", [
    ("images/{id.jpg", "expected '}' before end"), ("images/}.jpg", "Single '}'"), ("images/{}.jpg", "only names"),
    ("{id:>5}.jpg", "only names"), ("{id!r}.jpg", "only names"), ("images/a.jpg", "no column in braces"),
])
def test_bad_patterns(pattern, message):
    with pytest.raises(ValueError, match=f"image pattern .*{message}"):
        ImagePattern(pattern)


def test_attributes_of_values_are_columns_like_any_other():
    assert ImagePattern("{id.__class__}.jpg").names == ["id.__class__"]


def test_images_by_a_pattern(tmp_path):
    touch(tmp_path, "images/1.jpg", "images/2.jpg")
    frame = pd.DataFrame({"id": [1.0, 2.0], "class": ["boot", "clog"]})
    found = load_table(frame, tmp_path, image_pattern="images/{id}.jpg")
    assert found.paths == [str(tmp_path / "images/1.jpg"), str(tmp_path / "images/2.jpg")]
    with pytest.raises(ValueError, match="row 1: images/../../1.jpg leads out of"):
        load_table({"id": ["../../1"], "class": ["boot"]}, tmp_path, image_pattern="images/{id}.jpg")
    with pytest.raises(ValueError, match="row 2: column 'id' is empty"):
        load_table({"id": [1, np.nan], "class": ["boot", "clog"]}, tmp_path, image_pattern="images/{id}.jpg")


def test_images_of_a_real_table_by_their_ids(data):
    with pytest.warns(UnreadableImagesWarning, match="63 of 777 .* 50 of the first 50 exist with the ending .png in"):
        found = load_table(
            data / "matos/train.csv", data / "matos/train", image_pattern="{id}.jpg", label_column="jenis"
        )
    assert len(found) == 714 and len(found.unreadable) == 63


def test_images_in_several_rows_are_noted(tmp_path):
    rows = "a.jpg,boot\nb c/é.jpg,clog\n./a.jpg,pump\nb c/é.jpg,clog\n"
    found = table(tmp_path, "path,class\n" + rows)
    assert len(found) == 4
    named = f"({tmp_path / 'a.jpg'})"
    assert found.notes == (f"images named in several rows: 2, with different labels: 1 {named}",)


def test_words_for_missing_values_are_noted(tmp_path):
    found = table(tmp_path, "path,class\na.jpg,nan\nb c/é.jpg,None\n")
    assert found.notes == ("classes called like a missing value: 'None', 'nan'",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_is_no_table(tmp_path):
    os.mkfifo(tmp_path / "labels.csv")
    with pytest.raises(OSError, match="a named pipe, not a regular file"):
        load_table(tmp_path / "labels.csv", tmp_path)


def test_a_pattern_with_any_ending(tmp_path):
    for name in ("1.jpg", "2.PNG", "3.txt", "sub.5.png"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "labels.csv").write_text("id,class\n1,a\n2,b\nsub.5,a\n")
    found = load_table(tmp_path / "labels.csv", image_pattern="{id}.*")
    assert [os.path.basename(path) for path in found.paths] == ["1.jpg", "2.PNG", "sub.5.png"]
    (tmp_path / "labels.csv").write_text("id,class\n1,a\n3,b\n")
    with pytest.warns(UnreadableImagesWarning, match=r"1 of 2 images .* are missing .*: row 2: 3\.\*"):
        assert len(load_table(tmp_path / "labels.csv", image_pattern="{id}.*")) == 1
    (tmp_path / "1.webp").write_bytes(b"")
    with pytest.raises(ValueError, match=r"row 1: expected one image .*1\.\*, got 1.jpg and 1.webp; remove"):
        load_table(tmp_path / "labels.csv", image_pattern="{id}.*")
    with pytest.raises(ValueError, match=r"row 1: expected a local path for the ending \.\*, got https://"):
        load_table(tmp_path / "labels.csv", "https://shop.example/", image_pattern="{id}.*")
