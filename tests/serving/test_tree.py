"""A model with a tree of classes behind the service: bodies, the model, metrics and corrections."""

import pytest

from .serving import serving  # isort: skip; skips where the extra is missing

import httpx

from twoflow import ClassTree, load_table
from twoflow.models.model_file import ModelCard, TargetCard
from twoflow.models.tree_names import name_classes
from twoflow.serving.corrections import Corrections
from twoflow.serving.refusal import Refusal

from .painted_tree import LEAVES, TREE, painted_leaf, tree_model
from .test_app import predict
from .test_state import read_metrics


@pytest.fixture(scope="module")
def file():
    return tree_model()


@pytest.fixture(scope="module")
def service(file):
    with serving(file=file) as running:
        yield running


def answer(service, *photo):
    body = predict(service, painted_leaf(*photo)).json()["predictions"][0]
    return body["answers"][0]


def test_a_full_path(service):
    found = answer(service, "shoes/boots", 93)
    assert (found["label"], found["path"], found["level"]) == ("shoes/boots", ["shoes", "boots"], "article")
    assert found["confidence"] == pytest.approx(0.93) and found["reason"] == ""
    assert found["top"][0] == {"label": "shoes/boots", "confidence": found["confidence"],
                               "position": LEAVES.index("shoes/boots")}
    assert [(each["level"], each["path"], each["answered"]) for each in found["steps"]] == [
        ("category", ["shoes"], True), ("article", ["shoes", "boots"], True)]
    assert [each["confidence"] for each in found["steps"]] == pytest.approx([1, 0.93])
    assert found["scope"] == {"score": 0.8, "threshold": 0.5}


def test_a_broader_class_and_what_was_not_sure(service):
    found = answer(service, "shoes/boots", 60)
    assert (found["label"], found["path"], found["level"]) == ("shoes", ["shoes"], "category")
    assert found["confidence"] == pytest.approx(1) and "boots" in found["reason"] and "0.60" in found["reason"]
    assert [(each["path"], each["answered"]) for each in found["steps"]] == [
        (["shoes"], True), (["shoes", "boots"], False)]


def test_unknown_because_no_class_is_sure(service):
    found = answer(service, "bags/tote bags", 51)  # and hats 0.49
    assert (found["label"], found["path"], found["level"]) == ("unknown", [], "")
    assert [(each["level"], each["path"], each["answered"]) for each in found["steps"]] == [
        ("category", ["bags"], False), ("article", ["bags", "tote bags"], False)]


def test_a_leaf_of_the_broadest_level_has_one_step(service):
    found = answer(service, "hats", 93)
    assert (found["label"], found["path"], found["level"]) == ("hats", ["hats"], "article")
    assert [each["path"] for each in found["steps"]] == [["hats"]]


def test_out_of_scope(service):
    found = answer(service, "shoes/boots", 93, 20)
    assert (found["label"], found["scope"]) == ("unknown", {"score": 0.2, "threshold": 0.5})
    assert "looks like nothing in the training images" in found["reason"]
    assert not any(each["answered"] for each in found["steps"])


def test_the_model_names_its_tree(service):
    target, = httpx.get(f"{service.url}/model").json()["targets"]
    assert target["tree"] == {"levels": ["category", "article"], "nodes": [list(path) for path in TREE.nodes]}
    assert target["classes"] == list(LEAVES) and target["name"] == "article"


def test_answers_are_counted_by_level(file):
    with serving(file=file) as running:
        for leaf, *painted in (("shoes/boots", 93), ("shoes/boots", 60), ("shoes/heels", 60), ("hats", 93, 20),
                               ("bags/other", 93)):
            answer(running, leaf, *painted)
        values = read_metrics(running)
    counts = 'twoflow_answers_total{target="article",level="%s",label="%s"}'
    assert values[counts % ("article", "shoes/boots")] == values[counts % ("article", "bags/other")] == 1
    assert values[counts % ("category", "shoes")] == 2 and values[counts % ("", "unknown")] == 1
    assert values['twoflow_out_of_scope_total{target="article"}'] == 1


def test_corrections_name_a_class_of_any_level(file, tmp_path):
    corrections = Corrections(tmp_path / "a.csv", file.card)
    assert corrections.labels[-1] == "unknown" and len(corrections.labels) == len(TREE.nodes) + 1
    photos = {label: painted_leaf("hats", 90 - i) for i, label in enumerate(("shoes/other", "bags", "hats", "unknown"))}
    for label, photo in photos.items():
        corrections.add(photo, "article", label)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == "path,category,article"
    assert [line.split(",", 1)[1] for line in lines[1:]] == ["shoes,other", "bags,", "hats,", "unknown,"]
    found = load_table(tmp_path / "a.csv", levels=["category", "article"])
    assert found.labels.tolist() == [["shoes", "other"], ["bags", ""], ["hats", ""], ["unknown"] * 2]
    for label in ("boots", "shoes/tote bags", "shoes/", "unknown/other"):
        with pytest.raises(Refusal, match="expected a class of the model"):
            corrections.add(photos["hats"], "article", label)


def test_new_classes_lie_below_known_ones(file, tmp_path):
    corrections = Corrections(tmp_path / "a.csv", file.card, allows_new=True)
    for i, label in enumerate(("shoes/ clogs", "scarves", "scarves/silk")):
        corrections.add(painted_leaf("hats", 90 - i), "article", label)
    rows = [line.split(",")[1:] for line in (tmp_path / "a.csv").read_text().splitlines()[1:]]
    assert rows == [["shoes", "clogs"], ["scarves", ""], ["scarves", "silk"]]
    for label in ("shoes/boots/high", "shoes/=a", "boots\\", "unknown/silk", "shoes/", "/silk"):
        with pytest.raises(Refusal, match="expected up to 2 labels"):
            corrections.add(painted_leaf("hats"), "article", label)


def test_labels_with_slashes(tmp_path):
    tree = ClassTree.from_dict({"a": ["b/c", "d"], "a/b": ["c"], "\\": ["/"]}, ["kind", "style"])
    target = TargetCard("style", name_classes(tree), tree=tree)
    corrections = Corrections(tmp_path / "a.csv", ModelCard("", "", (target,)), allows_new=True)
    for i, label in enumerate(["a/b\\/c", "a\\/b/c", "a\\/b", "\\\\/\\/", "a/e\\/f"]):
        corrections.add(painted_leaf("hats", 90 - i), "style", label)
    rows = [line.split(",")[1:] for line in (tmp_path / "a.csv").read_text().splitlines()[1:]]
    assert rows == [["a", "b/c"], ["a/b", "c"], ["a/b", ""], ["\\", "/"], ["a", "e/f"]]
