"""Whether a network's output can be used: all its values are finite."""

from __future__ import annotations

import numpy as np

from .._text import printable
from .errors import MAX_LENGTH


def is_finite(output: np.ndarray) -> bool:
    """Whether there is neither NaN nor infinity in an array of floats.

    Squares are never negative, so NaN or infinity anywhere shows in their sum, which is the fastest thing to compute.
    """
    values = output.ravel()
    with np.errstate(over="ignore", invalid="ignore"):  # finite values may have a sum of squares that is not
        total = np.dot(values, values)
    return bool(np.isfinite(total)) or bool(np.isfinite(values).all())


def describe_output(title: str, layer: str, image: str, output: np.ndarray) -> str:
    """What an error says of an output that is not finite."""
    n_nan, n_infinite = int(np.isnan(output).sum()), int(np.isinf(output).sum())
    return printable(
        f"{title}: layer {layer!r} of {image} has {n_nan} NaN and {n_infinite} infinite values of {output.size}, where "
        "finite ones are expected; check how images enter the network (mean, scale), or export it in float32",
        MAX_LENGTH,
    )
