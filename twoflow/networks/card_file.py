"""Card files: what a network's file does not say of itself, as JSON beside it or as a dict."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InputError
from .content import Content

MAX_CARD_BYTES = 2**20


def read_card_file(file: Content) -> dict[str, Any]:
    """The checked fields of a card file; raises ValueError as `check_fields` does, or if it is no JSON."""
    try:
        fields = json.loads(file.data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file.path} is no JSON: {error}") from error
    return check_fields(fields, str(file.path))


def check_fields(fields: Any, origin: str) -> dict[str, Any]:
    """Fields of a `NetworkCard` as a dict, lists turned into tuples.

    Parameters
    ----------
    fields : mapping
        With any of name, license, source, input_size, channels, mean and scale.
    origin : str
        What an error calls them.

    Raises
    ------
    ValueError
        If there are other fields, or a value is not of its field's kind.
    """
    if not isinstance(fields, Mapping):
        raise InputError(f"{origin}: a card is a table of fields, not {type(fields).__name__}")
    checked = {}
    for field, value in fields.items():
        if field not in _FIELDS:
            raise InputError(f"{origin}: there is no field {field!r}; the fields are {', '.join(_FIELDS)}")
        is_valid, expected = _FIELDS[field]
        value = tuple(value) if isinstance(value, list) else value
        if not is_valid(value):
            raise InputError(f"{origin}: {field} is {value!r}, where {expected} is expected")
        checked[field] = value
    return checked


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_per_channel(value: Any) -> bool:
    return _is_number(value) or isinstance(value, tuple) and len(value) == 3 and all(map(_is_number, value))


def _is_scale(value: Any) -> bool:
    return _is_per_channel(value) and all(each > 0 for each in (value if isinstance(value, tuple) else (value,)))


def _is_size(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(type(n) is int and 0 < n <= 4096 for n in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_text, "a text"),
    "license": (_is_text, "a text"),
    "source": (_is_text, "a text"),
    "input_size": (_is_size, "[width, height] in pixels, up to 4096"),
    "channels": (lambda value: value in ("RGB", "BGR"), '"RGB" or "BGR"'),
    "mean": (_is_per_channel, "a number, or one for each of three channels"),
    "scale": (_is_scale, "a positive number, or one for each of three channels"),
}
