"""The schema of a skops file: a tree of nodes in JSON. Walk it, and bring it into a form that is always the same.

skops names arrays and nodes by addresses in memory. Here they get numbers in order of appearance, so that the same
model gives the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from .damage import DamagedError

#: The version of skops's schema that is written and read.
PROTOCOL = 2
SCHEMA = "schema.json"
_MAX_DEPTH = 400  # of lists and objects in the JSON text; a nested meta-estimator takes a dozen


def parse(text: bytes) -> dict[str, Any]:
    """Parse the schema; ValueError if it is no JSON object of our protocol, or too deep."""
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"expected {SCHEMA} in JSON, got other text ({error})") from error
    if not isinstance(schema, dict) or schema.get("protocol") != PROTOCOL:
        found = schema.get("protocol") if isinstance(schema, dict) else schema
        raise DamagedError(f"expected protocol {PROTOCOL} of skops, got {found!r}")
    return schema


def walk(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield all nodes, each before those inside it, in the order of the text; ValueError if they are too deep."""
    waiting = [(schema, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            raise DamagedError(f"expected at most {_MAX_DEPTH} levels of values, got more")
        if isinstance(value, dict):
            if "__loader__" in value:
                yield value
            value = list(value.values())
        if isinstance(value, list):
            waiting.extend((each, depth + 1) for each in reversed(value) if isinstance(each, (dict, list)))


def canonical(schema: dict[str, Any], files: Mapping[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Number the nodes and files of a schema in the order of appearance.

    A number is kept only where a node appears again. There, a reference replaces it.

    Parameters
    ----------
    schema : dict
        As skops wrote it. It is changed in place.
    files : mapping of str to bytes
        The content of the files that nodes name.

    Returns
    -------
    schema : dict
    files : dict of str to bytes
        By their new names.
    """
    for node in walk(schema):
        if node["__loader__"] == "SetNode":  # the order of a set of texts differs from process to process
            node["content"].sort(key=lambda each: str(each.get("content")))
    # Numbers, text and the like are equal wherever they come from; only what can change is shared.
    shared = {
        number for number, n in Counter(
            node["__id__"] for node in walk(schema) if "__id__" in node and node["__loader__"] not in _VALUES
        ).items() if n > 1
    }
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    for node in walk(schema):
        number = node.pop("__id__", None)
        if number in shared and node["__loader__"] not in _VALUES:
            if number in numbers:
                for key in [key for key in node if key not in ("__class__", "__module__")]:
                    del node[key]
                node["__loader__"] = REFERENCE
            node["__id__"] = numbers.setdefault(number, len(numbers) + 1)
        if "file" in node:
            suffix = node["file"].rpartition(".")[2]
            node["file"] = names.setdefault(node["file"], f"{len(names):06d}.{suffix}")
    return schema, {names[name]: content for name, content in files.items() if name in names}


#: The node that refers to an earlier one.
REFERENCE = "CachedNode"
_VALUES = ("JsonNode", "TypeNode", "FunctionNode", "SliceNode", REFERENCE)
