"""Call the command twoflow search as a person or a script would."""

import csv
import shutil
from functools import partial

import pytest

from twoflow import ColorHistogram, HierarchicalClassifier, ImageCollection, load_folder, make_model, make_shop, save
from twoflow.commands import search as command
from twoflow.commands.program import run

from .calling import call_with


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the folder shop of four classes, its table, and two model files, with and without a gallery."""
    folder = tmp_path_factory.mktemp("search")
    make_shop(n_classes=4, n_per_class=6, folder=folder / "shop", random_state=0)
    shop = load_folder(folder / "shop")
    model = make_model([("color", ColorHistogram())], "kernel-ridge").fit(shop)
    save(model, folder / "shop.twoflow", collection=shop, gallery=True)
    save(model, folder / "plain.twoflow", collection=shop)
    with open(folder / "shop.csv", "w", newline="", encoding="utf-8") as file:
        rows = [(path, label, number // 2) for number, (path, label) in enumerate(zip(shop.paths, shop.labels))]
        csv.writer(file).writerows([("path", "class", "item"), *rows])
    return folder


@pytest.fixture
def call(capsys, place, monkeypatch):
    """Call the command in the folder; return its exit status, standard output and standard error."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(command, "print_to_reader", print)
    return lambda *given: call_with(capsys, partial(run, command.main), *given, "--jobs", "1", "--quiet", "--no-store")


def first(place, kind):
    return sorted((place / "shop" / kind).iterdir())[0].relative_to(place).as_posix()


def test_the_training_images_of_the_file(call, place, tmp_path):
    query = first(place, "tee/01")
    out, page = tmp_path / "found.csv", tmp_path / "found.html"
    status, printed, err = call("shop.twoflow", query, "--top", 3, "--out", out, "--page", page)
    assert (status, err) == (0, "")
    lines = printed.splitlines()
    assert lines[0] == query and lines[1].split() == ["1", "1.000", "tee/01", query.removeprefix("shop/")]
    assert "Searched 24 images" in lines and f"Written to {page}" in lines
    with open(out, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["query", "rank", "similarity", "image", "class", "error"] and len(rows) == 3
    html = page.read_text("utf-8")
    assert html.count("data:image/jpeg") == 4 and "<script" not in html and "http" not in html.replace("http-equiv", "")
    assert str(place) not in html + out.read_text("utf-8")


def test_a_folder_whose_query_is_not_found_itself(call, place, tmp_path):
    folder = tmp_path / "more"
    shutil.copytree(place / "shop/tee", folder / "tee")
    (folder / "broken.jpg").write_text("no image")
    query = folder / "tee/01" / first(place, "tee/01").rsplit("/", 1)[1]
    status, out, _ = call("plain.twoflow", query, folder / "missing.jpg", "--in", folder, "--top", 2, "--filter",
                          "class=tee/01", "--page", tmp_path / "found.html")
    assert status == 0
    block = out[:out.index("missing.jpg")]
    assert block.count(str(query)) == 1 and block.count("tee/01 ") == 2
    assert f"{folder / 'missing.jpg'}\n  cannot be read: no such file" in out
    assert "left out, cannot be read: 1 image\n" in out and "labels are answers of the model" in out
    assert "Cannot be read" in (tmp_path / "found.html").read_text("utf-8")


def test_a_folder_has_the_levels_of_the_model(call, place, tmp_path):
    shop = load_folder(place / "shop")
    paths = [label.split("/") for label in shop.labels]
    levels = ImageCollection(shop.images, paths, target_names=["kind", "number"], are_levels=True)
    model = HierarchicalClassifier(make_model([("color", ColorHistogram())], "kernel-ridge"), random_state=0)
    save(model.fit(levels), tmp_path / "levels.twoflow", collection=levels)
    out = tmp_path / "found.csv"
    assert call(tmp_path / "levels.twoflow", first(place, "tee/01"), "--in", "shop", "--top", 2, "--out", out)[0] == 0
    with open(out, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header[4:] == ["kind", "number", "error"] and all(len(row) == len(header) for row in rows)


def test_a_table_with_items(call, place):
    status, out, _ = call("plain.twoflow", first(place, "tee/01"), "--labels", "shop.csv", "--group-column", "item",
                          "--unique", "--top", 9)
    assert status == 0 and out.count("tee/") + out.count("dress/") >= 9
    assert "Searched 24 images\n" in out


def test_a_gallery_with_fewer_images_than_asked_for(call, place):
    status, out, _ = call("shop.twoflow", first(place, "tee/01"), "--filter", "class=tee/01", "--top", 25)
    names = {line.split()[-1] for line in out.splitlines() if line.endswith(".jpg")}
    assert status == 0 and len(names) == 7 and "only 6 images to find" in out.lower()


@pytest.mark.parametrize("arguments, message", [
    (["plain.twoflow", "QUERY"], "without --no-examples"),
    (["shop.twoflow", "none.jpg"], "expected images that can be read, got 1 image that cannot"),
    (["shop.twoflow", "QUERY", "--filter", "size=3"], "targets among class"),
    (["shop.twoflow", "QUERY", "--filter", "class=boot"], "a label of 'class'"),
    (["shop.twoflow", "QUERY", "--filter", "boot"], "TARGET=LABEL"),
    (["shop.twoflow", "QUERY", "--unique"], "with groups"),
    (["shop.twoflow", "QUERY", "--label-column", "class"], "--label-column needs --labels"),
    (["shop.twoflow", "QUERY", "--in", "empty"], "no images"),
    (["shop.twoflow", "QUERY", "--out", "found.txt"], "ends in .csv"),
])
def test_what_cannot_be_searched(call, place, arguments, message):
    (place / "empty").mkdir(exist_ok=True)
    status, _, err = call(*(first(place, "tee/01") if each == "QUERY" else each for each in arguments))
    assert status != 0 and message in err and len(err.splitlines()) == 1
