"""The registry of parts that can be exported: a function for each class of flow, selector or classifier."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from ...errors import InputError
from .graph import Graph


@singledispatch
def to_onnx(part: Any, graph: Graph, source: Any) -> Any:
    """Add a fitted part of a model to a graph, and return the name of its output.

    Register a function for a class of your own with ``@to_onnx.register``. It adds nodes with ``graph.add``, and must
    compute what the class computes:

    - A flow is given the image, an `ImageInput`: ``source.resized((width, height))`` is the name of its pixels, of
      shape (height, width, 3) and dtype uint8. It returns features of shape (1, n_features) and dtype float32.
    - A selector is given the name of features, of shape (1, n_features) and dtype float32. It returns features too.
    - A classifier is given the name of features. It returns the probabilities of the classes, of shape (1, n_classes)
      and dtype float64, in the order of its `classes_`. One without `predict_proba` returns the output of its
      `decision_function` instead, of shape (1, n_classes), or (1, 1) for two classes.
    - A classifier of several targets returns a list of names, one for each target.
    - A hierarchical classifier returns `TreeValues`. Its rule is given `NodeProbabilities`, and returns the position of
      the answered node, -1 for unknown, of shape (1,) and dtype int64. Its scope is given `ScopeInput`, and returns the
      score, of shape (1,) and dtype float64.

    Parameters
    ----------
    part : estimator or "passthrough"
        The fitted part.
    graph : Graph
        The graph under construction.
    source : ImageInput, str, NodeProbabilities or ScopeInput
        The image for a flow; for selectors and classifiers the name of their input.

    Returns
    -------
    str, list of str, or TreeValues
        The name of the output.

    Raises
    ------
    ValueError
        If the class of the part has no function here, or the function cannot export this one.
    """
    raise InputError(
        f"{type(part).__name__} cannot be exported to ONNX; use other flows or another head, or register a function "
        "for it with twoflow.models.onnx_export.to_onnx"
    )


@to_onnx.register
def _(part: str, graph: Graph, source: str) -> str:
    """Keep the features as they are: "passthrough" is the only selector that is a str."""
    return source
