"""Put fields of a card in place of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What says only how the fit of the same card is done.
_OF_FIT = ("resize_size", "pad_color")


def override(fields: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a card with those that somebody has chosen in their place.

    Parameters
    ----------
    fields : mapping of str to value
        The checked fields.
    chosen : mapping of str to value
        The checked fields that count before them. Another input_size scales resize_size alike, unless that is chosen
        too. Another fit begins anew: resize_size and pad_color of `fields` do not belong to it.

    Returns
    -------
    dict of str to value

    Examples
    --------
    >>> override({"fit": "crop", "input_size": (224, 224), "resize_size": (256, 256)}, {"input_size": (448, 448)})
    {'fit': 'crop', 'input_size': (448, 448), 'resize_size': (512, 512)}
    """
    result = dict(fields)
    if "fit" in chosen and chosen["fit"] != fields.get("fit"):
        result = {field: value for field, value in result.items() if field not in _OF_FIT}
    if "input_size" in chosen and "input_size" in fields and "resize_size" in result:
        result["resize_size"] = tuple(
            max(round(resized * new / old), new)
            for resized, new, old in zip(result["resize_size"], chosen["input_size"], fields["input_size"])
        )
    return {**result, **chosen}
