"""Read the graph of an MXNet network from its ``symbol.json``, as any version since 2015 has written it."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections import Counter
from typing import Any, NamedTuple

from ...errors import InputError
from ..content import Content

MAX_SYMBOL_BYTES = 2**26
_MAX_NUMBER = 2**31  # of attributes that are integers
#: The keys that different versions have stored a node's attributes under.
_ATTRIBUTE_KEYS = ("param", "attr", "attrs")
#: The defaults that applied before December 2015, for attributes that did not exist then. Such files have no version.
_OLD_DEFAULTS = {"Pooling": {"pooling_convention": "full"}, "BatchNorm": {"fix_gamma": "False"}}
#: Operators whose second input is a label, which matters in training only.
_LABELED = ("LinearRegressionOutput", "LogisticRegressionOutput", "MAERegressionOutput", "Softmax", "SoftmaxOutput")
#: Other names of operators: names of other versions, and variants that differ only in their gradients.
_RENAMED = {
    **dict.fromkeys(("_Plus", "_plus", "_add", "ElementWiseSum", "_sum", "add_n", "broadcast_add", "broadcast_plus"),
                    "elemwise_add"),
    **dict.fromkeys(("_Mul", "_mul", "broadcast_mul"), "elemwise_mul"),
    **dict.fromkeys(("_copy", "BlockGrad", "stop_gradient", "MakeLoss", "make_loss", "LinearRegressionOutput",
                     "MAERegressionOutput"), "identity"),
    "BatchNorm_v1": "BatchNorm",
    "CuDNNBatchNorm": "BatchNorm",
    "Convolution_v1": "Convolution",
    "LogisticRegressionOutput": "sigmoid",
    "Pooling_v1": "Pooling",
    "Softmax": "SoftmaxOutput",
    "concat": "Concat",
    "flatten": "Flatten",
    **{f"_{word.capitalize()}Scalar": f"_{word}_scalar" for word in ("plus", "minus", "mul", "div")},
}


class SymbolWarning(UserWarning):
    """A symbol file from before December 2015 is read with the defaults of its time."""


class Node(NamedTuple):
    """An operator; or if `op` is "null", a variable: the image, a label or a parameter."""

    op: str
    name: str
    attributes: dict[str, str]
    inputs: tuple[str, ...]

    def input(self, position: int) -> str:
        """Return the name of an input; ValueError if there are too few. They are checked only when they are needed."""
        if position >= len(self.inputs):
            raise InputError(f"{self.name}: it has {len(self.inputs)} inputs, too few for a {self.op}")
        return self.inputs[position]

    def text(self, key: str, default: str) -> str:
        """Return an attribute as the text that is in the file."""
        return self.attributes.get(key, default)

    def flag(self, key: str, default: bool) -> bool:
        """Return an attribute that is True or False, which the file may also write as 1 or 0."""
        text = self.text(key, str(default)).strip().lower()
        if text not in ("true", "false", "1", "0"):
            raise InputError(f"{self.name}: {key}: expected True or False, got {text!r}")
        return text in ("true", "1")

    def number(self, key: str, default: float | None = None) -> float:
        """Return an attribute that is a finite number; without a default, it is required."""
        text = self.text(key, "" if default is None else str(default))
        try:
            number = float(text)
        except ValueError:
            raise InputError(f"{self.name}: {key}: expected a number, got {text!r}") from None
        if not math.isfinite(number):
            raise InputError(f"{self.name}: {key}: expected a finite number, got {text!r}")
        return number

    def integer(self, key: str, default: int | None = None, least: int = 1) -> int:
        """Return an attribute that is an integer of at least `least`; without a default, it is required."""
        text = self.text(key, "" if default is None else str(default))
        return self._integers(key, text, least, n=1)[0]

    def pair(self, key: str, default: int | None = None, least: int = 1) -> tuple[int, int]:
        """Return an attribute that is two integers, for rows and columns; the default is used for both."""
        text = self.text(key, "").strip()
        if text in ("", "()", "[]") and default is not None:
            return default, default
        first, second = self._integers(key, text, least, n=2)
        return first, second

    def _integers(self, key: str, text: str, least: int, n: int) -> list[int]:
        parts = text.strip().strip("()[]").rstrip(",").split(",")
        # Python 2 wrote long integers as 3L.
        if len(parts) != n or not all(re.fullmatch(r"\s*-?\d{1,12}L?\s*", part) for part in parts):
            raise InputError(f"{self.name}: {key}: expected {n} integers, got {text[:80]!r}")
        values = [int(part.strip().rstrip("L")) for part in parts]
        if not all(least <= value < _MAX_NUMBER for value in values):
            raise InputError(f"{self.name}: {key}: expected integers from {least} to 2**31 - 1, got {text[:80]!r}")
        return values


def read_symbol(file: Content) -> list[Node]:
    """Read the operators and variables of a network.

    Parameters
    ----------
    file : Content
        A ``symbol.json`` of any age: with attributes under ``param``, ``attr`` or ``attrs``, inputs of two or three
        numbers, and batch normalization with or without its moving mean and variance among the inputs.

    Returns
    -------
    list of Node
        Each node comes after the nodes that it takes its inputs from.

    Raises
    ------
    ValueError
        If the file is damaged, if its nodes form a cycle, if a node is missing, or if two have the same name.

    Warns
    -----
    SymbolWarning
        If the file is from before December 2015 and relies on the defaults of that time: pooling rounded up, and batch
        normalization used its gamma. With today's defaults its features would be wrong.
    """
    try:
        nodes, is_old = _parse(file.data)
    except (ValueError, RecursionError) as error:  # brackets nested too deeply give a RecursionError
        raise InputError(f"{file.path} is damaged or no MXNet symbol: {error}") from error
    if is_old:
        warnings.warn(
            f"{file.path} is from before December 2015, so it is read with the defaults of that time: its pooling "
            "rounds up, and its batch normalization uses gamma",
            SymbolWarning,
            stacklevel=2,
        )
    return nodes


def write_repaired(text: bytes) -> str:
    """Write a symbol in today's JSON, with the repairs of `read_symbol`: MXNet itself repairs nothing.

    Parameters
    ----------
    text : bytes
        A symbol that `read_symbol` accepts.

    Returns
    -------
    str
    """
    document = json.loads(text)
    for raw, node in zip(document["nodes"], _parse(text)[0]):
        for key in _ATTRIBUTE_KEYS:
            raw.pop(key, None)
        raw["attrs"] = node.attributes
    return json.dumps(document)


def _parse(text: bytes) -> tuple[list[Node], bool]:
    document = json.loads(text)
    if not isinstance(document, dict) or not isinstance(document.get("nodes"), list) or not document["nodes"]:
        raise InputError("it has no nodes")
    attributes = document.get("attrs")
    has_version = isinstance(attributes, dict) and "mxnet_version" in attributes
    nodes: list[Node] = []
    is_old = False
    for raw in document["nodes"]:
        node = _node(raw, nodes)
        old = {} if has_version else _OLD_DEFAULTS.get(node.op, {})
        is_old |= any(key not in node.attributes for key in old)
        nodes.append(node._replace(attributes={**old, **node.attributes}))
    (name, count), *_ = Counter(node.name for node in nodes).most_common(1)
    if count > 1:
        raise InputError(f"it has {count} nodes named {name!r}")
    return nodes, is_old


def _node(raw: Any, earlier: list[Node]) -> Node:
    op, name = (raw.get("op"), raw.get("name")) if isinstance(raw, dict) else (None, None)
    if not isinstance(op, str) or not isinstance(name, str):
        raise InputError(f"node {len(earlier)} has no operator or no name")
    n_inputs = 1 if op in _LABELED else None
    op = _RENAMED.get(op, op)
    attributes: dict[str, str] = {}
    for key in _ATTRIBUTE_KEYS:
        values = raw.get(key) or {}
        if not isinstance(values, dict):
            raise InputError(f"{key} of node {name!r}: expected a table, got {type(values).__name__}")
        attributes.update((attribute, str(value)) for attribute, value in values.items())
    if not isinstance(raw.get("inputs"), list):
        raise InputError(f"node {name!r} has no inputs")
    inputs = [_input(name, entry, earlier, len(earlier)) for entry in raw["inputs"]][:n_inputs]
    if op == "BatchNorm" and len(inputs) == 3:
        inputs += [f"{name}_moving_mean", f"{name}_moving_var"]
    return Node(op, name, attributes, tuple(inputs))


def _input(name: str, entry: Any, earlier: list[Node], position: int) -> str:
    if not isinstance(entry, list) or len(entry) not in (2, 3) or not all(type(number) is int for number in entry):
        raise InputError(f"an input of node {name!r}: expected two or three integers, got {entry!r:.80}")
    index, output = entry[:2]
    if index < 0 or output < 0:
        raise InputError(f"node {name!r} takes an input that is missing")
    if index >= position:  # MXNet writes each node after its inputs
        raise InputError(f"node {name!r} takes an input from node {index}, which is missing or part of a cycle")
    if output > 0:
        raise InputError(f"node {name!r} takes output {output} of {earlier[index].name!r}; only the first is supported")
    return earlier[index].name
