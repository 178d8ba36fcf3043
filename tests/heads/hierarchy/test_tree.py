import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow.errors import UserError
from twoflow.heads import UNKNOWN, ClassTree

SHOES = [["shoes", "boots"], ["shoes", "heels"], ["shoes", "heels"], ["bags", "tote"]]


def test_nodes_are_paths_by_level_then_sorted():
    tree = ClassTree.from_labels(SHOES, ["kind", "article"])
    assert tree.levels == ("kind", "article")
    assert tree.nodes == (("bags",), ("shoes",), ("bags", "tote"), ("shoes", "boots"), ("shoes", "heels"))
    assert tree.parents.tolist() == [-1, -1, 0, 1, 1] and tree.depths.tolist() == [0, 0, 1, 1, 1]
    assert tree.leaves.tolist() == [2, 3, 4] and tree.counts == (1, 3, 1, 1, 2)
    assert tree.membership.astype(int).tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert ClassTree.from_dict({"bags": ["tote"], "shoes": ["heels", "boots"]}).nodes == tree.nodes


def test_encode_and_labels():
    tree = ClassTree.from_labels(SHOES)
    others = [[UNKNOWN, None], ["shoes", UNKNOWN], ["shoes", np.nan]]
    assert tree.encode([*SHOES, *others]).tolist() == [3, 4, 4, 2, -1, 1, 1]
    assert tree.labels([2, 1, -1]).tolist() == [["bags", "tote"], ["shoes", UNKNOWN], [UNKNOWN, UNKNOWN]]
    assert tree.encode(tree.labels([2, 1, -1])).tolist() == [2, 1, -1]


@pytest.mark.parametrize("missing", [None, np.nan, "", "  "])
def test_uneven_depth(missing):
    tree = ClassTree.from_labels([["hats", missing], ["shoes", "boots"], ["shoes", missing]])
    assert tree.nodes == (("hats",), ("shoes",), ("shoes", "boots")) and tree.leaves.tolist() == [0, 2]
    assert tree.labels([0, 2]).tolist() == [["hats", ""], ["shoes", "boots"]]
    assert tree.counts == (1, 2, 1) and tree.cut(1).tolist() == [0, 2] and not tree.is_even


def test_a_leaf_name_under_two_parents_is_two_nodes_and_is_reported():
    tree = ClassTree.from_labels([["bags", "other"], ["shoes", "other"], ["shoes", "boots"]])
    assert tree.several_parents == {"other": (("bags", "other"), ("shoes", "other"))}
    assert str(tree).splitlines()[-1] == "other is the name of 2 leaves, below bags and shoes"
    assert tree.name(2) == "bags/other" and tree.name(3) == "boots"


def test_numbers_and_mixed_labels_stay_as_they_are():
    tree = ClassTree.from_labels(np.array([["nike", 10], ["nike", 9]], dtype=object))
    assert tree.nodes[1:] == (("nike", 9), ("nike", 10))
    assert tree.labels([1, 2]).tolist() == [["nike", 9], ["nike", 10]]
    numbers = ClassTree.from_labels([2, 10])
    assert numbers.labels([0, 1]).dtype.kind == "i" and numbers.labels([0, -1]).tolist() == [[2], [UNKNOWN]]
    mixed = ClassTree.from_labels(np.array(["a", 3], dtype=object))
    assert mixed.nodes == ((3,), ("a",))


def test_names_with_slashes_are_not_confused():
    tree = ClassTree.from_labels([["a/b", "c"], ["a", "b/c"]])
    assert tree.encode([["a", "b/c"]]).tolist() != tree.encode([["a/b", "c"]]).tolist()


def test_a_constant_level_and_an_only_child():
    tree = ClassTree.from_labels([["all", "bags", "tote"], ["all", "shoes", "boots"], ["all", "shoes", "heels"]])
    assert tree.parents.tolist() == [-1, 0, 0, 1, 2, 2] and len(tree.leaves) == 3


def test_it_is_printed_with_counts():
    lines = str(ClassTree.from_labels(SHOES)).splitlines()
    assert " ".join(" ".join(lines).split()) == "bags 1 tote 1 shoes 3 boots 1 heels 2"
    assert len({line.rindex(" ") for line in lines}) == 1
    assert str(ClassTree.from_dict({"a": ["b\x1b"]})).splitlines() == ["a", "  b\\x1b"]


def test_it_does_not_change_and_can_be_compared():
    tree, other = ClassTree.from_labels(SHOES), ClassTree.from_labels(SHOES[::-1])
    with pytest.raises(AttributeError, match="does not change"):
        tree.levels = ("a", "b")
    assert tree == other and hash(tree) == hash(other) and tree != ClassTree.from_labels(SHOES[:2])
    before = pickle.dumps(tree)
    assert tree.membership.any() and pickle.dumps(tree) == before, "arrays that are computed again are pickled"
    assert pickle.loads(before) == tree


def test_nested_folders(tmp_path):
    for place in ("shoes/boots/1.jpg", "shoes/boots/2.jpg", "shoes/3.jpg", "hats/4.jpg", "notes.txt"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"")
    tree = ClassTree.from_folder(tmp_path, ["kind", "article"])
    assert tree.nodes == (("hats",), ("shoes",), ("shoes", "boots")) and tree.counts == (1, 3, 2)
    with pytest.raises(UserError, match="expected folders of images in .*boots, got none"):
        ClassTree.from_folder(tmp_path / "shoes" / "boots")


def make_cycle():
    classes = {"shoes": {}}
    classes["shoes"]["shoes"] = classes
    return classes


@pytest.mark.parametrize("classes, message", [
    (make_cycle(), "shoes > shoes: expected classes that end, got one that contains itself; cut it"),
    ({"boots": "shoes"}, "boots: expected a mapping or a list of the classes below, or None, got 'shoes'; write a l"),
    ({}, "needs at least one class, got none"),
    ({"": None}, "not empty and not 'unknown', got ''"),
    ({UNKNOWN: None}, "not empty and not 'unknown', got 'unknown'"),
    ({("a",): None}, "expected labels that are text or finite numbers"),
    ({"a": [float("nan")]}, "text or finite numbers.*, got nan in a > nan"),
])
def test_bad_mappings(classes, message):
    with pytest.raises(UserError, match=message):
        ClassTree.from_dict(classes)


@pytest.mark.parametrize("labels, message", [
    ([["a", "b"], [None, "b"]], "labels of 'target 1': expected a label in each row, got none in row 1; fill it, or"),
    ([["a", "b", "c"], ["a", "", "c"]], "'target 2': expected a label in row 1, because 'target 3' is c, got none"),
    ([["a", "b"], [UNKNOWN, "b"]], "labels of 'target 2': expected 'unknown' or no label in row 1.*got b; remove it"),
    ([["a", "b"], ["a"]], "expected 2 labels in each row as in row 0, got 1 labels in row 1"),
    ([[["a"], "b"]], "expected text or numbers, got"),
    (np.zeros((2, 2, 2)), r"expected shape \(n,\) or \(n, n_targets\), got \(2, 2, 2\)"),
    ([[0.5], [0.25]], "Unknown label type: continuous"),
    (None, "requires y to be passed"),
    ([], "y: expected labels, got none; pass one for each row"),
])
def test_bad_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        ClassTree.from_labels(labels)


def test_bad_names_and_foreign_labels():
    for names in ("ab", [1, 2], 3):
        with pytest.raises(UserError, match="levels: expected a list of names, .*; pass one text for each level"):
            ClassTree.from_labels(SHOES, names)
        with pytest.raises(UserError, match="levels: expected a list of names"):
            ClassTree(map(tuple, SHOES), names)
    tree = ClassTree.from_labels(SHOES)
    for nodes in ([9], [-2]):
        with pytest.raises(UserError, match=f"nodes: expected positions from -1 to 4, got {nodes[0]}; pass"):
            tree.labels(nodes)
    with pytest.raises(UserError, match=r"expected 2 columns of labels.*\(target 1 and target 2\), got 1; pass"):
        tree.encode(["boots"])
    with pytest.raises(UserError, match="expected 2 different names, one for each column of labels, got kind and kind"):
        ClassTree.from_labels(SHOES, ["kind", "kind"])
    with pytest.raises(UserError, match="row 0: expected labels of the tree, got shoes > flats; correct them"):
        ClassTree.from_labels(SHOES).encode([["shoes", "flats"]])


paths = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("cd"), st.sampled_from(["", "e", "f"])), min_size=1)


@given(paths)
def test_labels_and_encode_are_inverse_for_every_tree(rows):
    tree = ClassTree.from_labels(rows)
    every = np.arange(-1, len(tree.nodes))
    assert tree.encode(tree.labels(every)).tolist() == every.tolist()
    assert (tree.membership.sum(axis=0) == tree.depths[tree.leaves] + 1).all()
    for level in range(3):
        assert (tree.membership[tree.cut(level)].sum(axis=0) == 1).all(), "a cut does not share the leaves"
    assert sum(count for node, count in zip(tree.nodes, tree.counts) if len(node) == 1) == len(rows)


def test_a_thousand_leaves():
    rows = [[f"main {i % 10}", f"sub {i % 100}", f"leaf {i}"] for i in range(1000)]
    tree = ClassTree.from_labels(rows)
    assert len(tree.leaves) == 1000 and tree.membership.sum() == 3000 and len(str(tree).splitlines()) == 1110
