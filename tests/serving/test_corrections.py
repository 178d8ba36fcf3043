"""Corrections are kept as a table that the next training reads."""

import hashlib
import os
import threading

import pytest

from .serving import BLUE, CLASSES, GREEN, RED, color, model_file, serving  # isort: skip; skips without the extra

import httpx

from twoflow import FlowClassifier, RawPixels, load_table
from twoflow.models.model_file import ModelCard, TargetCard
from twoflow.serving.corrections import Corrections
from twoflow.serving.refusal import Refusal

CARD = model_file().card


def correct(running, content, label, target="class"):
    return httpx.post(f"{running.url}/corrections", files=[("image", ("a.png", content))],
                      data={"target": target, "label": label}, timeout=30)


def test_what_users_correct_is_trained_on(tmp_path):
    table = tmp_path / "corrections.csv"
    with serving(corrections=Corrections(table, CARD)) as running:
        assert httpx.get(f"{running.url}/model").json()["corrections"] is True
        for shade in range(4):
            for label, content in (("red", color(200 + shade, 0, 0)), ("blue", color(0, 0, 200 + shade))):
                response = correct(running, content, label)
                assert response.status_code == 201
                assert response.json() == {
                    "image": hashlib.sha256(content).hexdigest(), "target": "class", "label": label}
    collection = load_table(table)
    assert len(collection) == 8 and sorted(set(collection.labels)) == ["blue", "red"]
    model = FlowClassifier([("pixels", RawPixels((8, 8)), "passthrough")], _nearest()).fit(collection)
    assert model.predict([RED, BLUE]).tolist() == ["red", "blue"]


def _nearest():
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(1)


def test_the_image_is_kept_as_it_came(tmp_path):
    corrections = Corrections(tmp_path / "a.csv", CARD)
    digest = corrections.add(RED, "class", "red")
    assert (tmp_path / f"a-images/{digest}.png").read_bytes() == RED
    assert (tmp_path / "a.csv").read_text() == f"path,class\na-images/{digest}.png,red\n"


def test_the_same_correction_is_kept_once_and_another_label_too(tmp_path):
    corrections = Corrections(tmp_path / "a.csv", CARD)
    for label in ("red", "red", "blue", "red"):
        corrections.add(RED, "class", label)
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 3 and len(list((tmp_path / "a-images").iterdir())) == 1


def test_a_table_is_continued(tmp_path):
    Corrections(tmp_path / "a.csv", CARD).add(RED, "class", "red")
    text = (tmp_path / "a.csv").read_text()
    (tmp_path / "a.csv").write_text(text.rstrip("\n"))  # as some editors do
    corrections = Corrections(tmp_path / "a.csv", CARD)
    corrections.add(RED, "class", "red")
    corrections.add(GREEN, "class", "green")
    assert list(load_table(tmp_path / "a.csv").labels) == ["red", "green"]


@pytest.mark.parametrize("text, words", [
    ("path,color\n", "no column 'class'"), ("path,class,more\n", "expected the columns path and class"),
    ("class,path\n", "expected the columns"), ("path,class\na.jpg\n", "row 1"),
])
def test_another_table_is_refused(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=words):
        Corrections(tmp_path / "a.csv", CARD)
    assert (tmp_path / "a.csv").read_text() == text


@pytest.mark.parametrize("target, label, words", [
    ("class", "yellow", "a class of the model"), ("class", "", "a class of the model"),
    ("color", "red", "expected a target among 'class'"), ("class", "unknown", "a class of the model"),
])
def test_labels_that_the_model_does_not_have(tmp_path, target, label, words):
    with serving(corrections=Corrections(tmp_path / "a.csv", CARD)) as running:
        response = correct(running, RED, label, target)
    assert response.status_code == 422 and words in response.json()["error"]
    assert (tmp_path / "a.csv").read_text() == "path,class\n" and list((tmp_path / "a-images").iterdir()) == []


@pytest.mark.parametrize("label, is_taken", [
    ("yellow", True), ("a, \"quoted\" one", True), ("caf\u00e9", True), ("=1+1", False), ("@a", False), ("-a", False),
    ("", False), ("  ", False), ("two\nlines", False), ("a" * 101, False), ("\u202egpj", False), ("\x00", False),
])
def test_new_labels_where_they_are_allowed(tmp_path, label, is_taken):
    corrections = Corrections(tmp_path / "a.csv", CARD, allows_new=True)
    if is_taken:
        corrections.add(RED, "class", label)
        assert list(load_table(tmp_path / "a.csv").labels) == [label]
    else:
        with pytest.raises(Refusal, match="expected a label"):
            corrections.add(RED, "class", label)


def test_an_image_that_cannot_be_read_is_not_kept(tmp_path):
    with serving(corrections=Corrections(tmp_path / "a.csv", CARD)) as running:
        assert correct(running, b"<script>", "red").status_code == 422
    assert list((tmp_path / "a-images").iterdir()) == []


def test_a_class_that_a_spreadsheet_would_compute_stays_as_it_is(tmp_path):
    card = ModelCard("formulas", "2025-01-31", (TargetCard("class", ("=a", "b")),))
    Corrections(tmp_path / "a.csv", card).add(RED, "class", "=a")
    assert list(load_table(tmp_path / "a.csv").labels) == ["=a"]


def test_there_is_a_limit_on_what_is_kept(tmp_path):
    corrections = Corrections(tmp_path / "a.csv", CARD, max_bytes=len(RED) + 1)
    corrections.add(RED, "class", "red")
    with pytest.raises(Refusal, match="no more room") as refused:
        corrections.add(GREEN, "class", "green")
    assert refused.value.status == 503 and len(list(load_table(tmp_path / "a.csv").labels)) == 1
    with pytest.raises(Refusal, match="no more room"):
        Corrections(tmp_path / "a.csv", CARD, max_bytes=len(RED) + 1).add(GREEN, "class", "green")


def test_a_full_disk_leaves_a_whole_table(tmp_path, monkeypatch):
    corrections = Corrections(tmp_path / "a.csv", CARD)
    corrections.add(RED, "class", "red")
    before = (tmp_path / "a.csv").read_bytes()

    def fsync(descriptor):
        if os.fstat(descriptor).st_size > len(before):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(Refusal, match="no space left"):
        corrections.add(color(0, 250, 9, side=1), "class", "green")
    assert (tmp_path / "a.csv").read_bytes() == before


def test_several_targets_get_a_table_each(tmp_path):
    card = ModelCard("two", "2025-01-31", (TargetCard("kind", ("tee", "boot")), TargetCard("color", ("red", "blue"))))
    corrections = Corrections(tmp_path / "a.csv", card)
    corrections.add(RED, "color", "red")
    corrections.add(RED, "kind", "tee")
    assert list(load_table(tmp_path / "a-color.csv", label_column="color").labels) == ["red"]
    assert list(load_table(tmp_path / "a-kind.csv", label_column="kind").labels) == ["tee"]
    bad = ModelCard("bad", "2025-01-31", (TargetCard("a/b", ("x", "y")), TargetCard("c", ("x", "y"))))
    with pytest.raises(ValueError, match="in the name of a file"):
        Corrections(tmp_path / "b.csv", bad)
    with pytest.raises(ValueError, match="other than|another name"):
        Corrections(tmp_path / "b.csv", ModelCard("bad", "2025-01-31", (TargetCard("path", ("x", "y")),)))


def test_many_at_once_in_two_services_keep_every_row(tmp_path):
    both = [Corrections(tmp_path / "a.csv", CARD) for _ in range(2)]
    images = [color(shade, 0, 0, side=2) for shade in range(24)]

    def add(number):
        for position in range(number, 24, 4):
            both[number % 2].add(images[position], "class", CLASSES[position % 3])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    collection = load_table(tmp_path / "a.csv")
    assert len(collection) == 24 and not collection.notes


@pytest.mark.parametrize("data, n_files", [({"target": "class"}, 1), ({"label": "red"}, 1), ({}, 0),
                                           ({"target": "class", "label": "red"}, 2)])
def test_another_form(tmp_path, data, n_files):
    with serving(corrections=Corrections(tmp_path / "a.csv", CARD)) as running:
        response = httpx.post(f"{running.url}/corrections", files=[("image", ("a", RED))] * n_files or None, data=data)
    assert response.status_code in (415, 422)
