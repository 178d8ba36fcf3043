"""The graph of an MXNet network out of its ``symbol.json``, as written by any version since 2015."""

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
_MAX_NUMBER = 2**31
#: Under which a node's attributes have been, over the years.
_ATTRIBUTE_KEYS = ("param", "attr", "attrs")
#: What an attribute was taken to be before December 2015, when its key did not exist yet and files had no version.
_OLD_DEFAULTS = {"Pooling": {"pooling_convention": "full"}, "BatchNorm": {"fix_gamma": "False"}}
#: Operators whose other input is a label, which matters in training only.
_LABELED = ("LinearRegressionOutput", "LogisticRegressionOutput", "MAERegressionOutput", "Softmax", "SoftmaxOutput")
#: Names an operator had at other times, or has for another gradient; running a network knows no difference.
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
    """A symbol file was repaired."""


class Node(NamedTuple):
    """An operator, or with `op` "null" a variable: the image, a label or a parameter."""

    op: str
    name: str
    attributes: dict[str, str]
    inputs: tuple[str, ...]

    def input(self, position: int) -> str:
        """The name of an input; they are checked only here, where they are needed."""
        if position >= len(self.inputs):
            raise InputError(f"{self.name}: it has {len(self.inputs)} inputs, too few for a {self.op}")
        return self.inputs[position]

    def text(self, key: str, default: str) -> str:
        """An attribute as it stands in the file."""
        return self.attributes.get(key, default)

    def flag(self, key: str, default: bool) -> bool:
        """An attribute that is True or False, in words or as 1 or 0."""
        text = self.text(key, str(default)).strip().lower()
        if text not in ("true", "false", "1", "0"):
            raise InputError(f"{self.name}: {key} is {text!r}, neither True nor False")
        return text in ("true", "1")

    def number(self, key: str, default: float | None = None) -> float:
        """An attribute that is a number."""
        text = self.text(key, "" if default is None else str(default))
        try:
            number = float(text)
        except ValueError:
            raise InputError(f"{self.name}: {key} is {text!r}, no number") from None
        if not math.isfinite(number):
            raise InputError(f"{self.name}: {key} is {text!r}, not finite")
        return number

    def integer(self, key: str, default: int | None = None, least: int = 1) -> int:
        """An attribute that is an integer of at least `least`."""
        text = self.text(key, "" if default is None else str(default))
        return self._integers(key, text, least, n=1)[0]

    def pair(self, key: str, default: int | None = None, least: int = 1) -> tuple[int, int]:
        """An attribute that is two integers, of rows and columns."""
        text = self.text(key, "").strip()
        if text in ("", "()", "[]") and default is not None:
            return default, default
        first, second = self._integers(key, text, least, n=2)
        return first, second

    def _integers(self, key: str, text: str, least: int, n: int) -> list[int]:
        parts = text.strip().strip("()[]").rstrip(",").split(",")
        # Python 2 wrote its integers as 3L.
        if len(parts) != n or not all(re.fullmatch(r"\s*-?\d{1,12}L?\s*", part) for part in parts):
            raise InputError(f"{self.name}: {key} is {text[:80]!r}, where {n} integers are expected")
        values = [int(part.strip().rstrip("L")) for part in parts]
        if not all(least <= value < _MAX_NUMBER for value in values):
            raise InputError(f"{self.name}: {key} is {text[:80]!r}, out of range")
        return values


def read_symbol(file: Content) -> list[Node]:
    """Read the operators and variables of a network, each behind those it takes its inputs from.

    Parameters
    ----------
    file : Content
        A ``symbol.json``: attributes under ``param``, ``attr`` or ``attrs``, inputs of two or three numbers,
        batch normalization with or without its moving mean and variance among the inputs.

    Returns
    -------
    list of Node

    Raises
    ------
    ValueError
        If the file is damaged, if its nodes form a cycle, or if one is missing or there twice.

    Warns
    -----
    SymbolWarning
        If the file is from before December 2015 and lacks what then went without saying: pooling rounded up, and
        batch normalization used its gamma. Read as a file of today it would give other features.
    """
    try:
        nodes, is_old = _parse(file.data)
    except (ValueError, RecursionError) as error:  # the latter: brackets nested without end
        raise InputError(f"{file.path} is damaged, or no MXNet symbol: {error}") from error
    if is_old:
        warnings.warn(
            f"{file.path} is from before December 2015; as at that time, its pooling rounds up and its batch "
            "normalization uses gamma",
            SymbolWarning,
            stacklevel=2,
        )
    return nodes


def write_repaired(text: bytes) -> str:
    """The JSON of a symbol that `read_symbol` accepts, what it repairs written out; MXNet itself repairs nothing."""
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
            raise InputError(f"{key} of node {name!r} is no table")
        attributes.update((attribute, str(value)) for attribute, value in values.items())
    if not isinstance(raw.get("inputs"), list):
        raise InputError(f"node {name!r} has no inputs")
    inputs = [_input(name, entry, earlier, len(earlier)) for entry in raw["inputs"]][:n_inputs]
    if op == "BatchNorm" and len(inputs) == 3:
        inputs += [f"{name}_moving_mean", f"{name}_moving_var"]
    return Node(op, name, attributes, tuple(inputs))


def _input(name: str, entry: Any, earlier: list[Node], position: int) -> str:
    if not isinstance(entry, list) or len(entry) not in (2, 3) or not all(type(number) is int for number in entry):
        raise InputError(f"an input of node {name!r} is not two or three integers")
    index, output = entry[:2]
    if index < 0 or output < 0:
        raise InputError(f"node {name!r} takes an input that is missing")
    if index >= position:  # MXNet writes each node behind its inputs
        raise InputError(f"node {name!r} takes an input from node {index}, which is missing, or behind it in a cycle")
    if output > 0:
        raise InputError(f"node {name!r} takes output {output} of {earlier[index].name!r}; only the first is supported")
    return earlier[index].name
