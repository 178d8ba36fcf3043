"""Check the values of a model file that would harm whoever loads it.

Most wrong values raise an error when they are used. Compiled code of scikit-learn, however, follows indices and sizes
without a check, and would read outside its memory. And some parameters reach outside the model, to files and cores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from ...errors import InputError
from ...networks import NETWORKS, resolve
from .card_tree import read_tree
from .damage import REMEDY, DamagedError
from .portable import RUNNING


def check_attributes(name: str, attributes: Mapping[str, Any]) -> None:
    """Raise ValueError if an attribute of an object reaches outside the model.

    Parameters
    ----------
    name : str
        The name of the object's class.
    attributes : mapping of str to object
    """
    for parameter, replace in RUNNING.items():  # `save` replaces them, so it did not make a file that has others
        if (value := attributes.get(parameter)) is None:
            continue
        expected = replace(value)
        if value is not expected and not (isinstance(value, (bool, int, str)) and value == expected):
            usual = repr(expected) if expected else "none"
            raise DamagedError(f"{name}.{parameter}: expected {usual}, got {str(value)[:50]!r}")
    network = attributes.get("network")
    for each in network if isinstance(network, (list, tuple)) else [network]:
        if isinstance(each, str) and each not in NETWORKS:
            raise DamagedError(f"{name}.network: expected the name of a network, got {each[:50]!r}")


def check_tree(arguments: Any, state: Any) -> None:
    """Raise ValueError if a path through a decision tree does not end, or leaves the tree or the features.

    Parameters
    ----------
    arguments : (int, ndarray, int)
        The number of features, the number of classes of each output, and the number of outputs.
    state : mapping
        The nodes and values, as scikit-learn pickles them. It checks their dtypes and shapes itself.
    """
    n_features, n_classes, n_outputs = arguments
    nodes, count = state["nodes"], state["node_count"]
    if not (type(n_features) is int and type(n_outputs) is int and type(count) is int and 0 < n_outputs < 10_000):
        raise DamagedError("expected a tree with whole numbers of features, outputs and nodes, got others")
    if n_classes.shape != (n_outputs,) or n_classes.min(initial=1) < 1 or nodes.shape != (count,) or count < 1:
        raise DamagedError(f"expected a tree of {count} nodes and {n_outputs} outputs, got other arrays")
    if n_classes.dtype != np.intp or state["values"].dtype != np.float64:
        raise DamagedError(f"expected a tree with values of dtype float64, got {state['values'].dtype}")
    left, right, feature = nodes["left_child"], nodes["right_child"], nodes["feature"]
    numbers, is_leaf = np.arange(count), left == -1
    for child in (left, right):  # a child comes after its parent, so every path ends
        if not (is_leaf == (child == -1)).all() or not ((child > numbers) & (child < count))[~is_leaf].all():
            raise DamagedError("expected a tree whose nodes point to later nodes, got other indices")
    if not ((feature >= 0) & (feature < n_features))[~is_leaf].all():
        raise DamagedError(f"expected a tree that asks for features 0 to {n_features - 1}, got others")


def check_object(name: str, made: Any) -> None:
    """Raise ValueError if compiled code would use an object, which has all its attributes, without a check."""
    if name in _CHECKS:
        _CHECKS[name](made)


def _check_decision_tree(model: Any) -> None:
    tree = getattr(model, "tree_", None)
    if tree is not None and (tree.n_features, tree.n_outputs) != (model.n_features_in_, model.n_outputs_):
        raise DamagedError(
            f"expected a tree of {model.n_features_in_} features and {model.n_outputs_} outputs, got one of "
            f"{tree.n_features} and {tree.n_outputs}"
        )


def _check_forest(model: Any) -> None:
    for tree in getattr(model, "estimators_", ()):
        if (tree.n_features_in_, tree.n_outputs_) != (model.n_features_in_, model.n_outputs_):
            raise DamagedError(f"expected trees of {model.n_features_in_} features, got one of {tree.n_features_in_}")
        if getattr(tree, "tree_", None) is None:
            raise DamagedError("expected fitted trees, got one that is not")


def _check_neighbors(model: Any) -> None:
    rows = getattr(model, "_fit_X", None)
    if rows is None:
        return
    labels = model._y
    is_valid = (
        rows.ndim == 2 and rows.shape[1] == model.n_features_in_ and rows.dtype.kind == "f" and model._tree is None
        and labels.shape == (len(rows),) and labels.dtype.kind == "i" and not model.outputs_2d_
        and labels.min() >= 0 and labels.max() < len(model.classes_)
    )
    if not is_valid:
        raise DamagedError("expected neighbors with a class for each row, got other arrays")


def _check_support_vectors(model: Any) -> None:
    vectors = getattr(model, "support_vectors_", None)
    if vectors is None:
        return
    n_classes, n_vectors = len(model.classes_), len(vectors)
    n_pairs = n_classes * (n_classes - 1) // 2
    is_valid = (
        vectors.ndim == 2 and vectors.shape[1] == model.n_features_in_ == model.shape_fit_[1]
        and all(each.dtype == np.float64 for each in (vectors, model._dual_coef_, model._intercept_))
        and model._dual_coef_.shape == (n_classes - 1, n_vectors) and model._intercept_.shape == (n_pairs,)
        and all(each.dtype == np.int32 for each in (model._n_support, model.support_))
        and model._n_support.shape == (n_classes,) and model._n_support.min() >= 0
        and model._n_support.sum() == n_vectors and model.support_.shape == (n_vectors,)
        and all(len(each) in (0, n_pairs) and each.dtype == np.float64 for each in (model._probA, model._probB))
        and len(model._probA) == len(model._probB) and not model._sparse
        and model.kernel in ("linear", "poly", "rbf", "sigmoid")
    )
    if not is_valid:
        raise DamagedError("expected support vectors and coefficients of one shape, got others")


def _check_class_tree(tree: Any) -> None:
    """Check that a tree is the one that its nodes make, so that every path upward ends."""
    if vars(tree).keys() != {"levels", "nodes", "counts"}:
        raise DamagedError("expected a tree of classes with levels, nodes and counts, got other attributes")
    read_tree(list(tree.levels), [list(path) for path in tree.nodes], tree.counts and list(tree.counts))


def _check_perceptron(model: Any) -> None:
    if not hasattr(model, "coefs_"):
        return
    coefs, intercepts = model.coefs_, model.intercepts_
    classes = model.classes_ if isinstance(model.classes_, list) else [model.classes_]
    n_scores = sum(len(each) for each in classes)
    widths = [model.n_features_in_, *(coef.shape[1] for coef in coefs)]
    is_valid = (
        len(coefs) == len(intercepts) and model.mean_.shape == (model.n_features_in_,)
        and all(coef.shape == pair for coef, pair in zip(coefs, pairwise(widths)))
        and all(intercept.shape == (width,) for intercept, width in zip(intercepts, widths[1:]))
        and (widths[-1] == n_scores or (widths[-1], n_scores, len(classes)) == (1, 2, 1))
        and all(each.dtype.kind == "f" for each in (model.mean_, *coefs, *intercepts))
    )
    if not is_valid:
        raise DamagedError("expected the layers of a perceptron, each of the size that the next one takes, got others")


def _check_quantized(network: Any) -> None:
    try:
        network.check_graph()
    except InputError as error:
        raise DamagedError(str(error)) from error


def _check_network(flow: Any) -> None:
    """Check that a fitted flow has its own network: that of a name, or the one in the file."""
    expected, network = getattr(flow, "network_digest_", None), flow.network
    if expected is None:
        return
    found = resolve(network).digest if isinstance(network, str) else network.digest
    if found != expected:
        raise InputError(
            f"{network} is another network than the flow was fitted with: expected SHA-256 {expected}, got {found}; "
            f"install the version of the package that is on the card, or {REMEDY}"
        )


#: The checks of objects, by the name of the class.
_CHECKS: dict[str, Callable[[Any], None]] = {
    "BinnedForestClassifier": _check_forest,
    "CNNEmbedding": _check_network,
    "ClassTree": _check_class_tree,
    "DecisionTreeClassifier": _check_decision_tree,
    "DropoutMLPClassifier": _check_perceptron,
    "EarlyStoppingMLPClassifier": _check_perceptron,
    "ExtraTreeClassifier": _check_decision_tree,
    "ExtraTreesClassifier": _check_forest,
    "KNeighborsClassifier": _check_neighbors,
    "QuantizedNetwork": _check_quantized,
    "RandomForestClassifier": _check_forest,
    "SVC": _check_support_vectors,
}
