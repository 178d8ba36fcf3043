"""Reading the pickles of a state dict as data: nothing in them is imported, called or built.

Python's own unpickler can be kept from importing, but not from setting attributes of what it has built, nor from
allocating gigabytes for one number in the file. This one knows the operations that a dict of tensors needs, and gives
calls back as what they are: the name of a function, and arguments.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Collection
from typing import Any, BinaryIO, NamedTuple

from ...errors import InputError


class UnsafePickle(ValueError):
    """A pickle holds anything but plain data and the names that it may."""


class Global(NamedTuple):
    """A name that a pickle would import."""

    module: str
    name: str


class Call(NamedTuple):
    """A call that a pickle would make."""

    function: Global
    arguments: tuple


class Reference(NamedTuple):
    """What a pickle keeps elsewhere."""

    key: Any


ORDERED_DICT = Global("collections", "OrderedDict")


def load(stream: BinaryIO, names: Collection[Global]) -> Any:
    """Read one pickle, up to its end.

    Parameters
    ----------
    stream : binary file
        What follows the pickle is left in it.
    names : collection of Global
        The names that may be in it, besides ``collections.OrderedDict``, which becomes a dict.

    Returns
    -------
    object
        Numbers, texts, None, tuples, lists and dicts with keys that are texts or numbers; `Global`, `Call` and
        `Reference`.

    Raises
    ------
    UnsafePickle
        If it has another operation or another name.
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
                raise UnsafePickle(f"it has the operation {opcode.name}")
        return machine.result()
    except (IndexError, KeyError, TypeError) as error:
        raise InputError(f"a pickle that is not well formed ({type(error).__name__})") from error


class _Machine:
    """The stack that a pickle's operations work on, and the values that it refers back to."""

    def __init__(self, names: Collection[Global]) -> None:
        self.names = names
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def result(self) -> Any:
        """What is left at the end, which must be one value."""
        if len(self.stack) != 1 or self.marks:
            raise IndexError
        return self.stack[0]

    def pop(self, least: int = 1) -> Any:
        """The value on top, of which there must be `least`: an empty stack is an IndexError."""
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
            if not isinstance(key, (str, int)):  # to hash a tuple may take as deep a recursion as it is nested
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
        """Leave the attributes of a dict, such as the versions of modules, out."""
        self.pop(2)
        if not isinstance(self.stack[-1], dict):
            raise UnsafePickle("it sets attributes of what is no dict")


#: Operations that put a value on the stack; how it follows from the argument that `pickletools` has decoded.
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
