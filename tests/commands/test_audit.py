"""Call the command twoflow audit as a person or a script would."""

import csv
import json
import re
from functools import partial

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from twoflow import FlowClassifier, ImageCollection, RawPixels, load_table, make_shop, save
from twoflow.auditing import audit
from twoflow.commands import audit as command
from twoflow.commands.program import run
from twoflow.report import format_audit, write_audit

from ..images.hostile import UNREADABLE, encoded
from .calling import call_with

HOSTILE = ["<script>alert(1)</script>", "\"quoted\" & 'single'", "two\nlines", "\u202egpj.exe", "=1+1"]


@pytest.fixture
def shop_folder(tmp_path):
    folder = tmp_path / "my shöp 靴"
    make_shop(n_classes=4, n_per_class=6, folder=folder, random_state=0)
    return folder


def call(capsys, *arguments):
    """Return the command's exit status, standard output and standard error."""
    return call_with(capsys, partial(run, command.main), *arguments, "--jobs", "1", "--quiet")


def read(folder):
    return json.loads((folder / "audit.json").read_text("utf-8"))


def test_a_folder(shop_folder, tmp_path, capsys):
    first, other = sorted((shop_folder / "tee/01").iterdir())[0], shop_folder / "dress/01/copy.png"
    Image.open(first).save(other)
    status, out, err = call(capsys, shop_folder, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert out.startswith("25 images of 4 classes checked in")
    assert out.index("The same photo with different labels: 1 pair") < out.index("\nThe same photo: 1 pair (1 exact")
    assert f"exact: {other} (dress/01) and {first} (tee/01)" in out
    found = read(tmp_path / "out")
    assert found["schema"] == 1 and len(found["images"]) == 25 and found["conflicts"] == [0]
    assert found["duplicates"][0]["kind"] == "exact" and found["duplicates"][0]["conflict"]
    assert sum(each["n_images"] for each in found["classes"]) == 25
    html = (tmp_path / "out/audit.html").read_text("utf-8")
    assert html.count("data:image/jpeg") >= 2 and "exact: different labels" in html
    assert "<script" not in html and "http:" not in html and "https:" not in html
    with open(tmp_path / "out/suspects.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["image", "given", "suggested", "margin", "confidence", "ratio", "example", "target"]
    assert len(rows) == len(found["suspects"])


def test_a_plain_folder_has_no_labels(shop_folder, tmp_path, capsys):
    plain = tmp_path / "plain"
    plain.mkdir()
    for number, file in enumerate(sorted(shop_folder.rglob("*.jpg"))):
        (plain / f"{number}.jpg").write_bytes(file.read_bytes())
    (plain / "again.jpg").write_bytes((plain / "0.jpg").read_bytes())
    status, out, _ = call(capsys, plain, "--out", tmp_path / "out")
    assert status == 0
    assert "Note: there are no labels, so labels and classes were not checked" in out
    assert "The same photo: 1 pair" in out and "different labels" not in out and "second look" not in out
    found = read(tmp_path / "out")
    assert found["suspects"] is None and found["classes"] == [] and found["images"][0]["label"] is None


def test_a_split_without_class_folders_has_no_labels(shop_folder, tmp_path, capsys):
    for number, file in enumerate(sorted(shop_folder.rglob("*.jpg"))):
        place = tmp_path / "split" / ("train" if number % 2 else "test")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.jpg").write_bytes(file.read_bytes())
    (place / "notes.txt").touch()
    status, out, err = call(capsys, tmp_path / "split", "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "Note: train and test are folders of an official split without class folders\n" in out
    assert "Note: there are no labels" in out
    assert "\n1 file or folder passed over:\n  files with the ending .txt: 1 (" in out
    assert read(tmp_path / "out")["passed_over"][0]["n_paths"] == 1


def test_leaks_between_folders_of_an_official_split_are_found(shop_folder, tmp_path, capsys):
    for number, file in enumerate(sorted(shop_folder.rglob("*.jpg"))):
        for part in ("train", "test") if number == 0 else ("train",) if number % 2 else ("test",):
            place = tmp_path / "split" / part / file.parent.name
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number}.jpg").write_bytes(file.read_bytes())
    status, out, err = call(capsys, tmp_path / "split", "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "split: 1 test image with a duplicate in training (1 of the same photo)\n" in out
    assert "train and test are folders of an official split" in (tmp_path / "out/audit.html").read_text("utf-8")


def test_files_passed_over_and_class_names_that_look_alike_are_listed(shop_folder, tmp_path, capsys):
    (shop_folder / "tee/01").rename(shop_folder / "tee/Model")
    (shop_folder / "tee/02").rename(shop_folder / "tee/m\u043edel")
    (shop_folder / "tee/03").mkdir()
    for number in range(12):
        (shop_folder / f"tee/Model/{number}.<xcf>").touch()
    status, out, err = call(capsys, shop_folder, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    alike = "'tee/Model' and 'tee/m\u043edel' ('tee/m\\u043edel')"
    assert f"\nClasses whose names look alike: 1 group\n  {alike}\n" in out
    assert "\n14 files or folders passed over:\n  class folders without an image: 1 (" in out
    found = read(tmp_path / "out")
    assert found["lookalikes"] == [["tee/Model", "tee/m\u043edel"]]
    assert [each["n_paths"] for each in found["passed_over"]] == [1, 1, 12]
    html = (tmp_path / "out/audit.html").read_text("utf-8")
    assert "tee/m\u043edel" in html and "audit.json lists all" in html and "<xcf>" not in html and "tee/03" in html


def test_missing_images_of_a_table_are_unreadable(shop_folder, tmp_path, capsys):
    table = shop_folder / "labels.csv"
    rows = table.read_text("utf-8").splitlines()
    table.write_text("\n".join([*rows, rows[1].replace(".jpg", "-lost.jpg")]), "utf-8")
    status, out, err = call(capsys, "--labels", table, "--out", tmp_path / "out")
    assert (status, err) == (0, "") and "Cannot be read: 1 image\n" in out and "-lost.jpg: no such file" in out
    (unreadable,) = read(tmp_path / "out")["unreadable"]
    assert unreadable["position"] is None and unreadable["name"].endswith("-lost.jpg")


def test_a_table_with_groups_a_hierarchy_and_a_split(shop_folder, tmp_path, capsys):
    rows = (shop_folder / "labels.csv").read_text("utf-8").splitlines()
    copies = shop_folder / "copies"
    copies.mkdir()
    source = shop_folder / rows[1].split(",")[0]
    (copies / "a.jpg").write_bytes(source.read_bytes())
    marks = ["split", *("train" for _ in rows[1:])]
    lines = [f"{row},{mark}" for row, mark in zip(rows, marks)]
    lines.append(f"{lines[1].replace(rows[1].split(',')[0], 'copies/a.jpg').removesuffix('train')}test")
    (tmp_path / "split.csv").write_text("\n".join(lines), "utf-8")
    status, out, err = call(
        capsys, shop_folder, "--labels", tmp_path / "split.csv", "--levels", "kind,class", "--group-column", "group",
        "--split-column", "split", "--out", tmp_path / "out",
    )
    assert (status, err) == (0, "")
    assert "Across the official split: 1 test image with a duplicate in training" in out
    found = read(tmp_path / "out")
    assert found["leaks"] == {"pairs": 1, "images": 1, "by_fold": [1], "same_photo": 1}
    assert [each["column"] for each in found["associations"]] == ["split"]  # that of levels says nothing


def test_unreadable_images_and_faults_are_listed(shop_folder, tmp_path, capsys):
    for name, (content, _) in UNREADABLE.items():
        (shop_folder / "tee/01" / f"{name}.jpg").write_bytes(content)
    (shop_folder / "tee/01/lies.jpg").write_bytes(encoded(Image.new("RGB", (300, 300), "white"), "PNG"))
    status, out, _ = call(capsys, shop_folder, "--out", tmp_path / "out")
    assert status == 0 and f"Cannot be read: {len(UNREADABLE)} images" in out
    assert "Wrong ending (" in out and "PNG, named .jpg" in out and "One color (" in out
    found = read(tmp_path / "out")
    reasons = " ".join(each["reason"] for each in found["unreadable"])
    assert all(word in reasons for _, word in UNREADABLE.values())
    assert {each["kind"] for each in found["faults"]} == {"one color", "wrong ending"}
    assert "cannot be read" in (tmp_path / "out/audit.html").read_text("utf-8")


def test_a_second_audit_computes_no_feature(shop_folder, tmp_path, capsys):
    outs = [
        call(capsys, shop_folder, "--out", tmp_path / name, "--store", tmp_path / "store")[1] for name in ("one", "two")
    ]
    assert "features computed for 24" in outs[0] and "features computed for 0" in outs[1]
    found = [out.partition("\nWritten to")[0].splitlines()[1:] for out in outs]
    assert found[0] == found[1]


def test_one_class_and_classes_of_one_image(shop_folder, tmp_path, capsys):
    status, out, _ = call(capsys, shop_folder / "tee", "--out", tmp_path / "out")
    assert status == 0 and "Images of a class: 6" in out
    for folder in ("01", "02"):
        for file in sorted((shop_folder / "tee" / folder).iterdir())[1:]:
            file.unlink()
    status, out, _ = call(capsys, shop_folder / "tee", "--out", tmp_path / "out")
    assert status == 0 and "fewer than five: 0" in out
    assert "Note: labels were not judged: expected at least two classes with two images (or groups) each, got 0" in out


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "expected IMAGES, .*, got neither; name one"),
        (["{shop}/none"], "expected a folder of images, got .*none, which does not exist; correct the path"),
        (["{empty}"], "has no images; expected"),
        (["{broken}"], "none of the 1 images can be read; the first: .*the file is empty"),
        (["{shop}", "--network", "vgg"], "no network 'vgg'"),
        (["{shop}", "--split-column", "split"], "--split-column needs --labels"),
        (["{shop}", "--out", "{shop}/labels.csv"], "cannot write to the output folder"),
        (["{shop}", "--seed", "x"], "--seed: expected an integer of at least 0, got .x."),
    ],
)
def test_bad_input_is_one_line_with_status_2(shop_folder, tmp_path, capsys, arguments, message):
    for name in ("empty", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken/a.jpg").touch()
    places = {"shop": shop_folder, "empty": tmp_path / "empty", "broken": tmp_path / "broken"}
    arguments = [argument.format(**places) for argument in arguments]
    out = [] if "--out" in arguments else ["--out", tmp_path / "out"]
    status, printed, err = call(capsys, *arguments, *out)
    assert (status, printed) == (2, "") and re.fullmatch(rf"error: .*{message}.*\n", err), err
    assert not (tmp_path / "out/audit.json").exists()


def test_hostile_names_are_shown_as_text(tmp_path):
    """Wherever the page names a class or a file."""
    shop = make_shop(5, 5, random_state=0)
    folder = tmp_path / "images"
    folder.mkdir()
    files = []
    for number, image in enumerate(shop.images):
        files.append(folder / f"{number}<img src=x>\"'\n\u202e.jpg")
        Image.fromarray(image).save(files[-1])
    broken = folder / "<b>broken.jpg"
    broken.write_bytes(b"<b>")
    labels = np.array(HOSTILE)[np.arange(25) // 5]
    collection = ImageCollection([*files, files[0], broken], [*labels, HOSTILE[1], HOSTILE[0]],
                                 columns={"<i>": [str(i % 2) for i in range(27)]})
    found = audit(collection)
    written = write_audit(found, tmp_path / "out")
    assert [file.name for file in written] == [
        "audit.json", "duplicates.csv", "suspects.csv", "clean.csv", "left-out.csv", "audit.html"
    ]
    html = written[5].read_text("utf-8")
    for tag in ("<script", "<img src=x", "<b>broken", "<i>"):
        assert tag not in html
    assert "&lt;script&gt;" in html and "\u202e" not in html and "different labels" in html
    text = format_audit(found)
    assert all(line.isprintable() for line in text.splitlines()) and "\u202e" not in text
    assert json.loads(written[0].read_text("utf-8"))["images"][0]["label"] == HOSTILE[0]


def test_arrays_and_bytes_instead_of_files(shop, tmp_path):
    images = [*shop.images, encoded(Image.fromarray(shop.images[0]), "PNG"), Image.fromarray(shop.images[1])]
    found = audit(ImageCollection(images, [*shop.labels, shop.labels[-1], shop.labels[1]]))
    assert found.duplicates.pairs.tolist() == [[0, 32], [1, 33]] and found.conflicts.tolist() == [0]
    assert found.name(32).startswith("image 32 (an image of ")
    written = write_audit(found, tmp_path)
    assert "clean.csv" not in [file.name for file in written], "arrays have no path"
    html = written[-1].read_text("utf-8")
    assert "image 32 (an image of" in html
    unlabeled = audit(images)
    assert unlabeled.labels is None and unlabeled.issues == {} and len(unlabeled.duplicates.pairs) == 2


def test_conflicts_of_equal_images_come_first(shop):
    near = Image.fromarray(shop.images[0]).resize((120, 120))
    collection = ImageCollection([*shop.images, near, shop.images[9]], [*shop.labels, "other", "other"])
    found = audit(collection)
    kinds = found.duplicates.kinds[found.conflicts].tolist()
    assert kinds == ["exact", "near"]


def test_images_that_look_alike_are_no_conflict(shop):
    gray = Image.fromarray(shop.images[0]).convert("L")
    found = audit(ImageCollection([*shop.images, gray], [*shop.labels, "other"]))
    assert found.duplicates.kinds.tolist() == ["alike"] and len(found.conflicts) == 0 and not found.left_out
    text = format_audit(found)
    assert "The same photo: 0 pairs" in text and "Look alike: 1 pair (1 alike, 0 embedding) in 1 group" in text


def test_the_clean_table_is_a_table_of_labels(shop_folder, tmp_path, capsys):
    """It has the same columns as the table that was audited, without copies, contradictions and useless images."""
    rows = (shop_folder / "labels.csv").read_text("utf-8").splitlines()
    files = [row.split(",")[0] for row in rows[1:]]
    for number, source in enumerate((files[0], files[1])):
        (shop_folder / f"copy{number}.jpg").write_bytes((shop_folder / source).read_bytes())
    Image.new("RGB", (80, 80), "white").save(shop_folder / "flat.jpg")
    (shop_folder / "broken.jpg").write_bytes(b"no image")
    same, contradiction = (rows[number].split(",", 1)[1] for number in (1, -1))
    rows += [f"copy0.jpg,{same}", f"copy1.jpg,{contradiction}", f"flat.jpg,{same}", f"broken.jpg,{same}"]
    (shop_folder / "labels.csv").write_text("\n".join(rows), "utf-8")
    columns = ["--levels", "kind,class", "--group-column", "group"]
    status, out, err = call(capsys, "--labels", shop_folder / "labels.csv", *columns, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    left_out = "1 unreadable, 1 unusable, 1 same photo, 2 same photo, another label"
    assert f"To train on: 23 images; left out: {left_out}\n" in out
    clean = load_table(tmp_path / "out/clean.csv", group_column="group", columns=["kind"])
    audited = load_table(shop_folder / "labels.csv", group_column="group", columns=["kind"])
    kept = [position for position in range(24) if position != 1]
    assert clean.paths == [audited.paths[i] for i in kept]
    for name in ("labels", "groups"):
        assert getattr(clean, name).tolist() == getattr(audited, name)[kept].tolist()
    assert clean.columns["kind"].tolist() == audited.columns["kind"][kept].tolist()
    with open(tmp_path / "out/left-out.csv", newline="", encoding="utf-8") as file:
        left_out = {row["image"].rsplit("/", 1)[-1]: row for row in csv.DictReader(file)}
    assert {name: row["reason"] for name, row in left_out.items()} == {
        files[1].rsplit("/", 1)[-1]: "same photo, another label", "copy0.jpg": "same photo",
        "copy1.jpg": "same photo, another label", "flat.jpg": "unusable", "broken.jpg": "unreadable",
    }
    assert left_out["copy0.jpg"]["other"].endswith(files[0]) and left_out["broken.jpg"]["detail"]
    again, _, err = call(capsys, "--labels", tmp_path / "out/clean.csv", *columns, "--out", tmp_path / "again")
    assert (again, err) == (0, "") and read(tmp_path / "again")["left_out"] == []


def test_labels_are_written_to_the_clean_table_as_they_are(tmp_path, shop):
    """Even where a spreadsheet would read a formula: an apostrophe in front would make another class."""
    files = []
    for number, image in enumerate(shop.images):
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(image).save(files[-1])
    labels = np.array(["=1+1", "-2", "a,b", 'c"d'])[np.arange(len(files)) % 4]
    write_audit(audit(ImageCollection(files, labels)), tmp_path / "out")
    assert load_table(tmp_path / "out/clean.csv").labels.tolist() == labels.tolist()


def test_the_ranking_of_suspects_is_a_choice(shop_folder, tmp_path, capsys):
    found = {}
    for rank, key in (("ratio", "ratio"), ("margin", "margin")):
        assert call(capsys, shop_folder, "--rank", rank, "--out", tmp_path / rank)[0] == 0
        found[rank] = [each[key] for each in read(tmp_path / rank)["suspects"]]
    assert found["ratio"] == sorted(found["ratio"], reverse=True) and found["margin"] == sorted(found["margin"])


def test_a_suspect_is_shown_beside_an_example_of_the_suggested_class(tmp_path):
    shop = make_shop(n_classes=3, n_per_class=8, random_state=0)
    found = audit(ImageCollection(shop.images, np.roll(shop.labels, 1)))
    issues = found.issues["class"]
    example, suggested = int(issues.examples[0]), issues.suggested[0]
    assert example >= 0 and found.labels[example] == suggested
    assert f"compare with {found.name(example)}" in format_audit(found)
    html = write_audit(found, tmp_path)[-1].read_text("utf-8")
    assert f"a certain <b><bdi>{suggested}</bdi></b>" in html


def test_a_section_shows_a_limited_number_of_thumbnails(shop, tmp_path, monkeypatch):
    """And says how many more there are."""
    monkeypatch.setattr("twoflow.report.audit.page._MOST", 10)
    found = audit([*shop.images, *shop.images, *[np.zeros((50, 50, 3), np.uint8)] * 9])
    html = write_audit(found, tmp_path)[-1].read_text("utf-8")
    assert len(set(found.duplicates.groups.tolist())) == 33 and 15 <= html.count("data:image/jpeg") <= 20
    assert "and 28 more groups" in html and "and 4 more" in html


def test_help(capsys):
    status, out, _ = call(capsys, "--help")
    assert status == 0 and "\nexamples:\n  twoflow audit shoes/\n" in out
    for option in ("--labels", "--group-column", "--network", "--out", "--jobs", "--quiet", "--no-store"):
        assert option in out


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "shop.twoflow"
    shop = make_shop(3, 6, random_state=0)
    flows = [("pixels", RawPixels((8, 8)), "passthrough")]
    save(FlowClassifier(flows, LogisticRegression(max_iter=200)).fit(shop), path, collection=shop, gallery=True)
    return path


def test_what_to_label_next(model_file, tmp_path, capsys):
    """A folder with a broken image and one of the training images; others are found in class folders too."""
    folder = tmp_path / "=unlabeled"
    make_shop(3, 6, folder=folder, random_state=1)
    Image.fromarray(make_shop(3, 6, random_state=0).images[0]).save(folder / "tee/01/known.png")
    (folder / "tee/01/broken.jpg").write_bytes(b"no image")
    arguments = [folder, "--label-next", "4", "--model", model_file]
    status, out, err = call(capsys, *arguments, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert out.startswith("4 images to label next, of 20 images checked in ") and "\n  and 1 more" not in out
    assert "Left out: 1 showing a photo that is labeled already, 1 unreadable\n" in out and "broken.jpg" in out
    with open(tmp_path / "out/label-next.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"] and not any("known" in row["path"] for row in rows)
    status, out, err = call(capsys, *arguments, "--labeled", folder, "--out", tmp_path / "none")
    assert (status, err) == (0, "") and "0 images to label next" in out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["{shop}", "--label-next", "4"], "--label-next: expected IMAGES, .*, and --model, .*; add the other"),
        (["--label-next", "4", "--model", "{model}"], "--label-next: expected IMAGES, .*, and --model"),
        (["{shop}", "--label-next", "0", "--model", "{model}"], "--label-next: expected an integer of at least 1"),
        (["{shop}", "--model", "{model}"], "--model needs --label-next, the number of images to choose; add it"),
        (["{shop}", "--label-next", "4", "--model", "{model}", "--labels", "x.csv"], "leave out --labels"),
        (["{shop}", "--label-next", "4", "--model", "{shop}/none"], "none.* does not exist|no such file"),
    ],
)
def test_bad_questions_for_what_to_label_next(shop_folder, model_file, tmp_path, capsys, arguments, message):
    arguments = [argument.format(shop=shop_folder, model=model_file) for argument in arguments]
    status, printed, err = call(capsys, *arguments, "--out", tmp_path / "out")
    assert (status, printed) == (2, "") and re.fullmatch(rf"error: .*({message}).*\n", err), err
    assert not (tmp_path / "out").exists()
