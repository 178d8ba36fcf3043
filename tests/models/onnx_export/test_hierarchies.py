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
from twoflow.models.onnx_export import Graph, Output, compare, export_onnx, to_onnx

from .running import pixels_of, start

#: Uneven, with a name under two parents, a class with one child, and a class that no training row has.
TREE = ClassTree.from_dict(
    {"bags": ["other", "tote"], "hats": None, "shoes": {"boots": ["chelsea", "hiking"], "other": None},
     "toys": {"dolls": None}, "watches": None},
    ["category", "article", "style"],
)
PATHS = [TREE.nodes[leaf] for leaf in TREE.leaves if TREE.nodes[leaf] != ("watches",)]
RULES = {
    "none": None, "number": 0.8, "confidence": Confidence(0.6), "risk": Risk(0.25), "per class": Risk(0.3, per_class=True),
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
    model = HierarchicalClassifier(LinearDiscriminantAnalysis(), TREE, strategy=strategy, fallback=rule)
    found = check(model.fit(X[:280], y[:280]), X[280:])
    depths = np.where(found["node"] < 0, -1, TREE.depths[found["node"]])
    assert len(set(depths.tolist())) > (1 if rule is None else 2)
