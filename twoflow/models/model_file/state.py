"""Build a fitted model from the state that skops wrote, from trusted classes and checked values only.

skops has a loader of its own. It imports all of scikit-learn and of PyTorch, which takes seconds; it trusts every
estimator of scikit-learn; and it cannot check values, such as the indices of a tree, which compiled code follows
without a check. This one builds only what `trusted` lists, and checks it by `checks`.
"""

from __future__ import annotations

import io
import json
import math
import warnings
import zipfile
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from ...errors import InputError
from ...networks.carried import CarriedNetwork
from .arrays import read_array
from .checks import check_attributes, check_object, check_tree
from .damage import DamagedError
from .schema import REFERENCE, SCHEMA, parse, walk
from .trusted import Trusted


def build(files: Mapping[str, bytes], trusted: Trusted, find_network: Callable[..., Any]) -> Any:
    """Build the object that a skops file describes.

    Parameters
    ----------
    files : mapping of str to bytes
        The members of the skops file.
    trusted : Trusted
        The classes that it may name.
    find_network : callable
        Takes the key of a network and a reference to it; returns the value that the model has for it.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If the file names another class, is damaged, or a value in it is refused.
    """
    schema = parse(files.get(SCHEMA, b""))
    unknown = find_unknown(schema, trusted)
    if unknown:
        names = ", ".join(unknown)
        raise InputError(
            f"expected classes that twoflow knows, got {names}; if you trust whoever made the file, pass "
            f"trusted={unknown}"
        )
    try:
        return _Builder(files, trusted, find_network).build(schema)
    except InputError:
        raise
    except Exception as error:  # wrong values raise anything, in scikit-learn too
        raise DamagedError(f"its values do not fit together ({type(error).__name__}: {error})") from error


def find_unknown(schema: dict[str, Any], trusted: Trusted) -> list[str]:
    """Return the full names of all classes and functions of a schema that are not trusted, sorted."""
    found = set()
    for node in walk(schema):
        module, name = node.get("__module__"), node.get("__class__")
        if not isinstance(module, str) or not isinstance(name, str) or node["__loader__"] not in _NODES:
            raise DamagedError(f"expected a node of a known kind, got {str(node['__loader__'])[:50]!r}")
        is_plain = node["__loader__"] in _PLAIN and (module, name) == ("builtins", _PLAIN[node["__loader__"]])
        if node["__loader__"] in _NAMED and not is_plain and not trusted.knows(module, name):
            found.add(f"{module}.{name}")
    return sorted(found)


class _Builder:
    """Build objects from nodes; nodes that appear again are built once."""

    def __init__(self, files: Mapping[str, bytes], trusted: Trusted, find_network: Callable[..., Any]) -> None:
        self._find_network = find_network
        self._files = files
        self._trusted = trusted
        self._built: dict[int, Any] = {}

    def build(self, node: dict[str, Any]) -> Any:
        built = _NODES[node["__loader__"]](self, node)
        if (number := node.get("__id__")) is not None:
            self._built[number] = built
        return built

    def build_reference(self, node: dict[str, Any]) -> Any:
        return self._built[node["__id__"]]

    def build_json(self, node: dict[str, Any]) -> Any:
        value = json.loads(node["content"])
        if not (value is None or isinstance(value, (bool, int, float, str))):
            raise DamagedError(f"expected a number or text, got {type(value).__name__}")
        return value

    def build_list(self, node: dict[str, Any]) -> list:
        return [self.build(each) for each in node["content"]]

    def build_set(self, node: dict[str, Any]) -> set:
        return set(self.build_list(node))

    def build_tuple(self, node: dict[str, Any]) -> tuple:
        items = tuple(self.build_list(node))
        if (node["__module__"], node["__class__"]) == ("builtins", "tuple"):
            return items
        kind = self._find(node)
        if not (isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")):
            raise DamagedError(f"expected a named tuple, got {node['__class__']}")
        return kind(*items)

    def build_dict(self, node: dict[str, Any]) -> dict:
        kinds, content = self.build(node["key_types"]), node["content"]
        if len(kinds) != len(content):
            raise DamagedError(f"expected {len(kinds)} keys, got {len(content)}")
        items = {_KEYS[kind](key): self.build(value) for kind, (key, value) in zip(kinds, content.items())}
        if len(items) != len(content):
            raise DamagedError("expected different keys, got equal ones")
        if (node["__module__"], node["__class__"]) == ("builtins", "dict"):
            return items
        made = self._find(node)()
        if not isinstance(made, dict):
            raise DamagedError(f"expected a dict, got {node['__class__']}")
        made.update(items)
        return made

    def build_slice(self, node: dict[str, Any]) -> slice:
        ends = [node["content"][name] for name in ("start", "stop", "step")]
        if not all(end is None or type(end) is int for end in ends):
            raise DamagedError(f"expected a slice of whole numbers, got {ends}")
        return slice(*ends)

    def build_bytes(self, node: dict[str, Any]) -> bytes:
        return self._files[node["file"]]

    def build_array(self, node: dict[str, Any]) -> Any:
        if node["type"] == "json":
            return self._objects(node)
        array = read_array(self._files[node["file"]])
        if node["__class__"] == "ndarray":
            return array
        if array.shape or array.dtype.names:
            raise DamagedError(f"expected one {node['__class__']}, got an array of shape {array.shape}")
        return array[()]

    def _objects(self, node: dict[str, Any]) -> np.ndarray:
        items, shape = self.build_list(node), self.build(node["shape"])
        if not all(type(size) is int and size >= 0 for size in shape):
            raise DamagedError(f"expected a shape of whole numbers, got {shape}")
        array = np.empty(math.prod(shape), dtype=object)
        for level in shape[1:]:  # the items are lists of lists
            if not all(isinstance(each, list) and len(each) == level for each in items):
                raise DamagedError(f"expected lists of {level} values, got others")
            items = [value for each in items for value in each]
        if len(items) != len(array):
            raise DamagedError(f"expected {len(array)} values for shape {shape}, got {len(items)}")
        for place, value in enumerate(items):
            array[place] = value
        return array.reshape(shape)

    def build_masked(self, node: dict[str, Any]) -> np.ma.MaskedArray:
        content = node["content"]
        return np.ma.MaskedArray(self.build(content["data"]), self.build(content["mask"]))

    def build_sparse(self, node: dict[str, Any]) -> Any:
        with zipfile.ZipFile(io.BytesIO(self._files[node["file"]])) as packed:
            sizes = [info.file_size for info in packed.infolist()]
            if any(info.compress_type != zipfile.ZIP_STORED for info in packed.infolist()) or len(sizes) > 10:
                raise DamagedError("expected a sparse matrix whose arrays are not compressed")
            parts = {name.removesuffix(".npy"): read_array(packed.read(name)) for name in packed.namelist()}
        kind = parts["format"].item()
        kind = kind.decode("ascii") if isinstance(kind, bytes) else kind
        matrix = _SPARSE[kind, bool(parts.get("_is_array", False))](
            (parts["data"], parts["indices"], parts["indptr"]), shape=tuple(parts["shape"].tolist())
        )
        matrix.check_format(full_check=True)  # compiled code follows the indices without a check
        return matrix

    def build_dtype(self, node: dict[str, Any]) -> np.dtype:
        return self.build(node["content"]).dtype

    def build_random_state(self, node: dict[str, Any]) -> np.random.RandomState:
        state = self.build(node["content"])
        key, position = state["state"]["key"], state["state"]["pos"]
        if state["bit_generator"] != "MT19937" or key.shape != (624,) or not 0 <= position <= 624:
            raise DamagedError("expected the state of a Mersenne Twister, got another")
        found = np.random.RandomState(0)
        found.set_state(state)
        return found

    def build_type(self, node: dict[str, Any]) -> Any:
        return self._find(node)

    def build_tree(self, node: dict[str, Any]) -> Any:
        arguments = self.build(node["__reduce__"]["args"])
        state = self.build(node["content"])
        check_tree(arguments, state)
        tree = self._find(node)(*arguments)
        tree.__setstate__(state)
        return tree

    def build_loss(self, node: dict[str, Any]) -> Any:
        arguments = self.build(node["__reduce__"]["args"])
        if not all(type(each) in (int, float) for each in arguments):
            raise DamagedError(f"expected a loss with numbers, got {arguments}")
        return self._find(node)(*arguments)

    def build_object(self, node: dict[str, Any]) -> Any:
        kind: Any = self._find(node)
        if not isinstance(kind, type):
            raise DamagedError(f"expected a class, got {node['__class__']}")
        made: Any = kind.__new__(kind)  # type: ignore[call-overload]
        state = self.build(node["content"]) if node.get("content") is not None else None
        if state is None:
            return made
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            raise DamagedError(f"expected attributes by name for {node['__class__']}, got {type(state).__name__}")
        check_attributes(node["__class__"], state)
        state = {**_new_parameters(kind, state), **state}
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
        else:
            made.__dict__.update(state)
        check_object(node["__class__"], made)
        if kind is CarriedNetwork:
            return self._find_network(made.key, made) if made.key else made
        return made

    def _find(self, node: dict[str, Any]) -> Any:
        return self._trusted.find(node["__module__"], node["__class__"])


def _new_parameters(kind: type, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of the parameters that an estimator of ours has today, but did not have in an older version.

    Warns
    -----
    UserWarning
        For each of them. A new parameter's default does what the older version did.
    """
    if not kind.__module__.startswith("twoflow.") or not issubclass(kind, BaseEstimator):
        return {}
    parameters = signature(kind).parameters.items()
    found = {name: each.default for name, each in parameters if name not in state and each.default is not each.empty}
    for name, default in found.items():
        warnings.warn(
            f"the model was saved before {kind.__name__} had the parameter {name}; its default is used: {default!r}",
            UserWarning, stacklevel=2,
        )
    return found


def _to_bool(key: str) -> bool:
    return {"true": True, "false": False}[key]


#: The class of a sparse matrix by its format, and by whether it behaves like an array.
_SPARSE: dict[tuple[str, bool], Any] = {
    ("csr", False): sparse.csr_matrix, ("csr", True): sparse.csr_array,
    ("csc", False): sparse.csc_matrix, ("csc", True): sparse.csc_array,
}

#: How the text of a key of a JSON object becomes the key of a dict.
_KEYS: dict[Any, Callable[[str], Any]] = {
    str: str, int: int, float: float, bool: _to_bool,
    np.str_: np.str_, np.int64: lambda key: np.int64(int(key)), np.float64: np.float64,
}

#: The kinds of nodes, and the method that builds each.
_NODES: dict[str, Callable[[_Builder, dict[str, Any]], Any]] = {
    REFERENCE: _Builder.build_reference,
    "BytesNode": _Builder.build_bytes,
    "DTypeNode": _Builder.build_dtype,
    "DictNode": _Builder.build_dict,
    "FunctionNode": _Builder.build_type,
    "JsonNode": _Builder.build_json,
    "ListNode": _Builder.build_list,
    "LossNode": _Builder.build_loss,
    "MaskedArrayNode": _Builder.build_masked,
    "NdArrayNode": _Builder.build_array,
    "ObjectNode": _Builder.build_object,
    "RandomStateNode": _Builder.build_random_state,
    "SetNode": _Builder.build_set,
    "SliceNode": _Builder.build_slice,
    "SparseMatrixNode": _Builder.build_sparse,
    "TreeNode": _Builder.build_tree,
    "TupleNode": _Builder.build_tuple,
    "TypeNode": _Builder.build_type,
}

#: The kinds of nodes whose class or function is imported.
_NAMED = {"DictNode", "FunctionNode", "LossNode", "ObjectNode", "TreeNode", "TupleNode", "TypeNode"}
#: The classes that need no import.
_PLAIN = {"DictNode": "dict", "TupleNode": "tuple"}
