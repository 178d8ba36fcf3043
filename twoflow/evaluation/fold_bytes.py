"""Turn the results of a fold into bytes and back, without pickle."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_args, get_type_hints

import numpy as np

_STRUCTURE = "structure"  # the array that holds the JSON; the others are numbered
#: What reading may raise if the bytes are not what `to_bytes` wrote.
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, EOFError, OSError, zipfile.BadZipFile, zlib.error)


class UnwritableError(TypeError):
    """A value is neither plain data nor an array."""


def to_bytes(results: NamedTuple) -> bytes:
    """Turn a named tuple into bytes.

    Its fields, and those of named tuples in it, may be None, numbers, texts, arrays, and lists, tuples and dicts of
    these.

    Parameters
    ----------
    results : namedtuple

    Returns
    -------
    bytes
        A file of `numpy.savez`: the arrays, and a JSON text that says where they belong.

    Raises
    ------
    UnwritableError
        If there is a value of another type; the message names it.
    """
    arrays: list[np.ndarray] = []
    structure = json.dumps(_encode(results, arrays)).encode()
    file = io.BytesIO()
    numbered = {str(number): array for number, array in enumerate(arrays)}
    np.savez(file, **{_STRUCTURE: np.frombuffer(structure, np.uint8)}, **numbered)  # type: ignore[arg-type]
    return file.getvalue()


def from_bytes(content: bytes, kind: type) -> Any:
    """Turn bytes back into a named tuple.

    Parameters
    ----------
    content : bytes
        What `to_bytes` returned.
    kind : class of named tuples

    Returns
    -------
    namedtuple or None
        None if the content is damaged, or of another kind.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            structure = json.loads(file[_STRUCTURE].tobytes())
            found = _decode(structure, file, {each.__name__: each for each in _kinds(kind)})
    except _DAMAGE:
        return None
    return found if type(found) is kind else None


def _kinds(kind: Any) -> set[type]:
    """Return a class of named tuples, and the classes of those that its fields are declared to hold."""
    if isinstance(kind, type) and hasattr(kind, "_fields"):
        return {kind}.union(*(map(_kinds, get_type_hints(kind).values())))
    return set().union(*map(_kinds, get_args(kind)))


def _encode(value: Any, arrays: list[np.ndarray]) -> Any:
    if type(value) in (type(None), bool, int, float, str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        return {"objects": [list(value.shape), [_encode(each, arrays) for each in value.ravel().tolist()]]}
    if isinstance(value, (np.ndarray, np.generic)):
        arrays.append(np.asarray(value))
        return {"array" if isinstance(value, np.ndarray) else "scalar": len(arrays) - 1}
    if isinstance(value, Mapping):
        return {"dict": [[_encode(key, arrays), _encode(each, arrays)] for key, each in value.items()]}
    if isinstance(value, (tuple, list)):
        name = type(value).__name__
        return {"sequence": [name, [_encode(each, arrays) for each in value]]}
    raise UnwritableError(f"an object of class {type(value).__qualname__} is neither plain data nor an array")


def _decode(value: Any, file: Mapping[str, np.ndarray], kinds: Mapping[str, type]) -> Any:
    if not isinstance(value, dict):
        return value
    (form, content), = value.items()
    return _FORMS[form](content, file, kinds)


def _decode_objects(content: Any, file: Mapping[str, np.ndarray], kinds: Mapping[str, type]) -> np.ndarray:
    shape, values = content
    array = np.empty(len(values), dtype=object)
    array[:] = [_decode(each, file, kinds) for each in values]
    return array.reshape(shape)


def _decode_sequence(content: Any, file: Mapping[str, np.ndarray], kinds: Mapping[str, type]) -> Any:
    name, values = content
    found = [_decode(each, file, kinds) for each in values]
    return found if name == "list" else tuple(found) if name == "tuple" else kinds[name](*found)


#: How each form that `_encode` writes is read.
_FORMS: dict[str, Callable[[Any, Mapping[str, np.ndarray], Mapping[str, type]], Any]] = {
    "array": lambda content, file, kinds: file[str(content)],
    "scalar": lambda content, file, kinds: file[str(content)][()],
    "objects": _decode_objects,
    "dict": lambda content, file, kinds: {
        _decode(key, file, kinds): _decode(each, file, kinds) for key, each in content
    },
    "sequence": _decode_sequence,
}
