"""Call the command twoflow train as a person or a script would."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from argparse import ArgumentTypeError, Namespace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from twoflow import ImageCollection, TwoFlowClassifier, evaluation, load_folder, make_shop
from twoflow.commands import strategy as strategies
from twoflow.commands import train as command
from twoflow.commands.arguments import names
from twoflow.commands.program import run
from twoflow.models.model_file import open_model_file
from twoflow.predicting import thresholds
from twoflow.store import FeatureStore

from .calling import call_with


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Keep features for all tests, which train on the same images."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos") / "my shöp 靴"
    make_shop(n_classes=4, n_per_class=9, folder=folder, random_state=0)
    return folder


@pytest.fixture
def comparisons(monkeypatch):
    """Collect the comparisons that the command makes."""
    made, compare = [], evaluation.compare

    def kept(*arguments, **options):
        made.append(compare(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(evaluation, "compare", kept)
    return made


def call(capsys, store, *arguments):
    """Return the command's exit status, standard output and standard error."""
    return call_with(
        capsys, partial(run, command.main), *arguments, "--jobs", "1", "--quiet", *(["--store", store] if store else [])
    )


def write_table(folder, path, **columns):
    """Write a table of all images in a folder with a row of further columns for each."""
    paths = sorted(folder.rglob("*.jpg"))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", *columns])
        writer.writerows(zip(paths, *columns.values(), strict=True))
    return path


def test_from_a_folder_to_a_file(folder, store, tmp_path, capsys, comparisons):
    out = tmp_path / "new" / "shoes.twoflow"
    status, text, err = call(capsys, store, folder, "--out", out, "--folds", "3", "--title", "all shoes")
    assert (status, err) == (0, "")
    found, shop = open_model_file(out), load_folder(folder)
    assert (found.card.title, found.card.n_images, found.card.threshold) == ("all shoes", 36, None)
    same = TwoFlowClassifier("fast", random_state=0, store=store).fit(shop)
    assert (found.model.predict(shop) == same.predict(shop)).all()
    assert found.model.predict_proba(shop) == pytest.approx(same.predict_proba(shop), abs=1e-6)

    comparison, = comparisons
    target, = found.card.targets
    assert target.expectation.accuracy == comparison.methods[0].means["accuracy"]
    assert target.expectation.source == "3 folds of 36 images"
    for kept, expected in zip(target.held_out[:3], comparison.held_out()["class"][1][:3], strict=True):
        assert (kept == expected).all()
    low, high = target.expectation.interval
    assert (
        f"expect an accuracy of about {target.expectation.accuracy:.3f} [{low:.3f}, {high:.3f}] (95% interval; 3 folds "
        "of 36 images)." in text
    )
    assert "Trained on 36 images, 4 classes\n" in text and "name the item by --group-column" in text
    lines = text.splitlines()
    assert lines[-1] == f"Next: twoflow predict {out} NEW-IMAGES"
    assert re.fullmatch(rf"Written to {out}: \d\.\d MB, SHA-256 {found.digest}", lines[-2])
    assert len(found.examples) == 4 and len(found.gallery) == found.card.n_images


def test_the_same_seed_gives_the_same_bytes(folder, store, tmp_path, capsys):
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        assert call(
            capsys, store, folder, "--recipe", "paper", "--folds", 2, "--seed", seed, "--out", tmp_path / name
        )[0] == 0
    first, again, other = ((tmp_path / name).read_bytes() for name in ("first", "again", "other"))
    assert first == again != other


def test_neither_the_store_nor_the_jobs_change_the_file(folder, store, tmp_path, capsys):
    arguments = (folder, "--folds", 2, "--out")
    assert call(capsys, store, *arguments, tmp_path / "with")[0] == 0
    assert call(capsys, None, *arguments, tmp_path / "without", "--no-store")[0] == 0
    assert call_with(
        capsys, partial(run, command.main), *arguments, tmp_path / "two", "--jobs", 2, "--store", store
    )[0] == 0
    assert (tmp_path / "with").read_bytes() == (tmp_path / "without").read_bytes() == (tmp_path / "two").read_bytes()


def test_rare_classes(folder, store, tmp_path, capsys):
    arguments = [folder, "--head", "kernel-ridge", "--recipe", "paper", "--folds", "0", "--out", tmp_path / "m"]
    assert call(capsys, store, *arguments, "--class-weight", "tee/01=3,tee/02=2", "--max-per-class", "5")[0] == 0
    model = open_model_file(tmp_path / "m").model
    assert model.class_weight == {"tee/01": 3.0, "tee/02": 2.0} and model.max_per_class == 5
    assert np.bincount(np.unique(load_folder(folder).labels, return_inverse=True)[1][
        model.model_.head_.sample_indices_
    ]).tolist() == [5] * 4


def test_by_default_the_file_is_named_after_the_images(folder, store, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = (folder, "--folds", 0)
    assert call(capsys, store, *arguments)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["my shöp 靴.twoflow"]
    earlier = (tmp_path / "my shöp 靴.twoflow").read_bytes()
    _, text, _ = call(capsys, store, *arguments, "--title", "new")
    assert "Written to my shöp 靴-2.twoflow" in text and "--overwrite would replace" in text
    assert (tmp_path / "my shöp 靴.twoflow").read_bytes() == earlier
    _, text, _ = call(capsys, store, *arguments, "--title", "new", "--overwrite")
    assert "Written to my shöp 靴.twoflow" in text and "replaces an earlier file" in text
    assert open_model_file(tmp_path / "my shöp 靴.twoflow").card.title == "new"


def test_without_folds_nothing_is_expected(folder, store, tmp_path, capsys, comparisons):
    status, text, _ = call(capsys, store, folder, "--folds", 0, "--out", tmp_path / "m", "--no-examples")
    found = open_model_file(tmp_path / "m")
    assert status == 0 and not comparisons and not found.examples and found.gallery is None
    assert found.card.targets[0].expectation is None and found.card.targets[0].held_out is None
    assert "Nothing was held out (--folds 0)" in text and "expect an accuracy" not in text


@pytest.mark.parametrize("folds", [0, 2])
def test_unreadable_images_are_left_out_and_listed(folder, store, tmp_path, capsys, folds):
    copy = tmp_path / "shop"
    for number, path in enumerate(sorted(folder.rglob("*.jpg"))):
        target = copy / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"no image" if number == 3 else path.read_bytes())
    status, text, _ = call(capsys, store, copy, "--folds", folds, "--out", tmp_path / "m")
    assert status == 0
    assert "Trained on 35 images" in text and "Left out, 1 image that cannot be read:" in text
    assert open_model_file(tmp_path / "m").card.n_images == 35


def test_several_targets_and_groups(folder, store, tmp_path, capsys, comparisons):
    labels = np.repeat(np.arange(4), 9)
    table = write_table(
        folder, tmp_path / "labels.csv", **{"kind, long": labels // 2, "number": labels}, item=np.arange(36) // 3
    )
    status, text, _ = call(
        capsys, store, "--labels", table, "--label-column", '"kind, long",number', "--group-column", "item",
        "--folds", 2, "--threshold", 0.6, "--out", tmp_path / "m",
    )
    assert status == 0
    found, comparison = open_model_file(tmp_path / "m"), comparisons[0]
    assert [target.name for target in found.card.targets] == ["kind, long", "number"]
    assert (found.card.n_groups, found.card.threshold) == (12, 0.6)
    shop = load_folder(folder)
    predicted, probabilities = found.model.predict(shop), found.model.predict_proba(shop)
    assert predicted.shape == (36, 2) and [table.shape for table in probabilities] == [(36, 2), (36, 4)]
    for target in found.card.targets:
        accuracy = comparison.methods[0].means[f"accuracy:{target.name}"]
        assert target.expectation.accuracy == accuracy
        assert f"expect an accuracy of {target.name} of about {accuracy:.3f}" in text
        is_answered = target.held_out.confidence >= 0.6
        is_right = (target.held_out.true == target.held_out.predicted)[is_answered]
        assert (
            f"With the threshold 0.6 it answers {is_answered.mean():.0%} of them, and {is_right.mean():.3f} of those"
            in text
        )
    assert "groups kept together" in text and "--group-column" not in text


def test_a_strategy_and_missing_labels(folder, store, tmp_path, capsys, comparisons):
    labels = np.repeat(np.arange(4), 9)
    kinds = ["" if i % 6 == 0 else f"kind {label // 2}" for i, label in enumerate(labels)]
    table = write_table(folder, tmp_path / "labels.csv", kind=kinds, number=labels)
    status, text, _ = call(
        capsys, store, "--labels", table, "--label-column", "kind,number", "--strategy", "joint", "--recipe", "fast",
        "--folds", 2, "--out", tmp_path / "m",
    )
    assert status == 0
    card, comparison = open_model_file(tmp_path / "m").card, comparisons[0]
    assert card.title == "recipe fast, strategy joint" and card.n_images == 36
    assert [target.n_labeled for target in card.targets] == [30, 36]
    assert card.targets[0].classes == ("kind 0", "kind 1")
    assert card.exact_match == comparison.exact_match() and "2 folds of 30 images" in card.exact_match.source
    assert f"expect kind and number to be right together for about {card.exact_match.accuracy:.3f}" in text
    assert "Strategy: joint, of 4 combinations of labels\n6 images are only partly labeled (30 have kind and 36 have " \
        "number); the head does not learn from them\n" in text
    assert "Note: 6 of 36 images have no kind: " in text
    status, text, _ = call(
        capsys, store, "--labels", table, "--label-column", "kind,number", "--folds", 0, "--out", tmp_path / "n",
    )
    assert status == 0 and "Note: 6 of 36 images have no kind: " in text and "Strategy: separate\n" in text
    assert "each head learns from the images with a label of its target" in text


@pytest.mark.parametrize("strategy, columns, are_levels, message", [
    ("chain", ["class"], False, "expected several targets or levels, got the target class alone"),
    ("leaves", ["class"], False, "expected several targets or levels, got the target class alone"),
    ("leaves", ["a", "b"], False, "expected separate, shared, joint or chain for targets, got leaves; choose one of "
     "these, or name the columns by --levels"),
    ("chain", ["a", "b"], True, "expected leaves, parents or levels for levels, got chain; choose one of these, or "
     "name the columns by --label-column"),
    ("chain", ["a", "b"], False, None),
    ("parents", ["a", "b"], True, None),
    (None, ["class"], False, None),
])
def test_strategies_that_do_not_fit(strategy, columns, are_levels, message):
    labels = np.array([["x", "y"], ["z", "w"]])[:, :len(columns)]
    collection = ImageCollection(["1.jpg", "2.jpg"], labels, target_names=columns, are_levels=are_levels)
    arguments = Namespace(strategy=strategy)
    if message is None:
        strategies.check(arguments, collection)
        assert strategies.of_levels(arguments) == (strategy or "leaves")
        assert strategies.of_targets(arguments) == (strategy if strategy == "chain" else "separate")
        return
    with pytest.raises(ValueError, match=message):
        strategies.check(arguments, collection)


def test_the_promises_for_all_targets_hold_together(monkeypatch):
    """By Bonferroni, each target gets its share of the 5 %; the threshold is the highest."""
    asked = []

    def threshold_for(held_out, error, confidence):
        asked.append((held_out, error, confidence))
        return {"a": 0.7, "b": 0.4}[held_out]

    monkeypatch.setattr(thresholds, "threshold_for", threshold_for)
    comparison = SimpleNamespace(held_out=lambda: {"first": (None, "a"), "second": (None, "b")})
    arguments = Namespace(error=0.02, threshold=None, scope=False)
    collection = SimpleNamespace(are_levels=False)
    assert command._choose_threshold(arguments, collection, comparison) == 0.7
    assert asked == [("a", 0.02, pytest.approx(0.975)), ("b", 0.02, pytest.approx(0.975))]


@pytest.fixture
def split(folder, tmp_path):
    split = tmp_path / "split"
    for number, path in enumerate(sorted(folder.rglob("*.jpg"))):
        target = split / ("test" if number % 3 == 0 else "train") / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return split


@pytest.mark.parametrize(
    ("arguments", "n_images", "source", "note"),
    [
        ([], 24, "an official split that tested 12 images", "12 other images are not used (--fit-on all uses them)"),
        (["--fit-on", "all"], 36, "an official split that tested 12 images", "the test images too"),
        (["--folds", "2"], 36, "2 folds of 36 images", "the official split is not used, because --folds asked"),
        (["--folds", "0"], 24, None, "12 other images are not used"),
    ],
)
def test_an_official_split(split, store, tmp_path, capsys, arguments, n_images, source, note):
    status, text, _ = call(capsys, store, split, *arguments, "--out", tmp_path / "m")
    card = open_model_file(tmp_path / "m").card
    assert status == 0 and card.n_images == n_images and note in text
    expectation = card.targets[0].expectation
    assert (None if expectation is None else expectation.source) == source


def test_a_class_without_an_image_to_train_on(split, store, tmp_path, capsys):
    only = split / "test" / "tee" / "only here"
    only.mkdir()
    (only / "1.jpg").write_bytes(next(split.rglob("*.jpg")).read_bytes())
    status, _, err = call(capsys, store, split, "--out", tmp_path / "m")
    assert status == 2 and not (tmp_path / "m").exists()
    assert "expected an image to train on of each class, got none of tee/only here in the official split" in err
    assert call(capsys, store, split, "--fit-on", "all", "--out", tmp_path / "m")[0] == 0
    assert "tee/only here" in open_model_file(tmp_path / "m").card.targets[0].classes


def test_a_promised_error_chooses_the_threshold(store, tmp_path, capsys):
    many = tmp_path / "many"
    make_shop(n_classes=2, n_per_class=40, folder=many, random_state=0)
    arguments = (many, "--folds", 2, "--out", tmp_path / "m", "--error")
    status, _, err = call(capsys, store, *arguments, 0.001)
    assert status == 2 and "some threshold can promise for class, got 0.001; allow a larger share" in err
    assert not (tmp_path / "m").exists()
    status, text, _ = call(capsys, store, *arguments, 0.1)
    threshold = open_model_file(tmp_path / "m").card.threshold
    assert status == 0
    what = "answering all images" if threshold is None else f"the threshold {threshold:.4g}"
    assert f"With 95% confidence, {what} keeps the share of wrong answers at 0.1 or less" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected IMAGES, a folder of class folders, or --labels, a table of them, got neither"),
        (["FOLDER", "--folds", "1"], "expected an integer of at least 2, got '1'"),
        (["FOLDER", "--folds", "0", "--error", "0.1"], "got --folds 0; ask for at least 2 folds"),
        (["FOLDER", "--error", "1"], "--error: expected a share above 0 and below 1, got 1"),
        (["FOLDER", "--fit-on", "all"], "--fit-on: expected an official split, got none"),
        (["FOLDER", "--recipe", "slow"], "invalid choice: 'slow'"),
        (["FOLDER", "--threshold", "0.5", "--error", "0.1"], "not allowed with argument"),
        (["FOLDER", "--out", "FOLDER"], "name another"),
        (["FOLDER", "--network", "nosuch"], "nosuch"),
        (["FOLDER", "--head", "lda", "--class-weight", "balanced"], "expected a head that weighs classes, got lda"),
        (["FOLDER", "--class-weight", "tie=2"], "got 'tie', which no image has; correct the name"),
        (["FOLDER", "--threshold", "-0.1"], "--threshold: expected a number from 0 to 1, got '-0.1'"),
        (["FOLDER", "--title", "caf\udce9"], r"in Unicode, got 'caf\udce9'; rename it"),
    ],
)
def test_errors_are_one_line_before_the_work(folder, store, tmp_path, capsys, arguments, message):
    given = [folder if argument == "FOLDER" else argument for argument in arguments]
    status, text, err = call(capsys, store, *given, *([] if "--out" in given else ["--out", tmp_path / "m"]))
    assert (status, text) == (2, "") and message in err and err.count("\n") == 1
    assert not (tmp_path / "m").exists()


def test_a_class_whose_name_is_not_unicode(store, tmp_path, capsys):
    make_shop(n_classes=2, n_per_class=4, folder=tmp_path / "shop", random_state=0)
    try:
        os.rename(os.fsencode(tmp_path / "shop/tee/01"), os.fsencode(tmp_path / "shop/tee") + b"/caf\xe9")
    except OSError:
        pytest.skip("this file system takes no name that is not UTF-8")
    (tmp_path / "shop/labels.csv").unlink()
    status, text, err = call(capsys, store, tmp_path / "shop", "--out", tmp_path / "m")
    assert (status, text) == (2, "") and err.count("\n") == 1 and not (tmp_path / "m").exists()
    assert r"expected names of classes, and a title, in Unicode, got 'tee/caf\udce9'; rename it" in err


def test_one_class_is_an_error(folder, store, tmp_path, capsys):
    table = write_table(folder, tmp_path / "labels.csv", **{"class": ["shoe"] * 36})
    status, _, err = call(capsys, store, "--labels", table, "--out", tmp_path / "m")
    assert status == 2 and "only one class to train on, shoe" in err and err.count("\n") == 1
    status, _, err = call(capsys, store, "--labels", table, "--folds", 0, "--out", tmp_path / "m")
    assert status == 2 and "at least two classes; all 36 labels are shoe" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind, color", ["kind", "color"]), ('"kind, long",color', ["kind, long", "color"]),
        ('kind, "a ""b"""', ["kind", 'a "b"']), ("kind,,color", None), ("", None), (" ", None),
    ],
)
def test_names_of_columns(text, expected):
    if expected is not None:
        assert names(text) == expected
        return
    with pytest.raises(ArgumentTypeError, match="expected names with commas between them"):
        names(text)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_run_goes_on(folder, tmp_path, capsys, comparisons):
    own, out = tmp_path / "store", tmp_path / "m"
    arguments = [folder, "--recipe", "paper", "--folds", "4", "--out", out]
    process = subprocess.Popen(
        [sys.executable, "-m", "twoflow", "train", *arguments, "--jobs", "1", "--quiet", "--store", own],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    while process.poll() is None:
        store = FeatureStore(own)
        if store.exists() and store.results().n_results:
            process.kill()
        time.sleep(0.02)
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not out.exists()
    assert call(capsys, own, *arguments)[0] == 0
    assert 0 < comparisons[0].n_kept < 4
    assert call(capsys, tmp_path / "fresh", *arguments[:-1], tmp_path / "undisturbed")[0] == 0
    assert comparisons[1].n_kept == 0
    assert out.read_bytes() == (tmp_path / "undisturbed").read_bytes()
