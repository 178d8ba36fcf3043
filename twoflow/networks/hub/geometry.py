"""The card's fields that say how an image of any proportions gets the input size."""

from __future__ import annotations

from typing import Any

from ...errors import InputError

Size = tuple[int, int]


def fit_fields(
    fit: str, filter: str, size: Size, resize_size: Size | None = None, pad_color: tuple[int, int, int] | None = None
) -> dict[str, Any]:
    """Return the fields of `twoflow.images.Fitting` for a card.

    Parameters
    ----------
    fit : {"stretch", "crop", "pad"}
    filter : str
    size, resize_size : (int, int)
        Width and height in pixels. `resize_size` is `size` by default.
    pad_color : (int, int, int), optional
        RGB, for "pad". By default the card's own default.

    Returns
    -------
    dict of str to value

    Raises
    ------
    ValueError
        If the image is resized to less than `size`, because the rest would be padding that no field describes.
    """
    fields: dict[str, Any] = {"input_size": size, "fit": fit, "filter": filter}
    if resize_size not in (None, size):
        assert resize_size is not None
        if resize_size[0] < size[0] or resize_size[1] < size[1]:
            raise InputError(
                f"expected images that are resized to at least {size[0]} x {size[1]} pixels, the part that is kept, "
                f"got {resize_size[0]} x {resize_size[1]}"
            )
        fields["resize_size"] = resize_size
    if pad_color is not None:
        fields["pad_color"] = pad_color
    return fields


def color_of(mean: tuple[float, float, float]) -> tuple[int, int, int]:
    """Return the color whose channels are nearest to these values from 0 to 1."""
    red, green, blue = (min(max(round(255 * value), 0), 255) for value in mean)
    return red, green, blue
