"""A digest of plain data: numbers, text, arrays, files, and lists, dicts and sets of these."""

from __future__ import annotations

import hashlib
import os
import re
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

#: Immutable types whose `repr` tells the value.
_ATOMS = (type(None), type(Ellipsis), type(NotImplemented), bool, int, float, complex, bytes, range, slice)
_LONGEST_PATH = 4096


class UnnamedDependencyError(Exception):
    """Features depend on something that a digest cannot cover; the text says on what."""


class ValueDigest:
    """A digest that values are added to. A subclass accepts more than plain data."""

    #: By exact type, because a subclass may have a state of its own.
    _methods: ClassVar[dict[type, Callable[[Any, Any, str], None]]]

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._seen: dict[int, tuple[int, Any]] = {}  # by id; the object is held so that no other gets its id
        self._inside: set[int] = set()  # ids of containers that are being added

    def hexdigest(self) -> str:
        """Return the digest of everything added so far."""
        return self._digest.hexdigest()

    def add(self, value: Any, what: str) -> None:
        """Add a value with everything in it; `what` names the value in messages.

        Raises
        ------
        UnnamedDependencyError
            If the value, or one in it, has a state that cannot be read.
        """
        method = self._methods.get(type(value))
        if method is not None:
            method(self, value, what)
        elif isinstance(value, PurePath):
            self._add_path(value, what)
        elif isinstance(value, (np.generic, np.dtype)):
            self._note("numpy", repr(value), value.tobytes() if isinstance(value, np.generic) else b"")
        elif sparse.issparse(value):
            entries = value.tocoo()
            self.add([value.format, value.shape, *entries.coords, entries.data], what)
        else:
            self._add_other(value, what)

    def _add_other(self, value: Any, what: str) -> None:
        raise UnnamedDependencyError(f"{what} is an object of class {type(value).__qualname__}, not plain data")

    def _add_atom(self, value: Any, what: str) -> None:
        self._note(type(value).__name__, repr(value))

    def _add_text(self, text: str, what: str) -> None:
        self._note("text", text)
        if may_be_path(text):
            path = os.path.expanduser(text)
            if os.path.isfile(path):
                self._add_file(path, what)
            elif os.path.exists(path) or "/" in text or os.sep in text:
                raise UnnamedDependencyError(f"{what} may name files, {text[:80]!r}, but is not the path of one")

    def _add_path(self, path: PurePath, what: str) -> None:
        self._note("path", str(path))
        expanded = os.path.expanduser(path)
        if not os.path.isfile(expanded):
            raise UnnamedDependencyError(f"{what} is a path, {str(path)[:80]!r}, but not of a file")
        self._add_file(expanded, what)

    def _add_file(self, path: str, what: str) -> None:
        try:
            with open(path, "rb") as file:
                self._note("file", hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise UnnamedDependencyError(f"{what} is a file that cannot be read ({error.strerror})") from None

    def _add_sequence(self, values: Any, what: str) -> None:
        with self._enter(values, what):
            for value in values:
                self.add(value, what)

    def _add_dict(self, values: Mapping, what: str) -> None:
        with self._enter(values, what):
            for key, value in values.items():
                self.add(key, what)
                self.add(value, f"{key!r:.80} in {what}")

    def _add_set(self, values: Any, what: str) -> None:
        digests = []
        for value in values:
            alone = type(self)()
            alone.add(value, what)
            digests.append(alone.hexdigest())
        self._note(type(values).__name__, *sorted(digests))

    @contextmanager
    def _enter(self, values: Any, what: str) -> Iterator[None]:
        if id(values) in self._inside:
            raise UnnamedDependencyError(f"{what} contains itself")
        self._note(type(values).__name__, str(len(values)))
        self._inside.add(id(values))
        try:
            yield
        finally:
            self._inside.remove(id(values))

    def _add_array(self, array: np.ndarray, what: str) -> None:
        if array.dtype.hasobject:
            self._add_sequence(array.ravel().tolist(), what)
        self._note("array", repr(array.dtype), str(np.shape(array)), b"" if array.dtype.hasobject else array.tobytes())

    def _add_pattern(self, pattern: re.Pattern, what: str) -> None:
        self._note("pattern", repr(pattern.pattern), str(pattern.flags))

    def _is_known(self, value: Any) -> bool:
        """Return whether the object was added before; its number is then enough."""
        n_known = len(self._seen)
        number, _ = self._seen.setdefault(id(value), (n_known, value))
        self._note("number", str(number))
        return number < n_known

    def _note(self, *parts: str | bytes) -> None:
        for part in parts:
            content = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
            self._digest.update(f"{len(content)} ".encode() + content)


def may_be_path(text: str) -> bool:
    return 0 < len(text) < _LONGEST_PATH and "\0" not in text


ValueDigest._methods = {
    **dict.fromkeys(_ATOMS, ValueDigest._add_atom),
    str: ValueDigest._add_text,
    **dict.fromkeys((list, tuple), ValueDigest._add_sequence),
    **dict.fromkeys((dict, types.MappingProxyType), ValueDigest._add_dict),
    **dict.fromkeys((set, frozenset), ValueDigest._add_set),
    **dict.fromkeys((np.ndarray, np.memmap), ValueDigest._add_array),
    re.Pattern: ValueDigest._add_pattern,
}
