"""Read values out of a configuration file, whose content is hostile until it is checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from ..._text import printable
from ...errors import InputError
from ..card_file import LARGEST_SIDE
from ..content import Content

#: Names of 20,000 classes fit, with their descriptions.
MAX_CONFIG_BYTES = 2**24


def read_json(file: Content) -> dict[str, Any]:
    """Read a JSON object; ValueError if the file has other content."""
    try:
        found = json.loads(file.data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file.path}: expected JSON, got other text ({error}); download it again") from error
    if not isinstance(found, dict):
        raise InputError(f"{file.path}: expected a table in JSON, got {type(found).__name__}; download it again")
    return found


class Config:
    """A table from a configuration file, with the default of every key.

    Parameters
    ----------
    values : mapping
        A key that is null counts as missing, as in the library that wrote the file.
    defaults : mapping, optional
        What the library takes for a key that is missing. Empty by default.
    """

    def __init__(self, values: Mapping[str, Any], defaults: Mapping[str, Any] = {}) -> None:
        self._values = {**defaults, **{key: value for key, value in values.items() if value is not None}}

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def refuse(self, key: str, expected: str) -> InputError:
        """Return the error for a key with another value than was expected."""
        found = printable(repr(self._values[key]), 100) if key in self else "nothing"
        return InputError(f"{key}: expected {expected}, got {found}")

    def raw(self, key: str) -> Any:
        """Return a value that nothing is known of; None if it is missing."""
        return self._values.get(key)

    def table(self, key: str) -> Mapping[str, Any]:
        """Return a table; an empty one if it is missing."""
        value = self._values.get(key, {})
        if not isinstance(value, Mapping):
            raise self.refuse(key, "a table")
        return value

    def flag(self, key: str) -> bool:
        """Return a truth value; False if it is missing."""
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.refuse(key, "true or false")
        return value

    def number(self, key: str, least: float = 0) -> float:
        """Return a finite number above `least`."""
        value = self._values.get(key)
        if not is_number(value) or not value > least:
            raise self.refuse(key, f"a number above {least:g}")
        return value

    def choice(self, key: str, choices: Mapping[Any, str]) -> str:
        """Return what a value means, by a table of its choices."""
        value = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, (str, int)) or value not in choices:
            raise self.refuse(key, " or ".join(map(repr, choices)))
        return choices[value]

    def channels(self, key: str) -> tuple[float, float, float]:
        """Return three finite numbers, one for each channel; a single one counts for all three."""
        value = self._values.get(key)
        values = value if isinstance(value, (list, tuple)) else [value]
        if len(values) not in (1, 3) or not all(map(is_number, values)):
            raise self.refuse(key, "a number for each of three channels")
        first, second, third = map(float, values if len(values) == 3 else [*values] * 3)
        return first, second, third

    def side(self, key: str) -> int:
        """Return a length in pixels."""
        value = self._values.get(key)
        if not is_side(value):
            raise self.refuse(key, f"a number of pixels up to {LARGEST_SIDE}")
        return value

    def size(self, key: str) -> tuple[int, int]:
        """Return (width, height) of a value that is a side, or [height, width], maybe after the number of channels."""
        value = self._values.get(key)
        sides = [value, value] if not isinstance(value, (list, tuple)) else value * 2 if len(value) == 1 else value[-2:]
        if len(sides) == 2 and is_side(sides[0]) and is_side(sides[1]):
            return sides[1], sides[0]
        raise self.refuse(key, f"[height, width] in pixels up to {LARGEST_SIDE}")


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether this is a finite number that float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


def is_side(value: Any) -> TypeGuard[int]:
    """Return whether this is a number of pixels."""
    return type(value) is int and 0 < value <= LARGEST_SIDE
