"""Read the pickles of a state dict as data: nothing in them is imported, called or built.

Python's own unpickler can be kept from importing. It cannot be kept from setting attributes on the objects that it has
built, or from allocating gigabytes because of one number in the file. This reader knows only the operations that a dict
of tensors needs. It returns a call as data: the name of the function, and the arguments.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Collection
from typing import Any, BinaryIO, NamedTuple

from ...errors import InputError


class UnsafePickle(ValueError):
    """A pickle contains an operation or a name that is not allowed."""


class Global(NamedTuple):
    """A name that a pickle would import."""

    module: str
    name: str


class Call(NamedTuple):
    """A call that a pickle would make."""

    function: Global
    arguments: tuple


class Reference(NamedTuple):
    """The key of an object that is stored outside the pickle."""

    key: Any


ORDERED_DICT = Global("collections", "OrderedDict")


def load(stream: BinaryIO, names: Collection[Global]) -> Any:
    """Read one pickle.

    Parameters
    ----------
    stream : binary file
        It is read up to the end of the pickle.
    names : collection of Global
        The names that the pickle may contain. ``collections.OrderedDict`` is always allowed, and becomes a dict.

    Returns
    -------
    object
        Numbers, texts, None, tuples, lists, and dicts whose keys are texts or integers; `Global`, `Call` and
        `Reference` in place of names, calls and objects outside the pickle.

    Raises
    ------
    UnsafePickle
        If the pickle contains another operation or another name.
    ValueError
        If it is damaged.
    """
    machine = _Machine({*names, ORDERED_DICT})
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name in _CONSTANTS:
                machine.stack.append(_CONSTANTS[opcode.name](argument))
            elif opcode.name in _OPERATIONS:
                _OPERATIONS[opcode.name](machine, argument)
            elif opcode.name not in _IGNORED:
                raise UnsafePickle(f"it contains the operation {opcode.name}")
        return machine.result()
    except (IndexError, KeyError, TypeError) as error:
        raise InputError(f"it contains a pickle that is not well formed ({type(error).__name__})") from error


class _Machine:
    """The stack that the operations of a pickle work on, and its memo: the values that later operations refer to."""

    def __init__(self, names: Collection[Global]) -> None:
        self.names = names
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def result(self) -> Any:
        """Return the one value that must be left at the end."""
        if len(self.stack) != 1 or self.marks:
            raise IndexError
        return self.stack[0]

    def pop(self, least: int = 1) -> Any:
        """Take the top value from the stack; IndexError if the stack has fewer than `least` values."""
        if len(self.stack) < least:
            raise IndexError
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        start = self.marks.pop()
        values, self.stack[start:] = self.stack[start:], []
        return values

    def push_tuple(self, n: int) -> None:
        if len(self.stack) < n:
            raise IndexError
        values = tuple(self.stack[len(self.stack) - n:])
        self.stack[len(self.stack) - n:] = [values]

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise TypeError
        for key, value in zip(items[::2], items[1::2]):
            if not isinstance(key, (str, int)):  # hashing a deeply nested tuple could exceed the recursion limit
                raise TypeError
            target[key] = value

    def append(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise TypeError
        self.stack[-1].extend(items)

    def name(self, text: str) -> None:
        found = Global(*text.split(" ", 1))
        if found not in self.names:
            raise UnsafePickle(f"it names {found.module}.{found.name}")
        self.stack.append(found)

    def call(self) -> None:
        arguments, function = self.pop(2), self.pop()
        if not isinstance(function, Global) or type(arguments) is not tuple:
            raise TypeError
        self.stack.append({} if function == ORDERED_DICT else Call(function, arguments))

    def build(self) -> None:
        """Ignore the attributes of a dict; PyTorch stores versions of modules there."""
        self.pop(2)
        if not isinstance(self.stack[-1], dict):
            raise UnsafePickle("it sets attributes of an object that is no dict")


#: Operations that put a value on the stack, and how to make the value from the argument that `pickletools` has decoded.
_CONSTANTS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"), lambda value: value
    ),
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_LIST": lambda _: [],
    "EMPTY_DICT": lambda _: {},
}
_OPERATIONS: dict[str, Callable[[_Machine, Any], Any]] = {
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.push_tuple(1),
    "TUPLE2": lambda machine, _: machine.push_tuple(2),
    "TUPLE3": lambda machine, _: machine.push_tuple(3),
    "SETITEM": lambda machine, _: machine.set_items([machine.pop(3), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "APPEND": lambda machine, _: machine.append([machine.pop(2)]),
    "APPENDS": lambda machine, _: machine.append(machine.pop_to_mark()),
    **dict.fromkeys(
        ("BINPUT", "LONG_BINPUT"), lambda machine, index: machine.memo.__setitem__(index, machine.stack[-1])
    ),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda machine, index: machine.stack.append(machine.memo[index])),
    "GLOBAL": lambda machine, text: machine.name(text),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.stack.append(Reference(machine.pop())),
}
_IGNORED = ("PROTO", "STOP")
