"""The tree on the card of a model file, and files of strangers that have no tree, or another one."""

import json
import shutil

import numpy as np
import pytest

from twoflow import ClassTree, ImageCollection, compare, open_model_file, save
from twoflow.errors import InputError, UserError
from twoflow.models.model_file import HeldOut, ModelCard, TargetCard
from twoflow.models.model_file.card_json import read_card, write_card
from twoflow.models.tree_names import broader_paths, name_classes

from ...predicting.trees import LEAVES, make_tree_model, with_levels
from .tampering import attributes, change_attribute, change_card, change_state


@pytest.fixture(scope="module")
def collection(shop):
    return with_levels(shop)


@pytest.fixture(scope="module")
def saved(collection, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "tree.twoflow"
    save(make_tree_model(fallback=0.7).fit(collection), path, collection=collection)
    return path


def test_the_card_knows_the_tree(saved, collection):
    card = open_model_file(saved).card
    target, = card.targets
    assert (target.name, target.classes, target.counts) == ("number", LEAVES, (8, 8, 8, 8))
    assert target.levels == {"kind": ("bag", "dress", "tee", "tee")}
    assert target.tree == ClassTree.from_labels(collection.labels, collection.target_names)
    lines = [line.split() for line in str(card).splitlines()]
    assert ["tree", "bag", "8"] in lines and ["one", "8"] in lines and ["tee", "16"] in lines
    assert set(open_model_file(saved).examples) == {("number", position) for position in range(4)}


def trees():
    yield ClassTree.from_dict({"a": {"b": ["c", "d"], "e": None}, "f": None}, ["x", "y", "z"])
    yield ClassTree.from_dict({1: [2, 3], 4: None})
    yield ClassTree.from_dict({"a/b": ["c"], "a": ["b/c"]})  # the same letters
    yield ClassTree.from_labels([f"{number:04}" for number in range(1000)])
    yield ClassTree.from_labels([["a", "b"], ["a", None], ["c", "d"]])


@pytest.mark.parametrize("tree", [*trees()], ids=range(5))
def test_writing_and_reading(tree):
    n = len(tree.leaves)
    held_out = HeldOut(
        np.zeros(n, np.int32), np.arange(n, dtype=np.int32), np.ones(n, np.float32), None, tree.leaves.astype(np.int32)
    )
    target = TargetCard(
        tree.levels[-1], name_classes(tree), levels=broader_paths(tree), held_out=held_out, tree=tree, rule="AtLeast()"
    )
    found = read_card(write_card(ModelCard("x", "2026-01-01", (target,))))
    assert repr(found.targets[0]) == repr(target) and found.targets[0].tree == tree
    assert len(set(target.classes)) == n


def change_tree(change):
    return lambda card: change(card["targets"][0]["tree"])


@pytest.mark.parametrize("change, words", [
    (change_tree(lambda tree: tree.update(nodes=[])), "nodes: expected a list of 1 to"),
    (change_tree(lambda tree: tree.update(nodes={})), "nodes: expected a list"),
    (change_tree(lambda tree: tree.update(nodes=[["a"]] * 30_000)), "nodes: expected a list of 1 to 20,000 paths"),
    (change_tree(lambda tree: tree["nodes"].append([])), "paths of 1 to 2 texts"),
    (change_tree(lambda tree: tree["nodes"].append(["a", "b", "c"])), "paths of 1 to 2 texts"),
    (change_tree(lambda tree: tree["nodes"].append([["a"], None])), "paths of 1 to 2 texts"),
    (change_tree(lambda tree: tree.update(nodes=tree["nodes"] + tree["nodes"][:1], counts=None)), "all nodes in order"),
    (change_tree(lambda tree: tree["nodes"].reverse()), "all nodes in order"),
    (change_tree(lambda tree: tree["nodes"].pop(0)), "counts: expected a whole number for each node"),
    (change_tree(lambda tree: (tree["nodes"].pop(1), tree.update(counts=None))), "all nodes in order"),
    (change_tree(lambda tree: (tree["nodes"].pop(0), tree.update(counts=None))), "name, classes and levels of its"),
    (change_tree(lambda tree: tree["nodes"].__setitem__(0, ["unknown"])), "not 'unknown'"),
    (change_tree(lambda tree: tree.update(levels=["kind"])), "paths of 1 to 1 texts"),
    (change_tree(lambda tree: tree.update(levels=["number", "kind"])), "name, classes and levels of its target"),
    (change_tree(lambda tree: tree.update(levels=["kind", "kind"])), "expected at least 2 different names"),
    (change_tree(lambda tree: tree.update(levels=[])), "levels: expected at least one name"),
    (change_tree(lambda tree: tree.update(levels="ab")), "levels: expected a list"),
    (change_tree(lambda tree: tree["counts"].__setitem__(3, 99)), "counts that add up"),
    (change_tree(lambda tree: tree["counts"].__setitem__(2, -1)), "a whole number for each node"),
    (change_tree(lambda tree: tree.update(rule=3)), "rule: expected a text"),
    (lambda card: card["targets"][0].update(tree=[]), "tree: expected a table or null"),
    (lambda card: card["targets"][0].update(tree=None), "its card has another tree"),
    (lambda card: card["targets"][0].update(levels={}), "name, classes and levels of its target"),
    (lambda card: card["targets"][0]["classes"].reverse(), "name, classes and levels of its target"),
    (lambda card: card["targets"][0].update(name="kind"), "name, classes and levels of its target"),
])
def test_trees_that_are_wrong(change, words, saved, tmp_path):
    path = change_card(type(tmp_path)(shutil.copy(saved, tmp_path / "model.twoflow")), change)
    with pytest.raises(UserError, match=words) as caught:
        open_model_file(path)
    assert str(caught.value).isprintable()


def test_a_tree_of_the_model_that_no_path_leaves(saved, tmp_path):
    """Whoever follows parents upward must arrive."""
    def shadow(schema, files):
        found = attributes(schema, "ClassTree")
        found["parents"] = found["levels"]

    for number, change in enumerate([
        lambda path: change_state(path, shadow),
        lambda path: change_attribute(path, "ClassTree", "nodes", "abc"),
        lambda path: change_attribute(path, "ClassTree", "levels", None),
    ]):
        path = type(tmp_path)(shutil.copy(saved, tmp_path / f"{number}.twoflow"))
        with pytest.raises(UserError, match="get the file again"):
            open_model_file(change(path))


def test_collections_that_do_not_fit(collection, shop, tmp_path):
    model, path = make_tree_model().fit(collection), tmp_path / "a.twoflow"
    for other, words in (
        (shop, "expected the 2 levels that the model was fitted on, got class"),
        (collection[:-1], "got other numbers of images"),
        (ImageCollection(shop.images, [["a", "b"]] * len(shop), are_levels=True), "collection: row 0: expected labels"),
    ):
        with pytest.raises(InputError, match=words):
            save(model, path, collection=other)
    assert not path.exists()


def test_what_to_expect(collection, tmp_path):
    """The card has the held-out full paths, with the answers after fallback beside them."""
    result = compare({"tree": make_tree_model(fallback=0.7)}, collection, folds=2, random_state=0)
    model, path = make_tree_model(fallback=0.7).fit(collection), tmp_path / "a.twoflow"
    save(model, path, collection=collection, comparison=result)
    target, = open_model_file(path).card.targets
    held_out = target.held_out
    assert len(held_out.true) == len(collection)
    assert [target.classes[i] for i in held_out.true] == collection.finest_labels[result.tested].tolist()
    full, predicted = (np.concatenate(each) for each in (result["tree"].full, result["tree"].predicted))
    rows = [tuple(label for label in row if label) for row in full.tolist()]
    assert ["/".join(row) for row in rows] == [target.classes[i] for i in held_out.predicted]
    assert target.expectation.accuracy == pytest.approx(np.mean(held_out.true == held_out.predicted), abs=0.02)
    for node, row in zip(held_out.answered.tolist(), predicted.tolist()):
        path_of_answer = target.tree.nodes[node] if node >= 0 else ()
        assert path_of_answer == tuple(label for label in row if label not in ("", "unknown"))
    members = write_card(ModelCard("x", "2026-01-01", (target,)))
    assert "held_out/0/answered.npy" in members and json.loads(members["card.json"])["targets"][0]["tree"]["rule"]
