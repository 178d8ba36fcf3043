"""A model with a tree of classes answers a full path, a broader class, or unknown, in files too."""

import csv
import io
import json

import numpy as np
import pytest

from twoflow import Confidence, open_model_file, save
from twoflow.errors import InputError
from twoflow.heads.hierarchy import UNKNOWN
from twoflow.models.fitted_parts import fitted_parts
from twoflow.models.model_file import HeldOut, ModelCard, ModelFile
from twoflow.predicting import Item, Prediction, Predictor
from twoflow.predicting.formats import FORMATS, Columns
from twoflow.predicting.rules import read_rules
from twoflow.predicting.summary import Counts

from .trees import LEAVES, make_tree_model, with_levels


@pytest.fixture(scope="module")
def saved(shop, tmp_path_factory):
    """A saved and loaded model file, with the rule that 0.6 must be reached."""
    collection, path = with_levels(shop), tmp_path_factory.mktemp("saved") / "tree.twoflow"
    save(make_tree_model(fallback=0.6).fit(collection), path, collection=collection)
    return open_model_file(path)


@pytest.fixture(scope="module")
def images(shop):
    return list(shop.images)


@pytest.fixture(scope="module")
def found(saved, images):
    return [prediction.answers[0] for prediction in Predictor(saved, top=2).predict(images)]


def decide(saved, images, *rule):
    """What the head itself decides."""
    flow, head = fitted_parts(saved.model)
    return head.decide(head.predict_node_proba(flow.transform(images)), None, *rule)


def test_answers_are_those_of_the_head(saved, images, found):
    decisions, target = decide(saved, images), saved.card.targets[0]
    assert target.classes == LEAVES and target.name == "number"
    paths = [target.tree.nodes[node] if node >= 0 else () for node in decisions.node.tolist()]
    assert [answer.path for answer in found] == paths and {len(path) for path in paths} == {0, 1, 2}
    assert [answer.label for answer in found] == ["/".join(path) or UNKNOWN for path in paths]
    assert [answer.reason for answer in found] == decisions.reason
    assert [answer.confidence for answer in found] == pytest.approx(decisions.confidence.tolist(), abs=1e-6)
    for answer in found:
        level = "number" if answer.label in LEAVES else "kind" if answer.path else ""
        assert (answer.target, answer.level) == ("number", level) and bool(answer.reason) == (level != "number")
        assert len(answer.top) == 2 and answer.top[0][0] in LEAVES and answer.top[0][1] >= answer.top[1][1]


def test_a_threshold_goes_before_the_rule_of_the_model(saved, images):
    always = [each.answers[0] for each in Predictor(saved, threshold=0.0).predict(images)]
    assert all(answer.label == answer.top[0][0] and answer.level == "number" for answer in always)
    never = Predictor(saved, threshold=1.0).predict(images)
    assert {each.answers[0].label for each in never} == {UNKNOWN}
    labels = [each.answers[0].path for each in Predictor(saved, threshold=0.5).predict(images)]
    nodes = decide(saved, images, 0.5).node.tolist()
    assert labels == [saved.card.targets[0].tree.nodes[node] if node >= 0 else () for node in nodes]


def test_photos_of_an_item_are_averaged_before_the_decision(saved, images):
    flow, head = fitted_parts(saved.model)
    item, = Predictor(saved).answer([Item("x", [images[0], images[17]])])
    mean = head.predict_node_proba(flow.transform([images[0], images[17]])).mean(axis=0, keepdims=True)
    decisions = head.decide(mean)
    assert item.answers[0].confidence == pytest.approx(decisions.confidence[0], abs=1e-6)
    assert item.answers[0].reason == decisions.reason[0] and item.n_images == 2


def test_columns_and_objects(saved, images, found):
    columns = Columns.of(saved.card, 1, with_decisions=False, with_items=False)
    predictions = [Prediction(str(number), (answer,)) for number, answer in enumerate(found)]
    bad = Prediction("bad", (), None, "the file is empty", 0)
    text = FORMATS["csv"].head(columns) + "".join(FORMATS["csv"].line(each, columns) for each in [*predictions, bad])
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for row, answer in zip(rows, found):
        cells = [row["number_path_kind"], row["number_path_number"]]
        assert cells == [*answer.path, *[""] * (2 - len(answer.path))] and row["number_label"] == answer.label
    assert {name for name, cell in rows[-1].items() if cell} == {"path", "error"} and None not in rows[-1]
    first = json.loads(FORMATS["jsonl"].line(predictions[0], columns))
    assert first["answers"][0]["path"] == list(found[0].path)
    counts = Counts()
    counts.add(predictions)
    n_full, n_broad = (sum(bool(a.path) and (a.label in LEAVES) == is_full for a in found) for is_full in (True, False))
    expected = f"{n_full} answered, {n_broad} with a broader class and {len(found) - n_full - n_broad} unknown"
    assert expected in counts.describe(["number"], with_items=False)


def test_other_rules_are_saved_too(shop, images, tmp_path):
    collection = with_levels(shop)
    model = make_tree_model(fallback=Confidence(0.6)).fit(collection)
    save(model, tmp_path / "a.twoflow", collection=collection)
    opened = open_model_file(tmp_path / "a.twoflow")
    assert opened.card.targets[0].rule == "Confidence(threshold=0.6)"
    assert "the model's own rule: Confidence(threshold=0.6)" in str(opened.card)
    first, second = (Predictor(ModelFile(each, opened.card)).predict(images) for each in (model, opened.model))
    assert first == second


@pytest.fixture
def read(saved, tmp_path):
    def read(text, held_out=None, threshold=None):
        (tmp_path / "rules.toml").write_text(text, "utf-8")
        target = saved.card.targets[0]
        changed = type(target)(**{**vars(target), "held_out": held_out})
        return read_rules(tmp_path / "rules.toml", ModelCard("x", "2026-01-01", (changed,), threshold=threshold))
    return read


RULES = """
[[rules]]
decision = "denied"
classes = ["two"]

[[rules]]
decision = "approved"
level = "kind"
classes = ["dress", "bag"]

[[rules]]
decision = "denied"
unknown = true
"""


def test_rules_name_paths_last_labels_and_levels(read, found):
    rules = read(RULES)
    for answer in found:
        expected = {"tee/two": "denied", UNKNOWN: "denied", "tee/one": "review", "tee": "review"}
        assert rules.decide([answer]).name == expected.get(answer.label, "approved")
    assert read('[[rules]]\ndecision = "denied"\nlevel = "number"\nclasses = ["tee/two"]').rules[0].fitting == {
        "number": frozenset(["tee/two"])
    }


@pytest.mark.parametrize("text, words", [
    ('classes = ["one"]', "expected a class, got 'one', which is the last label of several; write 'dress/one' or "),
    ('classes = ["tee"]', "classes: expected 'tee/two'"),
    ('level = "color"', "level: expected "),
])
def test_rules_that_name_no_class(read, text, words):
    with pytest.raises(InputError, match=words):
        read(f'[[rules]]\ndecision = "denied"\n{text}')


def test_a_promise_rests_on_the_full_paths_that_were_answered(read):
    """Of the held-out answers, the half that the rule of the model stopped early does not count."""
    n, is_full = 1000, np.arange(1000) % 2 == 0
    wrong = np.where(is_full, 3, 2).astype(np.int32)  # those that stopped were wrong
    nodes = {path: number for number, path in enumerate([("bag",), ("dress",), ("tee",)])}
    held_out = HeldOut(
        np.full(n, 3, np.int32), wrong, np.linspace(0.5, 1, n).astype(np.float32), None,
        np.where(is_full, 5, nodes["tee",]).astype(np.int32),
    )
    rules = read('[[rules]]\ndecision = "approved"\nerror = 0.02', held_out)
    assert (rules.rules[0].n_decided, rules.rules[0].n_wrong, rules.rules[0].n_held_out) == (500, 0, n)
    with pytest.raises(InputError, match="got too many wrong ones"):
        read('[[rules]]\ndecision = "approved"\nerror = 0.02', held_out, threshold=0.5)
