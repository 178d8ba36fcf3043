"""Read and check the fields of a card: from a JSON file next to a network's file, or from a dict."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .._text import printable
from ..errors import InputError
from ..images import FILTERS, FITS, ROUNDINGS
from .content import Content
from .trained_on import is_digests

#: The digests of 100,000 training images take 0.8 MB.
MAX_CARD_BYTES = 2**23
#: The longest side of an image that enters a network, in pixels.
LARGEST_SIDE = 4096
#: Fields that are no part of a `NetworkCard`: they help to find the layers, where a graph alone leaves that open.
HINTS = ("prefix_tokens", "patch_size", "output", "stages", "n_classes")
#: What `complete_fields` needs, with the values of a common network.
_EXAMPLE = {"input_size": [224, 224], "mean": 0, "scale": 255}
_SHOWN = 500  # characters of a wrong value in a message
#: Of numbers in a card. Beyond, float32 may not hold what enters the network.
_LARGEST = 1e6
#: Which of the fields say how the pixels of an image become those of the input size.
FITTING = ("input_size", "fit", "filter", "resize_size", "pad_color", "rounding")
#: Which of them say how an image enters: its pixels, and the numbers that these become.
ENTRY = (*FITTING, "channels", "mean", "scale")


def read_card_file(file: Content) -> dict[str, Any]:
    """Read and check the fields of a card file; ValueError if it is no JSON, or if `check_fields` refuses it."""
    try:
        fields = json.loads(file.data, object_pairs_hook=_as_table)
    except InputError as error:
        raise InputError(f"{file.path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file.path}: expected a card in JSON, got other text ({error})") from error
    return check_fields(fields, str(file.path))


def _as_table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a table of pairs; InputError if a field is there twice. JSON would silently keep the second one."""
    fields = dict(pairs)
    for name in fields:
        if sum(name == other for other, _ in pairs) > 1:
            raise InputError(f"expected each field once, got {name!r} twice; remove one")
    return fields


def check_fields(fields: Any, origin: str) -> dict[str, Any]:
    """Check fields of a `NetworkCard` and turn lists into tuples.

    Parameters
    ----------
    fields : mapping
        Any of name, license, source, input_size, channels, mean, scale, fit, filter, resize_size, pad_color, rounding
        and trained_on, which are those of `NetworkCard`; and any of `HINTS`: prefix_tokens, how many class and register
        tokens precede those of the patches; patch_size, the side of a patch in pixels; output, the name of the output
        or layer that is the embedding; stages, the names of the layers that are its stages, from the input to the
        output; n_classes, how many classes the network's logits have.
    origin : str
        Where the fields come from, for error messages.

    Returns
    -------
    dict of str to value

    Raises
    ------
    ValueError
        If there is an unknown field, a value is invalid, or two fields contradict each other.
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
            raise InputError(f"{origin}: {field}: expected {expected}, got {printable(repr(value), _SHOWN)}")
        checked[field] = value
    if "pad_color" in checked and checked.get("fit", "pad") != "pad":
        raise InputError(
            f'{origin}: expected fit "pad" with a pad_color, got "{checked["fit"]}"; leave one of the two out'
        )
    return checked


def check_sizes(fields: Mapping[str, Any]) -> None:
    """Raise ValueError if an image is resized to less than the input size, and nothing says that it is padded.

    Also if "area" is to cut something off.

    Parameters
    ----------
    fields : mapping of str to value
        The checked fields from all places together.
    """
    size = fields["input_size"]
    if fields.get("fit") == "area":
        if "resize_size" in fields:
            raise InputError('expected no resize_size with fit "area", which cuts nothing off; leave it out')
        return
    resized = fields.get("resize_size") or size
    if fields.get("fit", "stretch") != "pad" and any(have < want for have, want in zip(resized, size)):
        raise InputError(
            f"expected a resize_size of at least {size[0]} x {size[1]}, the input_size, got "
            f'{resized[0]} x {resized[1]}; set resize_size to [{size[0]}, {size[1]}], or fit to "pad"'
        )


def split_hints(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split checked fields into those of a `NetworkCard` and the hints."""
    card = {field: value for field, value in fields.items() if field not in HINTS}
    return card, {field: value for field, value in fields.items() if field in HINTS}


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
        If input_size, mean or scale is missing: nothing says how images enter the network. If resize_size is smaller
        than input_size, and the image is not padded. If the fit is "area", because its files say one input size only.
    """
    missing = [field for field in _EXAMPLE if field not in fields]
    if missing:
        example = json.dumps({field: _EXAMPLE[field] for field in missing})
        raise InputError(
            f"nothing says how images enter it: {', '.join(missing)} missing; write {card.name} next to it, or pass "
            f"preprocessing, such as {example}{' for RGB values from 0 to 1' if 'scale' in missing else ''}"
        )
    check_sizes(fields)
    if fields.get("fit") == "area":
        raise InputError(
            'expected fit "stretch", "crop" or "pad" of a network in files, got "area", for which a network must take '
            "images of different sizes; only the named EfficientNet-Lite networks are known to"
        )
    return {"name": model.name, "source": f"file {model.name}", **fields}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _is_per_channel(value: Any) -> bool:
    return _is_number(value) or isinstance(value, tuple) and len(value) == 3 and all(map(_is_number, value))


def _is_scale(value: Any) -> bool:
    each = value if isinstance(value, tuple) else (value,)
    return _is_per_channel(value) and all(number >= 1 / _LARGEST for number in each)


def _is_size(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(type(n) is int and 0 < n <= LARGEST_SIDE for n in value)


def _is_color(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and all(type(n) is int and 0 <= n <= 255 for n in value)


def _is_count(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _one_of(choices: Sequence[str]) -> tuple[Callable[[Any], bool], str]:
    return lambda value: isinstance(value, str) and value in choices, f"one of {', '.join(choices)}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and all(map(_is_text, value)) and len({*value}) == len(value)


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_text, "a text"),
    "license": (_is_text, "a text"),
    "source": (_is_text, "a text"),
    "input_size": (_is_size, f"[width, height] in pixels, up to {LARGEST_SIDE}"),
    "channels": (lambda value: value in ("RGB", "BGR"), '"RGB" or "BGR"'),
    "mean": (_is_per_channel, "a number up to 1e6, or one for each of three channels"),
    "scale": (_is_scale, "a number from 1e-6 to 1e6, or one for each of three channels"),
    "fit": _one_of(FITS),
    "filter": _one_of(FILTERS),
    "resize_size": (_is_size, f"[width, height] in pixels, up to {LARGEST_SIDE}"),
    "pad_color": (_is_color, "[red, green, blue], three integers from 0 to 255"),
    "rounding": _one_of(ROUNDINGS),
    "prefix_tokens": (_is_count(0, 4096), "an integer from 0 to 4096"),
    "patch_size": (_is_count(1, 4096), "an integer from 1 to 4096"),
    "output": (_is_text, "a text"),
    "stages": (_is_texts, "a list of different texts"),
    "n_classes": (_is_count(1, 2**31), "a positive integer"),
    "trained_on": (is_digests, "the digests of images, as twoflow writes them"),
}
