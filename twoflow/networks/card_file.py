"""Read and check the fields of a card: from a JSON file next to a network's file, or from a dict."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from .content import Content

MAX_CARD_BYTES = 2**20


def read_card_file(file: Content) -> dict[str, Any]:
    """Read and check the fields of a card file; ValueError if it is no JSON, or if `check_fields` refuses it."""
    try:
        fields = json.loads(file.data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file.path}: expected a card in JSON, got other text ({error})") from error
    return check_fields(fields, str(file.path))


def check_fields(fields: Any, origin: str) -> dict[str, Any]:
    """Check fields of a `NetworkCard` and turn lists into tuples.

    Parameters
    ----------
    fields : mapping
        Any of name, license, source, input_size, channels, mean and scale.
    origin : str
        Where the fields come from, for error messages.

    Returns
    -------
    dict of str to value

    Raises
    ------
    ValueError
        If there is an unknown field, or a value is invalid.
    """
    if not isinstance(fields, Mapping):
        raise InputError(f"{origin}: expected a table of fields, got {type(fields).__name__}")
    checked = {}
    for field, value in fields.items():
        if field not in _FIELDS:
            raise InputError(f"{origin}: expected only the fields {', '.join(_FIELDS)}, got {field!r}; remove it")
        is_valid, expected = _FIELDS[field]
        value = tuple(value) if isinstance(value, list) else value
        if not is_valid(value):
            raise InputError(f"{origin}: {field}: expected {expected}, got {value!r}")
        checked[field] = value
    return checked


def complete_fields(fields: Mapping[str, Any], model: Path, card: Path) -> dict[str, Any]:
    """Add name and source to the fields of a network in files.

    Parameters
    ----------
    fields : mapping of str to value
        The checked fields.
    model : Path
        The network's file.
    card : Path
        Its card file, which need not exist.

    Returns
    -------
    dict of str to value

    Raises
    ------
    ValueError
        If input_size, mean or scale is missing: nothing says how images enter the network.
    """
    missing = [field for field in ("input_size", "mean", "scale") if field not in fields]
    if missing:
        example = '{"input_size": [224, 224], "mean": 0, "scale": 255}'
        raise InputError(
            f"nothing says how images enter it: {', '.join(missing)} missing; write {card.name} next to it, or pass "
            f"preprocessing; for RGB values from 0 to 1 write {example}"
        )
    return {"name": model.name, "source": f"file {model.name}", **fields}


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
