"""The names that a function's compiled code uses."""

from __future__ import annotations

import dis
import types
from typing import Any, NamedTuple

_LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD"}


class Import(NamedTuple):
    """An import inside a function: ``from ..target import names`` has level 2."""

    level: int
    names: tuple[str, ...]
    target: str


class Uses(NamedTuple):
    """The names outside a function that its code uses.

    Attributes
    ----------
    loads : list of list of str
        Each global that is read, with the attributes that are read from it directly: ``["np", "linalg", "norm"]``.
    imports : list of Import
    changes : list of str
        The globals that are set or deleted.
    """

    loads: list[list[str]]
    imports: list[Import]
    changes: list[str]


def read_uses(code: types.CodeType) -> Uses:
    """Read what code uses. Functions inside it are not included; they are among its constants."""
    uses = Uses([], [], [])
    found = [each for each in dis.get_instructions(code) if each.opname != "EXTENDED_ARG"]
    for i, instruction in enumerate(found):
        if instruction.opname in _LOADS:
            end = i + 1
            while found[end].opname in _ATTRIBUTES:
                end += 1
            uses.loads.append([each.argval for each in found[i:end]])
        elif instruction.opname == "IMPORT_NAME":  # after its level and its names
            level, names = (found[place].argval for place in (i - 2, i - 1))
            uses.imports.append(Import(int(level), tuple(names or ()), instruction.argval))
        elif instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            uses.changes.append(instruction.argval)
    return uses


def describe_code(code: types.CodeType) -> tuple[Any, ...]:
    """Describe code without its constants. Equal code is equal in every process with the same version of Python."""
    return (
        code.co_name, code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags,
        code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_exceptiontable,
    )
