"""The graph of a hierarchical classifier answers the same node, for every strategy and rule."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from sklearn.datasets import make_blobs
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier

from twoflow import ClassTree, Confidence, HierarchicalClassifier, RawPixels, make_model
from twoflow.errors import InputError
from twoflow.heads.hierarchy import Risk
from twoflow.heads.hierarchy.strategies import STRATEGIES
from twoflow.heads.scope import SCORES, OutOfScope
from twoflow.models.onnx_export import Graph, Output, compare, export_onnx, to_onnx
from twoflow.models.onnx_export.scopes import ScopeInput

from .running import pixels_of, start

#: Uneven, with a name under two parents, a class with one child, and a class that no training row has.
TREE = ClassTree.from_dict(
    {"bags": ["other", "tote"], "hats": None, "shoes": {"boots": ["chelsea", "hiking"], "other": None},
     "toys": {"dolls": None}, "watches": None},
    ["category", "article", "style"],
)
PATHS = [TREE.nodes[leaf] for leaf in TREE.leaves if TREE.nodes[leaf] != ("watches",)]
RULES = {
    "none": None, "number": 0.8, "confidence": Confidence(0.6), "risk": Risk(0.25),
    "per class": Risk(0.3, per_class=True),
}


@pytest.fixture(scope="module")
def problem():
    X, y = make_blobs(420, 6, centers=len(PATHS), cluster_std=6, random_state=0)
    return X.astype(np.float32), np.array([[*PATHS[each], "", ""][:3] for each in y], dtype=object)


def run_tree(part, rows):
    """Export a fitted hierarchical classifier alone, and run it on each row; the outputs by name."""
    graph = Graph()
    values = to_onnx(part, graph, "rows")
    answer = {"node": Output(values.node, 1, np.int64), "confidence": Output(values.confidence, 1, np.float64)}
    if values.in_scope is not None:
        answer["in_scope"] = Output(values.in_scope, 1, bool)
    levels = {f"level {i}": Output(value, 1, np.float64) for i, value in enumerate(values.levels)}
    model = graph.finish({}, answer | levels)
    model.graph.input.append(helper.make_tensor_value_info("rows", TensorProto.FLOAT, [1, rows.shape[1]]))
    for output in model.graph.output[len(answer):]:
        output.type.tensor_type.ClearField("shape")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, map(np.concatenate, zip(*(session.run(None, {"rows": row[None]}) for row in rows)))))


def check(model, X):
    found = run_tree(model, X)
    expected = model.decide(model.predict_node_proba(X), model.scope_scores(X))
    assert found["node"].tolist() == expected.node.tolist()
    assert np.abs(found["confidence"] - expected.confidence).max() < 1e-6
    for level, shares in enumerate(model.predict_proba(X)):
        assert found[f"level {level}"].shape == shares.shape
        assert np.abs(found[f"level {level}"] - shares).max() < 1e-6
    return found


@pytest.mark.filterwarnings("ignore:fallback. no threshold promises")  # of classes with few images
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_node(problem, strategy, rule):
    X, y = problem
    model = HierarchicalClassifier(
        LinearDiscriminantAnalysis(), TREE, strategy=strategy, fallback=rule, random_state=0
    )
    found = check(model.fit(X[:280], y[:280]), X[280:])
    depths = np.where(found["node"] < 0, -1, TREE.depths[found["node"]])
    assert len(set(depths.tolist())) > (1 if rule is None else 2)


@pytest.mark.parametrize("score", [*SCORES, "auto"])
def test_the_same_score_of_scope(problem, score):
    X, y = problem
    X, y = X[:160], y[:160]
    scope = OutOfScope(score, answered=0.8, n_components=4, cv=2, random_state=0)
    model = HierarchicalClassifier(LinearDiscriminantAnalysis(), TREE, fallback=0.5, scope=scope, random_state=0)
    unusual = np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32)
    rows = np.vstack([X[:60], 3 * X[60:120], unusual, np.zeros_like(X[:1])])
    found = check(model.fit(X, y), rows)
    scores = model.scope_scores(rows)
    assert np.array_equal(found["in_scope"], scores >= model.scope_.threshold_) and len(set(found["in_scope"])) == 2
    graph = Graph()
    value = to_onnx(model.scope_, graph, ScopeInput("rows", "leaves"))
    graph = graph.finish({}, {"score": Output(value, 1, np.float64)})
    graph.graph.input.append(helper.make_tensor_value_info("rows", TensorProto.FLOAT, [1, rows.shape[1]]))
    graph.graph.input.append(helper.make_tensor_value_info("leaves", TensorProto.DOUBLE, [1, len(TREE.leaves)]))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    leaves = model.predict_node_proba(rows)[:, TREE.leaves]
    inputs = [each.name for each in session.get_inputs()]
    exported = [session.run(None, {name: value for name, value in (("rows", row[None]), ("leaves", leaf[None]))
                                   if name in inputs})[0][0] for row, leaf in zip(rows, leaves)]
    assert np.allclose(exported, scores, rtol=1e-4, atol=1e-4)


def test_a_whole_model(shop, tmp_path):
    """The labels of the shop are its kinds and styles, so that levels are named like a collection's."""
    labels = np.array([[label.split("/")[0], label] for label in shop.labels.tolist()])
    scope = OutOfScope("neighbors", random_state=0)
    head = HierarchicalClassifier(LinearDiscriminantAnalysis(), fallback=0.9, scope=scope)
    model = make_model([("pixels", RawPixels((4, 4)))], head, random_state=0).fit(shop.images, labels)
    graph = export_onnx(model, tmp_path / "shop.onnx")
    metadata = {
        each.key: json.loads(each.value) for each in graph.metadata_props if each.key in ("card", "labels", "tree")
    }
    levels = metadata["tree"]["levels"]
    assert [output.name for output in graph.graph.output] == [
        *(f"probabilities_{level}" for level in levels), "node", "confidence", "in_scope"]
    assert metadata["labels"] == {level: classes.tolist() for level, classes in zip(levels, model.classes_)}
    assert metadata["card"]["outputs"] == {level: f"probabilities_{level}" for level in levels}
    blue = np.zeros((30, 30, 3), np.uint8)
    blue[:15, :, 2] = 255
    images = [*shop.images, blue]
    session = start(onnx.load(tmp_path / "shop.onnx"))
    answers = [dict(zip((each.name for each in session.get_outputs()), session.run(None, {"image": pixels})))
               for pixels in pixels_of(images)]
    nodes = [int(answer["node"][0]) for answer in answers]
    assert [tuple(metadata["tree"]["nodes"][node]) if node >= 0 else () for node in nodes] == model.predict_path(images)
    assert -1 in nodes and {answer["in_scope"][0].item() for answer in answers} == {True, False}
    assert all(answer["confidence"].dtype == np.float32 and answer["confidence"].shape == (1,) for answer in answers)
    found = compare(graph, model, images)
    assert found.n_same == found.n_answers == len(images) and found.largest < 1e-4


def test_a_part_that_cannot_be_exported_is_named(problem):
    X, y = problem
    model = HierarchicalClassifier(KNeighborsClassifier(), TREE).fit(X, y)
    with pytest.raises(InputError, match="KNeighborsClassifier cannot be exported"):
        to_onnx(model, Graph(), "rows")


def test_a_classifier_without_probabilities(problem):
    X, y = problem
    check(HierarchicalClassifier(RidgeClassifier(), TREE, fallback=0.5).fit(X[:200], y[:200]), X[200:260])


def test_one_level(problem):
    X, y = problem
    model = HierarchicalClassifier(LinearDiscriminantAnalysis(), fallback=0.9).fit(X[:200], y[:200, 0])
    found = run_tree(model, X[200:260])
    expected = model.decide(model.predict_node_proba(X[200:260]))
    assert found["node"].tolist() == expected.node.tolist() and -1 in found["node"]
    assert np.abs(found["level 0"] - model.predict_proba(X[200:260])).max() < 1e-6
