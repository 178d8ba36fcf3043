"""Call the command twoflow cv as a person or a script would."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from markupsafe import escape
from PIL import Image

from twoflow import make_shop
from twoflow.commands import cv
from twoflow.commands.program import run

from ..images.hostile import UNREADABLE
from ..terminal import default_signals
from .calling import call_with

METHODS = "pixels:8x6:leaves:confidence"
QUICK = ["--methods", "projection,cnn:stage1", "--folds", "2", "--jobs", "1", "--quiet"]


@pytest.fixture
def shop_folder(tmp_path):
    folder = tmp_path / "my shöp 靴"
    make_shop(n_classes=4, n_per_class=6, n_duplicates=6, folder=folder, random_state=0)
    return folder


def call(capsys, *arguments):
    """Return the command's exit status, standard output and standard error."""
    return call_with(capsys, partial(run, cv.main), *arguments)


def test_a_folder(shop_folder, tmp_path, capsys):
    status, out, err = call(capsys, shop_folder, *QUICK, "--out", tmp_path / "report")
    assert (status, err) == (0, "")
    assert "\n\n30 images, 4 classes\n2-fold stratified cross-validation, seed 0" in out
    report = json.loads((tmp_path / "report/report.json").read_text("utf-8"))
    assert out.startswith("\n".join(report["answer"]["sentences"]) + "\n\n")
    assert [method["name"] for method in report["methods"]] == ["projection", "cnn:stage1"]
    assert (tmp_path / "report/report.txt").read_text("utf-8").rstrip() in out
    assert "report.json, scores.csv, predictions.csv, report.html\n" in out
    assert shlex.split(report["command"])[:3] == ["twoflow", "cv", str(shop_folder)]
    html = (tmp_path / "report/report.html").read_text("utf-8")
    assert escape(report["command"]) in html and "<img" in html


def test_the_command_line_in_the_report_is_quoted_and_has_no_secrets():
    url = "https://host/shop?sig=abc&x=1"
    assert cv._command_line([url, "--methods", "a b", "--seed", "3"]) == (
        "twoflow cv 'https://host/shop?sig=***&x=***' --methods 'a b' --seed 3"
    )
    assert "secret" not in cv._command_line(["--labels=s3://me:secret@bucket/labels.csv"])


def test_a_table(shop_folder, tmp_path, capsys):
    labels = ["--labels", shop_folder / "labels.csv", "--label-column", "kind", "--group-column", "group"]
    status, out, _ = call(capsys, shop_folder, *labels, *QUICK, "--out", tmp_path / "report")
    assert status == 0
    assert "30 images in 24 groups, 2 classes\n2-fold stratified group cross-validation" in out


def test_several_label_columns_are_several_targets(shop_folder, tmp_path, capsys):
    labels = ["--labels", shop_folder / "labels.csv", "--label-column", "kind,class", "--folds", "2", "--quiet"]
    status, out, _ = call(capsys, shop_folder, *labels, "--methods", "fast", "--out", tmp_path / "report")
    assert status == 0
    assert re.search(r"^method +features +exact match +Hamming loss ", out, re.MULTILINE)
    assert re.search(r"^by target +accuracy of kind .* accuracy of class ", out, re.MULTILINE)


def test_levels_of_a_table_and_of_folders(shop_folder, tmp_path, capsys):
    table = ["--labels", shop_folder / "labels.csv", "--levels", "kind,class"]
    for number, images in enumerate(([shop_folder, *table], [shop_folder, "--levels", "kind,class"])):
        out = tmp_path / f"report{number}"
        status, printed, _ = call(capsys, *images, "--folds", "2", "--quiet", "--methods", METHODS, "--out", out)
        assert status == 0
        assert "\n30 images, levels kind: 2 classes, class: 4 classes\n" in printed or number
        assert f"\nin the hierarchy {METHODS} " in re.sub(" {2,}", " ", printed)
        document = json.loads((out / "report.json").read_text())
        assert [level["name"] for level in document["dataset"]["hierarchy"]["levels"]] == ["kind", "class"]
        means = {name: score["mean"] for name, score in document["methods"][0]["scores"].items()}
        assert means["exact_match"] <= means["hierarchical_recall"] <= means["accuracy:kind"]
        assert 'id="levels-title">Hierarchy' in (out / "report.html").read_text()


def test_rare_classes_and_another_source(shop_folder, tmp_path, capsys):
    rows = list(csv.reader((shop_folder / "labels.csv").read_text("utf-8").splitlines()))
    table = tmp_path / "labels.csv"
    with open(table, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([*row, "shop" if i == 0 else f"shop {i % 3}"] for i, row in enumerate(rows))
    arguments = [
        shop_folder, "--labels", table, "--leave-one-out-column", "shop", "--methods", "cnn:kernel-ridge",
        "--folds", "4", "--class-weight", "balanced", "--max-per-class", "3", "--jobs", "1", "--quiet",
        "--out", tmp_path / "report",
    ]
    status, out, err = call(capsys, *arguments)
    assert (status, err) == (0, "")
    assert "3-fold leave-one-shop-out cross-validation; at least 20 trained on, 10 tested" in out
    assert "each fold tests the images of another shop: shop 2 (10), shop 1 (10) and shop 0 (10); the mean over" in out
    assert "with the class weights balanced and on at most 3 training images of each class" in " ".join(out.split())
    assert "--folds has no effect, because the folds come from --leave-one-out-column" in " ".join(out.split())
    report = json.loads((tmp_path / "report/report.json").read_text("utf-8"))
    assert report["folds"]["column"] == "shop"
    assert [split["held_out"] for split in report["folds"]["splits"]] == ["shop 0", "shop 1", "shop 2"]
    scores = (tmp_path / "report/scores.csv").read_text("utf-8").splitlines()
    assert "held_out" in scores[0].split(",") and "shop 2" in scores[3].split(",")
    same = ["--folds-from", tmp_path / "report", "--methods", "cnn:kernel-ridge", "--jobs", "1", "--quiet"]
    status, again, _ = call(capsys, shop_folder, *same, "--out", tmp_path / "again")
    assert status == 0 and "3-fold leave-one-shop-out cross-validation" in again and "another shop: shop 2" in again
    assert "class weights" not in again


def test_small_classes_are_left_out(shop_folder, tmp_path, capsys):
    for file in sorted((shop_folder / "tee/01").glob("*.*"))[2:]:
        file.unlink()
    arguments = [shop_folder, *QUICK, "--out", tmp_path / "report"]
    status, out, _ = call(capsys, *arguments, "--min-per-class", "3")
    assert status == 0 and "3 classes\n" in out and "\nLeft out, 1 class with too few images: tee/01 (2)\n" in out
    status, _, err = call(capsys, *arguments, "--min-per-class", "30")
    assert status == 2 and "error: no class has 30 images; the largest has" in err


def test_a_learning_curve_and_the_same_folds_again(shop_folder, tmp_path, capsys):
    _, out, _ = call(capsys, shop_folder, *QUICK, "--train-sizes", "0.5,1", "--out", tmp_path / "first")
    header, first, second = r"accuracy +8 trained on +15 trained on", r"projection +0.\d+ ± .*", "cnn:stage1 "
    assert re.search(rf"^{header}\n-+\n{first}\n{second}", out, re.MULTILINE), out
    report = json.loads((tmp_path / "first/report.json").read_text("utf-8"))
    assert report["learning_curve"]["shares"] == [0.5, 1.0]
    curve, method = report["learning_curve"]["methods"][0], report["methods"][0]
    assert curve["scores"]["accuracy"][1]["folds"] == method["scores"]["accuracy"]["folds"]
    arguments = [shop_folder, *QUICK, "--folds-from", tmp_path / "first"]
    _, out, _ = call(capsys, *arguments, "--repeats", "2", "--out", tmp_path / "second")
    for option in ("--folds", "--repeats"):
        assert f"Note: {option} has no effect, because the folds come from --folds-from\n" in out
    assert (tmp_path / "first/scores.csv").read_bytes() == (tmp_path / "second/scores.csv").read_bytes()
    status, _, err = call(capsys, shop_folder, *QUICK, "--folds-from", tmp_path / "none.json")
    assert status == 2 and re.fullmatch("error: .*none.json.*\n", err)


def test_the_papers_protocol_and_an_official_split(shop_folder, tmp_path, capsys):
    _, out, _ = call(
        capsys, shop_folder, *QUICK, "--test-size", "0.25", "--repeats", "3", "--out", tmp_path / "report"
    )
    assert "3 stratified random splits" in out
    assert "Note: --folds has no effect, because the folds come from --test-size\n" in out
    rows = (shop_folder / "labels.csv").read_text("utf-8").splitlines()
    marks = ["split", *("test" if i % 3 == 0 else "train" for i in range(len(rows) - 1))]
    (tmp_path / "split.csv").write_text("\n".join(map(",".join, zip(rows, marks))), "utf-8")
    _, out, _ = call(
        capsys, shop_folder, *QUICK, "--labels", tmp_path / "split.csv", "--split-column", "split",
        "--out", tmp_path / "report",
    )
    assert "official split" in out and "20 trained on, 10 tested" in out


@pytest.fixture
def split_folder(shop_folder, tmp_path):
    """The shop in folders train, val and test, each with class folders."""
    folder = tmp_path / "split"
    for number, file in enumerate(sorted(shop_folder.glob("*/*/*.jpg"))):
        part = ("train", "train", "test", "val")[number % 4]
        place = folder / part / file.parent.name
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.jpg").write_bytes(file.read_bytes())
    return folder


def test_folders_of_an_official_split(split_folder, tmp_path, capsys):
    arguments = [split_folder, "--methods", "projection", "--jobs", "1", "--quiet", "--out", tmp_path / "report"]
    status, out, err = call(capsys, *arguments)
    assert (status, err) == (0, "")
    sizes = [sum(1 for _ in (split_folder / part).rglob("*.jpg")) for part in ("train", "test", "val")]
    assert f"official split; at least {sizes[0]} trained on, {sizes[1]} tested, {sizes[2]} neither\n" in out
    note = "train, val and test are folders of an official split, kept in the column 'split'"
    assert f"Note: {note}\n" in out
    report = json.loads((tmp_path / "report/report.json").read_text("utf-8"))
    assert report["folds"]["kind"] == "official split" and report["dataset"]["notes"][0] == note
    _, again, _ = call(capsys, *arguments, "--split-column", "split")
    assert again.partition("Features")[0] == out.partition("Features")[0]
    _, out, _ = call(capsys, *arguments, "--folds", "2", "--group-duplicates")
    assert "2-fold stratified group cross-validation" in out
    asked = "because --folds and --group-duplicates asked for other folds"
    assert f"Note: the official split is not used, {asked}\n" in out


def test_files_and_folders_passed_over_are_listed(shop_folder, tmp_path, capsys):
    for number, file in enumerate(sorted((shop_folder / "tee/01").glob("*.jpg"))[:3]):
        file.rename(file.with_suffix(("", ".xcf", ".jpg?w=1")[number]))
    (shop_folder / "tee/@eaDir").mkdir()
    (shop_folder / "tee/03").mkdir()
    (shop_folder / "tee/logo.jpg").write_bytes(b"not looked at")
    status, out, err = call(capsys, shop_folder, *QUICK, "--out", tmp_path / "report")
    assert (status, err) == (0, "")
    assert "\n\n27 images, 4 classes\n" in out and "\n7 files or folders passed over:\n" in out
    for reason, name in (
        ("class folders without an image", "tee/03"), ("files with the ending .xcf", ".xcf"),
        ("files without an ending", "/tee/01/"), ("files with a URL query after their ending", ".jpg?w=1"),
        ("files and folders created by programs or systems", "@eaDir"),
        ("images above the class folders", "tee/logo.jpg"), ("files with the ending .csv", "labels.csv"),
    ):
        assert re.search(rf"^  {reason}.*: 1 \(.*{re.escape(name)}.*\)$", out, re.MULTILINE), (reason, out)
    dataset = json.loads((tmp_path / "report/report.json").read_text("utf-8"))["dataset"]
    assert sum(each["n_paths"] for each in dataset["passed_over"]) == 7
    assert "tee/@eaDir" in (tmp_path / "report/report.html").read_text("utf-8")


def test_missing_images_of_a_table(shop_folder, tmp_path, capsys):
    table = shop_folder / "labels.csv"
    rows = table.read_text("utf-8").splitlines()
    rows[3:3] = [rows[1].replace(".jpg", "-lost.jpg")]
    table.write_text("\n".join(rows), "utf-8")
    arguments = ["--labels", table, *QUICK, "--out", tmp_path / "report"]  # without IMAGES: where the table lies
    status, out, err = call(capsys, *arguments)
    assert (status, err) == (0, "") and "\n\n30 images, 4 classes\n" in out
    assert re.search(r"Left out, 1 image that cannot be read:\n  .*-lost.jpg: no such file\n", out)
    assert "Note: 1 of 31 images that" in out and "images/s" in out
    status, out, err = call(capsys, *arguments, "--missing", "error")
    assert status == 2 and re.fullmatch("error: 1 of 31 images .*: row 3: .*-lost.jpg; correct .*\n", err)


def test_images_by_a_pattern(shop_folder, tmp_path, capsys):
    table = tmp_path / "ids.csv"
    files = sorted(shop_folder.glob("*/*/*.jpg"))
    rows = [f"{file.relative_to(shop_folder).with_suffix('')};{file.parent}" for file in files]
    table.write_text("\n".join(["id;class", *rows]), "utf-8")
    arguments = [shop_folder, "--labels", table, "--image-pattern", "{id}.jpg", *QUICK, "--out", tmp_path / "report"]
    status, out, err = call(capsys, *arguments)
    assert (status, err) == (0, "") and "\n\n30 images, 4 classes\n" in out


def test_the_same_seed_gives_the_same_scores_on_any_number_of_workers(shop_folder, tmp_path, capsys):
    for out, jobs, seed in (("one", 1, 3), ("two", 2, 3), ("other", 2, 4)):
        arguments = ["--methods", "two-flow,cnn:stage1", "--folds", 3, "--jobs", jobs, "--seed", seed, "--quiet"]
        assert call(capsys, shop_folder, *arguments, "--out", tmp_path / out)[0] == 0
    one, two, other = ((tmp_path / out / "scores.csv").read_bytes() for out in ("one", "two", "other"))
    assert one == two != other


def test_features_are_stored_and_reused(shop_folder, tmp_path, capsys):
    arguments = [shop_folder, *QUICK, "--overwrite", "--out", tmp_path / "report"]
    _, cold, _ = call(capsys, *arguments)
    folder = tmp_path / "cache" / "twoflow"
    assert "images/s" in cold and f"\nFeatures and finished folds kept in {folder}: " in cold
    scores = (tmp_path / "report/scores.csv").read_bytes()
    _, warm, _ = call(capsys, *arguments, "--store", folder)
    assert "(30 of 30 from the store)" in warm and (tmp_path / "report/scores.csv").read_bytes() == scores
    assert json.loads((tmp_path / "report/report.json").read_text("utf-8"))["environment"]["n_computed"] == 0
    _, plain, _ = call(capsys, *arguments, "--no-store")
    assert "images/s" in plain and "Features and finished folds kept" not in plain
    assert (tmp_path / "report/scores.csv").read_bytes() == scores
    status, out, err = call(capsys, *arguments, "--store", shop_folder / "labels.csv")
    assert status == 0 and "images/s" in out and "Features and finished folds kept" not in out
    assert (tmp_path / "report/scores.csv").read_bytes() == scores
    assert re.fullmatch(r"warning: the store in .*labels.csv cannot be used \(.*\): features are .* not kept\n", err)


def test_unreadable_images_are_listed(shop_folder, tmp_path, capsys):
    for name, (content, _) in UNREADABLE.items():
        (shop_folder / "tee/01" / f"{name}.jpg").write_bytes(content)
    status, out, err = call(capsys, shop_folder, *QUICK, "--out", tmp_path / "report")
    assert (status, err) == (0, "")
    assert f"Left out, {len(UNREADABLE)} images that cannot be read:" in out
    listed = json.loads((tmp_path / "report/report.json").read_text("utf-8"))["dataset"]["unreadable"]
    reasons = {os.path.basename(entry["path"]).removesuffix(".jpg"): entry["reason"] for entry in listed}
    assert all(word in reasons[name] for name, (_, word) in UNREADABLE.items())
    assert all(reason in out for reason in reasons.values())


def test_every_kind_of_readable_image(shop_folder, tmp_path, capsys):
    boots = shop_folder / "dress/01"
    Image.new("CMYK", (9, 9)).save(boots / "cmyk.jpg")
    Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(boots / "16-bit.png")
    Image.new("P", (9, 9)).save(boots / "palette.gif", transparency=0)
    Image.new("L", (1, 1)).save(boots / "1x1.png")
    status, out, _ = call(capsys, shop_folder, *QUICK, "--out", tmp_path / "report")
    assert status == 0 and "\n\n34 images" in out and "Left out" not in out


def test_a_method_whose_extra_is_not_installed(shop_folder, tmp_path, capsys, monkeypatch):
    """Named, it is an error of one line. With --methods all it is left out, and the report says so."""
    monkeypatch.setattr("twoflow.deep.extra._is_installed", lambda name: False)
    arguments = [shop_folder, "--folds", "2", "--jobs", "1", "--quiet", "--out", tmp_path / "report"]
    reason = 'needs torch and skorch: pip install "twoflow[torch]"'
    status, out, err = call(capsys, *arguments, "--methods", "two-flow,convnet")
    assert (status, out, err) == (2, "", f"error: the method 'convnet' {reason}\n")
    monkeypatch.setattr("twoflow.evaluation.methods.METHODS", ("projection",))  # instead of all, the quickest
    status, out, _ = call(capsys, *arguments, "--methods", "all")
    assert status == 0 and f"Not compared: convnet: {reason}\n" in out
    report = json.loads((tmp_path / "report/report.json").read_text("utf-8"))
    assert report["left_out"] == [{"name": "convnet", "reason": reason}]
    assert "convnet" not in (tmp_path / "report/scores.csv").read_text("utf-8")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["{shop}/none"], "expected a folder of images, got .*none, which does not exist; correct the path"),
        (["{shop}/labels.csv"], "got the file .*labels.csv; name a folder, or name a table with --labels"),
        (["{empty}"], "has no images; expected"),
        (["{shop}/tee"], "10 folds need 10 images of each class; .*: ask for at most 6 folds"),
        (["{shop}/tee", "--folds", "50"], "50 folds need 50 images of each class; .* ask for at most"),
        (["{shop}/tee/01"], "is in no class folder"),
        (["{one}"], "only one class"),
        (["{loop}"], "link that leads back"),
        (["{shop}", "--methods", "two-folw"], "no method 'two-folw'; did you mean two-flow"),
        (["{shop}", "--methods", ""], "--methods: expected names with commas between them, got ''"),
        (["{shop}", "--methods", "cnn,cnn"], "expected distinct names, got 'cnn' 2 times"),
        (["{shop}", "--methods", "cnn:ldaa"], "expected a layer of efficientnet-lite0 or a head, got 'ldaa'"),
        (["{shop}", "--network", "vgg"], "no network 'vgg'"),
        (["{shop}", "--folds", "1"], "--folds: expected an integer of at least 2, got .1."),
        (["{shop}", "--repeats", "0"], "--repeats: expected an integer of at least 1, got .0."),
        (["{shop}", "--test-size", "2"], "share to test"),
        (["{shop}", "--group-column", "group"], "--group-column needs --labels"),
        (["{shop}", "--labels", "{shop}/none.csv"], "none.csv: no such file or directory; correct the path"),
        (["{shop}", "--methods", "cnn,"], "--methods: expected names with commas between them, got 'cnn,'"),
        (["{shop}", "--folds-from", "{shop}/labels.csv"], "expected the report.json .*, got another file; name the"),
        (["{shop}", "--labels", "{shop}/labels.csv", "--label-column", "type"], "has no column 'type'; it has 'path'"),
        (["{shop}", "--levels", "a,a"], "--levels: expected different names with commas between them, got 'a,a'; see"),
        (["{shop}", "--levels", "a,b,c"], "levels: expected labels of 'c', got none; leave this level out"),
        (["{shop}", "--labels", "{shop}/labels.csv", "--levels", "brand,class"], "has no column 'brand'"),
        (["{shop}", "--labels", "x", "--levels", "a,b", "--label-column", "b"], "leave out --label-column"),
        (["{shop}", "--labels", "{nan}"], "row 2: column 'class' is empty"),
        (["{shop}", "--labels", "{lost}"], "1 of 1 images .* are missing from .*: row 1: none.jpg; correct the table"),
        (["{shop}", "--labels", "{lost}", "--missing", "drop"], "--missing: invalid choice: 'drop'"),
        (["{shop}", "--labels", "{lost}", "--image-pattern", "{{id}}.jpg"], "has no column 'id'; it has 'path'"),
        (["{shop}", "--labels", "{lost}", "--image-pattern", "a.jpg"], "image pattern 'a.jpg' has no column in braces"),
        (["{shop}", "--image-pattern", "{{id}}.jpg"], "--image-pattern needs --labels"),
        (["{shop}", "--labels", "x", "--image-pattern", "x", "--image-column", "y"], "not allowed with argument"),
        (["{shop}", "--split-column", "split"], "--split-column needs --labels.*; or IMAGES with the folders"),
        (["{shop}", "--out", "{shop}/labels.csv"], "cannot write to the output folder"),
        (["{shop}", "--jobs", "0"], "--jobs: expected"),
        (["{shop}", "--seed", "-1"], "--seed: expected an integer of at least 0"),
        (["--split-column", "split"], "--split-column needs --labels"),
        (["{shop}", "--min-per-class", "0"], "--min-per-class: expected"),
        (["{shop}", "--store", "x", "--no-store"], "not allowed with argument"),
        (["{shop}", "--train-sizes", "0.5,2"], "--train-sizes: expected shares above 0 and at most 1, .* got"),
        (["{shop}", "--leave-one-out-column", "color"], "--leave-one-out-column needs --labels, the table with that"),
        (["{shop}", "--labels", "{shop}/labels.csv", "--leave-one-out-column", "shop"], "has no column 'shop'"),
        (["{shop}", "--labels", "{shop}/labels.csv", "--leave-one-out-column", "group", "--test-size", "0.5"],
         "at most one of .*, got test_size and leave_one_out_column; choose one"),
        (["{shop}", "--class-weight", "even"], "--class-weight: expected balanced, or each class once with a weight"),
        (["{shop}", "--class-weight", "a=1,a=2"], "--class-weight: expected balanced, or each class once"),
        (["{shop}", "--class-weight", "a=-1"], "--class-weight: expected balanced, or each class once"),
        (["{shop}", "--class-weight", "tee=2", "--folds", "2"], "expected classes such as .*, got 'tee', which no"),
        (["{shop}", "--class-weight", "balanced", "--methods", "fast:lda"], "a head that weighs classes, got lda; cho"),
        (["{shop}", "--max-per-class", "0"], "--max-per-class: expected an integer of at least 1, got '0'"),
        (["{shop}", "--test-size", "-1e-1"], "share to test must be above 0 and at most 0.5, got -0.1"),
        (["{shop}", "--train-sizes", "half"], "--train-sizes: expected shares"),
        (["{shop}", "--folds", "three"], "--folds: expected an integer"),
        (["{shop}", "--speed", "3"], "unrecognized arguments: --speed 3; see twoflow cv --help"),
    ],
)
def test_bad_input_is_one_line_with_status_2(shop_folder, tmp_path, capsys, arguments, message):
    places = {name: tmp_path / name for name in ("empty", "one", "loop", "nan", "lost")}
    places["empty"].mkdir()
    make_shop(1, 4, folder=places["one"] / "x", random_state=0)
    (places["loop"] / "a").mkdir(parents=True)
    (places["loop"] / "a" / "b").symlink_to(places["loop"])
    places["nan"].write_text("path,class\ntee/01/0001.jpg,a\ntee/01/0002.jpg,\n")
    places["lost"].write_text("path,class\nnone.jpg,a\n")
    arguments = [argument.format(shop=shop_folder, **places) for argument in arguments]
    out = [] if "--out" in arguments else ["--out", tmp_path / "report"]
    status, printed, err = call(capsys, *arguments, *out)
    assert status == 2 and printed == ""
    assert "Traceback" not in err
    assert re.fullmatch(rf"error: .*{message}.*\n", err), err
    assert not (tmp_path / "report" / "report.json").exists()


def test_the_default_methods_and_a_network_with_a_head(shop_folder, tmp_path, capsys):
    assert cv.make_parser().parse_args([]).methods == ["two-flow", "cnn", "fast"]
    arguments = [shop_folder, "--folds", "2", "--jobs", "1", "--quiet", "--out", tmp_path / "report"]
    status, _, err = call(capsys, *arguments, "--methods", "cnn:lda,pixels:240x180")
    assert (status, err) == (0, "")
    report = json.loads((tmp_path / "report/report.json").read_text("utf-8"))
    assert [method["name"] for method in report["methods"]] == ["cnn:lda", "pixels:240x180"]
    [note] = report["dataset"]["notes"]
    assert note.startswith("pixels:240x180 enlarges 30 of 30 images")


def test_help(capsys):
    status, out, _ = call(capsys, "--help")
    assert status == 0 and "\nexamples:\n  twoflow cv\n" in out
    for option in ("--labels", "--group-column", "--methods", "--folds", "--seed", "--jobs", "--out", "--quiet"):
        assert option in out


@pytest.mark.parametrize("module, seconds", [("sklearn", 0), ("onnxruntime", 0.5)], ids=["loading", "working"])
def test_ctrl_c(tmp_path, module, seconds):
    """An interrupt some seconds after the import of a module begins: status 130, one line, nothing written."""
    script = f"""
import os, runpy, signal, sys, threading
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            sys.meta_path.remove(self)
            threading.Timer({seconds}, os.kill, (os.getpid(), signal.SIGINT)).start()
sys.meta_path.insert(0, Interrupt())
runpy.run_module("twoflow.cv", run_name="__main__")
"""
    command = [sys.executable, "-c", script, "--out", tmp_path / "report", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=default_signals)
    assert (done.returncode, done.stderr) == (130, "interrupted; nothing was written\n")
    assert done.stdout == "" and not (tmp_path / "report" / "report.json").exists()


def test_the_report_is_written_although_the_reader_has_gone(shop_folder, tmp_path):
    command = [sys.executable, "-m", "twoflow.cv", shop_folder, *QUICK, "--no-store", "--out", tmp_path / "report"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait() == 141
    process.stderr.close()
    assert (tmp_path / "report/report.json").stat().st_size
