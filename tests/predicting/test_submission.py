"""Submissions: the sample keeps its bytes, ids find their images, and nothing is filled in silence."""

import codecs
import csv
import io
from operator import eq

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from twoflow import FlowClassifier, MultiTargetClassifier, RawPixels
from twoflow.heads import OutOfScope
from twoflow.models.model_file import ModelCard, ModelFile, TargetCard
from twoflow.models.model_file.describing import describe
from twoflow.predicting import Item, Predictor
from twoflow.predicting.matching import match_ids
from twoflow.predicting.sample import is_number, read_sample
from twoflow.predicting.submission import fill_sample

from .trees import PATHS, make_tree_model, with_levels


@pytest.fixture(scope="module")
def two_targets(shop):
    """A model of two targets, kind and number, whose classes are text and integers."""
    labels = [list(label.split("/")) for label in shop.labels.tolist()]
    y = np.array([[kind, int(number)] for kind, number in labels], dtype=object)
    flows = [("pixels", RawPixels((8, 6)), "passthrough")]
    head = MultiTargetClassifier(LogisticRegression(max_iter=1000), target_names=["kind", "number"])
    model = FlowClassifier(flows, head).fit(shop.images, y)
    targets = [TargetCard(name, tuple(classes.tolist())) for name, classes in zip(("kind", "number"), model.classes_)]
    return ModelFile(model, ModelCard("shop", "2025-01-31", tuple(targets)))


def items_of(shop, n=4):
    return [Item(f"in/{i:03d}.jpg", (shop.images[i],)) for i in range(n)]


def fill(two_targets, shop, text, tmp_path, *, items=None, id_column=None, **options):
    """Fill a sample, given as text or bytes; return the bytes, and the notes."""
    path = tmp_path / "sample.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    sample = read_sample(path, two_targets.card, id_column)
    predictor = Predictor(two_targets, top=1)
    found = fill_sample(predictor, items_of(shop) if items is None else items, sample, verbose=False, **options)
    return found.content, found.notes


def answers(two_targets, shop, n=4):
    return [[str(label) for label in row] for row in two_targets.model.predict(shop.images[:n]).tolist()]


@pytest.mark.parametrize("encode", [
    str.encode, lambda text: codecs.BOM_UTF8 + text.encode(),
    lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
])
@pytest.mark.parametrize("form", [
    "id,kind,number\n{0},x,0\n{1},x,0\n{2},x,0\n{3},x,0\n",
    "id,number,kind\r\n{0},0,x\r\n{1},0,x\r\n{2},0,x\r\n{3},0,x",  # the order of columns, no last line end
    '"kind";"id";"number"\n"x";"{0}";0.0\n"x";"{1}";0.0\n"x";"{2}";0.0\n\n"x";"{3}";0.0\n',
    "sep=\t\n id\tkind\tnumber\n{0}\t\t\n{1}\t\t\n{2}\t\t\n{3}\t\t\n",
])
def test_everything_but_the_labels_keeps_its_bytes(encode, form, two_targets, shop, tmp_path):
    text = form.format("000", "001", "002", "003")
    content, notes = fill(two_targets, shop, encode(text), tmp_path, id_column="id")
    expected = text.splitlines(keepends=True)
    rows = [i for i, line in enumerate(expected) if any(f"00{j}" in line for j in range(4))]
    for i, (kind, number) in zip(rows, answers(two_targets, shop)):
        line = expected[i].replace("\t\t", f"\t{kind}\t{number}").replace("x", kind)
        number_cell = f"{number}.0" if "0.0" in line else number
        before, after = ("0.0", number_cell) if "0.0" in line else (",0", f",{number_cell}")
        expected[i] = line.replace(before, after)
    assert content == encode("".join(expected)) and not notes


def test_ids_in_another_order_than_the_images(two_targets, shop, tmp_path):
    content, _ = fill(two_targets, shop, "id,kind,number\n003,x,0\n000,x,0\n002,x,0\n", tmp_path)
    found = answers(two_targets, shop)
    assert list(csv.reader(io.StringIO(content.decode())))[1:] == [
        ["003", *found[3]], ["000", *found[0]], ["002", *found[2]]
    ]


def test_what_is_said(two_targets, shop, tmp_path):
    content, notes = fill(two_targets, shop, "id,kind,price\n0,0,9\n1,0,8\n12,0,7\n", tmp_path, unfilled="keep")
    assert content.decode().splitlines()[0::3] == ["id,kind,price", "12,0,7"]
    assert notes == [
        "the sample has no column for number",
        "left as in the sample: 1 column that is no target of the model (price)",
        "left as in the sample: 1 id without an image (12)",
        "2 ids name their images without regard to leading zeros, such as 0 for in/000.jpg",
        "not in the sample: 2 images (in/002.jpg, in/003.jpg)",
        "kind has numbers in the sample, and text in the model, such as dress; if the competition wants numbers, train "
        "on these",
    ]


@pytest.mark.parametrize("text, message", [
    ("id,kind,price\n000,x,9\n", r"got none for 1 column that is no target of the model \(price\); add what"),
    ("id,kind\n000,x\n9,x\n8,x\n", r"got none for 2 ids without an image \(9, 8\); add what is missing, or keep"),
    ("id,kind\n9,x\n", r"called as the ids, such as 9.jpg for 9, got in/000.jpg, in/001.jpg, in/002.jpg and 1 more"),
    ("id,kind\n", "expected a header and a row for each id, got no rows"),
    ("", "expected a header and a row for each id, got no rows"),
    ("id,kind\n000,x\n000,x\n", "rows 1 and 2: expected each id once, got 000 in both"),
    ("id,kind\n,x\n", "row 1: column 'id' is empty"),
    ("kind,number\nx,1\n", "expected the ids in the first column, got the target 'kind'; name the column of ids by"),
    ("id,color\n000,x\n", "a column for a target of the model, which has kind and number; got 'id' and 'color'"),
    ("id,kind,kind\n000,x,x\n", "has 2 columns 'kind'"),
    ("id,kind\n000\n", "row 1: expected 2 fields as in the header, got 1"),
    (b"id,kind\n\xff,x\n", "not a CSV file in UTF-8"),
])
def test_what_cannot_be_filled_is_one_clear_line(text, message, two_targets, shop, tmp_path):
    with pytest.raises(ValueError, match=message) as caught:
        fill(two_targets, shop, text, tmp_path)
    assert "\n" not in str(caught.value)


def test_an_unreadable_image_is_an_error_that_names_the_id(two_targets, shop, tmp_path):
    items = [*items_of(shop, 2), Item("in/2.jpg", (b"no image",), ("in/2.jpg",))]
    text = "id,kind\n000,x\n2,x\n"
    with pytest.raises(ValueError, match=r"got none for 1 id whose image has no answer \(2: not an image.*\); add"):
        fill(two_targets, shop, text, tmp_path, items=items)
    content, notes = fill(two_targets, shop, text, tmp_path, items=items, unfilled="keep")
    assert content.decode().splitlines()[2] == "2,x"
    assert notes[1].startswith("left as in the sample: 1 id whose image has no answer (2: not an image")


def test_items_are_named_by_ids(two_targets, shop, tmp_path):
    items = [Item("shoe", (shop.images[0], b"no image"), ("a.jpg", "b.jpg")), Item("hat", (shop.images[1],))]
    content, notes = fill(two_targets, shop, "id,kind,number\nhat,x,0\nshoe,x,0\n", tmp_path, items=items)
    found = answers(two_targets, shop)
    assert content.decode().splitlines()[1:] == [f"hat,{','.join(found[1])}", f"shoe,{','.join(found[0])}"]
    assert notes == ["answered by some of their photos, because others cannot be read: 1 id (shoe)"]


def test_no_cell_is_unknown(two_targets, shop, tmp_path):
    path = tmp_path / "sample.csv"
    path.write_text("id,kind,number\n000,x,0\n001,x,0\n")
    predictor = Predictor(two_targets, threshold=1.0, top=1)
    assert {answer.label for each in predictor.predict(shop.images[:2]) for answer in each.answers} == {"unknown"}
    found = fill_sample(predictor, items_of(shop), read_sample(path, two_targets.card), verbose=False)
    assert found.content.decode().splitlines()[1] == ",".join(["000", *answers(two_targets, shop)[0]])
    assert found.n_filled == 2 and found.notes[-1] == (
        "the likeliest class is written although the model answers a broader class or unknown: 2 ids (000, 001)"
    )


def test_levels_are_columns(shop, tmp_path):
    """Of the likeliest full path, though this model answers unknown for every image; it may end early."""
    collection = with_levels(shop)
    model = make_tree_model(fallback=1.0, scope=OutOfScope("indicator")).fit(collection)
    card = describe(model, collection, None, None, None, [])
    (tmp_path / "sample.csv").write_text("id,number,kind\n" + "".join(f"{i:03d},,\n" for i in range(32)))
    sample = read_sample(tmp_path / "sample.csv", card)
    found = fill_sample(Predictor(ModelFile(model, card), top=1), items_of(shop, 32), sample, verbose=False)
    rows = list(csv.reader(io.StringIO(found.content.decode())))[1:]
    found = [(kind, number) for _, number, kind in rows]
    assert ("bag", "") in found and set(found) <= set(PATHS.values())
    assert sum(map(eq, found, map(tuple, collection.labels.tolist()))) >= 24


def test_the_only_other_column_is_that_of_one_target(tmp_path):
    card = ModelCard("shop", "2025-01-31", (TargetCard("class", ("a", "b")),))
    path = tmp_path / "sample.csv"
    path.write_text("label;id\n0;7\n")
    sample = read_sample(path, card, "id")
    assert sample.notes == ("the target class fills label, the only column beside id",)
    assert sample.fill({"7": {"class": 'a;"b"'}}) == b'label;id\n"a;""b""";7\n'
    path.write_text("id,label,usage\n7,0,x\n")
    with pytest.raises(ValueError, match="which has class; got 'id', 'label' and 'usage'"):
        read_sample(path, card)


@pytest.mark.parametrize("label, cell, written", [
    (1, "0", "1"), ("1", "0", "1"), (1, "0.0", "1.0"), (1.5, "0.0", "1.5"), (1.25, "0.0", "1.25"),
    ("tee", "0.0", "tee"), (True, "0", "True"), (1.0, "0", "1.0"), ("01", "00", "01"),
])
def test_how_numbers_are_written(label, cell, written, tmp_path):
    card = ModelCard("shop", "2025-01-31", (TargetCard("class", (label, "b")),))
    path = tmp_path / "sample.csv"
    path.write_text(f"id,class\n7,{cell}\n")
    assert read_sample(path, card).fill({"7": {"class": label}}).decode() == f"id,class\n7,{written}\n"


@pytest.mark.parametrize("ids, names, expected", [
    (["778", "779"], ["t/779.png", "t/778.jpg"], {"778": 1, "779": 0}),
    (["778.jpg"], ["t/778.jpg", "t/778.png"], {"778.jpg": 0}),
    (["t/1", "u/1"], ["in/u/1.jpg", "in/t/1.jpg"], {"t/1": 1, "u/1": 0}),
    (["t/1.jpg"], ["in/t/1.jpg", "in/u/1.jpg"], {"t/1.jpg": 0}),
    (["1", "01"], ["01.jpg", "1.jpg"], {"1": 1, "01": 0}),  # the very name comes first
    (["0"], ["000.jpg"], {"0": 0}),
    (["7"], ["7.jpg", "7.jpg"], {"7": 0}),  # one image, named twice
    (["caf\u00e9"], ["cafe\u0301.jpg"], {"caf\u00e9": 0}),
    (["v1.2"], ["v1.2.jpg"], {"v1.2": 0}),
    (["7"], ["https://shop.example/7.jpg"], {"7": 0}),
])
def test_ids_find_their_images(ids, names, expected):
    match = match_ids(ids, names)
    assert match.positions == expected and list(match.positions) == ids and not match.missing


@pytest.mark.parametrize("names", [["778.jpg", "778.png"], ["a/778.jpg", "b/778.jpg"], ["0778.jpg", "00778.jpg"]])
def test_two_images_of_one_id(names):
    with pytest.raises(ValueError, match=f"id 778: expected one image, got {names[0]} and {names[1]}; leave one"):
        match_ids(["778"], names)


def test_what_is_done_about_cells_must_be_known(two_targets, shop, tmp_path):
    with pytest.raises(ValueError, match="unfilled: expected 'error' or 'keep', got 'kept'; choose one of them"):
        fill(two_targets, shop, "id,kind\n000,x\n", tmp_path, unfilled="kept")


def test_what_numbers_are():
    assert [is_number(each) for each in ("1", 0, 2.5, "-1e3", "tee", "", None)] == [True] * 4 + [False] * 3
